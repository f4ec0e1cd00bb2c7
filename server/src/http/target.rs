//! Requests by their method and target: which only read, and which no router can handle.

use axum::{
    extract::Request,
    http::{Method, StatusCode, header::ALLOW},
    response::{IntoResponse, Response},
};

use super::headers;

/// The response to a request that must not reach a router. `leptos_axum` panics if the target is only the name of a host.
pub(crate) fn refusal(request: &Request) -> Option<Response> {
    let (method, path) = (request.method(), request.uri().path());
    let refusal = if !is_implemented(method) {
        // RFC 9110, 9.1.
        let text = "This server does not implement the method of this request.\n";
        (StatusCode::NOT_IMPLEMENTED, text).into_response()
    } else if path == "*" && method == Method::OPTIONS {
        let text = "Send the request to a path of this server.\n";
        let allow = [(ALLOW, "GET, HEAD, POST")];
        (StatusCode::METHOD_NOT_ALLOWED, allow, text).into_response()
    } else if !path.starts_with('/') {
        // RFC 9112, 3.2: only CONNECT has the name of a host as its target.
        let text = "The target of this request is not a path of this server.\n";
        (StatusCode::BAD_REQUEST, text).into_response()
    } else {
        return None;
    };
    Some(headers::complete(refusal))
}

/// Whether a request with this method only reads.
pub(crate) fn is_read(method: &Method) -> bool {
    [Method::GET, Method::HEAD].contains(method)
}

/// The methods for which a resource decides whether it allows them.
fn is_implemented(method: &Method) -> bool {
    const IMPLEMENTED: [Method; 8] = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
        Method::TRACE,
    ];
    IMPLEMENTED.contains(method)
}
