//! The main flows once more, on PostgreSQL.

use crate::{guard, revocation, support::server::TestServer};

#[tokio::test]
#[ignore = "needs PostgreSQL: `make test` runs it"]
async fn every_row_of_the_guards_table_holds_on_postgres() {
    guard::every_row(&TestServer::on_postgres().await).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: `make test` runs it"]
async fn a_change_is_in_force_on_the_very_next_request_on_postgres() {
    let server = TestServer::on_postgres().await;
    revocation::pause_and_resume(&server).await;
    revocation::delete(&server).await;
    revocation::change_plan(&server).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: `make test` runs it"]
async fn a_change_is_in_force_on_the_very_next_request_on_postgres_with_leases() {
    let server = TestServer::on_postgres().await;
    server.with_leases().await;
    revocation::delete(&server).await;
    revocation::change_plan(&server).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: `make test` runs it"]
async fn without_a_database_a_key_is_refused_with_503_on_postgres() {
    let server = TestServer::on_postgres().await;
    let token = server.token().await;
    server.store.close().await;
    let response = server.key(&token.secret).get("/903/events").await;
    response.assert_refused(503, "unavailable");
}
