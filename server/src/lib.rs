//! The host of the Developer Zone: the external API, the dashboard and the command line.
//!
//! A library, so that tests can send requests through [`router`] without a socket; the program
//! `developer-zone` is [`cli::main`].

pub mod api;
mod assets;
pub mod cli;
pub mod client;
pub mod config;
mod connection;
mod dashboard;
mod docs;
mod error;
pub mod metrics;
pub mod originals;
mod serve;
mod telemetry;

use std::sync::Arc;

use axum::{Router, middleware::from_fn_with_state, routing::get};
use store::Store;
use tower::util::MapRequestLayer;

pub use self::error::Error;
use self::{
    config::Config, connection::OwnApi, dashboard::DashboardConfig, metrics::Metrics,
    originals::Originals,
};

/// Everything that the server answers: the external API, the files that it links to, its documentation,
/// `/healthz`, and the dashboard for the rest.
pub fn router(
    store: Store,
    config: &Config,
    originals: Originals,
    metrics: &Arc<Metrics>,
) -> Router {
    let dashboard = DashboardConfig {
        contact_url: config.contact_url.as_str().to_owned(),
        api_origin: config.api_url.origin(),
        secure_cookies: config.secure_cookies(),
    };
    let proxies = config.trusted_proxies.clone();
    let files = api::files::router(store.clone(), &originals);
    let api = api::router(
        store.clone(),
        originals,
        config.api_hosts.clone(),
        config.rate_limits,
        Arc::clone(metrics),
    );
    let ping = Arc::new(OwnApi::new(api.clone(), &config.api_url));
    let api_origin = config.api_url.origin();
    let public_origin = config.public_url.as_ref().map(|url| url.origin());
    let others = Router::new()
        .merge(api::openapi::router(&api_origin))
        .merge(docs::router(
            &api_origin,
            public_origin.as_deref(),
            config.rate_limits.map(|limits| limits.per_token),
        ))
        .merge(files)
        .route("/healthz", get(async || "ok"))
        .merge(dashboard::router(store, ping, dashboard))
        .layer(from_fn_with_state(Arc::clone(metrics), metrics::count));
    api.merge(others)
        .layer(MapRequestLayer::new(move |request| {
            client::tell(request, &proxies)
        }))
}
