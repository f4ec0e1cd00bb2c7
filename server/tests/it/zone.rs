//! A server without a socket, on a database of its own with the demo data, and clients that call it.

use std::{
    convert::Infallible,
    env, fs,
    hash::{BuildHasher, Hasher, RandomState},
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    thread,
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{HOST, SET_COOKIE},
};
use http_body_util::BodyExt;
use model::{
    organisation::{OrganisationId, Plan},
    timestamp::Timestamp,
    token::TokenId,
    user::Email,
};
use serde_json::Value;
use server::{
    Instruments, Service, api::throttle::RateLimits, client::TrustedProxies, config::Config,
    originals::Originals,
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use store::{
    Store, TokenAuthority,
    clock::{Clock, ManualMonotonicClock},
    grants::Lease,
};
use tempfile::TempDir;
use tokio::{runtime::Runtime, sync::OnceCell};
use tower::{ServiceExt, service_fn};

/// Where everything of the API is.
pub(crate) const BASE: &str = "/api/v1/ext";

/// The host that clients address unless they are told otherwise, and the only one allowed.
pub(crate) const API_HOST: &str = "api.9pic.ai";

const POSTGRES_URL: &str = "TEST_POSTGRES_URL";

/// A clock that moves, and breaks, when it is told to.
#[derive(Debug)]
pub(crate) struct TestClock {
    now: AtomicI64,
    broken: AtomicBool,
}

impl TestClock {
    pub(crate) fn advance(&self, millis: i64) {
        self.now.fetch_add(millis, Ordering::SeqCst);
    }

    /// From now on, whoever asks for the time panics.
    pub(crate) fn break_down(&self) {
        self.broken.store(true, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        assert!(!self.broken.load(Ordering::SeqCst), "the clock is broken");
        Timestamp(self.now.load(Ordering::SeqCst))
    }
}

/// An empty database that is gone with its last owner.
pub(crate) enum TestDatabase {
    Sqlite(TempDir),
    Postgres { server: String, name: String },
}

impl TestDatabase {
    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().expect("a folder"))
    }

    /// # Panics
    /// Without a PostgreSQL: a promise that was not tested is not kept silently.
    pub(crate) async fn postgres() -> Self {
        let server = env::var(POSTGRES_URL).unwrap_or_else(|_| {
            panic!(
                "{POSTGRES_URL} is not set, so there is no PostgreSQL to test on: run `make test`, \
                 or `cargo xtask with-postgres -- cargo test -p server`"
            )
        });
        let name = format!(
            "server_test_{:016x}",
            RandomState::new().build_hasher().finish()
        );
        on_postgres(&server, &format!("CREATE DATABASE {name}")).await;
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

    /// SQLite's file.
    ///
    /// # Panics
    /// For PostgreSQL, which has none.
    pub(crate) fn file(&self) -> PathBuf {
        match self {
            Self::Sqlite(folder) => folder.path().join("zone.db"),
            Self::Postgres { .. } => panic!("PostgreSQL has no file"),
        }
    }

    /// The only column, of bytes, of the only row of SQLite's answer.
    pub(crate) async fn bytes(&self, sql: &str) -> Vec<u8> {
        let mut connection = SqliteConnection::connect(&self.url()).await.expect("open");
        let found = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut connection);
        found.await.expect("a row")
    }

    /// From now on PostgreSQL takes no connection to this database, and those that there were are gone.
    pub(crate) async fn break_off(&self) {
        let Self::Postgres { server, name } = self else {
            panic!("a file cannot be broken off");
        };
        on_postgres(
            server,
            &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"),
        )
        .await;
        let end = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        );
        on_postgres(server, &end).await;
    }

    /// Runs statements behind the store's back.
    pub(crate) async fn sql(&self, sql: &str) {
        match self {
            Self::Sqlite(_) => {
                let mut connection = SqliteConnection::connect(&self.url()).await.expect("open");
                let done = sqlx::raw_sql(AssertSqlSafe(sql))
                    .execute(&mut connection)
                    .await;
                done.expect("a statement that works");
            }
            Self::Postgres { .. } => on_postgres(&self.url(), sql).await,
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
            runtime.block_on(on_postgres(&server, &drop));
        });
        if dropping.join().is_err() {
            eprintln!("the database of this test was left behind");
        }
    }
}

async fn on_postgres(url: &str, sql: &str) {
    let mut connection = PgConnection::connect(url)
        .await
        .expect("PostgreSQL answers");
    let done = sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut connection)
        .await;
    done.expect("a statement that works");
}

/// A SQLite database with the demo data. Loading it takes longer than most tests: that is done once.
static DEMO_FILE: OnceCell<Vec<u8>> = OnceCell::const_new();

async fn demo_file() -> Vec<u8> {
    let zone = Zone::on(TestDatabase::sqlite()).await;
    zone.store.close().await;
    fs::read(zone.database.file()).expect("written")
}

/// The server.
pub(crate) struct Zone {
    pub(crate) store: Store,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) database: TestDatabase,
    /// The folder of originals.
    pub(crate) originals: TempDir,
    pub(crate) router: Router,
}

/// After which the password is asked for again, unless a test says otherwise.
pub(crate) const CONFIRM_AFTER: Duration = Duration::from_secs(15 * 60);

fn config() -> Config {
    Config {
        api_hosts: vec![API_HOST.parse().expect("a host")],
        dashboard_hosts: None,
        contact_url: "https://9pic.ai/contact".parse().expect("a link"),
        public_url: None,
        api_url: "https://api.9pic.ai".parse().expect("an origin"),
        rate_limits: None,
        trusted_proxies: TrustedProxies::default(),
        confirm_password_after: CONFIRM_AFTER,
    }
}

fn router(store: &Store, originals: &Path, config: &Config) -> Router {
    let originals = Originals::in_folder(originals.to_owned(), &config.api_url, &[7; 32]);
    let instruments = Instruments::new(store);
    let service = server::service(store.clone(), config, originals, &instruments);
    let service = service_fn(move |request: Request| {
        let service = service.clone();
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map(|ConnectInfo(peer)| *peer);
        async move { Ok::<_, Infallible>(service.answer(request, peer).await) }
    });
    Router::new().fallback_service(service)
}

/// A token with the number it goes by.
pub(crate) struct Token {
    pub(crate) id: TokenId,
    pub(crate) secret: String,
}

impl Zone {
    pub(crate) async fn on_sqlite() -> Self {
        let database = TestDatabase::sqlite();
        let demo = DEMO_FILE.get_or_init(demo_file).await;
        fs::write(database.file(), demo).expect("written");
        Self::on(database).await
    }

    pub(crate) async fn on_postgres() -> Self {
        Self::on(TestDatabase::postgres().await).await
    }

    async fn on(database: TestDatabase) -> Self {
        let clock = Arc::new(TestClock {
            now: AtomicI64::new(1_768_802_400_000),
            broken: AtomicBool::new(false),
        });
        let store = Store::open(&database.url(), clock.clone())
            .await
            .expect("opened");
        store.migrate().await.expect("migrated");
        store.load_demo().await.expect("loaded");
        let originals = tempfile::tempdir().expect("a folder");
        Self {
            router: router(&store, originals.path(), &config()),
            originals,
            store,
            clock,
            database,
        }
    }

    /// The same with limits; without this there are none.
    pub(crate) fn limited_to(self, limits: RateLimits) -> Self {
        self.configured(|config| config.rate_limits = Some(limits))
    }

    /// The same with limits, behind proxies that it trusts.
    pub(crate) fn limited_behind(self, limits: RateLimits, proxies: &[&str]) -> Self {
        let proxies = proxies.iter().map(|text| text.parse().expect("a network"));
        self.configured(|config| {
            config.rate_limits = Some(limits);
            config.trusted_proxies = proxies.collect();
        })
    }

    /// The same, asking for the password again after this time.
    pub(crate) fn confirming_after(self, time: Duration) -> Self {
        self.configured(|config| config.confirm_password_after = time)
    }

    /// The same, started with other options.
    pub(crate) fn configured(self, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = config();
        change(&mut config);
        let router = router(&self.store, self.originals.path(), &config);
        Self { router, ..self }
    }

    /// The same as a server of the usual lease, by a clock of its own that stands still until it is moved.
    pub(crate) async fn with_leases(&self) -> Arc<ManualMonotonicClock> {
        let clock = Arc::new(ManualMonotonicClock::default());
        let serving = self.store.become_server(Lease::default(), clock.clone());
        serving.await.expect("the only server");
        clock
    }

    /// Somebody who sends no key.
    pub(crate) fn anonymous(&self) -> Client {
        let host = HeaderValue::from_static(API_HOST);
        Client {
            router: self.router.clone(),
            headers: HeaderMap::from_iter([(HOST, host)]),
            peer: None,
        }
    }

    /// Somebody who sends this key.
    pub(crate) fn key(&self, secret: &str) -> Client {
        self.anonymous().with("x-api-key", secret)
    }

    /// Somebody who is signed in to the dashboard.
    pub(crate) async fn session(&self, email: &str) -> Client {
        let form = format!(
            "email={}&password=developer-zone-demo",
            email.replace('@', "%40")
        );
        let client = self
            .anonymous()
            .with("content-type", "application/x-www-form-urlencoded");
        let (_, headers, _) = client
            .raw(Method::POST, "/api/dashboard/sign-in", form)
            .await;
        let cookie = headers[SET_COOKIE].to_str().expect("a text");
        let (cookie, _) = cookie.split_once(';').expect("attributes");
        self.anonymous().with("cookie", cookie)
    }

    /// What is answered to anybody who gets `target`, whatever its form.
    pub(crate) async fn fetch(&self, target: &str) -> (StatusCode, HeaderMap, String) {
        let request = Request::get(target).body(Body::empty()).expect("a request");
        let answer = self.router.clone().oneshot(request).await;
        let (parts, body) = answer.expect("an answer").into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        let text = String::from_utf8(body.to_vec()).expect("a text");
        (parts.status, parts.headers, text)
    }

    /// A new token of 903, made by its member.
    pub(crate) async fn token(&self) -> Token {
        self.token_of("member@example.com", 903).await
    }

    pub(crate) async fn token_of(&self, email: &str, organisation: i64) -> Token {
        let email = Email::parse(email).expect("an address");
        let members = self.store.members();
        let member = members
            .find_by_email(&email, OrganisationId(organisation))
            .await;
        let created = self
            .store
            .tokens()
            .create(&member.expect("a member"), None)
            .await;
        let created = created.expect("created");
        Token {
            id: created.summary.id,
            secret: created.secret.reveal(),
        }
    }

    pub(crate) async fn set_active(&self, token: &Token, active: bool) {
        let authority = TokenAuthority::Operator(OrganisationId(903));
        let done = self
            .store
            .tokens()
            .set_active(authority, token.id, active)
            .await;
        done.expect("switched");
    }

    pub(crate) async fn delete(&self, token: &Token) {
        let authority = TokenAuthority::Operator(OrganisationId(903));
        let done = self.store.tokens().delete(authority, token.id).await;
        done.expect("deleted");
    }

    pub(crate) async fn set_plan(&self, plan: Plan) {
        let done = self
            .store
            .organisations()
            .set_plan(OrganisationId(903), plan)
            .await;
        done.expect("changed");
    }

    /// Lets the token end now. There is no command for that yet.
    pub(crate) async fn expire(&self, token: &Token) {
        let (id, now) = (token.id, self.clock.now().epoch_millis());
        let sql = format!("UPDATE tokens SET expires_at = {now} WHERE id = {id}");
        self.database.sql(&sql).await;
    }

    /// Leaves 904's event without a configuration.
    pub(crate) async fn unconfigure_foreign_event(&self) {
        self.database
            .sql("DELETE FROM event_settings WHERE event_id = 556")
            .await;
    }
}

/// A caller: what it sends with every request.
#[derive(Clone)]
pub(crate) struct Client {
    router: Router,
    headers: HeaderMap,
    peer: Option<SocketAddr>,
}

impl Client {
    /// Sends this header, instead of others of the name.
    pub(crate) fn with(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        let value = HeaderValue::from_bytes(value.as_ref()).expect("a header");
        self.headers.insert(HeaderName::from_static(name), value);
        self
    }

    /// Sends this header too.
    pub(crate) fn and(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        let value = HeaderValue::from_bytes(value.as_ref()).expect("a header");
        self.headers.append(HeaderName::from_static(name), value);
        self
    }

    /// Calls from this address, as if there were a connection.
    pub(crate) fn at(mut self, address: &str) -> Self {
        let address: IpAddr = address.parse().expect("an address");
        self.peer = Some((address, 40_000).into());
        self
    }

    /// What it sends with every request.
    pub(crate) fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }

    /// Sends no header of this name.
    pub(crate) fn without(mut self, name: &'static str) -> Self {
        self.headers.remove(name);
        self
    }

    /// `GET` of a path below [`BASE`].
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path).await
    }

    /// A request for a path below [`BASE`].
    pub(crate) async fn send(&self, method: Method, path: &str) -> Answer {
        self.send_body(method, path, Body::empty()).await
    }

    /// A request for a path below [`BASE`], with a body.
    pub(crate) async fn send_body(
        &self,
        method: Method,
        path: &str,
        body: impl Into<Body>,
    ) -> Answer {
        self.send_to(method, &format!("{BASE}{path}"), body).await
    }

    /// A request for any target of the API. Whatever the answer is, it must have the contract's form.
    pub(crate) async fn send_to(
        &self,
        method: Method,
        target: &str,
        body: impl Into<Body>,
    ) -> Answer {
        let head = method == Method::HEAD;
        let (status, headers, body) = self.raw(method, target, body).await;
        let answer = Answer {
            status,
            headers,
            text: String::from_utf8(body).expect("a text"),
        };
        answer.assert_headers();
        if !head {
            answer.assert_envelope();
        }
        answer
    }

    /// A request for any target, and the answer whatever its form.
    pub(crate) async fn raw(
        &self,
        method: Method,
        target: &str,
        body: impl Into<Body>,
    ) -> (StatusCode, HeaderMap, Vec<u8>) {
        let request = Request::builder().method(method).uri(target);
        let mut request = request.body(body.into()).expect("a request");
        *request.headers_mut() = self.headers.clone();
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        let answer = self.router.clone().oneshot(request).await;
        let (parts, body) = answer.expect("an answer").into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        (parts.status, parts.headers, body.to_vec())
    }
}

/// An answer of the API.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("a text"))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("JSON")
    }

    pub(crate) fn data(&self) -> Value {
        self.json()["data"].take()
    }

    pub(crate) fn message(&self) -> String {
        self.json()["message"].as_str().expect("a text").to_owned()
    }

    pub(crate) fn code(&self) -> Option<&str> {
        self.header("x-error-code")
    }

    #[track_caller]
    pub(crate) fn assert_success(&self) {
        assert_eq!(self.status, StatusCode::OK, "{self:?}");
    }

    #[track_caller]
    pub(crate) fn assert_refused(&self, status: u16, code: &str) {
        let found = (self.status.as_u16(), self.code());
        assert_eq!(found, (status, Some(code)), "{self:?}");
    }

    /// Contract, sections 3 and 4: what stands in every answer's head.
    fn assert_headers(&self) {
        assert_eq!(
            self.header("content-type"),
            Some("application/json"),
            "{self:?}"
        );
        assert_eq!(self.header("cache-control"), Some("no-store"), "{self:?}");
        let id = self.header("x-request-id").unwrap_or_default();
        assert!((1..=64).contains(&id.len()), "{self:?}");
        assert_eq!(self.code().is_some(), !self.status.is_success(), "{self:?}");
    }

    /// Contract, section 4: exactly three keys, in the order in which it shows them.
    fn assert_envelope(&self) {
        let kind = if self.status.is_success() {
            "success"
        } else {
            "error"
        };
        let start = format!(r#"{{"responseType":"{kind}","message":""#);
        assert!(self.text.starts_with(&start), "{self:?}");
        let envelope = self.json();
        let keys: Vec<_> = envelope.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["responseType", "message", "data"], "{self:?}");
        assert_eq!(
            envelope["data"].is_null(),
            !self.status.is_success(),
            "{self:?}"
        );
    }
}
