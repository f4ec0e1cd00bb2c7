-- SQLite. The same columns as migrations/postgres/0011_token_lists_keeps_revocations.sql; a test compares them.
-- Applied migrations are never edited. What this is for: store/src/token_polls.rs.

-- Of a token: whose list shows it. Missing in what was logged before this migration.
ALTER TABLE change_log ADD COLUMN organisation_id INTEGER;

DROP TRIGGER log_new_token;
CREATE TRIGGER log_new_token AFTER INSERT ON tokens BEGIN
    INSERT INTO change_log (mark, kind, subject, digest, organisation_id)
        VALUES (random(), 'token', NEW.id, NEW.key_digest, NEW.organisation_id);
END;

DROP TRIGGER log_deleted_token;
CREATE TRIGGER log_deleted_token AFTER DELETE ON tokens BEGIN
    INSERT INTO change_log (mark, kind, subject, digest, organisation_id)
        VALUES (random(), 'token', OLD.id, OLD.key_digest, OLD.organisation_id);
END;

-- Now also a new name.
DROP TRIGGER log_changed_token;
CREATE TRIGGER log_changed_token AFTER UPDATE ON tokens
    WHEN (OLD.organisation_id, OLD.key_digest, OLD.active, OLD.expires_at, OLD.name)
        IS NOT (NEW.organisation_id, NEW.key_digest, NEW.active, NEW.expires_at, NEW.name) BEGIN
    INSERT INTO change_log (mark, kind, subject, digest, organisation_id)
        VALUES (random(), 'token', NEW.id, NEW.key_digest, NEW.organisation_id);
    INSERT INTO change_log (mark, kind, subject, digest, organisation_id)
        SELECT random(), 'token', OLD.id, OLD.key_digest, OLD.organisation_id
        WHERE (OLD.organisation_id, OLD.key_digest) IS NOT (NEW.organisation_id, NEW.key_digest);
END;

-- The list marks tokens whose creator has left, and names the creator. An organisation_id beside the kind 'organisation' says
-- that only the list has changed.
CREATE TRIGGER log_new_member AFTER INSERT ON members BEGIN
    INSERT INTO change_log (mark, kind, subject, organisation_id)
        VALUES (random(), 'organisation', NEW.organisation_id, NEW.organisation_id);
END;

CREATE TRIGGER log_removed_member AFTER DELETE ON members BEGIN
    INSERT INTO change_log (mark, kind, subject, organisation_id)
        VALUES (random(), 'organisation', OLD.organisation_id, OLD.organisation_id);
END;

CREATE TRIGGER log_changed_user AFTER UPDATE ON users
    WHEN (OLD.email, OLD.state) IS NOT (NEW.email, NEW.state) BEGIN
    INSERT INTO change_log (mark, kind, subject, organisation_id)
        SELECT random(), 'organisation', concerned.organisation_id, concerned.organisation_id
        FROM (SELECT DISTINCT organisation_id FROM tokens WHERE created_by = NEW.id) AS concerned;
END;
