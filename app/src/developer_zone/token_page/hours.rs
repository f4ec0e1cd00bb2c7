//! Calls by hour: as a chart, hour by hour, and as a table.

use leptos::prelude::*;
use model::{
    timestamp::Timestamp,
    token::TokenId,
    usage::{Calls, HOUR_MILLIS, TokenUsage},
};

use super::{
    bars::Bars,
    chart::{axis, chart, has_two_scales},
    period::Period,
    reasons::{PatternSource, Reason, Swatch, reasons_in_words, refused_in_words},
};
use crate::{
    developer_zone::charts::{calls_in_words, grouped},
    time_zone::ReaderZone,
    ui::{ServerTime, Shown, TimeZoneNote},
};

/// On a phone, an hour of a week would be less than 2 px wide. Days have a whole number of such bars.
const HOURS_OF_A_WIDE_BAR: usize = 4;

/// The calls of each hour: a sentence, a chart, and a table that can be opened.
#[component]
pub(super) fn CallsByHour(
    /// The calls since the start of the period.
    usage: TokenUsage,
    period: Period,
    now: Timestamp,
) -> impl IntoView {
    let (zone, token) = (ReaderZone::current(), usage.token.id);
    let total = total(&usage);
    let in_words = calls_in_words(period.label(), total);
    let content = if total.total() == 0 {
        view! { <p>{format!("{in_words}.")}</p> }.into_any()
    } else {
        let summary = format!("{in_words}. {}", busiest(&usage, &zone));
        let bars = Bars::by_hour(&usage, period, now, &zone);
        let reasons = bars.reasons.clone();
        let name = format!("Calls by hour. {summary}");
        view! {
            <p>{summary}</p>
            <PatternSource />
            <Charts bars period zone name />
            <HourTable usage reasons />
        }
        .into_any()
    };
    view! {
        <section class="card" aria-labelledby="calls">
            <header class="card-header">
                <h2 id="calls">"Calls by hour"</h2>
                <Periods token period />
            </header>
            <div class="card-text calls">
                {content}
                <TimeZoneNote />
            </div>
        </section>
    }
}

/// The calls of the whole period.
pub(super) fn total(usage: &TokenUsage) -> Calls {
    let hours = usage.hours.iter().copied();
    hours.fold(Calls::default(), Calls::plus)
}

/// The links to the periods.
#[component]
fn Periods(token: TokenId, period: Period) -> impl IntoView {
    let links = Period::ALL.map(|other| {
        view! {
            <a href=other.address(token) aria-current=(other == period).then_some("true")>
                {other.label()}
            </a>
        }
    });
    view! {
        <nav class="segments" aria-label="Period">
            {links}
        </nav>
    }
}

/// What the bars of the chart are.
#[component]
fn Legend(reasons: Vec<Reason>, two_scales: bool) -> impl IntoView {
    let text = match two_scales {
        true => "Refused, below the line, on a larger scale:",
        false => "Refused, below the line:",
    };
    let refused = (!reasons.is_empty()).then(|| view! { <li>{text}</li> });
    let reasons = reasons.into_iter().enumerate().map(|(pattern, reason)| {
        view! {
            <li>
                <Swatch pattern />
                {reason.label}
            </li>
        }
    });
    view! {
        <ul class="calls-legend">
            <li class="calls-legend-accepted">"Accepted"</li>
            {refused}
            {reasons.collect_view()}
        </ul>
    }
}

/// The chart. Where a week is too narrow for its hours, there is one with fewer bars in its place.
#[component]
fn Charts(bars: Bars, period: Period, zone: ReaderZone, name: String) -> impl IntoView {
    if period == Period::Day {
        return view! { <Chart bars period zone name /> }.into_any();
    }
    let few = bars.together(HOURS_OF_A_WIDE_BAR);
    view! {
        <div class="calls-many-bars">
            <Chart bars period zone=zone.clone() name=name.clone() />
        </div>
        <div class="calls-few-bars">
            <Chart bars=few period zone name />
        </div>
    }
    .into_any()
}

/// The legend, and the chart with its axes. Above it is the value of the bar that the reader points at or has chosen with
/// the arrow keys: the bars are a group of radio buttons, which needs no script.
#[component]
fn Chart(bars: Bars, period: Period, zone: ReaderZone, name: String) -> impl IntoView {
    let drawn = chart(&bars, &name);
    let values = (0..bars.width).map(|bar| match bars.calls.get(bar) {
        Some(calls) => {
            let refused = refused_in_words(calls.refused, &bars.reasons, bar);
            bar_view(*calls, bars.hours, bars.time(bar, &zone), &refused).into_any()
        }
        None => view! { <i aria-hidden="true"></i> }.into_any(),
    });
    let values = values.collect_view();
    let (hint, label) = match bars.hours {
        1 => ("Choose an hour to see its calls.", "Calls of one hour"),
        _ => (
            "Choose four hours to see their calls.",
            "Calls of four hours",
        ),
    };
    let marks_class = match period {
        Period::Day => "calls-marks calls-times",
        Period::Week => "calls-marks",
    };
    let marks = bars.marks.iter().map(|mark| {
        let (first, second) = mark.text.clone();
        view! { <span>{first} " " <span>{second}</span></span> }
    });
    view! {
        <Legend reasons=bars.reasons.clone() two_scales=has_two_scales(&bars.calls) />
        <div class="calls-chart">
            <p class="hint calls-hint">{hint}</p>
            <div class="calls-scale" inner_html=axis(&bars.calls)></div>
            <div class="calls-plot" inner_html=drawn></div>
            <div class="calls-hours" role="radiogroup" aria-label=label>
                {values}
            </div>
            <div class=marks_class aria-hidden="true">
                {marks.collect_view()}
            </div>
        </div>
    }
}

/// A bar's value, over the chart. Only bars with calls can be chosen with the keyboard.
fn bar_view(calls: Calls, hours: usize, time: String, refused: &str) -> impl IntoView + use<> {
    if calls.total() == 0 {
        return view! { <i aria-hidden="true"><span>{format!("{time}: no calls")}</span></i> }
            .into_any();
    }
    let accepted = grouped(calls.accepted);
    view! {
        <label>
            <input type="radio" name=format!("hours-{hours}") autocomplete="off" />
            <span>{format!("{time}: {accepted} accepted, {refused}")}</span>
        </label>
    }
    .into_any()
}

#[component]
fn HourTable(usage: TokenUsage, reasons: Vec<Reason>) -> impl IntoView {
    let rows = usage.hours.iter().enumerate().rev();
    let rows = rows
        .filter(|(_, calls)| calls.total() > 0)
        .map(|(hour, calls)| {
            let at = usage.start.plus_millis(hour as i64 * HOUR_MILLIS);
            view! {
                <tr>
                    <th scope="row" data-label="Hour">
                        <ServerTime at shown=Shown::DateAndTime />
                    </th>
                    <td class="number" data-label="Accepted">
                        {grouped(calls.accepted)}
                    </td>
                    <td class="number" data-label="Refused">
                        {grouped(calls.refused)}
                    </td>
                    <td data-label="Reasons">{reasons_in_words(&reasons, hour).unwrap_or_else(|| "None".to_owned())}</td>
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
                        <th scope="col" class="number">
                            "Accepted"
                        </th>
                        <th scope="col" class="number">
                            "Refused"
                        </th>
                        <th scope="col">"Reasons"</th>
                    </tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </details>
    }
}

/// `Busiest hour: Mon 19 Jan, 06:00, with 12 calls.`
fn busiest(usage: &TokenUsage, zone: &ReaderZone) -> String {
    let hours = (0_i64..).zip(&usage.hours);
    let (hour, calls) = hours
        .max_by_key(|(_, calls)| calls.total())
        .map_or((0, 0), |(hour, calls)| (hour, calls.total()));
    let at = usage.start.plus_millis(hour * HOUR_MILLIS);
    format!(
        "Busiest hour: {}, with {} {}.",
        zone.hour(at),
        grouped(calls),
        if calls == 1 { "call" } else { "calls" }
    )
}
