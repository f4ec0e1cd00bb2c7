-- PostgreSQL. The same tables and columns as migrations/sqlite/0006_audit.sql; a test compares them.
-- Times are milliseconds since the epoch, given by the program's clock. Applied migrations are never edited.

-- The audit trail: who did what, when and from where. Written in the transaction of what it tells of. A record
-- keeps the words of its moment (addresses, previews, names of plans) and refers to no row that it tells of:
-- it outlives them.
CREATE TABLE audit_entries (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    recorded_at BIGINT NOT NULL,
    kind TEXT NOT NULL CHECK (kind <> ''),
    -- Who did it; nobody, where that is not known: a sign-in that failed.
    actor TEXT NOT NULL CHECK (actor IN ('user', 'operator', 'nobody')),
    -- The user's number and e-mail address; of an operator, the name on the machine if there is one.
    actor_id BIGINT,
    actor_name TEXT,
    -- In which organisation, if in one.
    organisation_id BIGINT,
    -- Whose account it is about: the user that signs in, becomes a member, or in whose name a token is made.
    account_id BIGINT,
    account TEXT,
    token_id BIGINT,
    token_preview TEXT CHECK (length(token_preview) = 5),
    plan_before TEXT,
    plan_after TEXT,
    -- Records of earlier than this were removed.
    pruned_before BIGINT,
    address TEXT CHECK (length(address) <= 64),
    user_agent TEXT CHECK (length(user_agent) <= 256),
    CHECK ((actor = 'user') = (actor_id IS NOT NULL)),
    CHECK ((account_id IS NULL) = (account IS NULL)),
    CHECK ((kind LIKE 'token-%') = (token_id IS NOT NULL)),
    CHECK ((token_id IS NULL) = (token_preview IS NULL)),
    CHECK ((kind = 'plan-changed') = (plan_before IS NOT NULL)),
    CHECK ((plan_before IS NULL) = (plan_after IS NULL)),
    CHECK ((kind = 'audit-pruned') = (pruned_before IS NOT NULL)),
    CHECK (pruned_before <= recorded_at)
);

CREATE INDEX audit_entries_by_time ON audit_entries (recorded_at, id);
CREATE INDEX audit_entries_by_kind ON audit_entries (kind, recorded_at, id);
CREATE INDEX audit_entries_by_token ON audit_entries (token_id, recorded_at, id);

-- The organisations whose members may read a record, as it was when it was written: whoever joins later brings
-- no past along, and whoever leaves takes none away. What a list is ordered and filtered by is repeated here.
CREATE TABLE audit_audience (
    entry_id BIGINT NOT NULL REFERENCES audit_entries (id) ON DELETE CASCADE,
    organisation_id BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    token_id BIGINT,
    PRIMARY KEY (entry_id, organisation_id)
);

CREATE INDEX audit_audience_by_time ON audit_audience (organisation_id, recorded_at, entry_id);
CREATE INDEX audit_audience_by_kind ON audit_audience (organisation_id, kind, recorded_at, entry_id);
CREATE INDEX audit_audience_by_token ON audit_audience (organisation_id, token_id, recorded_at, entry_id);

-- Append-only: no record is changed, and one is removed only where a record says that those of its time were.
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND TG_LEVEL = 'ROW' AND EXISTS (
        SELECT 1 FROM audit_entries AS pruning
        WHERE pruning.kind = 'audit-pruned' AND pruning.pruned_before > OLD.recorded_at
    ) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the audit trail is append-only';
END
$$;

CREATE TRIGGER audit_entries_are_kept BEFORE UPDATE OR DELETE ON audit_entries
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_entries_are_not_emptied BEFORE TRUNCATE ON audit_entries
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_audience_is_kept BEFORE UPDATE OR DELETE ON audit_audience
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_audience_is_not_emptied BEFORE TRUNCATE ON audit_audience
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
