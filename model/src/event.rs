//! Events that organisations photograph, and their configuration.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An event's ID. API paths contain it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(minimum = 1))]
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
    /// The name on pages.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Draft => "Draft",
        }
    }
}

/// An event in a list.
// The contract defines the field names (section 6, events). The API documentation shows the descriptions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventSummary {
    /// The event's ID.
    pub event_id: EventId,
    /// The event's name.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub event_name: Option<String>,
    /// The event's name in addresses.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub event_slug: Option<String>,
    /// When the event takes place, in local time without a time zone: `2026-01-19T06:00:00`.
    #[cfg_attr(
        feature = "openapi",
        schema(required, pattern = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$")
    )]
    pub event_date: Option<String>,
    /// The time zone of `event_date`, by its IANA name: `Europe/London`. Null if it is not known.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub time_zone: Option<String>,
    /// Whether the event is published.
    pub status: EventStatus,
    /// URL of the event's cover image.
    #[cfg_attr(feature = "openapi", schema(required, format = "uri-reference"))]
    pub cover_image: Option<String>,
}

/// A search that an endpoint offers. The guard's check 10 requires that it is on for the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Photos by bib number.
    BibSearch,
    /// Photos by time.
    TimelineSearch,
    /// Photos by face. Needs a recognition engine that is not part of this product.
    SelfieSearch,
    /// Clips from videos by face. Needs a recognition engine that is not part of this product.
    VideoSelfieSearch,
}

/// An event's configuration.
// The contract defines the field names (section 6, details). The API documentation shows the descriptions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventSettings {
    /// Whether visitors can open the event.
    pub event_enabled: bool,
    /// Whether photos can be found by bib number.
    pub bib_search: bool,
    /// Whether photos can be found by face.
    pub selfie_search: bool,
    /// Whether photos can be found by name.
    pub name_search: bool,
    /// Whether the event has videos.
    pub video_search: bool,
    /// Whether clips can be found by face. Off whenever `video_search` is off.
    pub video_selfie_search: bool,
    /// Whether photos can be found by time.
    pub timeline_search: bool,
}

impl EventSettings {
    /// Everything on. By default everything is off.
    pub const ALL_ON: Self = Self {
        event_enabled: true,
        bib_search: true,
        selfie_search: true,
        name_search: true,
        video_search: true,
        video_selfie_search: true,
        timeline_search: true,
    };

    /// Turns `video_selfie_search` off if `video_search` is off (contract, section 6).
    pub const fn normalised(mut self) -> Self {
        self.video_selfie_search = self.video_selfie_search && self.video_search;
        self
    }

    /// Whether the API answers calls that need `feature`.
    ///
    /// Searches by face are never allowed, whatever the event's configuration says. The recognition engine is not part
    /// of this product (contract, section 1).
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
