//! `GET /event/{event_id}/ping` and `GET /event/{event_id}/details`: the event itself.

use axum::extract::State;
use model::{
    event::{EventId, EventSettings, EventStatus},
    organisation::OrganisationId,
};
use serde::Serialize;
use store::Store;

use super::{access::Event, envelope::Success, error::ApiError};

#[derive(Serialize)]
pub(super) struct PingData {
    status: &'static str,
    org_id: OrganisationId,
    event_id: EventId,
}

/// Says that every check was passed: the guard has done the work.
pub(super) async fn ping(Event(access): Event) -> Success<PingData> {
    Success {
        message: "pong",
        data: PingData {
            status: "ok",
            org_id: access.organisation().organisation_id(),
            event_id: access.event_id(),
        },
    }
}

#[derive(Serialize)]
pub(super) struct DetailsData {
    event_id: EventId,
    event_name: Option<String>,
    event_slug: Option<String>,
    event_date: Option<String>,
    status: EventStatus,
    #[serde(flatten)]
    settings: EventSettings,
}

/// The event and its switches, those that the guard has just gone by.
pub(super) async fn details(
    State(store): State<Store>,
    Event(access): Event,
) -> Result<Success<DetailsData>, ApiError> {
    let event = store.events().find(access, access.event_id()).await?;
    Ok(Success {
        message: "Event details",
        data: DetailsData {
            event_id: event.event_id,
            event_name: event.event_name,
            event_slug: event.event_slug,
            event_date: event.event_date,
            status: event.status,
            settings: access.settings(),
        },
    })
}
