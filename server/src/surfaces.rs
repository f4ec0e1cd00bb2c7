//! The two surfaces of the server: the API, which programs call all the time, and everything else.

use std::{
    convert::Infallible,
    task::{Context, Poll},
};

use axum::{Router, extract::Request, response::Response, routing::future::RouteFuture};
use futures_util::future::Either;

use crate::api::{self, ExternalApi};

/// What answers requests, whatever they are: every failure is an answer too.
pub trait Service:
    tower::Service<Request, Response = Response, Error = Infallible, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> Service for S where
    S: tower::Service<Request, Response = Response, Error = Infallible, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// Sends each request to its surface by one look at its path. Routers around both would cost each call of the
/// API as much as the guard.
#[derive(Clone)]
pub(crate) struct Surfaces {
    pub(crate) api: ExternalApi,
    pub(crate) others: Router,
}

impl tower::Service<Request> for Surfaces {
    type Response = Response;
    type Error = Infallible;
    type Future = Either<api::Answering, RouteFuture<Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // All that either could wait for is in its answer.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if api::is_path_of(request.uri().path()) {
            Either::Left(self.api.call(request))
        } else {
            Either::Right(self.others.call(request))
        }
    }
}
