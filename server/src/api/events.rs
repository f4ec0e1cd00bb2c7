//! `GET /events`: the organisation's events, paged.

use axum::extract::State;
use model::{event::EventSummary, page::Pagination};
use serde::Serialize;
use store::Store;

use super::{access::Organisation, envelope::Success, error::ApiError, query::PageQuery};

#[derive(Serialize)]
pub(super) struct EventsData {
    events: Vec<EventSummary>,
    pagination: Pagination,
}

pub(super) async fn list(
    State(store): State<Store>,
    Organisation(access): Organisation,
    PageQuery(page): PageQuery<10, 100>,
) -> Result<Success<EventsData>, ApiError> {
    let page = store.events().list(access, page).await?;
    Ok(Success {
        message: "Records for events",
        data: EventsData {
            events: page.rows,
            pagination: page.pagination,
        },
    })
}
