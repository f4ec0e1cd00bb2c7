//! Requests changes as users do, and records each one with its times and its ending.
//!
//! Changes go through the dashboard's server functions, with a signed-in session, or through the command line.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};
use checker::history::{Action, Change, Ending, Time, TokenId, Way};
use http::StatusCode;
use serde_json::Value;
use tokio::time::Instant;

use crate::{
    browser::Browser,
    client::{Client, HttpResponse, NoResponse},
    program::{Output, Program, Server},
};

/// Summit Races of the demo data, on the Enterprise plan.
pub(crate) const ORGANISATION: i64 = 903;
/// One of its configured events.
pub(crate) const EVENT: i64 = 456;
pub(crate) const MEMBER: &str = "member@example.com";
pub(crate) const PASSWORD: &str = "developer-zone-demo";

/// Longer than any fault. A change that has no response after this time will not get one.
const CHANGE_TIMEOUT: Duration = Duration::from_secs(45);

/// The run's only clock. It is monotonic, and independent of the servers.
#[derive(Clone, Copy)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn now(self) -> Time {
        self.0.elapsed()
    }
}

/// A token with its secret, for calls.
pub(crate) struct Key {
    pub(crate) id: TokenId,
    pub(crate) secret: String,
}

/// The result of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    /// The server refused the change, or the request was not sent.
    Refused,
    /// The token does not exist.
    NoSuchToken,
    /// The change may have happened or not.
    Unknown,
}

/// The command line, with the database that it uses.
#[derive(Clone)]
pub(crate) struct CommandLine {
    pub(crate) program: Program,
    pub(crate) database_url: String,
}

impl CommandLine {
    /// Runs the command for a change. Returns `None` if it does not end in time.
    async fn perform(&self, action: Action) -> Result<Option<Output>> {
        let arguments = Self::arguments(action);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.program.run(&self.database_url, &arguments).await
    }

    fn arguments(action: Action) -> Vec<String> {
        let organisation = ORGANISATION.to_string();
        let token = |verb: &str, id: TokenId| {
            [
                "token",
                verb,
                "--organisation",
                &organisation,
                &id.to_string(),
            ]
            .map(str::to_owned)
        };
        match action {
            Action::Deactivate(id) => token("deactivate", id).into(),
            Action::Activate(id) => token("activate", id).into(),
            Action::Delete(id) => token("delete", id).into(),
            Action::Create(_) => ["token", "create", "--organisation", &organisation]
                .into_iter()
                .chain(["--created-by", MEMBER])
                .map(str::to_owned)
                .collect(),
            Action::Downgrade | Action::Upgrade => {
                let plan = if action.sets() { "enterprise" } else { "pro" };
                [
                    "organisation",
                    "set-plan",
                    "--id",
                    &organisation,
                    "--plan",
                    plan,
                ]
                .map(str::to_owned)
                .into()
            }
        }
    }

    /// The organisation's tokens: the ID and the first characters of each.
    async fn tokens(&self) -> Result<Vec<(TokenId, String)>> {
        let organisation = ORGANISATION.to_string();
        let list = ["token", "list", "--organisation", &organisation, "--json"];
        let printed = self.program.must_run(&self.database_url, &list).await?;
        let rows: Vec<Value> = serde_json::from_str(&printed)?;
        rows.iter()
            .map(|row| {
                let preview = row["token"].as_str().context("a row without a preview")?;
                let id = row["id"].as_i64().context("a row without an ID")?;
                Ok((TokenId(id), preview.trim_end_matches('*').to_owned()))
            })
            .collect()
    }

    /// Deletes all tokens except `known`. The others have no known secret, because their creation got no response.
    pub(crate) async fn delete_all_except(&self, known: &[TokenId]) -> Result<()> {
        for (id, _) in self.tokens().await? {
            if !known.contains(&id) {
                let arguments = Self::arguments(Action::Delete(id));
                let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
                self.program
                    .must_run(&self.database_url, &arguments)
                    .await?;
            }
        }
        Ok(())
    }
}

/// Signs in. Returns the cookies, which are valid on every server.
pub(crate) async fn sign_in(server: &Arc<Server>) -> Result<String> {
    sign_in_as(server, MEMBER, PASSWORD).await
}

/// Like [`sign_in`], as any user.
pub(crate) async fn sign_in_as(
    server: &Arc<Server>,
    email: &str,
    password: &str,
) -> Result<String> {
    let mut browser = Browser::new(server, String::new());
    let signed_in = browser.sign_in(email, password).await?;
    signed_in.map_err(|answer| anyhow!("sign-in failed: {answer}"))?;
    Ok(browser.cookies)
}

/// The session in which changes are requested through the dashboard. A new one replaces it after an operator ended it.
pub(crate) struct Session(Mutex<SessionState>);

struct SessionState {
    cookies: Arc<str>,
    is_ending: bool,
}

impl Session {
    pub(crate) fn new(cookies: String) -> Self {
        Self(Mutex::new(SessionState {
            cookies: cookies.into(),
            is_ending: false,
        }))
    }

    /// From now on servers may say that the session has ended.
    pub(crate) fn end(&self) {
        self.state().is_ending = true;
    }

    pub(crate) fn replace(&self, cookies: String) {
        *self.state() = SessionState {
            cookies: cookies.into(),
            is_ending: false,
        };
    }

    fn cookies(&self) -> Arc<str> {
        Arc::clone(&self.state().cookies)
    }

    fn may_have_ended(&self, cookies: &str) -> bool {
        let state = self.state();
        state.is_ending || *state.cookies != *cookies
    }

    fn state(&self) -> MutexGuard<'_, SessionState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A user who requests changes.
pub(crate) struct Changer {
    clock: Clock,
    command_line: CommandLine,
    session: Arc<Session>,
    /// The cookies of the last request to the dashboard.
    sent: Arc<str>,
    servers: Vec<Client>,
    lies: bool,
    /// When the latest change was requested that every server has acknowledged, in nanoseconds of the clock.
    pub(crate) acknowledged: Arc<AtomicU64>,
    /// The recorded changes.
    pub(crate) changes: Vec<Change>,
    /// Number of changes that were refused or not sent.
    pub(crate) refused: usize,
    /// Responses that no server may give to a change.
    pub(crate) wrong: Vec<String>,
}

impl Changer {
    pub(crate) fn new(
        clock: Clock,
        command_line: CommandLine,
        session: Arc<Session>,
        servers: &[Arc<Server>],
    ) -> Self {
        Self {
            clock,
            command_line,
            sent: session.cookies(),
            session,
            servers: servers.iter().cloned().map(Client::new).collect(),
            lies: false,
            acknowledged: Arc::default(),
            changes: Vec::new(),
            refused: 0,
            wrong: Vec::new(),
        }
    }

    /// From now on, records each deactivation as done before it is requested. This looks like a server that breaks its
    /// promise, and proves that the judge would notice.
    pub(crate) const fn lie(&mut self) {
        self.lies = true;
    }

    /// Requests a change other than a creation.
    ///
    /// # Errors
    /// If the command line cannot be run.
    pub(crate) async fn change(&mut self, action: Action, way: Way) -> Result<Outcome> {
        let invoked = self.clock.now();
        let (outcome, ended) = match way {
            Way::Dashboard(server) => self.ask_dashboard(action, server, invoked).await,
            Way::CommandLine => self.run_command(action).await?,
        };
        self.record(action, way, invoked, outcome, ended);
        Ok(outcome)
    }

    /// Creates a token. Returns `None` if the secret did not arrive, even if the token exists.
    ///
    /// # Errors
    /// The same as [`Changer::change`].
    pub(crate) async fn create(&mut self, way: Way) -> Result<Option<Key>> {
        let invoked = self.clock.now();
        let made = match way {
            Way::Dashboard(server) => {
                let body = format!("organisation_id={ORGANISATION}");
                let response = self.post(server, "create-token", &body).await;
                let ended = self.clock.now();
                match response {
                    Ok(response) if response.status == StatusCode::OK => {
                        let made = key_in(&response.body);
                        if made.is_none() {
                            self.wrong
                                .push("create-token responded without a token".to_owned());
                        }
                        made.map(|made| (made, ended))
                    }
                    response => {
                        self.outcome("create-token", response);
                        None
                    }
                }
            }
            Way::CommandLine => self.create_by_command().await?,
        };
        Ok(made.map(|(key, ended)| {
            let action = Action::Create(key.id);
            self.record(action, way, invoked, Outcome::Done, Some(ended));
            key
        }))
    }

    async fn create_by_command(&mut self) -> Result<Option<(Key, Time)>> {
        // The ID is not known yet, and the command does not contain it.
        let create = Action::Create(TokenId(0));
        let output = self.command_line.perform(create).await?;
        let ended = self.clock.now();
        let Some(output) = output.filter(|output| output.status.success()) else {
            return Ok(None);
        };
        let secret = output.stdout.trim().to_owned();
        // The list may fail during a fault. The token then stays unused.
        let rows = self.command_line.tokens().await.unwrap_or_default();
        let row = rows
            .into_iter()
            .find(|(_, preview)| !preview.is_empty() && secret.starts_with(preview));
        Ok(row.map(|(id, _)| (Key { id, secret }, ended)))
    }

    /// Starts a command and kills it after a while, unless it has ended before. Returns whether it was killed.
    ///
    /// # Errors
    /// If the command line cannot be run.
    pub(crate) async fn change_and_kill(
        &mut self,
        action: Action,
        after: Duration,
    ) -> Result<bool> {
        let invoked = self.clock.now();
        let arguments = CommandLine::arguments(action);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let CommandLine {
            program,
            database_url,
        } = &self.command_line;
        let mut child = program.start(database_url, &arguments)?;
        let ended = tokio::time::timeout(after, child.wait()).await;
        let outcome = match &ended {
            Ok(status) if status.as_ref().is_ok_and(|status| status.success()) => Outcome::Done,
            Ok(_) => Outcome::Unknown,
            Err(_) => {
                child.kill().await?;
                Outcome::Unknown
            }
        };
        let now = Some(self.clock.now());
        self.record(action, Way::CommandLine, invoked, outcome, now);
        Ok(ended.is_err())
    }

    /// Records a change. `ended` is the time when the outcome was known, or `None` if it never was.
    fn record(
        &mut self,
        action: Action,
        way: Way,
        invoked: Time,
        outcome: Outcome,
        ended: Option<Time>,
    ) {
        let ending = match (outcome, ended) {
            (Outcome::Done, Some(_)) if self.lies && matches!(action, Action::Deactivate(_)) => {
                Ending::Done(invoked)
            }
            (Outcome::Done, Some(ended)) => Ending::Done(ended),
            (Outcome::Unknown, Some(ended)) => Ending::Lost(ended),
            (Outcome::Done | Outcome::Unknown, None) => Ending::Open,
            (Outcome::Refused | Outcome::NoSuchToken, _) => {
                self.refused += 1;
                return;
            }
        };
        self.changes.push(Change {
            action,
            way,
            invoked,
            ending,
        });
    }

    async fn run_command(&self, action: Action) -> Result<(Outcome, Option<Time>)> {
        let output = self.command_line.perform(action).await?;
        let now = self.clock.now();
        Ok(match output {
            None => (Outcome::Unknown, None),
            Some(output) if output.status.success() => (Outcome::Done, Some(now)),
            Some(output) if output.status.code() == Some(2) => {
                bail!("the command line rejected {action:?}: {}", output.stderr)
            }
            Some(output) if output.stderr.contains("has no token") => {
                (Outcome::NoSuchToken, Some(now))
            }
            Some(_) => (Outcome::Unknown, Some(now)),
        })
    }

    async fn ask_dashboard(
        &mut self,
        action: Action,
        server: usize,
        invoked: Time,
    ) -> (Outcome, Option<Time>) {
        let (name, id) = match action {
            Action::Deactivate(id) => ("deactivate-token", id),
            Action::Activate(id) => ("activate-token", id),
            Action::Delete(id) => ("delete-token", id),
            // The dashboard cannot change a plan, and `create` handles creations.
            Action::Create(_) | Action::Downgrade | Action::Upgrade => {
                return (Outcome::Refused, None);
            }
        };
        let body = format!("organisation_id={ORGANISATION}&token_id={id}");
        let response = self.post(server, name, &body).await;
        let now = self.clock.now();
        if let Ok(response) = &response
            && is_acknowledged_by(self.servers.len(), &response.body)
        {
            let invoked = u64::try_from(invoked.as_nanos()).unwrap_or_default();
            self.acknowledged.fetch_max(invoked, Ordering::Relaxed);
        }
        let timed_out = matches!(response, Err(NoResponse::TimedOut));
        (self.outcome(name, response), (!timed_out).then_some(now))
    }

    async fn post(
        &mut self,
        server: usize,
        name: &str,
        body: &str,
    ) -> Result<HttpResponse, NoResponse> {
        self.sent = self.session.cookies();
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("cookie", &*self.sent),
        ];
        let path = format!("/api/dashboard/{name}");
        self.servers[server]
            .post(&path, &headers, body.to_owned(), CHANGE_TIMEOUT)
            .await
    }

    fn outcome(&mut self, name: &str, response: Result<HttpResponse, NoResponse>) -> Outcome {
        let response = match response {
            Ok(response) => response,
            Err(NoResponse::NotSent) => return Outcome::Refused,
            Err(NoResponse::Broken | NoResponse::TimedOut) => return Outcome::Unknown,
        };
        match response.status {
            StatusCode::OK => Outcome::Done,
            StatusCode::NOT_FOUND => Outcome::NoSuchToken,
            // The plan does not include the API at the moment, the limit of tokens is reached, or the member has recorded
            // too much. The next try may use the command line.
            StatusCode::FORBIDDEN | StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS => {
                Outcome::Refused
            }
            StatusCode::UNAUTHORIZED if self.session.may_have_ended(&self.sent) => Outcome::Refused,
            StatusCode::SERVICE_UNAVAILABLE => Outcome::Unknown,
            status => {
                let body = String::from_utf8_lossy(&response.body);
                self.wrong
                    .push(format!("{name} responded with {status}: {body}"));
                Outcome::Unknown
            }
        }
    }
}

/// Whether a receipt says that so many servers have acknowledged the change, and that no lease ran out.
fn is_acknowledged_by(servers: usize, receipt: &[u8]) -> bool {
    let receipt: Value = serde_json::from_slice(receipt).unwrap_or_default();
    let acknowledged = &receipt["acknowledged"];
    acknowledged["servers"] == servers && acknowledged["ended_leases"] == 0
}

/// The token in the response of `create-token`.
pub(crate) fn key_in(body: &[u8]) -> Option<Key> {
    let body: Value = serde_json::from_slice(body).ok()?;
    Some(Key {
        id: TokenId(body["row"]["token"]["id"].as_i64()?),
        secret: body["secret"].as_str()?.to_owned(),
    })
}
