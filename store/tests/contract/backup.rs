//! Backups of a database in use, and the check of its schema.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use model::{organisation::OrganisationId, servers::Acknowledgements, token::TokenStatus};
use store::{
    Store, TokenPermission,
    backup::{Distrusted, back_up},
    error::{BackupError, OpenError, SchemaError},
    secret::TokenDigest,
};

use crate::{
    failures::assert_unavailable,
    harness::{PASSWORD, TestDatabase, TestStore, clock},
};

on_both_engines!(
    the_schema_check_accepts_exactly_this_programs_schema,
    after_a_restore_no_token_is_active_and_no_session_is_left,
);

on_sqlite_alone!(
    a_backup_that_would_leave_too_little_space_is_refused_before_it_begins,
    a_backup_has_every_change_reported_before_it_began,
    a_backup_shows_one_moment_while_others_write,
    only_its_owner_can_read_a_backup_and_no_other_file_remains,
    a_backup_overwrites_no_file,
    a_backup_that_cannot_be_written_leaves_no_file,
    a_backup_refuses_a_url_of_neither_engine,
    a_missing_database_is_neither_backed_up_nor_created,
    an_older_schema_is_backed_up_unchanged_and_a_newer_one_is_refused,
    a_damaged_database_is_not_backed_up,
);

on_postgres_alone!(a_backup_of_postgres_is_refused);

async fn the_schema_check_accepts_exactly_this_programs_schema(store: TestStore) {
    store.check_schema().await.expect("ready");
    let known = store
        .raw()
        .number("SELECT MAX(version) FROM _sqlx_migrations")
        .await;
    let zero = store.raw().literal(&[0]);
    let newer = known + 5;
    store
        .raw()
        .execute(&format!(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
            VALUES ({newer}, 'from the future', TRUE, {zero}, 0)"
        ))
        .await;
    for outcome in [store.check_schema().await, store.migrate().await] {
        assert_refused!(
            outcome,
            SchemaError::Newer { found, known: ours, .. } if (found, ours) == (newer, known)
        );
    }
    let remove = format!("DELETE FROM _sqlx_migrations WHERE version >= {known}");
    store.raw().execute(&remove).await;
    assert_refused!(
        store.check_schema().await,
        SchemaError::Older { found, known: ours } if found < known && ours == known
    );
    let change = format!("UPDATE _sqlx_migrations SET checksum = {zero} WHERE version = 1");
    store.raw().execute(&change).await;
    assert_refused!(store.check_schema().await, SchemaError::Migration(_));
    store.close().await;
    let refused = store.check_schema().await.expect_err("closed");
    assert_unavailable(&refused);
}

async fn after_a_restore_no_token_is_active_and_no_session_is_left(store: TestStore) {
    let one = store.enterprise(903).await;
    let other = store.enterprise(904).await;
    for member in [&one, &one, &other] {
        store.tokens().create(member, None).await.expect("created");
    }
    let paused = store.tokens().create(&one, None).await.expect("created");
    let permission = TokenPermission::Operator(OrganisationId(903));
    let done = store
        .tokens()
        .set_active(permission, paused.summary.id, false)
        .await;
    done.expect("paused");
    let signed_in = store.sign_in();
    let signed_in = signed_in.with_password(one.email(), PASSWORD, None, None);
    let key = signed_in.await.expect("signed in").session;
    let distrusted = store.distrust_restored().await.expect("done");
    let expected = Distrusted {
        tokens: 3,
        sessions: 1,
        acknowledged: Some(Acknowledgements::default()),
    };
    assert_eq!(distrusted, expected);
    for organisation in [903, 904] {
        let permission = TokenPermission::Operator(OrganisationId(organisation));
        let tokens = store.tokens().list(permission).await.expect("listed");
        assert!(!tokens.is_empty());
        assert!(
            tokens
                .iter()
                .all(|token| token.status == TokenStatus::Inactive)
        );
    }
    let session = store.sessions().find(&key).await;
    assert!(session.expect("an answer").is_none());
}

fn target(store: &TestStore) -> PathBuf {
    store.database.folder().join("copy.db")
}

async fn opened(file: &Path) -> Store {
    let url = format!("sqlite:{}", file.display());
    let store = Store::open(&url, clock()).await.expect("opened");
    store.check_schema().await.expect("the same schema");
    store
}

async fn a_backup_has_every_change_reported_before_it_began(store: TestStore) {
    let member = store.enterprise(903).await;
    let created = store.tokens().create(&member, None).await.expect("created");
    let digest = TokenDigest::of_presented(created.secret.reveal().as_bytes());
    let bytes = back_up(&store.database.url, &target(&store), 0).await;
    let bytes = bytes.expect("backed up");
    assert_eq!(
        fs::metadata(target(&store)).expect("a file").len(),
        bytes,
        "the size is reported"
    );
    // Later changes are not in it.
    let token = created.summary.id;
    let deleted = store.tokens().delete((&member).into(), token).await;
    deleted.expect("deleted");
    let copy = opened(&target(&store)).await;
    let digest = digest.expect("well formed");
    let found = copy.key_cache().token(&digest).await.expect("an answer");
    assert_eq!(found.map(|token| token.token_id), Some(token));
    let next = copy.tokens().create(&member, None).await.expect("created");
    assert!(next.summary.id > token, "numbers are not reused");
}

/// Each transaction adds a row to both tables: if they differ in a copy, the copy mixes two moments.
async fn a_backup_shows_one_moment_while_others_write(store: TestStore) {
    let raw = store.raw().clone();
    raw.execute("CREATE TABLE a (n INTEGER, filler TEXT); CREATE TABLE b (n INTEGER)")
        .await;
    let add = "BEGIN IMMEDIATE; INSERT INTO a VALUES (1, hex(randomblob(5000)));
        INSERT INTO b VALUES (1); COMMIT";
    for _ in 0..200 {
        raw.execute(add).await;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let writing = tokio::spawn({
        let (raw, stop) = (raw.clone(), stop.clone());
        async move {
            let mut added = 0;
            while !stop.load(Ordering::SeqCst) {
                raw.execute(add).await;
                added += 1;
            }
            added
        }
    });
    for n in 0..5 {
        let file = store.database.folder().join(format!("copy-{n}.db"));
        let before = raw.number("SELECT COUNT(*) FROM b").await;
        back_up(&store.database.url, &file, 0)
            .await
            .expect("backed up");
        let copy = TestDatabase::at(&file);
        let (a, b) = (
            copy.raw.number("SELECT COUNT(*) FROM a").await,
            copy.raw.number("SELECT COUNT(*) FROM b").await,
        );
        assert_eq!(a, b, "one moment");
        assert!(b >= before, "{b} of at least {before}");
    }
    stop.store(true, Ordering::SeqCst);
    assert!(writing.await.expect("wrote") > 0);
}

async fn only_its_owner_can_read_a_backup_and_no_other_file_remains(store: TestStore) {
    back_up(&store.database.url, &target(&store), 0)
        .await
        .expect("backed up");
    let files: Vec<_> = store.database.files().into_keys().collect();
    assert_eq!(files, ["copy.db", "zone.db", "zone.db-shm", "zone.db-wal"]);
    #[cfg(unix)]
    {
        let mode = fs::metadata(target(&store)).expect("a file").permissions();
        let mode = std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777;
        assert_eq!(mode, 0o600);
    }
}

async fn a_backup_overwrites_no_file(store: TestStore) {
    for content in ["", "somebody's only copy of something"] {
        fs::write(target(&store), content).expect("written");
        assert_refused!(
            back_up(&store.database.url, &target(&store), 0).await,
            BackupError::Exists(file) if file == target(&store)
        );
        let found = fs::read_to_string(target(&store)).expect("readable");
        assert_eq!(found, content);
    }
    let own = store.database.folder().join("zone.db");
    assert_refused!(
        back_up(&store.database.url, &own, 0).await,
        BackupError::Exists(_)
    );
}

async fn a_backup_that_cannot_be_written_leaves_no_file(store: TestStore) {
    let missing = store.database.folder().join("missing").join("copy.db");
    assert_refused!(
        back_up(&store.database.url, &missing, 0).await,
        BackupError::Write(file, _) if file.starts_with(missing.parent().expect("a folder"))
    );
    assert!(!missing.exists());
}

async fn a_backup_refuses_a_url_of_neither_engine(database: TestDatabase) {
    let target = database.folder().join("copy.db");
    for url in ["zone.db", "mysql://zone:hunter2@db/zone"] {
        let refused = back_up(url, &target, 0).await.expect_err("refused");
        assert!(
            matches!(refused, BackupError::Open(OpenError::Url(_))),
            "{url}: {refused:?}"
        );
        assert!(!refused.to_string().contains("hunter2"), "{refused}");
    }
}

async fn a_missing_database_is_neither_backed_up_nor_created(database: TestDatabase) {
    let target = database.folder().join("copy.db");
    assert_refused!(
        back_up(&database.url, &target, 0).await,
        BackupError::Open(OpenError::File(_, _))
    );
    assert!(database.files().is_empty(), "{:?}", database.files());
}

async fn an_older_schema_is_backed_up_unchanged_and_a_newer_one_is_refused(store: TestStore) {
    store
        .raw()
        .execute("DELETE FROM _sqlx_migrations WHERE version = 4")
        .await;
    let count = "SELECT COUNT(*) FROM _sqlx_migrations";
    let before = store.raw().number(count).await;
    back_up(&store.database.url, &target(&store), 0)
        .await
        .expect("backed up");
    let copy = TestDatabase::at(&target(&store));
    assert_eq!(copy.raw.number(count).await, before);
    store
        .raw()
        .execute("UPDATE _sqlx_migrations SET version = 9999 WHERE version = 3")
        .await;
    let another = store.database.folder().join("another.db");
    assert_refused!(
        back_up(&store.database.url, &another, 0).await,
        BackupError::Schema(SchemaError::Newer { found: 9999, .. })
    );
    assert!(!another.exists());
}

async fn a_damaged_database_is_not_backed_up(store: TestStore) {
    store.enterprise(903).await;
    store
        .raw()
        .execute("PRAGMA foreign_keys = OFF; DELETE FROM organisations; PRAGMA foreign_keys = ON")
        .await;
    assert_refused!(
        back_up(&store.database.url, &target(&store), 0).await,
        BackupError::Damaged(_)
    );
    let files: Vec<_> = store.database.files().into_keys().collect();
    assert!(
        files.iter().all(|name| name.starts_with("zone.db")),
        "{files:?}"
    );
}

async fn a_backup_of_postgres_is_refused(database: TestDatabase) {
    let refused = back_up(&database.url, Path::new("copy.db"), 0).await;
    assert_refused!(refused, BackupError::Postgres);
}

async fn a_backup_that_would_leave_too_little_space_is_refused_before_it_begins(store: TestStore) {
    let before = store.database.files().len();
    let refused = back_up(&store.database.url, &target(&store), u64::MAX / 2).await;
    assert!(
        matches!(refused, Err(BackupError::NoRoom { .. })),
        "{refused:?}"
    );
    assert_eq!(store.database.files().len(), before);
    let made = back_up(&store.database.url, &target(&store), 1).await;
    assert!(made.expect("made") > 0);
}
