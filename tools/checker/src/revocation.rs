//! The revocation run: calls and changes several servers on one PostgreSQL database, and injects faults.
//!
//! Each token has one user who changes it and waits for the result. Several users work concurrently, through the
//! dashboard and the command line. So nearly every change has a known result, and every later call has one correct
//! response.

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
    proxy::{CuttableProxy, LinkState},
    report::{self, Report},
    signals::until_signal,
};

const CALLERS_PER_SERVER: usize = 2;
/// Number of tokens that are deactivated and activated.
const SWITCHED: usize = 4;
/// Number of tokens that are deleted and replaced by new ones.
const REPLACED: usize = 2;
/// Number of tokens that never change. Only the plan affects them.
const STEADY: usize = 1;
/// Number of recently deleted tokens that calls still use.
const MAX_DELETED: usize = 40;

const QUIET: Duration = Duration::from_secs(11);
const LONG_QUIET: Duration = Duration::from_secs(120);

/// The settings of a run.
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) servers: usize,
    /// The approximate length. `None` for a short run with each fault once.
    pub(crate) length: Option<Duration>,
    /// The pauses between faults are this many times longer than usual.
    pub(crate) pace: u32,
    pub(crate) lies: bool,
}

impl Plan {
    /// The random generator for one part of the run. The same seed gives the same generator.
    fn rng(&self, part: u64) -> StdRng {
        StdRng::seed_from_u64(self.seed.wrapping_mul(1_000).wrapping_add(part))
    }
}

/// A fault of the servers or the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Kills a server (`kill -9`) and restarts it after a while.
    Kill,
    /// Suspends a server for much longer than a lease.
    Suspend,
    /// Closes one server's connections to the database.
    CutOne,
    /// Holds back all data between one server and the database.
    SilenceOne,
    /// Makes the database unreachable for all servers and commands.
    CutAll,
    /// Stops all calls for a while. Changes continue.
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

/// The tokens that calls use.
#[derive(Default)]
struct KnownKeys {
    keys: RwLock<Keys>,
}

#[derive(Default)]
struct Keys {
    live: Vec<Arc<Key>>,
    /// Deleted tokens, the latest last.
    deleted: Vec<Arc<Key>>,
}

impl KnownKeys {
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
            let forgotten = keys.deleted.len().saturating_sub(MAX_DELETED);
            keys.deleted.drain(..forgotten);
        });
    }

    fn pick(&self, rng: &mut StdRng) -> Option<Arc<Key>> {
        self.read(|keys| {
            let from = if rng.random_ratio(1, 10) {
                &keys.deleted
            } else {
                &keys.live
            };
            from.choose(rng).cloned()
        })
    }
}

/// The servers of a run, with the state that its tasks share.
struct Setup {
    clock: Clock,
    lies: bool,
    lease: Duration,
    servers: Vec<Arc<Server>>,
    /// One proxy for each server, then one for the command line.
    proxies: Vec<CuttableProxy>,
    command_line: CommandLine,
    session: String,
    known_keys: KnownKeys,
    /// Held while a token is created. So while it is held, an unknown token is one whose creation got no response.
    creating: Mutex<()>,
    /// Sends recently changed tokens to each caller.
    hints: Vec<mpsc::UnboundedSender<Arc<Key>>>,
    calling: watch::Sender<bool>,
    changing: watch::Sender<bool>,
    ended: watch::Sender<bool>,
}

/// Runs, and judges the record.
///
/// # Errors
/// If the run itself fails: no PostgreSQL, no program, or a server that does not start.
pub(crate) async fn run(plan: &Plan, program: &Program) -> Result<Report> {
    let database = PostgresDatabase::create("history").await?;
    let outcome = until_signal(run_on(&database, plan, program)).await;
    database.drop().await?;
    outcome
}

async fn run_on(database: &PostgresDatabase, plan: &Plan, program: &Program) -> Result<Report> {
    program.must_run(&database.url(None)?, &["demo"]).await?;
    let (setup, hinted) = Setup::start(database, plan, program).await?;
    let setup = Arc::new(setup);
    let mut callers = JoinSet::new();
    for (number, hints) in hinted.into_iter().enumerate() {
        let rng = plan.rng(100 + number as u64);
        callers.spawn(call_until_ended(Arc::clone(&setup), number, rng, hints));
    }
    let mut changers = JoinSet::new();
    for number in 0..SWITCHED + REPLACED {
        let (setup, rng) = (Arc::clone(&setup), plan.rng(200 + number as u64));
        changers.spawn(async move {
            if number < SWITCHED {
                switch(&setup, rng).await
            } else {
                replace(&setup, rng).await
            }
        });
    }
    changers.spawn(change_plan(Arc::clone(&setup), plan.rng(300)));
    let mut finished = vec![create_steady_tokens(&setup, plan.rng(400)).await?];

    let faults = inject_faults(&setup, plan, plan.rng(500));
    let faults = tokio::select! {
        faults = faults => faults?,
        failed = failure(&mut changers) => return Err(failed),
    };
    let faults_ended = setup.clock.now();
    sleep(plan.pace * Duration::from_secs(2)).await;
    setup.changing.send_replace(false);
    while let Some(changer) = changers.join_next().await {
        finished.push(changer??);
    }
    // Time for calls after the last changes.
    sleep(Duration::from_millis(500)).await;
    setup.ended.send_replace(true);
    let mut calls = Vec::new();
    while let Some(made) = callers.join_next().await {
        calls.extend(made?);
    }
    Ok(report(plan, calls, finished, faults, faults_ended))
}

/// Waits for the first changer that fails. A changer that ends without an error has failed, too, because it ends early.
async fn failure(changers: &mut JoinSet<Result<Changer>>) -> anyhow::Error {
    match changers.join_next().await {
        Some(Ok(Err(error))) => error,
        Some(Err(error)) => error.into(),
        Some(Ok(Ok(_))) | None => anyhow::anyhow!("the changes ended too early"),
    }
}

impl Setup {
    async fn start(
        database: &PostgresDatabase,
        plan: &Plan,
        program: &Program,
    ) -> Result<(Self, Vec<mpsc::UnboundedReceiver<Arc<Key>>>)> {
        let far = database.server_address().await?;
        let mut proxies = Vec::new();
        let mut servers = Vec::new();
        for number in 0..plan.servers {
            let proxy = CuttableProxy::to(far).await?;
            let url = database.url(Some(proxy.address))?;
            servers.push(Arc::new(Server::start(number, program.clone(), url).await?));
            proxies.push(proxy);
        }
        let proxy = CuttableProxy::to(far).await?;
        let command_line = CommandLine {
            program: program.clone(),
            database_url: database.url(Some(proxy.address))?,
        };
        proxies.push(proxy);
        let session = sign_in(&servers[0]).await?;
        let callers = plan.servers * CALLERS_PER_SERVER;
        let (hints, hinted) = (0..callers).map(|_| mpsc::unbounded_channel()).unzip();
        let setup = Self {
            clock: Clock::start(),
            lies: plan.lies,
            lease: program.lease(),
            servers,
            proxies,
            command_line,
            session,
            known_keys: KnownKeys::default(),
            creating: Mutex::new(()),
            hints,
            calling: watch::Sender::new(true),
            changing: watch::Sender::new(true),
            ended: watch::Sender::new(false),
        };
        Ok((setup, hinted))
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

    fn random_way(&self, rng: &mut StdRng) -> Way {
        if rng.random_ratio(1, 4) {
            Way::CommandLine
        } else {
            Way::Dashboard(rng.random_range(0..self.servers.len()))
        }
    }

    fn is_changing(&self) -> bool {
        *self.changing.borrow()
    }

    /// Tells every caller to use this token next.
    fn hint(&self, key: &Arc<Key>) {
        for caller in &self.hints {
            // A caller that has ended needs no hint.
            let _ = caller.send(Arc::clone(key));
        }
    }
}

/// Calls one server until the run ends. Uses recently changed tokens first, and otherwise random ones.
async fn call_until_ended(
    setup: Arc<Setup>,
    number: usize,
    mut rng: StdRng,
    mut hints: mpsc::UnboundedReceiver<Arc<Key>>,
) -> Vec<Call> {
    let server = &setup.servers[number % setup.servers.len()];
    let mut caller = Caller::new(setup.clock, Arc::clone(server));
    let mut calling = setup.calling.subscribe();
    let mut calls = Vec::new();
    while !*setup.ended.borrow() {
        if calling.wait_for(|calling| *calling).await.is_err() {
            break;
        }
        let delay = Duration::from_micros(rng.random_range(2_000..8_000));
        let hinted = timeout(delay, hints.recv()).await.ok().flatten();
        let Some(key) = hinted.or_else(|| setup.known_keys.pick(&mut rng)) else {
            continue;
        };
        let call = caller.ping(&key).await;
        let got_none = call.response == checker::history::Response::None;
        calls.push(call);
        if got_none {
            sleep(Duration::from_millis(20)).await;
        }
    }
    calls
}

/// Requests a change until it is reported as done, each time in a random way. Stops when the run ends or the token does
/// not exist.
async fn change_until_done(
    setup: &Setup,
    changer: &mut Changer,
    rng: &mut StdRng,
    action: Action,
) -> Result<Outcome> {
    loop {
        let way = match action {
            Action::Downgrade | Action::Upgrade => Way::CommandLine,
            _ => setup.random_way(rng),
        };
        let outcome = changer.change(action, way).await?;
        let known = matches!(outcome, Outcome::Done | Outcome::NoSuchToken);
        if known || !setup.is_changing() {
            return Ok(outcome);
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// Requests a new token until one is created. Returns `None` if the run ends first.
async fn create_until_done(
    setup: &Setup,
    changer: &mut Changer,
    rng: &mut StdRng,
) -> Result<Option<Arc<Key>>> {
    while setup.is_changing() {
        let creating = setup.creating.lock().await;
        if let Some(key) = changer.create(setup.random_way(rng)).await? {
            let key = Arc::new(key);
            setup.known_keys.add(Arc::clone(&key));
            setup.hint(&key);
            return Ok(Some(key));
        }
        // Tokens whose creation got no response count towards the limit. Deleting them fails during a fault.
        let known: Vec<_> = setup
            .known_keys
            .read(|keys| keys.live.iter().map(|key| key.id).collect());
        let _ = setup.command_line.delete_all_except(&known).await;
        drop(creating);
        sleep(Duration::from_millis(50)).await;
    }
    Ok(None)
}

async fn short_delay(rng: &mut StdRng) {
    sleep(Duration::from_millis(rng.random_range(100..700))).await;
}

/// Creates the tokens that never change.
async fn create_steady_tokens(setup: &Setup, mut rng: StdRng) -> Result<Changer> {
    let mut changer = setup.changer();
    for _ in 0..STEADY {
        create_until_done(setup, &mut changer, &mut rng).await?;
    }
    Ok(changer)
}

/// Deactivates and activates a token, in turn.
async fn switch(setup: &Setup, mut rng: StdRng) -> Result<Changer> {
    let mut changer = setup.changer();
    if let Some(key) = create_until_done(setup, &mut changer, &mut rng).await? {
        while setup.is_changing() {
            for action in [Action::Deactivate(key.id), Action::Activate(key.id)] {
                change_until_done(setup, &mut changer, &mut rng, action).await?;
                setup.hint(&key);
                short_delay(&mut rng).await;
            }
        }
    }
    Ok(changer)
}

/// Deletes a token and creates another, in turn.
async fn replace(setup: &Setup, mut rng: StdRng) -> Result<Changer> {
    let mut changer = setup.changer();
    while let Some(key) = create_until_done(setup, &mut changer, &mut rng).await? {
        short_delay(&mut rng).await;
        let outcome =
            change_until_done(setup, &mut changer, &mut rng, Action::Delete(key.id)).await?;
        if matches!(outcome, Outcome::Done | Outcome::NoSuchToken) {
            setup.known_keys.retire(&key);
            setup.hint(&key);
        }
        short_delay(&mut rng).await;
    }
    Ok(changer)
}

/// Changes the plan to one without the API from time to time, and back after a moment. The moment is short, because
/// calls show no other change during it.
async fn change_plan(setup: Arc<Setup>, mut rng: StdRng) -> Result<Changer> {
    let mut changer = setup.changer();
    let mut changing = setup.changing.subscribe();
    loop {
        let wait = Duration::from_millis(rng.random_range(2_500..4_500));
        let stopped = changing.wait_for(|changing| !changing);
        if timeout(wait, stopped).await.is_ok() {
            return Ok(changer);
        }
        for action in [Action::Downgrade, Action::Upgrade] {
            change_until_done(&setup, &mut changer, &mut rng, action).await?;
            for key in setup.known_keys.read(|keys| keys.live.clone()) {
                setup.hint(&key);
            }
            sleep(Duration::from_millis(rng.random_range(200..500))).await;
        }
    }
}

/// Injects one fault after another, with pauses between them. Returns the number of faults by kind.
async fn inject_faults(
    setup: &Setup,
    plan: &Plan,
    mut rng: StdRng,
) -> Result<BTreeMap<&'static str, usize>> {
    let mut done = BTreeMap::new();
    // One long quiet time, if the run is much longer.
    let mut quiet_for_long = plan.length.is_some_and(|length| length >= 4 * LONG_QUIET);
    loop {
        let mut faults = Fault::EACH;
        faults.shuffle(&mut rng);
        for mut fault in faults {
            if matches!(fault, Fault::Quiet(_)) && quiet_for_long {
                fault = Fault::Quiet(LONG_QUIET);
                quiet_for_long = false;
            }
            sleep(plan.pace * Duration::from_millis(rng.random_range(1_000..2_000))).await;
            eprintln!(
                "{:8.3} s: {}",
                setup.clock.now().as_secs_f64(),
                fault.name()
            );
            for server in &setup.servers {
                server.ensure_running()?;
            }
            inject(setup, fault, &mut rng).await?;
            *done.entry(fault.name()).or_default() += 1;
        }
        if plan.length.is_none_or(|length| setup.clock.now() > length) {
            return Ok(done);
        }
    }
}

async fn inject(setup: &Setup, fault: Fault, rng: &mut StdRng) -> Result<()> {
    let victim = rng.random_range(0..setup.servers.len());
    let server = &setup.servers[victim];
    let (one, all) = (&setup.proxies[victim..=victim], &setup.proxies[..]);
    let a_while = Duration::from_millis(rng.random_range(1_500..2_500));
    match fault {
        Fault::Kill => {
            server.kill().await.context("kill -9")?;
            sleep(Duration::from_millis(rng.random_range(0..1_000))).await;
            server.restart().await?;
        }
        Fault::Suspend => {
            server.suspend()?;
            sleep(a_while.max(4 * setup.lease)).await;
            server.resume()?;
        }
        Fault::CutOne => hold(one, LinkState::Cut, a_while).await,
        Fault::SilenceOne => hold(one, LinkState::Silent, a_while).await,
        Fault::CutAll => hold(all, LinkState::Cut, a_while).await,
        Fault::Quiet(length) => {
            setup.calling.send_replace(false);
            sleep(length).await;
            setup.calling.send_replace(true);
        }
    }
    Ok(())
}

async fn hold(proxies: &[CuttableProxy], state: LinkState, length: Duration) {
    for proxy in proxies {
        proxy.set(state);
    }
    sleep(length).await;
    for proxy in proxies {
        proxy.set(LinkState::Open);
    }
}

fn report(
    plan: &Plan,
    calls: Vec<Call>,
    finished: Vec<Changer>,
    faults: BTreeMap<&'static str, usize>,
    faults_ended: Time,
) -> Report {
    let (mut changes, mut wrong, mut refused) = (Vec::new(), Vec::new(), 0);
    for changer in finished {
        changes.extend(changer.changes);
        wrong.extend(changer.wrong);
        refused += changer.refused;
    }
    let history = History { calls, changes };
    let mut report = Report::new(history, wrong, refused, faults);
    for server in 0..plan.servers {
        let accepted = |response: &_| *response == checker::history::Response::Accepted;
        let found = report.calls(server, Time::ZERO, accepted);
        report.require(format!("calls accepted by server {server}"), 100, found);
        let found = report.calls(server, faults_ended, accepted);
        let what = format!("calls accepted by server {server} after the last fault");
        report.require(what, 10, found);
        for refusal in Refusal::ALL {
            let found = report.calls(server, Time::ZERO, report::is(refusal));
            let what = format!("calls refused by server {server} with {}", refusal.code());
            report.require(what, 10, found);
        }
        let way = Way::Dashboard(server);
        let found = report.changes(|_, by, ending| by == way && matches!(ending, Ending::Done(_)));
        report.require(format!("changes done {way}"), 3, found);
    }
    let by_command = |_, by, ending| by == Way::CommandLine && matches!(ending, Ending::Done(_));
    let found = report.changes(by_command);
    report.require("changes done through the command line", 5, found);
    for name in Action::NAMES {
        let found = report.done(name);
        report.require(format!("changes done of the kind `{name}`"), 2, found);
    }
    for fault in Fault::EACH {
        let found = report.faults.get(fault.name()).copied().unwrap_or_default();
        report.require(format!("faults of the kind `{}`", fault.name()), 1, found);
    }
    let (accept, refuse) = (report.had_to_accept(), report.had_to_refuse());
    report.require("calls that had to be accepted", 500, accept);
    report.require("calls that had to be refused", 500, refuse);
    report
}
