//! `backup`, restoring a backup, and databases with a newer schema.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
};

use crate::support::{
    DEMO_PASSWORD, MEMBER,
    database::TestDatabase,
    process::ServerProcess,
    program::{Outcome, create_token, done, newest_token_id, program, run},
    wait::wait_until,
};

fn status(server: &ServerProcess, token: &str) -> String {
    let response = server.ping(token);
    response.split(' ').nth(1).expect("a status").to_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// Restores a backup as docs/operations.md says: in a new folder, under the database's name.
fn restore(backup: &Path) -> TestDatabase {
    let restored = TestDatabase::sqlite();
    fs::copy(backup, restored.file()).expect("copied");
    restored
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn a_backup_made_under_traffic_can_be_served_and_holds_every_change_made_before_it() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    let server = ServerProcess::start(&url, &["--demo", "--rate-limit=0"]);
    let token = create_token(&url);
    let (stop, created, served) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let backups: Vec<(u64, PathBuf)> = thread::scope(|threads| {
        threads.spawn(|| {
            while !stop.load(Ordering::SeqCst) {
                assert_eq!(status(&server, &token), "200");
                served.fetch_add(1, Ordering::SeqCst);
            }
        });
        threads.spawn(|| {
            while !stop.load(Ordering::SeqCst) {
                let id = (2_000 + created.load(Ordering::SeqCst)).to_string();
                let create = ["organisation", "create", "--plan", "pro", "--name", "New"];
                done(&url, &[&create[..], &["--id", &id]].concat());
                created.fetch_add(1, Ordering::SeqCst);
            }
        });
        let backups = (0..3).map(|n| {
            let file = database.file().with_file_name(format!("backup-{n}.db"));
            let has_moved_on = |count: &AtomicU64| count.load(Ordering::SeqCst) > n;
            wait_until("more traffic", || {
                has_moved_on(&created) && has_moved_on(&served)
            });
            let before = created.load(Ordering::SeqCst);
            let printed = done(&url, &["backup", text(&file)]);
            assert!(printed.contains("checked"), "{printed}");
            (before, file)
        });
        let backups = backups.collect();
        stop.store(true, Ordering::SeqCst);
        backups
    });
    // The token is deleted after the backups. A restored database has it again, because the backup is older.
    let id = newest_token_id(&url);
    done(&url, &["token", "delete", "--organisation", "903", &id]);
    assert_eq!(status(&server, &token), "403");
    server.stop().assert_done();

    for (before, backup) in &backups {
        let restored = restore(backup);
        let server = ServerProcess::start(&restored.url(), &["--demo"]);
        let list = done(&restored.url(), &["organisation", "list"]);
        for n in 0..*before {
            let line = format!("\n{}  New", 2_000 + n);
            assert!(list.contains(&line), "{n}: {list}");
        }
        assert_eq!(status(&server, &token), "200");
        let printed = done(&restored.url(), &["after-restore", "--yes"]);
        assert!(printed.starts_with("Tokens deactivated: 1."), "{printed}");
        let response = server.ping(&token);
        let code = "x-error-code: token_inactive";
        assert!(response.contains(code), "{response}");
        server.stop().assert_done();
    }
}

#[test]
#[ignore = "needs the built front end: `make test` runs it"]
fn after_restore_ends_the_sessions_in_the_backup() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    let server = ServerProcess::start(&url, &["--demo"]);
    let cookie = server.sign_in(MEMBER, DEMO_PASSWORD);
    let backup = database.file().with_file_name("backup.db");
    done(&url, &["backup", text(&backup)]);
    server.stop().assert_done();
    let restored = restore(&backup);
    let server = ServerProcess::start(&restored.url(), &["--demo"]);
    let page = |server: &ServerProcess| server.get("/events", &[("Cookie", &cookie)]);
    assert!(page(&server).starts_with("HTTP/1.1 200"));
    let printed = done(&restored.url(), &["after-restore", "--yes"]);
    assert!(printed.contains("Sessions ended: 1."), "{printed}");
    assert!(!page(&server).starts_with("HTTP/1.1 200"));
    server.stop().assert_done();
}

/// The command deactivates every token, so it must not run by mistake.
#[test]
fn after_restore_demands_yes() {
    let database = TestDatabase::sqlite();
    run(&database.url(), &["after-restore"]).assert_misunderstood("--yes");
    assert!(!database.file().exists());
}

#[test]
fn a_backup_does_not_overwrite_a_file() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    done(&url, &["migrate"]);
    let file = database.file().with_file_name("backup.db");
    done(&url, &["backup", text(&file)]);
    let before = fs::read(&file).expect("readable");
    run(&url, &["backup", text(&file)]).assert_failed("exists already");
    assert_eq!(fs::read(&file).expect("readable"), before);
    let nowhere = file.with_file_name("no").join("backup.db");
    run(&url, &["backup", text(&nowhere)]).assert_failed("cannot be written");
    let missing = TestDatabase::sqlite();
    run(&missing.url(), &["backup", text(&nowhere)]).assert_failed("cannot be opened");
    assert!(!missing.file().exists());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: `make test` runs it"]
async fn a_backup_of_postgresql_is_refused_and_names_pg_dump() {
    let database = TestDatabase::postgres().await;
    run(&database.url(), &["backup", "backup.db"]).assert_failed("pg_dump");
}

/// Every command that uses the database, with the arguments that it needs.
const COMMANDS: [&[&str]; 9] = [
    &["serve", "--listen", "127.0.0.1:0"],
    &["migrate"],
    &["demo"],
    &["after-restore", "--yes"],
    &["organisation", "list"],
    &["organisation", "set-plan", "--id", "903", "--plan", "pro"],
    &["event", "create", "--organisation", "903", "--name", "Race"],
    &["token", "list", "--organisation", "903"],
    &["token", "delete", "--organisation", "903", "1"],
];

/// Notes a migration of a newer program.
async fn note_newer(database: &TestDatabase, version: i64, name: &str) {
    let zero = match database {
        TestDatabase::Sqlite(_) => "X'00'",
        TestDatabase::Postgres { .. } => "'\\x00'::bytea",
    };
    let newer = format!(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES ({version}, '{name}', TRUE, {zero}, 0)"
    );
    database.sql(&newer).await;
}

async fn assert_newer_is_refused(database: &TestDatabase) {
    let url = database.url();
    done(&url, &["demo"]);
    note_newer(database, 9998, "from the future").await;
    note_newer(database, 9999, "and further").await;
    for command in COMMANDS {
        let outcome = run(&url, command);
        outcome.assert_failed("the database has schema 9999 and this program knows schemas up to");
        assert!(outcome.stderr.contains("Run that version"), "{outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the built front end: `make test` runs it"]
async fn every_command_refuses_a_sqlite_file_with_a_newer_schema() {
    let database = TestDatabase::sqlite();
    assert_newer_is_refused(&database).await;
    let backup = database.file().with_file_name("backup.db");
    run(&database.url(), &["backup", text(&backup)]).assert_failed("schema 9999");
    assert!(!backup.exists());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: `make test` runs it"]
async fn every_command_refuses_a_postgresql_database_with_a_newer_schema() {
    assert_newer_is_refused(&TestDatabase::postgres().await).await;
}

async fn assert_older_programs_revoke(database: &TestDatabase) {
    let url = database.url();
    done(&url, &["demo"]);
    create_token(&url);
    let id = newest_token_id(&url);
    note_newer(database, 9999, "more columns keeps revocations").await;
    for command in COMMANDS {
        if command[0] != "token" {
            run(&url, command).assert_failed("the database has schema 9999");
        }
    }
    let activate = ["token", "activate", "--organisation", "903", &id];
    run(&url, &activate).assert_failed("the database has schema 9999");
    let revocations: [&[&str]; 6] = [
        &["token", "list", "--organisation", "903"],
        &["token", "deactivate", "--organisation", "903", "--all"],
        &["token", "delete", "--organisation", "903", &id],
        &[
            "member",
            "remove",
            "--organisation",
            "903",
            "--email",
            MEMBER,
        ],
        &["user", "disable", "--email", MEMBER],
        &["user", "delete", "--email", MEMBER],
    ];
    for command in revocations {
        let outcome = run(&url, command);
        outcome.assert_done();
        let warning = "WARNING: the database has schema 9999 and this program knows schemas up to";
        assert!(outcome.stderr.starts_with(warning), "{outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn older_programs_revoke_on_a_newer_schema_of_sqlite_that_allows_it() {
    assert_older_programs_revoke(&TestDatabase::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: `make test` runs it"]
async fn older_programs_revoke_on_a_newer_schema_of_postgresql_that_allows_it() {
    assert_older_programs_revoke(&TestDatabase::postgres().await).await;
}

/// SQLite reads a name that begins with `file:` as a URI, and would write the copy to another file.
#[test]
fn a_backup_is_in_the_file_that_was_named_whatever_its_name() {
    let database = TestDatabase::sqlite();
    let url = database.url();
    let create = ["organisation", "create", "--plan", "pro", "--name", "New"];
    done(&url, &[&create[..], &["--id", "2000"]].concat());
    let folder = database.file().with_file_name("backups");
    fs::create_dir(&folder).expect("created");
    for name in ["file:copy.db", "file:copy.db?mode=memory", ":memory:"] {
        let mut backup = program(&url, &["backup", name]);
        Outcome::of(backup.current_dir(&folder)).assert_done();
        let restored = restore(&folder.join(name));
        let list = done(&restored.url(), &["organisation", "list"]);
        assert!(list.contains("\n2000  New"), "{name}: {list}");
        fs::remove_file(folder.join(name)).expect("the backup");
        let others: Vec<_> = fs::read_dir(&folder).expect("a folder").collect();
        assert!(others.is_empty(), "{name}: {others:?}");
    }
}
