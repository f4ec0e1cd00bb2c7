//! Reading photos: in order, by page, bib number and time.

use std::collections::BTreeSet;

use model::{
    event::EventId,
    organisation::Plan,
    photo::{ImageId, Photo, TimeWindow},
    timestamp::Timestamp,
};
use store::photos::{Imported, NewPhoto};
use tokio::task::JoinSet;

use super::{
    HOUR, List, MOST, another_event, assert_sound, bib, day, days, event, listed, load, names,
    operator, page, photo, tagged, with_bib,
};
use crate::harness::{START, TestStore};

on_both_engines!(
    photos_are_sorted_by_capture_time_untimed_last_then_bytewise_by_name,
    paging_shows_every_photo_once_in_order,
    an_event_without_photos_has_empty_lists,
    other_events_never_show_the_photos,
    a_photo_is_read_as_it_was_loaded,
    a_window_includes_its_first_instant_and_excludes_its_last,
    a_window_of_all_time_has_exactly_the_timed_photos,
    days_and_hours_are_utc_also_before_1970_and_across_midnight,
    a_bib_number_is_found_in_any_case_and_white_space,
    originals_have_the_order_of_the_request_and_no_duplicates,
    concurrent_calls_for_the_link_key_get_the_same_key,
);

async fn photos_are_sorted_by_capture_time_untimed_last_then_bytewise_by_name(store: TestStore) {
    let permission = event(&store).await;
    let batch = [
        photo("b", None),
        photo("ä", Some(5)),
        photo("a", Some(5)),
        photo("B", Some(5)),
        photo("z", Some(4)),
        photo("a b", Some(5)),
        photo("_", Some(5)),
        photo("A", None),
        photo("old", Some(-1)),
        photo("10", Some(5)),
        photo("9", Some(5)),
    ];
    load(&store, permission, &batch).await;
    let expected = ["old", "z", "10", "9", "B", "_", "a", "a b", "ä", "A", "b"];
    assert_eq!(names(&store, permission).await, expected);
    assert_sound(store.raw(), MOST).await;
}

async fn paging_shows_every_photo_once_in_order(store: TestStore) {
    let permission = event(&store).await;
    let photos: Vec<_> = (0..230_i64)
        .map(|n| {
            let time = (n % 9 != 0).then_some(START.0 + n * 7_919 % 100 * HOUR / 10);
            let bibs = if n % 3 == 0 {
                &["A17"][..]
            } else {
                &["x", "y"]
            };
            tagged(&format!("IMG_{n}"), time, bibs)
        })
        .collect();
    let mut expected = photos.clone();
    expected.sort_by_key(|it| {
        let time = it.captured_at.map_or(i64::MAX, Timestamp::epoch_millis);
        (time, it.photo.image_id.0.clone())
    });
    let small = store.photos().in_blocks_of(7);
    small
        .import(operator(903), EventId(456), &photos)
        .await
        .expect("loaded");
    assert_sound(store.raw(), 7).await;

    let window = TimeWindow::from_seconds(START.0 / 1_000 + 1_000, START.0 / 1_000 + 20_000);
    let window = window.expect("a window");
    for list in [List::All, List::Bib(bib("a17")), List::Window(window)] {
        let whole: Vec<_> = expected
            .iter()
            .filter(|it| match &list {
                List::All => true,
                List::Bib(bib) => it.bibs.contains(bib) || it.bibs == [self::bib("A17")],
                List::Window(window) => it
                    .captured_at
                    .is_some_and(|time| time >= window.from() && time < window.to()),
            })
            .map(|it| it.photo.image_id.0.clone())
            .collect();
        assert!(whole.len() > 30, "{list:?}: {whole:?}");
        for size in [1, 7, 32, 100] {
            assert_eq!(
                list.walk(&store, permission, size).await,
                whole,
                "{list:?}, pages of {size}"
            );
        }
        for number in [whole.len() as i64 + 1, model::page::PageRequest::MAX_PAGE] {
            let past = list.page(&store, permission, page(number, 1)).await;
            assert!(past.rows.is_empty(), "{list:?}");
            assert_eq!(past.pagination.current_page, number);
            assert_eq!(past.pagination.total, whole.len() as i64);
        }
    }
}

async fn an_event_without_photos_has_empty_lists(store: TestStore) {
    let permission = event(&store).await;
    let window = TimeWindow::from_seconds(i64::MIN, i64::MAX).expect("a window");
    for list in [List::All, List::Bib(bib("1")), List::Window(window)] {
        let empty = list.page(&store, permission, page(3, 10)).await;
        assert!(empty.rows.is_empty());
        let place = empty.pagination;
        assert_eq!((place.total, place.current_page), (0, 0), "{list:?}");
    }
    assert!(days(&store, permission).await.is_empty());
    let photos = store.photos();
    assert!(
        photos
            .originals(permission, &[])
            .await
            .expect("a list")
            .is_empty()
    );
    assert_eq!(load(&store, permission, &[]).await, Imported::default());
}

async fn other_events_never_show_the_photos(store: TestStore) {
    let permission = event(&store).await;
    let sibling = another_event(&store, 903, 457).await;
    store.organisation(904, Plan::Enterprise).await;
    let foreign = another_event(&store, 904, 455).await;
    load(
        &store,
        permission,
        &[tagged("shared", Some(5), &["7"]), photo("own", None)],
    )
    .await;
    load(&store, foreign, &[tagged("shared", Some(HOUR), &["8"])]).await;
    assert_sound(store.raw(), MOST).await;

    assert!(names(&store, sibling).await.is_empty());
    assert!(days(&store, sibling).await.is_empty());
    assert_eq!(names(&store, permission).await, ["shared", "own"]);
    assert_eq!(names(&store, foreign).await, ["shared"]);
    assert!(with_bib(&store, foreign, "7").await.is_empty());
    assert_eq!(days(&store, foreign).await, [day("1970-01-01", &[(1, 1)])]);
    let requested = ["own", "shared"].map(|name| ImageId(name.to_owned()));
    let originals = store
        .photos()
        .originals(foreign, &requested)
        .await
        .expect("a list");
    assert_eq!(originals.len(), 1);
}

async fn a_photo_is_read_as_it_was_loaded(store: TestStore) {
    let permission = event(&store).await;
    let full = NewPhoto {
        photo: Photo {
            height: Some(4_000),
            width: Some(6_000),
            original_url: Some("https://images.example.com/full.tif".to_owned()),
            ..photo("full", None).photo
        },
        original_path: Some("456/full.tif".to_owned()),
        ..tagged("full", Some(1), &["B", " a ", "A", "b"])
    };
    let bare = photo("bare", None);
    load(&store, permission, &[full.clone(), bare.clone()]).await;
    let list = List::All.page(&store, permission, page(1, 10)).await;
    assert_eq!(list.rows, [listed(&full), listed(&bare)]);
    let tagged = List::Bib(bib("b"))
        .page(&store, permission, page(1, 10))
        .await;
    assert_eq!(tagged.rows, [listed(&full)]);
    assert_eq!(
        tagged.rows[0].captured_at.as_deref(),
        Some("1970-01-01T00:00:00.001Z")
    );
    assert_eq!(tagged.rows[0].bibs, ["a", "b"]);
    assert_eq!(with_bib(&store, permission, "A").await, ["full"]);
}

async fn a_window_includes_its_first_instant_and_excludes_its_last(store: TestStore) {
    let permission = event(&store).await;
    let second = START.0 / 1_000;
    let at = |millis: i64| photo(&format!("{millis}"), Some(START.0 + millis));
    let batch = [-1, 0, 1, 999, 1_000, 1_001, 1_999, 2_000].map(at);
    load(&store, permission, &batch).await;
    load(&store, permission, &[photo("untimed", None)]).await;
    for (from, to, expected) in [
        (0, 1, vec!["0", "1", "999"]),
        (1, 2, vec!["1000", "1001", "1999"]),
        (-1, 0, vec!["-1"]),
        (2, 9, vec!["2000"]),
        (3, 9, vec![]),
    ] {
        let window = TimeWindow::from_seconds(second + from, second + to).expect("a window");
        let found = List::Window(window).walk(&store, permission, 2).await;
        assert_eq!(found, expected, "{from} to {to}");
    }
}

async fn a_window_of_all_time_has_exactly_the_timed_photos(store: TestStore) {
    let permission = event(&store).await;
    let (first, last) = (-62_167_219_200_000, 253_402_300_799_999);
    let batch = [
        photo("first", Some(first)),
        photo("last", Some(last)),
        photo("untimed", None),
        photo("zero", Some(0)),
    ];
    load(&store, permission, &batch).await;
    assert_sound(store.raw(), MOST).await;
    let all = [
        (i64::MIN, i64::MAX, 3),
        (i64::MIN, i64::MIN + 1, 0),
        (i64::MAX - 1, i64::MAX, 0),
    ];
    for (from, to, count) in all {
        let window = TimeWindow::from_seconds(from, to).expect("a window");
        let found = List::Window(window).walk(&store, permission, 1).await;
        assert_eq!(found, ["first", "zero", "last"][..count], "{from} to {to}");
    }
    let expected = [
        day("0000-01-01", &[(0, 1)]),
        day("1970-01-01", &[(0, 1)]),
        day("9999-12-31", &[(23, 1)]),
    ];
    assert_eq!(days(&store, permission).await, expected);
}

async fn days_and_hours_are_utc_also_before_1970_and_across_midnight(store: TestStore) {
    let permission = event(&store).await;
    let midnight = START.0 + 18 * HOUR;
    let times = [
        -1,
        -HOUR,
        -HOUR - 1,
        0,
        midnight - 1,
        midnight,
        midnight + 1,
        START.0,
    ];
    let batch: Vec<_> = times
        .iter()
        .map(|time| photo(&time.to_string(), Some(*time)))
        .chain([photo("untimed", None)])
        .collect();
    load(&store, permission, &batch).await;
    let expected = [
        day("1969-12-31", &[(22, 1), (23, 2)]),
        day("1970-01-01", &[(0, 1)]),
        day("2026-01-19", &[(6, 1), (23, 1)]),
        day("2026-01-20", &[(0, 2)]),
    ];
    assert_eq!(days(&store, permission).await, expected);
    assert_sound(store.raw(), MOST).await;
}

async fn a_bib_number_is_found_in_any_case_and_white_space(store: TestStore) {
    let permission = event(&store).await;
    let batch = [
        tagged("2", Some(2), &["Ä17 ", "1"]),
        tagged("1", Some(1), &["ä17"]),
        tagged("3", None, &["17"]),
        tagged("4", Some(3), &["Ä 17"]),
    ];
    load(&store, permission, &batch).await;
    for text in ["ä17", "Ä17", "\u{2003}Ä17\t"] {
        assert_eq!(
            with_bib(&store, permission, text).await,
            ["1", "2"],
            "{text:?}"
        );
    }
    assert_eq!(with_bib(&store, permission, "17").await, ["3"]);
    assert_eq!(with_bib(&store, permission, "ä  17").await, [""; 0]);
}

async fn originals_have_the_order_of_the_request_and_no_duplicates(store: TestStore) {
    let permission = event(&store).await;
    let batch: Vec<_> = (0..1_000)
        .map(|n| NewPhoto {
            original_path: (n % 10 != 0).then(|| format!("456/{n}.jpg")),
            ..tagged(&n.to_string(), Some(n), if n < 50 { &["9"] } else { &[] })
        })
        .collect();
    load(&store, permission, &batch).await;
    let requested: Vec<_> = (0..1_000)
        .rev()
        .chain([999, 5, 1_000])
        .map(|n| ImageId(n.to_string()))
        .chain(["", "nul\0", "NUL"].map(|name| ImageId(name.to_owned())))
        .collect();
    let found = store
        .photos()
        .originals(permission, &requested)
        .await
        .expect("a list");
    let found: Vec<_> = found
        .into_iter()
        .map(|it| (it.image_id.0, it.path))
        .collect();
    let expected: Vec<_> = (0..1_000)
        .rev()
        .map(|n| (n.to_string(), (n % 10 != 0).then(|| format!("456/{n}.jpg"))))
        .collect();
    assert_eq!(found, expected);

    let tagged = store
        .photos()
        .originals_with_bib(permission, &bib("9"), page(2, 20))
        .await;
    let tagged = tagged.expect("a page");
    assert_eq!(
        (tagged.pagination.total, tagged.pagination.total_pages),
        (50, 3)
    );
    let first = &tagged.rows[0];
    assert_eq!((first.image_id.0.as_str(), &first.path), ("20", &None));
    assert_eq!(tagged.rows[1].path.as_deref(), Some("456/21.jpg"));
    assert_eq!(tagged.rows.len(), 20);
}

async fn concurrent_calls_for_the_link_key_get_the_same_key(store: TestStore) {
    let servers = [store.server(), store.another_server().await];
    let mut askers = JoinSet::new();
    for n in 0..20 {
        let server = servers[n % 2].clone();
        askers.spawn(async move { server.file_link_key().await.expect("a key") });
    }
    let keys: BTreeSet<_> = askers.join_all().await.into_iter().collect();
    assert_eq!(keys.len(), 1);
    let key = store.file_link_key().await.expect("a key");
    assert!(keys.contains(&key));
    assert_ne!(key, [0; 32]);
}
