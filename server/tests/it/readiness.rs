//! `/readyz`, and what it reports while the server stops.

use rustix::process::Signal;
use sqlx::{Connection, PgConnection};

use crate::support::{
    database::{TestDatabase, count_waiting, lock_table},
    process::{ServerProcess, read_response},
    program::{done, run},
    wait::wait_until,
};

fn is_ready(server: &ServerProcess) -> bool {
    server.get("/readyz", &[]).starts_with("HTTP/1.1 200 OK")
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn readyz_and_healthz_respond_under_any_host_without_a_key_and_uncached() {
    let database = TestDatabase::sqlite();
    let server = ServerProcess::start(&database.url(), &[]);
    for path in ["/readyz", "/healthz"] {
        let response = server.get(path, &[("Host", "10.0.0.7")]);
        assert!(response.starts_with("HTTP/1.1 200 OK"), "{response}");
        assert!(response.contains("cache-control: no-store"), "{response}");
    }
    let response = server.get("/readyz", &[]);
    assert!(
        response.ends_with("\r\n\r\n{\"status\":\"ready\"}"),
        "{response}"
    );
    let url = server.url();
    let healthcheck = ["healthcheck", "--ready", "--url", &url];
    assert_eq!(done(&database.url(), &healthcheck), "ready\n");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the built front end: `make test` runs it"]
async fn a_server_is_alive_but_not_ready_while_the_database_has_another_schema() {
    let database = TestDatabase::sqlite();
    let server = ServerProcess::start(&database.url(), &[]);
    wait_until("the server to be ready", || is_ready(&server));
    let upgraded =
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES (9999, 'from the future', TRUE, X'00', 0)";
    database.sql(upgraded).await;
    wait_until("it is not ready", || !is_ready(&server));
    let response = server.get("/readyz", &[]);
    assert!(response.starts_with("HTTP/1.1 503"), "{response}");
    assert!(response.contains("another schema"), "{response}");
    assert!(server.get("/healthz", &[]).starts_with("HTTP/1.1 200"));
    let url = server.url();
    run(&database.url(), &["healthcheck", "--ready", "--url", &url]).assert_failed("is not ready");
    done(&database.url(), &["healthcheck", "--url", &url]);
    database
        .sql("DELETE FROM _sqlx_migrations WHERE version = 9999")
        .await;
    wait_until("it is ready again", || is_ready(&server));
    let outcome = server.stop();
    for (words, times) in [("not ready: ", 1), ("ready again", 1)] {
        assert_eq!(
            outcome.stderr.matches(words).count(),
            times,
            "{}",
            outcome.stderr
        );
    }
}

/// A check of the database takes two seconds at most, and PostgreSQL lets a statement wait for a lock for five. So at
/// most three statements wait at any time, even on a slow machine.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: `make test` runs it"]
async fn many_readiness_requests_cause_few_checks_of_a_database_that_does_not_respond() {
    let database = TestDatabase::postgres().await;
    let url = database.url();
    let originals = tempfile::tempdir().expect("a folder");
    let folder = originals.path().display().to_string();
    let server = ServerProcess::start(&url, &["--originals-folder", &folder]);
    let mut locking = PgConnection::connect(&url).await.expect("connected");
    let mut watching = PgConnection::connect(&url).await.expect("connected");
    let lock = lock_table(&mut locking, "_sqlx_migrations").await;
    // The server repeats an earlier result for a second.
    wait_until("the server not to be ready", || !is_ready(&server));
    let requests: Vec<_> = (0..50).map(|_| server.send("/readyz", &[])).collect();
    let mut responses = Vec::new();
    for stream in requests {
        let count = count_waiting(&mut watching, "_sqlx_migrations").await;
        assert!(count <= 5, "{count} checks at once");
        responses.push(read_response(stream));
    }
    for response in responses {
        assert!(response.starts_with("HTTP/1.1 503"), "{response}");
        assert!(response.contains("cannot be reached"), "{response}");
    }
    lock.rollback().await.expect("released");
    wait_until("the server to be ready again", || is_ready(&server));
    locking.close().await.expect("closed");
    watching.close().await.expect("closed");
    server.stop().assert_done();
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn during_the_shutdown_delay_requests_are_served_and_readyz_is_503() {
    let database = TestDatabase::sqlite();
    let server = ServerProcess::start(&database.url(), &["--shutdown-delay", "10m"]);
    server.signal(Signal::TERM);
    server.await_stderr("still accepting requests");
    let response = server.get("/readyz", &[]);
    assert!(response.starts_with("HTTP/1.1 503"), "{response}");
    assert!(response.contains("stopping"), "{response}");
    assert!(server.get("/healthz", &[]).starts_with("HTTP/1.1 200"));
    assert!(server.get("/sign-in", &[]).starts_with("HTTP/1.1 200"));
    // A second signal ends the delay.
    server.signal(Signal::TERM);
    let outcome = server.wait();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(
        outcome.stderr.contains("a second stop signal"),
        "{outcome:?}"
    );
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn the_server_stops_after_the_shutdown_delay() {
    let database = TestDatabase::sqlite();
    let options = ["--shutdown-delay", "1s", "--shutdown-grace", "0"];
    ServerProcess::start(&database.url(), &options)
        .stop()
        .assert_done();
    for option in ["--shutdown-delay", "--shutdown-grace"] {
        for odd in ["-1s", "10", "3601s", "ten"] {
            let odd = format!("{option}={odd}");
            run(&database.url(), &["serve", &odd]).assert_misunderstood("for example 10s");
        }
    }
}
