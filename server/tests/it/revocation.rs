//! "On the next request": what is reported as done is in force with the very next call.

use model::organisation::Plan;

use crate::support::server::TestServer;

#[tokio::test]
async fn a_paused_token_is_refused_and_a_resumed_one_taken_on_the_very_next_request() {
    pause_and_resume(&TestServer::on_sqlite().await).await;
}

pub(crate) async fn pause_and_resume(server: &TestServer) {
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

/// Answers come from memory all the time here: the clock of the leases stands still.
#[tokio::test]
async fn every_change_is_in_force_on_the_very_next_request_to_a_server_that_remembers() {
    let server = TestServer::on_sqlite().await;
    server.with_leases().await;
    pause_and_resume(&server).await;
    delete(&server).await;
    change_plan(&server).await;
}

#[tokio::test]
async fn a_remembered_token_is_refused_from_the_moment_of_its_expiry() {
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

/// What was read is good for a lease, whatever becomes of the database; then the guard does not guess.
#[tokio::test]
async fn without_a_database_keys_are_known_for_one_lease_and_then_refused() {
    let server = TestServer::on_sqlite().await;
    let token = server.token().await;
    let client = server.key(&token.secret);
    let clock = server.with_leases().await;
    let ping = "/903/event/456/ping";
    client.get(ping).await.assert_success();
    server.store.close().await;
    clock.advance(249);
    client.get(ping).await.assert_success();
    clock.advance(1);
    let refused = client.get(ping).await;
    refused.assert_refused(503, "unavailable");
}

#[tokio::test]
async fn a_deleted_token_is_refused_on_the_very_next_request() {
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
async fn a_change_of_plan_is_in_force_on_the_very_next_request() {
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
