//! Types and rules of the Developer Zone.
//!
//! Everything here is pure: no I/O, no clock, no randomness. The server and the browser compile the
//! same code, so a rule stated here holds on both sides.

pub mod access;
pub mod audit;
pub mod client;
pub mod event;
pub mod organisation;
pub mod page;
pub mod photo;
pub mod security;
pub mod session;
pub mod timestamp;
pub mod token;
pub mod usage;
pub mod user;
