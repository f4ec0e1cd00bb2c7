//! What the server promises: the external API through the router, the program through its command line.
//!
//! One file per subject; `zone`, `program` and `deployment` are what the tests stand on.

mod deployment;
mod program;
mod zone;

mod audit;
mod backup;
mod commands;
mod configuration;
mod connection;
mod damage;
mod docs;
mod envelope;
mod event;
mod events;
mod fault_pages;
mod faults;
mod guard;
mod headers;
mod hosts;
mod import;
mod keys;
mod logs;
mod metrics;
mod openapi;
mod order;
mod originals;
mod outages;
mod photos;
mod postgres;
mod proxies;
mod readiness;
mod revocation;
mod routes;
mod secrets;
mod serving;
mod sign_in;
mod throttle;
mod tokens;
mod usage;
