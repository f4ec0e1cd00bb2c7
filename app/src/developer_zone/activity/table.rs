//! The table of records: a part for each day, with runs that can be opened.

use leptos::prelude::*;
use model::{
    audit::{Actor, Entry, EntryPage},
    session::browser_name,
};

use super::{
    runs::{DayOfEntries, by_day},
    sentence::{CalledToken, EntrySentence, ExistingTokens},
};
use crate::{
    texts::activity::Sentence,
    time_zone::ReaderZone,
    ui::{ServerTime, Shown},
};

/// The records of a page.
#[component]
pub(super) fn EntryTable(page: EntryPage, existing: ExistingTokens) -> impl IntoView {
    let zone = ReaderZone::current();
    let days = by_day(page.entries, &zone).into_iter();
    let days = days.map(|day| view! { <Day day zone=zone.clone() existing=existing.clone() /> });
    view! {
        <table class="table activity-table">
            <caption class="visually-hidden">"Activity of the organisation, newest first"</caption>
            <thead>
                <tr>
                    <th scope="col">"Activity"</th>
                    <th scope="col">"When"</th>
                    <th scope="col">"From"</th>
                </tr>
            </thead>
            {days.collect_view()}
        </table>
    }
}

#[component]
fn Day(day: DayOfEntries, zone: ReaderZone, existing: ExistingTokens) -> impl IntoView {
    let groups = day.groups.into_iter().map(|mut group| match group.pop() {
        Some(entry) if group.is_empty() => {
            view! { <EntryRow entry existing=existing.clone() /> }.into_any()
        }
        entry => {
            group.extend(entry);
            view! { <Run entries=group zone=zone.clone() existing=existing.clone() /> }.into_any()
        }
    });
    view! {
        <tbody>
            <tr class="activity-day">
                <th scope="rowgroup" colspan="3">
                    {zone.long_date(day.at)}
                </th>
            </tr>
            {groups.collect_view()}
        </tbody>
    }
}

/// What one person did again and again: a sentence about all of it, which opens the records.
#[component]
fn Run(entries: Vec<Entry>, zone: ReaderZone, existing: ExistingTokens) -> impl IntoView {
    let count = entries.len();
    let (first, last) = entries.last().zip(entries.first())?;
    let (from, to) = (zone.time(first.key.at), zone.time(last.key.at));
    let span = if from == to {
        to
    } else {
        format!("{from} to {to}")
    };
    let Sentence {
        who, did, token, ..
    } = Sentence::of(last);
    let did = match token {
        Some(token) => view! {
            {format!("made {count} changes to token ")}
            <CalledToken token />
        }
        .into_any(),
        None => format!("{did} {count} times").into_any(),
    };
    let rows = entries
        .into_iter()
        .map(|entry| view! { <EntryRow entry existing=existing.clone() /> });
    Some(view! {
        <tr class="activity-run">
            <td colspan="3">
                <details>
                    <summary>
                        <span>
                            <strong>{who}</strong>
                            " "
                            {did}
                        </span>
                        <span class="activity-span">{span}</span>
                    </summary>
                    <table class="table activity-table">
                        <tbody>{rows.collect_view()}</tbody>
                    </table>
                </details>
            </td>
        </tr>
    })
}

#[component]
fn EntryRow(entry: Entry, existing: ExistingTokens) -> impl IntoView {
    view! {
        <tr>
            <th scope="row" class="activity">
                <EntrySentence sentence=Sentence::of(&entry) existing />
            </th>
            <td data-label="When">
                <ServerTime at=entry.key.at shown=Shown::Time />
            </td>
            <td data-label="From">
                <Source entry />
            </td>
        </tr>
    }
}

/// The IP address and the user agent of the request.
#[component]
fn Source(entry: Entry) -> impl IntoView {
    let address = match (entry.actor, entry.address) {
        (Actor::Operator(_), None) => "Admin tool".to_owned(),
        (_, None) => "Unknown".to_owned(),
        (_, Some(address)) => address,
    };
    let program = entry.user_agent.map(|user_agent| {
        let name = browser_name(Some(&user_agent));
        view! {
            <span class="user-agent" title=user_agent>
                {name}
            </span>
        }
    });
    view! {
        <span class="source">
            {address}
            {program}
        </span>
    }
}
