//! The promises of the store, tested on SQLite and on PostgreSQL.
//!
//! A test is written once, as `async fn name(store: TestStore)`. The list at the top of each file says on which engines
//! it runs, as `tokens::sqlite::name` and `tokens::postgres::name`. A test in no list is dead code, and so an error.
//!
//! Tests that need PostgreSQL are ignored unless asked for: plain `cargo test` runs the others, and names each of them
//! as ignored. `make test` runs all, and fails if there is no PostgreSQL.

#![expect(clippy::disallowed_methods, reason = "tests log nothing for a request")]

#[macro_use]
mod failures;
#[macro_use]
mod harness;

mod audit;
mod backup;
mod database;
mod demo;
mod ends;
mod events;
mod key_cache;
mod leases;
mod locks;
mod members;
mod offboarding;
mod organisations;
mod overview;
mod photos;
mod record_allowance;
mod reset_links;
mod sessions;
mod sign_in;
mod storage;
mod token_polls;
mod tokens;
mod usage;
mod users;
