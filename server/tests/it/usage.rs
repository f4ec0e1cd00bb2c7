//! Usage of tokens: the counts of the guard, and their storage in the database.

use std::{collections::BTreeMap, num::NonZeroU32};

use model::{organisation::Plan, timestamp::Timestamp};
use rustix::process::Signal;
use server::api::throttle::{RateLimit, RateLimits};
use sqlx::{Connection, SqliteConnection};
use store::{TokenPermission, clock::Clock};

use crate::support::{
    UNKNOWN_KEY,
    database::TestDatabase,
    process::ServerProcess,
    program::{create_token, done},
    server::{TestServer, Token},
    wait::wait_until,
};

/// Every count in the database: the calls by token and verdict.
async fn counts(database: &TestDatabase) -> BTreeMap<(i64, String), i64> {
    let mut connection = SqliteConnection::connect(&database.url())
        .await
        .expect("open");
    let rows: Vec<(i64, String, i64)> =
        sqlx::query_as("SELECT token_id, outcome, SUM(calls) FROM token_usage GROUP BY 1, 2")
            .fetch_all(&mut connection)
            .await
            .expect("read");
    let rows = rows.into_iter();
    rows.map(|(token, outcome, calls)| ((token, outcome), calls))
        .collect()
}

fn of<const N: usize>(token: &Token, expected: [(&str, i64); N]) -> BTreeMap<(i64, String), i64> {
    let expected = expected.into_iter();
    expected
        .map(|(outcome, calls)| ((token.id.0, outcome.to_owned()), calls))
        .collect()
}

async fn last_used(server: &TestServer) -> Option<Timestamp> {
    let permission = TokenPermission::Operator(model::organisation::OrganisationId(903));
    let listed = server
        .store
        .tokens()
        .list(permission)
        .await
        .expect("listed");
    listed[0].last_used
}

async fn flush(server: &TestServer) {
    server.store.usage().flush().await.expect("flushed");
}

#[tokio::test]
async fn status_and_duration_are_kept_of_the_first_accepted_call_only() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    let client = server.key(&token.secret);
    for path in [
        "/904/events",
        "/903/event/456/bibs/unknown",
        "/903/event/456/ping",
    ] {
        client.get(path).await;
    }
    flush(&server).await;
    let permission = TokenPermission::Operator(model::organisation::OrganisationId(903));
    let listed = server.store.tokens().list(permission).await;
    let first = listed.expect("listed")[0].first_call.expect("a first call");
    assert_eq!(first.status, 404, "of the bib number");
    assert!(first.micros > 0);
}

#[tokio::test]
async fn every_call_with_a_token_is_counted_once_by_its_verdict() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    let client = server.key(&token.secret);
    for (path, times) in [
        ("/903/event/456/ping", 5),
        // These passed the guard and failed later.
        ("/903/event/456/bibs/unknown", 2),
        ("/903/events?page=0", 1),
        ("/903/nothing", 1),
        ("/x/events", 1),
        ("/904/events", 3),
        ("/903/event/556/ping", 4),
        ("/903/event/99999/ping", 1),
        ("/903/event/457/ping", 2),
    ] {
        for _ in 0..times {
            client.get(path).await;
        }
    }
    client
        .send(http::Method::POST, "/903/event/456/faces")
        .await;
    client.send(http::Method::DELETE, "/903/events").await;
    server.set_plan(Plan::Pro).await;
    client.get("/903/events").await;
    server.set_active(&token, false).await;
    for _ in 0..2 {
        client.get("/903/events").await;
    }
    server.set_active(&token, true).await;
    server.expire(&token).await;
    client.get("/903/events").await;
    flush(&server).await;
    let expected = [
        ("accepted", 11),
        ("organisation_mismatch", 3),
        ("event_mismatch", 5),
        ("event_not_configured", 2),
        ("feature_disabled", 1),
        ("plan_required", 1),
        ("token_inactive", 2),
        ("token_expired", 1),
    ];
    assert_eq!(counts(&server.database).await, of(&token, expected));
}

#[tokio::test]
async fn a_rate_limited_call_is_counted_but_does_not_change_the_last_use() {
    let slow = "0.001".parse().expect("a rate");
    let limit = |burst| RateLimit::new(slow, NonZeroU32::new(burst).expect("some"));
    let limits = RateLimits {
        per_token: limit(2).expect("a limit"),
        wrong_keys: limit(50).expect("a limit"),
    };
    let server = TestServer::on_sqlite().await.limited_to(limits);
    let token = server.token().await;
    let used_at = server.clock.now();
    for call in 0..5 {
        server.key(&token.secret).get("/903/events").await;
        if call > 0 {
            server.clock.advance(1_000);
        }
    }
    flush(&server).await;
    let expected = of(&token, [("accepted", 2), ("rate_limited", 3)]);
    assert_eq!(counts(&server.database).await, expected);
    assert_eq!(last_used(&server).await, Some(used_at));
}

#[tokio::test]
async fn unknown_keys_and_requests_refused_before_the_key_leave_no_row() {
    let server = TestServer::on_sqlite().await;
    let (token, deleted) = (server.token().await, server.token().await);
    server.delete(&deleted).await;
    server.anonymous().get("/903/events").await;
    for key in [UNKNOWN_KEY, "x", &deleted.secret] {
        let response = server.key(key).get("/903/events").await;
        response.assert_refused(403, "token_invalid");
    }
    let elsewhere = server.key(&token.secret).with("host", "evil.example");
    elsewhere.get("/903/events").await;
    flush(&server).await;
    assert_eq!(counts(&server.database).await, BTreeMap::new());
    assert_eq!(last_used(&server).await, None);
}

#[tokio::test]
async fn counting_does_not_write_to_the_database_during_a_call() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    for _ in 0..20 {
        server
            .key(&token.secret)
            .get("/903/events")
            .await
            .assert_success();
    }
    assert_eq!(counts(&server.database).await, BTreeMap::new());
    assert_eq!(
        last_used(&server).await,
        Some(server.clock.now()),
        "known immediately"
    );
}

fn outcomes(counts: BTreeMap<(i64, String), i64>) -> Vec<(String, i64)> {
    let counts = counts.into_iter();
    counts
        .map(|((_, outcome), calls)| (outcome, calls))
        .collect()
}

#[tokio::test]
#[ignore = "needs the built front end: `make test` runs it"]
async fn a_server_that_stops_stores_the_counts_up_to_its_last_response() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    let server = ServerProcess::start(&url, &["--demo"]);
    let token = create_token(&url);
    for _ in 0..3 {
        assert!(server.ping(&token).starts_with("HTTP/1.1 200"));
    }
    server.get("/api/v1/ext/904/events", &[("X-API-Key", &token)]);
    server.ping(UNKNOWN_KEY);
    server.signal(Signal::TERM);
    server.wait().assert_done();
    let expected = [
        ("accepted".to_owned(), 3),
        ("organisation_mismatch".to_owned(), 1),
    ];
    assert_eq!(outcomes(counts(&database).await), expected);
    let listed = done(&url, &["token", "list", "--organisation", "903"]);
    assert!(!listed.contains("never"), "{listed}");
}

#[tokio::test]
#[ignore = "needs the built front end: `make test` runs it"]
async fn a_running_server_stores_usage_regularly() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    let server = ServerProcess::start(&url, &["--demo"]);
    let token = create_token(&url);
    let list = ["token", "list", "--organisation", "903"];
    assert!(done(&url, &list).contains("never"));
    server.ping(&token);
    wait_until("the use in the list of another process", || {
        !done(&url, &list).contains("never")
    });
    drop(server);
    let expected = [("accepted".to_owned(), 1)];
    assert_eq!(outcomes(counts(&database).await), expected, "after a kill");
}
