//! How fast passwords can be guessed: a delay that grows with every wrong one.
//!
//! Whoever gives a password is counted in three places, by [`Source`]:
//!
//! - **by account and source** ([`OF_SOURCE`]): five free tries, then 2, 4, 8 … seconds, up to five minutes;
//! - **by account** ([`OF_ACCOUNT`]), all networks together: twenty, then 1, 2, 4 … seconds, up to a minute.
//!   So a botnet has no more than 100 tries an hour (OWASP ASVS 4.0, 2.2.1);
//! - **by network** ([`OF_NETWORK`]), all accounts together: fifty, then up to ten seconds, against one
//!   password tried on everybody.
//!
//! A source is a network ([`ClientNetwork`]), a browser in which this account has signed in before (it has a
//! cookie that says so, see [`crate::browsers`]), or a session. The last two are counted alone: no stranger
//! can act for them, as each was had by the password. That is the idea of OWASP's "Slow Down Online Guessing
//! Attacks with Device Cookies".
//!
//! **What a stranger can do to the owner of an account.** In a browser that has signed in before, and in a
//! session: nothing, whatever is going on elsewhere. In a new browser the owner may have to wait a minute,
//! if the stranger has kept on for hours or has several networks; five minutes, if the stranger is on the
//! owner's own network. Strangers of many networks can be quicker than the owner of a new browser at taking
//! the one try a minute. An account is never locked: NIST SP 800-63B, 5.2.2, asks for that after 100 failures,
//! and would hand every account to whoever wants it locked; the delay is its other measure, and a password
//! of twelve characters that is not among the common ones ([`crate::password`]) does not fall to 100 tries an hour.
//!
//! An account that does not exist is counted like any other. A success clears what its own source and account
//! had gathered, and not the network's: with an account of one's own the count could be cleared at will. A try
//! is counted before its password is looked at, so that many at once get no more than one after the other.
//!
//! **Limits.** Counts are this server's own: several servers together let through as many times as much, and a
//! start forgets them. They are forgotten an hour after the last try. Memory is bounded ([`MOST_COUNTS`]):
//! beyond that the least used are forgotten. Where there is no connection there is no network to count by.

use std::{
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use model::{client::ClientNetwork, session::SessionId, timestamp::Timestamp, user::Email};
use moka::sync::Cache;
use sha2::{Digest, Sha256};

use crate::browsers::BrowserId;

/// What one source may get wrong on one account.
const OF_SOURCE: Delay = Delay {
    free: 5,
    first: Duration::from_secs(2),
    longest: Duration::from_secs(5 * 60),
};

/// What all networks together may get wrong on one account: 20, some more in the first minutes, then 60 an hour.
const OF_ACCOUNT: Delay = Delay {
    free: 20,
    first: Duration::from_secs(1),
    longest: Duration::from_secs(60),
};

/// What one network may get wrong on all accounts. Many people can be behind one.
const OF_NETWORK: Delay = Delay {
    free: 50,
    first: Duration::from_secs(1),
    longest: Duration::from_secs(10),
};

/// How long after its last try a count is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60 * 60);

/// Counts of each kind that are kept, of some hundred bytes each.
const MOST_COUNTS: u64 = 100_000;

/// By what a try is counted beside its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    /// Somebody of this network; nobody knows who.
    Stranger(Option<ClientNetwork>),
    /// A browser in which the account has signed in before.
    KnownBrowser(BrowserId),
    /// Somebody who is signed in.
    Session(SessionId),
}

/// An account that is there or not: SHA-256 of its address, so that no list of addresses gathers in memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Account([u8; 32]);

/// Counts the passwords that are tried.
#[derive(Clone)]
pub(crate) struct Attempts {
    inner: Arc<Inner>,
}

struct Inner {
    /// Held while a try is weighed: all its counts let it through, or none is moved.
    deciding: Mutex<()>,
    of_source: Counts<(Account, Source)>,
    of_account: Counts<Account>,
    of_network: Counts<ClientNetwork>,
}

impl Attempts {
    pub(crate) fn new() -> Self {
        Self {
            inner: Arc::new(Inner {
                deciding: Mutex::default(),
                of_source: Counts::new(OF_SOURCE),
                of_account: Counts::new(OF_ACCOUNT),
                of_network: Counts::new(OF_NETWORK),
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
            Source::KnownBrowser(_) | Source::Session(_) => (None, false),
        };
        let attempt = Attempt {
            inner: self.inner.clone(),
            // Without a network all strangers would be one.
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
        // It guards no data of its own that a panic could have left half-changed.
        self.deciding.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A password that is being looked at. Dropped, it was a wrong one.
#[must_use]
pub(crate) struct Attempt {
    inner: Arc<Inner>,
    of_source: Option<(Account, Source)>,
    of_account: Option<Account>,
    of_network: Option<ClientNetwork>,
}

impl Attempt {
    /// It was the right one.
    pub(crate) fn succeeded(self) {
        let _deciding = self.inner.decide();
        if let Some(key) = self.of_source {
            self.inner.of_source.forget(&key);
        }
        if let Some(key) = self.of_account {
            self.inner.of_account.forget(&key);
        }
        if let Some(key) = self.of_network {
            self.inner.of_network.take_back(key);
        }
    }

    /// It could not be looked at: nobody has learnt anything.
    pub(crate) fn came_to_nothing(self) {
        let _deciding = self.inner.decide();
        if let Some(key) = self.of_source {
            self.inner.of_source.take_back(key);
        }
        if let Some(key) = self.of_account {
            self.inner.of_account.take_back(key);
        }
        if let Some(key) = self.of_network {
            self.inner.of_network.take_back(key);
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

/// How many are free, and how the wait grows after that: it doubles with each.
#[derive(Clone, Copy, Debug)]
struct Delay {
    free: u32,
    first: Duration,
    longest: Duration,
}

impl Delay {
    /// The wait after so many.
    fn after(self, tries: u32) -> Duration {
        let Some(more) = tries.checked_sub(self.free) else {
            return Duration::ZERO;
        };
        let doubled = 2_u32.checked_pow(more);
        let delay = doubled.and_then(|factor| self.first.checked_mul(factor));
        delay.unwrap_or(self.longest).min(self.longest)
    }
}

/// Tries that have not succeeded.
#[derive(Clone, Copy, Debug)]
struct Count {
    tries: u32,
    last: Timestamp,
}

/// Tries by one kind of key.
struct Counts<K> {
    delay: Delay,
    kept: Cache<K, Count>,
}

impl<K: Copy + Eq + Hash + Send + Sync + 'static> Counts<K> {
    fn new(delay: Delay) -> Self {
        Self {
            delay,
            kept: Cache::builder()
                .max_capacity(MOST_COUNTS)
                .time_to_idle(FORGOTTEN_AFTER)
                .build(),
        }
    }

    fn get(&self, key: &K, now: Timestamp) -> Option<Count> {
        let count = self.kept.get(key)?;
        (since(count.last, now) < FORGOTTEN_AFTER).then_some(count)
    }

    fn wait(&self, key: &K, now: Timestamp) -> Duration {
        self.get(key, now).map_or(Duration::ZERO, |count| {
            let delay = self.delay.after(count.tries);
            delay.saturating_sub(since(count.last, now))
        })
    }

    fn add(&self, key: K, now: Timestamp) {
        let before = self.get(&key, now).map_or(0, |count| count.tries);
        let tries = before.saturating_add(1);
        self.kept.insert(key, Count { tries, last: now });
    }

    fn take_back(&self, key: K) {
        if let Some(count) = self.kept.get(&key) {
            let tries = count.tries.saturating_sub(1);
            self.kept.insert(key, Count { tries, ..count });
        }
    }

    fn forget(&self, key: &K) {
        self.kept.invalidate(key);
    }
}

/// The time between the two. None, if the clock was set back: a wait is then as long as it was at first.
fn since(then: Timestamp, now: Timestamp) -> Duration {
    let millis = now.epoch_millis().saturating_sub(then.epoch_millis());
    Duration::from_millis(u64::try_from(millis).unwrap_or_default())
}

#[cfg(test)]
mod tests;
