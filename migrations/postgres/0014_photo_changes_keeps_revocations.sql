-- PostgreSQL. The same tables and columns as migrations/sqlite/0014_photo_changes_keeps_revocations.sql; a test compares
-- them. Applied migrations are never edited. What this is for: store/src/photos/changes.rs.

-- In the order of an import, so that this migration and an import cannot deadlock.
LOCK TABLE events, photos IN ACCESS EXCLUSIVE MODE;

-- The event's time zone, by its name in the IANA database.
ALTER TABLE events ADD COLUMN time_zone TEXT CHECK (time_zone <> '');

-- The number of the last batch that changed the event's photos. The batch holds the lock of this row until it commits,
-- so the order of the numbers is the order of the commits.
ALTER TABLE events ADD COLUMN photo_changes BIGINT NOT NULL DEFAULT 0;

-- The number of the batch that added the photo, and of the batch that last changed it. 0: before this migration. There
-- is no default for later photos: a program that does not know the columns must not load any.
ALTER TABLE photos ADD COLUMN added_in BIGINT NOT NULL DEFAULT 0;
ALTER TABLE photos ADD COLUMN changed_in BIGINT NOT NULL DEFAULT 0;
ALTER TABLE photos ALTER COLUMN added_in DROP DEFAULT, ALTER COLUMN changed_in DROP DEFAULT;

CREATE INDEX photos_by_change ON photos (event_id, changed_in, image_id);

-- Photos that were removed, each with the number of the batch that last removed it. The row stays if the photo comes
-- back.
CREATE TABLE removed_photos (
    event_id BIGINT NOT NULL REFERENCES events (id),
    image_id TEXT COLLATE "C" NOT NULL,
    removed_in BIGINT NOT NULL,
    PRIMARY KEY (event_id, image_id)
);

CREATE INDEX removed_photos_by_change ON removed_photos (event_id, removed_in, image_id);
