-- Accounts that were deleted. Only a row here says so: a row that is merely missing from `users` may
-- mean a wrong or empty database, and ends no sessions.
CREATE TABLE deleted (
  id TEXT    NOT NULL PRIMARY KEY,
  at INTEGER NOT NULL              -- milliseconds since 1970; forgotten after 400 days
) STRICT;
CREATE INDEX deleted_at ON deleted (at);
