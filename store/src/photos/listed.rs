//! What lists show of a photo, from its row.

use model::photo::{ImageId, ListedPhoto, Photo};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::blocks::{Place, UNTIMED};
use crate::{database::row, error::DatabaseError};

row! {
    /// What lists show of a photo.
    pub(super) struct ListedRow {
        pub(super) image_id: String,
        pub(super) ordered_at: i64,
        pub(super) img_url: String,
        pub(super) thumbnail_url: String,
        pub(super) original_url: Option<String>,
        pub(super) width: Option<i64>,
        pub(super) height: Option<i64>,
        pub(super) bibs: String,
    }
}

/// The columns of a [`ListedRow`].
macro_rules! listed {
    () => {
        "image_id, ordered_at, img_url, thumbnail_url, original_url, width, height, bibs"
    };
}
pub(super) use listed;

impl ListedRow {
    pub(super) fn name(&self) -> &str {
        &self.image_id
    }

    pub(super) fn place(&self) -> Place {
        Place {
            ordered_at: self.ordered_at,
            image_id: self.image_id.clone(),
        }
    }
}

impl TryFrom<ListedRow> for ListedPhoto {
    type Error = DatabaseError;

    fn try_from(row: ListedRow) -> Result<Self, DatabaseError> {
        Ok(Self {
            captured_at: capture_time(row.ordered_at)?,
            bibs: bibs_of(&row.bibs).map(str::to_owned).collect(),
            photo: Photo {
                img_url: row.img_url,
                height: row.height,
                width: row.width,
                image_id: ImageId(row.image_id),
                thumbnail_url: row.thumbnail_url,
                original_url: row.original_url,
            },
        })
    }
}

/// A capture time as the API shows it; none if it is not known.
fn capture_time(ordered_at: i64) -> Result<Option<String>, DatabaseError> {
    if ordered_at == UNTIMED {
        return Ok(None);
    }
    let instant = OffsetDateTime::from_unix_timestamp_nanos(i128::from(ordered_at) * 1_000_000);
    let text = instant
        .ok()
        .and_then(|instant| instant.format(&Rfc3339).ok());
    let corrupt = || DatabaseError::Corrupt(format!("a capture time of {ordered_at}"));
    text.map(Some).ok_or_else(corrupt)
}

/// The bib numbers in the column `bibs`.
pub(super) fn bibs_of(column: &str) -> impl Iterator<Item = &str> {
    column.split('\n').filter(|bib| !bib.is_empty())
}
