//! Organisations and their plans.

use std::collections::BTreeSet;

use model::organisation::{OrganisationId, Plan};
use store::error::OrganisationError;
use tokio::task::JoinSet;

use crate::{
    failures::assert_refused_by_database,
    harness::{Engine, TestStore},
};

on_both_engines!(
    an_organisation_gets_the_given_number,
    a_taken_organisation_number_is_refused_and_its_organisation_is_unchanged,
    without_a_number_an_organisation_gets_the_next_after_the_highest,
    concurrently_created_organisations_get_distinct_numbers,
    of_concurrent_creations_with_one_number_one_succeeds,
    the_plan_of_a_missing_organisation_cannot_be_changed,
    a_change_whose_commit_fails_is_not_reported_as_done,
);

async fn an_organisation_gets_the_given_number(store: TestStore) {
    for (id, plan) in [907, 903, 905, 906].into_iter().zip(Plan::ALL) {
        let made = store.organisation(id, plan).await;
        assert_eq!((made.id.0, made.plan), (id, plan));
    }
    let listed = store.organisations().list().await.expect("listed");
    let ids: Vec<_> = listed.iter().map(|it| it.id.0).collect();
    assert_eq!(ids, [903, 905, 906, 907]);
    assert_eq!(listed[0].name, "Organisation 903");
}

async fn a_taken_organisation_number_is_refused_and_its_organisation_is_unchanged(
    store: TestStore,
) {
    store.organisation(903, Plan::Enterprise).await;
    let before = store.raw().dump().await;
    let organisations = store.organisations();
    let taken = organisations.create(Some(OrganisationId(903)), "Other", Plan::Trial);
    assert_refused!(taken.await, OrganisationError::Exists(id) if id.0 == 903);
    assert_eq!(store.raw().dump().await, before);
}

async fn without_a_number_an_organisation_gets_the_next_after_the_highest(store: TestStore) {
    let next = || async {
        let made = store.organisations().create(None, "Next", Plan::Pro).await;
        made.expect("created").id.0
    };
    assert_eq!(next().await, 1);
    store.organisation(903, Plan::Trial).await;
    assert_eq!(next().await, 904);
    store.organisation(7, Plan::Trial).await;
    assert_eq!(next().await, 905);
}

async fn concurrently_created_organisations_get_distinct_numbers(store: TestStore) {
    let servers = [store.server(), store.another_server().await];
    let mut creations = JoinSet::new();
    for n in 0..20 {
        let server = servers[n % 2].clone();
        creations.spawn(async move { server.organisations().create(None, "New", Plan::Pro).await });
    }
    let made = creations.join_all().await;
    let ids: BTreeSet<_> = made
        .into_iter()
        .map(|it| it.expect("created").id.0)
        .collect();
    assert_eq!(ids, (1..=20).collect());
}

async fn of_concurrent_creations_with_one_number_one_succeeds(store: TestStore) {
    let mut creations = JoinSet::new();
    for _ in 0..8 {
        let server = store.server();
        creations.spawn(async move {
            let id = Some(OrganisationId(903));
            server.organisations().create(id, "New", Plan::Pro).await
        });
    }
    let mut made = 0;
    for outcome in creations.join_all().await {
        match outcome {
            Ok(_) => made += 1,
            Err(OrganisationError::Exists(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(made, 1);
}

async fn the_plan_of_a_missing_organisation_cannot_be_changed(store: TestStore) {
    store.organisation(903, Plan::Trial).await;
    let before = store.raw().dump().await;
    let nowhere = store
        .organisations()
        .set_plan(OrganisationId(904), Plan::Pro)
        .await;
    assert_refused!(nowhere, OrganisationError::NoSuchOrganisation(id) if id.0 == 904);
    assert_eq!(store.raw().dump().await, before);
    let changed = store
        .organisations()
        .set_plan(OrganisationId(903), Plan::Pro)
        .await;
    let changed = changed.expect("changed").organisation;
    assert_eq!(
        (changed.name.as_str(), changed.plan),
        ("Organisation 903", Plan::Pro)
    );
    assert_eq!(
        store.organisations().list().await.expect("listed"),
        [changed]
    );
}

/// A commit can fail after its statement succeeded, for example on a full disk. A deferred constraint simulates it.
async fn a_change_whose_commit_fails_is_not_reported_as_done(store: TestStore) {
    store.organisation(903, Plan::Enterprise).await;
    store
        .raw()
        .execute(match store.raw().engine() {
            Engine::Sqlite => {
                "CREATE TABLE probe (id INTEGER REFERENCES organisations (id) DEFERRABLE INITIALLY DEFERRED);
                CREATE TRIGGER fail_update AFTER UPDATE ON organisations
                    BEGIN INSERT INTO probe VALUES (-1); END;
                CREATE TRIGGER fail_insert AFTER INSERT ON organisations
                    BEGIN INSERT INTO probe VALUES (-1); END;"
            }
            Engine::Postgres => {
                "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
                    'BEGIN RAISE EXCEPTION ''not committed''; END';
                CREATE CONSTRAINT TRIGGER fail AFTER INSERT OR UPDATE ON organisations
                    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail();"
            }
        })
        .await;
    let organisations = store.organisations();
    let before = organisations.list().await.expect("listed");
    let changed = organisations
        .set_plan(OrganisationId(903), Plan::Trial)
        .await;
    assert_refused_by_database(changed);
    for id in [Some(OrganisationId(904)), None] {
        let made = organisations.create(id, "New", Plan::Pro).await;
        assert_refused_by_database(made);
    }
    assert_eq!(organisations.list().await.expect("listed"), before);
}
