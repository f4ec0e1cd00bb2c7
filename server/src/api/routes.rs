//! The endpoints.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use futures_util::{FutureExt, future::BoxFuture};
use http::Method;

use super::{
    call::Call, changes, disabled, endpoint::Endpoint, event, events, images, original_photos,
    timeline,
};

/// An endpoint of the API.
pub struct Route {
    /// Its method. An endpoint for GET handles HEAD too.
    pub method: Method,
    /// Its path, with placeholders such as `{org_id}` and `{event_id}`. No two endpoints share a path.
    pub path: &'static str,
    pub(super) handler: for<'a> fn(&'a Call<'_>, Body) -> BoxFuture<'a, Response>,
    /// Its part of the OpenAPI document. `None` for a disabled feature ([`disabled`]).
    pub(super) document: Option<fn() -> Endpoint>,
}

/// Every endpoint. The router and the OpenAPI document are made from this list, and tests walk it.
pub static ROUTES: [Route; 11] = [
    Route {
        method: Method::GET,
        path: "/api/v1/ext/{org_id}/events",
        handler: |call, _| boxed(events::list(call)),
        document: Some(events::document),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/ext/{org_id}/event/{event_id}/ping",
        handler: |call, _| boxed(event::ping(call)),
        document: Some(event::document_ping),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/ext/{org_id}/event/{event_id}/details",
        handler: |call, _| boxed(event::details(call)),
        document: Some(event::document_details),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/ext/{org_id}/event/{event_id}/images",
        handler: |call, _| boxed(images::all(call)),
        document: Some(images::document_all),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/ext/{org_id}/event/{event_id}/bibs/{bib}",
        handler: |call, _| boxed(images::with_bib(call)),
        document: Some(images::document_with_bib),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/ext/{org_id}/event/{event_id}/timeline/days",
        handler: |call, _| boxed(timeline::days(call)),
        document: Some(timeline::document_days),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/ext/{org_id}/event/{event_id}/timeline/images",
        handler: |call, _| boxed(timeline::taken_within(call)),
        document: Some(timeline::document_images),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/ext/{org_id}/event/{event_id}/changes",
        handler: |call, _| boxed(changes::list(call)),
        document: Some(changes::document),
    },
    Route {
        method: Method::POST,
        path: "/api/v1/ext/{org_id}/event/{event_id}/original-photos",
        handler: |call, body| boxed(original_photos::links(call, body)),
        document: Some(original_photos::document),
    },
    Route {
        method: Method::POST,
        path: "/api/v1/ext/{org_id}/event/{event_id}/faces",
        handler: |call, _| boxed(disabled::faces(call)),
        document: None,
    },
    Route {
        method: Method::POST,
        path: "/api/v1/ext/{org_id}/event/{event_id}/video-clipping/{*rest}",
        handler: |call, _| boxed(disabled::video_clipping(call)),
        document: None,
    },
];

/// Puts the handler's future on the heap. Otherwise every call would be as large as the largest handler.
fn boxed<'a, R: IntoResponse + 'a>(
    handler: impl Future<Output = R> + Send + 'a,
) -> BoxFuture<'a, Response> {
    handler.map(IntoResponse::into_response).boxed()
}
