//! The checks and revocation on PostgreSQL, too.

use crate::{guard, revocation, support::server::TestServer};

#[tokio::test]
#[ignore = "needs PostgreSQL: `make test` runs it"]
async fn every_check_refuses_with_its_status_and_code_on_postgres() {
    guard::every_check(&TestServer::on_postgres().await).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: `make test` runs it"]
async fn a_change_is_in_force_on_the_next_request_on_postgres() {
    let server = TestServer::on_postgres().await;
    revocation::switch_off_and_on(&server).await;
    revocation::delete(&server).await;
    revocation::change_plan(&server).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: `make test` runs it"]
async fn a_change_is_in_force_on_the_next_request_on_postgres_with_cached_keys() {
    let server = TestServer::on_postgres().await;
    server.with_leases().await;
    revocation::delete(&server).await;
    revocation::change_plan(&server).await;
}
