//! Who is at the other end of a request, as far as the network tells.

use std::net::{IpAddr, Ipv6Addr};

/// The address that a request comes from. An IPv4 address written as IPv6 is an IPv4 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(IpAddr);

impl ClientAddress {
    /// The client at `address`.
    pub const fn new(address: IpAddr) -> Self {
        Self(address.to_canonical())
    }

    /// The address itself.
    pub const fn ip(self) -> IpAddr {
        self.0
    }

    /// What limits go by.
    pub fn network(self) -> ClientNetwork {
        ClientNetwork(match self.0 {
            IpAddr::V6(address) => {
                Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
            }
            address @ IpAddr::V4(_) => address,
        })
    }
}

/// What one caller usually has: an IPv4 address, or the /64 of an IPv6 address (RFC 6177). Counted singly,
/// the addresses of such a network would make a new caller for every try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientNetwork(IpAddr);

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str) -> ClientNetwork {
        ClientAddress::new(address.parse().expect("an address")).network()
    }

    #[test]
    fn an_ipv4_address_stands_for_itself_however_it_is_written() {
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
        assert_eq!(network("192.0.2.1"), network("::ffff:192.0.2.1"));
    }

    #[test]
    fn an_ipv6_address_stands_for_its_network_of_64_bits() {
        assert_eq!(
            network("2001:db8::1"),
            network("2001:db8::ffff:ffff:ffff:ffff")
        );
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
    }
}
