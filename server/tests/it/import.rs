//! `event import`, with the real program.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use sqlx::{Connection, SqliteConnection};
use tokio::runtime::Runtime;

use crate::support::{
    database::TestDatabase,
    program::{Outcome, done, program, run, run_with_input},
    wait::wait_until,
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

    /// A named pipe: gives its path, and the file to write to. Opened for reading too, it can be opened before the
    /// import opens it, and a killed import does not break it.
    fn pipe(&self, name: &str) -> (String, File) {
        let path = self.folder.path().join(name);
        let made = Command::new("mkfifo").arg(&path).status();
        assert!(made.expect("started").success());
        let file = File::options().read(true).write(true).open(&path);
        let path = path.to_str().expect("a text").to_owned();
        (path, file.expect("opened"))
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
    let row = |n: u32| {
        let (second, bib) = (n % 60, n % 7);
        format!("IMG_{n},/{n}.jpg,/t/{n}.jpg,2026-01-19T08:30:{second:02}Z,{bib} A17\n")
    };
    numbers.map(row).collect()
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

/// The file is a named pipe, which the test holds open: the import cannot come to its end before it is killed.
#[test]
fn an_import_that_is_killed_and_run_again_loads_every_photo_once() {
    let desk = Desk::new();
    let (pipe, mut writer) = desk.pipe("killed.csv");
    let mut child = program(&desk.url, &command(&pipe))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("started");
    let feeding = thread::spawn(move || {
        // Five whole batches, and half of one.
        let content = format!("{HEADER}{}", rows(0..5_500));
        writer.write_all(content.as_bytes()).expect("written");
        writer
    });
    wait_until("five batches to be loaded", || desk.photos() >= 5_000);
    child.kill().expect("it runs");
    child.wait().expect("our child");
    drop(feeding.join().expect("fed"));
    assert_eq!(
        desk.photos(),
        5_000,
        "a batch is loaded whole or not at all"
    );

    let count = 7_000;
    let file = desk.file("photos.csv", format!("{HEADER}{}", rows(0..count)));
    let outcome = desk.import(&file);
    outcome.assert_done();
    let summary = ": 2000 added, 0 updated, 5000 unchanged, 0 refused.\n";
    assert!(outcome.stdout.ends_with(summary), "{outcome:?}");
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
    let mut file = File::create(&path).expect("made");
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

/// The import reads photos for as long as the test writes them into a named pipe. A command that had to wait for the
/// import would fail: it waits a few seconds for SQLite's lock.
#[test]
fn a_token_can_be_revoked_while_photos_are_loaded() {
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
    run_with_input(&desk.url, &[&user[..], &rest].concat(), "correct horse\n").assert_done();
    let token = ["token", "create", "--organisation", "903"];
    let by = ["--created-by", "ada@example.com"];
    done(&desk.url, &[&token[..], &by].concat());

    let (pipe, mut writer) = desk.pipe("endless.csv");
    let mut child = program(&desk.url, &command(&pipe))
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let is_enough = AtomicBool::new(false);
    let count = thread::scope(|threads| {
        let feeding = threads.spawn(|| {
            let mut count = 0;
            writer.write_all(HEADER.as_bytes()).expect("written");
            while !is_enough.load(Ordering::SeqCst) {
                let some = rows(count..count + 500);
                writer.write_all(some.as_bytes()).expect("written");
                count += 500;
            }
            drop(writer);
            count
        });
        for change in ["deactivate", "activate", "deactivate", "activate"] {
            let before = desk.photos();
            done(&desk.url, &["token", change, "--organisation", "903", "1"]);
            wait_until("more photos", || desk.photos() > before);
        }
        assert!(child.try_wait().expect("our child").is_none());
        is_enough.store(true, Ordering::SeqCst);
        feeding.join().expect("fed")
    });
    let mut summary = String::new();
    let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
    stdout.read_line(&mut summary).expect("a text");
    assert!(summary.contains(&format!(" {count} added")), "{summary}");
    child.wait().expect("our child");
}
