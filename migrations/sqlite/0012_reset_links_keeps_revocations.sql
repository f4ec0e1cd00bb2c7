-- SQLite. The same table as migrations/postgres/0012_reset_links_keeps_revocations.sql; a test compares them.
-- Applied migrations are never edited. What this is for: store/src/reset_links.rs.

-- The latest reset link of an account.
CREATE TABLE reset_links (
    user_id INTEGER PRIMARY KEY REFERENCES users (id),
    -- SHA-256 of the secret in the link: who reads this table cannot set a password with it.
    digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    -- In milliseconds since the epoch, by the program's clock.
    expires_at INTEGER NOT NULL
) STRICT;

-- A link is for the account as it was when the link was created. A trigger, so that also programs that do not know this
-- table end the link when they disable or delete the account.
CREATE TRIGGER end_reset_link AFTER UPDATE ON users
    WHEN (OLD.email, OLD.password_hash, OLD.state) IS NOT (NEW.email, NEW.password_hash, NEW.state) BEGIN
    DELETE FROM reset_links WHERE user_id = NEW.id;
END;
