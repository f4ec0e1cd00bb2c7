//! The host of the Developer Zone: the external API, the dashboard and the command line.
//!
//! A library, so that tests can send requests through [`router`] without a socket; the program
//! `developer-zone` is [`cli::main`].

pub mod api;
mod assets;
pub mod cli;
pub mod config;
mod dashboard;
mod error;
mod serve;
mod telemetry;

use axum::{Router, routing::get};
use store::Store;

pub use self::error::Error;
use self::{config::Config, dashboard::DashboardConfig};

/// Everything that the server answers: the external API, `/healthz`, and the dashboard for the rest.
pub fn router(store: Store, config: &Config) -> Router {
    let dashboard = DashboardConfig {
        contact_url: config.contact_url.as_str().to_owned(),
        secure_cookies: config.secure_cookies(),
    };
    api::router(store.clone(), config.api_hosts.clone())
        .route("/healthz", get(async || "ok"))
        .fallback_service(dashboard::router(store, dashboard))
}
