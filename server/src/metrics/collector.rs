//! Metrics whose values other parts already count. They are read at each scrape.

use std::{fmt, sync::Arc};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeGaugeValue, NoLabelSet},
    metrics::MetricType,
};
use store::{
    PasswordLoad, Store,
    key_cache::{LookCause, LookupCounts, WaitCounts},
};

use super::calls::{Calls, STATUSES, Verdict, bounds_in_seconds};
use crate::telemetry;

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
        let counts = self.calls.routes().flat_map(|(route, name)| {
            let statuses = self.calls.statuses(route).into_iter().enumerate();
            statuses
                .filter(|(_, count)| *count > 0)
                .map(move |(at, count)| {
                    let status = STATUSES.get(at).map_or("other", |status| status.as_str());
                    ([("route", name), ("status", status)], count)
                })
        });
        family(
            encoder,
            "api_requests",
            "API calls by route and status; route none: refused by the guard, or unknown path",
            MetricType::Counter,
            counts,
        )
    }

    fn durations(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut durations = encoder.encode_descriptor(
            "api_request_duration_seconds",
            "Time from a call's head to its response's head, by route",
            None,
            MetricType::Histogram,
        )?;
        for (route, name) in self.calls.routes() {
            let (counts, all) = self.calls.durations(route);
            // The library writes `f64::MAX` as `+Inf`.
            let buckets: Vec<_> = bounds_in_seconds().chain([f64::MAX]).zip(counts).collect();
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
        let counts = Verdict::all()
            .map(|verdict| ([("verdict", verdict.name())], self.calls.verdicts(verdict)));
        family(
            encoder,
            "guard_verdicts",
            "Decisions of the guard: accepted, refused with a code, or undecided because the database failed",
            MetricType::Counter,
            counts,
        )
    }

    fn grants(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let (tokens, events) = self.store.key_cache().lookups();
        let counts = [("token", tokens), ("event", events)].map(|(of, counts)| {
            let LookupCounts {
                from_memory,
                read,
                joined,
            } = counts;
            [("memory", from_memory), ("read", read), ("joined", joined)]
                .map(|(from, count)| ([("of", of), ("from", from)], count))
        });
        family(
            encoder,
            "grants_answers",
            "Lookups of tokens and events: from memory, by a read, by joining another call's read",
            MetricType::Counter,
            counts.into_iter().flatten(),
        )
    }

    fn lease(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let Some(lease) = self.store.key_cache().lease() else {
            return Ok(());
        };
        gauge(
            encoder,
            "lease_left_seconds",
            "How long this server may still answer calls without renewing its lease",
            &lease.left.as_secs_f64(),
        )?;
        let causes = LookCause::ALL.map(|cause| match cause {
            LookCause::Renewal => "renewal",
            LookCause::Notification => "notification",
            LookCause::Poll => "poll",
            LookCause::OwnChange => "own_change",
        });
        let looks = causes.iter().zip(lease.looks);
        family(
            encoder,
            "change_log_reads",
            "Reads of the change log by cause: a lease to renew, a notification, a poll without notifications, an own change",
            MetricType::Counter,
            looks.map(|(cause, count)| ([("cause", *cause)], count)),
        )?;
        gauge(
            encoder,
            "changes_lost",
            "1 if the database has lost changes that this server knew: every call is refused",
            &u64::from(lease.has_lost_changes),
        )?;
        gauge(
            encoder,
            "servers",
            "Servers that are registered in the database",
            &lease.servers,
        )?;
        gauge(
            encoder,
            "changes_unacknowledged",
            "The latest changes that some server has not acknowledged",
            &lease.unacknowledged,
        )
    }

    fn standbys(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let Some(standbys) = self.store.standbys() else {
            return Ok(());
        };
        gauge(
            encoder,
            "failover_may_lose_changes",
            "1 if PostgreSQL has a standby and confirms changes without waiting for it",
            &u64::from(standbys.may_lack_changes()),
        )
    }

    fn waits(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let WaitCounts {
            buckets,
            sum,
            ended_leases,
        } = self.store.key_cache().waits();
        let bounds = WaitCounts::bounds().map(|bound| bound.as_secs_f64());
        // The library writes `f64::MAX` as `+Inf`.
        let counts: Vec<_> = bounds.chain([f64::MAX]).zip(buckets).collect();
        encoder
            .encode_descriptor(
                "change_wait_seconds",
                "Time from the commit of a change on this server until no other server answers by the state before it",
                None,
                MetricType::Histogram,
            )?
            .encode_histogram::<NoLabelSet>(
                sum.as_secs_f64(),
                buckets.iter().sum(),
                &counts,
                None,
            )?;
        encoder
            .encode_descriptor(
                "change_leases_ended",
                "Servers that did not acknowledge a change of this server before their lease ended",
                None,
                MetricType::Counter,
            )?
            .encode_counter::<NoLabelSet, _, u64>(&ended_leases, None)
    }

    fn connections(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let pools = self.store.connections().into_iter();
        let counts = pools.flat_map(|pool| {
            [
                ("in_use", pool.in_use),
                ("idle", pool.idle),
                ("limit", pool.limit),
            ]
            .map(|(state, count)| ([("pool", pool.pool), ("state", state)], count.into()))
        });
        family(
            encoder,
            "database_connections",
            "Database connections by pool: in use, idle, and the limit",
            MetricType::Gauge,
            counts,
        )
    }

    fn passwords(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let PasswordLoad { running, waiting } = self.store.password_load();
        let counts = [("running", running), ("waiting", waiting)]
            .map(|(state, count)| ([("state", state)], count as u64));
        family(
            encoder,
            "passwords",
            "Passwords that are being hashed, and that wait",
            MetricType::Gauge,
            counts,
        )
    }

    fn usage(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        encoder
            .encode_descriptor(
                "usage_waiting",
                "Counts of token usage that wait for the database",
                None,
                MetricType::Gauge,
            )?
            .encode_gauge(&(self.store.usage().waiting() as u64))
    }

    fn free_space(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let Some(bytes) = self.store.free_space() else {
            return Ok(());
        };
        encoder
            .encode_descriptor(
                "database_disk_free_bytes",
                "Free space on the disk of the SQLite database",
                None,
                MetricType::Gauge,
            )?
            .encode_gauge(&bytes)
    }

    fn panics(encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        encoder
            .encode_descriptor(
                "panics",
                "Panics in requests and background tasks",
                None,
                MetricType::Counter,
            )?
            .encode_counter::<NoLabelSet, _, u64>(&telemetry::panics(), None)
    }

    fn lost_lines(encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        encoder
            .encode_descriptor(
                "log_lines_lost",
                "Lines of the log that could not be written to standard error",
                None,
                MetricType::Counter,
            )?
            .encode_counter::<NoLabelSet, _, u64>(&telemetry::lost_lines(), None)
    }
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: &impl EncodeGaugeValue,
) -> fmt::Result {
    encoder
        .encode_descriptor(name, help, None, MetricType::Gauge)?
        .encode_gauge(value)
}

/// A metric with a value for each set of labels.
fn family<const N: usize>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    of_type: MetricType,
    values: impl IntoIterator<Item = ([(&'static str, &'static str); N], u64)>,
) -> fmt::Result {
    let is_gauge = matches!(of_type, MetricType::Gauge);
    let mut metric = encoder.encode_descriptor(name, help, None, of_type)?;
    for (labels, value) in values {
        let mut metric = metric.encode_family(&labels)?;
        if is_gauge {
            metric.encode_gauge(&value)?;
        } else {
            metric.encode_counter::<NoLabelSet, _, u64>(&value, None)?;
        }
    }
    Ok(())
}

impl Collector for Collected {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.requests(&mut encoder)?;
        self.durations(&mut encoder)?;
        self.verdicts(&mut encoder)?;
        self.grants(&mut encoder)?;
        self.lease(&mut encoder)?;
        self.standbys(&mut encoder)?;
        self.waits(&mut encoder)?;
        self.connections(&mut encoder)?;
        self.usage(&mut encoder)?;
        self.free_space(&mut encoder)?;
        self.passwords(&mut encoder)?;
        Self::panics(&mut encoder)?;
        Self::lost_lines(&mut encoder)
    }
}
