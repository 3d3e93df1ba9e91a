// Every secret of the worker: what it is for, what its value looks like, and how a new one is made.
import { generateKeyPairSync, randomBytes } from 'node:crypto';

/** As long as the output of SHA-512, and far beyond guessing. */
const SECRET_BYTES = 64;

/** What the worker takes, too (src/token/secret.rs); both are tested with tests/secrets.json. */
const MIN_BYTES = 32;
const DIFFERENT_BYTES = 12;
const DIFFERENT_DIGITS = 8;

/** Invisible characters that are pasted along with a secret, which the worker ignores. */
const AROUND = /^[\s\p{Cf}]+|[\s\p{Cf}]+$/gu;

/** Secrets that everybody knows: of jwt.io, and of RFC 7515, appendix A.1. */
const EXAMPLES = [
  'a-string-secret-at-least-256-bits-long',
  'your-256-bit-secret',
  'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow',
];

export function newSecret() {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

/** An ES256 key as PKCS#8 PEM. */
function newPrivateKey() {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).trim();
}

/** Kinds of secrets: what is wrong with a value, and how one is made, where it can be. */
const SECRET = { problem: problemOfSecret, make: newSecret };
const EARLIER_SECRETS = {
  problem: (value) => value.split(/\s+/).map(problemOfSecret).find(Boolean),
  notMade: 'holds values that were used',
};
const API_KEY = { problem: problemOfApiKey, notMade: 'comes from the service that delivers your e-mails' };
const PRIVATE_KEY = { problem: problemOfPrivateKey, make: newPrivateKey };
const EARLIER_KEY = { problem: problemOfKeys, notMade: 'holds a key that was used' };

/** A test compares the names with src/config/settings.rs. */
const SECRETS = {
  refresh_token_secret: {
    ...SECRET,
    signs: true,
    meaning:
      'signs the tokens that keep people logged in. You need it again to change it without logging everyone out.',
  },
  service_key: {
    ...SECRET,
    meaning: 'opens and ends sessions, for a back end of yours. Never put it into your app.',
  },
  access_token_secret: {
    ...SECRET,
    signs: true,
    meaning: 'lets other servers of yours verify access tokens.',
  },
  access_token_private_key: {
    ...PRIVATE_KEY,
    signs: true,
    meaning: 'signs access tokens, which everybody can verify with the public key that the worker publishes.',
  },
  refresh_token_secret_previous: EARLIER_SECRETS,
  access_token_secret_previous: EARLIER_SECRETS,
  access_token_private_key_previous: EARLIER_KEY,
  resend_api_key: API_KEY,
  brevo_api_key: API_KEY,
  postmark_token: API_KEY,
  mail_webhook_key: {
    ...API_KEY,
    make: newSecret,
    meaning: 'is sent with each e-mail to MAIL_WEBHOOK_URL, which has to check it.',
  },
};

export const NAMES = Object.keys(SECRETS);

/** @returns a secret by its name */
export const secret = (name) => SECRETS[name];

/** What is wrong with a value, if anything. It does not contain the value. */
export function problemOf(name, value) {
  if (/^(npx|npm|cargo|wrangler|curl|node)\s/.test(value)) {
    return 'is a command, not a secret: paste the secret itself';
  }
  if (value.startsWith('{') && value.includes('"secret"')) {
    return 'is the whole response of /generate_jwt_secret: paste only the text after "secret":';
  }
  return SECRETS[name].problem(value);
}

function problemOfSecret(value) {
  // A JWK, which the worker checks.
  if (value.startsWith('{')) return undefined;
  if (/\s/.test(value)) return 'contains spaces, and is no secret that was made for this';
  if (EXAMPLES.includes(value)) return 'is an example that everybody knows';
  const bytes = Buffer.from(value.replace(AROUND, ''));
  if (bytes.length < MIN_BYTES) return `is too short: at least ${MIN_BYTES} characters are needed`;
  const different = /^[0-9a-f]*$/i.test(bytes) ? DIFFERENT_DIGITS : DIFFERENT_BYTES;
  if (new Set(bytes).size < different) return 'is too easy to guess: it has too few different characters';
  return undefined;
}

function problemOfApiKey(value) {
  if (/^[!-~]+$/.test(value)) return undefined;
  return 'has a space or a character in it that no key has: copy the key again';
}

function problemOfPrivateKey(value) {
  const { kind, problem } = read(value);
  return problem ?? (kind === 'public' ? 'is a public key: paste the private one' : undefined);
}

const KEY = /-----BEGIN [A-Z ]+-----[^]*?-----END [A-Z ]+-----|\{[^{}]*\}/g;

/** Several keys, one after the other. */
function problemOfKeys(value) {
  const rest = value.replace(KEY, '').trim();
  const keys = [...(value.match(KEY) ?? []), ...(rest ? [rest] : [])];
  return keys.map((key) => read(key).problem).find(Boolean);
}

/** What a key says of itself; the worker looks at its contents. */
function read(value) {
  if (value.startsWith('{')) return readJwk(value);
  // The setup page writes line ends out, because a terminal takes one line.
  const [, begin] = /^-----BEGIN ([A-Z ]+)-----(?:\s|\\[rn])/.exec(value) ?? [];
  if (!begin) return { problem: 'is no key: paste all of it, from -----BEGIN to the last line, or a JWK' };
  if (/. PRIVATE KEY|EC PARAMETERS/.test(begin)) {
    return { problem: 'is in another form: convert it with `openssl pkcs8 -topk8 -nocrypt -in key.pem`' };
  }
  if (!/^(PRIVATE|PUBLIC) KEY$/.test(begin)) return { problem: 'is no key, but something else in the same form' };
  if (!value.endsWith(`-----END ${begin}-----`)) {
    return { problem: 'is cut off: paste all of it, to its last line, which begins with -----END' };
  }
  return { kind: begin === 'PRIVATE KEY' ? 'private' : 'public' };
}

function readJwk(value) {
  try {
    return { kind: 'd' in JSON.parse(value) ? 'private' : 'public' };
  } catch {
    return { problem: 'begins like a JWK, but is not valid JSON: paste all of it' };
  }
}

/** Whether this is all of a value that may have several lines. */
export function isWhole(text) {
  if (text.startsWith('-----BEGIN')) return /-----END [A-Z ]+-----\s*$/.test(text);
  return !(text.startsWith('{') && readJwk(text).problem);
}
