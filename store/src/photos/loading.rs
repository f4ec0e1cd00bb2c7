//! Loading and removing photos: what a batch changes, and the statements that change it.
//!
//! All statements of a batch run in one transaction, which has locked the event.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::{
    event::EventId,
    organisation::OrganisationId,
    photo::{Bib, ImageId, Photo},
    timestamp::Timestamp,
};

use super::{
    blocks::{Block, Cut, Hour, Place, UNTIMED, end_of, hour_of},
    by_name::{NAMES, by_name},
    listed::bibs_of,
};
use crate::{
    database::{Sql, Transaction, Value, parameters, row, values},
    error::DatabaseError,
};

/// A photo to be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPhoto {
    /// The photo as lists show it; its name has 1 to 255 characters.
    pub photo: Photo,
    /// When it was taken, if known: in the years 0000 to 9999.
    pub captured_at: Option<Timestamp>,
    /// The original's name in the storage of originals, if it is there.
    pub original_path: Option<String>,
    /// The bib numbers seen on it.
    pub bibs: Vec<Bib>,
}

/// How many photos of a batch were new, different or the same. If two photos have one name, the second is compared with
/// the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// They were new.
    pub added: u64,
    /// They existed and were different.
    pub updated: u64,
    /// They existed and were the same.
    pub unchanged: u64,
}

/// How many names of a batch had a photo, which was removed, and how many had none. A repeated name counts once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// The photos that were removed.
    pub removed: u64,
    /// The names that the event does not have.
    pub missing: u64,
}

/// Rows of one statement: enough that the round trip hardly counts, and far below the maximum number of
/// parameters.
const ROWS: usize = 200;

/// Locks the event until the end of the transaction, by an update that changes nothing. A second import into it
/// waits here, and then reads what the first one wrote. (On SQLite, `BEGIN IMMEDIATE` has locked the file already.)
/// Updates no row if the organisation has no such event.
const LOCK_EVENT: &str = "UPDATE events SET status = status WHERE id = $1 AND organisation_id = $2";

const BLOCKS_OF_HOUR: &str = "SELECT ordered_at, image_id, photos FROM photo_blocks
    WHERE event_id = $1 AND ordered_at BETWEEN $2 AND $3";

/// The photo at an offset from a block's start, before the block's end.
pub(crate) const CUT_AT: &str = "SELECT ordered_at, image_id FROM photos
    WHERE event_id = $1 AND (ordered_at, image_id) >= ($2, $3) AND (ordered_at, image_id) < ($4, $5)
    ORDER BY ordered_at, image_id LIMIT 1 OFFSET $6";

const REMOVE_BLOCK: &str =
    "DELETE FROM photo_blocks WHERE event_id = $1 AND ordered_at = $2 AND image_id = $3";

const WRITE_BLOCK: &str =
    "INSERT INTO photo_blocks (event_id, ordered_at, image_id, photos) VALUES ($1, $2, $3, $4)
    ON CONFLICT (event_id, ordered_at, image_id) DO UPDATE SET photos = excluded.photos";

/// The number of a batch that changes something. The event is locked, so it is one more than that of the last batch.
const NEXT_NUMBER: &str =
    "UPDATE events SET photo_changes = photo_changes + 1 WHERE id = $1 RETURNING photo_changes";

const REMOVE_PHOTO: &str = "DELETE FROM photos WHERE event_id = $1 AND image_id = $2";

const REMOVE_BIB: &str = "DELETE FROM photo_bibs
    WHERE event_id = $1 AND bib = $2 AND ordered_at = $3 AND image_id = $4";

/// The stored photos of an event with one of `names` names; the event is `$1`.
pub(super) fn find(names: usize) -> Sql {
    by_name(
        "image_id, ordered_at, img_url, thumbnail_url, original_url, original_path, width, height, bibs",
        names,
    )
}

fn write(rows: usize) -> Sql {
    Sql::built(format!(
        "INSERT INTO photos (event_id, image_id, ordered_at, img_url, thumbnail_url, original_url,
            original_path, width, height, bibs, added_in, changed_in)
        VALUES {}
        ON CONFLICT (event_id, image_id) DO UPDATE SET ordered_at = excluded.ordered_at,
            img_url = excluded.img_url, thumbnail_url = excluded.thumbnail_url,
            original_url = excluded.original_url, original_path = excluded.original_path,
            width = excluded.width, height = excluded.height, bibs = excluded.bibs,
            changed_in = excluded.changed_in",
        parameters(rows, 12, 1)
    ))
}

fn write_removals(rows: usize) -> Sql {
    Sql::built(format!(
        "INSERT INTO removed_photos (event_id, image_id, removed_in) VALUES {}
        ON CONFLICT (event_id, image_id) DO UPDATE SET removed_in = excluded.removed_in",
        parameters(rows, 3, 1)
    ))
}

fn write_bibs(rows: usize) -> Sql {
    Sql::built(format!(
        "INSERT INTO photo_bibs (event_id, bib, ordered_at, image_id) VALUES {}",
        parameters(rows, 4, 1)
    ))
}

row! {
    /// A photo, as it is stored.
    #[derive(Clone, Debug, PartialEq, Eq)]
    struct PhotoRow {
        image_id: String,
        ordered_at: i64,
        img_url: String,
        thumbnail_url: String,
        original_url: Option<String>,
        original_path: Option<String>,
        width: Option<i64>,
        height: Option<i64>,
        bibs: String,
    }
}

impl PhotoRow {
    fn place(&self) -> Place {
        Place {
            ordered_at: self.ordered_at,
            image_id: self.image_id.clone(),
        }
    }

    fn bibs(&self) -> impl Iterator<Item = &str> {
        bibs_of(&self.bibs)
    }

    /// In the order of [`write`]; `number` is the batch's.
    fn values(&self, event: i64, number: i64) -> [Value<'_>; 12] {
        [
            event.into(),
            (&self.image_id).into(),
            self.ordered_at.into(),
            (&self.img_url).into(),
            (&self.thumbnail_url).into(),
            (&self.original_url).into(),
            (&self.original_path).into(),
            self.width.into(),
            self.height.into(),
            (&self.bibs).into(),
            number.into(),
            number.into(),
        ]
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
struct Tag {
    bib: String,
    place: Place,
}

impl Tag {
    /// In the order of [`write_bibs`] and [`REMOVE_BIB`].
    fn values(&self, event: i64) -> [Value<'_>; 4] {
        [
            event.into(),
            (&self.bib).into(),
            self.place.ordered_at.into(),
            (&self.place.image_id).into(),
        ]
    }
}

/// The changes that a batch makes to an event's photos.
#[derive(Debug, Default)]
struct Changes {
    imported: Imported,
    /// Photos that are new or different.
    written: Vec<PhotoRow>,
    /// Names of photos that are removed.
    removed: Vec<String>,
    tags_removed: Vec<Tag>,
    tags_added: Vec<Tag>,
    /// Places with one photo more or less, by the first millisecond of their hour.
    moves: BTreeMap<i64, Vec<(Place, i64)>>,
}

impl Changes {
    /// The changes that `batch` makes, where `found` are the stored photos with its names. Each photo is compared
    /// with the previous one of the same name. So the counts do not depend on how an import is cut into batches.
    fn new(found: Vec<PhotoRow>, batch: &[NewPhoto]) -> Self {
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

    /// The removal of stored photos.
    fn removal(found: Vec<PhotoRow>) -> Self {
        let mut changes = Self::default();
        for row in found {
            changes.move_by(&row, -1);
            changes.tags_removed.extend(tags(&row));
            changes.removed.push(row.image_id);
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

/// Locks the event, and returns whether the organisation has it.
pub(super) async fn lock_event(
    transaction: &mut Transaction,
    organisation: OrganisationId,
    event: EventId,
) -> Result<bool, DatabaseError> {
    let values = values![event.0, organisation.0];
    Ok(transaction.execute(LOCK_EVENT, values).await? == 1)
}

/// Loads photos into an event that the transaction has locked, or created. Blocks are split when they count more
/// than `most` photos.
pub(crate) async fn load(
    transaction: &mut Transaction,
    event: EventId,
    batch: &[NewPhoto],
    most: i64,
) -> Result<Imported, DatabaseError> {
    let mut loading = Loading {
        transaction,
        event: event.0,
    };
    let names: Vec<_> = batch.iter().map(|new| &*new.photo.image_id.0).collect();
    let changes = Changes::new(loading.find(&names).await?, batch);
    loading.make(&changes, most).await?;
    Ok(changes.imported)
}

/// Removes photos from an event that the transaction has locked.
pub(super) async fn remove(
    transaction: &mut Transaction,
    event: EventId,
    batch: &[ImageId],
    most: i64,
) -> Result<Removed, DatabaseError> {
    let mut loading = Loading {
        transaction,
        event: event.0,
    };
    let names: BTreeSet<_> = batch.iter().map(|name| &*name.0).collect();
    let names: Vec<_> = names.into_iter().collect();
    let found = loading.find(&names).await?;
    let (removed, named) = (found.len() as u64, names.len() as u64);
    loading.make(&Changes::removal(found), most).await?;
    Ok(Removed {
        removed,
        missing: named - removed,
    })
}

/// The statements of one batch.
struct Loading<'a> {
    transaction: &'a mut Transaction,
    event: i64,
}

impl Loading<'_> {
    /// The stored photos with these names.
    async fn find(&mut self, names: &[&str]) -> Result<Vec<PhotoRow>, DatabaseError> {
        let mut found = Vec::new();
        for chunk in names.chunks(NAMES) {
            let sql = find(chunk.len()).persistent(chunk.len() == NAMES);
            let names = chunk.iter().map(|name| Value::from(*name));
            let values: Vec<_> = [Value::from(self.event)].into_iter().chain(names).collect();
            found.extend(self.transaction.fetch_all::<PhotoRow>(sql, &values).await?);
        }
        Ok(found)
    }

    /// Makes the changes, if there are any, under the event's next number.
    async fn make(&mut self, changes: &Changes, most: i64) -> Result<(), DatabaseError> {
        if changes.written.is_empty() && changes.removed.is_empty() {
            return Ok(());
        }
        let number = values![self.event];
        let (number,): (i64,) = self.transaction.fetch_one(NEXT_NUMBER, number).await?;
        self.write_photos(&changes.written, number).await?;
        self.remove_photos(&changes.removed, number).await?;
        self.remove_tags(&changes.tags_removed).await?;
        self.add_tags(&changes.tags_added).await?;
        for (begins, moves) in &changes.moves {
            self.move_photos(*begins, moves, most).await?;
        }
        Ok(())
    }

    async fn write_photos(
        &mut self,
        photos: &[PhotoRow],
        number: i64,
    ) -> Result<(), DatabaseError> {
        for chunk in photos.chunks(ROWS) {
            let sql = write(chunk.len()).persistent(chunk.len() == ROWS);
            let values: Vec<_> = chunk
                .iter()
                .flat_map(|row| row.values(self.event, number))
                .collect();
            self.transaction.execute(sql, &values).await?;
        }
        Ok(())
    }

    async fn remove_photos(&mut self, names: &[String], number: i64) -> Result<(), DatabaseError> {
        for name in names {
            let values = values![self.event, name];
            self.transaction.execute(REMOVE_PHOTO, values).await?;
        }
        for chunk in names.chunks(ROWS) {
            let sql = write_removals(chunk.len()).persistent(chunk.len() == ROWS);
            let values: Vec<_> = chunk
                .iter()
                .flat_map(|name| [self.event.into(), name.into(), number.into()])
                .collect();
            self.transaction.execute(sql, &values).await?;
        }
        Ok(())
    }

    async fn remove_tags(&mut self, tags: &[Tag]) -> Result<(), DatabaseError> {
        for tag in tags {
            let values = tag.values(self.event);
            self.transaction.execute(REMOVE_BIB, &values).await?;
        }
        Ok(())
    }

    async fn add_tags(&mut self, tags: &[Tag]) -> Result<(), DatabaseError> {
        for chunk in tags.chunks(ROWS) {
            let sql = write_bibs(chunk.len()).persistent(chunk.len() == ROWS);
            let values: Vec<_> = chunk
                .iter()
                .flat_map(|tag| tag.values(self.event))
                .collect();
            self.transaction.execute(sql, &values).await?;
        }
        Ok(())
    }

    /// Counts photos that moved into or out of an hour, and splits its blocks where they became too large.
    async fn move_photos(
        &mut self,
        begins: i64,
        moves: &[(Place, i64)],
        most: i64,
    ) -> Result<(), DatabaseError> {
        let mut hour = self.hour(begins).await?;
        for (place, change) in moves {
            hour.count(place, *change);
        }
        hour.rebalance()?;
        while let Some(cut) = hour.overfull(most) {
            let at = self.cut_at(&cut).await?;
            hour.cut(&cut, at);
        }
        self.write_blocks(&hour).await
    }

    async fn hour(&mut self, begins: i64) -> Result<Hour, DatabaseError> {
        let values = values![self.event, begins, end_of(begins)];
        let stored: Vec<Block> = self.transaction.fetch_all(BLOCKS_OF_HOUR, values).await?;
        Ok(Hour::new(begins, stored))
    }

    /// Where the second half of a block begins.
    async fn cut_at(&mut self, cut: &Cut) -> Result<Place, DatabaseError> {
        self.transaction
            .fetch_one(
                CUT_AT,
                values![
                    self.event,
                    cut.start.ordered_at,
                    &cut.start.image_id,
                    cut.end.ordered_at,
                    &cut.end.image_id,
                    cut.remaining,
                ],
            )
            .await
    }

    async fn write_blocks(&mut self, hour: &Hour) -> Result<(), DatabaseError> {
        for start in hour.removed() {
            let values = values![self.event, start.ordered_at, &start.image_id];
            self.transaction.execute(REMOVE_BLOCK, values).await?;
        }
        for (start, photos) in hour.written() {
            let values = values![self.event, start.ordered_at, &start.image_id, photos];
            self.transaction.execute(WRITE_BLOCK, values).await?;
        }
        Ok(())
    }
}
