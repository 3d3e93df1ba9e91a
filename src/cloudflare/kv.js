// Calls of KV that are cheaper made here: each text that crosses the border to Rust is copied.

export function getAll(namespace, keys) {
  const names = keys.split("\n");
  return namespace.get(names, "text").then((found) => names.map((name) => found.get(name)));
}
