//! The settings of `serve`, checked before anything starts.

use std::{str::FromStr, time::Duration};

use crate::{
    api::throttle::RateLimits,
    http::{
        client_address::TrustedProxies,
        host::HostName,
        public_url::{InvalidUrl, PublicUrl},
    },
};

/// The settings of a server.
#[derive(Clone, Debug)]
pub struct Config {
    /// The hosts under which the external API is served.
    pub api_hosts: Vec<HostName>,
    /// The hosts under which the dashboard is served. `None` means every host.
    pub dashboard_hosts: Option<Vec<HostName>>,
    /// The link for Enterprise enquiries.
    pub contact_url: ContactUrl,
    /// The address that browsers use, if the operator named it.
    pub public_url: Option<PublicUrl>,
    /// The address under which integrations call the API. Documentation, examples and links to files start with
    /// it.
    pub api_url: PublicUrl,
    /// The rate limits. `None` means no limit.
    pub rate_limits: Option<RateLimits>,
    /// The proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: TrustedProxies,
    /// For how long after entering the password a user can create and activate tokens without it. Zero asks each
    /// time.
    pub confirm_password_after: Duration,
    /// Whether the server is ready only while PostgreSQL waits for a synchronous standby.
    pub require_synchronous_standby: bool,
}

impl Config {
    /// Whether browsers use HTTPS, according to the public URL. Only then are cookies marked `Secure`: without HTTPS a
    /// browser would drop them.
    pub(crate) fn is_https(&self) -> bool {
        self.public_url.as_ref().is_some_and(PublicUrl::is_https)
    }
}

/// A link for getting in touch.
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

    /// Accepts web and mail links only: a `javascript:` link would run in the dashboard.
    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        let schemes = ["https://", "http://", "mailto:"];
        if schemes.iter().any(|scheme| text.starts_with(scheme)) {
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
    fn a_contact_link_cannot_run_script() {
        assert!("https://9pic.ai/contact".parse::<ContactUrl>().is_ok());
        assert!("mailto:sales@example.com".parse::<ContactUrl>().is_ok());
        assert!("javascript:alert(1)".parse::<ContactUrl>().is_err());
    }
}
