//! Breaks a promise on purpose, to show that the history checker finds it. Only the feature `sabotage` compiles this,
//! and no release build has it.

/// Whether to report a change as done immediately, without waiting for other servers' leases
/// (`DEVELOPER_ZONE_SABOTAGE=no-wait`).
pub(crate) fn no_wait() -> bool {
    std::env::var_os("DEVELOPER_ZONE_SABOTAGE").is_some_and(|what| what == "no-wait")
}
