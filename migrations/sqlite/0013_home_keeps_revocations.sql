-- SQLite. The same columns as migrations/postgres/0013_home_keeps_revocations.sql; a test compares them.
-- Applied migrations are never edited.

-- When a browser first copied the new token to its clipboard, so that Home can tick the step.
ALTER TABLE tokens ADD COLUMN copied_at INTEGER;

-- When the user last selected the organisation: the switcher lists recent ones first.
ALTER TABLE members ADD COLUMN selected_at INTEGER;
