//! A change that is reported as done is in force on the next request.

use model::organisation::Plan;

use crate::support::server::TestServer;

#[tokio::test]
async fn deactivation_and_activation_are_in_force_on_the_next_request() {
    switch_off_and_on(&TestServer::on_sqlite().await).await;
}

pub(crate) async fn switch_off_and_on(server: &TestServer) {
    let token = server.token().await;
    let client = server.key(&token.secret);
    for _ in 0..3 {
        client.get("/903/events").await.assert_success();
        server.set_active(&token, false).await;
        client
            .get("/903/events")
            .await
            .assert_refused(403, "token_inactive");
        server.set_active(&token, true).await;
    }
    client.get("/903/events").await.assert_success();
}

/// The clock of the leases does not move, so cached keys never expire by themselves.
#[tokio::test]
async fn every_change_is_in_force_on_the_next_request_while_keys_are_cached() {
    let server = TestServer::on_sqlite().await;
    server.with_leases().await;
    switch_off_and_on(&server).await;
    delete(&server).await;
    change_plan(&server).await;
}

#[tokio::test]
async fn a_cached_token_is_refused_from_the_millisecond_of_its_expiry() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    let client = server.key(&token.secret);
    server.expire(&token).await;
    server.clock.advance(-1);
    server.with_leases().await;
    client.get("/903/events").await.assert_success();
    server.clock.advance(1);
    let refused = client.get("/903/events").await;
    refused.assert_refused(403, "token_expired");
}

#[tokio::test]
async fn without_a_lease_cached_keys_are_refused() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    let client = server.key(&token.secret);
    server.with_leases().await;
    let ping = "/903/event/456/ping";
    client.get(ping).await.assert_success();
    server.store.close().await;
    let refused = client.get(ping).await;
    refused.assert_refused(503, "unavailable");
}

#[tokio::test]
async fn a_deleted_token_is_refused_on_the_next_request() {
    delete(&TestServer::on_sqlite().await).await;
}

pub(crate) async fn delete(server: &TestServer) {
    let (token, other) = (server.token().await, server.token().await);
    let client = server.key(&token.secret);
    client.get("/903/events").await.assert_success();
    server.delete(&token).await;
    client
        .get("/903/events")
        .await
        .assert_refused(403, "token_invalid");
    server
        .key(&other.secret)
        .get("/903/events")
        .await
        .assert_success();
}

#[tokio::test]
async fn a_change_of_plan_is_in_force_on_the_next_request() {
    change_plan(&TestServer::on_sqlite().await).await;
}

pub(crate) async fn change_plan(server: &TestServer) {
    let token = server.token().await;
    let client = server.key(&token.secret);
    for plan in [Plan::Trial, Plan::PayAsYouGo, Plan::Pro] {
        server.set_plan(plan).await;
        client
            .get("/903/events")
            .await
            .assert_refused(403, "plan_required");
        server.set_plan(Plan::Enterprise).await;
        client.get("/903/events").await.assert_success();
    }
}
