//! Which part of the server is served under which host name.
//!
//! | | a host of the dashboard | a host of the API | any other |
//! |---|---|---|---|
//! | dashboard | yes | 404 | 421 |
//! | documentation, OpenAPI document, assets | yes | yes | 421 |
//! | API, links to files | refused (contract, section 3, check 2) | yes | refused |
//! | `/healthz` | yes | yes | yes |
//!
//! Who has a name of their own resolve to our address (DNS rebinding) gets none of our pages under it, and the
//! host on which partners' programs call has no form to sign in at. The documentation is at both, because it
//! is for the API's callers and linked to from the dashboard, is public, and knows no cookie. Where the
//! dashboard is bound to no host it is served under all of them: then nobody has said yet what ours are called.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{
    api::host::{HostName, addressed},
    config::Config,
};

/// The host names of each part.
#[derive(Clone)]
pub(crate) struct Hosts {
    /// `None` is every name.
    dashboard: Option<Arc<[HostName]>>,
    api: Arc<[HostName]>,
}

enum Addressed {
    Dashboard,
    Api,
    Neither,
}

impl Hosts {
    pub(crate) fn of(config: &Config) -> Self {
        Self {
            dashboard: config.dashboard_hosts.as_deref().map(Arc::from),
            api: config.api_hosts.as_slice().into(),
        }
    }

    fn addressed(&self, request: &Request) -> Addressed {
        let Some(dashboard) = &self.dashboard else {
            return Addressed::Dashboard;
        };
        let host = addressed(request.uri(), request.headers());
        let is_of =
            |hosts: &[HostName]| host.is_some_and(|host| hosts.iter().any(|own| own.is(host)));
        if is_of(dashboard) {
            Addressed::Dashboard
        } else if is_of(&self.api) {
            Addressed::Api
        } else {
            Addressed::Neither
        }
    }
}

/// Serves what is behind it under the dashboard's hosts.
pub(crate) async fn of_dashboard(
    State(hosts): State<Hosts>,
    request: Request,
    next: Next,
) -> Response {
    match hosts.addressed(&request) {
        Addressed::Dashboard => next.run(request).await,
        Addressed::Api => no_page_here(),
        Addressed::Neither => misdirected(),
    }
}

/// Serves what is behind it under the dashboard's hosts and the API's.
pub(crate) async fn of_both(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    match hosts.addressed(&request) {
        Addressed::Dashboard | Addressed::Api => next.run(request).await,
        Addressed::Neither => misdirected(),
    }
}

fn no_page_here() -> Response {
    let text =
        "There is no page here. This host serves the 9Pic API, whose documentation is at /docs.\n";
    (StatusCode::NOT_FOUND, text).into_response()
}

/// RFC 9110, 15.5.20. Names none of our hosts: who asks this way may be up to no good.
fn misdirected() -> Response {
    let text = "This server serves nothing under the host name of this request. \
                Its operator adds names with --dashboard-hosts.\n";
    (StatusCode::MISDIRECTED_REQUEST, text).into_response()
}
