// wrangler.toml: the name of the worker, and which KV namespace and database it is bound to.
import { getStaticTOMLValue, parseTOML } from 'toml-eslint-parser';

import { read, write } from './files.mjs';
import { withoutEffect } from './known.mjs';
import { step, Stop } from './print.mjs';
import { PLACEHOLDER } from './template.mjs';

/** What the worker is bound to, as wrangler.toml spells it. */
export const SESSIONS = { section: 'kv_namespaces', name: 'SESSIONS', idKey: 'id' };
export const ACCOUNTS = { section: 'd1_databases', name: 'DB', idKey: 'database_id' };

const FILE = 'wrangler.toml';

/** What stands above every section. */
const TOP_LEVEL = ['account_id', 'route', 'routes', 'workers_dev', 'preview_urls', 'compatibility_date'];

/** Reads the file, and makes sure that it is one of Tokenkeep's. */
export function readSettings() {
  return new Settings(read(FILE) ?? '');
}

export class Settings {
  #text;
  #tree;

  constructor(text) {
    this.#text = text;
    this.#tree = parse(text);
    this.#checkPlaces();
    this.#binding(SESSIONS);
    this.#binding(ACCOUNTS);
  }

  /** The name of the worker. */
  get worker() {
    const { name } = this.#values;
    if (typeof name !== 'string' || name === '') throw new Stop('`name` is missing from wrangler.toml');
    return name;
  }

  /** Whether the worker has a domain of its own. */
  get hasRoute() {
    return this.#values.route !== undefined || this.#values.routes !== undefined;
  }

  /** Whether the file sets this var. */
  hasVar(name) {
    return this.#values.vars?.[name] !== undefined;
  }

  /** What it sets that the worker does not read, each as a warning. */
  get warnings() {
    return withoutEffect(this.#values);
  }

  /** Whether the database has a name that was chosen. */
  get namesItsDatabase() {
    return Boolean(this.#binding(ACCOUNTS).database_name);
  }

  get databaseName() {
    return this.#binding(ACCOUNTS).database_name || defaultName(this.worker, ACCOUNTS);
  }

  get namespaceTitle() {
    return defaultName(this.worker, SESSIONS);
  }

  /** An empty text is none, as it is to wrangler; so is what the button's file has until it is used. */
  id(binding) {
    const id = this.#binding(binding)[binding.idKey];
    return id === PLACEHOLDER ? undefined : id || undefined;
  }

  /** Writes the id into the file, unless it is there. */
  pin(binding, id) {
    if (this.id(binding) === id) return;
    this.#text = withId(this.#text, this.#tree, binding, id);
    this.#tree = parse(this.#text);
    write(FILE, this.#text);
    const line = `${binding.idKey} = "${id}"`;
    step('pin', `wrote ${line} under ${binding.name} into wrangler.toml; commit that file`);
  }

  /** Below a section, a line belongs to that section: TOML has no way back to the top. */
  #checkPlaces() {
    const sections = this.#tree.body[0].body.filter(({ type }) => type === 'TOMLTable');
    // wrangler's environments have lines of their own.
    for (const section of sections.filter(({ resolvedKey }) => resolvedKey[0] !== 'env')) {
      const line = section.body.find(({ key }) => TOP_LEVEL.includes(key.keys[0].name));
      if (line) throw new Stop(misplaced(line, section));
    }
  }

  get #values() {
    return getStaticTOMLValue(this.#tree);
  }

  #binding(binding) {
    const all = this.#values[binding.section];
    const found = Array.isArray(all) && all.find((each) => each.binding === binding.name);
    if (found) return found;
    throw new Stop(
      `the section [[${binding.section}]] with binding = "${binding.name}" is missing from wrangler.toml. ` +
      'If that file is of another worker, make an empty folder for this one',
    );
  }
}

function misplaced(line, { kind, resolvedKey }) {
  const names = resolvedKey.filter((name) => typeof name === 'string').join('.');
  const section = kind === 'array' ? `[[${names}]]` : `[${names}]`;
  const { name } = line.key.keys[0];
  return (
    `wrangler.toml, line ${line.loc.start.line}: \`${name}\` is below ${section} and counts as a part of it. ` +
    'Move the line up, above the first one that starts with a bracket, and run the same command again'
  );
}

function parse(text) {
  try {
    return parseTOML(text);
  } catch (error) {
    throw new Stop(`wrangler.toml, line ${error.lineNumber}, is not valid TOML: ${error.message}${repetition(text, error)}`);
  }
}

/** What to do if the line of an error begins a section that is there already. */
function repetition(text, { lineNumber }) {
  const titles = text.split('\n').slice(0, lineNumber).map((line) => /^\s*(\[[^[\]]+\])/.exec(line)?.[1]);
  const title = titles.pop();
  if (!title || !titles.includes(title)) return '';
  return `. A section such as ${title} may be there only once: move its lines into the first one`;
}

/** @returns {string} the text with the id of a binding in it, and everything else as it was */
export function withId(text, tree, { section, name, idKey }, id) {
  const table = tables(tree, section).find((each) => entry(each, 'binding')?.value.value === name);
  const line = `${idKey} = "${id}"`;
  const existing = entry(table, idKey);
  if (existing) return splice(text, ...existing.range, line);
  const [, end] = entry(table, 'binding').range;
  if (table.type === 'TOMLInlineTable') return splice(text, end, end, `, ${line}`);
  const { index, 0: lineEnd } = /\r?\n|$/.exec(text.slice(end));
  return splice(text, end + index, end + index, `${lineEnd || '\n'}${line}`);
}

/** `[[section]]`, or `section = [{ … }]`. */
function tables(tree, section) {
  const named = tree.body[0].body.filter(({ key }) => key.keys[0].name === section);
  return named.flatMap((node) => (node.type === 'TOMLTable' ? node : node.value.elements));
}

function entry(table, name) {
  return table.body.find(({ key }) => key.keys[0].name === name);
}

function splice(text, start, end, replacement) {
  return text.slice(0, start) + replacement + text.slice(end);
}

/** The name that wrangler, too, gives to something that has none. */
function defaultName(worker, { name }) {
  return `${worker}-${name.toLowerCase().replaceAll('_', '-')}`;
}
