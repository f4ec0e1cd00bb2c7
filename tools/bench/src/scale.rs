//! Measures two servers on one PostgreSQL while very many keys are in use: their memory, the statements that reach
//! PostgreSQL, and changes.

use std::{
    collections::BTreeMap,
    env,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use clap::Args;
use http::{StatusCode, header};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};
use sqlx::{Connection, PgConnection};
use tokio::{
    runtime::Runtime,
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep},
};

use crate::{
    client::Client,
    filler::{Filler, Key},
    process::{Server, run},
    statistics::percentile,
};

#[derive(Args)]
pub(crate) struct Scale {
    #[command(flatten)]
    filler: Filler,
    /// Numbers of tokens in use, each measured in turn
    #[arg(long, value_delimiter = ',', default_values_t = [100, 10_000, 100_000])]
    busy: Vec<usize>,
    /// Calls per second that each server gets, each with a random token of those in use
    #[arg(long, default_value_t = 2_000)]
    rate: u32,
    /// How long statements are counted, in seconds
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Number of deactivations. Each is followed by an activation. A user may make 300 changes in a burst
    #[arg(long, default_value_t = 50)]
    changes: usize,
}

const SERVERS: usize = 2;
/// Connections to each server.
const CONNECTIONS: usize = 16;
/// After this time, the usage of the first calls is written, and the work of the start has ended.
const SETTLING_TIME: Duration = Duration::from_secs(12);
/// Between two changes.
const CHANGE_DELAY: Duration = Duration::from_millis(100);

/// A token of the demo data's organisation is changed.
const ORGANISATION: &str = "903";
const EVENT: &str = "456";
const MEMBER: &str = "member@example.com";
const SIGN_IN: &str = "email=member%40example.com&password=developer-zone-demo";

/// Statements of this many kinds are printed.
const PRINTED_STATEMENTS: usize = 8;

struct Zone {
    servers: Vec<ServerWithMetrics>,
    /// The token that is changed.
    key: String,
    token: i64,
    database: PgConnection,
}

struct ServerWithMetrics {
    server: Server,
    metrics: SocketAddr,
}

/// How often a statement was executed.
struct Statement {
    text: String,
    calls: i64,
}

/// The times of changes in milliseconds, sorted, and how many key reads they caused.
struct Changes {
    took: Vec<f64>,
    reads: u64,
}

impl Scale {
    pub(crate) fn run(&self, program: &Path) -> Result<()> {
        let url = env::var("TEST_POSTGRES_URL")
            .context("no PostgreSQL: run this through `cargo xtask with-postgres --`")?;
        let folder = tempfile::tempdir()?;
        run(program, &url, &["demo"])?;
        // All of them: the sample is random, so its order in the database does not matter.
        let mut keys = self.filler.fill(&url, &folder.path().join("keys.txt"), 1)?;
        keys.shuffle(&mut StdRng::seed_from_u64(7));
        let keys: Arc<[Key]> = keys.into();
        Runtime::new()?.block_on(self.measure(program, &url, &keys))
    }

    async fn measure(&self, program: &Path, url: &str, keys: &Arc<[Key]>) -> Result<()> {
        let mut zone = Zone::start(program, url).await?;
        let cookies = zone.sign_in().await?;
        let memory = zone.memory()?;
        println!(
            "{} tokens in the database, {} at the start",
            keys.len(),
            memory
        );
        println!();
        println!(
            "| tokens in use | memory of each server | calls a second | statements a second, both servers | key reads a second | changes | median | p99 | longest | key reads for each change |"
        );
        println!("|---|---|---|---|---|---|---|---|---|---|");
        let mut statements = Vec::new();
        for busy in self.busy.iter().copied() {
            ensure!(busy <= keys.len(), "there are fewer than {busy} tokens");
            zone.call_each(keys, busy).await?;
            let load = Load::start(&zone, keys, busy, self.rate);
            sleep(SETTLING_TIME).await;
            let (reads, calls, begun) = (zone.key_reads().await?, load.calls(), Instant::now());
            zone.forget_statements().await?;
            sleep(Duration::from_secs(self.seconds)).await;
            let counted = zone.statements().await?;
            let seconds = begun.elapsed().as_secs_f64();
            let (reads, calls) = (zone.key_reads().await? - reads, load.calls() - calls);
            let memory = zone.memory()?;
            let changes = zone.change(&cookies, self.changes).await?;
            load.stop().await?;
            let sum: i64 = counted.iter().map(|statement| statement.calls).sum();
            println!(
                "| {busy} | {memory} | {:.0} | {:.2} | {:.2} | {} | {:.1} ms | {:.1} ms | {:.1} ms | {:.2} |",
                calls as f64 / seconds,
                sum as f64 / seconds,
                reads as f64 / seconds,
                changes.took.len(),
                percentile(&changes.took, 50),
                percentile(&changes.took, 99),
                percentile(&changes.took, 100),
                changes.reads as f64 / changes.took.len() as f64,
            );
            statements.push((busy, seconds, counted));
        }
        for (busy, seconds, counted) in statements {
            println!();
            println!("Statements a second with {busy} tokens in use:");
            println!();
            for Statement { text, calls } in counted.iter().take(PRINTED_STATEMENTS) {
                println!("- {:.2}: `{text}`", *calls as f64 / seconds);
            }
        }
        Ok(())
    }
}

impl Zone {
    async fn start(program: &Path, url: &str) -> Result<Self> {
        let mut database = PgConnection::connect(url).await?;
        let create = sqlx::raw_sql(
            "CREATE EXTENSION IF NOT EXISTS pg_stat_statements; SELECT pg_stat_statements_reset()",
        );
        create.execute(&mut database).await.context(
            "statements cannot be counted: set TEST_POSTGRES_OPTIONS='-c shared_preload_libraries=pg_stat_statements'",
        )?;
        let create = ["token", "create", "--organisation", ORGANISATION];
        let key = run(
            program,
            url,
            &[&create[..], &["--created-by", MEMBER]].concat(),
        )?;
        let token = sqlx::query_scalar("SELECT MAX(id) FROM tokens");
        let token = token.fetch_one(&mut database).await?;
        let servers = (0..SERVERS).map(|_| ServerWithMetrics::start(program, url));
        Ok(Self {
            servers: servers.collect::<Result<_>>()?,
            key: key.trim().to_owned(),
            token,
            database,
        })
    }

    async fn sign_in(&self) -> Result<String> {
        let mut client = Client::connect(self.servers[0].server.address).await?;
        let response = client
            .post("/api/dashboard/sign-in", "", SIGN_IN.to_owned())
            .await?;
        let set = response.headers.get_all(header::SET_COOKIE).iter();
        let set = set.filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
        Ok(set.collect::<Vec<_>>().join("; "))
    }

    /// Calls each server once with each of the first `busy` keys.
    async fn call_each(&self, keys: &Arc<[Key]>, busy: usize) -> Result<()> {
        let mut calling = JoinSet::new();
        for ServerWithMetrics { server, .. } in &self.servers {
            for connection in 0..CONNECTIONS {
                let (keys, address) = (Arc::clone(keys), server.address);
                calling.spawn(async move {
                    let mut client = Client::connect(address).await?;
                    for key in keys[..busy].iter().skip(connection).step_by(CONNECTIONS) {
                        ping(&mut client, key).await?;
                    }
                    anyhow::Ok(())
                });
            }
        }
        while let Some(called) = calling.join_next().await {
            called??;
        }
        Ok(())
    }

    /// Deactivates the token and activates it again. After each change, both servers must know it.
    async fn change(&self, cookies: &str, changes: usize) -> Result<Changes> {
        let mut dashboard = Client::connect(self.servers[0].server.address).await?;
        let mut callers = Vec::new();
        for ServerWithMetrics { server, .. } in &self.servers {
            callers.push(Client::connect(server.address).await?);
        }
        self.require(&mut callers, StatusCode::OK).await?;
        let (reads, mut took) = (self.key_reads().await?, Vec::new());
        for change in 0..changes * 2 {
            let (verb, expected) = match change % 2 {
                0 => ("deactivate", StatusCode::FORBIDDEN),
                _ => ("activate", StatusCode::OK),
            };
            let form = format!("organisation_id={ORGANISATION}&token_id={}", self.token);
            let path = format!("/api/dashboard/{verb}-token");
            let response = dashboard.post(&path, cookies, form).await?;
            let status = response.status;
            ensure!(status == StatusCode::OK, "to {verb} a token got {status}");
            took.push(response.took.as_secs_f64() * 1e3);
            self.require(&mut callers, expected).await?;
            sleep(CHANGE_DELAY).await;
        }
        took.sort_by(f64::total_cmp);
        let reads = self.key_reads().await? - reads;
        Ok(Changes { took, reads })
    }

    /// Calls each server with the token that is changed.
    async fn require(&self, callers: &mut [Client], expected: StatusCode) -> Result<()> {
        for caller in callers {
            let response = caller.call(&path(ORGANISATION, EVENT), &self.key).await?;
            let status = response.status;
            ensure!(status == expected, "a call after a change got {status}");
        }
        Ok(())
    }

    /// How many tokens the servers have read from the database.
    async fn key_reads(&self) -> Result<u64> {
        let mut reads = 0;
        for server in &self.servers {
            reads += server.key_reads().await?;
        }
        Ok(reads)
    }

    /// The resident memory of each server.
    fn memory(&self) -> Result<String> {
        let memory = self.servers.iter().map(|server| server.server.memory());
        let memory: Vec<u64> = memory.collect::<Result<_>>()?;
        let texts = memory
            .iter()
            .map(|bytes| format!("{:.0} MB", *bytes as f64 / 1e6));
        Ok(texts.collect::<Vec<_>>().join(", "))
    }

    async fn forget_statements(&mut self) -> Result<()> {
        let reset = sqlx::raw_sql("SELECT pg_stat_statements_reset()");
        reset.execute(&mut self.database).await?;
        Ok(())
    }

    /// All statements in this database since the last reset, except those of this program. The most frequent are first.
    async fn statements(&mut self) -> Result<Vec<Statement>> {
        let select = "SELECT query, calls FROM pg_stat_statements
            WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND query NOT LIKE '%pg_stat_statements%'";
        let rows: Vec<(String, i64)> = sqlx::query_as(select).fetch_all(&mut self.database).await?;
        let mut by_text: BTreeMap<String, i64> = BTreeMap::new();
        for (text, calls) in rows {
            let words: Vec<_> = text.split_whitespace().collect();
            let start = words.join(" ").chars().take(90).collect();
            *by_text.entry(start).or_default() += calls;
        }
        let mut statements: Vec<_> = by_text
            .into_iter()
            .map(|(text, calls)| Statement { text, calls })
            .collect();
        statements.sort_by_key(|statement| -statement.calls);
        Ok(statements)
    }
}

impl ServerWithMetrics {
    fn start(program: &Path, url: &str) -> Result<Self> {
        // Another process is unlikely to get the port before the server does.
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let metrics = free.local_addr()?;
        drop(free);
        let options = ["--metrics-listen", &metrics.to_string()];
        let server = Server::start(program, url, &options)?;
        Ok(Self { server, metrics })
    }

    async fn key_reads(&self) -> Result<u64> {
        let metrics = Client::connect(self.metrics).await?.get("/metrics").await?;
        let metrics = String::from_utf8(metrics.body.into())?;
        let line = metrics.lines().find(|line| {
            line.starts_with("developer_zone_grants_answers_total{")
                && line.contains("of=\"token\"")
                && line.contains("from=\"read\"")
        });
        let value = line.and_then(|line| line.rsplit(' ').next());
        Ok(value.context("no metric of key reads")?.parse()?)
    }
}

/// Calls with random keys, at a steady rate.
struct Load {
    calling: JoinSet<Result<()>>,
    is_stopped: Arc<AtomicBool>,
    calls: Arc<AtomicU64>,
}

impl Load {
    fn start(zone: &Zone, keys: &Arc<[Key]>, busy: usize, rate: u32) -> Self {
        let (is_stopped, calls) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let mut calling = JoinSet::new();
        let delay = Duration::from_secs(CONNECTIONS as u64) / rate;
        for (at, ServerWithMetrics { server, .. }) in zone.servers.iter().enumerate() {
            for connection in 0..CONNECTIONS {
                let seed = at * CONNECTIONS + connection;
                let rng = StdRng::seed_from_u64(seed as u64);
                let (keys, address) = (Arc::clone(keys), server.address);
                let (is_stopped, calls) = (Arc::clone(&is_stopped), Arc::clone(&calls));
                calling.spawn(async move {
                    let caller = Caller {
                        keys,
                        busy,
                        rng,
                        delay,
                        is_stopped,
                        calls,
                    };
                    caller.call(address).await
                });
            }
        }
        Self {
            calling,
            is_stopped,
            calls,
        }
    }

    fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    async fn stop(mut self) -> Result<()> {
        self.is_stopped.store(true, Ordering::Relaxed);
        while let Some(called) = self.calling.join_next().await {
            called??;
        }
        Ok(())
    }
}

/// One connection of a [`Load`].
struct Caller {
    keys: Arc<[Key]>,
    busy: usize,
    rng: StdRng,
    delay: Duration,
    is_stopped: Arc<AtomicBool>,
    calls: Arc<AtomicU64>,
}

impl Caller {
    async fn call(mut self, address: SocketAddr) -> Result<()> {
        let mut client = Client::connect(address).await?;
        let mut every = interval(self.delay);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.is_stopped.load(Ordering::Relaxed) {
            every.tick().await;
            let key = &self.keys[self.rng.random_range(0..self.busy)];
            ping(&mut client, key).await?;
            self.calls.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

async fn ping(client: &mut Client, key: &Key) -> Result<()> {
    let path = path(&key.organisation, &key.organisation);
    let status = client.call(&path, &key.secret).await?.status;
    ensure!(status == StatusCode::OK, "a call got {status}");
    Ok(())
}

fn path(organisation: &str, event: &str) -> String {
    format!("/api/v1/ext/{organisation}/event/{event}/ping")
}
