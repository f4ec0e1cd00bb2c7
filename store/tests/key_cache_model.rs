//! What is remembered of tokens and events, under every order in which threads can run: the very code of
//! `store/src/key_cache/table.rs`, with loom's locks and atomics in place of the system's.
//!
//! Around it, what `memory.rs` does with tokio is done here with a condition variable.

mod sync {
    pub(super) use loom::sync::{
        Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    };
}
#[expect(dead_code, reason = "how much is kept is looked at elsewhere")]
#[expect(unreachable_pub, reason = "it is public where it is at home")]
#[path = "../src/key_cache/table.rs"]
mod table;

use std::sync::PoisonError;

use loom::{
    model::Builder,
    sync::{Arc, Condvar},
    thread,
};

use self::{
    sync::{AtomicU64, Mutex, Ordering},
    table::{Asked, Size, Table},
};

const KEY: u8 = 7;
const LEASE: u64 = 250;
const ONE: Size = Size {
    shards: 1,
    found: 8,
    missing: 8,
};

/// One server, and the database with one row: how often it was changed.
struct Zone {
    table: Table<u8, u64, Arc<Flight>>,
    row: AtomicU64,
    reads: AtomicU64,
    clock: AtomicU64,
}

/// A read that others wait for.
struct Flight {
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Clone, Copy)]
enum State {
    UnderWay,
    Found(u64),
    Abandoned,
}

impl Flight {
    fn start() -> (Arc<Self>, Arc<Self>) {
        let flight = Arc::new(Self {
            state: Mutex::new(State::UnderWay),
            news: Condvar::new(),
        });
        (flight.clone(), flight)
    }

    fn tell(&self, state: State) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
        self.news.notify_all();
    }

    fn outcome(&self) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match *state {
                State::UnderWay => {
                    state = self
                        .news
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner);
                }
                State::Found(row) => return Some(row),
                State::Abandoned => return None,
            }
        }
    }
}

impl Zone {
    fn start() -> Arc<Self> {
        Arc::new(Self {
            table: Table::new(LEASE, ONE),
            row: AtomicU64::new(0),
            reads: AtomicU64::new(0),
            clock: AtomicU64::new(1_000),
        })
    }

    /// A question, from its coming to its answer.
    fn ask(&self) -> u64 {
        loop {
            let now = self.clock.load(Ordering::Acquire);
            match self.table.ask(KEY, now, Flight::start) {
                Asked::Held(answer) => return answer.expect("there is a row"),
                Asked::Join(flight) => {
                    if let Some(row) = flight.outcome() {
                        return row;
                    }
                }
                Asked::Read(reading, flight) => {
                    self.reads.fetch_add(1, Ordering::AcqRel);
                    let row = self.row.load(Ordering::Acquire);
                    let now = self.clock.load(Ordering::Acquire);
                    self.table.finish(KEY, reading, now, Some(&row));
                    flight.tell(State::Found(row));
                    return row;
                }
            }
        }
    }

    /// A question by somebody who goes away while the database is being read.
    fn ask_and_go(&self) {
        let now = self.clock.load(Ordering::Acquire);
        if let Asked::Read(reading, flight) = self.table.ask(KEY, now, Flight::start) {
            self.table.abandon(KEY, reading);
            flight.tell(State::Abandoned);
        }
    }

    fn commit(&self) {
        self.row.fetch_add(1, Ordering::AcqRel);
    }
}

/// Every order with up to two switches away from a thread that could have gone on: a second's work. (Three take
/// seven times as long, and were tried.)
fn in_every_order(test: impl Fn(&Arc<Zone>) + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(move || test(&Zone::start()));
}

fn beside<T: 'static>(
    zone: &Arc<Zone>,
    task: impl FnOnce(&Zone) -> T + 'static,
) -> thread::JoinHandle<T> {
    let zone = zone.clone();
    thread::spawn(move || task(&zone))
}

/// What a server on SQLite goes by, which does not wait for itself.
#[test]
fn a_change_is_in_the_next_answer_once_what_was_read_before_it_is_invalid() {
    in_every_order(|zone| {
        let others = [beside(zone, Zone::ask), beside(zone, Zone::ask)];
        zone.commit();
        zone.table.invalidate();
        assert_eq!(zone.ask(), 1);
        for other in others {
            other.join().expect("answered");
        }
        assert_eq!(zone.ask(), 1);
    });
}

/// What all others go by: the change was made elsewhere, and nobody tells this server.
#[test]
fn a_change_is_in_the_next_answer_once_one_lease_has_gone_by() {
    in_every_order(|zone| {
        let others = [beside(zone, Zone::ask), beside(zone, Zone::ask)];
        zone.commit();
        zone.clock.fetch_add(LEASE, Ordering::AcqRel);
        assert_eq!(zone.ask(), 1);
        for other in others {
            other.join().expect("answered");
        }
        assert_eq!(zone.ask(), 1);
    });
}

#[test]
fn who_asks_for_the_same_at_once_makes_one_read_together() {
    in_every_order(|zone| {
        let others = [beside(zone, Zone::ask), beside(zone, Zone::ask)];
        zone.ask();
        for other in others {
            other.join().expect("answered");
        }
        assert_eq!(zone.reads.load(Ordering::Acquire), 1);
    });
}

/// One that hangs is a deadlock, which loom finds.
#[test]
fn a_reader_that_goes_away_leaves_nobody_waiting() {
    in_every_order(|zone| {
        let gone = beside(zone, Zone::ask_and_go);
        let other = beside(zone, Zone::ask);
        assert_eq!(zone.ask(), 0);
        assert_eq!(other.join().expect("answered"), 0);
        gone.join().expect("gone");
        assert_eq!(zone.reads.load(Ordering::Acquire), 1);
    });
}

#[test]
fn changes_one_upon_the_other_are_each_in_the_next_answer() {
    in_every_order(|zone| {
        let other = beside(zone, Zone::ask);
        for change in 1..=2 {
            zone.commit();
            zone.table.invalidate();
            assert_eq!(zone.ask(), change);
        }
        other.join().expect("answered");
    });
}
