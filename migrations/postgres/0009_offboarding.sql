-- PostgreSQL. The same tables and columns as migrations/sqlite/0009_offboarding.sql; a test compares them.
-- Applied migrations are never edited.

-- Only an enabled account can sign in. A deleted one keeps its number, as its tokens and records refer to it, and
-- nothing else: its address is replaced by "deleted user" and the number.
ALTER TABLE users ADD COLUMN state TEXT NOT NULL DEFAULT 'enabled'
    CHECK (state IN ('enabled', 'disabled', 'deleted'));

-- The records of an account are found by these when its address is erased.
CREATE INDEX audit_entries_by_actor ON audit_entries (actor_id) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_entries_by_account ON audit_entries (account_id) WHERE account_id IS NOT NULL;

-- Append-only, with one exception: the address of a deleted account becomes "deleted user" and its number.
CREATE FUNCTION audit_changes_only_erase() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    erased audit_entries%ROWTYPE := OLD;
BEGIN
    IF NEW.actor_name = 'deleted user ' || OLD.actor_id AND EXISTS (
        SELECT 1 FROM users WHERE users.id = OLD.actor_id AND users.state = 'deleted'
    ) THEN
        erased.actor_name := NEW.actor_name;
    END IF;
    IF NEW.account = 'deleted user ' || OLD.account_id AND EXISTS (
        SELECT 1 FROM users WHERE users.id = OLD.account_id AND users.state = 'deleted'
    ) THEN
        erased.account := NEW.account;
    END IF;
    IF NEW IS DISTINCT FROM erased OR NEW IS NOT DISTINCT FROM OLD THEN
        RAISE EXCEPTION 'the audit trail is append-only';
    END IF;
    RETURN NEW;
END
$$;

DROP TRIGGER audit_entries_are_kept ON audit_entries;
CREATE TRIGGER audit_entries_are_kept BEFORE DELETE ON audit_entries
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_entries_are_not_changed BEFORE UPDATE ON audit_entries
    FOR EACH ROW EXECUTE FUNCTION audit_changes_only_erase();
