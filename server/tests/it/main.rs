//! Tests of the server, through its router and as the real program.
//!
//! One file per subject. [`support`] contains fixtures and helpers.
//!
//! Some tests need more than Rust: PostgreSQL, the built front end (for every `serve`), nginx, HAProxy and curl, or
//! PgBouncer.
//! They are marked `#[ignore = "needs …"]`. Plain `cargo test` leaves them out and says so; `make test` runs them all,
//! and fails if something is missing.

#![expect(clippy::disallowed_methods, reason = "tests log nothing for a request")]

mod standby;
mod support;

mod assets;
mod audit;
mod backup;
mod commands;
mod compression;
mod conditional;
mod configuration;
mod connections;
mod damage;
mod dashboard_limits;
mod deactivate_all;
mod docs;
mod envelope;
mod error_pages;
mod event;
mod events;
mod failures;
mod full_disk;
mod guard;
mod headers;
mod hosts;
mod import;
mod keys;
mod log_faults;
mod logs;
mod metrics;
mod nul;
mod openapi;
mod order;
mod originals;
mod outages;
mod page_account;
mod password_file;
mod pgbouncer;
mod photos;
mod postgres;
mod proxies;
mod raw_http;
mod readiness;
mod reset_password;
mod revocation;
mod routes;
mod secrets;
mod server_functions;
mod serving;
mod session_cookie;
mod sign_in;
mod silence;
mod throttle;
mod time_zone;
mod token_test;
mod tokens;
mod usage;
