//! Passwords: signing in, confirming and changing them; and how wrong ones are throttled.

use std::time::Duration;

use model::{
    client::{Client, ClientAddress},
    user::{Email, UserId},
};
use store::{
    Member, Origin, Store,
    demo::DEMO_PASSWORD,
    error::{AccountError, NewPasswordError, SignInError},
    sessions::{Session, SessionKey},
    sign_in::SignedIn,
};
use tokio::task::JoinSet;

use crate::{
    failures::assert_unavailable,
    harness::{PASSWORD, START, TestStore, email},
};

on_both_engines!(
    only_the_right_password_signs_in,
    a_missing_account_is_throttled_like_any_other,
    after_wrong_passwords_the_right_one_is_throttled_too,
    an_attacker_cannot_lock_the_owner_out_on_a_known_device,
    a_device_cookie_works_on_every_server_and_for_one_account,
    a_device_cookie_ends_when_the_password_is_set_or_changed,
    a_change_of_the_password_gives_its_browser_a_new_device_cookie,
    a_device_that_signs_in_again_gets_no_more_wrong_passwords,
    many_device_cookies_allow_a_bounded_number_of_wrong_passwords,
    attempts_during_an_outage_do_not_count,
    a_confirmation_lasts_for_the_given_time,
    a_confirmation_from_the_future_is_none,
    a_wrong_password_confirms_nothing_and_throttles_only_its_session,
    changing_the_password_ends_every_other_session_and_the_old_key,
    an_invalid_new_password_changes_nothing,
    a_sign_in_during_a_password_change_leaves_no_session_of_the_old_password,
    of_two_concurrent_password_changes_one_succeeds,
    a_password_set_by_an_operator_ends_every_session_and_the_demo_mark,
);

const NEW: &str = "a wholly new one";

/// The store for a request from this address.
fn at(store: &Store, address: [u8; 4]) -> Store {
    store.on_behalf_of(Origin::Request(Client {
        address: Some(ClientAddress::new(address.into())),
        user_agent: None,
    }))
}

/// The networks of the owner and of an attacker.
const HOME: [u8; 4] = [192, 0, 2, 7];
const ELSEWHERE: [u8; 4] = [198, 51, 100, 9];

async fn try_sign_in(
    store: &Store,
    address: &str,
    password: &str,
    from: [u8; 4],
) -> Result<SignedIn, SignInError> {
    let email = email(address);
    at(store, from)
        .sign_in()
        .with_password(&email, password, None, None)
        .await
}

async fn sign_in(store: &Store, somebody: &Member) -> SessionKey {
    let signed_in = try_sign_in(store, somebody.email().as_str(), PASSWORD, HOME).await;
    signed_in.expect("signed in").session
}

async fn find(store: &Store, key: &SessionKey) -> Option<Session> {
    store.sessions().find(key).await.expect("an answer")
}

async fn session(store: &Store, key: &SessionKey) -> Session {
    find(store, key).await.expect("a session")
}

async fn user_of(store: &Store, address: &str, password: &str) -> Option<UserId> {
    match try_sign_in(store, address, password, HOME).await {
        Ok(signed_in) => Some(signed_in.user_id),
        Err(SignInError::WrongPassword) => None,
        Err(error) => panic!("{error}"),
    }
}

async fn only_the_right_password_signs_in(store: TestStore) {
    let ada = store.enterprise(903).await;
    let bob = store.member("bob@example.com", 903).await;
    let set = store.sign_in().set_password(bob.email(), NEW).await;
    set.expect("changed");
    let address = ada.email().as_str();
    for wrong in ["", NEW, &PASSWORD[1..], "Correct horse battery"] {
        assert_eq!(user_of(&store, address, wrong).await, None, "{wrong:?}");
    }
    assert_eq!(
        user_of(&store, address, PASSWORD).await,
        Some(ada.user_id())
    );
    assert_eq!(user_of(&store, "nobody@example.com", PASSWORD).await, None);
    assert_eq!(store.raw().number("SELECT COUNT(*) FROM sessions").await, 1);
}

/// The responses to successive wrong passwords.
async fn answers(store: &Store, address: &str, from: [u8; 4]) -> Vec<String> {
    let mut answers = Vec::new();
    for _ in 0..8 {
        let refused = try_sign_in(store, address, "not the password", from).await;
        answers.push(refused.expect_err("wrong").to_string());
    }
    answers
}

async fn a_missing_account_is_throttled_like_any_other(store: TestStore) {
    store.enterprise(903).await;
    let known = answers(&store, "admin@903.example", [192, 0, 2, 1]).await;
    let unknown = answers(&store, "nobody@903.example", [192, 0, 2, 2]).await;
    assert_eq!(known, unknown);
    assert_ne!(known[4], known[5]);
}

async fn after_wrong_passwords_the_right_one_is_throttled_too(store: TestStore) {
    let ada = store.enterprise(903).await;
    let address = ada.email().as_str();
    for _ in 0..5 {
        let wrong = try_sign_in(&store, address, "not the password", HOME).await;
        assert_refused!(wrong, SignInError::WrongPassword);
    }
    let two_seconds = Duration::from_secs(2);
    let refused = try_sign_in(&store, address, PASSWORD, HOME).await;
    assert_refused!(refused, SignInError::TooManyTries(wait) if wait == two_seconds);
    store.clock.advance(2_000);
    let signed_in = try_sign_in(&store, address, PASSWORD, HOME).await;
    signed_in.expect("signed in");
}

async fn an_attacker_cannot_lock_the_owner_out_on_a_known_device(store: TestStore) {
    let ada = store.enterprise(903).await;
    let before = try_sign_in(&store, ada.email().as_str(), PASSWORD, HOME).await;
    let proof = before.expect("signed in").device_cookie;
    // From many networks, including the owner's.
    for number in 0..30 {
        let from = if number < 6 {
            HOME
        } else {
            [203, 0, 113, number]
        };
        let wrong = try_sign_in(&store, ada.email().as_str(), "not the password", from).await;
        wrong.expect_err("wrong");
    }
    let stranger = try_sign_in(&store, ada.email().as_str(), PASSWORD, ELSEWHERE).await;
    assert_refused!(stranger, SignInError::TooManyTries(_));
    let store = &store;
    let known =
        async |proof: &str, password: &str| sign_in_on_device(store, &ada, password, proof).await;
    assert_refused!(
        known("made-up", PASSWORD).await,
        SignInError::TooManyTries(_)
    );
    known(&proof, PASSWORD).await.expect("signed in");
    // Wrong passwords on the device itself still count.
    for _ in 0..5 {
        let wrong = known(&proof, "not the password").await;
        assert_refused!(wrong, SignInError::WrongPassword);
    }
    assert_refused!(known(&proof, PASSWORD).await, SignInError::TooManyTries(_));
}

async fn a_device_cookie_works_on_every_server_and_for_one_account(store: TestStore) {
    let (ada, bob) = (store.enterprise(903).await, store.enterprise(904).await);
    let before = try_sign_in(&store, ada.email().as_str(), PASSWORD, HOME).await;
    let proof = before.expect("signed in").device_cookie;
    let other = store.another_server().await;
    for who in [&ada, &bob] {
        answers(&other, who.email().as_str(), HOME).await;
    }
    let adas = sign_in_on_device(&other, &ada, PASSWORD, &proof).await;
    adas.expect("signed in");
    let bobs = sign_in_on_device(&other, &bob, PASSWORD, &proof).await;
    assert_refused!(bobs, SignInError::TooManyTries(_));
}

/// Signs in at home with a device cookie.
async fn sign_in_on_device(
    store: &Store,
    who: &Member,
    password: &str,
    cookie: &str,
) -> Result<SignedIn, SignInError> {
    let home = at(store, HOME);
    let sign_in = home.sign_in();
    let signed_in = sign_in.with_password(who.email(), password, Some(cookie), None);
    signed_in.await
}

/// Signs in on a new device.
async fn new_device(store: &Store, who: &Member, password: &str) -> SignedIn {
    let signed_in = try_sign_in(store, who.email().as_str(), password, HOME).await;
    signed_in.expect("signed in")
}

async fn a_device_cookie_ends_when_the_password_is_set_or_changed(store: TestStore) {
    let ada = store.enterprise(903).await;
    let first = new_device(&store, &ada, PASSWORD).await;
    let here = session(&store, &first.session).await;
    let sign_in = store.sign_in();
    let changed = sign_in.change_password(&here, PASSWORD, NEW, None).await;
    let second = changed.expect("changed").device_cookie;
    // The same password again, which an operator sets, has another hash.
    let set = sign_in.set_password(ada.email(), NEW).await;
    set.expect("changed");
    let third = new_device(&store, &ada, NEW).await.device_cookie;
    // Strangers at home have to wait now.
    answers(&store, ada.email().as_str(), HOME).await;
    for ended in [&first.device_cookie, &second] {
        let refused = sign_in_on_device(&store, &ada, NEW, ended).await;
        assert_refused!(refused, SignInError::TooManyTries(_));
    }
    let known = sign_in_on_device(&store, &ada, NEW, &third).await;
    known.expect("signed in");
}

async fn a_change_of_the_password_gives_its_browser_a_new_device_cookie(store: TestStore) {
    let ada = store.enterprise(903).await;
    let before = new_device(&store, &ada, PASSWORD).await;
    let here = session(&store, &before.session).await;
    let cookie = Some(before.device_cookie.as_str());
    let sign_in = store.sign_in();
    let changed = sign_in.change_password(&here, PASSWORD, NEW, cookie).await;
    let after = changed.expect("changed").device_cookie;
    assert_eq!(
        after[..32],
        before.device_cookie[..32],
        "the device's number"
    );
    answers(&store, ada.email().as_str(), HOME).await;
    let known = sign_in_on_device(&store, &ada, NEW, &after).await;
    known.expect("signed in");
}

async fn a_device_that_signs_in_again_gets_no_more_wrong_passwords(store: TestStore) {
    let ada = store.enterprise(903).await;
    let mut cookies = vec![new_device(&store, &ada, PASSWORD).await.device_cookie];
    for number in 0..3 {
        let again = sign_in_on_device(&store, &ada, PASSWORD, &cookies[number]).await;
        cookies.push(again.expect("signed in").device_cookie);
    }
    for number in 0..5 {
        let cookie = &cookies[number % cookies.len()];
        let wrong = sign_in_on_device(&store, &ada, "not the password", cookie).await;
        assert_refused!(wrong, SignInError::WrongPassword);
    }
    for cookie in &cookies {
        let refused = sign_in_on_device(&store, &ada, PASSWORD, cookie).await;
        assert_refused!(refused, SignInError::TooManyTries(_));
    }
}

async fn many_device_cookies_allow_a_bounded_number_of_wrong_passwords(store: TestStore) {
    let ada = store.enterprise(903).await;
    let mut cookies = Vec::new();
    for _ in 0..12 {
        cookies.push(new_device(&store, &ada, PASSWORD).await.device_cookie);
    }
    let mut checked = 0;
    for number in 0..120 {
        let cookie = &cookies[number % cookies.len()];
        match sign_in_on_device(&store, &ada, "not the password", cookie).await {
            Err(SignInError::WrongPassword) => checked += 1,
            Err(SignInError::TooManyTries(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    // Five on each of eight devices, and five for the network of the others.
    assert_eq!(checked, 45);
}

async fn attempts_during_an_outage_do_not_count(store: TestStore) {
    let ada = store.enterprise(903).await;
    store.close().await;
    for _ in 0..30 {
        let refused = try_sign_in(&store, ada.email().as_str(), PASSWORD, HOME).await;
        assert_unavailable(&refused.expect_err("closed"));
    }
}

async fn a_confirmation_lasts_for_the_given_time(store: TestStore) {
    let ada = store.enterprise(903).await;
    let key = sign_in(&store, &ada).await;
    let signs = store.sign_in();
    let time = Duration::from_secs(900);
    let signed_in = session(&store, &key).await;
    assert!(signs.is_confirmed(&signed_in, time));
    assert!(!signs.is_confirmed(&signed_in, Duration::ZERO));
    store.clock.advance(899_999);
    assert!(signs.is_confirmed(&signed_in, time));
    store.clock.advance(1);
    assert!(!signs.is_confirmed(&signed_in, time));

    signs
        .confirm(&signed_in, PASSWORD)
        .await
        .expect("confirmed");
    let confirmed = session(&store.another_server().await, &key).await;
    assert_eq!(confirmed.confirmed_at(), START.plus_millis(900_000));
    assert!(signs.is_confirmed(&confirmed, time));
}

/// The clock was ahead when the password was given, and is right again.
async fn a_confirmation_from_the_future_is_none(store: TestStore) {
    let ada = store.enterprise(903).await;
    let key = sign_in(&store, &ada).await;
    let time = Duration::from_secs(900);
    let hour = 60 * 60 * 1_000;
    store.clock.advance(hour);
    let signed_in = session(&store, &key).await;
    let confirmed = store.sign_in().confirm(&signed_in, PASSWORD).await;
    confirmed.expect("confirmed");
    let confirmed = session(&store, &key).await;
    assert!(store.sign_in().is_confirmed(&confirmed, time));
    // Clocks of two servers may differ by five minutes.
    store.clock.advance(-5 * 60 * 1_000);
    assert!(store.sign_in().is_confirmed(&confirmed, time));
    store.clock.advance(-1);
    assert!(!store.sign_in().is_confirmed(&confirmed, time));
}

async fn a_wrong_password_confirms_nothing_and_throttles_only_its_session(store: TestStore) {
    let ada = store.enterprise(903).await;
    let (one, two) = (sign_in(&store, &ada).await, sign_in(&store, &ada).await);
    let (one, two) = (session(&store, &one).await, session(&store, &two).await);
    store.clock.advance(1);
    let before = store.raw().dump().await;
    for _ in 0..5 {
        let wrong = store.sign_in().confirm(&one, "not the password").await;
        assert_refused!(wrong, SignInError::WrongPassword);
    }
    let slowed = store.sign_in().confirm(&one, PASSWORD).await;
    assert_refused!(slowed, SignInError::TooManyTries(_));
    let slowed = store
        .sign_in()
        .change_password(&one, PASSWORD, NEW, None)
        .await;
    assert_refused!(slowed, SignInError::TooManyTries(_));
    assert_eq!(store.raw().dump().await, before);
    store
        .sign_in()
        .confirm(&two, PASSWORD)
        .await
        .expect("confirmed");
    sign_in(&store, &ada).await;
}

async fn changing_the_password_ends_every_other_session_and_the_old_key(store: TestStore) {
    let (ada, bob) = (store.enterprise(903).await, store.enterprise(904).await);
    let (old, other) = (sign_in(&store, &ada).await, sign_in(&store, &ada).await);
    let bobs = sign_in(&store, &bob).await;
    let elsewhere = store.another_server().await;
    let here = session(&store, &old).await;
    let changed = store
        .sign_in()
        .change_password(&here, PASSWORD, NEW, None)
        .await;
    let key = changed.expect("changed").session;
    for ended in [&old, &other] {
        assert_eq!(find(&elsewhere, ended).await, None);
    }
    let stays = session(&elsewhere, &key).await;
    assert_eq!((stays.id(), stays.user_id()), (here.id(), ada.user_id()));
    assert!(find(&elsewhere, &bobs).await.is_some());
    assert_eq!(user_of(&store, ada.email().as_str(), PASSWORD).await, None);
    assert_eq!(
        user_of(&elsewhere, ada.email().as_str(), NEW).await,
        Some(ada.user_id())
    );
}

async fn an_invalid_new_password_changes_nothing(store: TestStore) {
    let ada = store.enterprise(903).await;
    let here = session(&store, &sign_in(&store, &ada).await).await;
    let before = store.raw().dump().await;
    let signs = store.sign_in();
    let long = "x y ".repeat(100);
    let wrong = signs
        .change_password(&here, "not the password", NEW, None)
        .await;
    assert_refused!(wrong, SignInError::WrongPassword);
    let short = signs
        .change_password(&here, PASSWORD, "elevenchars", None)
        .await;
    assert_refused!(short, SignInError::NewPassword(NewPasswordError::TooShort));
    let long = signs.change_password(&here, PASSWORD, &long, None).await;
    assert_refused!(long, SignInError::NewPassword(NewPasswordError::TooLong));
    for common in ["Password1234", ada.email().as_str()] {
        let common = signs.change_password(&here, PASSWORD, common, None).await;
        assert_refused!(
            common,
            SignInError::NewPassword(NewPasswordError::TooCommon)
        );
    }
    let short = signs.set_password(ada.email(), "elevenchars").await;
    assert_refused!(short, AccountError::NewPassword(NewPasswordError::TooShort));
    assert_eq!(store.raw().dump().await, before);
}

/// In either order, no session outlives the password that opened it.
async fn a_sign_in_during_a_password_change_leaves_no_session_of_the_old_password(
    store: TestStore,
) {
    let ada = store.enterprise(903).await;
    let passwords = [PASSWORD, NEW, PASSWORD, NEW, PASSWORD];
    for pair in passwords.windows(2) {
        let (old, new) = (pair[0], pair[1]);
        let server = store.another_server().await;
        let address: Email = ada.email().clone();
        let signing_in = tokio::spawn(async move {
            let signs = server.sign_in();
            signs.with_password(&address, old, None, None).await
        });
        let set = store.sign_in().set_password(ada.email(), new).await;
        set.expect("changed");
        match signing_in.await.expect("no panic") {
            Ok(signed_in) => assert_eq!(find(&store, &signed_in.session).await, None),
            Err(error) => assert!(matches!(error, SignInError::WrongPassword), "{error}"),
        }
        assert_eq!(store.raw().number("SELECT COUNT(*) FROM sessions").await, 0);
    }
}

async fn of_two_concurrent_password_changes_one_succeeds(store: TestStore) {
    let ada = store.enterprise(903).await;
    let keys = [sign_in(&store, &ada).await, sign_in(&store, &ada).await];
    let mut changes = JoinSet::new();
    for (key, new) in keys.iter().zip([NEW, "another new one"]) {
        let (server, here) = (store.server(), session(&store, key).await);
        changes.spawn(async move {
            let changed = server
                .sign_in()
                .change_password(&here, PASSWORD, new, None)
                .await;
            changed.map(|_| ())
        });
    }
    let outcomes = changes.join_all().await;
    let changed = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(changed, 1, "{outcomes:?}");
    assert_eq!(store.raw().number("SELECT COUNT(*) FROM sessions").await, 1);
}

async fn a_password_set_by_an_operator_ends_every_session_and_the_demo_mark(store: TestStore) {
    store.load_demo().await.expect("loaded");
    let other = email("other@example.com");
    let signed_in = try_sign_in(&store, other.as_str(), DEMO_PASSWORD, HOME).await;
    let key = signed_in.expect("signed in").session;
    let nobody = email("nobody@example.com");
    let nobody = store.sign_in().set_password(&nobody, NEW).await;
    assert_refused!(nobody, AccountError::NoSuchUser(_));
    assert!(find(&store, &key).await.is_some());

    let ended = store.sign_in().set_password(&other, NEW).await;
    assert_eq!(ended.expect("changed"), 1);
    assert_eq!(find(&store.another_server().await, &key).await, None);
    assert_eq!(user_of(&store, other.as_str(), DEMO_PASSWORD).await, None);
    assert!(user_of(&store, other.as_str(), NEW).await.is_some());
    assert_eq!(
        store.users().demo_emails().await.expect("an answer"),
        [
            "admin@example.com",
            "member@example.com",
            "trial@example.com"
        ]
    );
}
