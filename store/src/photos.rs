//! Photos of events: loading and removing them in bulk, finding them by page, bib number and time, and their changes.
//!
//! No read scans an event's photos. The counts in [`blocks`] give the block in which a page, a time or an hour begins.
//! An index finds the place inside the block. So the last page of a million photos costs as much as the first.

pub(crate) mod blocks;
mod by_name;
mod changes;
mod listed;
pub(crate) mod loading;

use std::collections::{HashMap, HashSet};

use model::{
    event::EventId,
    page::{ListRequest, Page, PageRequest, Pagination},
    permission::EventPermission,
    photo::{Bib, ImageId, ListedPhoto, Original, TimeWindow, TimelineDay, TimelineHour},
};
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};
use tokio::time::Instant;

use self::{
    blocks::{MAX_PHOTOS, Place, UNTIMED, hour_of},
    by_name::{NAMES, find_listed, find_originals},
    listed::{ListedRow, listed},
    loading::lock_event,
};
pub use self::{
    changes::Changes,
    loading::{Imported, NewPhoto, Removed},
};
use crate::{
    Store,
    cursors::{CursorList, last_of_page, rows_in_all},
    database::{Row, Sql, Transaction, Value, row, values},
    error::{DatabaseError, EventError, ListError},
    permission::EventsPermission,
};

const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

/// Photos of events; see [`Store::photos`].
pub struct Photos<'a> {
    store: &'a Store,
    most_photos: i64,
}

/// A transaction that has locked an event, to change its photos.
struct Locked {
    transaction: Transaction,
    begun: Instant,
}

row! {
    struct OriginalRow {
        image_id: String,
        original_path: Option<String>,
    }
}

impl OriginalRow {
    fn name(&self) -> &str {
        &self.image_id
    }
}

impl From<OriginalRow> for Original {
    fn from(row: OriginalRow) -> Self {
        Self {
            image_id: ImageId(row.image_id),
            path: row.original_path,
        }
    }
}

row! {
    /// A block, how many photos come before it, and where it ends: at the start of the next block, if there is one.
    struct NumberedBlock {
        before: i64,
        end_ordered_at: Option<i64>,
        end_image_id: Option<String>,
        ..start: Place,
    }
}

impl NumberedBlock {
    fn end(&self) -> Place {
        match (self.end_ordered_at, self.end_image_id.clone()) {
            (Some(ordered_at), Some(image_id)) => Place {
                ordered_at,
                image_id,
            },
            _ => Place::behind_all(),
        }
    }
}

/// The casts are for PostgreSQL: its sum of whole numbers is a decimal number.
const TOTAL: &str = "SELECT CAST(COALESCE(SUM(photos), 0) AS BIGINT) FROM photo_blocks
    WHERE event_id = $1";

/// The blocks that contain a range of photos. Photos are numbered from 0, and the range excludes its end.
const BLOCKS_OF_NUMBERS: &str =
    "SELECT ordered_at, image_id, before, end_ordered_at, end_image_id FROM (
        SELECT ordered_at, image_id, photos,
            CAST(SUM(photos) OVER (
                ORDER BY ordered_at, image_id ROWS UNBOUNDED PRECEDING
            ) AS BIGINT) - photos AS before,
            LEAD(ordered_at) OVER (ORDER BY ordered_at, image_id) AS end_ordered_at,
            LEAD(image_id) OVER (ORDER BY ordered_at, image_id) AS end_image_id
        FROM photo_blocks WHERE event_id = $1
    ) AS numbered
    WHERE before < $3 AND before + photos > $2 ORDER BY before";

/// The last block that begins no later than a place, with the number of photos before it.
const BLOCK_OF_PLACE: &str = "SELECT block.ordered_at, block.image_id, (
        SELECT CAST(COALESCE(SUM(photos), 0) AS BIGINT) FROM photo_blocks AS earlier
        WHERE earlier.event_id = $1
            AND (earlier.ordered_at, earlier.image_id) < (block.ordered_at, block.image_id)
    ) AS before
    FROM (
        SELECT ordered_at, image_id FROM photo_blocks
        WHERE event_id = $1 AND (ordered_at, image_id) <= ($2, $3)
        ORDER BY ordered_at DESC, image_id DESC LIMIT 1
    ) AS block";

/// The number of a block's photos before a place, which lies before the next block.
const COUNT_IN_BLOCK: &str = "SELECT COUNT(*) FROM photos
    WHERE event_id = $1 AND (ordered_at, image_id) >= ($2, $3) AND (ordered_at, image_id) < ($4, $5)";

/// Photos between two places; the first is included, the second is not. Both ends are those of the page's own blocks,
/// so the engine reads few photos even if it chooses to sort them.
const PAGE: &str = concat!(
    "SELECT ",
    listed!(),
    " FROM photos
    WHERE event_id = $1 AND (ordered_at, image_id) >= ($2, $3) AND (ordered_at, image_id) < ($4, $5)
    ORDER BY ordered_at, image_id LIMIT $6 OFFSET $7"
);

const BLOCKS: &str = "SELECT ordered_at, photos FROM photo_blocks
    WHERE event_id = $1 AND ordered_at < $2 ORDER BY ordered_at";

const COUNT_OF_BIB: &str = "SELECT COUNT(*) FROM photo_bibs WHERE event_id = $1 AND bib = $2";

/// The number of photos of a bib number before a place.
const COUNT_OF_BIB_BEFORE: &str = "SELECT COUNT(*) FROM photo_bibs
    WHERE event_id = $1 AND bib = $2 AND (ordered_at, image_id) < ($3, $4)";

/// The photos on a page of a bib number, read from the index alone. What lists show of them is read by name afterwards:
/// for a join, PostgreSQL sometimes chooses to scan the whole event.
const PLACES_OF_BIB: &str = "SELECT ordered_at, image_id FROM photo_bibs
    WHERE event_id = $1 AND bib = $2 AND (ordered_at, image_id) >= ($3, $4)
    ORDER BY ordered_at, image_id LIMIT $5 OFFSET $6";

/// The names of an event's photos after a name, in order. None if the organisation does not have the event.
const NAMES_AFTER: &str = "SELECT image_id FROM photos WHERE event_id = $1 AND image_id > $3
        AND EXISTS (SELECT 1 FROM events WHERE id = $1 AND organisation_id = $2)
    ORDER BY image_id LIMIT $4";

/// The statements that read photos, each with sample values of its parameters; for a test that asks the engines for
/// their plans.
#[doc(hidden)]
pub fn reads() -> Vec<(String, &'static [&'static str])> {
    let fixed: [(_, &[_]); 12] = [
        (TOTAL, &["456"]),
        (BLOCKS_OF_NUMBERS, &["456", "5000", "5032"]),
        (BLOCK_OF_PLACE, &["456", "18000000", "'a'"]),
        (
            COUNT_IN_BLOCK,
            &["456", "18000000", "''", "18000001", "'a'"],
        ),
        (
            PAGE,
            &["456", "18000000", "''", "36000000", "'a'", "32", "1000"],
        ),
        (BLOCKS, &["456", "9223372036854775807"]),
        (COUNT_OF_BIB, &["456", "'7'"]),
        (COUNT_OF_BIB_BEFORE, &["456", "'7'", "18000000", "'a'"]),
        (
            PLACES_OF_BIB,
            &["456", "'7'", "18000000", "'a'", "33", "32"],
        ),
        (NAMES_AFTER, &["456", "903", "'a'", "1000"]),
        (changes::PAGE, &["456", "3", "'a'", "4", "'a'", "33"]),
        (
            loading::CUT_AT,
            &["456", "18000000", "''", "18999999", "'a'", "512"],
        ),
    ];
    let by_name = [loading::find(2), find_listed(2), find_originals(2)];
    let fixed = fixed.map(|(text, values)| (text.to_owned(), values));
    let by_name = by_name.map(|sql| (sql.as_str().to_owned(), &["456", "'1'", "'2'"][..]));
    fixed.into_iter().chain(by_name).collect()
}

impl<'a> Photos<'a> {
    pub(crate) const fn new(store: &'a Store) -> Self {
        Self {
            store,
            most_photos: MAX_PHOTOS,
        }
    }

    /// The same with blocks of at most `most_photos`: for tests, which need many blocks of few photos.
    #[must_use]
    pub const fn in_blocks_of(self, most_photos: i64) -> Self {
        Self {
            most_photos,
            ..self
        }
    }

    /// One page of the event's photos: by capture time, photos without a time last, then by name.
    ///
    /// A reader that goes on from cursor to cursor sees each photo exactly once that exists throughout with the same
    /// capture time, whatever is loaded or removed meanwhile. So do readers of the other lists.
    ///
    /// # Errors
    /// [`ListError`].
    pub async fn all(
        &self,
        permission: EventPermission,
        request: impl Into<ListRequest>,
    ) -> Result<Page<ListedPhoto>, ListError> {
        let event = permission.event_id();
        let stretch = Stretch {
            start: Place::before(i64::MIN),
            end: Place::behind_all(),
            before: 0,
            photos: self.total(event).await?,
        };
        let list = CursorList::Photos(event);
        self.page(permission, list, &stretch, &request.into()).await
    }

    /// One page of the photos that carry the bib number, in the order of [`Photos::all`].
    ///
    /// # Errors
    /// [`ListError`].
    pub async fn with_bib(
        &self,
        permission: EventPermission,
        bib: &Bib,
        request: impl Into<ListRequest>,
    ) -> Result<Page<ListedPhoto>, ListError> {
        let (names, pagination) = self.names_of_bib(permission, bib, &request.into()).await?;
        let event = permission.event_id();
        let rows = self
            .named(find_listed, event, &names, ListedRow::name)
            .await?;
        Ok(Page {
            rows: listed_photos(rows)?,
            pagination,
        })
    }

    /// One page of the photos taken within the window, in the order of [`Photos::all`].
    ///
    /// # Errors
    /// [`ListError`].
    pub async fn taken_within(
        &self,
        permission: EventPermission,
        window: TimeWindow,
        request: impl Into<ListRequest>,
    ) -> Result<Page<ListedPhoto>, ListError> {
        let event = permission.event_id();
        let [start, end] = [window.from(), window.to()].map(|it| Place::before(it.epoch_millis()));
        let before = self.counted_before(event, &start).await?;
        let stretch = Stretch {
            photos: self.counted_before(event, &end).await? - before,
            start,
            end,
            before,
        };
        let list = CursorList::PhotosWithin(event, window);
        self.page(permission, list, &stretch, &request.into()).await
    }

    /// The number of photos by UTC day and hour, earliest first; photos without a time are left out.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn days(
        &self,
        permission: EventPermission,
    ) -> Result<Vec<TimelineDay>, DatabaseError> {
        let values = values![permission.event_id().0, UNTIMED];
        let blocks: Vec<(i64, i64)> = self.store.database().fetch_all(BLOCKS, values).await?;
        days_of(&blocks)
    }

    /// One page of the originals of the photos that carry the bib number, in the order of [`Photos::all`].
    ///
    /// # Errors
    /// [`ListError`].
    pub async fn originals_with_bib(
        &self,
        permission: EventPermission,
        bib: &Bib,
        request: impl Into<ListRequest>,
    ) -> Result<Page<Original>, ListError> {
        let (names, pagination) = self.names_of_bib(permission, bib, &request.into()).await?;
        let event = permission.event_id();
        let rows = self
            .named(find_originals, event, &names, OriginalRow::name)
            .await?;
        Ok(Page {
            rows: rows.into_iter().map(Into::into).collect(),
            pagination,
        })
    }

    /// The originals of the photos with these ids, in the order of `ids`, each once. Photos that the event does not
    /// have are left out.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn originals(
        &self,
        permission: EventPermission,
        ids: &[ImageId],
    ) -> Result<Vec<Original>, DatabaseError> {
        let mut seen = HashSet::new();
        let names: Vec<_> = ids
            .iter()
            .map(|id| id.0.as_str())
            // PostgreSQL stores no text with a NUL, so no photo has such a name.
            .filter(|name| !name.contains('\0') && seen.insert(*name))
            .collect();
        let event = permission.event_id();
        let rows = self
            .named(find_originals, event, &names, OriginalRow::name)
            .await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// Loads photos into an event, all or nothing. New photos are added, and existing ones (by name) are updated.
    /// Loading the same batch again changes nothing. Of two photos with one name in a batch, the later one counts.
    ///
    /// A good batch has about a thousand photos. Meanwhile nothing else can write on SQLite, and no other import
    /// into the same event can run on PostgreSQL.
    ///
    /// # Errors
    /// [`EventError::NoSuchEvent`], also for another organisation's event, and those of the database.
    pub async fn import(
        &self,
        permission: EventsPermission,
        event: EventId,
        batch: &[NewPhoto],
    ) -> Result<Imported, EventError> {
        let mut locked = self.locked(permission, event).await?;
        let imported =
            loading::load(&mut locked.transaction, event, batch, self.most_photos).await?;
        self.finish(locked).await?;
        Ok(imported)
    }

    /// Removes these photos from an event, all or nothing. Names that the event does not have are only counted. The
    /// originals in storage stay. For the size of a batch, see [`Photos::import`].
    ///
    /// # Errors
    /// As [`Photos::import`].
    pub async fn remove(
        &self,
        permission: EventsPermission,
        event: EventId,
        batch: &[ImageId],
    ) -> Result<Removed, EventError> {
        let mut locked = self.locked(permission, event).await?;
        let removed =
            loading::remove(&mut locked.transaction, event, batch, self.most_photos).await?;
        self.finish(locked).await?;
        Ok(removed)
    }

    /// Begins a batch of changes of the event's photos.
    async fn locked(
        &self,
        permission: EventsPermission,
        event: EventId,
    ) -> Result<Locked, EventError> {
        let begun = Instant::now();
        let mut transaction = self.store.database().begin().await?;
        if !lock_event(&mut transaction, permission.organisation_id(), event).await? {
            return Err(EventError::NoSuchEvent(event));
        }
        Ok(Locked { transaction, begun })
    }

    /// Commits the batch. On SQLite, other programs can write afterwards.
    async fn finish(&self, Locked { transaction, begun }: Locked) -> Result<(), DatabaseError> {
        transaction.commit().await?;
        self.store.database().give_way(begun.elapsed()).await;
        Ok(())
    }

    /// Up to `limit` names of the event's photos after this one, in order; for a walk through all of them that
    /// removes some.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn names_after(
        &self,
        permission: EventsPermission,
        event: EventId,
        name: Option<&ImageId>,
        limit: i64,
    ) -> Result<Vec<ImageId>, DatabaseError> {
        let name = name.map_or("", |name| &name.0);
        let values = values![event.0, permission.organisation_id().0, name, limit];
        let rows: Vec<(String,)> = self.store.database().fetch_all(NAMES_AFTER, values).await?;
        Ok(rows.into_iter().map(|(name,)| ImageId(name)).collect())
    }

    /// Up to `page_size` changes of the event's photos after a cursor, oldest first. Without a cursor, all photos are
    /// added. A reader that applies all pages from the first one has exactly the event's photos.
    ///
    /// # Errors
    /// [`ListError`].
    pub async fn changes(
        &self,
        permission: EventPermission,
        after: Option<&str>,
        page_size: i64,
    ) -> Result<Changes, ListError> {
        changes::page(self.store, permission, after, page_size).await
    }

    pub(crate) async fn total(&self, event: EventId) -> Result<i64, DatabaseError> {
        let (total,): (i64,) = self
            .store
            .database()
            .fetch_one(TOTAL, values![event.0])
            .await?;
        Ok(total)
    }

    /// The names on one page of a bib number, in order.
    async fn names_of_bib(
        &self,
        permission: EventPermission,
        bib: &Bib,
        request: &ListRequest,
    ) -> Result<(Vec<String>, Pagination), ListError> {
        let database = self.store.database();
        let event = permission.event_id();
        let list = CursorList::PhotosWithBib(event, bib);
        let (total,): (i64,) = database
            .fetch_one(COUNT_OF_BIB, values![event.0, bib.key()])
            .await?;
        let page = request.page();
        let (start, mut before) = match self.start(permission, list, request).await? {
            None => (Place::before(i64::MIN), 0),
            Some(start) => {
                let values = values![event.0, bib.key(), start.ordered_at, &start.image_id];
                let (before,): (i64,) = database.fetch_one(COUNT_OF_BIB_BEFORE, values).await?;
                (start, before)
            }
        };
        before += page.offset();
        let values = values![
            event.0,
            bib.key(),
            start.ordered_at,
            &start.image_id,
            page.page_size() + 1,
            page.offset()
        ];
        let mut places: Vec<Place> = database.fetch_all(PLACES_OF_BIB, values).await?;
        let total = rows_in_all(total, before, page.page_size(), places.len());
        let last = last_of_page(&mut places, page.page_size());
        let next = self.next_cursor(permission, list, last).await?;
        let names = places.into_iter().map(|place| place.image_id).collect();
        Ok((names, Pagination::at(before, page.page_size(), total, next)))
    }

    /// Where the page after the request's cursor begins; none without a cursor.
    async fn start(
        &self,
        permission: EventPermission,
        list: CursorList<'_>,
        request: &ListRequest,
    ) -> Result<Option<Place>, ListError> {
        let organisation = permission.organisation().organisation_id();
        let Some(cursor) = request.cursor() else {
            return Ok(None);
        };
        let last: Place = self.store.position(organisation, list, cursor).await?;
        Ok(Some(last.next()))
    }

    /// The cursor of the last photo on a page, if others follow.
    async fn next_cursor(
        &self,
        permission: EventPermission,
        list: CursorList<'_>,
        last: Option<&Place>,
    ) -> Result<Option<String>, DatabaseError> {
        let organisation = permission.organisation().organisation_id();
        Ok(match last {
            None => None,
            Some(last) => Some(self.store.cursor(organisation, list, last).await?),
        })
    }

    /// The rows with these names, in their order. `find` makes the statement for a number of names.
    async fn named<R: Row, N: AsRef<str>>(
        &self,
        find: fn(usize) -> Sql,
        event: EventId,
        names: &[N],
        name: fn(&R) -> &str,
    ) -> Result<Vec<R>, DatabaseError> {
        let mut found = Vec::with_capacity(names.len());
        for chunk in names.chunks(NAMES) {
            let sql = find(chunk.len()).persistent(chunk.len() == 1);
            let values = chunk.iter().map(|name| Value::from(name.as_ref()));
            let values: Vec<_> = [Value::from(event.0)].into_iter().chain(values).collect();
            found.extend(self.store.database().fetch_all(sql, &values).await?);
        }
        Ok(in_order(names, found, name))
    }

    /// The number of the event's photos before a place.
    async fn counted_before(&self, event: EventId, place: &Place) -> Result<i64, DatabaseError> {
        let database = self.store.database();
        let values = values![event.0, place.ordered_at, &place.image_id];
        let block: Option<(i64, String, i64)> =
            database.fetch_optional(BLOCK_OF_PLACE, values).await?;
        let Some((ordered_at, image_id, before)) = block else {
            return Ok(0);
        };
        let values = values![
            event.0,
            ordered_at,
            &image_id,
            place.ordered_at,
            &place.image_id
        ];
        let (within,): (i64,) = database.fetch_one(COUNT_IN_BLOCK, values).await?;
        Ok(before + within)
    }

    /// One page of the stretch.
    async fn page(
        &self,
        permission: EventPermission,
        list: CursorList<'_>,
        stretch: &Stretch,
        request: &ListRequest,
    ) -> Result<Page<ListedPhoto>, ListError> {
        let event = permission.event_id();
        let page = request.page();
        let rest = match self.start(permission, list, request).await? {
            None => None,
            Some(start) => {
                let before = self.counted_before(event, &start).await?;
                Some(stretch.rest(start, before))
            }
        };
        let part = rest.as_ref().unwrap_or(stretch);
        let mut rows = self.rows(event, part, page).await?;
        let before = part.before - stretch.before + page.offset();
        let total = rows_in_all(stretch.photos, before, page.page_size(), rows.len());
        let last = last_of_page(&mut rows, page.page_size()).map(ListedRow::place);
        let next = self.next_cursor(permission, list, last.as_ref()).await?;
        Ok(Page {
            rows: listed_photos(rows)?,
            pagination: Pagination::at(before, page.page_size(), total, next),
        })
    }

    /// The rows on a page of the stretch, and the row after it if there is one.
    async fn rows(
        &self,
        event: EventId,
        stretch: &Stretch,
        page: PageRequest,
    ) -> Result<Vec<ListedRow>, DatabaseError> {
        let Some(found) = self.find(event, stretch, page).await? else {
            return Ok(Vec::new());
        };
        let wanted = page.page_size() + 1;
        let rows = self.rows_before(event, &found, &found.end, wanted).await?;
        let is_complete = i64::try_from(rows.len()).is_ok_and(|rows| rows == wanted);
        if is_complete || found.end >= stretch.end {
            return Ok(rows);
        }
        // Photos were removed after the blocks were read, so their end is too early. A page with too few photos would
        // look like the last one.
        self.rows_before(event, &found, &stretch.end, wanted).await
    }

    async fn rows_before(
        &self,
        event: EventId,
        found: &Whereabouts,
        end: &Place,
        wanted: i64,
    ) -> Result<Vec<ListedRow>, DatabaseError> {
        let values = values![
            event.0,
            found.start.ordered_at,
            &found.start.image_id,
            end.ordered_at,
            &end.image_id,
            wanted,
            found.offset,
        ];
        self.store.database().fetch_all(PAGE, values).await
    }

    /// The start and the end of a page of the stretch; none if the stretch has no such page. The end leaves room for one
    /// more photo.
    async fn find(
        &self,
        event: EventId,
        stretch: &Stretch,
        page: PageRequest,
    ) -> Result<Option<Whereabouts>, DatabaseError> {
        if page.offset() > 0 && page.offset() >= stretch.photos {
            return Ok(None);
        }
        let first = stretch.before + page.offset();
        let database = self.store.database();
        let values = values![event.0, first, first + page.page_size() + 1];
        let blocks: Vec<NumberedBlock> = database.fetch_all(BLOCKS_OF_NUMBERS, values).await?;
        let end = blocks
            .last()
            .map_or_else(Place::behind_all, NumberedBlock::end);
        let end = end.min(stretch.end.clone());
        // The first page needs no count, so what is loaded meanwhile cannot shift it.
        if page.offset() == 0 {
            return Ok(Some(Whereabouts {
                start: stretch.start.clone(),
                offset: 0,
                end,
            }));
        }
        let Some(block) = blocks.into_iter().next() else {
            return Ok(None);
        };
        // The stretch can begin and end inside a block.
        let (start, before) = if block.start < stretch.start {
            (stretch.start.clone(), stretch.before)
        } else {
            (block.start, block.before)
        };
        Ok(Some(Whereabouts {
            start,
            offset: first - before,
            end,
        }))
    }
}

/// A part of an event's order, from `start` to before `end`. A concurrent import can shift its numbered pages, but its
/// pages never show a photo from outside.
struct Stretch {
    start: Place,
    end: Place,
    /// How many photos come before it.
    before: i64,
    /// How many photos it has.
    photos: i64,
}

impl Stretch {
    /// The rest of the stretch from a place on, with `before` photos of the event before it.
    fn rest(&self, start: Place, before: i64) -> Self {
        Self {
            start,
            end: self.end.clone(),
            before,
            photos: self.before + self.photos - before,
        }
    }
}

/// A page that begins `offset` photos after `start` and ends before `end`.
struct Whereabouts {
    start: Place,
    offset: i64,
    end: Place,
}

fn listed_photos(rows: Vec<ListedRow>) -> Result<Vec<ListedPhoto>, DatabaseError> {
    rows.into_iter().map(TryInto::try_into).collect()
}

/// The rows in the order of `names`, which are all different. Missing rows are left out.
fn in_order<N: AsRef<str>, R>(names: &[N], rows: Vec<R>, name: fn(&R) -> &str) -> Vec<R> {
    let mut rows: HashMap<_, _> = rows
        .into_iter()
        .map(|row| (name(&row).to_owned(), row))
        .collect();
    names
        .iter()
        .filter_map(|name| rows.remove(name.as_ref()))
        .collect()
}

/// The days of blocks, each with its start and its number of photos, in order.
fn days_of(blocks: &[(i64, i64)]) -> Result<Vec<TimelineDay>, DatabaseError> {
    let mut days: Vec<TimelineDay> = Vec::new();
    for (start, count) in blocks {
        let (date, hour) = date_and_hour(hour_of(*start))?;
        match days.last_mut() {
            Some(day) if day.date == date => add_hour(day, hour, *count),
            _ => days.push(TimelineDay {
                date,
                total: *count,
                hours: vec![TimelineHour {
                    hour,
                    count: *count,
                }],
            }),
        }
    }
    Ok(days)
}

fn add_hour(day: &mut TimelineDay, hour: u8, count: i64) {
    day.total += count;
    match day.hours.last_mut() {
        Some(last) if last.hour == hour => last.count += count,
        _ => day.hours.push(TimelineHour { hour, count }),
    }
}

fn date_and_hour(epoch_millis: i64) -> Result<(String, u8), DatabaseError> {
    let instant = OffsetDateTime::from_unix_timestamp(epoch_millis.div_euclid(1_000)).ok();
    instant
        .and_then(|instant| Some((instant.format(DATE).ok()?, instant.hour())))
        .ok_or_else(|| DatabaseError::Corrupt(format!("a capture time of {epoch_millis}")))
}
