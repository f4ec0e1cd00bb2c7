//! The whole server as one HTTP service: the external API, and everything else in one router.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, extract::Request, middleware::from_fn_with_state, response::Response};
use futures_util::{FutureExt, future::Either};
use quanta::Instant;
use serde_json::Value;
use store::Store;
use tower::util::MapResponseLayer;

use crate::{
    api::{self, ExternalApi, HelpLinks},
    assets,
    config::Config,
    dashboard::{self, DashboardConfig},
    docs,
    health::Readiness,
    http::{
        HttpService,
        client_address::TrustedProxies,
        headers,
        hosts::{self, Hosts},
        request_id::{self, RequestIds},
        target,
    },
    metrics::{self, Metrics, NO_ROUTE},
    originals::Originals,
    token_test::TokenTest,
};

/// The state that operators observe: metrics and readiness.
#[derive(Clone)]
pub struct Instruments {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) readiness: Readiness,
}

impl Instruments {
    /// The state of a server on `store`.
    pub fn new(store: &Store, config: &Config) -> Self {
        Self {
            metrics: Metrics::new(store, api::route_paths()),
            readiness: Readiness::new(store.clone(), config.require_synchronous_standby),
        }
    }
}

/// The server: the external API, the files that it links to, the documentation, health checks, and the dashboard.
pub fn service(
    store: Store,
    config: &Config,
    originals: Originals,
    instruments: &Instruments,
) -> impl HttpService {
    let links_outlive_tokens = originals.lifetime_without_token();
    let api_origin = config.api_url.origin();
    let help = Arc::new(HelpLinks::new(&api_origin));
    let files = api::files::router(
        store.clone(),
        &originals,
        config.api_hosts.clone(),
        Arc::clone(&help),
    );
    let api = ExternalApi::new(
        store.clone(),
        originals,
        config.api_hosts.clone(),
        config.rate_limits,
        Arc::clone(&help),
        Arc::clone(&instruments.metrics),
    );
    let token_test = Arc::new(TokenTest::new(api.clone(), &config.api_url));
    let dashboard = dashboard::router(
        store,
        token_test,
        dashboard_config(config, links_outlive_tokens),
    );
    let hosts = Hosts::new(config.dashboard_hosts.as_deref(), &config.api_hosts);
    let document = api::openapi::document(&api_origin, &config.contact_url);
    let others = public_pages(config, &document)
        .layer(from_fn_with_state(hosts.clone(), hosts::dashboard_and_api))
        .merge(api::openapi::router(&document, hosts.clone(), help))
        .merge(files)
        .merge(instruments.readiness.router())
        .merge(request_id::identify(
            dashboard.layer(from_fn_with_state(hosts, hosts::dashboard_only)),
        ))
        .layer(MapResponseLayer::new(headers::complete))
        .layer(from_fn_with_state(
            Arc::clone(&instruments.metrics),
            metrics::count,
        ));
    Server {
        api,
        others,
        ids: Arc::new(RequestIds::new()),
        metrics: Arc::clone(&instruments.metrics),
        proxies: config.trusted_proxies.clone(),
        https: config.is_https(),
    }
}

fn dashboard_config(config: &Config, links_outlive_tokens: Option<Duration>) -> DashboardConfig {
    DashboardConfig {
        contact_url: config.contact_url.as_str().to_owned(),
        api_origin: config.api_url.origin(),
        public_origin: public_origin(config).map(Arc::from),
        secure_cookies: config.is_https(),
        confirm_password_after: config.confirm_password_after,
        links_outlive_tokens,
    }
}

fn public_origin(config: &Config) -> Option<String> {
    config.public_url.as_ref().map(|url| url.origin())
}

/// The documentation of the API with this OpenAPI document, and the files that pages load.
fn public_pages(config: &Config, document: &Value) -> Router {
    let api_origin = config.api_url.origin();
    let public_origin = public_origin(config);
    let limit = config.rate_limits.map(|limits| limits.per_token);
    let contact = config.contact_url.as_str();
    docs::router(
        &api_origin,
        document,
        public_origin.as_deref(),
        contact,
        limit,
    )
    .merge(assets::router())
}

/// Chooses between the API and everything else by the path alone. A router around both would cost each API call as much
/// as all checks of its key.
#[derive(Clone)]
struct Server {
    api: ExternalApi,
    others: Router,
    /// The ids of requests that reach neither API nor router.
    ids: Arc<RequestIds>,
    metrics: Arc<Metrics>,
    proxies: TrustedProxies,
    /// Whether browsers use HTTPS.
    https: bool,
}

impl HttpService for Server {
    fn respond(
        &self,
        mut request: Request,
        peer: Option<SocketAddr>,
    ) -> impl Future<Output = Response> + Send {
        let client = peer.map(|peer| self.proxies.caller(peer.ip(), request.headers()));
        let response = if api::is_path_of(request.uri().path()) {
            Either::Left(self.api.respond(request, client))
        } else {
            // Handlers and layers find the address in the request's extensions.
            if let Some(client) = client {
                request.extensions_mut().insert(client);
            }
            Either::Right(match self.without_router(&request) {
                Some(response) => Either::Left(self.identified(request, response)),
                None => Either::Right(self.others.respond(request, peer)),
            })
        };
        response.map(|response| headers::require_https(self.https, response))
    }
}

impl Server {
    /// The response to a request that is not for the router: it looks like a call of the API, or no router can handle it.
    fn without_router(&self, request: &Request) -> Option<Response> {
        match request.uri().path() {
            path if api::is_unknown(path) => Some(self.api.unknown(request)),
            // The document refuses all other methods, even unknown ones, in the API's envelope.
            api::openapi::PATH => None,
            _ => target::refusal(request),
        }
    }

    /// Gives a request that does not reach the router its id, and counts it.
    async fn identified(&self, request: Request, response: Response) -> Response {
        let begun = Instant::now();
        let id = self.ids.of_request(request.headers());
        let method = request.method().clone();
        let response = request_id::with_id(id, method, async { response }).await;
        self.metrics.count(NO_ROUTE, response.status(), begun);
        response
    }
}
