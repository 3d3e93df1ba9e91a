// `deploy`: puts the worker on the reader's own Cloudflare account.
//
// Nothing has to be prepared there. The order is the same the first time and later: the database and
// the KV namespace, the tables, then the worker, so that new code always finds what it reads and writes;
// code that is still online meets newer tables for a moment. A worker without secrets gets them with its
// upload: there is no moment at which it runs without them.
//
// wrangler would make both stores by itself, and find them later by the name of the worker or of the
// database. That is how a renamed worker gets an empty namespace, or somebody else's users. So their ids
// are written into wrangler.toml as soon as they are known, and a database belongs to one worker.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import * as account from './account.mjs';
import * as database from './database.mjs';
import { prepareFolder, read } from './files.mjs';
import { COMMAND, step, Stop } from './print.mjs';
import { DEPLOYED, show } from './secret.mjs';
import { newSecret } from './secrets.mjs';
import { ACCOUNTS, SESSIONS } from './settings.mjs';
import { completeSettings } from './upgrade.mjs';
import { run } from './wrangler.mjs';

/** `deploy`, from the options of the command line to an exit code. */
export async function deploy(options) {
  prepareFolder();
  const settings = await completeSettings();
  if (options['dry-run']) {
    step('deploy', 'trying the upload without uploading (wrangler deploy --dry-run)');
    return run(['deploy', '--dry-run']);
  }
  const { secrets, note } = await prepare(settings, options['take-over']).catch(nothingUploaded);
  const url = await upload(settings.worker, secrets);
  if (note) console.log(`\n${note}`);
  console.log(
    `\nDeployed: ${url}\nOpen it in your browser: the page there says what is ready and what is missing, ` +
    'and has the requests for Bravo to copy.',
  );
  return 0;
}

function nothingUploaded(error) {
  if (error instanceof Stop) error.message += '. Nothing was uploaded.';
  throw error;
}

/** Looks first, then decides, and changes something only if the decision is good. */
async function prepare(settings, takeOver) {
  const { worker } = settings;
  step('account', "looking for the worker's database and sessions on Cloudflare");
  const found = await find(settings);
  const contents = found.database ? await database.contents(found.database) : { hasUsers: false };
  database.check(worker, contents, Boolean(found.sessions), takeOver);
  const secrets = await decideOnSecrets(found, contents);
  const id = await createAndPin(settings, found);
  await database.migrate();
  if (contents.owner !== worker) await database.claim(id, worker);
  return secrets;
}

/**
 * An id in wrangler.toml comes first, then a name there, then what the worker that is online has, and
 * last what is named after the worker: a deployment that failed may have made it.
 */
async function find(settings) {
  const looks = [account.online(settings.worker), account.secretNames(settings.worker)];
  // Both of them print what wrangler says of a failure, and the fix comes last.
  await Promise.allSettled(looks);
  const [online, secretNames] = await Promise.all(looks);
  if (settings.namesItsDatabase) online.database = undefined;
  return {
    secretNames: secretNames ?? new Set(),
    database:
      settings.id(ACCOUNTS) ?? online.database ?? (await account.findDatabase(settings.databaseName)),
    sessions:
      settings.id(SESSIONS) ?? online.sessions ?? (await account.findNamespace(settings.namespaceTitle)),
  };
}

/** Creates what is missing and writes each id down at once: a deployment that fails later finds it. */
async function createAndPin(settings, found) {
  const id = found.database ?? (await account.createDatabase(settings.databaseName));
  settings.pin(ACCOUNTS, id);
  settings.pin(SESSIONS, found.sessions ?? (await account.createNamespace(settings.namespaceTitle)));
  return id;
}

async function decideOnSecrets({ secretNames, sessions }, { hasUsers }) {
  const [signing] = DEPLOYED;
  const isUsed = async () => hasUsers || (sessions && (await account.hasBeenUsed(sessions)));
  const names = secretsToMake(secretNames, !secretNames.has(signing) && (await isUsed()));
  if (names) return { secrets: names.length > 0 && Object.fromEntries(names.map((name) => [name, newSecret()])) };
  return {
    note:
      `The worker has no ${signing}, but people have logged in with one: give it the same value again, ` +
      `from your password manager, with \`${COMMAND} secret ${signing}\`. If it is lost, have a new one ` +
      'made there: everyone has to log in again. Until then, nobody can.',
  };
}

/**
 * A worker that has its secret keeps it. One without gets new ones, unless somebody has logged in with
 * another before: under another name, or before the secret was deleted. New ones would log them out.
 */
export function secretsToMake(existing, isUsed) {
  if (existing.has(DEPLOYED[0])) return [];
  return isUsed ? undefined : DEPLOYED.filter((name) => !existing.has(name));
}

/** @returns {Promise<string>} the worker's URL */
async function upload(worker, secrets) {
  step('deploy', 'uploading (wrangler deploy); a new account is asked for its name at workers.dev');
  const { code, url } = await inPrivateFolder((folder) => wranglerDeploy(folder, secrets));
  // A step after the upload may have failed, and then nobody would ever see them.
  if (secrets && (code === 0 || (await haveArrived(worker, secrets)))) show(secrets);
  if (code !== 0) {
    throw new Stop(`the upload failed; the message is above. Run the same command again: \`${COMMAND} deploy\``);
  }
  return url;
}

async function wranglerDeploy(folder, secrets) {
  const words = ['deploy'];
  if (secrets) {
    // JSON: in wrangler's other format, $ means a variable.
    const file = join(folder, 'secrets.json');
    writeFileSync(file, JSON.stringify(secrets), { mode: 0o600 });
    words.push('--secrets-file', file);
  }
  const report = join(folder, 'report');
  const code = await run(words, { WRANGLER_OUTPUT_FILE_PATH: report });
  return { code, url: urlOf(read(report)) };
}

async function haveArrived(worker, secrets) {
  const names = await account.secretNames(worker).catch(() => undefined);
  return Object.keys(secrets).every((name) => names?.has(name));
}

/** A folder that only its owner can read, and that is gone afterwards whatever happens. */
async function inPrivateFolder(action) {
  const folder = mkdtempSync(join(tmpdir(), 'tokenkeep-'));
  try {
    return await action(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The worker's address in wrangler's report, which has a line of JSON for each event. */
export function urlOf(report = '') {
  const events = report.split('\n').filter(Boolean).map((line) => JSON.parse(line));
  const targets = events.find(({ type }) => type === 'deploy')?.targets ?? [];
  return targets.find((target) => target.startsWith('https://')) ?? targets[0] ?? 'at the address above';
}
