// From the wrangler.toml of the repository to the one of a maker's folder, where the worker is a package
// in node_modules: built, so there is nothing to compile. `cargo xtask release` packs the result.

const PACKAGE = 'node_modules/tokenkeep';

/** What is replaced, each in one place. */
const CHANGES = [
  [
    /^main = .*\n/gm,
    `main = "${PACKAGE}/worker/index.js"
# The worker is built: these files are uploaded as they are.
no_bundle = true
`,
  ],
  // Makers get another date with another version of the package.
  [/^# No newer than the workerd .*\n/gm, ''],
  [
    /^\[build\]\n(?:.+\n)*/gm,
    `[[rules]]
type = "CompiledWasm"
globs = ["**/*.wasm"]
fallthrough = false
`,
  ],
  [/^directory = "public"$/gm, `directory = "${PACKAGE}/public"`],
  [/^migrations_dir = "migrations"$/gm, `migrations_dir = "${PACKAGE}/migrations"`],
];

/** What a deployment of the repository has written into its file: it belongs to somebody's account. */
const PINNED = /^(account_id|database_id|database_name|id) = .*\n/gm;

/** Cloudflare's button writes the ids of the stores that it creates in the place of these. */
export const PLACEHOLDER = 'placeholder';
const STORES = [
  [/^binding = "SESSIONS"\n/gm, `id = "${PLACEHOLDER}"\n`],
  [/^binding = "DB"\n/gm, `database_name = "tokenkeep-db"\ndatabase_id = "${PLACEHOLDER}"\n`],
];

/**
 * @param {string} text the repository's wrangler.toml
 * @returns {string} that of a maker's folder
 */
export function template(text) {
  const unpinned = text.replaceAll('\r\n', '\n').replace(PINNED, '');
  const changed = CHANGES.reduce((result, [place, replacement]) => {
    if (result.match(place)?.length !== 1) {
      throw new Error(`wrangler.toml has ${place} not exactly once: see npm/src/template.mjs`);
    }
    return result.replace(place, replacement);
  }, unpinned);
  return changed.replaceAll('docs/operating.md', `${PACKAGE}/docs/operating.md`);
}

/**
 * @param {string} text the repository's wrangler.toml
 * @returns {string} that of `deploy-button`: Cloudflare asks for a name and an id of each store
 */
export function button(text) {
  const insert = (result, [binding, lines]) => result.replace(binding, (line) => line + lines);
  return STORES.reduce(insert, template(text));
}
