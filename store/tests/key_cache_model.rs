//! The table of the key cache, under every order in which threads can run. It is the code of
//! `store/src/key_cache/table.rs`, with loom's locks and atomics instead of the system's.
//!
//! A condition variable replaces what `read_cache.rs` does with tokio.

mod sync {
    pub(super) use loom::sync::{Mutex, MutexGuard};
}
#[expect(dead_code, reason = "another test checks the size")]
#[expect(unreachable_pub, reason = "it is public in its own crate")]
#[path = "../src/key_cache/table.rs"]
mod table;

use std::sync::PoisonError;

use loom::{
    model::Builder,
    sync::{
        Arc, Condvar,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use self::{
    sync::Mutex,
    table::{Lookup, Size, Table},
};

const KEY: u8 = 7;
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
            table: Table::new(ONE),
            row: AtomicU64::new(0),
            reads: AtomicU64::new(0),
        })
    }

    /// A call, from its start to its answer.
    fn ask(&self) -> u64 {
        loop {
            match self.table.look_up(KEY, Flight::start) {
                Lookup::Cached(row) => return row.expect("there is a row"),
                Lookup::Join(flight) => {
                    if let Some(row) = flight.outcome() {
                        return row;
                    }
                }
                Lookup::Read(reading, flight) => {
                    self.reads.fetch_add(1, Ordering::AcqRel);
                    let row = self.row.load(Ordering::Acquire);
                    self.table.finish(KEY, reading, Some(&row));
                    flight.end(State::Found(row));
                    return row;
                }
            }
        }
    }

    /// A call that is cancelled during its read.
    fn ask_and_go(&self) {
        if let Lookup::Read(reading, flight) = self.table.look_up(KEY, Flight::start) {
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

fn the_next_answer_has_the_change_after(invalidate: fn(&Table<u8, u64, Arc<Flight>>)) {
    in_every_order(move |model| {
        let others = [beside(model, Model::ask), beside(model, Model::ask)];
        model.commit();
        invalidate(&model.table);
        assert_eq!(model.ask(), 1);
        for other in others {
            other.join().expect("answered");
        }
        assert_eq!(model.ask(), 1);
    });
}

#[test]
fn after_the_invalidation_of_a_key_the_next_answer_has_the_change() {
    the_next_answer_has_the_change_after(|table| table.invalidate(KEY));
}

#[test]
fn after_the_invalidation_of_some_values_the_next_answer_has_the_change() {
    the_next_answer_has_the_change_after(|table| table.invalidate_where(|row| *row == 0));
}

#[test]
fn after_the_invalidation_of_everything_the_next_answer_has_the_change() {
    the_next_answer_has_the_change_after(Table::clear);
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
            model.table.invalidate(KEY);
            assert_eq!(model.ask(), change);
        }
        other.join().expect("answered");
    });
}
