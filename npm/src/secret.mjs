// `npx tokenkeep secret NAME`, and the secrets of the first deployment.
import { createInterface } from 'node:readline';
import { text as readAll } from 'node:stream/consumers';
import { Writable } from 'node:stream';

import { secretNames } from './account.mjs';
import { COMMAND, DOCS, step, Stop } from './print.mjs';
import { isWhole, NAMES, problemOf, secret } from './secrets.mjs';
import { readSettings } from './settings.mjs';
import { output } from './wrangler.mjs';

/** The secrets that the first deployment makes. */
export const DEPLOYED = ['refresh_token_secret', 'service_key'];

/** `npx tokenkeep secret NAME`: the value comes from standard input, from a question, or is made. */
export async function putSecret({ yes }, name) {
  if (!NAMES.includes(name)) {
    throw new Stop(`${name} is not a secret of the worker; these are: ${NAMES.join(', ')}`);
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
  if (!secret(name).signs || !existing.has(name) || existing.has(`${name}_previous`)) return;
  throw new Stop(
    `${name} is set, and the tokens that it has signed would no longer be valid. To change it without ` +
    `logging anyone out, store the old value and the new one as ${name}_previous first ` +
    `(${DOCS}/operating.md, "Changing a secret"). If it has leaked, or nobody has logged in yet, run the ` +
    'same command with --yes',
  );
}

function made(name) {
  const { make, notMade } = secret(name);
  if (!make) throw new Stop(`there is no value: ${name} ${notMade}, and cannot be made`);
  if (!process.stdout.isTTY) throw new Stop('there is no value on the standard input');
  return make();
}

async function ask(name) {
  if (!process.stdin.isTTY) return (await readAll(process.stdin)).trim();
  const orMake = secret(name).make ? ', or press Enter to have one made' : '';
  process.stdout.write(`Paste the value for ${name} (it is not shown)${orMake}: `);
  // Echoes nothing.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  try {
    return await readValue(lines);
  } finally {
    lines.close();
    process.stdout.write('\n');
  }
}

/** A value that is pasted may have several lines. */
export async function readValue(lines) {
  let text = '';
  for await (const line of lines) {
    text = `${text}\n${line}`.trim();
    if (isWhole(text)) return text;
  }
  throw new Stop('stopped; nothing was changed');
}

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
  const lines = Object.entries(secrets).map(([name, value]) => `\n  ${name} ${secret(name).meaning}\n  ${value}`);
  return [
    '\nSave this in a password manager now: it is shown once, and Cloudflare never shows it again.',
    ...lines,
  ].join('\n');
}
