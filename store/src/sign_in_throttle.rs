//! Slows down guessing of passwords: the delay grows with every wrong password.
//!
//! Each attempt counts in up to three places, by its [`Source`]:
//!
//! - **by account and source** ([`SOURCE_DELAY`]): five free attempts, then 2, 4, 8 … seconds, up to five minutes;
//! - **by account** ([`ACCOUNT_DELAY`]), over all networks: twenty free attempts, then 1, 2, 4 … seconds, up to a minute.
//!   So a botnet has at most 100 attempts an hour (OWASP ASVS 4.0, 2.2.1);
//! - **by network** ([`NETWORK_DELAY`]), over all accounts: fifty free attempts, then up to ten seconds, against one
//!   password tried on many accounts.
//!
//! A source is a network ([`ClientNetwork`]), a device where this account has signed in before (its cookie proves it:
//! [`crate::device_cookies`]), or a session. Each device and each session has its own count. No stranger can use them,
//! because each needed the password. This is the idea of OWASP's "Slow Down Online Guessing Attacks with Device
//! Cookies".
//!
//! **What an attacker can do to the owner of an account.** On a known device and in a session: nothing. On a new device
//! the owner may have to wait. The wait is at most a minute if the attacker has tried for hours or from several
//! networks. It is at most five minutes if the attacker is on the owner's own network. Attackers with many networks can
//! use up the one attempt a minute before the owner does.
//!
//! An account is never locked. NIST SP 800-63B, 5.2.2, demands a lock after 100 failures, but then anyone could lock
//! any account. It lists delays as another measure. A password of twelve characters that is not common
//! ([`crate::password`]) does not fall to 100 attempts an hour.
//!
//! An address without an account counts like any other. A success clears the counts of its source and account, but not
//! that of its network: an attacker with an account of their own could clear it at will. An attempt counts before its
//! password is checked, so concurrent attempts get no more than successive ones.
//!
//! **Limits.** The counts belong to this server: with several servers, each allows as many attempts, and a restart
//! clears them. A count ends an hour after its last attempt. Memory is bounded ([`MAX_COUNTS`]): beyond it, the least
//! used counts are evicted. Without a connection there is no network to count by.

use std::{
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use model::{client::ClientNetwork, session::SessionId, timestamp::Timestamp, user::Email};
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

use crate::device_cookies::DeviceId;

/// The delay for one source on one account.
const SOURCE_DELAY: Delay = Delay {
    free: 5,
    first: Duration::from_secs(2),
    longest: Duration::from_secs(5 * 60),
};

/// The delay for all networks on one account: 20 attempts, some more in the first minutes, then 60 an hour.
const ACCOUNT_DELAY: Delay = Delay {
    free: 20,
    first: Duration::from_secs(1),
    longest: Duration::from_secs(60),
};

/// The delay for one network on all accounts. Many people can share a network.
const NETWORK_DELAY: Delay = Delay {
    free: 50,
    first: Duration::from_secs(1),
    longest: Duration::from_secs(10),
};

/// How long after its last attempt a count ends.
const ENDS_AFTER: Duration = Duration::from_secs(60 * 60);

/// The maximum number of counts of each kind, of some hundred bytes each.
const MAX_COUNTS: usize = 100_000;

/// Where an attempt comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    /// An unknown client in this network.
    Stranger(Option<ClientNetwork>),
    /// A device where the account has signed in before.
    KnownDevice(DeviceId),
    /// A session.
    Session(SessionId),
}

/// The SHA-256 of an address, with an account or without: no list of addresses gathers in memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Account([u8; 32]);

/// Counts attempts and delays them.
#[derive(Clone)]
pub(crate) struct SignInThrottle {
    inner: Arc<Inner>,
}

struct Inner {
    /// Held during a decision: an attempt changes all of its counts, or none.
    deciding: Mutex<()>,
    of_source: Counts<(Account, Source)>,
    of_account: Counts<Account>,
    of_network: Counts<ClientNetwork>,
}

impl SignInThrottle {
    pub(crate) fn new() -> Self {
        Self {
            inner: Arc::new(Inner {
                deciding: Mutex::default(),
                of_source: Counts::new(SOURCE_DELAY),
                of_account: Counts::new(ACCOUNT_DELAY),
                of_network: Counts::new(NETWORK_DELAY),
            }),
        }
    }

    /// Counts one more attempt. It counts as wrong until [`Attempt`] says otherwise.
    ///
    /// # Errors
    /// How long to wait: the password must not be checked before. A refused attempt does not prolong the wait.
    pub(crate) fn begin(
        &self,
        email: &Email,
        source: Source,
        now: Timestamp,
    ) -> Result<Attempt, Duration> {
        let account = Account(Sha256::digest(email.as_str()).into());
        let (network, by_account) = match source {
            Source::Stranger(network) => (network, true),
            Source::KnownDevice(_) | Source::Session(_) => (None, false),
        };
        let attempt = Attempt {
            inner: self.inner.clone(),
            // Without a network, all strangers would share one source.
            of_source: (source != Source::Stranger(None)).then_some((account, source)),
            of_account: by_account.then_some(account),
            of_network: network,
        };
        let _deciding = self.inner.decide();
        let wait = attempt.wait(now);
        if !wait.is_zero() {
            return Err(wait);
        }
        attempt.add(now);
        Ok(attempt)
    }
}

impl Inner {
    fn decide(&self) -> MutexGuard<'_, ()> {
        // It guards no data that a panic could leave half-changed.
        self.deciding.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A password that is being checked. It counts as wrong if this is dropped.
#[must_use]
pub(crate) struct Attempt {
    inner: Arc<Inner>,
    of_source: Option<(Account, Source)>,
    of_account: Option<Account>,
    of_network: Option<ClientNetwork>,
}

impl Attempt {
    /// The password was right.
    pub(crate) fn succeeded(self) {
        let _deciding = self.inner.decide();
        if let Some(key) = self.of_source {
            self.inner.of_source.forget(&key);
        }
        if let Some(key) = self.of_account {
            self.inner.of_account.forget(&key);
        }
        if let Some(key) = self.of_network {
            self.inner.of_network.undo(key);
        }
    }

    /// The password could not be checked, so the attempt revealed nothing.
    pub(crate) fn could_not_be_checked(self) {
        let _deciding = self.inner.decide();
        if let Some(key) = self.of_source {
            self.inner.of_source.undo(key);
        }
        if let Some(key) = self.of_account {
            self.inner.of_account.undo(key);
        }
        if let Some(key) = self.of_network {
            self.inner.of_network.undo(key);
        }
    }

    fn wait(&self, now: Timestamp) -> Duration {
        let of_source = self
            .of_source
            .map(|key| self.inner.of_source.wait(&key, now));
        let of_account = self
            .of_account
            .map(|key| self.inner.of_account.wait(&key, now));
        let of_network = self
            .of_network
            .map(|key| self.inner.of_network.wait(&key, now));
        let waits = [of_source, of_account, of_network];
        waits.into_iter().flatten().max().unwrap_or_default()
    }

    fn add(&self, now: Timestamp) {
        if let Some(key) = self.of_source {
            self.inner.of_source.add(key, now);
        }
        if let Some(key) = self.of_account {
            self.inner.of_account.add(key, now);
        }
        if let Some(key) = self.of_network {
            self.inner.of_network.add(key, now);
        }
    }
}

/// The number of free attempts, and the delay after that, which doubles with each attempt.
#[derive(Clone, Copy, Debug)]
struct Delay {
    free: u32,
    first: Duration,
    longest: Duration,
}

impl Delay {
    /// The delay after this many attempts.
    fn after(self, attempts: u32) -> Duration {
        let Some(more) = attempts.checked_sub(self.free) else {
            return Duration::ZERO;
        };
        let doubled = 2_u32.checked_pow(more);
        let delay = doubled.and_then(|factor| self.first.checked_mul(factor));
        delay.unwrap_or(self.longest).min(self.longest)
    }
}

/// Attempts that have not succeeded.
#[derive(Clone, Copy, Debug)]
struct Count {
    attempts: u32,
    last: Timestamp,
}

/// The counts of one kind of key.
struct Counts<K> {
    delay: Delay,
    counts: Cache<K, Count>,
}

impl<K: Copy + Eq + Hash + Send + Sync + 'static> Counts<K> {
    fn new(delay: Delay) -> Self {
        Self {
            delay,
            counts: Cache::new(MAX_COUNTS),
        }
    }

    fn get(&self, key: &K, now: Timestamp) -> Option<Count> {
        let count = self.counts.get(key)?;
        (since(count.last, now) < ENDS_AFTER).then_some(count)
    }

    fn wait(&self, key: &K, now: Timestamp) -> Duration {
        self.get(key, now).map_or(Duration::ZERO, |count| {
            let delay = self.delay.after(count.attempts);
            delay.saturating_sub(since(count.last, now))
        })
    }

    fn add(&self, key: K, now: Timestamp) {
        let before = self.get(&key, now).map_or(0, |count| count.attempts);
        let attempts = before.saturating_add(1);
        self.counts.insert(
            key,
            Count {
                attempts,
                last: now,
            },
        );
    }

    fn undo(&self, key: K) {
        if let Some(count) = self.counts.get(&key) {
            let attempts = count.attempts.saturating_sub(1);
            self.counts.insert(key, Count { attempts, ..count });
        }
    }

    fn forget(&self, key: &K) {
        self.counts.remove(key);
    }
}

/// The time between two instants; zero if the clock was set back. A delay is then as long as at first.
fn since(then: Timestamp, now: Timestamp) -> Duration {
    let millis = now.epoch_millis().saturating_sub(then.epoch_millis());
    Duration::from_millis(u64::try_from(millis).unwrap_or_default())
}

#[cfg(test)]
mod tests;
