//! The guard's check 6 (contract, section 3), and the brake on guessing in front of check 3.
//!
//! **Per token.** Whoever passed checks 1 to 5 has a bucket of its own ([`RateLimit`], GCRA). It is asked
//! before anything of the path is looked at, and knows nothing of other tokens, be they of the same
//! organisation.
//!
//! **Per peer address.** A call whose key turns out to be malformed or unknown takes from the bucket of
//! the address that it came from ([`RateLimits::wrong_keys`]); once that is empty, further keys from there are refused
//! before the store is asked. Guessing a token of 214 random bits was hopeless before; this makes it cost
//! us next to nothing too. A call without a key guesses nothing and is always 401, and a paused or expired
//! token is known to its holder alone, so neither takes from the bucket.
//!
//! Addresses are shared: by the people behind one router, by all callers behind one proxy. So that a
//! stranger cannot lock a partner out by guessing from the same address, keys that were admitted lately
//! are let past an empty bucket. That grants nothing: the store is still asked about them each time, so a
//! token that was paused, deleted or has expired since is refused as ever. What remains is that a key which
//! was not used for ten minutes, or never, may have to wait where somebody is guessing.
//!
//! Limits of the limits: they are this server's own, so several servers together let through as many times
//! as much. Where there is no connection (the dashboard's own test of a token), no address is counted.
//! Behind a proxy all callers have the proxy's address (there are no trusted proxies yet whose
//! word on the caller's address we would take). Calls that the store is being asked about at the same
//! moment see the same bucket, so a flood of guesses gets a few more in than the figure says. All memory is
//! bounded ([`Throttle`]).

mod bucket;
mod limit;

use std::time::Duration;

use governor::clock::DefaultClock;
use model::{
    access::{Caller, Refusal},
    client::ClientNetwork,
    token::TokenId,
};
use moka::sync::Cache;
use store::secret::TokenDigest;

use self::bucket::Throttle;
pub(super) use self::limit::Exceeded;
pub use self::limit::{InvalidRate, Rate, RateLimit, RateLimits};
use super::error::ApiError;

/// Keys that are remembered as admitted. Only real tokens come in here, so strangers cannot fill it.
const ADMITTED_KEYS: u64 = 100_000;

/// How long a key is remembered after its last call.
const ADMITTED_FOR: Duration = Duration::from_secs(10 * 60);

/// The limits of one server.
pub(super) struct Limits {
    tokens: Throttle<TokenId, DefaultClock>,
    guesses: Throttle<ClientNetwork, DefaultClock>,
    admitted: Cache<TokenDigest, ()>,
}

impl Limits {
    pub(super) fn new(limits: RateLimits) -> Self {
        let clock = DefaultClock::default();
        Self {
            tokens: Throttle::new("token", limits.per_token, clock.clone()),
            guesses: Throttle::new("address", limits.wrong_keys, clock),
            admitted: Cache::builder()
                .max_capacity(ADMITTED_KEYS)
                .time_to_idle(ADMITTED_FOR)
                .build(),
        }
    }

    /// Whether the store may be asked about a key: the address still has guesses left, or the key was
    /// admitted lately.
    ///
    /// # Errors
    /// [`Exceeded`] under the policy `address`.
    pub(super) fn check_guess(
        &self,
        peer: Option<ClientNetwork>,
        key: Option<&TokenDigest>,
    ) -> Result<(), Exceeded> {
        match peer {
            Some(peer) if !self.was_admitted(key) => self.guesses.peek(peer),
            _ => Ok(()),
        }
    }

    fn was_admitted(&self, key: Option<&TokenDigest>) -> bool {
        key.is_some_and(|key| self.admitted.get(key).is_some())
    }

    /// Learns from what became of a key.
    pub(super) fn note<T>(
        &self,
        peer: Option<ClientNetwork>,
        key: Option<TokenDigest>,
        outcome: &Result<T, ApiError>,
    ) {
        match (outcome, key) {
            // A look costs less than a write, and nearly every call comes by here.
            (Ok(_), Some(key)) if !self.admitted.contains_key(&key) => {
                self.admitted.insert(key, ());
            }
            (Err(ApiError::Refused(Refusal::TokenInvalid)), key) => {
                if let Some(key) = key {
                    self.admitted.invalidate(&key);
                }
                if let Some(peer) = peer {
                    // Full or not, this call has its answer; the next one is told.
                    let _ = self.guesses.take(peer);
                }
            }
            _ => {}
        }
    }

    /// Check 6.
    ///
    /// # Errors
    /// [`Exceeded`] under the policy `token`.
    pub(super) fn check_token(&self, caller: Caller) -> Result<(), Exceeded> {
        self.tokens.take(caller.token_id())
    }
}
