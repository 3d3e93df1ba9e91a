// Calls of an object's storage that are cheaper made here: each text that crosses the border to Rust
// is copied.

export function getRows(storage, keys) {
  const names = keys.split("\n");
  return storage.get(names).then((found) => names.map((name) => found.get(name) ?? null));
}

export function listRows(storage, prefix, after, limit) {
  const options = after === undefined ? { prefix, limit } : { prefix, limit, startAfter: after };
  return storage.list(options).then((found) => [...found].flat());
}
