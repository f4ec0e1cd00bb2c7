//! A promise that can be broken on purpose, so that whoever checks it can show that a break is found.
//! Compiled with the feature `sabotage` alone, which no build to ship has.

/// Whether a change is to be reported as done at once, without the wait for other servers' leases
/// (`DEVELOPER_ZONE_SABOTAGE=no-wait`).
pub(crate) fn no_wait() -> bool {
    std::env::var_os("DEVELOPER_ZONE_SABOTAGE").is_some_and(|what| what == "no-wait")
}
