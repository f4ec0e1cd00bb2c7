//! The changes of an event's photos, in the order in which they were made (contract, section 6, changes).
//!
//! Each batch that changes photos has a number of its event, one more than the last. It takes it while it holds the
//! event's lock, until it commits. So when a number is visible, all smaller ones are, and nothing can appear behind a
//! cursor. A photo has the number of its last change, and a removed one keeps the number of its removal in
//! `removed_photos`. The changes are both, by number and then by name. Each photo appears where it last changed, so the
//! list is never longer than all photos that the event ever had.

use model::{
    event::EventId,
    permission::EventPermission,
    photo::{ChangeKind, ImageId, ListedPhoto, PhotoChange},
};

use super::listed::{ListedRow, listed};
use crate::{
    Store,
    cursors::{CursorList, Position, last_of_page},
    database::{row, values},
    error::{DatabaseError, ListError},
};

/// One page of changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// The changes, oldest first. A photo can appear again on a later page, if it changes again meanwhile.
    pub changes: Vec<PhotoChange>,
    /// The cursor for the changes after these.
    pub next_cursor: String,
    /// Whether there are such changes already.
    pub has_next_page: bool,
}

/// How far a reader has read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Progress {
    /// The reader has read everything up to here: the number of a batch, and a photo of it.
    number: i64,
    image_id: String,
    known: Known,
}

/// Which photos a reader had when it began its current pass over the changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// None. The last batch had this number then.
    Nothing { last: i64 },
    /// All photos of the batches up to this number.
    UpTo(i64),
}

impl Progress {
    /// Of a reader without a cursor, when the event's last batch has this number.
    const fn beginning(last: i64) -> Self {
        Self {
            number: 0,
            image_id: String::new(),
            known: Known::Nothing { last },
        }
    }

    /// Of a reader that has reached the end, when the last batch has this number.
    const fn at_end(last: i64) -> Self {
        Self {
            number: last + 1,
            image_id: String::new(),
            known: Known::UpTo(last),
        }
    }

    /// From where the reader needs removals: not those from before its first pass.
    fn removals_from(&self) -> (i64, &str) {
        let here = (self.number, &*self.image_id);
        match self.known {
            Known::Nothing { last } => here.max((last + 1, "")),
            Known::UpTo(_) => here,
        }
    }

    fn kind(&self, added_in: i64) -> ChangeKind {
        match self.known {
            Known::UpTo(number) if added_in <= number => ChangeKind::Changed,
            Known::UpTo(_) | Known::Nothing { .. } => ChangeKind::Added,
        }
    }
}

impl Position for Progress {
    fn to_bytes(&self) -> Vec<u8> {
        let (kind, known) = match self.known {
            Known::Nothing { last } => (0, last),
            Known::UpTo(number) => (1, number),
        };
        let numbers = [known, self.number].map(i64::to_be_bytes).concat();
        [&[kind][..], &numbers, self.image_id.as_bytes()].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        let (known, rest) = rest.split_first_chunk()?;
        let (number, image_id) = rest.split_first_chunk()?;
        let known = i64::from_be_bytes(*known);
        Some(Self {
            number: i64::from_be_bytes(*number),
            image_id: String::from_utf8(image_id.to_vec()).ok()?,
            known: match kind {
                0 => Known::Nothing { last: known },
                1 => Known::UpTo(known),
                _ => return None,
            },
        })
    }
}

row! {
    /// A photo that was added or changed, or the name of a removed one.
    struct ChangeRow {
        number: i64,
        /// None for a removed photo, as are the other columns of a present one.
        added_in: Option<i64>,
        image_id: String,
        ordered_at: Option<i64>,
        img_url: Option<String>,
        thumbnail_url: Option<String>,
        original_url: Option<String>,
        width: Option<i64>,
        height: Option<i64>,
        bibs: Option<String>,
    }
}

impl ChangeRow {
    fn change(self, progress: &Progress) -> Result<PhotoChange, DatabaseError> {
        let image_id = ImageId(self.image_id.clone());
        let present = self.added_in.zip(self.ordered_at).zip(self.img_url);
        let present = present.zip(self.thumbnail_url).zip(self.bibs);
        let Some(((((added_in, ordered_at), img_url), thumbnail_url), bibs)) = present else {
            return Ok(PhotoChange {
                kind: ChangeKind::Removed,
                image_id,
                image: None,
            });
        };
        let row = ListedRow {
            image_id: self.image_id,
            ordered_at,
            img_url,
            thumbnail_url,
            original_url: self.original_url,
            width: self.width,
            height: self.height,
            bibs,
        };
        Ok(PhotoChange {
            kind: progress.kind(added_in),
            image_id,
            image: Some(ListedPhoto::try_from(row)?),
        })
    }
}

const LAST_NUMBER: &str = "SELECT photo_changes FROM events WHERE id = $1";

/// The changes after a place, and the removals after another. One statement, so both are read at the same moment.
pub(super) const PAGE: &str = concat!(
    "SELECT * FROM (
        SELECT * FROM (
            SELECT changed_in AS number, added_in, ",
    listed!(),
    " FROM photos WHERE event_id = $1 AND (changed_in, image_id) > ($2, $3)
            ORDER BY changed_in, image_id LIMIT $6
        ) AS present
        UNION ALL
        SELECT * FROM (
            SELECT removed_in AS number, CAST(NULL AS BIGINT) AS added_in, image_id,
                CAST(NULL AS BIGINT) AS ordered_at, CAST(NULL AS TEXT) AS img_url,
                CAST(NULL AS TEXT) AS thumbnail_url, CAST(NULL AS TEXT) AS original_url,
                CAST(NULL AS BIGINT) AS width, CAST(NULL AS BIGINT) AS height,
                CAST(NULL AS TEXT) AS bibs
            FROM removed_photos WHERE event_id = $1 AND (removed_in, image_id) > ($4, $5)
            ORDER BY removed_in, image_id LIMIT $6
        ) AS removed
    ) AS changes ORDER BY number, image_id LIMIT $6"
);

/// See [`super::Photos::changes`].
pub(super) async fn page(
    store: &Store,
    permission: EventPermission,
    after: Option<&str>,
    page_size: i64,
) -> Result<Changes, ListError> {
    let event = permission.event_id();
    let organisation = permission.organisation().organisation_id();
    let list = CursorList::Changes(event);
    // Read before the page: the page has all changes up to this number.
    let last = last_number(store, event).await?;
    let progress = match after {
        None => Progress::beginning(last),
        Some(cursor) => store.position(organisation, list, cursor).await?,
    };
    if progress.number > last + 1 {
        return Err(ListError::LostChanges);
    }
    let mut rows = read(store, event, &progress, page_size + 1).await?;
    let newest = rows.last().map_or(last, |row| row.number.max(last));
    let next = last_of_page(&mut rows, page_size).map(|row| Progress {
        number: row.number,
        image_id: row.image_id.clone(),
        ..progress.clone()
    });
    let has_next_page = next.is_some();
    let next = next.unwrap_or_else(|| Progress::at_end(newest));
    let changes = rows.into_iter().map(|row| row.change(&progress));
    Ok(Changes {
        changes: changes.collect::<Result<_, _>>()?,
        next_cursor: store.cursor(organisation, list, &next).await?,
        has_next_page,
    })
}

/// The number of the last batch that changed the event's photos. An event that was deleted after the guard's check has
/// none.
async fn last_number(store: &Store, event: EventId) -> Result<i64, DatabaseError> {
    let values = values![event.0];
    let found: Option<(i64,)> = store.database().fetch_optional(LAST_NUMBER, values).await?;
    Ok(found.map_or(0, |(number,)| number))
}

async fn read(
    store: &Store,
    event: EventId,
    progress: &Progress,
    limit: i64,
) -> Result<Vec<ChangeRow>, DatabaseError> {
    let (removed_number, removed_id) = progress.removals_from();
    let values = values![
        event.0,
        progress.number,
        &progress.image_id,
        removed_number,
        removed_id,
        limit
    ];
    store.database().fetch_all(PAGE, values).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_survives_its_bytes() {
        for known in [Known::Nothing { last: 7 }, Known::UpTo(9)] {
            let progress = Progress {
                number: 12,
                image_id: "IMG_ä".to_owned(),
                known,
            };
            assert_eq!(Progress::from_bytes(&progress.to_bytes()), Some(progress));
        }
        assert_eq!(Progress::from_bytes(&[2; 17]), None);
        assert_eq!(Progress::from_bytes(&[1; 16]), None);
    }
}
