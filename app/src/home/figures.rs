//! Figures of today beside those of yesterday, and the next event.

use leptos::prelude::*;
use model::{
    event::{EventStatus, EventSummary},
    permission::Refusal,
    timestamp::Timestamp,
    token::TokenSummary,
    usage::{DayOfCalls, TokenOverview},
};
use time::{Date, OffsetDateTime, PrimitiveDateTime, macros::format_description};

use crate::{
    developer_zone::grouped,
    paths::{ERROR_CODES, EVENTS, TOKENS, token_page},
};

/// Accepted calls, refused calls and active tokens.
#[component]
pub(super) fn TokenFigures(tokens: TokenOverview) -> impl IntoView {
    let TokenOverview {
        tokens,
        active,
        most_refused,
        today,
        yesterday,
        ..
    } = tokens;
    let reason = main_reason(&today, &yesterday);
    let most_refused = tokens
        .iter()
        .find(|token| Some(token.id) == most_refused)
        .cloned();
    let inactive = match tokens.len() - active {
        _ if tokens.is_empty() => "No API tokens yet".to_owned(),
        0 => "None is inactive".to_owned(),
        inactive => format!("{inactive} inactive"),
    };
    view! {
        <Figure id="accepted-title" title="Accepted calls today" value=grouped(today.accepted)>
            <p class="hint">{format!("Yesterday: {}", grouped(yesterday.accepted))}</p>
            <p class="hint">"Days begin at midnight UTC."</p>
        </Figure>
        <Figure id="refused-title" title="Refused calls today" value=grouped(today.refused())>
            <p class="hint">{format!("Yesterday: {}", grouped(yesterday.refused()))}</p>
            {reason
                .map(|reason| {
                    view! {
                        <p class="hint">{reason}</p>
                        {most_refused.map(|token| view! { <MostRefused token /> })}
                        <a href=ERROR_CODES>"All error codes"</a>
                    }
                })}
        </Figure>
        <Figure id="active-title" title="Active tokens" value=active.to_string()>
            <p class="hint">{inactive}</p>
            <a href=TOKENS>"Manage tokens"</a>
        </Figure>
    }
}

/// The token with most of today's refused calls.
#[component]
fn MostRefused(token: TokenSummary) -> impl IntoView {
    view! {
        <p class="hint">
            "Most from " <a href=token_page(token.id)>
                <bdi>{token.display_name()}</bdi>
            </a>
        </p>
    }
}

/// The most frequent reason of today's refusals, or of yesterday's if there are none today.
fn main_reason(today: &DayOfCalls, yesterday: &DayOfCalls) -> Option<String> {
    let first = |day: &DayOfCalls| day.refusals.first().map(|refusal| refusal.code.clone());
    let (when, code) = match first(today) {
        Some(code) => ("Main reason", code),
        None => ("Main reason yesterday", first(yesterday)?),
    };
    // A newer version of the program may have counted a code that this one does not know.
    let refusal = code.parse::<Refusal>().ok();
    let cause = refusal.map_or(code, |refusal| refusal.explanation().cause.replace('`', ""));
    Some(format!("{when}: {cause}"))
}

/// The next event.
#[component]
pub(super) fn NextEvent(event: Option<EventSummary>, now: Timestamp) -> impl IntoView {
    let content = match event {
        None => view! { <p class="hint">"No event has a date from today on."</p> }.into_any(),
        Some(event) => {
            let date = event.event_date.unwrap_or_default();
            let badge = match event.status {
                EventStatus::Active => "badge status-active",
                EventStatus::Draft => "badge status-draft",
            };
            view! {
                <p class="figure-name">
                    <bdi>{event.event_name.unwrap_or_else(|| "Unnamed".to_owned())}</bdi>
                </p>
                <p class="hint">
                    <time datetime=date.clone()>{event_date(&date)}</time>
                    {days_until(&date, now).map(|days| format!(" · {days}"))}
                </p>
                <p class="hint">
                    "ID "
                    <code translate="no">{event.event_id.to_string()}</code>
                    " "
                    <span class=badge>{event.status.label()}</span>
                </p>
            }
            .into_any()
        }
    };
    view! {
        <section class="card figure" aria-labelledby="event-title">
            <h2 id="event-title">"Next event"</h2>
            {content}
            <a href=EVENTS>"All events"</a>
        </section>
    }
}

#[component]
fn Figure(
    id: &'static str,
    title: &'static str,
    value: String,
    children: Children,
) -> impl IntoView {
    view! {
        <section class="card figure" aria-labelledby=id>
            <h2 id=id>{title}</h2>
            <p class="figure-value">{value}</p>
            {children()}
        </section>
    }
}

fn parsed(date: &str) -> Option<PrimitiveDateTime> {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
    PrimitiveDateTime::parse(date, format).ok()
}

/// `18 Jan 2027, 06:00`: local time at the event, from `2027-01-18T06:00:00`.
fn event_date(date: &str) -> String {
    let format =
        format_description!("[day padding:none] [month repr:short] [year], [hour]:[minute]");
    let readable = parsed(date).and_then(|parsed| parsed.format(format).ok());
    readable.unwrap_or_else(|| date.to_owned())
}

/// `today`, `tomorrow` or `in 51 days`, by the UTC day.
fn days_until(date: &str, now: Timestamp) -> Option<String> {
    let now = OffsetDateTime::from_unix_timestamp(now.epoch_millis() / 1_000).ok()?;
    let day = |date: Date| date.to_julian_day();
    match day(parsed(date)?.date()) - day(now.date()) {
        ..0 => None,
        0 => Some("today".to_owned()),
        1 => Some("tomorrow".to_owned()),
        days => Some(format!("in {days} days")),
    }
}

#[cfg(test)]
mod tests {
    use model::usage::RefusalCount;

    use super::*;

    /// 2026-01-19T06:00:00Z.
    const NOW: Timestamp = Timestamp(1_768_802_400_000);

    fn day(codes: &[&str]) -> DayOfCalls {
        let refusals = codes.iter().map(|code| RefusalCount {
            code: (*code).to_owned(),
            calls: 1,
            last_hour: NOW,
        });
        DayOfCalls {
            accepted: 0,
            refusals: refusals.collect(),
        }
    }

    #[test]
    fn the_main_reason_is_the_first_of_today_or_else_of_yesterday() {
        let reason = |today: &[&str], yesterday: &[&str]| main_reason(&day(today), &day(yesterday));
        let expected = "Main reason: The token is inactive.";
        let found = reason(&["token_inactive", "rate_limited"], &["event_mismatch"]);
        assert_eq!(found.as_deref(), Some(expected));
        let expected = "Main reason yesterday: The organisation has no event with this ID.";
        assert_eq!(reason(&[], &["event_mismatch"]).as_deref(), Some(expected));
        assert_eq!(
            reason(&["of_a_newer_version"], &[]).as_deref(),
            Some("Main reason: of_a_newer_version")
        );
        assert_eq!(reason(&[], &[]), None);
    }

    #[test]
    fn an_event_says_its_date_and_in_how_many_days_it_is() {
        for (date, shown, days) in [
            ("2026-01-19T00:00:00", "19 Jan 2026, 00:00", Some("today")),
            (
                "2026-01-20T23:59:59",
                "20 Jan 2026, 23:59",
                Some("tomorrow"),
            ),
            (
                "2026-03-01T06:30:00",
                "1 Mar 2026, 06:30",
                Some("in 41 days"),
            ),
            ("2026-01-18T06:30:00", "18 Jan 2026, 06:30", None),
            ("soon", "soon", None),
        ] {
            assert_eq!(event_date(date), shown);
            assert_eq!(days_until(date, NOW).as_deref(), days, "{date}");
        }
    }
}
