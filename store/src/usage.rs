//! How tokens are used: when each was last accepted, and how many calls of each hour were accepted or refused.
//!
//! Counting is on the way of every call, so it writes nothing: it adds to a table in memory, of which each
//! thread has (nearly always) its own, and [`Usage::flush`] brings what has gathered to the database from
//! time to time. What that promises:
//!
//! - **Nothing is counted down or dated back.** Counts are added to those that are there, and the last use
//!   moves forward only, however many servers write.
//! - **A database that is away loses nothing.** What could not be written stays, and goes with the next
//!   flush. (Where no answer comes to a commit, the batch is written again: counts may then be too high by
//!   one interval, never too low.)
//! - **A crash loses at most what came since the last flush that worked.** A server that is told to stop
//!   flushes once more, after its last answer.
//! - **Nobody waits for it.** A flush locks no token's row (see the migration), and holds SQLite's only
//!   writer for one batch at a time.
//! - **Memory is bounded**: 32,768 tokens in use between two flushes for each thread that counts (some 5 MB,
//!   for 16 threads at most), and 262,144 hours of tokens that wait for the database (some 25 MB). Only tokens
//!   that exist are counted, so strangers fill nothing. What finds no place is counted nowhere, and a warning
//!   says so, once.
//!
//! **Which calls.** Those whose key was a token that exists: the guard's checks 4 and on. A call counts as
//! accepted when no check refused it, whatever was answered after that (also when the caller hung up, or when
//! the database went away in the midst of checks 7 to 10); otherwise as refused, under the refusal's code. A
//! call is of the hour in which check 4 was made. The last use is that of the last *accepted* call: a
//! paused token that is still being tried is not in use.
//!
//! **What a reader knows.** [`Store::tokens`](crate::Store::tokens) gives the later of what the database has
//! and what this server has in memory: what other servers have accepted since their last flush is missing. Counts are read from the database alone, so
//! what any server has counted since its last flush is missing: the host flushes every five seconds.

mod table;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use model::{permission::Refusal, timestamp::Timestamp, token::TokenId};
use sqlx::AssertSqlSafe;
use tokio::time::Instant;

use self::table::{Calls, Tables};
use crate::{
    clock::Clock,
    database::{Database, on_engine, parameters},
    error::StoreError,
};

/// Hours of tokens that can wait for the database in one server.
const MOST_WAITING: usize = 1 << 18;

/// Hours of tokens that one transaction writes: some ten milliseconds.
const BATCH: usize = 1_000;
/// Rows of one statement: far below the number of parameters that an engine takes.
const ROWS: usize = 200;
/// Old rows that one statement removes.
const PURGED_AT_ONCE: i64 = 5_000;
/// How long counts are kept.
const KEPT_DAYS: i64 = 90;
const DAY_MILLIS: i64 = 24 * 60 * 60 * 1_000;

/// The outcome of calls that no check refused; of the others it is the refusal's code.
pub(crate) const ACCEPTED: &str = "accepted";

/// How tokens are used; see [`crate::Store::usage`].
pub struct Usage {
    database: Database,
    clock: Arc<dyn Clock>,
    /// Calls since the last flush.
    tables: Tables,
    /// What a flush has gathered and the database has not confirmed, in the order in which it is written.
    waiting: Mutex<BTreeMap<(TokenId, Hour), Calls>>,
    /// Held while flushing: two at once would write the same twice.
    flushing: tokio::sync::Mutex<()>,
    told_that_it_is_full: AtomicBool,
}

/// An hour in UTC, by its first millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Hour(i64);

impl Hour {
    const MILLIS: i64 = 60 * 60 * 1_000;

    const fn of(at: Timestamp) -> Self {
        let millis = at.epoch_millis();
        Self(millis - millis.rem_euclid(Self::MILLIS))
    }
}

/// A row of `token_usage`, to be added. Their order is the one in which every server writes them, so that no
/// two wait for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct CountRow {
    token: i64,
    hour: i64,
    outcome: &'static str,
    calls: i64,
}

/// Only for tokens that are there: see the migration. The rows are locked in order.
fn add_counts(rows: usize) -> AssertSqlSafe<String> {
    AssertSqlSafe(format!(
        "INSERT INTO token_usage (token_id, hour, outcome, calls)
        SELECT new.column1, new.column2, new.column3, new.column4
        FROM (VALUES {}) AS new
        WHERE EXISTS (SELECT 1 FROM tokens WHERE tokens.id = new.column1)
        ORDER BY 1, 2, 3
        ON CONFLICT (token_id, hour, outcome) DO UPDATE SET calls = token_usage.calls + excluded.calls",
        parameters(rows, 4, 1)
    ))
}

fn move_last_use(rows: usize) -> AssertSqlSafe<String> {
    AssertSqlSafe(format!(
        "INSERT INTO token_last_use (token_id, last_used_at)
        SELECT new.column1, new.column2
        FROM (VALUES {}) AS new
        WHERE EXISTS (SELECT 1 FROM tokens WHERE tokens.id = new.column1)
        ORDER BY 1
        ON CONFLICT (token_id) DO UPDATE SET last_used_at = excluded.last_used_at
        WHERE token_last_use.last_used_at < excluded.last_used_at",
        parameters(rows, 2, 1)
    ))
}

const PURGE_OLD: &str = "DELETE FROM token_usage WHERE (token_id, hour, outcome) IN (
        SELECT token_id, hour, outcome FROM token_usage WHERE hour < $1 LIMIT $2
    )";

/// Tokens that are gone and have left usage behind.
const LEFT_BEHIND: &str = "SELECT DISTINCT token_id FROM token_usage
        WHERE NOT EXISTS (SELECT 1 FROM tokens WHERE tokens.id = token_usage.token_id)
    UNION SELECT token_id FROM token_last_use
        WHERE NOT EXISTS (SELECT 1 FROM tokens WHERE tokens.id = token_last_use.token_id)";

const FORGET_COUNTS: &str = "DELETE FROM token_usage WHERE token_id = $1";
const FORGET_LAST_USE: &str = "DELETE FROM token_last_use WHERE token_id = $1";

impl Usage {
    pub(crate) fn new(database: Database, clock: Arc<dyn Clock>) -> Self {
        Self {
            database,
            clock,
            tables: Tables::new(),
            waiting: Mutex::default(),
            flushing: tokio::sync::Mutex::default(),
            told_that_it_is_full: AtomicBool::new(false),
        }
    }

    /// Counts a call with a token, at `at`: accepted, or refused for this reason. Takes some tens of
    /// nanoseconds, never waits for the database, and allocates nothing for a token that it knows.
    pub fn count(&self, token: TokenId, at: Timestamp, refused: Option<Refusal>) {
        if !self.tables.count(token, at, refused) {
            self.tell_that_it_is_full();
        }
    }

    /// When a call with the token was last accepted, as far as this server's memory goes. That reaches back
    /// for at least one interval between flushes, also over one that has just come to an end: so the later
    /// of this and of what the database had a moment before misses nothing of this server.
    pub(crate) fn last_accepted(&self, token: TokenId) -> Option<Timestamp> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let all = (token, Hour(i64::MIN))..=(token, Hour(i64::MAX));
        let waiting = waiting
            .range(all)
            .filter_map(|(_, calls)| calls.last_accepted)
            .max();
        waiting.max(self.tables.last_accepted(token))
    }

    /// How many counts, of a token and an hour each, were taken from the tables and wait to be written.
    pub fn waiting(&self) -> usize {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.len()
    }

    /// Brings to the database what has gathered since the last time, and what was left from then.
    ///
    /// # Errors
    /// Those of the database. What was not written stays for the next time.
    pub async fn flush(&self) -> Result<(), StoreError> {
        let _alone = self.flushing.lock().await;
        self.gather();
        loop {
            let batch = self.next_batch();
            if batch.is_empty() {
                return Ok(());
            }
            let begun = Instant::now();
            self.write(&batch).await?;
            // From the commit to here there is nothing at which this could be given up half-way.
            self.remove_written(&batch);
            self.database.give_way(begun.elapsed()).await;
        }
    }

    fn gather(&self) {
        let gathered = self.tables.take();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut full = false;
        for (token, hour, calls) in gathered {
            if let Some(known) = waiting.get_mut(&(token, hour)) {
                known.add(&calls);
            } else if waiting.len() < MOST_WAITING {
                waiting.insert((token, hour), calls);
            } else {
                full = true;
            }
        }
        drop(waiting);
        if full {
            self.tell_that_it_is_full();
        }
    }

    fn next_batch(&self) -> Vec<(TokenId, Hour, Calls)> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let first = waiting.iter().take(BATCH);
        first
            .map(|((token, hour), calls)| (*token, *hour, *calls))
            .collect()
    }

    fn remove_written(&self, batch: &[(TokenId, Hour, Calls)]) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for (token, hour, _) in batch {
            waiting.remove(&(*token, *hour));
        }
    }

    async fn write(&self, batch: &[(TokenId, Hour, Calls)]) -> Result<(), StoreError> {
        let counts = count_rows(batch);
        let last_uses = last_uses(batch);
        on_engine!(transaction & self.database, |tx| {
            for rows in counts.chunks(ROWS) {
                let mut query = sqlx::query(add_counts(rows.len())).persistent(rows.len() == ROWS);
                for row in rows {
                    query = query
                        .bind(row.token)
                        .bind(row.hour)
                        .bind(row.outcome)
                        .bind(row.calls);
                }
                query.execute(&mut *tx).await?;
            }
            for rows in last_uses.chunks(ROWS) {
                let mut query =
                    sqlx::query(move_last_use(rows.len())).persistent(rows.len() == ROWS);
                for (token, at) in rows {
                    query = query.bind(token.0).bind(at.epoch_millis());
                }
                query.execute(&mut *tx).await?;
            }
            Ok(())
        })
    }

    /// Removes a deleted token's usage. For after the deletion: nobody is to wait for it before.
    ///
    /// # Errors
    /// Those of the database; [`Usage::purge`] removes it then.
    pub(crate) async fn forget(&self, token: TokenId) -> Result<(), StoreError> {
        on_engine!(transaction & self.database, |tx| {
            for forget in [FORGET_COUNTS, FORGET_LAST_USE] {
                sqlx::query(forget).bind(token.0).execute(&mut *tx).await?;
            }
            Ok(())
        })
    }

    /// Removes counts of more than 90 days ago, and what deleted tokens have left behind; returns how many
    /// counts were too old. For a timer.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn purge(&self) -> Result<u64, StoreError> {
        let gone: Vec<i64> = on_engine!(self.database.reader(), |pool| {
            sqlx::query_scalar(LEFT_BEHIND).fetch_all(pool).await
        })?;
        for token in gone {
            let begun = Instant::now();
            self.forget(TokenId(token)).await?;
            self.database.give_way(begun.elapsed()).await;
        }
        let kept_from = self.clock.now().plus_millis(-KEPT_DAYS * DAY_MILLIS);
        let mut purged = 0;
        loop {
            let begun = Instant::now();
            let removed = on_engine!(self.database.writer(), |pool| {
                sqlx::query(PURGE_OLD)
                    .bind(Hour::of(kept_from).0)
                    .bind(PURGED_AT_ONCE)
                    .execute(pool)
                    .await
                    .map(|done| done.rows_affected())
            })?;
            purged += removed;
            if removed < PURGED_AT_ONCE.unsigned_abs() {
                return Ok(purged);
            }
            self.database.give_way(begun.elapsed()).await;
        }
    }

    fn tell_that_it_is_full(&self) {
        if !self.told_that_it_is_full.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "more tokens are in use at once than usage is counted of: some calls are not counted"
            );
        }
    }
}

impl std::fmt::Debug for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Usage").finish_non_exhaustive()
    }
}

fn count_rows(batch: &[(TokenId, Hour, Calls)]) -> Vec<CountRow> {
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
    rows
}

/// The last use of each token in the batch, by token; it may be there with several hours.
fn last_uses(batch: &[(TokenId, Hour, Calls)]) -> Vec<(TokenId, Timestamp)> {
    let mut latest = BTreeMap::new();
    for (token, _, calls) in batch {
        if let Some(at) = calls.last_accepted {
            let known = latest.entry(*token).or_insert(at);
            *known = at.max(*known);
        }
    }
    latest.into_iter().collect()
}
