//! The database, secrets and grants of the Developer Zone.
//!
//! This is the only crate that knows SQL. Everything that touches an organisation's rows takes the
//! organisation from a type that proves the caller may: [`Member`], [`TokenAuthority`], [`AuditAuthority`] or
//! [`OrganisationScope`].

mod attempts;
pub mod audit;
pub mod backup;
mod browsers;
pub mod clock;
mod database;
pub mod demo;
mod error;
pub mod events;
pub mod grants;
pub mod members;
pub mod organisations;
mod password;
pub mod photos;
#[cfg(feature = "sabotage")]
mod sabotage;
mod schema;
mod scope;
pub mod secret;
pub mod sessions;
pub mod sign_in;
mod signing;
pub mod tokens;
pub mod usage;
pub mod users;

use std::sync::Arc;

use self::{
    attempts::Attempts,
    audit::{Audit, Origin},
    clock::Clock,
    database::Database,
    events::Events,
    grants::Grants,
    members::Members,
    organisations::Organisations,
    password::PasswordHasher,
    photos::Photos,
    sessions::Sessions,
    sign_in::SignIn,
    tokens::Tokens,
    usage::Usage,
    users::Users,
};
pub use self::{
    database::Connections,
    error::StoreError,
    members::Member,
    password::PasswordLoad,
    scope::{AuditAuthority, OrganisationScope, TokenAuthority},
};

/// Everything the product remembers, on either engine. Cloning it is cheap and shares the connections.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
    origin: Option<Arc<Origin>>,
}

struct Inner {
    database: Database,
    clock: Arc<dyn Clock>,
    grants: Grants,
    attempts: Attempts,
    passwords: PasswordHasher,
    usage: Usage,
}

impl Store {
    /// Opens the database at `url`: `sqlite:FILE` (made if missing) or `postgres://…`. The schema is
    /// left as it is: see [`Store::migrate`].
    ///
    /// # Errors
    /// [`StoreError::Url`] for an address of neither engine, [`StoreError::File`] for a file that SQLite
    /// cannot open, [`StoreError::Unavailable`] when no PostgreSQL answers, [`StoreError::Durability`] when
    /// SQLite would not keep what it confirms.
    pub async fn open(url: &str, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let database = Database::open(url).await?;
        Ok(Self {
            inner: Arc::new(Inner {
                grants: Grants::new(database.clone()),
                usage: Usage::new(database.clone(), clock.clone()),
                database,
                clock,
                attempts: Attempts::new(),
                passwords: PasswordHasher::new(),
            }),
            origin: None,
        })
    }

    /// The same store for what comes from there: the audit trail then says so of all that is done with it, and
    /// sign-ins are slowed by it.
    #[must_use]
    pub fn on_behalf_of(&self, origin: Origin) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            origin: Some(Arc::new(origin)),
        }
    }

    /// Brings the schema up to date. Safe to run from several processes at once, and again.
    ///
    /// # Errors
    /// [`StoreError::NewerSchema`] when a newer version of the program has brought it further, and
    /// [`StoreError::Migration`].
    pub async fn migrate(&self) -> Result<(), StoreError> {
        self.inner.database.migrate().await
    }

    /// Whether the database answers, and has exactly the schema that this program knows: one small read.
    ///
    /// # Errors
    /// [`StoreError::NewerSchema`], [`StoreError::OlderSchema`], [`StoreError::Migration`] where the same
    /// migration was another one, and those of the database.
    pub async fn check_schema(&self) -> Result<(), StoreError> {
        self.inner.database.check_schema().await
    }

    /// Closes every connection, after the statements that are running.
    pub async fn close(&self) {
        self.inner.database.close().await;
    }

    /// The connections to the database, by pool.
    pub fn connections(&self) -> Vec<Connections> {
        self.inner.database.connections()
    }

    /// The passwords that are being looked at, or wait for it.
    pub fn password_load(&self) -> PasswordLoad {
        self.inner.passwords.load()
    }

    /// The clock that all rules of this store go by.
    pub fn clock(&self) -> &dyn Clock {
        &*self.inner.clock
    }

    /// What keys may do.
    pub fn grants(&self) -> &Grants {
        &self.inner.grants
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

    /// Accounts: who can sign in.
    pub fn users(&self) -> Users<'_> {
        Users::new(self)
    }

    /// Who belongs to which organisation.
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

    /// Sign-in, and what else asks for the password.
    pub fn sign_in(&self) -> SignIn<'_> {
        SignIn::new(self)
    }

    /// Browsers in which somebody is signed in.
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

    fn attempts(&self) -> &Attempts {
        &self.inner.attempts
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
