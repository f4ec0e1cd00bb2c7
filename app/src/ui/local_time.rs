//! Timestamps in the reader's language and time zone.

use std::cell::Cell;

use js_sys::Reflect;
use leptos::prelude::*;
use model::{all_variants, timestamp::Timestamp};
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use web_sys::Element;

/// The language of every page.
const PAGE_LANGUAGE: &str = "en-GB";

/// The format of a timestamp. Hovering shows the exact time in any format.
///
/// The server does not know the reader's language and time zone, so it writes UTC. The browser then replaces the
/// text. Without script the UTC text stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// `19 Jan 2026`.
    Date,
    /// `19 Jan 2026, 07:00`.
    DateAndTime,
    /// `2 minutes ago`, counted once, when the page loads.
    ///
    /// The text does not update, because the data is as old as the page. On a page that is open for two hours,
    /// "two hours ago" would claim that nothing has happened since.
    Ago,
}

impl Shown {
    const ALL: [Self; 3] = all_variants![Date, DateAndTime, Ago];

    /// The value of the `data-shown` attribute.
    const fn name(self) -> &'static str {
        match self {
            Self::Date => "date",
            Self::DateAndTime => "date-and-time",
            Self::Ago => "ago",
        }
    }

    /// The text that the server writes. `utc` has the format of [`iso_utc`].
    #[cfg(feature = "ssr")]
    fn in_utc(self, utc: &str) -> String {
        match self {
            Self::Date => utc.chars().take(10).collect(),
            Self::DateAndTime | Self::Ago => {
                let to_the_minute: String = utc_date_time(utc).chars().take(16).collect();
                format!("{to_the_minute} UTC")
            }
        }
    }

    /// The text that the browser writes.
    fn in_readers_locale(self, at: Timestamp) -> String {
        match self {
            Self::Date => format_in_browser(at, &[("dateStyle", "medium")]),
            Self::DateAndTime => {
                format_in_browser(at, &[("dateStyle", "medium"), ("timeStyle", "short")])
            }
            Self::Ago => ago(at),
        }
    }
}

/// A timestamp in the rebuilt part of an island. Elsewhere, use [`ServerTime`].
#[component]
pub(crate) fn LocalTime(
    /// The timestamp.
    at: Timestamp,
    /// Its format.
    shown: Shown,
) -> impl IntoView {
    #[cfg(feature = "ssr")]
    let view = view! { <ServerTime at shown /> };
    #[cfg(not(feature = "ssr"))]
    let view = {
        let text = shown.in_readers_locale(at);
        let exact = exact_in_readers_locale(at);
        view! { <time datetime=iso_utc(at) title=exact prop:textContent=text></time> }
    };
    view
}

/// A timestamp outside of islands. [`localise_server_times`] replaces its text in the browser.
#[cfg(feature = "ssr")]
#[component]
pub(crate) fn ServerTime(
    /// The timestamp.
    at: Timestamp,
    /// Its format.
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

/// Replaces the text of every [`ServerTime`] on the page with the reader's language and time zone.
pub(crate) fn localise_server_times() {
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
            time.set_text_content(Some(&shown.in_readers_locale(at)));
            let _ = time.set_attribute("title", &exact_in_readers_locale(at));
        }
    }
}

thread_local! {
    /// How many milliseconds the browser's clock is ahead of the server's.
    static AHEAD: Cell<f64> = const { Cell::new(0.0) };
}

/// Takes note of the server's clock: it made the page at this time. Works only in the browser.
///
/// Less than a minute may also be the time that the page took to load. More means that the browser's clock is wrong, and a
/// token that was used a moment ago would have been used `400 days ago`.
pub(crate) fn note_server_time(made_at: Timestamp) {
    const TOLERANCE: f64 = 60_000.0;
    let ahead = js_sys::Date::now() - made_at.epoch_millis() as f64;
    AHEAD.set(if ahead.abs() < TOLERANCE { 0.0 } else { ahead });
}

/// `2 minutes ago`, by the server's clock. Works only in the browser.
///
/// The text is in the page's language, because sentences of the page contain it.
pub(crate) fn ago(at: Timestamp) -> String {
    let now = js_sys::Date::now() - AHEAD.get();
    // What happened after the page was made may seem to lie ahead.
    let seconds = ((now - at.epoch_millis() as f64) / 1_000.0).max(0.0);
    let (length, unit) = match seconds {
        ..60.0 => return "just now".to_owned(),
        ..3_600.0 => (60.0, "minute"),
        ..86_400.0 => (3_600.0, "hour"),
        _ => (86_400.0, "day"),
    };
    let format = js_sys::Intl::RelativeTimeFormat::new(
        &js_sys::Array::of1(&PAGE_LANGUAGE.into()),
        &js_sys::Object::new(),
    );
    format.format(-(seconds / length).floor(), unit).into()
}

/// `14:03:22`, in the reader's language and time zone. Works only in the browser.
pub(crate) fn time_of_day(at: Timestamp) -> String {
    format_in_browser(at, &[("timeStyle", "medium")])
}

/// `2026-01-19T06:00:00.000Z`. Server and browser write the same text, so hydration finds no difference.
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

/// `2026-01-19T06:00:00.000Z`. Server and browser write the same text, so hydration finds no difference.
#[cfg(not(feature = "ssr"))]
fn iso_utc(at: Timestamp) -> String {
    let date = js_date(at);
    if date.get_time().is_nan() {
        String::new()
    } else {
        date.to_iso_string().into()
    }
}

/// `2026-01-19 06:00:00`, from the format of [`iso_utc`].
pub(crate) fn utc_date_time(iso: &str) -> String {
    iso.chars().take(19).collect::<String>().replace('T', " ")
}

/// The exact time in UTC, for hovering.
fn exact_in_utc(iso: &str) -> String {
    format!("{} UTC", utc_date_time(iso))
}

/// The exact time in the reader's language and time zone, for hovering.
fn exact_in_readers_locale(at: Timestamp) -> String {
    format_in_browser(at, &[("dateStyle", "full"), ("timeStyle", "long")])
}

/// Formats a timestamp with options of `Intl.DateTimeFormat`, in the browser's language and time zone.
///
/// Browsers name languages that they do not accept themselves, such as `en-US@posix` or `C` (after the environment
/// variable `LANG`), and extensions set any value. The text is then in the language of the page.
fn format_in_browser(at: Timestamp, options: &[(&str, &str)]) -> String {
    let js_options = js_sys::Object::new();
    for (name, value) in options {
        let _ = Reflect::set(&js_options, &(*name).into(), &(*value).into());
    }
    let date: LocalDate = js_date(at).unchecked_into();
    Reflect::get(&window().navigator(), &"language".into())
        .and_then(|language| date.try_to_locale_string(&language, &js_options))
        .or_else(|_| date.try_to_locale_string(&PAGE_LANGUAGE.into(), &js_options))
        .unwrap_or_else(|_| exact_in_utc(&iso_utc(at)))
}

#[wasm_bindgen]
extern "C" {
    /// `Date`, with the method of `js_sys` that does not return what it throws.
    type LocalDate;

    #[wasm_bindgen(method, catch, js_name = toLocaleString)]
    fn try_to_locale_string(
        this: &LocalDate,
        languages: &JsValue,
        options: &js_sys::Object,
    ) -> Result<String, JsValue>;
}

fn js_date(at: Timestamp) -> js_sys::Date {
    js_sys::Date::new(&(at.epoch_millis() as f64).into())
}
