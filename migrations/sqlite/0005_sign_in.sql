-- SQLite. The same tables and columns as migrations/postgres/0005_sign_in.sql; a test compares them.
-- Times are milliseconds since the epoch, given by the program's clock. Applied migrations are never edited.

-- Whose a session was stood in its data, which is gone: people sign in anew.
DROP TABLE sessions;

-- Browsers in which somebody is signed in.
CREATE TABLE sessions (
    -- By which its owner ends it from elsewhere. Never given twice, so that a page that is out of date cannot
    -- end another one.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- SHA-256 of the key in the cookie: who reads this table cannot sign in with it.
    digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    user_id INTEGER NOT NULL REFERENCES users (id),
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    -- When the password was last given in it.
    confirmed_at INTEGER NOT NULL,
    -- Where it signed in from, and what that browser called itself: for its owner to recognise it.
    address TEXT,
    user_agent TEXT CHECK (length(user_agent) <= 256)
) STRICT;

CREATE INDEX sessions_by_last_use ON sessions (last_used_at);
CREATE INDEX sessions_by_user ON sessions (user_id);
