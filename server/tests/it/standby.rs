//! A PostgreSQL that is a standby, or read-only, as after a failover.
//!
//! The tests replace `pg_is_in_recovery()`: a function of that name in an earlier schema of the search path says what a
//! table says. A real standby differs only in its data, which may be old.

use crate::support::{
    DEMO_PASSWORD, MEMBER,
    database::TestDatabase,
    pgbouncer::PgBouncer,
    process::{OK, ServerProcess, assert_unavailable},
    program::{create_token, done, run},
    scrape::{MEASURED, metrics_of, scrape, value},
    wait::wait_until,
};

const OPTIONS: [&str; 2] = ["--api-hosts=127.0.0.1", "--lease-ms=0"];

/// The database with demo data, in which [`become_standby`] works.
async fn database() -> TestDatabase {
    let database = TestDatabase::postgres().await;
    done(&database.url(), &["demo"]);
    let function = "CREATE TABLE role (standby BOOLEAN NOT NULL);
        INSERT INTO role VALUES (FALSE);
        CREATE FUNCTION public.pg_is_in_recovery() RETURNS BOOLEAN LANGUAGE sql
            AS 'SELECT standby FROM public.role'";
    database.sql(function).await;
    alter(&database, "search_path = public, pg_catalog").await;
    database
}

/// Changes a setting of the database for new sessions.
async fn alter(database: &TestDatabase, setting: &str) {
    let alter = format!(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET {setting}', current_database()); END $$"
    );
    database.sql(&alter).await;
}

/// Ends all sessions, as a restart does.
async fn end_sessions(database: &TestDatabase) {
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    database.sql(end).await;
}

async fn become_standby(database: &TestDatabase, standby: bool) {
    let change = format!("UPDATE role SET standby = {standby}");
    database.sql(&change).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: `make test` runs it"]
async fn a_server_accepts_no_key_by_a_standby_and_goes_on_once_it_is_the_primary() {
    let database = database().await;
    let url = database.url();
    let token = create_token(&url);
    let server = ServerProcess::start(&url, &OPTIONS);
    assert!(server.ping(&token).starts_with(OK));
    become_standby(&database, true).await;
    end_sessions(&database).await;
    assert_unavailable(&server.ping(&token));
    let ready = || server.get("/readyz", &[]);
    wait_until("it is not ready", || ready().starts_with("HTTP/1.1 503"));
    run(&url, &["organisation", "list"]).assert_failed("the database cannot be reached");
    become_standby(&database, false).await;
    assert!(server.ping(&token).starts_with(OK));
    wait_until("it is ready again", || ready().starts_with(OK));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and PgBouncer: `make test` runs it"]
async fn behind_pgbouncer_each_read_asks_whether_it_is_on_a_standby() {
    let database = database().await;
    let token = create_token(&database.url());
    let pooler = PgBouncer::before(&database);
    let server = ServerProcess::start(pooler.url(), &OPTIONS);
    assert!(server.ping(&token).starts_with(OK));
    // The session stays open: PgBouncer gives it another one of PostgreSQL.
    become_standby(&database, true).await;
    assert_unavailable(&server.ping(&token));
    become_standby(&database, false).await;
    assert!(server.ping(&token).starts_with(OK));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: `make test` runs it"]
async fn a_read_only_session_is_replaced_after_the_first_change_that_it_refuses() {
    let database = database().await;
    let url = database.url();
    let token = create_token(&url);
    let server = ServerProcess::start(&url, &OPTIONS);
    let cookie = server.sign_in(MEMBER, DEMO_PASSWORD);
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let select = || {
        let headers = [form, ("Cookie", &*cookie)];
        let path = "/api/dashboard/select-organisation";
        let response = server.post(path, &headers, "organisation_id=903");
        response.split(' ').nth(1).map(str::to_owned)
    };
    alter(&database, "default_transaction_read_only = on").await;
    end_sessions(&database).await;
    assert_eq!(select().as_deref(), Some("503"));
    assert!(
        server.ping(&token).starts_with(OK),
        "keys are still checked"
    );
    // Sessions that are open now would stay read-only.
    database
        .sql("BEGIN READ WRITE; DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET default_transaction_read_only', current_database()); END $$; COMMIT")
        .await;
    assert_eq!(select().as_deref(), Some("303"));
}

/// As above, the test replaces what PostgreSQL says about its standbys.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: `make test` runs it"]
async fn a_standby_that_may_lack_revocations_is_reported_or_refused() {
    let database = database().await;
    let standbys = "CREATE TABLE pg_stat_replication (pid INTEGER, state TEXT);
        CREATE TABLE names (names TEXT NOT NULL);
        INSERT INTO names VALUES ('');
        CREATE FUNCTION public.current_setting(TEXT) RETURNS TEXT LANGUAGE sql
            AS 'SELECT names FROM public.names'";
    database.sql(standbys).await;
    let url = database.url();
    const REQUIRE: &str = "--require-synchronous-standby";

    let alone = ServerProcess::start(&url, MEASURED);
    assert!(!alone.get("/readyz", &[]).contains("warning"));
    let risk = |server: &_| value(&scrape(metrics_of(server)), "failover_may_lose_changes");
    assert_eq!(risk(&alone), 0.0);
    drop(alone);
    run(&url, &["serve", "--listen=127.0.0.1:0", REQUIRE])
        .assert_failed("PostgreSQL has no synchronous standby");

    let attach = "INSERT INTO pg_stat_replication VALUES (1, 'streaming')";
    database.sql(attach).await;
    let server = ServerProcess::start(&url, MEASURED);
    let ready = server.get("/readyz", &[]);
    assert!(ready.starts_with(OK), "{ready}");
    assert!(
        ready.contains("revocations may be lost by a failover"),
        "{ready}"
    );
    server.await_stderr("revocations may be lost by a failover");
    assert_eq!(risk(&server), 1.0);
    drop(server);

    database
        .sql("UPDATE names SET names = 'ANY 1 (a, b)'")
        .await;
    let server = ServerProcess::start(&url, &[REQUIRE]);
    let ready = server.get("/readyz", &[]);
    assert!(ready.ends_with("{\"status\":\"ready\"}"), "{ready}");
}
