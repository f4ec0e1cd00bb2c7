//! `event import`.

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

/// A database with organisation 903 and event 456, and a folder for files to import.
struct Import {
    _database: TestDatabase,
    url: String,
    folder: tempfile::TempDir,
}

impl Import {
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

    /// Writes a file, and returns its path.
    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, content).expect("written");
        path.to_str().expect("a text").to_owned()
    }

    /// Makes a named pipe, and returns its path and the file to write to. The file is also open for reading: so opening
    /// it does not block, and writing does not fail when the import is killed.
    fn pipe(&self, name: &str) -> (String, File) {
        let path = self.folder.path().join(name);
        let made = Command::new("mkfifo").arg(&path).status();
        assert!(made.expect("started").success());
        let file = File::options().read(true).write(true).open(&path);
        let path = path.to_str().expect("a text").to_owned();
        (path, file.expect("opened"))
    }

    fn load(&self, file: &str) -> Outcome {
        run(&self.url, &command(file))
    }

    /// The number that a query returns, read directly from the database.
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
fn csv_and_jsonl_load_and_the_summary_counts_the_lines() {
    let import = Import::new();
    let csv = import.file("photos.csv", format!("{HEADER}{}", rows(0..1_500)));
    let outcome = import.load(&csv);
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
    let jsonl = import.file("photos.jsonl", lines.join("\n"));
    let outcome = import.load(&jsonl);
    outcome.assert_done();
    assert!(
        outcome
            .stdout
            .ends_with(": 1 added, 1 updated, 1 unchanged, 0 refused.\n"),
        "{outcome:?}"
    );
    assert_eq!(import.photos(), 1_501);
    assert_eq!(
        import.number("SELECT COUNT(*) FROM photo_bibs WHERE bib = 'a17'"),
        1_499
    );
}

#[test]
fn bad_lines_are_reported_with_their_numbers_and_good_lines_are_loaded() {
    let import = Import::new();
    let mut content = b"\xEF\xBB\xBF".to_vec();
    content.extend_from_slice(HEADER.replace('\n', "\r\n").as_bytes());
    content.extend_from_slice(b"a,/a,/a,,\"1\n2\"\r\n");
    content.extend_from_slice(b"b,ftp://b,/b,,\r\n\r\n");
    content.extend_from_slice(b"c,/c,/c,,\xFF\r\n");
    content.extend_from_slice(b"d,/d,/d,,\"1\r\n");
    content.extend_from_slice(b"e\x1b[2J,/e,/e\r\n");
    content.extend_from_slice(b"f,/f,/f,2026-01-19T08:30:00Z,1");
    let file = import.file("photos.csv", content);
    let outcome = import.load(&file);
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    let reported: Vec<_> = outcome.stderr.lines().collect();
    let expected = [
        (4, "img_url: must be an address"),
        (6, "is not UTF-8"),
        (7, "a quotation mark is not closed"),
        (8, "has 3 fields, and the first line has 5"),
    ];
    for ((number, words), line) in expected.iter().zip(&reported) {
        assert!(
            line.starts_with(&format!("{file}:{number}: {words}")),
            "{reported:?}"
        );
    }
    assert_eq!(reported.len(), 5, "{reported:?}");
    assert!(
        reported[4].starts_with("error: 4 bad lines in "),
        "{reported:?}"
    );
    assert!(
        outcome
            .stdout
            .ends_with(": 2 added, 0 updated, 0 unchanged, 4 refused.\n"),
        "{outcome:?}"
    );
    assert_eq!(import.photos(), 2);
}

#[test]
fn of_many_bad_lines_the_first_twenty_are_reported() {
    let import = Import::new();
    let file = import.file("photos.jsonl", "{}\n".repeat(1_234));
    let outcome = import.load(&file);
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    let reported: Vec<_> = outcome.stderr.lines().collect();
    assert_eq!(reported.len(), 22);
    assert!(
        reported[19].starts_with(&format!("{file}:20: ")),
        "{reported:?}"
    );
    assert_eq!(reported[20], "… and 1214 more");
    assert!(
        reported[21].starts_with("error: 1234 bad lines"),
        "{reported:?}"
    );
}

#[test]
fn a_file_that_cannot_be_loaded_is_refused_with_the_reason() {
    let import = Import::new();
    let missing = import.folder.path().join("missing.csv");
    import
        .load(missing.to_str().expect("a text"))
        .assert_failed("missing.csv");
    let empty = import.file("empty.csv", "");
    import
        .load(&empty)
        .assert_failed("its first line must name the columns");
    let typo = import.file(
        "typo.csv",
        "image_id,img_url,thumbnail_url,bib\na,/a,/a,1\n",
    );
    import
        .load(&typo)
        .assert_failed("names an unknown column `bib`");
    let few = import.file("few.csv", "image_id,img_url\na,/a\n");
    import
        .load(&few)
        .assert_failed("lacks the column `thumbnail_url`");
    let other = import.file("photos.json", "[]");
    import.load(&other).assert_misunderstood(".csv or .jsonl");
    import.load("-").assert_misunderstood(".csv or .jsonl");
    assert_eq!(import.photos(), 0);

    let nothing = import.file("empty.jsonl", "");
    import.load(&nothing).assert_done();
}

#[test]
fn an_event_of_another_organisation_is_refused_like_a_missing_one() {
    let import = Import::new();
    let other = ["organisation", "create", "--name", "Harbour Events"];
    done(
        &import.url,
        &[&other[..], &["--plan", "pro", "--id", "904"]].concat(),
    );
    let file = import.file("photos.csv", format!("{HEADER}{}", rows(0..3)));
    for (organisation, event) in [("904", "456"), ("903", "457"), ("999", "456")] {
        let command = ["event", "import", "--organisation", organisation];
        let rest = ["--event", event, &file];
        let outcome = run(&import.url, &[&command[..], &rest].concat());
        outcome.assert_failed(&format!("there is no event {event}"));
    }
    assert_eq!(import.photos(), 0);
}

/// The file is a named pipe, which the test holds open: the import cannot finish before it is killed.
#[test]
fn an_import_that_is_killed_and_run_again_loads_every_photo_once() {
    let import = Import::new();
    let (pipe, mut writer) = import.pipe("killed.csv");
    let mut child = program(&import.url, &command(&pipe))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("started");
    let feeding = thread::spawn(move || {
        // Two whole batches, and half of one.
        let content = format!("{HEADER}{}", rows(0..2_500));
        writer.write_all(content.as_bytes()).expect("written");
        writer
    });
    wait_until("two batches to be loaded", || import.photos() >= 2_000);
    child.kill().expect("it runs");
    child.wait().expect("our child");
    drop(feeding.join().expect("fed"));
    assert_eq!(
        import.photos(),
        2_000,
        "a batch is loaded whole or not at all"
    );

    let count = 3_000;
    let file = import.file("photos.csv", format!("{HEADER}{}", rows(0..count)));
    let outcome = import.load(&file);
    outcome.assert_done();
    let summary = ": 1000 added, 0 updated, 2000 unchanged, 0 refused.\n";
    assert!(outcome.stdout.ends_with(summary), "{outcome:?}");
    assert_eq!(import.photos(), i64::from(count));
    let counted = import.number("SELECT SUM(photos) FROM photo_blocks WHERE event_id = 456");
    assert_eq!(counted, i64::from(count));
    let tags = import.number("SELECT COUNT(*) FROM photo_bibs WHERE event_id = 456");
    assert_eq!(tags, 2 * i64::from(count));
}

#[test]
fn an_endless_line_does_not_exhaust_memory() {
    let import = Import::new();
    let path = import.folder.path().join("long.csv");
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
        .args(["-c", &limited, "sh", "--database-url", &import.url])
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
    let import = Import::new();
    done(
        &import.url,
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
    run_with_input(&import.url, &[&user[..], &rest].concat(), "correct horse\n").assert_done();
    let token = ["token", "create", "--organisation", "903"];
    let by = ["--created-by", "ada@example.com"];
    done(&import.url, &[&token[..], &by].concat());

    let (pipe, mut writer) = import.pipe("endless.csv");
    let mut child = program(&import.url, &command(&pipe))
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
        for change in ["deactivate", "activate"] {
            let before = import.photos();
            done(
                &import.url,
                &["token", change, "--organisation", "903", "1"],
            );
            wait_until("more photos", || import.photos() > before);
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

/// The command that removes the photos that `rest` names.
fn removal<'a>(rest: &[&'a str]) -> Vec<&'a str> {
    let command = [
        "event",
        "remove-photos",
        "--organisation",
        "903",
        "--event",
        "456",
    ];
    [&command[..], rest].concat()
}

#[test]
fn an_import_with_replace_removes_the_photos_that_the_file_does_not_name() {
    let import = Import::new();
    let all = import.file("all.csv", format!("{HEADER}{}", rows(0..2_500)));
    import.load(&all).assert_done();
    let some = import.file("some.csv", format!("{HEADER}{}", rows(2_000..2_600)));
    let replace = [&command(&some)[..], &["--replace"]].concat();
    let outcome = run(&import.url, &replace);
    outcome.assert_done();
    let summary = ": 100 added, 0 updated, 500 unchanged, 0 refused, 2000 removed.\n";
    assert!(outcome.stdout.ends_with(summary), "{outcome:?}");
    assert_eq!(import.photos(), 600);
    let counted = import.number("SELECT SUM(photos) FROM photo_blocks WHERE event_id = 456");
    assert_eq!(counted, 600);
    let again = run(&import.url, &replace);
    let summary = ": 0 added, 0 updated, 600 unchanged, 0 refused, 0 removed.\n";
    assert!(again.stdout.ends_with(summary), "{again:?}");
}

#[test]
fn a_replacement_with_a_bad_line_or_without_photos_removes_nothing() {
    let import = Import::new();
    let all = import.file("all.csv", format!("{HEADER}{}", rows(0..3)));
    import.load(&all).assert_done();
    let bad = import.file("bad.csv", format!("{HEADER}{}b,ftp://b,/b,,\n", rows(2..4)));
    let outcome = run(&import.url, &[&command(&bad)[..], &["--replace"]].concat());
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(
        outcome.stderr.contains("error: 1 bad line in "),
        "{outcome:?}"
    );
    assert!(
        outcome.stderr.contains("no photo is removed"),
        "{outcome:?}"
    );
    assert_eq!(import.photos(), 4, "the good lines are loaded");
    for (name, content) in [("empty.csv", HEADER), ("empty.jsonl", "\n")] {
        let empty = import.file(name, content);
        let outcome = run(
            &import.url,
            &[&command(&empty)[..], &["--replace"]].concat(),
        );
        outcome.assert_failed("names no photo, so none is removed");
    }
    assert_eq!(import.photos(), 4);
}

#[test]
fn photos_are_removed_by_name_from_arguments_a_file_or_standard_input() {
    let import = Import::new();
    let all = import.file("all.csv", format!("{HEADER}{}", rows(0..2_500)));
    import.load(&all).assert_done();
    let outcome = run(&import.url, &removal(&["IMG_1", "IMG_2", "none"]));
    outcome.assert_done();
    assert_eq!(
        outcome.stdout,
        "Removed photos from event 456: 2 removed, 1 missing. Originals stay in storage.\n"
    );
    let names: String = (0..1_500).map(|n| format!("IMG_{n}\r\n\n")).collect();
    let file = import.file("ids.txt", names);
    let outcome = run(&import.url, &removal(&["--ids-from", &file]));
    outcome.assert_done();
    assert!(
        outcome.stdout.contains(": 1498 removed, 2 missing."),
        "{outcome:?}"
    );
    let outcome = run_with_input(&import.url, &removal(&["--ids-from", "-"]), "IMG_2000\n");
    outcome.assert_done();
    assert!(
        outcome.stdout.contains(": 1 removed, 0 missing."),
        "{outcome:?}"
    );
    assert_eq!(import.photos(), 999);
    let tags = import.number("SELECT COUNT(*) FROM photo_bibs WHERE event_id = 456");
    assert_eq!(tags, 2 * 999);
}

#[test]
fn bad_names_are_reported_and_the_photos_of_all_others_are_removed() {
    let import = Import::new();
    let all = import.file("all.csv", format!("{HEADER}{}", rows(0..3)));
    import.load(&all).assert_done();
    let file = import.file("ids.txt", b"IMG_0\n\xFF\nIMG\x1b1\nIMG_2");
    let outcome = run(&import.url, &removal(&["--ids-from", &file]));
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    let reported: Vec<_> = outcome.stderr.lines().collect();
    assert!(
        reported[0].starts_with(&format!("{file}:2: is not UTF-8")),
        "{reported:?}"
    );
    assert!(
        reported[1].starts_with(&format!("{file}:3: image_id: must")),
        "{reported:?}"
    );
    assert!(
        reported[2].starts_with("error: 2 bad lines in "),
        "{reported:?}"
    );
    assert!(
        outcome.stdout.contains(": 2 removed, 0 missing."),
        "{outcome:?}"
    );
    assert_eq!(import.photos(), 1);

    run(&import.url, &removal(&[])).assert_misunderstood("IMAGE_ID");
    let both = removal(&["--ids-from", &file, "IMG_1"]);
    run(&import.url, &both).assert_misunderstood("cannot be used with");
    let missing = import.folder.path().join("missing.txt");
    let missing = removal(&["--ids-from", missing.to_str().expect("a text")]);
    run(&import.url, &missing).assert_failed("missing.txt");
    let other = [
        "event",
        "remove-photos",
        "--organisation",
        "903",
        "--event",
        "457",
        "IMG_1",
    ];
    run(&import.url, &other).assert_failed("there is no event 457");
    assert_eq!(import.photos(), 1);
}
