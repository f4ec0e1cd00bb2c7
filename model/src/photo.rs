//! Photos of an event, and how they are found.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::timestamp::Timestamp;

/// The name of a photo: unique within its event, and chosen by whoever loads the photos.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImageId(pub String);

impl fmt::Display for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A photo as lists show it; the field names are the contract's (section 6, image).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Photo {
    /// Address of the picture to show.
    pub img_url: String,
    /// Its height in pixels.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub height: Option<i64>,
    /// Its width in pixels.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub width: Option<i64>,
    /// Its name.
    pub image_id: ImageId,
    /// Address of the small picture.
    pub thumbnail_url: String,
    /// Address of the original, where it is public.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub original_url: Option<String>,
}

/// Where a photo's original lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Original {
    /// The photo.
    pub image_id: ImageId,
    /// The object's name in the storage of originals, if it was put there.
    pub path: Option<String>,
}

/// A number on a runner's chest: compared without regard to case or surrounding white space.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bib {
    shown: String,
    key: String,
}

/// A text that is no bib number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be 1 to {} characters, none of them a control character",
    Bib::MAX_LENGTH
)]
pub struct InvalidBib;

impl Bib {
    /// The longest bib number, in characters.
    pub const MAX_LENGTH: usize = 64;

    /// The bib number in `text`.
    ///
    /// # Errors
    /// [`InvalidBib`] for a blank text, a longer one than [`Bib::MAX_LENGTH`], and one with control characters.
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

    /// What two writings of one number have in common.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl fmt::Display for Bib {
    /// As it was written, without the white space around it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shown.fmt(f)
    }
}

/// A stretch of time: from its first instant up to, but not with, its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeWindow {
    from: Timestamp,
    to: Timestamp,
}

/// A stretch of time that ends before it begins, or at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("from: must be before to")]
pub struct EmptyWindow;

impl TimeWindow {
    /// The stretch `[from, to)` in seconds since the epoch; ends at the end of time where `to` is later.
    ///
    /// # Errors
    /// [`EmptyWindow`] unless `from < to`.
    pub const fn of_seconds(from: i64, to: i64) -> Result<Self, EmptyWindow> {
        if from >= to {
            return Err(EmptyWindow);
        }
        Ok(Self {
            from: Timestamp(from.saturating_mul(1_000)),
            to: Timestamp(to.saturating_mul(1_000)),
        })
    }

    /// Its first instant.
    pub const fn from(self) -> Timestamp {
        self.from
    }

    /// The first instant after it.
    pub const fn to(self) -> Timestamp {
        self.to
    }
}

/// The photos of one UTC day; the field names are the contract's (section 6, timeline/days).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TimelineDay {
    /// `YYYY-MM-DD`.
    pub date: String,
    /// How many photos there are of it.
    pub total: i64,
    /// Its hours with photos, earliest first.
    pub hours: Vec<TimelineHour>,
}

/// The photos of one hour of a UTC day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TimelineHour {
    /// From 0 to 23.
    pub hour: u8,
    /// How many photos there are of it.
    pub count: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bib_number_is_shown_as_it_was_written_and_compared_without_case() {
        let bib = Bib::parse(" Ä12b\t").expect("a bib number");
        assert_eq!(bib.to_string(), "Ä12b");
        assert_eq!(bib.key(), Bib::parse("ä12B").expect("a bib number").key());
    }

    #[test]
    fn a_bib_number_is_neither_blank_nor_long_nor_unprintable() {
        let long = "1".repeat(Bib::MAX_LENGTH + 1);
        for text in ["", " \t ", "1\u{0}2", "1\n2", &long] {
            assert_eq!(Bib::parse(text), Err(InvalidBib), "{text:?}");
        }
        assert!(Bib::parse(&"ä".repeat(Bib::MAX_LENGTH)).is_ok());
    }

    #[test]
    fn a_window_begins_before_it_ends() {
        assert_eq!(TimeWindow::of_seconds(5, 5), Err(EmptyWindow));
        assert_eq!(TimeWindow::of_seconds(6, 5), Err(EmptyWindow));
        let window = TimeWindow::of_seconds(5, 6).expect("a window");
        assert_eq!(
            (window.from(), window.to()),
            (Timestamp(5_000), Timestamp(6_000))
        );
    }

    #[test]
    fn a_window_of_any_seconds_stays_a_window() {
        let window = TimeWindow::of_seconds(i64::MIN, i64::MAX).expect("a window");
        assert_eq!(
            (window.from(), window.to()),
            (Timestamp(i64::MIN), Timestamp(i64::MAX))
        );
    }
}
