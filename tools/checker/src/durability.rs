//! The durability run: kills one server and commands during changes, many times, on each engine.
//!
//! After each restart, a caller uses every known token once. Changes that were reported as done before must be in
//! force. The same judge decides as for revocation runs.
//!
//! `kill -9` ends a process, not the machine, so data that the program gave to the operating system survives.
//! Durability after a power cut depends on the settings that the store checks at start (SQLite) and on PostgreSQL's
//! settings.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use checker::history::{Action, Call, Change, Ending, History, Time, Way};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::{task::JoinSet, time::sleep};

use crate::{
    caller::Caller,
    changer::{Changer, Clock, CommandLine, Key, Outcome, Session, sign_in},
    database::{PostgresDatabase, sqlite_in},
    program::{Program, Server},
    report::{Report, is_refusal},
    signals::until_signal,
};

/// Number of tokens that are deactivated and activated: two through the dashboard, one through commands.
const SWITCHED: usize = 3;
/// Number of recently deleted tokens that are used for calls after each restart.
const MAX_DELETED: usize = 30;
const KILLS: &str = "kill -9 of the server";
const COMMANDS_KILLED: &str = "kill -9 of a command";

/// Runs on SQLite, then on PostgreSQL. Each round is `pace` times longer than usual.
///
/// # Errors
/// If the run itself fails: no PostgreSQL, no program, or a server that does not start.
pub(crate) async fn run(
    seed: u64,
    rounds: usize,
    pace: u32,
    program: &Program,
    folder: &Path,
) -> Result<Vec<Report>> {
    eprintln!("SQLite");
    // SQLite has only one server, so a change never waits for a lease.
    let sqlite = run_on(
        sqlite_in(folder),
        seed,
        rounds,
        pace,
        program,
        Duration::ZERO,
    );
    let sqlite = until_signal(sqlite).await?;
    eprintln!("PostgreSQL");
    let database = PostgresDatabase::create("durability").await?;
    let lease = program.lease();
    let postgres = run_on(database.url(None)?, seed, rounds, pace, program, lease);
    let postgres = until_signal(postgres).await;
    database.drop().await?;
    Ok(vec![sqlite, postgres?])
}

/// A user who requests changes in every round.
struct Worker {
    changer: Changer,
    rng: StdRng,
    work: Work,
}

enum Work {
    /// Deactivates and activates a token through the dashboard.
    Switch(Key),
    /// Deactivates and activates a token through commands, which may be killed.
    Command(Key),
    /// Creates and deletes tokens.
    Replace { live: Vec<Key>, deleted: Vec<Key> },
}

/// `wait` is the minimum time until a change is reported as done. A round is long enough for several changes.
async fn run_on(
    database_url: String,
    seed: u64,
    rounds: usize,
    pace: u32,
    program: &Program,
    wait: Duration,
) -> Result<Report> {
    program.must_run(&database_url, &["demo"]).await?;
    let server = Server::start(0, program.clone(), database_url.clone()).await?;
    let server = Arc::new(server);
    let command_line = CommandLine {
        program: program.clone(),
        database_url,
    };
    let clock = Clock::start();
    let session = Arc::new(Session::new(sign_in(&server).await?));
    let changer = || {
        Changer::new(
            clock,
            command_line.clone(),
            Arc::clone(&session),
            &[Arc::clone(&server)],
        )
    };
    let mut rng = StdRng::seed_from_u64(seed);
    let mut workers = Vec::new();
    for number in 0..=SWITCHED {
        let mut changer = changer();
        let key = changer.create(Way::Dashboard(0)).await?;
        let key = key.context("a token could not be created")?;
        let work = match number {
            0 => Work::Command(key),
            SWITCHED => Work::Replace {
                live: vec![key],
                deleted: Vec::new(),
            },
            _ => Work::Switch(key),
        };
        workers.push(Worker {
            changer,
            rng: StdRng::from_rng(&mut rng),
            work,
        });
    }

    let mut calls = Vec::new();
    let mut faults = BTreeMap::from([(KILLS, 0), (COMMANDS_KILLED, 0)]);
    for _ in 0..rounds {
        let mut working = JoinSet::new();
        for worker in workers.drain(..) {
            working.spawn(worker.work_until_killed());
        }
        let base = Duration::from_millis(rng.random_range(40..400));
        sleep(pace * (base + wait.mul_f64(rng.random_range(0.0..4.0)))).await;
        server.kill().await?;
        *faults.entry(KILLS).or_default() += 1;
        while let Some(worker) = working.join_next().await {
            let (worker, killed) = worker??;
            *faults.entry(COMMANDS_KILLED).or_default() += killed;
            workers.push(worker);
        }
        server.restart().await?;
        let known: Vec<_> = workers
            .iter()
            .flat_map(Worker::live)
            .map(|key| key.id)
            .collect();
        command_line.delete_all_except(&known).await?;
        calls.extend(call_with_every_token(clock, &server, &workers).await);
    }
    Ok(report(rounds, calls, workers, faults))
}

impl Worker {
    /// Requests one change after another until the server is killed. Returns how many commands were killed.
    async fn work_until_killed(mut self) -> Result<(Self, usize)> {
        let killed = match &mut self.work {
            Work::Switch(key) => {
                switch_until_killed(&mut self.changer, key, self.rng.random()).await?;
                0
            }
            Work::Command(key) => {
                // Commands work without a server, so each round has a fixed number of them.
                let mut killed = 0;
                for action in [Action::Deactivate(key.id), Action::Activate(key.id)] {
                    if self.rng.random_ratio(1, 4) {
                        self.changer.change(action, Way::CommandLine).await?;
                    }
                    let after = Duration::from_millis(self.rng.random_range(1..120));
                    killed += usize::from(self.changer.change_and_kill(action, after).await?);
                }
                killed
            }
            Work::Replace { live, deleted } => {
                replace_until_killed(&mut self.changer, live, deleted).await?;
                0
            }
        };
        Ok((self, killed))
    }

    fn live(&self) -> &[Key] {
        match &self.work {
            Work::Switch(key) | Work::Command(key) => std::slice::from_ref(key),
            Work::Replace { live, .. } => live,
        }
    }

    fn deleted(&self) -> &[Key] {
        match &self.work {
            Work::Switch(_) | Work::Command(_) => &[],
            Work::Replace { deleted, .. } => deleted,
        }
    }
}

async fn switch_until_killed(changer: &mut Changer, key: &Key, mut active: bool) -> Result<()> {
    loop {
        let action = if active {
            Action::Deactivate(key.id)
        } else {
            Action::Activate(key.id)
        };
        if changer.change(action, Way::Dashboard(0)).await? != Outcome::Done {
            return Ok(());
        }
        active = !active;
    }
}

async fn replace_until_killed(
    changer: &mut Changer,
    live: &mut Vec<Key>,
    deleted: &mut Vec<Key>,
) -> Result<()> {
    loop {
        // Keep one token, so that a call always has to be accepted.
        while live.len() > 1 {
            let key = live.remove(0);
            let outcome = changer
                .change(Action::Delete(key.id), Way::Dashboard(0))
                .await?;
            // The token may still exist. The judge knows which deletions were reported as done.
            deleted.push(key);
            if !matches!(outcome, Outcome::Done | Outcome::NoSuchToken) {
                return Ok(());
            }
        }
        match changer.create(Way::Dashboard(0)).await? {
            Some(key) => live.push(key),
            None => return Ok(()),
        }
    }
}

async fn call_with_every_token(
    clock: Clock,
    server: &Arc<Server>,
    workers: &[Worker],
) -> Vec<Call> {
    let mut caller = Caller::new(clock, Arc::clone(server));
    let mut calls = Vec::new();
    for worker in workers {
        let deleted = worker.deleted().iter().rev().take(MAX_DELETED);
        for key in worker.live().iter().chain(deleted) {
            calls.push(caller.ping(key).await);
        }
    }
    calls
}

fn report(
    rounds: usize,
    calls: Vec<Call>,
    workers: Vec<Worker>,
    faults: BTreeMap<&'static str, usize>,
) -> Report {
    let (mut changes, mut wrong, mut refused) = (Vec::<Change>::new(), Vec::new(), 0);
    for worker in workers {
        changes.extend(worker.changer.changes);
        wrong.extend(worker.changer.wrong);
        refused += worker.changer.refused;
    }
    let history = History {
        calls,
        changes,
        ..History::default()
    };
    let mut report = Report::new(history, wrong, refused, faults);
    for name in ["creation", "deletion", "deactivation", "activation"] {
        let found = report.done(name);
        report.require(
            format!("changes done of the kind `{name}`"),
            rounds / 5,
            found,
        );
    }
    let unknown = report.changes(|_, way, ending| {
        matches!(way, Way::Dashboard(_)) && matches!(ending, Ending::Lost(_))
    });
    report.require(
        "changes during which the server was killed",
        rounds / 2,
        unknown,
    );
    let killed = report.faults.get(COMMANDS_KILLED).copied();
    report.require("commands killed", rounds / 10, killed.unwrap_or_default());
    let (accept, refuse) = (report.had_to_accept(), report.had_to_refuse());
    report.require("calls that had to be accepted", rounds, accept);
    report.require("calls that had to be refused", rounds, refuse);
    let refused = report.calls(0, Time::ZERO, is_refusal);
    report.require("calls refused", rounds, refused);
    let received = report.calls(0, Time::ZERO, |response| {
        *response != checker::history::Response::None
    });
    let made = report.history.calls.len();
    report.require("calls with a response after a restart", made, received);
    report
}
