-- PostgreSQL. The same columns as migrations/sqlite/0013_home_keeps_revocations.sql; a test compares them.
-- Applied migrations are never edited.

-- In the order of all changes, so that this migration and a change cannot deadlock.
LOCK TABLE members, tokens IN ACCESS EXCLUSIVE MODE;

-- When a browser first copied the new token to its clipboard, so that Home can tick the step.
ALTER TABLE tokens ADD COLUMN copied_at BIGINT;

-- When the user last selected the organisation: the switcher lists recent ones first.
ALTER TABLE members ADD COLUMN selected_at BIGINT;
