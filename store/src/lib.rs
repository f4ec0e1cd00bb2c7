//! The database of the Developer Zone, its secrets, and what API keys may do.
//!
//! This is the only crate that knows SQL. Code that touches an organisation's rows takes the organisation from a
//! type that proves the caller's permission: [`Member`], [`TokenPermission`], [`AuditPermission`] or
//! [`EventsPermission`].

mod actor;
pub mod audit;
pub mod backup;
mod change;
pub mod clock;
mod database;
pub mod demo;
mod device_cookies;
pub mod error;
pub mod events;
pub mod key_cache;
pub mod members;
mod organisation_row;
pub mod organisations;
mod password;
mod permission;
pub mod photos;
#[cfg(feature = "sabotage")]
mod sabotage;
mod schema;
pub mod secret;
pub mod sessions;
pub mod sign_in;
mod sign_in_throttle;
mod signing;
pub mod task;
mod token_name;
pub mod tokens;
pub mod usage;
pub mod users;

use std::sync::Arc;

pub use self::{
    actor::Origin,
    database::PoolConnections,
    members::Member,
    password::PasswordLoad,
    permission::{AuditPermission, EventsPermission, TokenPermission},
};
use self::{
    audit::Audit,
    clock::Clock,
    database::Database,
    error::{OpenError, SchemaError},
    events::Events,
    key_cache::KeyCache,
    members::Members,
    organisations::Organisations,
    password::PasswordHasher,
    photos::Photos,
    sessions::Sessions,
    sign_in::SignIn,
    sign_in_throttle::SignInThrottle,
    tokens::Tokens,
    usage::Usage,
    users::Users,
};

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
                key_cache: KeyCache::new(database.clone()),
                usage: Usage::new(database.clone(), clock.clone()),
                database,
                clock,
                sign_in_throttle: SignInThrottle::new(),
                passwords: PasswordHasher::new(),
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

    /// Checks with one small read that the database answers and has exactly the schema that this program knows.
    ///
    /// # Errors
    /// [`SchemaError`]; [`SchemaError::Migration`] if the database had a different migration under the same number.
    pub async fn check_schema(&self) -> Result<(), SchemaError> {
        self.inner.database.check_schema().await
    }

    /// Closes every connection, after its running statement.
    pub async fn close(&self) {
        self.inner.database.close().await;
    }

    /// The connections of each database pool.
    pub fn connections(&self) -> Vec<PoolConnections> {
        self.inner.database.connections()
    }

    /// How many passwords are being hashed or wait for it.
    pub fn password_load(&self) -> PasswordLoad {
        self.inner.passwords.load()
    }

    /// The clock of all rules of this store.
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

    /// API tokens.
    pub fn tokens(&self) -> Tokens<'_> {
        Tokens::new(self)
    }

    /// Organisations and their plans.
    pub fn organisations(&self) -> Organisations<'_> {
        Organisations::new(self)
    }

    /// User accounts.
    pub fn users(&self) -> Users<'_> {
        Users::new(self)
    }

    /// Memberships: which users belong to which organisations.
    pub fn members(&self) -> Members<'_> {
        Members::new(self)
    }

    /// The audit trail.
    pub fn audit(&self) -> Audit<'_> {
        Audit::new(self)
    }

    /// Events and their settings.
    pub fn events(&self) -> Events<'_> {
        Events::new(self)
    }

    /// Photos of events.
    pub fn photos(&self) -> Photos<'_> {
        Photos::new(self)
    }

    /// Sign-in, and everything else that checks a password.
    pub fn sign_in(&self) -> SignIn<'_> {
        SignIn::new(self)
    }

    /// Sessions of signed-in users.
    pub fn sessions(&self) -> Sessions<'_> {
        Sessions::new(self)
    }

    fn database(&self) -> &Database {
        &self.inner.database
    }

    fn shared_origin(&self) -> Option<Arc<Origin>> {
        self.origin.clone()
    }

    fn origin(&self) -> Option<&Origin> {
        self.origin.as_deref()
    }

    fn sign_in_throttle(&self) -> &SignInThrottle {
        &self.inner.sign_in_throttle
    }

    fn passwords(&self) -> &PasswordHasher {
        &self.inner.passwords
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Store")
            .field(&self.inner.database.engine_name())
            .finish()
    }
}
