//! The external API, as its contract describes it.
//!
//! A request passes, from the outside in: the clock that it is timed by ([`calls`]), its id and the net under
//! panics ([`request_id`]), the guard's checks 1 to 6 ([`guard`]), the limit on bodies, and only then the routes. So whatever lies inside, an
//! unknown path and a wrong method included, is behind the key. Checks 7 to 10 are made where a handler
//! asks for the leave that it needs ([`access`]).
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
pub mod throttle;
mod timeline;

use std::{ops::Deref, sync::Arc};

use axum::{
    Router,
    body::HttpBody,
    extract::{DefaultBodyLimit, FromRef, Request},
    handler::Handler,
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, post},
};
use http::Method;
use store::Store;
use tower::Service;

use crate::{
    metrics::{Metrics, calls},
    originals::Originals,
};

use self::{
    error::ApiError, guard::Guard, host::HostName, openapi::Endpoint, request_id::RequestIds,
    throttle::RateLimits,
};

/// The largest body that is read, in bytes (contract, section 6).
const MAX_BODY: usize = 64 * 1024;

/// Everything under this path is the API's, known or not.
const BASE: &str = "/api/v1/ext";

/// An endpoint of the API.
pub struct Route {
    /// Its method.
    pub method: Method,
    /// Its path, with `{org_id}`, `{event_id}` and the like where values stand.
    pub path: &'static str,
    handler: fn(Place) -> MethodRouter<Api>,
    /// What the OpenAPI document says of it; nothing of the closed doors, behind which there is nothing.
    document: Option<fn() -> Endpoint>,
}

/// Where in [`ROUTES`] a route stands.
#[derive(Clone, Copy)]
struct Place(usize);

impl Place {
    const fn of<H>(self, handler: H) -> Placed<H> {
        Placed {
            place: self,
            handler,
        }
    }
}

/// A handler that lets it be known when a call has come to it ([`calls::reached`]).
#[derive(Clone)]
struct Placed<H> {
    place: Place,
    handler: H,
}

impl<T, S, H: Handler<T, S>> Handler<T, S> for Placed<H> {
    type Future = H::Future;

    fn call(self, request: Request, state: S) -> H::Future {
        calls::reached(self.place.0);
        self.handler.call(request, state)
    }
}

/// What handlers work with. Every call has a copy, so there is one count to it.
#[derive(Clone)]
struct Api(Arc<Backends>);

struct Backends {
    store: Store,
    originals: Originals,
}

impl Deref for Api {
    type Target = Backends;

    fn deref(&self) -> &Backends {
        &self.0
    }
}

impl FromRef<Api> for Store {
    fn from_ref(api: &Api) -> Self {
        api.store.clone()
    }
}

impl FromRef<Api> for Originals {
    fn from_ref(api: &Api) -> Self {
        api.originals.clone()
    }
}

/// Every endpoint: the one list from which the router and the OpenAPI document are made, and which the tests
/// walk.
pub static ROUTES: [Route; 10] = [
    Route {
        method: Method::GET,
        path: "/api/v1/ext/{org_id}/events",
        handler: |place| get(place.of(events::list)),
        document: Some(events::document),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/ext/{org_id}/event/{event_id}/ping",
        handler: |place| get(place.of(event::ping)),
        document: Some(event::document_ping),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/ext/{org_id}/event/{event_id}/details",
        handler: |place| get(place.of(event::details)),
        document: Some(event::document_details),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/ext/{org_id}/event/{event_id}/images",
        handler: |place| get(place.of(images::all)),
        document: Some(images::document_all),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/ext/{org_id}/event/{event_id}/bibs/{bib}",
        handler: |place| get(place.of(images::with_bib)),
        document: Some(images::document_with_bib),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/ext/{org_id}/event/{event_id}/timeline/days",
        handler: |place| get(place.of(timeline::days)),
        document: Some(timeline::document_days),
    },
    Route {
        method: Method::GET,
        path: "/api/v1/ext/{org_id}/event/{event_id}/timeline/images",
        handler: |place| get(place.of(timeline::taken_within)),
        document: Some(timeline::document_images),
    },
    Route {
        method: Method::POST,
        path: "/api/v1/ext/{org_id}/event/{event_id}/original-photos",
        handler: |place| post(place.of(original_photos::links)),
        document: Some(original_photos::document),
    },
    Route {
        method: Method::POST,
        path: "/api/v1/ext/{org_id}/event/{event_id}/faces",
        handler: |place| post(place.of(closed::faces)),
        document: None,
    },
    Route {
        method: Method::POST,
        path: "/api/v1/ext/{org_id}/event/{event_id}/video-clipping/{*rest}",
        handler: |place| post(place.of(closed::video_clipping)),
        document: None,
    },
];

/// Whether the API answers at this path.
pub(crate) fn is_path_of(path: &str) -> bool {
    path.strip_prefix(BASE)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The API under `/api/v1/ext`.
///
/// A request's whole way is one piece ([`ExternalApi::answer`]): as layers around each other, its parts would cost
/// more than the guard does.
#[derive(Clone)]
pub(crate) struct ExternalApi(Arc<Parts>);

struct Parts {
    ids: RequestIds,
    metrics: Arc<Metrics>,
    guard: Guard,
    routes: Router,
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
        Self(Arc::new(Parts {
            ids: RequestIds::new(),
            guard: Guard::new(store.clone(), hosts, limits, Arc::clone(&metrics)),
            metrics,
            routes: routes(Api(Arc::new(Backends { store, originals }))),
        }))
    }

    /// Each part holds what it goes round once: as functions that are `async`, they would hold it twice or three
    /// times each, and every call would move ten kilobytes about.
    pub(crate) fn answer(
        &self,
        mut request: Request,
    ) -> impl Future<Output = Response> + Send + use<'_> {
        let Parts {
            ids,
            metrics,
            guard,
            routes,
        } = &*self.0;
        let (name, method) = (ids.name(request.headers()), request.method().clone());
        let answered = async move {
            let mut call = match guard.admit(&mut request).await {
                Ok(call) => call,
                Err(error) => return error.into_response(),
            };
            let response = if is_too_large(&request) {
                ApiError::BodyTooLarge.into_response()
            } else {
                limit_body(&mut request);
                let Ok(response) = routes.clone().call(request).await;
                response
            };
            call.answered(&response);
            response
        };
        metrics
            .calls
            .measured(request_id::named(name, method, answered))
    }
}

fn routes(api: Api) -> Router {
    ROUTES
        .iter()
        .enumerate()
        .fold(Router::new(), |router, (at, route)| {
            router.route(route.path, (route.handler)(Place(at)))
        })
        .fallback(async || ApiError::NotFound)
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .with_state(api)
}

/// A body that does not say how large it is, is cut off while a handler reads it.
fn limit_body(request: &mut Request) {
    if !request.method().is_safe() {
        DefaultBodyLimit::max(MAX_BODY).apply(request);
    }
}

/// Whether the body says beforehand that it is too large.
fn is_too_large(request: &Request) -> bool {
    request.body().size_hint().lower() > MAX_BODY as u64
}
