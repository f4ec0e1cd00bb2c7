//! Writing records, each in the transaction of the change that it records.

use model::{
    audit::{Account, Actor, Kind, RecordedToken},
    client::{Client, UserAgent},
    organisation::{OrganisationId, Plan},
    timestamp::Timestamp,
    token::TokenName,
    user::UserId,
};

use crate::{
    Store,
    actor::Origin,
    change::Change,
    database::{Transaction, values},
    error::DatabaseError,
};

/// A record to be written. [`Store::record`] adds when and from where.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    kind: Kind,
    /// Who did it, if a request did. At the command line the actor is always the operator.
    actor: Actor,
    organisation: Option<OrganisationId>,
    account: Option<Account>,
    token: Option<RecordedToken>,
    plans: Option<(Plan, Plan)>,
    pruned_before: Option<Timestamp>,
}

impl Record {
    const fn new(kind: Kind, actor: Actor) -> Self {
        Self {
            kind,
            actor,
            organisation: None,
            account: None,
            token: None,
            plans: None,
            pruned_before: None,
        }
    }

    /// A change that users make to their own account.
    pub(crate) fn of_own_account(kind: Kind, change: &Change) -> Self {
        let actor = change.actor().clone();
        Self {
            account: user_of(&actor),
            ..Self::new(kind, actor)
        }
    }

    /// A sign-in. The password has just proved who acts, so it needs no [`Change`].
    pub(crate) fn signed_in(user: UserId, email: &str) -> Self {
        Self::by_itself(Kind::SignedIn, user, email)
    }

    /// A sign-out. The session's key has proved who acts, so it needs no [`Change`].
    pub(crate) fn signed_out(user: UserId, email: &str) -> Self {
        Self::by_itself(Kind::SignedOut, user, email)
    }

    /// A password that was set by a reset link. The link's secret has proved who acts, so it needs no [`Change`].
    pub(crate) fn password_reset(user: UserId, email: &str) -> Self {
        Self::by_itself(Kind::PasswordChanged, user, email)
    }

    fn by_itself(kind: Kind, user: UserId, email: &str) -> Self {
        let account = account(user, email);
        Self {
            account: Some(account.clone()),
            ..Self::new(kind, Actor::User(account))
        }
    }

    /// A change that an operator makes to a user's account.
    pub(crate) fn of_account(kind: Kind, user: UserId, email: &str) -> Self {
        Self {
            account: Some(account(user, email)),
            ..Self::new(kind, Actor::Operator(None))
        }
    }

    /// A failed sign-in to this account, or to an address without an account.
    pub(crate) fn failed_sign_in(tried: Option<(UserId, String)>) -> Self {
        Self {
            account: tried.map(|(user, email)| account(user, &email)),
            ..Self::new(Kind::SignInFailed, Actor::Unknown)
        }
    }

    /// A change of a token.
    pub(crate) fn of_token(
        kind: Kind,
        change: &Change,
        organisation: OrganisationId,
        token: RecordedToken,
    ) -> Self {
        let actor = change.actor().clone();
        Self {
            organisation: Some(organisation),
            // The account is the token's owner, also where an operator creates the token for a member.
            account: user_of(&actor).filter(|_| kind == Kind::TokenCreated),
            token: Some(token),
            ..Self::new(kind, actor)
        }
    }

    /// A token that was deactivated because its database was restored from a backup.
    pub(crate) fn token_distrusted(organisation: OrganisationId, token: RecordedToken) -> Self {
        Self {
            organisation: Some(organisation),
            token: Some(token),
            ..Self::new(Kind::TokenDeactivated, Actor::Operator(None))
        }
    }

    /// A change of an organisation's plan.
    pub(crate) fn plan_changed(organisation: OrganisationId, before: Plan, after: Plan) -> Self {
        Self {
            organisation: Some(organisation),
            plans: Some((before, after)),
            ..Self::new(Kind::PlanChanged, Actor::Operator(None))
        }
    }

    /// A new member.
    pub(crate) fn member_added(organisation: OrganisationId, user: UserId, email: &str) -> Self {
        Self {
            organisation: Some(organisation),
            ..Self::of_account(Kind::MemberAdded, user, email)
        }
    }

    /// A member who was removed.
    pub(crate) fn member_removed(organisation: OrganisationId, user: UserId, email: &str) -> Self {
        Self {
            organisation: Some(organisation),
            ..Self::of_account(Kind::MemberRemoved, user, email)
        }
    }

    /// The removal of records before an instant.
    pub(super) fn pruned(before: Timestamp) -> Self {
        Self {
            pruned_before: Some(before),
            ..Self::new(Kind::AuditPruned, Actor::Operator(None))
        }
    }

    /// The row of this record, for a change that comes from `origin`.
    fn row(self, origin: Option<&Origin>) -> Row {
        let (actor, actor_id, actor_name) = match (origin, self.actor) {
            (Some(Origin::Operator { name }), _) => (OPERATOR, None, name.clone()),
            (_, Actor::Operator(name)) => (OPERATOR, None, name),
            (_, Actor::User(account)) => (USER, Some(account.id.0), Some(account.email)),
            (_, Actor::Unknown) => (NOBODY, None, None),
        };
        let client = origin.and_then(Origin::client);
        let user_agent = client.and_then(|client| client.user_agent.as_ref());
        let (account_id, account) = self.account.map(|it| (it.id.0, it.email)).unzip();
        let token = self.token.as_ref();
        let text = |name: &TokenName| name.as_str().to_owned();
        let (plan_before, plan_after) = self.plans.unzip();
        Row {
            kind: self.kind.code(),
            actor,
            actor_id,
            actor_name,
            organisation: self.organisation.map(|id| id.0),
            account_id,
            account,
            token_id: token.map(|token| token.id.0),
            token_preview: token.map(|token| token.preview.as_str().to_owned()),
            token_name: token.and_then(|token| token.name.as_ref()).map(text),
            token_renamed_to: token.and_then(|token| token.renamed_to.as_ref()).map(text),
            plan_before: plan_before.map(Plan::code),
            plan_after: plan_after.map(Plan::code),
            pruned_before: self.pruned_before.map(Timestamp::epoch_millis),
            address: client.and_then(Client::address_text),
            user_agent: user_agent.map(UserAgent::as_str).map(str::to_owned),
        }
    }
}

fn user_of(actor: &Actor) -> Option<Account> {
    match actor {
        Actor::User(account) => Some(account.clone()),
        Actor::Operator(_) | Actor::Unknown => None,
    }
}

fn account(id: UserId, email: &str) -> Account {
    Account {
        id,
        email: email.to_owned(),
    }
}

pub(super) const USER: &str = "user";
pub(super) const OPERATOR: &str = "operator";
const NOBODY: &str = "nobody";

/// A row of `audit_entries` to be written.
struct Row {
    kind: &'static str,
    actor: &'static str,
    actor_id: Option<i64>,
    actor_name: Option<String>,
    organisation: Option<i64>,
    account_id: Option<i64>,
    account: Option<String>,
    token_id: Option<i64>,
    token_preview: Option<String>,
    token_name: Option<String>,
    token_renamed_to: Option<String>,
    plan_before: Option<&'static str>,
    plan_after: Option<&'static str>,
    pruned_before: Option<i64>,
    address: Option<String>,
    user_agent: Option<String>,
}

const INSERT: &str = "INSERT INTO audit_entries
        (recorded_at, kind, actor, actor_id, actor_name, organisation_id, account_id, account,
        token_id, token_preview, token_name, token_renamed_to, plan_before, plan_after,
        pruned_before, address, user_agent)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
    RETURNING id";

/// Lists the organisations whose members may read a record: the record's own, or all those of its account.
const SHOW: &str = "INSERT INTO audit_audience
        (entry_id, organisation_id, recorded_at, kind, token_id)
    SELECT audit_entries.id, audit_entries.organisation_id, audit_entries.recorded_at,
        audit_entries.kind, audit_entries.token_id
    FROM audit_entries
    WHERE audit_entries.id = $1 AND audit_entries.organisation_id IS NOT NULL
    UNION ALL
    SELECT audit_entries.id, members.organisation_id, audit_entries.recorded_at,
        audit_entries.kind, audit_entries.token_id
    FROM audit_entries JOIN members ON members.user_id = audit_entries.account_id
    WHERE audit_entries.id = $1 AND audit_entries.organisation_id IS NULL";

impl Store {
    /// Writes `record` in the transaction of the change that it records. So neither exists without the other.
    pub(crate) async fn record(
        &self,
        transaction: &mut Transaction,
        record: Record,
    ) -> Result<(), DatabaseError> {
        let row = record.row(self.origin());
        let (id,): (i64,) = transaction
            .fetch_one(
                INSERT,
                values![
                    self.clock().now().epoch_millis(),
                    row.kind,
                    row.actor,
                    row.actor_id,
                    &row.actor_name,
                    row.organisation,
                    row.account_id,
                    &row.account,
                    row.token_id,
                    &row.token_preview,
                    &row.token_name,
                    &row.token_renamed_to,
                    row.plan_before,
                    row.plan_after,
                    row.pruned_before,
                    &row.address,
                    &row.user_agent,
                ],
            )
            .await?;
        transaction.execute(SHOW, values![id]).await?;
        Ok(())
    }
}
