//! Accounts: who can sign in.

use model::{
    organisation::{OrganisationId, Role},
    user::{Email, UserId},
};

use crate::{
    Store,
    audit::Record,
    database::{Purpose, Transaction, row, values},
    error::{AccountError, DatabaseError, MemberError},
    members::{Member, Membership},
    organisations::organisation_of,
    password::Requester,
};

/// An account, as its owner's pages show it.
#[derive(Clone, Debug)]
pub struct Account {
    /// The user.
    pub user_id: UserId,
    /// The address that the user signs in with.
    pub email: Email,
    /// The user's memberships, in the natural order of the organisations' names.
    pub memberships: Vec<Membership>,
    /// The organisation that the user works in: the last one chosen, or the user's only one.
    pub selected: Option<OrganisationId>,
}

/// Accounts; see [`Store::users`].
pub struct Users<'a> {
    store: &'a Store,
}

row! {
    struct AccountRow {
        email: String,
        selected_organisation_id: Option<i64>,
    }
}

const INSERT_USER: &str = "INSERT INTO users (email, password_hash, demo, created_at)
    VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING id";

const INSERT_MEMBER: &str = "INSERT INTO members (user_id, organisation_id, role)
    VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";

const ACCOUNT: &str = "SELECT email, selected_organisation_id FROM users WHERE id = $1";
const IS_SELECTED: &str = "SELECT id FROM users WHERE id = $1 AND selected_organisation_id = $2";
/// Locks the account until the end of the transaction.
const LOCK_BY_EMAIL: &str = "UPDATE users SET demo = demo WHERE email = $1 RETURNING id";
const SELECT_FOR_ACCOUNT: &str = "UPDATE users SET selected_organisation_id = $2 WHERE id = $1";
const NOTE_SELECTION: &str =
    "UPDATE members SET selected_at = $3 WHERE user_id = $1 AND organisation_id = $2";
const DEMO_EMAILS: &str = "SELECT email FROM users WHERE demo = TRUE ORDER BY email";

/// A new account's row.
pub(crate) struct NewUser<'a> {
    pub(crate) email: &'a str,
    pub(crate) password_hash: &'a str,
    pub(crate) demo: bool,
    /// In milliseconds.
    pub(crate) created_at: i64,
}

/// Inserts an account; none if the address has one already.
pub(crate) async fn insert_user(
    transaction: &mut Transaction,
    user: NewUser<'_>,
) -> Result<Option<UserId>, DatabaseError> {
    let id: Option<(i64,)> = transaction
        .fetch_optional(
            INSERT_USER,
            values![user.email, user.password_hash, user.demo, user.created_at],
        )
        .await?;
    Ok(id.map(|(id,)| UserId(id)))
}

/// Inserts a membership, and returns whether it is new.
pub(crate) async fn insert_member(
    transaction: &mut Transaction,
    user: UserId,
    organisation: OrganisationId,
    role: Role,
) -> Result<bool, DatabaseError> {
    let values = values![user.0, organisation.0, role.code()];
    Ok(transaction.execute(INSERT_MEMBER, values).await? == 1)
}

impl<'a> Users<'a> {
    pub(crate) const fn new(store: &'a Store) -> Self {
        Self { store }
    }

    pub(crate) const fn store(&self) -> &'a Store {
        self.store
    }

    /// Creates an account and its membership of the organisation. If either fails, nothing is kept.
    ///
    /// # Errors
    /// [`AccountError::Exists`], [`AccountError::NoSuchOrganisation`], those of a new password, and those of the
    /// database.
    pub async fn create(
        &self,
        email: &Email,
        password: &str,
        organisation: OrganisationId,
        role: Role,
    ) -> Result<UserId, AccountError> {
        let passwords = self.store.passwords();
        let password_hash: Result<_, AccountError> = passwords
            .hash_new(Requester::Operator, password, email)
            .await;
        let password_hash = password_hash?;
        let mut transaction = self.store.database().begin().await?;
        require_organisation(&mut transaction, organisation).await?;
        let user = NewUser {
            email: email.as_str(),
            password_hash: &password_hash,
            demo: false,
            created_at: self.store.clock().now().epoch_millis(),
        };
        let user = insert_user(&mut transaction, user).await?;
        let user = user.ok_or_else(|| AccountError::Exists(email.clone()))?;
        insert_member(&mut transaction, user, organisation, role).await?;
        let record = Record::member_added(organisation, user, email.as_str());
        self.store.record(&mut transaction, record).await?;
        transaction.commit().await?;
        Ok(user)
    }

    /// Makes a user with an account a member of one more organisation.
    ///
    /// # Errors
    /// [`AccountError::NoSuchUser`], [`AccountError::NoSuchOrganisation`], [`AccountError::AlreadyAMember`], and
    /// those of the database.
    pub async fn join(
        &self,
        email: &Email,
        organisation: OrganisationId,
        role: Role,
    ) -> Result<(), AccountError> {
        let mut transaction = self.store.database().begin().await?;
        require_organisation(&mut transaction, organisation).await?;
        let user = lock_user(&mut transaction, email).await?;
        if !insert_member(&mut transaction, user, organisation, role).await? {
            return Err(AccountError::AlreadyAMember(email.clone()));
        }
        let record = Record::member_added(organisation, user, email.as_str());
        self.store.record(&mut transaction, record).await?;
        Ok(transaction.commit().await?)
    }

    /// The user's account; none if there is no such user.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn account(&self, user: UserId) -> Result<Option<Account>, DatabaseError> {
        let database = self.store.database();
        let row: Option<AccountRow> = database.fetch_optional(ACCOUNT, values![user.0]).await?;
        let Some(row) = row else { return Ok(None) };
        let memberships = self.store.members().of_user(user).await?;
        let chosen = row
            .selected_organisation_id
            .map(OrganisationId)
            .filter(|chosen| memberships.iter().any(|it| it.organisation.id == *chosen));
        let only = match memberships.as_slice() {
            [only] => Some(only.organisation.id),
            _ => None,
        };
        Ok(Some(Account {
            user_id: user,
            email: Email::parse(&row.email)
                .map_err(|error| DatabaseError::Corrupt(error.to_string()))?,
            selected: chosen.or(only),
            memberships,
        }))
    }

    /// Stores on the account that the member has selected this organisation, and when.
    ///
    /// # Errors
    /// [`MemberError`].
    pub async fn select_organisation(&self, member: &Member) -> Result<(), MemberError> {
        let (user, organisation) = (member.user_id(), member.organisation().id);
        let selected: Option<(i64,)> = self
            .store
            .database()
            .fetch_optional(IS_SELECTED, values![user.0, organisation.0])
            .await?;
        if selected.is_some() {
            // Nothing to write, so the call does not wait for other writers.
            return Ok(());
        }
        let mut change = self.store.begin_for_member(member, Purpose::Upkeep).await?;
        let values = values![user.0, organisation.0];
        change.execute(SELECT_FOR_ACCOUNT, values).await?;
        let now = self.store.clock().now().epoch_millis();
        let values = values![user.0, organisation.0, now];
        change.execute(NOTE_SELECTION, values).await?;
        Ok(change.commit().await?)
    }

    /// The addresses of the accounts that have the demo password, which the README publishes.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn demo_emails(&self) -> Result<Vec<String>, DatabaseError> {
        let database = self.store.database();
        let rows: Vec<(String,)> = database.fetch_all(DEMO_EMAILS, &[]).await?;
        Ok(rows.into_iter().map(|(email,)| email).collect())
    }
}

/// Locks the account with this address, enabled or not.
pub(crate) async fn lock_user(
    transaction: &mut Transaction,
    email: &Email,
) -> Result<UserId, AccountError> {
    let user: Option<(i64,)> = transaction
        .fetch_optional(LOCK_BY_EMAIL, values![email.as_str()])
        .await?;
    let (user,) = user.ok_or_else(|| AccountError::NoSuchUser(email.clone()))?;
    Ok(UserId(user))
}

pub(crate) async fn require_organisation(
    transaction: &mut Transaction,
    id: OrganisationId,
) -> Result<(), AccountError> {
    let organisation = organisation_of(transaction, id).await?;
    organisation.ok_or(AccountError::NoSuchOrganisation(id))?;
    Ok(())
}
