//! The dashboard's host: pages, server functions, who may see them, cross-site check, and the pages of faults.

mod creation;
mod faults;
mod tasks;

use std::{sync::Arc, time::Duration};

use app::{
    App, RequestError, TokenNotice,
    paths::{ACCOUNT, HOME, SIGN_IN},
    session::{
        Cookies, SessionSettings, account_page, failed_sign_in, local_path, sign_in_path,
        signed_in, token_notice, viewer,
    },
    shell,
    site::Site,
    texts::token_test::CallPing,
};
use axum::{
    Extension, Json, Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use leptos::{config::LeptosOptions, prelude::provide_context};
use leptos_axum::{LeptosRoutes, generate_route_list, render_app_async_with_context};
use model::{client::ClientAddress, security::SecurityEvent};
use store::{Store, sessions::Session};
use tower_http::{catch_panic::CatchPanicLayer, limit::RequestBodyLimitLayer};

use self::faults::Words;
use crate::{assets, audit};

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
    /// How long after the password was given it need not be given again for what is done once and for all.
    pub(crate) confirm_password_after: Duration,
}

#[derive(Clone)]
struct Pages {
    store: Store,
    settings: SessionSettings,
    contact_url: String,
    api_origin: String,
}

/// Every page and server function of the dashboard.
pub(crate) fn router(store: Store, ping: Arc<dyn CallPing>, config: DashboardConfig) -> Router {
    tasks::keep_request_span();
    let options = LeptosOptions::builder().output_name("app").build();
    // `serve` refuses to start without the front end; a test of the rest can do without.
    let addresses = assets::addresses().unwrap_or_default();
    let (of_new_token, of_faults) = (addresses.clone(), addresses.clone());
    let document = move || shell(addresses.clone());
    let settings = SessionSettings {
        cookies: Cookies::new(config.secure_cookies),
        confirm_password_after: config.confirm_password_after,
    };
    let with_store = {
        let store = store.clone();
        move || {
            provide_context(store.clone());
            provide_context(settings);
            provide_context(Arc::clone(&ping));
        }
    };
    let not_found = render_app_async_with_context(with_store.clone(), document.clone());
    let new_token = creation::router(of_new_token, with_store.clone());
    let audit_file = audit::file::router(store.clone(), settings.cookies);
    let pages = Pages {
        store,
        settings,
        contact_url: config.contact_url,
        api_origin: config.api_origin,
    };
    Router::new()
        .leptos_routes_with_context(&options, generate_route_list(App), with_store, document)
        .merge(audit_file)
        .merge(new_token)
        .route("/", get(|| async { Redirect::to(HOME) }))
        .route_layer(middleware::from_fn_with_state(pages, admit_to_page))
        .fallback(not_found)
        .layer(middleware::from_fn(refuse_cross_site))
        .layer(RequestBodyLimitLayer::new(BODY_LIMIT))
        .layer(CatchPanicLayer::new())
        .layer(middleware::from_fn_with_state(
            of_faults,
            faults::tell_people,
        ))
        .with_state(options)
}

/// Lets signed-in people at the pages, everyone at the sign-in page, and tells the page who is looking. A
/// page that is added is behind sign-in unless it is named here.
async fn admit_to_page(State(pages): State<Pages>, request: Request, next: Next) -> Response {
    let is_page = [Method::GET, Method::HEAD].contains(request.method())
        && !request.uri().path().starts_with("/api/");
    if !is_page {
        // Server functions find out for themselves who calls.
        return next.run(request).await;
    }
    match page(&pages, request.uri(), request.headers()).await {
        Ok(Page::Elsewhere(path)) => Redirect::to(&path).into_response(),
        Ok(Page::Here {
            site,
            notice,
            forget,
        }) => {
            let mut request = request;
            if let Some(notice) = notice {
                request.extensions_mut().insert(notice);
            }
            show(*site, forget, request, next).await
        }
        Err(error) => unavailable(&error),
    }
}

/// What a request for a page is answered with.
enum Page {
    /// Another page.
    Elsewhere(String),
    /// The page, which knows this; and what makes the browser forget a message that it says once.
    Here {
        site: Box<Site>,
        notice: Option<TokenNotice>,
        forget: Option<HeaderValue>,
    },
}

async fn page(pages: &Pages, uri: &Uri, headers: &HeaderMap) -> Result<Page, RequestError> {
    let cookies = pages.settings.cookies;
    let session = signed_in(headers, &pages.store, cookies).await?;
    let mut site = Site {
        contact_url: pages.contact_url.clone(),
        api_origin: pages.api_origin.clone(),
        ..Site::default()
    };
    let session: Option<Session> = match session {
        Some(session) => {
            site.viewer = viewer(&session, &pages.store).await?;
            site.viewer.is_some().then_some(session)
        }
        None => None,
    };
    let mut notice = None;
    let forget;
    match (uri.path(), session) {
        (SIGN_IN, Some(_)) => {
            let wanted = wanted_page(uri.query());
            let path = local_path(wanted.as_deref()).unwrap_or(HOME);
            return Ok(Page::Elsewhere(path.to_owned()));
        }
        (SIGN_IN, None) => (site.failed_sign_in, forget) = failed_sign_in(headers, cookies).unzip(),
        (ACCOUNT, Some(session)) => {
            let (account, said) = account_page(&session, headers, &pages.store, cookies).await?;
            (site.account, forget) = (Some(account), said);
        }
        (path, Some(_)) => (notice, forget) = token_notice(headers, path, cookies).unzip(),
        (_, None) => {
            let here = uri.path_and_query().map_or("/", |path| path.as_str());
            return Ok(Page::Elsewhere(sign_in_path(here)));
        }
    }
    let site = Box::new(site);
    Ok(Page::Here {
        site,
        notice,
        forget,
    })
}

async fn show(
    site: Site,
    forget: Option<HeaderValue>,
    mut request: Request,
    next: Next,
) -> Response {
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

fn unavailable(error: &RequestError) -> Response {
    let retry_after = [(header::RETRY_AFTER, "5")];
    (error.status(), retry_after, Json(error)).into_response()
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
        let client = request.extensions().get::<ClientAddress>();
        tracing::info!(
            event = SecurityEvent::Unauthorised.name(),
            reason = "cross_site",
            address = client.map(ToString::to_string),
            "refused"
        );
        let words = "This request came from another site. Open the dashboard itself and try again.";
        (StatusCode::FORBIDDEN, Extension(Words(words)), words).into_response()
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
