//! What the store promises, proved on SQLite and on PostgreSQL.
//!
//! A test is written once, as `async fn name(store: TestStore)`; the lists at the top of each file run
//! it on the engines that it holds for, as `tokens::sqlite::name` and `tokens::postgres::name`. A test
//! that is in no list is dead code, and so an error.

#![expect(clippy::disallowed_methods, reason = "tests log nothing for a request")]

#[macro_use]
mod failures;
#[macro_use]
mod harness;

mod audit;
mod backup;
mod database;
mod demo;
mod events;
mod grants;
mod leases;
mod members;
mod organisations;
mod photos;
mod sessions;
mod sign_in;
mod tokens;
mod usage;
mod users;
