//! What a key may do, as the guard asks on every call.
//!
//! The promise: once a change has been reported as done (a token switched or deleted, a plan changed, an
//! event made), no server answers by what was true before it. The database is the truth. A server may go by
//! what it has read for one lease, counted on its own monotonic clock from a moment before the read.
//! Whoever changes something commits, waits for the longest lease of any server and a tenth, and only then
//! reports ([`Grants::settle`]).
//!
//! Why that is enough. Take a call that begins after the report, and the read that it is answered by. If the
//! read began after the commit, it saw the change. If it began before, its lease had run out by the report:
//! the change waited at least as long as that lease, since the server had written its lease into the
//! database before it remembered anything, hence before the read, hence before the commit, and the change
//! read the longest lease after its commit. Where that cannot be read, the change waits as long as any lease
//! can be. No message between servers is needed, and no agreement of their clocks about the time of day.
//!
//! Two things make one server do with less. Calls that ask for the same share one read, but each joins a read
//! only while it could still be answered by it, as if it had ended already: so the above holds for it too. And
//! every invalidation begins a new epoch: nothing is answered or joined that was read in an earlier one. The
//! only server of a SQLite file, which a lock says it is, holds all leases that there are; it needs no wait,
//! because after its invalidation every answer is by a read that began after the commit.
//!
//! An error is told to all who wait for it and kept for nobody. Without lease and database there is no answer
//! ([`DatabaseError::is_unavailable`]), and the guard refuses. While the database is away its pool bounds how
//! many try to reach it, and each read ends within [`DATABASE_TIMEOUT`](crate::database::DATABASE_TIMEOUT).
//!
//! What it does not say:
//! - A call that began before the report may be answered by either state, however late its answer arrives:
//!   also when the process or the machine slept between the look at the lease and the answer. After the
//!   sleep, the next look finds the lease run out, for the clock goes on meanwhile ([`crate::clock`]).
//! - It does not go on in a virtual machine that its host holds still or moves: such a guest may go by what it
//!   remembered for the rest of its lease. Nor may a clock run a tenth slower than another.
//! - A page that lists tokens shows what is committed, which may be a moment before it is reported.
//! - Statements by hand, and programs from before there were leases, wait for nobody: what they change is in
//!   force everywhere one lease later. Reads must come from the database that writes go to, not a replica.

mod lease;
mod memory;
mod only_server;
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
    table::Answers,
};
use self::{
    memory::{Memory, patiently},
    only_server::OnlyServer,
    table::Size,
};
use crate::{
    Store,
    clock::MonotonicClock,
    database::{Database, values},
    error::{DatabaseError, ServerLockError},
    secret::TokenDigest,
};

/// What keys may do; see [`crate::Store::grants`].
#[derive(Debug)]
pub struct Grants {
    database: Database,
    server: OnceLock<Server>,
}

/// What a server has, and the command line has not.
#[derive(Debug)]
struct Server {
    /// None with [`Lease::NONE`].
    memories: Option<Memories>,
    /// On SQLite.
    only: Option<OnlyServer>,
}

#[derive(Debug)]
struct Memories {
    tokens: Memory<TokenDigest, TokenRecord>,
    events: Memory<EventId, EventRecord>,
}

/// Room for 114,000 tokens that are called within one lease, and for 28,000 made-up keys: more than a database
/// can be asked for in the usual one. Both generations full are 25 MB and 4 MB (a map gives each eight
/// places to seven entries, of 96 and 56 bytes).
const TOKENS: Size = Size {
    shards: 64,
    found: 1_792,
    missing: 448,
};

/// Fewer: only those who have a key ask for events.
const EVENTS: Size = Size {
    shards: 64,
    found: 448,
    missing: 112,
};

#[derive(sqlx::FromRow)]
struct TokenGrantRow {
    id: i64,
    organisation_id: i64,
    plan: String,
    active: bool,
    expires_at: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct EventGrantRow {
    organisation_id: i64,
    #[sqlx(flatten)]
    settings: SettingsRow,
}

/// An event's settings as a left join gives them: all there, or all missing.
#[derive(sqlx::FromRow)]
struct SettingsRow {
    event_enabled: Option<bool>,
    bib_search: Option<bool>,
    selfie_search: Option<bool>,
    name_search: Option<bool>,
    video_search: Option<bool>,
    video_selfie_search: Option<bool>,
    timeline_search: Option<bool>,
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

const TOKEN: &str = "SELECT tokens.id, tokens.organisation_id, organisations.plan, tokens.active,
        tokens.expires_at
    FROM tokens JOIN organisations ON organisations.id = tokens.organisation_id
    WHERE tokens.digest = $1";

const EVENT: &str = "SELECT events.organisation_id, s.event_enabled, s.bib_search, s.selfie_search,
        s.name_search, s.video_search, s.video_selfie_search, s.timeline_search
    FROM events LEFT JOIN event_settings AS s ON s.event_id = events.id
    WHERE events.id = $1";

impl Grants {
    pub(crate) const fn new(database: Database) -> Self {
        Self {
            database,
            server: OnceLock::new(),
        }
    }

    /// What is known of the token with this digest; nothing if there is none. Whether its time is over is
    /// for the caller to see, by the clock at that moment.
    ///
    /// # Errors
    /// Those of the database: there is no answer then, and the caller refuses.
    pub async fn token(&self, digest: &TokenDigest) -> Result<Option<TokenRecord>, DatabaseError> {
        match self.memories() {
            Some(memories) => {
                memories
                    .tokens
                    .get(*digest, || self.read_token(digest))
                    .await
            }
            // On the heap: every call would make room for the read, also where there is a memory.
            None => Box::pin(patiently(self.read_token(digest))).await,
        }
    }

    /// What is known of the event with this number; nothing if there is none.
    ///
    /// # Errors
    /// As [`Grants::token`].
    pub async fn event(&self, event: EventId) -> Result<Option<EventRecord>, DatabaseError> {
        match self.memories() {
            Some(memories) => memories.events.get(event, || self.read_event(event)).await,
            None => Box::pin(patiently(self.read_event(event))).await,
        }
    }

    /// How this server came by what it knew of tokens, and of events. Nothing is counted with
    /// [`Lease::NONE`], where every answer is a read.
    pub fn answers(&self) -> (Answers, Answers) {
        self.memories()
            .map(|memories| (memories.tokens.answers(), memories.events.answers()))
            .unwrap_or_default()
    }

    async fn read_token(&self, digest: &TokenDigest) -> Result<Option<TokenRecord>, DatabaseError> {
        let row: Option<TokenGrantRow> = self
            .database
            .fetch_optional(TOKEN, values![digest.as_bytes()])
            .await?;
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
        let row: Option<EventGrantRow> = self
            .database
            .fetch_optional(EVENT, values![event.0])
            .await?;
        Ok(row.map(|row| EventRecord {
            event_id: event,
            organisation_id: OrganisationId(row.organisation_id),
            settings: row.settings.settings(),
        }))
    }

    fn memories(&self) -> Option<&Memories> {
        self.server.get()?.memories.as_ref()
    }

    /// Called between the commit of a change and its report as done: returns once no server goes by what
    /// was true before. A caller that goes away meanwhile has been told nothing.
    pub(crate) async fn settle(&self) {
        if let Some(memories) = self.memories() {
            memories.tokens.invalidate();
            memories.events.invalidate();
        }
        #[cfg(feature = "sabotage")]
        if crate::sabotage::no_wait() {
            return;
        }
        let only = self.server.get().and_then(|server| server.only.as_ref());
        if !only.is_some_and(OnlyServer::stands) {
            lease::wait_out(&self.database).await;
        }
    }
}

impl Store {
    /// Makes this store a server's, which answers for keys from memory for one `lease` by `clock`. To be
    /// called once. Without it every question is asked of the database.
    ///
    /// # Errors
    /// [`ServerLockError`]; the lock is for SQLite alone.
    pub async fn become_server(
        &self,
        lease: Lease,
        clock: Arc<dyn MonotonicClock>,
    ) -> Result<(), ServerLockError> {
        let Grants { database, server } = self.grants();
        let file = database.file();
        let only = file.as_deref().map(OnlyServer::of).transpose()?;
        lease::announce(database, lease).await?;
        let memories = (lease != Lease::NONE).then(|| Memories {
            tokens: Memory::new(lease, TOKENS, clock.clone()),
            events: Memory::new(lease, EVENTS, clock),
        });
        server.get_or_init(|| Server { memories, only });
        Ok(())
    }
}
