//! The attackers of a siege. Each repeats one kind of request, from addresses of its own.

use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use checker::history::TokenId;
use model::session::SESSION_COOKIE;
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    runtime::{Builder, Runtime},
    sync::Semaphore,
    time::{MissedTickBehavior, interval, sleep, timeout},
};

use crate::{
    browser::Browser,
    changer::MEMBER,
    client::{Client, connect_from},
    program::Server,
};

/// An organisation whose member attacks the others. It is on the Enterprise plan.
pub(crate) const ATTACKERS_ORGANISATION: i64 = 904;
/// Two organisations of [`FLOODER`].
const SELECTED: [i64; 2] = [906, 907];
/// A user who selects one organisation after another.
pub(crate) const FLOODER: &str = "admin@example.com";
/// A member of [`ATTACKERS_ORGANISATION`], who renames a token.
pub(crate) const RECORDER: &str = "other@example.com";

/// How many connections come from one address, if they are to come from many.
const CONNECTIONS_PER_ADDRESS: usize = 60;
/// Ends the wait for an attack that does not begin.
const BEGIN_TIMEOUT: Duration = Duration::from_secs(120);
/// How much the attackers' thread yields to the server, whose processors it shares (`nice`).
const NICENESS: i32 = 10;

/// A kind of attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attack {
    /// Strangers sign in with made-up emails. Each request comes from a made-up address.
    MadeUpEmails,
    /// One account selects one organisation after another, with several sessions and many connections.
    Account,
    /// Strangers poll the table of tokens with a made-up session cookie.
    MadeUpSession,
    /// One address opens every connection that the server accepts, and sends nothing after its first request.
    Connections,
    /// One member changes what is recorded in the audit trail.
    Trail,
    /// Strangers sign in as the owner with wrong passwords. Each request comes from a made-up address.
    OwnersEmail,
}

impl Attack {
    /// The last one slows down further sign-ins as the owner.
    pub(crate) const EACH: [Self; 6] = [
        Self::MadeUpEmails,
        Self::Account,
        Self::MadeUpSession,
        Self::Connections,
        Self::Trail,
        Self::OwnersEmail,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::MadeUpEmails => "sign-ins with made-up emails",
            Self::Account => "one account selects organisations",
            Self::MadeUpSession => "polls with a made-up session",
            Self::Connections => "idle connections of one address",
            Self::Trail => "one member renames a token",
            Self::OwnersEmail => "sign-ins with the owner's email",
        }
    }

    /// The answer that limits this attack to its share. None if it needs no limit, because its requests cost little.
    pub(crate) const fn limit(self) -> Option<&'static str> {
        match self {
            Self::MadeUpEmails => Some("turned away"),
            Self::Account | Self::Trail => Some("429"),
            Self::MadeUpSession => None,
            Self::Connections => Some("closed"),
            Self::OwnersEmail => Some("must wait"),
        }
    }

    /// How many requests a second all attackers together send at most.
    const fn rate(self) -> u32 {
        match self {
            Self::MadeUpEmails | Self::OwnersEmail => 300,
            Self::Connections | Self::Trail => 500,
            Self::Account | Self::MadeUpSession => 2_000,
        }
    }

    /// The number of attackers, each with one connection, if the server accepts this many connections.
    fn attackers(self, accepted: usize) -> usize {
        match self {
            Self::MadeUpEmails | Self::OwnersEmail => 60,
            Self::Account => (accepted / 2).min(4_400),
            Self::MadeUpSession => (accepted / 2).min(2_500),
            Self::Connections => accepted + 60,
            Self::Trail => 32,
        }
    }
}

/// What the attackers attack.
pub(crate) struct Target {
    pub(crate) server: Arc<Server>,
    /// The number of connections that the server accepts.
    pub(crate) accepted: usize,
    /// The cookies of the sessions of [`FLOODER`].
    pub(crate) flooder: Vec<String>,
    /// The cookies of the sessions of [`RECORDER`].
    pub(crate) recorder: Vec<String>,
    /// The token that [`RECORDER`] renames.
    pub(crate) token: TokenId,
}

/// How often each answer was given.
#[derive(Clone, Default)]
pub(crate) struct Answers(Arc<Mutex<BTreeMap<String, u64>>>);

impl Answers {
    fn count(&self, answer: String) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(answer).or_default() += 1;
    }

    pub(crate) fn counts(&self) -> BTreeMap<String, u64> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.clone()
    }
}

/// An attack under way. Dropping it ends the attack.
///
/// It has one thread of its own, so that it takes neither the server's second processor nor the time of the requests
/// that are measured. Real attackers take no time of the server's processors.
pub(crate) struct Attackers {
    runtime: Option<Runtime>,
    count: u32,
    begun: Arc<Semaphore>,
    pub(crate) answers: Answers,
}

impl Attackers {
    /// Begins an attack.
    pub(crate) fn begin(attack: Attack, target: &Arc<Target>, rng: &mut StdRng) -> Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .on_thread_start(|| {
                // If this fails, the attack is only stronger.
                let _ = rustix::process::nice(NICENESS);
            })
            .build()?;
        let count = u32::try_from(attack.attackers(target.accepted))?;
        let begun = Arc::new(Semaphore::new(0));
        let answers = Answers::default();
        let every = Duration::from_secs(1) * count / attack.rate();
        for number in 0..count {
            let attacker = Attacker {
                attack,
                browser: browser(attack, target, number as usize),
                target: Arc::clone(target),
                answers: answers.clone(),
                begun: Some(Arc::clone(&begun)),
                rng: StdRng::from_rng(rng),
            };
            runtime.spawn(attacker.attack(every, every * number / count));
        }
        Ok(Self {
            runtime: Some(runtime),
            count,
            begun,
            answers,
        })
    }

    /// Waits until each attacker has an answer, or its connection.
    pub(crate) async fn begun(&self) -> Result<()> {
        let all = timeout(BEGIN_TIMEOUT, self.begun.acquire_many(self.count)).await;
        all.context("the attack did not begin")??.forget();
        Ok(())
    }
}

impl Drop for Attackers {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The browser of an attacker, with the cookies of its attack.
fn browser(attack: Attack, target: &Target, number: usize) -> Browser {
    let one_of = |sessions: &[String]| sessions[number % sessions.len()].clone();
    let network = u8::try_from(number / CONNECTIONS_PER_ADDRESS).unwrap_or(u8::MAX);
    Browser {
        client: Client::at(
            Arc::clone(&target.server),
            Ipv4Addr::new(127, 100, network, 1),
        ),
        cookies: match attack {
            Attack::Account => one_of(&target.flooder),
            Attack::Trail => one_of(&target.recorder),
            Attack::MadeUpSession => format!("{SESSION_COOKIE}={}", "7f".repeat(40)),
            Attack::MadeUpEmails | Attack::Connections | Attack::OwnersEmail => String::new(),
        },
    }
}

struct Attacker {
    attack: Attack,
    browser: Browser,
    target: Arc<Target>,
    answers: Answers,
    /// Gets a permit when this attacker has begun. None after that.
    begun: Option<Arc<Semaphore>>,
    rng: StdRng,
}

impl Attacker {
    async fn attack(mut self, every: Duration, after: Duration) {
        sleep(after).await;
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let answer = self.request().await;
            self.answers
                .count(answer.unwrap_or_else(|_| "no answer".to_owned()));
            self.has_begun();
        }
    }

    fn has_begun(&mut self) {
        if let Some(begun) = self.begun.take() {
            begun.add_permits(1);
        }
    }

    /// Sends one request. Returns the answer in a word or two.
    async fn request(&mut self) -> Result<String> {
        match self.attack {
            Attack::MadeUpEmails => {
                let email = format!("{:x}@example.com", self.rng.random::<u64>());
                self.sign_in(&email).await
            }
            Attack::OwnersEmail => self.sign_in(MEMBER).await,
            Attack::Account => {
                let organisation = SELECTED[self.rng.random_range(0..SELECTED.len())];
                let body = format!("organisation_id={organisation}");
                self.form("select-organisation", &body).await
            }
            Attack::Trail => {
                let token = self.target.token;
                let name = format!("{:040x}", self.rng.random::<u128>());
                let body = format!(
                    "organisation_id={ATTACKERS_ORGANISATION}&token_id={token}&name={name}"
                );
                self.form("rename-token", &body).await
            }
            Attack::MadeUpSession => {
                let body = r#"{"organisation_id":903,"seen":null}"#.to_owned();
                let kind = "application/json";
                let response = self.browser.post("watch-tokens", kind, body).await?;
                Ok(response.status.as_u16().to_string())
            }
            Attack::Connections => self.hold().await,
        }
    }

    async fn form(&mut self, name: &str, body: &str) -> Result<String> {
        let response = self.browser.form(name, body).await?;
        Ok(response.status.as_u16().to_string())
    }

    /// Tries a wrong password from a made-up address.
    async fn sign_in(&mut self, email: &str) -> Result<String> {
        let address = Ipv4Addr::new(
            127,
            self.rng.random_range(128..=254),
            self.rng.random(),
            self.rng.random_range(1..=254),
        );
        self.browser.client = Client::at(Arc::clone(&self.target.server), address);
        let signed_in = self.browser.sign_in(email, "not the password").await?;
        Ok(signed_in.err().unwrap_or("signed in".to_owned()))
    }

    /// Holds a connection until the server closes it.
    async fn hold(&mut self) -> Result<String> {
        let server = self.target.server.address().context("the server is down")?;
        let mut stream = connect_from(Ipv4Addr::new(127, 66, 0, 1), server).await?;
        stream
            .write_all(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            .await?;
        self.has_begun();
        let mut buffer = [0; 1024];
        let mut is_open = false;
        while let Ok(1..) = stream.read(&mut buffer).await {
            if !is_open {
                self.answers.count("opened".to_owned());
                is_open = true;
            }
        }
        Ok("closed".to_owned())
    }
}
