//! The dashboard's host: pages, server functions, session layer, cross-site check.

use std::sync::Arc;

use app::{
    App, RequestError,
    connection::CallPing,
    session::{failed_sign_in, local_path, sign_in_path, viewer},
    shell,
    site::Site,
};
use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, Method, StatusCode, header},
    middleware::{self, Next},
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use leptos::{config::LeptosOptions, prelude::provide_context};
use leptos_axum::{LeptosRoutes, generate_route_list, render_app_async_with_context};
use store::{Store, sessions::ABSOLUTE_END};
use tower_http::{catch_panic::CatchPanicLayer, limit::RequestBodyLimitLayer};
use tower_sessions::{Expiry, Session, SessionManagerLayer, cookie::SameSite};

use crate::{assets, executor};

/// The longest body that a form or a server function of ours can have, by far.
const BODY_LIMIT: usize = 64 * 1024;

/// What the dashboard needs to know of its surroundings.
#[derive(Clone, Debug)]
pub(crate) struct DashboardConfig {
    /// Where Enterprise enquiries go.
    pub(crate) contact_url: String,
    /// Scheme, host and port under which integrations call the external API.
    pub(crate) api_origin: String,
    /// Whether browsers reach the dashboard over HTTPS, so that its cookie can demand that.
    pub(crate) secure_cookies: bool,
}

#[derive(Clone)]
struct Pages {
    store: Store,
    contact_url: String,
    api_origin: String,
}

/// Every page and server function of the dashboard.
pub(crate) fn router(store: Store, ping: Arc<dyn CallPing>, config: DashboardConfig) -> Router {
    executor::set();
    let options = LeptosOptions::builder().output_name("app").build();
    // `serve` refuses to start without the front end; a test of the rest can do without.
    let addresses = assets::addresses().unwrap_or_default();
    let document = move || shell(addresses.clone());
    let with_store = {
        let store = store.clone();
        move || {
            provide_context(store.clone());
            provide_context(Arc::clone(&ping));
        }
    };
    let not_found = render_app_async_with_context(with_store.clone(), document.clone());
    let sessions = session_layer(&store, config.secure_cookies);
    let pages = Pages {
        store,
        contact_url: config.contact_url,
        api_origin: config.api_origin,
    };
    Router::new()
        .leptos_routes_with_context(&options, generate_route_list(App), with_store, document)
        .route("/", get(|| async { Redirect::to("/events") }))
        .route_layer(middleware::from_fn_with_state(pages, admit_to_page))
        .fallback(not_found)
        .layer(sessions)
        .layer(middleware::from_fn(refuse_cross_site))
        .layer(RequestBodyLimitLayer::new(BODY_LIMIT))
        .layer(CatchPanicLayer::new())
        .with_state(options)
}

/// The session cookie. `__Host-` binds it to this host and HTTPS (RFC 6265bis, 4.1.3.2). When a session
/// ends is decided by the store; the cookie only has to last that long.
fn session_layer(
    store: &Store,
    secure: bool,
) -> SessionManagerLayer<store::sessions::DatabaseSessions> {
    let lifetime = i64::try_from(ABSOLUTE_END.as_secs()).unwrap_or(i64::MAX);
    SessionManagerLayer::new(store.sessions())
        .with_name(if secure { "__Host-session" } else { "session" })
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_secure(secure)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(time::Duration::seconds(lifetime)))
}

/// Lets signed-in people at the pages, everyone at the sign-in page, and tells the page who is looking. A
/// page that is added is behind sign-in unless it is named here.
async fn admit_to_page(
    State(pages): State<Pages>,
    session: Session,
    mut request: Request,
    next: Next,
) -> Response {
    let is_page = [Method::GET, Method::HEAD].contains(request.method())
        && !request.uri().path().starts_with("/api/");
    if !is_page {
        // Server functions find out for themselves who calls.
        return next.run(request).await;
    }
    let mut site = Site {
        contact_url: pages.contact_url,
        api_origin: pages.api_origin,
        ..Site::default()
    };
    site.viewer = match viewer(&session, &pages.store).await {
        Ok(viewer) => viewer,
        Err(error) => return page_unavailable(&error),
    };
    let here = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    match (request.uri().path(), &site.viewer) {
        ("/sign-in", Some(_)) => {
            let wanted = wanted_page(request.uri().query());
            Redirect::to(local_path(wanted.as_deref()).unwrap_or("/events")).into_response()
        }
        ("/sign-in", None) => sign_in_page(site, request, next).await,
        (_, Some(_)) => {
            request.extensions_mut().insert(site);
            next.run(request).await
        }
        (_, None) => Redirect::to(&sign_in_path(here)).into_response(),
    }
}

async fn sign_in_page(mut site: Site, mut request: Request, next: Next) -> Response {
    let failed = failed_sign_in(request.headers());
    let (failed, forget) = failed.unzip();
    site.failed_sign_in = failed;
    request.extensions_mut().insert(site);
    let mut response = next.run(request).await;
    if let Some(forget) = forget {
        response.headers_mut().append(header::SET_COOKIE, forget);
    }
    response
}

fn wanted_page(query: Option<&str>) -> Option<String> {
    form_urlencoded::parse(query?.as_bytes())
        .find(|(name, _)| name == "next")
        .map(|(_, path)| path.into_owned())
}

fn page_unavailable(error: &RequestError) -> Response {
    let page = format!(
        "<!DOCTYPE html><html lang=\"en-GB\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Unavailable · 9Pic</title>\
         <h1>The dashboard is unavailable</h1><p>{error}</p>"
    );
    let retry_after = [(header::RETRY_AFTER, "5")];
    (error.status(), retry_after, Html(page)).into_response()
}

/// Refuses requests that change something and come from another site's page: our cookies would ride
/// along. Browsers say where a request comes from in `Sec-Fetch-Site`, older ones in `Origin`; whoever
/// sends neither is no browser, and has no cookies but its own (Fetch Metadata; OWASP Cross-Site Request
/// Forgery Prevention Cheat Sheet).
async fn refuse_cross_site(request: Request, next: Next) -> Response {
    let harmless = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    if harmless || is_same_origin(request.headers()) {
        next.run(request).await
    } else {
        let text = "This request came from another site. Open the dashboard itself and try again.";
        (StatusCode::FORBIDDEN, text).into_response()
    }
}

fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap_or_default())
    };
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site")) {
        return site == "same-origin" || site == "none";
    }
    match text(header::ORIGIN) {
        None => true,
        Some(origin) => origin
            .split_once("://")
            .is_some_and(|(_, authority)| text(header::HOST) == Some(authority)),
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
    fn another_sites_request_is_told_by_either_header() {
        let ours = [
            &[("sec-fetch-site", "same-origin")][..],
            &[("sec-fetch-site", "none")],
            &[("origin", "https://zone.example"), ("host", "zone.example")],
            &[
                ("origin", "http://127.0.0.1:3000"),
                ("host", "127.0.0.1:3000"),
            ],
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
            &[("origin", "null"), ("host", "zone.example")],
            &[("origin", "https://zone.example")],
        ];
        for pairs in ours {
            assert!(is_same_origin(&headers(pairs)), "{pairs:?}");
        }
        for pairs in others {
            assert!(!is_same_origin(&headers(pairs)), "{pairs:?}");
        }
    }
}
