//! The build of the Developer Zone and its helpers, run as `cargo xtask …` (an alias in `.cargo/config.toml`).
//!
//! Everything said here goes to standard error, as cargo's own words do: standard output belongs to the
//! program that was asked for, and a script may read it.

mod assets;
mod command;
mod compress;
mod css;
mod dev;
mod fresh;
mod postgres;
mod script;
mod server;
mod signals;
mod site;
mod supply;
mod wasm;

use std::{ffi::OsString, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::site::Mode;

/// The build of the Developer Zone, and helpers for working on it
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build the front end into `target/site`
    Site {
        /// Quick to build, large to load: neither optimised nor compressed
        #[arg(long)]
        dev: bool,
    },
    /// Build the front end, then the server
    Build {
        /// The binary to ship, with the front end embedded: `target/release/developer-zone`
        #[arg(long)]
        release: bool,
    },
    /// Build, then run the server
    Run {
        /// What the server is called with, for example `serve --demo`
        #[arg(last = true)]
        args: Vec<OsString>,
    },
    /// Build, run the server, and do both again whenever a source file changes
    Dev {
        /// What the server is called with, for example `serve --demo`
        #[arg(last = true)]
        args: Vec<OsString>,
    },
    /// Look at what cargo-deny does not: npm's lock file, and that our crates forbid `unsafe`
    SupplyChain,
    /// Run a command with a throwaway PostgreSQL, whose address it finds in TEST_POSTGRES_URL
    ///
    /// When the variable is set already, the command runs with that server.
    WithPostgres {
        /// The command and its arguments; its standard input is empty
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    perform(Arguments::parse().task).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn perform(task: Task) -> Result<ExitCode> {
    match task {
        Task::Site { dev: false } => site::build(Mode::Release)?,
        Task::Site { dev: true } => site::build(Mode::Dev)?,
        Task::Build { release } => {
            site::build(Mode::Release)?;
            server::build(release)?;
        }
        Task::Run { args } => {
            site::build(Mode::Release)?;
            server::build(false)?.become_with(&args)?;
        }
        Task::Dev { args } => dev::watch(&args)?,
        Task::SupplyChain => supply::check()?,
        Task::WithPostgres { command } => return postgres::run_beside(&command),
    }
    Ok(ExitCode::SUCCESS)
}
