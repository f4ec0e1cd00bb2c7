//! PgBouncer in transaction mode: after each transaction it gives PostgreSQL's session to another client. So nothing may
//! stay in a session, and nothing may be expected there.

use std::thread;

use sqlx::{Connection, PgConnection};

use crate::support::{
    DEMO_PASSWORD, MEMBER,
    database::{TestDatabase, count_waiting, lock_table, wait_until_zero},
    pgbouncer::PgBouncer,
    process::{OK, ServerProcess, assert_unavailable},
    program::{create_token, done, newest_token_id},
};

const API_HOST: &str = "--api-hosts=127.0.0.1";

/// Runs two commands at the same time.
fn create_together(url: &str, ids: [&str; 2]) {
    let create = [
        "organisation",
        "create",
        "--name=Races",
        "--plan=trial",
        "--id",
    ];
    thread::scope(|threads| {
        for id in ids {
            threads.spawn(move || done(url, &[&create[..], &[id]].concat()));
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and PgBouncer: `make test` runs it"]
async fn commands_that_start_together_behind_pgbouncer_leave_no_lock_behind() {
    let database = TestDatabase::postgres().await;
    let direct = database.url();
    let pooler = PgBouncer::before(&database);
    let mut watching = PgConnection::connect(&direct).await.expect("connected");
    for ids in [["1", "2"], ["3", "4"]] {
        create_together(pooler.url(), ids);
        // PostgreSQL ends a transaction a moment after its command has ended.
        let locks = "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory'
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        wait_until_zero(&mut watching, locks).await;
    }
    done(pooler.url(), &["demo"]);
    create_token(pooler.url());
    let id = newest_token_id(pooler.url());
    done(
        &direct,
        &["token", "deactivate", "--organisation", "903", &id],
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and PgBouncer: `make test` runs it"]
async fn a_revocation_is_in_force_on_servers_behind_pgbouncer_and_beside_it() {
    let database = TestDatabase::postgres().await;
    let direct = database.url();
    let pooler = PgBouncer::before(&database);
    done(pooler.url(), &["demo"]);
    let behind = ServerProcess::start(pooler.url(), &[API_HOST]);
    let beside = ServerProcess::start(&direct, &[API_HOST]);
    let token = create_token(&direct);
    let id = newest_token_id(&direct);
    let assert_both = |start: &str| {
        for server in [&behind, &beside] {
            let response = server.ping(&token);
            assert!(response.contains(start), "{response}");
        }
    };
    assert_both(OK);
    let session = behind.sign_in(MEMBER, DEMO_PASSWORD);
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let fields = format!("organisation_id=903&token_id={id}");
    let headers = [form, ("Cookie", &session)];
    let deactivated = behind.post("/api/dashboard/deactivate-token", &headers, &fields);
    assert!(deactivated.starts_with(OK), "{deactivated}");
    assert_both("x-error-code: token_inactive\r\n");
    done(
        pooler.url(),
        &["token", "activate", "--organisation", "903", &id],
    );
    assert_both(OK);
    done(&direct, &["token", "delete", "--organisation", "903", &id]);
    assert_both("x-error-code: token_invalid\r\n");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and PgBouncer: `make test` runs it"]
async fn behind_pgbouncer_postgresql_ends_a_read_that_waits_for_a_lock() {
    let database = TestDatabase::postgres().await;
    let pooler = PgBouncer::before(&database);
    done(pooler.url(), &["demo"]);
    let token = create_token(pooler.url());
    let server = ServerProcess::start(pooler.url(), &[API_HOST]);
    let mut connections = Vec::new();
    for _ in 0..2 {
        connections.push(
            PgConnection::connect(&database.url())
                .await
                .expect("connected"),
        );
    }
    let [locking, watching] = &mut connections[..] else {
        unreachable!("two");
    };
    let lock = lock_table(locking, "events").await;
    assert_unavailable(&server.get("/api/v1/ext/903/events", &[("X-API-Key", &token)]));
    assert_eq!(count_waiting(watching, "events").await, 0);
    lock.rollback().await.expect("released");
    let events = server.get("/api/v1/ext/903/events", &[("X-API-Key", &token)]);
    assert!(events.starts_with(OK), "{events}");
}
