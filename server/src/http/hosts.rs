//! Which part of the server is served under which host name.
//!
//! | | a host of the dashboard | a host of the API | any other |
//! |---|---|---|---|
//! | dashboard | yes | 404 | 421 |
//! | documentation, OpenAPI document, assets | yes | yes | 421 |
//! | API, links to files | refused (contract, section 3, check 2) | yes | refused |
//! | `/healthz`, `/readyz` | yes | yes | yes |
//!
//! - An attacker can let a name of their own resolve to our address (DNS rebinding). No page is served under it.
//! - The API's host has no form for signing in.
//! - Both hosts serve the documentation: API developers read it, and the dashboard links to it. It is public and uses
//!   no cookie. Only `/docs/values`, a part of the dashboard, does.
//! - If no host is configured for the dashboard, it is served under every name.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::host::{HostName, requested_host};

/// The host names of each part.
#[derive(Clone)]
pub(crate) struct Hosts {
    /// `None` means every name.
    dashboard: Option<Arc<[HostName]>>,
    api: Arc<[HostName]>,
}

enum Part {
    Dashboard,
    Api,
    Neither,
}

impl Hosts {
    pub(crate) fn new(dashboard: Option<&[HostName]>, api: &[HostName]) -> Self {
        Self {
            dashboard: dashboard.map(Arc::from),
            api: api.into(),
        }
    }

    /// Whether the request's host is one of the dashboard or of the API.
    pub(crate) fn include(&self, request: &Request) -> bool {
        !matches!(self.part(request), Part::Neither)
    }

    /// The part that is served under the request's host.
    fn part(&self, request: &Request) -> Part {
        let Some(dashboard) = &self.dashboard else {
            return Part::Dashboard;
        };
        let requested = requested_host(request.uri(), request.headers());
        let is_among = |hosts: &[HostName]| {
            requested.is_some_and(|requested| hosts.iter().any(|host| host.is(requested)))
        };
        if is_among(dashboard) {
            Part::Dashboard
        } else if is_among(&self.api) {
            Part::Api
        } else {
            Part::Neither
        }
    }
}

/// Serves the inner router under the dashboard's hosts.
pub(crate) async fn dashboard_only(
    State(hosts): State<Hosts>,
    request: Request,
    next: Next,
) -> Response {
    match hosts.part(&request) {
        Part::Dashboard => next.run(request).await,
        Part::Api => not_here(),
        Part::Neither => misdirected(),
    }
}

/// Serves the inner router under the hosts of the dashboard and of the API.
pub(crate) async fn dashboard_and_api(
    State(hosts): State<Hosts>,
    request: Request,
    next: Next,
) -> Response {
    match hosts.include(&request) {
        true => next.run(request).await,
        false => misdirected(),
    }
}

fn not_here() -> Response {
    let text =
        "There is no page here. This host serves the 9Pic API, whose documentation is at /docs.\n";
    (StatusCode::NOT_FOUND, text).into_response()
}

/// RFC 9110, 15.5.20. The text names none of our hosts, because the caller may be an attacker.
fn misdirected() -> Response {
    let text = "This server serves nothing under the host name of this request. \
                Its operator adds names with --dashboard-hosts.\n";
    (StatusCode::MISDIRECTED_REQUEST, text).into_response()
}
