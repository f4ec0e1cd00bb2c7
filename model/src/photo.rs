//! Photos of an event, and the searches for them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::timestamp::Timestamp;

/// A photo's ID, unique within its event.
// The import sets it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImageId(pub String);

impl fmt::Display for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A photo's name, addresses and size.
// The contract defines the field names (section 6, image). The API documentation shows the descriptions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Photo {
    /// URL of the picture for display.
    #[cfg_attr(feature = "openapi", schema(format = "uri-reference"))]
    pub img_url: String,
    /// The original's height in pixels.
    #[cfg_attr(feature = "openapi", schema(required, minimum = 0))]
    pub height: Option<i64>,
    /// The original's width in pixels.
    #[cfg_attr(feature = "openapi", schema(required, minimum = 0))]
    pub width: Option<i64>,
    /// The photo's ID.
    pub image_id: ImageId,
    /// URL of the thumbnail.
    #[cfg_attr(feature = "openapi", schema(format = "uri-reference"))]
    pub thumbnail_url: String,
    /// URL of the original, if it is public.
    #[cfg_attr(feature = "openapi", schema(required, format = "uri-reference"))]
    pub original_url: Option<String>,
}

/// A photo in a list.
// The contract defines the field names (section 6, image). The API documentation shows the descriptions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListedPhoto {
    /// Its name, addresses and size.
    #[serde(flatten)]
    pub photo: Photo,
    /// When the photo was taken, in UTC (RFC 3339): `2026-01-19T06:00:00Z`. Null if it is not known.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub captured_at: Option<String>,
    /// The bib numbers on the photo, in lower case, sorted as texts.
    pub bibs: Vec<String>,
}

/// What happened to a photo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ChangeKind {
    /// It is new since the reader last reached the end of the changes.
    Added,
    /// It was in the event then, and is different now.
    Changed,
    /// It is not in the event any more.
    Removed,
}

/// A photo that changed.
// The contract defines the field names (section 6, changes). The API documentation shows the descriptions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PhotoChange {
    /// What happened to the photo.
    pub kind: ChangeKind,
    /// The photo's ID.
    pub image_id: ImageId,
    /// The photo as it is now. Null if it was removed.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub image: Option<ListedPhoto>,
}

/// Where a photo's original is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Original {
    /// The photo.
    pub image_id: ImageId,
    /// The object's name in the storage for originals, if the original is there.
    pub path: Option<String>,
}

/// The bib number of a runner. Comparisons ignore case and surrounding white space.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bib {
    shown: String,
    key: String,
}

/// A text that is not a bib number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be 1 to {} characters, none of them a control character",
    Bib::MAX_LENGTH
)]
pub struct InvalidBib;

impl Bib {
    /// Maximum number of characters.
    pub const MAX_LENGTH: usize = 64;

    /// Parses a bib number.
    ///
    /// # Errors
    /// [`InvalidBib`] if the text is blank, longer than [`Bib::MAX_LENGTH`], or has control characters.
    pub fn parse(text: &str) -> Result<Self, InvalidBib> {
        let shown = text.trim();
        let fits = (1..=Self::MAX_LENGTH).contains(&shown.chars().count());
        if !fits || shown.contains(char::is_control) {
            return Err(InvalidBib);
        }
        Ok(Self {
            shown: shown.to_owned(),
            key: shown.to_lowercase(),
        })
    }

    /// The normalised text for comparisons. Two spellings of one number have the same key.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl fmt::Display for Bib {
    /// The number as it was written, without surrounding white space.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shown.fmt(f)
    }
}

/// A time range that includes its start and excludes its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeWindow {
    from: Timestamp,
    to: Timestamp,
}

/// A time range whose start is not before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("from: must be before to")]
pub struct EmptyWindow;

impl TimeWindow {
    /// The range `[from, to)`, in seconds since the epoch. Saturates at the limits of [`Timestamp`].
    ///
    /// # Errors
    /// [`EmptyWindow`] unless `from < to`.
    pub const fn from_seconds(from: i64, to: i64) -> Result<Self, EmptyWindow> {
        if from >= to {
            return Err(EmptyWindow);
        }
        Ok(Self {
            from: Timestamp(from.saturating_mul(1_000)),
            to: Timestamp(to.saturating_mul(1_000)),
        })
    }

    /// The first instant of the range.
    pub const fn from(self) -> Timestamp {
        self.from
    }

    /// The first instant after the range.
    pub const fn to(self) -> Timestamp {
        self.to
    }
}

/// The number of photos in one UTC day.
// The contract defines the field names (section 6, timeline/days). The API documentation shows the descriptions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TimelineDay {
    /// `YYYY-MM-DD`.
    #[cfg_attr(feature = "openapi", schema(format = "date"))]
    pub date: String,
    /// Number of photos in the day.
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub total: i64,
    /// The day's hours that have photos, earliest first.
    pub hours: Vec<TimelineHour>,
}

/// The number of photos in one hour of a UTC day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TimelineHour {
    /// From 0 to 23.
    #[cfg_attr(feature = "openapi", schema(maximum = 23))]
    pub hour: u8,
    /// Number of photos in the hour.
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub count: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bib_number_is_shown_as_written_and_compared_without_case() {
        let bib = Bib::parse(" Ä12b\t").expect("a bib number");
        assert_eq!(bib.to_string(), "Ä12b");
        assert_eq!(bib.key(), Bib::parse("ä12B").expect("a bib number").key());
    }

    #[test]
    fn a_blank_or_long_bib_number_or_one_with_control_characters_is_refused() {
        let long = "1".repeat(Bib::MAX_LENGTH + 1);
        for text in ["", " \t ", "1\u{0}2", "1\n2", &long] {
            assert_eq!(Bib::parse(text), Err(InvalidBib), "{text:?}");
        }
        assert!(Bib::parse(&"ä".repeat(Bib::MAX_LENGTH)).is_ok());
    }

    #[test]
    fn a_time_window_starts_before_it_ends() {
        assert_eq!(TimeWindow::from_seconds(5, 5), Err(EmptyWindow));
        assert_eq!(TimeWindow::from_seconds(6, 5), Err(EmptyWindow));
        let window = TimeWindow::from_seconds(5, 6).expect("a window");
        assert_eq!(
            (window.from(), window.to()),
            (Timestamp(5_000), Timestamp(6_000))
        );
    }

    #[test]
    fn a_time_window_saturates_at_the_first_and_last_timestamp() {
        let window = TimeWindow::from_seconds(i64::MIN, i64::MAX).expect("a window");
        assert_eq!(
            (window.from(), window.to()),
            (Timestamp(i64::MIN), Timestamp(i64::MAX))
        );
    }
}
