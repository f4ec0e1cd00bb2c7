//! What the server counts of itself, for Prometheus (`docs/metrics.md` lists it all).
//!
//! What happens on every call of the API is counted in [`calls`], which costs a few nanoseconds; all else by
//! the library's own counters. What somebody else counts anyway (grants, connections, passwords) is asked for
//! when Prometheus asks. No label holds what a caller sent: routes are those that the server knows.

pub(crate) mod calls;
mod collector;
mod listener;

use std::{
    fmt::{self, Debug},
    sync::Arc,
    time::Duration,
};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};
use quanta::Instant;
use store::Store;

pub(crate) use self::listener::serve;
use self::{
    calls::{BOUNDS, Calls},
    collector::Collected,
};

/// What a request other than the API's is counted under.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
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

/// Everything that is counted.
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) calls: Arc<Calls>,
    requests: Family<Answered, Counter>,
    durations: Family<Route, Histogram>,
    flushes: Family<Outcome, Counter>,
}

impl Metrics {
    /// Nothing counted yet.
    pub(crate) fn new(store: &Store) -> Arc<Self> {
        let mut registry = Registry::with_prefix("developer_zone");
        let calls = Arc::new(Calls::new());
        registry.register_collector(Box::new(Collected::new(Arc::clone(&calls), store.clone())));
        let metrics = Self {
            calls,
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(seconds())),
            flushes: Family::default(),
            registry,
        };
        Arc::new(metrics.registered())
    }

    fn registered(mut self) -> Self {
        self.registry.register(
            "http_requests",
            "Requests of pages and everything else that is not the API, by route and status",
            self.requests.clone(),
        );
        self.registry.register(
            "http_request_duration_seconds",
            "From such a request's head to its answer's head",
            self.durations.clone(),
        );
        self.registry.register(
            "usage_flushes",
            "Writings of the use of tokens to the database",
            self.flushes.clone(),
        );
        self
    }

    /// The use of tokens was brought to the database, or could not be.
    pub(crate) fn flushed(&self, done: bool) {
        let outcome = if done { "done" } else { "failed" };
        self.flushes.get_or_create(&Outcome { outcome }).inc();
    }

    /// Everything in Prometheus' text format (OpenMetrics 1.0).
    ///
    /// # Errors
    /// None but those of a writer, and a text has none.
    fn text(&self) -> Result<String, fmt::Error> {
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

/// Counts a request that is not the API's.
pub(crate) async fn count(
    State(metrics): State<Arc<Metrics>>,
    request: Request,
    next: Next,
) -> Response {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("none", MatchedPath::as_str)
        .to_owned();
    let begun = Instant::now();
    let response = next.run(request).await;
    let status = response.status().as_u16();
    let (route, answered) = (
        Route {
            route: route.clone(),
        },
        Answered { route, status },
    );
    metrics.requests.get_or_create(&answered).inc();
    metrics
        .durations
        .get_or_create(&route)
        .observe(begun.elapsed().as_secs_f64());
    response
}

fn seconds() -> impl Iterator<Item = f64> {
    BOUNDS.iter().map(Duration::as_secs_f64)
}
