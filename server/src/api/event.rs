//! `GET /event/{event_id}/ping` and `GET /event/{event_id}/details`: the event itself.

use model::{
    event::{EventId, EventSettings, EventStatus},
    organisation::OrganisationId,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    call::Call,
    endpoint::{Endpoint, ResponseData, Tag},
    envelope::{Success, Unstored},
    error::ApiError,
};

/// The IDs of the request.
#[derive(Serialize, ToSchema)]
pub(super) struct PingData {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
    org_id: OrganisationId,
    event_id: EventId,
}

impl ResponseData for PingData {
    const RESPONSE: &'static str = "PingResponse";
    const TAG: Tag = Tag::Events;
}

pub(super) fn document_ping() -> Endpoint {
    Endpoint::new::<PingData>("ping", "Check the connection")
        .described(
            "Checks the key, the host, the organisation and the event in one call, and does nothing else.",
        )
        .with_example(include_str!("examples/ping.json"))
}

/// Reports that all checks passed. The guard has done the work.
pub(super) async fn ping(call: &Call<'_>) -> Result<Unstored<PingData>, ApiError> {
    let permission = call.event().await?;
    Ok(Unstored(Success {
        message: "pong".into(),
        data: PingData {
            status: "ok",
            org_id: permission.organisation().organisation_id(),
            event_id: permission.event_id(),
        },
    }))
}

/// An event and its features.
#[derive(Serialize, ToSchema)]
pub(super) struct DetailsData {
    event_id: EventId,
    /// The event's name.
    #[schema(required)]
    event_name: Option<String>,
    /// The event's name in addresses.
    #[schema(required)]
    event_slug: Option<String>,
    /// When the event takes place, in local time without a time zone: `2026-01-19T06:00:00`.
    #[schema(required, pattern = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$")]
    event_date: Option<String>,
    /// The time zone of `event_date`, by its IANA name: `Europe/London`. Null if it is not known.
    #[schema(required)]
    time_zone: Option<String>,
    status: EventStatus,
    #[serde(flatten)]
    settings: EventSettings,
}

impl ResponseData for DetailsData {
    const RESPONSE: &'static str = "EventDetails";
    const TAG: Tag = Tag::Events;
}

pub(super) fn document_details() -> Endpoint {
    Endpoint::new::<DetailsData>("getEventDetails", "Get an event")
        .described("The event, and which features are enabled for it.")
        .with_example(include_str!("examples/details.json"))
}

/// The event and its features, as the guard has just read them.
pub(super) async fn details(call: &Call<'_>) -> Result<Success<DetailsData>, ApiError> {
    let permission = call.event().await?;
    let events = call.backends.store.events();
    let event = events.find(permission, permission.event_id()).await?;
    Ok(Success {
        message: "Event details".into(),
        data: DetailsData {
            event_id: event.event_id,
            event_name: event.event_name,
            event_slug: event.event_slug,
            event_date: event.event_date,
            time_zone: event.time_zone,
            status: event.status,
            settings: permission.settings(),
        },
    })
}
