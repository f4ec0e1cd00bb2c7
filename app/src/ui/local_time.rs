//! Instants as the reader reads them.

use leptos::prelude::*;
use model::timestamp::Timestamp;
use wasm_bindgen::JsCast;
use web_sys::Element;

/// A date in the reader's own language and time zone, with the exact instant on hover.
///
/// The server cannot know either, so it writes UTC, and the browser starts from the same text; only then
/// is it replaced. Without script the UTC text stays.
#[component]
pub(crate) fn LocalDate(
    /// The instant.
    at: Timestamp,
) -> impl IntoView {
    let utc = iso_utc(at);
    let (date, instant) = (utc_date(&utc), format!("{} UTC", utc_date_time(&utc)));
    let shown = RwSignal::new((date, instant));
    Effect::new(move || shown.set(in_readers_locale(at)));
    view! {
        <time datetime=utc title=move || shown.get().1>
            {move || shown.get().0}
        </time>
    }
}

/// How long ago an instant was, with the instant itself on hover. As in [`LocalDate`], the server writes it in
/// UTC, and the browser starts from that.
///
/// It does not count on: the page knows of no later use, and "two hours ago" on a page that has been open for
/// two hours would say that there was none.
#[component]
pub(crate) fn Ago(
    /// The instant.
    at: Timestamp,
) -> impl IntoView {
    let utc = iso_utc(at);
    let instant = utc_date_time(&utc);
    let to_the_minute: String = instant.chars().take(16).collect();
    let shown = RwSignal::new((format!("{to_the_minute} UTC"), format!("{instant} UTC")));
    Effect::new(move || shown.set((ago(at), in_readers_locale(at).1)));
    view! {
        <time datetime=utc title=move || shown.get().1>
            {move || shown.get().0}
        </time>
    }
}

/// An instant in UTC, in what [`ServerHtml`](super::ServerHtml) shows: there the browser puts the reader's own way
/// in its place.
#[cfg(feature = "ssr")]
#[component]
pub(crate) fn UtcTime(
    /// The instant.
    at: Timestamp,
) -> impl IntoView {
    let utc = iso_utc(at);
    let instant = utc_date_time(&utc);
    let to_the_minute: String = instant.chars().take(16).collect();
    view! {
        <time datetime=utc title=format!("{instant} UTC")>
            {format!("{to_the_minute} UTC")}
        </time>
    }
}

/// Writes the instants below an element in the reader's own way and time zone. For the browser alone.
pub(super) fn localise(root: &Element) {
    let Ok(times) = root.query_selector_all("time") else {
        return;
    };
    let times = (0..times.length()).filter_map(|n| times.item(n));
    for time in times.filter_map(|time| time.dyn_into::<Element>().ok()) {
        let Some(utc) = time.get_attribute("datetime") else {
            continue;
        };
        let at = Timestamp(js_sys::Date::parse(&utc) as i64);
        time.set_text_content(Some(&date_and_time(at)));
        let _ = time.set_attribute("title", &in_readers_locale(at).1);
    }
}

/// `19 Jan 2026, 07:00`.
fn date_and_time(at: Timestamp) -> String {
    let options = js_sys::Object::new();
    for (key, value) in [("dateStyle", "medium"), ("timeStyle", "short")] {
        let _ = js_sys::Reflect::set(&options, &key.into(), &value.into());
    }
    js_date(at)
        .to_locale_string(&readers_language(), &options)
        .into()
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
    let options = js_sys::Object::new();
    let _ = js_sys::Reflect::set(&options, &"timeStyle".into(), &"medium".into());
    js_date(at)
        .to_locale_time_string_with_options(&readers_language(), &options)
        .into()
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

/// `2026-01-19`.
fn utc_date(iso: &str) -> String {
    iso.chars().take(10).collect()
}

/// `2026-01-19 06:00:00`.
pub(crate) fn utc_date_time(iso: &str) -> String {
    iso.chars().take(19).collect::<String>().replace('T', " ")
}

/// The date, and the full instant.
fn in_readers_locale(at: Timestamp) -> (String, String) {
    let locale = readers_language();
    let options = js_sys::Object::new();
    let set = |key: &str, value: &str| {
        let _ = js_sys::Reflect::set(&options, &key.into(), &value.into());
    };
    set("dateStyle", "medium");
    let date = js_date(at).to_locale_date_string(&locale, &options);
    set("dateStyle", "full");
    set("timeStyle", "long");
    let instant = js_date(at).to_locale_string(&locale, &options);
    (date.into(), instant.into())
}

fn readers_language() -> String {
    let language = window().navigator().language();
    language.unwrap_or_else(|| "en-GB".to_owned())
}

fn js_date(at: Timestamp) -> js_sys::Date {
    js_sys::Date::new(&(at.epoch_millis() as f64).into())
}
