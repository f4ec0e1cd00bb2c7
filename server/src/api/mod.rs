//! The external API, as its contract describes it.
//!
//! A request passes, from the outside in: the clock that it is timed by ([`calls`]), its id and the net under
//! panics ([`request_id`]), the guard's checks 1 to 6 ([`guard`]), the limit on bodies, and only then the routes
//! ([`routing`]). So whatever lies inside, an unknown path and a wrong method included, is behind the key. Checks 7
//! to 10 are made where an endpoint asks its [`Call`] for the leave that it needs ([`access`]).
//!
//! To add an endpoint: write its handler and its [`Endpoint`] in the file of its group, and name both in
//! [`ROUTES`]. The OpenAPI document, the reference made from it, and the tests that walk all routes find it
//! there.

mod access;
mod body;
mod closed;
mod envelope;
mod error;
mod event;
mod events;
pub(crate) mod files;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod guard;
pub(crate) mod help;
pub mod host;
mod images;
mod key;
pub(crate) mod openapi;
mod original_photos;
mod query;
pub(crate) mod request_id;
mod routing;
pub mod throttle;
mod timeline;

use std::{pin::pin, sync::Arc};

use axum::{
    body::{Body, HttpBody},
    extract::Request,
    response::{IntoResponse, Response},
};
use futures_util::{FutureExt, future::BoxFuture};
use http::{Method, request::Parts};
use model::client::ClientAddress;
use quanta::Instant;
use store::Store;

use crate::{
    metrics::{Metrics, calls},
    originals::Originals,
};

use self::{
    access::Call, error::ApiError, guard::Guard, host::HostName, openapi::Endpoint,
    request_id::RequestIds, routing::Routes, throttle::RateLimits,
};

/// The largest body that is read, in bytes (contract, section 6).
const MAX_BODY: usize = 64 * 1024;

/// Everything under this path is the API's, known or not.
const BASE: &str = "/api/v1/ext";

/// An endpoint of the API.
pub struct Route {
    /// Its method. One that reads answers HEAD too.
    pub method: Method,
    /// Its path, with `{org_id}`, `{event_id}` and the like where values stand. No two endpoints share one.
    pub path: &'static str,
    endpoint: for<'a> fn(&'a Call<'_>, Body) -> BoxFuture<'a, Response>,
    /// What the OpenAPI document says of it; nothing of the closed doors, behind which there is nothing.
    document: Option<fn() -> Endpoint>,
}

/// What endpoints work with.
struct Backends {
    store: Store,
    originals: Originals,
}

/// Every endpoint: the one list from which the router and the OpenAPI document are made, and which the tests
/// walk.
pub static ROUTES: [Route; 10] = [
    Route {
        method: Method::GET,
        path: "/api/v1/ext/{org_id}/events",
        endpoint: |call, _| answering(events::list(call)),
        document: Some(events::document),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/ext/{org_id}/event/{event_id}/ping",
        endpoint: |call, _| answering(event::ping(call)),
        document: Some(event::document_ping),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/ext/{org_id}/event/{event_id}/details",
        endpoint: |call, _| answering(event::details(call)),
        document: Some(event::document_details),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/ext/{org_id}/event/{event_id}/images",
        endpoint: |call, _| answering(images::all(call)),
        document: Some(images::document_all),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/ext/{org_id}/event/{event_id}/bibs/{bib}",
        endpoint: |call, _| answering(images::with_bib(call)),
        document: Some(images::document_with_bib),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/ext/{org_id}/event/{event_id}/timeline/days",
        endpoint: |call, _| answering(timeline::days(call)),
        document: Some(timeline::document_days),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/ext/{org_id}/event/{event_id}/timeline/images",
        endpoint: |call, _| answering(timeline::taken_within(call)),
        document: Some(timeline::document_images),
    },
    Route {
        method: Method::POST,
        path: "/api/v1/ext/{org_id}/event/{event_id}/original-photos",
        endpoint: |call, body| answering(original_photos::links(call, body)),
        document: Some(original_photos::document),
    },
    Route {
        method: Method::POST,
        path: "/api/v1/ext/{org_id}/event/{event_id}/faces",
        endpoint: |call, _| answering(closed::faces(call)),
        document: None,
    },
    Route {
        method: Method::POST,
        path: "/api/v1/ext/{org_id}/event/{event_id}/video-clipping/{*rest}",
        endpoint: |call, _| answering(closed::video_clipping(call)),
        document: None,
    },
];

/// Whether the API answers at this path.
pub(crate) fn is_path_of(path: &str) -> bool {
    path.strip_prefix(BASE)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// On the heap: the largest of the endpoints would otherwise make every call as large.
fn answering<'a, A: IntoResponse + 'a>(
    endpoint: impl Future<Output = A> + Send + 'a,
) -> BoxFuture<'a, Response> {
    endpoint.map(IntoResponse::into_response).boxed()
}

/// The API under `/api/v1/ext`.
///
/// A request's whole way is one piece ([`ExternalApi::answer`]): as layers and a router around each other, its
/// parts would cost more than the guard does.
#[derive(Clone)]
pub(crate) struct ExternalApi(Arc<Inner>);

struct Inner {
    ids: RequestIds,
    metrics: Arc<Metrics>,
    guard: Guard,
    routes: Routes,
    backends: Backends,
}

impl ExternalApi {
    /// Served under `hosts` only and within `limits`.
    pub(crate) fn new(
        store: Store,
        originals: Originals,
        hosts: Vec<HostName>,
        limits: Option<RateLimits>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self(Arc::new(Inner {
            ids: RequestIds::new(),
            guard: Guard::new(store.clone(), hosts, limits, Arc::clone(&metrics)),
            metrics,
            routes: Routes::new(),
            backends: Backends { store, originals },
        }))
    }

    /// The answer to a request of `client`; of nobody, where there is no connection, as in the dashboard's own
    /// test of a token.
    ///
    /// What a call goes round with is held once and lent inwards: handed on from one future to the next, it would
    /// be moved at each step.
    pub(crate) fn answer(
        &self,
        request: Request,
        client: Option<ClientAddress>,
    ) -> impl Future<Output = Response> + Send + use<'_> {
        let begun = Instant::now();
        let (head, body) = request.into_parts();
        async move {
            let Inner { ids, metrics, .. } = &*self.0;
            let name = ids.name(&head.headers);
            let mut place = calls::NOWHERE;
            let mut response = {
                let answered = pin!(self.0.respond(&head, body, client, &mut place));
                request_id::named(name, head.method.clone(), answered).await
            };
            if head.method == Method::HEAD {
                routing::without_body(&mut response);
            }
            metrics
                .calls
                .count(place, response.status(), begun.elapsed());
            response
        }
    }
}

impl Inner {
    /// Notes in `place` to which of [`ROUTES`] the call came.
    async fn respond(
        &self,
        head: &Parts,
        body: Body,
        client: Option<ClientAddress>,
        place: &mut usize,
    ) -> Response {
        let mut admitted = match self.guard.admit(head, client).await {
            Ok(admitted) => admitted,
            Err(error) => return error.into_response(),
        };
        let response = if is_too_large(&body) {
            ApiError::BodyTooLarge.into_response()
        } else {
            match self.routes.find(&head.method, head.uri.path()) {
                Ok(found) => {
                    *place = found.place;
                    let call = Call {
                        backends: &self.backends,
                        caller: admitted.caller,
                        values: found.values,
                        head,
                    };
                    (found.route.endpoint)(&call, body).await
                }
                Err(nowhere) => nowhere.into_response(),
            }
        };
        admitted.answered(&response);
        response
    }
}

/// Whether the body says beforehand that it is too large.
fn is_too_large(body: &Body) -> bool {
    body.size_hint().lower() > MAX_BODY as u64
}
