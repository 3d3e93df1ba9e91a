// Which database and which namespace a deployment uses, with the real wrangler and a stand-in for
// Cloudflare's API.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Cloudflare } from './cloudflare.mjs';
import {
  ADA, applied, APPLIED, deployed, FULL, NEW_SECRETS, OTHERS, stopped, TABLES, USERS,
} from './deployment.mjs';
import { Folder } from './folder.mjs';

const RENAMED = ['name = "tokenkeep"', 'name = "shop"'];
const bound = (namespace, database) => [
  ['binding = "SESSIONS"', `binding = "SESSIONS"\nid = "${namespace}"`],
  ['binding = "DB"', `binding = "DB"\ndatabase_id = "${database}"`],
];

test('a worker that is online keeps its stores, and gets new tables before the upload', async (t) => {
  const cloudflare = new Cloudflare().database('people').worker('tokenkeep', 'people', ['service_key']);
  const folder = await Folder.of(t, cloudflare);
  await deployed(folder);
  assert.deepEqual(folder.cloudflare.takeChanges(), [
    ...applied('people'),
    'people written',
    'files: /index.html',
    'tokenkeep uploaded with k-online and d-people',
    NEW_SECRETS[0],
  ]);
  assert.equal(cloudflare.secrets.get('tokenkeep').get('service_key'), 'theirs');
  assert.match(folder.read('wrangler.toml'), /^id = "k-online"$/m);
});

test('a worker that cannot be looked up does not get new stores', async (t) => {
  const folder = await Folder.of(t);
  folder.edit().cloudflare.refuse(/workers\/scripts\/tokenkeep/, 500, 10013, 'An unknown error has occurred.');
  await stopped(folder);
});

test('a half-applied migration stops the deployment before the upload, and says the way out', async (t) => {
  const cloudflare = new Cloudflare().database('people', USERS).worker('tokenkeep', 'people');
  const folder = (await Folder.of(t, cloudflare)).edit(...bound('k-online', 'd-people'));
  const text = await stopped(folder);
  assert.match(text, /table users already exists/);
  assert.match(text, /npx wrangler deploy.*\/health/);

  // As the worker does it.
  cloudflare.databases.get('people').exec(OTHERS.join('') + APPLIED);
  await deployed(folder);
  assert.equal(cloudflare.takeChanges().at(-1), 'tokenkeep uploaded with k-online and d-people');
});

test('a second app has users of its own', async (t) => {
  const cloudflare = new Cloudflare().database('tokenkeep-db', FULL);
  cloudflare.namespace('tokenkeep-sessions').worker('tokenkeep', 'tokenkeep-db');
  const folder = (await Folder.of(t, cloudflare)).edit(RENAMED);
  await deployed(folder);
  assert.equal(cloudflare.owner('shop-db'), 'shop');
  assert.equal(cloudflare.owner('tokenkeep-db'), 'tokenkeep');
  assert.ok(cloudflare.changes.includes('shop uploaded with k-shop-sessions and d-shop-db'));
});

test('a worker that shares a database gets its own by another name', async (t) => {
  const cloudflare = new Cloudflare().database('tokenkeep-db', FULL).worker('shop', 'tokenkeep-db');
  const folder = (await Folder.of(t, cloudflare)).edit(RENAMED);
  const text = await stopped(folder);
  const own = 'database_name = "shop-db"';
  assert.ok(text.includes(own), text);

  folder.edit(RENAMED, ['binding = "DB"', `binding = "DB"\n${own}`]);
  await deployed(folder);
  assert.equal(cloudflare.takeChanges().at(-1), 'shop uploaded with k-online and d-shop-db');
  assert.equal(cloudflare.owner('tokenkeep-db'), 'tokenkeep');
});

test('a database belongs to one worker until another takes it over', async (t) => {
  const cloudflare = new Cloudflare().database('tokenkeep-db', FULL).worker('tokenkeep', 'tokenkeep-db');
  const folder = await Folder.of(t, cloudflare);
  folder.edit(RENAMED, ...bound('k-online', 'd-tokenkeep-db'));
  const text = await stopped(folder);
  for (const part of ['the worker `tokenkeep`', 'delete the lines', 'npx tokenkeep deploy --take-over']) {
    assert.ok(text.includes(part), text);
  }

  await deployed(folder, '--take-over');
  assert.equal(cloudflare.owner('tokenkeep-db'), 'shop');
  assert.equal(cloudflare.takeChanges().at(-1), 'shop uploaded with k-online and d-tokenkeep-db');
});

test('a database with users does not get an empty namespace', async (t) => {
  const cloudflare = new Cloudflare().database('people', TABLES + APPLIED + ADA);
  const folder = await Folder.of(t, cloudflare);
  folder.edit(RENAMED, ['binding = "DB"', 'binding = "DB"\ndatabase_name = "people"']);
  const text = await stopped(folder);
  for (const part of ["everybody's session is lost", 'namespace list', 'shop-sessions']) {
    assert.ok(text.includes(part), text);
  }

  // As the message says.
  cloudflare.namespace('shop-sessions');
  await deployed(folder);
  assert.equal(cloudflare.takeChanges().at(-1), 'shop uploaded with k-shop-sessions and d-people');
});

test('a worker of another kind is not replaced', async (t) => {
  const cloudflare = new Cloudflare().worker('tokenkeep', 'x');
  cloudflare.workers.set('tokenkeep', []);
  const folder = (await Folder.of(t, cloudflare)).edit();
  assert.match(await stopped(folder), /another worker called `tokenkeep`.*another `name`/);
});
