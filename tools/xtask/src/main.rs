//! The build of the Developer Zone, and helpers for working on it: `cargo xtask …` (an alias in `.cargo/config.toml`).
//!
//! Messages go to standard error, as cargo's do. Standard output belongs to the program that a task runs, because a
//! script may read it.

#![expect(clippy::disallowed_methods, reason = "no request is served here")]

mod assets;
mod bundle;
mod command;
mod compress;
mod dev;
mod fresh;
mod import_cycles;
mod metadata;
mod mode;
mod postgres;
mod sbom;
mod server;
mod signals;
mod site;
mod supply;
mod wasm;

use std::{ffi::OsString, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::mode::Mode;

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
        /// The server's arguments, for example `serve --demo`
        #[arg(last = true)]
        args: Vec<OsString>,
    },
    /// Build and run the server, and repeat both whenever a source file changes
    Dev {
        /// The server's arguments, for example `serve --demo`
        #[arg(last = true)]
        args: Vec<OsString>,
    },
    /// Check that no two source files import each other, directly or through others
    ImportCycles,
    /// Check sources, licences and bans of all crates and npm packages, and that our own crates forbid `unsafe`
    SupplyChain,
    /// List every crate that is built in, with version, licence and hash, in `target/sbom` (CycloneDX)
    Sbom,
    /// Run a command with a temporary PostgreSQL server, whose URL is in TEST_POSTGRES_URL
    ///
    /// If the variable is set already, the command uses that server.
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
        Task::Build { release: false } => drop(server::build_with_site(Mode::Release)?),
        Task::Build { release: true } => {
            site::build(Mode::Release)?;
            server::build(true)?;
        }
        Task::Run { args } => {
            server::build_with_site(Mode::Release)?.become_with(&args)?;
        }
        Task::Dev { args } => dev::watch(&args)?,
        Task::ImportCycles => import_cycles::check()?,
        Task::SupplyChain => supply::check()?,
        Task::Sbom => sbom::write()?,
        Task::WithPostgres { command } => return postgres::run_beside(&command),
    }
    Ok(ExitCode::SUCCESS)
}
