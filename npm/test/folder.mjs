// A reader's folder with the package installed, as `npm install` leaves it, and an account at Cloudflare.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { template } from '../src/template.mjs';
import { Cloudflare } from './cloudflare.mjs';

export const ROOT = join(import.meta.dirname, '..', '..');

/** A worker that needs no building. */
const WORKER = `import { DurableObject } from 'cloudflare:workers';
export class AccountGuard extends DurableObject {}
export class UserSessions extends DurableObject {}
export default { fetch: (request, env) => new Response(request.url.endsWith('/mail') ? env.MAIL : env.service_key) };`;

/** Writes the package as the release command does, with links to what npm would install with it. */
function install(folder) {
  const modules = join(folder, 'node_modules');
  const own = join(modules, 'tokenkeep');
  mkdirSync(join(own, 'worker'), { recursive: true });
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (!name.startsWith('.') && name !== 'tokenkeep') symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
  for (const name of ['npm/bin', 'npm/src', 'npm/package.json', 'migrations']) {
    cpSync(join(ROOT, name), join(own, name.replace('npm/', '')), { recursive: true });
  }
  const settings = readFileSync(join(ROOT, 'wrangler.toml'), 'utf8');
  const files = {
    'wrangler.toml': template(settings),
    'worker/index.js': WORKER,
    'public/index.html': '',
    'public/_headers': '',
  };
  mkdirSync(join(own, 'public'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(own, name), text);
}

export class Folder {
  path = mkdtempSync(join(tmpdir(), 'tokenkeep-test-'));
  #running = new Set();

  /** @param test its context: everything is gone when it ends */
  static async of(test, cloudflare = new Cloudflare()) {
    const folder = new Folder();
    install(folder.path);
    folder.cloudflare = await cloudflare.start();
    test.after(() => folder.#remove());
    return folder;
  }

  read(name) {
    return readFileSync(join(this.path, name), 'utf8');
  }

  write(name, text) {
    mkdirSync(dirname(join(this.path, name)), { recursive: true });
    writeFileSync(join(this.path, name), text);
  }

  /** Edits wrangler.toml, which it writes first where there is none. */
  edit(...changes) {
    let text = template(readFileSync(join(ROOT, 'wrangler.toml'), 'utf8'));
    for (const [old, replacement] of changes) {
      if (!text.includes(old)) throw new Error(`no ${old}`);
      text = text.replace(old, replacement);
    }
    this.write('wrangler.toml', text);
    return this;
  }

  /** Starts the command line. */
  start(...words) {
    const program = join(this.path, 'node_modules', 'tokenkeep', 'bin', 'tokenkeep.mjs');
    const child = spawn(process.execPath, [program, ...words], {
      cwd: this.path,
      uid: this.uid,
      env: {
        PATH: process.env.PATH,
        // No login of the reader's own.
        HOME: this.path,
        TMPDIR: this.path,
        CLOUDFLARE_API_BASE_URL: this.cloudflare.url,
        CLOUDFLARE_API_TOKEN: 't',
        NODE_COMPILE_CACHE: join(ROOT, 'node_modules', '.cache', 'tokenkeep'),
        ...this.env,
      },
    });
    this.#running.add(child);
    child.on('exit', () => this.#running.delete(child));
    return child;
  }

  async #remove() {
    await Promise.all([...this.#running].map((child) => child.kill() && once(child, 'exit')));
    this.cloudflare.stop();
    rmSync(this.path, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Runs the command line to its end. */
  async run(...words) {
    return this.runWith('', ...words);
  }

  async runWith(input, ...words) {
    const child = this.start(...words);
    child.stdin.on('error', () => {}).end(input);
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (part) => (text += part));
    }
    const [code] = await once(child, 'close');
    return { code, text };
  }
}
