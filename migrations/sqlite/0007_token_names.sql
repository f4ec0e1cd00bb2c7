-- SQLite. The same tables and columns as migrations/postgres/0007_token_names.sql; a test compares them.
-- Applied migrations are never edited.

-- What people call a token, after what uses it. Not unique: nothing goes by it.
ALTER TABLE tokens ADD COLUMN name TEXT CHECK (length(name) BETWEEN 1 AND 60);

-- What the token of a record was called then; of one that was renamed, before that, and from then on. Nothing
-- where it had no name, or has none any more.
ALTER TABLE audit_entries ADD COLUMN token_name TEXT
    CHECK (length(token_name) BETWEEN 1 AND 60)
    CHECK (token_name IS NULL OR token_id IS NOT NULL);
ALTER TABLE audit_entries ADD COLUMN token_renamed_to TEXT
    CHECK (length(token_renamed_to) BETWEEN 1 AND 60)
    CHECK (token_renamed_to IS NULL OR kind = 'token-renamed')
    CHECK (kind <> 'token-renamed' OR token_name IS DISTINCT FROM token_renamed_to);
