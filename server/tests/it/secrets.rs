//! Secrets: only the response that creates a token contains it in plain text, and no secret is in the log.

use std::{fs, io::Read, process::Command};

use model::session::SESSION_COOKIE;
use serde_json::Value;

use crate::support::{
    DEMO_PASSWORD, MEMBER,
    database::TestDatabase,
    process::ServerProcess,
    program::{Outcome, bare_program, done, program, run_with_input},
};

const PASSWORD: &str = "correct horse battery";

/// The contents of all files of the database.
fn files(database: &TestDatabase) -> Vec<u8> {
    let TestDatabase::Sqlite(folder) = database else {
        unreachable!("these tests look at SQLite's files");
    };
    let entries = fs::read_dir(folder.path()).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    // A demo's originals are in a folder beside its database.
    let files = paths.filter(|path| path.is_file());
    let contents = files.map(|file| fs::read(file).expect("readable"));
    contents.flatten().collect()
}

fn contains(haystack: &[u8], needle: &str) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle.as_bytes())
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn a_plain_token_is_in_no_database_file_and_no_log_line() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    done(&url, &["demo"]);
    let create = [
        "token",
        "create",
        "--organisation",
        "903",
        "--created-by",
        "member@example.com",
    ];
    let mut command = program(&url, &create);
    command.env("DEVELOPER_ZONE_LOG", "trace");
    let created = Outcome::of(&mut command);
    created.assert_done();
    let token = created.stdout.trim_end();
    // The preview shows the first five characters. The rest is secret.
    let secret = &token[5..];
    assert!(created.stderr.contains("DEBUG"), "{}", created.stderr);
    assert!(!created.stderr.contains(secret), "{}", created.stderr);

    let listen = ["serve", "--listen", "127.0.0.1:0", "--demo"];
    let mut command = program(&url, &listen);
    command.env("DEVELOPER_ZONE_LOG", "trace");
    let server = ServerProcess::start_with(command);
    let ping = "/api/v1/ext/903/event/456/ping";
    let bearer = format!("Bearer {token}");
    let misplaced = [
        format!("{ping}?api_key={token}"),
        format!("/api/v1/ext/903/event/{token}/ping"),
        format!("/api/v1/ext/{token}"),
    ];
    let mut responses = vec![
        server.get(ping, &[("X-API-Key", token)]),
        server.get(ping, &[("Authorization", &bearer)]),
        server.get(ping, &[("X-API-Key", token), ("X-API-Key", token)]),
        server.get(ping, &[("X-API-Key", token), ("Host", "evil.example")]),
    ];
    for path in &misplaced {
        responses.push(server.get(path, &[]));
        responses.push(server.get(path, &[("X-API-Key", token)]));
    }
    let during = files(&database);
    let served = server.stop();
    assert!(served.stderr.contains("TRACE"), "{}", served.stderr);
    for text in [&served.stderr, &served.stdout]
        .into_iter()
        .chain(&responses)
    {
        assert!(!text.contains(secret), "{text}");
    }
    for bytes in [during, files(&database)] {
        assert!(contains(&bytes, &token[..5]), "the preview is kept");
        assert!(!contains(&bytes, secret));
    }
}

#[test]
fn a_password_is_in_no_database_file_and_no_log_line() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    let create = [
        "organisation",
        "create",
        "--name",
        "Summit Races",
        "--plan",
        "enterprise",
    ];
    done(&url, &[&create[..], &["--id", "903"]].concat());
    let create = [
        "user",
        "create",
        "--email",
        "ada@example.com",
        "--organisation",
        "903",
    ];
    let outcome = run_with_input(
        &url,
        &[&create[..], &["--password-stdin"]].concat(),
        PASSWORD,
    );
    outcome.assert_done();
    assert!(!outcome.stdout.contains(PASSWORD));
    assert!(!outcome.stderr.contains(PASSWORD));
    assert!(!contains(&files(&database), PASSWORD));
}

#[test]
fn the_databases_password_is_in_no_error_and_no_help() {
    let url = "postgres://zone:hunter2@127.0.0.1:1/zone";
    let in_environment = |arguments: &[&str]| {
        let mut command = bare_program();
        command
            .args(arguments)
            .env("DEVELOPER_ZONE_DATABASE_URL", url);
        command
    };
    let outcome = Outcome::of(&mut in_environment(&["migrate"]));
    outcome.assert_failed("--database-url");
    assert!(!outcome.stderr.contains("hunter2"), "{}", outcome.stderr);
    let help = in_environment(&["serve", "--help"])
        .output()
        .expect("started");
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    assert!(
        help.contains("DEVELOPER_ZONE_DATABASE_URL") && !help.contains("hunter2"),
        "{help}"
    );
}

#[test]
fn a_password_among_the_arguments_is_warned_of() {
    let warning = "WARNING: other users of this machine can read the password in --database-url";
    for (url, expected) in [
        ("postgres://zone:hunter2@127.0.0.1:1/zone", true),
        ("postgres://zone@127.0.0.1:1/zone?password=hunter2", true),
        ("postgres://zone@127.0.0.1:1/zone", false),
        ("sqlite:/no/such/folder/zone.db", false),
    ] {
        for arguments in [
            ["--database-url", url, "migrate"],
            ["migrate", "--database-url", url],
        ] {
            let outcome = Outcome::of(bare_program().args(arguments));
            let has_warned = outcome.stderr.contains(warning);
            assert_eq!(has_warned, expected, "{url}: {outcome:?}");
            assert!(!outcome.stderr.contains("hunter2"), "{outcome:?}");
        }
    }
}

const EVENT: &str = "/api/v1/ext/903/event/456";
const JSON: (&str, &str) = ("Content-Type", "application/json");

/// Secrets that no log may contain, each with a name for failure messages.
#[derive(Default)]
struct Canaries(Vec<(String, String)>);

impl Canaries {
    /// Makes a secret, and adds it.
    fn make(&mut self, what: &str) -> String {
        let canary = format!("canary{}x{}", self.0.len(), what.replace(' ', "-"));
        self.add(what, &canary);
        canary
    }

    fn add(&mut self, what: &str, secret: &str) {
        assert!(secret.len() > 10, "{what}: {secret}");
        self.0.push((what.to_owned(), secret.to_owned()));
    }

    /// Stops the server, and searches its whole output.
    #[track_caller]
    fn assert_absent_after(&self, server: ServerProcess) {
        let outcome = server.stop();
        assert!(outcome.stderr.contains("TRACE"), "the log level is trace");
        self.assert_absent(&outcome);
    }

    #[track_caller]
    fn assert_absent(&self, outcome: &Outcome) {
        for (what, secret) in &self.0 {
            for text in [&outcome.stderr, &outcome.stdout] {
                let line = text.lines().find(|line| line.contains(secret));
                assert_eq!(line, None, "{what}");
            }
        }
    }
}

/// The program with the log level `trace`.
fn tracing_program(url: &str, arguments: &[&str], format: &str) -> Command {
    let talk = ["--log", "trace", "--log-format", format];
    program(url, &[&talk, arguments].concat())
}

fn server(url: &str, format: &str, options: &[&str]) -> ServerProcess {
    let serve = ["serve", "--listen", "127.0.0.1:0", "--demo"];
    ServerProcess::start_with(tracing_program(url, &[&serve, options].concat(), format))
}

/// The text between two marks.
fn between<'a>(text: &'a str, begin: &str, end: &str) -> &'a str {
    let rest = text
        .split(begin)
        .nth(1)
        .unwrap_or_else(|| panic!("no {begin}: {text}"));
    rest.split(end).next().unwrap_or(rest)
}

/// Uses the dashboard with right and wrong passwords, and creates, tests and deletes a token. Returns the token.
fn use_dashboard(
    server: &ServerProcess,
    email: &str,
    password: &str,
    canaries: &mut Canaries,
) -> String {
    let wrong = canaries.make("a wrong password");
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let sign_in = "/api/dashboard/sign-in";
    server.post(sign_in, &[form], &format!("email={email}&password={wrong}"));
    server.post(sign_in, &[form], &format!("password={wrong}"));
    server.post(sign_in, &[JSON], &format!("{{\"password\":\"{wrong}\""));
    server.get(&format!("/sign-in?email={email}&password={wrong}"), &[]);
    let strange = format!("{SESSION_COOKIE}={}", canaries.make("a made-up cookie"));
    server.get("/events", &[("Cookie", &strange[..])]);
    let cookie = server.sign_in(email, password);
    let (_, key) = cookie.split_once('=').expect("a name");
    canaries.add("a session", key);
    let member = [("Cookie", &cookie[..]), JSON];
    let call =
        |name: &str, body: &str| server.post(&format!("/api/dashboard/{name}"), &member, body);
    let change = |name: &str, fields: &str| {
        let path = format!("/api/dashboard/{name}");
        server.post(&path, &[member[0], form], fields)
    };
    for page in ["/events", "/developer-zone", "/nothing"] {
        server.get(page, &member[..1]);
    }
    let created = change("create-token", "organisation_id=903");
    let token = between(&created, "\"secret\":\"", "\"").to_owned();
    canaries.add("a token of the dashboard", &token[5..]);
    for secret in [&token, &canaries.make("a malformed key")] {
        let test = format!(r#"{{"organisation_id":903,"event_id":456,"secret":"{secret}"}}"#);
        call("test-token", &test);
        call("test-token", &test[..test.len() - 1]);
        change(
            "delete-token",
            &format!("organisation_id=903&token_id={secret}"),
        );
    }
    token
}

/// Calls the API with good and bad keys, in every place where a caller could put one.
fn use_api(server: &ServerProcess, token: &str, canaries: &mut Canaries) {
    let ping = format!("{EVENT}/ping");
    let mistyped = format!(
        "{}{}",
        &token[..45],
        if token.ends_with('a') { 'b' } else { 'a' }
    );
    let made_up = canaries.make("a made-up key");
    for key in [token, &mistyped, &made_up, &made_up.repeat(100)] {
        server.get(&ping, &[("X-API-Key", key)]);
        server.get(&ping, &[("X-API-Key", key), ("X-API-Key", key)]);
        server.get(&ping, &[("X-API-Key", key), ("Host", "evil.example")]);
        for scheme in ["Bearer ", "bearer\t", "Basic ", ""] {
            server.get(&ping, &[("Authorization", &format!("{scheme}{key}"))]);
        }
        for path in [
            format!("{ping}?api_key={key}"),
            format!("{EVENT}/bibs/{key}?page={key}"),
            format!("/api/v1/ext/{key}/events"),
            format!("/{key}?key={key}"),
            format!("/files/{key}?expires={key}&signature={key}"),
            format!("/docs/{key}?{key}"),
            format!("/assets/{key}"),
        ] {
            server.get(&path, &[]);
            server.get(&path, &[("X-API-Key", token)]);
        }
        let body = format!(r#"{{"method":"{key}","identifier":"{key}""#);
        server.post(
            &format!("{EVENT}/original-photos"),
            &[("X-API-Key", token), JSON],
            &body,
        );
    }
}

/// Creates a reset link for the demo's member, opens it, and sends it with good and bad passwords.
fn use_reset_link(server: &ServerProcess, url: &str, format: &str, canaries: &mut Canaries) {
    let create = ["user", "reset-link", "--email", MEMBER];
    let created = Outcome::of(&mut tracing_program(url, &create, format));
    created.assert_done();
    let (_, secret) = created
        .stdout
        .trim_end()
        .split_once("link=")
        .expect("a link");
    canaries.add("a reset link", secret);
    assert!(!created.stderr.contains(secret), "{}", created.stderr);
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let path = "/api/dashboard/reset-password";
    let opened = server.get(&format!("/reset-password?link={secret}"), &[]);
    assert!(opened.contains(MEMBER), "{opened}");
    server.get(&format!("/reset-password/{secret}"), &[]);
    server.get(&format!("/reset-password/?link={secret}"), &[]);
    server.get(&format!("{path}?link={secret}"), &[]);
    let new = &canaries.make("a password set by a link")[..];
    for (secret, new) in [
        (secret, "short"),
        (&secret[1..], new),
        (secret, new),
        (secret, new),
    ] {
        server.post(path, &[form], &format!("link={secret}&new_password={new}"));
        server.post(
            path,
            &[JSON],
            &format!("{{\"link\":\"{secret}\",\"new_password\":\"{new}\""),
        );
        server.post(path, &[form], &format!("link={secret}"));
    }
    let used = server.get(&format!("/reset-password?link={secret}"), &[]);
    assert!(used.contains("This link does not work"), "{used}");
}

/// Requests a link to an original, and follows it and altered copies of it.
fn use_links(server: &ServerProcess, token: &str, canaries: &mut Canaries) {
    let body = r#"{"method":"bib","identifier":"1234"}"#;
    let path = format!("{EVENT}/original-photos");
    let response = server.post(&path, &[("X-API-Key", token), JSON], body);
    let (_, body) = response.split_once("\r\n\r\n").expect("a body");
    let data: Value = serde_json::from_str(body).expect("JSON");
    let link = data["data"]["presigned_urls"][0]["url"].as_str();
    let link = link.unwrap_or_else(|| panic!("{response}"));
    let signature = link.split("ignature=").nth(1).expect("a signature");
    canaries.add("a link's signature", &signature[..20]);
    if let Some(path) = link.strip_prefix(&server.url()) {
        for path in [
            path,
            &path[..path.len() - 1],
            &path.replace("expires=", "expires=1"),
        ] {
            let mut response = Vec::new();
            server
                .send(path, &[])
                .read_to_end(&mut response)
                .expect("a response");
        }
    }
}

/// Adds the key that signs links, in each form in which a program could log bytes.
async fn add_signing_key(database: &TestDatabase, canaries: &mut Canaries) {
    let key = database.bytes("SELECT key FROM signing_keys").await;
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    canaries.add("the key of links", &hex);
    canaries.add("the key of links", &hex.to_uppercase());
    let list = format!("{:?}", &key[..8]);
    canaries.add("the key of links", list.trim_end_matches(']'));
}

async fn assert_no_secret_is_logged(format: &str) {
    let mut canaries = Canaries::default();
    let database = TestDatabase::sqlite();
    let url = database.url();
    done(&url, &["demo"]);
    let password = canaries.make("a password");
    let email = "canary@example.com";
    let user = [
        "user",
        "create",
        "--email",
        email,
        "--organisation",
        "903",
        "--password-stdin",
    ];
    run_with_input(&url, &user, &password).assert_done();
    let secret = database.file().with_file_name("s3");
    fs::write(&secret, canaries.make("the storage's secret")).expect("written");
    let secret = format!("--s3-secret-access-key-file={}", secret.display());
    let s3 = [
        "--s3-endpoint=https://minio.example",
        "--s3-region=eu",
        "--s3-bucket=photos",
    ];
    let s3 = [&s3[..], &["--s3-access-key-id=id", &secret]].concat();
    for options in [&[][..], &s3] {
        let server = server(&url, format, &[options, &["--rate-limit=0"]].concat());
        let token = use_dashboard(&server, email, &password, &mut canaries);
        use_reset_link(&server, &url, format, &mut canaries);
        use_api(&server, &token, &mut canaries);
        use_links(&server, &token, &mut canaries);
        add_signing_key(&database, &mut canaries).await;
        // The same again with a database that returns errors.
        database
            .sql("ALTER TABLE event_settings RENAME TO gone")
            .await;
        use_api(&server, &token, &mut canaries);
        database
            .sql("ALTER TABLE gone RENAME TO event_settings")
            .await;
        canaries.assert_absent_after(server);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the built front end: `make test` runs it"]
async fn no_secret_is_in_a_log_for_people_at_any_level() {
    assert_no_secret_is_logged("human").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the built front end: `make test` runs it"]
async fn no_secret_is_in_a_json_log_at_any_level() {
    assert_no_secret_is_logged("json").await;
}

/// One password is in the database's URL, another on an invalid line of the password file. sqlx would log that line.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: `make test` runs it"]
async fn the_databases_password_is_in_no_log_line_with_or_without_a_connection() {
    for format in ["human", "json"] {
        let mut canaries = Canaries::default();
        let database = TestDatabase::postgres().await;
        let password = canaries.make("the database's password");
        let folder = tempfile::tempdir().expect("a folder");
        let pgpass = folder.path().join("pgpass");
        let line = canaries.make("a line of the password file");
        fs::write(&pgpass, format!("{line}\n*:*:{line}\n")).expect("written");
        let owners = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(&pgpass, owners).expect("set");
        let (scheme, rest) = database
            .url()
            .split_once("://")
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .expect("an address");
        let (user, place) = rest.split_once('@').expect("a user");
        let with_password = format!("{scheme}://{user}:{password}@{place}");
        let away = format!("{scheme}://{user}:{password}@127.0.0.1:1/zone");
        for (url, code) in [(&with_password, 0), (&database.url(), 0), (&away, 1)] {
            let mut command = tracing_program(url, &["demo"], format);
            let outcome = command
                .env("PGPASSFILE", &pgpass)
                .output()
                .expect("started");
            let outcome = Outcome::from(outcome);
            assert_eq!(outcome.code, Some(code), "{}", outcome.stderr);
            canaries.assert_absent(&outcome);
        }
        let folder = folder.path().display().to_string();
        let server = server(&with_password, format, &["--originals-folder", &folder]);
        server.sign_in(MEMBER, DEMO_PASSWORD);
        database.refuse_connections().await;
        server.get("/readyz", &[]);
        server.get("/sign-in", &[]);
        canaries.assert_absent_after(server);
    }
}
