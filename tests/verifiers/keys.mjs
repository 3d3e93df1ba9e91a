// A private key for each algorithm, as PEM.
import { generateKeyPairSync } from "node:crypto";

const pem = ({ privateKey }) => privateKey.export({ type: "pkcs8", format: "pem" });
const keys = {
  ES256: pem(generateKeyPairSync("ec", { namedCurve: "P-256" })),
  RS256: pem(generateKeyPairSync("rsa", { modulusLength: 2048 })),
};
console.log(JSON.stringify(keys));
