//! What `serve` can be told, checked before anything starts.

use std::{net::SocketAddr, str::FromStr, time::Duration};

use http::{Uri, uri::Scheme};

use crate::{
    api::{host::HostName, throttle::RateLimits},
    client::TrustedProxies,
};

/// How the server presents itself.
#[derive(Clone, Debug)]
pub struct Config {
    /// The hosts under which the external API is served.
    pub api_hosts: Vec<HostName>,
    /// The hosts under which the dashboard is served; every host if there are none named.
    pub dashboard_hosts: Option<Vec<HostName>>,
    /// Where Enterprise enquiries go.
    pub contact_url: ContactUrl,
    /// The address that browsers use, if the operator named it.
    pub public_url: Option<PublicUrl>,
    /// The address under which integrations call the API: what documentation, examples and links to files
    /// start with.
    pub api_url: PublicUrl,
    /// How much may be asked for in the time; without it nothing is limited.
    pub rate_limits: Option<RateLimits>,
    /// The proxies whose word on a caller's address is taken.
    pub trusted_proxies: TrustedProxies,
    /// How long after the password was given it need not be given again to create or delete a token; zero
    /// asks each time.
    pub confirm_password_after: Duration,
}

impl Config {
    /// Whether cookies may be marked `Secure`: a browser drops such a cookie where there is no HTTPS.
    pub(crate) fn secure_cookies(&self) -> bool {
        self.is_https()
    }

    /// Whether browsers come over HTTPS, as the operator says.
    pub(crate) fn is_https(&self) -> bool {
        self.public_url.as_ref().is_some_and(PublicUrl::is_https)
    }
}

/// An address that a text cannot be; the message says what is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidUrl(&'static str);

/// The origin under which the dashboard or the API is reached: scheme, host and port, nothing more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(Uri);

impl PublicUrl {
    /// Scheme, host and port, without a slash at the end.
    pub fn origin(&self) -> String {
        self.0.to_string().trim_end_matches('/').to_owned()
    }

    /// `http://` and a socket's address.
    pub(crate) fn plain(address: SocketAddr) -> Self {
        Self::of(&format!("http://{address}"))
    }

    /// `https://` and a host.
    pub(crate) fn secure(host: &HostName) -> Self {
        Self::of(&format!("https://{host}"))
    }

    fn of(origin: &str) -> Self {
        // A host or socket address always makes an origin; were that wrong, this names nobody's server.
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

    /// Whether browsers come over HTTPS.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == Some(&Scheme::HTTPS)
    }
}

impl FromStr for PublicUrl {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        const TAKEN: InvalidUrl =
            InvalidUrl("use scheme, host and port alone, for example https://dev.9pic.ai");
        let uri: Uri = text.parse().map_err(|_| TAKEN)?;
        let web = uri.scheme() == Some(&Scheme::HTTPS) || uri.scheme() == Some(&Scheme::HTTP);
        let bare = uri.path() == "/" && uri.query().is_none();
        if web && bare {
            Ok(Self(uri))
        } else {
            Err(TAKEN)
        }
    }
}

/// A link that people follow to get in touch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactUrl(String);

impl ContactUrl {
    /// The link.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ContactUrl {
    type Err = InvalidUrl;

    /// Only schemes that lead to people: a `javascript:` link would run in the dashboard.
    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        let taken = ["https://", "http://", "mailto:"];
        if taken.iter().any(|scheme| text.starts_with(scheme)) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidUrl(
                "use a link, for example https://9pic.ai/contact or mailto:sales@example.com",
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_secure_exactly_when_browsers_come_over_https() {
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

    #[test]
    fn a_contact_link_cannot_run_script() {
        assert!("https://9pic.ai/contact".parse::<ContactUrl>().is_ok());
        assert!("mailto:sales@example.com".parse::<ContactUrl>().is_ok());
        assert!("javascript:alert(1)".parse::<ContactUrl>().is_err());
    }
}
