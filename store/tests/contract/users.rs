//! Accounts: who can sign in, and in which organisation they work.

use model::{
    organisation::{OrganisationId, Plan, Role},
    user::UserId,
};
use store::Store;
use store::error::{AccountError, NewPasswordError};
use tokio::task::JoinSet;

use crate::harness::{PASSWORD, START, TestStore, email};

on_both_engines!(
    an_address_in_any_spelling_is_one_account,
    an_account_is_created_completely_or_not_at_all,
    of_concurrent_creations_of_one_address_one_succeeds,
    a_password_is_kept_only_as_an_argon2id_hash_with_a_salt_of_its_own,
    a_user_can_join_another_organisation_once,
    the_selected_organisation_is_stored_for_every_server,
    each_membership_says_when_it_was_selected_last,
    a_users_only_organisation_is_selected_automatically,
    an_organisation_that_the_user_left_is_not_selected,
    a_missing_account_is_none,
);

async fn sign_in(store: &Store, address: &str) -> UserId {
    let email = email(address);
    let sign_in = store.sign_in();
    let signed_in = sign_in.with_password(&email, PASSWORD, None, None);
    signed_in.await.expect("signed in").user_id
}

async fn selected(store: &Store, user: UserId) -> Option<i64> {
    let account = store.users().account(user).await.expect("an answer");
    account.expect("an account").selected.map(|id| id.0)
}

async fn an_address_in_any_spelling_is_one_account(store: TestStore) {
    store.organisation(903, Plan::Enterprise).await;
    for (stored, typed) in [
        ("ada@example.com", "  Ada@EXAMPLE.com "),
        ("jürgen@exämple.de", "JÜRGEN@EXÄMPLE.DE"),
        ("øyvind.ñandú@example.com", "ØYVIND.ÑANDÚ@Example.Com"),
    ] {
        let user = store.member(stored, 903).await.user_id();
        assert_eq!(sign_in(&store, typed).await, user);
        let again = store
            .users()
            .create(&email(typed), PASSWORD, OrganisationId(903), Role::User)
            .await;
        assert_refused!(again, AccountError::Exists(named) if named.as_str() == stored);
    }
}

async fn an_account_is_created_completely_or_not_at_all(store: TestStore) {
    store.enterprise(903).await;
    let before = store.raw().dump().await;
    let users = store.users();
    let ada = email("ada@example.com");

    let nowhere = users.create(&ada, PASSWORD, OrganisationId(999), Role::Admin);
    assert_refused!(nowhere.await, AccountError::NoSuchOrganisation(id) if id.0 == 999);
    let short = users.create(&ada, "sevenlo", OrganisationId(903), Role::Admin);
    assert_refused!(
        short.await,
        AccountError::NewPassword(NewPasswordError::TooShort)
    );
    let taken = email("admin@903.example");
    let taken = users.create(&taken, "another password", OrganisationId(903), Role::User);
    assert_refused!(taken.await, AccountError::Exists(_));

    assert_eq!(store.raw().dump().await, before);
    let made = users.create(&ada, PASSWORD, OrganisationId(903), Role::User);
    let made = made.await.expect("created");
    let account = users
        .account(made)
        .await
        .expect("an answer")
        .expect("an account");
    assert_eq!(
        (account.user_id, account.email.as_str()),
        (made, "ada@example.com")
    );
    assert_eq!(account.memberships.len(), 1);
    assert_eq!(account.memberships[0].role, Role::User);
}

async fn of_concurrent_creations_of_one_address_one_succeeds(store: TestStore) {
    store.organisation(903, Plan::Enterprise).await;
    store.organisation(904, Plan::Enterprise).await;
    let mut creations = JoinSet::new();
    for n in 0..6 {
        let server = store.server();
        creations.spawn(async move {
            let organisation = OrganisationId(903 + n % 2);
            let address = email("ada@example.com");
            server
                .users()
                .create(&address, PASSWORD, organisation, Role::Admin)
                .await
        });
    }
    let (mut made, mut refused) = (0, 0);
    for outcome in creations.join_all().await {
        match outcome {
            Ok(_) => made += 1,
            Err(AccountError::Exists(_)) => refused += 1,
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!((made, refused), (1, 5));
    assert_eq!(store.raw().number("SELECT COUNT(*) FROM members").await, 1);
}

async fn a_password_is_kept_only_as_an_argon2id_hash_with_a_salt_of_its_own(store: TestStore) {
    store.enterprise(903).await;
    store.member("bob@example.com", 903).await;
    let hashes = store.raw().texts("SELECT password_hash FROM users").await;
    assert_eq!(hashes.len(), 2);
    assert_ne!(hashes[0], hashes[1]);
    for hash in hashes {
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
    }
    assert!(!store.raw().dump().await.contains(PASSWORD));
}

async fn a_user_can_join_another_organisation_once(store: TestStore) {
    let ada = store.enterprise(903).await;
    store.organisation(904, Plan::Trial).await;
    let users = store.users();
    let join = |organisation, role| users.join(ada.email(), OrganisationId(organisation), role);
    store.join(&ada, 904, Role::User).await;
    let found = store.member_of(ada.email(), OrganisationId(904)).await;
    assert_eq!(found.role(), Role::User);

    let before = store.raw().dump().await;
    assert_refused!(
        join(904, Role::Admin).await,
        AccountError::AlreadyAMember(_)
    );
    assert_refused!(
        join(999, Role::Admin).await,
        AccountError::NoSuchOrganisation(_)
    );
    let nobody = email("nobody@example.com");
    let nobody = users.join(&nobody, OrganisationId(904), Role::User);
    assert_refused!(nobody.await, AccountError::NoSuchUser(_));
    assert_eq!(store.raw().dump().await, before);
}

async fn the_selected_organisation_is_stored_for_every_server(store: TestStore) {
    let ada = store.enterprise(903).await;
    store.organisation(904, Plan::Trial).await;
    store.join(&ada, 904, Role::User).await;
    let other = store.another_server().await;
    assert_eq!(selected(&store, ada.user_id()).await, None);
    for id in [904, 903, 903] {
        store.select(&ada, id).await;
        assert_eq!(selected(&other, ada.user_id()).await, Some(id));
    }
}

async fn each_membership_says_when_it_was_selected_last(store: TestStore) {
    let ada = store.enterprise(903).await;
    for id in [904, 905] {
        store.organisation(id, Plan::Trial).await;
        store.join(&ada, id, Role::User).await;
    }
    let bob = store.member("bob@example.com", 904).await;
    store.select(&bob, 904).await;
    store.clock.advance(1);
    for id in [904, 903] {
        store.select(&ada, id).await;
        store.clock.advance(1);
    }
    // It is selected already, so there is nothing to write.
    store.select(&ada, 903).await;
    let account = store.users().account(ada.user_id()).await;
    let memberships = account.expect("an answer").expect("an account").memberships;
    let selected: Vec<_> = memberships.iter().map(|it| it.selected_at).collect();
    let at = |millis| Some(START.plus_millis(millis));
    assert_eq!(selected, [at(2), at(1), None]);
}

async fn a_users_only_organisation_is_selected_automatically(store: TestStore) {
    let ada = store.enterprise(903).await;
    assert_eq!(selected(&store, ada.user_id()).await, Some(903));
}

async fn an_organisation_that_the_user_left_is_not_selected(store: TestStore) {
    let ada = store.enterprise(903).await;
    for id in [904, 905] {
        store.organisation(id, Plan::Enterprise).await;
        store.join(&ada, id, Role::User).await;
    }
    store.select(&ada, 904).await;
    store
        .raw()
        .execute("DELETE FROM members WHERE organisation_id = 904")
        .await;
    assert_eq!(selected(&store, ada.user_id()).await, None);
    store
        .raw()
        .execute("DELETE FROM members WHERE organisation_id = 905")
        .await;
    assert_eq!(selected(&store, ada.user_id()).await, Some(903));
    store.raw().execute("DELETE FROM members").await;
    assert_eq!(selected(&store, ada.user_id()).await, None);
}

async fn a_missing_account_is_none(store: TestStore) {
    let account = store.users().account(UserId(1)).await.expect("an answer");
    assert!(account.is_none());
}
