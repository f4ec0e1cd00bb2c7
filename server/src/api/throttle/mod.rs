//! Rate limits: the guard's check 6 (contract, section 3), and a limit on wrong keys before check 3.
//!
//! **Per token.** Each token that passed checks 1 to 5 has its own bucket ([`RateLimit`], GCRA). The bucket is checked
//! before the path is read. Tokens of one organisation do not share a bucket. Responses say how many calls remain
//! ([`WithinLimit`]).
//!
//! **Per address.** A call with a malformed or unknown key takes from the bucket of the caller's address
//! ([`RateLimits::wrong_keys`]). When the bucket is empty, further keys from the address are refused without a read of
//! the store. A token has 214 random bits, so guessing is hopeless anyway. The limit protects the database from the
//! load. Two kinds of calls do not take from the bucket: a call without a key (always 401), and a call with an inactive
//! or expired token. Only the token's holder knows it.
//!
//! Many callers can share an address, for example behind a router or a proxy. A stranger who guesses from the same
//! address must not lock a partner out. So a key that this server accepted before passes an empty bucket. The store
//! still checks it each time, so a token that was deactivated, deleted or has expired is refused as usual. One case
//! remains while a stranger guesses: a valid key that this server has not accepted yet may have to wait. So may one
//! that is not among the last 100,000 accepted keys.
//!
//! Consequences:
//!
//! - Each server has its own limits. So several servers together allow a multiple of the limit.
//! - The dashboard's test of a token has no connection, so no address is counted.
//! - Behind an untrusted proxy ([`crate::http::client_address`]), all callers have the proxy's address.
//! - Concurrent lookups see the same bucket, so a flood of guesses gets slightly more lookups than the limit.
//! - Memory is bounded ([`Throttle`]).

mod bucket;
mod limit;

use http::HeaderMap;
use model::{client::ClientNetwork, permission::Refusal};
use quanta::Instant;
use store::secret::TokenDigest;

pub(super) use self::limit::{Exceeded, HEADERS};
pub use self::limit::{InvalidRate, Rate, RateLimit, RateLimits};
use self::{bucket::Bucket, limit::WithinLimit};
pub(crate) use self::{
    bucket::{Key, Throttle},
    limit::whole_seconds,
};

/// The limits of one server.
pub(super) struct Limits {
    /// A token has a bucket from the first time it is accepted.
    tokens: Throttle<TokenDigest>,
    guesses: Throttle<ClientNetwork>,
    /// The headers about the limit of tokens.
    within: WithinLimit,
}

impl Limits {
    pub(super) fn new(limits: RateLimits) -> Self {
        Self {
            tokens: Throttle::new("token", limits.per_token),
            guesses: Throttle::new("address", limits.wrong_keys),
            within: WithinLimit::new("token", limits.per_token),
        }
    }

    /// Checks whether the store may look up a key: it was accepted before, or the network may send more wrong keys. Returns
    /// the token's bucket if it was accepted before.
    ///
    /// # Errors
    /// [`Exceeded`] under the policy `address`.
    pub(super) fn check_guess(
        &self,
        network: Option<ClientNetwork>,
        key: Result<&TokenDigest, &Refusal>,
        now: Instant,
    ) -> Result<Option<Bucket>, Exceeded> {
        let bucket = key.ok().and_then(|key| self.tokens.bucket(key));
        if let (None, Some(network)) = (&bucket, network) {
            self.guesses.peek(&network, now)?;
        }
        Ok(bucket)
    }

    /// Records a wrong key.
    pub(super) fn note_guess(
        &self,
        network: Option<ClientNetwork>,
        key: Result<&TokenDigest, &Refusal>,
        now: Instant,
    ) {
        if let Ok(key) = key {
            self.tokens.forget(key);
        }
        if let Some(network) = network {
            // This call is refused in any case. An empty bucket only affects the next call.
            let _ = self.guesses.take(network, now);
        }
    }

    /// Check 6, for a token that passed checks 1 to 5; `bucket` is what [`Limits::check_guess`] returned. Returns how many
    /// calls the token may still make.
    ///
    /// # Errors
    /// [`Exceeded`] under the policy `token`.
    pub(super) fn check_token(
        &self,
        key: &TokenDigest,
        bucket: Option<Bucket>,
        now: Instant,
    ) -> Result<u32, Exceeded> {
        match bucket {
            Some(bucket) => self.tokens.take_from(&bucket, now),
            None => self.tokens.take(*key, now),
        }
    }

    /// Says in the headers of a response how many calls the token may still make.
    pub(super) fn add_headers(&self, remaining: u32, headers: &mut HeaderMap) {
        self.within.add_headers(remaining, headers);
    }
}
