//! People who leave: removed members, disabled and deleted accounts, and the tokens that they leave behind.

use model::{
    audit::{Actor, Cursor, Entry, Filter, Kind},
    organisation::{OrganisationId, Plan, Role},
    token::TokenStatus,
};
use store::{
    AuditPermission, Member, TokenPermission,
    error::{AccountError, SignInError, TokenError},
};

use crate::harness::{PASSWORD, START, TestStore, email};

on_both_engines!(
    every_token_of_one_organisation_is_deactivated,
    a_removed_member_stays_in_other_organisations,
    a_disabled_account_cannot_sign_in_until_it_is_enabled,
    a_disabled_account_looks_like_a_wrong_password,
    the_address_of_a_deleted_account_is_nowhere,
    the_trail_of_a_deleted_account_stays_complete,
    the_schema_lets_only_the_address_of_a_deleted_account_be_replaced,
    the_address_of_a_deleted_account_is_free,
    tokens_show_whether_their_creator_has_left,
);

const ORGANISATION: OrganisationId = OrganisationId(903);
const OPERATOR: TokenPermission<'static> = TokenPermission::Operator(ORGANISATION);

async fn sign_in(store: &TestStore, address: &str) -> Result<(), SignInError> {
    let (sign_in, address) = (store.sign_in(), email(address));
    let signed_in = sign_in.with_password(&address, PASSWORD, None, None).await;
    signed_in.map(drop)
}

async fn trail(store: &TestStore) -> Vec<Entry> {
    let all = AuditPermission::Operator(None);
    let audit = store.audit();
    let page = audit.list(all, Filter::default(), Cursor::Newest, 100);
    page.await.expect("a page").entries
}

async fn create_token(store: &TestStore, member: &Member) {
    let created = store.tokens().create(member, None).await;
    created.expect("created");
}

async fn every_token_of_one_organisation_is_deactivated(store: TestStore) {
    let (ada, bob) = (store.enterprise(903).await, store.enterprise(904).await);
    for member in [&ada, &ada, &ada, &bob] {
        create_token(&store, member).await;
    }
    let tokens = store.tokens();
    let first = tokens.list(OPERATOR).await.expect("listed")[0].id;
    tokens
        .set_active(OPERATOR, first, false)
        .await
        .expect("deactivated");
    // The plan does not matter to an operator.
    store.set_plan(903, Plan::Trial).await;
    for expected in [2, 0] {
        let done = tokens.deactivate_all(OPERATOR).await.expect("deactivated");
        assert_eq!(done.deactivated.len(), expected);
    }
    let listed = tokens.list(OPERATOR).await.expect("listed");
    assert!(listed.iter().all(|it| it.status == TokenStatus::Inactive));
    let theirs = tokens.list((&bob).into()).await.expect("listed");
    assert_eq!(theirs[0].status, TokenStatus::Active);
    let records = trail(&store).await;
    let records = records.iter();
    let records = records.filter(|it| it.kind == Kind::TokenDeactivated);
    assert_eq!(records.count(), 3);
    let nowhere = TokenPermission::Operator(OrganisationId(999));
    assert_refused!(
        tokens.deactivate_all(nowhere).await,
        TokenError::NoSuchOrganisation(_)
    );
}

async fn a_removed_member_stays_in_other_organisations(store: TestStore) {
    let ada = store.enterprise(903).await;
    store.organisation(904, Plan::Enterprise).await;
    store.join(&ada, 904, Role::User).await;
    let members = store.members();
    let removed = members.remove(ada.email(), ORGANISATION).await;
    assert_eq!(removed.expect("removed").sessions, 0);
    let left = members.of_user(ada.user_id()).await.expect("an answer");
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].organisation.id, OrganisationId(904));
    sign_in(&store, "admin@903.example")
        .await
        .expect("signed in");
    let newest = trail(&store).await.remove(1);
    assert_eq!(
        (newest.kind, newest.organisation),
        (Kind::MemberRemoved, Some(ORGANISATION))
    );

    let before = store.raw().dump().await;
    let again = members.remove(ada.email(), ORGANISATION).await;
    assert_refused!(again, AccountError::NotAMember { .. });
    let nowhere = members.remove(ada.email(), OrganisationId(999)).await;
    assert_refused!(nowhere, AccountError::NoSuchOrganisation(_));
    let nobody = members.remove(&email("x@example.com"), ORGANISATION).await;
    assert_refused!(nobody, AccountError::NoSuchUser(_));
    assert_eq!(store.raw().dump().await, before, "its sessions too");
}

async fn a_disabled_account_cannot_sign_in_until_it_is_enabled(store: TestStore) {
    let ada = store.enterprise(903).await;
    let users = store.users();
    for _ in 0..2 {
        users.disable(ada.email()).await.expect("disabled");
        let refused = sign_in(&store, "admin@903.example").await;
        assert_refused!(refused, SignInError::WrongPassword);
        let in_their_name = store.tokens().create(&ada, None).await;
        assert_refused!(in_their_name, TokenError::NotAMember(ORGANISATION));
    }
    for _ in 0..2 {
        users.enable(ada.email()).await.expect("enabled");
    }
    sign_in(&store, "admin@903.example")
        .await
        .expect("signed in");
    let kinds: Vec<_> = trail(&store).await.iter().map(|it| it.kind).collect();
    let changes = kinds
        .iter()
        .filter(|kind| matches!(kind, Kind::AccountDisabled | Kind::AccountEnabled));
    assert_eq!(changes.count(), 2, "once each: {kinds:?}");
    let nobody = email("x@example.com");
    assert_refused!(users.disable(&nobody).await, AccountError::NoSuchUser(_));
    assert_refused!(users.enable(&nobody).await, AccountError::NoSuchUser(_));
}

async fn a_disabled_account_looks_like_a_wrong_password(store: TestStore) {
    let ada = store.enterprise(903).await;
    store.users().disable(ada.email()).await.expect("disabled");
    for address in ["admin@903.example", "nobody@example.com"] {
        for _ in 0..3 {
            let refused = sign_in(&store, address).await;
            assert_refused!(refused, SignInError::WrongPassword);
        }
    }
    let failed = trail(&store).await;
    let failed = failed.iter().filter(|it| it.kind == Kind::SignInFailed);
    let of_ada = failed.filter(|it| it.account.is_some());
    assert_eq!(of_ada.count(), 3);
}

/// A user who has left traces in every table.
async fn busy_user(store: &TestStore) -> Member {
    let ada = store.enterprise(903).await;
    store.organisation(904, Plan::Enterprise).await;
    store.join(&ada, 904, Role::User).await;
    store.session(&ada).await;
    store.select(&ada, 904).await;
    create_token(store, &ada).await;
    let wrong = store.sign_in();
    let wrong = wrong.with_password(ada.email(), "not the password", None, None);
    assert_refused!(wrong.await, SignInError::WrongPassword);
    ada
}

async fn the_address_of_a_deleted_account_is_nowhere(store: TestStore) {
    let ada = busy_user(&store).await;
    assert!(store.raw().dump().await.contains("admin@903.example"));
    let deleted = store.users().delete(ada.email()).await.expect("deleted");
    assert_eq!((deleted.user, deleted.sessions), (ada.user_id(), 1));
    let dump = store.raw().dump().await;
    assert!(!dump.contains("admin@903.example"), "{dump}");
    assert!(!dump.contains("argon2"), "{dump}");
    let again = store.users().delete(ada.email()).await;
    assert_refused!(again, AccountError::NoSuchUser(_));
    let password = store.sign_in();
    let password = password.set_password(ada.email(), PASSWORD).await;
    assert_refused!(password, AccountError::NoSuchUser(_));
    let refused = sign_in(&store, "admin@903.example").await;
    assert_refused!(refused, SignInError::WrongPassword);
}

async fn the_trail_of_a_deleted_account_stays_complete(store: TestStore) {
    let ada = busy_user(&store).await;
    let before = trail(&store).await;
    store.users().delete(ada.email()).await.expect("deleted");
    let mut after = trail(&store).await;
    let deletion = after.remove(0);
    let name = format!("deleted user {}", ada.user_id().0);
    assert_eq!(deletion.kind, Kind::AccountDeleted);
    assert_eq!(deletion.account.expect("an account").email, name);
    let renamed = before.into_iter().map(|mut entry| {
        if let Actor::User(account) = &mut entry.actor {
            account.email.clone_from(&name);
        }
        if let Some(account) = &mut entry.account {
            account.email.clone_from(&name);
        }
        entry
    });
    assert_eq!(after, renamed.collect::<Vec<_>>());
    for organisation in [903, 904].map(OrganisationId) {
        let theirs = AuditPermission::Operator(Some(organisation));
        let audit = store.audit();
        let page = audit.list(theirs, Filter::default(), Cursor::Newest, 1);
        let page = page.await.expect("a page");
        assert_eq!(page.entries[0].kind, Kind::AccountDeleted);
    }
}

async fn the_schema_lets_only_the_address_of_a_deleted_account_be_replaced(store: TestStore) {
    let ada = busy_user(&store).await;
    let id = ada.user_id().0;
    let erase = format!("UPDATE audit_entries SET account = 'deleted user {id}'");
    for state in ["enabled", "disabled"] {
        store
            .raw()
            .execute(&format!("UPDATE users SET state = '{state}'"))
            .await;
        let refused = store.raw().try_execute(&erase).await;
        let refused = refused.expect_err("refused").to_string();
        assert!(refused.contains("append-only"), "{refused}");
    }
    store.users().delete(ada.email()).await.expect("deleted");
    let before = store.raw().dump().await;
    for change in [
        "account = 'deleted user 99'",
        "account = 'ada@example.com'",
        "account = NULL, account_id = NULL",
        "actor_name = 'somebody else'",
        "kind = 'signed-out'",
        "recorded_at = recorded_at",
        "address = NULL",
    ] {
        let change = format!("UPDATE audit_entries SET {change} WHERE account_id = {id}");
        let refused = store.raw().try_execute(&change).await;
        let refused = refused.expect_err(&change).to_string();
        assert!(refused.contains("append-only"), "{change}: {refused}");
    }
    assert_eq!(store.raw().dump().await, before);
}

async fn the_address_of_a_deleted_account_is_free(store: TestStore) {
    let ada = busy_user(&store).await;
    store.users().delete(ada.email()).await.expect("deleted");
    let new = store.member("admin@903.example", 903).await;
    assert_ne!(new.user_id(), ada.user_id());
    sign_in(&store, "admin@903.example")
        .await
        .expect("signed in");
    let tokens = store.tokens().list(OPERATOR).await.expect("listed");
    assert_eq!(
        tokens[0].created_by,
        format!("deleted user {}", ada.user_id().0)
    );
}

async fn tokens_show_whether_their_creator_has_left(store: TestStore) {
    let users = store.users();
    store.organisation(904, Plan::Enterprise).await;
    let stays = store.enterprise(903).await;
    let mut created = vec![stays];
    for name in ["removed", "disabled", "deleted"] {
        let member = store.member(&format!("{name}@example.com"), 903).await;
        store.join(&member, 904, Role::User).await;
        created.push(member);
    }
    for member in &created {
        create_token(&store, member).await;
    }
    let left = async || {
        let tokens = store.tokens().list(OPERATOR).await.expect("listed");
        let mut left = Vec::new();
        for token in tokens.into_iter().rev() {
            let id = token.id;
            let found = store.tokens().usage(OPERATOR, id, START).await;
            let found = found.expect("found");
            assert_eq!(found.token, token);
            left.push(token.creator_left);
        }
        left
    };
    assert_eq!(left().await, [false; 4]);
    let [_, removed, disabled, deleted] = &created[..] else {
        panic!("four members");
    };
    let removal = store.members().remove(removed.email(), ORGANISATION).await;
    removal.expect("removed");
    users.disable(disabled.email()).await.expect("disabled");
    users.delete(deleted.email()).await.expect("deleted");
    assert_eq!(left().await, [false, true, true, true]);
    users.enable(disabled.email()).await.expect("enabled");
    store.join(removed, 903, Role::User).await;
    assert_eq!(left().await, [false, false, false, true]);
    let tokens = store.tokens().list(OPERATOR).await.expect("listed");
    assert!(tokens.iter().all(|it| it.status == TokenStatus::Active));
}
