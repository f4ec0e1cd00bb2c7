//! Polls of the list of tokens: which are answered without a read, and what they must not miss.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use model::{
    organisation::{OrganisationId, Plan},
    timestamp::Timestamp,
    token::TokenName,
    usage::DayStarts,
};
use store::{
    Member, Store,
    clock::{ManualMonotonicClock, SystemMonotonicClock},
    key_cache::Lease,
    sessions::SessionKey,
    token_polls::Poll,
};
use tokio::time::{advance, sleep};

use crate::harness::{PASSWORD, TestStore};

on_both_engines!(
    each_change_of_the_list_by_another_process_is_seen,
    without_a_lease_every_poll_reads,
);

on_sqlite_in_still_time!(
    while_nothing_changes_a_poll_reads_nothing_but_a_check_every_three_seconds,
    calls_and_the_end_of_a_session_are_seen_by_the_next_check,
    a_change_by_this_server_is_seen_by_the_next_poll,
    readers_in_several_zones_have_their_own_days_and_each_list_is_read_once,
);

/// How long a test waits for what happens in the background.
const HANG: Duration = Duration::from_secs(60);
const ORGANISATION: OrganisationId = OrganisationId(903);
const CHECK_INTERVAL: Duration = Duration::from_secs(3);
/// All calls are on the last day.
const DAYS: DayStarts = DayStarts([Timestamp(0); 7]);

async fn serve(store: &Store, lease: Lease) {
    let clock = Arc::new(SystemMonotonicClock);
    let serving = store.become_server(lease, clock).await;
    serving.expect("the only server");
}

/// The background task of this server does nothing, because it waits for the time to pass.
async fn serve_in_still_time(store: &Store) {
    let clock = Arc::new(ManualMonotonicClock::default());
    let serving = store.become_server(Lease::default(), clock).await;
    serving.expect("the only server");
}

async fn sign_in(store: &Store, member: &Member) -> SessionKey {
    let sign_in = store.sign_in();
    let signed_in = sign_in.with_password(member.email(), PASSWORD, None, None);
    signed_in.await.expect("signed in").session
}

async fn poll(store: &Store, key: &SessionKey, seen: &str) -> Poll {
    let poll = store
        .token_polls()
        .poll(key, ORGANISATION, DAYS, seen)
        .await;
    poll.expect("an answer")
}

/// Polls until there is a list to show, as a page does whose session was found open. Returns its fingerprint.
async fn show(store: &Store, key: &SessionKey) -> String {
    store.token_polls().know(key, ORGANISATION).await;
    match poll(store, key, "").await {
        Poll::Changed(list) => list.fingerprint.clone(),
        other => panic!("{other:?}"),
    }
}

fn is_unchanged(poll: &Poll) -> bool {
    matches!(poll, Poll::Unchanged)
}

/// Polls until the answer is no longer `unchanged`.
async fn await_change(what: &str, store: &Store, key: &SessionKey, seen: &str) -> Poll {
    let end = Instant::now() + HANG;
    loop {
        let poll = poll(store, key, seen).await;
        if !is_unchanged(&poll) {
            return poll;
        }
        assert!(Instant::now() < end, "waited in vain: {what}");
        sleep(Duration::from_millis(5)).await;
    }
}

async fn each_change_of_the_list_by_another_process_is_seen(store: TestStore) {
    let ada = store.enterprise(903).await;
    let ben = store.member("ben@example.com", 903).await;
    let cas = store.member("cas@example.com", 903).await;
    let key = sign_in(&store, &ada).await;
    serve(&store, Lease::default()).await;
    let other = store.another_server().await;
    let tokens = other.tokens();
    let mut seen = show(&store, &key).await;
    let mut changed = async |what: &str| {
        let poll = await_change(what, &store, &key, &seen).await;
        let Poll::Changed(list) = poll else {
            panic!("{what}: {poll:?}");
        };
        seen = list.fingerprint.clone();
    };

    let created = tokens.create(&ben, None).await.expect("created");
    let token = created.summary.id;
    changed("created").await;
    tokens.create(&cas, None).await.expect("created");
    changed("created again").await;
    let deactivated = tokens.set_active((&ada).into(), token, false);
    deactivated.await.expect("deactivated");
    changed("deactivated").await;
    let name = TokenName::parse("Kiosk").expect("a name");
    let renamed = tokens.rename((&ada).into(), token, Some(name));
    renamed.await.expect("renamed");
    changed("renamed").await;
    other.users().disable(cas.email()).await.expect("disabled");
    changed("a creator was disabled").await;
    let members = other.members();
    let removed = members.remove(ben.email(), ORGANISATION).await;
    removed.expect("removed");
    changed("a creator left").await;
    other.users().delete(ben.email()).await.expect("deleted");
    changed("a creator that had left was deleted").await;
    tokens.delete((&ada).into(), token).await.expect("deleted");
    changed("deleted").await;

    store.set_plan(903, Plan::Pro).await;
    let poll = await_change("another plan", &store, &key, &seen).await;
    assert!(matches!(poll, Poll::Unknown), "{poll:?}");
    store.set_plan(903, Plan::Enterprise).await;
    await_change("the plan again", &store, &key, "").await;
    other.sessions().end_by_key(&key).await.expect("ended");
    let poll = await_change("the session ended", &store, &key, &seen).await;
    assert!(matches!(poll, Poll::Unknown), "{poll:?}");
}

async fn without_a_lease_every_poll_reads(store: TestStore) {
    let ada = store.enterprise(903).await;
    let key = sign_in(&store, &ada).await;
    serve(&store, Lease::NONE).await;
    store.token_polls().know(&key, ORGANISATION).await;
    assert!(matches!(poll(&store, &key, "").await, Poll::Unknown));
}

async fn while_nothing_changes_a_poll_reads_nothing_but_a_check_every_three_seconds(
    store: TestStore,
) {
    let ada = store.enterprise(903).await;
    let (key, other_key) = (sign_in(&store, &ada).await, sign_in(&store, &ada).await);
    serve_in_still_time(&store).await;
    let seen = show(&store, &key).await;
    let raw = store.raw();
    let hide =
        "ALTER TABLE sessions RENAME TO hidden; ALTER TABLE token_usage RENAME TO hidden_usage";
    raw.execute(hide).await;
    assert!(is_unchanged(&poll(&store, &key, &seen).await));
    advance(CHECK_INTERVAL - Duration::from_millis(1)).await;
    assert!(is_unchanged(&poll(&store, &key, &seen).await));
    let polls = store.token_polls();
    let rows = polls.poll(&key, ORGANISATION, DAYS, "another list").await;
    rows.expect_err("no rows without a check of their session");
    let stranger = poll(&store, &other_key, &seen).await;
    assert!(matches!(stranger, Poll::Unknown), "{stranger:?}");
    let foreign = polls.poll(&key, OrganisationId(904), DAYS, &seen).await;
    assert!(matches!(foreign, Ok(Poll::Unknown)), "{foreign:?}");

    advance(Duration::from_millis(1)).await;
    let failed = polls.poll(&key, ORGANISATION, DAYS, &seen).await;
    failed.expect_err("the check cannot be made");
    let show =
        "ALTER TABLE hidden RENAME TO sessions; ALTER TABLE hidden_usage RENAME TO token_usage";
    raw.execute(show).await;
    let unchecked = poll(&store, &key, &seen).await;
    assert!(matches!(unchecked, Poll::Unknown), "{unchecked:?}");
}

async fn calls_and_the_end_of_a_session_are_seen_by_the_next_check(store: TestStore) {
    let ada = store.enterprise(903).await;
    let created = store.tokens().create(&ada, None).await.expect("created");
    let token = created.summary.id;
    let (key, other_key) = (sign_in(&store, &ada).await, sign_in(&store, &ada).await);
    serve_in_still_time(&store).await;
    let seen = show(&store, &key).await;
    assert_eq!(show(&store, &other_key).await, seen);
    advance(CHECK_INTERVAL).await;
    assert!(is_unchanged(&poll(&store, &key, &seen).await));

    let other = store.another_server().await;
    let ended = other.sessions().end_by_key(&other_key).await;
    ended.expect("ended");
    assert!(is_unchanged(&poll(&store, &other_key, &seen).await));
    let data = poll(&store, &other_key, "").await;
    assert!(matches!(data, Poll::Unknown), "{data:?}");
    advance(CHECK_INTERVAL).await;
    let ended = poll(&store, &other_key, &seen).await;
    assert!(matches!(ended, Poll::Unknown), "{ended:?}");
    assert!(is_unchanged(&poll(&store, &key, &seen).await));

    let usage = store.usage();
    usage.count(token, store.clock().now(), None);
    usage.flush().await.expect("written");
    assert!(is_unchanged(&poll(&store, &key, &seen).await));
    advance(CHECK_INTERVAL).await;
    let used = poll(&store, &key, &seen).await;
    assert!(matches!(used, Poll::Changed(_)), "{used:?}");
}

async fn a_change_by_this_server_is_seen_by_the_next_poll(store: TestStore) {
    let ada = store.enterprise(903).await;
    let created = store.tokens().create(&ada, None).await.expect("created");
    let key = sign_in(&store, &ada).await;
    serve_in_still_time(&store).await;
    let seen = show(&store, &key).await;
    let tokens = store.tokens();
    let deactivated = tokens.set_active((&ada).into(), created.summary.id, false);
    deactivated.await.expect("deactivated");
    let poll = poll(&store, &key, &seen).await;
    let Poll::Changed(list) = poll else {
        panic!("{poll:?}");
    };
    assert!(!list.tokens[0].token.status.is_active());
}

async fn readers_in_several_zones_have_their_own_days_and_each_list_is_read_once(store: TestStore) {
    let ada = store.enterprise(903).await;
    let created = store.tokens().create(&ada, None).await.expect("created");
    let now = store.clock().now();
    store.usage().count(created.summary.id, now, None);
    store.usage().flush().await.expect("written");
    let key = sign_in(&store, &ada).await;
    serve_in_still_time(&store).await;
    show(&store, &key).await;
    // For the second reader, the calls were yesterday.
    let mut tomorrow = DAYS;
    tomorrow.0[6] = now.plus_millis(1);
    let polls = store.token_polls();
    let shown = async |days| {
        let poll = polls.poll(&key, ORGANISATION, days, "").await;
        let Ok(Poll::Changed(list)) = poll else {
            panic!("{poll:?}");
        };
        let days = list.tokens[0].week.0.map(|day| day.accepted);
        (days, list.fingerprint.clone())
    };
    let (today, seen_today) = shown(DAYS).await;
    assert_eq!(today, [0, 0, 0, 0, 0, 0, 1]);
    let (yesterday, seen_yesterday) = shown(tomorrow).await;
    assert_eq!(yesterday, [0, 0, 0, 0, 0, 1, 0]);
    store
        .raw()
        .execute("ALTER TABLE token_usage RENAME TO hidden_usage")
        .await;
    for (days, seen) in [(DAYS, seen_today), (tomorrow, seen_yesterday)] {
        let unread = polls.poll(&key, ORGANISATION, days, &seen).await;
        assert!(matches!(unread, Ok(Poll::Unchanged)), "{unread:?}");
    }
}
