//! Which endpoint a request is for.

use axum::{
    body::{Body, HttpBody},
    response::{IntoResponse, Response},
};
use http::{
    HeaderValue, Method,
    header::{ALLOW, CONTENT_LENGTH},
};
use matchit::Params;

use super::{ROUTES, Route, error::ApiError};

/// [`ROUTES`] by their paths, as axum's own router finds them.
pub(super) struct Routes(matchit::Router<usize>);

/// The endpoint that a request is for.
pub(super) struct Found<'a> {
    /// Its place in [`ROUTES`].
    pub(super) place: usize,
    pub(super) route: &'static Route,
    /// What the path has where the route's has names.
    pub(super) values: Params<'a, 'a>,
}

/// Why there is none.
pub(super) enum Nowhere {
    /// No endpoint has that path.
    NoPath,
    /// This one has, and takes another method.
    OtherMethod(&'static Route),
}

impl Routes {
    pub(super) fn new() -> Self {
        let mut paths = matchit::Router::new();
        for (place, route) in ROUTES.iter().enumerate() {
            paths
                .insert(route.path, place)
                .expect("every route has a path of its own");
        }
        Self(paths)
    }

    pub(super) fn find<'a>(&'a self, method: &Method, path: &'a str) -> Result<Found<'a>, Nowhere> {
        let found = self.0.at(path).map_err(|_| Nowhere::NoPath)?;
        let (place, values) = (*found.value, found.params);
        let route = &ROUTES[place];
        if route.takes(method) {
            Ok(Found {
                place,
                route,
                values,
            })
        } else {
            Err(Nowhere::OtherMethod(route))
        }
    }
}

impl Route {
    fn takes(&self, method: &Method) -> bool {
        self.method == *method || (self.method == Method::GET && *method == Method::HEAD)
    }

    /// All that it takes, as a header says it.
    fn allowed(&self) -> HeaderValue {
        if self.method == Method::GET {
            return HeaderValue::from_static("GET,HEAD");
        }
        HeaderValue::from_str(self.method.as_str()).expect("a method is a word")
    }
}

impl IntoResponse for Nowhere {
    fn into_response(self) -> Response {
        match self {
            Self::NoPath => ApiError::NotFound.into_response(),
            Self::OtherMethod(route) => {
                let mut response = ApiError::MethodNotAllowed.into_response();
                response.headers_mut().insert(ALLOW, route.allowed());
                response
            }
        }
    }
}

/// The answer to HEAD is that to GET, its length included (RFC 9110, 9.3.2), and nothing after its head.
pub(super) fn without_body(response: &mut Response) {
    if let Some(length) = response.body().size_hint().exact() {
        let headers = response.headers_mut();
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    *response.body_mut() = Body::empty();
}
