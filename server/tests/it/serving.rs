//! `serve`: its options, its output, its start and its stop.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::Stdio,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{
    DEMO_PASSWORD, PING_PATH,
    database::TestDatabase,
    loopback::RefusingPort,
    process::{OK, ServerProcess, read_response},
    program::{
        Outcome, bare_program, create_token, done, in_shell, newest_token_id, program, run,
        run_with_input,
    },
    wait::wait_until,
};

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn the_first_line_shows_the_address_with_the_actual_port() {
    let database = TestDatabase::sqlite();
    let server = ServerProcess::start(&database.url(), &[]);
    assert_ne!(server.address.port(), 0);
    let response = server.get("/healthz", &[]);
    assert!(response.starts_with("HTTP/1.1 200 OK"), "{response}");
    assert!(response.ends_with("\r\n\r\nok"), "{response}");
    let address = server.address;
    let outcome = server.stop();
    outcome.assert_done();
    assert_eq!(outcome.stdout, format!("listening on http://{address}\n"));
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn healthcheck_exits_with_0_for_a_running_server_and_with_1_without_one() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    let server = ServerProcess::start(&url, &[]);
    let healthcheck = ["healthcheck", "--url", &server.url()];
    assert_eq!(done(&url, &healthcheck), "healthy\n");
    let port = RefusingPort::new();
    let nothing_there = format!("http://{}", port.address());
    let outcome = run(&url, &["healthcheck", "--url", &nothing_there]);
    outcome.assert_failed("is not healthy");
    let outcome = run(&url, &["healthcheck", "--url", "https://127.0.0.1"]);
    outcome.assert_misunderstood("http://127.0.0.1:3000");
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn a_token_from_the_command_line_is_accepted_by_a_demo_server() {
    let database = TestDatabase::sqlite();
    let server = ServerProcess::start(&database.url(), &["--demo"]);
    let token = create_token(&database.url());
    let port = server.address.port();
    for host in ["127.0.0.1", "localhost", "[::1]"] {
        let host = format!("{host}:{port}");
        let response = server.get(PING_PATH, &[("X-API-Key", &token), ("Host", &host)]);
        assert!(response.starts_with("HTTP/1.1 200 OK"), "{response}");
        assert!(
            response.ends_with(
                r#"{"responseType":"success","message":"pong","data":{"status":"ok","org_id":903,"event_id":456}}"#
            ),
            "{response}"
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
        let response = server.get(PING_PATH, &headers);
        assert!(response.starts_with(start), "{headers:?}: {response}");
    }
}

/// A demo accepts local names for convenience. For any other server, the operator must set the host names.
#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn without_demo_the_api_is_served_only_under_the_configured_hosts() {
    let database = TestDatabase::sqlite();
    done(&database.url(), &["demo"]);
    let token = create_token(&database.url());
    let hosts = ["--api-hosts", "api.example.com, API.example.net."];
    let server = ServerProcess::start(&database.url(), &hosts);
    let status = |host: &str| {
        let response = server.get(PING_PATH, &[("X-API-Key", &token), ("Host", host)]);
        response.split(' ').nth(1).map(str::to_owned)
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

/// The statuses of the sign-in page under these host names.
fn assert_dashboard(server: &ServerProcess, hosts: &[(&str, &str)]) {
    for (host, expected) in hosts {
        let response = server.get("/sign-in", &[("Host", host)]);
        let status = response.split(' ').nth(1);
        assert_eq!(status, Some(*expected), "{host}");
    }
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn the_dashboards_hosts_are_the_option_else_the_public_url_else_this_machine() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    let server = ServerProcess::start(&url, &[]);
    let expected = [
        ("127.0.0.1", "200"),
        ("localhost:3000", "200"),
        ("[::1]", "200"),
        ("any.example", "421"),
        ("api.9pic.ai", "404"),
    ];
    assert_dashboard(&server, &expected);
    server.stop().assert_done();

    let public = ["--public-url", "https://dev.example.com:8443"];
    let server = ServerProcess::start(&url, &public);
    let expected = [
        ("dev.example.com", "200"),
        ("api.9pic.ai", "404"),
        ("127.0.0.1", "421"),
        ("any.example", "421"),
    ];
    assert_dashboard(&server, &expected);
    server.stop().assert_done();

    let named = ["--dashboard-hosts", "a.example, b.example"];
    let server = ServerProcess::start(&url, &[&public[..], &named].concat());
    let expected = [
        ("a.example", "200"),
        ("b.example", "200"),
        ("dev.example.com", "421"),
    ];
    assert_dashboard(&server, &expected);
}

/// Without that address, cookies would not need HTTPS, and every host name would be served.
#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn a_server_that_other_machines_reach_needs_its_public_url() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[::ffff:192.0.2.1]:0"] {
        let serve = ["serve", "--listen", listen];
        run(&url, &serve).assert_failed("--public-url https://");
        let hosts = [&serve[..], &["--dashboard-hosts=a.example"]].concat();
        run(&url, &hosts).assert_failed("--public-url https://");
        let checked = run(&url, &[&serve[..], &["--check-config"]].concat());
        assert_eq!(checked.code, Some(1), "{checked:?}");
        assert!(
            checked.stderr.contains("--public-url https://"),
            "{checked:?}"
        );
    }
    for more in ["--public-url=https://dev.example.com", "--demo"] {
        let serve = ["serve", "--listen", "0.0.0.0:0", more];
        ServerProcess::start_with(program(&url, &serve))
            .stop()
            .assert_done();
    }
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn a_demo_with_a_public_url_is_also_served_where_it_listens() {
    let database = TestDatabase::sqlite();
    let public = ["--demo", "--public-url", "https://dev.example.com"];
    let server = ServerProcess::start(&database.url(), &public);
    let expected = [
        ("dev.example.com", "200"),
        ("127.0.0.1:3000", "200"),
        ("localhost", "200"),
        ("any.example", "421"),
    ];
    assert_dashboard(&server, &expected);
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn a_demo_server_prints_its_url_and_its_sign_ins() {
    let database = TestDatabase::sqlite();
    let server = ServerProcess::start(&database.url(), &["--demo"]);
    let url = server.url();
    let outcome = server.stop();
    outcome.assert_done();
    let mut lines = outcome.stdout.lines();
    assert_eq!(lines.next(), Some(&format!("listening on {url}")[..]));
    for words in [
        &format!("Open {url}")[..],
        "admin@example.com",
        DEMO_PASSWORD,
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
#[ignore = "needs the built front end: `make test` runs it"]
fn without_demo_there_is_no_demo_data() {
    let database = TestDatabase::sqlite();
    ServerProcess::start(&database.url(), &[])
        .stop()
        .assert_done();
    assert_eq!(
        done(&database.url(), &["organisation", "list", "--json"]),
        "[]\n"
    );
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn a_demo_keeps_its_changes_at_the_next_start() {
    let database = TestDatabase::sqlite();
    ServerProcess::start(&database.url(), &["--demo"])
        .stop()
        .assert_done();
    let set_plan = ["organisation", "set-plan", "--id", "903", "--plan", "pro"];
    done(&database.url(), &set_plan);
    ServerProcess::start(&database.url(), &["--demo"])
        .stop()
        .assert_done();
    let list = done(&database.url(), &["organisation", "list"]);
    assert!(list.contains("903  Summit Races    pro"), "{list}");
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn a_server_that_others_reach_warns_of_demo_sign_ins() {
    let database = TestDatabase::sqlite();
    let listen = [
        "serve",
        "--listen",
        "0.0.0.0:0",
        "--public-url=https://dev.example.com",
    ];
    let demo = program(&database.url(), &[&listen[..], &["--demo"]].concat());
    let outcome = ServerProcess::start_with(demo).stop();
    outcome.assert_done();
    assert!(outcome.stderr.contains("WARNING"), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("admin@example.com"),
        "{}",
        outcome.stderr
    );

    let mut quiet = program(&database.url(), &listen);
    quiet.env("DEVELOPER_ZONE_LOG", "off");
    let outcome = ServerProcess::start_with(quiet).stop();
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
        run_with_input(&database.url(), &change, "a new password").assert_done();
    }
    let outcome = ServerProcess::start_with(program(&database.url(), &listen)).stop();
    assert!(!outcome.stderr.contains("WARNING"), "{}", outcome.stderr);
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn every_signal_that_asks_a_program_to_end_makes_the_server_exit_with_0() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT] {
        let database = TestDatabase::sqlite();
        let server = ServerProcess::start(&database.url(), &[]);
        server.signal(signal);
        let outcome = server.wait();
        outcome.assert_done();
        assert!(
            outcome.stderr.contains("stopping"),
            "{signal:?}: {outcome:?}"
        );
    }
}

/// A terminal that closes can send it twice: from its shell and from the system. systemd can send it after SIGTERM.
#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn a_hangup_after_another_signal_does_not_interrupt_the_graceful_stop() {
    let database = TestDatabase::sqlite();
    let mut server = ServerProcess::start(&database.url(), &["--shutdown-delay=10m"]);
    server.signal(Signal::HUP);
    wait_until("the server to be unready", || {
        server.get("/readyz", &[]).starts_with("HTTP/1.1 503")
    });
    server.signal(Signal::HUP);
    server.get("/healthz", &[]);
    assert!(server.is_running());
    server.signal(Signal::TERM);
    let outcome = server.wait();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(
        outcome.stderr.contains("a second stop signal"),
        "{outcome:?}"
    );
}

/// `nohup` ignores SIGHUP for the program that it starts.
#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn under_nohup_a_hangup_does_not_stop_the_server() {
    let database = TestDatabase::sqlite();
    let serve = program(&database.url(), &["serve", "--listen", "127.0.0.1:0"]);
    let mut server = ServerProcess::start_with(in_shell("trap '' HUP", &serve));
    server.signal(Signal::HUP);
    // The server handles its signals before it responds to a request that comes later.
    server.get("/healthz", &[]);
    assert!(server.is_running());
    server.stop().assert_done();
}

/// Nothing accepts the connection to the database, so it stays silent.
#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn every_signal_that_asks_a_program_to_end_ends_a_server_whose_database_is_silent_at_the_start() {
    let database = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = database.local_addr().expect("an address");
    let url = format!("postgres://zone@{address}/zone");
    for signal in [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT] {
        // A start that fails by itself, because the database does not answer for seconds, ends with 1.
        let stopped_by_signal = || {
            let mut serve = program(&url, &["serve", "--listen=127.0.0.1:0"]);
            serve.stdout(Stdio::piped()).stderr(Stdio::piped());
            let server = serve.spawn().expect("started");
            let _connection = database.accept().expect("connected");
            let _ = kill_process(Pid::from_child(&server), signal);
            let outcome: Outcome = server.wait_with_output().expect("ended").into();
            assert_eq!(outcome.stdout, "", "{outcome:?}");
            outcome.code == Some(0)
        };
        // On a busy machine, the signal may come too late.
        assert!((0..5).any(|_| stopped_by_signal()), "{signal:?}");
    }
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn idle_connections_do_not_delay_the_stop() {
    let database = TestDatabase::sqlite();
    let server = ServerProcess::start(&database.url(), &[]);
    let unused = TcpStream::connect(server.address).expect("connected");
    server.get("/healthz", &[]);
    let outcome = server.stop();
    outcome.assert_done();
    assert!(!outcome.stderr.contains("unfinished"), "{}", outcome.stderr);
    drop(unused);
}

/// The server waits for the request's body, which the test holds back.
#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn a_request_that_runs_at_sigterm_gets_its_response_before_the_server_ends() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    let mut server = ServerProcess::start(&url, &["--demo", "--shutdown-grace=10m"]);
    let token = create_token(&url);
    let path = "/api/v1/ext/903/event/456/original-photos";
    let body = r#"{"method":"bib","identifier":"1234"}"#;
    let headers = [
        ("X-API-Key", &token[..]),
        ("Content-Type", "application/json"),
        ("Content-Length", &body.len().to_string()),
        ("Expect", "100-continue"),
    ];
    let mut running = server.send_head("POST", path, &headers);
    // The server sends this when it begins to read the body.
    let expected = b"HTTP/1.1 100 Continue\r\n\r\n";
    let mut interim = vec![0; expected.len()];
    running.read_exact(&mut interim).expect("a response");
    assert_eq!(interim, expected);

    server.signal(Signal::TERM);
    server.await_stderr("stopping");
    wait_until("new connections to be refused", || {
        TcpStream::connect(server.address).is_err()
    });
    assert!(server.is_running());
    running.write_all(body.as_bytes()).expect("sent");
    let response = read_response(running);
    assert!(response.starts_with(OK), "{response}");
    server.wait().assert_done();
}

/// A partner who reports a request id and an operator who searches the log must find the same request.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the built front end: `make test` runs it"]
async fn a_failure_is_logged_with_the_request_id_and_without_the_key() {
    let database = TestDatabase::sqlite();
    let server = ServerProcess::start(&database.url(), &["--demo"]);
    let token = create_token(&database.url());
    let sql = "ALTER TABLE event_settings RENAME TO gone";
    database.sql(sql).await;
    let response = server.get(
        PING_PATH,
        &[("X-API-Key", &token), ("X-Request-Id", "complaint-7")],
    );
    assert!(response.starts_with("HTTP/1.1 500"), "{response}");
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

/// Two servers on one file would not invalidate each other's caches. A lock file that a killed server leaves behind
/// does not block the next start.
#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn a_second_server_on_a_sqlite_file_is_refused_until_the_first_has_ended() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    let first = ServerProcess::start(&url, &[]);
    let second = run(&url, &["serve", "--listen", "127.0.0.1:0", "--lease-ms=0"]);
    second.assert_failed("PostgreSQL");
    assert!(second.stderr.contains("zone.db"), "{second:?}");
    done(&url, &["organisation", "list"]);
    first.signal(Signal::KILL);
    first.wait();
    ServerProcess::start(&url, &[]).stop().assert_done();
}

/// A command does not end while a server still accepts the old state.
fn assert_commands_are_in_force(url: &str, servers: &[ServerProcess]) {
    let token = create_token(url);
    let status = |server: &ServerProcess| {
        let response = server.ping(&token);
        let mut lines = response.lines();
        let code = lines.find_map(|line| line.strip_prefix("x-error-code: "));
        code.unwrap_or(&response[9..12]).to_owned()
    };
    let assert_all = |expected: &str| {
        for server in servers {
            assert_eq!(status(server), expected);
        }
    };
    let id = newest_token_id(url);
    let token = |verb| done(url, &["token", verb, "--organisation", "903", &id]);
    let plan = |plan| {
        let set_plan = ["organisation", "set-plan", "--id", "903", "--plan", plan];
        done(url, &set_plan)
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
#[ignore = "needs the built front end: `make test` runs it"]
fn a_command_is_in_force_on_the_server_of_a_sqlite_file_when_it_ends() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    let server = ServerProcess::start(&url, &["--demo"]);
    assert_commands_are_in_force(&url, &[server]);
}

/// The test stops the server process in the middle of a lease. The lease ends meanwhile, before the process continues.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the built front end: `make test` runs it"]
async fn a_server_that_was_stopped_during_a_change_applies_it_when_it_runs_again() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    let server = ServerProcess::start(&url, &["--demo", "--lease-ms=400"]);
    let token = create_token(&url);
    for (verb, expected) in [("deactivate", "HTTP/1.1 403"), ("activate", "HTTP/1.1 200")] {
        server.ping(&token);
        // While the test holds the write lock, the stopped server cannot hold a lock that the command needs.
        let lock = database.lock_writes().await;
        server.freeze();
        lock.release().await;
        done(&url, &["token", verb, "--organisation", "903", "1"]);
        let waiting = server.send(PING_PATH, &[("X-API-Key", &token)]);
        server.signal(Signal::CONT);
        let response = read_response(waiting);
        assert!(response.starts_with(expected), "{verb}: {response}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: `make test` runs it"]
async fn a_command_is_in_force_on_every_server_of_a_postgresql_database_when_it_ends() {
    let database = TestDatabase::postgres().await;
    let url = database.url();
    // With PostgreSQL, the demo's originals would go to the working folder.
    let originals = tempfile::tempdir().expect("a folder");
    let folder = originals.path().display().to_string();
    let options = ["--demo", "--originals-folder", &folder];
    let servers = ["--lease-ms=250", "--lease-ms=400", "--lease-ms=0"]
        .map(|lease| ServerProcess::start(&url, &[&options[..], &[lease]].concat()));
    assert_commands_are_in_force(&url, &servers);
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn serve_refuses_unusable_options_with_advice() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let busy = |option: &str| format!("{address}, the address of {option}: ");
    run(&url, &["serve", "--listen", &address]).assert_failed(&busy("--listen"));
    let metrics = [
        "serve",
        "--listen=127.0.0.1:0",
        "--metrics-listen",
        &address,
    ];
    run(&url, &metrics).assert_failed(&busy("--metrics-listen"));
    let elsewhere = [
        "--listen=192.0.2.1:0",
        "--public-url=https://dev.example.com",
    ];
    run(&url, &[&["serve"], &elsewhere[..]].concat()).assert_failed("an address of this machine");
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
        ("--lease-ms", "60001", "from 0 to 60000"),
        ("--lease-ms", "0.25", "milliseconds"),
    ] {
        run(&url, &["serve", option, value]).assert_misunderstood(words);
    }
    run("mysql://x/y", &["serve", "--listen", "127.0.0.1:0"]).assert_failed("postgres://");
    let no_folder = "sqlite:/no/such/folder/zone.db";
    run(no_folder, &["serve", "--listen", "127.0.0.1:0"]).assert_failed("open");
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn every_option_of_serve_may_come_from_the_environment() {
    let database = TestDatabase::sqlite();
    let mut command = bare_program();
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
    let outcome = ServerProcess::start_with(command).stop();
    outcome.assert_done();
    assert!(
        outcome.stdout.contains("admin@example.com"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn an_invalid_log_filter_is_refused_with_an_example() {
    let database = TestDatabase::sqlite();
    let mut command = program(&database.url(), &["migrate"]);
    command.env("DEVELOPER_ZONE_LOG", "server=loud");
    let outcome = Outcome::of(&mut command);
    outcome.assert_misunderstood("warn,server=debug");
}
