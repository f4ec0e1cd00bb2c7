//! One server that is killed again and again in the midst of changes, on each engine, with commands beside it
//! that are killed too. After each start every token is called with once: what was reported as done before
//! must be so, and the judge is the same as for many servers.
//!
//! `kill -9` ends a process, not a machine: what the program has handed to the operating system is not lost. That
//! a power cut loses nothing either rests on the settings that the store asserts at start (SQLite) and on
//! PostgreSQL's own.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use checker::history::{Action, Call, Change, Ending, History, Time, Way};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::{task::JoinSet, time::sleep};

use crate::{
    caller::Caller,
    changer::{Changer, Clock, CommandLine, Key, Outcome, sign_in},
    database::{PostgresDatabase, sqlite_in},
    program::{Program, Server},
    report::{Report, is_refusal},
    until_told_to_stop,
};

/// Tokens that are there from the start, to be deactivated and activated: two by the dashboard, one by commands.
const SWITCHED: usize = 3;
/// So many tokens that were deleted last are called with after each start.
const REMEMBERED: usize = 30;
const KILLS: &str = "kill -9 of the server";
const COMMANDS_KILLED: &str = "kill -9 of a command";

/// Runs on SQLite, then on PostgreSQL.
///
/// # Errors
/// When something other than what is on trial fails: no PostgreSQL, no program, a server that does not start.
pub(crate) async fn run(
    seed: u64,
    rounds: usize,
    program: &Program,
    folder: &Path,
) -> Result<Vec<Report>> {
    eprintln!("SQLite");
    // The only server of a SQLite file waits for nobody.
    let sqlite = run_on(sqlite_in(folder), seed, rounds, program, Duration::ZERO);
    let sqlite = until_told_to_stop(sqlite).await?;
    eprintln!("PostgreSQL");
    let database = PostgresDatabase::create("durability").await?;
    let lease = program.lease().unwrap_or_default();
    let postgres = run_on(database.url(None)?, seed, rounds, program, lease);
    let postgres = until_told_to_stop(postgres).await;
    database.drop().await?;
    Ok(vec![sqlite, postgres?])
}

/// Somebody who changes things in every round, and what they leave for the next.
struct Hand {
    changer: Changer,
    dice: StdRng,
    work: Work,
}

enum Work {
    /// Deactivates and activates a token through the dashboard.
    Switch(Key),
    /// The same by commands, each of which may be killed.
    Command(Key),
    /// Makes and deletes tokens.
    Replace { live: Vec<Key>, deleted: Vec<Key> },
}

/// `wait`: how long a change takes at least until it is reported as done; a round has time for some.
async fn run_on(
    database_url: String,
    seed: u64,
    rounds: usize,
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
    let session = sign_in(&server).await?;
    let changer = || {
        Changer::new(
            clock,
            command_line.clone(),
            session.clone(),
            &[Arc::clone(&server)],
        )
    };
    let mut dice = StdRng::seed_from_u64(seed);
    let mut hands = Vec::new();
    for number in 0..=SWITCHED {
        let mut changer = changer();
        let key = changer.create(Way::Dashboard(0)).await?;
        let key = key.context("no token could be made")?;
        let work = match number {
            0 => Work::Command(key),
            SWITCHED => Work::Replace {
                live: vec![key],
                deleted: Vec::new(),
            },
            _ => Work::Switch(key),
        };
        hands.push(Hand {
            changer,
            dice: StdRng::from_rng(&mut dice),
            work,
        });
    }

    let mut calls = Vec::new();
    let mut faults = BTreeMap::from([(KILLS, 0), (COMMANDS_KILLED, 0)]);
    for _ in 0..rounds {
        let mut working = JoinSet::new();
        for hand in hands.drain(..) {
            working.spawn(hand.work_until_killed());
        }
        let moment = Duration::from_millis(dice.random_range(40..400));
        sleep(moment + wait.mul_f64(dice.random_range(0.0..4.0))).await;
        server.kill().await?;
        *faults.entry(KILLS).or_default() += 1;
        while let Some(hand) = working.join_next().await {
            let (hand, killed) = hand??;
            *faults.entry(COMMANDS_KILLED).or_default() += killed;
            hands.push(hand);
        }
        server.start_again().await?;
        let known: Vec<_> = hands
            .iter()
            .flat_map(Hand::live)
            .map(|key| key.id)
            .collect();
        command_line.remove_all_but(&known).await?;
        calls.extend(look(clock, &server, &hands).await);
    }
    Ok(report(rounds, calls, hands, faults))
}

impl Hand {
    /// Changes one thing after another until the server is gone. Gives how many commands were killed.
    async fn work_until_killed(mut self) -> Result<(Self, usize)> {
        let killed = match &mut self.work {
            Work::Switch(key) => {
                switch_until_killed(&mut self.changer, key, self.dice.random()).await?;
                0
            }
            Work::Command(key) => {
                // Commands work without a server, so a few have to be enough for a round.
                let mut killed = 0;
                for action in [Action::Deactivate(key.id), Action::Activate(key.id)] {
                    if self.dice.random_ratio(1, 4) {
                        self.changer.change(action, Way::CommandLine).await?;
                    }
                    let after = Duration::from_millis(self.dice.random_range(1..120));
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
        // One stays, so that there is always one that must open.
        while live.len() > 1 {
            let key = live.remove(0);
            let outcome = changer
                .change(Action::Delete(key.id), Way::Dashboard(0))
                .await?;
            // One that may be gone is called with as one that is: the judge knows what was reported.
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

/// A call with every token that is known.
async fn look(clock: Clock, server: &Arc<Server>, hands: &[Hand]) -> Vec<Call> {
    let mut caller = Caller::new(clock, Arc::clone(server));
    let mut calls = Vec::new();
    for hand in hands {
        let deleted = hand.deleted().iter().rev().take(REMEMBERED);
        for key in hand.live().iter().chain(deleted) {
            calls.push(caller.ping(key).await);
        }
    }
    calls
}

fn report(
    rounds: usize,
    calls: Vec<Call>,
    hands: Vec<Hand>,
    faults: BTreeMap<&'static str, usize>,
) -> Report {
    let (mut changes, mut wrong, mut refused) = (Vec::<Change>::new(), Vec::new(), 0);
    for hand in hands {
        changes.extend(hand.changer.changes);
        wrong.extend(hand.changer.wrong);
        refused += hand.changer.refused;
    }
    let mut report = Report::new(History { calls, changes }, wrong, refused, faults);
    for name in ["creation", "deletion", "deactivation", "activation"] {
        let found = report.done(name);
        report.demand(
            format!("changes done of the kind `{name}`"),
            rounds / 5,
            found,
        );
    }
    let unknown = report.changes(|_, way, ending| {
        matches!(way, Way::Dashboard(_)) && matches!(ending, Ending::Lost(_))
    });
    report.demand(
        "changes in whose midst the server was killed",
        rounds / 2,
        unknown,
    );
    let killed = report.faults.get(COMMANDS_KILLED).copied();
    report.demand("commands killed", rounds / 10, killed.unwrap_or_default());
    let (accept, refuse) = (report.had_to_accept(), report.had_to_refuse());
    report.demand("calls that had to be accepted", rounds, accept);
    report.demand("calls that had to be refused", rounds, refuse);
    let refused = report.calls(0, Time::ZERO, is_refusal);
    report.demand("calls refused", rounds, refused);
    let answered = report.calls(0, Time::ZERO, |answer| {
        *answer != checker::history::Answer::None
    });
    let made = report.history.calls.len();
    report.demand("calls answered after a start", made, answered);
    report
}
