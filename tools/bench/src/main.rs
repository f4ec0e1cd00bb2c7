//! Measures the real program from outside, and the check of a key alone.
//!
//! `make bench` builds and runs all measurements. `docs/performance.md` explains the results.

#![expect(clippy::disallowed_methods, reason = "no request is served here")]
#![expect(clippy::print_stdout, reason = "the program prints its results")]

mod bare;
mod client;
mod cold;
mod filler;
mod key;
mod load;
mod ping;
mod process;
mod scale;
mod statistics;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Measures the Developer Zone from outside
#[derive(Parser)]
#[command(name = "bench")]
struct Arguments {
    /// The program to measure
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
    /// Compare pings with a bare axum handler that returns the same bytes, using wrk
    Ping(ping::Ping),
    /// Measure first calls with tokens of a large database, and the memory that the cached tokens use
    Cold(cold::Cold),
    /// Measure two servers with very many tokens in use: memory, statements that reach PostgreSQL, and changes
    Scale(scale::Scale),
    /// Measure one check of a key, without HTTP
    Key,
    /// Serve the bare handler
    #[command(hide = true)]
    Bare,
}

fn main() -> Result<()> {
    let Arguments { program, what } = Arguments::parse();
    match what {
        What::Ping(ping) => ping.run(&program),
        What::Cold(cold) => cold.run(&program),
        What::Scale(scale) => scale.run(&program),
        What::Key => key::run(),
        What::Bare => bare::serve(),
    }
}
