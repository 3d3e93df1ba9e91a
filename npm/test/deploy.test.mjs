// Deployments, their secrets and their failures, with the real wrangler and a stand-in for Cloudflare's API.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';

import { Cloudflare } from './cloudflare.mjs';
import { applied, deployed, NEW_SECRETS, stopped, UPLOADED } from './deployment.mjs';
import { Folder } from './folder.mjs';
import { secret as secretNamed } from '../src/secrets.mjs';

/** Every file that is left, as text. */
function leftovers(folder) {
  const files = readdirSync(folder.path, { recursive: true, withFileTypes: true });
  const own = files.filter((file) => file.isFile() && !file.parentPath.includes('node_modules'));
  return own.map((file) => readFileSync(join(file.parentPath, file.name), 'utf8')).join('\n');
}

test('the first deployment makes the stores, the tables and the secrets', async (t) => {
  const folder = await Folder.of(t);
  const text = await deployed(folder);
  assert.deepEqual(folder.cloudflare.takeChanges(), [
    'database tokenkeep-db made',
    'namespace tokenkeep-sessions made',
    ...applied('tokenkeep-db'),
    'tokenkeep-db written',
    'files: /index.html',
    UPLOADED,
    ...NEW_SECRETS,
  ]);
  assert.equal(folder.cloudflare.owner('tokenkeep-db'), 'tokenkeep');
  assert.match(folder.read('wrangler.toml'), /^id = "k-tokenkeep-sessions"$/m);
  assert.match(folder.read('wrangler.toml'), /^database_id = "d-tokenkeep-db"$/m);
  assert.match(folder.read('.gitignore'), /^\.dev\.vars\*$/m);
  assert.match(text, /Deployed: https:\/\/tokenkeep\.me\.workers\.dev/);

  // This is not a terminal, so the secrets are nowhere but at Cloudflare.
  for (const value of folder.cloudflare.secrets.get('tokenkeep').values()) {
    assert.equal(value.length, 86);
    assert.ok(!text.includes(value) && !leftovers(folder).includes(value));
  }
  assert.match(text, /not shown here/);

  await t.test('and the next one leaves the secrets alone', async () => {
    const settings = folder.read('wrangler.toml');
    await deployed(folder);
    assert.deepEqual(folder.cloudflare.takeChanges(), ['files: /index.html', UPLOADED]);
    assert.equal(folder.read('wrangler.toml'), settings);
  });
});

const UPLOAD = /^PUT .*scripts\/tokenkeep$|^POST .*versions$/;

test('a deployment whose upload is refused, or interrupted, is completed by the next', async (t) => {
  const folder = await Folder.of(t);
  folder.cloudflare.refuse(UPLOAD, 400, 10021, 'refused');
  const { code, text } = await folder.run('deploy');
  assert.equal(code, 1);
  assert.match(text, /the upload failed.*Run the same command again/);
  assert.doesNotMatch(text, /New secrets/);
  const settings = folder.read('wrangler.toml');
  folder.cloudflare.takeChanges();

  folder.cloudflare.refusals = [[UPLOAD]];
  const child = folder.start('deploy');
  while (child.exitCode === null && !folder.cloudflare.changes.includes('no answer')) await setTimeout(50);
  child.kill('SIGINT');
  const [interrupted] = await once(child, 'exit');
  assert.equal(interrupted, 1);
  assert.deepEqual(readdirSync(folder.path).filter((name) => name.startsWith('tokenkeep-')), []);
  folder.cloudflare.takeChanges();

  folder.cloudflare.refusals = [];
  await deployed(folder);
  assert.deepEqual(folder.cloudflare.takeChanges(), ['files: /index.html', UPLOADED, ...NEW_SECRETS]);
  assert.equal(folder.read('wrangler.toml'), settings);
});

test('secrets are shown even if a step after the upload fails, and stay', async (t) => {
  const folder = await Folder.of(t);
  folder.cloudflare.refuse(/scripts\/tokenkeep\/subdomain/, 500, 10013, 'An unknown error has occurred.');
  const { code, text } = await folder.run('deploy');
  assert.equal(code, 1);
  assert.match(text, /New secrets were made[\s\S]*the upload failed/);
  const secrets = new Map(folder.cloudflare.secrets.get('tokenkeep'));

  folder.cloudflare.refusals = [];
  await deployed(folder);
  assert.deepEqual(folder.cloudflare.secrets.get('tokenkeep'), secrets);
});

test('a store that an interrupted deployment has made is found, even if it was not listed yet', async (t) => {
  const cloudflare = new Cloudflare().database('tokenkeep-db').namespace('tokenkeep-sessions');
  cloudflare.lag = 2;
  // As `wrangler secret put` leaves it.
  cloudflare.secrets.set('tokenkeep', new Map([['refresh_token_secret', 'theirs']]));
  const folder = await Folder.of(t, cloudflare);
  await deployed(folder);
  assert.equal(cloudflare.takeChanges().at(-1), UPLOADED);
});

test('people who have logged in are not logged out by new secrets', async (t) => {
  const cloudflare = new Cloudflare().database('tokenkeep-db').namespace('tokenkeep-sessions', true);
  const folder = await Folder.of(t, cloudflare);
  const text = await deployed(folder);
  assert.equal(cloudflare.takeChanges().at(-1), UPLOADED);
  assert.match(text, /give it the same value again/);
});

test('several accounts, no login, and a token that may not do it: each says what to do', async (t) => {
  const folder = (await Folder.of(t)).edit();
  folder.cloudflare.accounts = ['a1', 'a2'];
  const several = await stopped(folder);
  assert.match(several, /Account a2.*a2/);
  assert.match(several, /account_id = "…"/);

  folder.cloudflare.accounts = ['a1'];
  folder.env = { CLOUDFLARE_API_TOKEN: '' };
  const login = 'You are not logged in to Cloudflare. Type `npx wrangler login`, then this command again.';
  const error = (await stopped(folder)).split('\nerror: ')[1];
  assert.equal(error, `${login} Nothing was uploaded.\n`);

  folder.env = {};
  folder.cloudflare.refuse(/d1\/database/, 403, 10000, 'Authentication error');
  assert.match(await stopped(folder), /D1.*to edit/);
});

test('what a newer version uses is shown, and the file stays as it is where nobody can agree', async (t) => {
  const folder = (await Folder.of(t)).edit(['name = "LISTS"', 'name = "OTHER"'], ['tag = "v2"', 'tag = "w2"']);
  const settings = folder.read('wrangler.toml');
  const text = await deployed(folder, '--dry-run');
  assert.match(text, /end of the file:[^]*\[\[migrations\]\]\ntag = "v2"\n[^]*\[\[ratelimits\]\]\nname = "LISTS"/);
  assert.equal(folder.read('wrangler.toml'), settings);
});

test('a dry run needs no account, and warns of what has no effect', async (t) => {
  const folder = (await Folder.of(t)).edit(['SIGN_UP =', 'SIGNUP =']);
  folder.env = { CLOUDFLARE_API_TOKEN: '' };
  const text = await deployed(folder, '--dry-run');
  assert.match(text, /env\.SESSIONS/);
  assert.match(text, /^warning: SIGNUP .*Did you mean SIGN_UP\?$/m);
  assert.deepEqual(folder.cloudflare.takeChanges(), []);
});

test('a secret is stored through the standard input, and refused where it would log people out', async (t) => {
  const folder = (await Folder.of(t)).edit();
  const secret = 'Yf0PkqP2bGmmrzsR0x8aW7nQmUQ7mX1u6Kp2c3d4';
  const put = (name, ...options) => folder.runWith(`${secret}\n`, 'secret', name, ...options);
  assert.match((await put('service_key')).text, /not online yet.*deploy/);

  folder.cloudflare.database('people').worker('tokenkeep', 'people');
  const stored = await put('service_key');
  assert.equal(stored.code, 0, stored.text);
  assert.ok(!stored.text.includes(secret) && !leftovers(folder).includes(secret));
  assert.equal(folder.cloudflare.secrets.get('tokenkeep').get('service_key'), secret);
  folder.cloudflare.takeChanges();

  const refused = await put('refresh_token_secret');
  assert.equal(refused.code, 1);
  assert.match(refused.text, /refresh_token_secret_previous first/);
  const command = await folder.runWith('npx wrangler secret put service_key', 'secret', 'service_key');
  assert.match(command.text, /is a command/);
  assert.match((await put('password')).text, /is not a secret of the worker/);
  assert.deepEqual(folder.cloudflare.takeChanges(), []);

  assert.equal((await put('refresh_token_secret', '--yes')).code, 0);

  const key = secretNamed('access_token_private_key').make();
  const stdin = `${key}\n`;
  assert.equal((await folder.runWith(stdin, 'secret', 'access_token_private_key')).code, 0);
  assert.equal(folder.cloudflare.secrets.get('tokenkeep').get('access_token_private_key'), key);
});
