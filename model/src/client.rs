//! The client that sends a request, as the network and its headers describe it.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// The IP address that a request comes from. An IPv4-mapped IPv6 address is stored as IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(IpAddr);

impl ClientAddress {
    /// The client's address, in canonical form.
    pub const fn new(address: IpAddr) -> Self {
        Self(address.to_canonical())
    }

    /// The address itself.
    pub const fn ip(self) -> IpAddr {
        self.0
    }

    /// The network that rate limits count by.
    pub fn network(self) -> ClientNetwork {
        ClientNetwork(match self.0 {
            IpAddr::V6(address) => {
                Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
            }
            address @ IpAddr::V4(_) => address,
        })
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The client of a sign-in or of another action, as sessions and the audit trail record it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// The client's address. `None` for actions that come from no connection, such as commands.
    pub address: Option<ClientAddress>,
    /// The client's `User-Agent` header.
    pub user_agent: Option<UserAgent>,
}

impl Client {
    /// The address as text, for records.
    pub fn address_text(&self) -> Option<String> {
        self.address.map(|address| address.to_string())
    }
}

/// The visible characters of a `User-Agent` header, at most [`UserAgent::MAX_LENGTH`] of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserAgent(String);

impl UserAgent {
    /// Maximum number of characters. Browsers send about a hundred.
    pub const MAX_LENGTH: usize = 256;

    /// Reads the header's value. Returns `None` if it has no visible character.
    pub fn from_header(value: &[u8]) -> Option<Self> {
        let text = visible_prefix(&String::from_utf8_lossy(value), Self::MAX_LENGTH);
        (!text.is_empty()).then_some(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The first `length` visible characters of a text from outside, trimmed.
pub fn visible_prefix(text: &str, length: usize) -> String {
    let visible = text.chars().filter(|c| !is_invisible(*c));
    visible.take(length).collect::<String>().trim().to_owned()
}

/// Whether a character is invisible or changes how others look (Unicode TR 36, 2.5). These are control characters, line
/// and paragraph separators, and all characters with Unicode's property `Default_Ignorable_Code_Point`: those without
/// width, fillers, and marks that change the direction of text. The property also has the code points that are reserved
/// for such characters.
pub(crate) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fff8}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// The network that one caller usually has: an IPv4 address, or the /64 network of an IPv6 address (RFC 6177).
///
/// A caller with IPv6 can use a new address for every try, so a limit for each address would not limit it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientNetwork(IpAddr);

impl ClientNetwork {
    /// The block of addresses that contains this network.
    pub fn block(self) -> AddressBlock {
        AddressBlock(match self.0 {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 80 << 80).into(),
            IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits() >> 8 << 8).into(),
        })
    }
}

/// The block of addresses that one customer can rent: an IPv4 /24, or the /48 of an IPv6 address (RFC 6177).
///
/// A caller with such a block has many networks, so a limit for each network would not limit it. Strangers can share a
/// block, so a block's limit is higher than that of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddressBlock(IpAddr);

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str) -> ClientNetwork {
        ClientAddress::new(address.parse().expect("an address")).network()
    }

    #[test]
    fn each_ipv4_address_is_its_own_network_also_if_it_is_mapped_to_ipv6() {
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
        assert_eq!(network("192.0.2.1"), network("::ffff:192.0.2.1"));
    }

    #[test]
    fn ipv6_addresses_with_the_same_first_64_bits_are_one_network() {
        assert_eq!(
            network("2001:db8::1"),
            network("2001:db8::ffff:ffff:ffff:ffff")
        );
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
    }

    #[test]
    fn addresses_with_the_same_first_24_bits_or_48_of_ipv6_are_one_block() {
        let block = |address| network(address).block();
        assert_eq!(block("192.0.2.1"), block("192.0.2.255"));
        assert_eq!(block("192.0.2.1"), block("::ffff:192.0.2.2"));
        assert_ne!(block("192.0.2.1"), block("192.0.3.1"));
        assert_eq!(block("2001:db8::1"), block("2001:db8:0:ffff::1"));
        assert_ne!(block("2001:db8::1"), block("2001:db8:1::1"));
    }

    #[test]
    fn a_user_agent_keeps_only_visible_characters_up_to_the_maximum() {
        let read = |value: &[u8]| UserAgent::from_header(value).map(|text| text.0);
        assert_eq!(read(b" curl/8.5.0\n "), Some("curl/8.5.0".to_owned()));
        assert_eq!(read(b" \t\x07 "), None);
        let hostile = b"curl/8 \x1b[31m\r\nred\0\t\xe2\x80\xaetxt.exe \xff";
        let harmless = Some("curl/8 [31mredtxt.exe \u{fffd}".to_owned());
        assert_eq!(read(hostile), harmless);
        let long = "\u{e9}".repeat(5_000);
        let length = read(long.as_bytes()).map(|text| text.chars().count());
        assert_eq!(length, Some(UserAgent::MAX_LENGTH));
    }
}
