//! Cached answers: valid for one lease, and never older than a change that was reported as done.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use model::{
    event::{EventId, EventSettings, EventStatus},
    organisation::{OrganisationId, Plan},
    permission::{EventRecord, TokenRecord},
    servers::{Acknowledgements, SilentServers},
    token::TokenId,
};
use store::{
    EventsPermission, Member, Store,
    clock::{ManualMonotonicClock, SystemMonotonicClock},
    error::{ServerLockError, TokenError},
    events::NewEvent,
    key_cache::Lease,
    secret::TokenDigest,
};
use tokio::task::{JoinHandle, JoinSet};

use crate::{
    failures::assert_unavailable,
    harness::{START, TestStore},
};

on_both_engines!(
    an_answer_is_from_memory_until_a_change_is_about_it,
    without_a_lease_every_call_reads_the_database,
    unknown_keys_and_events_are_cached_until_they_exist,
    a_cached_token_is_not_accepted_after_its_expiry,
    a_change_at_the_command_line_is_in_force_on_a_busy_server_when_it_is_reported,
    an_activated_token_is_never_refused_after_the_report,
    a_new_event_is_found_although_its_absence_was_cached,
    a_new_token_is_accepted_immediately,
    a_deletion_is_not_reported_before_it_is_in_force_everywhere,
    the_deactivation_of_all_tokens_is_not_reported_before_it_is_in_force_everywhere,
    concurrent_calls_make_one_read,
    a_server_that_stops_removes_itself,
    after_lost_changes_every_call_is_refused_until_an_operator_has_accepted_them,
    a_database_that_was_not_the_right_one_is_refused_only_while_it_is_there,
    an_earlier_version_reads_no_keys_and_waits_for_the_longest_lease,
    every_kind_of_change_says_how_many_servers_confirmed_it,
    servers_that_have_not_acknowledged_the_last_change_are_counted,
);

on_sqlite_alone!(
    a_file_has_one_server_at_a_time,
    a_server_whose_lock_file_was_removed_waits_for_the_next_one,
    a_command_waits_for_a_server_that_hangs_for_its_lease_and_a_tenth,
);

on_sqlite_in_still_time!(
    the_only_server_applies_its_own_changes_without_waiting,
    a_command_does_not_wait_for_a_server_whose_process_is_gone,
    a_read_of_a_database_without_the_latest_changes_is_refused,
);

on_postgres_alone!(
    what_no_trigger_can_log_is_refused,
    changes_on_servers_with_different_leases_are_in_force_on_each_other,
    a_change_waits_once_for_a_server_that_is_gone,
    a_server_that_was_removed_answers_only_after_it_has_registered_again,
    without_renewals_keys_are_accepted_until_the_lease_ends_and_then_not_even_read,
    a_server_that_is_not_notified_finds_changes_by_itself,
    a_change_counts_each_server_that_confirmed_and_each_lease_that_ran_out,
);

const ENABLED: EventSettings = EventSettings {
    event_enabled: true,
    bib_search: false,
    selfie_search: false,
    name_search: false,
    video_search: false,
    video_selfie_search: false,
    timeline_search: false,
};

/// How long a test waits for what happens in the background.
const HANG: Duration = Duration::from_secs(60);

/// Waits until an expression is true.
macro_rules! eventually {
    ($what:literal, $is_true:expr) => {
        let end = Instant::now() + HANG;
        while !$is_true {
            assert!(Instant::now() < end, "waited in vain for: {}", $what);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
}

fn lease(millis: u16) -> Lease {
    millis.to_string().parse().expect("a lease")
}

/// Makes `store` a server with the default lease, by a clock that the test moves.
async fn serve_by_hand(store: &Store) -> Arc<ManualMonotonicClock> {
    let clock = Arc::new(ManualMonotonicClock::default());
    let serving = store.become_server(Lease::default(), clock.clone()).await;
    serving.expect("the only server");
    clock
}

/// Makes `store` a server by the machine's clock.
async fn serve(store: &Store, lease: Lease) {
    let clock = Arc::new(SystemMonotonicClock);
    let serving = store.become_server(lease, clock).await;
    serving.expect("the only server");
}

async fn create(store: &Store, member: &Member) -> (TokenId, TokenDigest) {
    let created = store.tokens().create(member, None).await.expect("created");
    let digest = TokenDigest::of_presented(created.secret.reveal().as_bytes());
    (created.summary.id, digest.expect("well formed"))
}

async fn set_active(
    store: &Store,
    member: &Member,
    token: TokenId,
    active: bool,
) -> Option<Acknowledgements> {
    let tokens = store.tokens();
    let switched = tokens.set_active(member.into(), token, active).await;
    switched.expect("switched").acknowledged
}

/// So many servers confirmed, and so many leases ran out.
fn counts(servers: u32, ended_leases: u32) -> Option<Acknowledgements> {
    Some(Acknowledgements {
        servers,
        ended_leases,
    })
}

/// Adds a server that never acknowledges a change.
async fn add_silent_server(store: &TestStore, id: i64, lease_ms: i64) {
    let add = format!(
        "INSERT INTO servers (id, lease_ms, renewal, acknowledged) VALUES ({id}, {lease_ms}, 0, -1)"
    );
    store.raw().execute(&add).await;
}

async fn create_event(store: &Store, id: i64) {
    let event = NewEvent {
        id: Some(EventId(id)),
        name: "Race".to_owned(),
        date: None,
        time_zone: None,
        status: EventStatus::Active,
        settings: Some(ENABLED),
    };
    let operator = EventsPermission::operator(OrganisationId(903));
    store
        .events()
        .create(operator, &event)
        .await
        .expect("created");
}

async fn ask(store: &Store, digest: &TokenDigest) -> Option<TokenRecord> {
    store.key_cache().token(digest).await.expect("an answer")
}

async fn ask_event(store: &Store, id: i64) -> Option<EventRecord> {
    store
        .key_cache()
        .event(EventId(id))
        .await
        .expect("an answer")
}

/// The changes are made by SQL, as an earlier version or an operator makes them.
async fn an_answer_is_from_memory_until_a_change_is_about_it(store: TestStore) {
    let member = store.enterprise(903).await;
    let other = store.enterprise(904).await;
    let (id, digest) = create(&store, &member).await;
    let (_, second) = create(&store, &member).await;
    let (_, foreign) = create(&store, &other).await;
    create_event(&store, 456).await;
    let server = store.another_server().await;
    serve(&server, Lease::default()).await;
    let ask_all = async || {
        for digest in [&digest, &second, &foreign] {
            assert!(ask(&server, digest).await.is_some());
        }
        assert!(
            server
                .key_cache()
                .token_by_id(id)
                .await
                .expect("an answer")
                .is_some()
        );
        ask_event(&server, 456).await.expect("an event");
    };
    let reads = || {
        let (tokens, events) = server.key_cache().lookups();
        (tokens.read, events.read)
    };
    ask_all().await;
    assert_eq!(reads(), (3, 1));
    for (change, tokens, events) in [
        (
            format!("UPDATE tokens SET active = FALSE WHERE id = {id}"),
            1,
            0,
        ),
        (
            format!("UPDATE tokens SET expires_at = 1 WHERE id = {id}"),
            1,
            0,
        ),
        (
            // Pages show it: `store/src/token_polls.rs`.
            format!("UPDATE tokens SET name = 'another' WHERE id = {id}"),
            1,
            0,
        ),
        (
            "UPDATE organisations SET plan = 'pro' WHERE id = 903".to_owned(),
            2,
            0,
        ),
        (
            "UPDATE organisations SET plan = plan, name = 'Another'".to_owned(),
            0,
            0,
        ),
        (
            "UPDATE event_settings SET bib_search = TRUE".to_owned(),
            0,
            1,
        ),
        ("UPDATE events SET status = 'draft'".to_owned(), 0, 0),
        ("DELETE FROM event_settings".to_owned(), 0, 1),
    ] {
        let (before, seen) = (reads(), changes_of(&store).await);
        store.raw().execute(&change).await;
        let logged = changes_of(&store).await > seen;
        assert_eq!(logged, tokens + events > 0, "{change}");
        acknowledged(&store).await;
        ask_all().await;
        ask_all().await;
        let after = reads();
        assert_eq!(
            (after.0 - before.0, after.1 - before.1),
            (tokens, events),
            "{change}"
        );
    }
    let token = ask(&server, &digest).await.expect("a token");
    assert_eq!((token.active, token.plan), (false, Plan::Pro));
    assert_eq!(
        ask_event(&server, 456).await.expect("an event").settings,
        None
    );
}

async fn changes_of(store: &TestStore) -> i64 {
    store.raw().number("SELECT seq FROM change_counter").await
}

/// Waits until every server has acknowledged all changes.
async fn acknowledged(store: &TestStore) {
    let behind = "SELECT COUNT(*) FROM servers
        WHERE acknowledged < (SELECT seq FROM change_counter)";
    eventually!("an acknowledgement", store.raw().number(behind).await == 0);
}

async fn without_a_lease_every_call_reads_the_database(store: TestStore) {
    let member = store.enterprise(903).await;
    let (_, digest) = create(&store, &member).await;
    serve(&store, Lease::NONE).await;
    for active in ["FALSE", "TRUE", "FALSE"] {
        let sql = format!("UPDATE tokens SET active = {active}");
        store.raw().execute(&sql).await;
        let answer = ask(&store, &digest).await.map(|token| token.active);
        assert_eq!(answer, Some(active == "TRUE"));
    }
}

async fn unknown_keys_and_events_are_cached_until_they_exist(store: TestStore) {
    let member = store.enterprise(903).await;
    let (_, digest) = create(&store, &member).await;
    let hide = "CREATE TABLE hidden AS SELECT * FROM tokens; DELETE FROM tokens";
    store.raw().execute(hide).await;
    let server = store.another_server().await;
    serve(&server, Lease::default()).await;
    for _ in 0..2 {
        assert_eq!(ask(&server, &digest).await, None);
        assert_eq!(ask_event(&server, 456).await, None);
    }
    let (tokens, events) = server.key_cache().lookups();
    assert_eq!((tokens.read, events.read), (1, 1));
    let show = format!(
        "INSERT INTO tokens {} SELECT * FROM hidden; DROP TABLE hidden;
        INSERT INTO events (id, organisation_id, status) VALUES (456, 903, 'draft')",
        match store.raw() {
            crate::harness::Raw::Sqlite(_) => "",
            crate::harness::Raw::Postgres(_) => "OVERRIDING SYSTEM VALUE",
        }
    );
    store.raw().execute(&show).await;
    acknowledged(&store).await;
    assert!(ask(&server, &digest).await.is_some());
    assert!(ask_event(&server, 456).await.is_some());
}

async fn a_cached_token_is_not_accepted_after_its_expiry(store: TestStore) {
    let member = store.enterprise(903).await;
    let (_, digest) = create(&store, &member).await;
    let end = START.plus_millis(10);
    let sql = format!("UPDATE tokens SET expires_at = {}", end.0);
    store.raw().execute(&sql).await;
    serve_by_hand(&store).await;
    for (now, taken) in [(START, true), (end, false)] {
        let record = ask(&store, &digest).await.expect("a token");
        assert_eq!(record.admit(now).is_ok(), taken);
    }
}

/// A client that calls a server without a pause, so that its cache is never empty.
struct Busy {
    stop: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Busy {
    fn asking(store: &Store, digest: TokenDigest) -> Self {
        let (store, stop) = (store.clone(), Arc::new(AtomicBool::new(false)));
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            while !stopped.load(Ordering::SeqCst) {
                ask(&store, &digest).await;
                ask_event(&store, 456).await;
                tokio::task::yield_now().await;
            }
        });
        Self { stop, task }
    }

    async fn stop(self) {
        self.stop.store(true, Ordering::SeqCst);
        self.task.await.expect("answered to the end");
    }
}

async fn a_change_at_the_command_line_is_in_force_on_a_busy_server_when_it_is_reported(
    store: TestStore,
) {
    let member = store.enterprise(903).await;
    let (id, digest) = create(&store, &member).await;
    let server = store.another_server().await;
    serve(&server, Lease::default()).await;
    let busy = Busy::asking(&server, digest);
    for round in 0..6 {
        let active = round % 2 == 1;
        set_active(&store, &member, id, active).await;
        let answer = ask(&server, &digest).await.expect("a token");
        assert_eq!(answer.active, active, "round {round}");
    }
    for plan in [Plan::Pro, Plan::Enterprise] {
        store.set_plan(903, plan).await;
        let answer = ask(&server, &digest).await.expect("a token");
        assert_eq!(answer.plan, plan);
    }
    let deleted = store.tokens().delete((&member).into(), id).await;
    deleted.expect("deleted");
    assert_eq!(ask(&server, &digest).await, None);
    busy.stop().await;
}

async fn an_activated_token_is_never_refused_after_the_report(store: TestStore) {
    let member = store.enterprise(903).await;
    let (id, digest) = create(&store, &member).await;
    let server = store.another_server().await;
    serve(&server, Lease::default()).await;
    set_active(&store, &member, id, false).await;
    let busy = Busy::asking(&server, digest);
    for _ in 0..3 {
        set_active(&store, &member, id, true).await;
        for _ in 0..100 {
            assert!(ask(&server, &digest).await.expect("a token").active);
        }
        set_active(&store, &member, id, false).await;
    }
    busy.stop().await;
}

async fn a_new_event_is_found_although_its_absence_was_cached(store: TestStore) {
    let member = store.enterprise(903).await;
    let (_, digest) = create(&store, &member).await;
    let server = store.another_server().await;
    serve(&server, Lease::default()).await;
    let busy = Busy::asking(&server, digest);
    assert_eq!(ask_event(&server, 456).await, None);
    create_event(&store, 456).await;
    let settings = ask_event(&server, 456).await.expect("an event").settings;
    assert_eq!(settings, Some(ENABLED));
    busy.stop().await;
}

async fn a_new_token_is_accepted_immediately(store: TestStore) {
    let member = store.enterprise(903).await;
    let server = store.another_server().await;
    serve_by_hand(&server).await;
    for _ in 0..5 {
        let (id, digest) = create(&store, &member).await;
        assert_eq!(ask(&server, &digest).await.map(|it| it.token_id), Some(id));
    }
}

/// A caller that gets "no such token" assumes that the token is deleted.
async fn a_deletion_is_not_reported_before_it_is_in_force_everywhere(store: TestStore) {
    let member = store.enterprise(903).await;
    let (id, digest) = create(&store, &member).await;
    let server = store.another_server().await;
    serve(&server, Lease::default()).await;
    let busy = Busy::asking(&server, digest);
    // The first call deletes it, and is cancelled before the report.
    let (first, other) = (store.server(), member.clone());
    let first = tokio::spawn(async move {
        first
            .tokens()
            .delete((&other).into(), id)
            .await
            .expect("deleted");
    });
    while store.raw().number("SELECT COUNT(*) FROM tokens").await > 0 {}
    first.abort();
    let gone = store.tokens().delete((&member).into(), id).await;
    assert_refused!(gone, TokenError::NoSuchToken(_));
    assert_eq!(ask(&server, &digest).await, None);
    busy.stop().await;
}

/// A caller who repeats a call without a response learns that no token was active, and assumes that none is accepted.
async fn the_deactivation_of_all_tokens_is_not_reported_before_it_is_in_force_everywhere(
    store: TestStore,
) {
    let member = store.enterprise(903).await;
    let tokens = [create(&store, &member).await, create(&store, &member).await];
    let server = store.another_server().await;
    serve(&server, Lease::default()).await;
    let busy = tokens
        .each_ref()
        .map(|(_, digest)| Busy::asking(&server, *digest));
    // The first call deactivates them, and is cancelled before the report.
    let (first, other) = (store.server(), member.clone());
    let first = tokio::spawn(async move {
        let done = first.tokens().deactivate_all((&other).into()).await;
        done.expect("deactivated");
    });
    let active = "SELECT COUNT(*) FROM tokens WHERE active = TRUE";
    while store.raw().number(active).await > 0 {}
    first.abort();
    let again = store.tokens().deactivate_all((&member).into()).await;
    let again = again.expect("deactivated");
    assert_eq!(again.deactivated.len(), 0);
    for (_, digest) in &tokens {
        assert!(!ask(&server, digest).await.expect("a token").active);
    }
    for busy in busy {
        busy.stop().await;
    }
}

async fn a_file_has_one_server_at_a_time(store: TestStore) {
    let first = store.another_server().await;
    serve(&first, Lease::default()).await;
    let clock = Arc::new(SystemMonotonicClock);
    let refused = store.become_server(Lease::NONE, clock.clone()).await;
    let refused = refused.expect_err("refused");
    assert!(matches!(refused, ServerLockError::AlreadyServed(_)));
    assert!(refused.to_string().contains("zone.db"), "{refused}");
    // A symbolic link leads to the same file.
    let link = store.database.folder().join("link.db");
    std::os::unix::fs::symlink(store.database.folder().join("zone.db"), &link).expect("linked");
    let url = format!("sqlite:{}", link.display());
    let linked = Store::open(&url, store.clock.clone())
        .await
        .expect("opened");
    let refused = linked.become_server(Lease::NONE, clock.clone()).await;
    assert_refused!(refused, ServerLockError::AlreadyServed(_));
    // The lock ends with its server; the lock file stays.
    first.close().await;
    drop(first);
    let next = store.become_server(Lease::default(), clock).await;
    next.expect("the only server");
    assert!(store.database.folder().join("zone.db.lock").exists());
}

async fn the_only_server_applies_its_own_changes_without_waiting(store: TestStore) {
    let member = store.enterprise(903).await;
    let (id, digest) = create(&store, &member).await;
    let clock = Arc::new(ManualMonotonicClock::default());
    let serving = store.become_server(Lease::LONGEST, clock).await;
    serving.expect("the only server");
    let busy = Busy::asking(&store, digest);
    for round in 0..20 {
        let active = round % 2 == 1;
        assert_eq!(set_active(&store, &member, id, active).await, counts(1, 0));
        let answer = ask(&store, &digest).await.expect("a token");
        assert_eq!(answer.active, active, "round {round}");
    }
    assert_eq!(ask_event(&store, 456).await, None);
    create_event(&store, 456).await;
    assert!(ask_event(&store, 456).await.is_some());
    busy.stop().await;
}

async fn a_server_whose_lock_file_was_removed_waits_for_the_next_one(store: TestStore) {
    let member = store.enterprise(903).await;
    let (id, digest) = create(&store, &member).await;
    serve(&store, Lease::default()).await;
    let lock = store.database.folder().join("zone.db.lock");
    fs::remove_file(&lock).expect("removed");
    let other = store.another_server().await;
    serve(&other, Lease::default()).await;
    assert!(ask(&other, &digest).await.expect("a token").active);
    set_active(&store, &member, id, false).await;
    assert!(!ask(&other, &digest).await.expect("a token").active);
}

/// It has the lock, and does nothing.
async fn a_command_waits_for_a_server_that_hangs_for_its_lease_and_a_tenth(store: TestStore) {
    let member = store.enterprise(903).await;
    let (id, _) = create(&store, &member).await;
    let lock = fs::File::create(store.database.folder().join("zone.db.lock"));
    let lock = lock.expect("created");
    lock.try_lock().expect("locked");
    add_silent_server(&store, 1, 60).await;
    for active in [false, true] {
        let start = Instant::now();
        assert_eq!(set_active(&store, &member, id, active).await, counts(0, 1));
        let waited = start.elapsed();
        assert!(waited >= Duration::from_millis(66), "{waited:?}");
    }
}

async fn a_command_does_not_wait_for_a_server_whose_process_is_gone(store: TestStore) {
    let member = store.enterprise(903).await;
    let (id, _) = create(&store, &member).await;
    add_silent_server(&store, 1, 60_000).await;
    assert_eq!(set_active(&store, &member, id, false).await, counts(0, 0));
    assert_eq!(store.raw().number("SELECT COUNT(*) FROM servers").await, 0);
}

async fn changes_on_servers_with_different_leases_are_in_force_on_each_other(store: TestStore) {
    let member = store.enterprise(903).await;
    let (id, digest) = create(&store, &member).await;
    let (short, long) = (store.another_server().await, store.another_server().await);
    serve(&short, lease(1_000)).await;
    serve(&long, Lease::default()).await;
    let busy = [&short, &long].map(|server| Busy::asking(server, digest));
    for (round, changer) in [&short, &long, &store, &short, &long, &store]
        .into_iter()
        .enumerate()
    {
        let active = round % 2 == 1;
        set_active(changer, &member, id, active).await;
        for server in [&short, &long] {
            let answer = ask(server, &digest).await.expect("a token");
            assert_eq!(answer.active, active, "round {round}");
        }
    }
    for busy in busy {
        busy.stop().await;
    }
}

async fn a_change_waits_once_for_a_server_that_is_gone(store: TestStore) {
    let member = store.enterprise(903).await;
    let (id, _) = create(&store, &member).await;
    let alive = store.another_server().await;
    serve(&alive, Lease::default()).await;
    store
        .raw()
        .execute("INSERT INTO servers (id, lease_ms, renewal, acknowledged) VALUES (1, 60, 0, 0)")
        .await;
    let start = Instant::now();
    set_active(&store, &member, id, false).await;
    let waited = start.elapsed();
    assert!(waited >= Duration::from_millis(66), "{waited:?}");
    let left = "SELECT COUNT(*) FROM servers WHERE id = 1";
    assert_eq!(store.raw().number(left).await, 0);
    assert_eq!(store.raw().number("SELECT COUNT(*) FROM servers").await, 1);
}

/// Its lease ends at the latest when it would have been renewed, so a test need not wait for it.
async fn a_server_that_was_removed_answers_only_after_it_has_registered_again(store: TestStore) {
    let member = store.enterprise(903).await;
    let (_, digest) = create(&store, &member).await;
    let server = store.another_server().await;
    serve(&server, lease(90)).await;
    assert!(ask(&server, &digest).await.is_some());
    // Without triggers: the server gets no notification, and the log has no entry.
    store
        .raw()
        .execute(
            "BEGIN; SET LOCAL session_replication_role = replica; UPDATE tokens SET active = FALSE;
            DELETE FROM servers; COMMIT",
        )
        .await;
    eventually!(
        "another registration",
        store.raw().number("SELECT COUNT(*) FROM servers").await == 1
    );
    eventually!(
        "the present state",
        !ask(&server, &digest).await.expect("a token").active
    );
}

/// A PostgreSQL from before a failover may still answer reads. The lease is measured by a clock that the test moves.
async fn without_renewals_keys_are_accepted_until_the_lease_ends_and_then_not_even_read(
    store: TestStore,
) {
    let member = store.enterprise(903).await;
    let (_, digest) = create(&store, &member).await;
    let (_, another) = create(&store, &member).await;
    create_event(&store, 456).await;
    let server = store.another_server().await;
    let clock = serve_by_hand(&server).await;
    assert!(ask(&server, &digest).await.is_some());
    store
        .raw()
        .execute("ALTER TABLE servers RENAME TO away")
        .await;
    clock.advance(9_999);
    assert!(ask(&server, &digest).await.is_some());
    assert!(ask(&server, &another).await.is_some());
    clock.advance(1);
    for digest in [&digest, &another] {
        let token = server.key_cache().token(digest).await;
        assert_unavailable(&token.expect_err("no answer"));
    }
    let event = server.key_cache().event(EventId(456)).await;
    assert_unavailable(&event.expect_err("no answer"));
    store
        .raw()
        .execute("ALTER TABLE away RENAME TO servers")
        .await;
    eventually!("an answer", server.key_cache().token(&digest).await.is_ok());
}

async fn a_server_that_is_not_notified_finds_changes_by_itself(store: TestStore) {
    let member = store.enterprise(903).await;
    let (_, digest) = create(&store, &member).await;
    let server = store.another_server().await;
    serve(&server, lease(3_000)).await;
    assert!(ask(&server, &digest).await.is_some());
    store
        .raw()
        .execute("CREATE OR REPLACE FUNCTION log_token() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            UPDATE change_counter SET seq = seq + 1, mark = 7;
            INSERT INTO change_log SELECT seq, mark, 'token', NEW.id, NEW.key_digest FROM change_counter;
            RETURN NULL;
        END $$")
        .await;
    store
        .raw()
        .execute("UPDATE tokens SET active = FALSE")
        .await;
    acknowledged(&store).await;
    assert!(!ask(&server, &digest).await.expect("a token").active);
}

async fn what_no_trigger_can_log_is_refused(store: TestStore) {
    for table in [
        "tokens",
        "events CASCADE",
        "event_settings",
        "organisations CASCADE",
    ] {
        let truncated = store.raw().try_execute(&format!("TRUNCATE {table}")).await;
        let error = truncated.expect_err("refused").to_string();
        assert!(error.contains("use DELETE"), "{table}: {error}");
    }
}

async fn a_server_that_stops_removes_itself(store: TestStore) {
    let server = store.another_server().await;
    serve(&server, Lease::default()).await;
    assert_eq!(store.raw().number("SELECT COUNT(*) FROM servers").await, 1);
    server.close().await;
    assert_eq!(store.raw().number("SELECT COUNT(*) FROM servers").await, 0);
}

/// Takes the last change back, as a failover to a standby that lacks it does.
const LOSE_A_CHANGE: &str = "UPDATE change_counter SET seq = seq - 1;
    DELETE FROM change_log WHERE seq > (SELECT seq FROM change_counter)";

async fn after_lost_changes_every_call_is_refused_until_an_operator_has_accepted_them(
    store: TestStore,
) {
    let member = store.enterprise(903).await;
    let (id, digest) = create(&store, &member).await;
    let server = store.another_server().await;
    serve(&server, Lease::default()).await;
    set_active(&store, &member, id, false).await;
    assert!(!ask(&server, &digest).await.expect("a token").active);
    store.raw().execute(LOSE_A_CHANGE).await;
    wake(&store).await;
    let refused = async || server.key_cache().token(&digest).await.is_err();
    eventually!("a refusal", refused().await);
    let error = server.key_cache().token(&digest).await;
    assert_unavailable(&error.expect_err("no answer"));
    // As many changes as before, and more, are another history.
    for active in [true, false, true] {
        let change = format!("UPDATE tokens SET active = {active}");
        store.raw().execute(&change).await;
        wake(&store).await;
        assert!(refused().await);
    }
    store.distrust_restored().await.expect("accepted");
    eventually!("an answer", !refused().await);
    assert!(!ask(&server, &digest).await.expect("a token").active);
}

async fn a_database_that_was_not_the_right_one_is_refused_only_while_it_is_there(store: TestStore) {
    let member = store.enterprise(903).await;
    let (_, digest) = create(&store, &member).await;
    let server = store.another_server().await;
    serve(&server, Lease::default()).await;
    assert!(ask(&server, &digest).await.is_some());
    store
        .raw()
        .execute("UPDATE change_counter SET seq = seq - 1")
        .await;
    wake(&store).await;
    let refused = async || server.key_cache().token(&digest).await.is_err();
    eventually!("a refusal", refused().await);
    store
        .raw()
        .execute("UPDATE change_counter SET seq = seq + 1")
        .await;
    eventually!("an answer", !refused().await);
}

/// Makes servers on PostgreSQL look for changes.
async fn wake(store: &TestStore) {
    if let crate::harness::Raw::Postgres(_) = store.raw() {
        store.raw().execute("NOTIFY developer_zone_changes").await;
    }
}

/// The server does not look for changes meanwhile: its time stands still.
async fn a_read_of_a_database_without_the_latest_changes_is_refused(store: TestStore) {
    let member = store.enterprise(903).await;
    let (_, digest) = create(&store, &member).await;
    let serving = store.become_server(Lease::LONGEST, Arc::new(ManualMonotonicClock::default()));
    serving.await.expect("the only server");
    for (behind, back) in [
        ("seq = seq - 1", "seq = seq + 1"),
        ("mark = mark - 1", "mark = mark + 1"),
    ] {
        let change = |to: &str| format!("UPDATE change_counter SET {to}");
        store.raw().execute(&change(behind)).await;
        let token = store.key_cache().token(&digest).await;
        assert_unavailable(&token.expect_err("no answer"));
        let event = store.key_cache().event(EventId(456)).await;
        assert_unavailable(&event.expect_err("no answer"));
        store.raw().execute(&change(back)).await;
    }
    assert!(ask(&store, &digest).await.is_some());
    assert_eq!(ask_event(&store, 456).await, None);
}

/// Those versions read no change log, and do not register.
async fn an_earlier_version_reads_no_keys_and_waits_for_the_longest_lease(store: TestStore) {
    let guard = "SELECT COUNT(*) FROM tokens WHERE tokens.digest IS NOT NULL";
    store.raw().try_execute(guard).await.expect_err("refused");
    for (millis, longest) in [(30, 30), (20, 30), (60_000, 60_000), (0, 60_000)] {
        let server = store.another_server().await;
        serve(&server, lease(millis)).await;
        server.close().await;
        drop(server);
        let announced = store.raw().number("SELECT longest_ms FROM leases").await;
        assert_eq!(announced, longest);
    }
}

/// The clock stands still: no call needs a read because the lease of another has ended.
async fn concurrent_calls_make_one_read(store: TestStore) {
    const CALLS: usize = 100;
    let member = store.enterprise(903).await;
    let (id, digest) = create(&store, &member).await;
    serve_by_hand(&store).await;
    let mut calls = JoinSet::new();
    for _ in 0..CALLS {
        let server = store.server();
        calls.spawn(async move { ask(&server, &digest).await.map(|token| token.token_id) });
    }
    assert_eq!(calls.join_all().await, [Some(id); CALLS]);
    let (tokens, _) = store.key_cache().lookups();
    assert_eq!(tokens.read, 1, "{tokens:?}");
    assert_eq!(tokens.joined + tokens.from_memory, CALLS as u64 - 1);
}

async fn every_kind_of_change_says_how_many_servers_confirmed_it(store: TestStore) {
    let member = store.enterprise(903).await;
    let server = store.another_server().await;
    for expected in [counts(0, 0), counts(1, 0)] {
        if expected == counts(1, 0) {
            serve(&server, Lease::default()).await;
        }
        let (id, _) = create(&store, &member).await;
        for active in [false, true, true] {
            assert_eq!(set_active(&store, &member, id, active).await, expected);
        }
        let tokens = store.tokens();
        for _ in 0..2 {
            let all = tokens.deactivate_all((&member).into()).await;
            assert_eq!(all.expect("deactivated").acknowledged, expected);
        }
        let deleted = tokens.delete((&member).into(), id).await;
        assert_eq!(deleted.expect("deleted").acknowledged, expected);
        let organisations = store.organisations();
        let plan = organisations.set_plan(OrganisationId(903), Plan::Enterprise);
        assert_eq!(plan.await.expect("changed").acknowledged, expected);
        let distrusted = store.distrust_restored().await.expect("done");
        assert_eq!(distrusted.acknowledged, expected);
    }
}

async fn a_change_counts_each_server_that_confirmed_and_each_lease_that_ran_out(store: TestStore) {
    let member = store.enterprise(903).await;
    let (id, _) = create(&store, &member).await;
    let [one, other] = [store.another_server().await, store.another_server().await];
    serve(&one, Lease::default()).await;
    serve(&other, Lease::default()).await;
    for (changer, active) in [(&one, false), (&store, true)] {
        assert_eq!(set_active(changer, &member, id, active).await, counts(2, 0));
        add_silent_server(&store, 1, 60).await;
        add_silent_server(&store, 2, 30).await;
        assert_eq!(
            set_active(changer, &member, id, !active).await,
            counts(2, 2)
        );
        assert_eq!(set_active(changer, &member, id, active).await, counts(2, 0));
    }
    other.close().await;
    assert_eq!(set_active(&one, &member, id, false).await, counts(1, 0));
}

async fn servers_that_have_not_acknowledged_the_last_change_are_counted(store: TestStore) {
    let member = store.enterprise(903).await;
    let (id, _) = create(&store, &member).await;
    let silent = async || store.key_cache().silent_servers().await.expect("counted");
    assert_eq!(silent().await, None);
    let server = store.another_server().await;
    serve(&server, Lease::default()).await;
    set_active(&store, &member, id, false).await;
    assert_eq!(silent().await, None);
    let mut expected = SilentServers {
        silent: 1,
        registered: 2,
        at_most_seconds: 1,
    };
    add_silent_server(&store, 1, 60).await;
    assert_eq!(silent().await, Some(expected));
    add_silent_server(&store, 2, 10_000).await;
    (expected.silent, expected.registered) = (2, 3);
    expected.at_most_seconds = 11;
    assert_eq!(silent().await, Some(expected));
}
