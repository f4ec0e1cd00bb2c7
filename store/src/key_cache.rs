//! What an API key may do. The guard asks this on every call.
//!
//! # The promise
//! Once a change is reported as done, no server answers from the state before it. This holds for a token activated,
//! deactivated or deleted, a plan changed, and an event created.
//!
//! # How it is kept
//! The database is the source of truth. Its triggers number every change, in the order of the commits, and log what the
//! change was about ([`change_log`]). A server answers from memory under a *lease* ([`serving`]):
//!
//! 1. **Renewal.** The server notes the time of its monotonic clock, then commits a write and reads the changes since
//!    its last look. It applies them: what it has in memory about these tokens, organisations and events is dropped. Then
//!    it may answer until one lease after the noted time. Without a lease it refuses every call, also one that it could
//!    read: the read might come from a PostgreSQL that is no longer the primary.
//! 2. **Acknowledgement.** PostgreSQL notifies the servers of each change. A server applies the changes, and then writes
//!    the number of the last one.
//! 3. **Waiting.** After its commit, a change waits for each registered server: until that has acknowledged the change,
//!    or until a lease of that server and a tenth have passed since the change saw it ([`servers`]). Then it is reported.
//! 4. **Removal.** A change that waited a whole lease for a server removes it from the table, unless the server has
//!    renewed its lease meanwhile. A server that finds itself removed drops its memory, and registers again. So a crash
//!    delays one change, and not the later ones.
//! 5. **Stop.** A server that stops removes itself after its last answer.
//!
//! # Why that is enough
//! Take a call that begins after the report of a change, and a server that answers it. The server has a lease.
//! - It acknowledged the change before the report. So it had dropped what it knew, and every read since then saw the
//!   change.
//! - Or a whole lease had passed. The present lease began with a renewal after the commit. That renewal saw the change, and
//!   the server applied it before it answered.
//! - Or the server was not in the table when the change looked. Either it registered later: then it has read nothing
//!   before. Or it had been removed, and then its lease had ended: the last renewal began before the other change saw it, and
//!   that change waited for a whole lease. It answers again only after it has registered again, with nothing in memory.
//! - Or it made the change itself. It has applied the change, or waits for itself as for the others.
//!
//! Every read of a token or event also reads two values: the number of the last change, and the mark that the database
//! has for the last change that the server knows. If the database has fewer changes, or another mark, the read came
//! from another history, such as that of a primary from before a failover. The server then refuses what it read, and
//! replaces all connections. A change checks in the same way what it reads about the servers.
//!
//! # Lost changes
//! Each change has a random mark. A server remembers the last change that it applied. If the database has another one
//! under that number, or none, it has lost changes that were reported as done. The server then ends its lease: it refuses
//! every call until it sees its own history again, or until an operator has run `after-restore`.
//!
//! # SQLite
//! A file has one server, which holds its [lock](server_lock), and one history. So the server renews its lease by a read,
//! every 50 ms. It applies its own changes itself, and they wait for nothing. The command line waits for the server's
//! acknowledgement. If the lock is free, there is no server.
//!
//! # What saves reads
//! - An answer stays in memory until a change is about it. A server with 10,000 busy keys reads none of them again.
//! - Calls that ask for the same key share one read. A call joins a read only while no change was about its key.
//!
//! # Errors
//! All callers that wait for a read get its error, and none is cached. Without a lease, or without a database for a key
//! that is not in memory, there is no answer ([`DatabaseError::is_unavailable`]), and the guard refuses. During an outage
//! the guard's pool limits how many calls try the database, and each read ends within
//! [`DATABASE_TIMEOUT`](crate::database::DATABASE_TIMEOUT). Nothing but the guard uses that pool.
//!
//! # What it does not promise
//! - A call that began before the report may get either state, however late its response is. This includes a process or
//!   machine that slept between its check of the lease and its response. After the sleep, the next check finds that the
//!   lease has expired, because the clock also counts sleep ([`crate::clock`]).
//! - In a virtual machine that its host suspends or moves, the clock may stop. Such a guest may answer from its memory
//!   for the rest of its lease. Also, no clock may run slower than another by more than a tenth.
//! - A page that lists tokens shows the committed state, which may be a moment ahead of the report.
//! - With [`Lease::NONE`] there is no lease: nothing shows that reads come from the present primary.
//! - Confirmed commits must not be lost. A standby without the last ones that becomes the primary may lack a revocation,
//!   or the renewal of a lease. And if the primary from before goes on, there are two histories. Only a synchronous standby
//!   excludes both: what it lacks was not confirmed, and without it no lease is renewed.

mod caches;
mod change_log;
mod lease;
mod list_versions;
mod read_cache;
mod server_lock;
mod servers;
mod serving;
mod sync {
    pub(super) use std::sync::{Mutex, MutexGuard};
}
mod table;
mod waits;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use model::{
    event::{EventId, EventSettings},
    organisation::OrganisationId,
    permission::{EventRecord, TokenRecord},
    servers::{Acknowledgements, SilentServers},
    timestamp::Timestamp,
    token::TokenId,
};
use tokio::time::{Instant, sleep};

use self::{
    change_log::{Outdated, Position},
    lease::with_margin,
    read_cache::within_timeout,
    server_lock::ServerLock,
    serving::Serving,
    waits::Waits,
};
pub use self::{
    lease::{InvalidLease, Lease},
    servers::SilenceReport,
    serving::{LeaseStatus, LookCause},
    table::LookupCounts,
    waits::WaitCounts,
};
use crate::{
    clock::MonotonicClock,
    database::{Database, LoggedChange, Purpose, Row, Value, Values, row, values},
    error::{DatabaseError, ServerLockError},
    secret::TokenDigest,
    task,
};

/// What API keys may do; see [`crate::Store::key_cache`].
#[derive(Debug)]
pub struct KeyCache {
    database: Database,
    server: OnceLock<Server>,
    waits: Waits,
    silence_report: OnceLock<SilenceReport>,
}

/// The parts that only a server needs. The command line has none.
#[derive(Debug)]
struct Server {
    /// None with [`Lease::NONE`].
    serving: Option<Arc<Serving>>,
    /// On SQLite.
    lock: Option<ServerLock>,
}

/// How long a server that starts waits for a command that holds the lock for a moment.
const LOCK_TRIES: u32 = 100;
const LOCK_DELAY: Duration = Duration::from_millis(20);

row! {
    /// The last change in the database that was read, and the mark that this database has for the last change that the
    /// server knows.
    struct SeenRow {
        seq: i64,
        mark: i64,
        known_mark: Option<i64>,
    }
}

row! {
    /// A token from a left join: its values, or none.
    struct TokenRow {
        id: Option<i64>,
        organisation_id: Option<i64>,
        plan: Option<String>,
        active: Option<bool>,
        expires_at: Option<i64>,
        ..seen: SeenRow,
    }
}

row! {
    /// An event from a left join.
    struct EventRow {
        organisation_id: Option<i64>,
        ..settings: SettingsRow,
        ..seen: SeenRow,
    }
}

row! {
    /// An event's settings from a left join: all of them, or none.
    struct SettingsRow {
        event_enabled: Option<bool>,
        bib_search: Option<bool>,
        selfie_search: Option<bool>,
        name_search: Option<bool>,
        video_search: Option<bool>,
        video_selfie_search: Option<bool>,
        timeline_search: Option<bool>,
    }
}

impl SettingsRow {
    fn settings(&self) -> Option<EventSettings> {
        Some(EventSettings {
            event_enabled: self.event_enabled?,
            bib_search: self.bib_search?,
            selfie_search: self.selfie_search?,
            name_search: self.name_search?,
            video_search: self.video_search?,
            video_selfie_search: self.video_selfie_search?,
            timeline_search: self.timeline_search?,
        })
    }
}

impl TokenRow {
    fn record(&self) -> Result<Option<TokenRecord>, DatabaseError> {
        let (Some(id), Some(organisation), Some(plan), Some(active)) =
            (self.id, self.organisation_id, &self.plan, self.active)
        else {
            return Ok(None);
        };
        Ok(Some(TokenRecord {
            token_id: TokenId(id),
            organisation_id: OrganisationId(organisation),
            plan: plan.parse()?,
            active,
            expires_at: self.expires_at.map(Timestamp),
        }))
    }
}

/// Reads a token by a condition, the last change, and the mark of change `$2`. One row, also without such a token.
macro_rules! select_token {
    ($condition:literal) => {
        concat!(
            "SELECT head.seq, head.mark, known.mark AS known_mark, tokens.id, tokens.organisation_id,
                organisations.plan, tokens.active, tokens.expires_at
            FROM change_counter AS head LEFT JOIN change_log AS known ON known.seq = $2 LEFT JOIN tokens ON ",
            $condition,
            " LEFT JOIN organisations ON organisations.id = tokens.organisation_id"
        )
    };
}

const TOKEN: &str = select_token!("tokens.key_digest = $1");
const TOKEN_BY_ID: &str = select_token!("tokens.id = $1");

const EVENT: &str = "SELECT head.seq, head.mark, known.mark AS known_mark, events.organisation_id, s.event_enabled,
        s.bib_search, s.selfie_search, s.name_search, s.video_search, s.video_selfie_search, s.timeline_search
    FROM change_counter AS head LEFT JOIN change_log AS known ON known.seq = $2
        LEFT JOIN events ON events.id = $1
        LEFT JOIN event_settings AS s ON s.event_id = events.id";

impl KeyCache {
    pub(crate) fn new(database: Database) -> Self {
        Self {
            database,
            server: OnceLock::new(),
            waits: Waits::default(),
            silence_report: OnceLock::new(),
        }
    }

    /// See [`Store::become_server`](crate::Store::become_server).
    ///
    /// # Errors
    /// [`ServerLockError`].
    pub(crate) async fn become_server(
        &self,
        lease: Lease,
        clock: Arc<dyn MonotonicClock>,
    ) -> Result<(), ServerLockError> {
        let lock = self.lock().await?;
        if lock.is_some() {
            // Their processes are gone.
            servers::remove_all(&self.database.with_purpose(Purpose::Lease)).await?;
        }
        let serving = if lease == Lease::NONE {
            None
        } else {
            let database = self.database.with_purpose(Purpose::Lease);
            Some(Serving::begin(database, lease, clock).await?)
        };
        self.server.get_or_init(|| Server { serving, lock });
        Ok(())
    }

    async fn lock(&self) -> Result<Option<ServerLock>, ServerLockError> {
        let Some(file) = self.database.file() else {
            return Ok(None);
        };
        let mut tries = 0;
        loop {
            match ServerLock::acquire(file) {
                Err(ServerLockError::AlreadyServed(_)) if tries < LOCK_TRIES => {
                    tries += 1;
                    sleep(LOCK_DELAY).await;
                }
                outcome => return outcome.map(Some),
            }
        }
    }

    /// Ends the lease of a server.
    pub(crate) async fn stop(&self) {
        if let Some(serving) = self.serving() {
            serving.stop().await;
        }
    }

    /// The token with this digest; none if there is no such token. The caller checks its expiry, by the clock at
    /// that moment.
    ///
    /// # Errors
    /// Those of the database. There is no answer then, and the caller must refuse.
    pub async fn token(&self, digest: &TokenDigest) -> Result<Option<TokenRecord>, DatabaseError> {
        let read = || self.read_token(TOKEN, digest.as_bytes().into());
        match self.serving() {
            Some(serving) => serving.caches().await?.tokens.get(*digest, read).await,
            // Boxed: otherwise every call would reserve stack for the read, also when the cache answers.
            None => Box::pin(within_timeout(read())).await,
        }
    }

    /// The token with this number; none if there is no such token. As [`KeyCache::token`], and as immediately: a link to an
    /// original ends with the token that made it.
    ///
    /// # Errors
    /// As [`KeyCache::token`].
    pub async fn token_by_id(&self, token: TokenId) -> Result<Option<TokenRecord>, DatabaseError> {
        let read = || self.read_token(TOKEN_BY_ID, token.0.into());
        match self.serving() {
            Some(serving) => serving.caches().await?.tokens_by_id.get(token, read).await,
            None => Box::pin(within_timeout(read())).await,
        }
    }

    /// The event with this number; none if there is no such event.
    ///
    /// # Errors
    /// As [`KeyCache::token`].
    pub async fn event(&self, event: EventId) -> Result<Option<EventRecord>, DatabaseError> {
        let read = || self.read_event(event);
        match self.serving() {
            Some(serving) => serving.caches().await?.events.get(event, read).await,
            None => Box::pin(within_timeout(read())).await,
        }
    }

    /// The counts of lookups: of tokens, and of events. With [`Lease::NONE`] every lookup is a read, and nothing is
    /// counted.
    pub fn lookups(&self) -> (LookupCounts, LookupCounts) {
        self.serving()
            .map(|serving| serving.lookups())
            .unwrap_or_default()
    }

    /// What this server knows about its lease. None with [`Lease::NONE`].
    pub fn lease(&self) -> Option<LeaseStatus> {
        self.serving().map(|serving| serving.status())
    }

    /// A number that changes when this server has applied a change of the organisation's list of tokens, made by any
    /// process. None without a lease: the server may then lack changes.
    pub(crate) fn list_version(&self, organisation: OrganisationId) -> Option<u64> {
        self.serving()?.list_version(organisation)
    }

    /// Notes that this process has changed the organisation's list. Other servers learn of it from the change log.
    pub(crate) fn note_list_change(&self, organisation: OrganisationId) {
        if let Some(serving) = self.serving() {
            serving.note_list_change(organisation);
        }
    }

    /// How long the changes of this process waited for other servers.
    pub fn waits(&self) -> WaitCounts {
        self.waits.counts()
    }

    /// Whether a change of this process waits for servers, or has waited.
    pub fn has_waited(&self) -> bool {
        self.waits.has_begun()
    }

    /// Calls `report` for each change of this process that waits longer than two seconds. Without it, the log says so.
    pub fn report_silence(&self, report: SilenceReport) {
        self.silence_report.get_or_init(|| report);
    }

    /// The servers that have not acknowledged the last change. None if all have. Any server can be asked, because it
    /// reads the database.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn silent_servers(&self) -> Result<Option<SilentServers>, DatabaseError> {
        servers::silent(&self.database.with_purpose(Purpose::General)).await
    }

    async fn read_token(
        &self,
        sql: &'static str,
        token: Value<'_>,
    ) -> Result<Option<TokenRecord>, DatabaseError> {
        let applied = self.applied();
        let known = applied.map(|applied| applied.seq);
        let row: TokenRow = self.fetch(sql, values![token, known]).await?;
        self.require_seen(&row.seen, applied)?;
        row.record()
    }

    async fn read_event(&self, event: EventId) -> Result<Option<EventRecord>, DatabaseError> {
        let applied = self.applied();
        let known = applied.map(|applied| applied.seq);
        let row: EventRow = self.fetch(EVENT, values![event.0, known]).await?;
        self.require_seen(&row.seen, applied)?;
        Ok(row.organisation_id.map(|organisation| EventRecord {
            event_id: event,
            organisation_id: OrganisationId(organisation),
            settings: row.settings.settings(),
        }))
    }

    async fn fetch<R: Row>(
        &self,
        sql: &'static str,
        values: Values<'_>,
    ) -> Result<R, DatabaseError> {
        let row = self.database.fetch_one(sql, values).await;
        if let (Err(error), Some(serving)) = (&row, self.serving()) {
            serving.note_damage(error);
        }
        row
    }

    /// The changes that a read must see which begins now.
    fn applied(&self) -> Option<Position> {
        self.serving().map(|serving| serving.fence())
    }

    /// Checks that the database which was read had the changes that the server knew before.
    ///
    /// # Errors
    /// [`DatabaseError::Unavailable`].
    fn require_seen(&self, seen: &SeenRow, applied: Option<Position>) -> Result<(), DatabaseError> {
        let SeenRow {
            seq,
            mark,
            known_mark,
        } = *seen;
        if applied.is_some_and(|applied| !applied.is_in_history(seq, mark, known_mark)) {
            self.database.replace_connections();
            return Err(DatabaseError::Unavailable(Outdated.into()));
        }
        Ok(())
    }

    fn serving(&self) -> Option<&Arc<Serving>> {
        self.server.get()?.serving.as_ref()
    }

    /// Waits until no server answers from the state before a change. Call it between the commit of the change and
    /// its report. `change` is where the log has the change; none if it was made before, by another call. If the future
    /// is dropped meanwhile, the change was not reported, so nothing was promised.
    ///
    /// Returns the servers that it has waited for. None if these could not be read: then it has waited for the longest
    /// possible lease.
    pub(crate) async fn wait_for_servers(
        &self,
        change: Option<LoggedChange>,
    ) -> Option<Acknowledgements> {
        let own = match self.serving() {
            Some(serving) => serving.apply_committed(change).await,
            None => None,
        };
        #[cfg(feature = "sabotage")]
        if crate::sabotage::no_wait() {
            return None;
        }
        let lock = self.server.get().and_then(|server| server.lock.as_ref());
        if lock.is_some_and(ServerLock::is_held) {
            return Some(Acknowledgements {
                servers: self.serving().is_some().into(),
                ended_leases: 0,
            });
        }
        let database = self.database.with_purpose(Purpose::Revocation);
        let report = self.silence_report.get().copied();
        let report = report.unwrap_or(servers::log_silence);
        let start = Instant::now();
        self.waits.begin();
        // A task, because it also removes servers that are gone: also if the request is dropped meanwhile.
        let waiting = task::spawn(servers::wait_for_others(database, own, change, report));
        let Ok(acknowledged) = waiting.await else {
            // It panicked, which must not shorten the wait.
            sleep(with_margin(Lease::LONGEST.duration())).await;
            return None;
        };
        let ended_leases = acknowledged.map_or(0, |servers| servers.ended_leases);
        self.waits.add(start.elapsed(), ended_leases);
        acknowledged
    }
}
