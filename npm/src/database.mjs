// The database of a deployment: whose it is, its tables, and whether this worker may use it.
import { query } from './account.mjs';
import { COMMAND, DOCS, step, Stop } from './print.mjs';
import { ACCOUNTS } from './settings.mjs';
import { capture, successful } from './wrangler.mjs';

/**
 * What matters of a database before it is used: the worker that it belongs to, and whether it has users.
 * Asked for tables first: a database may be empty, or older than `meta`.
 */
export async function contents(database) {
  const tables = await query(
    database,
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ('users', 'meta')",
  );
  const has = (table) => tables.some(({ name }) => name === table);
  if (tables.length === 0) return { owner: undefined, hasUsers: false };
  const owner = has('meta') ? "(SELECT value FROM meta WHERE key = 'worker')" : 'NULL';
  const users = has('users') ? 'EXISTS (SELECT 1 FROM users)' : '0';
  const [row] = await query(database, `SELECT ${owner} AS owner, ${users} AS has_users`);
  return { owner: row?.owner ?? undefined, hasUsers: row?.has_users !== 0 };
}

/** Stops if the worker may not use a database with these contents. Nothing has been changed yet. */
export function check(worker, { owner, hasUsers }, hasSessions, takeOver) {
  if (owner && owner !== worker && !takeOver) {
    throw new Stop(
      `the database belongs to the worker \`${owner}\`, and \`name\` in wrangler.toml is \`${worker}\`: two ` +
      `workers with one database share their users. If \`${worker}\` is a second app, delete the lines ` +
      `database_id (under DB) and id (under SESSIONS), write database_name = "${worker}-db" under DB and run ` +
      `the same command again. If you have renamed \`${owner}\`, keep these lines and type ` +
      `\`${COMMAND} deploy --take-over\`. ${DOCS}/operating.md, "A second app" and "Another name", has the steps`,
    );
  }
  if (hasUsers && !hasSessions) {
    throw new Stop(
      "the database has users, but there is no KV namespace with their sessions: with a new one, everybody's " +
      'session is lost. Put the id of the right namespace under SESSIONS in wrangler.toml, as id = "…" ' +
      '(npx wrangler kv namespace list). If the sessions are lost, create an empty namespace (npx wrangler kv ' +
      `namespace create ${worker}-sessions) and read ${DOCS}/operating.md, "Lost sessions". Then run the same ` +
      'command again',
    );
  }
}

/** Applies the migrations that the database has not seen. */
export async function migrate() {
  step('database', 'bringing its tables up to date (wrangler d1 migrations apply --remote)');
  const result = await capture(['d1', 'migrations', 'apply', ACCOUNTS.name, '--remote']);
  if (result.code !== 0 && /already exists|duplicate column/.test(result.all)) {
    process.stderr.write(result.all);
    throw new Stop(HALF_APPLIED);
  }
  successful(result);
}

const HALF_APPLIED =
  'a table or a column of the next migration is there already: it was made by hand, or an attempt stopped ' +
  "half-way. If the tables are Tokenkeep's, type `npx wrangler deploy` and open /health: the worker completes " +
  "its tables when they are used. If they are another program's, give this worker a database of its own, as " +
  'database_name = "…" under DB. Then run the same command again';

/** Writes down that the database belongs to this worker from now on. */
export async function claim(database, worker) {
  step('database', `noting that it belongs to \`${worker}\``);
  await query(
    database,
    `INSERT INTO meta (key, value) VALUES ('worker', '${worker.replaceAll("'", "''")}') ` +
    'ON CONFLICT (key) DO UPDATE SET value = excluded.value',
  );
}
