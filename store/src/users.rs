//! Accounts: who can sign in.

use model::{
    organisation::{OrganisationId, Role},
    user::{Email, UserId},
};

use crate::{
    Store,
    audit::{Record, append_in},
    database::on_engine,
    error::StoreError,
    members::Member,
    organisations::organisation_in,
};

/// An account with all that its owner's pages show of it.
#[derive(Clone, Debug)]
pub struct Account {
    /// The user.
    pub user_id: UserId,
    /// The address that the user signs in with.
    pub email: Email,
    /// What the user is a member of, by the organisations' names.
    pub memberships: Vec<Member>,
    /// The organisation that the user works in: the last one chosen, or the only one there is.
    pub selected: Option<OrganisationId>,
}

/// Accounts; see [`Store::users`].
pub struct Users<'a> {
    store: &'a Store,
}

#[derive(sqlx::FromRow)]
struct AccountRow {
    email: String,
    selected_organisation_id: Option<i64>,
}

pub(crate) const INSERT_USER: &str = "INSERT INTO users (email, password_hash, demo, created_at)
    VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING id";

pub(crate) const INSERT_MEMBER: &str = "INSERT INTO members (user_id, organisation_id, role)
    VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";

const ACCOUNT: &str = "SELECT email, selected_organisation_id FROM users WHERE id = $1";
const ID_OF: &str = "SELECT id FROM users WHERE email = $1";
const SELECT_FOR_ACCOUNT: &str = "UPDATE users SET selected_organisation_id = $2
    WHERE id = $1 AND EXISTS (
        SELECT 1 FROM members WHERE members.user_id = $1 AND members.organisation_id = $2
    )";
const DEMO_EMAILS: &str = "SELECT email FROM users WHERE demo = TRUE ORDER BY email";

impl<'a> Users<'a> {
    pub(crate) const fn new(store: &'a Store) -> Self {
        Self { store }
    }

    /// Makes an account and puts it into the organisation.
    ///
    /// # Errors
    /// [`StoreError::UserExists`], [`StoreError::NoSuchOrganisation`], and those of the database;
    /// [`StoreError::PasswordTooShort`], [`StoreError::PasswordTooLong`] and
    /// [`StoreError::PasswordTooCommon`]. Nothing is kept of a user that could not be made whole.
    pub async fn create(
        &self,
        email: &Email,
        password: &str,
        organisation: OrganisationId,
        role: Role,
    ) -> Result<UserId, StoreError> {
        let hash = self.store.passwords().hash_new(password, email).await?;
        let now = self.store.clock().now().epoch_millis();
        on_engine!(transaction self.store.database(), |tx| {
            organisation_in!(tx, organisation)?;
            let id: Option<i64> = sqlx::query_scalar(INSERT_USER)
                .bind(email.as_str())
                .bind(hash)
                .bind(false)
                .bind(now)
                .fetch_optional(&mut *tx)
                .await?;
            let id = id.ok_or_else(|| StoreError::UserExists(email.clone()))?;
            sqlx::query(INSERT_MEMBER)
                .bind(id)
                .bind(organisation.0)
                .bind(role.code())
                .execute(&mut *tx)
                .await?;
            let record = Record::member_added(organisation, UserId(id), email.as_str());
            append_in!(tx, self.store, record)?;
            Ok(UserId(id))
        })
    }

    /// Puts somebody who has an account into one more organisation.
    ///
    /// # Errors
    /// [`StoreError::NoSuchUser`], [`StoreError::NoSuchOrganisation`], [`StoreError::AlreadyAMember`], and
    /// those of the database.
    pub async fn join(
        &self,
        email: &Email,
        organisation: OrganisationId,
        role: Role,
    ) -> Result<(), StoreError> {
        on_engine!(transaction self.store.database(), |tx| {
            organisation_in!(tx, organisation)?;
            let user: Option<i64> = sqlx::query_scalar(ID_OF)
                .bind(email.as_str())
                .fetch_optional(&mut *tx)
                .await?;
            let user = user.ok_or_else(|| StoreError::NoSuchUser(email.clone()))?;
            let joined = sqlx::query(INSERT_MEMBER)
                .bind(user)
                .bind(organisation.0)
                .bind(role.code())
                .execute(&mut *tx)
                .await?;
            if joined.rows_affected() == 0 {
                return Err(StoreError::AlreadyAMember(email.clone()));
            }
            let record = Record::member_added(organisation, UserId(user), email.as_str());
            append_in!(tx, self.store, record)
        })
    }

    /// The user's account; nothing if there is no such user any more.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn account(&self, user: UserId) -> Result<Option<Account>, StoreError> {
        let row: Option<AccountRow> = on_engine!(self.store.database().reader(), |pool| {
            sqlx::query_as(ACCOUNT)
                .bind(user.0)
                .fetch_optional(pool)
                .await
        })?;
        let Some(row) = row else { return Ok(None) };
        let memberships = self.store.members().of_user(user).await?;
        let chosen = row
            .selected_organisation_id
            .map(OrganisationId)
            .filter(|chosen| memberships.iter().any(|m| m.organisation().id == *chosen));
        let only = match memberships.as_slice() {
            [only] => Some(only.organisation().id),
            _ => None,
        };
        Ok(Some(Account {
            user_id: user,
            email: Email::parse(&row.email)
                .map_err(|error| StoreError::Corrupt(error.to_string()))?,
            selected: chosen.or(only),
            memberships,
        }))
    }

    /// Remembers on the account which organisation the user works in.
    ///
    /// # Errors
    /// [`StoreError::NotAMember`], and those of the database.
    pub async fn select_organisation(
        &self,
        user: UserId,
        organisation: OrganisationId,
    ) -> Result<(), StoreError> {
        let changed = on_engine!(self.store.database().writer(), |pool| {
            sqlx::query(SELECT_FOR_ACCOUNT)
                .bind(user.0)
                .bind(organisation.0)
                .execute(pool)
                .await
                .map(|done| done.rows_affected())
        })?;
        if changed == 0 {
            return Err(self.store.not_a_member(user, organisation));
        }
        Ok(())
    }

    /// The accounts whose password everyone can read in the README.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn demo_emails(&self) -> Result<Vec<String>, StoreError> {
        Ok(on_engine!(self.store.database().reader(), |pool| {
            sqlx::query_scalar(DEMO_EMAILS).fetch_all(pool).await
        })?)
    }
}
