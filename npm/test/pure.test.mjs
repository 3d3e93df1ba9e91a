// What can be shown without wrangler.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { parseTOML, getStaticTOMLValue } from 'toml-eslint-parser';

import { check } from '../src/database.mjs';
import { secretsToMake, urlOf } from '../src/deploy.mjs';
import { checkPortIsFree } from '../src/dev.mjs';
import { cannotWrite, keepStatePrivate, prepareFolder } from '../src/files.mjs';
import { KNOWN, nearest } from '../src/known.mjs';
import { DEPLOYED, readValue, shown } from '../src/secret.mjs';
import { NAMES, newSecret, problemOf, secret } from '../src/secrets.mjs';
import { ACCOUNTS, SESSIONS, Settings, withId } from '../src/settings.mjs';
import { template } from '../src/template.mjs';
import { completeSettings, missingSections } from '../src/upgrade.mjs';
import { ensureVars, namesIn } from '../src/vars.mjs';
import { json, wayOut } from '../src/wrangler.mjs';

const ROOT = join(import.meta.dirname, '..', '..');
const repository = (name) => readFileSync(join(ROOT, name), 'utf8');
const SETTINGS = repository('wrangler.toml');

/** Runs in an empty folder. */
function inFolder(action) {
  const before = process.cwd();
  const folder = mkdtempSync(join(tmpdir(), 'tokenkeep-test-'));
  process.chdir(folder);
  const leave = () => {
    process.chdir(before);
    rmSync(folder, { recursive: true });
  };
  try {
    const result = action();
    if (result instanceof Promise) return result.finally(leave);
    leave();
    return result;
  } catch (error) {
    leave();
    throw error;
  }
}

test('the package has the versions of the repository', () => {
  const own = JSON.parse(repository('npm/package.json'));
  const root = JSON.parse(repository('package.json'));
  for (const [name, version] of Object.entries(own.dependencies)) {
    assert.equal(version, root.devDependencies[name], name);
  }
  assert.deepEqual(own.optionalDependencies, root.optionalDependencies);
  assert.equal(own.version, /^version = "(.*)"$/m.exec(repository('Cargo.toml'))[1]);
});

test("the package's wrangler.toml is the repository's, but for where the worker is", () => {
  const made = getStaticTOMLValue(parseTOML(template(SETTINGS)));
  const { build, account_id, ...wanted } = getStaticTOMLValue(parseTOML(SETTINGS));
  assert.match(build.command, /cargo/);
  Object.assign(wanted, {
    main: 'node_modules/tokenkeep/worker/index.js',
    no_bundle: true,
    rules: [{ type: 'CompiledWasm', globs: ['**/*.wasm'], fallthrough: false }],
  });
  // A checkout that was deployed has ids of its own.
  delete wanted.kv_namespaces[0].id;
  delete wanted.d1_databases[0].database_id;
  wanted.assets.directory = 'node_modules/tokenkeep/public';
  wanted.d1_databases[0].migrations_dir = 'node_modules/tokenkeep/migrations';
  assert.deepEqual(made, wanted);
  assert.doesNotMatch(template(SETTINGS), /cargo/);
  assert.throws(() => template('name = "tokenkeep"'), /not exactly once/);
});

function pinned(text) {
  for (const binding of [SESSIONS, ACCOUNTS, SESSIONS, ACCOUNTS]) {
    text = withId(text, parseTOML(text), binding, binding === SESSIONS ? 'k' : 'd');
  }
  return text;
}

test('ids are pinned once, and nothing else in the file changes', () => {
  const text = pinned(SETTINGS);
  const isPin = (line) => ['id = "k"', 'database_id = "d"'].includes(line);
  const lines = text.split('\n');
  assert.equal(lines.filter(isPin).length, 2);
  assert.equal(lines.filter((line) => !isPin(line)).join('\n'), SETTINGS);
  const settings = new Settings(text);
  assert.deepEqual([settings.id(SESSIONS), settings.id(ACCOUNTS)], ['k', 'd']);
});

test('the right one of several bindings is pinned, in any spelling', () => {
  for (const end of ['\n', '\r\n', '']) {
    const text =
      'kv_namespaces = [{ binding = "CACHE", id = "c" }, { binding = "SESSIONS", id = "" }]\n' +
      `[[d1_databases]]\nbinding = "SHOP" # theirs\n[[d1_databases]]\nbinding = "DB" # ours${end}`;
    const pin = `# ours${end || '\n'}database_id = "d"`;
    for (const none of ['id = ""', 'id = "placeholder"']) {
      const unpinned = text.replace('id = ""', none);
      assert.equal(pinned(unpinned), unpinned.replace(none, 'id = "k"').replace('# ours', pin));
    }
  }
  const short = 'kv_namespaces = [{ binding = "SESSIONS" }]\nd1_databases = [{ binding = "DB" }]\n';
  assert.equal(pinned(short), short.replace('S" }', 'S", id = "k" }').replace('B" }', 'B", database_id = "d" }'));
});

test('the database is named after the worker, unless it has a name', () => {
  const text = 'name = "shop"\n[[kv_namespaces]]\nbinding = "SESSIONS"\n[[d1_databases]]\nbinding = "DB"\n';
  assert.equal(new Settings(text).databaseName, 'shop-db');
  assert.equal(new Settings(`${text}database_name = "people"`).databaseName, 'people');
  assert.equal(new Settings(text).namespaceTitle, 'shop-sessions');
});

test('a wrangler.toml that is broken, or of another worker, is refused with the place', () => {
  assert.throws(() => new Settings('name = "shop"\nx = !'), /line 2/);
  assert.throws(() => new Settings(`${SETTINGS}[vars] # mine\nMAIL = "log"\n`), ({ message }) => {
    const number = SETTINGS.split('\n').length;
    assert.ok(message.startsWith(`wrangler.toml, line ${number}, is not valid TOML: `), message);
    assert.ok(message.endsWith('. A section such as [vars] may be there only once: move its lines into the first one'), message);
    return true;
  });
  assert.throws(() => new Settings('name = "shop"\nname = "x"'), ({ message }) => !message.includes('section'));
  assert.throws(() => new Settings('name = "shop"'), /\[\[kv_namespaces\]\].*missing/);
});

test("a domain of the worker's own is seen in its settings", () => {
  assert.equal(new Settings(SETTINGS).hasRoute, false);
  for (const line of ['routes = ["a.example"]', 'route = "a.example/*"', '[[routes]]\npattern = "a.example"']) {
    const text = line.startsWith('[') ? `${SETTINGS}\n${line}` : `${line}\n${SETTINGS}`;
    assert.equal(new Settings(text).hasRoute, true);
  }
});

test('a missing .dev.vars is written with two different long secrets, for its owner only', () => {
  inFolder(() => {
    ensureVars();
    const text = readFileSync('.dev.vars', 'utf8');
    const values = [...text.matchAll(/^(\w+)="([\w-]{86})"$/gm)];
    assert.deepEqual(values.map(([, name]) => name), ['refresh_token_secret', 'service_key']);
    assert.notEqual(values[0][2], values[1][2]);
    assert.equal(statSync('.dev.vars').mode & 0o777, 0o600);
    ensureVars();
    assert.equal(readFileSync('.dev.vars', 'utf8'), text);
  });
});

test('what is in a .dev.vars stays, and what is missing is added at its end', () => {
  for (const [text, added] of [
    ['', ['refresh_token_secret', 'service_key']],
    ['service_key=mine', ['refresh_token_secret']],
    ['# service_key=x\r\nrefresh_token_secret = "y"\r\n', ['service_key']],
    ['export refresh_token_secret=a\nservice_key: b', []],
    ['OTHER="two\nlines=1\n"\nservice_key=""\nrefresh_token_secret=\'a\'', []],
  ]) {
    inFolder(() => {
      writeFileSync('.dev.vars', text);
      ensureVars();
      const after = readFileSync('.dev.vars', 'utf8');
      assert.ok(after.startsWith(text));
      const rest = after.slice(text.length).split('\n').filter(Boolean);
      assert.deepEqual(rest.map((line) => line.split('=')[0]), added);
      assert.ok(DEPLOYED.every((name) => namesIn(after).has(name)));
    });
  }
});

test('a broken line of .dev.vars is named by its number only, and the file stays as it is', () => {
  for (const [text, line] of [
    ['# a\nservice_key hunter2\n', 2],
    ['service_key="hunter2\n', 1],
    ['a=1\n\n="hunter2"', 3],
  ]) {
    inFolder(() => {
      writeFileSync('.dev.vars', text);
      assert.throws(ensureVars, ({ message }) => {
        assert.match(message, new RegExp(`line ${line} `));
        assert.doesNotMatch(message, /hunter2/);
        return true;
      });
      assert.equal(readFileSync('.dev.vars', 'utf8'), text);
    });
  }
});

test('a missing quotation mark does not swallow the next lines of .dev.vars', () => {
  const key = secret('access_token_private_key').make();
  const open = '# mine\n\nrefresh_token_secret="hunter2';
  for (const [text, line, name, swallowed] of [
    [`${open}\nservice_key="hunter3"\n`, 3, 'refresh_token_secret'],
    [`${open}\nservice_key='hunter3'\r\nMAIL="log"\n`, 3, 'refresh_token_secret'],
    [`${open}\n"\n`, 3, 'refresh_token_secret'],
    [`access_token_private_key="hunter2\n${key}"\n`, 1, 'access_token_private_key'],
    [`\naccess_token_private_key="${key}\n\nservice_key="hunter2"\n`, 2, 'access_token_private_key', 'service_key'],
    ['OTHER="hunter2\n# more\nexport service_key="hunter3"', 1, 'OTHER', 'service_key'],
  ]) {
    inFolder(() => {
      writeFileSync('.dev.vars', text);
      assert.throws(ensureVars, ({ message }) => {
        assert.ok(message.startsWith(`.dev.vars, line ${line}: the value of ${name} has no closing quotation mark`), message);
        assert.match(message, swallowed ? / before service_key in line \d+: add a " / : / on its line: add a " /);
        assert.doesNotMatch(message, /hunter/);
        return true;
      });
      assert.equal(readFileSync('.dev.vars', 'utf8'), text);
    });
  }
  const jwk = JSON.stringify({ kty: 'oct', k: newSecret() }, null, 2);
  const names = ['access_token_private_key', 'access_token_private_key_previous', 'access_token_secret'];
  const whole = `${names[0]}="${key}"\n${names[1]}="\n${key}\n"\n${names[2]}='${jwk}'\n`;
  assert.deepEqual([...namesIn(whole)], names);
});

test('only the owner can read the local database', () => {
  inFolder(() => {
    for (let time = 0; time < 2; time++) {
      keepStatePrivate();
      assert.equal(statSync(join('.wrangler', 'state')).mode & 0o777, 0o700);
    }
  });
});

test('a folder without the package, or of another worker, is left as it is', () => {
  inFolder(() => {
    assert.throws(prepareFolder, /npm install tokenkeep/);
    writeFileSync('wrangler.jsonc', '{}');
    assert.throws(prepareFolder, /wrangler\.jsonc/);
    assert.equal(existsSync('wrangler.toml'), false);
  });
});

test('what cannot be written is named, with the reason', () => {
  assert.match(cannotWrite('.dev.vars', 'EROFS'), /\.dev\.vars.*read-only/);
  assert.match(cannotWrite('.dev.vars', 'EACCES'), /a folder of your own/);
});

test('a taken port is refused and another one named', async () => {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await assert.rejects(checkPortIsFree(port), ({ message }) => {
    assert.ok(message.includes(`port ${port} is taken`) && message.includes(`--port ${port + 1}`), message);
    return true;
  });
  await new Promise((resolve) => server.close(resolve));
  await checkPortIsFree(port);
});

/** The worker's test of secrets reads the same cases. */
test('the command stores no secret that the worker refuses, and says why in the same words', () => {
  const { valid, invalid } = JSON.parse(repository('tests/secrets.json'));
  for (const value of valid) assert.equal(problemOf('refresh_token_secret', value), undefined);
  for (const [value, problem] of invalid) {
    assert.ok(problemOf('refresh_token_secret', value)?.startsWith(problem), value);
  }
});

test('a secret that is stored is no example and has no spaces; the worker checks a JWK', () => {
  const good = newSecret();
  assert.equal(problemOf('refresh_token_secret', good), undefined);
  assert.equal(problemOf('refresh_token_secret_previous', `${good} ${newSecret()}`), undefined);
  assert.equal(problemOf('access_token_secret', '{"kty":"oct","k":"…"}'), undefined);
  for (const [value, problem] of [
    [`${good} ${good}`, /spaces/],
    ['a-string-secret-at-least-256-bits-long', /example/],
  ]) {
    assert.match(problemOf('refresh_token_secret', value), problem);
  }
});

test('every secret that the worker reads can be stored, and every name that it reads is known', () => {
  const read = [...repository('src/config/settings.rs').matchAll(/= "(\w+)",$/gm)].map(([, name]) => name);
  assert.ok(read.length > DEPLOYED.length);
  assert.deepEqual(read.filter((name) => /^[a-z]/.test(name) && !NAMES.includes(name)), []);
  assert.deepEqual([...KNOWN].sort(), read.sort());
});

test('a var that is no setting, and a setting outside of [vars], are reported', () => {
  const warnings = (text) => new Settings(text).warnings;
  const uncommented = SETTINGS.replace(/^# (?=[A-Z_]+ = )/gm, '');
  assert.deepEqual(warnings(uncommented), []);
  const misplaced = (section) => `SIGN_UP is ${section}: settings belong under [vars], so it has no effect.`;
  const sections = '[[ratelimits]]\nname = "X"\n';
  for (const [text, warning] of [
    [SETTINGS.replace('SIGN_UP =', 'SIGNUP ='), 'SIGNUP in wrangler.toml is no setting of Tokenkeep. Did you mean SIGN_UP?'],
    [`${SETTINGS}[env.test.vars]\nSesion_Store = "kv"\n`, 'Sesion_Store in wrangler.toml is no setting of Tokenkeep. Did you mean SESSION_STORE?'],
    [SETTINGS.replace('SIGN_UP =', 'OURS ='), 'OURS in wrangler.toml is no setting of Tokenkeep. docs/settings.md lists them all.'],
    [
      SETTINGS.replace('SIGN_UP =', 'SERVICE_KEY ='),
      'SERVICE_KEY in wrangler.toml is no setting of Tokenkeep. Did you mean the secret service_key? ' +
      'Store it with `npx tokenkeep secret service_key`.',
    ],
    [`${SETTINGS}SIGN_UP = "off"`, misplaced('in the section [observability.logs]')],
    [`${SETTINGS}${sections}SIGN_UP = "off"`, misplaced('in the section [[ratelimits]]')],
    [`${SETTINGS}[env.test]\nSIGN_UP = "off"`, misplaced('in the section [env.test]')],
    [`SIGN_UP = "off"\n${SETTINGS}`, misplaced('above all sections')],
    [`${SETTINGS}SIGNUP = "off"`, `${misplaced('in the section [observability.logs]').replace('_', '')} Did you mean SIGN_UP?`],
  ]) {
    assert.deepEqual(warnings(text), [warning]);
  }
});

test('the nearest name differs in a quarter of its letters at most', () => {
  for (const [name, near] of [
    ['sign-up', 'SIGN_UP'],
    ['EMAIL', 'MAIL'],
    ['SIGN_UPS_PER_HOURS', 'SIGN_UPS_PER_HOUR'],
    ['ACESS_TOKEN_SECOND', 'ACCESS_TOKEN_SECONDS'],
    ['SIGN_IN', undefined],
    ['X', undefined],
  ]) {
    assert.equal(nearest(name, KNOWN), near);
  }
});

test('a key of a service is what it gives, on one line', () => {
  assert.equal(problemOf('resend_api_key', 're_1'), undefined);
  assert.match(problemOf('postmark_token', 'one two'), /space/);
  assert.match(problemOf('brevo_api_key', 'kéy'), /character/);
});

test('a private key is one, whole, in the form that the worker reads', async () => {
  const [name, previous] = ['access_token_private_key', 'access_token_private_key_previous'];
  const key = secret(name).make();
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'pem' }).trim();
  const jwk = JSON.stringify(createPrivateKey(key).export({ format: 'jwk' }), null, 2);
  const oneLine = key.replaceAll('\n', '\\n');
  for (const good of [key, jwk, oneLine]) assert.equal(problemOf(name, good), undefined);
  for (const good of [key, publicKey, `${publicKey}\n${oneLine} ${jwk}`]) assert.equal(problemOf(previous, good), undefined);
  for (const [value, problem] of [
    [publicKey, /public/],
    [key.split('\n').slice(0, -1).join('\n'), /cut off/],
    [key.replaceAll(' PRIVATE', ' EC PRIVATE'), /openssl/],
    [newSecret(), /no key/],
    [jwk.slice(0, -1), /JSON/],
  ]) {
    assert.match(problemOf(name, value), problem);
  }
  // As somebody pastes it.
  for (const text of [key, jwk, newSecret(), '']) {
    assert.equal(await readValue(Readable.from(text.split('\n'))), text);
  }
  await assert.rejects(readValue(Readable.from(key.split('\n').slice(0, 2))), /nothing was changed/);
});

test('only a worker that nobody has used gets secrets, and only those that it lacks', () => {
  for (const [existing, isUsed, made] of [
    [[], false, ['refresh_token_secret', 'service_key']],
    [['service_key'], false, ['refresh_token_secret']],
    [['refresh_token_secret'], false, []],
    [['refresh_token_secret'], true, []],
    [[], true, undefined],
    [['service_key'], true, undefined],
  ]) {
    assert.deepEqual(secretsToMake(new Set(existing), isUsed), made);
  }
});

test('new secrets are shown on a terminal only', () => {
  const secrets = { refresh_token_secret: newSecret(), service_key: newSecret() };
  const [onTerminal, elsewhere] = [shown(secrets, true), shown(secrets, undefined)];
  for (const [name, value] of Object.entries(secrets)) {
    assert.ok(onTerminal.includes(`${name} `) && onTerminal.includes(value));
    assert.ok(elsewhere.includes(name) && !elsewhere.includes(value));
  }
  assert.match(onTerminal, /password manager/);
});

test('a database is used by its owner, and with the sessions of its users', () => {
  for (const [owner, needsTakeOver] of [[undefined, false], ['shop', false], ['x', true]]) {
    for (const takeOver of [false, true]) {
      const uses = (hasUsers, hasSessions) => () => check('shop', { owner, hasUsers }, hasSessions, takeOver);
      const expectation = takeOver || !needsTakeOver ? assert.doesNotThrow : assert.throws;
      expectation(uses(false, false));
      expectation(uses(true, true));
      assert.throws(uses(true, false));
    }
  }
});

test('a line below a section that belongs above all of them is named, with the way out', () => {
  for (const [line, section] of [
    ['account_id = "0f"', '[observability.logs]'],
    ['routes = [{ pattern = "auth.example.com", custom_domain = true }]', '[observability.logs]'],
  ]) {
    assert.throws(() => new Settings(`${SETTINGS}${line}\n`), ({ message }) => {
      const number = SETTINGS.split('\n').length;
      assert.ok(message.includes(`line ${number}: \`${line.split(' ')[0]}\` is below ${section}`), message);
      return /Move the line up/.test(message);
    });
  }
  assert.throws(() => new Settings(SETTINGS.replace('[vars]', '[vars]\naccount_id = "0f"')), /below \[vars\]/);
  assert.throws(() => new Settings(SETTINGS.replace('tag = "v1"', 'tag = "v1"\nroute = "x"')), /below \[\[migrations\]\]/);
  assert.doesNotThrow(() => new Settings(`${SETTINGS}\n[env.staging]\naccount_id = "0f"\n`));
  assert.doesNotThrow(() => new Settings(SETTINGS.replace('# account_id', 'account_id')));
});

test('what an earlier wrangler.toml lacks is found, with its comment, and completes it', () => {
  const current = template(SETTINGS);
  assert.deepEqual(missingSections(current, current), []);
  const lines = (text) => text.split('\n').filter(Boolean).sort();
  for (const dropped of [/^# The sessions of each user[^]*?"USER_SESSIONS"\n.*\n/m, /^.*\n.*tag = "v2"\n.*\n/m, /^# The same for lists[^]*?simple.*\n/m]) {
    const earlier = current.replace(dropped, '');
    assert.notEqual(earlier, current);
    const missing = missingSections(earlier, current);
    assert.equal(missing.length, 1);
    const completed = `${earlier}\n${missing.join('\n\n')}\n`;
    assert.deepEqual(lines(completed), lines(current));
    const [a, b] = [completed, current].map((text) => getStaticTOMLValue(parseTOML(text)));
    assert.deepEqual(a, b);
    // As a comment, it is left out on purpose.
    const asComment = missing[0].replaceAll(/^(?!#)/gm, '# ');
    assert.deepEqual(missingSections(`${earlier}\n${asComment}\n`, current), []);
  }
});

test('a file is completed only if its owner agrees', async () => {
  const earlier = template(SETTINGS).replace(/^\[\[ratelimits\]\]\nname = "LISTS"\n(.+\n)*/m, '');
  for (const answer of [false, true]) {
    await inFolder(async () => {
      writeFileSync('wrangler.toml', earlier);
      // The checkout has no template but its own file.
      await completeSettings(() => answer, template(SETTINGS));
      const after = readFileSync('wrangler.toml', 'utf8');
      assert.ok(after.startsWith(earlier));
      assert.equal(after.includes('"LISTS"'), answer);
    });
  }
});

test("wrangler's answer is found between its notes", () => {
  assert.deepEqual(json('[WARNING] x\n[{"a": "}"}]\nbye ]'), [{ a: '}' }]);
  assert.deepEqual(json('{}'), {});
  assert.throws(() => json('nothing'), /not JSON/);
});

test('each failure of wrangler says what to do', () => {
  for (const [text, way] of [
    ['More than one account available but unable to select one', /account_id/],
    ['Authentication error [code: 10000]', /permissions/],
    ['The database could not be found [code: 7404]', /does not exist/],
    ['something else', /cloudflarestatus/],
  ]) {
    assert.match(wayOut(text), way);
    assert.match(wayOut(text), /run the same command again/);
  }
  for (const text of ["it's necessary to set a CLOUDFLARE_API_TOKEN environment variable", 'You are not authenticated']) {
    assert.equal(wayOut(text), 'You are not logged in to Cloudflare. Type `npx wrangler login`, then this command again');
  }
});

test("the worker's address is in wrangler's report", () => {
  const report = '{"type":"wrangler-session"}\n{"type":"deploy","targets":["a.example","https://b.example"]}\n';
  assert.equal(urlOf(report), 'https://b.example');
  assert.match(urlOf(undefined), /above/);
});

test('an old Node.js gets a message', () => {
  const program = join(ROOT, 'npm/bin/tokenkeep.mjs');
  const old = "Object.defineProperty(process.versions, 'node', { value: '18.20.0' });";
  const words = ['--import', `data:text/javascript,${encodeURIComponent(old)}`, program, 'dev'];
  assert.throws(() => execFileSync(process.execPath, words, { stdio: 'pipe' }), ({ status, stderr }) => {
    assert.equal(status, 1);
    assert.match(String(stderr), /Node\.js 20 or newer is needed, this is 18\.20\.0/);
    return true;
  });
});
