//! Changes, asked for the way people ask for them: by the server functions that the dashboard's pages call, with a
//! signed-in session, and by the command line. Each is recorded with its times and its end.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result, bail};
use checker::history::{Action, Change, Ending, Time, TokenId, Way};
use http::{StatusCode, header};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    client::{Client, Reply, Silence},
    program::{Output, Program, Server},
};

/// Summit Races of the demo data, on the Enterprise plan.
pub(crate) const ORGANISATION: i64 = 903;
/// One of its events, configured.
pub(crate) const EVENT: i64 = 456;
const MEMBER: &str = "member@example.com";
const PASSWORD: &str = "developer-zone-demo";

/// Longer than any fault lasts: what is not answered by then never will be.
const PATIENCE: Duration = Duration::from_secs(45);

/// The run's one clock: monotonic, and the checker's own.
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

/// A token that calls are made with.
pub(crate) struct Key {
    pub(crate) id: TokenId,
    pub(crate) secret: String,
}

/// What a change came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    /// It was answered that nothing was changed, or nobody was there to ask.
    Refused,
    /// The token is not there (any more).
    NoSuchToken,
    /// It may have happened or not.
    Unknown,
}

/// The command line, and the database it works on.
#[derive(Clone)]
pub(crate) struct CommandLine {
    pub(crate) program: Program,
    pub(crate) database_url: String,
}

impl CommandLine {
    /// Runs the command for a change to its end; none where that takes too long.
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

    /// The organisation's tokens: number, and how each begins.
    async fn tokens(&self) -> Result<Vec<(TokenId, String)>> {
        let organisation = ORGANISATION.to_string();
        let list = ["token", "list", "--organisation", &organisation, "--json"];
        let printed = self.program.must_run(&self.database_url, &list).await?;
        let rows: Vec<Value> = serde_json::from_str(&printed)?;
        rows.iter()
            .map(|row| {
                let preview = row["token"].as_str().context("a row has a preview")?;
                let id = row["id"].as_i64().context("a row has a number")?;
                Ok((TokenId(id), preview.trim_end_matches('*').to_owned()))
            })
            .collect()
    }

    /// Deletes what nobody has the secret of: tokens whose creation was not answered.
    pub(crate) async fn remove_all_but(&self, known: &[TokenId]) -> Result<()> {
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

/// Signs in, and gives the cookie that says so on every server.
pub(crate) async fn sign_in(server: &Arc<Server>) -> Result<String> {
    let mut client = Client::new(Arc::clone(server));
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let email = MEMBER.replace('@', "%40");
    let body = format!("email={email}&password={PASSWORD}");
    let answer = client.post("/api/dashboard/sign-in", &form, body, PATIENCE);
    let answer = answer.await.ok().context("signing in was not answered")?;
    let cookie = answer.headers.get(header::SET_COOKIE);
    let session = cookie
        .and_then(|cookie| cookie.to_str().ok())
        .and_then(|cookie| cookie.split(';').next())
        .filter(|cookie| cookie.starts_with("session="));
    match session {
        Some(session) => Ok(session.to_owned()),
        None => bail!("signing in was answered with {}", answer.status),
    }
}

/// Somebody who changes things.
pub(crate) struct Changer {
    clock: Clock,
    command_line: CommandLine,
    session: String,
    servers: Vec<Client>,
    lies: bool,
    /// What was recorded.
    pub(crate) changes: Vec<Change>,
    /// How many were answered with a refusal, or not sent.
    pub(crate) refused: usize,
    /// Answers that no server may give to a change.
    pub(crate) wrong: Vec<String>,
}

impl Changer {
    pub(crate) fn new(
        clock: Clock,
        command_line: CommandLine,
        session: String,
        servers: &[Arc<Server>],
    ) -> Self {
        Self {
            clock,
            command_line,
            session,
            servers: servers.iter().cloned().map(Client::new).collect(),
            lies: false,
            changes: Vec::new(),
            refused: 0,
            wrong: Vec::new(),
        }
    }

    /// From now on a deactivation is recorded as done before it is asked for: what a server does that does not
    /// keep its promise. For showing that it would be found out.
    pub(crate) const fn lie(&mut self) {
        self.lies = true;
    }

    /// Asks for a change other than a creation.
    ///
    /// # Errors
    /// When the command line cannot be run.
    pub(crate) async fn change(&mut self, action: Action, way: Way) -> Result<Outcome> {
        let invoked = self.clock.now();
        let (outcome, ended) = match way {
            Way::Dashboard(server) => self.ask_dashboard(action, server).await,
            Way::CommandLine => self.run_command(action).await?,
        };
        self.record(action, way, invoked, outcome, ended);
        Ok(outcome)
    }

    /// Asks for a token. Nothing if none came of it that anybody knows the secret of.
    ///
    /// # Errors
    /// As [`Changer::change`].
    pub(crate) async fn create(&mut self, way: Way) -> Result<Option<Key>> {
        let invoked = self.clock.now();
        let made = match way {
            Way::Dashboard(server) => {
                let body = json!({ "organisation_id": ORGANISATION });
                let answer = self.post(server, "create-token", &body).await;
                let ended = self.clock.now();
                match answer {
                    Ok(answer) if answer.status == StatusCode::OK => {
                        let made = key_in(&answer.body);
                        if made.is_none() {
                            self.wrong
                                .push("create-token answered without a token".to_owned());
                        }
                        made.map(|made| (made, ended))
                    }
                    answer => {
                        self.outcome("create-token", answer);
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
        // Which number it will get is not known yet, and not part of the command.
        let create = Action::Create(TokenId(0));
        let output = self.command_line.perform(create).await?;
        let ended = self.clock.now();
        let Some(output) = output.filter(|output| output.status.success()) else {
            return Ok(None);
        };
        let secret = output.stdout.trim().to_owned();
        // The list may be out of reach for the moment; the token then stays unused.
        let rows = self.command_line.tokens().await.unwrap_or_default();
        let row = rows
            .into_iter()
            .find(|(_, preview)| !preview.is_empty() && secret.starts_with(preview));
        Ok(row.map(|(id, _)| (Key { id, secret }, ended)))
    }

    /// Starts a command and kills it after a while, unless it has ended before. Whether it was killed.
    ///
    /// # Errors
    /// When the command line cannot be run.
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

    /// `ended`: when that was known; nothing if it never was.
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
                bail!("{action:?} was not understood: {}", output.stderr)
            }
            Some(output) if output.stderr.contains("has no token") => {
                (Outcome::NoSuchToken, Some(now))
            }
            Some(_) => (Outcome::Unknown, Some(now)),
        })
    }

    async fn ask_dashboard(&mut self, action: Action, server: usize) -> (Outcome, Option<Time>) {
        let (name, body) = match action {
            Action::Deactivate(id) | Action::Activate(id) => (
                "set-token-active",
                json!({ "organisation_id": ORGANISATION, "token_id": id, "active": action.sets() }),
            ),
            Action::Delete(id) => (
                "delete-token",
                json!({ "organisation_id": ORGANISATION, "token_id": id }),
            ),
            // The dashboard has no way to change a plan, and creations are asked for by `create`.
            Action::Create(_) | Action::Downgrade | Action::Upgrade => {
                return (Outcome::Refused, None);
            }
        };
        let answer = self.post(server, name, &body).await;
        let now = self.clock.now();
        let given_up = matches!(answer, Err(Silence::TooLate));
        (self.outcome(name, answer), (!given_up).then_some(now))
    }

    async fn post(&mut self, server: usize, name: &str, body: &Value) -> Result<Reply, Silence> {
        let headers = [
            ("content-type", "application/json"),
            ("cookie", self.session.as_str()),
        ];
        let path = format!("/api/dashboard/{name}");
        self.servers[server]
            .post(&path, &headers, body.to_string(), PATIENCE)
            .await
    }

    fn outcome(&mut self, name: &str, answer: Result<Reply, Silence>) -> Outcome {
        let answer = match answer {
            Ok(answer) => answer,
            Err(Silence::NotSent) => return Outcome::Refused,
            Err(Silence::Broken | Silence::TooLate) => return Outcome::Unknown,
        };
        match answer.status {
            StatusCode::OK => Outcome::Done,
            StatusCode::NOT_FOUND => Outcome::NoSuchToken,
            // The plan is closed at the moment, or there are as many tokens as there can be.
            StatusCode::FORBIDDEN | StatusCode::CONFLICT => Outcome::Refused,
            StatusCode::SERVICE_UNAVAILABLE => Outcome::Unknown,
            status => {
                let body = String::from_utf8_lossy(&answer.body);
                self.wrong
                    .push(format!("{name} was answered with {status}: {body}"));
                Outcome::Unknown
            }
        }
    }
}

/// The token in the answer of `create-token`.
fn key_in(body: &[u8]) -> Option<Key> {
    let body: Value = serde_json::from_slice(body).ok()?;
    Some(Key {
        id: TokenId(body["row"]["token"]["id"].as_i64()?),
        secret: body["secret"].as_str()?.to_owned(),
    })
}
