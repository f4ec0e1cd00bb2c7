//! Measurements of the real program from outside. `make bench` builds what is needed and runs them all;
//! `docs/performance.md` tells what came of them, and how to read it.

#![expect(clippy::disallowed_methods, reason = "no request is served here")]
#![expect(clippy::print_stdout, reason = "its figures are what it is for")]

mod bare;
mod cold;
mod load;
mod ping;
mod process;
mod statistics;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Measures the Developer Zone from outside
#[derive(Parser)]
#[command(name = "bench")]
struct Arguments {
    /// The program that is measured
    #[arg(
        long,
        global = true,
        env = "DEVELOPER_ZONE_BIN",
        default_value = "target/release/developer-zone"
    )]
    program: PathBuf,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Pings beside a bare axum handler that returns the same bytes, with wrk
    Ping(ping::Ping),
    /// First calls with tokens of a database of many, and the memory that they then take
    Cold(cold::Cold),
    /// Serves the bare handler
    #[command(hide = true)]
    Bare,
}

fn main() -> Result<()> {
    let Arguments { program, what } = Arguments::parse();
    match what {
        What::Ping(ping) => ping.run(&program),
        What::Cold(cold) => cold.run(&program),
        What::Bare => bare::serve(),
    }
}
