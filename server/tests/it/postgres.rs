//! The checks and revocation on PostgreSQL, too.

use crate::{
    guard, revocation,
    support::{database::TestDatabase, program::run, server::TestServer},
};

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

/// A name with a character that the encoding lacks would be an error of the database, long after the start.
#[tokio::test]
#[ignore = "needs PostgreSQL: `make test` runs it"]
async fn a_database_that_cannot_store_every_character_is_refused_at_the_start() {
    for encoding in ["LATIN1", "SQL_ASCII"] {
        let database = TestDatabase::postgres_in(encoding).await;
        for command in [&["migrate"][..], &["serve", "--listen", "127.0.0.1:0"]] {
            let refused = run(&database.url(), command);
            refused.assert_failed(&format!("the encoding of the database is {encoding}"));
            assert!(refused.stderr.contains("ENCODING 'UTF8'"), "{refused:?}");
        }
    }
}
