//! The order of the checks (contract, section 3): if two checks fail, the earlier one decides the response.

use http::Method;
use model::organisation::Plan;

use crate::support::server::TestServer;

#[tokio::test]
async fn a_missing_key_comes_before_a_wrong_host() {
    let server = TestServer::on_sqlite().await;
    let client = server.anonymous().with("host", "evil.example");
    client
        .get("/903/events")
        .await
        .assert_refused(401, "token_missing");
}

#[tokio::test]
async fn a_wrong_host_comes_before_an_invalid_key() {
    let server = TestServer::on_sqlite().await;
    let client = server.key("made-up").with("host", "evil.example");
    client
        .get("/903/events")
        .await
        .assert_refused(403, "host_not_allowed");
    let repeated = client.and("x-api-key", "made-up");
    repeated
        .get("/903/events")
        .await
        .assert_refused(403, "host_not_allowed");
}

#[tokio::test]
async fn a_deactivated_token_comes_before_its_expiry() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    server.set_active(&token, false).await;
    server.expire(&token).await;
    let response = server.key(&token.secret).get("/903/events").await;
    response.assert_refused(403, "token_inactive");
}

#[tokio::test]
async fn an_unusable_token_comes_before_the_plan() {
    let server = TestServer::on_sqlite().await;
    let (inactive, expired) = (server.token().await, server.token().await);
    server.set_active(&inactive, false).await;
    server.expire(&expired).await;
    server.set_plan(Plan::Trial).await;
    let response = server.key(&inactive.secret).get("/903/events").await;
    response.assert_refused(403, "token_inactive");
    let response = server.key(&expired.secret).get("/903/events").await;
    response.assert_refused(403, "token_expired");
}

#[tokio::test]
async fn the_plan_comes_before_every_check_of_the_path() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    server.set_plan(Plan::Trial).await;
    let client = server.key(&token.secret);
    for path in [
        "/904/events",
        "/x/events",
        "/903/nothing",
        "/903/event/456/faces",
    ] {
        client.get(path).await.assert_refused(403, "plan_required");
    }
    let large = vec![b'x'; 70_000];
    let response = client
        .send_body(Method::POST, "/903/event/456/faces", large)
        .await;
    response.assert_refused(403, "plan_required");
}

#[tokio::test]
async fn an_invalid_id_comes_before_a_foreign_organisation() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    let response = server.key(&token.secret).get("/904/event/x/ping").await;
    response.assert_refused(422, "invalid_request");
    assert_eq!(response.message(), "event_id: must be a decimal number");
}

#[tokio::test]
async fn a_foreign_organisation_comes_before_its_event() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    for event in [456, 556, 99_999] {
        let response = server
            .key(&token.secret)
            .get(&format!("/904/event/{event}/ping"))
            .await;
        response.assert_refused(403, "organisation_mismatch");
    }
}

#[tokio::test]
async fn a_foreign_organisation_comes_before_an_invalid_query() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    let response = server.key(&token.secret).get("/904/events?page=0").await;
    response.assert_refused(403, "organisation_mismatch");
}

#[tokio::test]
async fn a_foreign_event_comes_before_its_missing_configuration() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    server.unconfigure_foreign_event().await;
    let response = server.key(&token.secret).get("/903/event/556/ping").await;
    response.assert_refused(403, "event_mismatch");
}

#[tokio::test]
async fn a_missing_configuration_comes_before_a_disabled_feature() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    let response = server
        .key(&token.secret)
        .send(Method::POST, "/903/event/457/faces")
        .await;
    response.assert_refused(404, "event_not_configured");
}
