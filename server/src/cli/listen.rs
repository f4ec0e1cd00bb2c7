//! The address that a server listens on. `healthcheck` asks the server there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use clap::Args;

#[derive(Args)]
pub(super) struct Listen {
    /// The address that the server listens on; port 0 means any free port
    #[arg(
        long,
        env = "DEVELOPER_ZONE_LISTEN",
        value_name = "ADDRESS:PORT",
        value_parser = listen_address,
        default_value = "127.0.0.1:3000"
    )]
    pub(super) listen: SocketAddr,
}

/// Parses an address to listen on.
pub(super) fn listen_address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse()
        .map_err(|_| "use an IP address and a port, for example 127.0.0.1:3000 or [::1]:3000")
}

/// The address by which this machine reaches a server that listens on `address`.
pub(super) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        other => other,
    };
    SocketAddr::new(ip, address.port())
}
