//! The audit trail: who did what, when and from where.
//!
//! - **No change without its record, and no record without its change**: one transaction writes both. If the
//!   record cannot be written, the change is not made. A call that changes nothing, such as deactivating an
//!   inactive token, leaves no record.
//! - **Append-only**: the schema refuses to change a record. Only [`Audit::prune`] removes records, and it leaves
//!   a record of that. (The owner of the database can drop such rules. They stop everyone else, and mistakes.)
//! - **No secrets**: a record names a token by its number and preview, and an account by its address. An address
//!   without an account is not kept, as people type passwords there (OWASP Logging Cheat Sheet).
//! - **Order**: by time, then by number. The time is that of the server that wrote the record. If the clocks of
//!   two servers differ, the order of records within that difference can be wrong.
//!
//! **Who may read.** An organisation's members read changes of its tokens, plan and members. A record about an account
//! (sign-ins, sign-outs, passwords) is listed for every organisation that the account belonged to at that moment.
//! Earlier records of a new member are not listed. Failed sign-ins to addresses without an account are for operators
//! only. Members need the plan that opens the Developer Zone, and never see the name of an operator.
//!
//! **Failed sign-ins** change nothing, and are recorded before the response. A sign-in that is refused before its
//! password is checked (throttled, or the server is busy) is only logged. Refusing costs nothing, and a record of
//! each would let strangers fill the database. For the same reason failed sign-ins beyond an allowance are only logged.
//!
//! **How fast it may grow** is limited for each account and organisation ([`crate::record_allowance`]).

mod record;
mod select;

use model::{
    audit::{Cursor, EntryPage, Filter},
    timestamp::Timestamp,
    user::{Email, UserId},
};
use tokio::time::Instant;

pub(crate) use self::record::Record;
use self::select::{EntryRow, Select};
use crate::{
    Store,
    database::{Purpose, Transaction, Value, row, values},
    error::{AuditError, DatabaseError, PruneError},
    permission::AuditPermission,
    record_allowance::RecordedBy,
};

/// The audit trail; see [`Store::audit`].
pub struct Audit<'a> {
    store: &'a Store,
}

row! {
    struct AccountRow {
        id: i64,
        email: String,
    }
}

/// Records that one transaction of [`Audit::prune`] removes: about ten milliseconds of work.
const PRUNED_AT_ONCE: i64 = 1_000;

const EMAIL: &str = "SELECT email FROM users WHERE id = $1";
/// Locks the account: its address must not be erased before this record is written.
const ACCOUNT_BY_EMAIL: &str = "UPDATE users SET demo = demo WHERE email = $1 RETURNING id, email";
const ANY_BEFORE: &str = "SELECT id FROM audit_entries WHERE recorded_at < $1 LIMIT 1";
const PRUNE: &str = "DELETE FROM audit_entries WHERE id IN (
        SELECT id FROM audit_entries WHERE recorded_at < $1 ORDER BY recorded_at, id LIMIT $2
    )";

/// The statements that read records, with sample values in them; for a test.
#[doc(hidden)]
pub fn reads() -> Vec<String> {
    select::reads()
}

/// The user's address.
///
/// # Errors
/// [`DatabaseError::Corrupt`] if there is no such user: a deleted account keeps its row.
pub(crate) async fn email_of(
    transaction: &mut Transaction,
    user: UserId,
) -> Result<String, DatabaseError> {
    let row: Option<(String,)> = transaction.fetch_optional(EMAIL, values![user.0]).await?;
    let (email,) =
        row.ok_or_else(|| DatabaseError::Corrupt(format!("there is no user {} any more", user.0)))?;
    Ok(email)
}

impl<'a> Audit<'a> {
    pub(crate) const fn new(store: &'a Store) -> Self {
        Self { store }
    }

    /// A page of at most `size` records, newest first.
    ///
    /// # Errors
    /// [`AuditError`].
    pub async fn list(
        &self,
        permission: AuditPermission<'_>,
        filter: Filter,
        place: Cursor,
        size: u32,
    ) -> Result<EntryPage, AuditError> {
        self.admit(permission).await?;
        let page = self.read(permission, filter, place, size).await?;
        match place {
            // Less than a page of newer records is left: show the newest page instead.
            Cursor::After(_) if !page.has_newer => {
                Ok(self.read(permission, filter, Cursor::Newest, size).await?)
            }
            _ => Ok(page),
        }
    }

    async fn admit(&self, permission: AuditPermission<'_>) -> Result<(), AuditError> {
        match permission {
            AuditPermission::Member(member) => Ok(member.require_developer_zone()?),
            AuditPermission::Operator(Some(id)) => {
                let organisation = self.store.organisations().find(id).await?;
                organisation.ok_or(AuditError::NoSuchOrganisation(id))?;
                Ok(())
            }
            AuditPermission::Operator(None) => Ok(()),
        }
    }

    async fn read(
        &self,
        permission: AuditPermission<'_>,
        filter: Filter,
        place: Cursor,
        size: u32,
    ) -> Result<EntryPage, DatabaseError> {
        let select = Select {
            organisation: permission.organisation_id(),
            filter,
            place,
        };
        // One more record than shown tells whether there is another page.
        let (sql, values) = select.sql(i64::from(size) + 1);
        let values: Vec<_> = values.into_iter().map(Value::from).collect();
        let rows: Vec<EntryRow> = self.store.database().fetch_all(sql, &values).await?;
        select.page(rows, size as usize, permission.sees_operators())
    }

    /// Records a failed sign-in, unless there were too many. The address is kept only if it has an account.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn sign_in_failed(&self, email: &Email) -> Result<(), DatabaseError> {
        let mut transaction = self.store.database().begin().await?;
        let account: Option<AccountRow> = transaction
            .fetch_optional(ACCOUNT_BY_EMAIL, values![email.as_str()])
            .await?;
        let account = account.map(|account| (UserId(account.id), account.email));
        let by = RecordedBy::WrongPasswords(account.as_ref().map(|(user, _)| *user));
        if self.store.take_record(by).is_err() {
            // The log has it.
            return Ok(());
        }
        let record = Record::failed_sign_in(account);
        self.store.record(&mut transaction, record).await?;
        transaction.commit().await
    }

    /// Removes the records before an instant, and returns how many there were. First it records the removal, as
    /// the schema demands. If there is nothing to remove, it records nothing.
    ///
    /// # Errors
    /// [`PruneError`]. Records that were removed before the error stay removed.
    pub async fn prune(&self, before: Timestamp) -> Result<u64, PruneError> {
        if before > self.store.clock().now() {
            return Err(PruneError::Future);
        }
        let mut pruned = 0;
        if self.record_pruning(before).await? {
            loop {
                let start = Instant::now();
                let removed = self.remove_some(before).await?;
                pruned += removed;
                if removed < PRUNED_AT_ONCE.unsigned_abs() {
                    break;
                }
                self.store.database().give_way(start.elapsed()).await;
            }
        }
        Ok(pruned)
    }

    /// Records the removal, and returns whether there is anything to remove.
    async fn record_pruning(&self, before: Timestamp) -> Result<bool, DatabaseError> {
        let mut transaction = self.store.database_for(Purpose::Upkeep).begin().await?;
        let any: Option<(i64,)> = transaction
            .fetch_optional(ANY_BEFORE, values![before.epoch_millis()])
            .await?;
        if any.is_some() {
            let record = Record::pruned(before);
            self.store.record(&mut transaction, record).await?;
        }
        transaction.commit().await?;
        Ok(any.is_some())
    }

    async fn remove_some(&self, before: Timestamp) -> Result<u64, DatabaseError> {
        let database = self.store.database_for(Purpose::Upkeep);
        database
            .execute(PRUNE, values![before.epoch_millis(), PRUNED_AT_ONCE])
            .await
    }
}
