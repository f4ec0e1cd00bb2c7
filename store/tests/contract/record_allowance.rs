//! How fast a user may add records to the audit trail.

use model::{organisation::OrganisationId, token::TokenName};
use store::{
    Member, Store, TokenPermission,
    error::{TokenError, TooManyRecords},
    sessions::SessionKey,
};

use crate::harness::{PASSWORD, TestStore};

on_both_engines!(
    a_member_who_has_recorded_too_much_waits_and_can_still_deactivate_delete_and_sign_out,
);

const ORGANISATION: OrganisationId = OrganisationId(903);

/// Signs in. Returns the session's key, and the member that acts in the session.
async fn in_session(store: &Store, member: &Member) -> (SessionKey, Member) {
    let sign_in = store.sign_in();
    let signed_in = sign_in.with_password(member.email(), PASSWORD, None, None);
    let key = signed_in.await.expect("signed in").session;
    let session = store.sessions().find(&key).await.expect("an answer");
    let session = session.expect("a session");
    let member = store.members().find(&session, ORGANISATION).await;
    (key, member.expect("a member"))
}

async fn a_member_who_has_recorded_too_much_waits_and_can_still_deactivate_delete_and_sign_out(
    store: TestStore,
) {
    let ada = store.enterprise(903).await;
    let bo = store.member("bo@903.example", 903).await;
    let tokens = store.tokens();
    let token = tokens.create(&ada, None).await.expect("created").summary.id;
    let (key, ada) = in_session(&store, &ada).await;
    let rename = async |member: &Member, number: u32| {
        let name = TokenName::parse(&format!("name {number}")).expect("a name");
        tokens.rename(member.into(), token, Some(name)).await
    };
    let records = "SELECT COUNT(*) FROM audit_entries WHERE kind = 'token-renamed'";

    for number in 1..=300 {
        rename(&ada, number).await.expect("renamed");
    }
    match rename(&ada, 301).await {
        Err(TokenError::TooManyRecords(TooManyRecords(wait))) => assert_eq!(wait.as_secs(), 10),
        renamed => panic!("{renamed:?}"),
    }
    assert_eq!(store.raw().number(records).await, 300);
    rename(&ada, 300)
        .await
        .expect("nothing to change or record");

    let permission = TokenPermission::from(&ada);
    let deactivated = tokens.set_active(permission, token, false).await;
    deactivated.expect("deactivated");
    let refused = |outcome| matches!(outcome, Err(TokenError::TooManyRecords(_)));
    let activated = tokens.set_active(permission, token, true).await;
    assert!(refused(activated.map(drop)));
    let created = tokens.create(&ada, None).await;
    assert!(refused(created.map(drop)));

    // Another member, or an operator, is not affected.
    let (_, bo) = in_session(&store, &bo).await;
    rename(&bo, 1_000).await.expect("renamed");
    let operator = TokenPermission::Operator(ORGANISATION);
    let activated = tokens.set_active(operator, token, true).await;
    activated.expect("activated");

    store.clock.advance(10_000);
    rename(&ada, 2_000).await.expect("renamed");
    assert!(refused(rename(&ada, 2_001).await.map(drop)));
    tokens.delete(permission, token).await.expect("deleted");
    store.sessions().end_by_key(&key).await.expect("signed out");
}
