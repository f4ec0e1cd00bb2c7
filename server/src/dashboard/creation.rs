//! The form that makes a token without script, and its answer.
//!
//! Here and not a server function: those answer a plain form with a redirect, and a token must be shown by the
//! answer itself. Nor a page of the router's: such pages carry scripts and data for them, and this one must not.

use app::{Assets, NewTokenForm, PlainAnswer, create_from_form, paths::NEW_TOKEN};
use axum::{
    Form, Router,
    http::{HeaderValue, header, request::Parts},
    response::{Html, IntoResponse, Response},
    routing::post,
};

use crate::http::headers::PLAIN_PAGE;

/// What the form is sent to. `context` provides what server functions find.
pub(super) fn router<S: Clone + Send + Sync + 'static>(
    assets: Assets,
    context: impl Fn() + Clone + Send + Sync + 'static,
) -> Router<S> {
    let answer = move |request: Parts, Form(form): Form<NewTokenForm>| async move {
        respond(create_from_form(assets, request, context, form).await)
    };
    Router::new().route(NEW_TOKEN, post(answer))
}

fn respond(answer: PlainAnswer) -> Response {
    let PlainAnswer {
        status,
        headers,
        html,
    } = answer;
    if html.is_empty() {
        return (status, headers).into_response();
    }
    let policy = [
        (header::CONTENT_SECURITY_POLICY, PLAIN_PAGE),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, policy, Html(html)).into_response()
}
