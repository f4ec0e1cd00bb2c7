//! Photos of events: loading them in bulk, and finding them by page, bib number and time.
//!
//! No read goes through an event's photos: [`blocks`] says where in the order a page, a time or an hour
//! lies, and from there an index leads on. So the last page of a million photos costs what the first does.

pub(crate) mod blocks;
pub(crate) mod loading;

use std::collections::{HashMap, HashSet};

use model::{
    event::EventId,
    page::{Page, PageRequest, Pagination},
    permission::EventPermission,
    photo::{Bib, ImageId, Original, Photo, TimeWindow, TimelineDay, TimelineHour},
    timestamp::Timestamp,
};
use sqlx::{AssertSqlSafe, FromRow, postgres::PgRow, sqlite::SqliteRow};
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};
use tokio::time::Instant;

use self::{
    blocks::{MOST_PHOTOS, Place, UNTIMED, hour_of},
    loading::{NAMES, TAKE_EVENT, find_listed, find_originals, load_photos},
};
use crate::{Store, database::on_engine, error::StoreError, scope::OrganisationScope};

const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

/// A photo to be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPhoto {
    /// What lists show of it; its name has 1 to 255 characters.
    pub photo: Photo,
    /// When it was taken, if that is known: in the years 0000 to 9999.
    pub captured_at: Option<Timestamp>,
    /// The original's name in the storage of originals, if it is there.
    pub original_path: Option<String>,
    /// The bib numbers to be seen on it.
    pub bibs: Vec<Bib>,
}

/// What became of the photos of a batch, each taken by itself: of two with one name, the second finds the
/// first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// They were not there before.
    pub added: u64,
    /// They were there, and something of them was different.
    pub updated: u64,
    /// They were there just as they are.
    pub unchanged: u64,
}

/// Photos of events; see [`Store::photos`].
pub struct Photos<'a> {
    store: &'a Store,
    most_photos: i64,
}

#[derive(sqlx::FromRow)]
struct ListedRow {
    image_id: String,
    img_url: String,
    thumbnail_url: String,
    original_url: Option<String>,
    width: Option<i64>,
    height: Option<i64>,
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

#[derive(sqlx::FromRow)]
struct OriginalRow {
    image_id: String,
    original_path: Option<String>,
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

/// A block, how many photos come before it, and where it ends: at the next one's start, if there is one.
#[derive(sqlx::FromRow)]
struct NumberedBlock {
    #[sqlx(flatten)]
    start: Place,
    before: i64,
    end_ordered_at: Option<i64>,
    end_image_id: Option<String>,
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

/// PostgreSQL sums whole numbers to a decimal one, hence the casts.
const TOTAL: &str = "SELECT CAST(COALESCE(SUM(photos), 0) AS BIGINT) FROM photo_blocks
    WHERE event_id = $1";

/// The blocks of the photos from one number, counted from 0, up to another.
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

/// The last block that begins no later than at this instant, with the number of photos before it.
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

/// Photos of a block before an instant at which the next block has not begun yet.
const COUNT_IN_BLOCK: &str = "SELECT COUNT(*) FROM photos
    WHERE event_id = $1 AND (ordered_at, image_id) >= ($2, $3) AND ordered_at < $4";

/// Photos from a place on up to another. Both ends are a page's own blocks, so that few photos are visited
/// even if the engine should choose to sort them.
const PAGE: &str =
    "SELECT image_id, img_url, thumbnail_url, original_url, width, height FROM photos
    WHERE event_id = $1 AND (ordered_at, image_id) >= ($2, $3) AND (ordered_at, image_id) < ($4, $5)
    ORDER BY ordered_at, image_id LIMIT $6 OFFSET $7";

const BLOCKS: &str = "SELECT ordered_at, photos FROM photo_blocks
    WHERE event_id = $1 AND ordered_at < $2 ORDER BY ordered_at";

const COUNT_OF_BIB: &str = "SELECT COUNT(*) FROM photo_bibs WHERE event_id = $1 AND bib = $2";

/// The names on a page of a bib number, out of the index alone. Their photos are looked up one by one: of a
/// join, PostgreSQL would weigh up whether to go through the whole event instead, and now and then it does.
const NAMES_OF_BIB: &str = "SELECT image_id FROM photo_bibs WHERE event_id = $1 AND bib = $2
    ORDER BY ordered_at, image_id LIMIT $3 OFFSET $4";

/// The statements by which photos are read, each with sample values of its parameters: for a test that asks
/// the engines how they go about them.
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
    let by_name = by_name.map(|text| (text.0, &["456", "'1'", "'2'"][..]));
    fixed.into_iter().chain(by_name).collect()
}

impl<'a> Photos<'a> {
    pub(crate) const fn new(store: &'a Store) -> Self {
        Self {
            store,
            most_photos: MOST_PHOTOS,
        }
    }

    /// The same, counting in blocks of at most `most_photos`: for tests, which have few photos and want
    /// many blocks.
    #[must_use]
    pub const fn in_blocks_of(self, most_photos: i64) -> Self {
        Self {
            most_photos,
            ..self
        }
    }

    /// One page of the event's photos: by capture time, photos without one last, then by name.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn all(
        &self,
        access: EventPermission,
        request: PageRequest,
    ) -> Result<Page<Photo>, StoreError> {
        let event = access.event_id();
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
        access: EventPermission,
        bib: &Bib,
        request: PageRequest,
    ) -> Result<Page<Photo>, StoreError> {
        let event = access.event_id();
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
        access: EventPermission,
        window: TimeWindow,
        request: PageRequest,
    ) -> Result<Page<Photo>, StoreError> {
        let event = access.event_id();
        let before = self.taken_before(event, window.from()).await?;
        let stretch = Stretch {
            start: Place::before(window.from().epoch_millis()),
            end: Place::before(window.to().epoch_millis()),
            before,
            photos: self.taken_before(event, window.to()).await? - before,
        };
        self.page(event, &stretch, request).await
    }

    /// How many photos there are by UTC day and hour, earliest first; those without a time are left out.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn days(&self, access: EventPermission) -> Result<Vec<TimelineDay>, StoreError> {
        let blocks: Vec<(i64, i64)> = on_engine!(self.store.database().reader(), |pool| {
            sqlx::query_as(BLOCKS)
                .bind(access.event_id().0)
                .bind(UNTIMED)
                .fetch_all(pool)
                .await
        })?;
        days_of(&blocks)
    }

    /// One page of the originals of the photos that carry the bib number, in the order of [`Photos::all`].
    ///
    /// # Errors
    /// Those of the database.
    pub async fn originals_with_bib(
        &self,
        access: EventPermission,
        bib: &Bib,
        request: PageRequest,
    ) -> Result<Page<Original>, StoreError> {
        let event = access.event_id();
        let (names, pagination) = self.names_of_bib(event, bib, request).await?;
        let rows = self
            .named(find_originals, event, &names, OriginalRow::name)
            .await?;
        Ok(page_of(rows, pagination))
    }

    /// The originals of those photos that the event has, in the order of `ids`, each once.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn originals(
        &self,
        access: EventPermission,
        ids: &[ImageId],
    ) -> Result<Vec<Original>, StoreError> {
        let mut asked = HashSet::new();
        let names: Vec<_> = ids
            .iter()
            .map(|id| id.0.as_str())
            // PostgreSQL takes no text with a NUL in it, so no photo has such a name.
            .filter(|name| !name.contains('\0') && asked.insert(*name))
            .collect();
        let event = access.event_id();
        let rows = self
            .named(find_originals, event, &names, OriginalRow::name)
            .await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// Loads photos into an event, all or nothing: new ones are added, and those that are there (by name)
    /// become what they are given as. Loading the same again changes nothing. Of two with one name in a
    /// batch the later counts. About a thousand are a good batch: nothing else is written meanwhile on
    /// SQLite, nor loaded into the same event on PostgreSQL.
    ///
    /// # Errors
    /// [`StoreError::NoSuchEvent`], also for another organisation's event, and those of the database.
    pub async fn import(
        &self,
        scope: OrganisationScope,
        event: EventId,
        batch: &[NewPhoto],
    ) -> Result<Imported, StoreError> {
        let organisation = scope.organisation_id();
        let start = Instant::now();
        let imported = on_engine!(transaction self.store.database(), |tx| {
            let taken = sqlx::query(TAKE_EVENT)
                .bind(event.0)
                .bind(organisation.0)
                .execute(&mut *tx)
                .await?;
            if taken.rows_affected() != 1 {
                return Err(StoreError::NoSuchEvent(event));
            }
            Ok(load_photos!(tx, event.0, batch, self.most_photos))
        })?;
        self.store.database().give_way(start.elapsed()).await;
        Ok(imported)
    }

    pub(crate) async fn total(&self, event: EventId) -> Result<i64, StoreError> {
        Ok(on_engine!(self.store.database().reader(), |pool| {
            sqlx::query_scalar(TOTAL)
                .bind(event.0)
                .fetch_one(pool)
                .await
        })?)
    }

    /// The names on one page of a bib number, in order.
    async fn names_of_bib(
        &self,
        event: EventId,
        bib: &Bib,
        request: PageRequest,
    ) -> Result<(Vec<String>, Pagination), StoreError> {
        let pagination = Pagination::new(request, self.count_of_bib(event, bib).await?);
        let names = on_engine!(self.store.database().reader(), |pool| {
            sqlx::query_scalar(NAMES_OF_BIB)
                .bind(event.0)
                .bind(bib.key())
                .bind(request.page_size())
                .bind(request.offset())
                .fetch_all(pool)
                .await
        })?;
        Ok((names, pagination))
    }

    /// What the statement that `find` makes for so many names finds of these, in their order.
    async fn named<R, N>(
        &self,
        find: fn(usize) -> AssertSqlSafe<String>,
        event: EventId,
        names: &[N],
        name: fn(&R) -> &str,
    ) -> Result<Vec<R>, StoreError>
    where
        R: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin,
        N: AsRef<str>,
    {
        let mut found = Vec::with_capacity(names.len());
        for chunk in names.chunks(NAMES) {
            let rows: Vec<R> = on_engine!(self.store.database().reader(), |pool| {
                let query = sqlx::query_as(find(chunk.len()))
                    .persistent(chunk.len() == 1)
                    .bind(event.0);
                let query = chunk
                    .iter()
                    .fold(query, |query, name| query.bind(name.as_ref()));
                query.fetch_all(pool).await
            })?;
            found.extend(rows);
        }
        Ok(in_order(names, found, name))
    }

    async fn count_of_bib(&self, event: EventId, bib: &Bib) -> Result<i64, StoreError> {
        Ok(on_engine!(self.store.database().reader(), |pool| {
            sqlx::query_scalar(COUNT_OF_BIB)
                .bind(event.0)
                .bind(bib.key())
                .fetch_one(pool)
                .await
        })?)
    }

    /// How many of the event's photos were taken before `instant`.
    async fn taken_before(&self, event: EventId, instant: Timestamp) -> Result<i64, StoreError> {
        let instant = instant.epoch_millis();
        let block: Option<(i64, String, i64)> =
            on_engine!(self.store.database().reader(), |pool| {
                sqlx::query_as(BLOCK_OF_TIME)
                    .bind(event.0)
                    .bind(instant)
                    .fetch_optional(pool)
                    .await
            })?;
        let Some((ordered_at, image_id, before)) = block else {
            return Ok(0);
        };
        let within: i64 = on_engine!(self.store.database().reader(), |pool| {
            sqlx::query_scalar(COUNT_IN_BLOCK)
                .bind(event.0)
                .bind(ordered_at)
                .bind(&image_id)
                .bind(instant)
                .fetch_one(pool)
                .await
        })?;
        Ok(before + within)
    }

    async fn page(
        &self,
        event: EventId,
        stretch: &Stretch,
        request: PageRequest,
    ) -> Result<Page<Photo>, StoreError> {
        let pagination = Pagination::new(request, stretch.photos);
        let Some(found) = self.find(event, stretch, request).await? else {
            return Ok(page_of(Vec::<ListedRow>::new(), pagination));
        };
        let rows: Vec<ListedRow> = on_engine!(self.store.database().reader(), |pool| {
            sqlx::query_as(PAGE)
                .bind(event.0)
                .bind(found.start.ordered_at)
                .bind(&found.start.image_id)
                .bind(found.end.ordered_at)
                .bind(&found.end.image_id)
                .bind(request.page_size())
                .bind(found.offset)
                .fetch_all(pool)
                .await
        })?;
        Ok(page_of(rows, pagination))
    }

    /// Where a page of the stretch lies; nothing where it has no such page.
    async fn find(
        &self,
        event: EventId,
        stretch: &Stretch,
        request: PageRequest,
    ) -> Result<Option<Whereabouts>, StoreError> {
        if request.offset() >= stretch.photos {
            return Ok(None);
        }
        let first = stretch.before + request.offset();
        let mut blocks: Vec<NumberedBlock> = on_engine!(self.store.database().reader(), |pool| {
            sqlx::query_as(BLOCKS_OF_NUMBERS)
                .bind(event.0)
                .bind(first)
                .bind(first + request.page_size())
                .fetch_all(pool)
                .await
        })?;
        let Some(last) = blocks.pop() else {
            return Ok(None);
        };
        let block = blocks.first().unwrap_or(&last);
        // The stretch may begin and end within blocks.
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

/// A stretch of an event's order, from `start` up to `end`. What is being loaded at this moment may shift a
/// page of it, but nothing from outside shows in it.
struct Stretch {
    start: Place,
    end: Place,
    /// How many photos come before it, and how many it has.
    before: i64,
    photos: i64,
}

/// A page begins `offset` photos behind `start`, and ends before `end`.
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

/// The rows in the order of `names`, which are all different; one that is gone is left out.
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

/// The days of blocks (start and photos) that are in order.
fn days_of(blocks: &[(i64, i64)]) -> Result<Vec<TimelineDay>, StoreError> {
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

fn date_and_hour(epoch_millis: i64) -> Result<(String, u8), StoreError> {
    let instant = OffsetDateTime::from_unix_timestamp(epoch_millis.div_euclid(1_000)).ok();
    instant
        .and_then(|instant| Some((instant.format(DATE).ok()?, instant.hour())))
        .ok_or_else(|| StoreError::Corrupt(format!("a capture time of {epoch_millis}")))
}
