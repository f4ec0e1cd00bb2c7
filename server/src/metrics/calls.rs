//! Counting calls of the API: a few additions that no other thread waits for.
//!
//! Each thread adds to a part of its own, so that processors do not pass cache lines around for it; parts are
//! summed up when somebody asks. A sum is taken while others go on adding: it is as good as one a moment
//! earlier or later.

use std::{
    array,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::Duration,
};

use http::StatusCode;
use model::permission::Refusal;

use crate::api::ROUTES;

/// The upper ends of the histograms' buckets. The guard takes microseconds, a page of photos milliseconds, and
/// a read of the database is given up after five seconds.
pub(super) const BOUNDS: [Duration; 15] = [
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

/// Those that the API answers with; any other is counted in one place.
pub(super) const STATUSES: [StatusCode; 12] = [
    StatusCode::OK,
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

/// One for each route, and one for calls that came to none: refused by the guard, or for an unknown path.
const PLACES: usize = ROUTES.len() + 1;
/// Where calls are counted that came to no route.
pub(crate) const NOWHERE: usize = ROUTES.len();

/// Threads beyond these share a part, which costs them a little time.
const PARTS: usize = 16;

/// What the guard made of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// No check refused it.
    Accepted,
    /// A check refused it.
    Refused(Refusal),
    /// What is known of the key could not be had.
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

/// Calls of one route, or to none.
#[derive(Debug)]
struct Place {
    statuses: [AtomicU64; STATUSES.len() + 1],
    buckets: [AtomicU64; BOUNDS.len() + 1],
    nanos: AtomicU64,
}

impl Default for Place {
    fn default() -> Self {
        Self {
            statuses: Default::default(),
            buckets: Default::default(),
            nanos: AtomicU64::new(0),
        }
    }
}

/// What some threads have counted, on cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Part {
    places: [Place; PLACES],
    verdicts: [AtomicU64; Verdict::COUNT],
}

/// Every call of the API since the start.
#[derive(Debug)]
pub(crate) struct Calls {
    parts: Box<[Part]>,
}

impl Calls {
    pub(super) fn new() -> Self {
        Self {
            parts: (0..PARTS).map(|_| Part::default()).collect(),
        }
    }

    /// Counts a call that came to the route at this place of [`ROUTES`], or [`NOWHERE`].
    pub(crate) fn count(&self, place: usize, status: StatusCode, took: Duration) {
        let Some(place) = self.own_part().places.get(place) else {
            return;
        };
        let status = STATUSES.iter().position(|known| *known == status);
        let bucket = BOUNDS.iter().position(|bound| took <= *bound);
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        add(&place.statuses[status.unwrap_or(STATUSES.len())], 1);
        add(&place.buckets[bucket.unwrap_or(BOUNDS.len())], 1);
        add(&place.nanos, nanos);
    }

    /// Counts what the guard made of a call.
    pub(crate) fn judged(&self, verdict: Verdict) {
        add(&self.own_part().verdicts[verdict.index()], 1);
    }

    fn own_part(&self) -> &Part {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static OWN: usize = THREADS.fetch_add(1, Ordering::Relaxed) % PARTS;
        }
        &self.parts[OWN.with(|own| *own)]
    }

    /// Calls that the guard judged so.
    pub(super) fn verdicts(&self, verdict: Verdict) -> u64 {
        self.sum(|part| &part.verdicts[verdict.index()])
    }

    /// Calls that came to this place, by status; the last counts all that are not in [`STATUSES`].
    pub(super) fn statuses(&self, place: usize) -> [u64; STATUSES.len() + 1] {
        array::from_fn(|status| self.sum(|part| &part.places[place].statuses[status]))
    }

    /// How long calls that came to this place took: how many fell into each bucket, and all of their time.
    pub(super) fn durations(&self, place: usize) -> ([u64; BOUNDS.len() + 1], Duration) {
        let buckets = array::from_fn(|bucket| self.sum(|part| &part.places[place].buckets[bucket]));
        let nanos = self.sum(|part| &part.places[place].nanos);
        (buckets, Duration::from_nanos(nanos))
    }

    fn sum(&self, count: impl Fn(&Part) -> &AtomicU64) -> u64 {
        let parts = self.parts.iter().map(count);
        parts.map(|count| count.load(Ordering::Relaxed)).sum()
    }
}

fn add(count: &AtomicU64, more: u64) {
    count.fetch_add(more, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_has_a_place_and_a_name_of_its_own() {
        let mut places: Vec<_> = Verdict::all().map(Verdict::index).collect();
        places.sort_unstable();
        assert_eq!(places, (0..Verdict::COUNT).collect::<Vec<_>>());
        let names: std::collections::HashSet<_> = Verdict::all().map(Verdict::name).collect();
        assert_eq!(names.len(), Verdict::COUNT);
    }

    #[test]
    fn a_call_is_counted_by_route_status_and_time() {
        let calls = Calls::new();
        calls.count(1, StatusCode::OK, Duration::from_micros(50));
        calls.count(1, StatusCode::NOT_FOUND, Duration::from_secs(60));
        calls.count(1, StatusCode::IM_A_TEAPOT, Duration::ZERO);
        let statuses = calls.statuses(1);
        assert_eq!((statuses[0], statuses[4], statuses[12]), (1, 1, 1));
        let (buckets, all) = calls.durations(1);
        assert_eq!((buckets[0], buckets[15]), (2, 1));
        assert_eq!(all, Duration::from_micros(60_000_050));
        assert_eq!(calls.statuses(0).iter().sum::<u64>(), 0);
    }

    #[test]
    fn what_threads_count_at_once_is_all_there() {
        let calls = Calls::new();
        std::thread::scope(|scope| {
            for _ in 0..32 {
                scope.spawn(|| (0..1_000).for_each(|_| calls.judged(Verdict::Accepted)));
            }
        });
        assert_eq!(calls.verdicts(Verdict::Accepted), 32_000);
        assert_eq!(calls.verdicts(Verdict::Undecided), 0);
    }
}
