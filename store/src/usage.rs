//! How tokens are used: when each was last accepted, and how many calls of each hour were accepted or refused.
//!
//! Every call is counted, so counting writes nothing: it adds to a table in memory. Each thread has its own table,
//! as long as there are enough. [`Usage::flush`] writes the counts to the database from time to time. It promises:
//!
//! - **Counts only rise, and the last use only moves forward**, however many servers write.
//! - **An outage of the database loses nothing**, within the bounds of memory below. Counts that could not be written
//!   are kept for the next flush. (If the answer to a commit is lost, the batch is written again. Counts can then be
//!   too high by one interval, but not too low.)
//! - **A crash loses at most the counts since the last successful flush.** A server that is stopped flushes once
//!   more after its last response.
//! - **No caller waits for it.** A flush locks no row of `tokens` (see the migration), and holds SQLite's only
//!   writer for one batch at a time.
//! - **A flush is a few statements on PostgreSQL**, however many tokens are in use: two for each 32,768 counts. If such
//!   a transaction takes longer than a second, the next ones write less.
//! - **Memory is bounded.** The tables in memory have room for 262,144 counts between two flushes, each of a token and
//!   an hour in one table (some 45 MB). As many can wait for the database (some 30 MB). Only existing tokens are
//!   counted, so strangers cannot fill it. Calls beyond these limits are not counted; one warning says so.
//!
//! **Which calls.** Calls whose key belongs to an existing token: check 4 of the guard and later. A call counts as
//! accepted if no check refused it. The response does not matter: the caller may have hung up, or the database may have
//! failed during checks 7 to 10. Otherwise the call counts as refused, under the refusal's code. A call belongs to the
//! hour of its check 4. The last use is that of the last *accepted* call: an inactive token that is still tried is not
//! in use. Of a token's first accepted call, the status and the duration are kept too.
//!
//! **How old the numbers can be.** [`Store::tokens`](crate::Store::tokens) shows the later of the database's last use
//! and this server's. It misses calls that other servers have accepted since their last flush. Counts are read only
//! from the database, so they miss what any server has counted since its last flush. A server flushes every five
//! seconds.

mod table;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use model::{
    permission::Refusal,
    timestamp::Timestamp,
    token::{FirstCall, TokenId},
};
use tokio::time::Instant;

pub(crate) use self::table::Hour;
use self::table::{Calls, Tables, earlier};
use crate::{
    clock::{Clock, latest},
    database::{Column, Database, Engine, Purpose, values},
    error::DatabaseError,
};

/// The maximum number of counts, each of a token and an hour, that wait for the database in one server.
const MAX_WAITING: usize = 1 << 18;

/// Counts that one transaction writes to PostgreSQL, in two statements: some tenths of a second. A flush of another
/// server, and the deletion of a token, may wait that long for the rows.
const POSTGRES_BATCH: usize = 1 << 15;
/// After a transaction that took longer, the next ones write less.
const LONGEST_TRANSACTION: Duration = Duration::from_secs(1);
/// The smallest batch, however slow the database is.
const SMALLEST_BATCH: usize = 1_000;
/// Counts that one transaction writes to SQLite, which has one writer: about ten milliseconds.
const SQLITE_BATCH: usize = 1_000;
/// Old rows that one statement deletes.
const PURGED_AT_ONCE: i64 = 5_000;
/// How long counts are kept.
const KEPT_DAYS: i64 = 90;
const DAY_MILLIS: i64 = 24 * 60 * 60 * 1_000;

/// The outcome of calls that no check refused. The outcome of a refused call is the refusal's code.
pub(crate) const ACCEPTED: &str = "accepted";

/// How tokens are used; see [`crate::Store::usage`].
pub struct Usage {
    database: Database,
    /// For removals, which go on when SQLite's disk is nearly full.
    upkeep: Database,
    clock: Arc<dyn Clock>,
    /// The largest number of counts that one transaction writes.
    largest_batch: usize,
    /// The present one: less after slow transactions.
    batch: AtomicUsize,
    /// Calls since the last flush.
    tables: Tables,
    /// Counts that a flush has gathered and the database has not confirmed, in the order of writing.
    waiting: Mutex<BTreeMap<(TokenId, Hour), Calls>>,
    /// Held during a flush: two concurrent flushes would write the same counts twice.
    flushing: tokio::sync::Mutex<()>,
    has_warned: AtomicBool,
}

/// A row of `token_usage` to be added. All servers write rows in the same order, so that they cannot deadlock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct CountRow {
    token: i64,
    hour: i64,
    outcome: &'static str,
    calls: i64,
}

/// Adds counts of existing tokens only (see the migration). It locks the rows in order.
const ADD_COUNTS: &str = "INSERT INTO token_usage (token_id, hour, outcome, calls)
    SELECT new.column1, new.column2, new.column3, new.column4
    FROM {table} AS new
    WHERE EXISTS (SELECT 1 FROM tokens WHERE tokens.id = new.column1)
    ORDER BY 1, 2, 3
    ON CONFLICT (token_id, hour, outcome) DO UPDATE SET calls = token_usage.calls + excluded.calls";

/// Moves the last use forward, or back if it is from the future: after `$1`. Only a token without recorded use gets a
/// first call.
const MOVE_LAST_USE: &str =
    "INSERT INTO token_last_use (token_id, last_used_at, first_status, first_micros)
    SELECT new.column1, new.column2, NULLIF(new.column3, 0), NULLIF(new.column4, 0)
    FROM {table} AS new
    WHERE EXISTS (SELECT 1 FROM tokens WHERE tokens.id = new.column1)
    ORDER BY 1
    ON CONFLICT (token_id) DO UPDATE SET last_used_at = excluded.last_used_at
    WHERE token_last_use.last_used_at < excluded.last_used_at OR token_last_use.last_used_at > $1";

const PURGE_OLD: &str = "DELETE FROM token_usage WHERE (token_id, hour, outcome) IN (
        SELECT token_id, hour, outcome FROM token_usage WHERE hour < $1 LIMIT $2
    )";

/// Deleted tokens that still have usage.
const LEFT_BEHIND: &str = "SELECT DISTINCT token_id FROM token_usage
        WHERE NOT EXISTS (SELECT 1 FROM tokens WHERE tokens.id = token_usage.token_id)
    UNION SELECT token_id FROM token_last_use
        WHERE NOT EXISTS (SELECT 1 FROM tokens WHERE tokens.id = token_last_use.token_id)";

const FORGET_COUNTS: &str = "DELETE FROM token_usage WHERE token_id = $1";
const FORGET_LAST_USE: &str = "DELETE FROM token_last_use WHERE token_id = $1";

impl Usage {
    pub(crate) fn new(database: Database, clock: Arc<dyn Clock>) -> Self {
        let largest_batch = match database.engine() {
            Engine::Sqlite(_) => SQLITE_BATCH,
            Engine::Postgres(_) => POSTGRES_BATCH,
        };
        Self {
            largest_batch,
            batch: AtomicUsize::new(largest_batch),
            upkeep: database.with_purpose(Purpose::Upkeep),
            database,
            clock,
            tables: Tables::new(),
            waiting: Mutex::default(),
            flushing: tokio::sync::Mutex::default(),
            has_warned: AtomicBool::new(false),
        }
    }

    /// Counts a call with a token at `at`: accepted, or refused for this reason. It takes some tens of nanoseconds,
    /// never waits for the database, and allocates nothing for a token that it knows.
    pub fn count(&self, token: TokenId, at: Timestamp, refused: Option<Refusal>) {
        self.count_with_response(token, at, refused, || None);
    }

    /// As [`Self::count`]. `response` is called only if the call may be the token's first accepted one.
    pub fn count_with_response(
        &self,
        token: TokenId,
        at: Timestamp,
        refused: Option<Refusal>,
        response: impl FnOnce() -> Option<FirstCall>,
    ) {
        if !self.tables.count(token, at, refused, response) {
            self.warn_once();
        }
    }

    /// When this server last accepted a call with the token. The server remembers this for at least one full interval
    /// between flushes. So read the last use from the database first: the later of the two includes every call of this
    /// server.
    pub(crate) fn last_accepted(&self, token: TokenId) -> Option<Timestamp> {
        let latest = latest(self.clock.now());
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let all = (token, Hour(i64::MIN))..=(token, Hour(i64::MAX));
        let waiting = waiting
            .range(all)
            .filter_map(|(_, calls)| calls.last_accepted)
            .filter(|at| *at <= latest)
            .max();
        waiting.max(self.tables.last_accepted(token, latest))
    }

    /// The first accepted call with a token that the database does not know as used, if this server knows it.
    pub(crate) fn first_accepted(&self, token: TokenId) -> Option<FirstCall> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let all = (token, Hour(i64::MIN))..=(token, Hour(i64::MAX));
        let first = waiting
            .range(all)
            .fold(None, |known, (_, calls)| earlier(known, calls.first));
        earlier(first, self.tables.first(token)).map(|(_, call)| call)
    }

    /// How many counts, each of a token and an hour, wait to be written.
    pub fn waiting(&self) -> usize {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.len()
    }

    /// Writes the counts since the last flush, and those that were left from it.
    ///
    /// # Errors
    /// Those of the database. Counts that were not written are kept for the next flush.
    pub async fn flush(&self) -> Result<(), DatabaseError> {
        let _alone = self.flushing.lock().await;
        self.gather();
        loop {
            let batch = self.next_batch();
            if batch.is_empty() {
                return Ok(());
            }
            let start = Instant::now();
            let written = self.write(&batch).await;
            self.adapt_batch(batch.len(), start.elapsed());
            written?;
            // No await between the commit and here: the future cannot be dropped in between.
            self.remove_written(&batch);
            self.database.give_way(start.elapsed()).await;
        }
    }

    fn gather(&self) {
        let gathered = self.tables.take();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut full = false;
        for (token, hour, calls) in gathered {
            if let Some(known) = waiting.get_mut(&(token, hour)) {
                known.add(&calls);
            } else if waiting.len() < MAX_WAITING {
                waiting.insert((token, hour), calls);
            } else {
                full = true;
            }
        }
        drop(waiting);
        if full {
            self.warn_once();
        }
    }

    fn next_batch(&self) -> Vec<(TokenId, Hour, Calls)> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let first = waiting.iter().take(self.batch.load(Ordering::Relaxed));
        first
            .map(|((token, hour), calls)| (*token, *hour, *calls))
            .collect()
    }

    fn adapt_batch(&self, written: usize, taken: Duration) {
        let present = self.batch.load(Ordering::Relaxed);
        let next = batch_after(present, written, taken, self.largest_batch);
        self.batch.store(next, Ordering::Relaxed);
    }

    fn remove_written(&self, batch: &[(TokenId, Hour, Calls)]) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for (token, hour, _) in batch {
            waiting.remove(&(*token, *hour));
        }
    }

    async fn write(&self, batch: &[(TokenId, Hour, Calls)]) -> Result<(), DatabaseError> {
        let latest = latest(self.clock.now());
        let counts = counts(batch);
        let mut transaction = self.database.begin().await?;
        transaction
            .execute_with_table(ADD_COUNTS, &[], &counts)
            .await?;
        if let Some(uses) = last_uses(batch, latest) {
            let values = values![latest.epoch_millis()];
            transaction
                .execute_with_table(MOVE_LAST_USE, values, &uses)
                .await?;
        }
        transaction.commit().await
    }

    /// Removes a deleted token's usage. It runs after the deletion, which must not wait for it.
    ///
    /// # Errors
    /// Those of the database. [`Usage::purge`] then removes it later.
    pub(crate) async fn forget(database: &Database, token: TokenId) -> Result<(), DatabaseError> {
        let mut transaction = database.begin().await?;
        for sql in [FORGET_COUNTS, FORGET_LAST_USE] {
            transaction.execute(sql, values![token.0]).await?;
        }
        transaction.commit().await
    }

    /// Removes counts older than 90 days and the usage of deleted tokens, and returns how many counts were too old.
    /// For a timer.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn purge(&self) -> Result<u64, DatabaseError> {
        let deleted: Vec<(i64,)> = self.database.fetch_all(LEFT_BEHIND, &[]).await?;
        for (token,) in deleted {
            let start = Instant::now();
            Self::forget(&self.database, TokenId(token)).await?;
            self.database.give_way(start.elapsed()).await;
        }
        let kept_from = self.clock.now().plus_millis(-KEPT_DAYS * DAY_MILLIS);
        let kept_from = Hour::of(kept_from).0;
        let mut purged = 0;
        loop {
            let start = Instant::now();
            let values = values![kept_from, PURGED_AT_ONCE];
            let removed = self.upkeep.execute(PURGE_OLD, values).await?;
            purged += removed;
            if removed < PURGED_AT_ONCE.unsigned_abs() {
                return Ok(purged);
            }
            self.database.give_way(start.elapsed()).await;
        }
    }

    fn warn_once(&self) {
        if !self.has_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!("too many tokens are in use at once: some calls are not counted");
        }
    }
}

impl std::fmt::Debug for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Usage").finish_non_exhaustive()
    }
}

/// How many counts the next transaction may write, after one that wrote (or tried to write) `written` of at most
/// `present`. After a slow one half as many, so that rows are not locked for long. After a quick one twice as many.
fn batch_after(present: usize, written: usize, taken: Duration, largest: usize) -> usize {
    let next = if taken > LONGEST_TRANSACTION {
        written / 2
    } else if taken * 4 < LONGEST_TRANSACTION {
        present * 2
    } else {
        present
    };
    next.clamp(SMALLEST_BATCH.min(largest), largest)
}

/// The columns of [`ADD_COUNTS`].
fn counts(batch: &[(TokenId, Hour, Calls)]) -> [Column; 4] {
    let rows = batch.iter().flat_map(|(token, hour, calls)| {
        calls.counts().map(|(refused, calls)| CountRow {
            token: token.0,
            hour: hour.0,
            outcome: refused.map_or(ACCEPTED, Refusal::code),
            calls,
        })
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort_unstable();
    let integers = |value: fn(&CountRow) -> i64| Column::Integers(rows.iter().map(value).collect());
    [
        integers(|row| row.token),
        integers(|row| row.hour),
        Column::Texts(rows.iter().map(|row| row.outcome).collect()),
        integers(|row| row.calls),
    ]
}

/// The columns of [`MOVE_LAST_USE`]: the last use of each token in the batch up to `latest`, and the first one that this
/// server knows, by token. The batch can have several hours of one token. None if no call was accepted.
fn last_uses(batch: &[(TokenId, Hour, Calls)], latest: Timestamp) -> Option<[Column; 4]> {
    let mut uses = BTreeMap::new();
    for (token, _, calls) in batch {
        if let Some(at) = calls.last_accepted.filter(|at| *at <= latest) {
            let (last, first) = uses.entry(token.0).or_insert((at, calls.first));
            *last = at.max(*last);
            *first = earlier(*first, calls.first);
        }
    }
    if uses.is_empty() {
        return None;
    }
    // Zero is unknown.
    let column = |value: fn(FirstCall) -> u32| {
        let calls = uses.values().map(|(_, first)| first.map(|(_, call)| call));
        Column::Integers(calls.map(|call| call.map_or(0, value).into()).collect())
    };
    let status = column(|call| call.status.into());
    let micros = column(|call| call.micros.max(1));
    let last = uses.values().map(|(at, _)| at.epoch_millis()).collect();
    let tokens = uses.into_keys().collect();
    Some([
        Column::Integers(tokens),
        Column::Integers(last),
        status,
        micros,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_slow_transaction_fewer_counts_are_written_and_after_quick_ones_more() {
        let after = |present, written, millis| {
            batch_after(
                present,
                written,
                Duration::from_millis(millis),
                POSTGRES_BATCH,
            )
        };
        assert_eq!(after(32_768, 10_000, 100), 32_768);
        assert_eq!(after(32_768, 10_000, 500), 32_768);
        assert_eq!(after(32_768, 10_000, 1_001), 5_000);
        assert_eq!(after(5_000, 5_000, 500), 5_000);
        assert_eq!(after(5_000, 200, 10), 10_000);
        assert_eq!(after(20_000, 200, 10), 32_768);
        assert_eq!(after(1_500, 1_500, 4_000), 1_000);
        let on_sqlite = batch_after(1_000, 1_000, Duration::from_secs(4), SQLITE_BATCH);
        assert_eq!(on_sqlite, 1_000);
    }
}
