//! The interface between connections and the handlers of their requests.

use std::{convert::Infallible, net::SocketAddr};

use axum::{Router, extract::Request, response::Response};
use tower::ServiceExt;

/// Handles requests. Every failure is a response too.
///
/// Unlike tower's trait `Service`, the future may borrow from the service. Each connection has its own clone, so no
/// request clones an `Arc`, which would contend across cores.
pub trait HttpService: Clone + Send + Sync + 'static {
    /// The response to `request`, which came from `peer` if it came over a network.
    fn respond(
        &self,
        request: Request,
        peer: Option<SocketAddr>,
    ) -> impl Future<Output = Response> + Send;
}

impl HttpService for Router {
    async fn respond(&self, request: Request, _: Option<SocketAddr>) -> Response {
        let response: Result<_, Infallible> = self.clone().oneshot(request).await;
        let Ok(response) = response;
        response
    }
}
