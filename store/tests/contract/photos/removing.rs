//! Removing photos.

use model::{event::EventId, organisation::Plan, photo::ImageId};
use store::{error::EventError, photos::Removed};

use super::{
    HOUR, List, MOST, assert_sound, day, days, event, imported, load, names, operator, page, photo,
    remove, tagged, with_bib,
};
use crate::harness::TestStore;

on_both_engines!(
    removed_photos_are_in_no_list_and_no_count,
    missing_photos_are_counted_and_change_nothing,
    removing_from_a_foreign_or_missing_event_is_refused,
    the_walk_through_all_names_reads_only_the_organisations_own_event,
);

async fn removed_photos_are_in_no_list_and_no_count(store: TestStore) {
    let permission = event(&store).await;
    let batch: Vec<_> = (0..250)
        .map(|n| {
            let time = (n % 10 != 0).then_some(n % 3 * HOUR + n);
            tagged(&format!("{n:03}"), time, &["7", "8"])
        })
        .collect();
    load(&store, permission, &batch).await;
    let gone: Vec<_> = (5..250).map(|n| format!("{n:03}")).collect();
    let mut gone: Vec<_> = gone.iter().map(String::as_str).collect();
    gone.extend(["005", "none"]);
    let removed = remove(&store, permission, &gone).await;
    assert_eq!(
        removed,
        Removed {
            removed: 245,
            missing: 1
        }
    );
    assert_sound(store.raw(), MOST).await;
    assert_eq!(
        names(&store, permission).await,
        ["003", "001", "004", "002", "000"]
    );
    assert_eq!(with_bib(&store, permission, "7").await.len(), 5);
    let expected = [day("1970-01-01", &[(0, 1), (1, 2), (2, 1)])];
    assert_eq!(days(&store, permission).await, expected);

    remove(&store, permission, &["000", "001", "002", "003", "004"]).await;
    assert_sound(store.raw(), MOST).await;
    let empty = List::All.page(&store, permission, page(1, 10)).await;
    assert_eq!((empty.rows.len(), empty.pagination.total), (0, 0));
    assert_eq!(load(&store, permission, &batch).await, imported(250, 0, 0));
    assert_sound(store.raw(), MOST).await;
    assert_eq!(names(&store, permission).await.len(), 250);
}

async fn missing_photos_are_counted_and_change_nothing(store: TestStore) {
    let permission = event(&store).await;
    load(&store, permission, &[photo("a", Some(1))]).await;
    let before = store.raw().dump().await;
    for (names, missing) in [(&["b", "c", "b"][..], 2), (&[], 0)] {
        let removed = remove(&store, permission, names).await;
        assert_eq!((removed.removed, removed.missing), (0, missing));
    }
    assert_eq!(store.raw().dump().await, before);
}

async fn removing_from_a_foreign_or_missing_event_is_refused(store: TestStore) {
    let permission = event(&store).await;
    store.organisation(904, Plan::Enterprise).await;
    load(&store, permission, &[photo("a", Some(1))]).await;
    let before = store.raw().dump().await;
    for (organisation, event) in [(904, 456), (903, 999), (999, 456)] {
        let batch = [ImageId("a".to_owned())];
        let photos = store.photos();
        let refused = photos.remove(operator(organisation), EventId(event), &batch);
        assert_refused!(refused.await, EventError::NoSuchEvent(named) if named.0 == event);
    }
    assert_eq!(store.raw().dump().await, before);
}

async fn the_walk_through_all_names_reads_only_the_organisations_own_event(store: TestStore) {
    let permission = event(&store).await;
    store.organisation(904, Plan::Enterprise).await;
    let batch = ["b", "ä", "B", "a"].map(|name| photo(name, None));
    load(&store, permission, &batch).await;
    let (mut walked, mut last) = (Vec::new(), None);
    loop {
        let photos = store.photos();
        let some = photos.names_after(operator(903), EventId(456), last.as_ref(), 3);
        let some = some.await.expect("names");
        last = some.last().cloned();
        walked.extend(some.into_iter().map(|name| name.0));
        if last.is_none() {
            break;
        }
    }
    assert_eq!(walked, ["B", "a", "b", "ä"]);
    let photos = store.photos();
    let foreign = photos.names_after(operator(904), EventId(456), None, 3);
    assert_eq!(foreign.await.expect("names"), []);
}
