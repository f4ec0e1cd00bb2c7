//! Photos of events: loading them in bulk, and finding them by page, bib number and time.
//!
//! No read scans an event's photos. The counts in [`blocks`] give the block in which a page, a time or an hour begins.
//! An index finds the place inside the block. So the last page of a million photos costs as much as the first.

pub(crate) mod blocks;
mod by_name;
pub(crate) mod loading;

use std::collections::{HashMap, HashSet};

use model::{
    event::EventId,
    page::{Page, PageRequest, Pagination},
    permission::EventPermission,
    photo::{Bib, ImageId, Original, Photo, TimeWindow, TimelineDay, TimelineHour},
    timestamp::Timestamp,
};
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};
use tokio::time::Instant;

pub use self::loading::{Imported, NewPhoto};
use self::{
    blocks::{MAX_PHOTOS, Place, UNTIMED, hour_of},
    by_name::{NAMES, find_listed, find_originals},
    loading::lock_event,
};
use crate::{
    Store,
    database::{Row, Sql, Value, row, values},
    error::{DatabaseError, EventError},
    permission::EventsPermission,
};

const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

/// Photos of events; see [`Store::photos`].
pub struct Photos<'a> {
    store: &'a Store,
    most_photos: i64,
}

row! {
    struct ListedRow {
        image_id: String,
        img_url: String,
        thumbnail_url: String,
        original_url: Option<String>,
        width: Option<i64>,
        height: Option<i64>,
    }
}

impl ListedRow {
    fn name(&self) -> &str {
        &self.image_id
    }
}

impl From<ListedRow> for Photo {
    fn from(row: ListedRow) -> Self {
        Self {
            img_url: row.img_url,
            height: row.height,
            width: row.width,
            image_id: ImageId(row.image_id),
            thumbnail_url: row.thumbnail_url,
            original_url: row.original_url,
        }
    }
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
    fn end(self) -> Place {
        match (self.end_ordered_at, self.end_image_id) {
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

/// The last block that begins no later than an instant, with the number of photos before it.
const BLOCK_OF_TIME: &str = "SELECT block.ordered_at, block.image_id, (
        SELECT CAST(COALESCE(SUM(photos), 0) AS BIGINT) FROM photo_blocks AS earlier
        WHERE earlier.event_id = $1
            AND (earlier.ordered_at, earlier.image_id) < (block.ordered_at, block.image_id)
    ) AS before
    FROM (
        SELECT ordered_at, image_id FROM photo_blocks
        WHERE event_id = $1 AND (ordered_at, image_id) <= ($2, '')
        ORDER BY ordered_at DESC, image_id DESC LIMIT 1
    ) AS block";

/// The number of a block's photos before an instant, which lies before the next block.
const COUNT_IN_BLOCK: &str = "SELECT COUNT(*) FROM photos
    WHERE event_id = $1 AND (ordered_at, image_id) >= ($2, $3) AND ordered_at < $4";

/// Photos between two places; the first is included, the second is not. Both ends are those of the page's own blocks,
/// so the engine reads few photos even if it chooses to sort them.
const PAGE: &str =
    "SELECT image_id, img_url, thumbnail_url, original_url, width, height FROM photos
    WHERE event_id = $1 AND (ordered_at, image_id) >= ($2, $3) AND (ordered_at, image_id) < ($4, $5)
    ORDER BY ordered_at, image_id LIMIT $6 OFFSET $7";

const BLOCKS: &str = "SELECT ordered_at, photos FROM photo_blocks
    WHERE event_id = $1 AND ordered_at < $2 ORDER BY ordered_at";

const COUNT_OF_BIB: &str = "SELECT COUNT(*) FROM photo_bibs WHERE event_id = $1 AND bib = $2";

/// The names on a page of a bib number, read from the index alone. Their photos are read by name afterwards: for a
/// join, PostgreSQL sometimes chooses to scan the whole event.
const NAMES_OF_BIB: &str = "SELECT image_id FROM photo_bibs WHERE event_id = $1 AND bib = $2
    ORDER BY ordered_at, image_id LIMIT $3 OFFSET $4";

/// The statements that read photos, each with sample values of its parameters; for a test that asks the engines for
/// their plans.
#[doc(hidden)]
pub fn reads() -> Vec<(String, &'static [&'static str])> {
    let fixed: [(_, &[_]); 9] = [
        (TOTAL, &["456"]),
        (BLOCKS_OF_NUMBERS, &["456", "5000", "5032"]),
        (BLOCK_OF_TIME, &["456", "18000000"]),
        (COUNT_IN_BLOCK, &["456", "18000000", "''", "18000001"]),
        (
            PAGE,
            &["456", "18000000", "''", "36000000", "'a'", "32", "1000"],
        ),
        (BLOCKS, &["456", "9223372036854775807"]),
        (COUNT_OF_BIB, &["456", "'7'"]),
        (NAMES_OF_BIB, &["456", "'7'", "32", "32"]),
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
    /// # Errors
    /// Those of the database.
    pub async fn all(
        &self,
        permission: EventPermission,
        request: PageRequest,
    ) -> Result<Page<Photo>, DatabaseError> {
        let event = permission.event_id();
        let total = self.total(event).await?;
        let stretch = Stretch {
            start: Place::before(i64::MIN),
            end: Place::behind_all(),
            before: 0,
            photos: total,
        };
        self.page(event, &stretch, request).await
    }

    /// One page of the photos that carry the bib number, in the order of [`Photos::all`].
    ///
    /// # Errors
    /// Those of the database.
    pub async fn with_bib(
        &self,
        permission: EventPermission,
        bib: &Bib,
        request: PageRequest,
    ) -> Result<Page<Photo>, DatabaseError> {
        let event = permission.event_id();
        let (names, pagination) = self.names_of_bib(event, bib, request).await?;
        let rows = self
            .named(find_listed, event, &names, ListedRow::name)
            .await?;
        Ok(page_of(rows, pagination))
    }

    /// One page of the photos taken within the window, in the order of [`Photos::all`].
    ///
    /// # Errors
    /// Those of the database.
    pub async fn taken_within(
        &self,
        permission: EventPermission,
        window: TimeWindow,
        request: PageRequest,
    ) -> Result<Page<Photo>, DatabaseError> {
        let event = permission.event_id();
        let before = self.taken_before(event, window.from()).await?;
        let stretch = Stretch {
            start: Place::before(window.from().epoch_millis()),
            end: Place::before(window.to().epoch_millis()),
            before,
            photos: self.taken_before(event, window.to()).await? - before,
        };
        self.page(event, &stretch, request).await
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
    /// Those of the database.
    pub async fn originals_with_bib(
        &self,
        permission: EventPermission,
        bib: &Bib,
        request: PageRequest,
    ) -> Result<Page<Original>, DatabaseError> {
        let event = permission.event_id();
        let (names, pagination) = self.names_of_bib(event, bib, request).await?;
        let rows = self
            .named(find_originals, event, &names, OriginalRow::name)
            .await?;
        Ok(page_of(rows, pagination))
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
        let start = Instant::now();
        let mut transaction = self.store.database().begin().await?;
        if !lock_event(&mut transaction, permission.organisation_id(), event).await? {
            return Err(EventError::NoSuchEvent(event));
        }
        let imported = loading::load(&mut transaction, event, batch, self.most_photos).await?;
        transaction.commit().await?;
        self.store.database().give_way(start.elapsed()).await;
        Ok(imported)
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
        event: EventId,
        bib: &Bib,
        request: PageRequest,
    ) -> Result<(Vec<String>, Pagination), DatabaseError> {
        let database = self.store.database();
        let (total,): (i64,) = database
            .fetch_one(COUNT_OF_BIB, values![event.0, bib.key()])
            .await?;
        let rows: Vec<(String,)> = database
            .fetch_all(
                NAMES_OF_BIB,
                values![event.0, bib.key(), request.page_size(), request.offset()],
            )
            .await?;
        let names = rows.into_iter().map(|(name,)| name).collect();
        Ok((names, Pagination::new(request, total)))
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

    /// The number of the event's photos that were taken before `instant`.
    async fn taken_before(&self, event: EventId, instant: Timestamp) -> Result<i64, DatabaseError> {
        let instant = instant.epoch_millis();
        let database = self.store.database();
        let block: Option<(i64, String, i64)> = database
            .fetch_optional(BLOCK_OF_TIME, values![event.0, instant])
            .await?;
        let Some((ordered_at, image_id, before)) = block else {
            return Ok(0);
        };
        let values = values![event.0, ordered_at, &image_id, instant];
        let (within,): (i64,) = database.fetch_one(COUNT_IN_BLOCK, values).await?;
        Ok(before + within)
    }

    async fn page(
        &self,
        event: EventId,
        stretch: &Stretch,
        request: PageRequest,
    ) -> Result<Page<Photo>, DatabaseError> {
        let pagination = Pagination::new(request, stretch.photos);
        let Some(found) = self.find(event, stretch, request).await? else {
            return Ok(page_of(Vec::<ListedRow>::new(), pagination));
        };
        let database = self.store.database();
        let rows: Vec<ListedRow> = database
            .fetch_all(
                PAGE,
                values![
                    event.0,
                    found.start.ordered_at,
                    &found.start.image_id,
                    found.end.ordered_at,
                    &found.end.image_id,
                    request.page_size(),
                    found.offset,
                ],
            )
            .await?;
        Ok(page_of(rows, pagination))
    }

    /// The start and the end of a page of the stretch; none if the stretch has no such page.
    async fn find(
        &self,
        event: EventId,
        stretch: &Stretch,
        request: PageRequest,
    ) -> Result<Option<Whereabouts>, DatabaseError> {
        if request.offset() >= stretch.photos {
            return Ok(None);
        }
        let first = stretch.before + request.offset();
        let database = self.store.database();
        let values = values![event.0, first, first + request.page_size()];
        let mut blocks: Vec<NumberedBlock> = database.fetch_all(BLOCKS_OF_NUMBERS, values).await?;
        let Some(last) = blocks.pop() else {
            return Ok(None);
        };
        let block = blocks.first().unwrap_or(&last);
        // The stretch can begin and end inside a block.
        let (start, before) = if block.start < stretch.start {
            (stretch.start.clone(), stretch.before)
        } else {
            (block.start.clone(), block.before)
        };
        Ok(Some(Whereabouts {
            start,
            offset: first - before,
            end: last.end().min(stretch.end.clone()),
        }))
    }
}

/// A part of an event's order, from `start` to before `end`. A concurrent import can shift its pages, but its pages
/// never show a photo from outside.
struct Stretch {
    start: Place,
    end: Place,
    /// How many photos come before it.
    before: i64,
    /// How many photos it has.
    photos: i64,
}

/// A page that begins `offset` photos after `start` and ends before `end`.
struct Whereabouts {
    start: Place,
    offset: i64,
    end: Place,
}

fn page_of<R: Into<T>, T>(rows: Vec<R>, pagination: Pagination) -> Page<T> {
    Page {
        rows: rows.into_iter().map(Into::into).collect(),
        pagination,
    }
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
