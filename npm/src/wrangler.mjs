// wrangler, Cloudflare's own tool: it runs the worker, uploads it, and knows the account.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';

import { Stop } from './print.mjs';

const require = createRequire(import.meta.url);

/** The oldest Node.js that wrangler runs on. */
const OLDEST = [22, 12];

const SYSTEM = { darwin: 'darwin', linux: 'linux', win32: 'win' }[process.platform];
const NODE_PACKAGES = [`node-${SYSTEM}-${process.arch}`, `node-bin-${SYSTEM}-${process.arch}`];

/**
 * The Node.js that came as a package, so that it is the same one on every computer; where there is
 * none for this computer, the one that runs this.
 */
function node() {
  for (const name of NODE_PACKAGES) {
    try {
      const folder = dirname(require.resolve(`${name}/package.json`));
      return join(folder, 'bin', SYSTEM === 'win' ? 'node.exe' : 'node');
    } catch {
      // Not for this computer.
    }
  }
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return process.execPath;
  throw new Stop(
    `Node.js ${OLDEST.join('.')} or newer is needed here, this is ${process.versions.node}: install the ` +
    'current LTS version from https://nodejs.org, open a new terminal and run the same command again',
  );
}

function start(words, env, stdio) {
  // wrangler's own launcher does no more than start this with this flag.
  const child = spawn(node(), ['--no-warnings', require.resolve('wrangler'), ...words], {
    stdio,
    env: {
      ...process.env,
      WRANGLER_SEND_METRICS: 'false',
      // The version is pinned; wrangler need not look for a newer one.
      WRANGLER_HIDE_BANNER: 'true',
      // Without this wrangler writes its log files to the home folder.
      WRANGLER_LOG_PATH: join('.wrangler', 'logs'),
      // Halves its start: it is a file of 15 MB.
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join('node_modules', '.cache', 'tokenkeep'),
      ...env,
    },
  });
  const ended = new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new Stop(`wrangler did not start: ${error.message}`)));
    child.on('close', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
  return { child, ended };
}

/**
 * Runs wrangler in front of the reader, whom it may ask something, unless its output is watched.
 * @param {(text: string) => void} [watch] sees what it prints, too
 * @returns {Promise<number>} its exit code
 */
export async function run(words, env = {}, watch) {
  const color = watch && process.stdout.isTTY && !process.env.NO_COLOR ? { FORCE_COLOR: '1' } : {};
  const { child, ended } = start(words, { ...color, ...env }, watch ? ['inherit', 'pipe', 'inherit'] : 'inherit');
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    process.stdout.write(text);
    watch(text);
  });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  const passOn = (signal) => {
    // A terminal sends this one to both.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  };
  for (const signal of signals) process.on(signal, passOn);
  try {
    return await ended;
  } finally {
    for (const signal of signals) process.off(signal, passOn);
  }
}

/**
 * Runs wrangler without showing it; it cannot ask anything.
 * @returns {Promise<{ code: number, out: string, all: string }>}
 */
export async function capture(words, input) {
  const { child, ended } = start(words, {}, [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe']);
  const output = { out: '', all: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output.out += text;
    output.all += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => (output.all += text));
  // If it ended early, its exit code says so.
  child.stdin?.on('error', () => {}).end(input);
  return { code: await ended, ...output };
}

/** The output of a run that has to succeed. */
export async function output(words, input) {
  return successful(await capture(words, input));
}

/** The JSON that wrangler prints; notes may stand around it. */
export async function ask(words) {
  return json(await output(words));
}

/** Shows what wrangler said, and stops with what to do about it. */
export function successful(result) {
  if (result.code === 0) return result.out;
  // What wrangler says of a missing login is about scripts and their tokens.
  if (!NO_LOGIN.test(result.all)) process.stderr.write(result.all);
  throw new Stop(wayOut(result.all));
}

const NO_LOGIN = /set a CLOUDFLARE_API_TOKEN environment variable|not logged in|not authenticated/i;

const WAYS_OUT = [
  [
    /More than one account available/,
    'you have several Cloudflare accounts: write the id of the one to use, from the list above, as the ' +
    'first line into wrangler.toml: account_id = "…"',
  ],
  [
    /\[code: (?:10000|10001|9109|7403)\]|not authorized/i,
    'Cloudflare does not allow this. If you use an API token, it needs the permissions Workers Scripts, ' +
    'Workers KV Storage and D1, each to edit, for this account; without one, type `npx wrangler login` ' +
    'again. If an id in wrangler.toml is of another account, delete its line',
  ],
  [
    /\[code: 7404\]|could not be found/,
    'an id in wrangler.toml does not exist in this Cloudflare account: delete its line, or name the right ' +
    'account, as account_id',
  ],
];

/** @returns {string} what to do about a failure of wrangler's */
export function wayOut(text) {
  if (NO_LOGIN.test(text)) {
    return 'You are not logged in to Cloudflare. Type `npx wrangler login`, then this command again';
  }
  const [, way] = WAYS_OUT.find(([sign]) => sign.test(text)) ?? [
    '',
    'Cloudflare did not answer as expected; the message is above. See https://www.cloudflarestatus.com ' +
    'if it does not say why',
  ];
  return `${way}. Then run the same command again`;
}

/** @returns {any} the first JSON in a text that starts a line */
export function json(text) {
  for (const { index } of text.matchAll(/^[[{]/gm)) {
    for (let end = text.length; end > index; end = lastBracket(text, end)) {
      try {
        return JSON.parse(text.slice(index, end));
      } catch {
        // A shorter one, perhaps.
      }
    }
  }
  throw new Stop("wrangler's answer is not JSON; run the same command again");
}

function lastBracket(text, before) {
  const inside = text.slice(0, before - 1);
  return Math.max(inside.lastIndexOf('}'), inside.lastIndexOf(']')) + 1;
}
