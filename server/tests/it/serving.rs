//! `serve`, as whoever starts it sees it.

use std::net::{TcpListener, TcpStream};

use rustix::process::Signal;
use sqlx::{Connection, PgConnection};
use tokio::time::timeout;

use crate::{
    program::{
        PATIENCE, Serving, developer_zone, done, read_answer, run, run_with_input, wait_until,
    },
    zone::TestDatabase,
};

/// A token of 903 in the demo data.
fn demo_token(url: &str) -> String {
    let create = ["token", "create", "--organisation", "903"];
    let by = ["--created-by", "member@example.com"];
    done(url, &[&create[..], &by].concat())
        .trim_end()
        .to_owned()
}

const PING: &str = "/api/v1/ext/903/event/456/ping";

#[test]
fn the_first_line_is_the_address_with_the_port_that_was_taken() {
    let database = TestDatabase::sqlite();
    let server = Serving::start(&database.url(), &[]);
    assert_ne!(server.address.port(), 0);
    let answer = server.get("/healthz", &[]);
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nok"), "{answer}");
    let address = server.address;
    let outcome = server.stop();
    outcome.assert_done();
    assert_eq!(outcome.stdout, format!("listening on http://{address}\n"));
}

#[test]
fn healthz_answers_whatever_the_host_and_without_a_key() {
    let database = TestDatabase::sqlite();
    let server = Serving::start(&database.url(), &[]);
    let answer = server.get("/healthz", &[("Host", "10.0.0.7")]);
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

#[test]
fn healthcheck_ends_with_0_for_a_running_server_and_with_1_for_none() {
    let database = TestDatabase::sqlite();
    let server = Serving::start(&database.url(), &[]);
    let url = server.url();
    assert_eq!(
        done(&database.url(), &["healthcheck", "--url", &url]),
        "healthy\n"
    );
    server.stop().assert_done();
    let outcome = run(&database.url(), &["healthcheck", "--url", &url]);
    outcome.assert_failed("is not healthy");
    let outcome = run(
        &database.url(),
        &["healthcheck", "--url", "https://127.0.0.1"],
    );
    outcome.assert_misunderstood("http://127.0.0.1:3000");
}

#[test]
fn a_token_made_on_the_command_line_opens_the_api_of_a_demo_server() {
    let database = TestDatabase::sqlite();
    let server = Serving::start(&database.url(), &["--demo"]);
    let token = demo_token(&database.url());
    let port = server.address.port();
    for host in ["127.0.0.1", "localhost", "[::1]"] {
        let host = format!("{host}:{port}");
        let answer = server.get(PING, &[("X-API-Key", &token), ("Host", &host)]);
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        assert!(
            answer.ends_with(
                r#"{"responseType":"success","message":"pong","data":{"status":"ok","org_id":903,"event_id":456}}"#
            ),
            "{answer}"
        );
    }
    for (headers, start) in [
        (vec![], "HTTP/1.1 401"),
        (vec![("X-API-Key", "made-up")], "HTTP/1.1 403"),
        (
            vec![("X-API-Key", &token[..]), ("Host", "evil.example")],
            "HTTP/1.1 403",
        ),
        (
            vec![("X-API-Key", &token[..]), ("Host", "api.9pic.ai")],
            "HTTP/1.1 200",
        ),
    ] {
        let answer = server.get(PING, &headers);
        assert!(answer.starts_with(start), "{headers:?}: {answer}");
    }
}

/// Only the demo's own names are a convenience; a server that others reach is told its names.
#[test]
fn without_demo_the_api_is_served_under_the_configured_hosts_only() {
    let database = TestDatabase::sqlite();
    done(&database.url(), &["demo"]);
    let token = demo_token(&database.url());
    let hosts = ["--api-hosts", "api.example.com, API.example.net."];
    let server = Serving::start(&database.url(), &hosts);
    let status = |host: &str| {
        let answer = server.get(PING, &[("X-API-Key", &token), ("Host", host)]);
        answer.split(' ').nth(1).map(str::to_owned)
    };
    for (host, expected) in [
        ("api.example.com", "200"),
        ("api.example.net", "200"),
        ("api.9pic.ai", "403"),
        ("127.0.0.1", "403"),
        ("localhost", "403"),
    ] {
        assert_eq!(status(host).as_deref(), Some(expected), "{host}");
    }
}

/// Which host names open the sign-in page.
fn assert_dashboard(server: &Serving, hosts: &[(&str, &str)]) {
    for (host, expected) in hosts {
        let answer = server.get("/sign-in", &[("Host", host)]);
        let status = answer.split(' ').nth(1);
        assert_eq!(status, Some(*expected), "{host}");
    }
}

#[test]
fn the_dashboard_is_bound_to_the_hosts_named_else_to_the_public_url_else_to_none() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    let server = Serving::start(&url, &[]);
    assert_dashboard(&server, &[("127.0.0.1", "200"), ("any.example", "200")]);
    server.stop().assert_done();

    let public = ["--public-url", "https://dev.example.com:8443"];
    let server = Serving::start(&url, &public);
    let expected = [
        ("dev.example.com", "200"),
        ("api.9pic.ai", "404"),
        ("127.0.0.1", "421"),
        ("any.example", "421"),
    ];
    assert_dashboard(&server, &expected);
    server.stop().assert_done();

    let named = ["--dashboard-hosts", "a.example, b.example"];
    let server = Serving::start(&url, &[&public[..], &named].concat());
    let expected = [
        ("a.example", "200"),
        ("b.example", "200"),
        ("dev.example.com", "421"),
    ];
    assert_dashboard(&server, &expected);
}

#[test]
fn a_demo_with_a_public_address_is_still_open_where_it_listens() {
    let database = TestDatabase::sqlite();
    let public = ["--demo", "--public-url", "https://dev.example.com"];
    let server = Serving::start(&database.url(), &public);
    let expected = [
        ("dev.example.com", "200"),
        ("127.0.0.1:3000", "200"),
        ("localhost", "200"),
        ("any.example", "421"),
    ];
    assert_dashboard(&server, &expected);
}

#[test]
fn a_demo_server_tells_where_to_go_and_who_can_sign_in() {
    let database = TestDatabase::sqlite();
    let server = Serving::start(&database.url(), &["--demo"]);
    let url = server.url();
    let outcome = server.stop();
    outcome.assert_done();
    let mut lines = outcome.stdout.lines();
    assert_eq!(lines.next(), Some(&format!("listening on {url}")[..]));
    for words in [
        &format!("Open {url}")[..],
        "admin@example.com",
        "developer-zone-demo",
    ] {
        assert!(
            outcome.stdout.contains(words),
            "{words}: {}",
            outcome.stdout
        );
    }
    assert!(!outcome.stderr.contains("WARNING"), "{}", outcome.stderr);
}

#[test]
fn nothing_of_the_demo_is_there_unless_it_was_asked_for() {
    let database = TestDatabase::sqlite();
    Serving::start(&database.url(), &[]).stop().assert_done();
    assert_eq!(
        done(&database.url(), &["organisation", "list", "--json"]),
        "[]\n"
    );
}

#[test]
fn what_was_tried_out_in_the_demo_is_still_there_at_the_next_start() {
    let database = TestDatabase::sqlite();
    Serving::start(&database.url(), &["--demo"])
        .stop()
        .assert_done();
    let set_plan = ["organisation", "set-plan", "--id", "903", "--plan", "pro"];
    done(&database.url(), &set_plan);
    Serving::start(&database.url(), &["--demo"])
        .stop()
        .assert_done();
    let list = done(&database.url(), &["organisation", "list"]);
    assert!(list.contains("903  Summit Races    pro"), "{list}");
}

#[test]
fn demo_sign_ins_on_an_address_that_others_reach_are_warned_of_loudly() {
    let database = TestDatabase::sqlite();
    let listen = ["serve", "--listen", "0.0.0.0:0"];
    let demo = developer_zone(&database.url(), &[&listen[..], &["--demo"]].concat());
    let outcome = Serving::start_as(demo).stop();
    outcome.assert_done();
    assert!(outcome.stderr.contains("WARNING"), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("admin@example.com"),
        "{}",
        outcome.stderr
    );

    let mut quiet = developer_zone(&database.url(), &listen);
    quiet.env("DEVELOPER_ZONE_LOG", "off");
    let outcome = Serving::start_as(quiet).stop();
    assert!(outcome.stderr.contains("WARNING"), "{}", outcome.stderr);

    for user in ["admin", "member", "other", "trial"] {
        let email = format!("{user}@example.com");
        let change = [
            "user",
            "set-password",
            "--email",
            &email,
            "--password-stdin",
        ];
        run_with_input(&database.url(), &change, "nobody knows this").assert_done();
    }
    let outcome = Serving::start_as(developer_zone(&database.url(), &listen)).stop();
    assert!(!outcome.stderr.contains("WARNING"), "{}", outcome.stderr);
}

#[test]
fn sigterm_and_ctrl_c_end_the_server_with_0() {
    for signal in [Signal::TERM, Signal::INT] {
        let database = TestDatabase::sqlite();
        let server = Serving::start(&database.url(), &[]);
        server.signal(signal);
        server.wait().assert_done();
    }
}

#[test]
fn connections_on_which_nothing_runs_do_not_hold_the_server_up() {
    let database = TestDatabase::sqlite();
    let server = Serving::start(&database.url(), &[]);
    let unused = TcpStream::connect(server.address).expect("connected");
    server.get("/healthz", &[]);
    let outcome = server.stop();
    outcome.assert_done();
    assert!(!outcome.stderr.contains("unfinished"), "{}", outcome.stderr);
    drop(unused);
}

/// The request is held up where a test can hold it: in PostgreSQL, behind a lock on the tokens.
#[tokio::test(flavor = "multi_thread")]
async fn a_running_request_is_answered_after_sigterm_and_before_the_end() {
    let database = TestDatabase::postgres().await;
    let url = database.url();
    // Beside a PostgreSQL there is no place for the demo's originals but the working folder.
    let originals = tempfile::tempdir().expect("a folder");
    let folder = originals.path().display().to_string();
    let mut server = Serving::start(&url, &["--demo", "--originals-folder", &folder]);
    let token = demo_token(&url);

    let mut locking = PgConnection::connect(&url).await.expect("open");
    let mut lock = locking.begin().await.expect("begun");
    let statement = sqlx::raw_sql("LOCK TABLE tokens IN ACCESS EXCLUSIVE MODE");
    statement.execute(&mut *lock).await.expect("locked");
    let waiting = server.send(PING, &[("X-API-Key", &token)]);
    let mut watching = PgConnection::connect(&url).await.expect("open");
    let waits = "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE relation = 'tokens'::regclass AND NOT granted)";
    let held_up = async {
        while !sqlx::query_scalar::<_, bool>(waits)
            .fetch_one(&mut watching)
            .await
            .expect("told")
        {}
    };
    timeout(PATIENCE, held_up).await.expect("the request waits");

    server.signal(Signal::TERM);
    server.await_stderr("stopping");
    wait_until("new connections to be refused", || {
        TcpStream::connect(server.address).is_err()
    });
    assert!(server.is_running());
    lock.rollback().await.expect("released");
    let answer = read_answer(waiting);
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    server.wait().assert_done();
    locking.close().await.expect("closed");
    watching.close().await.expect("closed");
}

/// By the id in the answer, whoever complains and whoever reads the log mean the same request.
#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_logged_under_the_requests_id_and_without_the_key() {
    let database = TestDatabase::sqlite();
    let server = Serving::start(&database.url(), &["--demo"]);
    let token = demo_token(&database.url());
    let sql = "ALTER TABLE event_settings RENAME TO gone";
    database.sql(sql).await;
    let answer = server.get(
        PING,
        &[("X-API-Key", &token), ("X-Request-Id", "complaint-7")],
    );
    assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
    let outcome = server.stop();
    let line = outcome
        .stderr
        .lines()
        .find(|line| line.contains("complaint-7"));
    let line = line.expect("a line with the id");
    assert!(
        line.contains("ERROR") && line.contains("no such table"),
        "{line}"
    );
    assert!(!outcome.stderr.contains(&token[5..]), "{}", outcome.stderr);
}

/// Each would go by what it remembers, and not wait for the other. What a first one leaves when it is killed
/// does not keep the next from starting.
#[test]
fn a_second_server_on_a_sqlite_file_is_refused_and_told_of_postgresql() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    let first = Serving::start(&url, &[]);
    let second = run(&url, &["serve", "--listen", "127.0.0.1:0", "--lease-ms=0"]);
    second.assert_failed("PostgreSQL");
    assert!(second.stderr.contains("zone.db"), "{second:?}");
    done(&url, &["organisation", "list"]);
    first.signal(Signal::KILL);
    first.wait();
    Serving::start(&url, &[]).stop().assert_done();
}

/// The command ends when no server takes the token any more, and not earlier.
fn assert_commands_are_in_force(url: &str, servers: &[Serving]) {
    let token = demo_token(url);
    let status = |server: &Serving| {
        let answer = server.get(PING, &[("X-API-Key", &token)]);
        let code = answer
            .lines()
            .find_map(|line| line.strip_prefix("x-error-code: "));
        code.unwrap_or(&answer[9..12]).to_owned()
    };
    let assert_all = |expected: &str| {
        for server in servers {
            assert_eq!(status(server), expected);
        }
    };
    let list = done(url, &["token", "list", "--organisation", "903", "--json"]);
    let id = list.split(&[':', ','][..]).nth(1).expect("a number").trim();
    let token = |verb| done(url, &["token", verb, "--organisation", "903", id]);
    let plan = |plan| {
        done(
            url,
            &["organisation", "set-plan", "--id", "903", "--plan", plan],
        )
    };
    assert_all("200");
    token("deactivate");
    assert_all("token_inactive");
    token("activate");
    assert_all("200");
    plan("pro");
    assert_all("plan_required");
    plan("enterprise");
    assert_all("200");
    token("delete");
    assert_all("token_invalid");
}

#[test]
fn what_a_command_has_changed_is_so_on_the_server_of_a_sqlite_file() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    let server = Serving::start(&url, &["--demo"]);
    assert_commands_are_in_force(&url, &[server]);
}

/// Stopped in the midst of a lease, it does not take up where it was: its clock went on.
#[test]
fn a_server_that_slept_through_a_change_goes_by_it_when_it_wakes() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    let server = Serving::start(&url, &["--demo", "--lease-ms=400"]);
    let token = demo_token(&url);
    for (verb, expected) in [("deactivate", "HTTP/1.1 403"), ("activate", "HTTP/1.1 200")] {
        server.get(PING, &[("X-API-Key", &token)]);
        server.signal(Signal::STOP);
        done(&url, &["token", verb, "--organisation", "903", "1"]);
        let waiting = server.send(PING, &[("X-API-Key", &token)]);
        server.signal(Signal::CONT);
        let answer = read_answer(waiting);
        assert!(answer.starts_with(expected), "{verb}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_command_has_changed_is_so_on_every_server_of_a_postgresql() {
    let database = TestDatabase::postgres().await;
    let url = database.url();
    let originals = tempfile::tempdir().expect("a folder");
    let folder = originals.path().display().to_string();
    let options = ["--demo", "--originals-folder", &folder];
    let servers = ["--lease-ms=250", "--lease-ms=400", "--lease-ms=0"]
        .map(|lease| Serving::start(&url, &[&options[..], &[lease]].concat()));
    assert_commands_are_in_force(&url, &servers);
}

#[test]
fn what_serve_cannot_use_is_told_with_a_way_out() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    run(&url, &["serve", "--listen", &address]).assert_failed("--listen");
    run(&url, &["serve", "--listen", "192.0.2.1:0"]).assert_failed("an address of this machine");
    for listen in ["3000", "localhost:3000", "127.0.0.1", "127.0.0.1:99999"] {
        run(&url, &["serve", "--listen", listen]).assert_misunderstood("127.0.0.1:3000");
    }
    for (option, value, words) in [
        ("--api-hosts", "https://api.9pic.ai", "without scheme"),
        ("--dashboard-hosts", "", "without scheme"),
        ("--contact-url", "javascript:alert(1)", "mailto:"),
        ("--public-url", "dev.9pic.ai", "https://dev.9pic.ai"),
        ("--trusted-proxies", "10.0.0.1,proxy", "10.1.0.0/16"),
        ("--trusted-proxies", "10.0.0.7/8", "10.0.0.0/8"),
        ("--trusted-proxies", "0.0.0.0/0", "name your proxies"),
        ("--lease-ms", "10001", "from 0 to 10000"),
        ("--lease-ms", "0.25", "milliseconds"),
    ] {
        run(&url, &["serve", option, value]).assert_misunderstood(words);
    }
    run("mysql://x/y", &["serve", "--listen", "127.0.0.1:0"]).assert_failed("postgres://");
    let no_folder = "sqlite:/no/such/folder/zone.db";
    run(no_folder, &["serve", "--listen", "127.0.0.1:0"]).assert_failed("open");
}

#[test]
fn every_option_of_serve_may_come_from_the_environment() {
    let database = TestDatabase::sqlite();
    let mut command = crate::program::bare();
    command.arg("serve").envs([
        ("DEVELOPER_ZONE_DATABASE_URL", database.url()),
        ("DEVELOPER_ZONE_LISTEN", "127.0.0.1:0".to_owned()),
        ("DEVELOPER_ZONE_API_HOSTS", "api.example.com".to_owned()),
        (
            "DEVELOPER_ZONE_DASHBOARD_HOSTS",
            "dev.example.com".to_owned(),
        ),
        (
            "DEVELOPER_ZONE_CONTACT_URL",
            "mailto:sales@example.com".to_owned(),
        ),
        (
            "DEVELOPER_ZONE_PUBLIC_URL",
            "https://dev.example.com".to_owned(),
        ),
        (
            "DEVELOPER_ZONE_TRUSTED_PROXIES",
            "10.0.0.7, 2001:db8::/32".to_owned(),
        ),
        ("DEVELOPER_ZONE_RATE_LIMIT", "20".to_owned()),
        ("DEVELOPER_ZONE_RATE_BURST", "40".to_owned()),
        ("DEVELOPER_ZONE_LEASE_MS", "20".to_owned()),
        (
            "DEVELOPER_ZONE_ORIGINALS_FOLDER",
            database.file().with_file_name("here").display().to_string(),
        ),
        ("DEVELOPER_ZONE_DEMO", "true".to_owned()),
    ]);
    let outcome = Serving::start_as(command).stop();
    outcome.assert_done();
    assert!(
        outcome.stdout.contains("admin@example.com"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn a_log_filter_that_is_none_is_told() {
    let database = TestDatabase::sqlite();
    let mut command = developer_zone(&database.url(), &["migrate"]);
    command.env("DEVELOPER_ZONE_LOG", "server=loud");
    let outcome: crate::program::Outcome = command.output().expect("started").into();
    outcome.assert_misunderstood("warn,server=debug");
}
