//! `/readyz` of the running program, and how it stops.

use std::time::Instant;

use rustix::process::Signal;
use sqlx::{Connection, PgConnection};

use crate::{
    program::{PATIENCE, Serving, done, read_answer, run, wait_until},
    zone::TestDatabase,
};

fn ready(server: &Serving) -> bool {
    server.get("/readyz", &[]).starts_with("HTTP/1.1 200 OK")
}

#[test]
fn readyz_answers_whatever_the_host_without_a_key_and_uncached() {
    let database = TestDatabase::sqlite();
    let server = Serving::start(&database.url(), &[]);
    for path in ["/readyz", "/healthz"] {
        let answer = server.get(path, &[("Host", "10.0.0.7")]);
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        assert!(answer.contains("cache-control: no-store"), "{answer}");
    }
    let answer = server.get("/readyz", &[]);
    assert!(
        answer.ends_with("\r\n\r\n{\"status\":\"ready\"}"),
        "{answer}"
    );
    let url = server.url();
    let healthcheck = ["healthcheck", "--ready", "--url", &url];
    assert_eq!(done(&database.url(), &healthcheck), "ready\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_under_which_the_schema_was_changed_is_alive_and_not_ready() {
    let database = TestDatabase::sqlite();
    let server = Serving::start(&database.url(), &[]);
    assert!(ready(&server));
    let upgraded =
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES (9999, 'from the future', TRUE, X'00', 0)";
    database.sql(upgraded).await;
    wait_until("it is not ready", || !ready(&server));
    let answer = server.get("/readyz", &[]);
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("another schema"), "{answer}");
    assert!(server.get("/healthz", &[]).starts_with("HTTP/1.1 200"));
    let url = server.url();
    run(&database.url(), &["healthcheck", "--ready", "--url", &url]).assert_failed("is not ready");
    done(&database.url(), &["healthcheck", "--url", &url]);
    database
        .sql("DELETE FROM _sqlx_migrations WHERE version = 9999")
        .await;
    wait_until("it is ready again", || ready(&server));
    let outcome = server.stop();
    for (words, times) in [("not ready: ", 1), ("ready again", 1)] {
        assert_eq!(
            outcome.stderr.matches(words).count(),
            times,
            "{}",
            outcome.stderr
        );
    }
}

/// However many ask while the database does not answer: one question waits there, and all have their answer
/// in bounded time.
#[tokio::test(flavor = "multi_thread")]
async fn many_who_ask_whether_it_is_ready_are_one_question_to_the_database() {
    let database = TestDatabase::postgres().await;
    let url = database.url();
    let originals = tempfile::tempdir().expect("a folder");
    let folder = originals.path().display().to_string();
    let server = Serving::start(&url, &["--originals-folder", &folder]);
    let mut locking = PgConnection::connect(&url).await.expect("open");
    let mut lock = locking.begin().await.expect("begun");
    let statement = sqlx::raw_sql("LOCK TABLE _sqlx_migrations IN ACCESS EXCLUSIVE MODE");
    statement.execute(&mut *lock).await.expect("locked");
    // What was found before is not repeated for longer than a second.
    wait_until("it is not ready", || !ready(&server));
    let begin = Instant::now();
    let asking: Vec<_> = (0..50).map(|_| server.send("/readyz", &[])).collect();
    let mut watching = PgConnection::connect(&url).await.expect("open");
    let waiting = "SELECT COUNT(*) FROM pg_locks WHERE NOT granted
        AND relation = '_sqlx_migrations'::regclass";
    let mut most = 0;
    let mut answers = Vec::new();
    for stream in asking {
        let count: i64 = sqlx::query_scalar(waiting)
            .fetch_one(&mut watching)
            .await
            .expect("told");
        most = most.max(count);
        answers.push(read_answer(stream));
    }
    assert!(most <= 1, "{most} questions at once");
    assert!(begin.elapsed() < PATIENCE / 2, "{:?}", begin.elapsed());
    for answer in answers {
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        assert!(answer.contains("cannot be reached"), "{answer}");
    }
    lock.rollback().await.expect("released");
    wait_until("it is ready again", || ready(&server));
    locking.close().await.expect("closed");
    watching.close().await.expect("closed");
    server.stop().assert_done();
}

#[test]
fn after_sigterm_requests_are_taken_for_the_delay_while_load_balancers_are_sent_away() {
    let database = TestDatabase::sqlite();
    let server = Serving::start(&database.url(), &["--shutdown-delay", "10m"]);
    server.signal(Signal::TERM);
    server.await_stderr("still taking requests");
    let answer = server.get("/readyz", &[]);
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("stopping"), "{answer}");
    assert!(server.get("/healthz", &[]).starts_with("HTTP/1.1 200"));
    assert!(server.get("/sign-in", &[]).starts_with("HTTP/1.1 200"));
    // Who does not want to wait says so again.
    server.signal(Signal::TERM);
    let outcome = server.wait();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(outcome.stderr.contains("told to stop again"), "{outcome:?}");
}

#[test]
fn a_delay_that_is_over_ends_in_an_ordinary_stop() {
    let database = TestDatabase::sqlite();
    let options = ["--shutdown-delay", "1s", "--shutdown-grace", "0"];
    Serving::start(&database.url(), &options)
        .stop()
        .assert_done();
    for option in ["--shutdown-delay", "--shutdown-grace"] {
        for odd in ["-1s", "10", "3601s", "ten"] {
            let odd = format!("{option}={odd}");
            run(&database.url(), &["serve", &odd]).assert_misunderstood("for example 10s");
        }
    }
}
