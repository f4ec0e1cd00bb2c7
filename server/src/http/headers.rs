//! Security headers of every response: browsers load, run, frame, share and cache as little as possible.
//!
//! A response that needs more sets its own value, which is kept. Pages allow their scripts in their
//! Content-Security-Policy. Files with a hash in their name may be cached permanently. Everything else gets the
//! strictest value, so that a new route is safe by default (OWASP, HTTP Headers Cheat Sheet). The external API sets its
//! own headers in its envelope.

use axum::{
    http::{HeaderName, HeaderValue, header},
    response::Response,
};

/// Neither stored nor changed on the way: proxies that shorten pages or rewrite email addresses obey (RFC 9111, 5.2.2.6).
pub(crate) const UNSTORED: HeaderValue = HeaderValue::from_static("no-store, no-transform");

/// Policy of a response that loads nothing and is never framed.
pub(crate) const NOTHING: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// Policy of a page without script: it loads our own style and icon.
pub(crate) const PLAIN_PAGE: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'",
);

/// The browser must trust the declared content type (Fetch, 3.6).
pub(crate) const NO_SNIFFING: HeaderValue = HeaderValue::from_static("nosniff");

/// Pages of other sites must not load this (Fetch, 3.7).
pub(crate) const OWN_ORIGIN_ONLY: HeaderValue = HeaderValue::from_static("same-origin");

/// Pages of other sites may load this: it is public, or its link is the permission.
pub(crate) const ANY_ORIGIN: HeaderValue = HeaderValue::from_static("cross-origin");

/// The header of [`OWN_ORIGIN_ONLY`] and [`ANY_ORIGIN`].
pub(crate) const RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

/// HTTPS for two years, for subdomains too (OWASP ASVS 5.0, 3.4.1): a subdomain over plain HTTP could set cookies for
/// our host. An operator who serves the dashboard at the top of a domain decides this for the whole domain.
const HTTPS_ONLY: HeaderValue = HeaderValue::from_static("max-age=63072000; includeSubDomains");

/// All permissions are off, except for writing to the clipboard, which the copy buttons need. Browsers report unknown
/// names in their console, so this lists the names that Chromium knows (W3C, Permissions Policy).
const PERMISSIONS: &str = "accelerometer=(), autoplay=(), camera=(), clipboard-read=(), clipboard-write=(self), \
     compute-pressure=(), cross-origin-isolated=(), display-capture=(), encrypted-media=(), \
     fullscreen=(), gamepad=(), geolocation=(), gyroscope=(), hid=(), \
     identity-credentials-get=(), idle-detection=(), keyboard-map=(), local-fonts=(), \
     magnetometer=(), microphone=(), midi=(), otp-credentials=(), payment=(), \
     picture-in-picture=(), publickey-credentials-create=(), publickey-credentials-get=(), \
     screen-wake-lock=(), serial=(), storage-access=(), sync-xhr=(), usb=(), \
     window-management=(), xr-spatial-tracking=()";

/// The headers of a response that does not set its own.
static DEFAULTS: [(HeaderName, HeaderValue); 8] = [
    (header::CACHE_CONTROL, UNSTORED),
    (header::CONTENT_SECURITY_POLICY, NOTHING),
    (header::X_CONTENT_TYPE_OPTIONS, NO_SNIFFING),
    // For browsers that do not know `frame-ancestors`.
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static(PERMISSIONS),
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (RESOURCE_POLICY, OWN_ORIGIN_ONLY),
];

/// Adds the default headers that the response does not set itself.
pub(crate) fn complete(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in &DEFAULTS {
        headers.entry(name).or_insert_with(|| value.clone());
    }
    response
}

/// If `https`, tells browsers to use HTTPS from now on. Over plain HTTP a server must not send this (RFC 6797, 7.2).
pub(crate) fn require_https(https: bool, mut response: Response) -> Response {
    if https {
        let headers = response.headers_mut();
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HTTPS_ONLY);
    }
    response
}
