//! `GET /events`: the organisation's events, paged.

use model::{event::EventSummary, page::Pagination};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    call::Call,
    endpoint::{Endpoint, ResponseData, Tag},
    envelope::Success,
    error::ApiError,
    query::EventPage,
};

/// A page of events: newest event date first, events without one last, then by `event_id`.
#[derive(Serialize, ToSchema)]
pub(super) struct EventsData {
    events: Vec<EventSummary>,
    pagination: Pagination,
}

impl ResponseData for EventsData {
    const RESPONSE: &'static str = "EventPage";
    const TAG: Tag = Tag::Events;
}

pub(super) fn document() -> Endpoint {
    Endpoint::new::<EventsData>("listEvents", "List the organisation’s events")
        .described("Newest event date first, drafts included.")
        .paged::<EventPage>()
        .with_example(include_str!("examples/events.json"))
}

pub(super) async fn list(call: &Call<'_>) -> Result<Success<EventsData>, ApiError> {
    let permission = call.organisation()?;
    let page = EventPage::read(&call.head.uri)?;
    let page = call
        .backends
        .store
        .events()
        .list(permission, page.0)
        .await?;
    Ok(Success {
        message: "Records for events".into(),
        data: EventsData {
            events: page.rows,
            pagination: page.pagination,
        },
    })
}
