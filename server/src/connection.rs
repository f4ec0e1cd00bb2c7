//! The test of a new token: a ping that passes the external API's own guard, without leaving the process.

use app::texts::token_test::{CallPing, PingAnswer, ping_path};
use async_trait::async_trait;
use axum::{
    BoxError,
    body::{Body, to_bytes},
    extract::Request,
};
use http::{HeaderName, HeaderValue, StatusCode};
use model::{event::EventId, organisation::OrganisationId};
use serde::Deserialize;

use crate::{api::ExternalApi, config::PublicUrl};

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const ERROR_CODE: HeaderName = HeaderName::from_static("x-error-code");
/// Sent for a key that no header can carry. It is no key either, so the guard says of it what is true.
const NO_KEY: HeaderValue = HeaderValue::from_static("?");
/// In bytes; a ping's answer has a few hundred.
const LONGEST_ANSWER: usize = 64 * 1024;

/// The external API, called as integrations call it.
pub(crate) struct OwnApi {
    api: ExternalApi,
    origin: String,
}

#[derive(Deserialize)]
struct Envelope {
    message: String,
}

impl OwnApi {
    /// Calls `api` at `url`. A host that is not on the allowlist is refused here as it is out there.
    pub(crate) fn new(api: ExternalApi, url: &PublicUrl) -> Self {
        Self {
            api,
            origin: url.origin(),
        }
    }

    /// The target names the host, as it does over HTTP/2.
    async fn send(&self, key: &str, path: &str) -> Result<PingAnswer, BoxError> {
        let mut key = HeaderValue::from_str(key).unwrap_or(NO_KEY);
        key.set_sensitive(true);
        let request = Request::get(format!("{}{path}", self.origin))
            .header(API_KEY, key)
            .body(Body::empty())?;
        let (head, body) = self.api.answer(request, None).await.into_parts();
        let body = to_bytes(body, LONGEST_ANSWER).await?;
        let code = head.headers.get(ERROR_CODE).map(HeaderValue::to_str);
        Ok(PingAnswer {
            status: head.status.as_u16(),
            code: code.transpose()?.map(str::to_owned),
            message: serde_json::from_slice::<Envelope>(&body)?.message,
        })
    }
}

#[async_trait]
impl CallPing for OwnApi {
    async fn call_ping(
        &self,
        key: &str,
        organisation: OrganisationId,
        event: EventId,
    ) -> PingAnswer {
        let answer = self.send(key, &ping_path(organisation, event)).await;
        answer.unwrap_or_else(|error| {
            tracing::error!(%error, "a ping of our own had no answer");
            PingAnswer {
                status: StatusCode::INTERNAL_SERVER_ERROR.as_u16(),
                code: Some("internal".to_owned()),
                message: "The API gave no answer that could be read.".to_owned(),
            }
        })
    }
}
