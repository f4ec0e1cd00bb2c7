//! A separate database for every test, and raw SQL to check the store's work.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    future::Future,
    hash::{BuildHasher, Hasher, RandomState},
    ops::Deref,
    panic::resume_unwind,
    path::{Path, PathBuf},
    str::FromStr,
    sync::{Arc, mpsc},
    time::Duration,
};

use model::{
    organisation::{Organisation, OrganisationId, Plan, Role},
    timestamp::Timestamp,
    user::Email,
};
use sqlx::{
    AssertSqlSafe, Connection, PgConnection, PgPool, SqlitePool,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};
use store::{Member, Store, clock::ManualClock, error::OpenError, sessions::Session};
use tempfile::TempDir;
use tokio::{sync::Semaphore, task::JoinError};

/// The time at the start of every test: 2026-01-19T06:00:00Z.
pub(crate) const START: Timestamp = Timestamp(1_768_802_400_000);

/// The password of every user in the tests.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// The variable with the URL of the test PostgreSQL, for a superuser.
const POSTGRES_URL: &str = "TEST_POSTGRES_URL";

/// How many tests may use PostgreSQL at the same time. Each can take the connections of two servers and one more, and
/// the test PostgreSQL allows 300.
static POSTGRES_TURNS: Semaphore = Semaphore::const_new(8);

/// Runs each test, which takes a [`TestStore`] or a bare [`TestDatabase`], on both engines.
macro_rules! on_both_engines {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test] fn $test() {
                $crate::harness::run($crate::harness::Engine::Sqlite, super::$test);
            })+
        }
        mod postgres {
            $(#[test] #[ignore = "needs PostgreSQL: `make test` runs it"] fn $test() {
                $crate::harness::run($crate::harness::Engine::Postgres, super::$test);
            })+
        }
    };
}

/// Runs each test on SQLite only: faults of files.
macro_rules! on_sqlite_alone {
    ($($test:ident),+ $(,)?) => {
        mod sqlite_alone {
            $(#[test] fn $test() {
                $crate::harness::run($crate::harness::Engine::Sqlite, super::$test);
            })+
        }
    };
}

/// Runs each test on SQLite while tokio's clock is paused. A wait for a time then never ends, so a test that passes has
/// not waited for one.
macro_rules! on_sqlite_in_still_time {
    ($($test:ident),+ $(,)?) => {
        mod sqlite_in_still_time {
            $(#[test] fn $test() {
                $crate::harness::run_in_still_time(super::$test);
            })+
        }
    };
}

/// Runs each test on PostgreSQL only: faults of a remote server.
macro_rules! on_postgres_alone {
    ($($test:ident),+ $(,)?) => {
        mod postgres_alone {
            $(#[test] #[ignore = "needs PostgreSQL: `make test` runs it"] fn $test() {
                $crate::harness::run($crate::harness::Engine::Postgres, super::$test);
            })+
        }
    };
}

/// Runs each test with both engines side by side, SQLite first.
macro_rules! on_both_at_once {
    ($($test:ident),+ $(,)?) => {
        mod both_at_once {
            $(#[test] #[ignore = "needs PostgreSQL: `make test` runs it"] fn $test() {
                $crate::harness::run_side_by_side(super::$test);
            })+
        }
    };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// What a test gets.
pub(crate) trait Fixture: Send + 'static {
    fn on(database: TestDatabase) -> impl Future<Output = Self> + Send;
}

pub(crate) fn run<X: Fixture, F>(engine: Engine, test: fn(X) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    on_a_runtime(run_on(engine, test));
}

async fn run_on<X: Fixture, F>(engine: Engine, test: fn(X) -> F) -> Result<(), JoinError>
where
    F: Future<Output = ()> + Send + 'static,
{
    let database = OwnDatabase::create(engine).await;
    let shared = database.shared.clone();
    let outcome = tokio::spawn(async move { test(X::on(shared).await).await }).await;
    database.remove().await;
    outcome
}

/// Ends a test that hangs because it waits for a time.
const HANG: Duration = Duration::from_secs(120);

pub(crate) fn run_in_still_time<X: Fixture, F>(test: fn(X) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let outcome = runtime.block_on(async {
        // While this task blocks, tokio does not advance its paused clock.
        let (done, running) = mpsc::channel::<()>();
        let hang = tokio::task::spawn_blocking(move || running.recv_timeout(HANG));
        let outcome = tokio::select! {
            outcome = run_on(Engine::Sqlite, test) => outcome,
            _ = hang => panic!("the test waits for a time"),
        };
        drop(done);
        outcome
    });
    end(outcome);
}

pub(crate) fn run_side_by_side<X: Fixture, F>(test: fn(X, X) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    on_a_runtime(async move {
        let sqlite = OwnDatabase::create(Engine::Sqlite).await;
        let postgres = OwnDatabase::create(Engine::Postgres).await;
        let (left, right) = (sqlite.shared.clone(), postgres.shared.clone());
        let outcome =
            tokio::spawn(async move { test(X::on(left).await, X::on(right).await).await }).await;
        sqlite.remove().await;
        postgres.remove().await;
        outcome
    });
}

/// Two threads, so that the concurrent tasks of a test do run at the same time.
fn on_a_runtime(test: impl Future<Output = Result<(), JoinError>>) {
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(test);
    end(outcome);
}

fn end(outcome: Result<(), JoinError>) {
    if let Err(failure) = outcome {
        resume_unwind(failure.into_panic());
    }
}

/// A database that is removed after its test, also if the test fails.
struct OwnDatabase {
    shared: TestDatabase,
    keeper: Keeper,
}

enum Keeper {
    Sqlite(TempDir),
    Postgres {
        server: Box<PgConnectOptions>,
        name: String,
        _turn: tokio::sync::SemaphorePermit<'static>,
    },
}

impl OwnDatabase {
    async fn create(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => Self::create_sqlite(),
            Engine::Postgres => Self::create_postgres().await,
        }
    }

    fn create_sqlite() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("zone.db");
        let raw = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_lazy_with(SqliteConnectOptions::new().filename(&file));
        Self {
            shared: TestDatabase {
                url: format!("sqlite:{}", file.display()),
                folder: Some(folder.path().to_owned()),
                raw: Raw::Sqlite(raw),
            },
            keeper: Keeper::Sqlite(folder),
        }
    }

    async fn create_postgres() -> Self {
        let turn = POSTGRES_TURNS.acquire().await.expect("never closed");
        let server_url = std::env::var(POSTGRES_URL).unwrap_or_else(|_| {
            panic!(
                "{POSTGRES_URL} is not set, so there is no PostgreSQL to test on: \
                 run `make test`, or `cargo xtask with-postgres -- cargo test -p store`"
            )
        });
        let server = PgConnectOptions::from_str(&server_url).expect("an address of PostgreSQL");
        let name = format!(
            "store_test_{:016x}",
            RandomState::new().build_hasher().finish()
        );
        on_server(&server, &format!("CREATE DATABASE {name}")).await;
        let raw = PgPoolOptions::new()
            .max_connections(1)
            .connect_lazy_with(server.clone().database(&name));
        Self {
            shared: TestDatabase {
                url: with_database(&server_url, &name),
                folder: None,
                raw: Raw::Postgres(raw),
            },
            keeper: Keeper::Postgres {
                server: Box::new(server),
                name,
                _turn: turn,
            },
        }
    }

    async fn remove(self) {
        match self.keeper {
            Keeper::Sqlite(folder) => folder.close().expect("removed"),
            Keeper::Postgres { server, name, .. } => {
                on_server(&server, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
            }
        }
    }
}

async fn on_server(server: &PgConnectOptions, sql: &str) {
    let mut connection = PgConnection::connect_with(server)
        .await
        .expect("PostgreSQL answers");
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut connection)
        .await
        .expect("a superuser may");
    connection.close().await.expect("closed");
}

/// `postgres://app@host/postgres?x=y` with another database: `postgres://app@host/name?x=y`.
fn with_database(url: &str, name: &str) -> String {
    let (address, parameters) = url
        .split_once('?')
        .map_or((url, None), |(a, p)| (a, Some(p)));
    let (server, _) = address.rsplit_once('/').expect("an address with a path");
    parameters.map_or_else(
        || format!("{server}/{name}"),
        |parameters| format!("{server}/{name}?{parameters}"),
    )
}

/// A database before the first migration; on SQLite without a file.
#[derive(Clone)]
pub(crate) struct TestDatabase {
    pub(crate) url: String,
    folder: Option<PathBuf>,
    pub(crate) raw: Raw,
}

impl Fixture for TestDatabase {
    async fn on(database: TestDatabase) -> Self {
        database
    }
}

impl TestDatabase {
    pub(crate) async fn open(&self, clock: &Arc<ManualClock>) -> Result<Store, OpenError> {
        Store::open(&self.url, clock.clone()).await
    }

    /// Another SQLite file, which exists.
    pub(crate) fn at(file: &Path) -> Self {
        let raw = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_lazy_with(SqliteConnectOptions::new().filename(file));
        Self {
            url: format!("sqlite:{}", file.display()),
            folder: file.parent().map(Path::to_owned),
            raw: Raw::Sqlite(raw),
        }
    }

    /// SQLite's folder, which has only the database.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.as_deref().expect("a database in a folder")
    }

    /// Every file of the database, by name.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        fs::read_dir(self.folder())
            .expect("a folder")
            .map(|entry| {
                let entry = entry.expect("an entry");
                let bytes = fs::read(entry.path()).expect("readable");
                (entry.file_name().to_string_lossy().into_owned(), bytes)
            })
            .collect()
    }
}

pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(START))
}

/// A store on a separate, migrated and empty database.
pub(crate) struct TestStore {
    store: Store,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) database: TestDatabase,
}

impl Deref for TestStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl Fixture for TestStore {
    async fn on(database: TestDatabase) -> Self {
        let clock = clock();
        let store = database.open(&clock).await.expect("opened");
        store.migrate().await.expect("migrated");
        Self {
            store,
            clock,
            database,
        }
    }
}

impl TestStore {
    /// The same store, for another task.
    pub(crate) fn server(&self) -> Store {
        self.store.clone()
    }

    /// A store with separate connections, like another server or the command line.
    pub(crate) async fn another_server(&self) -> Store {
        self.database.open(&self.clock).await.expect("opened")
    }

    pub(crate) fn raw(&self) -> &Raw {
        &self.database.raw
    }

    pub(crate) async fn organisation(&self, id: i64, plan: Plan) -> Organisation {
        self.organisations()
            .create(
                Some(OrganisationId(id)),
                &format!("Organisation {id}"),
                plan,
            )
            .await
            .expect("created")
    }

    /// The admin of a new organisation on the Enterprise plan.
    pub(crate) async fn enterprise(&self, id: i64) -> Member {
        self.organisation(id, Plan::Enterprise).await;
        self.member(&format!("admin@{id}.example"), id).await
    }

    /// A new user, admin of an organisation that exists.
    pub(crate) async fn member(&self, address: &str, organisation: i64) -> Member {
        let organisation = OrganisationId(organisation);
        let address = email(address);
        self.users()
            .create(&address, PASSWORD, organisation, Role::Admin)
            .await
            .expect("created");
        self.member_of(&address, organisation).await
    }

    /// A new session of the user.
    pub(crate) async fn session(&self, somebody: &Member) -> Session {
        let sign_in = self.sign_in();
        let signed_in = sign_in.with_password(somebody.email(), PASSWORD, None, None);
        let key = signed_in.await.expect("signed in").session;
        let session = self.sessions().find(&key).await.expect("an answer");
        session.expect("a session")
    }

    /// The user with this address, as a member.
    pub(crate) async fn member_of(&self, address: &Email, organisation: OrganisationId) -> Member {
        let member = self.members().find_by_email(address, organisation).await;
        member.expect("a member")
    }

    /// Adds a user to another organisation.
    pub(crate) async fn join(&self, somebody: &Member, organisation: i64, role: Role) {
        self.users()
            .join(somebody.email(), OrganisationId(organisation), role)
            .await
            .expect("joined");
    }

    pub(crate) async fn set_plan(&self, organisation: i64, plan: Plan) {
        self.organisations()
            .set_plan(OrganisationId(organisation), plan)
            .await
            .expect("changed");
    }

    pub(crate) async fn select(&self, somebody: &Member, organisation: i64) {
        let organisation = OrganisationId(organisation);
        let member = self.member_of(somebody.email(), organisation).await;
        let selected = self.users().select_organisation(&member).await;
        selected.expect("selected");
    }
}

pub(crate) fn email(address: &str) -> Email {
    Email::parse(address).expect("an address")
}

/// A connection to the same database that bypasses the store.
#[derive(Clone)]
pub(crate) enum Raw {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// A column, with a type name for both engines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) nullable: bool,
}

impl Raw {
    pub(crate) fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// Runs statements, and returns how many rows they changed.
    pub(crate) async fn execute(&self, sql: &str) -> u64 {
        self.try_execute(sql).await.expect("a statement that works")
    }

    pub(crate) async fn try_execute(&self, sql: &str) -> Result<u64, sqlx::Error> {
        let query = sqlx::raw_sql(AssertSqlSafe(sql));
        Ok(match self {
            Self::Sqlite(pool) => query.execute(pool).await?.rows_affected(),
            Self::Postgres(pool) => query.execute(pool).await?.rows_affected(),
        })
    }

    /// The only column, which is text, of every row.
    pub(crate) async fn texts(&self, sql: &str) -> Vec<String> {
        let query = AssertSqlSafe(sql);
        match self {
            Self::Sqlite(pool) => sqlx::query_scalar(query).fetch_all(pool).await,
            Self::Postgres(pool) => sqlx::query_scalar(query).fetch_all(pool).await,
        }
        .expect("a query that works")
    }

    /// The only column, which is a number, of every row.
    pub(crate) async fn numbers(&self, sql: &str) -> Vec<i64> {
        let query = AssertSqlSafe(sql);
        match self {
            Self::Sqlite(pool) => sqlx::query_scalar(query).fetch_all(pool).await,
            Self::Postgres(pool) => sqlx::query_scalar(query).fetch_all(pool).await,
        }
        .expect("a query that works")
    }

    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let numbers = self.numbers(sql).await;
        assert_eq!(numbers.len(), 1, "{sql}");
        numbers[0]
    }

    /// `bytes` as a literal of the engine.
    pub(crate) fn literal(&self, bytes: &[u8]) -> String {
        match self {
            Self::Sqlite(_) => format!("X'{}'", hex(bytes)),
            Self::Postgres(_) => format!("'\\x{}'::bytea", hex(bytes)),
        }
    }

    /// Every table of the migrations, by name.
    pub(crate) async fn tables(&self) -> Vec<String> {
        self.texts(match self.engine() {
            Engine::Sqlite => {
                "SELECT name FROM sqlite_master WHERE type = 'table'
                    AND name NOT LIKE 'sqlite%' AND name <> '_sqlx_migrations' ORDER BY name"
            }
            Engine::Postgres => {
                "SELECT table_name::text FROM information_schema.tables
                    WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations'
                    ORDER BY table_name"
            }
        })
        .await
    }

    /// A table's columns in their order. An integer of 0 and 1 on SQLite counts as a boolean.
    pub(crate) async fn columns(&self, table: &str) -> Vec<Column> {
        let rows = self
            .texts(&match self.engine() {
                // A rowid is never null, although SQLite does not report it.
                Engine::Sqlite => format!(
                    "SELECT c.name || ' ' || CASE
                        WHEN instr(t.sql, 'CHECK (' || c.name || ' IN (0, 1))') THEN 'boolean'
                        WHEN c.type = 'INTEGER' THEN 'bigint'
                        WHEN c.type = 'TEXT' THEN 'text'
                        WHEN c.type = 'BLOB' THEN 'bytea'
                        ELSE c.type END || ' '
                        || CASE WHEN c.\"notnull\" OR (c.pk AND c.type = 'INTEGER') THEN 'NO' ELSE 'YES' END
                    FROM pragma_table_info('{table}') AS c JOIN sqlite_master AS t ON t.name = '{table}'
                    ORDER BY c.cid"
                ),
                Engine::Postgres => format!(
                    "SELECT column_name || ' ' || data_type || ' ' || is_nullable
                    FROM information_schema.columns
                    WHERE table_schema = 'public' AND table_name = '{table}'
                    ORDER BY ordinal_position"
                ),
            })
            .await;
        rows.iter()
            .map(|row| {
                let mut words = row.split(' ');
                let mut word = || words.next().expect("three words").to_owned();
                Column {
                    name: word(),
                    kind: word(),
                    nullable: word() == "YES",
                }
            })
            .collect()
    }

    /// The content of all tables, one line per row, in the same form on both engines. Booleans are 0 and 1, bytes are
    /// hexadecimal.
    pub(crate) async fn dump(&self) -> String {
        self.dump_without(&[]).await
    }

    /// [`Raw::dump`], without the columns of these names.
    pub(crate) async fn dump_without(&self, left_out: &[&str]) -> String {
        let mut dump = String::new();
        for table in self.tables().await {
            let cells: Vec<String> = self
                .columns(&table)
                .await
                .iter()
                .filter(|column| !left_out.contains(&column.name.as_str()))
                .map(|column| {
                    let name = &column.name;
                    let text = match (self.engine(), column.kind.as_str()) {
                        (Engine::Sqlite, "bytea") => format!("lower(hex({name}))"),
                        (Engine::Postgres, "bytea") => format!("encode({name}, 'hex')"),
                        (Engine::Postgres, "boolean") => format!("CAST({name}::int AS TEXT)"),
                        _ => format!("CAST({name} AS TEXT)"),
                    };
                    format!("'{name}=' || COALESCE({text}, 'NULL')")
                })
                .collect();
            let sql = format!("SELECT {} FROM {table}", cells.join(" || ' ' || "));
            let mut rows = self.texts(&sql).await;
            rows.sort();
            for row in rows {
                writeln!(dump, "{table}: {row}").expect("text can be written");
            }
        }
        dump
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("text can be written");
        text
    })
}
