// `npx tokenkeep`, and what `cargo xtask dev` and `deploy` run after they have built the worker.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { deploy } from './deploy.mjs';
import { dev } from './dev.mjs';
import { COMMAND, Stop } from './print.mjs';
import { putSecret } from './secret.mjs';
import { NAMES } from './secrets.mjs';

const USES = [
  [`${COMMAND} dev [--port 8787]`, 'Run the worker on this computer'],
  [`${COMMAND} deploy`, 'Put the worker on your Cloudflare account'],
  ['    --dry-run', 'Do everything but the upload; needs no account'],
  ['    --take-over', 'Take the database over from the worker that it belongs to'],
  [`${COMMAND} secret NAME`, 'Store a secret of the deployed worker, or make one'],
  ['    --yes', 'Even if that logs everyone out'],
];

const HELP = `Tokenkeep keeps the users of your app logged in.

${USES.map(([use, meaning]) => `  ${use.padEnd(35)} ${meaning}`).join('\n')}

NAME is one of ${NAMES.slice(0, 4).join(', ')},
${NAMES.slice(4, 7).join(', ')},
${NAMES.slice(7).join(', ')}.
Everything else is in wrangler.toml, and in wrangler itself: npx wrangler --help
`;

const COMMANDS = {
  dev: { run: dev, options: { port: { type: 'string', default: '8787' } } },
  deploy: {
    run: deploy,
    options: { 'dry-run': { type: 'boolean' }, 'take-over': { type: 'boolean' } },
  },
  secret: { run: putSecret, options: { yes: { type: 'boolean' } }, operand: 'NAME' },
};

/** @param {string[]} words the command line, without the program */
export async function main(words) {
  try {
    process.exitCode = await run(words);
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    console.error(`\nerror: ${error.message}`);
    process.exitCode = 1;
  }
}

async function run([name, ...words]) {
  if ([name, ...words].some((word) => word === '--help' || word === '-h') || name === 'help') {
    return print(HELP);
  }
  if (name === '--version' || name === '-v') return print(`${version()}\n`);
  if (!Object.hasOwn(COMMANDS, name ?? '')) {
    process.stderr.write(name === undefined ? HELP : `error: there is no command ${name}\n\n${HELP}`);
    return 1;
  }
  const command = COMMANDS[name];
  const { values, positionals } = parse(command, words);
  return (await command.run(values, ...positionals)) ?? 0;
}

function print(text) {
  process.stdout.write(text);
  return 0;
}

function parse({ options, operand }, words) {
  try {
    const parsed = parseArgs({ args: words, options, allowPositionals: operand !== undefined });
    if (operand && parsed.positionals.length !== 1) throw new Error(`one ${operand} is needed`);
    return parsed;
  } catch (error) {
    throw new Stop(`${error.message}. See: ${COMMAND} --help`);
  }
}

function version() {
  const file = new URL('../package.json', import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')).version;
}
