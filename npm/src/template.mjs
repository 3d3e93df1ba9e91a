// The wrangler.toml that a folder with the npm package gets. `cargo xtask release` makes it from the
// repository's own, so that no setting is written down twice.

const PACKAGE = 'node_modules/tokenkeep';

const MAIN = `main = "${PACKAGE}/worker/index.js"
# It comes compiled.
no_bundle = true
rules = [{ type = "CompiledWasm", globs = ["**/*.wasm"], fallthrough = false }]`;

/** What is replaced, each in one place. */
const CHANGES = [
  [/^main = .*$/m, MAIN],
  [/^\[build\]\n(?:.+\n)*\n/m, ''],
  [/^directory = "public"$/m, `directory = "${PACKAGE}/public"`],
  [/^migrations_dir = "migrations"$/m, `migrations_dir = "${PACKAGE}/migrations"`],
];

/**
 * @param {string} text the repository's wrangler.toml
 * @returns {string} that of the npm package
 */
export function template(text) {
  for (const [place, replacement] of CHANGES) {
    if (text.split(place).length !== 2) {
      throw new Error(`wrangler.toml has ${place} not exactly once: see npm/src/template.mjs`);
    }
    text = text.replace(place, replacement);
  }
  return text.replaceAll('cargo xtask', 'npx tokenkeep');
}
