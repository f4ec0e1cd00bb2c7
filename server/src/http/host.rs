//! The host that a request names (contract, section 3, check 2).
//!
//! `X-Forwarded-Host` is never read, not even from a trusted proxy: proxies pass the original `Host` on.

use std::{fmt, net::Ipv6Addr, str::FromStr};

use http::{HeaderMap, Uri, header::HOST};

/// A host under which a part of the server is served: a name or an address, lower-case, without port or trailing dot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName(String);

/// A text that is not a host name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("use host names without scheme, port or path, for example api.9pic.ai")]
pub struct InvalidHostName;

impl HostName {
    /// Whether `host`, a result of [`requested_host`], is this one. The comparison ignores case.
    pub(crate) fn is(&self, host: &str) -> bool {
        self.0.eq_ignore_ascii_case(host)
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for HostName {
    type Err = InvalidHostName;

    /// Accepts IPv6 addresses with and without brackets. Hosts are compared as texts: list each spelling of an
    /// address that callers use.
    fn from_str(text: &str) -> Result<Self, InvalidHostName> {
        let text = text.trim().to_ascii_lowercase();
        let literal = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(&text);
        if literal.parse::<Ipv6Addr>().is_ok() {
            return Ok(Self(format!("[{literal}]")));
        }
        let name = text.strip_suffix('.').unwrap_or(&text);
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        // Two dots in a row are a typing error: no resolver knows such a name.
        let is_label = |label: &str| !label.is_empty() && label.chars().all(is_allowed);
        if name.split('.').all(is_label) {
            Ok(Self(name.to_owned()))
        } else {
            Err(InvalidHostName)
        }
    }
}

/// The host that a request names, without port and trailing dot. `None` if the request names no host, has several
/// `Host` headers, or names different hosts in header and target.
pub(crate) fn requested_host<'a>(target: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let mut sent = headers.get_all(HOST).iter();
    let header = match (sent.next(), sent.next()) {
        (Some(_), Some(_)) => return None,
        (Some(only), None) => Some(host_of(only.to_str().ok()?)?),
        (None, _) => None,
    };
    let target = match target.authority() {
        Some(authority) => Some(host_of(authority.as_str())?),
        None => None,
    };
    match (header, target) {
        (Some(header), Some(target)) if !header.eq_ignore_ascii_case(target) => None,
        (header, target) => header.or(target),
    }
}

/// The host of an authority `host[:port]` (RFC 3986, 3.2). A request's authority has no user information (RFC 9110,
/// 7.2). If some is sent, it stays in the result, which then matches no configured host.
fn host_of(authority: &str) -> Option<&str> {
    let end = match authority.strip_prefix('[') {
        Some(literal) => literal.find(']')? + 2,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at(end);
    let digits = match port.strip_prefix(':') {
        Some(digits) => digits,
        None if port.is_empty() => "",
        None => return None,
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let host = host.strip_suffix('.').unwrap_or(host);
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_and_one_trailing_dot_are_not_part_of_a_host() {
        for (authority, host) in [
            ("api.9pic.ai", "api.9pic.ai"),
            ("api.9pic.ai:443", "api.9pic.ai"),
            ("api.9pic.ai.", "api.9pic.ai"),
            ("api.9pic.ai.:443", "api.9pic.ai"),
            ("api.9pic.ai:", "api.9pic.ai"),
            ("[::1]", "[::1]"),
            ("[::1]:3000", "[::1]"),
            ("api.9pic.ai..", "api.9pic.ai."),
            ("user@api.9pic.ai", "user@api.9pic.ai"),
        ] {
            assert_eq!(host_of(authority), Some(host), "{authority}");
        }
    }

    #[test]
    fn an_invalid_authority_names_no_host() {
        for authority in [
            "",
            ".",
            ":80",
            "a:b",
            "a:80:80",
            "::1",
            "[::1",
            "[::1]x",
            "[::1]:x",
            "user:pass@api.9pic.ai",
        ] {
            assert_eq!(host_of(authority), None, "{authority}");
        }
    }

    #[test]
    fn names_and_addresses_are_accepted_in_every_usual_spelling() {
        for (text, host) in [
            ("API.9pic.ai.", "api.9pic.ai"),
            (" localhost ", "localhost"),
            ("127.0.0.1", "127.0.0.1"),
            ("::1", "[::1]"),
            ("[::1]", "[::1]"),
        ] {
            let name: HostName = text.parse().expect(text);
            assert!(name.is(host), "{text}: {name:?}");
            assert_eq!(name.to_string(), host, "{text}");
        }
        for text in [
            "",
            ".",
            "https://api.9pic.ai",
            "api.9pic.ai:443",
            "api.9pic.ai/",
            "api.9pic.ai..",
            "api..9pic.ai",
            ".9pic.ai",
            "*.9pic.ai",
            "a b",
            "[::1]:80",
        ] {
            assert_eq!(text.parse::<HostName>(), Err(InvalidHostName), "{text}");
        }
    }

    /// The host that a request with this target and these `Host` headers names.
    fn requested(target: &str, hosts: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, host.parse().expect("a header"));
        }
        requested_host(&target.parse().expect("a target"), &headers).map(str::to_owned)
    }

    #[test]
    fn the_host_comes_from_the_header_or_the_target() {
        assert_eq!(requested("/", &["a.test:80"]).as_deref(), Some("a.test"));
        assert_eq!(requested("http://a.test/", &[]).as_deref(), Some("a.test"));
        let both = requested("http://a.test:80/", &["A.test."]);
        assert_eq!(both.as_deref(), Some("A.test"));
    }

    #[test]
    fn a_request_with_no_host_or_two_names_none() {
        for (target, hosts) in [
            ("/", &[][..]),
            ("/", &[""]),
            ("/", &["a.test", "a.test"]),
            ("http://a.test/", &["b.test"]),
            ("http://a.test/", &[""]),
        ] {
            assert_eq!(requested(target, hosts), None, "{target} {hosts:?}");
        }
    }
}
