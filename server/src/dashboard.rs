//! The HTTP routes of the dashboard: pages, server functions, sign-in, the cross-site check, and error pages. The pages
//! themselves are in the crate `app`.

mod compression;
mod creation;
mod cross_site;
mod example_values;
mod limits;
mod tasks;

use std::{
    future::{Ready, ready},
    sync::Arc,
    time::Duration,
};

use app::{
    App, LinksOutliveTokens, RequestError,
    page_context::PageContext,
    paths::{HOME, NEW_TOKEN, PUBLIC_PAGES, RESET_PASSWORD, SIGN_IN, local_path, sign_in_path},
    session::{Cookies, SessionSettings, signed_in, viewer},
    shell,
    texts::token_test::CallPing,
};
use axum::{
    Json, Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
};
use futures_util::future::Either;
use leptos::{config::LeptosOptions, prelude::provide_context};
use leptos_axum::{LeptosRoutes, generate_route_list, render_app_async_with_context};
use store::Store;
use tower_http::{catch_panic::CatchPanicLayer, limit::RequestBodyLimitLayer};

use self::limits::Limits;
use crate::{
    assets, audit,
    http::{error_page, target::is_read},
};

/// The maximum body of a form or server function, in bytes. Ours are much smaller.
const BODY_LIMIT: usize = 64 * 1024;

/// The settings of the dashboard.
#[derive(Clone, Debug)]
pub(crate) struct DashboardConfig {
    /// The address for Enterprise enquiries.
    pub(crate) contact_url: String,
    /// Scheme, host and port under which integrations call the external API.
    pub(crate) api_origin: String,
    /// Scheme, host and port of the dashboard in browsers, if the operator named them.
    pub(crate) public_origin: Option<Arc<str>>,
    /// Whether browsers reach the dashboard over HTTPS: its cookies then require it.
    pub(crate) secure_cookies: bool,
    /// How long after entering the password a user can create or activate tokens without entering it again.
    pub(crate) confirm_password_after: Duration,
    /// How long links to originals work after their token was deactivated; none if they end with it.
    pub(crate) links_outlive_tokens: Option<Duration>,
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
    // `serve` refuses to start without the front end; tests of the server run without it.
    let files = assets::of_pages().unwrap_or_default();
    let (of_new_token, of_error_pages) = (files.clone(), files.clone());
    let document = move || shell(files.clone());
    let settings = SessionSettings {
        cookies: Cookies::new(config.secure_cookies),
        confirm_password_after: config.confirm_password_after,
    };
    let links = LinksOutliveTokens(config.links_outlive_tokens);
    let with_store = {
        let store = store.clone();
        move || {
            provide_context(store.clone());
            provide_context(settings);
            provide_context(links);
            provide_context(Arc::clone(&ping));
        }
    };
    let not_found = not_found(render_app_async_with_context(
        with_store.clone(),
        document.clone(),
    ));
    let new_token = creation::router(of_new_token, with_store.clone());
    let limits = Limits::new(store.clone(), settings.cookies);
    let audit_file = audit::file::router(store.clone(), settings.cookies);
    let example_values = example_values::router(store.clone(), settings.cookies);
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
        .route_layer(middleware::from_fn_with_state(pages, admit_to_page))
        // Also for strangers, whom the layer above would redirect.
        .merge(example_values)
        .fallback(not_found)
        .layer(middleware::from_fn_with_state(limits, limits::layer))
        .layer(middleware::from_fn_with_state(
            config.public_origin,
            cross_site::refuse,
        ))
        .layer(RequestBodyLimitLayer::new(BODY_LIMIT))
        .layer(CatchPanicLayer::new())
        .layer(middleware::from_fn_with_state(
            of_error_pages,
            error_page::layer,
        ))
        .layer(middleware::from_fn(hide_reset_link))
        .layer(middleware::from_fn(compression::layer))
        .with_state(options)
}

/// The response for an address without a route: a redirect if only a slash at its end is too much, otherwise the error
/// page.
///
/// The routes of [`App`] match more spellings of an address than axum's, such as `/events/` and `/events/.` (leptos#4034).
/// There the page would lack what its route adds: the check of the session, and the member. So `render` gets an address
/// without a page.
fn not_found<F>(
    render: impl Fn(Request) -> F + Clone + Send + Sync + 'static,
) -> impl Fn(Request) -> Either<Ready<Response>, F> + Clone + Send + Sync + 'static {
    move |mut request| {
        if let Some(page) = without_last_slash(&request) {
            return Either::Left(ready(Redirect::permanent(&page).into_response()));
        }
        *request.uri_mut() = Uri::from_static("/not-found");
        Either::Right(render(request))
    }
}

/// The address of a requested page without the slash at its end. The first character after the host is a letter or digit:
/// browsers read `//` and `/\` as the start of another host.
fn without_last_slash(request: &Request) -> Option<String> {
    let (is_page, uri) = (is_read(request.method()), request.uri());
    let path = uri.path().strip_suffix('/').filter(|_| is_page)?;
    let is_local = path.as_bytes().get(1)?.is_ascii_alphanumeric() && !path.ends_with('/');
    let query = uri.query().map(|query| format!("?{query}"));
    is_local.then(|| format!("{path}{}", query.unwrap_or_default()))
}

/// Serves pages to signed-in users, and [`PUBLIC_PAGES`] to everyone. A new page is behind sign-in unless that list names
/// it.
async fn admit_to_page(State(pages): State<Pages>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_page = is_read(request.method()) && !path.starts_with("/api/");
    // The response to this form has the page's sidebar.
    let is_form = path == NEW_TOKEN;
    if !is_page && !is_form {
        // Server functions check the caller themselves.
        return next.run(request).await;
    }
    match page(&pages, request.uri(), request.headers()).await {
        Ok(Page::Elsewhere(path)) if is_page => Redirect::to(&path).into_response(),
        Err(error) if is_page => unavailable(&error),
        Ok(Page::Here(context)) => {
            let mut request = request;
            request.extensions_mut().insert(context);
            next.run(request).await
        }
        // The form checks its sender itself.
        _ => next.run(request).await,
    }
}

/// Keeps the secret of a reset link out of `Referer`, which logs of proxies usually have: browsers get told to send only
/// the origin. They also get it with error pages.
///
/// Not `no-referrer`: then browsers send `Origin: null` with the page's form (Fetch, 3.2), and over plain HTTP
/// [`cross_site::refuse`] has nothing else to go by.
async fn hide_reset_link(request: Request, next: Next) -> Response {
    let is_reset_link = request.uri().path().starts_with(RESET_PASSWORD);
    let mut response = next.run(request).await;
    if is_reset_link {
        let policy = HeaderValue::from_static("strict-origin");
        response
            .headers_mut()
            .insert(header::REFERRER_POLICY, policy);
    }
    response
}

/// The response to a request for a page.
enum Page {
    /// A redirect to another page.
    Elsewhere(String),
    /// The page itself, with the data for it.
    Here(PageContext),
}

async fn page(pages: &Pages, uri: &Uri, headers: &HeaderMap) -> Result<Page, RequestError> {
    let session = signed_in(headers, &pages.store, pages.settings.cookies).await?;
    let viewer = match &session {
        Some(session) => viewer(session, &pages.store).await?,
        None => None,
    };
    if uri.path() == SIGN_IN && viewer.is_some() {
        let wanted = wanted_page(uri.query());
        let path = local_path(wanted.as_deref()).unwrap_or(HOME);
        return Ok(Page::Elsewhere(path.to_owned()));
    }
    if !PUBLIC_PAGES.contains(&uri.path()) && viewer.is_none() {
        let here = uri.path_and_query().map_or("/", |path| path.as_str());
        return Ok(Page::Elsewhere(sign_in_path(here)));
    }
    Ok(Page::Here(PageContext {
        contact_url: pages.contact_url.clone(),
        api_origin: pages.api_origin.clone(),
        account: session.map(|session| session.user_id()),
        viewer,
    }))
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
