//! Home, the page after sign-in: what has happened in the organisation, and what to do first.
//!
//! The server renders all of it. Nothing on it needs script.

mod changes;
mod data;
mod figures;
mod locked;
mod page;
mod steps;

pub(crate) use self::page::HomePage;
