-- PostgreSQL. The same tables and columns as migrations/sqlite/0005_sign_in.sql; a test compares them.
-- Times are milliseconds since the epoch, given by the program's clock. Applied migrations are never edited.

-- Whose a session was stood in its data, which is gone: people sign in anew.
DROP TABLE sessions;

-- Browsers in which somebody is signed in.
CREATE TABLE sessions (
    -- By which its owner ends it from elsewhere. Never given twice, so that a page that is out of date cannot
    -- end another one.
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- SHA-256 of the key in the cookie: who reads this table cannot sign in with it.
    digest BYTEA NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    user_id BIGINT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    -- When the password was last given in it.
    confirmed_at BIGINT NOT NULL,
    -- Where it signed in from, and what that browser called itself: for its owner to recognise it.
    address TEXT,
    user_agent TEXT CHECK (length(user_agent) <= 256)
);

CREATE INDEX sessions_by_last_use ON sessions (last_used_at);
CREATE INDEX sessions_by_user ON sessions (user_id);
