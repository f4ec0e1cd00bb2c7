//! Times, as the server writes them for the reader. The browser changes nothing about them.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
#[cfg(feature = "ssr")]
use {
    crate::time_zone::{ReaderZone, ago},
    model::timestamp::Timestamp,
    store::Store,
};

/// A time as the server has written it, for islands. Elsewhere, use [`ServerTime`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WrittenTime {
    text: String,
    exact: String,
    utc: String,
}

/// The format of a time. Hovering shows the exact time in any format.
#[cfg(feature = "ssr")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// `19 Jan 2026`.
    Date,
    /// `19 Jan 2026, 07:00`.
    DateAndTime,
    /// `07:00`, below a heading with the day.
    Time,
    /// `2 minutes ago`, counted once, when the server writes it.
    ///
    /// The text does not update, because the data is as old as the page. On a page that is open for two hours,
    /// "two hours ago" would claim that nothing has happened since.
    Ago,
}

#[cfg(feature = "ssr")]
impl WrittenTime {
    /// Writes a time for the reader who sends the current request.
    pub(crate) fn new(at: Timestamp, shown: Shown) -> Self {
        let zone = ReaderZone::current();
        Self {
            text: match shown {
                Shown::Date => zone.date(at),
                Shown::DateAndTime => zone.date_time(at),
                Shown::Time => zone.time(at),
                Shown::Ago => ago(at, expect_context::<Store>().clock().now()),
            },
            exact: zone.exact(at),
            utc: iso_utc(at),
        }
    }
}

/// A time that the server has written.
#[component]
pub(crate) fn LocalTime(
    /// The time.
    time: WrittenTime,
) -> impl IntoView {
    let WrittenTime { text, exact, utc } = time;
    view! {
        <time datetime=utc title=exact>
            {text}
        </time>
    }
}

/// A time outside of islands.
#[cfg(feature = "ssr")]
#[component]
pub(crate) fn ServerTime(
    /// The time.
    at: Timestamp,
    /// Its format.
    shown: Shown,
) -> impl IntoView {
    view! { <LocalTime time=WrittenTime::new(at, shown) /> }
}

/// Names the zone of the times on a page or in a table: `Times are in Europe/London.`
#[cfg(feature = "ssr")]
#[component]
pub(crate) fn TimeZoneNote() -> impl IntoView {
    view! { <p class="time-zone">{format!("Times are in {}.", ReaderZone::current().name())}</p> }
}

/// `2026-01-19T06:00:00.000Z`.
#[cfg(feature = "ssr")]
pub(crate) fn iso_utc(at: Timestamp) -> String {
    use time::{OffsetDateTime, macros::format_description};
    let format =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.epoch_millis()) * 1_000_000)
        .ok()
        .and_then(|instant| instant.format(format).ok())
        .unwrap_or_default()
}
