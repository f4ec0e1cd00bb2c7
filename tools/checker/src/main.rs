//! `history-checker`: tests with real servers that changes which are reported as done are in force everywhere.
//!
//! It calls and changes several servers on one database without a break. Meanwhile it kills and suspends servers and
//! cuts them off from the database. Then it judges the recorded run. `docs/revocation.md` explains it.
//!
//! Exits with 0 if the promise was kept and the run saw enough to prove it, and with 1 otherwise.

#![expect(clippy::disallowed_methods, reason = "no request is served here")]

mod browser;
mod caller;
mod changer;
mod client;
mod database;
mod durability;
mod ending;
mod failover;
mod pair;
mod program;
mod proxy;
mod report;
mod revocation;
mod run;
mod siege;
mod signals;
mod verdict;

use std::{
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
    time::Duration,
};

use anyhow::Result;
use clap::{Parser, Subcommand};
use rand::{TryRngCore, rngs::OsRng};

use crate::{program::Program, run::Plan, verdict::Verdict};

/// Checks from outside that every server applies a change after it was reported as done
#[derive(Parser)]
#[command(
    name = "history-checker",
    after_help = "Examples:
  cargo xtask with-postgres -- cargo run --package checker -- --short
  cargo xtask with-postgres -- cargo run --package checker -- --minutes 30 --seed 7
  cargo xtask with-postgres -- cargo run --package checker -- durability --rounds 500
  cargo run --package checker -- failover --short
  cargo xtask with-postgres -- cargo run --package checker -- siege --short

The program under test is DEVELOPER_ZONE_BIN, or target/debug/developer-zone."
)]
struct Arguments {
    #[command(subcommand)]
    task: Option<Task>,
    /// A short run of less than a minute, with each fault once
    #[arg(long, global = true)]
    short: bool,
    /// Length of a run without --short
    #[arg(long, default_value = "10")]
    minutes: u64,
    /// Number of servers
    #[arg(long, global = true, default_value = "3", value_parser = clap::value_parser!(u8).range(2..=9))]
    servers: u8,
    /// The lease of the servers, in milliseconds
    #[arg(long, global = true, default_value = "1000")]
    lease_ms: u64,
    /// Seed for the order of faults, changes and calls; random by default
    #[arg(long, global = true)]
    seed: Option<u64>,
    /// Record each deactivation as done before it is requested, to test that the checker notices
    #[arg(long)]
    lie: bool,
    /// Succeed only if a broken promise was found and nothing else went wrong
    #[arg(long, global = true)]
    expect_violation: bool,
}

#[derive(Subcommand)]
enum Task {
    /// Kill a server and commands during changes, and check that no change is lost
    Durability {
        /// How often the server is killed on each engine, in a run without --short
        #[arg(long, default_value = "100")]
        rounds: usize,
    },
    /// End sessions while they change things, and check that nothing in their name happens after the report
    Ends {
        /// How often each kind of end is tried, in a run without --short
        #[arg(long, default_value = "30")]
        rounds: usize,
    },
    /// Fail over a PostgreSQL with a standby, and check the same promise; also after it has lost changes
    Failover {
        /// Length of a run without --short
        #[arg(long, default_value = "5")]
        minutes: u64,
    },
    /// Attack a server from many addresses, and check that an owner and a partner get everything done
    Siege {
        /// Length of a run without --short
        #[arg(long, default_value = "14")]
        minutes: u64,
    },
}

/// How many times longer a short run is repeated if it saw too little, because the machine is slow or busy. A violation
/// is never repeated.
const SLOWER: [u32; 2] = [3, 15];

#[tokio::main]
async fn main() -> ExitCode {
    match perform(Arguments::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn perform(arguments: Arguments) -> Result<bool> {
    let seed = match arguments.seed {
        Some(seed) => seed,
        None => u64::from(OsRng.try_next_u32()?),
    };
    eprintln!("seed {seed}");
    let folder = tempfile::Builder::new().prefix("checker-").tempdir()?;
    let program = Program::find(folder.path(), arguments.lease_ms)?;
    eprintln!("the servers' lease is {} ms", program.lease().as_millis());
    let outcome = run_and_judge(&arguments, seed, &program, folder.path()).await;
    if !matches!(outcome, Ok(true)) {
        let kept = folder.keep();
        eprintln!("the servers' logs are kept in {}", kept.display());
    }
    outcome
}

/// Runs and prints the reports. Returns whether they have the expected result.
async fn run_and_judge(
    arguments: &Arguments,
    seed: u64,
    program: &Program,
    folder: &Path,
) -> Result<bool> {
    let mut reports = run(arguments, seed, 1, program, folder).await?;
    for pace in SLOWER.into_iter().filter(|_| arguments.short) {
        let mut failed = reports.iter().filter(|report| !report.passed()).peekable();
        if failed.peek().is_none() || !failed.all(|report| report.saw_too_little()) {
            break;
        }
        eprintln!("this run saw too little: the next one is {pace} times longer");
        let folder = tempfile::tempdir_in(folder)?;
        reports = run(arguments, seed, pace, program, folder.path()).await?;
    }
    let expect_violation = arguments.expect_violation;
    let mut stdout = io::stdout().lock();
    for report in &reports {
        writeln!(stdout, "{report}")?;
    }
    let passed = if expect_violation {
        reports
            .iter()
            .all(|report| report.caught_a_broken_promise())
    } else {
        reports.iter().all(|report| report.passed())
    };
    let verdict = match (passed, expect_violation) {
        (true, false) => "every promise was kept",
        (true, true) => "the broken promise was found, as expected",
        (false, false) => "FAILED",
        (false, true) => "FAILED: expected a broken promise and no other problem",
    };
    writeln!(stdout, "history-checker: {verdict} (seed {seed})")?;
    Ok(passed)
}

/// Runs once. `pace` makes the run longer.
async fn run(
    arguments: &Arguments,
    seed: u64,
    pace: u32,
    program: &Program,
    folder: &Path,
) -> Result<Vec<Box<dyn Verdict>>> {
    let servers = usize::from(arguments.servers);
    let plan = |minutes: u64| Plan {
        seed,
        servers,
        length: (!arguments.short).then(|| Duration::from_secs(60 * minutes)),
        pace,
        lies: arguments.lie,
    };
    Ok(match &arguments.task {
        None => vec![Box::new(
            revocation::run(&plan(arguments.minutes), program).await?,
        )],
        Some(Task::Failover { minutes }) => {
            vec![Box::new(failover::run(&plan(*minutes), program).await?)]
        }
        Some(Task::Durability { rounds }) => {
            let rounds = if arguments.short { 10 } else { *rounds };
            let reports = durability::run(seed, rounds, pace, program, folder).await?;
            reports
                .into_iter()
                .map(|report| Box::new(report) as _)
                .collect()
        }
        Some(Task::Ends { rounds }) => {
            let rounds = if arguments.short {
                pace as usize
            } else {
                *rounds
            };
            vec![Box::new(ending::run(seed, servers, rounds, program).await?)]
        }
        Some(Task::Siege { minutes }) => {
            let length = (!arguments.short).then(|| Duration::from_secs(60 * minutes));
            vec![Box::new(siege::run(seed, length, program, folder).await?)]
        }
    })
}
