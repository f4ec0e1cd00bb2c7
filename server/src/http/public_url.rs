//! The public addresses of the server.

use std::{net::SocketAddr, str::FromStr};

use http::{Uri, uri::Scheme};

use super::host::HostName;

/// A text that is not a valid origin. The message names the accepted form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidUrl(pub(crate) &'static str);

/// The public origin of the dashboard or the API: only scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(Uri);

impl PublicUrl {
    /// Scheme, host and port, without a slash at the end.
    pub fn origin(&self) -> String {
        self.0.to_string().trim_end_matches('/').to_owned()
    }

    /// `http://` and a socket's address.
    pub(crate) fn http(address: SocketAddr) -> Self {
        Self::from_origin(&format!("http://{address}"))
    }

    /// `https://` and a host.
    pub(crate) fn https(host: &HostName) -> Self {
        Self::from_origin(&format!("https://{host}"))
    }

    fn from_origin(origin: &str) -> Self {
        // A host or a socket address always makes a valid origin. The fallback is unreachable.
        Self(
            origin
                .parse()
                .unwrap_or_else(|_| Uri::from_static("https://api.9pic.ai")),
        )
    }

    /// The host, without the port.
    pub(crate) fn host(&self) -> Option<HostName> {
        self.0.host()?.parse().ok()
    }

    /// Whether browsers use HTTPS.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == Some(&Scheme::HTTPS)
    }
}

impl FromStr for PublicUrl {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        const EXPECTED: InvalidUrl =
            InvalidUrl("use scheme, host and port alone, for example https://dev.9pic.ai");
        let uri: Uri = text.parse().map_err(|_| EXPECTED)?;
        let is_web = [Some(&Scheme::HTTPS), Some(&Scheme::HTTP)].contains(&uri.scheme());
        let is_origin = uri.path() == "/" && uri.query().is_none();
        if is_web && is_origin {
            Ok(Self(uri))
        } else {
            Err(EXPECTED)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_scheme_https_is_https() {
        let is_https = |text: &str| text.parse::<PublicUrl>().map(|url| url.is_https());
        assert_eq!(is_https("https://dev.9pic.ai"), Ok(true));
        assert_eq!(is_https("https://dev.9pic.ai:8443/"), Ok(true));
        assert_eq!(is_https("http://localhost:3000"), Ok(false));
    }

    #[test]
    fn an_origin_has_no_slash_at_its_end() {
        let origin = |text: &str| text.parse::<PublicUrl>().map(|url| url.origin());
        assert_eq!(
            origin("https://api.9pic.ai/"),
            Ok("https://api.9pic.ai".to_owned())
        );
        assert_eq!(
            origin("http://[::1]:3000"),
            Ok("http://[::1]:3000".to_owned())
        );
    }

    #[test]
    fn a_public_address_is_an_origin_and_nothing_more() {
        for text in [
            "",
            "dev.9pic.ai",
            "/zone",
            "ftp://dev.9pic.ai",
            "https://dev.9pic.ai/zone",
            "https://dev.9pic.ai/?x",
        ] {
            assert!(text.parse::<PublicUrl>().is_err(), "{text}");
        }
    }
}
