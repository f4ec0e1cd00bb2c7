//! Compares the store with a plain list of photos, for any photos.

use std::collections::BTreeMap;

use model::{
    event::EventId,
    organisation::Plan,
    photo::{TimeWindow, TimelineDay},
    timestamp::Timestamp,
};
use proptest::prelude::*;
use store::photos::NewPhoto;
use time::OffsetDateTime;
use tokio::{runtime::Handle, task::block_in_place};

use super::{HOUR, List, another_event, assert_sound, bib, day, days, operator, runner, tagged};
use crate::harness::TestStore;

on_both_engines!(reads_of_any_photos_match_a_plain_list,);

/// Names whose bytewise order differs from that of a language, and few enough for duplicates.
fn any_name() -> impl Strategy<Value = String> {
    "[aBä_1]{1,2}"
}

/// Around the ends of hours and days, before and after 1970, to the millisecond.
fn any_time() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![
        1 => Just(None),
        6 => (-3..30_i64, -2..2_i64).prop_map(|(hour, millis)| Some(hour * HOUR + millis)),
        2 => (0..3_600_i64).prop_map(|second| Some(second * 1_000)),
    ]
}

fn any_photo() -> impl Strategy<Value = NewPhoto> {
    let bibs = prop::collection::vec(prop::sample::select(vec!["1", "a17", "A17", "Ä"]), 0..3);
    (any_name(), any_time(), bibs)
        .prop_map(|(name, time, bibs)| tagged(&name, time, bibs.as_slice()))
}

/// Mostly whole hours, where the photos are.
fn any_window() -> impl Strategy<Value = TimeWindow> {
    let hours = (-4..31_i64, 1..20_i64).prop_map(|(from, length)| (from * 3_600, length * 3_600));
    let seconds = (-4 * 3_600..32 * 3_600_i64, 1..20 * 3_600_i64);
    prop_oneof![3 => hours, 1 => seconds]
        .prop_map(|(from, length)| TimeWindow::from_seconds(from, from + length).expect("a window"))
}

/// The event's photos as a plain list, in order.
fn reference(batches: &[Vec<NewPhoto>]) -> Vec<NewPhoto> {
    let mut photos = BTreeMap::new();
    for photo in batches.iter().flatten() {
        photos.insert(photo.photo.image_id.0.clone(), photo.clone());
    }
    let mut photos: Vec<_> = photos.into_values().collect();
    photos.sort_by_key(|it| it.captured_at.map_or(i64::MAX, Timestamp::epoch_millis));
    photos
}

fn reference_days(photos: &[NewPhoto]) -> Vec<TimelineDay> {
    let mut counts: BTreeMap<(String, u8), i64> = BTreeMap::new();
    for time in photos.iter().filter_map(|it| it.captured_at) {
        let nanos = i128::from(time.epoch_millis()) * 1_000_000;
        let instant = OffsetDateTime::from_unix_timestamp_nanos(nanos).expect("in range");
        *counts
            .entry((instant.date().to_string(), instant.hour()))
            .or_default() += 1;
    }
    let mut days: BTreeMap<String, Vec<(u8, i64)>> = BTreeMap::new();
    for ((date, hour), count) in counts {
        days.entry(date).or_default().push((hour, count));
    }
    days.iter().map(|(date, hours)| day(date, hours)).collect()
}

async fn reads_of_any_photos_match_a_plain_list(store: TestStore) {
    store.organisation(903, Plan::Enterprise).await;
    let events = std::sync::atomic::AtomicI64::new(1);
    let batches = prop::collection::vec(prop::collection::vec(any_photo(), 1..40), 1..4);
    let windows = prop::collection::vec(any_window(), 4);
    let mut runner = runner(24);
    let outcome = block_in_place(|| {
        runner.run(
            &(batches, windows, 1..6_i64, 1..40_i64),
            |(batches, windows, most, size)| {
                Handle::current().block_on(async {
                    let id = events.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    let permission = another_event(&store, 903, id).await;
                    for batch in &batches {
                        let photos = store.photos().in_blocks_of(most);
                        let loaded = photos.import(operator(903), EventId(id), batch).await;
                        loaded.expect("loaded");
                    }
                    assert_sound(store.raw(), 5).await;
                    let expected = reference(&batches);
                    let of = |wanted: &dyn Fn(&NewPhoto) -> bool| -> Vec<String> {
                        let found = expected.iter().filter(|it| wanted(it));
                        found.map(|it| it.photo.image_id.0.clone()).collect()
                    };
                    prop_assert_eq!(
                        List::All.walk(&store, permission, size).await,
                        of(&|_| true)
                    );
                    for number in ["1", "a17", "ä", "none"].map(bib) {
                        let found = List::Bib(number.clone())
                            .walk(&store, permission, size)
                            .await;
                        let has = |it: &NewPhoto| it.bibs.iter().any(|b| b.key() == number.key());
                        prop_assert_eq!(found, of(&has));
                    }
                    for window in windows {
                        let found = List::Window(window).walk(&store, permission, size).await;
                        let within = |it: &NewPhoto| {
                            it.captured_at
                                .is_some_and(|at| at >= window.from() && at < window.to())
                        };
                        prop_assert_eq!(found, of(&within));
                    }
                    prop_assert_eq!(days(&store, permission).await, reference_days(&expected));
                    Ok(())
                })
            },
        )
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}
