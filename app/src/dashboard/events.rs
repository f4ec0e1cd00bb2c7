//! The page that lists the organisation's events.
//!
//! Integrators read event IDs here: the address of most API calls contains one.

use jiff::civil::DateTime;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use model::{
    event::{EventStatus, EventSummary},
    organisation::{Organisation, OrganisationId},
    page::{Page, PageRequest, Pagination},
};

use super::{ChooseOrganisation, LoadFailed};
use crate::{
    error::RequestError,
    page_context::use_viewer,
    paths::EVENTS,
    session::{member, store, with_error_status},
    ui::{CopyButton, Drawing, DrawingSource, Notice, PageLink, illustration},
};

/// Number of events on a page.
const PAGE_SIZE: i64 = 30;

/// Reads one page of the organisation's events.
async fn list_events(
    organisation: OrganisationId,
    page: i64,
) -> Result<Page<EventSummary>, RequestError> {
    with_error_status(async {
        let member = member(organisation).await?;
        let request =
            PageRequest::new(page, PAGE_SIZE, PAGE_SIZE).map_err(|_| RequestError::BadRequest)?;
        Ok(store().events().list(&member, request).await?)
    })
    .await
}

/// The page at `/events`.
#[component]
pub(crate) fn EventsPage() -> impl IntoView {
    let organisation = use_viewer().and_then(|viewer| viewer.selected_organisation().cloned());
    view! {
        <Title text="Events" />
        <h1>"Events"</h1>
        {match organisation {
            Some(organisation) => view! { <EventsCard organisation /> }.into_any(),
            None => view! { <ChooseOrganisation what="its events" /> }.into_any(),
        }}
    }
}

#[component]
fn EventsCard(organisation: Organisation) -> impl IntoView {
    let requested = use_query_map().with_untracked(|query| query.get("page"));
    let page = requested
        .and_then(|page| page.parse().ok())
        .filter(|page| *page >= 1)
        .unwrap_or(1);
    let content = Suspend::new(async move {
        match list_events(organisation.id, page).await {
            Ok(page) if page.pagination.total == 0 => view! {
                <DrawingSource drawing=Drawing::Photos />
                <Notice picture=illustration(Drawing::Photos) title="No events yet">
                    <p>"Events of this organisation appear here once they are created."</p>
                </Notice>
            }
            .into_any(),
            Ok(page) => view! { <EventsTable page /> }.into_any(),
            Err(error) => view! { <LoadFailed what="The events" error /> }.into_any(),
        }
    });
    view! {
        <section class="card" aria-label="Events">
            <Suspense>{content}</Suspense>
        </section>
    }
}

#[component]
fn EventsTable(page: Page<EventSummary>) -> impl IntoView {
    let rows = page
        .rows
        .into_iter()
        .map(|event| view! { <EventRow event /> })
        .collect_view();
    view! {
        <table class="table">
            <caption class="visually-hidden">"Events of the organisation, newest first"</caption>
            <thead>
                <tr>
                    <th scope="col">"ID"</th>
                    <th scope="col">"Name"</th>
                    <th scope="col">"Status"</th>
                    <th scope="col">"Event Date"</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
        <Pager place=page.pagination />
    }
}

#[component]
fn EventRow(event: EventSummary) -> impl IntoView {
    let id = event.event_id.to_string();
    let date = event.event_date.unwrap_or_default();
    let badge = match event.status {
        EventStatus::Active => "badge status-active",
        EventStatus::Draft => "badge status-draft",
    };
    view! {
        <tr>
            <td data-label="ID">
                <span class="cell-with-action">
                    <code translate="no">{id.clone()}</code>
                    <CopyButton value=id.clone() what=format!("Event ID {id}") />
                </span>
            </td>
            <th scope="row" data-label="Name">
                {event.event_name.unwrap_or_else(|| "Unnamed".to_owned())}
            </th>
            <td data-label="Status">
                <span class=badge>{event.status.label()}</span>
            </td>
            <td data-label="Event Date">
                {(!date.is_empty())
                    .then(|| view! { <time datetime=date.clone()>{local_date_time(&date)}</time> })}
            </td>
        </tr>
    }
}

/// Formats `2026-01-19T06:00:00` as `19 Jan 2026, 06:00`.
///
/// This is local time at the event. It is not converted to the reader's time zone.
fn local_date_time(date: &str) -> String {
    match date.parse::<DateTime>() {
        Ok(date) => date.strftime("%-d %b %Y, %H:%M").to_string(),
        Err(_) => date.to_owned(),
    }
}

#[component]
fn Pager(place: Pagination) -> impl IntoView {
    let first = (place.current_page - 1) * place.page_size + 1;
    let last = (first + place.page_size - 1).min(place.total);
    let shown = if first > place.total {
        format!(
            "Page {} does not exist. The last page is {}.",
            place.current_page, place.total_pages
        )
    } else {
        format!("Showing {first} to {last} of {} events", place.total)
    };
    let previous = (place.current_page - 1).min(place.total_pages);
    let address = |page: i64| format!("{EVENTS}?page={page}");
    view! {
        <div class="pager">
            <p role="status">{shown}</p>
            <nav aria-label="Pages">
                <PageLink label="Previous" href=place.has_previous_page.then(|| address(previous)) />
                <PageLink
                    label="Next"
                    href=place.has_next_page.then(|| address(place.current_page + 1))
                />
            </nav>
        </div>
    }
}
