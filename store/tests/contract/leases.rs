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
    answers_are_cached_within_a_lease_and_read_again_after_it,
    without_a_lease_every_call_reads_the_database,
    unknown_keys_and_events_are_cached_for_a_lease_too,
    during_an_outage_cached_answers_end_with_their_lease,
    a_cached_token_is_not_accepted_after_its_expiry,
    a_change_at_the_command_line_is_in_force_on_a_busy_server_when_it_is_reported,
    an_activated_token_is_never_refused_after_the_report,
    a_new_event_is_found_although_its_absence_was_cached,
    a_new_token_is_accepted_immediately,
    the_command_line_waits_for_the_lease_plus_a_tenth,
    a_deletion_is_not_reported_before_it_is_in_force_everywhere,
    the_deactivation_of_all_tokens_is_not_reported_before_it_is_in_force_everywhere,
    a_change_waits_for_the_longest_announced_lease,
    concurrent_calls_make_one_read,
);

on_sqlite_alone!(
    a_file_has_one_server_at_a_time,
    a_server_whose_lock_file_was_removed_waits_like_others,
);

on_sqlite_in_still_time!(the_only_server_applies_its_own_changes_without_waiting);

on_postgres_alone!(changes_on_servers_with_different_leases_are_in_force_on_each_other);

const ENABLED: EventSettings = EventSettings {
    event_enabled: true,
    bib_search: false,
    selfie_search: false,
    name_search: false,
    video_search: false,
    video_selfie_search: false,
    timeline_search: false,
};

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
async fn serve(store: &Store, millis: u16) {
    let clock = Arc::new(SystemMonotonicClock);
    let serving = store.become_server(lease(millis), clock).await;
    serving.expect("the only server");
}

async fn create(store: &Store, member: &Member) -> (TokenId, TokenDigest) {
    let created = store.tokens().create(member, None).await.expect("created");
    let digest = TokenDigest::of_presented(created.secret.reveal().as_bytes());
    (created.summary.id, digest.expect("well formed"))
}

async fn set_active(store: &Store, member: &Member, token: TokenId, active: bool) {
    let tokens = store.tokens();
    let switched = tokens.set_active(member.into(), token, active).await;
    switched.expect("switched");
}

async fn create_event(store: &Store, id: i64) {
    let event = NewEvent {
        id: Some(EventId(id)),
        name: "Race".to_owned(),
        date: None,
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

async fn answers_are_cached_within_a_lease_and_read_again_after_it(store: TestStore) {
    let member = store.enterprise(903).await;
    let (_, digest) = create(&store, &member).await;
    create_event(&store, 456).await;
    let clock = serve_by_hand(&store).await;
    let active = async || ask(&store, &digest).await.map(|token| token.active);
    let enabled = async || {
        let settings = ask_event(&store, 456).await.expect("an event").settings;
        settings.map(|settings| settings.event_enabled)
    };
    assert_eq!((active().await, enabled().await), (Some(true), Some(true)));
    let behind_its_back = "UPDATE tokens SET active = FALSE;
        UPDATE event_settings SET event_enabled = FALSE";
    store.raw().execute(behind_its_back).await;
    clock.advance(249);
    assert_eq!((active().await, enabled().await), (Some(true), Some(true)));
    clock.advance(1);
    assert_eq!(
        (active().await, enabled().await),
        (Some(false), Some(false))
    );
}

async fn without_a_lease_every_call_reads_the_database(store: TestStore) {
    let member = store.enterprise(903).await;
    let (_, digest) = create(&store, &member).await;
    serve(&store, 0).await;
    for active in ["FALSE", "TRUE", "FALSE"] {
        let sql = format!("UPDATE tokens SET active = {active}");
        store.raw().execute(&sql).await;
        let answer = ask(&store, &digest).await.map(|token| token.active);
        assert_eq!(answer, Some(active == "TRUE"));
    }
}

async fn unknown_keys_and_events_are_cached_for_a_lease_too(store: TestStore) {
    let member = store.enterprise(903).await;
    let (_, digest) = create(&store, &member).await;
    let hide = "CREATE TABLE hidden AS SELECT * FROM tokens; DELETE FROM tokens";
    store.raw().execute(hide).await;
    let clock = serve_by_hand(&store).await;
    assert_eq!(ask(&store, &digest).await, None);
    assert_eq!(ask_event(&store, 456).await, None);
    let show = format!(
        "INSERT INTO tokens {} SELECT * FROM hidden; DROP TABLE hidden;
        INSERT INTO events (id, organisation_id, status) VALUES (456, 903, 'draft')",
        // PostgreSQL must not update its statistics during the test.
        match store.raw() {
            crate::harness::Raw::Sqlite(_) => "",
            crate::harness::Raw::Postgres(_) => "OVERRIDING SYSTEM VALUE",
        }
    );
    store.raw().execute(&show).await;
    clock.advance(249);
    assert_eq!(ask(&store, &digest).await, None);
    assert_eq!(ask_event(&store, 456).await, None);
    clock.advance(1);
    assert!(ask(&store, &digest).await.is_some());
    assert!(ask_event(&store, 456).await.is_some());
}

async fn during_an_outage_cached_answers_end_with_their_lease(store: TestStore) {
    let member = store.enterprise(903).await;
    let (_, digest) = create(&store, &member).await;
    create_event(&store, 456).await;
    let clock = serve_by_hand(&store).await;
    assert!(ask(&store, &digest).await.is_some());
    assert!(ask_event(&store, 456).await.is_some());
    store.close().await;
    clock.advance(249);
    assert!(ask(&store, &digest).await.is_some());
    assert!(ask_event(&store, 456).await.is_some());
    clock.advance(1);
    let token = store.key_cache().token(&digest).await;
    assert_unavailable(&token.expect_err("no answer"));
    let event = store.key_cache().event(EventId(456)).await;
    assert_unavailable(&event.expect_err("no answer"));
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
    serve(&server, 40).await;
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
    serve(&server, 40).await;
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
    serve(&server, 40).await;
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

async fn the_command_line_waits_for_the_lease_plus_a_tenth(store: TestStore) {
    let member = store.enterprise(903).await;
    let (id, _) = create(&store, &member).await;
    let server = store.another_server().await;
    serve(&server, 60).await;
    let start = Instant::now();
    set_active(&store, &member, id, false).await;
    let waited = start.elapsed();
    assert!(waited >= Duration::from_millis(66), "{waited:?}");
}

/// A caller that gets "no such token" assumes that the token is deleted.
async fn a_deletion_is_not_reported_before_it_is_in_force_everywhere(store: TestStore) {
    let member = store.enterprise(903).await;
    let (id, digest) = create(&store, &member).await;
    let server = store.another_server().await;
    serve(&server, 300).await;
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
    serve(&server, 300).await;
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
    serve(&first, 250).await;
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
        set_active(&store, &member, id, active).await;
        let answer = ask(&store, &digest).await.expect("a token");
        assert_eq!(answer.active, active, "round {round}");
    }
    assert_eq!(ask_event(&store, 456).await, None);
    create_event(&store, 456).await;
    assert!(ask_event(&store, 456).await.is_some());
    busy.stop().await;
}

async fn a_server_whose_lock_file_was_removed_waits_like_others(store: TestStore) {
    let member = store.enterprise(903).await;
    let (id, _) = create(&store, &member).await;
    serve(&store, 100).await;
    let lock = store.database.folder().join("zone.db.lock");
    fs::remove_file(&lock).expect("removed");
    let other = store.another_server().await;
    serve(&other, 50).await;
    let start = Instant::now();
    set_active(&store, &member, id, false).await;
    assert!(start.elapsed() >= Duration::from_millis(110));
}

async fn changes_on_servers_with_different_leases_are_in_force_on_each_other(store: TestStore) {
    let member = store.enterprise(903).await;
    let (id, digest) = create(&store, &member).await;
    let (short, long) = (store.another_server().await, store.another_server().await);
    serve(&short, 20).await;
    serve(&long, 80).await;
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

async fn a_change_waits_for_the_longest_announced_lease(store: TestStore) {
    for (millis, longest) in [(30, 30), (20, 30), (60, 60), (0, 60)] {
        let server = store.another_server().await;
        serve(&server, millis).await;
        server.close().await;
        drop(server);
        let announced = store.raw().number("SELECT longest_ms FROM leases").await;
        assert_eq!(announced, longest);
    }
    let start = Instant::now();
    store.organisation(903, Plan::Trial).await;
    store.set_plan(903, Plan::Pro).await;
    assert!(start.elapsed() >= Duration::from_millis(66));
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
