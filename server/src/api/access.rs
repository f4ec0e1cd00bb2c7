//! The guard's checks 7 to 10, made by what a handler asks for: a handler that takes [`Organisation`],
//! [`Event`] or [`EventWith`] runs only for a caller who may, and the store gives an organisation's rows to
//! nobody else.
//!
//! All read the ids in the path first: what is no number is 422 before it can be a mismatch.

use std::marker::PhantomData;

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use model::{
    access::{Caller, EventAccess, OrganisationAccess},
    event::{EventId, Feature},
    organisation::OrganisationId,
};

use super::{Api, error::ApiError};

/// Leave to read the organisation in the path (check 7).
pub(super) struct Organisation(pub(super) OrganisationAccess);

/// Leave to read the event in the path (checks 7 to 9).
pub(super) struct Event(pub(super) EventAccess);

impl FromRequestParts<Api> for Organisation {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, ApiError> {
        let [organisation] = path_ids(parts, ["org_id"]).await?;
        let access = caller(parts)?.organisation(OrganisationId(organisation))?;
        Ok(Self(access))
    }
}

impl FromRequestParts<Api> for Event {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let [organisation, event] = path_ids(parts, ["org_id", "event_id"]).await?;
        let access = caller(parts)?.organisation(OrganisationId(organisation))?;
        let found = api.store.grants().event(EventId(event)).await?;
        Ok(Self(access.event(found.as_ref())?))
    }
}

/// Leave to read the event in the path by the feature `W` (checks 7 to 10).
pub(super) struct EventWith<W> {
    pub(super) access: EventAccess,
    feature: PhantomData<W>,
}

/// A feature that an endpoint needs, as a type: so that check 10, too, is made before anything else of the
/// request is looked at.
pub(super) trait Wanted {
    const FEATURE: Feature;
}

/// Photos by bib number.
pub(super) struct BibSearch;

impl Wanted for BibSearch {
    const FEATURE: Feature = Feature::BibSearch;
}

/// Photos by time.
pub(super) struct TimelineSearch;

impl Wanted for TimelineSearch {
    const FEATURE: Feature = Feature::TimelineSearch;
}

impl<W: Wanted> FromRequestParts<Api> for EventWith<W> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let Event(access) = Event::from_request_parts(parts, api).await?;
        Ok(Self {
            access: access.require(W::FEATURE)?,
            feature: PhantomData,
        })
    }
}

/// Whom the guard let in. Without a guard in front there is nobody, and nobody gets nothing.
fn caller(parts: &Parts) -> Result<Caller, ApiError> {
    parts.extensions.get().copied().ok_or_else(|| {
        tracing::error!("an endpoint of the API has no guard in front of it");
        ApiError::Internal
    })
}

/// The values in the path, decoded.
pub(super) async fn path_params(parts: &mut Parts) -> Result<RawPathParams, ApiError> {
    RawPathParams::from_request_parts(parts, &())
        .await
        .map_err(|_| ApiError::Invalid("path: must be UTF-8".to_owned()))
}

/// The numbers that the path has under these names.
pub(super) async fn path_ids<const N: usize>(
    parts: &mut Parts,
    names: [&str; N],
) -> Result<[i64; N], ApiError> {
    let params = path_params(parts).await?;
    let ids = names.map(|name| {
        params
            .iter()
            .find(|(found, _)| *found == name)
            .and_then(|(_, text)| decimal(text))
    });
    if ids.contains(&None) {
        return Err(ApiError::Invalid(not_decimal(&names, &ids)));
    }
    Ok(ids.map(Option::unwrap_or_default))
}

fn not_decimal(names: &[&str], ids: &[Option<i64>]) -> String {
    let problems = names.iter().zip(ids).filter(|(_, id)| id.is_none());
    problems
        .map(|(name, _)| format!("{name}: must be a decimal number"))
        .collect::<Vec<_>>()
        .join("; ")
}

/// A number of digits alone: no sign, no space, and none that an id could not have.
pub(super) fn decimal(text: &str) -> Option<i64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, extract::Request, routing::get};
    use http::StatusCode;
    use std::sync::Arc;

    use store::{Store, clock::SystemClock};
    use tower::ServiceExt;

    use super::*;
    use crate::api::Backends;

    #[test]
    fn an_id_is_digits_that_fit() {
        assert_eq!(decimal("903"), Some(903));
        assert_eq!(decimal("9223372036854775807"), Some(i64::MAX));
        for text in [
            "",
            "+1",
            "-1",
            "1.0",
            " 1",
            "1e3",
            "0x1",
            "٣",
            "9223372036854775808",
        ] {
            assert_eq!(decimal(text), None, "{text}");
        }
    }

    #[tokio::test]
    async fn an_endpoint_without_a_guard_in_front_gives_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}/zone.db", folder.path().display());
        let store = Store::open(&url, Arc::new(SystemClock))
            .await
            .expect("a database");
        let unguarded = Router::new()
            .route("/{org_id}", get(async |_: Organisation| "secret"))
            .route("/{org_id}/{event_id}", get(async |_: Event| "secret"))
            .with_state(Api(Arc::new(Backends {
                store,
                originals: crate::originals::Originals::in_folder(
                    folder.path().to_owned(),
                    &"https://api.9pic.ai".parse().expect("an origin"),
                    &[7; 32],
                ),
            })));
        for path in ["/903", "/903/456"] {
            let request = Request::get(path).body(Body::empty()).expect("a request");
            let answer = unguarded.clone().oneshot(request).await.expect("an answer");
            assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        }
    }
}
