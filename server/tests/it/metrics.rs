//! The metrics for Prometheus.

use std::net::SocketAddr;

use crate::support::{
    PING_PATH,
    database::TestDatabase,
    process::ServerProcess,
    program::create_token,
    scrape::{MEASURED, metrics_of, scrape, value},
};

const PING_ROUTE: &str = "/api/v1/ext/{org_id}/event/{event_id}/ping";

/// Starts a server with demo data. Returns it with the address of its metrics.
fn measured(database: &TestDatabase) -> (ServerProcess, SocketAddr) {
    let server = ServerProcess::start(&database.url(), &[&["--demo"], MEASURED].concat());
    let metrics = metrics_of(&server);
    (server, metrics)
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn calls_are_counted_by_route_status_and_verdict() {
    let database = TestDatabase::sqlite();
    let (server, metrics) = measured(&database);
    let token = create_token(&database.url());
    for _ in 0..3 {
        server.ping(&token);
    }
    server.ping("made-up");
    server.get(PING_PATH, &[]);
    server.get("/api/v1/ext/904/event/456/ping", &[("X-API-Key", &token)]);
    server.get("/api/v1/ext/903/nothing", &[("X-API-Key", &token)]);
    let scraped = scrape(metrics);
    assert!(scraped.starts_with("HTTP/1.1 200"), "{scraped}");
    assert!(
        scraped.contains("application/openmetrics-text"),
        "{scraped}"
    );
    assert!(scraped.trim_end().ends_with("# EOF"), "{scraped}");
    let requests = |route: &str, status: u16| {
        let labels = format!("route=\"{route}\",status=\"{status}\"");
        value(&scraped, &format!("api_requests_total{{{labels}}}"))
    };
    assert_eq!(requests(PING_ROUTE, 200), 3.0);
    assert_eq!(requests(PING_ROUTE, 403), 1.0);
    assert_eq!(requests("none", 401), 1.0);
    assert_eq!(requests("none", 403), 1.0);
    assert_eq!(requests("none", 404), 1.0);
    let verdict = |name: &str| {
        let metric = format!("guard_verdicts_total{{verdict=\"{name}\"}}");
        value(&scraped, &metric)
    };
    assert_eq!(verdict("accepted"), 4.0);
    for refused in ["token_invalid", "token_missing", "organisation_mismatch"] {
        assert_eq!(verdict(refused), 1.0, "{refused}");
    }
    assert_eq!(verdict("undecided"), 0.0);
    let timed = format!("api_request_duration_seconds_count{{route=\"{PING_ROUTE}\"}}");
    assert_eq!(value(&scraped, &timed), 4.0);
    server.stop().assert_done();
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn metrics_show_the_key_cache_the_pools_and_the_queues() {
    let database = TestDatabase::sqlite();
    let (server, metrics) = measured(&database);
    let token = create_token(&database.url());
    for _ in 0..20 {
        server.ping(&token);
    }
    let scraped = scrape(metrics);
    let answers = |from: &str| {
        let metric = format!("grants_answers_total{{of=\"token\",from=\"{from}\"}}");
        value(&scraped, &metric)
    };
    assert!(answers("read") >= 1.0);
    assert_eq!(
        answers("read") + answers("memory") + answers("joined"),
        20.0
    );
    let readers = "database_connections{pool=\"readers\",state=\"limit\"}";
    assert!(value(&scraped, readers) >= 1.0);
    assert_eq!(value(&scraped, "passwords{state=\"waiting\"}"), 0.0);
    assert_eq!(value(&scraped, "panics_total"), 0.0);
    value(&scraped, "usage_waiting");
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn no_label_contains_what_a_caller_sends() {
    let database = TestDatabase::sqlite();
    let (server, metrics) = measured(&database);
    server.get("/canary-path", &[("X-API-Key", "canary-key")]);
    server.get(
        "/api/v1/ext/canary-organisation/events",
        &[("X-API-Key", "canary-key")],
    );
    server.get(
        "/files/canary-file?signature=canary-signature&expires=1",
        &[],
    );
    let scraped = scrape(metrics);
    assert!(!scraped.contains("canary"), "{scraped}");
    let pages = "http_requests_total{route=\"none\",status=\"404\"}";
    assert_eq!(value(&scraped, pages), 1.0);
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn the_public_listener_serves_no_metrics() {
    let database = TestDatabase::sqlite();
    let (server, _metrics) = measured(&database);
    let response = server.get("/metrics", &[]);
    assert!(!response.contains("developer_zone_"), "{response}");
}
