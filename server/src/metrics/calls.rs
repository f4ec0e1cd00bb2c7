//! Counts API calls in a few nanoseconds, without contention.
//!
//! Each thread adds to its own shard, so that cores do not pass cache lines around. A reader sums the shards while
//! other threads still add to them, so a sum may be a moment out of date.

use std::{
    array,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::Duration,
};

use http::StatusCode;
use model::permission::Refusal;

/// The upper bounds of the histograms' buckets. The guard takes microseconds, a page of photos takes milliseconds, and a
/// read of the database times out after five seconds.
const BOUNDS: [Duration; 15] = [
    Duration::from_micros(50),
    Duration::from_micros(100),
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(5),
];

/// [`BOUNDS`] in seconds, the unit that Prometheus expects.
pub(super) fn bounds_in_seconds() -> impl Iterator<Item = f64> {
    BOUNDS.iter().map(Duration::as_secs_f64)
}

/// The statuses that the API sends. Any other is counted as "other".
pub(super) const STATUSES: [StatusCode; 13] = [
    StatusCode::OK,
    StatusCode::NOT_MODIFIED,
    StatusCode::BAD_REQUEST,
    StatusCode::UNAUTHORIZED,
    StatusCode::FORBIDDEN,
    StatusCode::NOT_FOUND,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    StatusCode::UNPROCESSABLE_ENTITY,
    StatusCode::TOO_MANY_REQUESTS,
    StatusCode::INTERNAL_SERVER_ERROR,
    StatusCode::SERVICE_UNAVAILABLE,
];

/// If there are more threads than this, some share a shard, which is slightly slower.
const SHARDS: usize = 16;

/// The guard's decision on a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// No check refused it.
    Accepted,
    /// A check refused it.
    Refused(Refusal),
    /// The key could not be looked up.
    Undecided,
}

impl Verdict {
    pub(super) const COUNT: usize = 2 + Refusal::ALL.len();

    pub(super) fn all() -> impl Iterator<Item = Self> {
        let others = [Self::Accepted, Self::Undecided];
        others
            .into_iter()
            .chain(Refusal::ALL.into_iter().map(Self::Refused))
    }

    pub(super) const fn index(self) -> usize {
        match self {
            Self::Accepted => 0,
            Self::Undecided => 1,
            Self::Refused(refusal) => 2 + refusal as usize,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Undecided => "undecided",
            Self::Refused(refusal) => refusal.code(),
        }
    }
}

/// The calls of one route, on their own cache lines.
#[derive(Debug)]
#[repr(align(128))]
struct RouteCounts {
    statuses: [AtomicU64; STATUSES.len() + 1],
    buckets: [AtomicU64; BOUNDS.len() + 1],
    nanos: AtomicU64,
}

impl Default for RouteCounts {
    fn default() -> Self {
        Self {
            statuses: Default::default(),
            buckets: Default::default(),
            nanos: AtomicU64::new(0),
        }
    }
}

/// The counts of some threads, on their own cache lines.
#[derive(Debug)]
#[repr(align(128))]
struct Shard {
    /// One for each route, and a last one for calls without a route.
    routes: Box<[RouteCounts]>,
    verdicts: [AtomicU64; Verdict::COUNT],
}

impl Shard {
    fn new(routes: usize) -> Self {
        Self {
            routes: (0..=routes).map(|_| RouteCounts::default()).collect(),
            verdicts: Default::default(),
        }
    }
}

/// All API calls since the start.
#[derive(Debug)]
pub(crate) struct Calls {
    /// The name of each route, and `none`.
    names: Vec<&'static str>,
    shards: Box<[Shard]>,
}

impl Calls {
    /// Nothing counted yet, for routes of these names.
    pub(super) fn new(routes: impl Iterator<Item = &'static str>) -> Self {
        let names: Vec<_> = routes.chain(["none"]).collect();
        let routes = names.len() - 1;
        Self {
            shards: (0..SHARDS).map(|_| Shard::new(routes)).collect(),
            names,
        }
    }

    /// Counts a call to the route of this index. `None` means that the guard refused it, or that the path is unknown.
    pub(crate) fn count(&self, route: Option<usize>, status: StatusCode, took: Duration) {
        let counts = &self.own_shard().routes;
        let route = route.unwrap_or(counts.len() - 1);
        let Some(counts) = counts.get(route) else {
            return;
        };
        let status = STATUSES.iter().position(|known| *known == status);
        let bucket = BOUNDS.iter().position(|bound| took <= *bound);
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        add(&counts.statuses[status.unwrap_or(STATUSES.len())], 1);
        add(&counts.buckets[bucket.unwrap_or(BOUNDS.len())], 1);
        add(&counts.nanos, nanos);
    }

    /// Counts a decision of the guard.
    pub(crate) fn judged(&self, verdict: Verdict) {
        add(&self.own_shard().verdicts[verdict.index()], 1);
    }

    fn own_shard(&self) -> &Shard {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static OWN: usize = THREADS.fetch_add(1, Ordering::Relaxed) % SHARDS;
        }
        &self.shards[OWN.with(|own| *own)]
    }

    /// The names of the routes, with `none` for calls without a route. A name's index identifies the route below.
    pub(super) fn routes(&self) -> impl Iterator<Item = (usize, &'static str)> {
        self.names.iter().copied().enumerate()
    }

    /// The number of calls with this decision.
    pub(super) fn verdicts(&self, verdict: Verdict) -> u64 {
        self.sum(|shard| &shard.verdicts[verdict.index()])
    }

    /// The calls of a route by status. The last number counts all statuses that are not in [`STATUSES`].
    pub(super) fn statuses(&self, route: usize) -> [u64; STATUSES.len() + 1] {
        array::from_fn(|status| self.sum(|shard| &shard.routes[route].statuses[status]))
    }

    /// The durations of a route's calls: how many fell into each bucket, and their sum.
    pub(super) fn durations(&self, route: usize) -> ([u64; BOUNDS.len() + 1], Duration) {
        let buckets =
            array::from_fn(|bucket| self.sum(|shard| &shard.routes[route].buckets[bucket]));
        let nanos = self.sum(|shard| &shard.routes[route].nanos);
        (buckets, Duration::from_nanos(nanos))
    }

    fn sum(&self, count: impl Fn(&Shard) -> &AtomicU64) -> u64 {
        let counts = self.shards.iter().map(count);
        counts.map(|count| count.load(Ordering::Relaxed)).sum()
    }
}

fn add(count: &AtomicU64, more: u64) {
    count.fetch_add(more, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTES: [&str; 2] = ["/a", "/b"];

    #[test]
    fn every_verdict_has_its_own_index_and_name() {
        let mut indices: Vec<_> = Verdict::all().map(Verdict::index).collect();
        indices.sort_unstable();
        assert_eq!(indices, (0..Verdict::COUNT).collect::<Vec<_>>());
        let names: std::collections::HashSet<_> = Verdict::all().map(Verdict::name).collect();
        assert_eq!(names.len(), Verdict::COUNT);
    }

    #[test]
    fn a_call_is_counted_by_route_status_and_time() {
        let calls = Calls::new(ROUTES.into_iter());
        calls.count(Some(1), StatusCode::OK, Duration::from_micros(50));
        calls.count(Some(1), StatusCode::NOT_FOUND, Duration::from_secs(60));
        calls.count(Some(1), StatusCode::IM_A_TEAPOT, Duration::ZERO);
        let statuses = calls.statuses(1);
        assert_eq!((statuses[0], statuses[5], statuses[13]), (1, 1, 1));
        let (buckets, all) = calls.durations(1);
        assert_eq!((buckets[0], buckets[15]), (2, 1));
        assert_eq!(all, Duration::from_micros(60_000_050));
        assert_eq!(calls.statuses(0).iter().sum::<u64>(), 0);
    }

    #[test]
    fn a_call_without_a_route_is_counted_as_none() {
        let calls = Calls::new(ROUTES.into_iter());
        calls.count(None, StatusCode::OK, Duration::ZERO);
        let none = calls.routes().find(|(_, name)| *name == "none");
        let (none, _) = none.expect("listed");
        assert_eq!(calls.statuses(none)[0], 1);
    }

    #[test]
    fn counts_of_concurrent_threads_are_complete() {
        let calls = Calls::new(ROUTES.into_iter());
        std::thread::scope(|scope| {
            for _ in 0..32 {
                scope.spawn(|| (0..1_000).for_each(|_| calls.judged(Verdict::Accepted)));
            }
        });
        assert_eq!(calls.verdicts(Verdict::Accepted), 32_000);
        assert_eq!(calls.verdicts(Verdict::Undecided), 0);
    }
}
