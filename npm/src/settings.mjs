// wrangler.toml: the name of the worker, and which KV namespace and database it is bound to.
import { getStaticTOMLValue, parseTOML } from 'toml-eslint-parser';

import { read, write } from './files.mjs';
import { step, Stop } from './print.mjs';
import { PLACEHOLDER } from './template.mjs';

/** What the worker is bound to, as wrangler.toml spells it. */
export const SESSIONS = { section: 'kv_namespaces', name: 'SESSIONS', idKey: 'id' };
export const ACCOUNTS = { section: 'd1_databases', name: 'DB', idKey: 'database_id' };

const FILE = 'wrangler.toml';

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

function parse(text) {
  try {
    return parseTOML(text);
  } catch (error) {
    throw new Stop(`wrangler.toml, line ${error.lineNumber}, is not valid TOML: ${error.message}`);
  }
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
