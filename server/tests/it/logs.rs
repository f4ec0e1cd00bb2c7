//! The log of the program.

use serde_json::Value;

use crate::support::{
    DEMO_PASSWORD, MEMBER, PING_PATH,
    database::TestDatabase,
    process::ServerProcess,
    program::{Outcome, create_token, done, newest_token_id, program, run},
    wait::wait_until,
};

fn demo_server(database: &TestDatabase, options: &[&str]) -> ServerProcess {
    let listen = ["serve", "--listen", "127.0.0.1:0", "--demo"];
    let arguments = [&listen[..], options].concat();
    ServerProcess::start_with(program(&database.url(), &arguments))
}

fn lines(outcome: &Outcome) -> Vec<Value> {
    outcome.stderr.lines().map(json).collect()
}

fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn every_line_of_a_json_log_is_an_object_with_timestamp_level_and_target() {
    let database = TestDatabase::sqlite();
    // A demo that others can reach logs a warning.
    let serve = ["serve", "--listen", "0.0.0.0:0", "--demo"];
    let talk = ["--log-format", "json", "--log", "trace"];
    let command = program(&database.url(), &[&serve[..], &talk].concat());
    let server = ServerProcess::start_with(command);
    server.get(PING_PATH, &[("X-API-Key", "made-up")]);
    server.get("/events", &[]);
    let outcome = server.stop();
    outcome.assert_done();
    let lines = lines(&outcome);
    assert!(lines.len() > 10, "{}", outcome.stderr);
    for line in &lines {
        for key in ["timestamp", "level", "target"] {
            assert!(line[key].is_string(), "{key}: {line}");
        }
    }
    let warns = |line: &Value| {
        let message = line["message"].as_str();
        message.is_some_and(|message| message.contains("admin@example.com"))
    };
    assert!(
        lines
            .iter()
            .any(|line| line["level"] == "WARN" && warns(line))
    );
    assert!(lines.iter().any(|line| line["level"] == "TRACE"));
}

/// A log collector must be able to read the reason why the program ended.
#[test]
fn the_error_that_ends_the_program_is_written_in_the_format_of_the_log() {
    let database = TestDatabase::sqlite();
    let show = ["organisation", "set-plan", "--id", "7", "--plan", "pro"];
    run(&database.url(), &show).assert_failed("no organisation 7");
    let json = [&show[..], &["--log-format", "json"]].concat();
    let outcome = run(&database.url(), &json);
    assert_eq!(outcome.code, Some(1));
    let lines = lines(&outcome);
    let last = lines.last().expect("a line");
    assert_eq!(last["level"], "ERROR");
    let message = last["message"].as_str().expect("a text");
    assert!(message.contains("no organisation 7"), "{message}");
    // With the log off, the error still goes to standard error.
    let off = [&show[..], &["--log-format", "json", "--log", "off"]].concat();
    run(&database.url(), &off).assert_failed("no organisation 7");
}

/// A user who reports a request id and an operator who searches the log must find the same request. That holds for the
/// server functions and for the rendering of pages.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the built front end: `make test` runs it"]
async fn what_a_dashboard_request_logs_carries_its_request_id() {
    for format in ["human", "json"] {
        let database = TestDatabase::sqlite();
        let server = demo_server(&database, &["--log-format", format]);
        let cookie = server.sign_in(MEMBER, DEMO_PASSWORD);
        let token = done(
            &database.url(),
            &["token", "list", "--organisation", "903", "--json"],
        );
        assert_eq!(token, "[]\n");
        let rename = "ALTER TABLE tokens RENAME TO gone";
        database.sql(rename).await;
        let headers = [("Cookie", &cookie[..]), ("X-Request-Id", "page-7")];
        let response = server.get("/developer-zone", &headers);
        assert!(response.contains("x-request-id: page-7"), "{response}");
        let json = ("Content-Type", "application/json");
        let headers = [
            ("Cookie", &cookie[..]),
            ("X-Request-Id", "function-7"),
            json,
        ];
        let body = r#"{"organisation_id":903}"#;
        let response = server.post("/api/dashboard/watch-tokens", &headers, body);
        assert!(response.starts_with("HTTP/1.1 500"), "{response}");
        let outcome = server.stop();
        for id in ["page-7", "function-7"] {
            let mut failures = outcome.stderr.lines().filter(|line| line.contains("ERROR"));
            let is_logged =
                failures.any(|line| line.contains(id) && line.contains("no such table"));
            assert!(is_logged, "{id}: {}", outcome.stderr);
        }
        if format == "json" {
            let lines = lines(&outcome);
            assert!(lines.iter().any(|line| line["request_id"] == "page-7"));
        }
    }
}

/// The change of a token runs in a task of its own, so that it completes even if the caller hangs up. The lines that the
/// task logs still carry the id of the request.
#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn a_change_of_a_token_logs_the_id_of_its_request() {
    const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
    for format in ["human", "json"] {
        let database = TestDatabase::sqlite();
        let options = ["--log-format", format, "--log", "info,sqlx=debug"];
        let server = demo_server(&database, &options);
        create_token(&database.url());
        let token = newest_token_id(&database.url());
        let member = server.sign_in(MEMBER, DEMO_PASSWORD);
        let outsider = server.sign_in("trial@example.com", DEMO_PASSWORD);
        let post = |id: &str, cookie: &str, name: &str, body: String| {
            let headers = [("Cookie", cookie), ("X-Request-Id", id), FORM];
            server.post(&format!("/api/dashboard/{name}"), &headers, &body)
        };
        let of = |organisation: i64| format!("organisation_id={organisation}&token_id={token}");
        for (id, cookie, name, body, status) in [
            (
                "refused-1",
                &outsider,
                "deactivate-token",
                of(907),
                "HTTP/1.1 403",
            ),
            (
                "off-1",
                &member,
                "deactivate-token",
                of(903),
                "HTTP/1.1 200",
            ),
            ("on-1", &member, "activate-token", of(903), "HTTP/1.1 200"),
            ("delete-1", &member, "delete-token", of(903), "HTTP/1.1 200"),
        ] {
            let response = post(id, cookie, name, body);
            assert!(response.starts_with(status), "{id}: {response}");
        }
        let outcome = server.stop();
        for (id, words) in [
            ("refused-1", "plan_required"),
            ("off-1", "UPDATE tokens SET active"),
            ("on-1", "UPDATE tokens SET active"),
            ("delete-1", "DELETE FROM tokens"),
        ] {
            let logged = outcome.stderr.lines().any(|line| {
                let has_id = match format {
                    "json" => json(line)["request_id"] == id,
                    _ => line.contains(&format!("request_id={id}")),
                };
                has_id && line.contains(words)
            });
            assert!(logged, "{format}, {id}: {}", outcome.stderr);
        }
    }
}

/// OWASP ASVS 5.0, 16.3.1 to 16.3.3. Security tools search for these event names. Refusals go to the log and not to the
/// audit trail, since strangers could fill the database with them.
#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn a_refusal_of_the_dashboard_is_a_security_event_with_reason_request_id_and_ip_address() {
    // Security events are written even if the log is off.
    const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
    const JSON: (&str, &str) = ("Content-Type", "application/json");
    const GUESS: &str = "a-canary-of-a-guess";
    let database = TestDatabase::sqlite();
    let server = demo_server(&database, &["--log-format=json", "--log=off,security=off"]);
    let cookie = server.sign_in("trial@example.com", DEMO_PASSWORD);
    let signed_in = ("Cookie", &cookie[..]);
    let post = |name: &str, headers: &[(&str, &str)], body: &str| {
        let path = format!("/api/dashboard/{name}");
        server.post(&path, headers, body)
    };
    let foreign = r#"{"organisation_id":903}"#;
    post("watch-tokens", &[signed_in, JSON], foreign);
    let file = "/developer-zone/activity.csv?organisation=903";
    server.get(file, &[signed_in]);
    let selected = "organisation_id=903";
    post("select-organisation", &[signed_in, FORM], selected);
    let own = r#"{"organisation_id":907}"#;
    post("watch-tokens", &[signed_in, JSON], own);
    let cross_site = ("Sec-Fetch-Site", "cross-site");
    post("sign-out", &[signed_in, cross_site, FORM], "");
    let changed = format!("current_password={GUESS}&new_password=quite-another-password-1");
    post("change-password", &[signed_in, FORM], &changed);
    let guess = format!("email={MEMBER}&password={GUESS}");
    // From the fifth wrong password on, the next guess must wait. On a slow machine the wait may already be over.
    let wrong = "the email or the password is wrong";
    let too_many = "too many wrong passwords";
    let logged = |reason: &str| server.stderr().matches(reason).count();
    // A wrong password in the form that changes it also counts as a guess.
    let mut guesses = 1;
    while logged(too_many) == 0 {
        post("sign-in", &[FORM], &guess);
        guesses += 1;
        wait_until("the guess in the log", || {
            logged(wrong) + logged(too_many) == guesses
        });
    }
    post(
        "sign-in",
        &[FORM],
        &format!("email={GUESS}&password={GUESS}"),
    );
    let link = done(&database.url(), &["user", "reset-link", "--email", MEMBER]);
    let (_, secret) = link.trim_end().split_once("link=").expect("a link");
    for _ in 0..2 {
        let form = format!("link={secret}&new_password={GUESS}");
        post("reset-password", &[FORM], &form);
    }
    let outcome = server.stop();
    assert!(!outcome.stderr.contains(GUESS), "{}", outcome.stderr);

    let events = lines(&outcome);
    let is_event = |line: &Value| line["event"].is_string() && line["target"] == "security";
    assert!(events.iter().all(is_event), "{events:#?}");
    let count = |event: &str, reason: &str| {
        let is = |line: &&Value| {
            let has_reason = line["reason"]
                .as_str()
                .is_none_or(|logged| logged.contains(reason));
            line["event"] == event && has_reason
        };
        events.iter().filter(is).count()
    };
    for (event, reason, times) in [
        ("authn_login_success", "", 1),
        ("authz_fail", "not_a_member", 3),
        ("authz_fail", "plan_required", 1),
        ("authz_fail", "cross_site", 1),
        ("authn_login_fail", wrong, guesses - 1),
        ("authn_login_fail", "no e-mail address", 1),
        ("excess_rate_limit_exceeded", too_many, 1),
        ("authn_password_change", "", 1),
        ("authn_password_change_fail", "the link was used", 1),
    ] {
        assert_eq!(count(event, reason), times, "{event} {reason}: {events:#?}");
    }
    for line in events {
        assert!(line["request_id"].is_string(), "{line}");
        let has_address = line["address"] == "127.0.0.1";
        assert!(has_address, "{line}");
    }
}
