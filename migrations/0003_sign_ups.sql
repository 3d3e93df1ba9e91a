-- Who has typed an address into the app themselves: 1. An import or SQL leaves 0.
ALTER TABLE users ADD COLUMN signed_up INTEGER NOT NULL DEFAULT 0;

-- How many accounts were created in the last hour that had any, where SIGN_UPS_PER_HOUR is set.
CREATE TABLE sign_ups (
  hour  INTEGER NOT NULL PRIMARY KEY, -- hours since 1970
  count INTEGER NOT NULL
) STRICT;
