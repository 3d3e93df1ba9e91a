// Secrets: how new ones are made, which ones a worker can have, and `npx tokenkeep secret NAME`.
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline/promises';
import { text as readAll } from 'node:stream/consumers';
import { Writable } from 'node:stream';

import { secretNames } from './account.mjs';
import { COMMAND, step, Stop } from './print.mjs';
import { readSettings } from './settings.mjs';
import { output } from './wrangler.mjs';

/** The secrets that the first deployment makes. */
export const DEPLOYED = ['refresh_token_secret', 'service_key'];

export const SECRETS = [
  ...DEPLOYED,
  'access_token_secret',
  'refresh_token_secret_previous',
  'access_token_secret_previous',
];

/** As long as the output of SHA-512, and far beyond guessing. */
const SECRET_BYTES = 64;

/** What the worker takes, too (src/token/secret.rs). */
const MIN_BYTES = 32;
const DIFFERENT_CHARACTERS = 12;
const DIFFERENT_DIGITS = 8;

/** Secrets that everybody knows: of jwt.io, and of RFC 7515, appendix A.1. */
const EXAMPLES = [
  'a-string-secret-at-least-256-bits-long',
  'your-256-bit-secret',
  'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow',
];

export function newSecret() {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

/** `npx tokenkeep secret NAME`: the value comes from standard input, from a question, or is made. */
export async function putSecret({ yes }, name) {
  if (!SECRETS.includes(name)) {
    throw new Stop(`${name} is not a secret of the worker; these are: ${SECRETS.join(', ')}`);
  }
  const { worker } = readSettings();
  const existing = await secretNames(worker);
  if (!existing) {
    throw new Stop(`the worker \`${worker}\` is not online yet: \`${COMMAND} deploy\` makes its first secrets`);
  }
  if (!yes) checkReplacement(name, existing);
  const given = await ask(name);
  const value = given || made(name);
  const problem = problemOf(name, value);
  if (problem) throw new Stop(`this ${problem}. Nothing was changed`);
  await output(['secret', 'put', name], value);
  step('secret', `${name} is stored; it takes up to a minute to reach every data centre`);
  if (!given) show({ [name]: value });
}

/** A new value without the old one as a previous one ends what the old one has signed. */
function checkReplacement(name, existing) {
  if (!existing.has(name) || existing.has(`${name}_previous`)) return;
  if (name === 'service_key' || name.endsWith('_previous')) return;
  throw new Stop(
    `${name} is set, and the tokens that it has signed would no longer be valid. To change it without ` +
    `logging anyone out, store the old value and the new one as ${name}_previous first ` +
    '(docs/operating.md, "Changing a secret"). If it has leaked, run the same command with --yes',
  );
}

function made(name) {
  if (name.endsWith('_previous')) throw new Stop(`${name} holds values that were used: it cannot be made`);
  if (!process.stdout.isTTY) throw new Stop('there is no value on the standard input');
  return newSecret();
}

async function ask(name) {
  if (!process.stdin.isTTY) return (await readAll(process.stdin)).trim();
  const orMake = name.endsWith('_previous') ? '' : ', or press Enter to have one made';
  process.stdout.write(`Paste the value for ${name} (it is not shown)${orMake}: `);
  // Echoes nothing.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  const ended = new Promise((_resolve, reject) => {
    lines.on('close', () => reject(new Stop('stopped; nothing was changed')));
  });
  try {
    return (await Promise.race([lines.question(''), ended])).trim();
  } finally {
    lines.close();
    process.stdout.write('\n');
  }
}

/** What is wrong with a value, if anything. It does not contain the value. */
export function problemOf(name, value) {
  if (/^(npx|npm|cargo|wrangler|curl|node)\s/.test(value)) {
    return 'is a command, not a secret: paste the secret itself';
  }
  if (value.startsWith('{')) {
    return value.includes('"secret"')
      ? 'is the whole response of /generate_jwt_secret: paste only the text after "secret":'
      : undefined; // A JWK, which the worker checks.
  }
  const values = name.endsWith('_previous') ? value.split(/\s+/) : [value];
  return values.map(problemOfOne).find(Boolean);
}

function problemOfOne(value) {
  if (/\s/.test(value)) return 'contains spaces, and is no secret that was made for this';
  if (EXAMPLES.includes(value)) return 'is an example that everybody knows';
  if (Buffer.byteLength(value) < MIN_BYTES) return `is too short: at least ${MIN_BYTES} characters are needed`;
  const different = /^[0-9a-f]*$/i.test(value) ? DIFFERENT_DIGITS : DIFFERENT_CHARACTERS;
  if (new Set(value).size < different) return 'is too easy to guess: it has too few different characters';
  return undefined;
}

const MEANINGS = {
  refresh_token_secret:
    'signs the tokens that keep people logged in. You need it again to change it without logging everyone out.',
  service_key: 'opens and ends sessions, for a back end of yours. Never put it into your app.',
  access_token_secret: 'lets other servers of yours verify access tokens.',
};

/** Shows values that were made, once. */
export function show(secrets) {
  console.log(shown(secrets, process.stdout.isTTY));
}

/** Values are shown only to a person: what a program prints where nobody looks is often kept. */
export function shown(secrets, isTerminal) {
  if (!isTerminal) {
    return (
      `\nNew secrets were made: ${Object.keys(secrets).join(', ')}. They are not shown here, because this is ` +
      `not a terminal. To have values that you know, type \`${COMMAND} secret --yes NAME\` on your computer ` +
      'before anybody logs in.'
    );
  }
  const lines = Object.entries(secrets).map(([name, value]) => `\n  ${name} ${MEANINGS[name]}\n  ${value}`);
  return [
    '\nSave this in a password manager now: it is shown once, and Cloudflare never shows it again.',
    ...lines,
  ].join('\n');
}
