//! What the server promises: the external API through the router, the program through its command line.
//!
//! One file per subject; `zone` and `program` are what the tests stand on.

mod program;
mod zone;

mod commands;
mod envelope;
mod event;
mod events;
mod faults;
mod guard;
mod hosts;
mod keys;
mod order;
mod postgres;
mod revocation;
mod routes;
mod secrets;
mod serving;
