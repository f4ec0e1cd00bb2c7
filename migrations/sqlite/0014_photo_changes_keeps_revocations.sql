-- SQLite. The same tables and columns as migrations/postgres/0014_photo_changes_keeps_revocations.sql; a test compares
-- them. Applied migrations are never edited. What this is for: store/src/photos/changes.rs.

-- The event's time zone, by its name in the IANA database.
ALTER TABLE events ADD COLUMN time_zone TEXT CHECK (time_zone <> '');

-- The number of the last batch that changed the event's photos.
ALTER TABLE events ADD COLUMN photo_changes INTEGER NOT NULL DEFAULT 0;

-- The number of the batch that added the photo, and of the batch that last changed it. 0: before this migration.
ALTER TABLE photos ADD COLUMN added_in INTEGER NOT NULL DEFAULT 0;
ALTER TABLE photos ADD COLUMN changed_in INTEGER NOT NULL DEFAULT 0;

CREATE INDEX photos_by_change ON photos (event_id, changed_in, image_id);

-- A program that does not know the columns must not load any photos.
CREATE TRIGGER refuse_photo_without_number BEFORE INSERT ON photos WHEN NEW.changed_in = 0 BEGIN
    SELECT RAISE(ABORT, 'a newer version of the program has changed the table of photos');
END;

-- Photos that were removed, each with the number of the batch that last removed it. The row stays if the photo comes
-- back.
CREATE TABLE removed_photos (
    event_id INTEGER NOT NULL REFERENCES events (id),
    image_id TEXT NOT NULL,
    removed_in INTEGER NOT NULL,
    PRIMARY KEY (event_id, image_id)
) STRICT;

CREATE INDEX removed_photos_by_change ON removed_photos (event_id, removed_in, image_id);
