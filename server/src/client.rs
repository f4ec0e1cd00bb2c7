//! Where a request comes from.
//!
//! Behind a proxy every connection is the proxy's. So `X-Forwarded-For` is read, and only where the connection
//! is a trusted proxy's ([`TrustedProxies`]): from its end, where each proxy adds the address that it was called
//! from, back past trusted proxies to the first address that is none. What lies before that was sent by whoever
//! has that address, and may be made up.
//!
//! This is the one header that is read. `Forwarded` (RFC 7239) says the same, but proxies pass on unread what
//! they do not write themselves: a second header would be a caller's to choose. `X-Forwarded-Host` and
//! `X-Forwarded-Proto` are not needed: proxies pass `Host` on, and `serve --public-url` says whether there is
//! HTTPS.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    str::{self, FromStr},
    sync::Arc,
};

use http::{HeaderMap, HeaderName};
use ipnet::{IpNet, Ipv4Net};
use model::client::ClientAddress;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The network of some proxies: `10.0.0.0/8`, `2001:db8::/32`, or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProxyNetwork(IpNet);

/// A text that names no network of proxies; the message says what is taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProxyNetwork {
    /// It is no network at all.
    #[error("use addresses and networks, for example 10.0.0.7,10.1.0.0/16,2001:db8::/32")]
    NoNetwork,
    /// There are bits behind the prefix, so address or prefix is not what was meant.
    #[error("the network of that address and length is {0}; write that, or the address alone")]
    HostBits(IpNet),
    /// It holds every address there is.
    #[error("a network of all addresses would let every caller name its own; name your proxies")]
    Everybody,
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
            return Err(InvalidProxyNetwork::Everybody);
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

/// The proxies whose word on a caller's address is taken.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Option<Arc<[ProxyNetwork]>>);

impl FromIterator<ProxyNetwork> for TrustedProxies {
    fn from_iter<I: IntoIterator<Item = ProxyNetwork>>(networks: I) -> Self {
        let networks: Arc<[_]> = networks.into_iter().collect();
        // None is copied for nothing with each request.
        Self((!networks.is_empty()).then_some(networks))
    }
}

impl TrustedProxies {
    fn include(&self, address: IpAddr) -> bool {
        let networks = self.0.as_deref().unwrap_or_default();
        networks.iter().any(|network| network.0.contains(&address))
    }

    /// The caller behind `peer`. Where the header ends or holds something else than an address, that is the
    /// last address that a trusted proxy named.
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

/// The address that a proxy wrote. Some add the port, and put brackets around IPv6 then or always.
fn address_of(written: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(written).ok()?.trim_matches([' ', '\t']);
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']');
    text.parse()
        .ok()
        .or_else(|| text.parse().ok().map(|socket: SocketAddr| socket.ip()))
        .or_else(|| Some(bracketed()?.parse::<Ipv6Addr>().ok()?.into()))
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

    /// Whom a server that trusts 10.0.0.0/8 and 2001:db8:1::/48 takes for the caller.
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
        let nobody = TrustedProxies::default();
        let mut headers = HeaderMap::new();
        headers.insert(X_FORWARDED_FOR, HeaderValue::from_static("192.0.2.9"));
        let peer = IpAddr::from([127, 0, 0, 1]);
        assert_eq!(nobody.caller(peer, &headers).ip(), peer);
    }

    #[test]
    fn behind_trusted_proxies_the_caller_is_the_last_address_that_is_none_of_theirs() {
        for (lines, expected) in [
            (&["192.0.2.9"][..], "192.0.2.9"),
            (&["192.0.2.66, 192.0.2.9"], "192.0.2.9"),
            (&["192.0.2.66,192.0.2.9, 10.0.0.2\t,10.1.0.3"], "192.0.2.9"),
            (&["192.0.2.66", "192.0.2.9", "10.0.0.2"], "192.0.2.9"),
            (&["2001:db8:2::9, 2001:db8:1::2"], "2001:db8:2::9"),
            // A caller inside the network, or a health check of the proxy's own.
            (&["10.0.0.2"], "10.0.0.2"),
            (&[], "10.0.0.1"),
        ] {
            let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
            assert_caller("10.0.0.1", &lines, expected);
        }
    }

    #[test]
    fn an_address_may_have_brackets_and_a_port_and_ipv4_be_written_as_ipv6() {
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

    #[test]
    fn what_is_no_address_ends_the_way_at_the_last_one_that_was_vouched_for() {
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
            (b"192.0.2.66, fe80::1%eth0", "10.0.0.1"),
            // Junk before the caller's address is the caller's own.
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
    fn what_names_no_proxies_is_told_with_what_would() {
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
