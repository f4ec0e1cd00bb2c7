-- SQLite. The same tables and columns as migrations/postgres/0010_change_log_keeps_revocations.sql; a test compares them.
-- Applied migrations are never edited. What the tables are for: the module comment of store/src/key_cache.rs.

-- The number of the last change, and what identifies its history. One row.
CREATE TABLE change_counter (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    seq INTEGER NOT NULL,
    -- Random, and different in a history that went another way after a restored backup.
    mark INTEGER NOT NULL,
    -- When an operator last accepted that changes were lost, in milliseconds since the epoch. 0: never.
    accepted_at INTEGER NOT NULL
) STRICT;
INSERT INTO change_counter (id, seq, mark, accepted_at) VALUES (1, 0, 0, 0);

-- The latest changes of what the server keeps in memory.
CREATE TABLE change_log (
    seq INTEGER PRIMARY KEY,
    mark INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('token', 'organisation', 'event')),
    -- The number of the token, organisation or event.
    subject INTEGER NOT NULL,
    -- Of a token.
    digest BLOB
) STRICT;

-- The server that may answer from memory.
CREATE TABLE servers (
    -- Random, and new with each process.
    id INTEGER PRIMARY KEY,
    lease_ms INTEGER NOT NULL CHECK (lease_ms > 0),
    -- Random, and new with each renewal of the lease.
    renewal INTEGER NOT NULL,
    -- The server knows all changes up to this one.
    acknowledged INTEGER NOT NULL
) STRICT;

-- Versions before this one read what a key may do by this column, and do not tell others what they have in memory.
-- With another name, they refuse every key.
ALTER TABLE tokens RENAME COLUMN digest TO key_digest;

-- Until the end of its lease, one that runs may still accept keys. A change waits for that.
INSERT INTO servers SELECT id, longest_ms, 1, 0 FROM leases WHERE longest_ms > 0;

-- Those versions can still revoke. They wait for the longest lease in this table, which may be longer now.
ALTER TABLE leases RENAME TO old_leases;
CREATE TABLE leases (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    longest_ms INTEGER NOT NULL CHECK (longest_ms >= 0)
) STRICT;
INSERT INTO leases SELECT * FROM old_leases;
DROP TABLE old_leases;

-- The last row always stays, so the next number is the next one.
CREATE TRIGGER count_change AFTER INSERT ON change_log BEGIN
    UPDATE change_counter SET seq = NEW.seq, mark = NEW.mark;
    DELETE FROM change_log WHERE seq <= NEW.seq - 10000;
END;

CREATE TRIGGER log_new_token AFTER INSERT ON tokens BEGIN
    INSERT INTO change_log (mark, kind, subject, digest) VALUES (random(), 'token', NEW.id, NEW.key_digest);
END;

CREATE TRIGGER log_deleted_token AFTER DELETE ON tokens BEGIN
    INSERT INTO change_log (mark, kind, subject, digest) VALUES (random(), 'token', OLD.id, OLD.key_digest);
END;

CREATE TRIGGER log_changed_token AFTER UPDATE ON tokens
    WHEN (OLD.organisation_id, OLD.key_digest, OLD.active, OLD.expires_at)
        IS NOT (NEW.organisation_id, NEW.key_digest, NEW.active, NEW.expires_at) BEGIN
    INSERT INTO change_log (mark, kind, subject, digest) VALUES (random(), 'token', NEW.id, NEW.key_digest);
    INSERT INTO change_log (mark, kind, subject, digest)
        SELECT random(), 'token', OLD.id, OLD.key_digest WHERE OLD.key_digest <> NEW.key_digest;
END;

CREATE TRIGGER log_changed_organisation AFTER UPDATE ON organisations
    WHEN OLD.plan <> NEW.plan BEGIN
    INSERT INTO change_log (mark, kind, subject, digest) VALUES (random(), 'organisation', NEW.id, NULL);
END;

CREATE TRIGGER log_new_event AFTER INSERT ON events BEGIN
    INSERT INTO change_log (mark, kind, subject, digest) VALUES (random(), 'event', NEW.id, NULL);
END;

CREATE TRIGGER log_deleted_event AFTER DELETE ON events BEGIN
    INSERT INTO change_log (mark, kind, subject, digest) VALUES (random(), 'event', OLD.id, NULL);
END;

CREATE TRIGGER log_changed_event AFTER UPDATE ON events
    WHEN OLD.organisation_id <> NEW.organisation_id BEGIN
    INSERT INTO change_log (mark, kind, subject, digest) VALUES (random(), 'event', NEW.id, NULL);
END;

CREATE TRIGGER log_new_event_settings AFTER INSERT ON event_settings BEGIN
    INSERT INTO change_log (mark, kind, subject, digest) VALUES (random(), 'event', NEW.event_id, NULL);
END;

CREATE TRIGGER log_deleted_event_settings AFTER DELETE ON event_settings BEGIN
    INSERT INTO change_log (mark, kind, subject, digest) VALUES (random(), 'event', OLD.event_id, NULL);
END;

CREATE TRIGGER log_changed_event_settings AFTER UPDATE ON event_settings
    WHEN (OLD.event_id, OLD.event_enabled, OLD.bib_search, OLD.selfie_search, OLD.name_search, OLD.video_search,
        OLD.video_selfie_search, OLD.timeline_search)
    IS NOT (NEW.event_id, NEW.event_enabled, NEW.bib_search, NEW.selfie_search, NEW.name_search, NEW.video_search,
        NEW.video_selfie_search, NEW.timeline_search) BEGIN
    INSERT INTO change_log (mark, kind, subject, digest) VALUES (random(), 'event', NEW.event_id, NULL);
    INSERT INTO change_log (mark, kind, subject, digest)
        SELECT random(), 'event', OLD.event_id, NULL WHERE OLD.event_id <> NEW.event_id;
END;
