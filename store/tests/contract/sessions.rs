//! Browsers in which somebody is signed in: when a session ends, and who can end it.

use std::time::Duration;

use model::{
    client::{Client, ClientAddress, UserAgent},
    session::{SessionId, SessionSummary},
    user::UserId,
};
use sha2::{Digest, Sha256};
use store::{
    Member, Origin, Store,
    error::SignInError,
    sessions::{ABSOLUTE_END, IDLE_END, MOST_SESSIONS, Session, SessionKey},
};

use crate::harness::{PASSWORD, START, TestStore, hex};

on_both_engines!(
    a_session_says_on_every_server_who_is_signed_in,
    the_key_in_the_cookie_is_kept_nowhere,
    a_session_ends_when_it_was_not_used_for_the_idle_time,
    a_session_in_use_lives_on_past_the_idle_time,
    a_session_that_is_only_watched_ends_as_if_nobody_had_looked,
    a_form_of_a_session_counts_once_on_whichever_servers_it_is_sent_to,
    a_session_never_outlives_its_last_use_by_more_than_the_idle_time,
    a_session_ends_at_its_absolute_end_although_it_is_used,
    a_session_that_is_ended_is_refused_at_once_on_every_server,
    only_its_owner_ends_a_session_by_its_number,
    ending_all_ends_ones_own_and_no_others,
    a_list_shows_each_browser_as_it_signed_in_and_only_those_that_are_still_signed_in,
    what_is_not_known_of_a_browser_is_left_out,
    the_session_used_least_lately_gives_way_to_one_too_many,
    purging_removes_ended_sessions_and_no_other,
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

async fn a_session_says_on_every_server_who_is_signed_in(store: TestStore) {
    let ada = store.enterprise(903).await;
    let key = sign_in(&store, &ada).await;
    let session = find(&store.another_server().await, &key).await;
    let session = session.expect("a session");
    assert_eq!(session.user_id(), ada.user_id());
    assert_eq!(session.confirmed_at(), START);
    let other = SessionKey::parse(&"0".repeat(32)).expect("a key");
    assert_eq!(find(&store, &other).await, None);
}

async fn the_key_in_the_cookie_is_kept_nowhere(store: TestStore) {
    let ada = store.enterprise(903).await;
    let key = sign_in(&store, &ada).await;
    let text = key.reveal();
    let dump = store.raw().dump().await;
    assert!(!dump.contains(&*text), "{dump}");
    let number = u128::from_str_radix(&text, 16).expect("hexadecimal");
    let digest = hex(&Sha256::digest(number.to_be_bytes()));
    assert!(dump.contains(&digest), "{dump}");
}

async fn a_session_ends_when_it_was_not_used_for_the_idle_time(store: TestStore) {
    let ada = store.enterprise(903).await;
    let at_the_end = sign_in(&store, &ada).await;
    store.clock.advance(1);
    let just_before = sign_in(&store, &ada).await;
    store.clock.advance(millis(IDLE_END) - 1);
    assert_eq!(find(&store, &at_the_end).await, None);
    assert!(find(&store, &just_before).await.is_some());
}

async fn a_session_in_use_lives_on_past_the_idle_time(store: TestStore) {
    let ada = store.enterprise(903).await;
    let key = sign_in(&store, &ada).await;
    for _ in 0..5 {
        store.clock.advance(millis(IDLE_END) / 2);
        assert!(find(&store, &key).await.is_some());
    }
    store.clock.advance(millis(IDLE_END));
    assert_eq!(find(&store, &key).await, None);
}

async fn a_session_that_is_only_watched_ends_as_if_nobody_had_looked(store: TestStore) {
    let ada = store.enterprise(903).await;
    let key = sign_in(&store, &ada).await;
    let watch = || async { store.sessions().watch(&key).await.expect("an answer") };
    let before = store.raw().dump().await;
    for _ in 0..11 {
        store.clock.advance(millis(IDLE_END) / 12);
        let session = watch().await.expect("a session");
        assert_eq!(session.user_id(), ada.user_id());
    }
    assert_eq!(store.raw().dump().await, before);
    store.clock.advance(millis(IDLE_END) / 12);
    assert_eq!(watch().await, None);
    assert_eq!(find(&store, &key).await, None);

    let ended = sign_in(&store, &ada).await;
    store
        .sessions()
        .end_all(ada.user_id())
        .await
        .expect("ended");
    let watched = store.sessions().watch(&ended).await;
    assert_eq!(watched.expect("an answer"), None);
}

async fn a_form_of_a_session_counts_once_on_whichever_servers_it_is_sent_to(store: TestStore) {
    let ada = store.enterprise(903).await;
    let key = sign_in(&store, &ada).await;
    let session = find(&store, &key).await.expect("a session");
    let open = || async {
        let number = store.sessions().open_form(&session).await;
        number.expect("an answer").expect("a session")
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
    assert_ne!(theirs, Some(number.clone()));
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
    assert_ne!(open().await, number, "the next form has another one");
    assert!(
        !store
            .sessions()
            .use_form(&session, &number)
            .await
            .expect("an answer")
    );

    store
        .sessions()
        .end_all(ada.user_id())
        .await
        .expect("ended");
    let ended = store.sessions().open_form(&session).await;
    assert_eq!(ended.expect("an answer"), None);
}

/// Not every use is written down, so that reading a page need not cost a write: a session may end those
/// minutes early, and never late.
async fn a_session_never_outlives_its_last_use_by_more_than_the_idle_time(store: TestStore) {
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

async fn a_session_ends_at_its_absolute_end_although_it_is_used(store: TestStore) {
    let ada = store.enterprise(903).await;
    let key = sign_in(&store, &ada).await;
    let step = millis(IDLE_END) / 3;
    let mut passed = 0;
    while passed + step < millis(ABSOLUTE_END) {
        store.clock.advance(step);
        passed += step;
        let session = find(&store, &key).await.expect("still there");
        let confirmed = store.sign_in().confirm(&session, PASSWORD).await;
        confirmed.expect("confirmed");
    }
    store.clock.advance(millis(ABSOLUTE_END) - passed - 1);
    assert!(find(&store, &key).await.is_some());
    store.clock.advance(1);
    assert_eq!(find(&store, &key).await, None);
}

async fn a_session_that_is_ended_is_refused_at_once_on_every_server(store: TestStore) {
    let ada = store.enterprise(903).await;
    let other = store.another_server().await;
    let (left, ended) = (sign_in(&store, &ada).await, sign_in(&store, &ada).await);
    assert!(find(&other, &ended).await.is_some());
    for _ in 0..2 {
        store.sessions().end_by_key(&ended).await.expect("ended");
        assert_eq!(find(&other, &ended).await, None);
    }
    let session = find(&store, &left).await.expect("a session");
    store
        .sessions()
        .end(ada.user_id(), session.id())
        .await
        .expect("ended");
    assert_eq!(find(&other, &left).await, None);
    let confirmed = store.sign_in().confirm(&session, PASSWORD).await;
    assert_refused!(confirmed, SignInError::SessionEnded);
    assert_eq!(rows(&store).await, 0);
}

async fn only_its_owner_ends_a_session_by_its_number(store: TestStore) {
    let (ada, bob) = (store.enterprise(903).await, store.enterprise(904).await);
    let key = sign_in(&store, &ada).await;
    let id = find(&store, &key).await.expect("a session").id();
    store
        .sessions()
        .end(bob.user_id(), id)
        .await
        .expect("nothing to end");
    assert!(find(&store, &key).await.is_some());
}

async fn ending_all_ends_ones_own_and_no_others(store: TestStore) {
    let (ada, bob) = (store.enterprise(903).await, store.enterprise(904).await);
    let (one, two) = (sign_in(&store, &ada).await, sign_in(&store, &ada).await);
    let bobs = sign_in(&store, &bob).await;
    let ended = store.sessions().end_all(ada.user_id()).await;
    assert_eq!(ended.expect("ended"), 2);
    for key in [one, two] {
        assert_eq!(find(&store, &key).await, None);
    }
    assert!(find(&store, &bobs).await.is_some());
}

async fn a_list_shows_each_browser_as_it_signed_in_and_only_those_that_are_still_signed_in(
    store: TestStore,
) {
    let (ada, bob) = (store.enterprise(903).await, store.enterprise(904).await);
    let firefox = Client {
        address: Some(ClientAddress::new([192, 0, 2, 7].into())),
        user_agent: UserAgent::from_header(
            b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0",
        ),
    };
    let first = sign_in_from(&store, &ada, &firefox).await;
    sign_in(&store, &bob).await;
    store.clock.advance(millis(IDLE_END) / 2);
    let second = sign_in(&store, &ada).await;
    store.clock.advance(1);
    let first_id = find(&store, &first).await.expect("a session").id();
    let second_id = find(&store, &second).await.expect("a session").id();

    let used = START.plus_millis(millis(IDLE_END) / 2);
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
    assert_eq!(shown[0].id, first_id, "the one used last stands first");
    store.clock.advance(millis(IDLE_END) - 1);
    assert_eq!(list(&store, ada.user_id()).await.len(), 1);
    assert!(find(&store, &second).await.is_none());
    assert_eq!(
        of(second_id).map(|session| session.signed_in_at),
        Some(used)
    );
}

async fn what_is_not_known_of_a_browser_is_left_out(store: TestStore) {
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

async fn the_session_used_least_lately_gives_way_to_one_too_many(store: TestStore) {
    let (ada, bob) = (store.enterprise(903).await, store.enterprise(904).await);
    let bobs = sign_in(&store, &bob).await;
    let oldest = sign_in(&store, &ada).await;
    store.clock.advance(1);
    let second = sign_in(&store, &ada).await;
    // Hashing fifty passwords would take long, and proves nothing here.
    let copies = MOST_SESSIONS - 2;
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
    assert_eq!(rows(&store).await, MOST_SESSIONS + 1);
}

async fn purging_removes_ended_sessions_and_no_other(store: TestStore) {
    let ada = store.enterprise(903).await;
    let idle = sign_in(&store, &ada).await;
    let used = sign_in(&store, &ada).await;
    store.clock.advance(millis(IDLE_END) - 1);
    assert!(find(&store, &used).await.is_some());
    assert_eq!(store.sessions().purge_ended().await.expect("purged"), 0);
    // The idle one is at its end now, and the purge agrees with the read on which instant that is.
    store.clock.advance(1);
    assert_eq!(store.sessions().purge_ended().await.expect("purged"), 1);
    assert_eq!(find(&store, &idle).await, None);

    let step = millis(IDLE_END) / 2;
    let mut passed = millis(IDLE_END);
    while passed + step < millis(ABSOLUTE_END) {
        store.clock.advance(step);
        passed += step;
        assert!(find(&store, &used).await.is_some());
        assert_eq!(store.sessions().purge_ended().await.expect("purged"), 0);
    }
    let fresh = sign_in(&store, &ada).await;
    store.clock.advance(millis(ABSOLUTE_END) - passed);
    assert_eq!(store.sessions().purge_ended().await.expect("purged"), 1);
    assert_eq!(find(&store, &used).await, None);
    assert!(find(&store, &fresh).await.is_some());
    assert_eq!(rows(&store).await, 1);
}
