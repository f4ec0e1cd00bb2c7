-- PostgreSQL. The same tables and columns as migrations/sqlite/0001_foundation.sql; a test compares them.
-- Times are milliseconds since the epoch, given by the program's clock. Applied migrations are never edited.

CREATE TABLE organisations (
    id BIGINT PRIMARY KEY CHECK (id > 0),
    name TEXT NOT NULL CHECK (name <> ''),
    plan TEXT NOT NULL CHECK (plan IN ('trial', 'pay-as-you-go', 'pro', 'enterprise')),
    created_at BIGINT NOT NULL
);

CREATE TABLE users (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Lower case, so that one address cannot be two accounts.
    email TEXT NOT NULL UNIQUE CHECK (email <> '' AND email = lower(email)),
    -- PHC string of Argon2id.
    password_hash TEXT NOT NULL,
    -- What the organisation switcher was last set to: kept on the account, not in a session.
    selected_organisation_id BIGINT REFERENCES organisations (id),
    -- Made by the demo data, with a password that everyone can read in the README.
    demo BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE members (
    user_id BIGINT NOT NULL REFERENCES users (id),
    organisation_id BIGINT NOT NULL REFERENCES organisations (id),
    role TEXT NOT NULL CHECK (role IN ('admin', 'user')),
    PRIMARY KEY (user_id, organisation_id)
);

CREATE TABLE sessions (
    -- SHA-256 of the id in the cookie: who reads this table cannot sign in with it.
    digest BYTEA NOT NULL PRIMARY KEY CHECK (octet_length(digest) = 32),
    data TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL
);

CREATE INDEX sessions_by_last_use ON sessions (last_used_at);

CREATE TABLE events (
    id BIGINT PRIMARY KEY CHECK (id > 0),
    organisation_id BIGINT NOT NULL REFERENCES organisations (id),
    name TEXT,
    slug TEXT,
    -- Local date-time without a zone, as 2026-01-19T06:00:00: sorts as text.
    date TEXT,
    status TEXT NOT NULL CHECK (status IN ('active', 'draft')),
    cover_image TEXT
);

CREATE INDEX events_by_date ON events (organisation_id, date DESC, id);

-- No row: the event has not been configured (the guard's check 9).
CREATE TABLE event_settings (
    event_id BIGINT NOT NULL PRIMARY KEY REFERENCES events (id),
    event_enabled BOOLEAN NOT NULL,
    bib_search BOOLEAN NOT NULL,
    selfie_search BOOLEAN NOT NULL,
    name_search BOOLEAN NOT NULL,
    video_search BOOLEAN NOT NULL,
    video_selfie_search BOOLEAN NOT NULL,
    timeline_search BOOLEAN NOT NULL
);

CREATE TABLE tokens (
    -- An identity: a number that named a deleted token never names another one, so a page that
    -- is out of date cannot act on the wrong token.
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organisation_id BIGINT NOT NULL REFERENCES organisations (id),
    -- The limit of ten tokens: there is no eleventh slot, whatever races.
    slot BIGINT NOT NULL CHECK (slot BETWEEN 1 AND 10),
    -- SHA-256 of the whole token. The token itself is kept nowhere.
    digest BYTEA NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    preview TEXT NOT NULL CHECK (length(preview) = 5),
    active BOOLEAN NOT NULL,
    created_by BIGINT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    UNIQUE (organisation_id, slot)
);
