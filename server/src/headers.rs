//! What the head of every answer tells browsers: to load, run, frame, guess, share and keep as little as can be.
//!
//! An answer that needs more says so itself, and is left as it is: pages name their own scripts in their
//! Content-Security-Policy, files whose name holds their hash may be kept for good. Everything else gets the
//! strictest there is, so that what is added without a thought is not open (OWASP, HTTP Headers Cheat Sheet). The
//! external API has an envelope of its own, and puts there what programs need.

use axum::{
    http::{HeaderName, HeaderValue, header},
    response::Response,
};

/// An answer that nothing is loaded for, and that stands in nobody's frame.
pub(crate) const NOTHING: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// A page without script: nothing runs, and our own style and icon are loaded.
pub(crate) const PLAIN_PAGE: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
     frame-ancestors 'none'",
);

/// A type is what it is said to be (Fetch, 3.6).
pub(crate) const NO_SNIFFING: HeaderValue = HeaderValue::from_static("nosniff");

/// No other site's page may load this (Fetch, 3.7).
pub(crate) const OWN_ORIGIN_ONLY: HeaderValue = HeaderValue::from_static("same-origin");

/// For what carries its own leave, or needs none: pages of others may load it.
pub(crate) const ANY_ORIGIN: HeaderValue = HeaderValue::from_static("cross-origin");

/// The header that [`OWN_ORIGIN_ONLY`] and [`ANY_ORIGIN`] are for.
pub(crate) const RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

/// Two years, for names below ours too (OWASP ASVS 5.0, 3.4.1): one of them over plain HTTP could set our
/// cookies' siblings. Whoever serves the dashboard at a domain's top speaks for all of that domain with it.
const HTTPS_FROM_NOW_ON: HeaderValue =
    HeaderValue::from_static("max-age=63072000; includeSubDomains");

/// Everything that a page could ask of a device or a browser is off; the copy buttons write to the
/// clipboard. Names that no browser knows would be told of in its console, so this lists those that
/// Chromium knows (W3C, Permissions Policy).
const PERMISSIONS: &str = "accelerometer=(), autoplay=(), camera=(), clipboard-read=(), clipboard-write=(self), \
     compute-pressure=(), cross-origin-isolated=(), display-capture=(), encrypted-media=(), \
     fullscreen=(), gamepad=(), geolocation=(), gyroscope=(), hid=(), \
     identity-credentials-get=(), idle-detection=(), keyboard-map=(), local-fonts=(), \
     magnetometer=(), microphone=(), midi=(), otp-credentials=(), payment=(), \
     picture-in-picture=(), publickey-credentials-create=(), publickey-credentials-get=(), \
     screen-wake-lock=(), serial=(), storage-access=(), sync-xhr=(), usb=(), \
     window-management=(), xr-spatial-tracking=()";

/// What an answer has in its head unless it has another value of its own.
static USUAL: [(HeaderName, HeaderValue); 8] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::CONTENT_SECURITY_POLICY, NOTHING),
    (header::X_CONTENT_TYPE_OPTIONS, NO_SNIFFING),
    // `frame-ancestors` says the same; this is for what is older than that.
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

/// Adds what the answer does not say itself.
pub(crate) fn complete(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    for (name, value) in &USUAL {
        headers.entry(name).or_insert_with(|| value.clone());
    }
    answer
}

/// Tells browsers that came over HTTPS never to come otherwise, where that is so: over plain HTTP they
/// ignore it, and a server may not say it (RFC 6797, 7.2).
pub(crate) fn tell_of_https(https: bool, mut answer: Response) -> Response {
    if https {
        let headers = answer.headers_mut();
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HTTPS_FROM_NOW_ON);
    }
    answer
}
