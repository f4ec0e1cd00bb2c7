//! The form of responses (contract, section 4). The test client checks the three keys, the code and the headers of
//! every response in every test; these tests check the rest.

use std::{collections::BTreeSet, num::NonZeroU32};

use axum::body::Body;
use http::Method;
use model::permission::Refusal;
use server::api::throttle::{RateLimit, RateLimits};

use crate::support::server::TestServer;

#[tokio::test]
async fn an_error_has_three_keys_and_null_data() {
    let server = TestServer::on_sqlite().await;
    let response = server.anonymous().get("/903/events").await;
    let message = Refusal::TokenMissing.message();
    let expected = format!(r#"{{"responseType":"error","message":"{message}","data":null}}"#);
    assert_eq!(response.text, expected);
}

/// The test client checks the form of each response.
#[tokio::test]
async fn every_status_of_the_api_comes_in_the_envelope() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    let client = server.key(&token.secret);
    let large = vec![b'x'; 64 * 1024 + 1];
    let faces = "/903/event/456/faces";
    let originals = "/903/event/456/original-photos";
    let json = client.clone().with("content-type", "application/json");
    let mut responses = vec![
        client.get("/903/events").await,
        server.anonymous().get("/903/events").await,
        client.get("/904/events").await,
        client.get("/903/nothing").await,
        client.send(Method::POST, "/903/events").await,
        client.send_body(Method::POST, faces, large).await,
        client.get("/903/events?page=0").await,
        client.send(Method::POST, originals).await,
        json.send_body(Method::POST, originals, "{").await,
    ];
    server.store.close().await;
    responses.push(client.get("/903/events").await);
    let other = TestServer::on_sqlite().await;
    let token = other.token().await;
    other.clock.break_down();
    responses.push(other.key(&token.secret).get("/903/events").await);

    let limit = RateLimit::new("0.001".parse().expect("a rate"), NonZeroU32::MIN);
    let limits = RateLimits::of_tokens(limit.expect("a limit"));
    let limited = TestServer::on_sqlite().await.limited_to(limits);
    let client = limited.key(&limited.token().await.secret);
    client.get("/903/events").await.assert_success();
    responses.push(client.get("/903/events").await);

    let statuses: BTreeSet<_> = responses
        .iter()
        .map(|response| response.status.as_u16())
        .collect();
    let all = BTreeSet::from([200, 400, 401, 403, 404, 405, 413, 415, 422, 429, 500, 503]);
    assert_eq!(statuses, all);
}

#[tokio::test]
async fn a_body_of_64_kib_is_accepted_and_a_larger_one_refused() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    let client = server.key(&token.secret);
    for (length, status, code) in [
        (64 * 1024, 403, "feature_disabled"),
        (64 * 1024 + 1, 413, "body_too_large"),
    ] {
        let body = Body::from(vec![b'x'; length]);
        let response = client
            .send_body(Method::POST, "/903/event/456/faces", body)
            .await;
        response.assert_refused(status, code);
    }
}

#[tokio::test]
async fn a_valid_request_id_of_the_caller_comes_back() {
    let server = TestServer::on_sqlite().await;
    let longest = "x".repeat(64);
    for own in ["1", "trace/7f:{a}~", &longest] {
        let response = server
            .anonymous()
            .with("x-request-id", own)
            .get("/903/events")
            .await;
        assert_eq!(response.header("x-request-id"), Some(own));
    }
}

#[tokio::test]
async fn an_invalid_request_id_is_replaced() {
    let server = TestServer::on_sqlite().await;
    let too_long = "x".repeat(65);
    let mut ids = BTreeSet::new();
    for invalid in ["", "two words", "é", &too_long] {
        let client = server.anonymous().with("x-request-id", invalid);
        let response = client.get("/903/events").await;
        let name = response.header("x-request-id").expect("a name").to_owned();
        assert_ne!(name, invalid);
        assert!(ids.insert(name), "each id is new");
    }
    let twice = server
        .anonymous()
        .and("x-request-id", "one")
        .and("x-request-id", "two");
    let response = twice.get("/903/events").await;
    assert_eq!(response.headers.get_all("x-request-id").iter().count(), 1);
    let name = response.header("x-request-id").expect("a name");
    assert!(name != "one" && name != "two");
}
