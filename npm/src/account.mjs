// What is on the reader's Cloudflare account. wrangler knows the account, so wrangler is asked.
import { step, Stop } from './print.mjs';
import { ACCOUNTS, SESSIONS } from './settings.mjs';
import { ask, capture, json, successful } from './wrangler.mjs';

/** The worker does not exist, or exists without code, as after `wrangler secret put`. */
const NOT_ONLINE = /\[code: 10007\]|\[code: 10090\]|has no deployments|Worker ".*" not found/;

/** The names of a worker's secrets; nothing, if there is no such worker. */
export async function secretNames(worker) {
  const result = await capture(['secret', 'list', '--name', worker, '--format', 'json']);
  if (result.code !== 0 && NOT_ONLINE.test(result.all)) return undefined;
  return new Set(json(successful(result)).map(({ name }) => name));
}

/**
 * The namespace and the database of the worker that is online; nothing, if it is not.
 *
 * Any other failure stops: a worker that could not be looked up may have sessions.
 */
export async function online(worker) {
  const status = await capture(['deployments', 'status', '--name', worker, '--json']);
  if (status.code !== 0 && NOT_ONLINE.test(status.all)) return {};
  const id = json(successful(status)).versions?.[0]?.version_id;
  if (!id) throw new Stop('the deployment has no version; run the same command again');
  const version = await ask(['versions', 'view', id, '--name', worker, '--json']);
  const bindings = version.resources?.bindings ?? [];
  const own = ({ name }) => bindings.find((binding) => binding.name === name);
  if (!own(SESSIONS) && !own(ACCOUNTS)) {
    throw new Stop(
      `this Cloudflare account has another worker called \`${worker}\`, which would be replaced: write ` +
      'another `name` into wrangler.toml, and run the same command again',
    );
  }
  const [sessions, database] = [own(SESSIONS), own(ACCOUNTS)];
  return {
    sessions: sessions?.namespace_id ?? sessions?.id,
    database: database?.database_id ?? database?.id,
  };
}

/** The id of the database with this name. */
export async function findDatabase(name) {
  const databases = await ask(['d1', 'list', '--json']);
  return databases.find((database) => database.name === name)?.uuid;
}

/** The id of the KV namespace with this title. */
export async function findNamespace(title) {
  const namespaces = await ask(['kv', 'namespace', 'list']);
  return namespaces.find((namespace) => namespace.title === title)?.id;
}

export async function createDatabase(name) {
  step('database', `creating the D1 database \`${name}\` on Cloudflare`);
  return create(['d1', 'create', name], () => findDatabase(name));
}

export async function createNamespace(title) {
  step('sessions', `creating the KV namespace \`${title}\` on Cloudflare`);
  return create(['kv', 'namespace', 'create', title], () => findNamespace(title));
}

/** What an attempt that was interrupted has made may not have been listed before. */
async function create(words, find) {
  const result = await capture(words);
  if (!/already exists/.test(result.all)) successful(result);
  return (await find()) ?? notListed();
}

function notListed() {
  throw new Stop(
    'Cloudflare does not list what was just created; wait a minute and run the same command again',
  );
}

/** Executes one statement in the database of this id, and returns its rows. */
export async function query(database, sql) {
  const answer = await ask(['d1', 'execute', database, '--remote', '--json', '--command', sql]);
  const rows = answer[0]?.results;
  if (!Array.isArray(rows)) throw new Stop("the database's answer has no rows; run the same command again");
  return rows;
}

/** Whether anybody has ever logged in with this namespace: the worker marks it then. */
export async function hasBeenUsed(namespace) {
  const words = ['kv', 'key', 'list', '--namespace-id', namespace, '--prefix', 'tokenkeep:born', '--remote'];
  return (await ask(words)).length > 0;
}
