//! Measures one check of a key, without HTTP.

use std::{
    error::Error,
    hint::black_box,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Instant,
};

use anyhow::{Context as _, Result};
use model::{event::EventId, organisation::OrganisationId, permission::TokenRecord, user::Email};
use rand::{SeedableRng, rngs::StdRng};
use store::{
    Store,
    clock::{SystemClock, SystemMonotonicClock},
    error::DatabaseError,
    key_cache::Lease,
    secret::{PlainToken, TokenDigest},
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::statistics::{median, percentile};

/// The clock is read once for so many checks in memory, because reading it takes as long as a check.
const BATCH: u32 = 1_000;
/// A read of the database is measured on its own.
const SINGLE: u32 = 1;
const BATCHES: usize = 2_000;

/// Prints a table of the steps of a check, with and without the cache.
pub(crate) fn run() -> Result<()> {
    println!("| one check of a key | median, ns | p99 of batches, ns |");
    println!("|---|---|---|");
    let caching = Server::start(Lease::LONGEST)?;
    let key = caching.key.as_bytes();
    let digest = TokenDigest::of_presented(key).context("the key is well formed")?;
    let mut malformed = key.to_vec();
    malformed[3] ^= 1;
    let unknown = PlainToken::generate(&mut StdRng::seed_from_u64(1)).reveal();
    measure("malformed key", BATCH, || {
        TokenDigest::of_presented(black_box(&malformed))
    });
    measure("well-formed key, to its digest", BATCH, || {
        TokenDigest::of_presented(black_box(key))
    });
    // The first poll of a read needs a timer.
    let within = caching.runtime.enter();
    let cache = caching.store.key_cache();
    measure("cached, from the digest", BATCH, || {
        caching.wait(|| cache.token(black_box(&digest)))
    });
    measure("cached, from the key", BATCH, || {
        caching.check(black_box(key))
    });
    measure("cached as unknown", BATCH, || {
        caching.check(black_box(unknown.as_bytes()))
    });
    measure("cached event", BATCH, || {
        caching.wait(|| cache.event(black_box(EventId(456))))
    });
    drop(within);
    let reading = Server::start(Lease::NONE)?;
    let _within = reading.runtime.enter();
    measure("read from SQLite", SINGLE, || {
        reading.check(black_box(reading.key.as_bytes()))
    });
    Ok(())
}

fn measure<T>(what: &str, checks: u32, check: impl Fn() -> T) {
    let batch = || {
        let start = Instant::now();
        for _ in 0..checks {
            black_box(check());
        }
        start.elapsed().as_secs_f64() * 1e9 / f64::from(checks)
    };
    batch();
    let mut times: Vec<f64> = (0..BATCHES).map(|_| batch()).collect();
    times.sort_by(f64::total_cmp);
    let p99 = percentile(&times, 99);
    println!("| {what} | {:.0} | {p99:.0} |", median(times));
}

/// The store of a server on SQLite with the demo data, and a valid key.
struct Server {
    store: Store,
    key: String,
    runtime: Runtime,
    _folder: TempDir,
}

impl Server {
    fn start(lease: Lease) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let url = format!("sqlite:{}", folder.path().join("zone.db").display());
        let runtime = Runtime::new()?;
        let (store, key) = runtime
            .block_on(open(&url, lease))
            .map_err(|error| anyhow::anyhow!("the demo data could not be loaded: {error}"))?;
        Ok(Self {
            store,
            key,
            runtime,
            _folder: folder,
        })
    }

    /// The API's checks 3 to 5 of a well-formed key.
    fn check(&self, key: &[u8]) -> Option<TokenRecord> {
        let digest = TokenDigest::of_presented(key).ok()?;
        self.wait(|| self.store.key_cache().token(&digest))
    }

    /// What is cached is ready at the first poll; for a read this waits.
    fn wait<T, F>(&self, ask: impl Fn() -> F) -> Option<T>
    where
        F: Future<Output = Result<Option<T>, DatabaseError>>,
    {
        let first = pin!(ask()).poll(&mut Context::from_waker(Waker::noop()));
        match first {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => self.runtime.block_on(ask()),
        }
        .expect("the database answers")
    }
}

async fn open(url: &str, lease: Lease) -> Result<(Store, String), Box<dyn Error>> {
    let store = Store::open(url, Arc::new(SystemClock)).await?;
    store.migrate().await?;
    store.load_demo().await?;
    let email = Email::parse("member@example.com")?;
    let members = store.members();
    let member = members.find_by_email(&email, OrganisationId(903)).await?;
    let created = store.tokens().create(&member, None).await?;
    let clock = Arc::new(SystemMonotonicClock);
    store.become_server(lease, clock).await?;
    Ok((store, created.secret.reveal()))
}
