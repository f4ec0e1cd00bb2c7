//! Writing records: always with what they tell of, in its transaction.

use model::{
    audit::{Account, Actor, Kind, RecordedToken},
    client::{Client, UserAgent, visible_prefix},
    organisation::{OrganisationId, Plan},
    timestamp::Timestamp,
    token::TokenName,
    user::UserId,
};

use crate::scope::TokenAuthority;

/// The longest name of an operator that is kept, in characters.
const OPERATOR_LENGTH: usize = 64;

/// Where what is done with a store comes from; see [`Store::on_behalf_of`](crate::Store::on_behalf_of).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A request of a browser, or of what calls itself one.
    Request(Client),
    /// The command line.
    Operator {
        /// The operator's name on the machine.
        name: Option<String>,
    },
}

impl Origin {
    /// The command line, used by somebody whom the machine knows by this name.
    pub fn operator(name: Option<&str>) -> Self {
        let name = name.map(|name| visible_prefix(name, OPERATOR_LENGTH));
        Self::Operator {
            name: name.filter(|name| !name.is_empty()),
        }
    }

    /// Who sends the request, if it is one.
    pub(crate) const fn client(&self) -> Option<&Client> {
        match self {
            Self::Request(client) => Some(client),
            Self::Operator { .. } => None,
        }
    }
}

/// What is to be recorded. When, and from where, is found when it is appended.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    kind: Kind,
    /// Who did it, as far as a request tells; at the command line it is always the operator.
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

    /// What a user does with their own account.
    pub(crate) fn by_user(kind: Kind, user: UserId, email: &str) -> Self {
        let account = account(user, email);
        Self {
            account: Some(account.clone()),
            ..Self::new(kind, Actor::User(account))
        }
    }

    /// What an operator does with somebody's account.
    pub(crate) fn of_account(kind: Kind, user: UserId, email: &str) -> Self {
        Self {
            account: Some(account(user, email)),
            ..Self::new(kind, Actor::Operator(None))
        }
    }

    /// A sign-in that failed, to this account or to none.
    pub(crate) fn failed_sign_in(tried: Option<(UserId, String)>) -> Self {
        Self {
            account: tried.map(|(user, email)| account(user, &email)),
            ..Self::new(Kind::SignInFailed, Actor::Unknown)
        }
    }

    /// A change of a token.
    pub(crate) fn of_token(
        kind: Kind,
        authority: TokenAuthority<'_>,
        token: RecordedToken,
    ) -> Self {
        let actor = match authority {
            TokenAuthority::Member(member) => {
                Actor::User(account(member.user_id(), member.email().as_str()))
            }
            TokenAuthority::Operator(_) => Actor::Operator(None),
        };
        Self {
            organisation: Some(authority.organisation_id()),
            // An operator makes tokens in a member's name.
            account: match &actor {
                Actor::User(maker) if kind == Kind::TokenCreated => Some(maker.clone()),
                _ => None,
            },
            token: Some(token),
            ..Self::new(kind, actor)
        }
    }

    /// Another plan.
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

    /// Old records were removed.
    pub(super) fn pruned(before: Timestamp) -> Self {
        Self {
            pruned_before: Some(before),
            ..Self::new(Kind::AuditPruned, Actor::Operator(None))
        }
    }

    /// The row of this record, as something that comes from `origin`.
    pub(crate) fn row(self, origin: Option<&Origin>) -> Row {
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

fn account(id: UserId, email: &str) -> Account {
    Account {
        id,
        email: email.to_owned(),
    }
}

pub(super) const USER: &str = "user";
pub(super) const OPERATOR: &str = "operator";
const NOBODY: &str = "nobody";

/// A row of `audit_entries` that is to be written.
pub(crate) struct Row {
    pub(crate) kind: &'static str,
    pub(crate) actor: &'static str,
    pub(crate) actor_id: Option<i64>,
    pub(crate) actor_name: Option<String>,
    pub(crate) organisation: Option<i64>,
    pub(crate) account_id: Option<i64>,
    pub(crate) account: Option<String>,
    pub(crate) token_id: Option<i64>,
    pub(crate) token_preview: Option<String>,
    pub(crate) token_name: Option<String>,
    pub(crate) token_renamed_to: Option<String>,
    pub(crate) plan_before: Option<&'static str>,
    pub(crate) plan_after: Option<&'static str>,
    pub(crate) pruned_before: Option<i64>,
    pub(crate) address: Option<String>,
    pub(crate) user_agent: Option<String>,
}

pub(crate) const INSERT: &str = "INSERT INTO audit_entries
        (recorded_at, kind, actor, actor_id, actor_name, organisation_id, account_id, account,
        token_id, token_preview, token_name, token_renamed_to, plan_before, plan_after,
        pruned_before, address, user_agent)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
    RETURNING id";

/// Who may read it: the organisation's members, or those of every organisation of the account.
pub(crate) const SHOW: &str = "INSERT INTO audit_audience
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

/// Appends a [`Record`] in the running transaction `tx`; gives `Result<(), StoreError>`. What it tells of is
/// done in the same transaction, so that neither is there without the other.
macro_rules! append_in {
    ($tx:ident, $store:expr, $record:expr) => {{
        let row = $crate::audit::Record::row($record, $store.origin());
        let id: i64 = sqlx::query_scalar($crate::audit::INSERT)
            .bind($store.clock().now().epoch_millis())
            .bind(row.kind)
            .bind(row.actor)
            .bind(row.actor_id)
            .bind(row.actor_name)
            .bind(row.organisation)
            .bind(row.account_id)
            .bind(row.account)
            .bind(row.token_id)
            .bind(row.token_preview)
            .bind(row.token_name)
            .bind(row.token_renamed_to)
            .bind(row.plan_before)
            .bind(row.plan_after)
            .bind(row.pruned_before)
            .bind(row.address)
            .bind(row.user_agent)
            .fetch_one(&mut *$tx)
            .await?;
        sqlx::query($crate::audit::SHOW)
            .bind(id)
            .execute(&mut *$tx)
            .await?;
        Ok::<(), $crate::error::StoreError>(())
    }};
}
pub(crate) use append_in;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operators_name_steers_nothing_and_has_an_end() {
        let named = |name| match Origin::operator(Some(name)) {
            Origin::Operator { name } => name,
            Origin::Request(_) => None,
        };
        assert_eq!(
            named("grace\u{1b}[31m\u{202e}"),
            Some("grace[31m".to_owned())
        );
        assert_eq!(named("\u{7}"), None);
        let long = named(&"a".repeat(9_000));
        assert_eq!(long.map(|name| name.len()), Some(OPERATOR_LENGTH));
    }
}
