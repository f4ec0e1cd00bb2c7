//! Instants as the reader reads them.

use leptos::prelude::*;
use model::timestamp::Timestamp;
use wasm_bindgen::JsCast;
use web_sys::Element;

/// How an instant is shown, with the exact instant on hover.
///
/// The server cannot know the reader's language and time zone, so it writes UTC, and the browser puts the
/// reader's own way in its place. Without script the UTC text stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// `19 Jan 2026`.
    Date,
    /// `19 Jan 2026, 07:00`.
    DateAndTime,
    /// `2 minutes ago`. It does not count on: what is told of is known as of when the page was loaded, and "two
    /// hours ago" on a page that has been open for two hours would say that there was nothing since.
    Ago,
}

impl Shown {
    const ALL: [Self; 3] = [Self::Date, Self::DateAndTime, Self::Ago];

    /// How the document says it to the browser.
    const fn name(self) -> &'static str {
        match self {
            Self::Date => "date",
            Self::DateAndTime => "date-and-time",
            Self::Ago => "ago",
        }
    }

    /// What the server writes; `utc` as [`iso_utc`] writes it.
    fn in_utc(self, utc: &str) -> String {
        match self {
            Self::Date => utc.chars().take(10).collect(),
            Self::DateAndTime | Self::Ago => {
                let to_the_minute: String = utc_date_time(utc).chars().take(16).collect();
                format!("{to_the_minute} UTC")
            }
        }
    }

    /// What the browser writes.
    fn in_readers_way(self, at: Timestamp) -> String {
        match self {
            Self::Date => in_readers_locale(at, &[("dateStyle", "medium")]),
            Self::DateAndTime => {
                in_readers_locale(at, &[("dateStyle", "medium"), ("timeStyle", "short")])
            }
            Self::Ago => ago(at),
        }
    }
}

/// An instant, in an island: [`ServerTime`] elsewhere.
#[component]
pub(crate) fn LocalTime(
    /// The instant.
    at: Timestamp,
    /// How it is shown.
    shown: Shown,
) -> impl IntoView {
    let utc = iso_utc(at);
    let text = RwSignal::new((shown.in_utc(&utc), exact_in_utc(&utc)));
    Effect::new(move || text.set((shown.in_readers_way(at), exact(at))));
    view! {
        <time datetime=utc title=move || text.get().1>
            {move || text.get().0}
        </time>
    }
}

/// An instant, on a page that the server renders: the browser goes by what is in the document
/// ([`show_times_in_readers_way`]).
#[cfg(feature = "ssr")]
#[component]
pub(crate) fn ServerTime(
    /// The instant.
    at: Timestamp,
    /// How it is shown.
    shown: Shown,
) -> impl IntoView {
    let utc = iso_utc(at);
    let (text, exact) = (shown.in_utc(&utc), exact_in_utc(&utc));
    view! {
        <time datetime=utc title=exact data-shown=shown.name()>
            {text}
        </time>
    }
}

/// Writes the instants of what the server rendered in the reader's own way and time zone.
pub(crate) fn show_times_in_readers_way() {
    let Ok(times) = document().query_selector_all("time[data-shown]") else {
        return;
    };
    let times = (0..times.length()).filter_map(|n| times.item(n));
    for time in times.filter_map(|time| time.dyn_into::<Element>().ok()) {
        let (Some(utc), Some(name)) = (
            time.get_attribute("datetime"),
            time.get_attribute("data-shown"),
        ) else {
            continue;
        };
        let at = Timestamp(js_sys::Date::parse(&utc) as i64);
        if let Some(shown) = Shown::ALL.into_iter().find(|shown| shown.name() == name) {
            time.set_text_content(Some(&shown.in_readers_way(at)));
            let _ = time.set_attribute("title", &exact(at));
        }
    }
}

/// `2 minutes ago`, by the browser's clock; in the page's language, as it stands in the midst of a sentence. For
/// the browser alone.
pub(crate) fn ago(at: Timestamp) -> String {
    // A browser's clock may be behind the server's.
    let seconds = ((js_sys::Date::now() - at.epoch_millis() as f64) / 1_000.0).max(0.0);
    let (length, unit) = match seconds {
        ..60.0 => return "just now".to_owned(),
        ..3_600.0 => (60.0, "minute"),
        ..86_400.0 => (3_600.0, "hour"),
        _ => (86_400.0, "day"),
    };
    let format = js_sys::Intl::RelativeTimeFormat::new(
        &js_sys::Array::of1(&"en-GB".into()),
        &js_sys::Object::new(),
    );
    format.format(-(seconds / length).floor(), unit).into()
}

/// `14:03:22`, in the reader's own way and time zone. For the browser alone.
pub(crate) fn time_of_day(at: Timestamp) -> String {
    in_readers_locale(at, &[("timeStyle", "medium")])
}

/// `2026-01-19T06:00:00.000Z`: the same text from the server and from the browser.
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

/// `2026-01-19T06:00:00.000Z`: the same text from the server and from the browser.
#[cfg(not(feature = "ssr"))]
fn iso_utc(at: Timestamp) -> String {
    let date = js_date(at);
    if date.get_time().is_nan() {
        String::new()
    } else {
        date.to_iso_string().into()
    }
}

/// `2026-01-19 06:00:00`.
pub(crate) fn utc_date_time(iso: &str) -> String {
    iso.chars().take(19).collect::<String>().replace('T', " ")
}

/// The exact instant, for hovering.
fn exact_in_utc(iso: &str) -> String {
    format!("{} UTC", utc_date_time(iso))
}

/// The exact instant, for hovering, in the reader's own way.
fn exact(at: Timestamp) -> String {
    in_readers_locale(at, &[("dateStyle", "full"), ("timeStyle", "long")])
}

/// As the browser writes an instant with these options of `Intl.DateTimeFormat`, in the reader's language.
fn in_readers_locale(at: Timestamp, options: &[(&str, &str)]) -> String {
    let set = js_sys::Object::new();
    for (name, value) in options {
        let _ = js_sys::Reflect::set(&set, &(*name).into(), &(*value).into());
    }
    let language = window().navigator().language();
    let language = language.unwrap_or_else(|| "en-GB".to_owned());
    js_date(at).to_locale_string(&language, &set).into()
}

fn js_date(at: Timestamp) -> js_sys::Date {
    js_sys::Date::new(&(at.epoch_millis() as f64).into())
}
