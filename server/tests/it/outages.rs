//! What a running server needs is taken from it: it refuses, says so, and goes on by itself once it has it again.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::process::Resource;
use sqlx::{Connection, SqliteConnection};

use crate::{
    program::{Outcome, Serving, developer_zone, done, read_answer, run, wait_until},
    zone::TestDatabase,
};

const PING: &str = "/api/v1/ext/903/event/456/ping";
pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\n";

pub(crate) fn new_token(url: &str) -> String {
    let create = ["token", "create", "--organisation", "903"];
    let by = ["--created-by", "member@example.com"];
    done(url, &[&create[..], &by].concat())
        .trim_end()
        .to_owned()
}

pub(crate) fn ping(server: &Serving, token: &str) -> String {
    server.get(PING, &[("X-API-Key", token)])
}

#[track_caller]
pub(crate) fn assert_unavailable(answer: &str) {
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("x-error-code: unavailable\r\n"), "{answer}");
    assert!(answer.contains("retry-after: "), "{answer}");
    assert!(answer.contains(r#"{"responseType":"error","#), "{answer}");
}

/// Whether somebody can sign in: for that the server writes to its database.
pub(crate) fn signs_in(server: &Serving) -> bool {
    let form = "email=member@example.com&password=developer-zone-demo";
    let kind = [("Content-Type", "application/x-www-form-urlencoded")];
    let answer = server.post("/api/dashboard/sign-in", &kind, form);
    let status = &answer[..13];
    assert!(
        ["HTTP/1.1 303 ", "HTTP/1.1 503 "].contains(&status),
        "{answer}"
    );
    let signed_in = answer.contains("location: /events\r\n");
    assert_eq!(
        signed_in,
        answer.contains("set-cookie: session="),
        "{answer}"
    );
    signed_in
}

/// A wire to a database that can fall silent, or be cut.
struct Wire {
    address: SocketAddr,
    state: Arc<AtomicU8>,
}

const OPEN: u8 = 0;
const SILENT: u8 = 1;
const CUT: u8 = 2;

impl Wire {
    fn to(database: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(AtomicU8::new(OPEN));
        let watched = state.clone();
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if watched.load(Ordering::SeqCst) != CUT {
                    let far = TcpStream::connect(database).expect("the database is there");
                    for (from, to) in [(&near, &far), (&far, &near)] {
                        let (from, to) = (from.try_clone(), to.try_clone());
                        let (from, to) = (from.expect("copied"), to.expect("copied"));
                        let watched = watched.clone();
                        thread::spawn(move || pass_on(from, to, &watched));
                    }
                }
            }
        });
        Self { address, state }
    }

    fn set(&self, state: u8) {
        self.state.store(state, Ordering::SeqCst);
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, state: &AtomicU8) {
    let moment = Duration::from_millis(10);
    from.set_read_timeout(Some(moment)).expect("set");
    let mut bytes = [0; 16 * 1024];
    loop {
        let read = match state.load(Ordering::SeqCst) {
            OPEN => from.read(&mut bytes),
            SILENT => {
                thread::sleep(moment);
                continue;
            }
            _ => break,
        };
        let passed = match read {
            Ok(0) => break,
            Ok(read) => to.write_all(&bytes[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error),
        };
        if passed.is_err() {
            break;
        }
    }
    let _ = from.shutdown(std::net::Shutdown::Both);
    let _ = to.shutdown(std::net::Shutdown::Both);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_away_is_503_and_one_that_comes_back_is_used_without_a_restart() {
    let database = TestDatabase::postgres().await;
    let direct = database.url();
    done(&direct, &["demo"]);
    let token = new_token(&direct);
    let host = direct.split(['@', '/']).nth(3).expect("a host");
    let wire = Wire::to(host.parse().expect("an address"));
    let url = direct.replace(host, &wire.address.to_string());

    wire.set(CUT);
    let refused = run(&url, &["serve", "--listen", "127.0.0.1:0"]);
    refused.assert_failed("cannot open the database");
    assert!(refused.stderr.contains("--database-url"), "{refused:?}");

    wire.set(OPEN);
    let hosts = ["--api-hosts=127.0.0.1", "--lease-ms=0"];
    let mut server = Serving::start(&url, &hosts);
    assert!(ping(&server, &token).starts_with(OK));
    for gone in [CUT, SILENT] {
        wire.set(gone);
        let asked = Instant::now();
        assert_unavailable(&ping(&server, &token));
        assert!(asked.elapsed() < Duration::from_secs(15), "{gone}");
        assert!(!signs_in(&server));
        let answer = server.get("/healthz", &[]);
        assert!(answer.starts_with(OK), "it lives: {answer}");
        wire.set(OPEN);
        wait_until("the server to have its database again", || {
            ping(&server, &token).starts_with(OK)
        });
        assert!(signs_in(&server));
    }
    assert!(server.is_running());
}

/// `serve` in a shell that was told this first. Its database is the demo's.
fn start_after(words: &str, url: &str) -> Serving {
    let serve = developer_zone(url, &["serve", "--listen", "127.0.0.1:0", "--demo"]);
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{words}; exec \"$0\" \"$@\"")]);
    shell.arg(serve.get_program()).args(serve.get_args());
    for (name, value) in serve.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    Serving::start_as(shell)
}

/// No file may grow: what a full disk is to whoever writes. (The signal that tells it would end the process.)
#[test]
fn on_a_full_disk_nothing_is_reported_done_and_keys_are_checked_as_ever() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    let full = Some(1);
    let server = start_after("trap '' XFSZ", &url);
    let token = new_token(&url);
    let unlimited = server.limit(Resource::Fsize, full);
    assert!(!signs_in(&server));
    assert!(ping(&server, &token).starts_with(OK));
    let wrong = ping(&server, "made-up");
    assert!(wrong.starts_with("HTTP/1.1 403 "), "{wrong}");

    let pause = ["token", "deactivate", "--organisation", "903", "1"];
    let program = developer_zone(&url, &pause);
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\""]);
    shell.arg(program.get_program()).args(program.get_args());
    let refused: Outcome = shell.output().expect("started").into();
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert_eq!(refused.stdout, "", "{refused:?}");

    server.limit(Resource::Fsize, unlimited.current);
    wait_until("the server to write again", || signs_in(&server));
    done(&url, &pause);
    let paused = ping(&server, &token);
    assert!(
        paused.contains("x-error-code: token_inactive\r\n"),
        "{paused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn while_somebody_locks_the_file_keys_are_checked_and_changes_are_refused() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    let server = Serving::start(&url, &["--demo", "--lease-ms=0"]);
    let token = new_token(&url);
    let mut other = SqliteConnection::connect(&url).await.expect("open");
    let lock = sqlx::raw_sql("BEGIN EXCLUSIVE").execute(&mut other).await;
    lock.expect("locked");
    assert!(ping(&server, &token).starts_with(OK));
    assert!(!signs_in(&server));
    let pause = ["token", "deactivate", "--organisation", "903", "1"];
    run(&url, &pause).assert_failed("the database cannot be reached");
    assert!(ping(&server, &token).starts_with(OK));
    let unlock = sqlx::raw_sql("ROLLBACK").execute(&mut other).await;
    unlock.expect("unlocked");
    wait_until("the server to write again", || signs_in(&server));
    other.close().await.expect("closed");
}

#[test]
fn a_crowd_of_connections_leaves_handles_for_the_database_and_is_served_in_turn() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    let server = start_after("ulimit -n 100", &url);
    let token = new_token(&url);
    // More than there are handles. Those that are not taken yet wait in the system's queue.
    let crowd: Vec<_> = (0..110)
        .map(|_| TcpStream::connect(server.address).expect("connected"))
        .collect();
    let waiting: Vec<_> = (0..5)
        .map(|_| server.send(PING, &[("X-API-Key", &token)]))
        .collect();
    drop(crowd);
    for stream in waiting {
        let answer = read_answer(stream);
        assert!(answer.starts_with(OK), "{answer}");
    }
    assert!(signs_in(&server));
    let outcome = server.stop();
    outcome.assert_done();
    assert!(!outcome.stderr.contains("ERROR"), "{}", outcome.stderr);
}

#[test]
fn without_any_file_handle_left_running_connections_go_on_and_new_ones_follow_later() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    let server = Serving::start(&url, &["--demo"]);
    let token = new_token(&url);
    assert!(ping(&server, &token).starts_with(OK));
    let mut kept = TcpStream::connect(server.address).expect("connected");
    let mut ask = || {
        let request = format!(
            "GET {PING} HTTP/1.1\r\nHost: {}\r\nX-API-Key: {token}\r\n\r\n",
            server.address
        );
        kept.write_all(request.as_bytes()).expect("sent");
        let mut answer = Vec::new();
        let mut byte = [0];
        while !answer.ends_with(b"}}") {
            kept.read_exact(&mut byte).expect("an answer");
            answer.push(byte[0]);
        }
        String::from_utf8(answer).expect("a text")
    };
    assert!(ask().starts_with(OK));
    let before = server.limit(Resource::Nofile, Some(3));
    let late = server.send(PING, &[("X-API-Key", &token)]);
    server.await_stderr("the system gives no further connection");
    assert!(ask().starts_with(OK));
    server.limit(Resource::Nofile, before.current);
    let answer = read_answer(late);
    assert!(answer.starts_with(OK), "{answer}");
    server.stop().assert_done();
}
