//! A running server loses a resource, such as its database or disk space. It refuses requests with an error, and
//! recovers without a restart.

use std::{
    io::{Read, Write},
    net::TcpStream,
    thread,
};

use rustix::process::Resource;

use crate::support::{
    PING_PATH,
    cuttable_proxy::State,
    database::TestDatabase,
    process::{OK, ServerProcess, assert_unavailable, read_response},
    program::{Outcome, create_token, done, in_shell, program, run},
    wait::{TIMEOUT, wait_until},
};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: `make test` runs it"]
async fn a_server_without_its_database_responds_503_and_uses_the_database_again_when_it_is_back() {
    let database = TestDatabase::postgres().await;
    let direct = database.url();
    done(&direct, &["demo"]);
    let token = create_token(&direct);
    let (proxy, url) = database.behind_proxy();

    proxy.set(State::Cut);
    let refused = run(&url, &["serve", "--listen", "127.0.0.1:0"]);
    refused.assert_failed("cannot open the database");
    assert!(refused.stderr.contains("--database-url"), "{refused:?}");

    proxy.set(State::Open);
    let options = ["--api-hosts=127.0.0.1", "--lease-ms=0"];
    let mut server = ServerProcess::start(&url, &options);
    assert!(server.ping(&token).starts_with(OK));
    for state in [State::Cut, State::Silent] {
        proxy.set(state);
        // Both wait for the database, so they run side by side.
        thread::scope(|threads| {
            threads.spawn(|| assert_unavailable(&server.ping(&token)));
            assert!(!server.can_sign_in(), "{state:?}");
        });
        let response = server.get("/healthz", &[]);
        assert!(response.starts_with(OK), "{state:?}: {response}");
        proxy.set(State::Open);
        wait_until("the server to use its database again", || {
            server.ping(&token).starts_with(OK)
        });
        assert!(server.can_sign_in(), "{state:?}");
    }
    assert!(server.is_running());
}

/// The default lease is longer than the outage.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: `make test` runs it"]
async fn during_a_short_outage_keys_in_use_are_accepted_and_a_change_afterwards_is_in_force() {
    let database = TestDatabase::postgres().await;
    let direct = database.url();
    done(&direct, &["demo"]);
    let token = create_token(&direct);
    let unused = create_token(&direct);
    let (proxy, url) = database.behind_proxy();
    let options = ["--api-hosts=127.0.0.1", "--lease-ms=60000"];
    let server = ServerProcess::start(&url, &options);
    let deactivate = ["token", "deactivate", "--organisation", "903", "1"];
    let activate = ["token", "activate", "--organisation", "903", "1"];
    for state in [State::Cut, State::Silent] {
        assert!(server.ping(&token).starts_with(OK));
        proxy.set(state);
        for _ in 0..20 {
            assert!(server.ping(&token).starts_with(OK), "{state:?}");
        }
        assert_unavailable(&server.ping(&unused));
        proxy.set(State::Open);
        done(&direct, &deactivate);
        let inactive = server.ping(&token);
        assert!(
            inactive.contains("x-error-code: token_inactive\r\n"),
            "{inactive}"
        );
        done(&direct, &activate);
    }
    assert!(server.ping(&unused).starts_with(OK));
}

/// A host that is cut off refuses connections, one that is silent does not answer.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: `make test` runs it"]
async fn of_several_hosts_server_and_commands_use_the_one_that_is_a_primary() {
    let database = TestDatabase::postgres().await;
    let direct = database.url();
    done(&direct, &["demo"]);
    let (one, url_of_one) = database.behind_proxy();
    let (other, _) = database.behind_proxy();
    let hosts = format!("{},{}", one.address(), other.address());
    let url = url_of_one.replace(&one.address().to_string(), &hosts);
    let server = ServerProcess::start(&url, &["--api-hosts=127.0.0.1"]);
    for (away, here, state) in [
        (&one, &other, State::Cut),
        (&other, &one, State::Silent),
        (&one, &other, State::Silent),
    ] {
        here.set(State::Open);
        away.set(state);
        // No server has it in memory.
        let token = create_token(&url);
        wait_until("a call to be answered", || {
            server.ping(&token).starts_with(OK)
        });
        done(
            &url,
            &["token", "deactivate", "--organisation", "903", "--all"],
        );
        let inactive = server.ping(&token);
        assert!(
            inactive.contains("x-error-code: token_inactive\r\n"),
            "{inactive}"
        );
    }
}

/// Starts a demo server in a shell that has run these commands.
fn start_after(words: &str, url: &str) -> ServerProcess {
    let serve = program(url, &["serve", "--listen", "127.0.0.1:0", "--demo"]);
    ServerProcess::start_with(in_shell(words, &serve))
}

/// The test limits the size of files, which looks like a full disk to the server. The signal that the system sends at that
/// limit must not end the process.
#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn on_a_full_disk_no_change_is_reported_as_done_and_keys_are_still_checked() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    let server = ServerProcess::start(&url, &["--demo"]);
    let token = create_token(&url);
    let unlimited = server.limit(Resource::Fsize, Some(1));
    assert!(!server.can_sign_in());
    assert!(server.ping(&token).starts_with(OK));
    let wrong = server.ping("made-up");
    assert!(wrong.starts_with("HTTP/1.1 403 "), "{wrong}");

    let deactivate = ["token", "deactivate", "--organisation", "903", "1"];
    let mut limited = in_shell("ulimit -f 1", &program(&url, &deactivate));
    let refused = Outcome::of(&mut limited);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert_eq!(refused.stdout, "", "{refused:?}");

    server.limit(Resource::Fsize, unlimited.current);
    wait_until("the server to write again", || server.can_sign_in());
    done(&url, &deactivate);
    let inactive = server.ping(&token);
    let code = "x-error-code: token_inactive\r\n";
    assert!(inactive.contains(code), "{inactive}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the built front end: `make test` runs it"]
async fn while_another_program_locks_the_file_keys_are_checked_and_changes_are_refused() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    let server = ServerProcess::start(&url, &["--demo", "--lease-ms=0"]);
    let token = create_token(&url);
    let lock = database.lock_writes().await;
    assert!(server.ping(&token).starts_with(OK));
    let deactivate = ["token", "deactivate", "--organisation", "903", "1"];
    // Both wait for the lock, so they run side by side.
    thread::scope(|threads| {
        let locked = "another program or a slow change keeps the database locked";
        threads.spawn(|| run(&url, &deactivate).assert_failed(locked));
        assert!(!server.can_sign_in());
    });
    assert!(server.ping(&token).starts_with(OK));
    lock.release().await;
    wait_until("the server to write again", || server.can_sign_in());
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn a_crowd_of_connections_leaves_file_handles_for_the_database_and_later_callers_are_served() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    let server = start_after("ulimit -n 100", &url);
    let token = create_token(&url);
    // More than the server has handles for. The rest waits in the system's queue.
    let crowd: Vec<_> = (0..110)
        .map(|_| TcpStream::connect(server.address).expect("connected"))
        .collect();
    let waiting: Vec<_> = (0..5)
        .map(|_| server.send(PING_PATH, &[("X-API-Key", &token)]))
        .collect();
    drop(crowd);
    for stream in waiting {
        let response = read_response(stream);
        assert!(response.starts_with(OK), "{response}");
    }
    assert!(server.can_sign_in());
    let outcome = server.stop();
    outcome.assert_done();
    assert!(!outcome.stderr.contains("ERROR"), "{}", outcome.stderr);
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn without_file_handles_open_connections_are_served_and_new_ones_wait() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    let server = ServerProcess::start(&url, &["--demo"]);
    let token = create_token(&url);
    assert!(server.ping(&token).starts_with(OK));
    let mut connection = TcpStream::connect(server.address).expect("connected");
    connection.set_read_timeout(Some(TIMEOUT)).expect("set");
    let mut ping_on_connection = || {
        let request = format!(
            "GET {PING_PATH} HTTP/1.1\r\nHost: {}\r\nX-API-Key: {token}\r\n\r\n",
            server.address
        );
        connection.write_all(request.as_bytes()).expect("sent");
        let mut response = Vec::new();
        let mut byte = [0];
        while !response.ends_with(b"}}") {
            connection.read_exact(&mut byte).expect("a response");
            response.push(byte[0]);
        }
        String::from_utf8(response).expect("a text")
    };
    assert!(ping_on_connection().starts_with(OK));
    let before = server.limit(Resource::Nofile, Some(3));
    let late = server.send(PING_PATH, &[("X-API-Key", &token)]);
    server.await_stderr("cannot accept a connection");
    assert!(ping_on_connection().starts_with(OK));
    server.limit(Resource::Nofile, before.current);
    let response = read_response(late);
    assert!(response.starts_with(OK), "{response}");
    server.stop().assert_done();
}
