//! A nearly full disk: the database no longer grows, and access can still be ended.

use model::{
    organisation::{OrganisationId, Plan},
    permission::Refusal,
    token::TokenName,
};
use store::{
    TokenPermission,
    error::{DatabaseError, SignInError, TokenError},
};

use crate::harness::{PASSWORD, TestStore};

on_sqlite_alone!(below_the_mark_the_database_does_not_grow_and_access_can_still_be_ended);

const ORGANISATION: OrganisationId = OrganisationId(903);

fn is_full<T>(outcome: Result<T, TokenError>) -> bool {
    matches!(
        outcome,
        Err(TokenError::Database(DatabaseError::StorageFull(_)))
    )
}

async fn below_the_mark_the_database_does_not_grow_and_access_can_still_be_ended(store: TestStore) {
    let ada = store.enterprise(903).await;
    let session = store.session(&ada).await;
    let ada = store.members().find(&session, ORGANISATION).await;
    let ada = ada.expect("a member");
    let (tokens, sign_in) = (store.tokens(), store.sign_in());
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(tokens.create(&ada, None).await.expect("created").summary.id);
    }
    let permission = TokenPermission::from(&ada);
    let another = || TokenName::parse("another").ok();

    store.keep_free(u64::MAX);
    assert!(is_full(tokens.create(&ada, None).await));
    assert!(is_full(tokens.rename(permission, made[0], another()).await));
    let deactivated = tokens.set_active(permission, made[0], false).await;
    deactivated.expect("deactivated");
    assert!(is_full(tokens.set_active(permission, made[0], true).await));
    tokens.delete(permission, made[1]).await.expect("deleted");
    tokens
        .deactivate_all(permission)
        .await
        .expect("deactivated");
    let created = store.organisations().create(None, "Two", Plan::Pro).await;
    assert!(created.is_err());

    let signed_in = sign_in
        .with_password(ada.email(), PASSWORD, None, None)
        .await;
    let key = signed_in.expect("signed in").session;
    let recorded = "SELECT COUNT(*) FROM audit_entries WHERE kind = 'sign-in-failed'";
    let wrong = sign_in
        .with_password(ada.email(), "not the password", None, None)
        .await;
    assert!(
        matches!(wrong, Err(SignInError::WrongPassword)),
        "{wrong:?}"
    );
    assert_eq!(store.raw().number(recorded).await, 0);
    sign_in
        .confirm(&session, PASSWORD)
        .await
        .expect("confirmed");
    store.sessions().end_by_key(&key).await.expect("signed out");
    store
        .usage()
        .count(made[2], store.clock().now(), Some(Refusal::TokenInactive));
    let flushed = store.usage().flush().await;
    assert!(
        matches!(flushed, Err(DatabaseError::StorageFull(_))),
        "{flushed:?}"
    );
    let now = store.clock().now();
    assert!(store.audit().prune(now.plus_millis(-1)).await.is_ok());

    store.keep_free(0);
    store.usage().flush().await.expect("the counts were kept");
    let renamed = tokens.rename(permission, made[0], another()).await;
    renamed.expect("renamed");
}
