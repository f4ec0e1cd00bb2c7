//! Measures calls with tokens that are not in the cache yet, in a database with a million tokens. Also measures
//! the memory that the cached tokens use.

use std::{env, path::Path};

use anyhow::{Context, Result, ensure};
use clap::Args;
use http::StatusCode;
use tokio::runtime::Runtime;

use crate::{
    client::Client,
    filler::{Filler, Key},
    process::{Server, run},
    statistics::percentile,
};

/// The tokens belong to other organisations, so the server reads only the token from the database and refuses the call.
const PATH: &str = "/api/v1/ext/903/event/456/ping";
const REFUSED_AS: &str = "organisation_mismatch";

#[derive(Args)]
pub(crate) struct Cold {
    #[command(flatten)]
    filler: Filler,
    /// Number of tokens to call with once each, to measure the memory that they use
    #[arg(long, default_value_t = 100_000)]
    remembered: usize,
}

impl Cold {
    pub(crate) fn run(&self, program: &Path) -> Result<()> {
        let folder = tempfile::tempdir()?;
        println!("| engine | check | calls | median | p99 |");
        println!("|---|---|---|---|---|");
        let mut memory = Vec::new();
        let sqlite = format!("sqlite:{}", folder.path().join("zone.db").display());
        memory.push((
            "SQLite",
            self.measure("SQLite", program, folder.path(), &sqlite)?,
        ));
        let postgres = env::var("TEST_POSTGRES_URL")
            .context("no PostgreSQL: run this through `cargo xtask with-postgres --`")?;
        let of_postgres = self.measure("PostgreSQL", program, folder.path(), &postgres)?;
        memory.push(("PostgreSQL", of_postgres));
        println!();
        for (engine, (before, after)) in memory {
            println!(
                "{engine}: {:.1} MB before, {:.1} MB after calls with {} tokens",
                before as f64 / 1e6,
                after as f64 / 1e6,
                self.remembered
            );
        }
        Ok(())
    }

    /// Measures one engine. Returns the memory in bytes before and after the calls that fill the cache.
    fn measure(
        &self,
        engine: &str,
        program: &Path,
        folder: &Path,
        url: &str,
    ) -> Result<(u64, u64)> {
        run(program, url, &["demo"])?;
        let file = folder.join(format!("{engine}.txt"));
        let keys = self.filler.fill(url, &file, ONE_IN)?;
        let (first, rest) = keys.split_at(COLD_CALLS.min(keys.len()));
        ensure!(
            rest.len() >= self.remembered,
            "too few tokens in the sample"
        );

        let runtime = Runtime::new()?;
        let server = Server::start(program, url, &["--lease-ms", "10000"])?;
        let mut client = runtime.block_on(Client::connect(server.address))?;
        for (check, keys) in [
            ("cold", first.iter().collect()),
            ("from memory", vec![&first[0]; COLD_CALLS]),
        ] {
            let mut took = runtime.block_on(call_all(&mut client, keys))?;
            took.sort_by(f64::total_cmp);
            println!(
                "| {engine} | {check} | {} | {:.0} µs | {:.0} µs |",
                took.len(),
                percentile(&took, 50),
                percentile(&took, 99)
            );
        }
        let before = server.memory()?;
        runtime.block_on(call_all(&mut client, &rest[..self.remembered]))?;
        Ok((before, server.memory()?))
    }
}

/// The calls use one of this many tokens of the database, chosen at random.
const ONE_IN: u32 = 7;

const COLD_CALLS: usize = 20_000;

/// Calls once with each key. Returns the times in microseconds.
async fn call_all(client: &mut Client, keys: impl IntoIterator<Item = &Key>) -> Result<Vec<f64>> {
    let mut took = Vec::new();
    for key in keys {
        let response = client.call(PATH, &key.secret).await?;
        let code = response.headers.get("x-error-code");
        let known =
            response.status == StatusCode::FORBIDDEN && code.is_some_and(|code| code == REFUSED_AS);
        ensure!(
            known,
            "a call with a token of the database got status {}",
            response.status
        );
        took.push(response.took.as_secs_f64() * 1e6);
    }
    Ok(took)
}
