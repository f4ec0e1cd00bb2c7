-- PostgreSQL. The same columns as migrations/sqlite/0011_token_lists_keeps_revocations.sql; a test compares them.
-- Applied migrations are never edited. What this is for: store/src/token_polls.rs.

-- In the order of all changes, so that this migration and a change cannot deadlock.
LOCK TABLE users, members, tokens, change_log IN ACCESS EXCLUSIVE MODE;

-- Of a token: whose list shows it. Missing in what was logged before this migration.
ALTER TABLE change_log ADD COLUMN organisation_id BIGINT;

CREATE FUNCTION log_change(kind TEXT, subject BIGINT, digest BYTEA, organisation BIGINT) RETURNS VOID LANGUAGE plpgsql
    SET search_path FROM CURRENT AS $$
DECLARE
    next change_counter%ROWTYPE;
BEGIN
    UPDATE change_counter SET seq = change_counter.seq + 1, mark = floor(random() * 9007199254740992)::BIGINT
        RETURNING * INTO next;
    INSERT INTO change_log VALUES (next.seq, next.mark, kind, subject, digest, organisation);
    DELETE FROM change_log WHERE seq <= next.seq - 10000;
    PERFORM pg_notify('developer_zone_changes', '');
END
$$;

CREATE OR REPLACE FUNCTION log_change(kind TEXT, subject BIGINT, digest BYTEA) RETURNS VOID LANGUAGE plpgsql
    SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM log_change(kind, subject, digest, NULL);
END
$$;

CREATE OR REPLACE FUNCTION log_token() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND (TG_OP = 'DELETE'
        OR (OLD.organisation_id, OLD.key_digest) IS DISTINCT FROM (NEW.organisation_id, NEW.key_digest)) THEN
        PERFORM log_change('token', OLD.id, OLD.key_digest, OLD.organisation_id);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM log_change('token', NEW.id, NEW.key_digest, NEW.organisation_id);
    END IF;
    RETURN NULL;
END
$$;

-- Now also a new name.
DROP TRIGGER log_changed_token ON tokens;
CREATE CONSTRAINT TRIGGER log_changed_token AFTER UPDATE ON tokens
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN ((OLD.organisation_id, OLD.key_digest, OLD.active, OLD.expires_at, OLD.name)
        IS DISTINCT FROM (NEW.organisation_id, NEW.key_digest, NEW.active, NEW.expires_at, NEW.name))
    EXECUTE FUNCTION log_token();

-- The list marks tokens whose creator has left, and names the creator. An organisation_id beside the kind 'organisation' says
-- that only the list has changed.
CREATE FUNCTION log_list(organisation BIGINT) RETURNS VOID LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM log_change('organisation', organisation, NULL, organisation);
END
$$;

CREATE FUNCTION log_member() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM log_list(coalesce(NEW.organisation_id, OLD.organisation_id));
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER log_member AFTER INSERT OR DELETE ON members
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION log_member();

CREATE FUNCTION log_user() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM log_list(organisation_id)
        FROM (SELECT DISTINCT organisation_id FROM tokens WHERE created_by = NEW.id) AS concerned;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER log_user AFTER UPDATE ON users
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((OLD.email, OLD.state) IS DISTINCT FROM (NEW.email, NEW.state))
    EXECUTE FUNCTION log_user();
