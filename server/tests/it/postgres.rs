//! The checks and revocation on PostgreSQL, too.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    guard, revocation,
    support::{
        MEMBER, browser::Browser, database::TestDatabase, program::run, server::TestServer,
        wait::TIMEOUT,
    },
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

/// The other server is a row: it neither acknowledges changes nor renews its lease.
#[tokio::test]
#[ignore = "needs PostgreSQL: `make test` runs it"]
async fn the_dashboard_counts_the_servers_that_a_change_waits_for_and_those_that_confirmed() {
    let server = TestServer::on_postgres().await;
    let (token, member) = (server.token().await, server.session(MEMBER).await);
    server.with_leases().await;
    let organisation = json!({ "organisation_id": 903 });
    let of_token = json!({ "organisation_id": 903, "token_id": token.id });
    let silent = async || member.call("silent-servers", &organisation).await.json();
    assert_eq!(silent().await, Value::Null);
    let add = "INSERT INTO servers (id, lease_ms, renewal, acknowledged)
        SELECT 1, 60000, 0, seq FROM change_counter";
    server.database.sql(add).await;
    assert_eq!(silent().await, Value::Null);
    let change = async |name: &str| {
        let done = member.call(name, &of_token).await.json();
        let acknowledged = done["acknowledged"].clone();
        // The page shows these words.
        let words = done["words"].as_str().expect("words");
        let has_lease = words.contains("The lease of 1 silent server ran out.");
        assert_eq!(has_lease, acknowledged["ended_leases"] == 1, "{words}");
        acknowledged
    };
    let answer = async {
        let start = Instant::now();
        let expected = json!({ "silent": 1, "registered": 2, "at_most_seconds": 66 });
        while silent().await != expected {
            assert!(start.elapsed() < TIMEOUT, "{}", silent().await);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let acknowledge = "UPDATE servers SET acknowledged = 1000 WHERE id = 1";
        server.database.sql(acknowledge).await;
    };
    let (acknowledged, ()) = tokio::join!(change("deactivate-token"), answer);
    let counts = |servers, leases| json!({ "servers": servers, "ended_leases": leases });
    assert_eq!(acknowledged, counts(2, 0));
    assert_eq!(silent().await, Value::Null);
    let end_soon = "UPDATE servers SET lease_ms = 30, acknowledged = 0 WHERE id = 1";
    server.database.sql(end_soon).await;
    assert_eq!(change("activate-token").await, counts(1, 1));
    assert_eq!(change("deactivate-token").await, counts(1, 0));
}

/// Without script, a flash message is the receipt.
#[tokio::test]
#[ignore = "needs PostgreSQL: `make test` runs it"]
async fn without_script_the_receipt_counts_servers_and_leases() {
    let server = TestServer::on_postgres().await;
    let token = server.token().await.id.to_string();
    let mut browser = Browser::signed_in(&server).await;
    server.with_leases().await;
    let of_token = [("organisation_id", "903"), ("token_id", &token)];
    for (name, form) in [
        ("deactivate-token", &of_token[..]),
        ("activate-token", &of_token),
        ("deactivate-all-tokens", &of_token[..1]),
        ("delete-token", &of_token),
    ] {
        let add = "INSERT INTO servers (id, lease_ms, renewal, acknowledged) VALUES (1, 30, 0, -1)";
        server.database.sql(add).await;
        let done = browser.form(name, form).await;
        let page = browser.get(done.location()).await.text;
        let counted = "Confirmed by 1 server. The lease of 1 silent server ran out.";
        assert!(page.contains(counted), "{name}: {page}");
    }
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
