//! A SQLite file is damaged, truncated or replaced. The server refuses keys and says what to do.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    time::Instant,
};

use sqlx::{Connection, SqliteConnection};

use crate::support::{
    UNKNOWN_KEY,
    database::TestDatabase,
    process::{OK, ServerProcess, assert_unavailable},
    program::{create_token, done, run},
    wait::{TIMEOUT, wait_until},
};

/// Without a rate limit: a test that pings until the server refuses must not meet 429.
const OPTIONS: [&str; 3] = ["--demo", "--api-hosts=127.0.0.1", "--rate-limit=0"];

const RESTORE: &str = "restore the last backup";

fn file(database: &TestDatabase) -> File {
    let file = File::options().write(true).open(database.file());
    file.expect("open")
}

/// Overwrites all pages of the token table and its indexes. Before that, a checkpoint moves the write-ahead log into
/// the file.
async fn damage_tokens(database: &TestDatabase) {
    let mut connection = SqliteConnection::connect(&database.url()).await;
    let connection = connection.as_mut().expect("open");
    sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        .execute(&mut *connection)
        .await
        .expect("checkpointed");
    let size: i64 = sqlx::query_scalar("PRAGMA page_size")
        .fetch_one(&mut *connection)
        .await
        .expect("read");
    let pages: Vec<i64> = sqlx::query_scalar(
        "SELECT rootpage FROM sqlite_master WHERE tbl_name = 'tokens' AND rootpage > 0",
    )
    .fetch_all(&mut *connection)
    .await
    .expect("read");
    assert!(!pages.is_empty());
    let file = file(database);
    for page in pages {
        let size = u64::try_from(size).expect("a size");
        let start = u64::try_from(page - 1).expect("a page") * size;
        let junk = vec![0xaa; usize::try_from(size).expect("a size")];
        file.write_all_at(&junk, start).expect("written");
    }
}

#[track_caller]
fn assert_failed_inside(response: &str) {
    assert!(response.starts_with("HTTP/1.1 500 "), "{response}");
    assert!(
        response.contains("x-error-code: internal\r\n"),
        "{response}"
    );
    assert!(!response.contains("malformed"), "{response}");
    assert!(!response.contains("backup"), "{response}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the built front end: `make test` runs it"]
async fn a_server_refuses_every_key_when_the_token_table_is_damaged() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    ServerProcess::start(&url, &["--demo"]).stop().assert_done();
    let token = create_token(&url);
    damage_tokens(&database).await;
    let server = ServerProcess::start(&url, &OPTIONS[1..]);
    for key in [&token[..], UNKNOWN_KEY] {
        assert_failed_inside(&server.ping(key));
    }
    let outcome = server.stop();
    assert!(outcome.stderr.contains("malformed"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains(RESTORE), "{}", outcome.stderr);
}

/// SQLite may serve pages from its cache, from before the damage. After a write it reads the file again. The first read
/// that finds the damage also closes the server for keys in memory.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the built front end: `make test` runs it"]
async fn damage_under_a_running_server_closes_it_with_the_first_read_after_the_next_write() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    let server = ServerProcess::start(&url, &OPTIONS);
    let token = create_token(&url);
    let unused = create_token(&url);
    assert!(server.ping(&token).starts_with(OK));
    damage_tokens(&database).await;
    server.can_sign_in();
    for key in [&unused[..], UNKNOWN_KEY, &unused, &token] {
        let response = server.ping(key);
        assert!(!response.starts_with(OK), "{response}");
    }
    server.await_stderr(RESTORE);
    let ready = server.get("/readyz", &[]);
    assert!(ready.starts_with("HTTP/1.1 503 "), "{ready}");
    let deactivate = ["token", "deactivate", "--organisation", "903", "1"];
    run(&url, &deactivate).assert_failed("the database file is damaged");
}

/// SQLite may go on with pages in its memory, and calls with what the server knows of their key.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the built front end: `make test` runs it"]
async fn after_a_file_was_truncated_no_deactivation_is_reported_that_calls_do_not_obey() {
    for length in [0, 4096, 40_000] {
        let database = TestDatabase::sqlite();
        let url = database.url();
        let server = ServerProcess::start(&url, &OPTIONS);
        let token = create_token(&url);
        assert!(server.ping(&token).starts_with(OK));
        // A reader can prevent it. The write-ahead log would then hide the damage.
        let log = database.file().with_extension("db-wal");
        let (start, mut is_empty) = (Instant::now(), false);
        while !is_empty {
            assert!(start.elapsed() < TIMEOUT, "the log stays");
            database.sql("PRAGMA wal_checkpoint(TRUNCATE)").await;
            is_empty = fs::metadata(&log).is_ok_and(|log| log.len() == 0);
        }
        file(&database).set_len(length).expect("cut off");
        server.can_sign_in();
        let deactivate = ["token", "deactivate", "--organisation", "903", "1"];
        let outcome = run(&url, &deactivate);
        let response = server.ping(&token);
        let is_obeyed = !response.starts_with(OK);
        assert!(
            is_obeyed || outcome.code != Some(0),
            "{length}: {} {response}",
            outcome.stdout
        );
    }
}

/// In the second round a copy takes the file's place. The server still has the old file open, but the command line
/// would open the new one.
#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn a_server_refuses_a_file_that_was_moved_or_replaced_and_uses_it_when_it_is_back() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    let mut server = ServerProcess::start(&url, &OPTIONS);
    let token = create_token(&url);
    let (file, aside) = (database.file(), database.file().with_extension("aside"));
    for copy in [false, true] {
        assert!(server.ping(&token).starts_with(OK));
        let restored = database.file().with_extension(format!("copy-{copy}"));
        done(&url, &["backup", &restored.display().to_string()]);
        fs::rename(&file, &aside).expect("moved");
        if copy {
            fs::rename(&restored, &file).expect("moved");
        }
        wait_until("the lease to end", || !server.ping(&token).starts_with(OK));
        assert_unavailable(&server.ping(&token));
        assert_unavailable(&server.ping(UNKNOWN_KEY));
        assert!(!server.can_sign_in(), "a write to a lost file must fail");
        let ready = server.get("/readyz", &[]);
        assert!(ready.starts_with("HTTP/1.1 503 "), "{ready}");
        server.await_stderr("is no longer the file that was opened");
        fs::rename(&aside, &file).expect("moved back");
        wait_until("the server to use its file again", || {
            server.ping(&token).starts_with(OK)
        });
        assert!(server.can_sign_in());
    }
    assert!(server.is_running());
}
