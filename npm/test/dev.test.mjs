// The worker on this computer, with the real wrangler.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';

import { Folder } from './folder.mjs';

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('in an empty folder it writes the settings and starts, and ends with its signal', async (t) => {
  const folder = await Folder.of(t);
  const port = await freePort();
  const child = folder.start('dev', '--port', String(port));
  const ended = once(child, 'exit');
  let text = '';
  await new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (part) => {
        text += part;
        if (text.includes(`\nOpen http://127.0.0.1:${port} in your browser`)) resolve();
      });
    }
    ended.then(() => reject(new Error(text)));
  });
  const key = /^service_key="(.*)"$/m.exec(folder.read('.dev.vars'))[1];
  const response = await fetch(`http://127.0.0.1:${port}/key`);
  assert.equal(await response.text(), key);
  assert.equal(statSync(join(folder.path, '.wrangler', 'state')).mode & 0o777, 0o700);
  const mail = await fetch(`http://127.0.0.1:${port}/mail`);
  assert.equal(await mail.text(), 'log');
  assert.match(text, /Bravo and your phone need `npx tokenkeep deploy`/);
  assert.doesNotMatch(text, /WARNING/);

  const second = await folder.run('dev', '--port', String(port));
  assert.equal(second.code, 1);
  assert.match(second.text, new RegExp(`port ${port} is taken`));

  child.kill('SIGTERM');
  await ended;
  await assert.rejects(fetch(`http://127.0.0.1:${port}/key`));
});

test('a folder that cannot be written is named before anything is started', async (t) => {
  const folder = await Folder.of(t);
  chmodSync(folder.path, 0o555);
  // Whoever may do everything is no test.
  if (process.getuid() === 0) folder.uid = 65534;
  const { code, text } = await folder.run('dev', '--port', String(await freePort()));
  assert.equal(code, 1);
  assert.match(text, /cannot write wrangler\.toml \(EACCES\).*use a folder of your own/);
  chmodSync(folder.path, 0o755);
});

test('a mistake is reported before anything is written or started', async (t) => {
  const folder = await Folder.of(t);
  for (const [words, message] of [
    [[], /npx tokenkeep dev/],
    [['serve'], /no command serve/],
    [['dev', '--prot', '1'], /--prot.*--help/],
    [['dev', '--port', '0'], /1 to 65535/],
    [['secret'], /one NAME is needed/],
  ]) {
    const { code, text } = await folder.run(...words);
    assert.equal(code, 1);
    assert.match(text, message);
  }
  folder.write('.dev.vars', 'service_key hunter2');
  const { code, text } = await folder.run('dev', '--port', String(await freePort()));
  assert.equal(code, 1);
  assert.match(text, /\.dev\.vars, line 1/);
  assert.doesNotMatch(text, /hunter2/);
  assert.throws(() => folder.read('wrangler.toml'), /ENOENT/);
});

test('--help and --version succeed', async (t) => {
  const folder = await Folder.of(t);
  assert.match((await folder.run('dev', '--help')).text, /--take-over/);
  assert.deepEqual(await folder.run('--version'), { code: 0, text: '0.1.0\n' });
});
