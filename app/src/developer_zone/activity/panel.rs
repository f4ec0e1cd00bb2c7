//! The content of the page: filter and pager around the table.

use leptos::prelude::*;
use model::{
    audit::{Cursor, Entry, EntryPage, Filter, Kind},
    organisation::OrganisationId,
    token::{TokenId, TokenSummary, display_name},
};
use store::{Member, Store};

use super::{sentence::ExistingTokens, table::EntryTable};
use crate::{
    document::InlineScript,
    error::RequestError,
    texts::activity::ActivityQuery,
    time_zone::{Day, ReaderZone},
    ui::{Drawing, DrawingSource, Icon, IconName, Notice, PageLink, TimeZoneNote, illustration},
};

/// Records on a page.
const PAGE_SIZE: u32 = 50;

/// The maximum number of deleted tokens that the filter offers.
const DELETED_TOKENS: u32 = 50;

/// A token in the list of the filter.
struct Choice {
    id: TokenId,
    label: String,
}

/// The result of a query.
pub(super) struct Found {
    page: EntryPage,
    choices: Vec<Choice>,
    existing: ExistingTokens,
}

/// Reads the result of a query.
///
/// # Errors
/// [`RequestError::PlanRequired`], and those of the database.
pub(super) async fn load(
    store: &Store,
    member: &Member,
    query: &ActivityQuery,
) -> Result<Found, RequestError> {
    let audit = store.audit();
    let filter = query.filter(&ReaderZone::current());
    let page = audit
        .list(member.into(), filter, query.place, PAGE_SIZE)
        .await?;
    let present = store.tokens().list(member.into()).await?;
    let existing = ExistingTokens::of(&present);
    let choices = choices(store, member, present, query.token).await?;
    Ok(Found {
        page,
        choices,
        existing,
    })
}

/// The options of the filter: existing tokens, then deleted ones, both newest first. The requested token is always
/// included, even if it is in neither list.
async fn choices(
    store: &Store,
    member: &Member,
    present: Vec<TokenSummary>,
    requested: Option<TokenId>,
) -> Result<Vec<Choice>, RequestError> {
    let mut choices: Vec<_> = present
        .into_iter()
        .map(|token| Choice {
            id: token.id,
            label: token.display_name(),
        })
        .collect();
    let deletions = Filter {
        kind: Some(Kind::TokenDeleted),
        ..Filter::default()
    };
    let deleted = store
        .audit()
        .list(member.into(), deletions, Cursor::Newest, DELETED_TOKENS)
        .await?;
    let deleted = deleted.entries.into_iter().filter_map(|entry| entry.token);
    choices.extend(deleted.map(|token| Choice {
        id: token.id,
        label: format!(
            "{}, deleted",
            display_name(token.name.as_ref(), &token.preview)
        ),
    }));
    if let Some(requested) = requested
        && choices.iter().all(|choice| choice.id != requested)
    {
        choices.push(Choice {
            id: requested,
            label: format!("Token {requested}"),
        });
    }
    Ok(choices)
}

/// The filter, and the records that match it.
#[component]
pub(super) fn Activity(
    organisation: OrganisationId,
    query: ActivityQuery,
    found: Found,
) -> impl IntoView {
    let Found {
        page,
        choices,
        existing,
    } = found;
    let filtered = query.filter(&ReaderZone::current()) != Filter::default();
    view! {
        <header class="card-header">
            <h2 id="activity-title">"Activity"</h2>
            <a class="button" href=query.file(organisation)>
                <Icon name=IconName::Download />
                "Download CSV"
            </a>
        </header>
        <FilterForm query choices filtered />
        {if page.entries.is_empty() {
            view! { <Nothing query filtered /> }.into_any()
        } else {
            view! {
                <EntryTable page=page.clone() existing />
                <Pager query page />
            }
            .into_any()
        }}
    }
}

#[component]
fn FilterForm(query: ActivityQuery, choices: Vec<Choice>, filtered: bool) -> impl IntoView {
    let kinds = Kind::ALL
        .into_iter()
        .filter(|kind| kind.is_shown_to_members());
    let kinds = kinds.map(|kind| {
        view! {
            <option value=kind.code() selected=query.kind == Some(kind)>
                {kind.label()}
            </option>
        }
    });
    let tokens = choices.into_iter().map(|choice| {
        view! {
            <option value=choice.id.to_string() selected=query.token == Some(choice.id)>
                {choice.label}
            </option>
        }
    });
    view! {
        <form
            class="filter"
            method="get"
            action=ActivityQuery::default().page(Cursor::Newest)
            aria-label="Filter"
        >
            <label class="field">
                <span class="field-label">"Kind"</span>
                <select name="kind">
                    <option value="">"All activity"</option>
                    {kinds.collect_view()}
                </select>
            </label>
            <label class="field">
                <span class="field-label">"Token"</span>
                <select name="token">
                    <option value="">"All tokens"</option>
                    {tokens.collect_view()}
                </select>
            </label>
            <DayField name="first-day" label="First day" day=query.first_day />
            <DayField name="last-day" label="Last day" day=query.last_day />
            <button type="submit" class="button">
                "Filter"
            </button>
            {filtered.then(|| view! { <ShowAll /> })}
        </form>
        <InlineScript code=include_str!("filter.js") />
    }
}

#[component]
fn DayField(name: &'static str, label: &'static str, day: Option<Day>) -> impl IntoView {
    view! {
        <label class="field">
            <span class="field-label">{label}</span>
            <input type="date" name=name value=day.map(|day| day.to_string()) />
        </label>
    }
}

#[component]
fn ShowAll() -> impl IntoView {
    view! {
        <a class="button button-quiet" href=ActivityQuery::default().page(Cursor::Newest)>
            "Show all"
        </a>
    }
}

#[component]
fn Nothing(query: ActivityQuery, filtered: bool) -> impl IntoView {
    let (title, text) = if query.place != Cursor::Newest {
        ("Nothing older", "There is no earlier activity.")
    } else if filtered {
        (
            "Nothing found",
            "There is no activity that matches this filter.",
        )
    } else {
        (
            "No activity yet",
            "Sign-ins, and changes of tokens, members and the plan appear here.",
        )
    };
    view! {
        <DrawingSource drawing=Drawing::Records />
        <Notice picture=illustration(Drawing::Records) title>
            <p>{text}</p>
            {(query.place != Cursor::Newest)
                .then(|| {
                    view! {
                        <a class="button" href=query.page(Cursor::Newest)>
                            "Newest"
                        </a>
                    }
                })}
        </Notice>
    }
}

/// The zone of the times, and the links to the pages before and after this one.
#[component]
fn Pager(query: ActivityQuery, page: EntryPage) -> impl IntoView {
    let key = |entry: Option<&Entry>| entry.map(|entry| entry.key);
    let newer = key(page.entries.first()).filter(|_| page.has_newer);
    let older = key(page.entries.last()).filter(|_| page.has_older);
    let links = (newer.is_some() || older.is_some()).then(|| {
        view! {
            <nav aria-label="Pages">
                <PageLink label="Newer" href=newer.map(|key| query.page(Cursor::After(key))) />
                <PageLink label="Older" href=older.map(|key| query.page(Cursor::Before(key))) />
            </nav>
        }
    });
    view! {
        <div class="pager">
            <TimeZoneNote />
            {links}
        </div>
    }
}
