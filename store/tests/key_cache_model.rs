//! The table of the key cache, under every order in which threads can run. It is the code of
//! `store/src/key_cache/table.rs`, with loom's locks and atomics instead of the system's.
//!
//! A condition variable replaces what `read_cache.rs` does with tokio.

mod sync {
    pub(super) use loom::sync::{
        Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    };
}
#[expect(dead_code, reason = "another test checks the size")]
#[expect(unreachable_pub, reason = "it is public in its own crate")]
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
    table::{Lookup, Size, Table},
};

const KEY: u8 = 7;
const LEASE: u64 = 250;
const ONE: Size = Size {
    shards: 1,
    found: 8,
    missing: 8,
};

/// One server, and a database with one row: the number of its changes.
struct Model {
    table: Table<u8, u64, Arc<Flight>>,
    row: AtomicU64,
    reads: AtomicU64,
    clock: AtomicU64,
}

/// A read that other calls wait for.
struct Flight {
    state: Mutex<State>,
    changed: Condvar,
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
            changed: Condvar::new(),
        });
        (flight.clone(), flight)
    }

    fn end(&self, state: State) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
        self.changed.notify_all();
    }

    fn outcome(&self) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match *state {
                State::UnderWay => {
                    state = self
                        .changed
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner);
                }
                State::Found(row) => return Some(row),
                State::Abandoned => return None,
            }
        }
    }
}

impl Model {
    fn start() -> Arc<Self> {
        Arc::new(Self {
            table: Table::new(LEASE, ONE),
            row: AtomicU64::new(0),
            reads: AtomicU64::new(0),
            clock: AtomicU64::new(1_000),
        })
    }

    /// A call, from its start to its answer.
    fn ask(&self) -> u64 {
        loop {
            let now = self.clock.load(Ordering::Acquire);
            match self.table.look_up(KEY, now, Flight::start) {
                Lookup::Cached(row) => return row.expect("there is a row"),
                Lookup::Join(flight) => {
                    if let Some(row) = flight.outcome() {
                        return row;
                    }
                }
                Lookup::Read(reading, flight) => {
                    self.reads.fetch_add(1, Ordering::AcqRel);
                    let row = self.row.load(Ordering::Acquire);
                    let now = self.clock.load(Ordering::Acquire);
                    self.table.finish(KEY, reading, now, Some(&row));
                    flight.end(State::Found(row));
                    return row;
                }
            }
        }
    }

    /// A call that is cancelled during its read.
    fn ask_and_go(&self) {
        let now = self.clock.load(Ordering::Acquire);
        if let Lookup::Read(reading, flight) = self.table.look_up(KEY, now, Flight::start) {
            self.table.abandon(KEY, reading);
            flight.end(State::Abandoned);
        }
    }

    fn commit(&self) {
        self.row.fetch_add(1, Ordering::AcqRel);
    }
}

/// Every order with up to two preemptions: about a second. (Three preemptions were tried, and take seven times as
/// long.)
fn in_every_order(test: impl Fn(&Arc<Model>) + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(move || test(&Model::start()));
}

fn beside<T: 'static>(
    model: &Arc<Model>,
    task: impl FnOnce(&Model) -> T + 'static,
) -> thread::JoinHandle<T> {
    let model = model.clone();
    thread::spawn(move || task(&model))
}

/// The only server of a SQLite file, which does not wait.
#[test]
fn after_an_invalidation_the_next_answer_has_the_change() {
    in_every_order(|model| {
        let others = [beside(model, Model::ask), beside(model, Model::ask)];
        model.commit();
        model.table.invalidate();
        assert_eq!(model.ask(), 1);
        for other in others {
            other.join().expect("answered");
        }
        assert_eq!(model.ask(), 1);
    });
}

/// Every other server: the change was made elsewhere, and this server is not notified.
#[test]
fn after_one_lease_the_next_answer_has_the_change() {
    in_every_order(|model| {
        let others = [beside(model, Model::ask), beside(model, Model::ask)];
        model.commit();
        model.clock.fetch_add(LEASE, Ordering::AcqRel);
        assert_eq!(model.ask(), 1);
        for other in others {
            other.join().expect("answered");
        }
        assert_eq!(model.ask(), 1);
    });
}

#[test]
fn concurrent_calls_for_one_key_share_a_read() {
    in_every_order(|model| {
        let others = [beside(model, Model::ask), beside(model, Model::ask)];
        model.ask();
        for other in others {
            other.join().expect("answered");
        }
        assert_eq!(model.reads.load(Ordering::Acquire), 1);
    });
}

/// A call that hangs is a deadlock, which loom finds.
#[test]
fn a_cancelled_read_leaves_no_call_waiting() {
    in_every_order(|model| {
        let gone = beside(model, Model::ask_and_go);
        let other = beside(model, Model::ask);
        assert_eq!(model.ask(), 0);
        assert_eq!(other.join().expect("answered"), 0);
        gone.join().expect("gone");
        assert_eq!(model.reads.load(Ordering::Acquire), 1);
    });
}

#[test]
fn each_of_several_changes_is_in_the_next_answer() {
    in_every_order(|model| {
        let other = beside(model, Model::ask);
        for change in 1..=2 {
            model.commit();
            model.table.invalidate();
            assert_eq!(model.ask(), change);
        }
        other.join().expect("answered");
    });
}
