//! Who belongs to which organisation.

use std::sync::Arc;

use model::{
    client::Client,
    organisation::{Organisation, OrganisationId, Role},
    security::SecurityEvent,
    user::{Email, UserId},
};

use crate::{
    Store, audit::Origin, database::on_engine, error::StoreError, organisations::OrganisationRow,
};

/// Proof that a user belongs to an organisation, with that organisation as it is now. Made by
/// [`Members`] alone, from a fresh read.
#[derive(Clone, Debug)]
pub struct Member {
    user_id: UserId,
    email: Email,
    organisation: Organisation,
    role: Role,
    /// On whose behalf the store looked them up.
    origin: Option<Arc<Origin>>,
}

impl Member {
    /// The user.
    pub const fn user_id(&self) -> UserId {
        self.user_id
    }

    /// The user's address.
    pub const fn email(&self) -> &Email {
        &self.email
    }

    /// The organisation.
    pub const fn organisation(&self) -> &Organisation {
        &self.organisation
    }

    /// What the user is in it.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Asks for the plan that opens the Developer Zone, as it was when the member was looked up. For what
    /// reads or changes no tokens; [`crate::tokens`] asks by itself.
    ///
    /// # Errors
    /// [`StoreError::PlanRequired`].
    pub fn require_developer_zone(&self) -> Result<(), StoreError> {
        self.require_plan_of(&self.organisation)
    }

    /// The same, of the organisation as a transaction has found it.
    ///
    /// No page offers what is refused here: the log has it for those who look for attacks. (An operator at the
    /// command line is told, and nothing more.)
    pub(crate) fn require_plan_of(&self, organisation: &Organisation) -> Result<(), StoreError> {
        if organisation.plan.includes_developer_zone() {
            return Ok(());
        }
        if let Some(client) = self.origin.as_deref().and_then(Origin::client) {
            tracing::info!(
                event = SecurityEvent::Unauthorised.name(),
                reason = "plan_required",
                user = self.user_id.0,
                organisation = organisation.id.0,
                address = client.address_text(),
                "refused"
            );
        }
        Err(StoreError::PlanRequired(organisation.plan))
    }
}

impl Store {
    /// Whoever asks is no member, which the log has, as no page offers other organisations.
    pub(crate) fn not_a_member(&self, user: UserId, organisation: OrganisationId) -> StoreError {
        let client = self.origin().and_then(Origin::client);
        tracing::info!(
            event = SecurityEvent::Unauthorised.name(),
            reason = "not_a_member",
            user = user.0,
            organisation = organisation.0,
            address = client.and_then(Client::address_text),
            "refused"
        );
        StoreError::NotAMember(organisation)
    }
}

/// Who belongs to which organisation; see [`Store::members`].
pub struct Members<'a> {
    store: &'a Store,
}

#[derive(sqlx::FromRow)]
struct MemberRow {
    user_id: i64,
    email: String,
    #[sqlx(flatten)]
    organisation: OrganisationRow,
    role: String,
}

impl MemberRow {
    fn for_store(self, store: &Store) -> Result<Member, StoreError> {
        Ok(Member {
            user_id: UserId(self.user_id),
            email: Email::parse(&self.email)
                .map_err(|error| StoreError::Corrupt(error.to_string()))?,
            organisation: self.organisation.try_into()?,
            role: self.role.parse()?,
            origin: store.shared_origin(),
        })
    }
}

/// A membership with its user and organisation, where the rest of the text says which.
macro_rules! select_member {
    ($which:literal) => {
        concat!(
            "SELECT members.user_id, users.email, members.role,
                organisations.id, organisations.name, organisations.plan
            FROM members
            JOIN users ON users.id = members.user_id
            JOIN organisations ON organisations.id = members.organisation_id ",
            $which
        )
    };
}

const FIND: &str = select_member!("WHERE members.user_id = $1 AND members.organisation_id = $2");
const FIND_BY_EMAIL: &str =
    select_member!("WHERE users.email = $1 AND members.organisation_id = $2");
const OF_USER: &str = select_member!(
    "WHERE members.user_id = $1 ORDER BY lower(organisations.name), organisations.id"
);

impl<'a> Members<'a> {
    pub(crate) const fn new(store: &'a Store) -> Self {
        Self { store }
    }

    /// The user as a member of the organisation.
    ///
    /// # Errors
    /// [`StoreError::NotAMember`], the same for an organisation that does not exist; and those of the
    /// database.
    pub async fn find(
        &self,
        user: UserId,
        organisation: OrganisationId,
    ) -> Result<Member, StoreError> {
        let row: Option<MemberRow> = on_engine!(self.store.database().reader(), |pool| {
            sqlx::query_as(FIND)
                .bind(user.0)
                .bind(organisation.0)
                .fetch_optional(pool)
                .await
        })?;
        row.ok_or_else(|| self.store.not_a_member(user, organisation))?
            .for_store(self.store)
    }

    /// Whoever has the address, as a member of the organisation.
    ///
    /// # Errors
    /// As [`Members::find`].
    pub async fn find_by_email(
        &self,
        email: &Email,
        organisation: OrganisationId,
    ) -> Result<Member, StoreError> {
        let row: Option<MemberRow> = on_engine!(self.store.database().reader(), |pool| {
            sqlx::query_as(FIND_BY_EMAIL)
                .bind(email.as_str())
                .bind(organisation.0)
                .fetch_optional(pool)
                .await
        })?;
        row.ok_or(StoreError::NotAMember(organisation))?
            .for_store(self.store)
    }

    /// Everything the user is a member of, by the organisations' names.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn of_user(&self, user: UserId) -> Result<Vec<Member>, StoreError> {
        let rows: Vec<MemberRow> = on_engine!(self.store.database().reader(), |pool| {
            sqlx::query_as(OF_USER).bind(user.0).fetch_all(pool).await
        })?;
        rows.into_iter()
            .map(|row| row.for_store(self.store))
            .collect()
    }
}
