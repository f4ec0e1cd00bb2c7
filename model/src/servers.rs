//! The servers that a change waits for, as users and operators see them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The servers that a reported change has waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgements {
    /// How many servers have applied the change.
    pub servers: u32,
    /// How many silent servers there were: the change waited until the lease of each had ended.
    pub ended_leases: u32,
}

/// The servers that a change still waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilentServers {
    /// How many have not acknowledged the change.
    pub silent: u32,
    /// How many servers there are.
    pub registered: u32,
    /// The longest time until all their leases have ended.
    pub at_most_seconds: u32,
}

impl fmt::Display for SilentServers {
    /// Follows "waiting for".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            silent,
            registered,
            at_most_seconds,
        } = self;
        match registered {
            1 => write!(f, "the only server, at most {at_most_seconds} s"),
            _ => write!(
                f,
                "{silent} of {registered} servers, at most {at_most_seconds} s"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silent_servers_are_counted_among_all_and_with_the_longest_wait() {
        let text = |silent, registered| {
            let servers = SilentServers {
                silent,
                registered,
                at_most_seconds: 11,
            };
            servers.to_string()
        };
        assert_eq!(text(1, 3), "1 of 3 servers, at most 11 s");
        assert_eq!(text(2, 2), "2 of 2 servers, at most 11 s");
        assert_eq!(text(1, 1), "the only server, at most 11 s");
    }
}
