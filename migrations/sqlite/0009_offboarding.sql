-- SQLite. The same tables and columns as migrations/postgres/0009_offboarding.sql; a test compares them.
-- Applied migrations are never edited.

-- Only an enabled account can sign in. A deleted one keeps its number, as its tokens and records refer to it, and
-- nothing else: its address is replaced by "deleted user" and the number.
ALTER TABLE users ADD COLUMN state TEXT NOT NULL DEFAULT 'enabled'
    CHECK (state IN ('enabled', 'disabled', 'deleted'));

-- The records of an account are found by these when its address is erased.
CREATE INDEX audit_entries_by_actor ON audit_entries (actor_id) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_entries_by_account ON audit_entries (account_id) WHERE account_id IS NOT NULL;

-- Append-only, with one exception: the address of a deleted account becomes "deleted user" and its number.
DROP TRIGGER audit_entries_are_not_changed;
CREATE TRIGGER audit_entries_are_not_changed BEFORE UPDATE ON audit_entries
WHEN NOT (
    NEW.id IS OLD.id
    AND NEW.recorded_at IS OLD.recorded_at
    AND NEW.kind IS OLD.kind
    AND NEW.actor IS OLD.actor
    AND NEW.actor_id IS OLD.actor_id
    AND NEW.organisation_id IS OLD.organisation_id
    AND NEW.account_id IS OLD.account_id
    AND NEW.token_id IS OLD.token_id
    AND NEW.token_preview IS OLD.token_preview
    AND NEW.plan_before IS OLD.plan_before
    AND NEW.plan_after IS OLD.plan_after
    AND NEW.pruned_before IS OLD.pruned_before
    AND NEW.address IS OLD.address
    AND NEW.user_agent IS OLD.user_agent
    AND NEW.token_name IS OLD.token_name
    AND NEW.token_renamed_to IS OLD.token_renamed_to
    AND (
        NEW.actor_name IS OLD.actor_name
        OR NEW.actor_name IS 'deleted user ' || OLD.actor_id
            AND EXISTS (SELECT 1 FROM users WHERE users.id = OLD.actor_id AND users.state = 'deleted')
    )
    AND (
        NEW.account IS OLD.account
        OR NEW.account IS 'deleted user ' || OLD.account_id
            AND EXISTS (SELECT 1 FROM users WHERE users.id = OLD.account_id AND users.state = 'deleted')
    )
    AND (NEW.actor_name IS NOT OLD.actor_name OR NEW.account IS NOT OLD.account)
)
BEGIN
    SELECT RAISE(ABORT, 'the audit trail is append-only');
END;
