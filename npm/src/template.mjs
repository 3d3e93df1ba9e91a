// From the wrangler.toml of the repository to the one of a maker's folder, where the worker is a
// package in node_modules: built, so there is nothing to compile.

const PACKAGE = "node_modules/tokenkeep";

const section = (name) => new RegExp(`^\\[${name}\\]\\n(?:.+\\n)*`, "gm");

// Each has to be found once: what is not found has changed in the repository, and this file has missed it.
const CHANGES = [
  [
    /^main = .*\n/gm,
    `main = "${PACKAGE}/worker/index.js"
# The worker is built: these files are uploaded as they are.
no_bundle = true
`,
  ],
  // A maker changes the date by an update of the package only.
  [/^# No newer than the workerd .*\n/gm, ""],
  [
    section("build"),
    `[[rules]]
type = "CompiledWasm"
globs = ["**/*.wasm"]
fallthrough = false
`,
  ],
  [/^directory = "public"$/gm, `directory = "${PACKAGE}/public"`],
  [/^migrations_dir = "migrations"$/gm, `migrations_dir = "${PACKAGE}/migrations"`],
];

// What a deployment of the repository has written into its file: it belongs to somebody's account.
const PINNED = /^(account_id|database_id|database_name|id) = .*\n/gm;

const COMMANDS = [
  [/cargo xtask (dev|deploy)/g, "npx tokenkeep $1"],
  [/npx wrangler secret put/g, "npx tokenkeep secret"],
];

/** The wrangler.toml of a maker's folder, from the text of the repository's. */
export function template(text) {
  let result = text.replaceAll("\r\n", "\n").replace(PINNED, "");
  for (const [pattern, replacement] of CHANGES) {
    const found = result.match(pattern)?.length ?? 0;
    if (found !== 1) throw new Error(`wrangler.toml has ${found} places that fit ${pattern}, not one`);
    result = result.replace(pattern, () => replacement);
  }
  for (const [pattern, command] of COMMANDS) result = result.replaceAll(pattern, command);
  return result;
}

// Cloudflare's button puts the ids of the stores that it creates in the place of these.
const STORES = [
  [/^binding = "SESSIONS"\n/gm, 'id = "placeholder"\n'],
  [/^binding = "DB"\n/gm, 'database_name = "tokenkeep-db"\ndatabase_id = "placeholder"\n'],
];

/** The wrangler.toml of `deploy-button`: Cloudflare asks for a name and an id of each store. */
export function button(text) {
  const insert = (result, [binding, lines]) => result.replace(binding, (line) => line + lines);
  return STORES.reduce(insert, template(text));
}
