//! Metrics of TCP connections.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

/// Why the server closed a connection that its caller would have kept open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// A new one, because its network uses its whole share.
    Refused,
    /// It waited for its caller, and its network needed the room for a new connection.
    ForItsNetwork,
    /// It waited for its caller, and all connections were in use.
    ForAnother,
    /// The head of its request took too long.
    SlowHead,
    /// The body of its request, or our response, took too long.
    SlowRequest,
    /// Its caller sent no request and read no response for too long.
    Idle,
}

impl Closed {
    const ALL: [Self; 6] = [
        Self::Refused,
        Self::ForItsNetwork,
        Self::ForAnother,
        Self::SlowHead,
        Self::SlowRequest,
        Self::Idle,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::ForItsNetwork => "for_its_network",
            Self::ForAnother => "for_another",
            Self::SlowHead => "slow_head",
            Self::SlowRequest => "slow_request",
            Self::Idle => "idle",
        }
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct State {
    state: &'static str,
}

const OPEN: State = State { state: "open" };
const LIMIT: State = State { state: "limit" };

/// The connections of the public listener. Clones share their values.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConnectionMetrics {
    connections: Family<State, Gauge>,
    closed: Family<Reason, Counter>,
}

impl ConnectionMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        for reason in Closed::ALL.map(Closed::name) {
            // A counter that is there from the start shows its first increase.
            let _ = self.closed.get_or_create(&Reason { reason });
        }
        registry.register(
            "connections",
            "TCP connections of the public listener: open, and the limit",
            self.connections.clone(),
        );
        registry.register(
            "connections_closed",
            "Connections that the server refused or closed, by reason",
            self.closed.clone(),
        );
    }

    pub(crate) fn set_open(&self, open: usize) {
        set(&self.connections, &OPEN, open);
    }

    pub(crate) fn set_limit(&self, limit: usize) {
        set(&self.connections, &LIMIT, limit);
    }

    /// Counts a connection that the server closed.
    pub(crate) fn closed(&self, why: Closed) {
        let reason = why.name();
        self.closed.get_or_create(&Reason { reason }).inc();
    }
}

fn set(gauges: &Family<State, Gauge>, state: &State, value: usize) {
    let value = i64::try_from(value).unwrap_or(i64::MAX);
    gauges.get_or_create(state).set(value);
}
