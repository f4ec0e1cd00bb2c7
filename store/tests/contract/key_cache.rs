//! What a key may do, without a cache: every answer is a fresh read of the database, or an error.

use model::{
    event::{EventId, EventSettings, EventStatus},
    organisation::{OrganisationId, Plan},
    permission::{EventRecord, TokenRecord},
    token::TokenId,
};
use store::{EventsPermission, Member, Store, events::NewEvent, secret::TokenDigest};

use crate::{
    failures::assert_unavailable,
    harness::{START, TestStore},
};

on_both_engines!(
    a_record_of_a_token_has_its_organisation_plan_and_state,
    a_change_of_a_token_on_one_server_is_in_the_next_answer_of_another,
    a_change_of_plan_on_one_server_is_in_the_next_answer_of_another,
    an_expiry_is_in_the_next_answer,
    an_unknown_digest_has_no_record,
    a_record_of_an_event_has_its_settings_or_none,
    without_a_database_every_call_fails,
);

on_postgres_alone!(a_call_succeeds_after_the_server_closed_every_connection);

async fn create(store: &Store, member: &Member) -> (TokenId, TokenDigest) {
    let created = store.tokens().create(member, None).await.expect("created");
    let digest = TokenDigest::of_presented(created.secret.reveal().as_bytes());
    (created.summary.id, digest.expect("well formed"))
}

async fn ask(store: &Store, digest: &TokenDigest) -> Option<TokenRecord> {
    store.key_cache().token(digest).await.expect("an answer")
}

async fn a_record_of_a_token_has_its_organisation_plan_and_state(store: TestStore) {
    let member = store.enterprise(903).await;
    let stranger = store.enterprise(904).await;
    let (_, _) = create(&store, &stranger).await;
    let (id, digest) = create(&store, &member).await;
    assert_eq!(
        ask(&store, &digest).await,
        Some(TokenRecord {
            token_id: id,
            organisation_id: OrganisationId(903),
            plan: Plan::Enterprise,
            active: true,
            expires_at: None,
        })
    );
}

async fn a_change_of_a_token_on_one_server_is_in_the_next_answer_of_another(store: TestStore) {
    let member = store.enterprise(903).await;
    let (id, digest) = create(&store, &member).await;
    let other = store.another_server().await;
    for round in 0..20 {
        let active = round % 2 == 1;
        let switched = store
            .tokens()
            .set_active((&member).into(), id, active)
            .await;
        switched.expect("switched");
        for server in [&other, &*store] {
            let record = ask(server, &digest).await.expect("a token");
            assert_eq!(record.active, active, "round {round}");
        }
    }
    let gone = store.tokens().delete((&member).into(), id).await;
    gone.expect("deleted");
    assert_eq!(ask(&other, &digest).await, None);
    assert_eq!(ask(&store, &digest).await, None);
}

async fn a_change_of_plan_on_one_server_is_in_the_next_answer_of_another(store: TestStore) {
    let member = store.enterprise(903).await;
    let (_, digest) = create(&store, &member).await;
    let other = store.another_server().await;
    for plan in [Plan::Pro, Plan::Enterprise, Plan::Trial, Plan::PayAsYouGo] {
        store.set_plan(903, plan).await;
        for server in [&other, &*store] {
            assert_eq!(ask(server, &digest).await.map(|it| it.plan), Some(plan));
        }
    }
}

async fn an_expiry_is_in_the_next_answer(store: TestStore) {
    let member = store.enterprise(903).await;
    let (id, digest) = create(&store, &member).await;
    let end = START.plus_millis(10);
    let expire = format!("UPDATE tokens SET expires_at = {} WHERE id = {id}", end.0);
    store.raw().execute(&expire).await;
    let record = ask(&store, &digest).await.expect("a token");
    assert_eq!(record.expires_at, Some(end));
    assert!(record.admit(START).is_ok() && record.admit(end).is_err());
}

async fn an_unknown_digest_has_no_record(store: TestStore) {
    let member = store.enterprise(903).await;
    create(&store, &member).await;
    let made_up = format!("{}9Pic14yBvz", "0".repeat(36));
    let digest = TokenDigest::of_presented(made_up.as_bytes()).expect("well formed");
    assert_eq!(ask(&store, &digest).await, None);
}

async fn a_record_of_an_event_has_its_settings_or_none(store: TestStore) {
    store.organisation(903, Plan::Enterprise).await;
    let settings = EventSettings {
        event_enabled: true,
        bib_search: true,
        timeline_search: true,
        ..EventSettings::default()
    };
    for (id, settings) in [
        (456, Some(settings)),
        (457, None),
        (458, Some(EventSettings::default())),
    ] {
        let event = NewEvent {
            id: Some(EventId(id)),
            name: "Race".to_owned(),
            date: None,
            time_zone: None,
            status: EventStatus::Draft,
            settings,
        };
        let operator = EventsPermission::operator(OrganisationId(903));
        store
            .events()
            .create(operator, &event)
            .await
            .expect("created");
        let record = store
            .key_cache()
            .event(EventId(id))
            .await
            .expect("an answer");
        assert_eq!(
            record,
            Some(EventRecord {
                event_id: EventId(id),
                organisation_id: OrganisationId(903),
                settings,
            })
        );
    }
    let missing = store.key_cache().event(EventId(459)).await;
    assert_eq!(missing.expect("an answer"), None);
}

async fn without_a_database_every_call_fails(store: TestStore) {
    let member = store.enterprise(903).await;
    let (_, digest) = create(&store, &member).await;
    assert!(ask(&store, &digest).await.is_some());
    store.close().await;
    let token = store.key_cache().token(&digest).await;
    assert_unavailable(&token.expect_err("no answer"));
    let event = store.key_cache().event(EventId(456)).await;
    assert_unavailable(&event.expect_err("no answer"));
}

/// A restart of PostgreSQL between two calls does this.
async fn a_call_succeeds_after_the_server_closed_every_connection(store: TestStore) {
    let member = store.enterprise(903).await;
    let (id, digest) = create(&store, &member).await;
    let end = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'developer-zone'";
    assert!(store.raw().number(end).await > 0);
    assert_eq!(ask(&store, &digest).await.map(|it| it.token_id), Some(id));
    store.raw().number(end).await;
    let off = store.tokens().set_active((&member).into(), id, false).await;
    off.expect("switched");
}
