//! Events: what organisations photograph.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The number of an event, as it stands in API paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventId(pub i64);

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether an event is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum EventStatus {
    /// Published.
    Active,
    /// In preparation.
    Draft,
}

impl EventStatus {
    /// The name that people read.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Draft => "Draft",
        }
    }
}

/// An event as lists show it; the field names are the contract's (section 6, events).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventSummary {
    /// Its number.
    pub event_id: EventId,
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub event_name: Option<String>,
    /// Its name in addresses.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub event_slug: Option<String>,
    /// When it takes place: a local date-time without zone, as `2026-01-19T06:00:00`.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub event_date: Option<String>,
    /// Whether it is published.
    pub status: EventStatus,
    /// Address of its cover image.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub cover_image: Option<String>,
}

/// What can be switched on for an event; the guard's check 10 asks for one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Photos by bib number.
    BibSearch,
    /// Photos by time.
    TimelineSearch,
    /// Photos by face: needs an engine that is not part of this product.
    SelfieSearch,
    /// Clips from videos: needs an engine that is not part of this product.
    VideoSelfieSearch,
}

/// An event's configuration; the field names are the contract's (section 6, details).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventSettings {
    /// Whether visitors can open the event.
    pub event_enabled: bool,
    /// Photos by bib number.
    pub bib_search: bool,
    /// Photos by face.
    pub selfie_search: bool,
    /// Photos by name.
    pub name_search: bool,
    /// Videos.
    pub video_search: bool,
    /// Clips by face; off whenever `video_search` is.
    pub video_selfie_search: bool,
    /// Photos by time.
    pub timeline_search: bool,
}

impl EventSettings {
    /// Everything switched on. (Everything off is the default.)
    pub const ALL_ON: Self = Self {
        event_enabled: true,
        bib_search: true,
        selfie_search: true,
        name_search: true,
        video_search: true,
        video_selfie_search: true,
        timeline_search: true,
    };

    /// The settings with what depends on another switch put right: without `video_search` there is
    /// no `video_selfie_search` (contract, section 6).
    pub const fn normalised(mut self) -> Self {
        self.video_selfie_search = self.video_selfie_search && self.video_search;
        self
    }

    /// Whether calls that need `feature` are answered.
    ///
    /// Faces and clips never are: the recognition engine is no part of this product, so their doors
    /// stay closed whatever the event's switches say (contract, section 1).
    pub const fn allows(&self, feature: Feature) -> bool {
        match feature {
            Feature::BibSearch => self.bib_search,
            Feature::TimelineSearch => self.timeline_search,
            Feature::SelfieSearch | Feature::VideoSelfieSearch => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn video_selfie_search_is_off_whenever_video_search_is() {
        let settings = EventSettings {
            video_selfie_search: true,
            ..EventSettings::default()
        };
        assert!(!settings.normalised().video_selfie_search);
        let both = EventSettings {
            video_search: true,
            ..settings
        };
        assert!(both.normalised().video_selfie_search);
    }
}
