//! The external API (`docs/contract.md`).
//!
//! A request passes these steps:
//!
//! 1. the clock that measures it ([`crate::metrics::calls`]),
//! 2. its id ([`request_id`]) and the handling of panics ([`catch_panic`]),
//! 3. the guard's checks 1 to 6 ([`guard`]),
//! 4. the limit on the body's size ([`body`]),
//! 5. the choice of the endpoint ([`routing`]),
//! 6. checks 7 to 10, where the endpoint asks its [`call`] for permission to read an organisation or event,
//! 7. its validator and compression ([`representation`]).
//!
//! So a caller without a valid key does not even learn which paths exist.
//!
//! To add an endpoint: write its handler and its [`endpoint::Endpoint`] in the file of its group, and add both to
//! [`ROUTES`]. The OpenAPI document, the reference made from it, and the tests that walk all routes then include it.

mod body;
mod call;
mod catch_panic;
mod changes;
mod disabled;
mod endpoint;
mod envelope;
pub(crate) mod error;
mod error_fields;
mod event;
mod events;
mod file_state;
pub(crate) mod files;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub(crate) mod guard;
mod help;
mod images;
mod key;
pub(crate) mod openapi;
mod original_photos;
mod query;
mod representation;
mod routes;
mod routing;
pub mod throttle;
mod timeline;

use std::{pin::pin, sync::Arc};

use axum::{
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{Method, request::Parts};
use model::client::ClientAddress;
use percent_encoding::percent_decode_str;
use quanta::Instant;
use store::Store;

use crate::{
    http::{
        host::HostName,
        request_id::{self, RequestIds},
    },
    metrics::Metrics,
    originals::Originals,
};

pub(crate) use self::help::HelpLinks;
pub use self::routes::{ROUTES, Route};
use self::{
    call::{Backends, Call},
    catch_panic::catch_panic,
    error::ApiError,
    guard::Guard,
    routing::Routes,
    throttle::RateLimits,
};

/// The API handles all paths that start with this, whether they exist or not.
const BASE: &str = "/api/v1/ext";

/// The paths of the dashboard's server functions start with this.
const DASHBOARD: &str = "/api/dashboard/";

/// The paths of all endpoints, in the order of [`ROUTES`].
pub(crate) fn route_paths() -> impl Iterator<Item = &'static str> {
    ROUTES.iter().map(|route| route.path)
}

/// Whether the API handles this path.
pub(crate) fn is_path_of(path: &str) -> bool {
    path.strip_prefix(BASE)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether this path outside of the API's base looks like one of the API, but leads nowhere: a wrong version, another
/// case, a doubled slash, or an unusual encoding. The API responds ([`ExternalApi::unknown`]), because a program expects
/// its envelope there, not a page.
pub(crate) fn is_unknown(path: &str) -> bool {
    names_api(path) && !path.starts_with(DASHBOARD) && path != openapi::PATH
}

/// Whether the first segment of a path is `api`, in any case and encoding. Empty segments and dots do not count.
fn names_api(path: &str) -> bool {
    let decoded = percent_decode_str(path);
    let is_slash = |byte: &u8| *byte == b'/' || *byte == b'\\';
    let path: Vec<u8> = decoded.collect();
    let mut segments = path.split(is_slash);
    let first = segments.find(|segment| !matches!(*segment, b"" | b"." | b".."));
    first.is_some_and(|segment| segment.eq_ignore_ascii_case(b"api"))
}

/// The API under `/api/v1/ext`.
///
/// One function passes a request through all steps ([`ExternalApi::respond`]). Nested layers and routers would cost
/// more than the guard.
#[derive(Clone)]
pub(crate) struct ExternalApi(Arc<Inner>);

struct Inner {
    ids: RequestIds,
    help: Arc<HelpLinks>,
    metrics: Arc<Metrics>,
    guard: Guard,
    routes: Routes,
    backends: Backends,
}

impl ExternalApi {
    /// The API, served only under `hosts` and within `limits`. Errors link to `help`.
    pub(crate) fn new(
        store: Store,
        originals: Originals,
        hosts: Vec<HostName>,
        limits: Option<RateLimits>,
        help: Arc<HelpLinks>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self(Arc::new(Inner {
            ids: RequestIds::new(),
            help,
            guard: Guard::new(store.clone(), hosts, limits, Arc::clone(&metrics)),
            metrics,
            routes: Routes::new(),
            backends: Backends { store, originals },
        }))
    }

    /// The response to a request of `client`. `client` is `None` if there is no connection, as in the dashboard's test
    /// of a token.
    ///
    /// Inner futures borrow the request and the other state of a call. Moving that state into each future would copy it
    /// at each step.
    pub(crate) fn respond(
        &self,
        request: Request,
        client: Option<ClientAddress>,
    ) -> impl Future<Output = Response> + Send + use<'_> {
        let begun = Instant::now();
        let (head, body) = request.into_parts();
        async move {
            let Inner { ids, metrics, .. } = &*self.0;
            let id = ids.of_request(&head.headers);
            let mut route = None;
            let mut response = {
                let respond = pin!(self.0.respond(&head, body, client, begun, &mut route));
                let response = catch_panic(respond);
                self.0
                    .help
                    .add(request_id::with_id(id, head.method.clone(), response).await)
            };
            if head.method == Method::HEAD {
                routing::without_body(&mut response);
            }
            metrics
                .calls
                .count(route, response.status(), begun.elapsed());
            response
        }
    }

    /// The response to a request for a path of which [`is_unknown`] is true. It needs no key: nothing is there to guard.
    pub(crate) fn unknown(&self, request: &Request) -> Response {
        let mut response = self.0.help.add(ApiError::NotFound.into_response());
        if request.method() == Method::HEAD {
            routing::without_body(&mut response);
        }
        response
    }
}

impl Inner {
    /// Writes the index of the endpoint in [`ROUTES`] to `route`.
    async fn respond(
        &self,
        head: &Parts,
        body: Body,
        client: Option<ClientAddress>,
        begun: Instant,
        route: &mut Option<usize>,
    ) -> Response {
        let mut admitted = match self.guard.admit(head, client, begun).await {
            Ok(admitted) => admitted,
            Err(error) => return error.into_response(),
        };
        let response = if body::is_too_large(&body) {
            ApiError::BodyTooLarge.into_response()
        } else {
            match self.routes.find(&head.method, head.uri.path()) {
                Ok(found) => {
                    *route = Some(found.index);
                    let call = Call {
                        backends: &self.backends,
                        caller: admitted.caller,
                        values: found.values,
                        head,
                    };
                    (found.route.handler)(&call, body).await
                }
                Err(not_found) => not_found.into_response(),
            }
        };
        let response = admitted.record(response, begun);
        match representation::is_unfinished(&response) {
            // On the heap: the futures of other calls, such as pings, stay small.
            true => Box::pin(representation::finish(&head.headers, response)).await,
            false => response,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_looks_like_the_apis_in_any_spelling_is_the_apis() {
        for path in [
            "/api",
            "/api/",
            "/api/v2/ext/903/events",
            "/api/v1/nothing",
            "/api/v1/openapi.json/",
            "/API/v1/ext/903/events",
            "/Api/v1/openapi.json",
            "//api/v1/ext/903/events",
            "/./api/v1/ext",
            "/../api/v1/ext",
            "/%61pi/v1/ext/903/events",
            "/%41PI",
            "/api%2fv1/ext",
            "/%2Fapi/v1",
            "/api%5Cv1",
            "/api/%zz",
            "/api/%ff",
            "/api/dashboard",
            "//api/dashboard/sign-in",
        ] {
            assert!(is_unknown(path), "{path}");
        }
    }

    #[test]
    fn a_path_of_another_part_is_not_the_apis() {
        for path in [
            "",
            "*",
            "/",
            "/apis",
            "/api.json",
            "/ap%69s",
            "/docs/api",
            "/%ff",
            "/api/v1/openapi.json",
            "/api/dashboard/sign-in",
        ] {
            assert!(!is_unknown(path), "{path}");
        }
    }
}
