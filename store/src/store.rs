//! [`Store`]: the database, and what all subjects share.

use std::{fmt, sync::Arc};

use quick_cache::sync::Cache;
use tokio::sync::OnceCell;

use crate::{
    actor::Origin,
    clock::{Clock, MonotonicClock},
    database::{Database, PoolConnections, Purpose},
    error::{OpenError, SchemaError, ServerLockError},
    key_cache::{KeyCache, Lease},
    password::{PasswordHasher, PasswordLoad},
    sign_in_throttle::SignInThrottle,
    usage::Usage,
};

/// How many ended sessions a process remembers.
const MAX_ENDED_SESSIONS: usize = 10_000;

/// All of the product's data, on either engine. Clones are cheap and share the connections.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
    origin: Option<Arc<Origin>>,
}

struct Inner {
    database: Database,
    clock: Arc<dyn Clock>,
    key_cache: KeyCache,
    sign_in_throttle: SignInThrottle,
    passwords: PasswordHasher,
    usage: Usage,
    session_signing_key: OnceCell<[u8; 32]>,
    /// By the digest of the key.
    ended_sessions: Cache<[u8; 32], ()>,
}

impl Store {
    /// Opens the database at `url`: `sqlite:FILE` (created if missing) or `postgres://…`. It leaves the schema as
    /// it is: see [`Store::migrate`].
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(url: &str, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let database = Database::open(url).await?;
        Ok(Self {
            inner: Arc::new(Inner {
                key_cache: KeyCache::new(database.with_purpose(Purpose::Guard)),
                usage: Usage::new(database.clone(), clock.clone()),
                database,
                clock,
                sign_in_throttle: SignInThrottle::new(),
                passwords: PasswordHasher::new(),
                session_signing_key: OnceCell::new(),
                ended_sessions: Cache::new(MAX_ENDED_SESSIONS),
            }),
            origin: None,
        })
    }

    /// The same store for calls from this origin. The audit trail records the origin with each change, and sign-ins
    /// are throttled by it.
    #[must_use]
    pub fn on_behalf_of(&self, origin: Origin) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            origin: Some(Arc::new(origin)),
        }
    }

    /// Brings the schema up to date. Several processes may run this at the same time, and repeat it.
    ///
    /// # Errors
    /// [`SchemaError`]; [`SchemaError::Newer`] if a newer version of the program has migrated the database.
    pub async fn migrate(&self) -> Result<(), SchemaError> {
        self.inner.database.migrate().await
    }

    /// Checks with one small read that the database answers and has exactly the schema that this program knows. It uses
    /// the guard's connections: without them, no call of the API is answered.
    ///
    /// # Errors
    /// [`SchemaError`]; [`SchemaError::Migration`] if the database had a different migration under the same number.
    pub async fn check_schema(&self) -> Result<(), SchemaError> {
        let database = self.inner.database.with_purpose(Purpose::Guard);
        database.check_schema().await
    }

    /// Turns this store into a server's store. On SQLite it takes the server lock. From then on, the key cache keeps
    /// each result for one `lease`, measured by `clock`. Call it once. Without this call, every lookup of a key reads
    /// the database.
    ///
    /// # Errors
    /// [`ServerLockError`], on SQLite only: PostgreSQL has no server lock.
    pub async fn become_server(
        &self,
        lease: Lease,
        clock: Arc<dyn MonotonicClock>,
    ) -> Result<(), ServerLockError> {
        self.inner.key_cache.become_server(lease, clock).await
    }

    /// Closes every connection, after its running statement.
    pub async fn close(&self) {
        self.inner.database.close().await;
    }

    /// The connections of each database pool.
    pub fn connections(&self) -> Vec<PoolConnections> {
        self.inner.database.connections()
    }

    /// How many passwords are being hashed, or wait for that.
    pub fn password_load(&self) -> PasswordLoad {
        self.inner.passwords.load()
    }

    /// The clock that this store's rules use.
    pub fn clock(&self) -> &dyn Clock {
        &*self.inner.clock
    }

    /// What API keys may do.
    pub fn key_cache(&self) -> &KeyCache {
        &self.inner.key_cache
    }

    /// How tokens are used.
    pub fn usage(&self) -> &Usage {
        &self.inner.usage
    }

    pub(crate) fn database(&self) -> &Database {
        &self.inner.database
    }

    pub(crate) fn database_for(&self, purpose: Purpose) -> Database {
        self.inner.database.with_purpose(purpose)
    }

    pub(crate) fn shared_origin(&self) -> Option<Arc<Origin>> {
        self.origin.clone()
    }

    pub(crate) fn origin(&self) -> Option<&Origin> {
        self.origin.as_deref()
    }

    pub(crate) fn sign_in_throttle(&self) -> &SignInThrottle {
        &self.inner.sign_in_throttle
    }

    pub(crate) fn passwords(&self) -> &PasswordHasher {
        &self.inner.passwords
    }

    pub(crate) fn ended_sessions(&self) -> &Cache<[u8; 32], ()> {
        &self.inner.ended_sessions
    }

    pub(crate) fn session_signing_key_cell(&self) -> &OnceCell<[u8; 32]> {
        &self.inner.session_signing_key
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store")
            .field(&self.inner.database.engine_name())
            .finish()
    }
}
