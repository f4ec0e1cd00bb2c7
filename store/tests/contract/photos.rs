//! Photos: loaded in any order and repeatedly; found by page, bib number and time.

mod changes;
mod cursors;
mod loading;
mod plans;
mod reading;
mod reference;
mod removing;

use std::collections::{BTreeMap, BTreeSet};

use model::{
    event::{EventId, EventSettings, EventStatus},
    organisation::{OrganisationId, Plan},
    page::{ListRequest, Page, PageRequest},
    permission::{EventPermission, TokenRecord},
    photo::{Bib, ImageId, ListedPhoto, Photo, TimeWindow, TimelineDay, TimelineHour},
    timestamp::Timestamp,
    token::TokenId,
};
use store::{
    EventsPermission, Store,
    error::ListError,
    events::NewEvent,
    photos::{Imported, NewPhoto, Removed},
};

use proptest::test_runner::{Config, TestRunner};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::harness::{Raw, START, TestStore};

pub(super) const HOUR: i64 = 3_600_000;

/// For properties of a database, whose cases take longer than others.
pub(super) fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    })
}

pub(super) fn operator(organisation: i64) -> EventsPermission {
    EventsPermission::operator(OrganisationId(organisation))
}

/// Organisation 903 with event 456.
pub(super) async fn event(store: &TestStore) -> EventPermission {
    store.organisation(903, Plan::Enterprise).await;
    another_event(store, 903, 456).await
}

pub(crate) async fn another_event(store: &Store, organisation: i64, event: i64) -> EventPermission {
    let made = NewEvent {
        id: Some(EventId(event)),
        name: format!("Event {event}"),
        date: None,
        time_zone: None,
        status: EventStatus::Active,
        settings: Some(EventSettings::ALL_ON),
    };
    let made = store.events().create(operator(organisation), &made).await;
    event_permission(store, organisation, made.expect("created")).await
}

/// The permission that the guard gives for a valid key.
pub(crate) async fn event_permission(
    store: &Store,
    organisation: i64,
    event: EventId,
) -> EventPermission {
    let token = TokenRecord {
        token_id: TokenId(1),
        organisation_id: OrganisationId(organisation),
        plan: Plan::Enterprise,
        active: true,
        expires_at: None,
    };
    let record = store.key_cache().event(event).await.expect("an answer");
    token
        .admit(START)
        .and_then(|caller| caller.organisation(OrganisationId(organisation)))
        .and_then(|permission| permission.event(record.as_ref()))
        .expect("a good key")
}

pub(super) fn photo(image_id: &str, captured_at: Option<i64>) -> NewPhoto {
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

pub(super) fn tagged(image_id: &str, captured_at: Option<i64>, bibs: &[&str]) -> NewPhoto {
    NewPhoto {
        bibs: bibs.iter().map(|text| bib(text)).collect(),
        ..photo(image_id, captured_at)
    }
}

pub(super) fn bib(text: &str) -> Bib {
    Bib::parse(text).expect("a bib number")
}

pub(super) async fn load(
    store: &Store,
    permission: EventPermission,
    batch: &[NewPhoto],
) -> Imported {
    let loaded = store
        .photos()
        .import(permission.into(), permission.event_id(), batch)
        .await;
    loaded.expect("loaded")
}

pub(super) async fn remove(store: &Store, permission: EventPermission, names: &[&str]) -> Removed {
    let names: Vec<_> = names
        .iter()
        .map(|name| ImageId((*name).to_owned()))
        .collect();
    let photos = store.photos();
    let removed = photos.remove(permission.into(), permission.event_id(), &names);
    removed.await.expect("removed")
}

/// A loaded photo, as lists show it.
pub(super) fn listed(new: &NewPhoto) -> ListedPhoto {
    let mut bibs: Vec<_> = new.bibs.iter().map(|bib| bib.key().to_owned()).collect();
    bibs.sort();
    bibs.dedup();
    let captured_at = new.captured_at.map(|time| {
        let nanos = i128::from(time.epoch_millis()) * 1_000_000;
        let instant = OffsetDateTime::from_unix_timestamp_nanos(nanos).expect("in range");
        instant.format(&Rfc3339).expect("a time")
    });
    ListedPhoto {
        photo: new.photo.clone(),
        captured_at,
        bibs,
    }
}

pub(super) const fn imported(added: u64, updated: u64, unchanged: u64) -> Imported {
    Imported {
        added,
        updated,
        unchanged,
    }
}

pub(super) fn page(page: i64, size: i64) -> PageRequest {
    PageRequest::new(page, size, 100).expect("within range")
}

pub(super) fn after(cursor: &str, size: i64) -> ListRequest {
    ListRequest::after(cursor.to_owned(), size, 100).expect("within range")
}

pub(super) fn name(photo: ListedPhoto) -> String {
    photo.photo.image_id.0
}

/// A list of photos.
#[derive(Clone, Debug)]
pub(super) enum List {
    All,
    Bib(Bib),
    Window(TimeWindow),
}

impl List {
    pub(super) async fn page(
        &self,
        store: &Store,
        permission: EventPermission,
        request: impl Into<ListRequest>,
    ) -> Page<ListedPhoto> {
        let page = self.try_page(store, permission, request).await;
        page.expect("a page")
    }

    pub(super) async fn try_page(
        &self,
        store: &Store,
        permission: EventPermission,
        request: impl Into<ListRequest>,
    ) -> Result<Page<ListedPhoto>, ListError> {
        let photos = store.photos();
        match self {
            Self::All => photos.all(permission, request).await,
            Self::Bib(bib) => photos.with_bib(permission, bib, request).await,
            Self::Window(window) => photos.taken_within(permission, *window, request).await,
        }
    }

    /// The next page of a reader: the first one without a cursor.
    pub(super) async fn next_page(
        &self,
        store: &Store,
        permission: EventPermission,
        cursor: Option<&str>,
        size: i64,
    ) -> Page<ListedPhoto> {
        match cursor {
            None => self.page(store, permission, page(1, size)).await,
            Some(cursor) => self.page(store, permission, after(cursor, size)).await,
        }
    }

    /// Every name, read by pages of `size`; each page must have the right total.
    pub(super) async fn walk(
        &self,
        store: &Store,
        permission: EventPermission,
        size: i64,
    ) -> Vec<String> {
        let mut names = Vec::new();
        let mut totals = BTreeSet::new();
        for number in 1.. {
            let list = self.page(store, permission, page(number, size)).await;
            totals.insert(list.pagination.total);
            names.extend(list.rows.into_iter().map(name));
            if !list.pagination.has_next_page {
                break;
            }
        }
        assert_eq!(totals, BTreeSet::from([names.len() as i64]), "{self:?}");
        names
    }
}

pub(super) async fn names(store: &Store, permission: EventPermission) -> Vec<String> {
    List::All.walk(store, permission, 100).await
}

pub(super) async fn with_bib(
    store: &Store,
    permission: EventPermission,
    text: &str,
) -> Vec<String> {
    List::Bib(bib(text)).walk(store, permission, 100).await
}

pub(super) async fn days(store: &Store, permission: EventPermission) -> Vec<TimelineDay> {
    store.photos().days(permission).await.expect("days")
}

pub(super) fn day(date: &str, hours: &[(u8, i64)]) -> TimelineDay {
    TimelineDay {
        date: date.to_owned(),
        total: hours.iter().map(|(_, count)| count).sum(),
        hours: hours
            .iter()
            .map(|&(hour, count)| TimelineHour { hour, count })
            .collect(),
    }
}

/// Asserts that blocks and index fit the photos. Each block counts its photos, which lie within its hour; the first block
/// of an hour begins with the hour. The index has exactly the bib numbers of the photos.
pub(crate) async fn assert_sound(raw: &Raw, most: i64) {
    type Place = (i64, i64, String);
    pub(super) fn place(text: &str) -> Place {
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
    let stored =
        "SELECT event_id || ' ' || ordered_at || ' ' || image_id || '|' || bibs FROM photos
        WHERE bibs <> ''";
    let expected: BTreeSet<String> = raw
        .texts(stored)
        .await
        .iter()
        .filter_map(|text| text.split_once('|'))
        .flat_map(|(place, bibs)| bibs.split('\n').map(move |bib| format!("{place}|{bib}")))
        .collect();
    let tags = raw.texts(tags).await.into_iter().collect::<BTreeSet<_>>();
    assert_eq!(tags, expected);
}

/// The maximum number of photos in a block, unless a test sets another.
pub(crate) const MOST: i64 = 1_024;
