//! A panic ends its own request and no other: the caller gets the API's error `internal`. The panic hook logs the
//! cause ([`crate::telemetry`]).

use std::panic::AssertUnwindSafe;

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;

use super::error::ApiError;

/// Turns a panic while `response` is made into an error response.
pub(super) async fn catch_panic(response: impl Future<Output = Response>) -> Response {
    let caught = AssertUnwindSafe(response).catch_unwind().await;
    caught.unwrap_or_else(|_| ApiError::Internal.into_response())
}

/// The same as a middleware.
pub(super) async fn layer(request: Request, next: Next) -> Response {
    catch_panic(next.run(request)).await
}
