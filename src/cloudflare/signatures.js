// Signatures by WebCrypto. A key is imported once for each isolate; what it belongs to is its name,
// so a secret that is stored anew in another form needs no other import. (Promises are not kept: one
// of another request cannot be waited for.)

const ALGORITHMS = {
  ES256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
};
const encoder = new TextEncoder();
const imported = new Map();

async function keyOf(id, algorithm, key, use) {
  const name = `${use} ${id}`;
  if (!imported.has(name)) {
    const isJwk = typeof key === "string";
    imported.set(name, await crypto.subtle.importKey(isJwk ? "jwk" : "pkcs8", isJwk ? JSON.parse(key) : key, algorithm, false, [use]));
  }
  return imported.get(name);
}

export async function sign(id, algorithm, key, content) {
  algorithm = ALGORITHMS[algorithm];
  const bytes = encoder.encode(content);
  return new Uint8Array(await crypto.subtle.sign(algorithm, await keyOf(id, algorithm, key, "sign"), bytes));
}

export async function verify(id, algorithm, jwk, content, signature) {
  algorithm = ALGORITHMS[algorithm];
  // A view of Rust's memory is not there any more after a wait.
  const [bytes, copy] = [encoder.encode(content), signature.slice()];
  return crypto.subtle.verify(algorithm, await keyOf(id, algorithm, jwk, "verify"), copy, bytes);
}
