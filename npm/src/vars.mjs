// The file .dev.vars: the worker's secrets on this computer. wrangler reads it; it is not committed
// and not deployed. What is in it is never changed: a secret that is missing is added at its end.
import { COMMAND, step, Stop } from './print.mjs';
import { append, read, write } from './files.mjs';
import { KNOWN } from './known.mjs';
import { DEPLOYED } from './secret.mjs';
import { newSecret } from './secrets.mjs';

const FILE = '.dev.vars';

/**
 * Writes the file where there is none, and adds what an existing one lacks.
 * @returns {Set<string>} the names that it sets
 */
export function ensureVars() {
  const text = read(FILE);
  const names = namesIn(text ?? '');
  const missing = DEPLOYED.filter((name) => !names.has(name));
  if (missing.length > 0) add(text, missing);
  return names;
}

function add(text, missing) {
  const lines = missing.map((name) => `${name}="${newSecret()}"`);
  if (text === undefined) {
    step('secrets', `${FILE}: writing fresh secrets for this computer; keep it out of git`);
    const head = `# Secrets for \`${COMMAND} dev\`, made on this computer. Do not commit, do not reuse.`;
    write(FILE, `${[head, ...lines].join('\n')}\n`, { flag: 'wx', mode: 0o600 });
  } else {
    step('secrets', `${FILE}: adding ${missing.join(' and ')} at its end`);
    append(FILE, text, lines);
  }
}

/** Stops if the file has a mistake. */
export function checkVars() {
  namesIn(read(FILE) ?? '');
}

const LINE = /^\s*(?:export\s+)?([\w.-]+)\s*[=:]\s*(.*)$/;

/**
 * The names that a .dev.vars sets. Stops at a line that sets none, or whose value runs into the next
 * lines; its text may be secret.
 */
export function namesIn(text) {
  const names = new Set();
  const lines = text.split(/\r?\n/);
  for (let index = 0; index < lines.length; index++) {
    if (/^\s*(#|$)/.test(lines[index])) continue;
    const [, name, value] = LINE.exec(lines[index]) ?? [];
    const end = name && endOfValue(lines, index, value);
    if (end === undefined) {
      throw new Stop(
        `${FILE}, line ${index + 1} is not of the form NAME="value", or a quotation mark is missing: ` +
        'fix it, or delete the line, and run the same command again',
      );
    }
    checkLines(name, [value, ...lines.slice(index + 1, end + 1)], index + 1);
    names.add(name);
    index = end;
  }
  return names;
}

/** The line where a value ends: only one in quotation marks may have several. */
function endOfValue(lines, start, value) {
  const quote = /^["'`]/.exec(value)?.[0];
  if (!quote || value.indexOf(quote, 1) > 0) return start;
  for (let index = start + 1; index < lines.length; index++) {
    if (lines[index].includes(quote)) return index;
  }
  return undefined;
}

/** Settings that may have several lines: keys of PEM, and JSON. */
const SEVERAL_LINES = /^["'`]\s*(?:-----BEGIN|\{)/;

/** Stops if lines that one pair of quotation marks holds are more than one value. */
function checkLines(name, lines, number) {
  if (lines.length === 1) return;
  const next = lines.findIndex((line, index) => index > 0 && KNOWN.includes(LINE.exec(line)?.[1]));
  const isText = KNOWN.includes(name) && !SEVERAL_LINES.test(lines.join('\n'));
  if (next === -1 && !isText) return;
  const where = isText ? 'on its line' : `before ${LINE.exec(lines[next])[1]} in line ${number + next}`;
  throw new Stop(
    `${FILE}, line ${number}: the value of ${name} has no closing quotation mark ${where}: add a ` +
    `${lines[0][0]} at its end, and run the same command again`,
  );
}
