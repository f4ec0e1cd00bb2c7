//! A call on its way to an endpoint, and the guard's checks 7 to 10: an endpoint asks its [`Call`] for leave, and
//! the store gives an organisation's rows to nobody without.
//!
//! All read the ids in the path first: what is no number is 422 before it can be a mismatch.

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

/// What endpoints work with.
pub(super) struct Backends {
    pub(super) store: Store,
    pub(super) originals: Originals,
}

/// What an endpoint is called with. Only for whom the guard let in there is one.
pub(super) struct Call<'a> {
    pub(super) backends: &'a Backends,
    pub(super) caller: Caller,
    /// What the path has under the names of its route, as it was sent.
    pub(super) values: Params<'a, 'a>,
    pub(super) head: &'a Parts,
}

impl Call<'_> {
    /// Leave to read the organisation in the path (check 7).
    ///
    /// # Errors
    /// The refusal, or 422.
    pub(super) fn organisation(&self) -> Result<OrganisationPermission, ApiError> {
        let [organisation] = ids(&self.values, ["org_id"])?;
        Ok(self.caller.organisation(OrganisationId(organisation))?)
    }

    /// Leave to read the event in the path (checks 7 to 9).
    ///
    /// # Errors
    /// The refusal, 422, or that nothing could be found out.
    pub(super) async fn event(&self) -> Result<EventPermission, ApiError> {
        let [organisation, event] = ids(&self.values, ["org_id", "event_id"])?;
        let access = self.caller.organisation(OrganisationId(organisation))?;
        let found = self
            .backends
            .store
            .key_cache()
            .event(EventId(event))
            .await?;
        Ok(access.event(found.as_ref())?)
    }

    /// Leave to read the event in the path by a feature (checks 7 to 10).
    ///
    /// # Errors
    /// As [`Call::event`].
    pub(super) async fn event_with(&self, feature: Feature) -> Result<EventPermission, ApiError> {
        Ok(self.event().await?.require(feature)?)
    }

    /// What the path has under this name of its route.
    ///
    /// # Errors
    /// 422 where it is no UTF-8.
    pub(super) fn value(&self, name: &str) -> Result<Cow<'_, str>, ApiError> {
        let Some(text) = self.values.get(name) else {
            tracing::error!(name, "an endpoint asks for what its path does not have");
            return Err(ApiError::Internal);
        };
        decoded(text)
    }
}

fn decoded(text: &str) -> Result<Cow<'_, str>, ApiError> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map_err(|_| ApiError::Invalid("path: must be UTF-8".to_owned()))
}

/// The numbers that a path has under these names. All that it has, named or not, must be texts.
pub(super) fn ids<const N: usize>(
    values: &Params<'_, '_>,
    names: [&str; N],
) -> Result<[i64; N], ApiError> {
    let mut ids = [None; N];
    for (name, text) in values.iter() {
        // Digits need no decoding, and nearly always there is nothing else.
        let id = match decimal(text) {
            None => decimal(&decoded(text)?),
            id => id,
        };
        if let Some(place) = names.iter().position(|asked| *asked == name) {
            ids[place] = id;
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

/// A number of digits alone: no sign, no space, and none that an id could not have.
pub(super) fn decimal(text: &str) -> Option<i64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
