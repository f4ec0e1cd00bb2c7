//! What an owner and a partner do during a siege.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use http::StatusCode;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use crate::{
    browser::Browser,
    changer::{EVENT, Key, MEMBER, ORGANISATION, PASSWORD, key_in},
    client::Client,
};

/// Ends the wait for a server that hangs.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// The maximum number of changes of one kind in a long phase. An account may record 300 at once, and its activations and
/// creations count together.
const MAX_CHANGES: u32 = 140;

/// How long the owner and the partner work.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Length {
    /// A few times each. Who was refused stops.
    Short,
    /// For this time.
    Time(Duration),
}

/// The owner with three known browsers, and a partner.
pub(crate) struct Defenders {
    /// Deactivates and activates a token.
    pub(crate) stopper: Browser,
    /// That token.
    pub(crate) token: Switched,
    /// Signs in again and again.
    pub(crate) signer: Browser,
    /// Creates and deletes tokens.
    pub(crate) creator: Browser,
    /// Calls the API from a network of its own.
    pub(crate) partner: Client,
    /// The partner's token.
    pub(crate) key: String,
}

/// A token that is deactivated and activated.
pub(crate) struct Switched {
    key: Key,
    /// The names of the two server functions. Older servers, which are besieged for comparison, have one for both.
    activate: &'static str,
    deactivate: &'static str,
}

/// Everything that was done during a phase.
#[derive(Debug, Default)]
pub(crate) struct Work {
    pub(crate) deactivations: Record,
    pub(crate) activations: Record,
    pub(crate) sign_ins: Record,
    pub(crate) creations: Record,
    pub(crate) deletions: Record,
    pub(crate) calls: Record,
}

impl Work {
    pub(crate) const fn each(&self) -> [(&'static str, &Record); 6] {
        [
            ("deactivations", &self.deactivations),
            ("activations", &self.activations),
            ("sign-ins", &self.sign_ins),
            ("creations", &self.creations),
            ("deletions", &self.deletions),
            ("calls", &self.calls),
        ]
    }
}

/// What was done of one kind, and what was not.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// How long each success took.
    pub(crate) took: Vec<Duration>,
    /// The answer to each failure.
    pub(crate) refused: Vec<String>,
}

impl Record {
    async fn time<T>(&mut self, work: impl Future<Output = Result<T>>) -> Option<T> {
        let begun = Instant::now();
        match work.await {
            Ok(done) => {
                self.took.push(begun.elapsed());
                Some(done)
            }
            Err(error) => {
                self.refused.push(format!("{error:#}"));
                None
            }
        }
    }

    pub(crate) const fn attempted(&self) -> usize {
        self.took.len() + self.refused.len()
    }
}

/// When the next round of a kind of work begins, and whether there is one.
struct Rounds {
    ticks: Interval,
    begun: Instant,
    length: Length,
    /// How many rounds there are in a short run.
    left: usize,
}

impl Rounds {
    fn new(length: Length, every: Duration, in_short: usize) -> Self {
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            ticks,
            begun: Instant::now(),
            length,
            left: in_short,
        }
    }

    /// Like [`Rounds::new`], for recorded changes.
    fn of_changes(length: Length, every: Duration, in_short: usize) -> Self {
        let every = match length {
            Length::Short => every,
            Length::Time(length) => every.max(length / MAX_CHANGES),
        };
        Self::new(length, every, in_short)
    }

    /// Waits for the next round. False if there is none.
    async fn next(&mut self, records: &[&Record]) -> bool {
        let is_over = match self.length {
            Length::Short => {
                self.left == 0 || records.iter().any(|record| !record.refused.is_empty())
            }
            Length::Time(length) => self.begun.elapsed() >= length,
        };
        if !is_over {
            self.ticks.tick().await;
            self.left = self.left.saturating_sub(1);
        }
        !is_over
    }
}

impl Defenders {
    /// Works for this length: all at the same time. Each round opens a new connection.
    pub(crate) async fn work(&mut self, length: Length) -> Work {
        let mut work = Work::default();
        let Work {
            deactivations,
            activations,
            sign_ins,
            creations,
            deletions,
            calls,
        } = &mut work;
        tokio::join!(
            switch(
                &mut self.stopper,
                &self.token,
                length,
                deactivations,
                activations
            ),
            sign_in(&mut self.signer, length, sign_ins),
            create_and_delete(&mut self.creator, length, creations, deletions),
            call(&mut self.partner, &self.key, length, calls),
        );
        work
    }
}

async fn switch(
    browser: &mut Browser,
    token: &Switched,
    length: Length,
    deactivations: &mut Record,
    activations: &mut Record,
) {
    let mut rounds = Rounds::of_changes(length, Duration::from_millis(250), 4);
    while rounds.next(&[deactivations, activations]).await {
        browser.client.disconnect();
        let stopped = deactivations.time(token.set_active(browser, false)).await;
        if stopped.is_some() && ping(&mut browser.client, &token.key.secret).await.is_ok() {
            let accepted = "a deactivated token was accepted".to_owned();
            deactivations.refused.push(accepted);
        }
        activations.time(token.set_active(browser, true)).await;
    }
}

async fn sign_in(browser: &mut Browser, length: Length, sign_ins: &mut Record) {
    let mut rounds = Rounds::of_changes(length, Duration::from_millis(500), 4);
    while rounds.next(&[sign_ins]).await {
        browser.client.disconnect();
        let signed_in = async {
            let signed_in = browser.sign_in(MEMBER, PASSWORD).await?;
            signed_in.map_err(|answer| anyhow!(answer))
        };
        sign_ins.time(signed_in).await;
    }
}

async fn create_and_delete(
    browser: &mut Browser,
    length: Length,
    creations: &mut Record,
    deletions: &mut Record,
) {
    let mut rounds = Rounds::of_changes(length, Duration::from_secs(1), 2);
    while rounds.next(&[creations, deletions]).await {
        browser.client.disconnect();
        if let Some(created) = creations.time(create(browser, ORGANISATION)).await {
            let body = format!("token_id={}&password={PASSWORD}", created.id);
            let deleted = change(browser, "delete-token", ORGANISATION, &body);
            deletions.time(deleted).await;
        }
    }
}

async fn call(partner: &mut Client, key: &str, length: Length, calls: &mut Record) {
    let mut rounds = Rounds::new(length, Duration::from_millis(50), 30);
    while rounds.next(&[calls]).await {
        partner.disconnect();
        calls.time(ping(partner, key)).await;
    }
}

/// Creates a token, with the right password.
pub(crate) async fn create(browser: &mut Browser, organisation: i64) -> Result<Key> {
    let body = format!("password={PASSWORD}");
    let body = change(browser, "create-token", organisation, &body).await?;
    key_in(&body).context("create-token responded without a token")
}

impl Switched {
    /// Creates a token.
    pub(crate) async fn create(browser: &mut Browser) -> Result<Self> {
        let mut token = Self {
            key: create(browser, ORGANISATION).await?,
            activate: "activate-token",
            deactivate: "deactivate-token",
        };
        if token.set_active(browser, false).await.is_err() {
            (token.activate, token.deactivate) = ("set-token-active", "set-token-active");
        }
        token.set_active(browser, true).await?;
        Ok(token)
    }

    async fn set_active(&self, browser: &mut Browser, active: bool) -> Result<()> {
        let (name, password) = if active {
            (self.activate, PASSWORD)
        } else {
            (self.deactivate, "")
        };
        let id = self.key.id;
        let body = format!("token_id={id}&active={active}&password={password}");
        change(browser, name, ORGANISATION, &body).await?;
        Ok(())
    }
}

/// Requests a change, which must be done. Returns the body of the response.
async fn change(
    browser: &mut Browser,
    name: &str,
    organisation: i64,
    fields: &str,
) -> Result<Vec<u8>> {
    let body = format!("organisation_id={organisation}&{fields}");
    let response = browser.form(name, &body).await?;
    let status = response.status;
    let text = String::from_utf8_lossy(&response.body);
    ensure!(status == StatusCode::OK, "{status} {text}");
    Ok(response.body.into())
}

async fn ping(client: &mut Client, key: &str) -> Result<()> {
    let path = format!("/api/v1/ext/{ORGANISATION}/event/{EVENT}/ping");
    let response = client.get(&path, &[("x-api-key", key)], CALL_TIMEOUT).await;
    let response = response.map_err(|error| anyhow!("no response: {error:?}"))?;
    ensure!(response.status == StatusCode::OK, "{}", response.status);
    Ok(())
}
