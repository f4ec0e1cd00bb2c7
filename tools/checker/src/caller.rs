//! Calls of ping, and the meaning of their responses.

use std::{sync::Arc, time::Duration};

use checker::history::{Call, Refusal, Response};
use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    changer::{Clock, EVENT, Key, ORGANISATION},
    client::{Client, HttpResponse},
    program::Server,
};

/// After this time a call counts as one without a response, so that a fault does not block all callers.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// An integration that calls one server over one connection.
pub(crate) struct Caller {
    clock: Clock,
    client: Client,
    path: String,
}

impl Caller {
    pub(crate) fn new(clock: Clock, server: Arc<Server>) -> Self {
        Self {
            clock,
            client: Client::new(server),
            path: format!("/api/v1/ext/{ORGANISATION}/event/{EVENT}/ping"),
        }
    }

    pub(crate) async fn ping(&mut self, key: &Key) -> Call {
        let headers = [("x-api-key", key.secret.as_str())];
        let invoked = self.clock.now();
        let response = self.client.get(&self.path, &headers, CALL_TIMEOUT).await;
        let completed = self.clock.now();
        Call {
            server: self.client.server.number,
            token: key.id,
            invoked,
            completed,
            response: response.map_or(Response::None, |response| meaning(&response)),
        }
    }
}

fn meaning(response: &HttpResponse) -> Response {
    let code = response.headers.get("x-error-code");
    let code = code.and_then(|code| code.to_str().ok());
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let is_error = body["responseType"] == "error" && body["data"].is_null();
    let pong = json!({ "status": "ok", "org_id": ORGANISATION, "event_id": EVENT });
    match (response.status, code) {
        (StatusCode::OK, None) if body["responseType"] == "success" && body["data"] == pong => {
            Response::Accepted
        }
        (StatusCode::FORBIDDEN, Some(code)) if is_error => Refusal::of_code(code)
            .map_or_else(|| Response::Wrong(format!("403 {code}")), Response::Refused),
        (StatusCode::SERVICE_UNAVAILABLE, Some("unavailable")) if is_error => Response::Unavailable,
        (StatusCode::TOO_MANY_REQUESTS, Some("rate_limited")) if is_error => Response::Limited,
        (status, code) => Response::Wrong(format!(
            "{status} {}: {}",
            code.unwrap_or("without a code"),
            String::from_utf8_lossy(&response.body)
        )),
    }
}
