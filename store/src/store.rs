//! [`Store`]: the database, and what all subjects share.

use std::{fmt, path::Path, sync::Arc};

use quick_cache::sync::Cache;
use tokio::sync::OnceCell;

use crate::{
    actor::Origin,
    clock::{Clock, MonotonicClock},
    database::{Database, PoolConnections, Purpose},
    error::{DatabaseError, OpenError, SchemaError, ServerLockError, TooManyRecords},
    key_cache::{KeyCache, Lease},
    password::{PasswordHasher, PasswordLoad},
    record_allowance::{Allowances, RecordedBy},
    sign_in_throttle::SignInThrottle,
    standbys::{SeenStandbys, Standbys},
    token_polls::lists::PolledLists,
    usage::Usage,
};

/// How many ended sessions a process remembers.
const MAX_ENDED_SESSIONS: usize = 10_000;

/// All of the product's data, on either engine. Clones are cheap and share the connections.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
    origin: Option<Arc<Origin>>,
    is_for_revocation: bool,
}

struct Inner {
    database: Database,
    /// The same database, with the connections of revocations.
    revocations: Database,
    /// The same database, for what must go on when its disk is nearly full.
    upkeep: Database,
    clock: Arc<dyn Clock>,
    key_cache: KeyCache,
    sign_in_throttle: SignInThrottle,
    passwords: PasswordHasher,
    usage: Usage,
    allowances: Allowances,
    standbys: SeenStandbys,
    polled_lists: PolledLists,
    session_signing_key: OnceCell<[u8; 32]>,
    device_cookie_key: OnceCell<[u8; 32]>,
    cursor_key: OnceCell<[u8; 32]>,
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
        let database = Database::open(&url.into()).await?;
        Ok(Self {
            inner: Arc::new(Inner {
                key_cache: KeyCache::new(database.with_purpose(Purpose::Guard)),
                usage: Usage::new(database.clone(), clock.clone()),
                revocations: database.with_purpose(Purpose::Revocation),
                upkeep: database.with_purpose(Purpose::Upkeep),
                database,
                clock,
                sign_in_throttle: SignInThrottle::new(),
                passwords: PasswordHasher::new(),
                allowances: Allowances::new(),
                standbys: SeenStandbys::default(),
                polled_lists: PolledLists::new(),
                session_signing_key: OnceCell::new(),
                device_cookie_key: OnceCell::new(),
                cursor_key: OnceCell::new(),
                ended_sessions: Cache::new(MAX_ENDED_SESSIONS),
            }),
            origin: None,
            is_for_revocation: false,
        })
    }

    /// The same store for calls from this origin. The audit trail records the origin with each change, and sign-ins
    /// are throttled by it.
    #[must_use]
    pub fn on_behalf_of(&self, origin: Origin) -> Self {
        Self {
            origin: Some(Arc::new(origin)),
            ..self.clone()
        }
    }

    /// The same store for a request that revokes something. All that it reads and changes has the connections of
    /// revocations: slow pages cannot keep it from finding its session and its member.
    #[must_use]
    pub fn for_revocation(&self) -> Self {
        Self {
            is_for_revocation: true,
            ..self.clone()
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

    /// Turns this store into a server's store. On SQLite it takes the server lock. From then on, lookups of keys are
    /// answered from memory, under a `lease` that is measured by `clock` and renewed in the background. Call it once.
    /// Without this call, every lookup reads the database.
    ///
    /// # Errors
    /// [`ServerLockError`]. PostgreSQL has no server lock.
    pub async fn become_server(
        &self,
        lease: Lease,
        clock: Arc<dyn MonotonicClock>,
    ) -> Result<(), ServerLockError> {
        self.inner.key_cache.become_server(lease, clock).await?;
        // Before the first request: none of them must wait for others that read it slowly.
        self.session_signing_key().await?;
        self.device_cookie_key().await?;
        self.cursor_key().await?;
        Ok(())
    }

    /// Ends the lease of a server, and closes every connection, after its running statement.
    pub async fn close(&self) {
        self.inner.key_cache.stop().await;
        self.inner.database.close().await;
    }

    /// The file of a SQLite database, as its address names it.
    pub fn database_file(&self) -> Option<&Path> {
        self.inner.database.file()
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

    /// PostgreSQL's standbys, as [`Store::watch_standbys`] last found them. None on SQLite, and before the first look.
    pub fn standbys(&self) -> Option<Standbys> {
        self.inner.standbys.get()
    }

    /// Looks at PostgreSQL's standbys, and logs when a failover to one of them could lose changes. A server calls it at
    /// its start and from time to time.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn watch_standbys(&self) -> Result<(), DatabaseError> {
        self.inner.standbys.look(self.database()).await
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
        self.database_for(Purpose::General)
    }

    pub(crate) fn database_for(&self, purpose: Purpose) -> &Database {
        match purpose {
            _ if self.is_for_revocation => &self.inner.revocations,
            Purpose::Revocation => &self.inner.revocations,
            Purpose::Upkeep => &self.inner.upkeep,
            Purpose::Guard | Purpose::Lease | Purpose::General => &self.inner.database,
        }
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

    /// Takes one record from an allowance. Call it before a change that is recorded and does not narrow access.
    ///
    /// # Errors
    /// How long to wait before the change can be made.
    pub(crate) fn take_record(&self, by: RecordedBy) -> Result<(), TooManyRecords> {
        #[cfg(feature = "sabotage")]
        if crate::sabotage::no_shares() {
            return Ok(());
        }
        self.inner.allowances.take(by, self.clock().now())
    }

    pub(crate) fn polled_lists(&self) -> &PolledLists {
        &self.inner.polled_lists
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

    pub(crate) fn cursor_key_cell(&self) -> &OnceCell<[u8; 32]> {
        &self.inner.cursor_key
    }

    pub(crate) fn device_cookie_key_cell(&self) -> &OnceCell<[u8; 32]> {
        &self.inner.device_cookie_key
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store")
            .field(&self.inner.database.engine_name())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use model::{
        organisation::{OrganisationId, Plan, Role},
        user::Email,
    };

    use sqlx::{Sqlite, pool::PoolConnection};

    use super::*;
    use crate::{
        clock::{ManualMonotonicClock, SystemClock},
        database::{Engine, Purpose},
        permission::TokenPermission,
    };

    const PASSWORD: &str = "correct horse battery";

    /// On SQLite, whose connections a test can hold. Those to PostgreSQL hang in `server/tests/it/silence.rs`.
    #[tokio::test]
    async fn a_revocation_needs_no_connection_of_other_reads_and_activating_none_of_revocations() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("zone.db").display());
        let store = Store::open(&url, Arc::new(SystemClock)).await;
        let store = store.expect("opened");
        store.migrate().await.expect("migrated");
        let organisation = OrganisationId(903);
        let email = Email::parse("ada@example.com").expect("an address");
        let organisations = store.organisations();
        let created = organisations.create(Some(organisation), "Races", Plan::Enterprise);
        created.await.expect("created");
        let users = store.users();
        let user = users.create(&email, PASSWORD, organisation, Role::Admin);
        user.await.expect("created");
        let sign_in = store.sign_in();
        let signed_in = sign_in.with_password(&email, PASSWORD, None, None).await;
        let key = signed_in.expect("signed in").session;
        let member = store.members().find_by_email(&email, organisation).await;
        let member = member.expect("a member");
        let tokens = store.tokens();
        let created = tokens.create(&member, None);
        let token = created.await.expect("created").summary.id;

        // The only server on SQLite reads no lease after a change.
        let clock = Arc::new(ManualMonotonicClock::default());
        let serving = store.become_server(Lease::default(), clock).await;
        serving.expect("the only server");

        let others = hold_readers(&store, &[Purpose::Guard, Purpose::General]).await;
        let request = store.for_revocation();
        let session = request.sessions().find(&key).await.expect("an answer");
        let session = session.expect("a session");
        let member = request.members().find(&session, organisation).await;
        member.expect("a member");
        let permission = TokenPermission::Operator(organisation);
        let deactivated = tokens.set_active(permission, token, false).await;
        deactivated.expect("deactivated");
        drop(others);

        let activated = tokens.set_active(permission, token, true).await;
        activated.expect("activated");

        let _others = hold_readers(&store, &[Purpose::Guard, Purpose::General]).await;
        let deactivated = tokens.deactivate_all(permission).await;
        assert_eq!(deactivated.expect("deactivated").deactivated.len(), 1);
        tokens.delete(permission, token).await.expect("deleted");
        store.sessions().end_by_key(&key).await.expect("ended");
    }

    /// Holds every connection for reads of these purposes.
    async fn hold_readers(store: &Store, purposes: &[Purpose]) -> Vec<PoolConnection<Sqlite>> {
        let Engine::Sqlite(sqlite) = store.database().engine() else {
            unreachable!("SQLite");
        };
        let mut held = Vec::new();
        for purpose in purposes {
            let pool = sqlite.readers(*purpose);
            for _ in 0..pool.options().get_max_connections() {
                held.push(pool.acquire().await.expect("a reader"));
            }
        }
        held
    }
}
