// The files that this program writes into the reader's folder.
import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { COMMAND, step, Stop } from './print.mjs';

const MAIN = join('node_modules', 'tokenkeep', 'worker', 'index.js');
const TEMPLATE = new URL('../wrangler.toml', import.meta.url);
const IGNORED = ['node_modules', '.wrangler', '.dev.vars*', '.env*'];

/** Writes wrangler.toml and .gitignore into a folder that has no wrangler.toml. */
export function prepareFolder() {
  if (existsSync('wrangler.toml')) return;
  for (const name of ['wrangler.json', 'wrangler.jsonc']) {
    if (existsSync(name)) {
      throw new Stop(`this folder has another worker's ${name}: make an empty folder for this one`);
    }
  }
  if (!existsSync(MAIN)) {
    throw new Stop(
      'the package is not installed in this folder: type `npm init -y`, `npm install tokenkeep` (or the path ' +
      `of its .tgz file instead of the name) and then \`${COMMAND} dev\`. Without the first one, npm may ` +
      'have put it into a folder above this one that has a package.json',
    );
  }
  step('settings', 'wrangler.toml: writing it; every setting has a comment');
  write('wrangler.toml', template());
  ignore();
}

/** @returns {string} wrangler.toml as this version writes it; the checkout has only its own */
export function template() {
  return read(TEMPLATE) ?? read('wrangler.toml') ?? '';
}

function ignore() {
  const text = read('.gitignore') ?? '';
  const lines = new Set(text.split(/\r?\n/).map((line) => line.trim().replace(/^\/|\/$/g, '')));
  append('.gitignore', text, IGNORED.filter((line) => !lines.has(line)));
}

/** Makes the folder of the local database, and closes it to other users: it holds password hashes. */
export function keepStatePrivate() {
  const state = join('.wrangler', 'state');
  attempt(state, () => {
    mkdirSync(state, { recursive: true });
    chmodSync(state, 0o700);
  });
}

/** @returns {string | undefined} the text of a file, if there is one */
export function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw new Stop(`cannot read ${file} (${error.code})`);
  }
}

/** Writes a file; a new one is readable by its owner only, if that is wanted. */
export function write(file, text, options) {
  attempt(file, () => writeFileSync(file, text, options));
}

/** Adds lines at the end of a file, and leaves what is there as it is. */
export function append(file, text, lines) {
  if (lines.length === 0) return;
  const start = text === '' || text.endsWith('\n') ? '' : '\n';
  attempt(file, () => appendFileSync(file, `${start}${lines.join('\n')}\n`));
}

function attempt(file, action) {
  try {
    return action();
  } catch (error) {
    throw new Stop(cannotWrite(file, error.code));
  }
}

/** @returns {string} what an error of the file system means for the reader */
export function cannotWrite(file, code) {
  const reasons = {
    EACCES: 'you may not write here: use a folder of your own, or make this one writable',
    EPERM: 'you may not write here: use a folder of your own, or make this one writable',
    EROFS: 'the disk is read-only: use another folder',
    ENOSPC: 'the disk is full',
    EEXIST: 'it has just appeared: run the same command again',
  };
  return `cannot write ${file} (${code}): ${reasons[code] ?? 'see that it is an ordinary file'}`;
}
