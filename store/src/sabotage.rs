//! Breaks a promise on purpose, to show that the history checker finds it. Only the feature `sabotage` compiles this,
//! and no release build has it.

/// Whether to report a change as done immediately, without waiting for other servers' leases
/// (`DEVELOPER_ZONE_SABOTAGE=no-wait`).
pub(crate) fn no_wait() -> bool {
    is_chosen("no-wait")
}

/// Whether a server ignores that the database has lost changes (`DEVELOPER_ZONE_SABOTAGE=no-loss-check`).
pub(crate) fn no_loss_check() -> bool {
    is_chosen("no-loss-check")
}

/// Whether a change in a user's name skips the check in its transaction (`DEVELOPER_ZONE_SABOTAGE=no-check`).
pub(crate) fn no_check() -> bool {
    is_chosen("no-check")
}

/// Whether strangers, accounts and networks are not limited to their shares (`DEVELOPER_ZONE_SABOTAGE=no-shares`): known
/// browsers sign in like strangers, and there are no limits of dashboard requests, of records in the audit trail and of a
/// network's connections.
pub fn no_shares() -> bool {
    is_chosen("no-shares")
}

fn is_chosen(what: &str) -> bool {
    std::env::var_os("DEVELOPER_ZONE_SABOTAGE").is_some_and(|chosen| chosen == what)
}
