//! The servers that a reported change has waited for.

use model::servers::Acknowledgements;

/// How many servers confirmed a change, and how many leases ran out.
pub fn confirmed(by: Acknowledgements) -> String {
    let Acknowledgements {
        servers,
        ended_leases,
    } = by;
    let confirmed = match servers {
        0 => String::new(),
        1 => "Confirmed by 1 server.".to_owned(),
        _ => format!("Confirmed by {servers} servers."),
    };
    let ended = match ended_leases {
        0 => return confirmed,
        1 => "The lease of 1 silent server ran out.".to_owned(),
        _ => format!("The leases of {ended_leases} silent servers ran out."),
    };
    match servers {
        0 => ended,
        _ => format!("{confirmed} {ended}"),
    }
}

/// The sentences in a receipt on a page, with a space before them. Empty if at most one server confirmed the change,
/// and no lease ran out: that a server confirms its own change says nothing new.
pub(crate) fn about_servers(by: Option<Acknowledgements>) -> String {
    match by {
        None
        | Some(Acknowledgements {
            servers: 0 | 1,
            ended_leases: 0,
        }) => String::new(),
        Some(by) => format!(" {}", confirmed(by)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_counts_servers_and_leases_unless_one_server_is_all() {
        for (servers, ended_leases, expected) in [
            (0, 0, ""),
            (1, 0, ""),
            (2, 0, " Confirmed by 2 servers."),
            (0, 1, " The lease of 1 silent server ran out."),
            (
                1,
                1,
                " Confirmed by 1 server. The lease of 1 silent server ran out.",
            ),
            (
                3,
                2,
                " Confirmed by 3 servers. The leases of 2 silent servers ran out.",
            ),
        ] {
            let by = Acknowledgements {
                servers,
                ended_leases,
            };
            assert_eq!(about_servers(Some(by)), expected);
        }
        assert_eq!(about_servers(None), "");
    }
}
