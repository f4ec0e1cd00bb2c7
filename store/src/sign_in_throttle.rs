//! Slows down guessing of passwords: the delay grows with every wrong password.
//!
//! An attempt is **proven** if it comes from a session, or from a device where the account has signed in with its
//! current password (a cookie proves it: [`crate::device_cookies`]). All others come from **strangers**. This is the
//! idea of OWASP's "Slow Down Online Guessing Attacks with Device Cookies". Each attempt counts in up to three places:
//!
//! - **by account and source** ([`SOURCE_DELAY`]): five free attempts, then 2, 4, 8 … seconds, up to five minutes. A
//!   source is a network of strangers ([`ClientNetwork`]), a device or a session;
//! - **by account**, over all strangers ([`STRANGERS_DELAY`]): twenty free attempts, then 1, 2, 4 … seconds, up to a
//!   minute. Over all proven sources ([`PROVEN_DELAY`]): the same after fifty free attempts;
//! - **by network** of strangers ([`NETWORK_DELAY`]), over all accounts: fifty free attempts, then up to ten seconds,
//!   against one password tried on many accounts. A stranger's attempt counts here even if the server was too busy to
//!   check it.
//!
//! **How many guesses an account allows.** All strangers together have at most 100 an hour (OWASP ASVS 4.0, 2.2.1). All
//! devices and sessions together have at most 120 an hour, however many cookies there are. A right password starts the
//! counts of its account and class again. At most [`MAX_DEVICES`] devices with wrong passwords count apart. Others are
//! strangers until an hour has passed.
//!
//! **What an attacker can do to the owner of an account.** A stranger cannot delay a known device or a session. On a new
//! device the owner may have to wait. The wait is at most a minute if the attacker has tried for hours or from several
//! networks. It is at most five minutes if the attacker is on the owner's own network. Attackers with many networks can
//! use up the one attempt a minute before the owner does.
//!
//! An attacker who has stolen a device cookie or a session can do more: a known device may have to wait too, for at
//! most a minute. On the stolen device or session itself it is five minutes. A change of the password ends both.
//!
//! An account is never locked. NIST SP 800-63B, 5.2.2, demands a lock after 100 failures, but then anyone could lock
//! any account. It lists delays as another measure. A password of twelve characters that is not common
//! ([`crate::password`]) does not fall to 220 attempts an hour.
//!
//! An address without an account counts like any other. A success clears the counts of its source and account, but not
//! that of its network. Otherwise an attacker with an account of their own could clear it. An attempt counts before its
//! password is checked, so concurrent attempts get no more than successive ones.
//!
//! **Limits.** The counts belong to this server: with several servers, each allows as many attempts, and a restart
//! clears them. A count ends an hour after its last attempt. Memory is bounded ([`MAX_COUNTS`]): beyond it, the least
//! used counts are evicted. Each kind of count has its own memory, so strangers cannot evict the proven. Without a
//! connection there is no network to count by.

use std::{
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

/// The delay for all strangers on one account: 20 attempts, some more in the first minutes, then 60 an hour.
const STRANGERS_DELAY: Delay = Delay {
    free: 20,
    first: Duration::from_secs(1),
    longest: Duration::from_secs(60),
};

/// The delay for all devices and sessions of one account: 50 attempts, some more in the first minutes, then 60 an hour.
const PROVEN_DELAY: Delay = Delay {
    free: 50,
    ..STRANGERS_DELAY
};

/// The delay for one network on all accounts. Many people can share a network.
const NETWORK_DELAY: Delay = Delay {
    free: 50,
    first: Duration::from_secs(1),
    longest: Duration::from_secs(10),
};

/// How long after its last attempt a count ends.
const ENDS_AFTER: Duration = Duration::from_secs(60 * 60);

/// How many devices of one account count apart.
const MAX_DEVICES: usize = 8;

/// The maximum number of counts of each kind, of some hundred bytes each.
const MAX_COUNTS: usize = 100_000;

/// Where an attempt comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// An unknown client in this network.
    Stranger(Option<ClientNetwork>),
    /// A device where the account has signed in before, in this network.
    KnownDevice(DeviceId, Option<ClientNetwork>),
    /// A session.
    Session(SessionId),
}

/// The SHA-256 of an email address, with or without an account. So memory holds no list of addresses.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Account([u8; 32]);

/// What attempts are counted by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    /// A network's attempts on an account.
    NetworkOn(Account, ClientNetwork),
    /// A device's attempts on an account.
    DeviceOn(Account, DeviceId),
    /// A session's attempts on its account.
    SessionOn(Account, SessionId),
    /// All strangers' attempts on an account.
    StrangersOn(Account),
    /// The attempts of all devices and sessions of an account.
    ProvenOn(Account),
    /// A network's attempts on all accounts.
    Network(ClientNetwork),
}

/// Counts attempts and delays them.
#[derive(Clone)]
pub(crate) struct SignInThrottle {
    inner: Arc<Inner>,
}

struct Inner {
    /// Held during a decision: an attempt changes all of its counts, or none.
    deciding: Mutex<()>,
    networks_on: Counts,
    proven_sources: Counts,
    strangers_on: Counts,
    proven_on: Counts,
    networks: Counts,
    /// The devices of each account that have counts.
    devices: Cache<Account, Vec<DeviceId>>,
}

impl SignInThrottle {
    pub(crate) fn new() -> Self {
        Self {
            inner: Arc::new(Inner {
                deciding: Mutex::default(),
                networks_on: Counts::new(SOURCE_DELAY),
                proven_sources: Counts::new(SOURCE_DELAY),
                strangers_on: Counts::new(STRANGERS_DELAY),
                proven_on: Counts::new(PROVEN_DELAY),
                networks: Counts::new(NETWORK_DELAY),
                devices: Cache::new(MAX_COUNTS),
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
        let _deciding = self.inner.decide();
        let attempt = Attempt {
            inner: self.inner.clone(),
            source: self.inner.admit(account, source, now),
            account,
        };
        let wait = attempt.wait(now);
        if !wait.is_zero() {
            return Err(wait);
        }
        attempt.add(now);
        Ok(attempt)
    }

    /// Starts the counts of an account again, also those of a network of strangers on it: its password is another one, so
    /// all guesses were in vain, and its owner is about to sign in as a stranger.
    pub(crate) fn password_was_reset(&self, email: &Email, network: Option<ClientNetwork>) {
        let account = Account(Sha256::digest(email.as_str()).into());
        let keys = [
            network.map(|network| Key::NetworkOn(account, network)),
            Some(Key::StrangersOn(account)),
            Some(Key::ProvenOn(account)),
        ];
        let _deciding = self.inner.decide();
        for key in keys.into_iter().flatten() {
            self.inner.counts(&key).forget(&key);
        }
    }
}

impl Inner {
    fn decide(&self) -> MutexGuard<'_, ()> {
        // It guards no data that a panic could leave half-changed.
        self.deciding.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counts(&self, key: &Key) -> &Counts {
        match key {
            Key::NetworkOn(..) => &self.networks_on,
            Key::DeviceOn(..) | Key::SessionOn(..) => &self.proven_sources,
            Key::StrangersOn(_) => &self.strangers_on,
            Key::ProvenOn(_) => &self.proven_on,
            Key::Network(_) => &self.networks,
        }
    }

    /// The source that the attempt counts for. A known device counts as a stranger if too many others have counts.
    fn admit(&self, account: Account, source: Source, now: Timestamp) -> Source {
        let Source::KnownDevice(device, network) = source else {
            return source;
        };
        let mut devices = self.devices.get(&account).unwrap_or_default();
        devices.retain(|other| {
            let key = Key::DeviceOn(account, *other);
            *other != device && self.proven_sources.get(&key, now).is_some()
        });
        if devices.len() >= MAX_DEVICES {
            return Source::Stranger(network);
        }
        devices.push(device);
        self.devices.insert(account, devices);
        source
    }
}

/// A password that is being checked. It counts as wrong if this is dropped.
#[must_use]
pub(crate) struct Attempt {
    inner: Arc<Inner>,
    account: Account,
    source: Source,
}

impl Attempt {
    /// Where the attempt comes from. A known device is a stranger here if too many devices of the account have counts.
    pub(crate) const fn source(&self) -> Source {
        self.source
    }

    /// The password was right.
    pub(crate) fn succeeded(self) {
        let _deciding = self.inner.decide();
        for key in self.keys() {
            match key {
                Key::Network(_) => self.inner.counts(&key).undo(key),
                _ => self.inner.counts(&key).forget(&key),
            }
        }
    }

    /// The password was not checked, because the server was too busy. The attempt revealed nothing. A stranger's still
    /// counts for its network: otherwise a flood could continue without delay.
    pub(crate) fn was_turned_away(self) {
        let _deciding = self.inner.decide();
        let keys = self.keys();
        for key in keys.filter(|key| !matches!(key, Key::Network(_))) {
            self.inner.counts(&key).undo(key);
        }
    }

    /// The password could not be checked, so the attempt revealed nothing.
    pub(crate) fn could_not_be_checked(self) {
        let _deciding = self.inner.decide();
        for key in self.keys() {
            self.inner.counts(&key).undo(key);
        }
    }

    /// What the attempt counts by. Without a network, all strangers would share one source.
    fn keys(&self) -> impl Iterator<Item = Key> {
        let account = self.account;
        let keys = match self.source {
            Source::Stranger(network) => [
                network.map(|network| Key::NetworkOn(account, network)),
                Some(Key::StrangersOn(account)),
                network.map(Key::Network),
            ],
            Source::KnownDevice(device, _) => [
                Some(Key::DeviceOn(account, device)),
                Some(Key::ProvenOn(account)),
                None,
            ],
            Source::Session(session) => [
                Some(Key::SessionOn(account, session)),
                Some(Key::ProvenOn(account)),
                None,
            ],
        };
        keys.into_iter().flatten()
    }

    fn wait(&self, now: Timestamp) -> Duration {
        let waits = self
            .keys()
            .map(|key| self.inner.counts(&key).wait(&key, now));
        waits.max().unwrap_or_default()
    }

    fn add(&self, now: Timestamp) {
        for key in self.keys() {
            self.inner.counts(&key).add(key, now);
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
struct Counts {
    delay: Delay,
    counts: Cache<Key, Count>,
}

impl Counts {
    fn new(delay: Delay) -> Self {
        Self {
            delay,
            counts: Cache::new(MAX_COUNTS),
        }
    }

    /// The count, unless it has ended. If the clock was set back, the last attempt counts as made now, so that the delay
    /// passes.
    fn get(&self, key: &Key, now: Timestamp) -> Option<Count> {
        let mut count = self.counts.get(key)?;
        if count.last > now {
            count.last = now;
            self.counts.insert(*key, count);
        }
        (since(count.last, now) < ENDS_AFTER).then_some(count)
    }

    fn wait(&self, key: &Key, now: Timestamp) -> Duration {
        self.get(key, now).map_or(Duration::ZERO, |count| {
            let delay = self.delay.after(count.attempts);
            delay.saturating_sub(since(count.last, now))
        })
    }

    fn add(&self, key: Key, now: Timestamp) {
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

    fn undo(&self, key: Key) {
        match self.counts.get(&key) {
            Some(count) if count.attempts > 1 => {
                let attempts = count.attempts - 1;
                self.counts.insert(key, Count { attempts, ..count });
            }
            _ => self.forget(&key),
        }
    }

    fn forget(&self, key: &Key) {
        self.counts.remove(key);
    }
}

/// The time between two instants; zero if the clock was set back.
fn since(then: Timestamp, now: Timestamp) -> Duration {
    let millis = now.epoch_millis().saturating_sub(then.epoch_millis());
    Duration::from_millis(u64::try_from(millis).unwrap_or_default())
}

#[cfg(test)]
mod tests;
