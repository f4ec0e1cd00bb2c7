//! Waiting for an event.

use std::{
    thread,
    time::{Duration, Instant},
};

/// Ends a test that hangs. No outcome depends on it: everything that a test waits for takes a small part of it,
/// also on a busy machine.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(120);

/// Between two looks.
const POLL_DELAY: Duration = Duration::from_millis(10);

/// Polls until `is_met` returns true. `what` names the event in the message of a test that waits in vain.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_met: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_met() {
        assert!(start.elapsed() < TIMEOUT, "waited in vain for: {what}");
        thread::sleep(POLL_DELAY);
    }
}
