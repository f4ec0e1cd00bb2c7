//! The audit trail: who did what, when and from where.
//!
//! - **No change without its record, and no record without its change**: both are written in one transaction.
//!   Where the record cannot be written, the change is not made. What changes nothing (pausing what is paused)
//!   leaves no record.
//! - **Append-only**: the schema refuses to change a record. One is removed only by [`Audit::prune`], and only
//!   where a record says so. (Who owns the database can take such rules away; they stop everybody else, and slips.)
//! - **No secret**: a token is named by its number and preview, an account by its address. What was typed as an
//!   address without an account is not kept: people type passwords there (OWASP Logging Cheat Sheet).
//! - **Order**: by time, then number. The time is that of the server that wrote the record; where clocks of
//!   several servers differ, so may the order of records that are closer to each other than that.
//!
//! **Who may read.** Changes of an organisation's tokens, plan and members are its members'. What concerns an
//! account (sign-ins, failed or not, sign-outs, passwords) is written down once, for all organisations that the
//! account belonged to at that moment; who joins later brings no past along. Sign-ins to addresses without an
//! account are the operator's alone. Members read on the plan that opens the Developer Zone, and never the name
//! of an operator.
//!
//! **Sign-ins** that fail change nothing, and are recorded before they are answered. Those that are refused before
//! the password is looked at (too many wrong ones, too much to do) are in the log alone: refusing them costs
//! nothing, and a record of each would let strangers fill the database.

mod record;
mod select;

use model::{
    audit::{Cursor, EntryPage, Filter},
    timestamp::Timestamp,
    user::{Email, UserId},
};
use tokio::time::Instant;

pub use self::record::Origin;
pub(crate) use self::record::{INSERT, Record, SHOW, append_in};
use self::select::{EntryRow, Select};
use crate::{Store, database::on_engine, error::StoreError, scope::AuditAuthority};

/// The audit trail; see [`Store::audit`].
pub struct Audit<'a> {
    store: &'a Store,
}

/// The user's address in the running transaction `tx`.
macro_rules! email_in {
    ($tx:ident, $user:expr) => {{
        let email: Option<String> = sqlx::query_scalar($crate::audit::EMAIL)
            .bind($user.0)
            .fetch_optional(&mut *$tx)
            .await?;
        email.ok_or_else(|| {
            $crate::error::StoreError::Corrupt(format!("there is no user {} any more", $user.0))
        })?
    }};
}
pub(crate) use email_in;

#[derive(sqlx::FromRow)]
struct AccountRow {
    id: i64,
    email: String,
}

/// Records that one transaction of [`Audit::prune`] removes: some ten milliseconds.
const PRUNED_AT_ONCE: i64 = 1_000;

pub(crate) const EMAIL: &str = "SELECT email FROM users WHERE id = $1";
const ACCOUNT_BY_EMAIL: &str = "SELECT id, email FROM users WHERE email = $1";
const ANY_BEFORE: &str = "SELECT id FROM audit_entries WHERE recorded_at < $1 LIMIT 1";
const PRUNE: &str = "DELETE FROM audit_entries WHERE id IN (
        SELECT id FROM audit_entries WHERE recorded_at < $1 ORDER BY recorded_at, id LIMIT $2
    )";

/// The statements by which records are read, with values in them; for a test.
#[doc(hidden)]
pub fn reads() -> Vec<String> {
    select::reads()
}

impl<'a> Audit<'a> {
    pub(crate) const fn new(store: &'a Store) -> Self {
        Self { store }
    }

    /// A page of at most `size` records, newest first.
    ///
    /// # Errors
    /// [`StoreError::PlanRequired`], [`StoreError::NoSuchOrganisation`], and those of the database.
    pub async fn list(
        &self,
        authority: AuditAuthority<'_>,
        filter: Filter,
        place: Cursor,
        size: u32,
    ) -> Result<EntryPage, StoreError> {
        if let AuditAuthority::Member(member) = authority {
            member.require_developer_zone()?;
        }
        if let AuditAuthority::Operator(Some(organisation)) = authority {
            self.store.organisations().find(organisation).await?;
        }
        let page = self.read(authority, filter, place, size).await?;
        match place {
            // What is left of the way to the newest is less than a page: then the newest page is the next.
            Cursor::After(_) if !page.has_newer => {
                self.read(authority, filter, Cursor::Newest, size).await
            }
            _ => Ok(page),
        }
    }

    async fn read(
        &self,
        authority: AuditAuthority<'_>,
        filter: Filter,
        place: Cursor,
        size: u32,
    ) -> Result<EntryPage, StoreError> {
        let select = Select {
            organisation: authority.organisation_id(),
            filter,
            place,
        };
        // One more than shown tells whether there is another page.
        let (sql, values) = select.sql(i64::from(size) + 1);
        let rows: Vec<EntryRow> = on_engine!(self.store.database().reader(), |pool| {
            let mut query = sqlx::query_as(sql);
            for value in values {
                query = query.bind(value);
            }
            query.fetch_all(pool).await
        })?;
        select.page(rows, size as usize, authority.sees_operators())
    }

    /// Records that a sign-in with this address failed. Where it has no account, the address itself is not kept.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn sign_in_failed(&self, email: &Email) -> Result<(), StoreError> {
        on_engine!(transaction self.store.database(), |tx| {
            let account: Option<AccountRow> = sqlx::query_as(ACCOUNT_BY_EMAIL)
                .bind(email.as_str())
                .fetch_optional(&mut *tx)
                .await?;
            let account = account.map(|account| (UserId(account.id), account.email));
            append_in!(tx, self.store, Record::failed_sign_in(account))
        })
    }

    /// Removes the records of before an instant, and returns how many they were. That this was done is itself
    /// recorded, first: the schema lets nothing go without. Where there is nothing to remove, nothing is
    /// recorded.
    ///
    /// # Errors
    /// [`StoreError::PruneAhead`] for an instant that is still to come, and those of the database. What was
    /// removed before an error stays so.
    pub async fn prune(&self, before: Timestamp) -> Result<u64, StoreError> {
        if before > self.store.clock().now() {
            return Err(StoreError::PruneAhead);
        }
        let mut pruned = 0;
        if self.record_pruning(before).await? {
            loop {
                let begun = Instant::now();
                let removed = self.remove_some(before).await?;
                pruned += removed;
                if removed < PRUNED_AT_ONCE.unsigned_abs() {
                    break;
                }
                self.store.database().give_way(begun.elapsed()).await;
            }
        }
        Ok(pruned)
    }

    /// Whether there is anything to remove.
    async fn record_pruning(&self, before: Timestamp) -> Result<bool, StoreError> {
        on_engine!(transaction self.store.database(), |tx| {
            let any: Option<i64> = sqlx::query_scalar(ANY_BEFORE)
                .bind(before.epoch_millis())
                .fetch_optional(&mut *tx)
                .await?;
            if any.is_some() {
                append_in!(tx, self.store, Record::pruned(before))?;
            }
            Ok(any.is_some())
        })
    }

    async fn remove_some(&self, before: Timestamp) -> Result<u64, StoreError> {
        Ok(on_engine!(self.store.database().writer(), |pool| {
            sqlx::query(PRUNE)
                .bind(before.epoch_millis())
                .bind(PRUNED_AT_ONCE)
                .execute(pool)
                .await
                .map(|done| done.rows_affected())
        })?)
    }
}
