//! The server in this process, without a socket, with the demo data.

use std::{convert::Infallible, fs, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{ConnectInfo, Request},
};
use http::{HeaderMap, HeaderValue, header::HOST};
use model::{
    organisation::{OrganisationId, Plan},
    token::TokenId,
    user::Email,
};
use server::{
    HttpService, Instruments, api::throttle::RateLimits, config::Config,
    http::client_address::TrustedProxies, originals::Originals,
};
use store::{
    Store, TokenPermission,
    clock::{Clock, ManualMonotonicClock},
    key_cache::Lease,
};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use tower::service_fn;

use super::{
    DEMO_PASSWORD, MEMBER,
    client::{API_HOST, Client},
    clock::TestClock,
    database::TestDatabase,
};

/// How long after sign-in the server asks for the password again, unless a test sets another time.
pub(crate) const CONFIRM_AFTER: Duration = Duration::from_secs(15 * 60);

/// How long links to originals are valid.
const LINK_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// A SQLite file with the demo data. Loading the data takes longer than most tests, so it is loaded once and copied.
static DEMO_FILE: OnceCell<Vec<u8>> = OnceCell::const_new();

async fn demo_file() -> Vec<u8> {
    let server = TestServer::on(TestDatabase::sqlite()).await;
    server.store.close().await;
    fs::read(server.database.file()).expect("written")
}

/// The server: its parts, and the router that answers requests.
pub(crate) struct TestServer {
    pub(crate) store: Store,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) database: TestDatabase,
    /// The folder of originals.
    pub(crate) originals: TempDir,
    pub(crate) router: Router,
}

/// A token of the API, with its secret.
pub(crate) struct Token {
    pub(crate) id: TokenId,
    pub(crate) secret: String,
}

impl TestServer {
    pub(crate) async fn on_sqlite() -> Self {
        let database = TestDatabase::sqlite();
        let demo = DEMO_FILE.get_or_init(demo_file).await;
        fs::write(database.file(), demo).expect("written");
        Self::on(database).await
    }

    pub(crate) async fn on_postgres() -> Self {
        Self::on(TestDatabase::postgres().await).await
    }

    /// A server on SQLite, and a caller with a key of organisation 903.
    pub(crate) async fn with_client() -> (Self, Client) {
        let server = Self::on_sqlite().await;
        let token = server.token().await;
        let client = server.key(&token.secret);
        (server, client)
    }

    async fn on(database: TestDatabase) -> Self {
        let clock = Arc::new(TestClock::new());
        let store = Store::open(&database.url(), clock.clone()).await;
        let store = store.expect("opened");
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

    /// The same server with rate limits. By default it has none.
    pub(crate) fn limited_to(self, limits: RateLimits) -> Self {
        self.configured(|config| config.rate_limits = Some(limits))
    }

    /// The same server with rate limits, trusting these proxies.
    pub(crate) fn limited_behind(self, limits: RateLimits, proxies: &[&str]) -> Self {
        let proxies = proxies.iter().map(|text| text.parse().expect("a network"));
        self.configured(|config| {
            config.rate_limits = Some(limits);
            config.trusted_proxies = proxies.collect();
        })
    }

    /// The same server, which asks for the password again after this time.
    pub(crate) fn confirming_after(self, time: Duration) -> Self {
        self.configured(|config| config.confirm_password_after = time)
    }

    /// The same server with other options.
    pub(crate) fn configured(self, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = config();
        change(&mut config);
        let router = router(&self.store, self.originals.path(), &config);
        Self { router, ..self }
    }

    /// Makes the store cache keys under the default lease, and returns the clock of the leases. The clock only
    /// moves when a test moves it.
    pub(crate) async fn with_leases(&self) -> Arc<ManualMonotonicClock> {
        let clock = Arc::new(ManualMonotonicClock::default());
        let serving = self.store.become_server(Lease::default(), clock.clone());
        serving.await.expect("the only server");
        clock
    }

    /// A caller that sends no key.
    pub(crate) fn anonymous(&self) -> Client {
        let host = HeaderValue::from_static(API_HOST);
        Client {
            router: self.router.clone(),
            headers: HeaderMap::from_iter([(HOST, host)]),
            peer: None,
        }
    }

    /// A caller that sends this key.
    pub(crate) fn key(&self, secret: &str) -> Client {
        self.anonymous().with("x-api-key", secret)
    }

    /// A caller that is signed in to the dashboard.
    pub(crate) async fn session(&self, email: &str) -> Client {
        let email = email.replace('@', "%40");
        let form = format!("email={email}&password={DEMO_PASSWORD}");
        let response = self.anonymous().form("sign-in", &form).await;
        let cookie = response.header("set-cookie").expect("a session");
        let (cookie, _) = cookie.split_once(';').expect("attributes");
        self.anonymous().with("cookie", cookie)
    }

    /// A new token of organisation 903, created by its member.
    pub(crate) async fn token(&self) -> Token {
        self.token_of(MEMBER, 903).await
    }

    pub(crate) async fn token_of(&self, email: &str, organisation: i64) -> Token {
        let email = Email::parse(email).expect("an address");
        let members = self.store.members();
        let member = members.find_by_email(&email, OrganisationId(organisation));
        let member = member.await.expect("a member");
        let created = self.store.tokens().create(&member, None).await;
        let created = created.expect("created");
        Token {
            id: created.summary.id,
            secret: created.secret.reveal(),
        }
    }

    pub(crate) async fn set_active(&self, token: &Token, active: bool) {
        let permission = TokenPermission::Operator(OrganisationId(903));
        let tokens = self.store.tokens();
        let done = tokens.set_active(permission, token.id, active).await;
        done.expect("switched");
    }

    pub(crate) async fn delete(&self, token: &Token) {
        let permission = TokenPermission::Operator(OrganisationId(903));
        let done = self.store.tokens().delete(permission, token.id).await;
        done.expect("deleted");
    }

    pub(crate) async fn set_plan(&self, plan: Plan) {
        let organisations = self.store.organisations();
        let done = organisations.set_plan(OrganisationId(903), plan).await;
        done.expect("changed");
    }

    /// Lets the token expire now. No command does that yet.
    pub(crate) async fn expire(&self, token: &Token) {
        let (id, now) = (token.id, self.clock.now().epoch_millis());
        let sql = format!("UPDATE tokens SET expires_at = {now} WHERE id = {id}");
        self.database.sql(&sql).await;
    }

    /// Removes the configuration of organisation 904's event.
    pub(crate) async fn unconfigure_foreign_event(&self) {
        let sql = "DELETE FROM event_settings WHERE event_id = 556";
        self.database.sql(sql).await;
    }
}

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
        require_synchronous_standby: false,
    }
}

fn router(store: &Store, originals: &Path, config: &Config) -> Router {
    let folder = originals.to_owned();
    let originals = Originals::in_folder(folder, &config.api_url, &[7; 32], LINK_LIFETIME);
    let instruments = Instruments::new(store, config);
    let service = server::service(store.clone(), config, originals, &instruments);
    let service = service_fn(move |request: Request| {
        let service = service.clone();
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map(|ConnectInfo(peer)| *peer);
        async move { Ok::<_, Infallible>(service.respond(request, peer).await) }
    });
    Router::new().fallback_service(service)
}
