import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';

import { button, template } from '../src/template.mjs';

const repository = readFileSync(new URL('../../wrangler.toml', import.meta.url), 'utf8');
const lines = (text) => text.split('\n').filter((line) => line && !line.startsWith('#'));

test("a maker's folder needs no Rust, and its comments name commands that work there", () => {
  assert.doesNotMatch(template(repository), /cargo|npx wrangler/);
  assert.match(template(repository), /npx tokenkeep deploy/);
});

test("the ids of somebody's stores stay behind", () => {
  const deployed = repository
    .replace('binding = "SESSIONS"\n', 'binding = "SESSIONS"\nid = "0f"\n')
    .replace('binding = "DB"\n', 'binding = "DB"\ndatabase_name = "shop-db"\ndatabase_id = "1f"\n')
    .replace(/^name/m, 'account_id = "2f"\nname');
  assert.equal(template(deployed), template(repository));
});

test('line ends of Windows make no difference', () => {
  assert.equal(template(repository.replaceAll('\n', '\r\n')), template(repository));
});

test('a setting that was renamed is noticed', () => {
  const renamed = repository.replace('directory = "public"', 'directory = "pages"');
  assert.throws(() => template(renamed), /directory/);
  assert.throws(() => template(`${repository}\n[build]\ncommand = "x"\n`), /not exactly once/);
});

test("the settings of the button's folder are current", () => {
  const file = new URL('../../deploy-button/wrangler.toml', import.meta.url);
  if (process.env.UPDATE_DOCS) writeFileSync(file, button(repository));
  const wayOut = 'to write it anew: UPDATE_DOCS=1 node --test "npm/test/*.test.mjs"';
  assert.equal(readFileSync(file, 'utf8'), button(repository), wayOut);
});

test("the button's link leads to the repository of package.json", () => {
  const file = new URL('../../deploy-button/README.md', import.meta.url);
  const packageFile = new URL('../package.json', import.meta.url);
  const [, repository] = /^git\+(.*)\.git$/.exec(JSON.parse(readFileSync(packageFile, 'utf8')).repository.url);
  const text = readFileSync(file, 'utf8');
  const linked = text.replace(/\?url=.*(?=\/tree\/main\/deploy-button\))/, `?url=${repository}`);
  if (process.env.UPDATE_DOCS) writeFileSync(file, linked);
  assert.ok(linked.includes(`?url=${repository}/tree/`));
  assert.equal(readFileSync(file, 'utf8'), linked);
});

test("the button's settings are a maker's with a name and an id for each store", () => {
  const maker = lines(template(repository));
  const added = lines(button(repository)).filter((line) => !maker.includes(line));
  assert.deepEqual(added, [
    'id = "placeholder"',
    'database_name = "tokenkeep-db"',
    'database_id = "placeholder"',
  ]);
});

test("the button's folder asks for the package of this version, and describes what its form shows", () => {
  const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
  const { dependencies, cloudflare } = JSON.parse(read('deploy-button/package.json'));
  const { version } = JSON.parse(read('npm/package.json'));
  assert.deepEqual(dependencies, { tokenkeep: version });
  const named = (text, pattern) => [...text.matchAll(pattern)].map(([, name]) => name);
  const settings = read('deploy-button/wrangler.toml');
  const expected = [
    ...named(read('deploy-button/.dev.vars.example'), /^(\w+)=/gm),
    ...named(settings, /^\[\[(?:kv_namespaces|d1_databases)\]\]\nbinding = "(\w+)"/gm),
    ...named(settings, /^\[\[durable_objects.bindings\]\]\nname = "(\w+)"/gm),
    ...named(settings.split('[vars]')[1].split('\n[')[0], /^(\w+) = /gm),
  ];
  assert.deepEqual(Object.keys(cloudflare.bindings).sort(), expected.sort());
});
