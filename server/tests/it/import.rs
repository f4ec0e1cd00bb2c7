//! `event import`, with the real program.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use sqlx::{Connection, SqliteConnection};
use tokio::runtime::Runtime;

use crate::{
    program::{Outcome, PATIENCE, developer_zone, done, run},
    zone::TestDatabase,
};

const HEADER: &str = "image_id,img_url,thumbnail_url,captured_at,bibs\n";

/// Organisation 903 with event 456, and a folder for files.
struct Desk {
    _database: TestDatabase,
    url: String,
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let database = TestDatabase::sqlite();
        let url = database.url();
        let organisation = ["organisation", "create", "--name", "Summit Races"];
        done(
            &url,
            &[&organisation[..], &["--plan", "pro", "--id", "903"]].concat(),
        );
        let event = ["event", "create", "--organisation", "903", "--name", "Race"];
        done(&url, &[&event[..], &["--id", "456"]].concat());
        Self {
            _database: database,
            url,
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    /// A file with this content; gives its path.
    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, content).expect("written");
        path.to_str().expect("a text").to_owned()
    }

    fn import(&self, file: &str) -> Outcome {
        run(&self.url, &command(file))
    }

    /// What a query of one number gives, asked behind the program's back.
    fn number(&self, sql: &'static str) -> i64 {
        Runtime::new().expect("a runtime").block_on(async {
            let mut connection = SqliteConnection::connect(&self.url).await.expect("open");
            let number = sqlx::query_scalar(sql).fetch_one(&mut connection).await;
            number.expect("a number")
        })
    }

    fn photos(&self) -> i64 {
        self.number("SELECT COUNT(*) FROM photos WHERE event_id = 456")
    }
}

fn command(file: &str) -> [&str; 7] {
    [
        "event",
        "import",
        "--organisation",
        "903",
        "--event",
        "456",
        file,
    ]
}

fn rows(numbers: impl Iterator<Item = u32>) -> String {
    numbers.fold(String::new(), |rows, n| {
        let second = n % 60;
        format!(
            "{rows}IMG_{n},/{n}.jpg,/t/{n}.jpg,2026-01-19T08:30:{second:02}Z,{} A17\n",
            n % 7
        )
    })
}

#[test]
fn both_formats_load_and_the_summary_counts_what_became_of_the_lines() {
    let desk = Desk::new();
    let csv = desk.file("photos.csv", format!("{HEADER}{}", rows(0..1_500)));
    let outcome = desk.import(&csv);
    outcome.assert_done();
    assert_eq!(outcome.stderr, "");
    let summary =
        format!("Loaded {csv} into event 456: 1500 added, 0 updated, 0 unchanged, 0 refused.\n");
    assert_eq!(outcome.stdout, summary);

    let line = |name: &str, bibs: &str| {
        format!(
            r#"{{"image_id":"{name}","img_url":"/x.jpg","thumbnail_url":"/t/x.jpg","bibs":{bibs}}}"#
        )
    };
    let same = r#"{"image_id":"IMG_0","img_url":"/0.jpg","thumbnail_url":"/t/0.jpg","captured_at":"2026-01-19T09:30:00+01:00","bibs":["a17",0]}"#;
    let lines = [line("IMG_1", "[12]"), line("new", "[]"), same.to_owned()];
    let jsonl = desk.file("photos.jsonl", lines.join("\n"));
    let outcome = desk.import(&jsonl);
    outcome.assert_done();
    assert!(
        outcome
            .stdout
            .ends_with(": 1 added, 1 updated, 1 unchanged, 0 refused.\n"),
        "{outcome:?}"
    );
    assert_eq!(desk.photos(), 1_501);
    assert_eq!(
        desk.number("SELECT COUNT(*) FROM photo_bibs WHERE bib = 'a17'"),
        1_499
    );
}

#[test]
fn bad_lines_are_told_with_their_numbers_and_the_good_ones_are_loaded() {
    let desk = Desk::new();
    let mut content = b"\xEF\xBB\xBF".to_vec();
    content.extend_from_slice(HEADER.replace('\n', "\r\n").as_bytes());
    content.extend_from_slice(b"a,/a,/a,,\"1\n2\"\r\n");
    content.extend_from_slice(b"b,ftp://b,/b,,\r\n\r\n");
    content.extend_from_slice(b"c,/c,/c,,\xFF\r\n");
    content.extend_from_slice(b"d,/d,/d,,\"1\r\n");
    content.extend_from_slice(b"e\x1b[2J,/e,/e\r\n");
    content.extend_from_slice(b"f,/f,/f,2026-01-19T08:30:00Z,1");
    let file = desk.file("photos.csv", content);
    let outcome = desk.import(&file);
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    let told: Vec<_> = outcome.stderr.lines().collect();
    let expected = [
        (4, "img_url: must be an address"),
        (6, "is not UTF-8"),
        (7, "a quotation mark is not closed"),
        (8, "has 3 fields, and the first line has 5"),
    ];
    for ((number, words), line) in expected.iter().zip(&told) {
        assert!(
            line.starts_with(&format!("{file}:{number}: {words}")),
            "{told:?}"
        );
    }
    assert_eq!(told.len(), 5, "{told:?}");
    assert!(told[4].starts_with("error: 4 bad lines in "), "{told:?}");
    assert!(
        outcome
            .stdout
            .ends_with(": 2 added, 0 updated, 0 unchanged, 4 refused.\n"),
        "{outcome:?}"
    );
    assert_eq!(desk.photos(), 2);
}

#[test]
fn of_many_bad_lines_the_first_twenty_are_told() {
    let desk = Desk::new();
    let file = desk.file("photos.jsonl", "{}\n".repeat(1_234));
    let outcome = desk.import(&file);
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    let told: Vec<_> = outcome.stderr.lines().collect();
    assert_eq!(told.len(), 22);
    assert!(told[19].starts_with(&format!("{file}:20: ")), "{told:?}");
    assert_eq!(told[20], "… and 1214 more");
    assert!(told[21].starts_with("error: 1234 bad lines"), "{told:?}");
}

#[test]
fn a_file_that_cannot_be_loaded_at_all_says_why() {
    let desk = Desk::new();
    let missing = desk.folder.path().join("missing.csv");
    desk.import(missing.to_str().expect("a text"))
        .assert_failed("missing.csv");
    let empty = desk.file("empty.csv", "");
    desk.import(&empty)
        .assert_failed("its first line must name the columns");
    let typo = desk.file(
        "typo.csv",
        "image_id,img_url,thumbnail_url,bib\na,/a,/a,1\n",
    );
    desk.import(&typo).assert_failed("names a column `bib`");
    let few = desk.file("few.csv", "image_id,img_url\na,/a\n");
    desk.import(&few)
        .assert_failed("names no column `thumbnail_url`");
    let other = desk.file("photos.json", "[]");
    desk.import(&other).assert_misunderstood(".csv or .jsonl");
    desk.import("-").assert_misunderstood(".csv or .jsonl");
    assert_eq!(desk.photos(), 0);

    let nothing = desk.file("empty.jsonl", "");
    desk.import(&nothing).assert_done();
}

#[test]
fn an_event_of_another_organisation_is_refused_like_one_that_does_not_exist() {
    let desk = Desk::new();
    let other = ["organisation", "create", "--name", "Harbour Events"];
    done(
        &desk.url,
        &[&other[..], &["--plan", "pro", "--id", "904"]].concat(),
    );
    let file = desk.file("photos.csv", format!("{HEADER}{}", rows(0..3)));
    for (organisation, event) in [("904", "456"), ("903", "457"), ("999", "456")] {
        let command = ["event", "import", "--organisation", organisation];
        let rest = ["--event", event, &file];
        let outcome = run(&desk.url, &[&command[..], &rest].concat());
        outcome.assert_failed(&format!("there is no event {event}"));
    }
    assert_eq!(desk.photos(), 0);
}

#[test]
fn killed_in_the_middle_and_run_again_it_ends_with_the_same_photos() {
    let desk = Desk::new();
    let count = 15_000;
    let content = format!("{HEADER}{}", rows(0..count));
    let file = desk.file("photos.csv", content);
    let mut child = developer_zone(&desk.url, &command(&file))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("started");
    let start = Instant::now();
    while desk.photos() < 3_000 {
        assert!(start.elapsed() < PATIENCE, "nothing is loaded");
        thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("it runs");
    child.wait().expect("our child");
    let loaded = desk.photos();
    assert!((3_000..i64::from(count)).contains(&loaded), "{loaded}");
    assert_eq!(loaded % 1_000, 0, "a batch is loaded whole or not at all");

    let outcome = desk.import(&file);
    outcome.assert_done();
    let rest = i64::from(count) - loaded;
    let summary = format!(": {rest} added, 0 updated, {loaded} unchanged, 0 refused.\n");
    assert!(outcome.stdout.ends_with(&summary), "{outcome:?}");
    assert_eq!(desk.photos(), i64::from(count));
    let counted = desk.number("SELECT SUM(photos) FROM photo_blocks WHERE event_id = 456");
    assert_eq!(counted, i64::from(count));
    let tags = desk.number("SELECT COUNT(*) FROM photo_bibs WHERE event_id = 456");
    assert_eq!(tags, 2 * i64::from(count));
}

#[test]
fn a_line_without_end_does_not_exhaust_the_memory() {
    let desk = Desk::new();
    let path = desk.folder.path().join("long.csv");
    let mut file = fs::File::create(&path).expect("made");
    file.write_all(HEADER.as_bytes()).expect("written");
    file.write_all(b"a,/a,/a,,\"").expect("written");
    file.set_len(1 << 30).expect("a file with a hole");
    drop(file);
    let path = path.to_str().expect("a text");
    let limited = format!(
        "ulimit -v 1500000; exec '{}' \"$@\"",
        env!("CARGO_BIN_EXE_developer-zone")
    );
    let outcome: Outcome = std::process::Command::new("sh")
        .args(["-c", &limited, "sh", "--database-url", &desk.url])
        .args(command(path))
        .output()
        .expect("started")
        .into();
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(
        outcome.stderr.contains(":2: is longer than 65536 bytes"),
        "{outcome:?}"
    );
}

#[test]
fn a_token_is_revoked_at_once_while_photos_are_loaded() {
    let desk = Desk::new();
    done(
        &desk.url,
        &[
            "organisation",
            "set-plan",
            "--id",
            "903",
            "--plan",
            "enterprise",
        ],
    );
    let user = ["user", "create", "--email", "ada@example.com"];
    let rest = ["--organisation", "903", "--password-stdin"];
    crate::program::run_with_input(&desk.url, &[&user[..], &rest].concat(), "correct horse\n")
        .assert_done();
    let token = ["token", "create", "--organisation", "903"];
    done(
        &desk.url,
        &[&token[..], &["--created-by", "ada@example.com"]].concat(),
    );
    let file = desk.file("photos.csv", format!("{HEADER}{}", rows(0..15_000)));
    let mut child = developer_zone(&desk.url, &command(&file))
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let mut longest = Duration::ZERO;
    let mut changes = 0;
    while child.try_wait().expect("our child").is_none() {
        for change in ["deactivate", "activate"] {
            let start = Instant::now();
            let command = ["token", change, "--organisation", "903", "1"];
            done(&desk.url, &command);
            longest = longest.max(start.elapsed());
            changes += 1;
        }
    }
    let mut summary = String::new();
    let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
    stdout.read_line(&mut summary).expect("a text");
    assert!(summary.contains("15000 added"), "{summary}");
    assert!(changes >= 4, "{changes}");
    // Each starts a program, which looks after the schema first.
    assert!(longest < Duration::from_secs(3), "{longest:?}");
}
