//! Where the plain token is: in the one answer that shows it, and nowhere else.

use std::fs;

use crate::{
    program::{Outcome, Serving, developer_zone, done, run_with_input},
    zone::TestDatabase,
};

const PASSWORD: &str = "correct horse battery";

/// Everything that the files of the database hold.
fn files(database: &TestDatabase) -> Vec<u8> {
    let TestDatabase::Sqlite(folder) = database else {
        unreachable!("these tests look at SQLite's files");
    };
    let entries = fs::read_dir(folder.path()).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    // A demo's originals lie beside its database, in a folder.
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
fn the_plain_token_is_in_no_database_file_and_no_log_line_whoever_sends_it_where() {
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
    let mut command = developer_zone(&url, &create);
    command.env("DEVELOPER_ZONE_LOG", "trace");
    let created: Outcome = command.output().expect("started").into();
    created.assert_done();
    let token = created.stdout.trim_end();
    // What is left of a token without the characters that everybody may see.
    let secret = &token[5..];
    assert!(created.stderr.contains("DEBUG"), "{}", created.stderr);
    assert!(!created.stderr.contains(secret), "{}", created.stderr);

    let listen = ["serve", "--listen", "127.0.0.1:0", "--demo"];
    let mut command = developer_zone(&url, &listen);
    command.env("DEVELOPER_ZONE_LOG", "trace");
    let server = Serving::start_as(command);
    let ping = "/api/v1/ext/903/event/456/ping";
    let bearer = format!("Bearer {token}");
    let misplaced = [
        format!("{ping}?api_key={token}"),
        format!("/api/v1/ext/903/event/{token}/ping"),
        format!("/api/v1/ext/{token}"),
    ];
    let mut answers = vec![
        server.get(ping, &[("X-API-Key", token)]),
        server.get(ping, &[("Authorization", &bearer)]),
        server.get(ping, &[("X-API-Key", token), ("X-API-Key", token)]),
        server.get(ping, &[("X-API-Key", token), ("Host", "evil.example")]),
    ];
    for path in &misplaced {
        answers.push(server.get(path, &[]));
        answers.push(server.get(path, &[("X-API-Key", token)]));
    }
    let during = files(&database);
    let served = server.stop();
    assert!(served.stderr.contains("TRACE"), "{}", served.stderr);
    for text in [&served.stderr, &served.stdout].into_iter().chain(&answers) {
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
fn the_password_of_a_database_is_in_no_message() {
    let url = "postgres://zone:hunter2@127.0.0.1:1/zone";
    let outcome = crate::program::run(url, &["migrate"]);
    outcome.assert_failed("--database-url");
    assert!(!outcome.stderr.contains("hunter2"), "{}", outcome.stderr);
    let help = developer_zone(url, &["serve", "--help"])
        .env("DEVELOPER_ZONE_DATABASE_URL", url)
        .output()
        .expect("started");
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    assert!(
        help.contains("DEVELOPER_ZONE_DATABASE_URL") && !help.contains("hunter2"),
        "{help}"
    );
}
