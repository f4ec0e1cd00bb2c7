//! People who leave: operators remove members, and disable, enable or delete accounts.
//!
//! Each also ends the user's sessions, in one transaction that locks the account first. So when it is reported, nothing
//! that began in the user's name can take effect any more ([`crate::change`]). API tokens go on: they belong to the
//! organisation, and integrations of its other members use them. Lists mark them
//! ([`model::token::TokenSummary::creator_left`]).

use model::{
    audit::Kind,
    organisation::OrganisationId,
    user::{Email, UserId},
};

use crate::{
    audit::Record,
    database::{Purpose, values},
    error::AccountError,
    members::Members,
    sessions::end_sessions_of,
    users::{Users, lock_user, require_organisation},
};

/// The outcome of a change that ends sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The user.
    pub user: UserId,
    /// How many sessions were ended.
    pub sessions: u64,
}

const REMOVE: &str = "DELETE FROM members WHERE user_id = $1 AND organisation_id = $2";
const REMOVE_FROM_ALL: &str = "DELETE FROM members WHERE user_id = $1";
/// Changes no row if the account is in that state already.
const SET_STATE: &str = "UPDATE users SET state = $2 WHERE id = $1 AND state <> $2";
/// The row stays, because tokens and records refer to it.
const ERASE: &str = "UPDATE users
    SET state = 'deleted', email = $2, password_hash = '', selected_organisation_id = NULL, demo = FALSE
    WHERE id = $1";
/// The schema lets records of a deleted account be changed in this way only.
const ERASE_FROM_TRAIL: [&str; 2] = [
    "UPDATE audit_entries SET actor_name = $2 WHERE actor_id = $1",
    "UPDATE audit_entries SET account = $2 WHERE account_id = $1 AND account <> $2",
];

impl Members<'_> {
    /// Removes a user from an organisation, and ends the user's sessions. In other organisations the user stays a
    /// member, and can sign in again.
    ///
    /// # Errors
    /// [`AccountError::NoSuchUser`], [`AccountError::NoSuchOrganisation`], [`AccountError::NotAMember`], and those of
    /// the database.
    pub async fn remove(
        &self,
        email: &Email,
        organisation: OrganisationId,
    ) -> Result<Ended, AccountError> {
        let store = self.store();
        let mut transaction = store.database_for(Purpose::Revocation).begin().await?;
        require_organisation(&mut transaction, organisation).await?;
        let user = lock_user(&mut transaction, email).await?;
        let sessions = end_sessions_of(&mut transaction, user).await?;
        let values = values![user.0, organisation.0];
        if transaction.execute(REMOVE, values).await? == 0 {
            let email = email.clone();
            return Err(AccountError::NotAMember {
                email,
                organisation,
            });
        }
        let record = Record::member_removed(organisation, user, email.as_str());
        store.record(&mut transaction, record).await?;
        transaction.commit().await?;
        Ok(Ended { user, sessions })
    }
}

impl Users<'_> {
    /// Disables an account: it cannot sign in, and its sessions end. It keeps its password and its memberships. A
    /// disabled account stays as it is.
    ///
    /// # Errors
    /// [`AccountError::NoSuchUser`], and those of the database.
    pub async fn disable(&self, email: &Email) -> Result<Ended, AccountError> {
        let store = self.store();
        let mut transaction = store.database_for(Purpose::Revocation).begin().await?;
        let user = lock_user(&mut transaction, email).await?;
        let sessions = end_sessions_of(&mut transaction, user).await?;
        let values = values![user.0, "disabled"];
        if transaction.execute(SET_STATE, values).await? == 1 {
            let record = Record::of_account(Kind::AccountDisabled, user, email.as_str());
            store.record(&mut transaction, record).await?;
        }
        transaction.commit().await?;
        Ok(Ended { user, sessions })
    }

    /// Lets a disabled account sign in again. An enabled account stays as it is.
    ///
    /// # Errors
    /// [`AccountError::NoSuchUser`], and those of the database.
    pub async fn enable(&self, email: &Email) -> Result<(), AccountError> {
        let store = self.store();
        let mut transaction = store.database_for(Purpose::Revocation).begin().await?;
        let user = lock_user(&mut transaction, email).await?;
        let values = values![user.0, "enabled"];
        if transaction.execute(SET_STATE, values).await? == 1 {
            let record = Record::of_account(Kind::AccountEnabled, user, email.as_str());
            store.record(&mut transaction, record).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Deletes an account permanently: it ends its sessions and memberships, and replaces its address everywhere, also
    /// in the audit trail, by `deleted user` and its number.
    ///
    /// # Errors
    /// [`AccountError::NoSuchUser`], and those of the database.
    pub async fn delete(&self, email: &Email) -> Result<Ended, AccountError> {
        let store = self.store();
        let mut transaction = store.database_for(Purpose::Revocation).begin().await?;
        let user = lock_user(&mut transaction, email).await?;
        let sessions = end_sessions_of(&mut transaction, user).await?;
        let name = format!("deleted user {}", user.0);
        transaction.execute(ERASE, values![user.0, &name]).await?;
        for erase in ERASE_FROM_TRAIL {
            transaction.execute(erase, values![user.0, &name]).await?;
        }
        // Before the memberships end, as their organisations may read this record.
        let record = Record::of_account(Kind::AccountDeleted, user, &name);
        store.record(&mut transaction, record).await?;
        transaction
            .execute(REMOVE_FROM_ALL, values![user.0])
            .await?;
        transaction.commit().await?;
        Ok(Ended { user, sessions })
    }
}
