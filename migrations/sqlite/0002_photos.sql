-- SQLite. The same tables and columns as migrations/postgres/0002_photos.sql; a test compares them.
-- Times are milliseconds since the epoch, given by the program's clock. Applied migrations are never edited.

-- The order of an event's photos, in every list: ordered_at, then image_id byte by byte.
CREATE TABLE photos (
    event_id INTEGER NOT NULL REFERENCES events (id),
    -- Chosen by whoever loads the photos; the length keeps it within what an index takes.
    image_id TEXT NOT NULL CHECK (length(image_id) BETWEEN 1 AND 255),
    -- The capture time, in the years 0000 to 9999 (what a date in an answer can say); or the largest
    -- number there is where none is known: so these come last, by the same index and the same comparison
    -- as all others. NULL would need a case of its own in each.
    ordered_at INTEGER NOT NULL CHECK (
        ordered_at BETWEEN -62167219200000 AND 253402300799999 OR ordered_at = 9223372036854775807
    ),
    img_url TEXT NOT NULL CHECK (img_url <> ''),
    thumbnail_url TEXT NOT NULL CHECK (thumbnail_url <> ''),
    original_url TEXT,
    -- The name in the storage of originals.
    original_path TEXT,
    width INTEGER CHECK (width > 0),
    height INTEGER CHECK (height > 0),
    -- The keys of its bib numbers, sorted, with a line feed (which no bib number has) between two. What
    -- photo_bibs is made from; by it the rows there are found when they have to go.
    bibs TEXT NOT NULL,
    PRIMARY KEY (event_id, image_id)
) STRICT;

CREATE INDEX photos_in_order ON photos (event_id, ordered_at, image_id);

-- An index of photos by bib number: a page of one number is one stretch of it, in order. WITHOUT ROWID: a
-- row is all key, and so is kept once, not in a table and in an index. (Those of photos are too long: the
-- tree of names, into which they come in any order, stays small without them.)
CREATE TABLE photo_bibs (
    event_id INTEGER NOT NULL REFERENCES events (id),
    -- In lower case, without white space around it: see the model's Bib::key.
    bib TEXT NOT NULL CHECK (bib <> ''),
    ordered_at INTEGER NOT NULL,
    image_id TEXT NOT NULL,
    PRIMARY KEY (event_id, bib, ordered_at, image_id)
) STRICT, WITHOUT ROWID;

-- How many photos lie where in the order: so that a page far down, the length of a time window and the
-- photos of each hour are found without counting photos. A block counts those from its own place
-- (ordered_at, image_id) up to the next block's. It lies within one hour: the first of an hour begins at
-- the hour's first millisecond with the empty name, the first of the photos without a time at their number.
CREATE TABLE photo_blocks (
    event_id INTEGER NOT NULL REFERENCES events (id),
    ordered_at INTEGER NOT NULL,
    image_id TEXT NOT NULL,
    photos INTEGER NOT NULL CHECK (photos > 0),
    PRIMARY KEY (event_id, ordered_at, image_id)
) STRICT, WITHOUT ROWID;

-- What this database's servers sign with, the same for all of them.
CREATE TABLE signing_keys (
    purpose TEXT NOT NULL PRIMARY KEY CHECK (purpose <> ''),
    key BLOB NOT NULL CHECK (length(key) = 32)
) STRICT;
