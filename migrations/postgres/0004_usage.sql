-- PostgreSQL. The same tables and columns as migrations/sqlite/0004_usage.sql; a test compares them.
-- Times are milliseconds since the epoch, given by the program's clock. Applied migrations are never edited.

-- How tokens are used: gathered in each server's memory, and added here every few seconds.
--
-- In tables of their own, and without foreign keys, so that counting and revoking never wait for each other:
-- a change of a token locks its row in tokens, adding usage locks rows here, and neither touches the other's.
-- (A foreign key would lock the token's row against its deletion for as long as usage is being added.) That
-- a token exists is asked when its usage is added; what is left behind by a deletion in that moment is never
-- shown, as a token's number is never given again, and is removed within the hour.

-- Calls with a token in an hour (UTC, by its first millisecond): those that were accepted, and those that
-- were refused, by the code of the refusal.
CREATE TABLE token_usage (
    token_id BIGINT NOT NULL,
    hour BIGINT NOT NULL CHECK (hour % 3600000 = 0),
    outcome TEXT COLLATE "C" NOT NULL CHECK (outcome <> ''),
    calls BIGINT NOT NULL CHECK (calls > 0),
    PRIMARY KEY (token_id, hour, outcome)
);

-- What is too old to be kept is found by it.
CREATE INDEX token_usage_by_hour ON token_usage (hour);

-- When a call with a token was last accepted. Outlives the counts.
CREATE TABLE token_last_use (
    token_id BIGINT NOT NULL PRIMARY KEY,
    last_used_at BIGINT NOT NULL
);
