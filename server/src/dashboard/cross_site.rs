//! The source of a request: our own pages, or those of another site.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use model::{client::ClientAddress, security::SecurityEvent};

use crate::http::error_page::Explanation;

/// The header in which browsers name the source of a request (Fetch Metadata).
pub(super) const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether the browser names another site as the source of the request or of a redirect to it (Fetch Metadata).
pub(super) fn is_cross_site(headers: &HeaderMap) -> bool {
    let site = headers.get(SITE);
    site.is_some_and(|site| site != "same-origin" && site != "none")
}

/// Refuses requests that change something and come from another site's page: they could carry our cookies. Browsers
/// name the source of a request in `Sec-Fetch-Site`, older ones and those without HTTPS in `Origin`. A client that sends
/// neither is not a browser, and only sends its own cookies (Fetch Metadata; OWASP Cross-Site Request Forgery Prevention
/// Cheat Sheet).
pub(super) async fn refuse(
    State(public_origin): State<Option<Arc<str>>>,
    request: Request,
    next: Next,
) -> Response {
    let harmless = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    let headers = request.headers();
    if harmless || is_same_origin(headers, public_origin.as_deref()) {
        return next.run(request).await;
    }
    let client = request.extensions().get::<ClientAddress>();
    tracing::info!(
        target: SecurityEvent::TARGET,
        event = SecurityEvent::Unauthorised.name(),
        reason = "cross_site",
        address = client.map(ToString::to_string),
        origin = header_text(headers, header::ORIGIN),
        host = header_text(headers, header::HOST),
        "refused"
    );
    let text = words(headers);
    (
        StatusCode::FORBIDDEN,
        Extension(Explanation(text.clone())),
        text,
    )
        .into_response()
}

fn header_text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers
        .get(name)
        .map(|value| value.to_str().unwrap_or_default())
}

fn is_same_origin(headers: &HeaderMap, public_origin: Option<&str>) -> bool {
    if headers.contains_key(SITE) {
        return !is_cross_site(headers);
    }
    let Some(origin) = header_text(headers, header::ORIGIN) else {
        return true;
    };
    let is = |other: &str| without_default_port(origin) == without_default_port(other);
    let host = header_text(headers, header::HOST).unwrap_or_default();
    public_origin.is_some_and(is)
        || ["http", "https"]
            .iter()
            .any(|scheme| is(&format!("{scheme}://{host}")))
}

/// An origin in lower case, without the port that its scheme implies. Some proxies add that port to `Host`.
fn without_default_port(origin: &str) -> String {
    let origin = origin.to_ascii_lowercase();
    let port = if origin.starts_with("https://") {
        ":443"
    } else {
        ":80"
    };
    origin
        .strip_suffix(port)
        .map(str::to_owned)
        .unwrap_or(origin)
}

/// The text for a refused request. If only the port differs, most likely a proxy has removed it from `Host`.
fn words(headers: &HeaderMap) -> String {
    let words = "This request came from another site. Open the dashboard itself and try again.";
    let text = |name| header_text(headers, name).unwrap_or_default();
    let (origin, host) = (text(header::ORIGIN), text(header::HOST));
    let name = |authority: &str| authority.split(':').next().unwrap_or_default().to_owned();
    match origin.split_once("://") {
        Some((_, authority)) if authority != host && name(authority) == name(host) => format!(
            "Your browser is at {origin}, and this server was asked for {host}. The proxy in front of the \
             server must pass the Host header on unchanged, with its port."
        ),
        _ => words.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn a_request_from_another_site_is_recognised_by_either_header() {
        let ours = [
            &[("sec-fetch-site", "same-origin")][..],
            &[("sec-fetch-site", "none")],
            &[("origin", "https://zone.example"), ("host", "zone.example")],
            &[
                ("origin", "https://zone.example"),
                ("host", "Zone.example:443"),
            ],
            &[
                ("origin", "http://zone.example"),
                ("host", "zone.example:80"),
            ],
            &[
                ("origin", "http://127.0.0.1:3000"),
                ("host", "127.0.0.1:3000"),
            ],
            &[("origin", "http://[::1]:3000"), ("host", "[::1]:3000")],
            &[],
        ];
        let others = [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[
                ("sec-fetch-site", "cross-site"),
                ("origin", "https://zone.example"),
                ("host", "zone.example"),
            ],
            &[("origin", "https://evil.example"), ("host", "zone.example")],
            &[
                ("origin", "https://zone.example:8443"),
                ("host", "zone.example"),
            ],
            &[
                ("origin", "https://zone.example:80"),
                ("host", "zone.example"),
            ],
            &[("origin", "app://zone.example"), ("host", "zone.example")],
            &[("origin", "null"), ("host", "zone.example")],
            &[("origin", "https://zone.example")],
            &[("origin", "https://"), ("host", "zone.example")],
        ];
        for pairs in ours {
            assert!(is_same_origin(&headers(pairs), None), "{pairs:?}");
        }
        for pairs in others {
            let public = Some("https://other.example");
            assert!(!is_same_origin(&headers(pairs), public), "{pairs:?}");
        }
    }

    /// nginx's `$host` has no port.
    #[test]
    fn the_public_url_is_our_origin_even_if_a_proxy_changes_the_host() {
        for host in ["dev.example.com", "10.0.0.7:3000"] {
            let pairs = [("origin", "http://dev.example.com:8080"), ("host", host)];
            let headers = headers(&pairs);
            for public in ["http://dev.example.com:8080", "http://DEV.example.com:8080"] {
                assert!(is_same_origin(&headers, Some(public)), "{host}");
            }
            for public in ["http://dev.example.com", "https://dev.example.com:8080"] {
                assert!(!is_same_origin(&headers, Some(public)), "{host}: {public}");
            }
        }
    }

    #[test]
    fn a_request_whose_port_was_lost_is_refused_with_both_addresses() {
        let words = |origin, host| super::words(&headers(&[("origin", origin), ("host", host)]));
        let lost = words("http://dev.example.com:8080", "dev.example.com");
        assert!(
            lost.contains("at http://dev.example.com:8080, and"),
            "{lost}"
        );
        assert!(
            lost.contains("asked for dev.example.com. The proxy"),
            "{lost}"
        );
        let foreign = words("https://evil.example", "dev.example.com");
        assert!(!foreign.contains("evil"), "{foreign}");
    }
}
