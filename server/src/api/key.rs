//! The key of a request (contract, section 2): which header holds it, and which values count as missing.

use http::{HeaderMap, HeaderName, HeaderValue, header::AUTHORIZATION};
use model::permission::Refusal;
use store::secret::TokenDigest;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const BEARER: &[u8] = b"bearer";

/// A key as it was sent, not validated yet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PresentedKey<'a> {
    /// One value, which may be a valid key.
    One(&'a [u8]),
    /// The header was sent more than once. A proxy in front may have read a different value than we would.
    Several,
}

impl<'a> PresentedKey<'a> {
    /// Check 1: reads `X-API-Key`, or `Authorization: Bearer` where no `X-API-Key` was sent.
    ///
    /// If `X-API-Key` is present, only it is read. A blank one is a missing key, even beside a bearer token, so a
    /// client learns that it sends an empty key.
    ///
    /// # Errors
    /// [`Refusal::TokenMissing`].
    pub(super) fn read(headers: &'a HeaderMap) -> Result<Self, Refusal> {
        let own = Self::from_header(headers, API_KEY, |value| Some(value));
        let sent = own.or_else(|| Self::from_header(headers, AUTHORIZATION, bearer));
        sent.unwrap_or(Err(Refusal::TokenMissing))
    }

    /// `None` if the header was not sent.
    fn from_header(
        headers: &'a HeaderMap,
        name: HeaderName,
        credential: fn(&[u8]) -> Option<&[u8]>,
    ) -> Option<Result<Self, Refusal>> {
        let mut sent = headers.get_all(name).iter().map(HeaderValue::as_bytes);
        let (first, second) = (sent.next()?, sent.next());
        if second.is_some() {
            return Some(Ok(Self::Several));
        }
        let key = credential(first).map(<[u8]>::trim_ascii);
        let key = key.filter(|key| !key.is_empty());
        Some(key.map(Self::One).ok_or(Refusal::TokenMissing))
    }

    /// The half of check 3 that needs no database.
    ///
    /// # Errors
    /// [`Refusal::TokenInvalid`].
    pub(super) fn digest(&self) -> Result<TokenDigest, Refusal> {
        match self {
            Self::One(key) => TokenDigest::of_presented(key).map_err(|_| Refusal::TokenInvalid),
            Self::Several => Err(Refusal::TokenInvalid),
        }
    }
}

/// The credential after the scheme `Bearer`, in any case (RFC 9110, 11.1). `None` for another scheme.
fn bearer(authorization: &[u8]) -> Option<&[u8]> {
    let authorization = authorization.trim_ascii();
    let (scheme, credential) = authorization.split_at_checked(BEARER.len())?;
    let separated = credential.first().is_none_or(u8::is_ascii_whitespace);
    (scheme.eq_ignore_ascii_case(BEARER) && separated).then_some(credential)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(sent: &[(HeaderName, &str)]) -> Option<Option<String>> {
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.append(name, HeaderValue::from_str(value).expect("a header"));
        }
        match PresentedKey::read(&headers) {
            Ok(PresentedKey::One(key)) => Some(Some(String::from_utf8_lossy(key).into_owned())),
            Ok(PresentedKey::Several) => Some(None),
            Err(refusal) => {
                assert_eq!(refusal, Refusal::TokenMissing);
                None
            }
        }
    }

    fn one(key: &str) -> Option<Option<String>> {
        Some(Some(key.to_owned()))
    }

    #[test]
    fn x_api_key_wins_over_a_bearer_token() {
        assert_eq!(read(&[(API_KEY, " k ")]), one("k"));
        assert_eq!(
            read(&[(API_KEY, "k"), (AUTHORIZATION, "Bearer b")]),
            one("k")
        );
        assert_eq!(read(&[(AUTHORIZATION, "Bearer b")]), one("b"));
    }

    #[test]
    fn the_scheme_bearer_is_a_whole_word_in_any_case() {
        for sent in ["bearer b", "BEARER  b", "BeArEr\tb"] {
            assert_eq!(read(&[(AUTHORIZATION, sent)]), one("b"), "{sent}");
        }
        for sent in ["Bearer", "Bearer ", "Bearerb", "Basic b", "b", ""] {
            assert_eq!(read(&[(AUTHORIZATION, sent)]), None, "{sent}");
        }
    }

    #[test]
    fn a_blank_x_api_key_is_a_missing_key_even_beside_a_bearer_token() {
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[(API_KEY, "")]), None);
        assert_eq!(read(&[(API_KEY, " \t")]), None);
        assert_eq!(read(&[(API_KEY, ""), (AUTHORIZATION, "Bearer b")]), None);
    }

    #[test]
    fn a_header_that_comes_twice_is_not_a_key() {
        assert_eq!(read(&[(API_KEY, "k"), (API_KEY, "k")]), Some(None));
        assert_eq!(read(&[(API_KEY, ""), (API_KEY, "")]), Some(None));
        let bearers = [(AUTHORIZATION, "Bearer b"), (AUTHORIZATION, "Basic b")];
        assert_eq!(read(&bearers), Some(None));
        assert_eq!(PresentedKey::Several.digest(), Err(Refusal::TokenInvalid));
    }
}
