//! The caller's IP address.
//!
//! Behind a proxy, every connection comes from the proxy. Then the address is in `X-Forwarded-For`, which is read only
//! on connections from a trusted proxy ([`TrustedProxies`]). Each proxy appends the address that called it. So the
//! header is read from its end: the first address that is not a trusted proxy is the caller's. The caller may have
//! forged everything before it.
//!
//! No other header is read:
//!
//! - `Forwarded` (RFC 7239) has the same purpose. But a proxy passes on headers that it does not write itself, so a
//!   caller could choose the value.
//! - `X-Forwarded-Host` and `X-Forwarded-Proto` are not needed: proxies pass `Host` on, and `serve --public-url` says
//!   whether browsers use HTTPS.

use std::{
    borrow::Cow,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    str::{self, FromStr},
    sync::Arc,
};

use http::{HeaderMap, HeaderName};
use ipnet::{IpNet, Ipv4Net};
use model::client::ClientAddress;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// A network of proxies: `10.0.0.0/8`, `2001:db8::/32`, or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProxyNetwork(IpNet);

/// A text that is not a network of proxies. The message names the accepted forms.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProxyNetwork {
    /// It is not a network.
    #[error("use addresses and networks, for example 10.0.0.7,10.1.0.0/16,2001:db8::/32")]
    NoNetwork,
    /// Bits after the prefix are set, so the address or the prefix is wrong.
    #[error("the network of that address and length is {0}; write that, or the address alone")]
    HostBits(IpNet),
    /// It contains every address.
    #[error("a network of all addresses would let every caller name its own; name your proxies")]
    Everything,
}

impl FromStr for ProxyNetwork {
    type Err = InvalidProxyNetwork;

    /// An IPv4 network written as IPv6 (`::ffff:10.0.0.0/104`) is an IPv4 network, as in [`ClientAddress`].
    fn from_str(text: &str) -> Result<Self, InvalidProxyNetwork> {
        let text = text.trim();
        let network = text
            .parse()
            .or_else(|_| text.parse().map(|address: IpAddr| IpNet::from(address)))
            .map_err(|_| InvalidProxyNetwork::NoNetwork)?;
        if network != network.trunc() {
            return Err(InvalidProxyNetwork::HostBits(network.trunc()));
        }
        let network = canonical(network);
        if network.prefix_len() == 0 {
            return Err(InvalidProxyNetwork::Everything);
        }
        Ok(Self(network))
    }
}

fn canonical(network: IpNet) -> IpNet {
    const MAPPED_BITS: u8 = 96;
    let length = network.prefix_len().checked_sub(MAPPED_BITS);
    match (network.addr().to_canonical(), length) {
        (IpAddr::V4(address), Some(length)) if network.addr().is_ipv6() => {
            Ipv4Net::new(address, length).map_or(network, IpNet::V4)
        }
        _ => network,
    }
}

/// The proxies whose `X-Forwarded-For` is trusted.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Option<Arc<[ProxyNetwork]>>);

impl FromIterator<ProxyNetwork> for TrustedProxies {
    fn from_iter<I: IntoIterator<Item = ProxyNetwork>>(networks: I) -> Self {
        let networks: Arc<[_]> = networks.into_iter().collect();
        // Without trusted proxies, the header is never read.
        Self((!networks.is_empty()).then_some(networks))
    }
}

impl TrustedProxies {
    /// Whether this address, in canonical form, is a trusted proxy's.
    pub(crate) fn include(&self, address: IpAddr) -> bool {
        let networks = self.0.as_deref().unwrap_or_default();
        networks.iter().any(|network| network.0.contains(&address))
    }

    /// The caller behind `peer`. If the header ends, or contains a value that is not an address, the result is the last
    /// address that a trusted proxy wrote.
    pub(crate) fn caller(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
        let mut address = peer.to_canonical();
        if self.0.is_none() {
            return ClientAddress::new(address);
        }
        let lines = headers.get_all(X_FORWARDED_FOR).iter().rev();
        let mut named = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
        while self.include(address) {
            match named.next().and_then(address_of) {
                Some(before) => address = before.to_canonical(),
                None => break,
            }
        }
        ClientAddress::new(address)
    }
}

/// Reads the address that a proxy wrote. Some proxies add the port, or write IPv6 addresses in brackets. Programs in Go
/// add the zone of a link-local address (`fe80::1%eth0`), which is no part of the address.
fn address_of(written: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(written).ok()?.trim_matches([' ', '\t']);
    let text = &*without_zone(text);
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']');
    text.parse()
        .ok()
        .or_else(|| text.parse().ok().map(|socket: SocketAddr| socket.ip()))
        .or_else(|| Some(bracketed()?.parse::<Ipv6Addr>().ok()?.into()))
}

/// The text without the zone (RFC 4007, 11), which ends before a bracket or with the text.
fn without_zone(text: &str) -> Cow<'_, str> {
    match text.split_once('%') {
        Some((address, zone)) if address.contains(':') => {
            let rest = zone.find(']').map_or("", |end| &zone[end..]);
            format!("{address}{rest}").into()
        }
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn proxies(networks: &[&str]) -> TrustedProxies {
        networks
            .iter()
            .map(|text| text.parse::<ProxyNetwork>().expect(text))
            .collect()
    }

    /// Checks the caller that the server determines if it trusts 10.0.0.0/8 and 2001:db8:1::/48.
    #[track_caller]
    fn assert_caller(peer: &str, lines: &[&[u8]], expected: &str) {
        let mut headers = HeaderMap::new();
        for line in lines {
            let line = HeaderValue::from_bytes(line).expect("a header");
            headers.append(X_FORWARDED_FOR, line);
        }
        let trusted = proxies(&["10.0.0.0/8", "2001:db8:1::/48"]);
        let caller = trusted.caller(peer.parse().expect("an address"), &headers);
        assert_eq!(caller.ip().to_string(), expected, "{peer} {headers:?}");
    }

    #[test]
    fn a_stranger_is_who_connects_whatever_it_says() {
        for line in ["10.0.0.1", "192.0.2.9", "127.0.0.1, 10.0.0.1", "?"] {
            assert_caller("192.0.2.1", &[line.as_bytes()], "192.0.2.1");
        }
        let none = TrustedProxies::default();
        let mut headers = HeaderMap::new();
        headers.insert(X_FORWARDED_FOR, HeaderValue::from_static("192.0.2.9"));
        let peer = IpAddr::from([127, 0, 0, 1]);
        assert_eq!(none.caller(peer, &headers).ip(), peer);
    }

    #[test]
    fn behind_trusted_proxies_the_caller_is_the_last_address_that_is_not_a_proxy() {
        for (lines, expected) in [
            (&["192.0.2.9"][..], "192.0.2.9"),
            (&["192.0.2.66, 192.0.2.9"], "192.0.2.9"),
            (&["192.0.2.66,192.0.2.9, 10.0.0.2\t,10.1.0.3"], "192.0.2.9"),
            (&["192.0.2.66", "192.0.2.9", "10.0.0.2"], "192.0.2.9"),
            (&["2001:db8:2::9, 2001:db8:1::2"], "2001:db8:2::9"),
            // A caller inside the network, or the proxy's own health check.
            (&["10.0.0.2"], "10.0.0.2"),
            (&[], "10.0.0.1"),
        ] {
            let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
            assert_caller("10.0.0.1", &lines, expected);
        }
    }

    #[test]
    fn brackets_ports_and_ipv4_written_as_ipv6_are_accepted() {
        for (line, expected) in [
            ("192.0.2.9:1234", "192.0.2.9"),
            ("[2001:db8:2::9]:1234", "2001:db8:2::9"),
            ("[2001:db8:2::9]", "2001:db8:2::9"),
            ("::ffff:192.0.2.9", "192.0.2.9"),
            ("192.0.2.9, ::ffff:10.0.0.2", "192.0.2.9"),
        ] {
            assert_caller("::ffff:10.0.0.1", &[line.as_bytes()], expected);
        }
    }

    /// Caddy and Traefik write it, for callers on their own network.
    #[test]
    fn the_zone_of_a_link_local_address_is_no_part_of_it() {
        for line in [
            "fe80::1%eth0",
            "[fe80::1%eth0]",
            "[fe80::1%25eth0]:1234",
            "192.0.2.66, fe80::1%2, 10.0.0.2",
        ] {
            assert_caller("10.0.0.1", &[line.as_bytes()], "fe80::1");
        }
    }

    #[test]
    fn an_invalid_address_leaves_the_last_one_that_a_trusted_proxy_named() {
        for (line, expected) in [
            (&b"192.0.2.66, unknown"[..], "10.0.0.1"),
            (b"192.0.2.66, unknown, 10.0.0.2", "10.0.0.2"),
            (b"192.0.2.66, , 10.0.0.2", "10.0.0.2"),
            (b"192.0.2.66,", "10.0.0.1"),
            (b"192.0.2.66, _hidden", "10.0.0.1"),
            (b"192.0.2.66, 192.0.2", "10.0.0.1"),
            (b"192.0.2.66, 10.0.0.2x", "10.0.0.1"),
            (b"192.0.2.66, [10.0.0.2]", "10.0.0.1"),
            (b"192.0.2.66, \"10.0.0.2\"", "10.0.0.1"),
            (b"192.0.2.66, 192.0.2.9%eth0", "10.0.0.1"),
            (b"192.0.2.66, %eth0", "10.0.0.1"),
            (b"192.0.2.66, fe80::x%eth0", "10.0.0.1"),
            // Anything before the caller's address comes from the caller.
            (b"\xff, ?, 192.0.2.9, 10.0.0.2", "192.0.2.9"),
            (b"", "10.0.0.1"),
        ] {
            assert_caller("10.0.0.1", &[line], expected);
        }
    }

    #[test]
    fn proxies_are_named_by_address_or_network() {
        for (text, inside, outside) in [
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            (" 192.0.2.0/24 ", "192.0.2.255", "192.0.3.0"),
            ("2001:db8::7", "2001:db8::7", "2001:db8::8"),
            ("2001:db8::/32", "2001:db8:ffff::", "2001:db9::"),
            ("::ffff:192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("::ffff:192.0.2.0/120", "192.0.2.255", "192.0.3.0"),
        ] {
            let proxies = proxies(&[text]);
            assert!(proxies.include(inside.parse().expect(inside)), "{text}");
            assert!(!proxies.include(outside.parse().expect(outside)), "{text}");
        }
    }

    #[test]
    fn an_invalid_network_is_refused_with_an_example_of_a_valid_one() {
        for (text, words) in [
            ("", "10.1.0.0/16"),
            ("proxy.example", "10.1.0.0/16"),
            ("10.0.0.0/33", "10.1.0.0/16"),
            ("10.0.0.1:80", "10.1.0.0/16"),
            ("10.0.0.7/8", "10.0.0.0/8"),
            ("2001:db8::1/32", "2001:db8::/32"),
            ("0.0.0.0/0", "name your proxies"),
            ("::/0", "name your proxies"),
            ("::ffff:0.0.0.0/96", "name your proxies"),
        ] {
            let refused = text.parse::<ProxyNetwork>().expect_err(text).to_string();
            assert!(refused.contains(words), "{text}: {refused}");
        }
    }
}
