//! The route of the form that creates a token without script.
//!
//! It is not a server function: those respond to a plain form with a redirect, but this response must show the token
//! itself. It is not a page of the router either: those contain scripts and data for hydration.

use app::{Assets, NewTokenForm, NoScriptResponse, create_from_form, paths::NEW_TOKEN};
use axum::{
    Form, Router,
    http::{header, request::Parts},
    response::{Html, IntoResponse, Response},
    routing::post,
};

use crate::http::headers::PLAIN_PAGE;

/// The route that the form posts to. `context` provides the same values as for server functions.
pub(super) fn router<S: Clone + Send + Sync + 'static>(
    assets: Assets,
    context: impl Fn() + Clone + Send + Sync + 'static,
) -> Router<S> {
    let respond = move |request: Parts, Form(form): Form<NewTokenForm>| async move {
        http_response(create_from_form(assets, request, context, form).await)
    };
    Router::new().route(NEW_TOKEN, post(respond))
}

fn http_response(response: NoScriptResponse) -> Response {
    let NoScriptResponse {
        status,
        headers,
        html,
    } = response;
    if html.is_empty() {
        return (status, headers).into_response();
    }
    let policy = [(header::CONTENT_SECURITY_POLICY, PLAIN_PAGE)];
    (status, headers, policy, Html(html)).into_response()
}
