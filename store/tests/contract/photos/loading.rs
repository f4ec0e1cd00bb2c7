//! Loading photos: in any order, repeatedly, and concurrently.

use model::{event::EventId, organisation::Plan, photo::TimeWindow};
use store::{
    Store,
    error::EventError,
    photos::{Imported, NewPhoto},
};
use tokio::task::JoinSet;

use super::{
    HOUR, List, MOST, another_event, assert_sound, day, days, event, imported, listed, load, names,
    operator, page, photo, tagged, with_bib,
};
use crate::{
    failures::{assert_refused_by_database, assert_unavailable},
    harness::TestStore,
};

on_both_engines!(
    loading_the_same_again_changes_nothing,
    a_photo_that_is_loaded_again_is_updated,
    of_two_photos_with_one_name_the_later_counts,
    counts_do_not_depend_on_the_size_of_batches,
    more_photos_of_one_instant_than_fit_a_block_are_split,
    a_failed_batch_changes_nothing,
    a_foreign_and_a_missing_event_give_the_same_error,
    concurrent_imports_into_one_event_give_the_right_counts,
    a_token_can_be_deactivated_during_an_import_in_another_process,
);

async fn loading_the_same_again_changes_nothing(store: TestStore) {
    let permission = event(&store).await;
    let batch: Vec<_> = (0..450)
        .map(|n| {
            tagged(
                &n.to_string(),
                (n % 5 != 0).then_some(n * 60_000),
                &["7", "a"],
            )
        })
        .collect();
    assert_eq!(load(&store, permission, &batch).await, imported(450, 0, 0));
    let before = store.raw().dump().await;
    let mut reversed = batch.clone();
    reversed.reverse();
    reversed.iter_mut().for_each(|it| it.bibs.reverse());
    for batch in [&batch, &reversed] {
        assert_eq!(load(&store, permission, batch).await, imported(0, 0, 450));
    }
    assert_eq!(store.raw().dump().await, before);
}

async fn a_photo_that_is_loaded_again_is_updated(store: TestStore) {
    let permission = event(&store).await;
    let batch = [
        tagged("a", Some(1), &["1", "2"]),
        tagged("b", Some(2), &["1"]),
        tagged("c", None, &[]),
    ];
    load(&store, permission, &batch).await;
    let moved = [
        tagged("a", Some(3 * HOUR), &["1", "2"]),
        tagged("b", Some(2), &["3"]),
        tagged("c", Some(4), &["1"]),
    ];
    assert_eq!(load(&store, permission, &moved).await, imported(0, 3, 0));
    assert_sound(store.raw(), MOST).await;
    assert_eq!(names(&store, permission).await, ["b", "c", "a"]);
    assert_eq!(with_bib(&store, permission, "1").await, ["c", "a"]);
    assert_eq!(with_bib(&store, permission, "2").await, ["a"]);
    assert_eq!(with_bib(&store, permission, "3").await, ["b"]);
    assert_eq!(
        days(&store, permission).await,
        [day("1970-01-01", &[(0, 2), (3, 1)])]
    );

    let mut renewed = moved[1].clone();
    renewed.photo.width = Some(640);
    renewed.original_path = Some("456/b.jpg".to_owned());
    let again = [moved[0].clone(), renewed.clone(), moved[2].clone()];
    assert_eq!(load(&store, permission, &again).await, imported(0, 1, 2));
    let list = List::All.page(&store, permission, page(1, 1)).await;
    assert_eq!(list.rows, [listed(&renewed)]);

    let untimed = [photo("a", None), photo("b", None), photo("c", None)];
    assert_eq!(load(&store, permission, &untimed).await, imported(0, 3, 0));
    assert_sound(store.raw(), MOST).await;
    assert!(days(&store, permission).await.is_empty());
    assert!(with_bib(&store, permission, "1").await.is_empty());
    assert_eq!(names(&store, permission).await, ["a", "b", "c"]);
}

async fn of_two_photos_with_one_name_the_later_counts(store: TestStore) {
    let permission = event(&store).await;
    let batch = [
        tagged("a", Some(1), &["1"]),
        tagged("b", Some(1), &["1"]),
        tagged("a", Some(2 * HOUR), &["2"]),
        tagged("a", Some(2 * HOUR), &["2"]),
    ];
    assert_eq!(load(&store, permission, &batch).await, imported(2, 1, 1));
    assert_sound(store.raw(), MOST).await;
    assert_eq!(names(&store, permission).await, ["b", "a"]);
    assert_eq!(with_bib(&store, permission, "1").await, ["b"]);
}

async fn counts_do_not_depend_on_the_size_of_batches(store: TestStore) {
    let one_batch = event(&store).await;
    let batches = another_event(&store, 903, 457).await;
    let batch: Vec<_> = (0..60_i64)
        .map(|n| photo(&(n % 25).to_string(), Some(n % 4)))
        .collect();
    let together = load(&store, one_batch, &batch).await;
    let mut one_by_one = Imported::default();
    for part in batch.chunks(7) {
        let part = load(&store, batches, part).await;
        one_by_one.added += part.added;
        one_by_one.updated += part.updated;
        one_by_one.unchanged += part.unchanged;
    }
    assert_eq!(together, one_by_one);
    assert_eq!(names(&store, one_batch).await, names(&store, batches).await);
}

async fn more_photos_of_one_instant_than_fit_a_block_are_split(store: TestStore) {
    let permission = event(&store).await;
    let count = 2 * MOST + 3;
    let batch: Vec<_> = (0..count)
        .map(|n| photo(&format!("{n:05}"), Some(7)))
        .collect();
    load(&store, permission, &batch).await;
    assert_sound(store.raw(), MOST).await;
    let blocks = store
        .raw()
        .number("SELECT COUNT(*) FROM photo_blocks")
        .await;
    assert!(blocks >= 3, "{blocks}");
    let middle = List::All
        .page(&store, permission, page(count / 2 / 10, 10))
        .await;
    assert_eq!(
        middle.rows[0].photo.image_id.0,
        format!("{:05}", (count / 2 / 10 - 1) * 10)
    );
    let window = TimeWindow::from_seconds(0, 1).expect("a window");
    let last = List::Window(window)
        .page(&store, permission, page(count, 1))
        .await;
    assert_eq!(last.rows[0].photo.image_id.0, format!("{:05}", count - 1));
}

async fn a_failed_batch_changes_nothing(store: TestStore) {
    let permission = event(&store).await;
    load(&store, permission, &[tagged("there", Some(1), &["1"])]).await;
    let before = store.raw().dump().await;
    let mut no_width = photo("x", None);
    no_width.photo.width = Some(0);
    let mut no_address = photo("x", None);
    no_address.photo.img_url = String::new();
    let long = "ä".repeat(256);
    for bad in [
        photo("", None),
        photo(&long, None),
        photo("x", Some(253_402_300_800_000)),
        photo("x", Some(-62_167_219_200_001)),
        photo("x", Some(i64::MIN)),
        no_width,
        no_address,
    ] {
        let batch = [
            tagged("good", Some(1), &["2"]),
            tagged("there", Some(2 * HOUR), &["2"]),
            bad,
        ];
        let refused = store
            .photos()
            .import(operator(903), EventId(456), &batch)
            .await;
        assert_refused_by_database(refused);
        assert_eq!(store.raw().dump().await, before);
    }
    let longest = "ä".repeat(255);
    load(
        &store,
        permission,
        &[tagged(&longest, None, &["ß".repeat(64).as_str()])],
    )
    .await;
    assert_eq!(names(&store, permission).await, ["there", &longest]);
}

async fn a_foreign_and_a_missing_event_give_the_same_error(store: TestStore) {
    event(&store).await;
    store.organisation(904, Plan::Enterprise).await;
    let before = store.raw().dump().await;
    for (organisation, event) in [(904, 456), (903, 999), (999, 456)] {
        let batch = [photo("a", None)];
        let refused = store
            .photos()
            .import(operator(organisation), EventId(event), &batch)
            .await;
        assert_refused!(refused, EventError::NoSuchEvent(named) if named.0 == event);
    }
    assert_eq!(store.raw().dump().await, before);
}

/// Loads a batch, and tries again after a timeout of the database, which has loaded nothing. On a busy machine the wait
/// for the other batches can exceed the timeouts.
async fn import_patiently(server: &Store, batch: &[NewPhoto]) -> Imported {
    loop {
        let photos = server.photos().in_blocks_of(5);
        match photos.import(operator(903), EventId(456), batch).await {
            Err(EventError::Database(error)) if error.is_unavailable() => {}
            outcome => return outcome.expect("loaded"),
        }
    }
}

async fn concurrent_imports_into_one_event_give_the_right_counts(store: TestStore) {
    let permission = event(&store).await;
    let servers = [store.server(), store.another_server().await];
    let mut imports = JoinSet::new();
    for n in 0..8_i64 {
        let server = servers[n as usize % 2].clone();
        imports.spawn(async move {
            let mut sum = Imported::default();
            for part in 0..5 {
                // Two imports load each photo, with different hours.
                let batch: Vec<_> = (0..40)
                    .map(|k| {
                        let name = (n / 2 * 200 + part * 40 + k).to_string();
                        tagged(&name, Some((n * 20 + k) * HOUR / 10), &["1"])
                    })
                    .collect();
                let done = import_patiently(&server, &batch).await;
                sum.added += done.added;
                sum.updated += done.updated;
            }
            sum
        });
    }
    let sums = imports.join_all().await;
    assert_eq!(sums.iter().map(|it| it.added).sum::<u64>(), 800);
    assert_eq!(sums.iter().map(|it| it.updated).sum::<u64>(), 800);
    assert_sound(store.raw(), 5).await;
    assert_eq!(names(&store, permission).await.len(), 800);
    assert_eq!(with_bib(&store, permission, "1").await.len(), 800);
}

async fn a_token_can_be_deactivated_during_an_import_in_another_process(store: TestStore) {
    event(&store).await;
    let member = store.member("ada@example.com", 903).await;
    let token = store.tokens().create(&member, None).await.expect("created");
    let token = token.summary.id;
    let other = store.another_server().await;
    let importing = tokio::spawn(async move {
        // All batches are prepared, so that the import never pauses. Each batch moves the photos of the one before.
        let batches: Vec<Vec<_>> = (0..3)
            .map(|n| {
                let photos = (0..1_000).map(|k| tagged(&k.to_string(), Some(n * HOUR), &["1"]));
                photos.collect()
            })
            .collect();
        for batch in batches.iter().cycle().take(30) {
            import_patiently(&other, batch).await;
        }
    });
    let mut changes = 0;
    while !importing.is_finished() {
        let active = changes % 2 == 1;
        let tokens = store.tokens();
        match tokens.set_active((&member).into(), token, active).await {
            Ok(_) => changes += 1,
            Err(error) => assert_unavailable(&error),
        }
    }
    importing.await.expect("loaded");
    assert!(changes > 1, "the import kept all changes out");
}
