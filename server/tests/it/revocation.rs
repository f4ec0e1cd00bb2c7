//! "On the next request": what is reported as done is in force with the very next call.

use model::organisation::Plan;

use crate::zone::Zone;

#[tokio::test]
async fn a_paused_token_is_refused_and_a_resumed_one_taken_on_the_very_next_request() {
    pause_and_resume(&Zone::on_sqlite().await).await;
}

pub(crate) async fn pause_and_resume(zone: &Zone) {
    let token = zone.token().await;
    let client = zone.key(&token.secret);
    for _ in 0..3 {
        client.get("/903/events").await.assert_success();
        zone.set_active(&token, false).await;
        client
            .get("/903/events")
            .await
            .assert_refused(403, "token_inactive");
        zone.set_active(&token, true).await;
    }
    client.get("/903/events").await.assert_success();
}

#[tokio::test]
async fn a_deleted_token_is_refused_on_the_very_next_request() {
    delete(&Zone::on_sqlite().await).await;
}

pub(crate) async fn delete(zone: &Zone) {
    let (token, other) = (zone.token().await, zone.token().await);
    let client = zone.key(&token.secret);
    client.get("/903/events").await.assert_success();
    zone.delete(&token).await;
    client
        .get("/903/events")
        .await
        .assert_refused(403, "token_invalid");
    zone.key(&other.secret)
        .get("/903/events")
        .await
        .assert_success();
}

#[tokio::test]
async fn a_change_of_plan_is_in_force_on_the_very_next_request() {
    change_plan(&Zone::on_sqlite().await).await;
}

pub(crate) async fn change_plan(zone: &Zone) {
    let token = zone.token().await;
    let client = zone.key(&token.secret);
    for plan in [Plan::Trial, Plan::PayAsYouGo, Plan::Pro] {
        zone.set_plan(plan).await;
        client
            .get("/903/events")
            .await
            .assert_refused(403, "plan_required");
        zone.set_plan(Plan::Enterprise).await;
        client.get("/903/events").await.assert_success();
    }
}
