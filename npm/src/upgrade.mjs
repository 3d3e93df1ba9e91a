// A wrangler.toml that an earlier version wrote lacks what later ones are bound to. It belongs to the
// reader, so what is missing is shown, and written only if they agree.
import { createInterface } from 'node:readline/promises';
import { getStaticTOMLValue, parseTOML } from 'toml-eslint-parser';

import { append, read, template } from './files.mjs';
import { step, warn } from './print.mjs';
import { readSettings } from './settings.mjs';

const FILE = 'wrangler.toml';

/** Tables of which there may be several, and the key by which each is known. */
const SECTIONS = {
  kv_namespaces: 'binding',
  d1_databases: 'binding',
  'durable_objects.bindings': 'name',
  migrations: 'tag',
  ratelimits: 'name',
};

/**
 * The settings, after what they lack was found, and added if the reader agreed. What has no effect there
 * is reported.
 */
export async function completeSettings(ask = agrees, wanted = template()) {
  // A file that is broken, or of another worker, stops here.
  readSettings();
  await complete(ask, wanted);
  const settings = readSettings();
  settings.warnings.forEach(warn);
  return settings;
}

async function complete(ask, wanted) {
  const text = read(FILE) ?? '';
  const missing = missingSections(text, wanted);
  if (missing.length === 0) return;
  step('settings', 'wrangler.toml: this version also uses what follows. These lines belong at the end of the file:');
  const lines = missing.join('\n\n');
  console.log(`\n${lines}\n`);
  if (await ask()) {
    append(FILE, text, ['', ...lines.split('\n')]);
    step('settings', 'wrangler.toml: added them; commit that file');
  } else {
    step('settings', 'wrangler.toml stays as it is. To leave a section out for good, add it with a # before each line');
  }
}

async function agrees() {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return false;
  const reader = createInterface(process.stdin, process.stdout);
  try {
    return /^y(es)?$/i.test((await reader.question('Add them now? [y/N] ')).trim());
  } finally {
    reader.close();
  }
}

/**
 * The sections of the template that a file has neither as such nor in a comment, each with the
 * comment above it.
 * @returns {string[]} their texts
 */
export function missingSections(text, wanted) {
  const existing = getStaticTOMLValue(parseTOML(text));
  const comments = text.split('\n').filter((line) => /^\s*#/.test(line)).join('\n');
  return Object.entries(SECTIONS).flatMap(([section, key]) => {
    const has = (id) =>
      [at(existing, section)].flat().some((each) => each?.[key] === id) ||
      new RegExp(`${key} = "${id}"`).test(comments);
    const ids = at(getStaticTOMLValue(parseTOML(wanted)), section).map((each) => each[key]);
    return ids.filter((id) => !has(id)).map((id) => textOf(wanted, section, `${key} = "${id}"`));
  });
}

function at(values, section) {
  return section.split('.').reduce((value, name) => value?.[name], values);
}

/** A paragraph of the template; a blank line ends it. */
function textOf(wanted, section, line) {
  const paragraphs = wanted.trim().split(/\n{2,}/);
  return paragraphs.find((text) => text.includes(`[[${section}]]`) && text.split('\n').includes(line));
}
