//! The run that ends sessions: many changes are requested with one session on every server, and the session is ended in
//! their midst. `checker::ends` judges it.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use checker::ends::{Attempt, Mark, Outcome, Reading, Round, Violation};
use http::{StatusCode, header};
use model::{session::SESSION_COOKIE, token::TokenId};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde_json::Value;
use tokio::{task::JoinSet, time::sleep};

use crate::{
    browser::Browser,
    changer::{Clock, CommandLine, ORGANISATION, sign_in_as},
    database::PostgresDatabase,
    program::{Program, Server},
    signals::until_signal,
    verdict::Verdict,
};

/// The user whose sessions end. Everything that changes in organisation 903 changes in this user's name.
const USER: &str = "member@example.com";
const PASSWORD: &str = "four words of a run";
/// Reads what was changed, and is never ended.
const OBSERVER: &str = "admin@example.com";
const OBSERVERS_PASSWORD: &str = "developer-zone-demo";
/// How many requests of a session are under way at the same time, on each server. It allows eight.
const WORKERS_PER_SERVER: usize = 7;
/// Changes that are done before the end is requested.
const DONE_BEFORE: usize = 20;
/// Rounds after which the servers are restarted. They limit in memory how much a user may record.
const ROUNDS_BEFORE_RESTART: usize = 5;

/// A way to end the user's session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    SetPassword,
    SignOut,
    SignOutEverywhere,
    ChangePasswordElsewhere,
    ChangePasswordHere,
    RemoveMember,
    Disable,
}

impl End {
    const EACH: [Self; 7] = [
        Self::SetPassword,
        Self::SignOut,
        Self::SignOutEverywhere,
        Self::ChangePasswordElsewhere,
        Self::ChangePasswordHere,
        Self::RemoveMember,
        Self::Disable,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::SetPassword => "user set-password",
            Self::SignOut => "sign-out",
            Self::SignOutEverywhere => "sign-out everywhere in another session",
            Self::ChangePasswordElsewhere => "change of the password in another session",
            Self::ChangePasswordHere => "change of the password in the same session",
            Self::RemoveMember => "member remove",
            Self::Disable => "user disable",
        }
    }
}

/// The judged rounds.
pub(crate) struct Report(Vec<Round>);

/// Runs on PostgreSQL, where changes of several servers overlap. Each end is tried `rounds` times.
///
/// # Errors
/// If the run itself fails: no PostgreSQL, no program, a server that does not start, or a response that no server may
/// give.
pub(crate) async fn run(
    seed: u64,
    servers: usize,
    rounds: usize,
    program: &Program,
) -> Result<Report> {
    let database = PostgresDatabase::create("ends").await?;
    let outcome = until_signal(run_on(&database, seed, servers, rounds, program)).await;
    database.drop().await?;
    outcome
}

async fn run_on(
    database: &PostgresDatabase,
    seed: u64,
    servers: usize,
    rounds: usize,
    program: &Program,
) -> Result<Report> {
    let database_url = database.url(None)?;
    program.must_run(&database_url, &["demo"]).await?;
    let mut started = Vec::new();
    for number in 0..servers {
        let server = Server::start(number, program.clone(), database_url.clone()).await?;
        started.push(Arc::new(server));
    }
    let observer = sign_in_as(&started[0], OBSERVER, OBSERVERS_PASSWORD).await?;
    let mut run = Run {
        clock: Clock::start(),
        command_line: CommandLine {
            program: program.clone(),
            database_url,
        },
        observer: Browser::new(&started[0], observer),
        servers: started,
        marks: Arc::default(),
        rng: StdRng::seed_from_u64(seed),
    };
    run.end(End::SetPassword, [String::new(), String::new()])
        .await?;
    let mut ends: Vec<_> = (0..rounds).flat_map(|_| End::EACH).collect();
    ends.shuffle(&mut run.rng);
    let mut judged = Vec::new();
    for (number, end) in (1..).zip(ends) {
        judged.push(run.round(end).await?);
        if number % ROUNDS_BEFORE_RESTART == 0 {
            run.restart_servers().await?;
        }
    }
    Ok(Report(judged))
}

struct Run {
    clock: Clock,
    command_line: CommandLine,
    servers: Vec<Arc<Server>>,
    observer: Browser,
    marks: Arc<AtomicU64>,
    rng: StdRng,
}

impl Run {
    async fn round(&mut self, end: End) -> Result<Round> {
        let sessions = [self.sign_in().await?, self.sign_in().await?];
        let token = self.observer.create_token().await?;
        let done = Arc::new(AtomicUsize::new(0));
        let mut working = JoinSet::new();
        for number in 0..WORKERS_PER_SERVER * self.servers.len() {
            let worker = Worker {
                clock: self.clock,
                browser: Browser::new(self.some_server(number), sessions[0].clone()),
                token,
                marks: Arc::clone(&self.marks),
                done: Arc::clone(&done),
                rng: StdRng::from_rng(&mut self.rng),
            };
            working.spawn(worker.work_until_ended());
        }
        while done.load(Ordering::Relaxed) < DONE_BEFORE {
            // A worker that ends now has failed.
            if let Some(ended) = working.try_join_next() {
                ended??;
                bail!("the session ended early");
            }
            sleep(Duration::from_millis(self.rng.random_range(1..20))).await;
        }
        self.end(end, sessions).await?;
        let reported = self.clock.now();
        let mut readings = vec![self.read().await?];
        let mut attempts = Vec::new();
        while let Some(worked) = working.join_next().await {
            attempts.extend(worked??);
        }
        readings.push(self.read().await?);
        self.observer.delete_all_tokens().await?;
        self.bring_back(end).await?;
        Ok(Round {
            end: end.name(),
            reported,
            attempts,
            readings,
        })
    }

    async fn restart_servers(&self) -> Result<()> {
        for server in &self.servers {
            server.kill().await?;
            server.restart().await?;
        }
        Ok(())
    }

    fn some_server(&self, number: usize) -> &Arc<Server> {
        &self.servers[number % self.servers.len()]
    }

    async fn sign_in(&mut self) -> Result<String> {
        let number = self.rng.random_range(0..self.servers.len());
        sign_in_as(self.some_server(number), USER, PASSWORD).await
    }

    /// Ends the first of the user's sessions, and returns when that is reported.
    async fn end(&mut self, end: End, [ended, elsewhere]: [String; 2]) -> Result<()> {
        let server = self.rng.random_range(0..self.servers.len());
        let browser = |session| Browser::new(self.some_server(server), session);
        match end {
            End::SetPassword => self.command("user set-password --password-stdin").await,
            End::RemoveMember => self.command("member remove --organisation 903").await,
            End::Disable => self.command("user disable").await,
            End::SignOut => browser(ended).submit("sign-out", "").await,
            End::SignOutEverywhere => browser(elsewhere).submit("end-all-sessions", "").await,
            End::ChangePasswordElsewhere => browser(elsewhere).change_password().await,
            End::ChangePasswordHere => browser(ended).change_password().await,
        }
    }

    /// Undoes an end that prevents the next round.
    async fn bring_back(&self, end: End) -> Result<()> {
        match end {
            End::RemoveMember => {
                self.command("user create --organisation 903 --password-stdin")
                    .await
            }
            End::Disable => self.command("user enable").await,
            _ => Ok(()),
        }
    }

    /// Runs a command about the user, with the password on standard input.
    async fn command(&self, words: &str) -> Result<()> {
        let arguments: Vec<_> = words.split(' ').chain(["--email", USER]).collect();
        let CommandLine {
            program,
            database_url,
        } = &self.command_line;
        program
            .must_run_with(database_url, &arguments, PASSWORD)
            .await
    }

    async fn read(&mut self) -> Result<Reading> {
        let invoked = self.clock.now();
        let rows = self.observer.rows().await?;
        let completed = self.clock.now();
        let marks = rows.iter().filter_map(|row| mark_of(&row["token"]["name"]));
        Ok(Reading {
            invoked,
            completed,
            seen: marks.collect::<BTreeSet<_>>(),
        })
    }
}

/// The mark in a token's name.
fn mark_of(name: &Value) -> Option<Mark> {
    name.as_str()?.strip_prefix("change ")?.parse().ok()
}

impl Browser {
    /// Submits a form that must succeed. It redirects anywhere but to sign-in with a page to return to.
    async fn submit(&mut self, name: &str, body: &str) -> Result<()> {
        let response = self.form(name, body).await?;
        let to = response.headers.get(header::LOCATION);
        let to = to.and_then(|to| to.to_str().ok()).unwrap_or_default();
        let is_done = response.status == StatusCode::SEE_OTHER && !to.contains('?');
        ensure!(is_done, "{name} responded with {} to {to}", response.status);
        Ok(())
    }

    async fn change_password(&mut self) -> Result<()> {
        let password = PASSWORD.replace(' ', "+");
        let body = format!("current_password={password}&new_password={password}");
        let response = self.form("change-password", &body).await?;
        // Only a success starts a session.
        let cookies = response.headers.get_all(header::SET_COOKIE);
        let mut cookies = cookies.iter().filter_map(|cookie| cookie.to_str().ok());
        let is_done = cookies.any(|cookie| cookie.starts_with(SESSION_COOKIE));
        ensure!(
            is_done,
            "change-password responded with {}",
            response.status
        );
        Ok(())
    }

    async fn create_token(&mut self) -> Result<TokenId> {
        let body = format!("organisation_id={ORGANISATION}");
        let response = self.form("create-token", &body).await?;
        let body: Value = serde_json::from_slice(&response.body)?;
        let id = body["row"]["token"]["id"].as_i64();
        id.map(TokenId)
            .context("create-token responded without a token")
    }

    /// The organisation's tokens.
    async fn rows(&mut self) -> Result<Vec<Value>> {
        let body = serde_json::json!({ "organisation_id": ORGANISATION, "seen": null });
        let response = self
            .post("watch-tokens", "application/json", body.to_string())
            .await?;
        let mut body: Value = serde_json::from_slice(&response.body)?;
        match body["rows"].take() {
            Value::Array(rows) => Ok(rows),
            _ => bail!("watch-tokens responded with {}", response.status),
        }
    }

    /// Deletes some at a time: a session may have eight requests under way.
    async fn delete_all_tokens(&mut self) -> Result<()> {
        let rows = self.rows().await?;
        let ids: Vec<_> = rows
            .iter()
            .filter_map(|row| row["token"]["id"].as_i64())
            .collect();
        for ids in ids.chunks(WORKERS_PER_SERVER) {
            let mut deleting = JoinSet::new();
            for id in ids {
                let mut browser = Self::new(&self.client.server, self.cookies.clone());
                let body = format!("organisation_id={ORGANISATION}&token_id={id}");
                deleting.spawn(async move { browser.form("delete-token", &body).await });
            }
            for response in deleting.join_all().await {
                let status = response?.status;
                ensure!(
                    status == StatusCode::OK,
                    "delete-token responded with {status}"
                );
            }
        }
        Ok(())
    }
}

/// Requests one change after another with the session that is going to end.
struct Worker {
    clock: Clock,
    browser: Browser,
    token: TokenId,
    marks: Arc<AtomicU64>,
    done: Arc<AtomicUsize>,
    rng: StdRng,
}

impl Worker {
    async fn work_until_ended(mut self) -> Result<Vec<Attempt>> {
        let mut attempts = Vec::new();
        loop {
            let attempt = self.attempt().await?;
            attempts.push(attempt);
            match attempt.outcome {
                Outcome::Ended => return Ok(attempts),
                Outcome::Done => drop(self.done.fetch_add(1, Ordering::Relaxed)),
                Outcome::Refused => sleep(Duration::from_millis(10)).await,
            }
        }
    }

    async fn attempt(&mut self) -> Result<Attempt> {
        let mark = self.marks.fetch_add(1, Ordering::Relaxed);
        let (name, body) = if self.rng.random_ratio(1, 8) {
            ("create-token", String::new())
        } else {
            ("rename-token", format!("&token_id={}", self.token))
        };
        let body = format!("organisation_id={ORGANISATION}&name=change+{mark}{body}");
        let invoked = self.clock.now();
        let response = self.browser.form(name, &body).await?;
        let completed = self.clock.now();
        Ok(Attempt {
            mark,
            server: self.browser.client.server.number,
            invoked,
            completed,
            outcome: match response.status {
                StatusCode::OK => Outcome::Done,
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Outcome::Ended,
                // The limit of tokens is reached, or that of requests.
                StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS => Outcome::Refused,
                status => {
                    let body = String::from_utf8_lossy(&response.body);
                    bail!("{name} responded with {status}: {body}")
                }
            },
        })
    }
}

impl Report {
    fn violations(&self) -> impl Iterator<Item = Violation> {
        self.0.iter().flat_map(Round::violations)
    }

    fn sum(&self, end: End, count: impl Fn(&Round) -> usize) -> usize {
        let rounds = self.0.iter().filter(|round| round.end == end.name());
        rounds.map(count).sum()
    }

    /// What the run saw too little of. Such a run proves nothing.
    fn shortfalls(&self) -> Vec<String> {
        let too_few = End::EACH.into_iter().filter_map(|end| {
            let under_way = self.sum(end, Round::under_way);
            let refused = self.sum(end, Round::refused_in_time);
            (under_way == 0).then(|| {
                format!(
                    "no change was under way at the {} ({refused} were refused in time)",
                    end.name()
                )
            })
        });
        too_few.collect()
    }
}

impl Verdict for Report {
    fn passed(&self) -> bool {
        self.shortfalls().is_empty() && self.violations().next().is_none()
    }

    fn caught_a_broken_promise(&self) -> bool {
        self.violations().next().is_some()
    }

    fn saw_too_little(&self) -> bool {
        !self.shortfalls().is_empty() && self.violations().next().is_none()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for end in End::EACH {
            writeln!(
                f,
                "{}: {} changes done, {} under way at its report, {} refused that had begun before",
                end.name(),
                self.sum(end, Round::done),
                self.sum(end, Round::under_way),
                self.sum(end, Round::refused_in_time)
            )?;
        }
        writeln!(f, "violations  {}", self.violations().count())?;
        for violation in self.violations().take(5) {
            writeln!(f, "\nVIOLATION\n{violation}")?;
        }
        for shortfall in self.shortfalls() {
            writeln!(f, "\nTOO FEW  {shortfall}")?;
        }
        Ok(())
    }
}
