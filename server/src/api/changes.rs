//! `GET /event/{event_id}/changes`: what happened to an event's photos since the last read.

use model::photo::PhotoChange;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    call::Call,
    endpoint::{Endpoint, ResponseData, Tag},
    envelope::Success,
    error::ApiError,
    query::{ChangesPage, ChangesQuery},
};

/// A page of changes, oldest first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChangesData {
    changes: Vec<PhotoChange>,
    /// Keep it for the next call: send it as `after` for the changes that follow these. It never expires.
    next_cursor: String,
    /// Whether changes follow already.
    has_next_page: bool,
}

impl ResponseData for ChangesData {
    const RESPONSE: &'static str = "ChangePage";
    const TAG: Tag = Tag::Photos;
}

pub(super) fn document() -> Endpoint {
    Endpoint::new::<ChangesData>("listChanges", "List changes of an event’s photos")
        .described(
            "The photos that were added, changed or removed, oldest change first. Without `after`, all photos are \
             `added`. Keep `nextCursor`, and send it with the next call as `after`. A photo that changes again \
             appears again.",
        )
        .continued::<ChangesPage>("The `nextCursor` of the call before, also of an earlier run.")
        .with_example(include_str!("examples/changes.json"))
}

pub(super) async fn list(call: &Call<'_>) -> Result<Success<ChangesData>, ApiError> {
    let permission = call.event().await?;
    let ChangesQuery { after, page_size } = ChangesQuery::read(&call.head.uri)?;
    let photos = call.backends.store.photos();
    let page = photos
        .changes(permission, after.as_deref(), page_size)
        .await?;
    let message = if page.changes.is_empty() {
        "No changes"
    } else {
        "Changes of photos"
    };
    Ok(Success {
        message: message.into(),
        data: ChangesData {
            changes: page.changes,
            next_cursor: page.next_cursor,
            has_next_page: page.has_next_page,
        },
    })
}
