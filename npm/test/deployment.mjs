// What the tests of deployments share: databases, and the two ways that a deployment ends.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { ROOT } from './folder.mjs';

const migrations = readdirSync(join(ROOT, 'migrations')).sort();
export const [USERS, ...OTHERS] = migrations.map((name) => readFileSync(join(ROOT, 'migrations', name), 'utf8'));
export const TABLES = [USERS, ...OTHERS].join('');
export const ADA = "INSERT INTO users (id, email, password_hash, created_at) VALUES ('1', 'ada@example.com', 'h', 1);";
const OWNED = "INSERT INTO meta VALUES ('worker', 'tokenkeep');";
export const APPLIED = `CREATE TABLE IF NOT EXISTS d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL);
  ${migrations.map((name) => `INSERT INTO d1_migrations (name) VALUES ('${name}');`).join('\n')}`;
export const FULL = `${TABLES}${APPLIED}${ADA}${OWNED}`;

export const applied = (database) => migrations.map((name) => `${name} applied to ${database}`);
export const NEW_SECRETS = ['refresh_token_secret of tokenkeep set', 'service_key of tokenkeep set'];
export const UPLOADED = 'tokenkeep uploaded with k-tokenkeep-sessions and d-tokenkeep-db';

export async function deployed(folder, ...options) {
  const { code, text } = await folder.run('deploy', ...options);
  assert.equal(code, 0, text);
  return text;
}

/** Runs it, and returns why it was stopped before anything was changed. */
export async function stopped(folder) {
  const settings = folder.read('wrangler.toml');
  const { code, text } = await folder.run('deploy');
  assert.equal(code, 1, text);
  assert.match(text, /\nerror: .*\. Nothing was uploaded\.\n$/);
  assert.deepEqual(folder.cloudflare.takeChanges(), []);
  assert.equal(folder.read('wrangler.toml'), settings);
  return text;
}
