//! `GET /event/{event_id}/timeline/days` and `GET /event/{event_id}/timeline/images`: photos by time.

use model::{event::Feature, photo::TimelineDay};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    call::Call,
    endpoint::{Endpoint, ResponseData, Tag, seconds_parameter},
    envelope::Success,
    error::ApiError,
    images::{ImagesData, images},
    query::{PhotoPage, WindowQuery},
};

/// The days with photos, earliest first.
#[derive(Serialize, ToSchema)]
pub(super) struct DaysData {
    days: Vec<TimelineDay>,
}

impl ResponseData for DaysData {
    const RESPONSE: &'static str = "TimelineDays";
    const TAG: Tag = Tag::Photos;
}

pub(super) fn document_days() -> Endpoint {
    Endpoint::new::<DaysData>("listTimelineDays", "Count photos by day and hour")
        .described(
            "How many photos were taken in each UTC day and hour. Days and hours without photos, and \
             photos without a capture time, are left out. Needs `timeline_search`.",
        )
        .refusing(&["feature_disabled"])
        .with_example(include_str!("examples/timeline_days.json"))
}

pub(super) async fn days(call: &Call<'_>) -> Result<Success<DaysData>, ApiError> {
    let permission = call.event_with(Feature::TimelineSearch).await?;
    let days = call.backends.store.photos().days(permission).await?;
    let message = if days.is_empty() {
        "No timeline data"
    } else {
        "Timeline buckets"
    };
    Ok(Success {
        message: message.into(),
        data: DaysData { days },
    })
}

pub(super) fn document_images() -> Endpoint {
    Endpoint::new::<ImagesData>("listTimelineImages", "List photos of a time window")
        .described(
            "The photos taken from `from` up to, but not including, `to`. `from` must be before `to`. \
             Needs `timeline_search`.",
        )
        .with_parameter(seconds_parameter("from", "The window’s first instant", 1_768_802_400))
        .with_parameter(seconds_parameter("to", "The first instant after the window", 1_768_806_000))
        .paged::<PhotoPage>()
        .refusing(&["feature_disabled"])
        .with_example(include_str!("examples/timeline_images.json"))
}

pub(super) async fn taken_within(call: &Call<'_>) -> Result<Success<ImagesData>, ApiError> {
    let permission = call.event_with(Feature::TimelineSearch).await?;
    let WindowQuery(window, page) = WindowQuery::read(&call.head.uri)?;
    let photos = call.backends.store.photos();
    let page = photos.taken_within(permission, window, page).await?;
    Ok(images(page, "Records for timeline images"))
}
