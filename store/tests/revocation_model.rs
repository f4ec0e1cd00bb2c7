//! The protocol of `store/src/key_cache.rs` as a model, in every order of its steps. stateright looks for a state in
//! which a server may answer from before a change that was reported as done.
//!
//! The model has one database with one key, two changes of that key, and one server: servers do not depend on each
//! other. Between any two steps, time may pass, so a step may be as slow as a paused process. A message that is lost or
//! a partition is a step that does not come. The server may crash, and the database may lose its last change.
//!
//! Each part of the protocol can be left out. Then the model must find such a state.

use stateright::{Checker, Model, Property};

/// The length of the lease.
const LEASE: u8 = 1;
/// A lease and a tenth. Clocks tick together here, so one tick more is enough.
const WAIT: u8 = LEASE + 1;
/// The model ends here. Enough for the waits of both changes, one after the other.
const END: u8 = 4;

/// A part of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// A change waits for the servers before it is reported.
    Wait,
    /// A change waits for a lease and more, not less.
    WaitForWholeLease,
    /// A server acknowledges changes after it has applied them.
    ApplyFirst,
    /// A change removes a server only if that has not renewed its lease since the change saw it.
    CompareRenewals,
    /// The lease is counted from before the renewal is sent.
    CountFromBefore,
    /// A change is numbered and committed before the next one is numbered.
    NumberInOrder,
    /// An invalidation also catches a read that is under way.
    CatchReads,
    /// A server that was removed drops its memory.
    DropMemory,
    /// A server without a lease does not answer.
    NeedLease,
    /// A server acknowledges a change only in the database that has it.
    CheckHistory,
    /// A server ends its lease if the database has lost changes.
    NoticeLoss,
    /// A read of a database that lacks changes is refused.
    CheckReads,
    /// What reads are compared with is raised before the invalidation, not after it.
    RaiseFirst,
}

/// What goes wrong once, in one run of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The server's process ends, and another one starts.
    Crash,
    /// A failover to a standby that lacks the last change.
    Loss,
}

/// The protocol, without one part.
struct Protocol {
    without: Option<Part>,
    fault: Option<Fault>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    now: u8,
    database: Database,
    server: Server,
    changes: [Change; 2],
}

/// Changes are known by their bits: 1 and 2.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Database {
    /// The number and the bit of each committed change. The value of the key is the set of its changes.
    log: Vec<(u8, u8)>,
    servers: Vec<Row>,
    has_lost: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Row {
    id: u8,
    acknowledged: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Server {
    /// The number of its process.
    id: u8,
    is_registered: bool,
    /// It may answer before this time.
    lease_end: u8,
    /// The number and bit of the last change that it has applied.
    applied: (u8, u8),
    /// The change that reads must have seen.
    fence: (u8, u8),
    /// All changes that it has applied.
    known: u8,
    memory: Option<u8>,
    work: Work,
    /// What a call's read has found that is under way and valid.
    read: Option<u8>,
}

/// What follows when changes are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Then {
    /// The server may answer for a lease, counted from here.
    Answer {
        begun: u8,
    },
    Acknowledge,
}

/// What the task in the background is about to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Work {
    Idle,
    SendRenewal {
        begun: u8,
    },
    EndRenewal {
        begun: u8,
        log: Vec<(u8, u8)>,
    },
    Register {
        begun: u8,
    },
    EndRegistration {
        begun: u8,
        log: Vec<(u8, u8)>,
    },
    Apply {
        log: Vec<(u8, u8)>,
    },
    /// The second half of applying changes.
    Advance {
        head: (u8, u8),
        then: Then,
    },
    Acknowledge {
        change: (u8, u8),
        then: Option<Vec<(u8, u8)>>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Change {
    Wanted,
    Numbered(u8),
    Committed(u8),
    /// Waits for servers until a time: each with whether it has renewed its lease since.
    Waiting {
        seq: u8,
        servers: Vec<(u8, bool)>,
        until: u8,
    },
    Reported,
    Lost,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Step {
    Time,
    Number(usize),
    Commit(usize),
    Look(usize),
    Report(usize),
    BeginRenewal,
    BeginRegistration,
    BeginLook,
    Work,
    BeginRead,
    /// From a primary from before a failover, which lacks the last change.
    BeginOldRead,
    EndRead,
    Crash,
    LoseChange,
}

fn note_renewal(changes: &mut [Change; 2], server: u8) {
    for change in changes {
        if let Change::Waiting { servers, .. } = change {
            for (id, renewed) in servers {
                *renewed |= *id == server;
            }
        }
    }
}

impl Database {
    fn head(&self) -> (u8, u8) {
        self.log.last().copied().unwrap_or_default()
    }

    /// The last change is the one with the highest number.
    fn commit(&mut self, seq: u8, bit: u8) {
        self.log.push((seq, bit));
        self.log.sort_unstable();
    }
}

fn value(log: &[(u8, u8)]) -> u8 {
    log.iter().fold(0, |value, (_, bit)| value | bit)
}

impl Protocol {
    fn has(&self, part: Part) -> bool {
        self.without != Some(part)
    }

    /// The first half: drops what the changes are about. Ends the lease if the log is not the one that the server knows.
    fn apply(&self, server: &mut Server, log: &[(u8, u8)], then: Then) -> Work {
        let (seq, _) = server.applied;
        let head = log.last().copied().unwrap_or_default();
        let same = seq == 0 || log.contains(&server.applied);
        if self.has(Part::NoticeLoss) && (!same || head.0 < seq) {
            server.lease_end = 0;
            return Work::Idle;
        }
        if self.has(Part::RaiseFirst) {
            server.fence = head;
        }
        if log.iter().any(|(logged, _)| *logged > seq) {
            server.memory = None;
            if self.has(Part::CatchReads) {
                server.read = None;
            }
        }
        server.known |= value(log);
        Work::Advance { head, then }
    }

    fn work(&self, world: &mut World) {
        let World {
            now,
            database,
            server,
            changes,
        } = world;
        let row = database.servers.iter_mut().find(|row| row.id == server.id);
        server.work = match std::mem::replace(&mut server.work, Work::Idle) {
            Work::Idle => Work::Idle,
            Work::SendRenewal { begun } => match row {
                Some(row) => {
                    note_renewal(changes, row.id);
                    let log = database.log.clone();
                    Work::EndRenewal { begun, log }
                }
                None => {
                    server.lease_end = 0;
                    Work::Register { begun: *now }
                }
            },
            Work::EndRenewal { begun, log } => {
                let begun = if self.has(Part::CountFromBefore) {
                    begun
                } else {
                    *now
                };
                self.apply(server, &log, Then::Answer { begun })
            }
            Work::Advance { head, then } => {
                server.applied = head.max(server.applied);
                server.fence = server.applied;
                match then {
                    Then::Answer { begun } => {
                        server.is_registered = true;
                        server.lease_end = begun + LEASE;
                        Work::Idle
                    }
                    Then::Acknowledge => Work::Acknowledge {
                        change: server.applied,
                        then: None,
                    },
                }
            }
            Work::Register { begun } => {
                let acknowledged = database.head().0;
                note_renewal(changes, server.id);
                database.servers.retain(|row| row.id != server.id);
                database.servers.push(Row {
                    id: server.id,
                    acknowledged,
                });
                let log = database.log.clone();
                Work::EndRegistration { begun, log }
            }
            Work::EndRegistration { begun, log } => {
                if self.has(Part::DropMemory) {
                    server.memory = None;
                    server.read = None;
                } else {
                    // What is in memory is taken for the present state.
                    server.applied = log.last().copied().unwrap_or_default();
                    server.fence = server.applied;
                }
                self.apply(server, &log, Then::Answer { begun })
            }
            Work::Apply { log } => {
                if !self.has(Part::ApplyFirst) {
                    let change = log.last().copied().unwrap_or_default();
                    Work::Acknowledge {
                        change,
                        then: Some(log),
                    }
                } else {
                    self.apply(server, &log, Then::Acknowledge)
                }
            }
            Work::Acknowledge { change, then } => {
                let is_same = database.log.contains(&change) || !self.has(Part::CheckHistory);
                if let Some(row) = row
                    && is_same
                {
                    row.acknowledged = row.acknowledged.max(change.0);
                }
                match then {
                    Some(log) => Work::EndRenewal { begun: 0, log },
                    None => Work::Idle,
                }
            }
        };
    }

    fn look(&self, world: &mut World, change: usize, seq: u8) {
        let behind = world.database.servers.iter();
        let behind = behind.filter(|row| row.acknowledged < seq);
        let servers = behind.map(|row| (row.id, false)).collect();
        let wait = if self.has(Part::WaitForWholeLease) {
            WAIT
        } else {
            LEASE - 1
        };
        let until = world.now + wait;
        world.changes[change] = Change::Waiting {
            seq,
            servers,
            until,
        };
    }

    /// Whether the change need not wait any longer. Removes the servers that are gone.
    fn has_waited(&self, world: &mut World, seq: u8, servers: &[(u8, bool)], until: u8) -> bool {
        if world.now >= until {
            let is_kept = |row: &Row| {
                let awaited = servers.iter().find(|(id, _)| *id == row.id);
                awaited.is_none_or(|(_, renewed)| *renewed && self.has(Part::CompareRenewals))
            };
            world.database.servers.retain(is_kept);
            return true;
        }
        let rows = &world.database.servers;
        let is_behind =
            |row: &Row| row.acknowledged < seq && servers.iter().any(|(id, _)| *id == row.id);
        !self.has(Part::Wait) || !rows.iter().any(is_behind)
    }
}

impl Model for Protocol {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            now: 0,
            database: Database::default(),
            server: Server {
                id: 1,
                is_registered: false,
                lease_end: 0,
                applied: (0, 0),
                fence: (0, 0),
                known: 0,
                memory: None,
                work: Work::Idle,
                read: None,
            },
            changes: [Change::Wanted, Change::Wanted],
        }]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        let server = &world.server;
        steps.extend([Step::Time, Step::Work]);
        match self.fault {
            None => {}
            Some(Fault::Crash) => steps.push(Step::Crash),
            Some(Fault::Loss) => steps.push(Step::LoseChange),
        }
        for change in 0..2 {
            steps.push(match world.changes[change] {
                Change::Wanted => Step::Number(change),
                Change::Numbered(_) => Step::Commit(change),
                Change::Committed(_) => Step::Look(change),
                Change::Waiting { .. } => Step::Report(change),
                Change::Reported | Change::Lost => continue,
            });
        }
        if server.work == Work::Idle {
            steps.push(match server.is_registered {
                false => Step::BeginRegistration,
                true => Step::BeginRenewal,
            });
            steps.push(Step::BeginLook);
        }
        match server.read {
            None => steps.extend([Step::BeginRead, Step::BeginOldRead]),
            Some(_) => steps.push(Step::EndRead),
        }
    }

    fn next_state(&self, before: &World, step: Step) -> Option<World> {
        let mut world = before.clone();
        let may_answer = self.may_answer(before);
        match step {
            Step::Time if world.now < END => world.now += 1,
            Step::Number(change) => {
                let numbered = |other: &Change| matches!(other, Change::Numbered(_));
                if change == 1 && world.changes[0] == Change::Wanted
                    || self.has(Part::NumberInOrder) && world.changes.iter().any(numbered)
                {
                    return None;
                }
                let taken = world.changes.iter().filter(|other| numbered(other)).count();
                let seq = world.database.head().0 + 1 + u8::try_from(taken).ok()?;
                world.changes[change] = Change::Numbered(seq);
            }
            Step::Commit(change) => {
                let Change::Numbered(seq) = world.changes[change] else {
                    return None;
                };
                world.database.commit(seq, bit(change));
                world.changes[change] = Change::Committed(seq);
            }
            Step::Look(change) => {
                let Change::Committed(seq) = world.changes[change] else {
                    return None;
                };
                self.look(&mut world, change, seq);
            }
            Step::Report(change) => {
                let Change::Waiting {
                    seq,
                    servers,
                    until,
                } = before.changes[change].clone()
                else {
                    return None;
                };
                if !self.has_waited(&mut world, seq, &servers, until) {
                    return None;
                }
                world.changes[change] = Change::Reported;
            }
            // Another one at the same time would change nothing.
            Step::BeginRenewal if world.server.lease_end < world.now + LEASE => {
                world.server.work = Work::SendRenewal { begun: world.now };
            }
            Step::BeginRegistration => {
                world.server.work = Work::Register { begun: world.now };
            }
            Step::BeginLook if world.server.is_registered => {
                if world.server.applied == world.database.head() {
                    return None;
                }
                let log = world.database.log.clone();
                world.server.work = Work::Apply { log };
            }
            Step::Work if world.server.work != Work::Idle => self.work(&mut world),
            Step::BeginRead | Step::BeginOldRead if may_answer && world.server.memory.is_none() => {
                let mut log = world.database.log.clone();
                if step == Step::BeginOldRead {
                    log.pop()?;
                }
                let (seq, mark) = log.last().copied().unwrap_or_default();
                let fence = world.server.fence;
                let has_fence = seq > fence.0 || (seq, mark) == fence;
                if !has_fence && self.has(Part::CheckReads) {
                    return None;
                }
                world.server.read = Some(value(&log));
            }
            Step::EndRead => world.server.memory = Some(world.server.read.take()?),
            // It starts again as another process.
            Step::Crash if world.server.id == 1 && world.server.is_registered => {
                world.server = Server {
                    id: 2,
                    ..self.init_states().remove(0).server
                };
            }
            // A failover also ends the transactions that are open.
            Step::LoseChange if !world.database.has_lost => {
                let (_, lost) = world.database.log.pop()?;
                world.database.has_lost = true;
                // What was written after the change is lost with it.
                let head = world.database.head().0;
                for row in &mut world.database.servers {
                    row.acknowledged = row.acknowledged.min(head);
                }
                for (change, state) in world.changes.iter_mut().enumerate() {
                    let is_open = matches!(state, Change::Numbered(_));
                    let is_lost = bit(change) == lost && *state != Change::Reported;
                    if is_open || is_lost {
                        *state = Change::Lost;
                    }
                }
            }
            _ => return None,
        }
        (world != *before).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(PROMISE, |protocol: &Self, world: &World| {
                let Some(memory) = world.server.memory else {
                    return true;
                };
                let value = value(&world.database.log);
                let is_forgotten = |change: usize| {
                    // A server that never knew a change cannot know that it was lost.
                    let is_known = (value | world.server.known) & bit(change) != 0;
                    world.changes[change] == Change::Reported
                        && is_known
                        && memory & bit(change) == 0
                };
                !protocol.may_answer(world) || !(is_forgotten(0) || is_forgotten(1))
            }),
            Property::sometimes(
                "both changes are reported, and the server answers",
                |protocol: &Self, world: &World| {
                    let all = [Change::Reported, Change::Reported];
                    world.changes == all
                        && protocol.may_answer(world)
                        && world.server.memory.is_some()
                },
            ),
        ]
    }
}

impl Protocol {
    fn may_answer(&self, world: &World) -> bool {
        let server = &world.server;
        server.is_registered && (world.now < server.lease_end || !self.has(Part::NeedLease))
    }
}

fn bit(change: usize) -> u8 {
    [1, 2][change]
}

const FAULTS: [Option<Fault>; 3] = [None, Some(Fault::Crash), Some(Fault::Loss)];

const PROMISE: &str = "no answer from before a reported change";

#[test]
fn no_order_of_steps_breaks_the_promise() {
    for fault in FAULTS {
        let protocol = Protocol {
            without: None,
            fault,
        };
        let checker = protocol.checker().threads(2).spawn_bfs().join();
        eprintln!("{fault:?}: {} states", checker.unique_state_count());
        checker.assert_properties();
    }
}

#[test]
fn the_model_finds_each_part_that_is_left_out() {
    for (part, fault) in [
        (Part::Wait, None),
        (Part::WaitForWholeLease, None),
        (Part::ApplyFirst, None),
        (Part::CompareRenewals, None),
        (Part::CountFromBefore, None),
        (Part::NumberInOrder, None),
        (Part::CatchReads, None),
        (Part::DropMemory, None),
        (Part::NeedLease, None),
        (Part::CheckHistory, Some(Fault::Loss)),
        (Part::NoticeLoss, Some(Fault::Loss)),
        (Part::CheckReads, None),
        (Part::RaiseFirst, None),
    ] {
        let without = Protocol {
            without: Some(part),
            fault,
        };
        let checker = without.checker().threads(2).spawn_bfs().join();
        let found = checker.discovery(PROMISE);
        eprintln!(
            "{part:?}: {:?}",
            found.as_ref().map(|path| path.clone().into_actions())
        );
        assert!(found.is_some(), "without {part:?}");
    }
}
