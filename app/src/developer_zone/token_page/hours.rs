//! Calls by hour, as a chart and as a table.
//!
//! Accepted calls are bars above the line, refused calls are bars below it: readers can tell them apart without colour.
//! Both have the same scale.

use std::fmt::Write as _;

use leptos::prelude::*;
use model::{
    timestamp::Timestamp,
    usage::{Calls, DAY_MILLIS, DAYS, HOUR_MILLIS, TokenUsage},
};
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

use crate::{
    developer_zone::charts::{grouped, week_in_words},
    ui::{ServerTime, Shown},
};

/// The size of the chart in SVG units. The page scales it.
const HOUR_WIDTH: usize = 4;
const WIDTH: usize = DAYS * 24 * HOUR_WIDTH;
const HEIGHT: u64 = 120;

/// The calls of each hour: a sentence, a chart, and a table that can be opened.
#[component]
pub(super) fn CallsByHour(usage: TokenUsage) -> impl IntoView {
    let total = usage
        .hours
        .iter()
        .copied()
        .fold(Calls::default(), Calls::plus);
    if total.total() == 0 {
        return view! { <p class="card-text">"No calls in the last 7 days."</p> }.into_any();
    }
    let summary = format!("{}. {}", week_in_words(total), busiest(&usage));
    let days = (0..DAYS).map(|day| {
        let at = usage.start.plus_millis(day as i64 * DAY_MILLIS);
        view! { <span>{written(at, DAY)}</span> }
    });
    let chart = drawing(&usage, &summary);
    view! {
        <div class="card-text calls-chart">
            <p>{summary}</p>
            <div inner_html=chart></div>
            <div class="calls-days" aria-hidden="true">
                {days.collect_view()}
            </div>
            <p class="hint">
                "Above the line: accepted. Below it: refused. Days and hours are in UTC; figures may be some seconds old."
            </p>
            <HourTable usage />
        </div>
    }
    .into_any()
}

#[component]
fn HourTable(usage: TokenUsage) -> impl IntoView {
    let rows = usage.hours.iter().enumerate().rev();
    let rows = rows
        .filter(|(_, calls)| calls.total() > 0)
        .map(|(hour, calls)| {
            let at = usage.start.plus_millis(hour as i64 * HOUR_MILLIS);
            view! {
                <tr>
                    <td data-label="Hour">
                        <ServerTime at shown=Shown::DateAndTime />
                    </td>
                    <td data-label="Accepted">{grouped(calls.accepted)}</td>
                    <td data-label="Refused">{grouped(calls.refused)}</td>
                </tr>
            }
        });
    view! {
        <details>
            <summary>"Show as table"</summary>
            <table class="table">
                <caption class="visually-hidden">
                    "Calls by hour, the latest first; hours without calls are left out"
                </caption>
                <thead>
                    <tr>
                        <th scope="col">"Hour"</th>
                        <th scope="col">"Accepted"</th>
                        <th scope="col">"Refused"</th>
                    </tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </details>
    }
}

/// The chart: an SVG element without text by users.
fn drawing(usage: &TokenUsage, summary: &str) -> String {
    let most = |of: fn(&Calls) -> u64| usage.hours.iter().map(of).max().unwrap_or(0);
    let (accepted, refused) = (most(|calls| calls.accepted), most(|calls| calls.refused));
    // The position of the line: both sides fit at the same scale.
    let all = u128::from(accepted) + u128::from(refused);
    let pixels = |calls: u64| match calls {
        0 => 0,
        calls => {
            let part = u128::from(calls) * u128::from(HEIGHT - 4) / all.max(1);
            u64::try_from(part).unwrap_or(HEIGHT).max(2)
        }
    };
    let line = pixels(accepted) + 1;
    let mut svg = format!(
        "<svg class=\"calls-hours\" role=\"img\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\">\
         <title>Calls by hour. {summary}</title>"
    );
    for day in 1..DAYS {
        let x = day * 24 * HOUR_WIDTH;
        let _ = write!(svg, "<path class=\"week-day\" d=\"M{x} 0v{HEIGHT}\"/>");
    }
    for (hour, calls) in usage.hours.iter().enumerate() {
        let x = hour * HOUR_WIDTH;
        let width = HOUR_WIDTH - 1;
        for (class, y, height) in [
            (
                "calls-accepted",
                line - pixels(calls.accepted),
                pixels(calls.accepted),
            ),
            ("calls-refused-below", line + 1, pixels(calls.refused)),
        ] {
            if height > 0 {
                let _ = write!(
                    svg,
                    "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>"
                );
            }
        }
    }
    let _ = write!(
        svg,
        "<path class=\"calls-line\" d=\"M0 {line}.5h{WIDTH}\"/></svg>"
    );
    svg
}

const DAY: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday repr:short] [day padding:none]");
const HOUR: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday repr:short] [day padding:none] [month repr:short], [hour]:00");

fn written(at: Timestamp, format: &[BorrowedFormatItem<'_>]) -> String {
    OffsetDateTime::from_unix_timestamp(at.epoch_millis().div_euclid(1_000))
        .ok()
        .and_then(|instant| instant.format(format).ok())
        .unwrap_or_default()
}

/// `Busiest hour: Mon 19 Jan, 06:00 UTC, with 12 calls.`
fn busiest(usage: &TokenUsage) -> String {
    let hours = (0_i64..).zip(&usage.hours);
    let (hour, calls) = hours
        .max_by_key(|(_, calls)| calls.total())
        .map_or((0, 0), |(hour, calls)| (hour, calls.total()));
    let at = usage.start.plus_millis(hour * HOUR_MILLIS);
    format!(
        "Busiest hour: {} UTC, with {} {}.",
        written(at, HOUR),
        grouped(calls),
        if calls == 1 { "call" } else { "calls" }
    )
}
