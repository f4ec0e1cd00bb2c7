//! Compares pings with a valid token, as fast as possible, with a handler that checks nothing.

use std::{env, path::Path};

use anyhow::{Context, Result};
use clap::Args;

use crate::{
    load::{self, Load},
    process::{Server, run},
    statistics::median,
};

const PATH: &str = "/api/v1/ext/903/event/456/ping";

#[derive(Args)]
pub(crate) struct Ping {
    /// Numbers of concurrent connections
    #[arg(long, value_delimiter = ',', default_values_t = [1, 64, 256])]
    connections: Vec<usize>,
    /// Number of measurements of each server
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Length of each measurement in seconds
    #[arg(long, default_value_t = 3)]
    seconds: u64,
}

/// A server that answers pings.
struct Target {
    name: &'static str,
    server: Server,
    key: String,
}

/// One measurement, with the server's processor time per request in microseconds.
#[derive(Clone, Copy)]
struct Sample {
    load: Load,
    micros_each: f64,
}

impl Ping {
    /// Measures every target once per round, so that other load on the machine affects all of them equally. Ratios
    /// compare measurements of the same round.
    pub(crate) fn run(&self, program: &Path) -> Result<()> {
        let folder = tempfile::tempdir()?;
        let targets = targets(program, folder.path())?;
        for target in &targets {
            target.measure(64, 1)?;
        }
        println!(
            "| connections | server | requests per second | ratio to bare handler | p99 | ratio to bare handler | processor time per request |"
        );
        println!("|---|---|---|---|---|---|---|");
        for connections in &self.connections {
            let rounds = (0..self.rounds)
                .map(|_| self.round(&targets, *connections))
                .collect::<Result<Vec<_>>>()?;
            for (at, target) in targets.iter().enumerate() {
                println!("| {connections} | {} | {}", target.name, row(&rounds, at));
            }
        }
        Ok(())
    }

    fn round(&self, targets: &[Target], connections: usize) -> Result<Vec<Sample>> {
        targets
            .iter()
            .map(|target| target.measure(connections, self.seconds))
            .collect()
    }
}

/// The medians of a target's measurements, and of their ratios to the first target's.
fn row(rounds: &[Vec<Sample>], at: usize) -> String {
    let of = |value: fn(&Sample) -> f64| median(rounds.iter().map(|round| value(&round[at])));
    let ratio = |value: fn(&Sample) -> f64| {
        median(
            rounds
                .iter()
                .map(|round| value(&round[at]) / value(&round[0])),
        )
    };
    let rate = |sample: &Sample| sample.load.requests_per_second;
    let p99 = |sample: &Sample| sample.load.p99.as_secs_f64() * 1e6;
    format!(
        "{:.0} | {:.3} | {:.0} µs | {:.2} | {:.2} µs |",
        of(rate),
        ratio(rate),
        of(p99),
        ratio(p99),
        of(|sample| sample.micros_each),
    )
}

impl Target {
    fn measure(&self, connections: usize, seconds: u64) -> Result<Sample> {
        let before = self.server.processor_time()?;
        let load = load::run(self.server.address, PATH, &self.key, connections, seconds)?;
        let spent = self.server.processor_time()? - before;
        Ok(Sample {
            load,
            micros_each: spent.as_secs_f64() * 1e6 / load.requests as f64,
        })
    }
}

fn targets(program: &Path, folder: &Path) -> Result<Vec<Target>> {
    let sqlite = format!("sqlite:{}", folder.join("zone.db").display());
    let postgres = env::var("TEST_POSTGRES_URL")
        .context("no PostgreSQL: run this through `cargo xtask with-postgres --`")?;
    Ok(vec![
        Target {
            name: "bare handler",
            server: Server::bare()?,
            key: "none".to_owned(),
        },
        target("SQLite", program, &sqlite)?,
        target("PostgreSQL", program, &postgres)?,
    ])
}

fn target(name: &'static str, program: &Path, database_url: &str) -> Result<Target> {
    run(program, database_url, &["demo"])?;
    let create = ["token", "create", "--organisation", "903"];
    let by = ["--created-by", "member@example.com"];
    let key = run(program, database_url, &[&create[..], &by].concat())?;
    Ok(Target {
        name,
        server: Server::start(program, database_url, &[])?,
        key: key.trim().to_owned(),
    })
}
