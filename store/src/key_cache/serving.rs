//! A server that answers from memory: its lease, its place in the change log, and the task that keeps both up to date.

use std::{
    fmt,
    sync::{
        Arc, Mutex as StdMutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use model::organisation::OrganisationId;
use tokio::{
    select,
    sync::{Mutex, Notify, watch},
    time::{Instant, sleep, timeout},
};

use super::{
    caches::Caches,
    change_log::{CHANGES_SINCE, LogRow, News, Position, Servers, news},
    lease::Lease,
    servers::{self, ServerId},
    table::LookupCounts,
};
use crate::{
    clock::MonotonicClock,
    database::{ChangeListener, DATABASE_TIMEOUT, Database, LoggedChange, values},
    error::DatabaseError,
    task,
};

/// How often a server of a SQLite file looks for changes of other processes.
const SQLITE_DELAY: Duration = Duration::from_millis(50);
/// How often a server looks for changes that PostgreSQL cannot notify it of.
const POLL_DELAY: Duration = Duration::from_millis(250);
/// Between two attempts after a failure.
const RETRY_DELAY: Duration = Duration::from_millis(100);
/// How long the removal of a server that stops may take.
const REMOVE_TIMEOUT: Duration = Duration::from_secs(1);

/// What a server has in memory, and until when it may answer from it.
pub(super) struct Serving {
    id: ServerId,
    database: Database,
    clock: Arc<dyn MonotonicClock>,
    lease: Lease,
    caches: Caches,
    /// The end of the lease, in nanoseconds of the clock. 0 if there is none.
    valid_until: AtomicU64,
    /// What reads must have seen to be kept. Ahead of `applied` while changes are applied.
    fence: StdMutex<Position>,
    /// The changes up to here are no longer answered from memory.
    applied: StdMutex<Position>,
    /// See [`LeaseStatus::looks`].
    looks_by_cause: [AtomicU64; 4],
    /// What the last look has found.
    servers: StdMutex<Servers>,
    /// When to renew the lease. Locked while the server looks for changes, so that they are applied in order.
    renew_at: Mutex<Instant>,
    /// The number of the last change that was acknowledged.
    acknowledged: AtomicI64,
    /// False if the server may have been removed.
    is_registered: AtomicBool,
    /// Whether the last look succeeded. Calls without a lease wait for the next one.
    looks: watch::Sender<bool>,
    /// Begins the next look immediately.
    wake: Arc<Notify>,
    /// Whether PostgreSQL notifies this server of changes.
    is_notified: AtomicBool,
    /// Makes the listener connect again.
    reconnect: Arc<Notify>,
    /// Whether the database has lost changes.
    is_lost: AtomicBool,
    /// Whether a read has found that the SQLite file is damaged. Others may still find what was read before the damage.
    is_damaged: AtomicBool,
    /// Ends the tasks, also when it is dropped.
    is_stopped: watch::Sender<bool>,
}

/// No call can be answered: the lease has ended.
#[derive(Debug, thiserror::Error)]
#[error(
    "this server's lease has ended, and the database does not confirm another one (is it a standby, or is its synchronous standby away?)"
)]
struct NoLease;

/// The database has an older or another history than before.
#[derive(Debug, thiserror::Error)]
#[error(
    "the database has lost changes that it had, perhaps by a failover or a restored backup: a revoked token may be active again. No call is accepted until `after-restore` was run, or the right database is back"
)]
struct ChangesLost;

/// An earlier read has found the damage.
#[derive(Debug, thiserror::Error)]
#[error("malformed: found by an earlier read")]
struct FoundDamaged;

/// Why a server looks for changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookCause {
    /// To renew its lease, or to register again.
    Renewal,
    /// PostgreSQL notified it of a change, or a call waits for the lease.
    Notification,
    /// PostgreSQL cannot notify it.
    Poll,
    /// It has made a change itself.
    OwnChange,
}

impl LookCause {
    /// Every cause, in the order of [`LeaseStatus::looks`].
    pub const ALL: [Self; 4] = [
        Self::Renewal,
        Self::Notification,
        Self::Poll,
        Self::OwnChange,
    ];
}

/// What a server knows about its lease and about the other servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseStatus {
    /// How long it may still answer without renewing its lease. Zero if it answers no call.
    pub left: Duration,
    /// The database has lost changes that this server knew. It answers no call until an operator has run
    /// [`Store::distrust_restored`](crate::Store::distrust_restored).
    pub has_lost_changes: bool,
    /// A read has found that the SQLite file is damaged. The server answers no call until it is started again.
    pub has_found_damage: bool,
    /// How often it looked for changes, by cause.
    pub looks: [u64; 4],
    /// How many servers are registered.
    pub servers: u64,
    /// How many of the last changes some server has not acknowledged.
    pub unacknowledged: u64,
}

impl fmt::Debug for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Serving")
    }
}

impl Serving {
    /// Registers the server, and begins its first lease.
    ///
    /// # Errors
    /// Those of the database.
    pub(super) async fn begin(
        database: Database,
        lease: Lease,
        clock: Arc<dyn MonotonicClock>,
    ) -> Result<Arc<Self>, DatabaseError> {
        let serving = Arc::new(Self {
            id: ServerId::random(),
            database,
            clock,
            lease,
            caches: Caches::new(),
            valid_until: AtomicU64::new(0),
            fence: StdMutex::default(),
            applied: StdMutex::default(),
            looks_by_cause: Default::default(),
            servers: StdMutex::default(),
            renew_at: Mutex::new(Instant::now()),
            acknowledged: AtomicI64::new(0),
            is_registered: AtomicBool::new(false),
            looks: watch::Sender::new(true),
            wake: Arc::default(),
            is_notified: AtomicBool::new(false),
            reconnect: Arc::default(),
            is_lost: AtomicBool::new(false),
            is_damaged: AtomicBool::new(false),
            is_stopped: watch::Sender::new(false),
        });
        let mut renew_at = serving.renew_at.lock().await;
        serving.register(&mut renew_at, None).await?;
        drop(renew_at);
        task::spawn(keep_up_to_date(Arc::downgrade(&serving)));
        if let Some(listener) = serving.database.change_listener() {
            task::spawn(listen(Arc::downgrade(&serving), listener));
        }
        Ok(serving)
    }

    /// What calls are answered from. Without a lease, waits until it is renewed or an attempt has failed.
    ///
    /// # Errors
    /// [`DatabaseError::Unavailable`] if the server may not answer.
    pub(super) async fn caches(&self) -> Result<&Caches, DatabaseError> {
        if self.is_damaged.load(Ordering::Relaxed) {
            return Err(DatabaseError::Damaged(FoundDamaged.into()));
        }
        if !self.has_lease() {
            Box::pin(self.renewed()).await?;
        }
        Ok(&self.caches)
    }

    async fn renewed(&self) -> Result<(), DatabaseError> {
        let mut looks = self.looks.subscribe();
        let renewed = async {
            while !self.has_lease() && !*self.is_stopped.borrow() {
                self.wake.notify_one();
                let _ = looks.changed().await;
                // One that took longer than the lease is followed by another.
                if !*looks.borrow_and_update() {
                    break;
                }
            }
        };
        let _ = timeout(DATABASE_TIMEOUT, renewed).await;
        if self.has_lease() {
            return Ok(());
        }
        let cause: Box<dyn std::error::Error + Send + Sync> =
            if self.is_lost.load(Ordering::Relaxed) {
                ChangesLost.into()
            } else {
                NoLease.into()
            };
        Err(DatabaseError::Unavailable(cause))
    }

    fn has_lease(&self) -> bool {
        self.now() < self.valid_until.load(Ordering::Acquire)
    }

    pub(super) fn status(&self) -> LeaseStatus {
        let end = self.valid_until.load(Ordering::Acquire);
        let servers = *locked(&self.servers);
        LeaseStatus {
            left: Duration::from_nanos(end.saturating_sub(self.now())),
            has_lost_changes: self.is_lost.load(Ordering::Relaxed),
            has_found_damage: self.is_damaged.load(Ordering::Relaxed),
            looks: self
                .looks_by_cause
                .each_ref()
                .map(|count| count.load(Ordering::Relaxed)),
            servers: servers.registered,
            unacknowledged: servers.unacknowledged,
        }
    }

    /// The counts of lookups: of tokens, and of events.
    pub(super) fn lookups(&self) -> (LookupCounts, LookupCounts) {
        (self.caches.tokens.lookups(), self.caches.events.lookups())
    }

    /// See [`super::KeyCache::list_version`].
    pub(super) fn list_version(&self, organisation: OrganisationId) -> Option<u64> {
        self.has_lease()
            .then(|| self.caches.lists.get(organisation))
    }

    /// See [`super::KeyCache::note_list_change`].
    pub(super) fn note_list_change(&self, organisation: OrganisationId) {
        self.caches.lists.change(organisation);
    }

    /// The position whose changes a read that begins now must see.
    pub(super) fn fence(&self) -> Position {
        *locked(&self.fence)
    }

    fn applied(&self) -> Position {
        *locked(&self.applied)
    }

    /// Applies news that lead to `position`.
    fn advance(&self, position: Position, invalidate: impl FnOnce(&Caches)) {
        // First: a read that begins after its invalidation must have seen the change.
        *locked(&self.fence) = position;
        invalidate(&self.caches);
        *locked(&self.applied) = position;
    }

    /// Makes this server answer by all changes that were committed before this call. Returns its number if it has surely
    /// applied `change`. If not, the change must wait for this server too.
    pub(super) async fn apply_committed(&self, change: Option<LoggedChange>) -> Option<ServerId> {
        let mut renew_at = self.renew_at.lock().await;
        let looked = self.look(&mut renew_at, LookCause::OwnChange).await;
        if looked.is_err() {
            self.caches.clear();
        }
        drop(renew_at);
        // To acknowledge the changes.
        self.wake.notify_one();
        let applied = self.applied();
        let has_applied =
            change.is_none_or(|change| Position::of(change).is_in(applied.seq, applied.mark));
        (looked.is_ok() && has_applied).then_some(self.id)
    }

    /// Ends the lease, and removes the server. Call it after the last answer.
    pub(super) async fn stop(&self) {
        self.is_stopped.send_replace(true);
        self.end_lease();
        let removed = async {
            let _renew_at = self.renew_at.lock().await;
            // A look that had begun before may have renewed it.
            self.end_lease();
            servers::remove(&self.database, self.id).await
        };
        if !matches!(timeout(REMOVE_TIMEOUT, removed).await, Ok(Ok(()))) {
            tracing::warn!(
                "this server could not remove itself from the database: the next change waits for its lease"
            );
        }
    }

    /// Looks for changes, and says how long to wait until the next look.
    ///
    /// # Errors
    /// Those of the database.
    async fn keep_up(&self, is_woken: bool) -> Result<Duration, DatabaseError> {
        let mut renew_at = self.renew_at.lock().await;
        if *self.is_stopped.borrow() {
            return Ok(RETRY_DELAY);
        }
        let is_file = self.database.file().is_some();
        let is_due = is_file || *renew_at <= Instant::now() || !self.has_lease();
        let cause = match (is_due, is_woken) {
            (true, _) => LookCause::Renewal,
            (false, true) => LookCause::Notification,
            (false, false) => LookCause::Poll,
        };
        let before = self.applied();
        let looked = self.look(&mut renew_at, cause).await;
        drop(renew_at);
        self.looks.send_replace(looked.is_ok());
        let is_notified = self.is_notified.load(Ordering::Relaxed);
        if is_notified && !is_woken && self.applied() != before {
            // No notification came. Perhaps its connection is dead.
            self.reconnect.notify_one();
        }
        looked?;
        // A write can wait for others. The lease must be renewed meanwhile.
        let acknowledged = timeout(self.lease.duration() / 3, self.acknowledge()).await;
        acknowledged.map_err(|late| DatabaseError::Unavailable(late.into()))??;
        let until_renewal = self.renew_at.lock().await.duration_since(Instant::now());
        Ok(match (is_file, is_notified) {
            (true, _) => SQLITE_DELAY,
            (false, true) => until_renewal,
            (false, false) => until_renewal.min(POLL_DELAY),
        })
    }

    /// Applies the changes since the last look.
    async fn look(&self, renew_at: &mut Instant, cause: LookCause) -> Result<(), DatabaseError> {
        self.looks_by_cause[cause as usize].fetch_add(1, Ordering::Relaxed);
        let looked = if !self.is_registered.load(Ordering::Relaxed) {
            self.register(renew_at, Some(self.applied())).await
        } else if cause != LookCause::Renewal {
            self.read_changes().await
        } else if self.database.file().is_some() {
            // In a file, every read sees every commit. There is no other history, and a nearly full disk must not end the
            // lease.
            self.renew_by_read().await
        } else {
            self.renew(renew_at).await
        };
        if let Err(error) = &looked {
            self.note_damage(error);
            // A file that was replaced is another database.
            if self.database.file().is_some() {
                self.end_lease();
            }
            tracing::debug!(
                error = error as &dyn std::error::Error,
                "cannot look for changes"
            );
        }
        looked
    }

    async fn renew(&self, renew_at: &mut Instant) -> Result<(), DatabaseError> {
        // Before the renewal is sent: it sees all changes that were committed until now.
        let (begun, next) = (self.now(), Instant::now() + self.lease.duration() / 3);
        let applied = self.applied();
        let mut transaction = self.database.begin().await?;
        let Some(acknowledged) = servers::renew(&mut transaction, self.id).await? else {
            drop(transaction);
            if self.is_registered.swap(false, Ordering::Relaxed) {
                tracing::warn!(
                    "this server was removed, because it did not renew its lease in time"
                );
            }
            return self.register(renew_at, Some(applied)).await;
        };
        let rows = transaction
            .fetch_all(CHANGES_SINCE, values![applied.seq])
            .await?;
        let (news, head) = self.news(rows, applied)?;
        transaction.commit().await?;
        self.apply(news, head);
        // A failover may have lost an acknowledgement.
        self.acknowledged.store(acknowledged, Ordering::Relaxed);
        self.begin_lease(begun);
        *renew_at = next;
        Ok(())
    }

    async fn renew_by_read(&self) -> Result<(), DatabaseError> {
        let begun = self.now();
        self.read_changes().await?;
        self.begin_lease(begun);
        Ok(())
    }

    async fn read_changes(&self) -> Result<(), DatabaseError> {
        let applied = self.applied();
        let rows = self
            .database
            .fetch_all(CHANGES_SINCE, values![applied.seq])
            .await?;
        let (news, head) = self.news(rows, applied)?;
        self.apply(news, head);
        Ok(())
    }

    /// Registers the server with nothing in memory. Its history must go on from `known`.
    async fn register(
        &self,
        renew_at: &mut Instant,
        known: Option<Position>,
    ) -> Result<(), DatabaseError> {
        self.end_lease();
        let (begun, next) = (self.now(), Instant::now() + self.lease.duration() / 3);
        let mut transaction = self.database.begin().await?;
        let since = known.map_or(i64::MAX, |known| known.seq);
        let rows = transaction.fetch_all(CHANGES_SINCE, values![since]).await?;
        // A server that starts has nothing to compare with.
        let (_, head) = match known {
            Some(known) => self.news(rows, known)?,
            None => news(rows, Position::default())?,
        };
        servers::register(&mut transaction, self.id, self.lease, head.seq).await?;
        transaction.commit().await?;
        self.advance(head, Caches::clear);
        self.is_registered.store(true, Ordering::Relaxed);
        self.acknowledged.store(head.seq, Ordering::Relaxed);
        *renew_at = next;
        self.begin_lease(begun);
        Ok(())
    }

    /// # Errors
    /// [`DatabaseError::Corrupt`]; [`DatabaseError::Unavailable`] if the database has lost changes.
    fn news(&self, rows: Vec<LogRow>, known: Position) -> Result<(News, Position), DatabaseError> {
        *locked(&self.servers) = Servers::of(&rows);
        match news(rows, known)? {
            #[cfg(feature = "sabotage")]
            (News::Lost, head) if crate::sabotage::no_loss_check() => {
                Ok((News::Changes(Vec::new()), head))
            }
            (News::Lost, _) => Err(self.lost()),
            found => Ok(found),
        }
    }

    fn apply(&self, news: News, head: Position) {
        self.advance(head, |caches| match news {
            News::Changes(changes) => changes.into_iter().for_each(|it| caches.invalidate(it)),
            News::Unknown | News::Lost => caches.clear(),
        });
        if self.is_lost.swap(false, Ordering::Relaxed) {
            tracing::warn!(
                "the database has the lost changes again, or an operator has accepted the loss: calls are answered again"
            );
        }
    }

    fn lost(&self) -> DatabaseError {
        self.end_lease();
        if !self.is_lost.swap(true, Ordering::Relaxed) {
            tracing::error!("{ChangesLost}");
        }
        DatabaseError::Unavailable(ChangesLost.into())
    }

    async fn acknowledge(&self) -> Result<(), DatabaseError> {
        let applied = self.applied();
        if applied.seq == self.acknowledged.load(Ordering::Relaxed) {
            return Ok(());
        }
        if servers::acknowledge(&self.database, self.id, applied).await? {
            self.acknowledged.store(applied.seq, Ordering::Relaxed);
        } else {
            // Removed, or another database: the next look finds out.
            self.is_registered.store(false, Ordering::Relaxed);
        }
        Ok(())
    }

    /// After a read that has found damage, no call is answered until the server is started again.
    pub(super) fn note_damage(&self, error: &DatabaseError) {
        let is_damaged = match error {
            DatabaseError::Damaged(_) => true,
            // A truncated file can look like one without tables, and later like a whole one, from pages in memory.
            DatabaseError::Refused(_) | DatabaseError::Corrupt(_) => self.database.file().is_some(),
            _ => false,
        };
        if is_damaged {
            self.is_damaged.store(true, Ordering::Relaxed);
        }
    }

    fn begin_lease(&self, begun: u64) {
        if !*self.is_stopped.borrow() {
            let end = begun.saturating_add(nanos(self.lease.duration()));
            self.valid_until.store(end, Ordering::Release);
        }
    }

    fn end_lease(&self) {
        self.valid_until.store(0, Ordering::Release);
    }

    fn now(&self) -> u64 {
        nanos(self.clock.elapsed())
    }
}

fn locked<T>(mutex: &StdMutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A `u64` holds 584 years of nanoseconds.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Looks for changes until the server stops or its store is dropped.
async fn keep_up_to_date(serving: Weak<Serving>) {
    let mut is_woken = false;
    while let Some(server) = serving.upgrade() {
        let mut stopped = server.is_stopped.subscribe();
        let wake = Arc::clone(&server.wake);
        if *stopped.borrow_and_update() {
            return;
        }
        let kept_up = server.keep_up(is_woken).await;
        drop(server);
        is_woken = match kept_up {
            Ok(delay) => select! {
                () = sleep(delay) => false,
                () = wake.notified() => true,
                _ = stopped.changed() => return,
            },
            // However many calls wait for it.
            Err(_) => select! {
                () = sleep(RETRY_DELAY) => true,
                _ = stopped.changed() => return,
            },
        };
    }
}

/// Wakes the server at each notification of a change, until it stops or its store is dropped.
async fn listen(serving: Weak<Serving>, mut listener: ChangeListener) {
    while let Some(server) = serving.upgrade() {
        let mut stopped = server.is_stopped.subscribe();
        let reconnect = Arc::clone(&server.reconnect);
        if *stopped.borrow_and_update() {
            return;
        }
        drop(server);
        let is_listening = select! {
            heard = listener.heard() => heard.is_ok(),
            () = reconnect.notified() => false,
            _ = stopped.changed() => return,
        };
        if let Some(server) = serving.upgrade() {
            server.is_notified.store(is_listening, Ordering::Relaxed);
            // Also after a failure: notifications may be lost.
            server.wake.notify_one();
        }
        if !is_listening {
            listener.disconnect();
            sleep(POLL_DELAY).await;
        }
    }
}
