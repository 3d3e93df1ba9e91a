-- When the account came to its address from another one, by the clock of the earlier address's guard,
-- in milliseconds since 1970: every later stamp comes after it.
ALTER TABLE users ADD COLUMN moved_at INTEGER NOT NULL DEFAULT 0;
