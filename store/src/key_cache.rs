//! What an API key may do. The guard asks this on every call.
//!
//! # The promise
//! Once a change is reported as done, no server answers from the state before it. This holds for a token activated,
//! deactivated or deleted, a plan changed, and an event created.
//!
//! # How it is kept
//! The database is the source of truth. A server may answer from what it has read for one lease. It counts the lease on
//! its own monotonic clock, from a moment before the read. A change commits, then waits for the longest lease of any
//! server plus a tenth, and is reported only then ([`KeyCache::wait_for_servers`]).
//!
//! Take a call that begins after the report, and the read that answers it.
//! - If the read began after the commit, it saw the change.
//! - If the read began before the commit, its lease ended before the report. The change waited for at least that lease,
//!   because it read the longest lease after its commit. The server had stored its lease in the database before it
//!   cached anything: before the read, and so before the commit.
//!
//! If the longest lease cannot be read, the change waits for the maximum. Servers need not send each other messages,
//! and their clocks need not agree about the time of day.
//!
//! # What saves reads and waits
//! - Calls that ask for the same key share one read. A call joins a read only while its result could still be
//!   answered from the cache. So the argument above holds for it too.
//! - Each invalidation begins a new epoch. Nothing that was read in an earlier epoch is answered or joined.
//! - The only server of a SQLite file, which holds its [lock](server_lock), holds all leases that exist. It need not
//!   wait: after its invalidation, every answer comes from a read that began after the commit.
//!
//! # Errors
//! All callers that wait for a read get its error, and none is cached. Without a lease and without a database there
//! is no answer ([`DatabaseError::is_unavailable`]), and the guard refuses. During an outage the guard's pool limits how
//! many calls try the database, and each read ends within
//! [`DATABASE_TIMEOUT`](crate::database::DATABASE_TIMEOUT). Nothing but the guard uses that pool.
//!
//! # What it does not promise
//! - A call that began before the report may get either state, however late its response is. This includes a process or
//!   machine that slept between its check of the lease and its response. After the sleep, the next check finds that the
//!   lease has expired, because the clock also counts sleep ([`crate::clock`]).
//! - In a virtual machine that its host suspends or moves, the clock may stop. Such a guest may answer from its cache
//!   for the rest of its lease. Also, no clock may run slower than another by more than a tenth.
//! - A page that lists tokens shows the committed state, which may be a moment ahead of the report.
//! - Changes by manual SQL, or by versions without leases, wait for no server. They are in force everywhere one lease
//!   later. Reads must come from the database that is written to, not from a replica.

mod lease;
mod read_cache;
mod server_lock;
mod sync {
    pub(super) use std::sync::{
        Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    };
}
mod table;

use std::sync::{Arc, OnceLock};

use model::{
    event::{EventId, EventSettings},
    organisation::OrganisationId,
    permission::{EventRecord, TokenRecord},
    timestamp::Timestamp,
    token::TokenId,
};

pub use self::{
    lease::{InvalidLease, Lease},
    table::LookupCounts,
};
use self::{
    read_cache::{ReadCache, within_timeout},
    server_lock::ServerLock,
    table::Size,
};
use crate::{
    clock::MonotonicClock,
    database::{Database, Purpose, Values, row, values},
    error::{DatabaseError, ServerLockError},
    secret::TokenDigest,
};

/// What API keys may do; see [`crate::Store::key_cache`].
#[derive(Debug)]
pub struct KeyCache {
    database: Database,
    server: OnceLock<Server>,
}

/// The parts that only a server needs. The command line has none.
#[derive(Debug)]
struct Server {
    /// None with [`Lease::NONE`].
    caches: Option<Caches>,
    /// On SQLite.
    lock: Option<ServerLock>,
}

#[derive(Debug)]
struct Caches {
    tokens: ReadCache<TokenDigest, TokenRecord>,
    /// For links to originals, which name a token by its number.
    tokens_by_id: ReadCache<TokenId, TokenRecord>,
    events: ReadCache<EventId, EventRecord>,
}

/// Room for 114,000 tokens that are called within one lease, and for 28,000 made-up keys: more than a database can
/// answer within the usual lease. Both generations together take up to 25 MB and 4 MB (a map has eight places for
/// seven entries, of 96 and 56 bytes).
const TOKENS: Size = Size {
    shards: 64,
    found: 1_792,
    missing: 448,
};

/// Fewer entries than for tokens: only callers with a valid key ask for events.
const EVENTS: Size = Size {
    shards: 64,
    found: 448,
    missing: 112,
};

/// Few entries: only links with a valid signature ask, and each download takes long compared with a read.
const TOKENS_BY_ID: Size = Size {
    shards: 16,
    found: 448,
    missing: 112,
};

row! {
    struct TokenRow {
        id: i64,
        organisation_id: i64,
        plan: String,
        active: bool,
        expires_at: Option<i64>,
    }
}

row! {
    struct EventRow {
        organisation_id: i64,
        ..settings: SettingsRow,
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

/// A text that reads a token, followed by its condition.
macro_rules! select_token {
    ($condition:literal) => {
        concat!(
            "SELECT tokens.id, tokens.organisation_id, organisations.plan, tokens.active,
                tokens.expires_at
            FROM tokens JOIN organisations ON organisations.id = tokens.organisation_id ",
            $condition
        )
    };
}

const TOKEN: &str = select_token!("WHERE tokens.digest = $1");
const TOKEN_BY_ID: &str = select_token!("WHERE tokens.id = $1");

const EVENT: &str = "SELECT events.organisation_id, s.event_enabled, s.bib_search, s.selfie_search,
        s.name_search, s.video_search, s.video_selfie_search, s.timeline_search
    FROM events LEFT JOIN event_settings AS s ON s.event_id = events.id
    WHERE events.id = $1";

impl KeyCache {
    pub(crate) const fn new(database: Database) -> Self {
        Self {
            database,
            server: OnceLock::new(),
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
        let file = self.database.file();
        let lock = file.map(ServerLock::acquire).transpose()?;
        lease::announce(&self.database, lease).await?;
        let caches = (lease != Lease::NONE).then(|| Caches {
            tokens: ReadCache::new(lease, TOKENS, clock.clone()),
            tokens_by_id: ReadCache::new(lease, TOKENS_BY_ID, clock.clone()),
            events: ReadCache::new(lease, EVENTS, clock),
        });
        self.server.get_or_init(|| Server { caches, lock });
        Ok(())
    }

    /// The token with this digest; none if there is no such token. The caller checks its expiry, by the clock at
    /// that moment.
    ///
    /// # Errors
    /// Those of the database. There is no answer then, and the caller must refuse.
    pub async fn token(&self, digest: &TokenDigest) -> Result<Option<TokenRecord>, DatabaseError> {
        match self.caches() {
            Some(caches) => {
                let read = || self.read_digest(digest);
                caches.tokens.get(*digest, read).await
            }
            // Boxed: otherwise every call would reserve stack for the read, also when the cache answers.
            None => Box::pin(within_timeout(self.read_digest(digest))).await,
        }
    }

    /// The token with this number; none if there is no such token. As [`KeyCache::token`], and as immediately: a link to an
    /// original ends with the token that made it.
    ///
    /// # Errors
    /// As [`KeyCache::token`].
    pub async fn token_by_id(&self, token: TokenId) -> Result<Option<TokenRecord>, DatabaseError> {
        let values = values![token.0];
        let read = || self.read_token(TOKEN_BY_ID, values);
        match self.caches() {
            Some(caches) => caches.tokens_by_id.get(token, read).await,
            None => Box::pin(within_timeout(read())).await,
        }
    }

    /// The event with this number; none if there is no such event.
    ///
    /// # Errors
    /// As [`KeyCache::token`].
    pub async fn event(&self, event: EventId) -> Result<Option<EventRecord>, DatabaseError> {
        match self.caches() {
            Some(caches) => caches.events.get(event, || self.read_event(event)).await,
            None => Box::pin(within_timeout(self.read_event(event))).await,
        }
    }

    /// The counts of lookups: of tokens, and of events. With [`Lease::NONE`] every lookup is a read, and nothing is
    /// counted.
    pub fn lookups(&self) -> (LookupCounts, LookupCounts) {
        self.caches()
            .map(|caches| (caches.tokens.lookups(), caches.events.lookups()))
            .unwrap_or_default()
    }

    async fn read_digest(
        &self,
        digest: &TokenDigest,
    ) -> Result<Option<TokenRecord>, DatabaseError> {
        self.read_token(TOKEN, values![digest.as_bytes()]).await
    }

    async fn read_token(
        &self,
        sql: &'static str,
        values: Values<'_>,
    ) -> Result<Option<TokenRecord>, DatabaseError> {
        let row: Option<TokenRow> = self.database.fetch_optional(sql, values).await?;
        row.map(|row| {
            Ok(TokenRecord {
                token_id: TokenId(row.id),
                organisation_id: OrganisationId(row.organisation_id),
                plan: row.plan.parse()?,
                active: row.active,
                expires_at: row.expires_at.map(Timestamp),
            })
        })
        .transpose()
    }

    async fn read_event(&self, event: EventId) -> Result<Option<EventRecord>, DatabaseError> {
        let row: Option<EventRow> = self
            .database
            .fetch_optional(EVENT, values![event.0])
            .await?;
        Ok(row.map(|row| EventRecord {
            event_id: event,
            organisation_id: OrganisationId(row.organisation_id),
            settings: row.settings.settings(),
        }))
    }

    fn caches(&self) -> Option<&Caches> {
        self.server.get()?.caches.as_ref()
    }

    /// Waits until no server answers from the state before a change. Call it between the commit of the change and
    /// its report. If the future is dropped meanwhile, the change was not reported, so nothing was promised.
    pub(crate) async fn wait_for_servers(&self) {
        if let Some(caches) = self.caches() {
            caches.tokens.invalidate();
            caches.tokens_by_id.invalidate();
            caches.events.invalidate();
        }
        #[cfg(feature = "sabotage")]
        if crate::sabotage::no_wait() {
            return;
        }
        let lock = self.server.get().and_then(|server| server.lock.as_ref());
        if !lock.is_some_and(ServerLock::is_held) {
            let database = self.database.with_purpose(Purpose::Revocation);
            lease::wait_out(&database).await;
        }
    }
}
