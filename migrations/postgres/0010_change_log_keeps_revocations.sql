-- PostgreSQL. The same tables and columns as migrations/sqlite/0010_change_log_keeps_revocations.sql; a test compares them.
-- Applied migrations are never edited. What the tables are for: the module comment of store/src/key_cache.rs.

-- The number of the last change, and what identifies its history. One row. A transaction that logs a change locks it,
-- so the order of the numbers is the order of the commits.
CREATE TABLE change_counter (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    seq BIGINT NOT NULL,
    -- Random, and different in a history that went another way after a failover or a restored backup.
    mark BIGINT NOT NULL,
    -- When an operator last accepted that changes were lost, in milliseconds since the epoch. 0: never.
    accepted_at BIGINT NOT NULL
);
INSERT INTO change_counter (id, seq, mark, accepted_at) VALUES (1, 0, 0, 0);

-- The latest changes of what servers keep in memory.
CREATE TABLE change_log (
    seq BIGINT PRIMARY KEY,
    mark BIGINT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('token', 'organisation', 'event')),
    -- The number of the token, organisation or event.
    subject BIGINT NOT NULL,
    -- Of a token.
    digest BYTEA
);

-- The servers that may answer from memory.
CREATE TABLE servers (
    -- Random, and new with each process.
    id BIGINT PRIMARY KEY,
    lease_ms BIGINT NOT NULL CHECK (lease_ms > 0),
    -- Random, and new with each renewal of the lease.
    renewal BIGINT NOT NULL,
    -- The server knows all changes up to this one.
    acknowledged BIGINT NOT NULL
);

-- Versions before this one read what a key may do by this column, and do not tell others what they have in memory.
-- With another name, they refuse every key.
ALTER TABLE tokens RENAME COLUMN digest TO key_digest;

-- Until the end of their leases, those that run may still accept keys. The first change waits for that, as for a server
-- that is gone.
INSERT INTO servers SELECT id, longest_ms, 1, 0 FROM leases WHERE longest_ms > 0;

-- Those versions can still revoke. They wait for the longest lease in this table, which may be longer now.
ALTER TABLE leases RENAME TO old_leases;
CREATE TABLE leases (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    longest_ms BIGINT NOT NULL CHECK (longest_ms >= 0)
);
INSERT INTO leases SELECT * FROM old_leases;
DROP TABLE old_leases;

-- With the present search path, so that sessions with another one log to these tables.
CREATE FUNCTION log_change(kind TEXT, subject BIGINT, digest BYTEA) RETURNS VOID LANGUAGE plpgsql
    SET search_path FROM CURRENT AS $$
DECLARE
    next change_counter%ROWTYPE;
BEGIN
    UPDATE change_counter SET seq = change_counter.seq + 1, mark = floor(random() * 9007199254740992)::BIGINT
        RETURNING * INTO next;
    INSERT INTO change_log VALUES (next.seq, next.mark, kind, subject, digest);
    DELETE FROM change_log WHERE seq <= next.seq - 10000;
    PERFORM pg_notify('developer_zone_changes', '');
END
$$;

CREATE FUNCTION log_token() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM log_change('token', coalesce(NEW.id, OLD.id), coalesce(NEW.key_digest, OLD.key_digest));
    IF OLD.key_digest <> NEW.key_digest THEN
        PERFORM log_change('token', OLD.id, OLD.key_digest);
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION log_organisation() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM log_change('organisation', NEW.id, NULL);
    RETURN NULL;
END
$$;

CREATE FUNCTION log_event() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM log_change('event', coalesce(NEW.id, OLD.id), NULL);
    RETURN NULL;
END
$$;

CREATE FUNCTION log_event_settings() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM log_change('event', coalesce(NEW.event_id, OLD.event_id), NULL);
    IF OLD.event_id <> NEW.event_id THEN
        PERFORM log_change('event', OLD.event_id, NULL);
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'TRUNCATE would not be logged: use DELETE';
END
$$;
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON tokens EXECUTE FUNCTION refuse_truncate();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON events EXECUTE FUNCTION refuse_truncate();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON event_settings EXECUTE FUNCTION refuse_truncate();

-- Deferred: the counter is locked for the commit, after everything else. So it cannot be part of a deadlock, and is held
-- for as long as the commit takes.
CREATE CONSTRAINT TRIGGER log_token AFTER INSERT OR DELETE ON tokens
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION log_token();
CREATE CONSTRAINT TRIGGER log_changed_token AFTER UPDATE ON tokens
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN ((OLD.organisation_id, OLD.key_digest, OLD.active, OLD.expires_at)
        IS DISTINCT FROM (NEW.organisation_id, NEW.key_digest, NEW.active, NEW.expires_at))
    EXECUTE FUNCTION log_token();
CREATE CONSTRAINT TRIGGER log_changed_organisation AFTER UPDATE ON organisations
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.plan IS DISTINCT FROM NEW.plan)
    EXECUTE FUNCTION log_organisation();
CREATE CONSTRAINT TRIGGER log_event AFTER INSERT OR DELETE ON events
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION log_event();
CREATE CONSTRAINT TRIGGER log_changed_event AFTER UPDATE ON events
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.organisation_id IS DISTINCT FROM NEW.organisation_id)
    EXECUTE FUNCTION log_event();
CREATE CONSTRAINT TRIGGER log_event_settings AFTER INSERT OR DELETE ON event_settings
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION log_event_settings();
CREATE CONSTRAINT TRIGGER log_changed_event_settings AFTER UPDATE ON event_settings
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*)
    EXECUTE FUNCTION log_event_settings();
