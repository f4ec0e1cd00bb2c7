//! The guard's table (contract, section 3): each row, and what passes them all.

use http::Method;
use model::organisation::Plan;

use crate::support::{UNKNOWN_KEY, server::TestServer};

#[tokio::test]
async fn a_good_key_gets_the_answer_that_the_contract_shows() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    let response = server.key(&token.secret).get("/903/event/456/ping").await;
    response.assert_success();
    assert_eq!(
        response.text,
        r#"{"responseType":"success","message":"pong","data":{"status":"ok","org_id":903,"event_id":456}}"#
    );
}

#[tokio::test]
async fn every_row_of_the_table_refuses_with_its_status_and_code() {
    every_row(&TestServer::on_sqlite().await).await;
}

/// Goes through the table on whichever engine the server is.
pub(crate) async fn every_row(server: &TestServer) {
    let token = server.token().await;
    let client = server.key(&token.secret);
    let ping = "/903/event/456/ping";
    client.get(ping).await.assert_success();

    let keyless = server.anonymous().get(ping).await;
    keyless.assert_refused(401, "token_missing");
    assert_eq!(
        keyless.header("www-authenticate"),
        Some(r#"ApiKey realm="9pic", header="X-API-Key""#)
    );

    let elsewhere = client.clone().with("host", "evil.example").get(ping).await;
    elsewhere.assert_refused(403, "host_not_allowed");

    for invalid in ["made-up", UNKNOWN_KEY] {
        let response = server.key(invalid).get(ping).await;
        response.assert_refused(403, "token_invalid");
        assert_eq!(response.header("www-authenticate"), None);
    }

    let paused = server.token().await;
    server.set_active(&paused, false).await;
    let response = server.key(&paused.secret).get(ping).await;
    response.assert_refused(403, "token_inactive");

    let expired = server.token().await;
    server.expire(&expired).await;
    let response = server.key(&expired.secret).get(ping).await;
    response.assert_refused(403, "token_expired");

    server.set_plan(Plan::Pro).await;
    client.get(ping).await.assert_refused(403, "plan_required");
    server.set_plan(Plan::Enterprise).await;

    let response = client.get("/904/event/456/ping").await;
    response.assert_refused(403, "organisation_mismatch");
    let response = client.get("/903/event/556/ping").await;
    response.assert_refused(403, "event_mismatch");
    let response = client.get("/903/event/457/ping").await;
    response.assert_refused(404, "event_not_configured");

    for closed in ["/903/event/456/faces", "/903/event/456/video-clipping/a/b"] {
        let response = client.send(Method::POST, closed).await;
        response.assert_refused(403, "feature_disabled");
    }
    client.get(ping).await.assert_success();
}

#[tokio::test]
async fn a_token_is_taken_until_the_very_moment_of_its_expiry() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    server.clock.advance(1_000);
    server.expire(&token).await;
    server.clock.advance(-1);
    let client = server.key(&token.secret);
    client.get("/903/events").await.assert_success();
    server.clock.advance(1);
    client
        .get("/903/events")
        .await
        .assert_refused(403, "token_expired");
}

/// Who has a key learns nothing of what others have.
#[tokio::test]
async fn a_foreign_organisation_and_a_missing_one_answer_alike_to_the_byte() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    let client = server.key(&token.secret).with("x-request-id", "same");
    for path in [
        "events",
        "event/456/ping",
        "event/556/ping",
        "event/556/details",
    ] {
        let foreign = client.get(&format!("/904/{path}")).await;
        let missing = client.get(&format!("/99999/{path}")).await;
        foreign.assert_refused(403, "organisation_mismatch");
        assert_eq!(foreign.text, missing.text);
        assert_eq!(foreign.headers, missing.headers);
    }
}

#[tokio::test]
async fn a_foreign_event_and_a_missing_one_answer_alike_to_the_byte() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    let client = server.key(&token.secret).with("x-request-id", "same");
    for (method, path) in [
        (Method::GET, "ping"),
        (Method::GET, "details"),
        (Method::POST, "faces"),
    ] {
        let ask = async |event: i64| {
            let path = format!("/903/event/{event}/{path}");
            client.send(method.clone(), &path).await
        };
        let (foreign, missing) = (ask(556).await, ask(99_999).await);
        foreign.assert_refused(403, "event_mismatch");
        assert_eq!(foreign.text, missing.text);
        assert_eq!(foreign.headers, missing.headers);
    }
}

/// What is wrong with a key is told to those who have it whole.
#[tokio::test]
async fn a_made_up_key_and_a_deleted_one_answer_alike_to_the_byte() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    server.delete(&token).await;
    let ask = async |key: &str| {
        let client = server.key(key).with("x-request-id", "same");
        client.get("/903/events").await
    };
    let (deleted, unknown, malformed) = (
        ask(&token.secret).await,
        ask(UNKNOWN_KEY).await,
        ask("x").await,
    );
    deleted.assert_refused(403, "token_invalid");
    for other in [unknown, malformed] {
        assert_eq!(deleted.text, other.text);
        assert_eq!(deleted.headers, other.headers);
    }
}

/// The doors for faces and clips stay closed whatever the event's switches say, and are no way past the
/// guard.
#[tokio::test]
async fn the_closed_doors_stand_behind_the_guard() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    let doors = ["faces", "video-clipping/clip", "video-clipping/a/b/c"];
    for door in doors {
        for event in [456, 458] {
            let path = format!("/903/event/{event}/{door}");
            let open = server.key(&token.secret).send(Method::POST, &path).await;
            open.assert_refused(403, "feature_disabled");
            let keyless = server.anonymous().send(Method::POST, &path).await;
            keyless.assert_refused(401, "token_missing");
        }
        let unconfigured = format!("/903/event/457/{door}");
        let response = server
            .key(&token.secret)
            .send(Method::POST, &unconfigured)
            .await;
        response.assert_refused(404, "event_not_configured");
    }
}
