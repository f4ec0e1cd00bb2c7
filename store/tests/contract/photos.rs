//! Photos: loaded in any order and any number of times, found by page, bib number and time.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use model::{
    access::{EventAccess, TokenRecord},
    event::{EventId, EventSettings, EventStatus},
    organisation::{OrganisationId, Plan},
    page::{Page, PageRequest},
    photo::{Bib, ImageId, Photo, TimeWindow, TimelineDay, TimelineHour},
    timestamp::Timestamp,
    token::TokenId,
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use sqlx::AssertSqlSafe;
use store::{
    OrganisationScope, Store, StoreError,
    events::NewEvent,
    photos::{Imported, NewPhoto, reads},
};
use time::OffsetDateTime;
use tokio::{runtime::Handle, task::JoinSet, task::block_in_place};

use crate::harness::{Engine, Raw, START, TestStore};

on_both_engines!(
    photos_come_by_capture_time_untimed_last_then_by_name_byte_by_byte,
    a_walk_through_the_pages_meets_every_photo_once_and_in_order,
    an_event_without_photos_has_empty_lists,
    another_event_never_shows_the_photos,
    a_photo_comes_back_as_it_was_loaded,
    a_window_takes_its_first_instant_and_not_its_last,
    a_window_of_all_time_has_every_timed_photo_and_no_other,
    days_and_hours_are_utc_also_before_1970_and_across_midnight,
    a_bib_number_is_found_without_regard_to_case_and_white_space,
    originals_come_in_the_order_asked_each_once,
    loading_the_same_again_changes_nothing,
    a_photo_that_is_loaded_again_becomes_what_it_is_given_as,
    of_two_with_one_name_the_later_counts,
    counts_do_not_depend_on_where_a_batch_ends,
    more_photos_of_one_instant_than_a_block_counts_are_split,
    a_batch_that_cannot_be_loaded_leaves_nothing_behind,
    another_organisations_event_is_refused_like_one_that_does_not_exist,
    a_revocation_hardly_waits_behind_an_import_in_another_process,
    imports_into_one_event_at_once_end_with_the_right_counts,
    photos_are_found_as_in_a_plain_list_whatever_was_loaded,
    every_statement_that_reads_photos_goes_by_an_index,
    twenty_who_ask_at_once_for_the_key_of_links_get_the_same,
);

on_postgres_alone!(no_read_visits_more_than_a_few_of_an_events_photos);

const HOUR: i64 = 3_600_000;

fn scope(organisation: i64) -> OrganisationScope {
    OrganisationScope::operator(OrganisationId(organisation))
}

/// Organisation 903 with event 456.
async fn event(store: &TestStore) -> EventAccess {
    store.organisation(903, Plan::Enterprise).await;
    another_event(store, 903, 456).await
}

pub(crate) async fn another_event(store: &Store, organisation: i64, event: i64) -> EventAccess {
    let made = NewEvent {
        id: Some(EventId(event)),
        name: format!("Event {event}"),
        date: None,
        status: EventStatus::Active,
        settings: Some(EventSettings::ALL_ON),
    };
    let made = store.events().create(scope(organisation), &made).await;
    access(store, organisation, made.expect("created")).await
}

/// What the guard gives to a holder of a good key.
pub(crate) async fn access(store: &Store, organisation: i64, event: EventId) -> EventAccess {
    let token = TokenRecord {
        token_id: TokenId(1),
        organisation_id: OrganisationId(organisation),
        plan: Plan::Enterprise,
        active: true,
        expires_at: None,
    };
    let record = store.grants().event(event).await.expect("an answer");
    token
        .admit(START)
        .and_then(|caller| caller.organisation(OrganisationId(organisation)))
        .and_then(|access| access.event(record.as_ref()))
        .expect("a good key")
}

fn photo(image_id: &str, captured_at: Option<i64>) -> NewPhoto {
    NewPhoto {
        photo: Photo {
            img_url: format!("https://images.example.com/{image_id}.jpg"),
            height: None,
            width: None,
            image_id: ImageId(image_id.to_owned()),
            thumbnail_url: format!("/thumbnails/{image_id}.jpg"),
            original_url: None,
        },
        captured_at: captured_at.map(Timestamp),
        original_path: None,
        bibs: Vec::new(),
    }
}

fn tagged(image_id: &str, captured_at: Option<i64>, bibs: &[&str]) -> NewPhoto {
    NewPhoto {
        bibs: bibs.iter().map(|text| bib(text)).collect(),
        ..photo(image_id, captured_at)
    }
}

fn bib(text: &str) -> Bib {
    Bib::parse(text).expect("a bib number")
}

async fn load(store: &Store, access: EventAccess, batch: &[NewPhoto]) -> Imported {
    let scope = OrganisationScope::from(access);
    let loaded = store.photos().import(scope, access.event_id(), batch).await;
    loaded.expect("loaded")
}

const fn imported(added: u64, updated: u64, unchanged: u64) -> Imported {
    Imported {
        added,
        updated,
        unchanged,
    }
}

fn page(page: i64, size: i64) -> PageRequest {
    PageRequest::new(page, size, 100).expect("within range")
}

/// A list of photos.
#[derive(Clone, Debug)]
enum List {
    All,
    Bib(Bib),
    Window(TimeWindow),
}

impl List {
    async fn page(&self, store: &Store, access: EventAccess, request: PageRequest) -> Page<Photo> {
        let photos = store.photos();
        match self {
            Self::All => photos.all(access, request).await,
            Self::Bib(bib) => photos.with_bib(access, bib, request).await,
            Self::Window(window) => photos.taken_within(access, *window, request).await,
        }
        .expect("a page")
    }

    /// Every name, by pages of `size`, each of which has the right total.
    async fn walk(&self, store: &Store, access: EventAccess, size: i64) -> Vec<String> {
        let mut names = Vec::new();
        let mut totals = BTreeSet::new();
        for number in 1.. {
            let list = self.page(store, access, page(number, size)).await;
            totals.insert(list.pagination.total);
            names.extend(list.rows.into_iter().map(|photo| photo.image_id.0));
            if !list.pagination.has_next_page {
                break;
            }
        }
        assert_eq!(totals, BTreeSet::from([names.len() as i64]), "{self:?}");
        names
    }
}

async fn names(store: &Store, access: EventAccess) -> Vec<String> {
    List::All.walk(store, access, 100).await
}

async fn with_bib(store: &Store, access: EventAccess, text: &str) -> Vec<String> {
    List::Bib(bib(text)).walk(store, access, 100).await
}

async fn days(store: &Store, access: EventAccess) -> Vec<TimelineDay> {
    store.photos().days(access).await.expect("days")
}

fn day(date: &str, hours: &[(u8, i64)]) -> TimelineDay {
    TimelineDay {
        date: date.to_owned(),
        total: hours.iter().map(|(_, count)| count).sum(),
        hours: hours
            .iter()
            .map(|&(hour, count)| TimelineHour { hour, count })
            .collect(),
    }
}

/// Holds what is made from the photos against the photos: each block counts what lies in it, all of it
/// within its hour, which the first block of the hour begins with; and each bib number of each photo, and
/// no other, is in the index.
pub(crate) async fn assert_sound(raw: &Raw, most: i64) {
    type Place = (i64, i64, String);
    fn place(text: &str) -> Place {
        let mut words = text.splitn(3, ' ');
        let mut number = || words.next().and_then(|word| word.parse().ok());
        let (event, ordered_at) = (number(), number());
        let name = words.next().expect("a name").to_owned();
        (event.expect("a number"), ordered_at.expect("a time"), name)
    }
    let hour = |ordered_at: i64| match ordered_at {
        i64::MAX => i64::MAX,
        time => time.div_euclid(HOUR),
    };

    let photos = "SELECT event_id || ' ' || ordered_at || ' ' || image_id FROM photos";
    let blocks = "SELECT photos || '|' || event_id || ' ' || ordered_at || ' ' || image_id
        FROM photo_blocks";
    let photos: BTreeSet<Place> = raw.texts(photos).await.iter().map(|it| place(it)).collect();
    let mut counted: BTreeMap<Place, i64> = BTreeMap::new();
    for text in raw.texts(blocks).await {
        let (count, start) = text.split_once('|').expect("two parts");
        counted.insert(place(start), count.parse().expect("a number"));
    }
    let mut real: BTreeMap<Place, i64> = counted.keys().map(|it| (it.clone(), 0)).collect();
    for photo in &photos {
        let (block, count) = real.range_mut(..=photo).next_back().expect("a block");
        assert_eq!(
            (block.0, hour(block.1)),
            (photo.0, hour(photo.1)),
            "{photo:?}"
        );
        *count += 1;
    }
    assert_eq!(counted, real);
    assert!(counted.values().all(|count| (1..=most).contains(count)));
    let mut hours = BTreeSet::new();
    for (event, ordered_at, name) in counted.keys() {
        if hours.insert((event, hour(*ordered_at))) {
            let first = hour(*ordered_at).checked_mul(HOUR).unwrap_or(i64::MAX);
            assert_eq!((first, ""), (*ordered_at, name.as_str()));
        }
    }

    let tags =
        "SELECT event_id || ' ' || ordered_at || ' ' || image_id || '|' || bib FROM photo_bibs";
    let kept = "SELECT event_id || ' ' || ordered_at || ' ' || image_id || '|' || bibs FROM photos
        WHERE bibs <> ''";
    let expected: BTreeSet<String> = raw
        .texts(kept)
        .await
        .iter()
        .filter_map(|text| text.split_once('|'))
        .flat_map(|(place, bibs)| bibs.split('\n').map(move |bib| format!("{place}|{bib}")))
        .collect();
    let tags = raw.texts(tags).await.into_iter().collect::<BTreeSet<_>>();
    assert_eq!(tags, expected);
}

/// The most that a block counts unless a test says otherwise.
pub(crate) const MOST: i64 = 1_024;

async fn photos_come_by_capture_time_untimed_last_then_by_name_byte_by_byte(store: TestStore) {
    let access = event(&store).await;
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
    load(&store, access, &batch).await;
    let expected = ["old", "z", "10", "9", "B", "_", "a", "a b", "ä", "A", "b"];
    assert_eq!(names(&store, access).await, expected);
    assert_sound(store.raw(), MOST).await;
}

async fn a_walk_through_the_pages_meets_every_photo_once_and_in_order(store: TestStore) {
    let access = event(&store).await;
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
        .import(scope(903), EventId(456), &photos)
        .await
        .expect("loaded");
    assert_sound(store.raw(), 7).await;

    let window = TimeWindow::of_seconds(START.0 / 1_000 + 1_000, START.0 / 1_000 + 20_000);
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
                list.walk(&store, access, size).await,
                whole,
                "{list:?}, pages of {size}"
            );
        }
        for number in [whole.len() as i64 + 1, i64::MAX / 1_000] {
            let past = list.page(&store, access, page(number, 1)).await;
            assert!(past.rows.is_empty(), "{list:?}");
            assert_eq!(past.pagination.current_page, number);
            assert_eq!(past.pagination.total, whole.len() as i64);
        }
    }
}

async fn an_event_without_photos_has_empty_lists(store: TestStore) {
    let access = event(&store).await;
    let window = TimeWindow::of_seconds(i64::MIN, i64::MAX).expect("a window");
    for list in [List::All, List::Bib(bib("1")), List::Window(window)] {
        let empty = list.page(&store, access, page(3, 10)).await;
        assert!(empty.rows.is_empty());
        let place = empty.pagination;
        assert_eq!((place.total, place.current_page), (0, 0), "{list:?}");
    }
    assert!(days(&store, access).await.is_empty());
    let photos = store.photos();
    assert!(
        photos
            .originals(access, &[])
            .await
            .expect("a list")
            .is_empty()
    );
    assert_eq!(load(&store, access, &[]).await, Imported::default());
}

async fn another_event_never_shows_the_photos(store: TestStore) {
    let access = event(&store).await;
    let sibling = another_event(&store, 903, 457).await;
    store.organisation(904, Plan::Enterprise).await;
    let foreign = another_event(&store, 904, 455).await;
    load(
        &store,
        access,
        &[tagged("shared", Some(5), &["7"]), photo("own", None)],
    )
    .await;
    load(&store, foreign, &[tagged("shared", Some(HOUR), &["8"])]).await;
    assert_sound(store.raw(), MOST).await;

    assert!(names(&store, sibling).await.is_empty());
    assert!(days(&store, sibling).await.is_empty());
    assert_eq!(names(&store, access).await, ["shared", "own"]);
    assert_eq!(names(&store, foreign).await, ["shared"]);
    assert!(with_bib(&store, foreign, "7").await.is_empty());
    assert_eq!(days(&store, foreign).await, [day("1970-01-01", &[(1, 1)])]);
    let asked = ["own", "shared"].map(|name| ImageId(name.to_owned()));
    let originals = store
        .photos()
        .originals(foreign, &asked)
        .await
        .expect("a list");
    assert_eq!(originals.len(), 1);
}

async fn a_photo_comes_back_as_it_was_loaded(store: TestStore) {
    let access = event(&store).await;
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
    load(&store, access, &[full.clone(), bare.clone()]).await;
    let list = List::All.page(&store, access, page(1, 10)).await;
    assert_eq!(list.rows, [full.photo.clone(), bare.photo]);
    let tagged = List::Bib(bib("b")).page(&store, access, page(1, 10)).await;
    assert_eq!(tagged.rows, [full.photo]);
    assert_eq!(with_bib(&store, access, "A").await, ["full"]);
}

async fn a_window_takes_its_first_instant_and_not_its_last(store: TestStore) {
    let access = event(&store).await;
    let second = START.0 / 1_000;
    let at = |millis: i64| photo(&format!("{millis}"), Some(START.0 + millis));
    let batch = [-1, 0, 1, 999, 1_000, 1_001, 1_999, 2_000].map(at);
    load(&store, access, &batch).await;
    load(&store, access, &[photo("untimed", None)]).await;
    for (from, to, expected) in [
        (0, 1, vec!["0", "1", "999"]),
        (1, 2, vec!["1000", "1001", "1999"]),
        (-1, 0, vec!["-1"]),
        (2, 9, vec!["2000"]),
        (3, 9, vec![]),
    ] {
        let window = TimeWindow::of_seconds(second + from, second + to).expect("a window");
        let found = List::Window(window).walk(&store, access, 2).await;
        assert_eq!(found, expected, "{from} to {to}");
    }
}

async fn a_window_of_all_time_has_every_timed_photo_and_no_other(store: TestStore) {
    let access = event(&store).await;
    let (first, last) = (-62_167_219_200_000, 253_402_300_799_999);
    let batch = [
        photo("first", Some(first)),
        photo("last", Some(last)),
        photo("untimed", None),
        photo("zero", Some(0)),
    ];
    load(&store, access, &batch).await;
    assert_sound(store.raw(), MOST).await;
    let all = [
        (i64::MIN, i64::MAX, 3),
        (i64::MIN, i64::MIN + 1, 0),
        (i64::MAX - 1, i64::MAX, 0),
    ];
    for (from, to, count) in all {
        let window = TimeWindow::of_seconds(from, to).expect("a window");
        let found = List::Window(window).walk(&store, access, 1).await;
        assert_eq!(found, ["first", "zero", "last"][..count], "{from} to {to}");
    }
    let expected = [
        day("0000-01-01", &[(0, 1)]),
        day("1970-01-01", &[(0, 1)]),
        day("9999-12-31", &[(23, 1)]),
    ];
    assert_eq!(days(&store, access).await, expected);
}

async fn days_and_hours_are_utc_also_before_1970_and_across_midnight(store: TestStore) {
    let access = event(&store).await;
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
    load(&store, access, &batch).await;
    let expected = [
        day("1969-12-31", &[(22, 1), (23, 2)]),
        day("1970-01-01", &[(0, 1)]),
        day("2026-01-19", &[(6, 1), (23, 1)]),
        day("2026-01-20", &[(0, 2)]),
    ];
    assert_eq!(days(&store, access).await, expected);
    assert_sound(store.raw(), MOST).await;
}

async fn a_bib_number_is_found_without_regard_to_case_and_white_space(store: TestStore) {
    let access = event(&store).await;
    let batch = [
        tagged("2", Some(2), &["Ä17 ", "1"]),
        tagged("1", Some(1), &["ä17"]),
        tagged("3", None, &["17"]),
        tagged("4", Some(3), &["Ä 17"]),
    ];
    load(&store, access, &batch).await;
    for text in ["ä17", "Ä17", "\u{2003}Ä17\t"] {
        assert_eq!(with_bib(&store, access, text).await, ["1", "2"], "{text:?}");
    }
    assert_eq!(with_bib(&store, access, "17").await, ["3"]);
    assert_eq!(with_bib(&store, access, "ä  17").await, [""; 0]);
}

async fn originals_come_in_the_order_asked_each_once(store: TestStore) {
    let access = event(&store).await;
    let batch: Vec<_> = (0..1_000)
        .map(|n| NewPhoto {
            original_path: (n % 10 != 0).then(|| format!("456/{n}.jpg")),
            ..tagged(&n.to_string(), Some(n), if n < 50 { &["9"] } else { &[] })
        })
        .collect();
    load(&store, access, &batch).await;
    let asked: Vec<_> = (0..1_000)
        .rev()
        .chain([999, 5, 1_000])
        .map(|n| ImageId(n.to_string()))
        .chain(["", "nul\0", "NUL"].map(|name| ImageId(name.to_owned())))
        .collect();
    let found = store
        .photos()
        .originals(access, &asked)
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
        .originals_with_bib(access, &bib("9"), page(2, 20))
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

async fn loading_the_same_again_changes_nothing(store: TestStore) {
    let access = event(&store).await;
    let batch: Vec<_> = (0..450)
        .map(|n| {
            tagged(
                &n.to_string(),
                (n % 5 != 0).then_some(n * 60_000),
                &["7", "a"],
            )
        })
        .collect();
    assert_eq!(load(&store, access, &batch).await, imported(450, 0, 0));
    let before = store.raw().dump().await;
    let mut reversed = batch.clone();
    reversed.reverse();
    reversed.iter_mut().for_each(|it| it.bibs.reverse());
    for batch in [&batch, &reversed] {
        assert_eq!(load(&store, access, batch).await, imported(0, 0, 450));
    }
    assert_eq!(store.raw().dump().await, before);
}

async fn a_photo_that_is_loaded_again_becomes_what_it_is_given_as(store: TestStore) {
    let access = event(&store).await;
    let batch = [
        tagged("a", Some(1), &["1", "2"]),
        tagged("b", Some(2), &["1"]),
        tagged("c", None, &[]),
    ];
    load(&store, access, &batch).await;
    let moved = [
        tagged("a", Some(3 * HOUR), &["1", "2"]),
        tagged("b", Some(2), &["3"]),
        tagged("c", Some(4), &["1"]),
    ];
    assert_eq!(load(&store, access, &moved).await, imported(0, 3, 0));
    assert_sound(store.raw(), MOST).await;
    assert_eq!(names(&store, access).await, ["b", "c", "a"]);
    assert_eq!(with_bib(&store, access, "1").await, ["c", "a"]);
    assert_eq!(with_bib(&store, access, "2").await, ["a"]);
    assert_eq!(with_bib(&store, access, "3").await, ["b"]);
    assert_eq!(
        days(&store, access).await,
        [day("1970-01-01", &[(0, 2), (3, 1)])]
    );

    let mut renewed = moved[1].clone();
    renewed.photo.width = Some(640);
    renewed.original_path = Some("456/b.jpg".to_owned());
    let again = [moved[0].clone(), renewed.clone(), moved[2].clone()];
    assert_eq!(load(&store, access, &again).await, imported(0, 1, 2));
    let list = List::All.page(&store, access, page(1, 1)).await;
    assert_eq!(list.rows, [renewed.photo]);

    let untimed = [photo("a", None), photo("b", None), photo("c", None)];
    assert_eq!(load(&store, access, &untimed).await, imported(0, 3, 0));
    assert_sound(store.raw(), MOST).await;
    assert!(days(&store, access).await.is_empty());
    assert!(with_bib(&store, access, "1").await.is_empty());
    assert_eq!(names(&store, access).await, ["a", "b", "c"]);
}

async fn of_two_with_one_name_the_later_counts(store: TestStore) {
    let access = event(&store).await;
    let batch = [
        tagged("a", Some(1), &["1"]),
        tagged("b", Some(1), &["1"]),
        tagged("a", Some(2 * HOUR), &["2"]),
        tagged("a", Some(2 * HOUR), &["2"]),
    ];
    assert_eq!(load(&store, access, &batch).await, imported(2, 1, 1));
    assert_sound(store.raw(), MOST).await;
    assert_eq!(names(&store, access).await, ["b", "a"]);
    assert_eq!(with_bib(&store, access, "1").await, ["b"]);
}

async fn counts_do_not_depend_on_where_a_batch_ends(store: TestStore) {
    let whole = event(&store).await;
    let parts = another_event(&store, 903, 457).await;
    let batch: Vec<_> = (0..60_i64)
        .map(|n| photo(&(n % 25).to_string(), Some(n % 4)))
        .collect();
    let at_once = load(&store, whole, &batch).await;
    let mut one_by_one = Imported::default();
    for part in batch.chunks(7) {
        let part = load(&store, parts, part).await;
        one_by_one.added += part.added;
        one_by_one.updated += part.updated;
        one_by_one.unchanged += part.unchanged;
    }
    assert_eq!(at_once, one_by_one);
    assert_eq!(names(&store, whole).await, names(&store, parts).await);
}

async fn more_photos_of_one_instant_than_a_block_counts_are_split(store: TestStore) {
    let access = event(&store).await;
    let count = 2 * MOST + 3;
    let batch: Vec<_> = (0..count)
        .map(|n| photo(&format!("{n:05}"), Some(7)))
        .collect();
    load(&store, access, &batch).await;
    assert_sound(store.raw(), MOST).await;
    let blocks = store
        .raw()
        .number("SELECT COUNT(*) FROM photo_blocks")
        .await;
    assert!(blocks >= 3, "{blocks}");
    let middle = List::All
        .page(&store, access, page(count / 2 / 10, 10))
        .await;
    assert_eq!(
        middle.rows[0].image_id.0,
        format!("{:05}", (count / 2 / 10 - 1) * 10)
    );
    let window = TimeWindow::of_seconds(0, 1).expect("a window");
    let last = List::Window(window)
        .page(&store, access, page(count, 1))
        .await;
    assert_eq!(last.rows[0].image_id.0, format!("{:05}", count - 1));
}

async fn a_batch_that_cannot_be_loaded_leaves_nothing_behind(store: TestStore) {
    let access = event(&store).await;
    load(&store, access, &[tagged("there", Some(1), &["1"])]).await;
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
            .import(scope(903), EventId(456), &batch)
            .await;
        assert_refused!(refused, StoreError::Database(_));
        assert_eq!(store.raw().dump().await, before);
    }
    let longest = "ä".repeat(255);
    load(
        &store,
        access,
        &[tagged(&longest, None, &["ß".repeat(64).as_str()])],
    )
    .await;
    assert_eq!(names(&store, access).await, ["there", &longest]);
}

async fn another_organisations_event_is_refused_like_one_that_does_not_exist(store: TestStore) {
    event(&store).await;
    store.organisation(904, Plan::Enterprise).await;
    let before = store.raw().dump().await;
    for (organisation, event) in [(904, 456), (903, 999), (999, 456)] {
        let batch = [photo("a", None)];
        let refused = store
            .photos()
            .import(scope(organisation), EventId(event), &batch)
            .await;
        assert_refused!(refused, StoreError::NoSuchEvent(named) if named.0 == event);
    }
    assert_eq!(store.raw().dump().await, before);
}

async fn imports_into_one_event_at_once_end_with_the_right_counts(store: TestStore) {
    let access = event(&store).await;
    let servers = [store.server(), store.another_server().await];
    let mut imports = JoinSet::new();
    for n in 0..8_i64 {
        let server = servers[n as usize % 2].clone();
        imports.spawn(async move {
            let mut sum = Imported::default();
            for part in 0..5 {
                // Each photo is loaded by two of them, in different hours.
                let batch: Vec<_> = (0..40)
                    .map(|k| {
                        let name = (n / 2 * 200 + part * 40 + k).to_string();
                        tagged(&name, Some((n * 20 + k) * HOUR / 10), &["1"])
                    })
                    .collect();
                let photos = server.photos().in_blocks_of(5);
                let done = photos.import(scope(903), EventId(456), &batch).await;
                let done = done.expect("loaded");
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
    assert_eq!(names(&store, access).await.len(), 800);
    assert_eq!(with_bib(&store, access, "1").await.len(), 800);
}

async fn a_revocation_hardly_waits_behind_an_import_in_another_process(store: TestStore) {
    event(&store).await;
    let member = store.member("ada@example.com", 903).await;
    let token = store.tokens().create(&member, None).await.expect("created");
    let token = token.summary.id;
    let other = store.another_server().await;
    let importing = tokio::spawn(async move {
        // All at hand, so that it stops for nothing; and each batch moves the photos of the one before.
        let batches: Vec<Vec<_>> = (0..3)
            .map(|n| {
                let photos = (0..1_000).map(|k| tagged(&k.to_string(), Some(n * HOUR), &["1"]));
                photos.collect()
            })
            .collect();
        for batch in batches.iter().cycle().take(30) {
            let loaded = other.photos().import(scope(903), EventId(456), batch).await;
            loaded.expect("loaded");
        }
    });
    let mut longest = Duration::ZERO;
    let mut active = false;
    while !importing.is_finished() {
        let start = Instant::now();
        let changed = store
            .tokens()
            .set_active((&member).into(), token, active)
            .await;
        changed.expect("changed");
        longest = longest.max(start.elapsed());
        active = !active;
    }
    importing.await.expect("loaded");
    // Without a rest between batches it takes longer than this, or fails.
    assert!(longest < Duration::from_secs(2), "{longest:?}");
}

/// Names in which bytewise order differs from that of a language, and few enough to come twice.
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

/// Mostly from one hour to another, where the photos are.
fn any_window() -> impl Strategy<Value = TimeWindow> {
    let hours = (-4..31_i64, 1..20_i64).prop_map(|(from, length)| (from * 3_600, length * 3_600));
    let seconds = (-4 * 3_600..32 * 3_600_i64, 1..20 * 3_600_i64);
    prop_oneof![3 => hours, 1 => seconds]
        .prop_map(|(from, length)| TimeWindow::of_seconds(from, from + length).expect("a window"))
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

async fn photos_are_found_as_in_a_plain_list_whatever_was_loaded(store: TestStore) {
    store.organisation(903, Plan::Enterprise).await;
    let events = std::sync::atomic::AtomicI64::new(1);
    let batches = prop::collection::vec(prop::collection::vec(any_photo(), 1..40), 1..4);
    let windows = prop::collection::vec(any_window(), 4);
    let mut runner = TestRunner::new(Config {
        cases: 24,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    });
    let outcome = block_in_place(|| {
        runner.run(
            &(batches, windows, 1..6_i64, 1..40_i64),
            |(batches, windows, most, size)| {
                Handle::current().block_on(async {
                    let id = events.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    let access = another_event(&store, 903, id).await;
                    for batch in &batches {
                        let photos = store.photos().in_blocks_of(most);
                        let loaded = photos.import(scope(903), EventId(id), batch).await;
                        loaded.expect("loaded");
                    }
                    assert_sound(store.raw(), 5).await;
                    let expected = reference(&batches);
                    let of = |wanted: &dyn Fn(&NewPhoto) -> bool| -> Vec<String> {
                        let found = expected.iter().filter(|it| wanted(it));
                        found.map(|it| it.photo.image_id.0.clone()).collect()
                    };
                    prop_assert_eq!(List::All.walk(&store, access, size).await, of(&|_| true));
                    for number in ["1", "a17", "ä", "none"].map(bib) {
                        let found = List::Bib(number.clone()).walk(&store, access, size).await;
                        let has = |it: &NewPhoto| it.bibs.iter().any(|b| b.key() == number.key());
                        prop_assert_eq!(found, of(&has));
                    }
                    for window in windows {
                        let found = List::Window(window).walk(&store, access, size).await;
                        let within = |it: &NewPhoto| {
                            it.captured_at
                                .is_some_and(|at| at >= window.from() && at < window.to())
                        };
                        prop_assert_eq!(found, of(&within));
                    }
                    prop_assert_eq!(days(&store, access).await, reference_days(&expected));
                    Ok(())
                })
            },
        )
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

/// 12,000 photos in blocks of at most 64, 1,200 of them with the bib number 7; and as many of another event.
async fn many_photos(store: &TestStore) -> EventAccess {
    let access = event(store).await;
    another_event(store, 903, 457).await;
    for event in [456, 457] {
        for first in (0..12_000).step_by(2_000) {
            let batch: Vec<_> = (first..first + 2_000)
                .map(|n| {
                    let time = n * 7_919 % 12_000 * 3_000;
                    tagged(
                        &n.to_string(),
                        Some(time),
                        if n % 10 == 0 { &["7"] } else { &["8"] },
                    )
                })
                .collect();
            let photos = store.photos().in_blocks_of(64);
            let loaded = photos.import(scope(903), EventId(event), &batch).await;
            loaded.expect("loaded");
        }
    }
    access
}

/// The engine's plan for a statement, a step in each line.
async fn plan(raw: &Raw, sql: &str) -> Vec<String> {
    match raw {
        Raw::Sqlite(pool) => {
            let sql = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
            let steps: Vec<(i64, i64, i64, String)> =
                sqlx::query_as(sql).fetch_all(pool).await.expect("a plan");
            steps.into_iter().map(|(.., step)| step).collect()
        }
        Raw::Postgres(_) => raw.texts(&format!("EXPLAIN {sql}")).await,
    }
}

async fn every_statement_that_reads_photos_goes_by_an_index(store: TestStore) {
    many_photos(&store).await;
    let raw = store.raw();
    for analysed in [false, true] {
        if analysed {
            raw.execute("ANALYZE").await;
        }
        for (text, values) in reads() {
            let numbered = values.iter().enumerate().rev();
            let sql = numbered.fold(text, |text, (n, value)| {
                text.replace(&format!("${}", n + 1), value)
            });
            let plan = plan(raw, &sql).await;
            let of_photos = |step: &&String| step.contains("photo") || step.contains(" on ");
            let steps: Vec<_> = plan.iter().filter(of_photos).collect();
            assert!(!steps.is_empty(), "{sql}: {plan:#?}");
            for step in &steps {
                let by_index = match raw.engine() {
                    // By the event alone it would go through all of an event's photos.
                    Engine::Sqlite => {
                        (step.starts_with("SEARCH ") || step.starts_with("CO-ROUTINE"))
                            && (!step.ends_with("(event_id=?)") || step.contains("photo_blocks"))
                    }
                    Engine::Postgres => !step.contains("Seq Scan") || step.contains("photo_blocks"),
                };
                assert!(by_index, "{step}\n{sql}: {plan:#?}");
            }
        }
    }
}

/// Counted by PostgreSQL itself, for what the store does and not only for its statements: also before it
/// knows anything of the tables, and after a plan was made once for all values.
async fn no_read_visits_more_than_a_few_of_an_events_photos(store: TestStore) {
    let access = many_photos(&store).await;
    let connections = "SELECT COUNT(*) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'developer-zone'";
    // A connection tells what it did at its end, or in a long pause: those that loaded the photos must not do
    // so in the midst of what is counted.
    store.close().await;
    no_more(&store, connections).await;
    let visited = "SELECT CAST((SELECT SUM(idx_tup_read) FROM pg_stat_user_indexes
            WHERE relname LIKE 'photo%') + (SELECT SUM(seq_tup_read) FROM pg_stat_user_tables
            WHERE relname LIKE 'photo%') AS BIGINT)";
    let hour = TimeWindow::of_seconds(10_000, 13_600).expect("a window");
    let lists = [
        (List::All, 375),
        (List::Window(hour), 38),
        (List::Bib(bib("7")), 38),
    ];
    const RUNS: i64 = 8;
    for analysed in [false, true] {
        if analysed {
            store.raw().execute("ANALYZE").await;
        }
        for (list, last) in &lists {
            for number in [1, last / 2, *last] {
                let server = store.another_server().await;
                let before = store.raw().number(visited).await;
                for _ in 0..RUNS {
                    let page = list.page(&server, access, page(number, 32)).await;
                    assert!(!page.rows.is_empty());
                }
                server.close().await;
                no_more(&store, connections).await;
                let rows = (store.raw().number(visited).await - before) / RUNS;
                // A bib number's photos are counted one by one, in its index.
                assert!(
                    (32..=2_600).contains(&rows),
                    "{list:?}, page {number}: {rows}"
                );
            }
        }
    }
}

/// Waits until the query counts none.
async fn no_more(store: &TestStore, query: &str) {
    while store.raw().number(query).await > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn twenty_who_ask_at_once_for_the_key_of_links_get_the_same(store: TestStore) {
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
