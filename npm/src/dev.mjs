// `dev`: the worker on this computer, in workerd, the program that Cloudflare runs itself. What it
// stores lies in .wrangler and is there again at the next start.
import { createServer } from 'node:net';

import { keepStatePrivate, prepareFolder } from './files.mjs';
import { COMMAND, step, Stop } from './print.mjs';
import { completeSettings } from './upgrade.mjs';
import { checkVars, ensureVars } from './vars.mjs';
import { run } from './wrangler.mjs';

const HOST = '127.0.0.1';
const MAIL = 'MAIL';

/** `dev`, from the options of the command line to an exit code. */
export async function dev(options) {
  const port = portOf(options.port);
  await checkPortIsFree(port);
  checkVars();
  prepareFolder();
  const settings = await completeSettings();
  const names = ensureVars();
  keepStatePrivate();
  step(
    'dev',
    `starting http://${HOST}:${port}; Ctrl-C stops it. Only this computer can reach it: Bravo and your ` +
    `phone need \`${COMMAND} deploy\``,
  );
  const words = ['dev', '--ip', HOST, '--port', String(port)];
  // Or wrangler calls the worker by the route's host over http, which the worker refuses.
  if (settings.hasRoute) words.push('--local-upstream=localhost');
  // Or nobody could try what sends an e-mail.
  if (!settings.hasVar(MAIL) && !names.has(MAIL)) words.push('--var', `${MAIL}:log`);
  // A plain log, in a terminal as well: it can be read, searched and piped.
  words.push('--show-interactive-dev-session=false');
  // Or it asks Cloudflare where this computer is, and complains when offline.
  return run(words, { CLOUDFLARE_CF_FETCH_ENABLED: 'false' }, sayWhere());
}

/** The last line of the start, after wrangler's own. */
function sayWhere() {
  let seen = '';
  return (text) => {
    if (seen === undefined) return;
    seen = (seen + text).slice(-200);
    const [, url] = /Ready on (http:\S+)/.exec(seen) ?? [];
    if (!url) return;
    seen = undefined;
    console.log(`\nOpen ${url} in your browser: the page there says whether everything is set up.\n`);
  };
}

function portOf(text) {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65535) return port;
  throw new Stop(`--port takes a number from 1 to 65535, as in \`${COMMAND} dev --port 8080\``);
}

export function checkPortIsFree(port) {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', ({ code }) => reject(new Stop(problemOf(port, code))));
    server.listen({ host: HOST, port, exclusive: true }, () => server.close(resolve));
  });
}

function problemOf(port, code) {
  if (code === 'EADDRINUSE') {
    const other = port < 65535 ? port + 1 : 8787;
    return (
      `port ${port} is taken by another program, perhaps another \`${COMMAND} dev\`: stop that one, or ` +
      `choose another port, as in \`${COMMAND} dev --port ${other}\``
    );
  }
  return `cannot listen on ${HOST}:${port} (${code}): choose another port, as in \`${COMMAND} dev --port 8080\``;
}
