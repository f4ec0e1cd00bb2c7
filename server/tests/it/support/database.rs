//! A database for one test.

use std::{
    env,
    hash::{BuildHasher, Hasher, RandomState},
    net::SocketAddr,
    path::PathBuf,
    str::FromStr,
    thread,
    time::Instant,
};

use sqlx::{
    AssertSqlSafe, Connection, PgConnection, PgTransaction, SqliteConnection,
    sqlite::SqliteConnectOptions,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::{cuttable_proxy::CuttableProxy, wait::TIMEOUT};

/// Names the PostgreSQL server that tests may create databases on. `cargo xtask with-postgres` sets it.
const POSTGRES_URL: &str = "TEST_POSTGRES_URL";

/// An empty database, removed when dropped.
pub(crate) enum TestDatabase {
    Sqlite(TempDir),
    Postgres { server: String, name: String },
}

impl TestDatabase {
    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().expect("a folder"))
    }

    /// # Panics
    /// Without a PostgreSQL server. Skipping the test would hide that its guarantee was not tested.
    pub(crate) async fn postgres() -> Self {
        Self::postgres_in("UTF8").await
    }

    /// The same, with texts in this encoding.
    pub(crate) async fn postgres_in(encoding: &str) -> Self {
        let server = env::var(POSTGRES_URL).unwrap_or_else(|_| {
            panic!(
                "{POSTGRES_URL} names no PostgreSQL server: run `make test`, or \
                 `cargo xtask with-postgres -- cargo test -p server -- --include-ignored`"
            )
        });
        Self::postgres_on(server, encoding).await
    }

    /// The same, on the PostgreSQL server with this URL.
    pub(crate) async fn postgres_on(server: String, encoding: &str) -> Self {
        let name = format!(
            "server_test_{:016x}",
            RandomState::new().build_hasher().finish()
        );
        let create =
            format!("CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0");
        run_on_postgres(&server, &create).await;
        Self::Postgres { server, name }
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite(_) => format!("sqlite:{}", self.file().display()),
            Self::Postgres { server, name } => {
                let (server, _) = server.rsplit_once('/').expect("an address with a path");
                format!("{server}/{name}")
            }
        }
    }

    /// A proxy in front of PostgreSQL, and the address of this database through it.
    pub(crate) fn behind_proxy(&self) -> (CuttableProxy, String) {
        let proxy = CuttableProxy::to(self.address());
        let url = self.url_at(proxy.address());
        (proxy, url)
    }

    /// Where PostgreSQL listens.
    pub(crate) fn address(&self) -> SocketAddr {
        let url = self.url();
        let address = url.split(['@', '/']).nth(3).expect("a host");
        address.parse().expect("an address")
    }

    /// The URL of this database through a proxy at this address.
    pub(crate) fn url_at(&self, proxy: SocketAddr) -> String {
        let address = self.address().to_string();
        self.url().replace(&address, &proxy.to_string())
    }

    /// SQLite's file.
    ///
    /// # Panics
    /// For PostgreSQL, which has no file.
    pub(crate) fn file(&self) -> PathBuf {
        match self {
            Self::Sqlite(folder) => folder.path().join("zone.db"),
            Self::Postgres { .. } => panic!("PostgreSQL has no file"),
        }
    }

    /// A connection to SQLite's file. It waits for locks as long as a test may take.
    pub(crate) async fn connect_to_sqlite(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::from_str(&self.url()).expect("an address of a file");
        let options = options.busy_timeout(TIMEOUT);
        let connection = SqliteConnection::connect_with(&options).await;
        connection.expect("connected")
    }

    /// The bytes in the only column of the only row that SQLite returns.
    pub(crate) async fn bytes(&self, sql: &str) -> Vec<u8> {
        let mut connection = self.connect_to_sqlite().await;
        let row = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut connection);
        row.await.expect("a row")
    }

    /// Takes SQLite's write lock. Until its release, no other transaction can write.
    pub(crate) async fn lock_writes(&self) -> WriteLock {
        let mut connection = self.connect_to_sqlite().await;
        let lock = sqlx::raw_sql("BEGIN IMMEDIATE");
        lock.execute(&mut connection).await.expect("locked");
        WriteLock(connection)
    }

    /// Ends all connections to this PostgreSQL database and refuses new ones.
    pub(crate) async fn refuse_connections(&self) {
        let Self::Postgres { server, name } = self else {
            panic!("SQLite has no connections to refuse");
        };
        let refuse = format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false");
        run_on_postgres(server, &refuse).await;
        let end = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        );
        run_on_postgres(server, &end).await;
    }

    /// Runs statements directly, without the store.
    pub(crate) async fn sql(&self, sql: &str) {
        match self {
            Self::Sqlite(_) => {
                let mut connection = self.connect_to_sqlite().await;
                let done = sqlx::raw_sql(AssertSqlSafe(sql))
                    .execute(&mut connection)
                    .await;
                done.expect("a valid statement");
            }
            Self::Postgres { .. } => run_on_postgres(&self.url(), sql).await,
        }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let Self::Postgres { server, name } = self else {
            return;
        };
        let (server, drop) = (server.clone(), format!("DROP DATABASE {name} WITH (FORCE)"));
        let dropping = thread::spawn(move || {
            let runtime = Runtime::new().expect("a runtime");
            runtime.block_on(run_on_postgres(&server, &drop));
        });
        if dropping.join().is_err() {
            eprintln!("a test's database could not be dropped");
        }
    }
}

async fn run_on_postgres(url: &str, sql: &str) {
    let connection = PgConnection::connect(url).await;
    let mut connection = connection.expect("PostgreSQL takes connections");
    let done = sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut connection)
        .await;
    done.expect("a valid statement");
}

/// SQLite's write lock, held by a test.
pub(crate) struct WriteLock(SqliteConnection);

impl WriteLock {
    pub(crate) async fn release(mut self) {
        let released = sqlx::raw_sql("ROLLBACK").execute(&mut self.0).await;
        released.expect("released");
        self.0.close().await.expect("closed");
    }
}

/// Locks a table of PostgreSQL against everything, until the transaction ends.
pub(crate) async fn lock_table<'a>(
    connection: &'a mut PgConnection,
    table: &str,
) -> PgTransaction<'a> {
    lock(
        connection,
        &format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"),
    )
    .await
}

/// Locks an account's row in PostgreSQL against changes, until the transaction ends.
pub(crate) async fn lock_account<'a>(
    connection: &'a mut PgConnection,
    email: &str,
) -> PgTransaction<'a> {
    lock(
        connection,
        &format!("SELECT FROM users WHERE email = '{email}' FOR UPDATE"),
    )
    .await
}

async fn lock<'a>(connection: &'a mut PgConnection, sql: &str) -> PgTransaction<'a> {
    let mut transaction = connection.begin().await.expect("begun");
    let locked = sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut *transaction)
        .await;
    locked.expect("locked");
    transaction
}

/// How many statements of PostgreSQL wait for a lock on this table.
pub(crate) async fn count_waiting(connection: &mut PgConnection, table: &str) -> i64 {
    let waiting = format!(
        "SELECT COUNT(*) FROM pg_locks WHERE relation = '{table}'::regclass AND NOT granted"
    );
    let count = sqlx::query_scalar(AssertSqlSafe(waiting)).fetch_one(connection);
    count.await.expect("counted")
}

/// Waits until a query counts nothing any more.
pub(crate) async fn wait_until_zero(connection: &mut PgConnection, sql: &'static str) {
    let start = Instant::now();
    while sqlx::query_scalar::<_, i64>(sql)
        .fetch_one(&mut *connection)
        .await
        .expect("counted")
        > 0
    {
        assert!(start.elapsed() < TIMEOUT, "waited in vain for 0: {sql}");
    }
}
