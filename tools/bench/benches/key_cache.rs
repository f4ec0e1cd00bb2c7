//! The cost of one check of a key, without HTTP: `cargo bench -p bench`.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark that cannot run has to stop"
)]

use std::{
    hint::black_box,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use criterion::{Criterion, criterion_group, criterion_main};
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

/// A server on SQLite with the demo data, and a valid key.
struct Server {
    store: Store,
    key: String,
    runtime: Runtime,
    _folder: TempDir,
}

impl Server {
    fn new(lease: Lease) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("zone.db").display());
        let runtime = Runtime::new().expect("a runtime");
        let (store, key) = runtime
            .block_on(start(&url, lease))
            .expect("a database with the demo data");
        Self {
            store,
            key,
            runtime,
            _folder: folder,
        }
    }

    /// The guard's checks 3 to 5 of a well-formed key.
    fn check(&self, key: &[u8]) -> Option<TokenRecord> {
        let digest = TokenDigest::of_presented(key).expect("well formed");
        self.answer(|| self.store.key_cache().token(&digest))
    }

    /// A cached answer is ready at the first poll; for a read this waits.
    fn answer<T, F>(&self, ask: impl Fn() -> F) -> T
    where
        F: Future<Output = Result<T, DatabaseError>>,
    {
        let first = pin!(ask()).poll(&mut Context::from_waker(Waker::noop()));
        let outcome = match first {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => self.runtime.block_on(ask()),
        };
        outcome.expect("an answer")
    }
}

async fn start(url: &str, lease: Lease) -> Result<(Store, String), Box<dyn std::error::Error>> {
    let store = Store::open(url, Arc::new(SystemClock)).await?;
    store.migrate().await?;
    store.load_demo().await?;
    let email = Email::parse("member@example.com").expect("an address");
    let members = store.members();
    let member = members.find_by_email(&email, OrganisationId(903)).await?;
    let created = store.tokens().create(&member, None).await?;
    let clock = Arc::new(SystemMonotonicClock);
    store.become_server(lease, clock).await?;
    Ok((store, created.secret.reveal()))
}

fn key_cache(c: &mut Criterion) {
    let caching = Server::new(Lease::LONGEST);
    // The first poll of a read needs a timer.
    let _within = caching.runtime.enter();
    let key = caching.key.as_bytes();
    let digest = TokenDigest::of_presented(key).expect("well formed");
    let mut malformed = key.to_vec();
    malformed[3] = if malformed[3] == b'x' { b'y' } else { b'x' };
    let made_up = PlainToken::generate(&mut StdRng::seed_from_u64(1)).reveal();

    let mut group = c.benchmark_group("key");
    group.bench_function("malformed", |b| {
        b.iter(|| TokenDigest::of_presented(black_box(&malformed)));
    });
    group.bench_function("well formed, to its digest", |b| {
        b.iter(|| TokenDigest::of_presented(black_box(key)));
    });
    group.finish();

    let mut group = c.benchmark_group("grant");
    group.bench_function("hit", |b| {
        b.iter(|| caching.answer(|| caching.store.key_cache().token(black_box(&digest))));
    });
    group.bench_function("hit, from the key", |b| {
        b.iter(|| caching.check(black_box(key)));
    });
    group.bench_function("unknown key, cached", |b| {
        b.iter(|| caching.check(black_box(made_up.as_bytes())));
    });
    group.bench_function("hit, event", |b| {
        b.iter(|| caching.answer(|| caching.store.key_cache().event(black_box(EventId(456)))));
    });
    let reading = Server::new(Lease::NONE);
    group.bench_function("read, SQLite", |b| {
        b.iter(|| reading.check(black_box(reading.key.as_bytes())));
    });
    group.finish();
}

criterion_group!(benches, key_cache);
criterion_main!(benches);
