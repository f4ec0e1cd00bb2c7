//! Judges a recorded run of the Developer Zone: who called, who changed what, when, and what came of it.
//!
//! The promise under test is the one of the dashboard and the command line: once a change has been
//! reported as done, every server goes by it. The judge knows nothing of leases, caches or databases: it
//! looks at what was seen from outside, on one clock. The program beside it (`history-checker`) makes such
//! records from real servers while it kills, stops and cuts them off; `docs/revocation.md` says how.

pub mod history;
pub mod judge;
