//! What is counted elsewhere, put into Prometheus' form when it is asked for.

use std::{fmt, sync::Arc};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, NoLabelSet},
    metrics::MetricType,
};
use store::{PasswordLoad, Store, grants::Answers};

use super::{
    calls::{BOUNDS, Calls, PLACES, STATUSES, Verdict},
    seconds,
};
use crate::{api::ROUTES, telemetry};

#[derive(Debug)]
pub(super) struct Collected {
    calls: Arc<Calls>,
    store: Store,
}

impl Collected {
    pub(super) const fn new(calls: Arc<Calls>, store: Store) -> Self {
        Self { calls, store }
    }

    fn requests(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut requests = encoder.encode_descriptor(
            "api_requests",
            "Calls of the API by route and status; none where the guard refused, or no route has that path",
            None,
            MetricType::Counter,
        )?;
        for (place, name) in places() {
            for (at, count) in self.calls.statuses(place).into_iter().enumerate() {
                if count > 0 {
                    let status = STATUSES.get(at).map_or("other", |status| status.as_str());
                    requests
                        .encode_family(&[("route", name), ("status", status)])?
                        .encode_counter::<NoLabelSet, _, u64>(&count, None)?;
                }
            }
        }
        Ok(())
    }

    fn durations(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut durations = encoder.encode_descriptor(
            "api_request_duration_seconds",
            "From a call's head to its answer's head, by route",
            None,
            MetricType::Histogram,
        )?;
        for (place, name) in places() {
            let (counts, all) = self.calls.durations(place);
            let bounds = seconds().chain([f64::MAX]);
            let buckets: Vec<_> = bounds.zip(counts).collect();
            debug_assert_eq!(buckets.len(), BOUNDS.len() + 1);
            durations
                .encode_family(&[("route", name)])?
                .encode_histogram::<NoLabelSet>(
                    all.as_secs_f64(),
                    counts.iter().sum(),
                    &buckets,
                    None,
                )?;
        }
        Ok(())
    }

    fn verdicts(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut verdicts = encoder.encode_descriptor(
            "guard_verdicts",
            "What the guard made of calls: accepted, refused by code, or undecided without database",
            None,
            MetricType::Counter,
        )?;
        for verdict in Verdict::all() {
            verdicts
                .encode_family(&[("verdict", verdict.name())])?
                .encode_counter::<NoLabelSet, _, u64>(&self.calls.verdicts(verdict), None)?;
        }
        Ok(())
    }

    fn grants(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let (tokens, events) = self.store.grants().answers();
        let mut answers = encoder.encode_descriptor(
            "grants_answers",
            "How what is known of tokens and events was come by: from memory within a lease, by a read, by another's read",
            None,
            MetricType::Counter,
        )?;
        for (of, counts) in [("token", tokens), ("event", events)] {
            let Answers {
                from_memory,
                read,
                joined,
            } = counts;
            for (from, count) in [("memory", from_memory), ("read", read), ("joined", joined)] {
                answers
                    .encode_family(&[("of", of), ("from", from)])?
                    .encode_counter::<NoLabelSet, _, u64>(&count, None)?;
            }
        }
        Ok(())
    }

    fn connections(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut connections = encoder.encode_descriptor(
            "database_connections",
            "Connections to the database by pool; all that are in use and idle, and how many there may be",
            None,
            MetricType::Gauge,
        )?;
        for pool in self.store.connections() {
            let states = [
                ("in_use", pool.in_use),
                ("idle", pool.idle),
                ("limit", pool.limit),
            ];
            for (state, count) in states {
                connections
                    .encode_family(&[("pool", pool.pool), ("state", state)])?
                    .encode_gauge(&u64::from(count))?;
            }
        }
        Ok(())
    }

    fn passwords(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let PasswordLoad { running, waiting } = self.store.password_load();
        let mut passwords = encoder.encode_descriptor(
            "passwords",
            "Passwords that are being hashed, and that wait for their turn",
            None,
            MetricType::Gauge,
        )?;
        for (state, count) in [("running", running), ("waiting", waiting)] {
            passwords
                .encode_family(&[("state", state)])?
                .encode_gauge(&(count as u64))?;
        }
        Ok(())
    }

    fn panics(encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        encoder
            .encode_descriptor(
                "panics",
                "Mistakes of ours that ended a request, or a task of the server itself",
                None,
                MetricType::Counter,
            )?
            .encode_counter::<NoLabelSet, _, u64>(&telemetry::panics(), None)
    }

    fn usage(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        encoder
            .encode_descriptor(
                "usage_waiting",
                "Counts of the use of tokens that wait for the database",
                None,
                MetricType::Gauge,
            )?
            .encode_gauge(&(self.store.usage().waiting() as u64))
    }
}

impl Collector for Collected {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.requests(&mut encoder)?;
        self.durations(&mut encoder)?;
        self.verdicts(&mut encoder)?;
        self.grants(&mut encoder)?;
        self.connections(&mut encoder)?;
        self.usage(&mut encoder)?;
        self.passwords(&mut encoder)?;
        Self::panics(&mut encoder)
    }
}

fn places() -> impl Iterator<Item = (usize, &'static str)> {
    let names = ROUTES.iter().map(|route| route.path).chain(["none"]);
    let places = names.enumerate();
    debug_assert_eq!(ROUTES.len() + 1, PLACES);
    places
}
