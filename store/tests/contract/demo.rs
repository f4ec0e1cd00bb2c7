//! Demo data: the same every time, loaded once, and never mixed with other data.

use model::{
    event::{EventId, EventSettings, EventStatus},
    organisation::{OrganisationId, Plan, Role},
    page::PageRequest,
    photo::{Bib, ImageId},
};
use store::{
    EventsPermission, TokenPermission,
    demo::{DEMO_PASSWORD, DEMO_USERS, originals},
    error::DemoError,
};
use tokio::task::JoinSet;

use crate::{
    harness::{PASSWORD, TestStore, email},
    photos,
};

on_both_engines!(
    no_demo_data_exists_before_it_is_loaded,
    the_demo_has_the_documented_organisations_users_and_events,
    a_second_load_keeps_later_changes,
    of_concurrent_loads_one_loads_and_the_others_find_the_demo_loaded,
    an_organisation_with_a_demo_number_prevents_the_load,
    a_user_with_a_demo_address_prevents_the_load,
    an_event_with_a_demo_number_prevents_the_load,
    the_demo_has_photos_for_paging_and_search_and_one_missing_original,
    a_demo_without_photos_gets_them_at_the_next_load,
);

on_both_at_once!(the_demo_is_the_same_on_both_engines);

async fn no_demo_data_exists_before_it_is_loaded(store: TestStore) {
    let counter = "change_counter: id=1 seq=0 mark=0 accepted_at=0\n";
    assert_eq!(store.raw().dump().await, counter);
    assert!(
        store
            .users()
            .demo_emails()
            .await
            .expect("an answer")
            .is_empty()
    );
}

async fn the_demo_has_the_documented_organisations_users_and_events(store: TestStore) {
    assert!(store.load_demo().await.expect("loaded"));
    let organisations = store.organisations().list().await.expect("listed");
    let organisations: Vec<_> = organisations
        .iter()
        .map(|it| (it.id.0, it.name.as_str(), it.plan))
        .collect();
    assert_eq!(
        organisations,
        [
            (903, "Summit Races", Plan::Enterprise),
            (904, "Harbour Events", Plan::Enterprise),
            (905, "City Runners", Plan::Pro),
            (906, "Wedding Lens", Plan::PayAsYouGo),
            (907, "First Steps", Plan::Trial),
        ]
    );
    for (address, role, memberships, selected) in [
        (
            "admin@example.com",
            Role::Admin,
            vec![903, 904, 905, 906, 907],
            None,
        ),
        ("member@example.com", Role::User, vec![903], Some(903)),
        ("other@example.com", Role::Admin, vec![904], Some(904)),
        ("trial@example.com", Role::Admin, vec![907], Some(907)),
    ] {
        let email = email(address);
        let signed_in = store
            .sign_in()
            .with_password(&email, DEMO_PASSWORD, None, None)
            .await;
        let user = signed_in.expect("signed in").user_id;
        let account = store
            .users()
            .account(user)
            .await
            .expect("an answer")
            .expect("an account");
        let mut ids: Vec<_> = account
            .memberships
            .iter()
            .map(|it| it.organisation.id.0)
            .collect();
        ids.sort_unstable();
        assert_eq!(
            (ids, account.selected.map(|id| id.0)),
            (memberships, selected)
        );
        assert!(account.memberships.iter().all(|it| it.role == role));
    }

    for (id, organisation, status, settings) in [
        (456, 903, EventStatus::Active, Some(EventSettings::ALL_ON)),
        (457, 903, EventStatus::Active, None),
        (
            458,
            903,
            EventStatus::Active,
            Some(EventSettings::default()),
        ),
        (789, 903, EventStatus::Draft, Some(EventSettings::ALL_ON)),
        (556, 904, EventStatus::Active, Some(EventSettings::ALL_ON)),
    ] {
        let operator = EventsPermission::operator(OrganisationId(organisation));
        let event = store
            .events()
            .find(operator, EventId(id))
            .await
            .expect("found");
        assert_eq!(event.status, status, "{id}");
        let record = store
            .key_cache()
            .event(EventId(id))
            .await
            .expect("an answer");
        assert_eq!(record.expect("an event").settings, settings, "{id}");
    }
    let operator = EventsPermission::operator(OrganisationId(903));
    let request = PageRequest::new(1, 30, 100).expect("in range");
    let list = store
        .events()
        .list(operator, request)
        .await
        .expect("listed");
    assert_eq!(list.pagination.total_pages, 3);
    assert_eq!(store.raw().number("SELECT COUNT(*) FROM tokens").await, 0);
}

async fn a_second_load_keeps_later_changes(store: TestStore) {
    assert!(store.load_demo().await.expect("loaded"));
    store.set_plan(905, Plan::Enterprise).await;
    for user in DEMO_USERS {
        let address = email(user.email);
        store
            .sign_in()
            .set_password(&address, PASSWORD)
            .await
            .expect("changed");
    }
    let member = store
        .members()
        .find_by_email(&email("admin@example.com"), OrganisationId(903))
        .await
        .expect("a member");
    store.tokens().create(&member, None).await.expect("created");
    store.select(&member, 903).await;

    let before = store.raw().dump().await;
    assert!(!store.load_demo().await.expect("an answer"));
    assert_eq!(store.raw().dump().await, before);
    let tokens = store.tokens().list(TokenPermission::from(&member)).await;
    assert_eq!(tokens.expect("listed").len(), 1);
}

async fn of_concurrent_loads_one_loads_and_the_others_find_the_demo_loaded(store: TestStore) {
    let mut loads = JoinSet::new();
    for server in [store.server(), store.another_server().await, store.server()] {
        loads.spawn(async move { server.load_demo().await });
    }
    let mut loaded = 0;
    for outcome in loads.join_all().await {
        loaded += i32::from(outcome.expect("no error"));
    }
    assert_eq!(loaded, 1);
    assert_eq!(store.raw().number("SELECT COUNT(*) FROM users").await, 4);
}

async fn an_organisation_with_a_demo_number_prevents_the_load(store: TestStore) {
    store.enterprise(905).await;
    let before = store.raw().dump().await;
    let refused = store.load_demo().await;
    assert_refused!(refused, DemoError::Collision(what) if what.contains("Organisation 905"));
    assert_eq!(store.raw().dump().await, before);
}

/// Otherwise `serve --demo` would print accounts whose password is different.
async fn a_user_with_a_demo_address_prevents_the_load(store: TestStore) {
    store.organisation(1, Plan::Enterprise).await;
    for user in DEMO_USERS {
        store.member(user.email, 1).await;
        let before = store.raw().dump().await;
        let refused = store.load_demo().await;
        assert_refused!(refused, DemoError::Collision(what) if what.contains(user.email));
        assert_eq!(store.raw().dump().await, before);
        store.raw().execute("DELETE FROM members").await;
        store.raw().execute("DELETE FROM users").await;
    }
}

async fn an_event_with_a_demo_number_prevents_the_load(store: TestStore) {
    store.organisation(1, Plan::Enterprise).await;
    store
        .raw()
        .execute("INSERT INTO events (id, organisation_id, status) VALUES (556, 1, 'draft')")
        .await;
    let before = store.raw().dump().await;
    let refused = store.load_demo().await;
    assert_refused!(refused, DemoError::Collision(what) if what.contains("556"));
    assert_eq!(store.raw().dump().await, before);
}

async fn the_demo_has_photos_for_paging_and_search_and_one_missing_original(store: TestStore) {
    assert!(store.load_demo().await.expect("loaded"));
    photos::assert_sound(store.raw(), photos::MOST).await;
    let permission = photos::event_permission(&store, 903, EventId(456)).await;
    let request = PageRequest::new(1, 32, 100).expect("in range");
    let all = store
        .photos()
        .all(permission, request)
        .await
        .expect("a page");
    assert_eq!((all.pagination.total, all.pagination.total_pages), (96, 3));
    assert_eq!(all.rows[0].photo.image_id.0, "IMG_0001");

    let days = store.photos().days(permission).await.expect("days");
    let days: Vec<_> = days
        .iter()
        .map(|day| (day.date.as_str(), day.total, day.hours.len()))
        .collect();
    assert_eq!(days, [("2026-01-19", 84, 6), ("2026-01-20", 8, 1)]);

    for (bib, count, missing) in [("1234", 5, 1), ("a17", 4, 0), ("4321", 0, 0)] {
        let bib = Bib::parse(bib).expect("a bib number");
        let found = store
            .photos()
            .originals_with_bib(permission, &bib, request)
            .await;
        let found = found.expect("a page").rows;
        let without = found.iter().filter(|it| it.path.is_none()).count();
        assert_eq!((found.len(), without), (count, missing), "{bib}");
    }

    let other = photos::event_permission(&store, 904, EventId(556)).await;
    let same_name = [ImageId("IMG_0001".to_owned())];
    let found = store.photos().originals(other, &same_name).await;
    let path = found.expect("a list").remove(0).path;
    assert_eq!(path.as_deref(), Some("556/IMG_0001.jpg"));
    assert!(originals().any(|name| Some(name) == path));
}

async fn a_demo_without_photos_gets_them_at_the_next_load(store: TestStore) {
    assert!(store.load_demo().await.expect("loaded"));
    let expected = store.raw().dump().await;
    for table in ["photos", "photo_bibs", "photo_blocks"] {
        store.raw().execute(&format!("DELETE FROM {table}")).await;
    }
    let no_photos_yet = "UPDATE events SET photo_changes = 0";
    store.raw().execute(no_photos_yet).await;
    assert!(store.load_demo().await.expect("loaded"));
    assert_eq!(store.raw().dump().await, expected);
    assert!(!store.load_demo().await.expect("an answer"));
}

async fn the_demo_is_the_same_on_both_engines(sqlite: TestStore, postgres: TestStore) {
    assert!(sqlite.load_demo().await.expect("loaded"));
    assert!(postgres.load_demo().await.expect("loaded"));
    // The password hashes have different salts.
    let left = sqlite
        .raw()
        .dump_without(&["password_hash", "mark", "digest"])
        .await;
    let right = postgres
        .raw()
        .dump_without(&["password_hash", "mark", "digest"])
        .await;
    assert!(left.lines().count() > 100, "{left}");
    assert_eq!(left, right);
}
