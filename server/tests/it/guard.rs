//! The checks of every call (contract, section 3): each refusal, and a call that passes them all.

use http::Method;
use model::organisation::Plan;

use crate::support::{UNKNOWN_KEY, server::TestServer};

#[tokio::test]
async fn a_good_key_gets_the_response_of_the_contract() {
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
async fn every_check_refuses_with_its_status_and_code() {
    every_check(&TestServer::on_sqlite().await).await;
}

/// Makes each check refuse a call, on the server's database engine.
pub(crate) async fn every_check(server: &TestServer) {
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

    let inactive = server.token().await;
    server.set_active(&inactive, false).await;
    let response = server.key(&inactive.secret).get(ping).await;
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

    for disabled in ["/903/event/456/faces", "/903/event/456/video-clipping/a/b"] {
        let response = client.send(Method::POST, disabled).await;
        response.assert_refused(403, "feature_disabled");
    }
    client.get(ping).await.assert_success();
}

#[tokio::test]
async fn a_token_is_accepted_until_the_millisecond_of_its_expiry() {
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

/// Only a caller with the whole key of an existing token may learn why the token is refused.
#[tokio::test]
async fn a_made_up_key_and_a_deleted_one_get_identical_responses() {
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

/// The endpoints for faces and clips refuse every call, even if the event's settings allow it. The other checks come
/// first.
#[tokio::test]
async fn endpoints_without_a_feature_are_behind_the_same_checks() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    let endpoints = ["faces", "video-clipping/clip", "video-clipping/a/b/c"];
    for endpoint in endpoints {
        for event in [456, 458] {
            let path = format!("/903/event/{event}/{endpoint}");
            let open = server.key(&token.secret).send(Method::POST, &path).await;
            open.assert_refused(403, "feature_disabled");
            let keyless = server.anonymous().send(Method::POST, &path).await;
            keyless.assert_refused(401, "token_missing");
        }
        let unconfigured = format!("/903/event/457/{endpoint}");
        let response = server
            .key(&token.secret)
            .send(Method::POST, &unconfigured)
            .await;
        response.assert_refused(404, "event_not_configured");
    }
}
