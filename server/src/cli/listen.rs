//! The address that a server listens on. `healthcheck` asks the server there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use clap::Args;

use crate::{error::Error, http::public_url::PublicUrl};

#[derive(Args)]
pub(super) struct Listen {
    /// The address that the server listens on; port 0 means any free port
    #[arg(
        long,
        env = "DEVELOPER_ZONE_LISTEN",
        value_name = "ADDRESS:PORT",
        value_parser = listen_address,
        default_value = DEFAULT_LISTEN
    )]
    pub(super) listen: SocketAddr,
}

/// The default of [`Listen::listen`].
const DEFAULT_LISTEN: &str = "127.0.0.1:3000";

/// The address of the dashboard in browsers, if servers have the settings that `setting` returns. Without a public URL,
/// `serve` listens on this machine only.
///
/// # Errors
/// [`Error::Variable`] if one of these settings is invalid.
pub(super) fn dashboard_url(setting: impl Fn(&str) -> Option<String>) -> Result<PublicUrl, Error> {
    let invalid = |name: &str, problem: String| {
        let name = name.to_owned();
        Error::Variable { name, problem }
    };
    if let Some(url) = setting("public-url") {
        let url = url.parse::<PublicUrl>();
        return url.map_err(|problem| invalid("public-url", problem.to_string()));
    }
    let listen = setting("listen");
    let address = listen_address(listen.as_deref().unwrap_or(DEFAULT_LISTEN));
    let address = address.map_err(|problem| invalid("listen", problem.to_owned()))?;
    Ok(PublicUrl::http(reachable(address)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dashboard_is_at_its_public_url_or_at_the_address_that_serve_listens_on() {
        let url = |settings: &[(&str, &str)]| {
            let found = dashboard_url(|option| {
                let mut settings = settings.iter();
                let found = settings.find(|(name, _)| *name == option);
                found.map(|(_, value)| (*value).to_owned())
            });
            found.map(|url| url.origin()).ok()
        };
        let (public, listen) = (
            ("public-url", "https://dev.example.com/"),
            ("listen", "0.0.0.0:8080"),
        );
        for (settings, expected) in [
            (&[][..], Some("http://127.0.0.1:3000")),
            (&[listen], Some("http://127.0.0.1:8080")),
            (&[listen, public], Some("https://dev.example.com")),
            (&[("public-url", "dev.example.com")], None),
            (&[("listen", "8080")], None),
        ] {
            assert_eq!(url(settings).as_deref(), expected, "{settings:?}");
        }
    }
}
