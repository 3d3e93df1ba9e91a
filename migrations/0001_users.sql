-- People who log in with e-mail and password. Migrations are applied once, in the order of their
-- numbers. A released one is never changed; add a new one instead.
CREATE TABLE users (
  id            TEXT    NOT NULL PRIMARY KEY,
  email         TEXT    NOT NULL UNIQUE, -- trimmed and in lower case
  name          TEXT,
  password_hash TEXT    NOT NULL,        -- a PHC string, or another system's form
  created_at    INTEGER NOT NULL         -- milliseconds since 1970
) STRICT;
