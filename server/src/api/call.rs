//! The argument of an endpoint, and the guard's checks 7 to 10. An endpoint asks its [`Call`] for permission to read an
//! organisation or event. The store requires that permission for each read.
//!
//! The ids in the path are read first: an id that is not a number gets 422 before the checks.

use std::borrow::Cow;

use http::request::Parts;
use matchit::Params;
use model::{
    event::{EventId, Feature},
    organisation::OrganisationId,
    permission::{Caller, EventPermission, OrganisationPermission},
};
use percent_encoding::percent_decode_str;
use store::Store;

use super::error::ApiError;
use crate::originals::Originals;

/// The backends of the endpoints.
pub(super) struct Backends {
    pub(super) store: Store,
    pub(super) originals: Originals,
}

/// The argument of an endpoint. It exists only for a call that passed the guard.
pub(super) struct Call<'a> {
    pub(super) backends: &'a Backends,
    pub(super) caller: Caller,
    /// The values of the path's placeholders, not decoded.
    pub(super) values: Params<'a, 'a>,
    pub(super) head: &'a Parts,
}

impl Call<'_> {
    /// Permission to read the organisation in the path (check 7).
    ///
    /// # Errors
    /// The refusal, or 422.
    pub(super) fn organisation(&self) -> Result<OrganisationPermission, ApiError> {
        let [organisation] = ids(&self.values, ["org_id"])?;
        Ok(self.caller.organisation(OrganisationId(organisation))?)
    }

    /// Permission to read the event in the path (checks 7 to 9).
    ///
    /// # Errors
    /// The refusal, 422, or the failure of the store.
    pub(super) async fn event(&self) -> Result<EventPermission, ApiError> {
        let [organisation, event] = ids(&self.values, ["org_id", "event_id"])?;
        let permission = self.caller.organisation(OrganisationId(organisation))?;
        let found = self
            .backends
            .store
            .key_cache()
            .event(EventId(event))
            .await?;
        Ok(permission.event(found.as_ref())?)
    }

    /// Permission to read the event in the path with a feature (checks 7 to 10).
    ///
    /// # Errors
    /// As [`Call::event`].
    pub(super) async fn event_with(&self, feature: Feature) -> Result<EventPermission, ApiError> {
        Ok(self.event().await?.require(feature)?)
    }

    /// The decoded value of a placeholder of the path.
    ///
    /// # Errors
    /// 422 if it is not UTF-8.
    pub(super) fn value(&self, name: &str) -> Result<Cow<'_, str>, ApiError> {
        let Some(text) = self.values.get(name) else {
            tracing::error!(
                name,
                "an endpoint reads a placeholder that its path does not have"
            );
            return Err(ApiError::Internal);
        };
        decoded(text)
    }
}

fn decoded(text: &str) -> Result<Cow<'_, str>, ApiError> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map_err(|_| ApiError::Invalid("path: must be UTF-8".to_owned()))
}

/// The numbers of these placeholders. All placeholders of the path must be UTF-8.
pub(super) fn ids<const N: usize>(
    values: &Params<'_, '_>,
    names: [&str; N],
) -> Result<[i64; N], ApiError> {
    let mut ids = [None; N];
    for (name, text) in values.iter() {
        // Ids are nearly always plain digits, which need no decoding.
        let id = match decimal(text) {
            None => decimal(&decoded(text)?),
            id => id,
        };
        if let Some(index) = names.iter().position(|wanted| *wanted == name) {
            ids[index] = id;
        }
    }
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

/// Reads a number that consists of digits only and fits into an id.
pub(super) fn decimal(text: &str) -> Option<i64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_consists_of_digits_and_is_in_range() {
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
}
