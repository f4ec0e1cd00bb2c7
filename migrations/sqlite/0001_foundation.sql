-- SQLite. The same tables and columns as migrations/postgres/0001_foundation.sql; a test compares them.
-- Times are milliseconds since the epoch, given by the program's clock. Applied migrations are never edited.

CREATE TABLE organisations (
    id INTEGER PRIMARY KEY CHECK (id > 0),
    name TEXT NOT NULL CHECK (name <> ''),
    plan TEXT NOT NULL CHECK (plan IN ('trial', 'pay-as-you-go', 'pro', 'enterprise')),
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Lower case, so that one address cannot be two accounts.
    email TEXT NOT NULL UNIQUE CHECK (email <> '' AND email = lower(email)),
    -- PHC string of Argon2id.
    password_hash TEXT NOT NULL,
    -- What the organisation switcher was last set to: kept on the account, not in a session.
    selected_organisation_id INTEGER REFERENCES organisations (id),
    -- Made by the demo data, with a password that everyone can read in the README.
    demo INTEGER NOT NULL CHECK (demo IN (0, 1)),
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE members (
    user_id INTEGER NOT NULL REFERENCES users (id),
    organisation_id INTEGER NOT NULL REFERENCES organisations (id),
    role TEXT NOT NULL CHECK (role IN ('admin', 'user')),
    PRIMARY KEY (user_id, organisation_id)
) STRICT;

CREATE TABLE sessions (
    -- SHA-256 of the id in the cookie: who reads this table cannot sign in with it.
    digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    data TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL
) STRICT;

CREATE INDEX sessions_by_last_use ON sessions (last_used_at);

CREATE TABLE events (
    id INTEGER PRIMARY KEY CHECK (id > 0),
    organisation_id INTEGER NOT NULL REFERENCES organisations (id),
    name TEXT,
    slug TEXT,
    -- Local date-time without a zone, as 2026-01-19T06:00:00: sorts as text.
    date TEXT,
    status TEXT NOT NULL CHECK (status IN ('active', 'draft')),
    cover_image TEXT
) STRICT;

CREATE INDEX events_by_date ON events (organisation_id, date DESC, id);

-- No row: the event has not been configured (the guard's check 9).
CREATE TABLE event_settings (
    event_id INTEGER NOT NULL PRIMARY KEY REFERENCES events (id),
    event_enabled INTEGER NOT NULL CHECK (event_enabled IN (0, 1)),
    bib_search INTEGER NOT NULL CHECK (bib_search IN (0, 1)),
    selfie_search INTEGER NOT NULL CHECK (selfie_search IN (0, 1)),
    name_search INTEGER NOT NULL CHECK (name_search IN (0, 1)),
    video_search INTEGER NOT NULL CHECK (video_search IN (0, 1)),
    video_selfie_search INTEGER NOT NULL CHECK (video_selfie_search IN (0, 1)),
    timeline_search INTEGER NOT NULL CHECK (timeline_search IN (0, 1))
) STRICT;

CREATE TABLE tokens (
    -- AUTOINCREMENT: a number that named a deleted token never names another one, so a page that
    -- is out of date cannot act on the wrong token.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation_id INTEGER NOT NULL REFERENCES organisations (id),
    -- The limit of ten tokens: there is no eleventh slot, whatever races.
    slot INTEGER NOT NULL CHECK (slot BETWEEN 1 AND 10),
    -- SHA-256 of the whole token. The token itself is kept nowhere.
    digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    preview TEXT NOT NULL CHECK (length(preview) = 5),
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    created_by INTEGER NOT NULL REFERENCES users (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    UNIQUE (organisation_id, slot)
) STRICT;
