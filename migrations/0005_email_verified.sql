-- Whether somebody has typed a code that was sent to the address: 1.
ALTER TABLE users ADD COLUMN email_verified INTEGER NOT NULL DEFAULT 0;
