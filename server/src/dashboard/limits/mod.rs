//! Limits of requests to the dashboard, so that one session, account or network cannot use up the server for the others.
//!
//! Each of the three has a rate and a maximum of requests at the same time. A request counts for the caller's network.
//! With a session key that a server of ours has made, it also counts for the session and its account, until this server
//! reads that the session has ended. Without a session, a device cookie that a server of ours has made counts in the same
//! way. A made-up cookie counts as none, and is recognised without a read of the database.
//!
//! The limits exist once for each kind of request, and one kind does not use up another one's ([`Kind`]). So a stranger
//! who shares a network with a member cannot hinder the member, who can also sign in on a known device. An account that
//! has used up its requests can still deactivate its tokens and sign out.
//!
//! Each server has its own limits.

mod running;

use std::{sync::Arc, time::Duration};

use app::{
    RequestError,
    session::{Cookies, Revocation},
};
use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header::RETRY_AFTER},
    middleware::Next,
    response::{IntoResponse, Response},
};
use model::{
    client::{ClientAddress, ClientNetwork},
    user::UserId,
};
use quanta::Instant;
use store::{Store, device_cookies::DeviceId, sessions::SessionKey};

use self::running::{Run, Running};
use crate::api::throttle::{Key, RateLimit, Throttle, whole_seconds};

/// What each key of one kind may do.
#[derive(Clone, Copy, Debug)]
struct Policy {
    rate: RateLimit,
    /// The maximum number of requests at the same time.
    at_once: usize,
}

/// A browser opens six connections at the same time, and an open page asks every two seconds.
const PER_BROWSER: Policy = Policy {
    rate: RateLimit::a_second(50.0, 150),
    at_once: 8,
};

/// Enough for two busy browsers.
const PER_ACCOUNT: Policy = Policy {
    rate: RateLimit::a_second(100.0, 300),
    at_once: 16,
};

/// Many people can share an address.
const PER_NETWORK: Policy = Policy {
    rate: RateLimit::a_second(300.0, 1_000),
    at_once: 64,
};

/// How long a caller waits if too many of its requests run. They usually take some milliseconds.
const WAIT: Duration = Duration::from_secs(1);

/// The changes that make an account safer. No other request may prevent them.
const NARROWING: [&str; 7] = [
    "/api/dashboard/deactivate-token",
    "/api/dashboard/deactivate-all-tokens",
    "/api/dashboard/delete-token",
    "/api/dashboard/sign-out",
    "/api/dashboard/end-session",
    "/api/dashboard/end-all-sessions",
    "/api/dashboard/change-password",
];

/// Who sends a request.
#[derive(Clone, Copy, Debug)]
struct Sender {
    /// None if the request came over no network, as in tests.
    network: Option<ClientNetwork>,
    /// None without a cookie that a server of ours has made.
    known: Option<Known>,
}

/// What one of our cookies proves. It grants no access.
#[derive(Clone, Copy, Debug)]
struct Known {
    account: UserId,
    by: KnownBy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum KnownBy {
    /// The digest of the session's key.
    Session([u8; 32]),
    /// A device where the account has signed in before.
    Device(DeviceId),
}

/// What a request is for. Each kind has its own limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Anything without a cookie of ours: mainly sign-in.
    Stranger = 0,
    /// Anything from a known device without a session: mainly sign-in.
    KnownDevice = 1,
    /// Pages and changes, in a session.
    Usual = 2,
    /// One of [`NARROWING`], in a session.
    Narrowing = 3,
}

impl Kind {
    fn of(sender: &Sender, path: &str) -> Self {
        match sender.known.map(|known| known.by) {
            None => Self::Stranger,
            Some(KnownBy::Device(_)) => Self::KnownDevice,
            Some(KnownBy::Session(_)) if NARROWING.contains(&path) => Self::Narrowing,
            Some(KnownBy::Session(_)) => Self::Usual,
        }
    }
}

/// The limits of the dashboard.
#[derive(Clone)]
pub(super) struct Limits {
    store: Store,
    cookies: Cookies,
    kinds: Arc<[Budgets; 4]>,
}

impl Limits {
    pub(super) fn new(store: Store, cookies: Cookies) -> Self {
        Self {
            store,
            cookies,
            kinds: Arc::default(),
        }
    }

    /// The first session key in these headers that a server of ours made. If the database cannot be read, the request
    /// itself reports that.
    async fn session(&self, headers: &HeaderMap) -> Option<(SessionKey, Known)> {
        for key in self.cookies.session_keys(headers) {
            if let Ok(Some(account)) = self.store.sessions().owner(&key).await {
                let by = KnownBy::Session(key.digest());
                return Some((key, Known { account, by }));
            }
        }
        None
    }

    /// The known device in these headers, if a server of ours made its cookie.
    async fn device(&self, headers: &HeaderMap) -> Option<Known> {
        for cookie in self.cookies.known_browsers(headers) {
            let device = self.store.sign_in().known_device(&cookie).await;
            if let Ok(Some((device, account))) = device {
                let by = KnownBy::Device(device);
                return Some(Known { account, by });
            }
        }
        None
    }
}

/// Passes a request on if it is within its limits. Otherwise responds 429.
///
/// The request gets its session key as an extension. A [`Kind::Narrowing`] request is marked as a [`Revocation`].
pub(super) async fn layer(
    State(limits): State<Limits>,
    mut request: Request,
    next: Next,
) -> Response {
    let client = request.extensions().get::<ClientAddress>();
    let network = client.map(|client| client.network());
    let known = match limits.session(request.headers()).await {
        Some((key, known)) => {
            request.extensions_mut().insert(key);
            Some(known)
        }
        None => limits.device(request.headers()).await,
    };
    let sender = Sender { network, known };
    let kind = Kind::of(&sender, request.uri().path());
    if kind == Kind::Narrowing {
        request.extensions_mut().insert(Revocation);
    }
    match limits.kinds[kind as usize].begin(&sender, Instant::now()) {
        Ok(_running) => next.run(request).await,
        Err(wait) => {
            tracing::debug!(?kind, "dashboard request refused: too many");
            refusal(whole_seconds(wait))
        }
    }
}

fn refusal(seconds: u64) -> Response {
    let error = Json(RequestError::TooManyRequests(seconds));
    let retry_after = [(RETRY_AFTER, seconds.to_string())];
    (StatusCode::TOO_MANY_REQUESTS, retry_after, error).into_response()
}

/// What one kind of requests may use.
struct Budgets {
    /// For each session, or each known device.
    browsers: Budget<KnownBy>,
    accounts: Budget<UserId>,
    networks: Budget<ClientNetwork>,
}

/// A request that is within its limits, for as long as it runs.
type Runs = (
    Option<Run<KnownBy>>,
    Option<Run<UserId>>,
    Option<Run<ClientNetwork>>,
);

impl Default for Budgets {
    fn default() -> Self {
        Self {
            browsers: Budget::new(PER_BROWSER),
            accounts: Budget::new(PER_ACCOUNT),
            networks: Budget::new(PER_NETWORK),
        }
    }
}

impl Budgets {
    /// Begins a request. The narrowest limit comes first, so that a session that exceeds its own takes nothing from its
    /// account and its network.
    ///
    /// # Errors
    /// The time to wait.
    fn begin(&self, sender: &Sender, now: Instant) -> Result<Runs, Duration> {
        #[cfg(feature = "sabotage")]
        if store::sabotage::no_shares() {
            return Ok((None, None, None));
        }
        let by = sender.known.map(|known| known.by);
        let account = sender.known.map(|known| known.account);
        Ok((
            self.browsers.begin(by, now)?,
            self.accounts.begin(account, now)?,
            self.networks.begin(sender.network, now)?,
        ))
    }
}

struct Budget<K: Key> {
    rate: Throttle<K>,
    running: Running<K>,
    at_once: usize,
}

impl<K: Key> Budget<K> {
    fn new(policy: Policy) -> Self {
        Self {
            rate: Throttle::new("dashboard", policy.rate),
            running: Running::default(),
            at_once: policy.at_once,
        }
    }

    fn begin(&self, key: Option<K>, now: Instant) -> Result<Option<Run<K>>, Duration> {
        let Some(key) = key else {
            return Ok(None);
        };
        let run = self.running.begin(key, self.at_once).ok_or(WAIT)?;
        self.rate.take(key, now).map_err(|exceeded| exceeded.wait)?;
        Ok(Some(run))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn sender(address: &str, account: i64, session: u8) -> Sender {
        let address = ClientAddress::new(address.parse().expect("an address"));
        Sender {
            network: Some(address.network()),
            known: Some(Known {
                account: UserId(account),
                by: KnownBy::Session([session; 32]),
            }),
        }
    }

    /// Sends requests, one after the other, until one is refused. Returns how many there were, and the wait.
    fn exhaust(budgets: &Budgets, senders: &[Sender], now: Instant) -> (u32, Duration) {
        let mut senders = senders.iter().cycle();
        for count in 0.. {
            if let Err(wait) = budgets.begin(senders.next().expect("a sender"), now) {
                return (count, wait);
            }
        }
        unreachable!("every budget ends");
    }

    #[test]
    fn a_session_has_a_burst_and_then_a_rate() {
        let (budgets, mut now) = (Budgets::default(), Instant::now());
        let ada = sender("192.0.2.1", 1, 1);
        let (count, wait) = exhaust(&budgets, &[ada], now);
        assert_eq!((count, wait), (150, SECOND / 50));
        now += wait;
        assert!(budgets.begin(&ada, now).is_ok());
        assert!(budgets.begin(&ada, now).is_err());
        // Another session of the account has its own.
        assert!(budgets.begin(&sender("192.0.2.1", 1, 2), now).is_ok());
    }

    #[test]
    fn an_account_and_a_network_have_a_burst_whatever_sessions_there_are() {
        let now = Instant::now();
        let sessions: Vec<_> = (0..10).map(|n| sender("192.0.2.1", 1, n)).collect();
        let (count, wait) = exhaust(&Budgets::default(), &sessions, now);
        assert_eq!((count, wait), (300, SECOND / 100));
        let accounts: Vec<_> = (0..10).map(|n| sender("192.0.2.1", n.into(), n)).collect();
        let budgets = Budgets::default();
        assert_eq!(exhaust(&budgets, &accounts, now).0, 1_000);
        assert!(budgets.begin(&sender("192.0.3.1", 11, 11), now).is_ok());
    }

    #[test]
    fn changes_that_make_an_account_safer_have_limits_of_their_own() {
        let ada = sender("192.0.2.1", 1, 1);
        let stranger = Sender { known: None, ..ada };
        for path in NARROWING {
            assert_eq!(Kind::of(&ada, path), Kind::Narrowing, "{path}");
            assert_eq!(Kind::of(&stranger, path), Kind::Stranger, "{path}");
        }
        for path in [
            "/api/dashboard/create-token",
            "/api/dashboard/activate-token",
            "/developer-zone",
            "/sign-in",
        ] {
            assert_eq!(Kind::of(&ada, path), Kind::Usual, "{path}");
        }
    }
}
