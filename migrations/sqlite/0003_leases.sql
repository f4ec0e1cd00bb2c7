-- SQLite. The same tables and columns as migrations/postgres/0003_leases.sql; a test compares them.
-- Applied migrations are never edited.

-- For how long a server may answer for tokens and events from memory, at the most: never less than any server
-- that runs does. Whoever changes what such an answer goes by waits so long before calling it done. One row,
-- none before the first such server.
CREATE TABLE leases (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    longest_ms INTEGER NOT NULL CHECK (longest_ms BETWEEN 0 AND 10000)
) STRICT;
