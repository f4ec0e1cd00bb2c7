//! PostgreSQL falls silent: it keeps connections open and does not answer. API calls and revocations have connections
//! of their own, and all connections that died are replaced without a restart.

use std::{
    process::Stdio,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use sqlx::{Connection, PgConnection};
use temporary_postgres::{Cluster, Commits};

use crate::support::{
    DEMO_PASSWORD, MEMBER,
    cuttable_proxy::{CuttableProxy, State},
    database::{TestDatabase, count_waiting, lock_account, lock_table, wait_until_zero},
    process::{OK, ServerProcess, assert_unavailable},
    program::{Outcome, create_token, done, newest_token_id, program, run, run_with_input},
    wait::wait_until,
};

/// How many transactions of the dashboard can run at the same time.
const WRITES: i64 = 5;
/// How many pages can read at the same time.
const READS: i64 = 5;
/// How many calls of the API can read at the same time.
const GUARD: i64 = 4;

/// How many commits may be unconfirmed before the dashboard refuses to begin another change.
const UNCONFIRMED: i64 = 4;

/// How many pools of connections the server has.
const POOLS: usize = 4;

/// A user who writes. The member of the same organisation does not wait for that.
const ADMIN: &str = "admin@example.com";

/// The admin of organisation 904.
const HARBOUR: &str = "other@example.com";

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

/// A server behind a proxy to its database, without leases: each call reads.
struct Zone {
    database: TestDatabase,
    proxy: CuttableProxy,
    url: String,
    server: ServerProcess,
    token: String,
    token_id: String,
    /// The session of [`MEMBER`].
    member: String,
    /// The session of [`ADMIN`].
    admin: String,
    writes: AtomicUsize,
}

impl Zone {
    async fn start() -> Self {
        let database = TestDatabase::postgres().await;
        let direct = database.url();
        done(&direct, &["demo"]);
        Self::on(database)
    }

    fn on(database: TestDatabase) -> Self {
        let direct = database.url();
        let token = create_token(&direct);
        let token_id = newest_token_id(&direct);
        let (proxy, url) = database.behind_proxy();
        let options = ["--api-hosts=127.0.0.1", "--lease-ms=0"];
        let server = ServerProcess::start(&url, &options);
        let member = server.sign_in(MEMBER, DEMO_PASSWORD);
        let admin = server.sign_in(ADMIN, DEMO_PASSWORD);
        Self {
            database,
            proxy,
            url,
            server,
            token,
            token_id,
            member,
            admin,
            writes: AtomicUsize::new(0),
        }
    }

    fn ping(&self) -> String {
        self.server.ping(&self.token)
    }

    /// The session of a new user of organisation 903.
    fn colleague(&self, number: i64) -> String {
        let password = "three horses at the pool";
        let email = format!("colleague{number}@example.com");
        let create = ["user", "create", "--organisation=903", "--password-stdin"];
        let create = [&create[..], &["--email", &email]].concat();
        run_with_input(&self.url, &create, password).assert_done();
        self.server.sign_in(&email, password)
    }

    /// The member's page with the tokens.
    fn page(&self) -> String {
        self.server
            .get("/developer-zone", &[("Cookie", &self.member)])
    }

    /// Selects the other organisation for the admin: a transaction that locks the admin's account. Returns the
    /// response's status.
    fn write(&self) -> String {
        let organisation = 903 + self.writes.fetch_add(1, Ordering::Relaxed) % 2;
        let fields = format!("organisation_id={organisation}");
        self.post(&self.admin, "select-organisation", &fields)
    }

    /// The member deactivates the token in the dashboard. Returns the response's status.
    fn deactivate(&self) -> String {
        self.post(&self.member, "deactivate-token", &self.token_fields())
    }

    fn token_fields(&self) -> String {
        format!("organisation_id=903&token_id={}", self.token_id)
    }

    /// Returns the response's status.
    fn post(&self, cookie: &str, name: &str, fields: &str) -> String {
        let response = self.send(cookie, name, fields);
        response.split(' ').nth(1).unwrap_or_default().to_owned()
    }

    fn send(&self, cookie: &str, name: &str, fields: &str) -> String {
        let path = format!("/api/dashboard/{name}");
        let headers = [FORM, ("Cookie", cookie)];
        self.server.post(&path, &headers, fields)
    }

    fn deactivate_by_command(&self) -> [&str; 5] {
        [
            "token",
            "deactivate",
            "--organisation",
            "903",
            &self.token_id,
        ]
    }

    /// A connection that does not pass the proxy.
    async fn connect(&self) -> PgConnection {
        let connection = PgConnection::connect(&self.database.url()).await;
        connection.expect("connected")
    }
}

/// Waits for `work` on this thread, while other threads send requests.
fn in_place<T>(work: impl Future<Output = T>) -> T {
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(work))
}

/// Waits until this many statements wait for a lock on the table.
async fn await_waiting(watching: &mut PgConnection, table: &str, count: i64) {
    while count_waiting(watching, table).await < count {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: `make test` runs it"]
async fn transactions_that_wait_for_a_lock_keep_neither_calls_nor_revocations_out() {
    let zone = &Zone::start().await;
    let (mut locking, mut watching) = (zone.connect().await, zone.connect().await);
    let lock = lock_account(&mut locking, ADMIN).await;
    thread::scope(|threads| {
        for _ in 0..20 {
            threads.spawn(|| zone.write());
        }
        // One waits for the row, and the others behind it for the table's lock of that row.
        in_place(await_waiting(&mut watching, "users", WRITES - 1));
        assert!(zone.ping().starts_with(OK));
        assert_eq!(zone.deactivate(), "200");
        assert!(zone.ping().contains("x-error-code: token_inactive\r\n"));
    });
    lock.rollback().await.expect("released");
    assert!(zone.server.can_sign_in());
}

/// The pages hang for as long as the server waits for a statement.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: `make test` runs it"]
async fn pages_that_hang_in_their_reads_keep_no_revocation_out() {
    let zone = &Zone::start().await;
    let (mut locking, mut watching) = (zone.connect().await, zone.connect().await);
    let lock = lock_table(&mut locking, "events").await;
    thread::scope(|threads| {
        for _ in 0..READS {
            let cookie = [("Cookie", zone.member.as_str())];
            threads.spawn(move || zone.server.get("/events", &cookie));
        }
        in_place(await_waiting(&mut watching, "events", READS));
        zone.proxy.forget_connections();
        assert_eq!(zone.deactivate(), "200");
        assert!(zone.ping().contains("x-error-code: token_inactive\r\n"));
        let deleted = zone.post(&zone.member, "delete-token", &zone.token_fields());
        assert_eq!(deleted, "200");
        assert!(zone.ping().contains("x-error-code: token_invalid\r\n"));
        assert_eq!(zone.post(&zone.admin, "sign-out", ""), "303");
        assert_eq!(zone.post(&zone.member, "end-all-sessions", ""), "303");
    });
    lock.rollback().await.expect("released");
    let left = sqlx::query_scalar("SELECT COUNT(*) FROM sessions").fetch_one(&mut watching);
    assert_eq!(left.await.ok(), Some(0_i64));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: `make test` runs it"]
async fn after_its_host_died_with_every_transaction_in_use_the_database_is_used_again() {
    let zone = &Zone::start().await;
    let (mut locking, mut watching) = (zone.connect().await, zone.connect().await);
    let lock = lock_account(&mut locking, ADMIN).await;
    thread::scope(|threads| {
        for _ in 0..20 {
            threads.spawn(|| zone.write());
        }
        // One waits for the row, and the others behind it for the table's lock of that row.
        in_place(await_waiting(&mut watching, "users", WRITES - 1));
        zone.proxy.set(State::Silent);
        zone.proxy.forget_connections();
        threads.spawn(|| assert_unavailable(&zone.ping()));
        let refused = run(&zone.url, &zone.deactivate_by_command());
        refused.assert_failed("the database cannot be reached");
        assert!(refused.has_waited, "{refused:?}");
    });
    let health = zone.server.get("/healthz", &[]);
    assert!(health.starts_with(OK), "{health}");
    lock.rollback().await.expect("released");
    zone.proxy.set(State::Open);
    wait_until("calls to be answered", || zone.ping().starts_with(OK));
    wait_until("readiness", || {
        zone.server.get("/readyz", &[]).starts_with(OK)
    });
    wait_until("the dashboard to write", || zone.server.can_sign_in());
    done(&zone.url, &zone.deactivate_by_command());
}

/// Sends requests that wait for each other, so that each has a connection of its own to the database. One that waited
/// too long for the others is sent again.
async fn read_together(zone: &Zone, count: i64, request: fn(&Zone) -> String) {
    let (mut locking, mut watching) = (zone.connect().await, zone.connect().await);
    let lock = lock_table(&mut locking, "tokens").await;
    let met = AtomicBool::new(false);
    thread::scope(|threads| {
        for _ in 0..count {
            threads.spawn(|| {
                while !met.load(Ordering::Relaxed) {
                    request(zone);
                }
            });
        }
        in_place(await_waiting(&mut watching, "tokens", count));
        met.store(true, Ordering::Relaxed);
        in_place(lock.rollback()).expect("released");
    });
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: `make test` runs it"]
async fn after_its_host_died_idle_connections_are_replaced_all_together() {
    let zone = &Zone::start().await;
    read_together(zone, GUARD, Zone::ping).await;
    read_together(zone, READS, Zone::page).await;
    zone.proxy.forget_connections();
    wait_until("a call to be answered", || zone.ping().starts_with(OK));
    wait_until("a page to be shown", || zone.page().starts_with(OK));
    // The call tries one. Work in the background may try one of each other pool meanwhile.
    let tried = zone.proxy.tried_connections();
    assert!(tried <= POOLS, "{tried} were found dead one by one");
}

/// PostgreSQL's own limits do not help a command that cannot hear of them.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: `make test` runs it"]
async fn a_revocation_whose_statement_waits_while_the_host_dies_ends_with_an_error() {
    let zone = &Zone::start().await;
    let (mut locking, mut watching) = (zone.connect().await, zone.connect().await);
    let lock = lock_table(&mut locking, "tokens").await;
    let mut command = program(&zone.url, &zone.deactivate_by_command())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    await_waiting(&mut watching, "tokens", 1).await;
    zone.proxy.set(State::Silent);
    wait_until("the command to end", || {
        command.try_wait().expect("a child").is_some()
    });
    let outcome = Outcome::from(command.wait_with_output().expect("an output"));
    outcome.assert_failed("the database cannot be reached");
    lock.rollback().await.expect("released");
}

/// On a PostgreSQL server of its own: the setting makes the commits of all its databases wait.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: `make test` runs it"]
async fn while_a_synchronous_standby_is_away_reads_go_on_and_no_change_is_called_done_or_failed() {
    let postgres = Cluster::start(Commits::Written).expect("started");
    let database = TestDatabase::postgres_on(postgres.url(), "UTF8").await;
    let set_standbys = |names| {
        let set = postgres.set("synchronous_standby_names", names);
        set.expect("set");
    };
    done(&database.url(), &["demo"]);
    let zone = &Zone::on(database);
    let create = ["token", "create", "--organisation=904", "--created-by"];
    for _ in 0..2 {
        done(&zone.url, &[&create[..], &[HARBOUR]].concat());
    }
    let last = "SELECT MAX(id)::TEXT FROM tokens WHERE organisation_id = 904";
    let last: String = sqlx::query_scalar(last)
        .fetch_one(&mut zone.connect().await)
        .await
        .expect("created");
    let deactivate_again = ["token", "deactivate", "--organisation=904", &last];
    done(&zone.url, &deactivate_again);
    let harbour = zone.server.sign_in(HARBOUR, DEMO_PASSWORD);
    let colleagues = (0..2 * UNCONFIRMED).map(|number| zone.colleague(number));
    let colleagues: Vec<_> = colleagues.collect();
    let mut watching = zone.connect().await;
    set_standbys("away");
    wait_until("changes to hang", || zone.write() == "503");
    // Changes of other accounts do not wait for that one.
    for cookie in &colleagues {
        let status = zone.post(cookie, "select-organisation", "organisation_id=903");
        assert_eq!(status, "503");
    }
    // Each commit that hangs keeps a session of PostgreSQL, which has not many. Work in the background adds a few.
    let hanging = count_hanging(&mut watching).await;
    assert!(hanging < 2 * UNCONFIRMED, "{hanging}");
    assert!(zone.ping().starts_with(OK));
    let page = zone.page();
    assert!(page.starts_with(OK), "{page}");
    let unknown = zone.send(&harbour, "deactivate-all-tokens", "organisation_id=904");
    assert!(unknown.ends_with("\r\n\r\n\"Unconfirmed\""), "{unknown}");
    // A primary that was replaced confirms no change either. What it knows of this token may be out of date.
    let unconfirmed = run(&zone.url, &deactivate_again);
    unconfirmed.assert_failed("the database did not confirm the change");
    // The command's change would have the next number, and that change has not ended.
    let refused = run(&zone.url, &zone.deactivate_by_command());
    refused.assert_failed("a slow change keeps the database locked");
    assert!(refused.has_waited, "{refused:?}");
    set_standbys("");
    let active = "SELECT COUNT(*) FROM tokens WHERE organisation_id = 904 AND active";
    wait_until_zero(&mut watching, active).await;
    assert!(zone.ping().starts_with(OK));
    wait_until("the dashboard to write", || zone.write() == "303");
    done(&zone.url, &zone.deactivate_by_command());
}

/// How many commits wait for the standby.
async fn count_hanging(connection: &mut PgConnection) -> i64 {
    let hanging = "SELECT COUNT(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event = 'SyncRep'";
    let count = sqlx::query_scalar(hanging).fetch_one(connection);
    count.await.expect("counted")
}
