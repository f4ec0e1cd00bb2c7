-- SQLite. The same columns as migrations/postgres/0015_first_call_keeps_revocations.sql; a test compares them.
-- Applied migrations are never edited.

-- Of the first accepted call with the token: the status of the response, and how long the server took.
ALTER TABLE token_last_use ADD COLUMN first_status INTEGER;
ALTER TABLE token_last_use ADD COLUMN first_micros INTEGER;
