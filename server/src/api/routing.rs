//! Finds the endpoint of a request.

use axum::{
    body::{Body, HttpBody},
    response::{IntoResponse, Response},
};
use http::{
    HeaderValue, Method, StatusCode,
    header::{ALLOW, CONTENT_LENGTH},
};
use matchit::Params;

use super::{
    error::ApiError,
    routes::{ROUTES, Route},
};

/// [`ROUTES`] by path, in the router that axum uses too.
pub(super) struct Routes(matchit::Router<usize>);

/// The endpoint of a request.
pub(super) struct Found<'a> {
    /// Its index in [`ROUTES`].
    pub(super) index: usize,
    pub(super) route: &'static Route,
    /// The values of the path's placeholders.
    pub(super) values: Params<'a, 'a>,
}

/// Why a request has no endpoint.
pub(super) enum NoEndpoint {
    /// No endpoint has this path.
    UnknownPath,
    /// This endpoint has the path, but another method.
    WrongMethod(&'static Route),
}

impl Routes {
    pub(super) fn new() -> Self {
        let mut paths = matchit::Router::new();
        for (index, route) in ROUTES.iter().enumerate() {
            paths
                .insert(route.path, index)
                .expect("every route has a path of its own");
        }
        Self(paths)
    }

    pub(super) fn find<'a>(
        &'a self,
        method: &Method,
        path: &'a str,
    ) -> Result<Found<'a>, NoEndpoint> {
        let found = self.0.at(path).map_err(|_| NoEndpoint::UnknownPath)?;
        let (index, values) = (*found.value, found.params);
        let route = &ROUTES[index];
        if route.accepts(method) {
            Ok(Found {
                index,
                route,
                values,
            })
        } else {
            Err(NoEndpoint::WrongMethod(route))
        }
    }
}

impl Route {
    fn accepts(&self, method: &Method) -> bool {
        self.method == *method || (self.method == Method::GET && *method == Method::HEAD)
    }

    /// The methods that it accepts, as the value of `Allow`.
    fn allowed(&self) -> HeaderValue {
        if self.method == Method::GET {
            return HeaderValue::from_static("GET,HEAD");
        }
        HeaderValue::from_str(self.method.as_str()).expect("a method is a valid header value")
    }
}

impl IntoResponse for NoEndpoint {
    fn into_response(self) -> Response {
        match self {
            Self::UnknownPath => ApiError::NotFound.into_response(),
            Self::WrongMethod(route) => {
                let mut response = ApiError::MethodNotAllowed.into_response();
                response.headers_mut().insert(ALLOW, route.allowed());
                response
            }
        }
    }
}

/// Removes the body: HEAD gets the headers of GET, with `Content-Length` (RFC 9110, 9.3.2). A 304 has no body, and must
/// not say that the data has none (8.6).
pub(super) fn without_body(response: &mut Response) {
    let length = response.body().size_hint().exact();
    let length = length.filter(|_| response.status() != StatusCode::NOT_MODIFIED);
    if let Some(length) = length {
        let headers = response.headers_mut();
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    *response.body_mut() = Body::empty();
}
