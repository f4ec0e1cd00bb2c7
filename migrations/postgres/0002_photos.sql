-- PostgreSQL. The same tables and columns as migrations/sqlite/0002_photos.sql; a test compares them.
-- Times are milliseconds since the epoch, given by the program's clock. Applied migrations are never edited.

-- The order of an event's photos, in every list: ordered_at, then image_id byte by byte.
CREATE TABLE photos (
    event_id BIGINT NOT NULL REFERENCES events (id),
    -- Chosen by whoever loads the photos; the length keeps it within what an index takes.
    image_id TEXT COLLATE "C" NOT NULL CHECK (length(image_id) BETWEEN 1 AND 255),
    -- The capture time, in the years 0000 to 9999 (what a date in an answer can say); or the largest
    -- number there is where none is known: so these come last, by the same index and the same comparison
    -- as all others. NULL would need a case of its own in each.
    ordered_at BIGINT NOT NULL CHECK (
        ordered_at BETWEEN -62167219200000 AND 253402300799999 OR ordered_at = 9223372036854775807
    ),
    img_url TEXT NOT NULL CHECK (img_url <> ''),
    thumbnail_url TEXT NOT NULL CHECK (thumbnail_url <> ''),
    original_url TEXT,
    -- The name in the storage of originals.
    original_path TEXT,
    width BIGINT CHECK (width > 0),
    height BIGINT CHECK (height > 0),
    -- The keys of its bib numbers, sorted, with a line feed (which no bib number has) between two. What
    -- photo_bibs is made from; by it the rows there are found when they have to go.
    bibs TEXT NOT NULL,
    PRIMARY KEY (event_id, image_id)
);

-- What is known of an event's share of the photos is out of date as soon as another event is loaded, and
-- the planner then takes an event of a million photos for one of a few, which it could as well go through
-- and sort. Without such knowledge it takes every event for a large one.
ALTER TABLE photos ALTER COLUMN event_id SET STATISTICS 0;

CREATE INDEX photos_in_order ON photos (event_id, ordered_at, image_id);

-- An index of photos by bib number: a page of one number is one stretch of it, in order.
CREATE TABLE photo_bibs (
    event_id BIGINT NOT NULL REFERENCES events (id),
    -- In lower case, without white space around it: see the model's Bib::key.
    bib TEXT COLLATE "C" NOT NULL CHECK (bib <> ''),
    ordered_at BIGINT NOT NULL,
    image_id TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (event_id, bib, ordered_at, image_id)
);

-- How many photos lie where in the order: so that a page far down, the length of a time window and the
-- photos of each hour are found without counting photos. A block counts those from its own place
-- (ordered_at, image_id) up to the next block's. It lies within one hour: the first of an hour begins at
-- the hour's first millisecond with the empty name, the first of the photos without a time at their number.
CREATE TABLE photo_blocks (
    event_id BIGINT NOT NULL REFERENCES events (id),
    ordered_at BIGINT NOT NULL,
    image_id TEXT COLLATE "C" NOT NULL,
    photos BIGINT NOT NULL CHECK (photos > 0),
    PRIMARY KEY (event_id, ordered_at, image_id)
);

-- What this database's servers sign with, the same for all of them.
CREATE TABLE signing_keys (
    purpose TEXT NOT NULL PRIMARY KEY CHECK (purpose <> ''),
    key BYTEA NOT NULL CHECK (octet_length(key) = 32)
);
