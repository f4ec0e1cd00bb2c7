//! The baseline of the measurements: a bare axum handler that returns a fixed ping response.

use std::io::{self, Write};

use anyhow::Result;
use axum::{
    Router,
    http::{HeaderName, HeaderValue, header},
    routing::get,
    serve::ListenerExt,
};
use tokio::net::TcpListener;

const BODY: &str = r#"{"responseType":"success","message":"pong","data":{"status":"ok","org_id":903,"event_id":456}}"#;

/// The headers of a ping response, with a fixed request ID and a fixed state of the rate limit.
const HEADERS: [(HeaderName, HeaderValue); 8] = [
    (
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    ),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("x-request-id"),
        HeaderValue::from_static("0123456789abcdef"),
    ),
    (
        HeaderName::from_static("ratelimit-policy"),
        HeaderValue::from_static("\"token\";q=1000000;w=1"),
    ),
    (
        HeaderName::from_static("ratelimit"),
        HeaderValue::from_static("\"token\";r=999999;t=1"),
    ),
];

/// Serves until the process is killed. Prints its address in the same form as the real server.
///
/// # Errors
/// If the listener fails.
pub(crate) fn serve() -> Result<()> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            writeln!(
                io::stdout(),
                "listening on http://{}",
                listener.local_addr()?
            )?;
            let listener = listener.tap_io(|stream| {
                let _ = stream.set_nodelay(true);
            });
            let handler = get(async || (HEADERS, BODY));
            let path = "/api/v1/ext/{org_id}/event/{event_id}/ping";
            Ok(axum::serve(listener, Router::new().route(path, handler)).await?)
        })
}
