//! Reset links: each sets one password, for the account as it was when the link was created.

use std::time::Duration;

use model::{
    audit::{Actor, Cursor, Entry, Filter, Kind},
    client::{Client, ClientAddress},
    organisation::{OrganisationId, Role},
};
use store::{
    AuditPermission, Member, Origin, Store,
    demo::DEMO_PASSWORD,
    error::{AccountError, NewPasswordError, ResetError, SignInError},
    reset_links::{LIFETIME, ResetSecret},
};
use tokio::task::JoinSet;

use crate::harness::{PASSWORD, TestStore, email};

on_both_engines!(
    a_link_sets_the_password_once_and_ends_every_session_and_the_demo_mark,
    a_link_that_has_ended_changes_nothing,
    opening_a_link_changes_nothing,
    of_concurrent_uses_of_a_link_one_succeeds,
    a_refused_password_leaves_the_link,
    a_link_ends_with_every_change_of_its_account,
    another_change_of_the_account_leaves_the_link,
    a_link_from_the_future_is_none,
    there_is_no_link_for_a_disabled_or_missing_account,
    only_the_digest_of_a_link_is_stored,
    after_a_restored_backup_no_link_works,
    after_a_reset_the_owner_signs_in_without_delay,
    a_link_and_its_use_are_in_the_audit_trail,
);

const NEW: &str = "a wholly new one";
const HOME: [u8; 4] = [192, 0, 2, 7];

async fn link(store: &Store, user: &Member) -> ResetSecret {
    let created = store.reset_links().create(user.email()).await;
    created.expect("created")
}

async fn works(store: &Store, link: &ResetSecret) -> bool {
    let found = store.reset_links().find(link).await;
    found.expect("an answer").is_some()
}

async fn reset(store: &Store, link: &ResetSecret) -> Result<(), ResetError> {
    store.reset_links().set_password(link, NEW).await.map(drop)
}

/// The store for a request from home.
fn at_home(store: &Store) -> Store {
    store.on_behalf_of(Origin::Request(Client {
        address: Some(ClientAddress::new(HOME.into())),
        user_agent: None,
    }))
}

/// Signs in at home.
async fn sign_in(store: &Store, user: &Member, password: &str) -> Result<(), SignInError> {
    let home = at_home(store);
    let sign_in = home.sign_in();
    let signed_in = sign_in.with_password(user.email(), password, None, None);
    signed_in.await.map(drop)
}

async fn a_link_sets_the_password_once_and_ends_every_session_and_the_demo_mark(store: TestStore) {
    store.load_demo().await.expect("loaded");
    let other = store
        .member_of(&email("other@example.com"), OrganisationId(904))
        .await;
    sign_in(&store, &other, DEMO_PASSWORD).await.expect("in");
    sign_in(&store, &other, DEMO_PASSWORD).await.expect("in");
    let link = link(&store, &other).await;
    let elsewhere = store.another_server().await;
    let found = elsewhere.reset_links().find(&link).await;
    assert_eq!(found.expect("an answer").as_ref(), Some(other.email()));

    let set = elsewhere.reset_links().set_password(&link, NEW).await;
    assert_eq!(&set.expect("set"), other.email());
    assert_eq!(store.raw().number("SELECT COUNT(*) FROM sessions").await, 0);
    let old = sign_in(&store, &other, DEMO_PASSWORD).await;
    assert_refused!(old, SignInError::WrongPassword);
    sign_in(&store, &other, NEW).await.expect("signed in");
    let demo = store.users().demo_emails().await.expect("an answer");
    assert!(!demo.contains(&other.email().to_string()), "{demo:?}");
}

async fn a_link_that_has_ended_changes_nothing(store: TestStore) {
    let (ada, bob) = (store.enterprise(903).await, store.enterprise(904).await);
    let (used, replaced) = (link(&store, &ada).await, link(&store, &bob).await);
    reset(&store, &used).await.expect("set");
    let expired = link(&store, &bob).await;
    assert!(!works(&store, &replaced).await && works(&store, &expired).await);
    let hour = i64::try_from(LIFETIME.as_millis()).expect("in range");
    store.clock.advance(hour - 1);
    assert!(works(&store, &expired).await);
    store.clock.advance(1);
    let made_up = ResetSecret::parse(&"7f".repeat(16)).expect("a secret");
    let before = store.raw().dump().await;
    for ended in [&used, &replaced, &expired, &made_up] {
        assert!(!works(&store, ended).await);
        assert_refused!(reset(&store, ended).await, ResetError::LinkEnded);
        let weak = store.reset_links().set_password(ended, "short").await;
        assert_refused!(weak, ResetError::LinkEnded);
    }
    assert_eq!(store.raw().dump().await, before);
}

async fn opening_a_link_changes_nothing(store: TestStore) {
    let ada = store.enterprise(903).await;
    let link = link(&store, &ada).await;
    let before = store.raw().dump().await;
    for _ in 0..3 {
        assert!(works(&store, &link).await);
    }
    assert_eq!(store.raw().dump().await, before);
    reset(&store, &link).await.expect("set");
}

async fn of_concurrent_uses_of_a_link_one_succeeds(store: TestStore) {
    let ada = store.enterprise(903).await;
    let link = link(&store, &ada).await;
    let mut uses = JoinSet::new();
    let passwords = ["the first new one", "the second new one", "the third one"];
    for password in passwords {
        let server = store.another_server().await;
        let link = ResetSecret::parse(&link.reveal()).expect("a secret");
        uses.spawn(async move {
            (
                password,
                server.reset_links().set_password(&link, password).await,
            )
        });
    }
    let outcomes = uses.join_all().await;
    let mut set = outcomes.iter().filter(|(_, outcome)| outcome.is_ok());
    let (password, _) = set.next().expect("one succeeds");
    assert!(set.next().is_none(), "{outcomes:?}");
    sign_in(&store, &ada, password).await.expect("signed in");
    for (_, outcome) in &outcomes {
        assert!(matches!(outcome, Ok(_) | Err(ResetError::LinkEnded)));
    }
}

async fn a_refused_password_leaves_the_link(store: TestStore) {
    let ada = store.enterprise(903).await;
    let link = link(&store, &ada).await;
    let before = store.raw().dump().await;
    let long = "x y ".repeat(100);
    let links = store.reset_links();
    let short = links.set_password(&link, "elevenchars").await;
    assert_refused!(short, ResetError::NewPassword(NewPasswordError::TooShort));
    let long = links.set_password(&link, &long).await;
    assert_refused!(long, ResetError::NewPassword(NewPasswordError::TooLong));
    for common in ["Password1234", ada.email().as_str()] {
        let common = links.set_password(&link, common).await;
        assert_refused!(common, ResetError::NewPassword(NewPasswordError::TooCommon));
    }
    assert_eq!(store.raw().dump().await, before);
    reset(&store, &link).await.expect("set");
}

async fn a_link_ends_with_every_change_of_its_account(store: TestStore) {
    let ada = store.enterprise(903).await;
    let assert_ended = async |link: ResetSecret, how: &str| {
        assert!(!works(&store, &link).await, "{how}");
        assert_refused!(reset(&store, &link).await, ResetError::LinkEnded);
        let left = "SELECT COUNT(*) FROM reset_links";
        assert_eq!(store.raw().number(left).await, 0, "{how}");
    };
    let first = link(&store, &ada).await;
    let session = store.session(&ada).await;
    let sign_in = store.sign_in();
    let changed = sign_in.change_password(&session, PASSWORD, NEW, None).await;
    changed.expect("changed");
    assert_ended(first, "the user changed the password").await;

    // The same password again has another hash.
    let second = link(&store, &ada).await;
    let set = sign_in.set_password(ada.email(), NEW).await;
    set.expect("set");
    assert_ended(second, "an operator set the password").await;

    let third = link(&store, &ada).await;
    let users = store.users();
    users.disable(ada.email()).await.expect("disabled");
    let found = store.reset_links().find(&third).await;
    assert_eq!(found.expect("an answer"), None);
    users.enable(ada.email()).await.expect("enabled");
    assert_ended(third, "an operator disabled and enabled the account").await;

    let fourth = link(&store, &ada).await;
    let rename = "UPDATE users SET email = 'ada@example.com'";
    store.raw().execute(rename).await;
    assert_ended(fourth, "the address changed").await;

    let ada = store
        .member_of(&email("ada@example.com"), OrganisationId(903))
        .await;
    let last = link(&store, &ada).await;
    users.delete(ada.email()).await.expect("deleted");
    assert_ended(last, "an operator deleted the account").await;
}

async fn another_change_of_the_account_leaves_the_link(store: TestStore) {
    let (ada, bob) = (store.enterprise(903).await, store.enterprise(904).await);
    let link = link(&store, &ada).await;
    sign_in(&store, &ada, PASSWORD).await.expect("signed in");
    store.join(&ada, 904, Role::User).await;
    store.select(&ada, 904).await;
    store.users().disable(bob.email()).await.expect("disabled");
    let removed = store
        .members()
        .remove(ada.email(), OrganisationId(904))
        .await;
    removed.expect("removed");
    assert!(works(&store, &link).await);
}

/// The clock was ahead when the link was created, and is right again.
async fn a_link_from_the_future_is_none(store: TestStore) {
    let ada = store.enterprise(903).await;
    store.clock.advance(60 * 60 * 1_000);
    let link = link(&store, &ada).await;
    // Clocks of two servers may differ by five minutes.
    store.clock.advance(-5 * 60 * 1_000);
    assert!(works(&store, &link).await);
    store.clock.advance(-1);
    assert!(!works(&store, &link).await);
    assert_refused!(reset(&store, &link).await, ResetError::LinkEnded);
}

async fn there_is_no_link_for_a_disabled_or_missing_account(store: TestStore) {
    let ada = store.enterprise(903).await;
    store.users().disable(ada.email()).await.expect("disabled");
    let before = store.raw().dump().await;
    let links = store.reset_links();
    let disabled = links.create(ada.email()).await;
    assert_refused!(disabled, AccountError::Disabled(_));
    let unknown = links.create(&email("unknown@example.com")).await;
    assert_refused!(unknown, AccountError::NoSuchUser(_));
    assert_eq!(store.raw().dump().await, before);
}

async fn only_the_digest_of_a_link_is_stored(store: TestStore) {
    let ada = store.enterprise(903).await;
    let secret = link(&store, &ada).await.reveal();
    let dump = store.raw().dump().await;
    assert!(dump.contains("reset_links: user_id="), "{dump}");
    assert!(!dump.contains(&*secret));
}

async fn after_a_restored_backup_no_link_works(store: TestStore) {
    let ada = store.enterprise(903).await;
    let link = link(&store, &ada).await;
    store.distrust_restored().await.expect("distrusted");
    assert!(!works(&store, &link).await);
    assert_refused!(reset(&store, &link).await, ResetError::LinkEnded);
}

async fn after_a_reset_the_owner_signs_in_without_delay(store: TestStore) {
    let ada = store.enterprise(903).await;
    for _ in 0..6 {
        let wrong = sign_in(&store, &ada, "not the password").await;
        wrong.expect_err("wrong");
    }
    let refused = sign_in(&store, &ada, PASSWORD).await;
    assert_refused!(refused, SignInError::TooManyTries(wait) if wait >= Duration::from_secs(2));
    let link = link(&store, &ada).await;
    let home = at_home(&store);
    reset(&home, &link).await.expect("set");
    sign_in(&store, &ada, NEW).await.expect("signed in");
}

async fn trail(store: &Store) -> Vec<Entry> {
    let all = AuditPermission::Operator(None);
    let audit = store.audit();
    let page = audit.list(all, Filter::default(), Cursor::Newest, 100);
    page.await.expect("a page").entries
}

async fn a_link_and_its_use_are_in_the_audit_trail(store: TestStore) {
    let ada = store.enterprise(903).await;
    let operator = store.on_behalf_of(Origin::operator(Some("grace")));
    let secret = link(&operator, &ada).await;
    let home = at_home(&store);
    reset(&home, &secret).await.expect("set");
    let [used, created, ..] = &trail(&store).await[..] else {
        panic!("two records");
    };
    assert_eq!(created.kind, Kind::ResetLinkCreated);
    assert_eq!(created.actor, Actor::Operator(Some("grace".to_owned())));
    assert_eq!(used.kind, Kind::PasswordChanged);
    assert_eq!(used.address.as_deref(), Some("192.0.2.7"));
    for record in [used, created] {
        let account = record.account.as_ref().expect("an account");
        assert_eq!(
            (account.id, &*account.email),
            (ada.user_id(), ada.email().as_str())
        );
    }
    assert_eq!(
        used.actor,
        Actor::User(used.account.clone().expect("an account"))
    );
    // The members of the account's organisations read both.
    let bob = store.enterprise(904).await;
    let theirs = AuditPermission::Member(&ada);
    let audit = store.audit();
    let page = audit
        .list(theirs, Filter::default(), Cursor::Newest, 100)
        .await;
    let kinds: Vec<_> = page
        .expect("a page")
        .entries
        .iter()
        .map(|it| it.kind)
        .collect();
    assert!(kinds.contains(&Kind::PasswordChanged) && kinds.contains(&Kind::ResetLinkCreated));
    let foreign = AuditPermission::Member(&bob);
    let page = audit
        .list(foreign, Filter::default(), Cursor::Newest, 100)
        .await;
    let kinds = page.expect("a page").entries;
    assert!(kinds.iter().all(|it| it.kind != Kind::ResetLinkCreated));
}
