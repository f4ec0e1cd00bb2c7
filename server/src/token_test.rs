//! The test of a token: a ping through the external API's own guard, without leaving the process.

use app::texts::token_test::{CallPing, PingResponse, ping_path};
use async_trait::async_trait;
use axum::{
    BoxError,
    body::{Body, to_bytes},
    extract::Request,
};
use http::{HeaderName, HeaderValue, StatusCode};
use model::{event::EventId, organisation::OrganisationId};
use serde::Deserialize;

use crate::{
    api::{ExternalApi, guard::OwnTest},
    http::public_url::PublicUrl,
};

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const ERROR_CODE: HeaderName = HeaderName::from_static("x-error-code");
/// Sent in place of a key that no header can carry. It is not a valid key either, so the guard gives the right error.
const INVALID_KEY: HeaderValue = HeaderValue::from_static("?");
/// The maximum size of a response, in bytes. A ping's response has a few hundred.
const MAX_RESPONSE: usize = 64 * 1024;

/// The external API, called as integrations call it.
pub(crate) struct TokenTest {
    api: ExternalApi,
    origin: String,
}

#[derive(Deserialize)]
struct Envelope {
    message: String,
}

impl TokenTest {
    /// Calls `api` at `url`. A host that is not on the allowlist is refused, as for any caller.
    pub(crate) fn new(api: ExternalApi, url: &PublicUrl) -> Self {
        Self {
            api,
            origin: url.origin(),
        }
    }

    /// The request's target names the host, as in HTTP/2. The call is not counted as a use of the token.
    async fn send(&self, key: &str, path: &str) -> Result<PingResponse, BoxError> {
        let mut key = HeaderValue::from_str(key).unwrap_or(INVALID_KEY);
        key.set_sensitive(true);
        let request = Request::get(format!("{}{path}", self.origin))
            .header(API_KEY, key)
            .extension(OwnTest)
            .body(Body::empty())?;
        let (head, body) = self.api.respond(request, None).await.into_parts();
        let body = to_bytes(body, MAX_RESPONSE).await?;
        let code = head.headers.get(ERROR_CODE).map(HeaderValue::to_str);
        Ok(PingResponse {
            status: head.status.as_u16(),
            code: code.transpose()?.map(str::to_owned),
            message: serde_json::from_slice::<Envelope>(&body)?.message,
        })
    }
}

#[async_trait]
impl CallPing for TokenTest {
    async fn call_ping(
        &self,
        key: &str,
        organisation: OrganisationId,
        event: EventId,
    ) -> PingResponse {
        let response = self.send(key, &ping_path(organisation, event)).await;
        response.unwrap_or_else(|error| {
            tracing::error!(%error, "the test of a token got no usable response");
            PingResponse {
                status: StatusCode::INTERNAL_SERVER_ERROR.as_u16(),
                code: Some("internal".to_owned()),
                message: "The API gave no response that could be read.".to_owned(),
            }
        })
    }
}
