//! Types and rules of the Developer Zone.
//!
//! The code is pure: no I/O, no clock, no randomness. The server and the browser compile the same code, so each rule
//! exists once and holds on both sides.

pub mod audit;
pub mod client;
pub mod event;
pub mod organisation;
pub mod page;
pub mod permission;
pub mod photo;
pub mod security;
pub mod session;
pub mod timestamp;
pub mod token;
pub mod usage;
pub mod user;
