-- Facts about this database. `worker`: the name of the worker that it belongs to. `cargo xtask deploy`
-- writes it, and does not let another worker use these accounts.
CREATE TABLE meta (
  key   TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;
