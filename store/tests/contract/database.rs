//! Opening, migrating and closing the database.

use std::{fs, sync::Arc, time::Duration};

use model::{
    audit::{Cursor, Filter},
    event::{EventId, EventStatus},
    organisation::{OrganisationId, Plan, Role},
    page::PageRequest,
    photo::{Bib, ImageId, TimeWindow},
};
use store::{
    AuditPermission, EventsPermission, Store, TokenPermission,
    clock::ManualMonotonicClock,
    error::{OpenError, SchemaError},
    events::NewEvent,
    key_cache::Lease,
    secret::TokenDigest,
};
use tokio::{task::JoinSet, time::timeout};

use crate::{
    failures::{assert_refused_by_database, assert_unavailable, chain},
    harness::{Engine, PASSWORD, START, TestDatabase, TestStore, clock, email},
    photos,
};

on_both_engines!(
    migrating_twice_equals_migrating_once,
    two_servers_that_start_on_a_fresh_database_both_migrate_it,
    every_server_refuses_a_database_of_a_newer_version,
    a_newer_schema_keeps_revocations_if_each_of_its_migrations_says_so,
    a_row_with_a_dangling_reference_is_refused,
    after_closing_every_call_reports_an_unavailable_database,
);

on_postgres_alone!(
    a_schema_that_is_up_to_date_needs_no_lock,
    a_migration_waits_for_another_one_and_gives_up_with_its_reason,
);

on_both_at_once!(both_engines_have_the_same_tables_columns_keys_and_references);

on_sqlite_alone!(
    servers_that_start_together_migrate_one_after_the_other,
    a_url_of_neither_engine_is_refused_without_showing_its_password,
    a_url_that_would_lose_confirmed_changes_is_refused,
    a_url_that_sqlite_would_read_as_another_file_is_refused,
    the_percent_encoded_name_of_a_file_is_its_name_for_every_use,
    the_database_keeps_its_changes_in_a_write_ahead_log,
    the_error_names_a_missing_folder,
    the_error_names_a_file_that_is_no_database_and_the_file_is_unchanged,
);

#[cfg(unix)]
mod unix {
    on_sqlite_alone!(
        only_the_owner_can_read_the_files_of_a_new_database,
        an_existing_database_keeps_its_file_mode,
        a_file_with_two_names_is_refused_and_a_symbolic_link_is_not,
    );
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn modes(database: &TestDatabase) -> Vec<(String, u32)> {
        let names = database.files().into_keys();
        names
            .map(|name| {
                let data = fs::metadata(database.folder().join(&name)).expect("a file");
                (name, data.permissions().mode() & 0o777)
            })
            .collect()
    }

    async fn only_the_owner_can_read_the_files_of_a_new_database(store: TestStore) {
        store.organisation(903, Plan::Trial).await;
        let expected = ["zone.db", "zone.db-shm", "zone.db-wal"];
        assert_eq!(
            modes(&store.database),
            expected.map(|name| (name.to_owned(), 0o600))
        );
    }

    async fn an_existing_database_keeps_its_file_mode(database: TestDatabase) {
        let file = database.folder().join("zone.db");
        fs::write(&file, "").expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("set");
        let store = database.open(&clock()).await.expect("opened");
        store.migrate().await.expect("migrated");
        assert!(modes(&database).iter().all(|(_, mode)| *mode == 0o640));
    }

    /// Under its second name, a deactivation would stay unknown to the server.
    async fn a_file_with_two_names_is_refused_and_a_symbolic_link_is_not(database: TestDatabase) {
        let folder = database.folder().to_owned();
        let url = |name: &str| format!("sqlite:{}", folder.join(name).display());
        drop(Store::open(&url("zone.db"), clock()).await.expect("opened"));
        std::os::unix::fs::symlink("zone.db", folder.join("link.db")).expect("linked");
        drop(Store::open(&url("link.db"), clock()).await.expect("opened"));
        fs::hard_link(folder.join("zone.db"), folder.join("other.db")).expect("linked");
        for name in ["zone.db", "other.db", "link.db"] {
            let refused = Store::open(&url(name), clock()).await.expect_err(name);
            let words = "several names (hard links)";
            assert!(chain(&refused).contains(words), "{name}: {refused}");
            assert!(!folder.join("other.db-wal").exists());
        }
        fs::remove_file(folder.join("other.db")).expect("removed");
        drop(Store::open(&url("zone.db"), clock()).await.expect("opened"));
    }
}

async fn migrating_twice_equals_migrating_once(store: TestStore) {
    store.enterprise(903).await;
    let before = store.raw().dump().await;
    store.migrate().await.expect("migrated");
    store
        .another_server()
        .await
        .migrate()
        .await
        .expect("migrated");
    assert_eq!(store.raw().dump().await, before);
}

async fn two_servers_that_start_on_a_fresh_database_both_migrate_it(database: TestDatabase) {
    let clock = clock();
    let servers = tokio::join!(database.open(&clock), database.open(&clock));
    let (one, other) = (servers.0.expect("opened"), servers.1.expect("opened"));
    let outcomes = tokio::join!(one.migrate(), other.migrate(), one.migrate());
    for outcome in [outcomes.0, outcomes.1, outcomes.2] {
        outcome.expect("migrated");
    }
    assert!(one.load_demo().await.expect("loaded"));
    assert!(!other.load_demo().await.expect("an answer"));
}

/// A collision is rare, so the test needs several servers and many databases.
async fn servers_that_start_together_migrate_one_after_the_other(database: TestDatabase) {
    for n in 0..10 {
        let url = format!(
            "sqlite:{}",
            database.folder().join(format!("{n}.db")).display()
        );
        let mut servers = JoinSet::new();
        for _ in 0..4 {
            let url = url.clone();
            servers.spawn(async move {
                let store = Store::open(&url, clock()).await.expect("opened");
                store.migrate().await
            });
        }
        for outcome in servers.join_all().await {
            outcome.expect("migrated");
        }
    }
}

/// Notes a migration of a newer program.
async fn note_newer(store: &TestStore, version: i64, name: &str) {
    let checksum = store.raw().literal(&[0]);
    let newer = format!(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES ({version}, '{name}', TRUE, {checksum}, 0)"
    );
    store.raw().execute(&newer).await;
}

async fn every_server_refuses_a_database_of_a_newer_version(store: TestStore) {
    note_newer(&store, 9999, "from the future").await;
    let other = store.another_server().await;
    for server in [&*store, &other, &*store] {
        // A lock left behind by a refused migration would block the next one forever.
        let refused = timeout(Duration::from_secs(120), server.migrate()).await;
        let refused = refused.expect("an answer").expect_err("refused");
        assert!(
            matches!(refused, SchemaError::Newer { found: 9999, .. }),
            "{refused:?}"
        );
        assert!(chain(&refused).contains("9999"), "{}", chain(&refused));
    }
    store
        .raw()
        .execute("DELETE FROM _sqlx_migrations WHERE version = 9999")
        .await;
    other.migrate().await.expect("migrated");
}

async fn a_newer_schema_keeps_revocations_if_each_of_its_migrations_says_so(store: TestStore) {
    let keeps = async || match store.migrate().await {
        Err(SchemaError::Newer {
            keeps_revocations, ..
        }) => keeps_revocations,
        other => panic!("{other:?}"),
    };
    note_newer(&store, 9997, "more columns keeps revocations").await;
    note_newer(&store, 9998, "more tables keeps revocations").await;
    assert!(keeps().await);
    note_newer(&store, 9999, "keeps revocations no longer").await;
    assert!(!keeps().await);
    let raw = store.raw();
    raw.execute("DELETE FROM _sqlx_migrations WHERE version = 9999")
        .await;
    assert!(keeps().await);
    let checksum = raw.literal(&[0]);
    raw.execute(&format!(
        "UPDATE _sqlx_migrations SET checksum = {checksum} WHERE version = 1"
    ))
    .await;
    assert!(!keeps().await);
}

/// The advisory lock of migrations, for a whole session: as a connection pooler could leave it behind.
const LOCK: &str = "SELECT pg_advisory_lock(4831270945)";

async fn a_schema_that_is_up_to_date_needs_no_lock(store: TestStore) {
    store.raw().execute(LOCK).await;
    store.migrate().await.expect("up to date");
    let server = store.another_server().await;
    server.migrate().await.expect("up to date");
}

async fn a_migration_waits_for_another_one_and_gives_up_with_its_reason(database: TestDatabase) {
    database.raw.execute(LOCK).await;
    let store = database.open(&clock()).await.expect("opened");
    let refused = store.migrate().await.expect_err("locked");
    assert!(matches!(refused, SchemaError::Locked(_)), "{refused:?}");
    assert!(refused.to_string().contains("another program"), "{refused}");
    let waiting = tokio::spawn(async move { store.migrate().await });
    let count = "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    while database.raw.number(count).await == 0 {
        tokio::task::yield_now().await;
    }
    database
        .raw
        .execute("SELECT pg_advisory_unlock_all()")
        .await;
    waiting.await.expect("no panic").expect("migrated");
    assert_eq!(database.raw.number(count).await, 0);
}

/// The store itself checks what it refers to. So a trigger breaks the reference.
async fn a_row_with_a_dangling_reference_is_refused(store: TestStore) {
    let member = store.enterprise(903).await;
    store
        .raw()
        .execute(match store.raw().engine() {
            Engine::Sqlite => {
                "CREATE TRIGGER broken AFTER INSERT ON tokens
                    BEGIN UPDATE tokens SET created_by = 999 WHERE id = NEW.id; END"
            }
            Engine::Postgres => {
                "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS
                    'BEGIN NEW.created_by := 999; RETURN NEW; END';
                CREATE TRIGGER broken BEFORE INSERT ON tokens FOR EACH ROW EXECUTE FUNCTION broken()"
            }
        })
        .await;
    let before = store.raw().dump().await;
    assert_refused_by_database(store.tokens().create(&member, None).await);
    assert_eq!(store.raw().dump().await, before);
}

async fn after_closing_every_call_reports_an_unavailable_database(store: TestStore) {
    let member = store.enterprise(903).await;
    let created = store.tokens().create(&member, None).await.expect("created");
    let token = created.summary.id;
    let digest = TokenDigest::of_presented(created.secret.reveal().as_bytes());
    let digest = digest.expect("well formed");
    let permission = photos::another_event(&store, 903, 456).await;
    let bib = Bib::parse("1").expect("a bib number");
    let window = TimeWindow::from_seconds(0, 1).expect("a window");
    let ids = [ImageId("a".to_owned())];
    let signed_in = store
        .sign_in()
        .with_password(member.email(), PASSWORD, None, None)
        .await;
    let key = signed_in.expect("signed in").session;
    let session = store.sessions().find(&key).await;
    let session = session.expect("an answer").expect("a session");
    store.close().await;
    store.close().await;

    let organisation = OrganisationId(903);
    let operator = EventsPermission::operator(organisation);
    let token_permission = TokenPermission::from(&member);
    let address = email("ada@example.com");
    let page = PageRequest::new(1, 10, 100).expect("in range");
    let event = NewEvent {
        id: None,
        name: "Race".to_owned(),
        date: None,
        time_zone: None,
        status: EventStatus::Draft,
        settings: None,
    };
    macro_rules! assert_out_of_reach {
        ($($call:expr),+ $(,)?) => {$({
            let refused = $call.await.expect_err(stringify!($call));
            assert_unavailable(&refused);
        })+};
    }
    assert_out_of_reach!(
        store.key_cache().token(&digest),
        store.key_cache().event(EventId(1)),
        store.tokens().list(token_permission),
        store.tokens().create(&member, None),
        store.tokens().set_active(token_permission, token, true),
        store.tokens().delete(token_permission, token),
        store.organisations().list(),
        store.organisations().create(None, "New", Plan::Pro),
        store.organisations().set_plan(organisation, Plan::Pro),
        store
            .users()
            .create(&address, PASSWORD, organisation, Role::User),
        store.users().join(&address, organisation, Role::User),
        store
            .sign_in()
            .with_password(&address, PASSWORD, None, None),
        store.sign_in().confirm(&session, PASSWORD),
        store
            .sign_in()
            .change_password(&session, PASSWORD, "another password", None),
        store.sign_in().set_password(&address, PASSWORD),
        store.users().account(member.user_id()),
        store.users().select_organisation(&member),
        store.users().demo_emails(),
        store.members().find(&session, organisation),
        store.members().find_by_email(&address, organisation),
        store.members().of_user(member.user_id()),
        store.events().list(operator, page),
        store.events().find(operator, EventId(1)),
        store.events().create(operator, &event),
        store
            .events()
            .set_time_zone(operator, EventId(1), Some("Europe/London")),
        store.photos().import(operator, EventId(456), &[]),
        store.photos().remove(operator, EventId(456), &ids),
        store.photos().names_after(operator, EventId(456), None, 10),
        store.photos().changes(permission, None, 10),
        store.photos().all(permission, page),
        store.photos().with_bib(permission, &bib, page),
        store.photos().taken_within(permission, window, page),
        store.photos().days(permission),
        store.photos().originals_with_bib(permission, &bib, page),
        store.photos().originals(permission, &ids),
        store.file_link_key(),
        store.sessions().find(&key),
        store.sessions().of_user(member.user_id()),
        store.sessions().end(&session, session.id()),
        store.sessions().end_by_key(&key),
        store.sessions().end_all(&session),
        store.sessions().purge_ended(),
        store.audit().list(
            AuditPermission::Operator(None),
            Filter::default(),
            Cursor::Newest,
            10
        ),
        store.audit().prune(START),
        store.load_demo(),
    );
}

async fn both_engines_have_the_same_tables_columns_keys_and_references(
    sqlite: TestStore,
    postgres: TestStore,
) {
    let tables = sqlite.raw().tables().await;
    assert!(tables.contains(&"tokens".to_owned()), "{tables:?}");
    assert_eq!(tables, postgres.raw().tables().await);
    for table in tables {
        let columns = sqlite.raw().columns(&table).await;
        assert!(columns.len() > 1, "{columns:?}");
        assert_eq!(columns, postgres.raw().columns(&table).await, "{table}");
        let known = ["bigint", "boolean", "text", "bytea"];
        for column in columns {
            assert!(known.contains(&column.kind.as_str()), "{table}: {column:?}");
        }
    }

    let unique = sqlite
        .raw()
        .texts(
            "SELECT t.name || ': ' || (
                SELECT group_concat(name) FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno)
            ) FROM sqlite_master AS t JOIN pragma_index_list(t.name) AS i
            WHERE t.type = 'table' AND i.\"unique\" AND t.name NOT LIKE '\\_%' ESCAPE '\\'
            UNION SELECT t.name || ': ' || c.name FROM sqlite_master AS t
                JOIN pragma_table_info(t.name) AS c
            WHERE t.type = 'table' AND c.pk = 1 AND c.type = 'INTEGER' AND t.name NOT LIKE 'sqlite%'
                AND (SELECT COUNT(*) FROM pragma_table_info(t.name) WHERE pk > 0) = 1
            ORDER BY 1",
        )
        .await;
    let unique_there = postgres
        .raw()
        .texts(
            "SELECT i.indrelid::regclass || ': ' || (
                SELECT string_agg(a.attname, ',' ORDER BY k.n)
                FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, n)
                JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
            ) FROM pg_index AS i JOIN pg_class AS t ON t.oid = i.indrelid
            WHERE i.indisunique AND t.relnamespace = 'public'::regnamespace
                AND t.relname <> '_sqlx_migrations'
            ORDER BY 1",
        )
        .await;
    assert!(
        unique.contains(&"tokens: organisation_id,slot".to_owned()),
        "{unique:?}"
    );
    assert_eq!(unique, unique_there);

    let references = sqlite
        .raw()
        .texts(
            "SELECT t.name || '.' || k.\"from\" || ' -> ' || k.\"table\" || '.' || k.\"to\"
            FROM sqlite_master AS t JOIN pragma_foreign_key_list(t.name) AS k
            WHERE t.type = 'table' ORDER BY 1",
        )
        .await;
    let references_there = postgres
        .raw()
        .texts(
            "SELECT k.conrelid::regclass || '.' || a.attname || ' -> ' || k.confrelid::regclass
                || '.' || b.attname
            FROM pg_constraint AS k
            JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
            JOIN pg_attribute AS b ON b.attrelid = k.confrelid AND b.attnum = k.confkey[1]
            WHERE k.contype = 'f' ORDER BY 1",
        )
        .await;
    let expected = "tokens.organisation_id -> organisations.id".to_owned();
    assert!(references.contains(&expected), "{references:?}");
    assert_eq!(references, references_there);
}

async fn a_url_of_neither_engine_is_refused_without_showing_its_password(_: TestDatabase) {
    for url in [
        "",
        "zone.db",
        "file:zone.db",
        "mysql://app:hunter2@db.example/zone",
        "mysql:app:hunter2@db.example",
        "Postgres://app:hunter2@db.example/zone",
        "postgres:app:hunter2@db.example/zone",
        "host=db.example password=hunter2",
        "postgres://app:hunter2@db.example:port/zone",
        "postgres://app:hun?hunter2@db.example:port/zone",
        "postgres://app:h@hunter2@db.example:port/zone",
        "postgres://db.example/zone?password=hunter2&sslmode=sometimes",
        "postgres://app:x@db.example/zone?sslmode=sometimes&password=h@hunter2",
    ] {
        let refused = Store::open(url, clock()).await.expect_err("refused");
        let expected = matches!(refused, OpenError::Url(_) | OpenError::PostgresUrl { .. });
        assert!(expected, "{url}: {refused:?}");
        for text in [chain(&refused), format!("{refused:?}")] {
            assert!(!text.contains("hunter2"), "{url}: {text}");
            assert!(!text.contains("app"), "{url}: {text}");
        }
    }
}

async fn a_url_that_would_lose_confirmed_changes_is_refused(database: TestDatabase) {
    let url = &database.url;
    for url in [
        "sqlite::memory:".to_owned(),
        "sqlite://:memory:".to_owned(),
        "sqlite:".to_owned(),
        "sqlite://".to_owned(),
        format!("{url}?mode=memory"),
        format!("{url}?mode=ro"),
        format!("{url}?immutable=1"),
        format!("{url}?vfs=unix-none"),
        format!("{url}?cache=shared"),
        format!("{url}?nonsense=1"),
    ] {
        let refused = Store::open(&url, clock()).await.expect_err("refused");
        let expected = matches!(refused, OpenError::SqliteUrl { .. });
        assert!(expected, "{url}: {refused:?}");
        assert!(refused.to_string().contains(&url), "{refused}");
    }
    assert!(database.files().is_empty(), "{:?}", database.files().keys());
    // A common parameter of sqlx, which changes nothing.
    let opened = Store::open(&format!("{url}?mode=rwc"), clock()).await;
    opened.expect("opened");
}

async fn a_url_that_sqlite_would_read_as_another_file_is_refused(database: TestDatabase) {
    let file = database.folder().join("zone.db");
    let file = file.display();
    for url in [
        format!("sqlite:file:{file}"),
        format!("sqlite://file%3A{file}"),
        format!("sqlite:sqlite:{file}"),
        "sqlite:%3Amemory%3A".to_owned(),
    ] {
        let refused = Store::open(&url, clock()).await.expect_err("refused");
        let expected = matches!(refused, OpenError::SqliteUrl { .. });
        assert!(expected, "{url}: {refused:?}");
    }
    assert!(database.files().is_empty(), "{:?}", database.files().keys());
}

/// The lock, the private file and the checks are for the file that SQLite opens.
async fn the_percent_encoded_name_of_a_file_is_its_name_for_every_use(database: TestDatabase) {
    let url = format!("sqlite:{}/a%20b%3Fc.db", database.folder().display());
    let file = database.folder().join("a b?c.db");
    let store = Store::open(&url, clock()).await.expect("opened");
    assert_eq!(store.database_file(), Some(file.as_path()));
    store.migrate().await.expect("migrated");
    let monotonic = Arc::new(ManualMonotonicClock::default());
    let serving = store.become_server(Lease::NONE, monotonic).await;
    serving.expect("the only server");
    let found = database.files();
    let ends = ["", "-shm", "-wal", ".lock"];
    let expected = ends.map(|end| format!("a b?c.db{end}"));
    assert!(found.keys().eq(&expected), "{:?}", found.keys());
}

async fn the_database_keeps_its_changes_in_a_write_ahead_log(store: TestStore) {
    assert_eq!(store.raw().texts("PRAGMA journal_mode").await, ["wal"]);
}

async fn the_error_names_a_missing_folder(database: TestDatabase) {
    let file = database.folder().join("missing").join("zone.db");
    let url = format!("sqlite:{}", file.display());
    let refused = Store::open(&url, clock()).await.expect_err("refused");
    let text = chain(&refused);
    assert!(text.contains(&file.display().to_string()), "{text}");
    assert!(text.contains("folder"), "{text}");
}

async fn the_error_names_a_file_that_is_no_database_and_the_file_is_unchanged(
    database: TestDatabase,
) {
    let file = database.folder().join("zone.db");
    let content = "not a database, but somebody's only copy of something. ".repeat(100);
    fs::write(&file, &content).expect("written");
    let refused = Store::open(&database.url, clock())
        .await
        .expect_err("refused");
    let text = chain(&refused);
    assert!(text.contains(&file.display().to_string()), "{text}");
    assert_eq!(fs::read_to_string(&file).expect("readable"), content);
}
