//! The values of the signed-in reader for the examples of the documentation: an organisation and one of its events.
//!
//! The documentation itself is the same for everyone. Its script asks for these values.

use app::{
    RequestError,
    session::{Cookies, signed_in, viewer},
};
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
};
use model::{
    event::{EventId, EventSummary},
    organisation::OrganisationId,
};
use serde::Serialize;
use store::{Member, Store, error::EventError};

/// Where the documentation's script asks.
const PATH: &str = "/docs/values";

#[derive(Serialize)]
struct Values {
    organisation: Named<OrganisationId, String>,
    event: Option<Named<EventId, Option<String>>>,
}

#[derive(Serialize)]
struct Named<Id, Name> {
    id: Id,
    name: Name,
}

/// The route of the values, for everyone: without a session the response has no content.
pub(super) fn router<S: Clone + Send + Sync + 'static>(
    store: Store,
    cookies: Cookies,
) -> Router<S> {
    Router::new()
        .route(PATH, get(values))
        .with_state((store, cookies))
}

async fn values(State((store, cookies)): State<(Store, Cookies)>, headers: HeaderMap) -> Response {
    match of_reader(&store, cookies, &headers).await {
        Ok(Some(values)) => Json(values).into_response(),
        Ok(None) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => (error.status(), Json(error)).into_response(),
    }
}

/// None without a session, and without a selected organisation.
async fn of_reader(
    store: &Store,
    cookies: Cookies,
    headers: &HeaderMap,
) -> Result<Option<Values>, RequestError> {
    let Some(session) = signed_in(headers, store, cookies).await? else {
        return Ok(None);
    };
    let viewer = viewer(&session, store).await?;
    let selected = viewer.as_ref().and_then(|it| it.selected_organisation());
    let Some(organisation) = selected else {
        return Ok(None);
    };
    let member = store.members().find(&session, organisation.id).await?;
    let event = event(store, &member).await?;
    Ok(Some(Values {
        organisation: Named {
            id: organisation.id,
            name: organisation.name.clone(),
        },
        event: event.map(|event| Named {
            id: event.event_id,
            name: event.event_name,
        }),
    }))
}

/// The event with which the token test calls the API, because its examples work. Otherwise the next one.
async fn event(store: &Store, member: &Member) -> Result<Option<EventSummary>, RequestError> {
    let events = store.events();
    let Some(example) = events.example(member).await? else {
        return Ok(events.next(member).await?);
    };
    match events.find(member, example).await {
        Ok(event) => Ok(Some(event)),
        // It was deleted meanwhile.
        Err(EventError::NoSuchEvent(_)) => Ok(None),
        Err(EventError::Database(error)) => Err(error.into()),
    }
}
