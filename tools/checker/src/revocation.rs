//! Many servers on one PostgreSQL: called without pause, changed without pause, and broken.
//!
//! Each token has one owner, who changes it and waits for what comes of that; several work at once, each time by
//! another way. So a change is rarely in doubt, and every call after it has one right answer.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use anyhow::{Context, Result};
use checker::history::{Action, Call, Ending, History, Refusal, Time, Way};
use rand::{
    Rng, SeedableRng,
    rngs::StdRng,
    seq::{IndexedRandom, SliceRandom},
};
use tokio::{
    sync::{Mutex, mpsc, watch},
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    caller::Caller,
    changer::{Changer, Clock, CommandLine, Key, Outcome, sign_in},
    database::PostgresDatabase,
    program::{Program, Server},
    proxy::{Proxy, Wire},
    report::{self, Report},
    until_told_to_stop,
};

const CALLERS_PER_SERVER: usize = 2;
/// Tokens that are deactivated and activated.
const SWITCHED: usize = 4;
/// Tokens that are deleted and followed by new ones.
const MORTAL: usize = 2;
/// Tokens that nobody touches: only the plan closes them.
const STEADY: usize = 1;
/// So many of the tokens that were deleted last are still called with.
const REMEMBERED: usize = 40;

const QUIET: Duration = Duration::from_secs(11);
const LONG_QUIET: Duration = Duration::from_secs(120);

/// What is to be run.
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) servers: usize,
    /// For about how long; nothing for a short run, with each fault once.
    pub(crate) length: Option<Duration>,
    pub(crate) lies: bool,
}

impl Plan {
    /// A generator for one part of the run, the same for the same seed.
    fn dice(&self, part: u64) -> StdRng {
        StdRng::seed_from_u64(self.seed.wrapping_mul(1_000).wrapping_add(part))
    }
}

/// What is done to the servers and the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// `kill -9` of a server, started again after a while.
    Kill,
    /// A server is stopped where it stands, for much longer than a lease.
    Suspend,
    /// One server's connections to the database break.
    CutOne,
    /// One server's database says nothing any more.
    SilenceOne,
    /// The database is away for everybody.
    CutAll,
    /// Nobody calls for a while; changes go on.
    Quiet(Duration),
}

impl Fault {
    const EACH: [Self; 6] = [
        Self::Kill,
        Self::Suspend,
        Self::CutOne,
        Self::SilenceOne,
        Self::CutAll,
        Self::Quiet(QUIET),
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill -9",
            Self::Suspend => "suspension",
            Self::CutOne => "database cut off from one server",
            Self::SilenceOne => "database silent to one server",
            Self::CutAll => "database away for all",
            Self::Quiet(_) => "quiet time",
        }
    }
}

/// The tokens that calls are made with.
#[derive(Default)]
struct Board {
    keys: RwLock<Keys>,
}

#[derive(Default)]
struct Keys {
    live: Vec<Arc<Key>>,
    /// Deleted, the latest last.
    deleted: Vec<Arc<Key>>,
}

impl Board {
    fn read<T>(&self, look: impl FnOnce(&Keys) -> T) -> T {
        look(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self, change: impl FnOnce(&mut Keys)) {
        change(&mut self.keys.write().unwrap_or_else(PoisonError::into_inner));
    }

    fn add(&self, key: Arc<Key>) {
        self.write(|keys| keys.live.push(key));
    }

    fn retire(&self, key: &Arc<Key>) {
        self.write(|keys| {
            keys.live.retain(|live| live.id != key.id);
            keys.deleted.push(Arc::clone(key));
            let forgotten = keys.deleted.len().saturating_sub(REMEMBERED);
            keys.deleted.drain(..forgotten);
        });
    }

    fn pick(&self, dice: &mut StdRng) -> Option<Arc<Key>> {
        self.read(|keys| {
            let from = if dice.random_ratio(1, 10) {
                &keys.deleted
            } else {
                &keys.live
            };
            from.choose(dice).cloned()
        })
    }
}

/// Everything that takes part.
struct Zone {
    clock: Clock,
    lies: bool,
    lease: Duration,
    servers: Vec<Arc<Server>>,
    /// One for each server, then one for the command line.
    wires: Vec<Proxy>,
    command_line: CommandLine,
    session: String,
    board: Board,
    /// Whoever makes tokens holds it: so a token that nobody knows is one whose creation was not answered.
    creating: Mutex<()>,
    /// For each caller, tokens that have just been changed.
    hints: Vec<mpsc::UnboundedSender<Arc<Key>>>,
    calling: watch::Sender<bool>,
    changing: watch::Sender<bool>,
    ended: watch::Sender<bool>,
}

/// What somebody who changes things leaves behind.
struct Ledger {
    changer: Changer,
}

/// Runs, and judges what was seen.
///
/// # Errors
/// When something other than what is on trial fails: no PostgreSQL, no program, a server that does not start.
pub(crate) async fn run(plan: &Plan, program: &Program) -> Result<Report> {
    let database = PostgresDatabase::create("history").await?;
    let outcome = until_told_to_stop(run_on(&database, plan, program)).await;
    database.drop().await?;
    outcome
}

async fn run_on(database: &PostgresDatabase, plan: &Plan, program: &Program) -> Result<Report> {
    program.must_run(&database.url(None)?, &["demo"]).await?;
    let (zone, hinted) = Zone::start(database, plan, program).await?;
    let zone = Arc::new(zone);
    let mut callers = JoinSet::new();
    for (number, hints) in hinted.into_iter().enumerate() {
        let dice = plan.dice(100 + number as u64);
        callers.spawn(call_until_ended(Arc::clone(&zone), number, dice, hints));
    }
    let mut changers = JoinSet::new();
    for number in 0..SWITCHED + MORTAL {
        let (zone, dice) = (Arc::clone(&zone), plan.dice(200 + number as u64));
        changers.spawn(async move {
            if number < SWITCHED {
                switch(&zone, dice).await
            } else {
                replace(&zone, dice).await
            }
        });
    }
    changers.spawn(re_plan(Arc::clone(&zone), plan.dice(300)));
    let mut ledgers = vec![stay(&zone, plan.dice(400)).await?];

    let faults = break_things(&zone, plan, plan.dice(500));
    let faults = tokio::select! {
        faults = faults => faults?,
        failed = failure(&mut changers) => return Err(failed),
    };
    let all_well_since = zone.clock.now();
    sleep(Duration::from_secs(2)).await;
    zone.changing.send_replace(false);
    while let Some(ledger) = changers.join_next().await {
        ledgers.push(ledger??);
    }
    // The last changes are seen too.
    sleep(Duration::from_millis(500)).await;
    zone.ended.send_replace(true);
    let mut calls = Vec::new();
    while let Some(made) = callers.join_next().await {
        calls.extend(made?);
    }
    Ok(report(plan, calls, ledgers, faults, all_well_since))
}

/// The first failure of those who change things; they do not end otherwise before they are told to.
async fn failure(changers: &mut JoinSet<Result<Ledger>>) -> anyhow::Error {
    match changers.join_next().await {
        Some(Ok(Err(error))) => error,
        Some(Err(error)) => error.into(),
        Some(Ok(Ok(_))) | None => anyhow::anyhow!("the changes ended too early"),
    }
}

impl Zone {
    async fn start(
        database: &PostgresDatabase,
        plan: &Plan,
        program: &Program,
    ) -> Result<(Self, Vec<mpsc::UnboundedReceiver<Arc<Key>>>)> {
        let far = database.server_address().await?;
        let mut wires = Vec::new();
        let mut servers = Vec::new();
        for number in 0..plan.servers {
            let wire = Proxy::to(far).await?;
            let url = database.url(Some(wire.address))?;
            servers.push(Arc::new(Server::start(number, program.clone(), url).await?));
            wires.push(wire);
        }
        let wire = Proxy::to(far).await?;
        let command_line = CommandLine {
            program: program.clone(),
            database_url: database.url(Some(wire.address))?,
        };
        wires.push(wire);
        let session = sign_in(&servers[0]).await?;
        let callers = plan.servers * CALLERS_PER_SERVER;
        let (hints, hinted) = (0..callers).map(|_| mpsc::unbounded_channel()).unzip();
        let zone = Self {
            clock: Clock::start(),
            lies: plan.lies,
            lease: program.lease().unwrap_or_default(),
            servers,
            wires,
            command_line,
            session,
            board: Board::default(),
            creating: Mutex::new(()),
            hints,
            calling: watch::Sender::new(true),
            changing: watch::Sender::new(true),
            ended: watch::Sender::new(false),
        };
        Ok((zone, hinted))
    }

    fn changer(&self) -> Changer {
        let mut changer = Changer::new(
            self.clock,
            self.command_line.clone(),
            self.session.clone(),
            &self.servers,
        );
        if self.lies {
            changer.lie();
        }
        changer
    }

    fn a_way(&self, dice: &mut StdRng) -> Way {
        if dice.random_ratio(1, 4) {
            Way::CommandLine
        } else {
            Way::Dashboard(dice.random_range(0..self.servers.len()))
        }
    }

    fn goes_on(&self) -> bool {
        *self.changing.borrow()
    }

    /// Lets every caller call with this token at once.
    fn hint(&self, key: &Arc<Key>) {
        for caller in &self.hints {
            // A caller that has ended needs no hint.
            let _ = caller.send(Arc::clone(key));
        }
    }
}

/// Calls one server until the run ends, with any token, and first with those that have just been changed.
async fn call_until_ended(
    zone: Arc<Zone>,
    number: usize,
    mut dice: StdRng,
    mut hints: mpsc::UnboundedReceiver<Arc<Key>>,
) -> Vec<Call> {
    let server = &zone.servers[number % zone.servers.len()];
    let mut caller = Caller::new(zone.clock, Arc::clone(server));
    let mut calling = zone.calling.subscribe();
    let mut calls = Vec::new();
    while !*zone.ended.borrow() {
        if calling.wait_for(|calling| *calling).await.is_err() {
            break;
        }
        let breath = Duration::from_micros(dice.random_range(2_000..8_000));
        let hinted = timeout(breath, hints.recv()).await.ok().flatten();
        let Some(key) = hinted.or_else(|| zone.board.pick(&mut dice)) else {
            continue;
        };
        let call = caller.ping(&key).await;
        let silent = call.answer == checker::history::Answer::None;
        calls.push(call);
        if silent {
            sleep(Duration::from_millis(20)).await;
        }
    }
    calls
}

/// Does a change again and again, each time by another way, until it is reported as done. Gives up when the run
/// ends, or the token is gone.
async fn insist(
    zone: &Zone,
    changer: &mut Changer,
    dice: &mut StdRng,
    action: Action,
) -> Result<Outcome> {
    loop {
        let way = match action {
            Action::Downgrade | Action::Upgrade => Way::CommandLine,
            _ => zone.a_way(dice),
        };
        let outcome = changer.change(action, way).await?;
        let settled = matches!(outcome, Outcome::Done | Outcome::NoSuchToken);
        if settled || !zone.goes_on() {
            return Ok(outcome);
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// A new token, sooner or later. Nothing if the run ends first.
async fn make(zone: &Zone, changer: &mut Changer, dice: &mut StdRng) -> Result<Option<Arc<Key>>> {
    while zone.goes_on() {
        let creating = zone.creating.lock().await;
        if let Some(key) = changer.create(zone.a_way(dice)).await? {
            let key = Arc::new(key);
            zone.board.add(Arc::clone(&key));
            zone.hint(&key);
            return Ok(Some(key));
        }
        // Tokens whose creation was not answered take up places. While the database is away that has to wait.
        let known: Vec<_> = zone
            .board
            .read(|keys| keys.live.iter().map(|key| key.id).collect());
        let _ = zone.command_line.remove_all_but(&known).await;
        drop(creating);
        sleep(Duration::from_millis(50)).await;
    }
    Ok(None)
}

async fn pause_for_a_moment(dice: &mut StdRng) {
    sleep(Duration::from_millis(dice.random_range(100..700))).await;
}

/// A token that nobody changes.
async fn stay(zone: &Zone, mut dice: StdRng) -> Result<Ledger> {
    let mut changer = zone.changer();
    for _ in 0..STEADY {
        make(zone, &mut changer, &mut dice).await?;
    }
    Ok(Ledger { changer })
}

/// Deactivates and activates a token.
async fn switch(zone: &Zone, mut dice: StdRng) -> Result<Ledger> {
    let mut changer = zone.changer();
    if let Some(key) = make(zone, &mut changer, &mut dice).await? {
        while zone.goes_on() {
            for action in [Action::Deactivate(key.id), Action::Activate(key.id)] {
                insist(zone, &mut changer, &mut dice, action).await?;
                zone.hint(&key);
                pause_for_a_moment(&mut dice).await;
            }
        }
    }
    Ok(Ledger { changer })
}

/// Deletes a token, and makes another.
async fn replace(zone: &Zone, mut dice: StdRng) -> Result<Ledger> {
    let mut changer = zone.changer();
    while let Some(key) = make(zone, &mut changer, &mut dice).await? {
        pause_for_a_moment(&mut dice).await;
        let outcome = insist(zone, &mut changer, &mut dice, Action::Delete(key.id)).await?;
        if matches!(outcome, Outcome::Done | Outcome::NoSuchToken) {
            zone.board.retire(&key);
            zone.hint(&key);
        }
        pause_for_a_moment(&mut dice).await;
    }
    Ok(Ledger { changer })
}

/// Closes the API to the organisation now and then, for a moment: while it is closed, nothing else shows.
async fn re_plan(zone: Arc<Zone>, mut dice: StdRng) -> Result<Ledger> {
    let mut changer = zone.changer();
    let mut changing = zone.changing.subscribe();
    loop {
        let wait = Duration::from_millis(dice.random_range(2_500..4_500));
        let stopped = changing.wait_for(|changing| !changing);
        if timeout(wait, stopped).await.is_ok() {
            return Ok(Ledger { changer });
        }
        for action in [Action::Downgrade, Action::Upgrade] {
            insist(&zone, &mut changer, &mut dice, action).await?;
            for key in zone.board.read(|keys| keys.live.clone()) {
                zone.hint(&key);
            }
            sleep(Duration::from_millis(dice.random_range(200..500))).await;
        }
    }
}

/// One fault after another, with time between them in which all is well.
async fn break_things(
    zone: &Zone,
    plan: &Plan,
    mut dice: StdRng,
) -> Result<BTreeMap<&'static str, usize>> {
    let mut done = BTreeMap::new();
    // Not where it would be most of the run.
    let mut quiet_for_long = plan.length.is_some_and(|length| length >= 4 * LONG_QUIET);
    loop {
        let mut faults = Fault::EACH;
        faults.shuffle(&mut dice);
        for mut fault in faults {
            if matches!(fault, Fault::Quiet(_)) && quiet_for_long {
                fault = Fault::Quiet(LONG_QUIET);
                quiet_for_long = false;
            }
            sleep(Duration::from_millis(dice.random_range(1_000..2_000))).await;
            eprintln!("{:8.3} s: {}", zone.clock.now().as_secs_f64(), fault.name());
            for server in &zone.servers {
                server.must_run()?;
            }
            inject(zone, fault, &mut dice).await?;
            *done.entry(fault.name()).or_default() += 1;
        }
        if plan.length.is_none_or(|length| zone.clock.now() > length) {
            return Ok(done);
        }
    }
}

async fn inject(zone: &Zone, fault: Fault, dice: &mut StdRng) -> Result<()> {
    let victim = dice.random_range(0..zone.servers.len());
    let server = &zone.servers[victim];
    let (one, all) = (&zone.wires[victim..=victim], &zone.wires[..]);
    let a_while = Duration::from_millis(dice.random_range(1_500..2_500));
    match fault {
        Fault::Kill => {
            server.kill().await.context("kill -9")?;
            sleep(Duration::from_millis(dice.random_range(0..1_000))).await;
            server.start_again().await?;
        }
        Fault::Suspend => {
            server.suspend()?;
            sleep(a_while.max(4 * zone.lease)).await;
            server.go_on()?;
        }
        Fault::CutOne => hold(one, Wire::Cut, a_while).await,
        Fault::SilenceOne => hold(one, Wire::Silent, a_while).await,
        Fault::CutAll => hold(all, Wire::Cut, a_while).await,
        Fault::Quiet(length) => {
            zone.calling.send_replace(false);
            sleep(length).await;
            zone.calling.send_replace(true);
        }
    }
    Ok(())
}

async fn hold(wires: &[Proxy], state: Wire, length: Duration) {
    for wire in wires {
        wire.set(state);
    }
    sleep(length).await;
    for wire in wires {
        wire.set(Wire::Open);
    }
}

fn report(
    plan: &Plan,
    calls: Vec<Call>,
    ledgers: Vec<Ledger>,
    faults: BTreeMap<&'static str, usize>,
    all_well_since: Time,
) -> Report {
    let (mut changes, mut wrong, mut refused) = (Vec::new(), Vec::new(), 0);
    for Ledger { changer } in ledgers {
        changes.extend(changer.changes);
        wrong.extend(changer.wrong);
        refused += changer.refused;
    }
    let history = History { calls, changes };
    let mut report = Report::new(history, wrong, refused, faults);
    // Far below what the slowest machine makes in the time: to be missed only where something does not work.
    for server in 0..plan.servers {
        let accepted = |answer: &_| *answer == checker::history::Answer::Accepted;
        let found = report.calls(server, Time::ZERO, accepted);
        report.demand(format!("calls accepted by server {server}"), 100, found);
        let found = report.calls(server, all_well_since, accepted);
        let what = format!("calls accepted by server {server} after the last fault");
        report.demand(what, 10, found);
        for refusal in Refusal::ALL {
            let found = report.calls(server, Time::ZERO, report::is(refusal));
            let what = format!("calls refused by server {server} with {}", refusal.code());
            report.demand(what, 10, found);
        }
        let way = Way::Dashboard(server);
        let found = report.changes(|_, by, ending| by == way && matches!(ending, Ending::Done(_)));
        report.demand(format!("changes done {way}"), 3, found);
    }
    let by_command = |_, by, ending| by == Way::CommandLine && matches!(ending, Ending::Done(_));
    let found = report.changes(by_command);
    report.demand("changes done through the command line", 5, found);
    for name in Action::NAMES {
        let found = report.done(name);
        report.demand(format!("changes done of the kind `{name}`"), 2, found);
    }
    for fault in Fault::EACH {
        let found = report.faults.get(fault.name()).copied().unwrap_or_default();
        report.demand(format!("faults of the kind `{}`", fault.name()), 1, found);
    }
    let (accept, refuse) = (report.had_to_accept(), report.had_to_refuse());
    report.demand("calls that had to be accepted", 500, accept);
    report.demand("calls that had to be refused", 500, refuse);
    report
}
