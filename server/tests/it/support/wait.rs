//! Waiting for an event.

use std::{
    thread,
    time::{Duration, Instant},
};

/// Ends a test that hangs. No result depends on it: every event that a test waits for comes much sooner, even on a busy
/// machine.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(120);

/// The delay between two polls.
const POLL_DELAY: Duration = Duration::from_millis(10);

/// Polls until `is_met` returns true. If the event never comes, the test fails with a message that contains `what`.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_met: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_met() {
        assert!(start.elapsed() < TIMEOUT, "waited in vain for: {what}");
        thread::sleep(POLL_DELAY);
    }
}
