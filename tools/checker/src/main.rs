//! `history-checker`: real servers on one database, called and changed without pause while they are killed,
//! stopped and cut off from it; then everything that was seen is judged. `docs/revocation.md` tells more.
//!
//! Ends with 0 if the promise was kept and enough was seen to say so, with 1 otherwise.

#![expect(clippy::disallowed_methods, reason = "no request is served here")]

mod caller;
mod changer;
mod client;
mod database;
mod durability;
mod program;
mod proxy;
mod report;
mod revocation;

use std::{
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
    time::Duration,
};

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};
use rand::{TryRngCore, rngs::OsRng};
use tokio::signal::unix::{SignalKind, signal};

use crate::{program::Program, report::Report};

/// Checks from outside that a change which was reported as done is in force on every server
#[derive(Parser)]
#[command(
    name = "history-checker",
    after_help = "Examples:
  cargo xtask with-postgres -- cargo run --package checker -- --short
  cargo xtask with-postgres -- cargo run --package checker -- --minutes 30 --seed 7
  cargo xtask with-postgres -- cargo run --package checker -- durability --rounds 500

The program under test is DEVELOPER_ZONE_BIN, or target/debug/developer-zone."
)]
struct Arguments {
    #[command(subcommand)]
    task: Option<Task>,
    /// A run for every day: under a minute
    #[arg(long, global = true)]
    short: bool,
    /// How long a run is that is not short
    #[arg(long, default_value = "10")]
    minutes: u64,
    /// How many servers there are
    #[arg(long, default_value = "3", value_parser = clap::value_parser!(u8).range(2..=9))]
    servers: u8,
    /// How long a server may answer from memory, for programs that do
    #[arg(long, global = true, default_value = "250")]
    lease_ms: u64,
    /// What decides the order of faults, changes and calls; a new one if none is given
    #[arg(long, global = true)]
    seed: Option<u64>,
    /// Record each deactivation as done before it is asked for: the checker has to find that out
    #[arg(long)]
    lie: bool,
    /// Succeed only if a broken promise was found, and nothing else was wrong
    #[arg(long)]
    expect_violation: bool,
}

#[derive(Subcommand)]
enum Task {
    /// Kill a server and commands in the midst of changes, and see what is there afterwards
    Durability {
        /// How often a server is killed, on each engine, in a run that is not short
        #[arg(long, default_value = "100")]
        rounds: usize,
    },
}

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
    let program = Program::find(folder.path(), arguments.lease_ms).await?;
    match program.lease() {
        Some(lease) => eprintln!("servers answer from memory for {} ms", lease.as_millis()),
        None => eprintln!("servers ask the database on every call"),
    }
    let outcome = run_and_judge(&arguments, seed, &program, folder.path()).await;
    if !matches!(outcome, Ok(true)) {
        let kept = folder.keep();
        eprintln!("the servers' logs are kept in {}", kept.display());
    }
    outcome
}

/// Whether the run came to what it had to.
async fn run_and_judge(
    arguments: &Arguments,
    seed: u64,
    program: &Program,
    folder: &Path,
) -> Result<bool> {
    let expect_violation = arguments.expect_violation;
    let reports = match &arguments.task {
        None => {
            let plan = revocation::Plan {
                seed,
                servers: usize::from(arguments.servers),
                length: (!arguments.short).then(|| Duration::from_secs(60 * arguments.minutes)),
                lies: arguments.lie,
            };
            vec![revocation::run(&plan, program).await?]
        }
        Some(Task::Durability { rounds }) => {
            let rounds = if arguments.short { 10 } else { *rounds };
            durability::run(seed, rounds, program, folder).await?
        }
    };
    let mut stdout = io::stdout().lock();
    for report in &reports {
        writeln!(stdout, "{report}")?;
    }
    let passed = if expect_violation {
        reports.iter().all(Report::caught_a_broken_promise)
    } else {
        reports.iter().all(Report::passed)
    };
    let verdict = match (passed, expect_violation) {
        (true, false) => "every change that was reported as done was in force",
        (true, true) => "the broken promise was found, as expected",
        (false, false) => "FAILED",
        (false, true) => "FAILED: a broken promise was expected, and nothing else",
    };
    writeln!(stdout, "history-checker: {verdict} (seed {seed})")?;
    Ok(passed)
}

/// Servers end with the work that holds them, so a signal ends that, and not the process under it: what was made
/// for the work can then be removed.
async fn until_told_to_stop<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        outcome = work => outcome,
        _ = terminate.recv() => bail!("told to stop"),
        _ = interrupt.recv() => bail!("told to stop"),
    }
}
