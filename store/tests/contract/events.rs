//! Events and their settings.

use std::collections::BTreeSet;

use model::{
    event::{EventId, EventSettings, EventStatus, EventSummary},
    organisation::{OrganisationId, Plan},
    page::{ListRequest, Page, PageRequest},
};
use store::{
    EventsPermission, Store,
    error::{EventError, ListError, NewEventError},
    events::NewEvent,
};
use tokio::task::JoinSet;

use crate::harness::TestStore;

on_both_engines!(
    events_are_sorted_newest_date_first_undated_last_then_by_number,
    paging_shows_every_event_once_in_order,
    reading_from_cursor_to_cursor_shows_every_event_once_in_order,
    each_event_that_stays_is_read_exactly_once_while_others_are_created,
    a_cursor_of_another_organisation_is_refused,
    the_time_zone_of_an_event_can_be_changed_by_its_own_organisation,
    an_organisation_without_events_has_an_empty_list,
    another_organisation_sees_none_of_the_events,
    a_member_reads_the_events_of_their_own_organisation,
    the_next_event_is_the_first_from_today_on_by_the_utc_day,
    the_example_event_is_configured_and_if_possible_published_and_the_newest,
    an_event_keeps_the_values_it_was_created_with,
    an_event_gets_the_given_number_or_the_next_after_the_highest,
    a_taken_event_number_is_refused_in_every_organisation,
    concurrently_created_events_get_distinct_numbers,
    settings_have_selfie_clips_off_if_video_is_off,
    a_failed_creation_of_an_event_changes_nothing,
);

fn operator(organisation: i64) -> EventsPermission {
    EventsPermission::operator(OrganisationId(organisation))
}

fn event(id: Option<i64>, date: Option<&str>) -> NewEvent {
    NewEvent {
        id: id.map(EventId),
        name: "Summit Trail 2026".to_owned(),
        date: date.map(str::to_owned),
        time_zone: None,
        status: EventStatus::Active,
        settings: None,
    }
}

async fn create(store: &Store, organisation: i64, event: &NewEvent) -> i64 {
    let made = store.events().create(operator(organisation), event).await;
    made.expect("created").0
}

fn page(page: i64, size: i64) -> PageRequest {
    PageRequest::new(page, size, 100).expect("within range")
}

async fn listed(store: &Store, organisation: i64) -> Vec<i64> {
    let list = store
        .events()
        .list(operator(organisation), page(1, 100))
        .await;
    let rows = list.expect("listed").rows;
    rows.iter().map(|event| event.event_id.0).collect()
}

async fn events_are_sorted_newest_date_first_undated_last_then_by_number(store: TestStore) {
    store.organisation(903, Plan::Enterprise).await;
    for (id, date) in [
        (20, None),
        (11, Some("2026-01-19T06:00:00")),
        (10, Some("2026-01-19T06:00:00")),
        (12, Some("2026-01-19")),
        (30, Some("2027-06-01")),
        (13, Some("2026-01-19T06:00:01")),
        (19, None),
        (40, Some("1999-12-31T23:59:59")),
    ] {
        create(&store, 903, &event(Some(id), date)).await;
    }
    assert_eq!(listed(&store, 903).await, [30, 13, 10, 11, 12, 40, 19, 20]);
}

async fn paging_shows_every_event_once_in_order(store: TestStore) {
    store.organisation(903, Plan::Enterprise).await;
    store.organisation(904, Plan::Enterprise).await;
    for n in 1..=23 {
        let date = format!("2026-03-{:02}", 1 + n % 4);
        let date = (n % 5 != 0).then_some(date.as_str());
        create(&store, 903, &event(Some(n), date)).await;
        create(&store, 904, &event(Some(100 + n), Some("2026-03-02"))).await;
    }
    let all = listed(&store, 903).await;
    assert_eq!(all.len(), 23);
    for size in [1, 5, 23, 24] {
        let mut walked = Vec::new();
        for number in 1.. {
            let list = store.events().list(operator(903), page(number, size)).await;
            let list = list.expect("listed");
            assert_eq!(list.pagination.total, 23);
            walked.extend(list.rows.iter().map(|event| event.event_id.0));
            if !list.pagination.has_next_page {
                break;
            }
        }
        assert_eq!(walked, all, "pages of {size}");
    }
    for number in [4, PageRequest::MAX_PAGE] {
        let past = store.events().list(operator(903), page(number, 10)).await;
        let past = past.expect("listed");
        assert!(past.rows.is_empty());
        assert_eq!(past.pagination.current_page, number);
    }
}

/// The page after a cursor, or the first one.
async fn next_page(store: &Store, cursor: Option<&str>, size: i64) -> Page<EventSummary> {
    let request = match cursor {
        None => page(1, size).into(),
        Some(cursor) => ListRequest::after(cursor.to_owned(), size, 100).expect("within range"),
    };
    let list = store.events().list(operator(903), request).await;
    list.expect("listed")
}

async fn reading_from_cursor_to_cursor_shows_every_event_once_in_order(store: TestStore) {
    store.organisation(903, Plan::Enterprise).await;
    for n in 1..=23 {
        let date = format!("2026-03-{:02}", 1 + n % 4);
        let date = (n % 5 != 0).then_some(date.as_str());
        create(&store, 903, &event(Some(n), date)).await;
    }
    let all = listed(&store, 903).await;
    for size in [1, 5, 23, 24] {
        let (mut walked, mut cursor) = (Vec::new(), None);
        loop {
            let list = next_page(&store, cursor.as_deref(), size).await;
            let expected = i64::try_from(walked.len()).expect("few") / size + 1;
            assert_eq!(list.pagination.current_page, expected);
            assert_eq!(list.pagination.total, 23);
            assert_eq!(list.pagination.has_previous_page, !walked.is_empty());
            walked.extend(list.rows.iter().map(|event| event.event_id.0));
            cursor = list.pagination.next_cursor;
            assert_eq!(list.pagination.has_next_page, cursor.is_some());
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(walked, all, "pages of {size}");
    }
}

async fn each_event_that_stays_is_read_exactly_once_while_others_are_created(store: TestStore) {
    store.organisation(903, Plan::Enterprise).await;
    for n in 1..=20 {
        let date = format!("2026-03-{n:02}");
        let date = (n % 4 != 0).then_some(date.as_str());
        create(&store, 903, &event(Some(n), date)).await;
    }
    let (mut seen, mut cursor, mut next) = (Vec::new(), None, 21);
    loop {
        let list = next_page(&store, cursor.as_deref(), 3).await;
        seen.extend(list.rows.iter().map(|event| event.event_id.0));
        cursor = list.pagination.next_cursor;
        if cursor.is_none() {
            break;
        }
        for date in [Some("2027-01-01"), Some("2026-03-11"), None] {
            create(&store, 903, &event(Some(next), date)).await;
            next += 1;
        }
    }
    seen.retain(|id| *id <= 20);
    let distinct: BTreeSet<_> = seen.iter().collect();
    assert_eq!((seen.len(), distinct.len()), (20, 20));
}

async fn a_cursor_of_another_organisation_is_refused(store: TestStore) {
    for organisation in [903, 904] {
        store.organisation(organisation, Plan::Enterprise).await;
        create(&store, organisation, &event(None, None)).await;
        create(&store, organisation, &event(None, None)).await;
    }
    let cursor = next_page(&store, None, 1).await.pagination.next_cursor;
    let request = ListRequest::after(cursor.expect("more"), 1, 100).expect("within range");
    let foreign = store.events().list(operator(904), request.clone()).await;
    assert_refused!(foreign, ListError::Cursor);
    let own = store.events().list(operator(903), request).await;
    assert_eq!(own.expect("listed").rows.len(), 1);
}

async fn the_time_zone_of_an_event_can_be_changed_by_its_own_organisation(store: TestStore) {
    store.organisation(903, Plan::Enterprise).await;
    let id = EventId(create(&store, 903, &event(None, None)).await);
    let events = store.events();
    for zone in [Some("Europe/London"), None] {
        let set = events.set_time_zone(operator(903), id, zone).await;
        set.expect("set");
        let found = events.find(operator(903), id).await;
        assert_eq!(found.expect("found").time_zone.as_deref(), zone);
    }
    for (organisation, id) in [(904, id), (903, EventId(99))] {
        let zone = Some("Europe/London");
        let refused = events.set_time_zone(operator(organisation), id, zone);
        let refused = refused.await;
        assert_refused!(refused, EventError::NoSuchEvent(named) if named == id);
    }
}

async fn an_organisation_without_events_has_an_empty_list(store: TestStore) {
    store.organisation(903, Plan::Enterprise).await;
    for organisation in [903, 999] {
        let list = store
            .events()
            .list(operator(organisation), page(1, 10))
            .await;
        let list = list.expect("listed");
        assert!(list.rows.is_empty());
        assert_eq!(
            (list.pagination.total, list.pagination.current_page),
            (0, 0)
        );
    }
}

async fn the_next_event_is_the_first_from_today_on_by_the_utc_day(store: TestStore) {
    let next = async || {
        let next = store.events().next(operator(903)).await.expect("an answer");
        next.map(|event| event.event_id.0)
    };
    for organisation in [903, 904] {
        store.organisation(organisation, Plan::Enterprise).await;
    }
    create(&store, 904, &event(Some(1), Some("2026-01-20"))).await;
    for (id, date) in [
        (10, None),
        (11, Some("2026-01-18T23:59:59")),
        (14, Some("2026-02-01")),
        (13, Some("2026-02-01")),
    ] {
        create(&store, 903, &event(Some(id), date)).await;
    }
    assert_eq!(next().await, Some(13));
    // The clock stands at six in the morning of this day.
    create(&store, 903, &event(Some(12), Some("2026-01-19"))).await;
    assert_eq!(next().await, Some(12));
    store.clock.advance(18 * 3_600_000 - 1);
    assert_eq!(next().await, Some(12));
    store.clock.advance(1);
    assert_eq!(next().await, Some(13));
    store.clock.advance(30 * 24 * 3_600_000);
    assert_eq!(next().await, None);
}

async fn another_organisation_sees_none_of_the_events(store: TestStore) {
    store.organisation(903, Plan::Enterprise).await;
    store.organisation(904, Plan::Enterprise).await;
    create(&store, 903, &event(Some(456), None)).await;
    assert!(listed(&store, 904).await.is_empty());
    let texts = [456, 999].map(EventId).map(|id| (store.server(), id));
    for (server, id) in texts {
        let refused = server.events().find(operator(904), id).await;
        assert_refused!(refused, EventError::NoSuchEvent(named) if named == id);
    }
    let own = store.events().find(operator(903), EventId(456)).await;
    assert_eq!(own.expect("found").event_id, EventId(456));
}

async fn a_member_reads_the_events_of_their_own_organisation(store: TestStore) {
    let member = store.enterprise(903).await;
    let stranger = store.enterprise(904).await;
    create(&store, 903, &event(Some(456), None)).await;
    let own = store
        .events()
        .list(&member, page(1, 10))
        .await
        .expect("listed");
    assert_eq!(own.pagination.total, 1);
    let foreign = store
        .events()
        .list(&stranger, page(1, 10))
        .await
        .expect("listed");
    assert_eq!(foreign.pagination.total, 0);
    let refused = store.events().find(&stranger, EventId(456)).await;
    assert_refused!(refused, EventError::NoSuchEvent(_));
}

async fn the_example_event_is_configured_and_if_possible_published_and_the_newest(
    store: TestStore,
) {
    store.organisation(903, Plan::Enterprise).await;
    store.organisation(904, Plan::Enterprise).await;
    let example = async || {
        let example = store.events().example(operator(903)).await;
        example.expect("an answer").map(|event| event.0)
    };
    let draft = EventStatus::Draft;
    let active = EventStatus::Active;
    let settings = Some(EventSettings::default());
    assert_eq!(example().await, None);
    // Each of these is either not suitable, or better than all events before it.
    for (organisation, id, date, status, settings, expected) in [
        (903, 1, Some("2030-01-01"), active, None, None),
        (904, 2, Some("2030-01-01"), active, settings, None),
        (903, 30, None, draft, settings, Some(30)),
        (903, 29, None, draft, settings, Some(29)),
        (903, 31, Some("2026-01-01"), draft, settings, Some(31)),
        (903, 32, Some("2026-01-02"), draft, settings, Some(32)),
        (903, 20, None, active, settings, Some(20)),
        (903, 21, Some("2025-01-01"), active, settings, Some(21)),
        (903, 22, Some("2025-06-01"), active, settings, Some(22)),
        (903, 19, Some("2025-06-01"), active, settings, Some(19)),
        (903, 23, Some("2025-06-01"), active, settings, Some(19)),
        (903, 3, Some("2025-01-01"), active, settings, Some(19)),
        (903, 4, Some("2031-01-01"), active, None, Some(19)),
    ] {
        let made = NewEvent {
            status,
            settings,
            ..event(Some(id), date)
        };
        create(&store, organisation, &made).await;
        assert_eq!(example().await, expected, "with event {id}");
    }
}

async fn an_event_keeps_the_values_it_was_created_with(store: TestStore) {
    store.organisation(903, Plan::Enterprise).await;
    let made = NewEvent {
        status: EventStatus::Draft,
        time_zone: Some("Europe/London".to_owned()),
        ..event(Some(789), Some("2027-01-18"))
    };
    create(&store, 903, &made).await;
    let found = store.events().find(operator(903), EventId(789)).await;
    assert_eq!(
        found.expect("found"),
        EventSummary {
            event_id: EventId(789),
            event_name: Some("Summit Trail 2026".to_owned()),
            event_slug: Some("summit-trail-2026".to_owned()),
            event_date: Some("2027-01-18T00:00:00".to_owned()),
            time_zone: Some("Europe/London".to_owned()),
            status: EventStatus::Draft,
            cover_image: None,
        }
    );
    create(&store, 903, &event(Some(790), None)).await;
    let found = store.events().find(operator(903), EventId(790)).await;
    let found = found.expect("found");
    assert_eq!(
        (found.event_date, found.status),
        (None, EventStatus::Active)
    );
}

async fn an_event_gets_the_given_number_or_the_next_after_the_highest(store: TestStore) {
    store.organisation(903, Plan::Enterprise).await;
    store.organisation(904, Plan::Enterprise).await;
    assert_eq!(create(&store, 903, &event(None, None)).await, 1);
    assert_eq!(create(&store, 904, &event(Some(456), None)).await, 456);
    assert_eq!(create(&store, 903, &event(None, None)).await, 457);
}

async fn a_taken_event_number_is_refused_in_every_organisation(store: TestStore) {
    store.organisation(903, Plan::Enterprise).await;
    store.organisation(904, Plan::Enterprise).await;
    create(&store, 903, &event(Some(456), None)).await;
    let before = store.raw().dump().await;
    for organisation in [903, 904] {
        let again = NewEvent {
            settings: Some(EventSettings::default()),
            ..event(Some(456), Some("2026-01-19"))
        };
        let refused = store.events().create(operator(organisation), &again).await;
        assert_refused!(refused, NewEventError::Exists(id) if id.0 == 456);
    }
    assert_eq!(store.raw().dump().await, before);
}

async fn concurrently_created_events_get_distinct_numbers(store: TestStore) {
    store.organisation(903, Plan::Enterprise).await;
    let servers = [store.server(), store.another_server().await];
    let mut creations = JoinSet::new();
    for n in 0..20 {
        let server = servers[n % 2].clone();
        creations.spawn(async move { create(&server, 903, &event(None, None)).await });
    }
    let ids: BTreeSet<_> = creations.join_all().await.into_iter().collect();
    assert_eq!(ids, (1..=20).collect());
}

async fn settings_have_selfie_clips_off_if_video_is_off(store: TestStore) {
    store.organisation(903, Plan::Enterprise).await;
    for bits in 0..128_u8 {
        let on = |bit: u8| bits & (1 << bit) != 0;
        let settings = EventSettings {
            event_enabled: on(0),
            bib_search: on(1),
            selfie_search: on(2),
            name_search: on(3),
            video_search: on(4),
            video_selfie_search: on(5),
            timeline_search: on(6),
        };
        let made = NewEvent {
            settings: Some(settings),
            ..event(None, None)
        };
        let id = EventId(create(&store, 903, &made).await);
        let record = store.key_cache().event(id).await.expect("an answer");
        let stored = record.and_then(|it| it.settings).expect("settings");
        assert_eq!(stored, settings.normalised());
        assert!(stored.video_search || !stored.video_selfie_search);
    }
}

async fn a_failed_creation_of_an_event_changes_nothing(store: TestStore) {
    store.organisation(903, Plan::Enterprise).await;
    let before = store.raw().dump().await;
    let create = |organisation, event| {
        let server = store.server();
        async move { server.events().create(operator(organisation), &event).await }
    };
    for bad in [
        "",
        "tomorrow",
        "2026-02-30",
        "2026-01-19 06:00:00",
        "2026-01-19T06:00:00Z",
        "2026-01-19T24:00:00",
        // A year with a sign would be in the wrong place when sorted as text.
        "-0044-03-15",
        "+2026-01-19",
    ] {
        let refused = create(903, event(None, Some(bad))).await;
        assert_refused!(refused, NewEventError::Date(text) if text == bad);
    }
    let nowhere = create(999, event(Some(456), None)).await;
    assert_refused!(nowhere, NewEventError::NoSuchOrganisation(_));
    assert_eq!(store.raw().dump().await, before);
}
