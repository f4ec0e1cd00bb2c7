//! Sessions: when they end, and who can end them.

use std::time::Duration;

use model::{
    client::{Client, ClientAddress, UserAgent},
    session::{SessionId, SessionSummary},
    user::UserId,
};
use sha2::{Digest, Sha256};
use store::{
    Member, Origin, Store,
    error::{SessionError, SignInError},
    sessions::{ABSOLUTE_TIMEOUT, IDLE_TIMEOUT, MAX_SESSIONS, Session, SessionKey},
};

use crate::harness::{Engine, PASSWORD, START, TestStore, hex};

on_both_engines!(
    every_server_knows_the_user_of_a_session,
    the_session_key_is_not_stored,
    a_made_up_session_key_costs_no_read,
    the_key_of_an_ended_session_counts_for_no_account_and_costs_no_further_read,
    a_session_ends_after_the_idle_time,
    a_session_in_use_outlives_the_idle_time,
    polling_does_not_extend_a_session,
    a_form_takes_effect_once_on_any_servers,
    opening_a_form_again_and_signing_out_again_do_not_wait_for_other_writers,
    a_session_never_lasts_longer_than_the_idle_time_after_its_last_use,
    a_session_in_use_ends_at_its_absolute_end,
    every_server_refuses_an_ended_session_immediately,
    only_its_owner_can_end_a_session_by_its_number,
    ending_all_sessions_ends_those_of_one_user_only,
    the_list_shows_each_session_with_its_client_and_no_ended_session,
    unknown_facts_about_a_client_are_left_out,
    one_session_too_many_ends_the_least_recently_used_one,
    purging_removes_exactly_the_ended_sessions,
    a_session_from_the_future_has_ended_for_every_use,
    sessions_from_the_future_displace_no_other,
);

async fn sign_in_from(store: &Store, somebody: &Member, client: &Client) -> SessionKey {
    let store = store.on_behalf_of(Origin::Request(client.clone()));
    let sign_in = store.sign_in();
    let signed_in = sign_in.with_password(somebody.email(), PASSWORD, None, None);
    signed_in.await.expect("signed in").session
}

async fn sign_in(store: &Store, somebody: &Member) -> SessionKey {
    sign_in_from(store, somebody, &Client::default()).await
}

async fn find(store: &Store, key: &SessionKey) -> Option<Session> {
    store.sessions().find(key).await.expect("an answer")
}

async fn list(store: &Store, user: UserId) -> Vec<SessionSummary> {
    store.sessions().of_user(user).await.expect("an answer")
}

const fn millis(duration: Duration) -> i64 {
    duration.as_secs() as i64 * 1_000
}

async fn rows(store: &TestStore) -> i64 {
    store.raw().number("SELECT COUNT(*) FROM sessions").await
}

async fn every_server_knows_the_user_of_a_session(store: TestStore) {
    let ada = store.enterprise(903).await;
    let key = sign_in(&store, &ada).await;
    let session = find(&store.another_server().await, &key).await;
    let session = session.expect("a session");
    assert_eq!(session.user_id(), ada.user_id());
    assert_eq!(session.confirmed_at(), START);
    let owner = store.another_server().await.sessions().owner(&key).await;
    assert_eq!(owner.expect("an answer"), Some(ada.user_id()));
    for text in ["0".repeat(80), changed(&key)] {
        let other = SessionKey::parse(&text).expect("a key");
        assert_eq!(find(&store, &other).await, None);
        assert_eq!(store.sessions().owner(&other).await.expect("read"), None);
    }
}

async fn the_key_of_an_ended_session_counts_for_no_account_and_costs_no_further_read(
    store: TestStore,
) {
    let ada = store.enterprise(903).await;
    let key = sign_in(&store, &ada).await;
    store.sessions().end_by_key(&key).await.expect("ended");
    let other = store.another_server().await;
    for server in [&*store, &other] {
        assert_eq!(find(server, &key).await, None);
        assert_eq!(server.sessions().owner(&key).await.expect("read"), None);
    }
    other.close().await;
    assert_eq!(find(&other, &key).await, None);
}

/// The text of a key with another last digit.
fn changed(key: &SessionKey) -> String {
    let text = key.reveal();
    let last = if text.ends_with('0') { "1" } else { "0" };
    format!("{}{last}", &text[..text.len() - 1])
}

/// A closed store answers only what it can without its database.
async fn a_made_up_session_key_costs_no_read(store: TestStore) {
    let ada = store.enterprise(903).await;
    let key = sign_in(&store, &ada).await;
    let made_up = SessionKey::parse(&changed(&key)).expect("a key");
    store.close().await;
    let sessions = store.sessions();
    sessions.find(&key).await.expect_err("needs the database");
    assert_eq!(sessions.find(&made_up).await.expect("no read"), None);
    assert_eq!(sessions.watch(&made_up).await.expect("no read"), None);
    sessions.end_by_key(&made_up).await.expect("no read");
    sessions
        .end_by_key(&key)
        .await
        .expect_err("needs the database");
}

async fn the_session_key_is_not_stored(store: TestStore) {
    let ada = store.enterprise(903).await;
    let key = sign_in(&store, &ada).await;
    let text = key.reveal();
    let dump = store.raw().dump().await;
    assert!(!dump.contains(&*text), "{dump}");
    let number = u128::from_str_radix(&text[..32], 16).expect("hexadecimal");
    let digest = hex(&Sha256::digest(number.to_be_bytes()));
    assert!(dump.contains(&digest), "{dump}");
}

async fn a_session_ends_after_the_idle_time(store: TestStore) {
    let ada = store.enterprise(903).await;
    let at_the_end = sign_in(&store, &ada).await;
    store.clock.advance(1);
    let just_before = sign_in(&store, &ada).await;
    store.clock.advance(millis(IDLE_TIMEOUT) - 1);
    assert_eq!(find(&store, &at_the_end).await, None);
    assert!(find(&store, &just_before).await.is_some());
}

async fn a_session_in_use_outlives_the_idle_time(store: TestStore) {
    let ada = store.enterprise(903).await;
    let key = sign_in(&store, &ada).await;
    for _ in 0..5 {
        store.clock.advance(millis(IDLE_TIMEOUT) / 2);
        assert!(find(&store, &key).await.is_some());
    }
    store.clock.advance(millis(IDLE_TIMEOUT));
    assert_eq!(find(&store, &key).await, None);
}

async fn polling_does_not_extend_a_session(store: TestStore) {
    let ada = store.enterprise(903).await;
    let key = sign_in(&store, &ada).await;
    let watch = || async { store.sessions().watch(&key).await.expect("an answer") };
    let before = store.raw().dump().await;
    for _ in 0..11 {
        store.clock.advance(millis(IDLE_TIMEOUT) / 12);
        let session = watch().await.expect("a session");
        assert_eq!(session.user_id(), ada.user_id());
    }
    assert_eq!(store.raw().dump().await, before);
    store.clock.advance(millis(IDLE_TIMEOUT) / 12);
    assert_eq!(watch().await, None);
    assert_eq!(find(&store, &key).await, None);

    let ended = sign_in(&store, &ada).await;
    let session = find(&store, &ended).await.expect("a session");
    store.sessions().end_all(&session).await.expect("ended");
    let watched = store.sessions().watch(&ended).await;
    assert_eq!(watched.expect("an answer"), None);
}

async fn a_form_takes_effect_once_on_any_servers(store: TestStore) {
    let ada = store.enterprise(903).await;
    let key = sign_in(&store, &ada).await;
    let session = find(&store, &key).await.expect("a session");
    let open = || async {
        let number = store.sessions().open_form(&session).await;
        number.expect("a session")
    };
    let number = open().await;
    assert_eq!(
        (number.len(), open().await),
        (32, number.clone()),
        "open in two tabs"
    );

    let elsewhere = sign_in(&store, &ada).await;
    let elsewhere = find(&store, &elsewhere).await.expect("a session");
    let theirs = store
        .sessions()
        .open_form(&elsewhere)
        .await
        .expect("opened");
    assert_ne!(theirs, number);
    let foreign = store.sessions().use_form(&elsewhere, &number).await;
    assert!(!foreign.expect("an answer"));

    let servers = [store.server(), store.another_server().await];
    let mut uses = tokio::task::JoinSet::new();
    for n in 0..12 {
        let (server, session, number) = (servers[n % 2].clone(), session.clone(), number.clone());
        uses.spawn(async move { server.sessions().use_form(&session, &number).await });
    }
    let uses = uses.join_all().await.into_iter();
    assert_eq!(uses.filter(|used| matches!(used, Ok(true))).count(), 1);
    assert_ne!(open().await, number, "the next form has another number");
    assert!(
        !store
            .sessions()
            .use_form(&session, &number)
            .await
            .expect("an answer")
    );

    store.sessions().end_all(&session).await.expect("ended");
    let ended = store.sessions().open_form(&session).await;
    assert_refused!(ended, SessionError::Ended);
}

/// Not every use is recorded, as not every page needs a write. So a session can end some minutes early, but never
/// late.
/// Another program holds the lock on writes, so a call that needs it fails after some seconds.
async fn opening_a_form_again_and_signing_out_again_do_not_wait_for_other_writers(
    store: TestStore,
) {
    let ada = store.enterprise(903).await;
    let (ended, key) = (sign_in(&store, &ada).await, sign_in(&store, &ada).await);
    let session = find(&store, &key).await.expect("a session");
    let sessions = store.sessions();
    let opened = sessions.open_form(&session).await.expect("opened");
    sessions.end_by_key(&ended).await.expect("ended");
    let lock = match store.raw().engine() {
        Engine::Sqlite => "BEGIN IMMEDIATE",
        Engine::Postgres => "BEGIN; LOCK TABLE sessions IN SHARE ROW EXCLUSIVE MODE",
    };
    store.raw().execute(lock).await;
    let again = sessions.open_form(&session).await;
    assert_eq!(again.expect("open already"), opened);
    sessions.end_by_key(&ended).await.expect("ended already");
    store.raw().execute("ROLLBACK").await;
}

async fn a_session_never_lasts_longer_than_the_idle_time_after_its_last_use(store: TestStore) {
    let ada = store.enterprise(903).await;
    let minutes = |n: i64| n * 60_000;
    for (used_after, lives_on) in [(4, 12 * 60 - 4), (5, 12 * 60), (300, 12 * 60)] {
        let (one, other) = (sign_in(&store, &ada).await, sign_in(&store, &ada).await);
        store.clock.advance(minutes(used_after));
        for key in [&one, &other] {
            assert!(find(&store, key).await.is_some());
        }
        store.clock.advance(minutes(lives_on) - 1);
        assert!(find(&store, &one).await.is_some(), "{used_after}");
        store.clock.advance(1);
        assert_eq!(find(&store, &other).await, None, "{used_after}");
    }
}

async fn a_session_in_use_ends_at_its_absolute_end(store: TestStore) {
    let ada = store.enterprise(903).await;
    let key = sign_in(&store, &ada).await;
    let step = millis(IDLE_TIMEOUT) / 3;
    let mut passed = 0;
    while passed + step < millis(ABSOLUTE_TIMEOUT) {
        store.clock.advance(step);
        passed += step;
        let session = find(&store, &key).await.expect("still there");
        let confirmed = store.sign_in().confirm(&session, PASSWORD).await;
        confirmed.expect("confirmed");
    }
    store.clock.advance(millis(ABSOLUTE_TIMEOUT) - passed - 1);
    assert!(find(&store, &key).await.is_some());
    store.clock.advance(1);
    assert_eq!(find(&store, &key).await, None);
}

async fn every_server_refuses_an_ended_session_immediately(store: TestStore) {
    let ada = store.enterprise(903).await;
    let other = store.another_server().await;
    let (left, ended) = (sign_in(&store, &ada).await, sign_in(&store, &ada).await);
    assert!(find(&other, &ended).await.is_some());
    for _ in 0..2 {
        store.sessions().end_by_key(&ended).await.expect("ended");
        assert_eq!(find(&other, &ended).await, None);
    }
    let session = find(&store, &left).await.expect("a session");
    let ended = store.sessions().end(&session, session.id()).await;
    ended.expect("ended");
    assert_eq!(find(&other, &left).await, None);
    let confirmed = store.sign_in().confirm(&session, PASSWORD).await;
    assert_refused!(confirmed, SignInError::SessionEnded);
    assert_eq!(rows(&store).await, 0);
}

async fn only_its_owner_can_end_a_session_by_its_number(store: TestStore) {
    let (ada, bob) = (store.enterprise(903).await, store.enterprise(904).await);
    let key = sign_in(&store, &ada).await;
    let id = find(&store, &key).await.expect("a session").id();
    let bobs = store.session(&bob).await;
    let ended = store.sessions().end(&bobs, id).await;
    ended.expect("nothing to end");
    assert!(find(&store, &key).await.is_some());
}

async fn ending_all_sessions_ends_those_of_one_user_only(store: TestStore) {
    let (ada, bob) = (store.enterprise(903).await, store.enterprise(904).await);
    let (one, two) = (sign_in(&store, &ada).await, sign_in(&store, &ada).await);
    let bobs = sign_in(&store, &bob).await;
    let session = find(&store, &one).await.expect("a session");
    let ended = store.sessions().end_all(&session).await;
    assert_eq!(ended.expect("ended"), 2);
    for key in [one, two] {
        assert_eq!(find(&store, &key).await, None);
    }
    assert!(find(&store, &bobs).await.is_some());
}

async fn the_list_shows_each_session_with_its_client_and_no_ended_session(store: TestStore) {
    let (ada, bob) = (store.enterprise(903).await, store.enterprise(904).await);
    let firefox = Client {
        address: Some(ClientAddress::new([192, 0, 2, 7].into())),
        user_agent: UserAgent::from_header(
            b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0",
        ),
    };
    let first = sign_in_from(&store, &ada, &firefox).await;
    sign_in(&store, &bob).await;
    store.clock.advance(millis(IDLE_TIMEOUT) / 2);
    let second = sign_in(&store, &ada).await;
    store.clock.advance(1);
    let first_id = find(&store, &first).await.expect("a session").id();
    let second_id = find(&store, &second).await.expect("a session").id();

    let used = START.plus_millis(millis(IDLE_TIMEOUT) / 2);
    let shown = list(&store, ada.user_id()).await;
    let of = |id: SessionId| shown.iter().find(|session| session.id == id);
    assert_eq!(shown.len(), 2);
    assert_eq!(
        of(first_id),
        Some(&SessionSummary {
            id: first_id,
            browser: "Firefox on Linux".to_owned(),
            address: Some("192.0.2.7".to_owned()),
            signed_in_at: START,
            last_used_at: used.plus_millis(1),
        })
    );
    assert_eq!(shown[0].id, first_id, "the last used session is first");
    store.clock.advance(millis(IDLE_TIMEOUT) - 1);
    assert_eq!(list(&store, ada.user_id()).await.len(), 1);
    assert!(find(&store, &second).await.is_none());
    assert_eq!(
        of(second_id).map(|session| session.signed_in_at),
        Some(used)
    );
}

async fn unknown_facts_about_a_client_are_left_out(store: TestStore) {
    let ada = store.enterprise(903).await;
    let long = "x".repeat(10_000);
    for (user_agent, browser) in [
        (&b""[..], "Unknown browser"),
        (long.as_bytes(), "Unknown browser"),
    ] {
        let client = Client {
            address: None,
            user_agent: UserAgent::from_header(user_agent),
        };
        sign_in_from(&store, &ada, &client).await;
        let shown = list(&store, ada.user_id()).await;
        assert_eq!(
            (shown[0].browser.as_str(), &shown[0].address),
            (browser, &None)
        );
    }
}

async fn one_session_too_many_ends_the_least_recently_used_one(store: TestStore) {
    let (ada, bob) = (store.enterprise(903).await, store.enterprise(904).await);
    let bobs = sign_in(&store, &bob).await;
    let oldest = sign_in(&store, &ada).await;
    store.clock.advance(1);
    let second = sign_in(&store, &ada).await;
    // Fifty password hashes would take long and test nothing here.
    let copies = MAX_SESSIONS - 2;
    for number in 0..copies {
        let digest = store
            .raw()
            .literal(&[u8::try_from(number).expect("few"); 32]);
        let (user, at) = (ada.user_id().0, START.0 + 2);
        store
            .raw()
            .execute(&format!(
                "INSERT INTO sessions (digest, user_id, created_at, last_used_at, confirmed_at)
                VALUES ({digest}, {user}, {at}, {at}, {at})"
            ))
            .await;
    }
    assert!(find(&store, &oldest).await.is_some());
    store.clock.advance(1);
    let newest = sign_in(&store, &ada).await;
    assert_eq!(find(&store, &oldest).await, None);
    for key in [&second, &newest, &bobs] {
        assert!(find(&store, key).await.is_some());
    }
    assert_eq!(rows(&store).await, MAX_SESSIONS + 1);
}

async fn purging_removes_exactly_the_ended_sessions(store: TestStore) {
    let ada = store.enterprise(903).await;
    let idle = sign_in(&store, &ada).await;
    let used = sign_in(&store, &ada).await;
    store.clock.advance(millis(IDLE_TIMEOUT) - 1);
    assert!(find(&store, &used).await.is_some());
    assert_eq!(store.sessions().purge_ended().await.expect("purged"), 0);
    // The idle session ends at this instant, for the purge as for a read.
    store.clock.advance(1);
    assert_eq!(store.sessions().purge_ended().await.expect("purged"), 1);
    assert_eq!(find(&store, &idle).await, None);

    let step = millis(IDLE_TIMEOUT) / 2;
    let mut passed = millis(IDLE_TIMEOUT);
    while passed + step < millis(ABSOLUTE_TIMEOUT) {
        store.clock.advance(step);
        passed += step;
        assert!(find(&store, &used).await.is_some());
        assert_eq!(store.sessions().purge_ended().await.expect("purged"), 0);
    }
    let fresh = sign_in(&store, &ada).await;
    store.clock.advance(millis(ABSOLUTE_TIMEOUT) - passed);
    assert_eq!(store.sessions().purge_ended().await.expect("purged"), 1);
    assert_eq!(find(&store, &used).await, None);
    assert!(find(&store, &fresh).await.is_some());
    assert_eq!(rows(&store).await, 1);
}

/// The difference that the clocks of two servers may have.
const SKEW: i64 = 5 * 60 * 1_000;
const FAR: i64 = 400 * 24 * 60 * 60 * 1_000;

/// The clock was ahead when the session was used, and is right again.
async fn a_session_from_the_future_has_ended_for_every_use(store: TestStore) {
    let ada = store.enterprise(903).await;
    for ahead in [SKEW + 1, FAR] {
        store.clock.advance(ahead);
        let key = sign_in(&store, &ada).await;
        let session = find(&store, &key).await.expect("a session");
        store.clock.advance(-SKEW);
        assert!(find(&store, &key).await.is_some(), "{ahead}");
        assert_eq!(store.sessions().purge_ended().await.expect("purged"), 0);
        store.clock.advance(SKEW - ahead);
        assert_eq!(find(&store, &key).await, None, "{ahead}");
        let watched = store.sessions().watch(&key).await.expect("an answer");
        assert_eq!(watched, None, "{ahead}");
        assert!(list(&store, ada.user_id()).await.is_empty(), "{ahead}");
        for opened in [
            store.sessions().open_form(&session).await.map(drop),
            store.sessions().end_all(&session).await.map(drop),
        ] {
            assert!(matches!(opened, Err(SessionError::Ended)), "{opened:?}");
        }
        // Otherwise it would be open again when the present has caught up.
        assert_eq!(store.sessions().purge_ended().await.expect("purged"), 1);
        assert_eq!(rows(&store).await, 0);
    }
}

async fn sessions_from_the_future_displace_no_other(store: TestStore) {
    let ada = store.enterprise(903).await;
    for number in 0..MAX_SESSIONS {
        let digest = store
            .raw()
            .literal(&[u8::try_from(number).expect("few"); 32]);
        let (user, at) = (ada.user_id().0, START.0 + FAR);
        store
            .raw()
            .execute(&format!(
                "INSERT INTO sessions (digest, user_id, created_at, last_used_at, confirmed_at)
                VALUES ({digest}, {user}, {at}, {at}, {at})"
            ))
            .await;
    }
    let key = sign_in(&store, &ada).await;
    assert!(find(&store, &key).await.is_some());
    assert_eq!(rows(&store).await, 1);
}
