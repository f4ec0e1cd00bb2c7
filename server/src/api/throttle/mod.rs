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
//! stranger cannot lock a partner out by guessing from the same address, keys that were admitted before
//! are let past an empty bucket. That grants nothing: the store is still asked about them each time, so a
//! token that was paused, deleted or has expired since is refused as ever. What remains is that a key which
//! this server has not admitted yet, or not among its last hundred thousand, may have to wait where somebody
//! is guessing.
//!
//! Limits of the limits: they are this server's own, so several servers together let through as many times
//! as much. Where there is no connection (the dashboard's own test of a token), no address is counted.
//! Behind a proxy that is not among the trusted ones ([`crate::client`]) all callers have the proxy's
//! address. Calls that the store is being asked about at the same
//! moment see the same bucket, so a flood of guesses gets a few more in than the figure says. All memory is
//! bounded ([`Throttle`]).

mod bucket;
mod limit;

use governor::clock::DefaultClock;
use model::{client::ClientNetwork, permission::Refusal};
use store::secret::TokenDigest;

use self::bucket::Throttle;
pub(super) use self::limit::Exceeded;
pub use self::limit::{InvalidRate, Rate, RateLimit, RateLimits};

/// The limits of one server.
pub(super) struct Limits {
    /// A token has a bucket since it was first admitted.
    tokens: Throttle<TokenDigest, DefaultClock>,
    guesses: Throttle<ClientNetwork, DefaultClock>,
}

impl Limits {
    pub(super) fn new(limits: RateLimits) -> Self {
        let clock = DefaultClock::default();
        Self {
            tokens: Throttle::new("token", limits.per_token, clock.clone()),
            guesses: Throttle::new("address", limits.wrong_keys, clock),
        }
    }

    /// Whether the store may be asked about a key: the network still has guesses left, or the key was
    /// admitted before.
    ///
    /// # Errors
    /// [`Exceeded`] under the policy `address`.
    pub(super) fn check_guess(
        &self,
        network: Option<ClientNetwork>,
        key: Result<&TokenDigest, &Refusal>,
    ) -> Result<(), Exceeded> {
        let Some(network) = network else {
            return Ok(());
        };
        self.guesses.peek(network).or_else(|exceeded| {
            let admitted = key.is_ok_and(|key| self.tokens.knows(key));
            admitted.then_some(()).ok_or(exceeded)
        })
    }

    /// Learns that a key was a wrong one.
    pub(super) fn note_guess(
        &self,
        network: Option<ClientNetwork>,
        key: Result<&TokenDigest, &Refusal>,
    ) {
        if let Ok(key) = key {
            self.tokens.forget(key);
        }
        if let Some(network) = network {
            // Full or not, this call has its answer; the next one is told.
            let _ = self.guesses.take(network);
        }
    }

    /// Check 6, for a token that has passed those before.
    ///
    /// # Errors
    /// [`Exceeded`] under the policy `token`.
    pub(super) fn check_token(&self, key: &TokenDigest) -> Result<(), Exceeded> {
        self.tokens.take(*key)
    }
}
