//! Who is at the other end of a request, as far as the network tells.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

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

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who sends a request, as far as that is recorded: of a browser that signs in, and of whatever is done by one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// Where it comes from; nothing where there is no connection.
    pub address: Option<ClientAddress>,
    /// What it says of itself.
    pub user_agent: Option<UserAgent>,
}

impl Client {
    /// The address as a text, for what is recorded.
    pub fn shown_address(&self) -> Option<String> {
        self.address.map(|address| address.to_string())
    }
}

/// A `User-Agent` header, as much of it as is kept: up to [`UserAgent::MAX_LENGTH`] characters that are [`visible`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserAgent(String);

impl UserAgent {
    /// The most characters that are kept: browsers send about a hundred.
    pub const MAX_LENGTH: usize = 256;

    /// What is kept of a header: nothing if nothing of it can be read.
    pub fn of_header(value: &[u8]) -> Option<Self> {
        let kept = visible(&String::from_utf8_lossy(value), Self::MAX_LENGTH);
        (!kept.is_empty()).then_some(Self(kept))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The first `length` characters of a text from outside that people can see as they stand there.
pub fn visible(text: &str, length: usize) -> String {
    let seen = text.chars().filter(|c| !is_unseen(*c));
    seen.take(length).collect::<String>().trim().to_owned()
}

/// Whether people cannot see a character as it stands: control characters, and those that take no room or turn
/// the direction of what follows (Unicode TR 36, 2.5).
pub(crate) fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{e0000}'..='\u{e007f}'
        )
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

    #[test]
    fn of_a_user_agent_as_much_is_kept_as_can_be_read_and_no_more() {
        let kept = |value: &[u8]| UserAgent::of_header(value).map(|kept| kept.0);
        assert_eq!(kept(b" curl/8.5.0\n "), Some("curl/8.5.0".to_owned()));
        assert_eq!(kept(b" \t\x07 "), None);
        let hostile = b"curl/8 \x1b[31m\r\nred\0\t\xe2\x80\xaetxt.exe \xff";
        let harmless = Some("curl/8 [31mredtxt.exe \u{fffd}".to_owned());
        assert_eq!(kept(hostile), harmless);
        let long = "\u{e9}".repeat(5_000);
        let length = kept(long.as_bytes()).map(|kept| kept.chars().count());
        assert_eq!(length, Some(UserAgent::MAX_LENGTH));
    }
}
