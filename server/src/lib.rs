//! The host of the Developer Zone: the external API, the dashboard and the command line.
//!
//! A library, so that tests can send requests through [`service`] without a socket; the program
//! `developer-zone` is [`cli::main`].

pub mod api;
mod assets;
mod audit;
pub mod cli;
pub mod client;
pub mod config;
mod connection;
mod dashboard;
mod docs;
mod error;
mod executor;
mod headers;
mod health;
mod hosts;
mod instruments;
mod metrics;
pub mod originals;
mod serve;
mod surfaces;
mod telemetry;

use std::sync::Arc;

use axum::middleware::from_fn_with_state;
use store::Store;
use tower::util::MapResponseLayer;

use self::{
    api::ExternalApi, config::Config, connection::OwnApi, dashboard::DashboardConfig, hosts::Hosts,
    originals::Originals, surfaces::Surfaces,
};
pub use self::{
    error::{Error, StoreFailure},
    instruments::Instruments,
    surfaces::Service,
};

/// Everything that the server answers: the external API, the files that it links to, its documentation,
/// whether it is well, and the dashboard for the rest.
pub fn service(
    store: Store,
    config: &Config,
    originals: Originals,
    instruments: &Instruments,
) -> impl Service {
    let dashboard = DashboardConfig {
        contact_url: config.contact_url.as_str().to_owned(),
        api_origin: config.api_url.origin(),
        secure_cookies: config.secure_cookies(),
        confirm_password_after: config.confirm_password_after,
    };
    let hosts = Hosts::of(config);
    let files = api::files::router(store.clone(), &originals, config.api_hosts.clone());
    let api = ExternalApi::new(
        store.clone(),
        originals,
        config.api_hosts.clone(),
        config.rate_limits,
        Arc::clone(&instruments.metrics),
    );
    let ping = Arc::new(OwnApi::new(api.clone(), &config.api_url));
    let api_origin = config.api_url.origin();
    let public_origin = config.public_url.as_ref().map(|url| url.origin());
    let public = api::openapi::router(&api_origin)
        .merge(docs::router(
            &api_origin,
            public_origin.as_deref(),
            config.rate_limits.map(|limits| limits.per_token),
        ))
        .merge(assets::router())
        .layer(from_fn_with_state(hosts.clone(), hosts::of_both));
    let dashboard = dashboard::router(store, ping, dashboard)
        .layer(from_fn_with_state(hosts, hosts::of_dashboard));
    let others = public
        .merge(files)
        .merge(instruments.readiness.router())
        .merge(api::request_id::name_each(dashboard))
        .layer(MapResponseLayer::new(headers::complete))
        .layer(from_fn_with_state(
            Arc::clone(&instruments.metrics),
            metrics::count,
        ));
    Surfaces {
        api,
        others,
        proxies: config.trusted_proxies.clone(),
        https: config.is_https(),
    }
}
