//! The server of the Developer Zone: the external API, the dashboard, the documentation and the command line.
//!
//! It is a library so that tests can send requests through [`service()`] without a socket. The program
//! `developer-zone` is [`cli::main`].

// A write to standard error that fails would panic: `telemetry` writes there.
#![warn(clippy::print_stderr)]

pub mod api;
mod assets;
mod audit;
pub mod cli;
pub mod config;
mod dashboard;
mod docs;
mod error;
mod health;
pub mod http;
mod metrics;
pub mod originals;
mod serve;
mod service;
mod telemetry;
mod token_test;

pub use self::{
    error::{Error, StoreFailure},
    http::HttpService,
    service::{Instruments, service},
};
