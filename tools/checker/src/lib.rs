//! Checks a recorded run of the Developer Zone: every call and every change, with their times and results.
//!
//! The promise under test: once the dashboard or the command line has reported a change as done, every server applies
//! it. The judge knows nothing about leases, caches or databases. It uses only what is visible from outside, on one
//! clock.
//!
//! The program `history-checker` records such runs with real servers, while it kills and suspends them and cuts their
//! connections. `docs/revocation.md` explains it.

pub mod ends;
pub mod history;
pub mod judge;
pub mod known;
