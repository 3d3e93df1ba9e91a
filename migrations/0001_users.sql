-- The people who log in with e-mail and password. Applied once, in the order of the numbers;
-- a migration that has been released is never changed, a new one is added.
CREATE TABLE users (
  id            TEXT    NOT NULL PRIMARY KEY,
  email         TEXT    NOT NULL UNIQUE, -- trimmed, in lower case
  name          TEXT,
  password_hash TEXT    NOT NULL,        -- a PHC string, or the form of another system
  created_at    INTEGER NOT NULL         -- milliseconds since 1970
) STRICT;
