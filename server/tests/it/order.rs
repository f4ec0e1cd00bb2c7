//! The order of the checks (contract, section 3): of two that fail, the earlier one answers.

use http::Method;
use model::organisation::Plan;

use crate::zone::Zone;

#[tokio::test]
async fn a_missing_key_is_told_before_a_wrong_host() {
    let zone = Zone::on_sqlite().await;
    let client = zone.anonymous().with("host", "evil.example");
    client
        .get("/903/events")
        .await
        .assert_refused(401, "token_missing");
}

#[tokio::test]
async fn a_wrong_host_is_told_before_an_invalid_key() {
    let zone = Zone::on_sqlite().await;
    let client = zone.key("made-up").with("host", "evil.example");
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
async fn a_paused_token_is_told_before_its_expiry() {
    let zone = Zone::on_sqlite().await;
    let token = zone.token().await;
    zone.set_active(&token, false).await;
    zone.expire(&token).await;
    let answer = zone.key(&token.secret).get("/903/events").await;
    answer.assert_refused(403, "token_inactive");
}

#[tokio::test]
async fn a_token_that_opens_nothing_is_told_before_the_plan() {
    let zone = Zone::on_sqlite().await;
    let (paused, expired) = (zone.token().await, zone.token().await);
    zone.set_active(&paused, false).await;
    zone.expire(&expired).await;
    zone.set_plan(Plan::Trial).await;
    let answer = zone.key(&paused.secret).get("/903/events").await;
    answer.assert_refused(403, "token_inactive");
    let answer = zone.key(&expired.secret).get("/903/events").await;
    answer.assert_refused(403, "token_expired");
}

#[tokio::test]
async fn the_plan_is_told_before_anything_of_the_path() {
    let zone = Zone::on_sqlite().await;
    let token = zone.token().await;
    zone.set_plan(Plan::Trial).await;
    let client = zone.key(&token.secret);
    for path in [
        "/904/events",
        "/x/events",
        "/903/nothing",
        "/903/event/456/faces",
    ] {
        client.get(path).await.assert_refused(403, "plan_required");
    }
    let large = vec![b'x'; 70_000];
    let answer = client
        .send_body(Method::POST, "/903/event/456/faces", large)
        .await;
    answer.assert_refused(403, "plan_required");
}

#[tokio::test]
async fn an_id_that_is_no_number_is_told_before_a_foreign_organisation() {
    let zone = Zone::on_sqlite().await;
    let token = zone.token().await;
    let answer = zone.key(&token.secret).get("/904/event/x/ping").await;
    answer.assert_refused(422, "invalid_request");
    assert_eq!(answer.message(), "event_id: must be a decimal number");
}

#[tokio::test]
async fn a_foreign_organisation_is_told_before_its_event() {
    let zone = Zone::on_sqlite().await;
    let token = zone.token().await;
    for event in [456, 556, 99_999] {
        let answer = zone
            .key(&token.secret)
            .get(&format!("/904/event/{event}/ping"))
            .await;
        answer.assert_refused(403, "organisation_mismatch");
    }
}

#[tokio::test]
async fn a_foreign_organisation_is_told_before_a_query_that_does_not_fit() {
    let zone = Zone::on_sqlite().await;
    let token = zone.token().await;
    let answer = zone.key(&token.secret).get("/904/events?page=0").await;
    answer.assert_refused(403, "organisation_mismatch");
}

#[tokio::test]
async fn a_foreign_event_is_told_before_its_missing_configuration() {
    let zone = Zone::on_sqlite().await;
    let token = zone.token().await;
    zone.unconfigure_foreign_event().await;
    let answer = zone.key(&token.secret).get("/903/event/556/ping").await;
    answer.assert_refused(403, "event_mismatch");
}

#[tokio::test]
async fn a_missing_configuration_is_told_before_a_feature_that_is_off() {
    let zone = Zone::on_sqlite().await;
    let token = zone.token().await;
    let answer = zone
        .key(&token.secret)
        .send(Method::POST, "/903/event/457/faces")
        .await;
    answer.assert_refused(404, "event_not_configured");
}
