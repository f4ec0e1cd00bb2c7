//! Changes in a user's name. Each begins with the check that the user may still make it.
//!
//! A request reads its session and its member before it changes anything. It can be seconds before: hashing a password
//! or waiting for a connection takes time. Meanwhile the session can end, or the user can leave the organisation. So a
//! [`Change`] checks session, account, membership and plan again in its own transaction, and locks these rows. Every
//! transaction that ends one of them changes its row. Either it waits for the change, or the change waits for it and is
//! refused. Once the end is reported, no change that depended on it takes effect. A timeout is no transaction: for it,
//! the check compares the session with the clock.
//!
//! A recorded change cannot forget the check: the audit records of a user's account and of tokens are made from a
//! [`Change`]. The exceptions are sign-in, sign-out, and operators' changes, which need no session.
//!
//! Order of locks: account, session, membership, organisation, then the rows of the change itself. Transactions that
//! lock one row of each in this order cannot deadlock. A transaction that locks several sessions locks their account
//! first, and one that locks several tokens their organisation. So the rows of one kind need no order. One that locks
//! several accounts or organisations does so by number.

use std::ops::{Deref, DerefMut};

use model::{
    audit::{Account, Actor},
    organisation::{Organisation, OrganisationId},
    user::UserId,
};

use crate::{
    Store,
    database::{LoggedChange, Purpose, Transaction, values},
    error::{DatabaseError, MemberError, SessionError, TokenError, TooManyRecords},
    members::Member,
    organisation_row::OrganisationRow,
    permission::TokenPermission,
    record_allowance::RecordedBy,
    sessions::session::{Session, ended},
};

/// A transaction that has checked its user or operator: they may make the change.
pub(crate) struct Change {
    transaction: Transaction,
    actor: Actor,
}

/// An update that changes nothing locks a row, as in [`crate::tokens`]: one text for both engines.
const LOCK_ACCOUNT: &str = "UPDATE users SET demo = demo
    WHERE id = $1 AND state = 'enabled' RETURNING email";
/// Compares the key too: a request with an earlier key of the session is too late.
const LOCK_SESSION: &str = "UPDATE sessions SET user_id = user_id
    WHERE id = $1 AND user_id = $2 AND digest = $3 AND last_used_at > $4 AND created_at > $5
        AND last_used_at <= $6";
const LOCK_MEMBER: &str =
    "UPDATE members SET role = role WHERE user_id = $1 AND organisation_id = $2";
/// Enabled or not.
const LOCK_ANY_ACCOUNT: &str = "UPDATE users SET demo = demo WHERE id = $1";
const LOCK_ORGANISATION: &str =
    "UPDATE organisations SET plan = plan WHERE id = $1 RETURNING id, name, plan";

impl Store {
    /// Begins a change by the user of this session.
    ///
    /// # Errors
    /// [`SessionError::Ended`], and those of the database.
    pub(crate) async fn begin_for_session(
        &self,
        session: &Session,
        purpose: Purpose,
    ) -> Result<Change, SessionError> {
        let mut transaction = self.database_for(purpose).begin().await?;
        let user = session.user_id();
        let account = lock_account(&mut transaction, user).await?;
        let account = account.ok_or(SessionError::Ended)?;
        let (used, created, latest) = ended(self.clock().now());
        let (id, digest) = (session.id().0, session.digest());
        let values = values![id, user.0, digest, used, created, latest];
        if is_missing(transaction.execute(LOCK_SESSION, values).await?) {
            return Err(SessionError::Ended);
        }
        Ok(Change {
            transaction,
            actor: Actor::User(account),
        })
    }

    /// Begins a change by this member, or by an operator in the member's name.
    ///
    /// # Errors
    /// [`MemberError`].
    pub(crate) async fn begin_for_member(
        &self,
        member: &Member,
        purpose: Purpose,
    ) -> Result<Change, MemberError> {
        let (user, organisation) = (member.user_id(), member.organisation().id);
        let mut change = match member.session() {
            Some(session) => self.begin_for_session(session, purpose).await?,
            None => {
                self.begin_in_the_name_of(user, organisation, purpose)
                    .await?
            }
        };
        let values = values![user.0, organisation.0];
        if is_missing(change.execute(LOCK_MEMBER, values).await?) {
            return Err(self.not_a_member(user, organisation));
        }
        Ok(change)
    }

    /// Begins a change by an operator in a user's name, without a session.
    async fn begin_in_the_name_of(
        &self,
        user: UserId,
        organisation: OrganisationId,
        purpose: Purpose,
    ) -> Result<Change, MemberError> {
        let mut transaction = self.database_for(purpose).begin().await?;
        let account = lock_account(&mut transaction, user).await?;
        let account = account.ok_or(MemberError::NotAMember(organisation))?;
        Ok(Change {
            transaction,
            actor: Actor::User(account),
        })
    }

    /// Begins a change of an organisation's tokens. Takes from the allowances of its user and organisation, unless it is
    /// a revocation.
    ///
    /// # Errors
    /// [`TokenError::TooManyRecords`], [`TokenError::SessionEnded`], [`TokenError::NotAMember`], [`TokenError::PlanRequired`],
    /// [`TokenError::NoSuchOrganisation`], and those of the database.
    pub(crate) async fn begin_for_tokens(
        &self,
        permission: TokenPermission<'_>,
        purpose: Purpose,
    ) -> Result<Change, TokenError> {
        if purpose != Purpose::Revocation {
            self.take_record_of_token(permission)?;
        }
        let mut change = match permission {
            TokenPermission::Member(member) => self.begin_for_member(member, purpose).await?,
            TokenPermission::Operator(_) => Change {
                transaction: self.database_for(purpose).begin().await?,
                actor: Actor::Operator(None),
            },
        };
        let organisation = permission.organisation_id();
        let row: Option<OrganisationRow> = change
            .fetch_optional(LOCK_ORGANISATION, values![organisation.0])
            .await?;
        let found = row.map(Organisation::try_from).transpose()?;
        permission.require_plan_of(found)?;
        Ok(change)
    }

    /// Takes one record from the allowances of a member who acts in a session.
    fn take_record_of_token(&self, permission: TokenPermission<'_>) -> Result<(), TooManyRecords> {
        match permission {
            TokenPermission::Member(member) if member.session().is_some() => {
                self.take_record(RecordedBy::User(member.user_id()))?;
                self.take_record(RecordedBy::MembersOf(member.organisation().id))
            }
            TokenPermission::Member(_) | TokenPermission::Operator(_) => Ok(()),
        }
    }
}

impl Change {
    /// Who makes the change.
    pub(crate) const fn actor(&self) -> &Actor {
        &self.actor
    }

    /// As [`Transaction::commit`].
    pub(crate) async fn commit(self) -> Result<(), DatabaseError> {
        self.transaction.commit().await
    }

    /// As [`Transaction::commit_logged`].
    pub(crate) async fn commit_logged(self) -> Result<LoggedChange, DatabaseError> {
        self.transaction.commit_logged().await
    }
}

impl Deref for Change {
    type Target = Transaction;

    fn deref(&self) -> &Transaction {
        &self.transaction
    }
}

impl DerefMut for Change {
    fn deref_mut(&mut self) -> &mut Transaction {
        &mut self.transaction
    }
}

/// Locks an enabled account until the end of the transaction; none if it is not enabled.
pub(crate) async fn lock_account(
    transaction: &mut Transaction,
    user: UserId,
) -> Result<Option<Account>, DatabaseError> {
    let row: Option<(String,)> = transaction
        .fetch_optional(LOCK_ACCOUNT, values![user.0])
        .await?;
    Ok(row.map(|(email,)| Account { id: user, email }))
}

/// Locks an account, enabled or not, until the end of the transaction. For work without a user.
pub(crate) async fn lock_any_account(
    transaction: &mut Transaction,
    user: UserId,
) -> Result<(), DatabaseError> {
    transaction
        .execute(LOCK_ANY_ACCOUNT, values![user.0])
        .await?;
    Ok(())
}

/// Locks an organisation until the end of the transaction. For work without a user.
pub(crate) async fn lock_organisation(
    transaction: &mut Transaction,
    organisation: OrganisationId,
) -> Result<(), DatabaseError> {
    transaction
        .execute(LOCK_ORGANISATION, values![organisation.0])
        .await?;
    Ok(())
}

/// Whether the statement found no row to lock.
fn is_missing(locked: u64) -> bool {
    #[cfg(feature = "sabotage")]
    if crate::sabotage::no_check() {
        return false;
    }
    locked == 0
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::{
        organisation::{Plan, Role},
        timestamp::Timestamp,
        token::TokenName,
        user::Email,
    };

    use super::*;
    use crate::clock::ManualClock;

    /// Only here can a test use up an allowance without 900 changes.
    #[tokio::test]
    async fn members_who_record_too_much_together_can_still_deactivate() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        let clock = ManualClock::new(Timestamp(1_768_802_400_000));
        let store = Store::open(&url, Arc::new(clock)).await.expect("opened");
        store.migrate().await.expect("migrated");
        let organisations = store.organisations();
        let organisation = organisations.create(None, "One", Plan::Enterprise).await;
        let organisation = organisation.expect("created").id;
        let email = Email::parse("ada@example.com").expect("an address");
        let password = "correct horse battery";
        let created = store
            .users()
            .create(&email, password, organisation, Role::Admin)
            .await;
        created.expect("created");
        let key = store
            .sign_in()
            .with_password(&email, password, None, None)
            .await;
        let session = store
            .sessions()
            .find(&key.expect("signed in").session)
            .await;
        let session = session.expect("an answer").expect("a session");
        let ada = store
            .members()
            .find(&session, organisation)
            .await
            .expect("a member");
        let token = store
            .tokens()
            .create(&ada, None)
            .await
            .expect("created")
            .summary
            .id;

        // The creation took one.
        for _ in 0..899 {
            let taken = store.take_record(RecordedBy::MembersOf(organisation));
            taken.expect("within the allowance");
        }
        let name = TokenName::parse("another").expect("a name");
        let renamed = store
            .tokens()
            .rename((&ada).into(), token, Some(name))
            .await;
        assert!(
            matches!(renamed, Err(TokenError::TooManyRecords(_))),
            "{renamed:?}"
        );
        let deactivated = store.tokens().set_active((&ada).into(), token, false).await;
        deactivated.expect("deactivated");
    }
}
