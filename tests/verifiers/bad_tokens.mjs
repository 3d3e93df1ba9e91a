// Bad copies of a good access token: signed with its own key where no verifier may take them even so.
import { createHmac, createPublicKey, generateKeyPairSync, randomBytes, sign } from "node:crypto";

const { TOKEN, ALGORITHM, KEY } = process.env;
const [head, body, signature] = TOKEN.split(".");
const read = (part) => JSON.parse(Buffer.from(part, "base64url"));
const write = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const header = read(head);
const claims = read(body);

const signers = {
  HS256: (text, key) => createHmac("sha256", key).update(text).digest(),
  ES256: (text, key) => sign("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" }),
  RS256: (text, key) => sign("sha256", Buffer.from(text), key),
};
const strangers = {
  HS256: () => randomBytes(32),
  ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey,
  RS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey,
};

function token(changes, key = KEY, alg = ALGORITHM) {
  const text = `${write({ ...header, alg })}.${write({ ...claims, ...changes })}`;
  return `${text}.${signers[alg](text, key).toString("base64url")}`;
}

const now = Math.floor(Date.now() / 1000);
const tokens = {
  expired: token({ iat: now - 3720, exp: now - 120 }),
  foreign: token({}, strangers[ALGORITHM]()),
  changed: `${head}.${write({ ...claims, sub: "somebody-else" })}.${signature}`,
  unsigned: `${write({ ...header, alg: "none" })}.${body}.`,
  "of another issuer": token({ iss: "https://another.example" }),
  "for another audience": token({ aud: "https://another.example" }),
};
if (ALGORITHM !== "HS256") {
  const pem = createPublicKey(KEY).export({ type: "spki", format: "pem" });
  tokens["signed with the public key as a secret"] = token({}, pem, "HS256");
}
// That this makes tokens as Tokenkeep does.
console.log(JSON.stringify({ good: token({ jti: "another" }), bad: tokens }));
