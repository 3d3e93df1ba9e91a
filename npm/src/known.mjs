// Which names the worker reads. It ignores every other one, so a misspelled or misplaced setting would
// have no effect that anybody sees.
import { COMMAND, DOCS } from './print.mjs';
import { NAMES as SECRETS } from './secrets.mjs';

/** A test compares these with src/config/settings.rs, too. */
export const VARS = [
  'ACCESS_TOKEN_SECONDS',
  'ACCESS_TOKEN_TYP',
  'ACCESS_TOKEN_ROLE',
  'ACCESS_TOKEN_CLAIMS',
  'SESSION_IDLE_SECONDS',
  'SESSION_MAX_SECONDS',
  'SESSION_STORE',
  'SESSIONS_PER_USER',
  'SIGN_UP',
  'SIGN_UPS_PER_HOUR',
  'ACCOUNT_LOCATION',
  'ISSUER',
  'AUDIENCE',
  'CORS_ALLOWED_ORIGINS',
  'EMAIL_VERIFICATION',
  'MAIL',
  'MAIL_FROM',
  'MAIL_LANGUAGE',
  'MAIL_WEBHOOK_URL',
  'APP_NAME',
];

export const KNOWN = [...SECRETS, ...VARS];

/**
 * What wrangler.toml sets without any effect. These are no errors: makers may have vars of their own.
 * @param {object} values the contents of the file
 * @returns {string[]} a sentence or two for each
 */
export function withoutEffect({ env = {}, ...values }) {
  const environments = Object.entries(env).flatMap(([name, its]) => inEnvironment(its, `env.${name}`));
  return [...inEnvironment(values, ''), ...environments];
}

function inEnvironment({ vars = {}, ...sections }, path) {
  const unknown = Object.keys(vars).filter((name) => !KNOWN.includes(name));
  return [...unknown.map(isNoSetting), ...misplacedIn(sections, path, `[${path}]`)];
}

function isNoSetting(name) {
  return `${name} in wrangler.toml is no setting of Tokenkeep. ${suggestion(nearest(name, KNOWN))}`;
}

function suggestion(near) {
  if (near === undefined) return `${DOCS}/settings.md lists them all.`;
  if (VARS.includes(near)) return `Did you mean ${near}?`;
  return `Did you mean the secret ${near}? Store it with \`${COMMAND} secret ${near}\`.`;
}

/** Settings in a section that is not [vars], and in those within it. */
function misplacedIn(section, path, title) {
  return Object.entries(section).flatMap(([key, value]) => {
    const inner = path ? `${path}.${key}` : key;
    if (Array.isArray(value)) {
      return value.filter(isSection).flatMap((each) => misplacedIn(each, inner, `[[${inner}]]`));
    }
    if (isSection(value)) return misplacedIn(value, inner, `[${inner}]`);
    // wrangler's own keys are lower-case: `main` is no misspelled MAIL.
    const near = /^[A-Z]/.test(key) ? nearest(key, VARS) : undefined;
    return near ? [isMisplaced(key, near, path && title)] : [];
  });
}

const isSection = (value) => Object.getPrototypeOf(value) === Object.prototype;

function isMisplaced(key, near, title) {
  const place = title ? `in the section ${title}` : 'above all sections';
  const correction = key === near ? '' : ` Did you mean ${near}?`;
  return `${key} is ${place}: settings belong under [vars], so it has no effect.${correction}`;
}

/** The name that differs least, if that is little: in a quarter of its letters. */
export function nearest(name, names) {
  const [best] = names
    .map((known) => ({ known, differences: distance(letters(name), letters(known)) }))
    .sort((a, b) => a.differences - b.differences);
  return best.differences <= letters(best.known).length / 4 ? best.known : undefined;
}

const letters = (name) => name.toLowerCase().replace(/[^a-z0-9]/g, '');

/** How many letters have to be inserted, deleted or replaced (Levenshtein). */
function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length];
}
