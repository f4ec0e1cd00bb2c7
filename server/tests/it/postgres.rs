//! The main flows once more, on PostgreSQL.

use crate::{guard, revocation, zone::Zone};

#[tokio::test]
async fn every_row_of_the_guards_table_holds_on_postgres() {
    guard::every_row(&Zone::on_postgres().await).await;
}

#[tokio::test]
async fn a_change_is_in_force_on_the_very_next_request_on_postgres() {
    let zone = Zone::on_postgres().await;
    revocation::pause_and_resume(&zone).await;
    revocation::delete(&zone).await;
    revocation::change_plan(&zone).await;
}

#[tokio::test]
async fn a_change_is_in_force_on_the_very_next_request_on_postgres_with_leases() {
    let zone = Zone::on_postgres().await;
    zone.with_leases().await;
    revocation::delete(&zone).await;
    revocation::change_plan(&zone).await;
}

#[tokio::test]
async fn without_a_database_a_key_is_refused_with_503_on_postgres() {
    let zone = Zone::on_postgres().await;
    let token = zone.token().await;
    zone.store.close().await;
    let answer = zone.key(&token.secret).get("/903/events").await;
    answer.assert_refused(503, "unavailable");
}
