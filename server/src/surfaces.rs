//! The two surfaces of the server: the API, which programs call all the time, and everything else.

use std::convert::Infallible;

use axum::{Router, extract::Request, response::Response};
use tower::ServiceExt;

use crate::{
    api::{self, ExternalApi},
    client::{self, TrustedProxies},
    headers,
};

/// What answers requests, whatever they are: every failure is an answer too.
///
/// In place of tower's trait of that name: an answer may borrow what it is made with. Each connection has a copy,
/// and none is made for a request, which two processors would wait for each other to count.
pub trait Service: Clone + Send + Sync + 'static {
    /// The answer to this request.
    fn answer(&self, request: Request) -> impl Future<Output = Response> + Send;
}

impl Service for Router {
    async fn answer(&self, request: Request) -> Response {
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
    async fn answer(&self, request: Request) -> Response {
        let request = client::tell(request, &self.proxies);
        let answer = if api::is_path_of(request.uri().path()) {
            self.api.answer(request).await
        } else {
            self.others.answer(request).await
        };
        headers::tell_of_https(self.https, answer)
    }
}
