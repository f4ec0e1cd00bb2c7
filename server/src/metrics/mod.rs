//! Metrics for Prometheus (`docs/metrics.md` lists them).
//!
//! API calls are counted in [`calls`], which takes a few nanoseconds each, and TCP connections in [`connections`]. Any
//! other metric is a counter here, or in [`collector`] if another part already counts its value. No label contains text
//! from a caller: a route label is always a route of the server.

pub(crate) mod calls;
mod collector;
pub(crate) mod connections;
pub(crate) mod listener;

use std::{
    fmt::{self, Debug},
    sync::Arc,
};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use http::StatusCode;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};
use quanta::Instant;
use store::Store;

use self::{
    calls::{Calls, bounds_in_seconds},
    collector::Collected,
    connections::ConnectionMetrics,
};

/// The route of a request that no route matches.
pub(crate) const NO_ROUTE: &str = "none";

/// The labels of a request that is not an API call.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Handled {
    route: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

/// All metrics.
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) calls: Arc<Calls>,
    pub(crate) connections: ConnectionMetrics,
    requests: Family<Handled, Counter>,
    durations: Family<Route, Histogram>,
    flushes: Family<Outcome, Counter>,
}

impl Metrics {
    /// Nothing counted yet. `api_routes` are the names of the API's routes; their indices identify them in [`Calls`].
    pub(crate) fn new(store: &Store, api_routes: impl Iterator<Item = &'static str>) -> Arc<Self> {
        let mut registry = Registry::with_prefix("developer_zone");
        let calls = Arc::new(Calls::new(api_routes));
        registry.register_collector(Box::new(Collected::new(Arc::clone(&calls), store.clone())));
        let metrics = Self {
            calls,
            connections: ConnectionMetrics::default(),
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(bounds_in_seconds())),
            flushes: Family::default(),
            registry,
        };
        Arc::new(metrics.registered())
    }

    fn registered(mut self) -> Self {
        self.connections.register(&mut self.registry);
        self.registry.register(
            "http_requests",
            "Requests other than API calls, by route and status",
            self.requests.clone(),
        );
        self.registry.register(
            "http_request_duration_seconds",
            "Time from such a request's head to its response's head",
            self.durations.clone(),
        );
        self.registry.register(
            "usage_flushes",
            "Writes of token usage to the database",
            self.flushes.clone(),
        );
        self
    }

    /// Counts a request that is not an API call, which began then.
    pub(crate) fn count(&self, route: &str, status: StatusCode, begun: Instant) {
        let route = route.to_owned();
        let handled = Handled {
            route: route.clone(),
            status: status.as_u16(),
        };
        self.requests.get_or_create(&handled).inc();
        self.durations
            .get_or_create(&Route { route })
            .observe(begun.elapsed().as_secs_f64());
    }

    /// Counts a write of the usage of tokens to the database, and whether it succeeded.
    pub(crate) fn flushed(&self, done: bool) {
        let outcome = if done { "done" } else { "failed" };
        self.flushes.get_or_create(&Outcome { outcome }).inc();
    }

    /// All metrics in Prometheus' text format (OpenMetrics 1.0).
    ///
    /// # Errors
    /// None in practice: writing to a `String` cannot fail.
    pub(crate) fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// Counts a request that is not an API call.
pub(crate) async fn count(
    State(metrics): State<Arc<Metrics>>,
    request: Request,
    next: Next,
) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or(NO_ROUTE, MatchedPath::as_str).to_owned();
    let begun = Instant::now();
    let response = next.run(request).await;
    metrics.count(&route, response.status(), begun);
    response
}
