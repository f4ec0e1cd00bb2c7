-- SQLite. The same tables and columns as migrations/postgres/0008_form_numbers.sql; a test compares them.
-- Applied migrations are never edited.

-- The number of the form by which this browser can make a token without script, if it has one open: taken away
-- when the form is sent, so that to send it again makes no second token.
ALTER TABLE sessions ADD COLUMN form_number TEXT CHECK (length(form_number) = 32);
