//! Memberships: which users belong to which organisations.

use model::{
    organisation::{OrganisationId, Plan, Role},
    user::UserId,
};
use store::error::MemberError;

use crate::harness::{TestStore, email};

on_both_engines!(
    a_member_is_found_with_the_present_organisation,
    a_foreign_and_a_missing_organisation_give_the_same_error,
    memberships_are_in_the_natural_order_of_the_organisations_names,
);

async fn a_member_is_found_with_the_present_organisation(store: TestStore) {
    let ada = store.enterprise(903).await;
    assert_eq!(ada.email().as_str(), "admin@903.example");
    assert_eq!(ada.role(), Role::Admin);
    assert_eq!(ada.organisation().name, "Organisation 903");
    store.set_plan(903, Plan::Pro).await;
    let session = store.session(&ada).await;
    let found = store.members().find(&session, OrganisationId(903)).await;
    assert_eq!(found.expect("a member").organisation().plan, Plan::Pro);
    let found = store
        .members()
        .find_by_email(ada.email(), OrganisationId(903))
        .await;
    let found = found.expect("a member");
    assert_eq!(found.user_id(), ada.user_id());
    assert_eq!(found.organisation().plan, Plan::Pro);
}

async fn a_foreign_and_a_missing_organisation_give_the_same_error(store: TestStore) {
    let ada = store.enterprise(903).await;
    store.enterprise(904).await;
    let session = store.session(&ada).await;
    for organisation in [904, 999].map(OrganisationId) {
        let texts = [
            store.members().find(&session, organisation).await,
            store
                .members()
                .find_by_email(ada.email(), organisation)
                .await,
            store
                .members()
                .find_by_email(&email("nobody@example.com"), organisation)
                .await,
        ]
        .map(|refused| match refused {
            Err(error @ MemberError::NotAMember(id)) if id == organisation => error.to_string(),
            other => panic!("expected NotAMember, got {other:?}"),
        });
        let expected = format!("the user is not a member of organisation {organisation}");
        assert!(texts.iter().all(|text| *text == expected), "{texts:?}");
    }
}

async fn memberships_are_in_the_natural_order_of_the_organisations_names(store: TestStore) {
    for (id, name) in [
        (901, "Club 10"),
        (902, "club 9"),
        (903, "summit"),
        (904, "Harbour"),
        (905, "City"),
        (906, "city"),
    ] {
        let made = store
            .organisations()
            .create(Some(OrganisationId(id)), name, Plan::Trial)
            .await;
        made.expect("created");
    }
    let ada = store.member("ada@example.com", 903).await;
    for id in [906, 905, 904, 902, 901] {
        store.join(&ada, id, Role::User).await;
    }
    let memberships = store
        .members()
        .of_user(ada.user_id())
        .await
        .expect("an answer");
    let ids: Vec<_> = memberships.iter().map(|it| it.organisation.id.0).collect();
    assert_eq!(ids, [905, 906, 902, 901, 904, 903]);
    let nobody = store
        .members()
        .of_user(UserId(999))
        .await
        .expect("an answer");
    assert!(nobody.is_empty());
}
