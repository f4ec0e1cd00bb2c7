//! Measures calls with tokens that are not in the cache yet, in a database with a million tokens. Also measures
//! the memory that the cached tokens use.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use clap::Args;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::{
    body::Bytes,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, runtime::Runtime};

use crate::{
    process::{Server, run},
    statistics::percentile,
};

/// The tokens belong to other organisations, so the server reads only the token from the database and refuses the call.
const PATH: &str = "/api/v1/ext/903/event/456/ping";
const REFUSED_AS: &str = "organisation_mismatch";

#[derive(Args)]
pub(crate) struct Cold {
    /// The program that fills the database
    #[arg(long, default_value = "target/release/examples/million_tokens")]
    filler: PathBuf,
    /// Number of tokens in the database
    #[arg(long, default_value_t = 1_000_000)]
    tokens: usize,
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
        let filled = Command::new(&self.filler)
            .arg(url)
            .arg(&file)
            .arg(self.tokens.to_string())
            .status()
            .with_context(|| format!("{} cannot be run", self.filler.display()))?;
        ensure!(filled.success(), "the database was not filled");
        let sample = fs::read_to_string(file)?;
        let tokens: Vec<&str> = sample.lines().collect();
        let (first, rest) = tokens.split_at(COLD_CALLS);
        ensure!(
            rest.len() >= self.remembered,
            "too few tokens in the sample"
        );

        let runtime = Runtime::new()?;
        let server = Server::start(program, url, &["--lease-ms", "10000"])?;
        let mut client = runtime.block_on(Client::connect(&server))?;
        for (check, keys) in [
            ("cold", first.to_vec()),
            ("from memory", vec![first[0]; COLD_CALLS]),
        ] {
            let mut took = runtime.block_on(client.call_all(&keys))?;
            took.sort_by(f64::total_cmp);
            println!(
                "| {engine} | {check} | {} | {:.0} µs | {:.0} µs |",
                took.len(),
                percentile(&took, 50),
                percentile(&took, 99)
            );
        }
        let before = server.memory()?;
        runtime.block_on(client.call_all(&rest[..self.remembered]))?;
        Ok((before, server.memory()?))
    }
}

const COLD_CALLS: usize = 20_000;

/// A client that makes one call after another over one connection.
struct Client {
    open: SendRequest<Empty<Bytes>>,
}

impl Client {
    async fn connect(server: &Server) -> Result<Self> {
        let stream = TcpStream::connect(server.address).await?;
        stream.set_nodelay(true)?;
        let (open, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { open })
    }

    /// Calls once with each key. Returns the times in microseconds.
    async fn call_all(&mut self, keys: &[&str]) -> Result<Vec<f64>> {
        let mut took = Vec::with_capacity(keys.len());
        for key in keys {
            took.push(self.call(key).await?.as_secs_f64() * 1e6);
        }
        Ok(took)
    }

    async fn call(&mut self, key: &str) -> Result<Duration> {
        let request = Request::get(PATH)
            .header("host", "127.0.0.1")
            .header("x-api-key", key)
            .body(Empty::new())?;
        let begun = Instant::now();
        let response = self.open.send_request(request).await?;
        let (status, code) = (
            response.status(),
            response.headers().get("x-error-code").cloned(),
        );
        response.into_body().collect().await?;
        let took = begun.elapsed();
        let known = status == StatusCode::FORBIDDEN && code.is_some_and(|code| code == REFUSED_AS);
        ensure!(
            known,
            "a call with a token of the database got status {status}"
        );
        self.open.ready().await?;
        Ok(took)
    }
}
