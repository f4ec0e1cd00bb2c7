//! Loading photos: what a batch changes, and the statements that change it.

use std::collections::{BTreeMap, HashMap};

use model::photo::Bib;
use sqlx::AssertSqlSafe;

use super::{
    Imported, NewPhoto,
    blocks::{Hour, Place, UNTIMED, hour_of},
};
use crate::database::parameters;

/// Rows of one statement: enough that the way there and back does not count, and far below the number of
/// parameters that an engine takes.
pub(crate) const ROWS: usize = 200;

/// Takes the event for this transaction, by a change that changes nothing: a second import into it waits
/// here until the first has committed, and reads what that one wrote. (On SQLite `BEGIN IMMEDIATE` has done
/// it already.) Changes no row where the organisation has no such event.
pub(crate) const TAKE_EVENT: &str =
    "UPDATE events SET status = status WHERE id = $1 AND organisation_id = $2";

pub(crate) const BLOCKS_OF_HOUR: &str = "SELECT ordered_at, image_id, photos FROM photo_blocks
    WHERE event_id = $1 AND ordered_at BETWEEN $2 AND $3";

/// The photo that is so many places behind a block's start, before the block's end.
pub(crate) const CUT_AT: &str = "SELECT ordered_at, image_id FROM photos
    WHERE event_id = $1 AND (ordered_at, image_id) >= ($2, $3) AND (ordered_at, image_id) < ($4, $5)
    ORDER BY ordered_at, image_id LIMIT 1 OFFSET $6";

pub(crate) const REMOVE_BLOCK: &str =
    "DELETE FROM photo_blocks WHERE event_id = $1 AND ordered_at = $2 AND image_id = $3";

pub(crate) const WRITE_BLOCK: &str =
    "INSERT INTO photo_blocks (event_id, ordered_at, image_id, photos) VALUES ($1, $2, $3, $4)
    ON CONFLICT (event_id, ordered_at, image_id) DO UPDATE SET photos = excluded.photos";

pub(crate) const REMOVE_BIB: &str = "DELETE FROM photo_bibs
    WHERE event_id = $1 AND bib = $2 AND ordered_at = $3 AND image_id = $4";

/// Names of one statement. SQLite takes no more than 500 parts of one.
pub(crate) const NAMES: usize = 100;

/// The stored photos of an event that have one of so many names; the event is `$1`.
pub(crate) fn find(names: usize) -> AssertSqlSafe<String> {
    by_name(
        "image_id, ordered_at, img_url, thumbnail_url, original_url, original_path, width, height, bibs",
        names,
    )
}

/// What lists show of so many photos; the event is `$1`.
pub(crate) fn find_listed(names: usize) -> AssertSqlSafe<String> {
    by_name(
        "image_id, img_url, thumbnail_url, original_url, width, height",
        names,
    )
}

/// Where the originals of so many photos are; the event is `$1`.
pub(crate) fn find_originals(names: usize) -> AssertSqlSafe<String> {
    by_name("image_id, original_path", names)
}

/// Each name by itself. Of a list, PostgreSQL would weigh up whether to go through the whole event instead;
/// and it does not know how many photos an event has that has just been loaded.
fn by_name(columns: &str, names: usize) -> AssertSqlSafe<String> {
    let find = |name: usize| {
        let name = name + 2;
        format!("SELECT {columns} FROM photos WHERE event_id = $1 AND image_id = ${name}")
    };
    let each: Vec<_> = (0..names).map(find).collect();
    AssertSqlSafe(each.join(" UNION ALL "))
}

pub(crate) fn write(rows: usize) -> AssertSqlSafe<String> {
    AssertSqlSafe(format!(
        "INSERT INTO photos (event_id, image_id, ordered_at, img_url, thumbnail_url, original_url,
            original_path, width, height, bibs)
        VALUES {}
        ON CONFLICT (event_id, image_id) DO UPDATE SET ordered_at = excluded.ordered_at,
            img_url = excluded.img_url, thumbnail_url = excluded.thumbnail_url,
            original_url = excluded.original_url, original_path = excluded.original_path,
            width = excluded.width, height = excluded.height, bibs = excluded.bibs",
        parameters(rows, 10, 1)
    ))
}

pub(crate) fn write_bibs(rows: usize) -> AssertSqlSafe<String> {
    AssertSqlSafe(format!(
        "INSERT INTO photo_bibs (event_id, bib, ordered_at, image_id) VALUES {}",
        parameters(rows, 4, 1)
    ))
}

/// A photo, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct PhotoRow {
    pub(crate) image_id: String,
    pub(crate) ordered_at: i64,
    pub(crate) img_url: String,
    pub(crate) thumbnail_url: String,
    pub(crate) original_url: Option<String>,
    pub(crate) original_path: Option<String>,
    pub(crate) width: Option<i64>,
    pub(crate) height: Option<i64>,
    pub(crate) bibs: String,
}

impl PhotoRow {
    fn place(&self) -> Place {
        Place {
            ordered_at: self.ordered_at,
            image_id: self.image_id.clone(),
        }
    }

    fn bibs(&self) -> impl Iterator<Item = &str> {
        self.bibs.split('\n').filter(|bib| !bib.is_empty())
    }
}

impl From<&NewPhoto> for PhotoRow {
    fn from(new: &NewPhoto) -> Self {
        let photo = &new.photo;
        let mut bibs: Vec<_> = new.bibs.iter().map(Bib::key).collect();
        bibs.sort_unstable();
        bibs.dedup();
        Self {
            image_id: photo.image_id.0.clone(),
            ordered_at: new
                .captured_at
                .map_or(UNTIMED, |captured_at| captured_at.epoch_millis()),
            img_url: photo.img_url.clone(),
            thumbnail_url: photo.thumbnail_url.clone(),
            original_url: photo.original_url.clone(),
            original_path: new.original_path.clone(),
            width: photo.width,
            height: photo.height,
            bibs: bibs.join("\n"),
        }
    }
}

/// A photo's entry in the index by bib number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    pub(crate) bib: String,
    pub(crate) place: Place,
}

/// What a batch changes of the photos that are there.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) imported: Imported,
    /// Photos that are new, or different.
    pub(crate) written: Vec<PhotoRow>,
    pub(crate) tags_removed: Vec<Tag>,
    pub(crate) tags_added: Vec<Tag>,
    /// One photo more or less at a place; by the first millisecond of its hour.
    pub(crate) moves: BTreeMap<i64, Vec<(Place, i64)>>,
}

impl Changes {
    /// What loading `batch` changes, one photo after the other, where `found` are the stored ones of its
    /// names. So the counts do not depend on where one batch ends and the next begins.
    pub(crate) fn new(found: Vec<PhotoRow>, batch: &[NewPhoto]) -> Self {
        let before: HashMap<_, _> = found
            .into_iter()
            .map(|row| (row.image_id.clone(), row))
            .collect();
        let mut after: BTreeMap<String, PhotoRow> = BTreeMap::new();
        let mut changes = Self::default();
        for row in batch.iter().map(PhotoRow::from) {
            let known = after
                .get(&row.image_id)
                .or_else(|| before.get(&row.image_id));
            let imported = &mut changes.imported;
            *match known {
                None => &mut imported.added,
                Some(known) if *known == row => &mut imported.unchanged,
                Some(_) => &mut imported.updated,
            } += 1;
            after.insert(row.image_id.clone(), row);
        }
        for (name, row) in after {
            let was = before.get(&name);
            if was != Some(&row) {
                changes.replace(was, row);
            }
        }
        changes
    }

    fn replace(&mut self, was: Option<&PhotoRow>, row: PhotoRow) {
        let moved = was.is_none_or(|was| was.ordered_at != row.ordered_at);
        if moved {
            if let Some(was) = was {
                self.move_by(was, -1);
            }
            self.move_by(&row, 1);
        }
        if moved || was.is_none_or(|was| was.bibs != row.bibs) {
            self.tags_removed.extend(was.into_iter().flat_map(tags));
            self.tags_added.extend(tags(&row));
        }
        self.written.push(row);
    }

    fn move_by(&mut self, row: &PhotoRow, change: i64) {
        let hour = self.moves.entry(hour_of(row.ordered_at)).or_default();
        hour.push((row.place(), change));
    }
}

fn tags(row: &PhotoRow) -> impl Iterator<Item = Tag> {
    row.bibs().map(|bib| Tag {
        bib: bib.to_owned(),
        place: row.place(),
    })
}

/// Counts what moved into or out of an hour.
///
/// # Errors
/// Those of [`Hour::settle`].
pub(crate) fn moved(
    mut hour: Hour,
    moves: &[(Place, i64)],
) -> Result<Hour, crate::error::StoreError> {
    for (place, change) in moves {
        hour.count(place, *change);
    }
    hour.settle()?;
    Ok(hour)
}

/// Loads photos (`&[NewPhoto]`) into the event `$event` (its bare number), which the running transaction
/// `$tx` has taken for itself; blocks are split when they count more than `$most`. Gives an [`Imported`].
macro_rules! load_photos {
    ($tx:ident, $event:expr, $batch:expr, $most:expr) => {{
        use $crate::photos::{
            blocks::{Block, Hour, Place},
            loading::{self, Changes, NAMES, PhotoRow, ROWS},
        };
        let (event, batch, most): (i64, &[$crate::photos::NewPhoto], i64) = ($event, $batch, $most);

        let mut found: Vec<PhotoRow> = Vec::new();
        for chunk in batch.chunks(NAMES) {
            let mut query = sqlx::query_as(loading::find(chunk.len()))
                .persistent(chunk.len() == NAMES)
                .bind(event);
            for new in chunk {
                query = query.bind(&new.photo.image_id.0);
            }
            found.extend(query.fetch_all(&mut *$tx).await?);
        }
        let changes = Changes::new(found, batch);

        for chunk in changes.written.chunks(ROWS) {
            let mut query =
                sqlx::query(loading::write(chunk.len())).persistent(chunk.len() == ROWS);
            for row in chunk {
                query = query
                    .bind(event)
                    .bind(&row.image_id)
                    .bind(row.ordered_at)
                    .bind(&row.img_url)
                    .bind(&row.thumbnail_url)
                    .bind(&row.original_url)
                    .bind(&row.original_path)
                    .bind(row.width)
                    .bind(row.height)
                    .bind(&row.bibs);
            }
            query.execute(&mut *$tx).await?;
        }
        for tag in &changes.tags_removed {
            sqlx::query(loading::REMOVE_BIB)
                .bind(event)
                .bind(&tag.bib)
                .bind(tag.place.ordered_at)
                .bind(&tag.place.image_id)
                .execute(&mut *$tx)
                .await?;
        }
        for chunk in changes.tags_added.chunks(ROWS) {
            let mut query =
                sqlx::query(loading::write_bibs(chunk.len())).persistent(chunk.len() == ROWS);
            for tag in chunk {
                query = query
                    .bind(event)
                    .bind(&tag.bib)
                    .bind(tag.place.ordered_at)
                    .bind(&tag.place.image_id);
            }
            query.execute(&mut *$tx).await?;
        }

        for (begins, moves) in &changes.moves {
            let stored: Vec<Block> = sqlx::query_as(loading::BLOCKS_OF_HOUR)
                .bind(event)
                .bind(*begins)
                .bind($crate::photos::blocks::end_of(*begins))
                .fetch_all(&mut *$tx)
                .await?;
            let mut hour = loading::moved(Hour::new(*begins, stored), moves)?;
            while let Some(cut) = hour.overfull(most) {
                let at: Place = sqlx::query_as(loading::CUT_AT)
                    .bind(event)
                    .bind(cut.start.ordered_at)
                    .bind(&cut.start.image_id)
                    .bind(cut.end.ordered_at)
                    .bind(&cut.end.image_id)
                    .bind(cut.kept)
                    .fetch_one(&mut *$tx)
                    .await?;
                hour.cut(&cut, at);
            }
            for start in hour.removed() {
                sqlx::query(loading::REMOVE_BLOCK)
                    .bind(event)
                    .bind(start.ordered_at)
                    .bind(&start.image_id)
                    .execute(&mut *$tx)
                    .await?;
            }
            for (start, photos) in hour.written() {
                sqlx::query(loading::WRITE_BLOCK)
                    .bind(event)
                    .bind(start.ordered_at)
                    .bind(&start.image_id)
                    .bind(photos)
                    .execute(&mut *$tx)
                    .await?;
            }
        }
        changes.imported
    }};
}
pub(crate) use load_photos;
