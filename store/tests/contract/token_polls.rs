//! Polls of the list of tokens: which are answered without a read, and what they must not miss.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use model::{organisation::OrganisationId, token::TokenName};
use store::{
    Member, Store,
    clock::{ManualMonotonicClock, SystemMonotonicClock},
    key_cache::Lease,
    sessions::SessionKey,
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
    a_list_that_was_read_before_a_change_is_not_taken_for_the_present_one,
);

/// How long a test waits for what happens in the background.
const HANG: Duration = Duration::from_secs(60);
const ORGANISATION: OrganisationId = OrganisationId(903);
const CHECK_INTERVAL: Duration = Duration::from_secs(3);

async fn serve(store: &Store, lease: Lease) {
    let clock = Arc::new(SystemMonotonicClock);
    let serving = store.become_server(lease, clock).await;
    serving.expect("the only server");
}

/// Without the background, which waits in still time.
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

async fn is_unchanged(store: &Store, key: &SessionKey, list: &str) -> bool {
    let polls = store.token_polls();
    let unchanged = polls.is_unchanged(key, ORGANISATION, list).await;
    unchanged.expect("an answer")
}

/// Polls as a page does, which shows `list`.
async fn show(store: &Store, key: &SessionKey, list: &str) {
    let polls = store.token_polls();
    let before = polls.before_read(ORGANISATION).await;
    polls
        .remember(key, ORGANISATION, list.to_owned(), before)
        .await;
}

async fn until(is: bool, what: &str, store: &Store, key: &SessionKey) {
    let end = Instant::now() + HANG;
    while is_unchanged(store, key, "list").await != is {
        assert!(Instant::now() < end, "waited in vain: {what}");
        if is {
            show(store, key, "list").await;
        }
        sleep(Duration::from_millis(5)).await;
    }
}

async fn each_change_of_the_list_by_another_process_is_seen(store: TestStore) {
    let ada = store.enterprise(903).await;
    let ben = store.member("ben@example.com", 903).await;
    let key = sign_in(&store, &ada).await;
    serve(&store, Lease::default()).await;
    let other = store.another_server().await;
    let tokens = other.tokens();

    until(true, "shown", &store, &key).await;
    let created = tokens.create(&ben, None).await.expect("created");
    let token = created.summary.id;
    until(false, "created", &store, &key).await;

    until(true, "shown", &store, &key).await;
    let deactivated = tokens.set_active((&ada).into(), token, false);
    deactivated.await.expect("deactivated");
    until(false, "deactivated", &store, &key).await;

    until(true, "shown", &store, &key).await;
    let name = TokenName::parse("Kiosk").expect("a name");
    let renamed = tokens.rename((&ada).into(), token, Some(name));
    renamed.await.expect("renamed");
    until(false, "renamed", &store, &key).await;

    until(true, "shown", &store, &key).await;
    other.users().disable(ben.email()).await.expect("disabled");
    until(false, "the creator was disabled", &store, &key).await;

    until(true, "shown", &store, &key).await;
    let members = other.members();
    let removed = members.remove(ben.email(), ORGANISATION).await;
    removed.expect("removed");
    until(false, "the creator left", &store, &key).await;

    until(true, "shown", &store, &key).await;
    tokens.delete((&ada).into(), token).await.expect("deleted");
    until(false, "deleted", &store, &key).await;

    until(true, "shown", &store, &key).await;
    other.sessions().end_by_key(&key).await.expect("ended");
    until(false, "the session ended", &store, &key).await;
}

async fn without_a_lease_every_poll_reads(store: TestStore) {
    let ada = store.enterprise(903).await;
    let key = sign_in(&store, &ada).await;
    serve(&store, Lease::NONE).await;
    show(&store, &key, "list").await;
    assert!(!is_unchanged(&store, &key, "list").await);
}

async fn while_nothing_changes_a_poll_reads_nothing_but_a_check_every_three_seconds(
    store: TestStore,
) {
    let ada = store.enterprise(903).await;
    let (key, other_key) = (sign_in(&store, &ada).await, sign_in(&store, &ada).await);
    serve_in_still_time(&store).await;
    show(&store, &key, "list").await;
    // Nothing can be read, nor logged.
    let raw = store.raw();
    raw.execute("ALTER TABLE sessions RENAME TO hidden").await;
    assert!(is_unchanged(&store, &key, "list").await);
    advance(CHECK_INTERVAL - Duration::from_millis(1)).await;
    assert!(is_unchanged(&store, &key, "list").await);
    assert!(!is_unchanged(&store, &key, "another list").await);
    assert!(!is_unchanged(&store, &other_key, "list").await);
    let foreign = OrganisationId(904);
    let polls = store.token_polls();
    let unchanged = polls.is_unchanged(&key, foreign, "list").await;
    assert!(!unchanged.expect("an answer"));

    advance(Duration::from_millis(1)).await;
    let failed = polls.is_unchanged(&key, ORGANISATION, "list").await;
    failed.expect_err("the check cannot be made");
    raw.execute("ALTER TABLE hidden RENAME TO sessions").await;
    assert!(!is_unchanged(&store, &key, "list").await, "not checked");
}

async fn calls_and_the_end_of_a_session_are_seen_by_the_next_check(store: TestStore) {
    let ada = store.enterprise(903).await;
    let created = store.tokens().create(&ada, None).await.expect("created");
    let token = created.summary.id;
    let (key, other_key) = (sign_in(&store, &ada).await, sign_in(&store, &ada).await);
    serve_in_still_time(&store).await;
    for _ in 0..2 {
        show(&store, &key, "list").await;
        show(&store, &other_key, "list").await;
        advance(CHECK_INTERVAL).await;
        // The first check has no earlier one to be compared with.
        is_unchanged(&store, &key, "list").await;
    }
    assert!(is_unchanged(&store, &key, "list").await);
    let ended = store.another_server().await;
    ended
        .sessions()
        .end_by_key(&other_key)
        .await
        .expect("ended");
    assert!(is_unchanged(&store, &other_key, "list").await);
    advance(CHECK_INTERVAL).await;
    assert!(!is_unchanged(&store, &other_key, "list").await);
    assert!(is_unchanged(&store, &key, "list").await);

    let usage = store.usage();
    usage.count(token, store.clock().now(), None);
    usage.flush().await.expect("written");
    assert!(is_unchanged(&store, &key, "list").await);
    advance(CHECK_INTERVAL).await;
    assert!(!is_unchanged(&store, &key, "list").await);
    show(&store, &key, "list with calls").await;
    assert!(is_unchanged(&store, &key, "list with calls").await);
}

async fn a_list_that_was_read_before_a_change_is_not_taken_for_the_present_one(store: TestStore) {
    let ada = store.enterprise(903).await;
    let key = sign_in(&store, &ada).await;
    serve_in_still_time(&store).await;
    let polls = store.token_polls();
    let before = polls.before_read(ORGANISATION).await;
    let created = store.tokens().create(&ada, None).await.expect("created");
    // The server applies its own changes before it reports them, except creations: no server refuses a new token.
    let tokens = store.tokens();
    let deactivated = tokens.set_active((&ada).into(), created.summary.id, false);
    deactivated.await.expect("deactivated");
    polls
        .remember(&key, ORGANISATION, "old".to_owned(), before)
        .await;
    assert!(!is_unchanged(&store, &key, "old").await);
    let before_change = before;
    show(&store, &key, "new").await;
    assert!(is_unchanged(&store, &key, "new").await);
    polls
        .remember(&key, ORGANISATION, "old".to_owned(), before_change)
        .await;
    assert!(
        is_unchanged(&store, &key, "new").await,
        "the later one stays"
    );
}
