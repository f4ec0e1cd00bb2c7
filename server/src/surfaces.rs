//! The two surfaces of the server: the API, which programs call all the time, and everything else.

use std::{convert::Infallible, net::SocketAddr};

use axum::{Router, extract::Request, response::Response};
use futures_util::{FutureExt, future::Either};
use tower::ServiceExt;

use crate::{
    api::{self, ExternalApi},
    client::TrustedProxies,
    headers,
};

/// What answers requests, whatever they are: every failure is an answer too.
///
/// In place of tower's trait of that name: an answer may borrow what it is made with. Each connection has a copy,
/// and none is made for a request, which two processors would wait for each other to count.
pub trait Service: Clone + Send + Sync + 'static {
    /// The answer to this request, which came from `peer` if it came over a network.
    fn answer(
        &self,
        request: Request,
        peer: Option<SocketAddr>,
    ) -> impl Future<Output = Response> + Send;
}

impl Service for Router {
    async fn answer(&self, request: Request, _: Option<SocketAddr>) -> Response {
        let answer: Result<_, Infallible> = self.clone().oneshot(request).await;
        let Ok(answer) = answer;
        answer
    }
}

/// Sends each request to its surface by one look at its path. Routers around both would cost each call of the
/// API as much as the guard.
#[derive(Clone)]
pub(crate) struct Surfaces {
    pub(crate) api: ExternalApi,
    pub(crate) others: Router,
    pub(crate) proxies: TrustedProxies,
    /// Whether browsers come over HTTPS.
    pub(crate) https: bool,
}

impl Service for Surfaces {
    fn answer(
        &self,
        mut request: Request,
        peer: Option<SocketAddr>,
    ) -> impl Future<Output = Response> + Send {
        let client = peer.map(|peer| self.proxies.caller(peer.ip(), request.headers()));
        let answer = if api::is_path_of(request.uri().path()) {
            Either::Left(self.api.answer(request, client))
        } else {
            // Handlers and layers find it beside the request.
            if let Some(client) = client {
                request.extensions_mut().insert(client);
            }
            Either::Right(self.others.answer(request, peer))
        };
        answer.map(|answer| headers::tell_of_https(self.https, answer))
    }
}
