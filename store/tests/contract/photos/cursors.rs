//! Reading lists from cursor to cursor, while photos come and go.

use std::collections::{BTreeMap, BTreeSet};

use model::{organisation::Plan, permission::EventPermission, photo::TimeWindow};
use proptest::prelude::*;
use store::{
    error::ListError,
    photos::{Imported, NewPhoto},
};
use tokio::{runtime::Handle, task::block_in_place};

use super::{
    HOUR, List, after, another_event, assert_sound, bib, event, load, name, operator, page, photo,
    remove, runner, tagged,
};
use crate::harness::TestStore;

on_both_engines!(
    reading_from_cursor_to_cursor_equals_the_numbered_pages,
    each_photo_that_stays_is_read_exactly_once_whatever_comes_and_goes,
    a_reader_beside_concurrent_imports_and_removals_misses_no_photo_that_stays,
    a_cursor_works_only_in_its_own_list_and_unchanged,
    a_cursor_works_with_every_server_and_page_size,
);

fn lists() -> [List; 3] {
    let window = TimeWindow::from_seconds(3_600, 12 * 3_600).expect("a window");
    [List::All, List::Bib(bib("7")), List::Window(window)]
}

async fn reading_from_cursor_to_cursor_equals_the_numbered_pages(store: TestStore) {
    let permission = event(&store).await;
    let photos: Vec<_> = (0..150_i64)
        .map(|n| {
            let time = (n % 9 != 0).then_some(n * 7_919 % 100 * HOUR / 7);
            tagged(&format!("{n}"), time, if n % 3 == 0 { &["7"] } else { &[] })
        })
        .collect();
    let small = store.photos().in_blocks_of(7);
    let loaded = small.import(operator(903), permission.event_id(), &photos);
    assert_eq!(loaded.await.expect("loaded").added, 150);
    for list in lists() {
        for size in [1, 7, 32, 100] {
            let whole = list.walk(&store, permission, size).await;
            let (mut walked, mut cursor) = (Vec::new(), None);
            loop {
                let read = list.next_page(&store, permission, cursor.as_deref(), size);
                let read = read.await;
                let numbered = page(walked.len() as i64 / size + 1, size);
                let numbered = list.page(&store, permission, numbered).await;
                assert_eq!(read, numbered, "{list:?}");
                cursor = read.pagination.next_cursor;
                walked.extend(read.rows.into_iter().map(name));
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(walked, whole, "{list:?}, pages of {size}");
        }
    }
}

/// A batch of photos to load, or names to remove.
#[derive(Clone, Debug)]
enum Step {
    Load(Vec<NewPhoto>),
    Remove(Vec<String>),
}

fn any_photo() -> impl Strategy<Value = NewPhoto> {
    let time = prop_oneof![
        1 => Just(None),
        6 => (0..14_i64, 0..3_i64).prop_map(|(hour, part)| Some(hour * HOUR + part * HOUR / 3)),
    ];
    ("[a-d][0-9]", time, any::<bool>())
        .prop_map(|(name, time, has_bib)| tagged(&name, time, if has_bib { &["7"] } else { &[] }))
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => prop::collection::vec(any_photo(), 1..12).prop_map(Step::Load),
        1 => prop::collection::vec("[a-d][0-9]", 1..12).prop_map(Step::Remove),
    ]
}

/// The event's photos, by name.
type Model = BTreeMap<String, NewPhoto>;

fn apply(model: &mut Model, step: &Step) {
    match step {
        Step::Load(batch) => {
            model.extend(
                batch
                    .iter()
                    .map(|it| (it.photo.image_id.0.clone(), it.clone())),
            );
        }
        Step::Remove(names) => names.iter().for_each(|name| {
            model.remove(name);
        }),
    }
}

fn is_in(list: &List, photo: &NewPhoto) -> bool {
    match list {
        List::All => true,
        List::Bib(bib) => photo.bibs.contains(bib),
        List::Window(window) => photo
            .captured_at
            .is_some_and(|time| time >= window.from() && time < window.to()),
    }
}

async fn perform(store: &TestStore, permission: EventPermission, step: &Step) {
    let photos = store.photos().in_blocks_of(4);
    let event = permission.event_id();
    match step {
        Step::Load(batch) => {
            let loaded = photos.import(permission.into(), event, batch);
            loaded.await.expect("loaded");
        }
        Step::Remove(names) => {
            let names = names.iter().map(|name| model::photo::ImageId(name.clone()));
            let names: Vec<_> = names.collect();
            let removed = photos.remove(permission.into(), event, &names);
            removed.await.expect("removed");
        }
    }
}

async fn each_photo_that_stays_is_read_exactly_once_whatever_comes_and_goes(store: TestStore) {
    store.organisation(903, Plan::Enterprise).await;
    let ids = std::sync::atomic::AtomicI64::new(1);
    let first = prop::collection::vec(any_photo(), 0..40).prop_map(Step::Load);
    let steps = prop::collection::vec(any_step(), 0..6);
    let mut runner = runner(24);
    let outcome = block_in_place(|| {
        let outcome = runner.run(
            &(
                first,
                steps,
                prop::sample::select(lists().to_vec()),
                1..9_i64,
            ),
            |(first, steps, list, size)| {
                Handle::current().block_on(async {
                    let id = ids.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    let permission = another_event(&store, 903, id).await;
                    let mut model = Model::new();
                    apply(&mut model, &first);
                    perform(&store, permission, &first).await;
                    // The photos that never change their place, and are in the list throughout.
                    let mut staying = model.clone();
                    staying.retain(|_, photo| is_in(&list, photo));
                    let (mut seen, mut cursor, mut steps) = (Vec::new(), None, steps.iter());
                    loop {
                        let page = list.next_page(&store, permission, cursor.as_deref(), size);
                        let page = page.await;
                        prop_assert!(page.rows.len() as i64 <= size);
                        let place = &page.pagination;
                        prop_assert_eq!(place.has_next_page, place.next_cursor.is_some());
                        cursor = page.pagination.next_cursor;
                        seen.extend(page.rows.into_iter().map(name));
                        if cursor.is_none() {
                            break;
                        }
                        if let Some(step) = steps.next() {
                            apply(&mut model, step);
                            perform(&store, permission, step).await;
                        }
                        staying.retain(|name, photo| {
                            model.get(name).is_some_and(|now| {
                                is_in(&list, now) && now.captured_at == photo.captured_at
                            })
                        });
                    }
                    for name in staying.keys() {
                        let times = seen.iter().filter(|it| *it == name).count();
                        prop_assert_eq!(times, 1, "{} of {:?}", name, seen);
                    }
                    assert_sound(store.raw(), 4).await;
                    Ok(())
                })
            },
        );
        outcome.map_err(|failure| failure.to_string())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

async fn a_reader_beside_concurrent_imports_and_removals_misses_no_photo_that_stays(
    store: TestStore,
) {
    let permission = event(&store).await;
    let staying = (0..60).map(|n| photo(&format!("stays {n:02}"), Some(n * HOUR / 4)));
    let staying: Vec<_> = staying.collect();
    load(&store, permission, &staying).await;
    let other = store.another_server().await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let changing = tokio::spawn(async move {
        let photos = other.photos().in_blocks_of(5);
        let batch: Vec<_> = (0..30)
            .map(|n| tagged(&format!("goes {n:02}"), Some(n * HOUR / 2), &["7"]))
            .collect();
        let names: Vec<_> = batch.iter().map(|it| it.photo.image_id.clone()).collect();
        let event = permission.event_id();
        let mut sum = Imported::default();
        while !*stopped.borrow() {
            let added = photos.import(permission.into(), event, &batch).await;
            sum.added += added.map_or(0, |it| it.added);
            // A busy machine can exceed the database's timeouts. Then nothing is removed.
            let _ = photos.remove(permission.into(), event, &names).await;
        }
        sum.added
    });
    for size in [1, 2, 3, 5, 8, 13, 21, 34] {
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let page = List::All.next_page(&store, permission, cursor.as_deref(), size);
            let page = page.await;
            cursor = page.pagination.next_cursor;
            seen.extend(page.rows.into_iter().map(name));
            if cursor.is_none() {
                break;
            }
        }
        seen.retain(|name| name.starts_with("stays"));
        let expected: Vec<_> = staying
            .iter()
            .map(|it| it.photo.image_id.0.clone())
            .collect();
        assert_eq!(seen, expected, "pages of {size}");
    }
    stop.send(true).expect("it runs");
    assert!(changing.await.expect("it ends") > 0);
}

async fn a_cursor_works_only_in_its_own_list_and_unchanged(store: TestStore) {
    let permission = event(&store).await;
    let sibling = another_event(&store, 903, 457).await;
    store.organisation(904, Plan::Enterprise).await;
    let foreign = another_event(&store, 904, 458).await;
    let batch: Vec<_> = (0..4)
        .map(|n| tagged(&n.to_string(), Some(2 * HOUR + n), &["7", "8"]))
        .collect();
    for permission in [permission, sibling, foreign] {
        load(&store, permission, &batch).await;
    }
    let another_window = TimeWindow::from_seconds(3_600, 13 * 3_600).expect("a window");
    let lists = lists().into_iter();
    let lists = lists.chain([List::Bib(bib("8")), List::Window(another_window)]);
    let lists: Vec<_> = lists.collect();
    let mut cursors = BTreeSet::new();
    for (place, list) in lists.iter().enumerate() {
        let first = list.page(&store, permission, page(1, 2)).await;
        let cursor = first.pagination.next_cursor.expect("more");
        for (other_place, other) in lists.iter().enumerate() {
            for other_event in [permission, sibling, foreign] {
                let read = other.try_page(&store, other_event, after(&cursor, 2)).await;
                if other_place == place && other_event == permission {
                    assert_eq!(read.expect("a page").rows.len(), 2);
                } else {
                    assert_refused!(read, ListError::Cursor);
                }
            }
        }
        let feed = store.photos().changes(permission, Some(&cursor), 2).await;
        assert_refused!(feed, ListError::Cursor);
        cursors.insert(cursor);
    }
    let changes = store.photos().changes(permission, None, 2).await;
    let changes = changes.expect("a page").next_cursor;
    let refused = List::All.try_page(&store, permission, after(&changes, 2));
    assert_refused!(refused.await, ListError::Cursor);

    let good = cursors.first().expect("a cursor");
    let altered = (0..good.len()).map(|place| {
        let mut text = good.clone().into_bytes();
        text[place] = if text[place] == b'A' { b'B' } else { b'A' };
        String::from_utf8(text).expect("a text")
    });
    let others = [
        "",
        "x",
        "AAAA",
        "ü",
        "=",
        &"A".repeat(9_000),
        &format!("{good}A"),
    ];
    let others = others.map(str::to_owned);
    for text in altered.chain(others) {
        let refused = List::All.try_page(&store, permission, after(&text, 2));
        assert_refused!(refused.await, ListError::Cursor);
    }
}

async fn a_cursor_works_with_every_server_and_page_size(store: TestStore) {
    let permission = event(&store).await;
    let batch: Vec<_> = (0..9).map(|n| photo(&n.to_string(), Some(n))).collect();
    load(&store, permission, &batch).await;
    let first = List::All.page(&store, permission, page(1, 2)).await;
    let cursor = first.pagination.next_cursor.expect("more");
    remove(&store, permission, &["1"]).await;
    let other = store.another_server().await;
    let rest = List::All
        .page(&other, permission, after(&cursor, 100))
        .await;
    let names: Vec<_> = rest.rows.into_iter().map(name).collect();
    assert_eq!(names, ["2", "3", "4", "5", "6", "7", "8"]);
    let place = rest.pagination;
    assert_eq!((place.total, place.current_page), (8, 1));
    assert!(place.has_previous_page && !place.has_next_page);
}
