//! The failover run: the same calls and changes on a PostgreSQL with a standby, and faults of the database.
//!
//! Each server and command reaches each host of the database through a proxy of its own.

use std::{collections::HashMap, ops::Range, sync::Arc, time::Duration};

use anyhow::Result;
use checker::{
    history::{Action, Change, Ending, History, Loss, Response, Time, TokenId},
    known::{KnownCall, known_calls},
};
use rand::{Rng, rngs::StdRng};
use tokio::time::{Instant, sleep};

use crate::{
    changer::sign_in,
    pair::Pair,
    program::Program,
    proxy::LinkState,
    report::Report,
    run::{Faults, Injected, Plan, Recording, Setup, record, set},
    signals::until_signal,
};

/// With a shorter lease, no claim is made about calls during a failover: a busy machine may renew leases late.
const LONG_LEASE: Duration = Duration::from_secs(10);

/// Ends the wait for a sign-in on servers that recover.
const SIGN_IN_TIMEOUT: Duration = Duration::from_secs(60);

/// A fault of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The primary crashes, and its synchronous standby is promoted.
    Crash,
    /// The primary's host does not answer any more, and its synchronous standby is promoted.
    HostGone,
    /// The primary goes on, cut off from its synchronous standby, which is promoted. One server reaches only the old
    /// primary, all others and the command line only the new one.
    TwoPrimaries,
    /// An asynchronous standby without the last changes is promoted.
    LossyPromotion,
    /// The database is replaced by an older copy of it.
    Rollback,
}

impl Fault {
    const EACH: [Self; 5] = [
        Self::Crash,
        Self::HostGone,
        Self::TwoPrimaries,
        Self::LossyPromotion,
        Self::Rollback,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Crash => "primary crashed, standby promoted",
            Self::HostGone => "primary's host gone, standby promoted",
            Self::TwoPrimaries => "old primary still reached by one server",
            Self::LossyPromotion => "standby without the last changes promoted",
            Self::Rollback => "rollback to an older copy",
        }
    }

    const fn loses_changes(self) -> bool {
        matches!(self, Self::LossyPromotion | Self::Rollback)
    }
}

/// Runs, and judges the record.
///
/// # Errors
/// If the run itself fails: no PostgreSQL, no program, or a server that does not start or recover.
pub(crate) async fn run(plan: &Plan, program: &Program) -> Result<Report> {
    let recording = async {
        let pair = Arc::new(Pair::start().await?);
        let mut faults = DatabaseFaults {
            pair: Arc::clone(&pair),
            losses: Vec::new(),
        };
        let mut recorded = record(&*pair, plan, program, &mut faults).await?;
        recorded.history.losses = faults.losses;
        recorded.history.two_primaries = recorded.periods(Fault::TwoPrimaries.name());
        Ok(recorded)
    };
    let recorded = until_signal(recording).await?;
    Ok(report(plan, program.lease(), recorded))
}

/// Injects the faults.
struct DatabaseFaults {
    pair: Arc<Pair>,
    losses: Vec<Loss>,
}

impl Faults for DatabaseFaults {
    type Fault = Fault;

    /// Short, because calls and changes go on while a standby is rebuilt.
    const PAUSE: Range<u64> = 300..600;

    fn of_each_kind(&mut self) -> Vec<Fault> {
        Fault::EACH.into()
    }

    fn name(fault: Fault) -> &'static str {
        fault.name()
    }

    async fn inject(&mut self, setup: &Setup, fault: Fault, rng: &mut StdRng) -> Result<bool> {
        let victim = rng.random_range(0..setup.servers.len());
        match fault {
            Fault::Crash => self.crash().await?,
            Fault::HostGone => self.lose_host(setup).await?,
            Fault::TwoPrimaries => self.run_two_primaries(setup, victim).await?,
            Fault::LossyPromotion => self.promote_without_last_changes(setup).await?,
            Fault::Rollback => self.roll_back(setup).await?,
        }
        setup.until_accepting().await?;
        self.pair.rebuild_standby().await?;
        set(&setup.links(), LinkState::Open);
        Ok(true)
    }
}

impl DatabaseFaults {
    async fn crash(&self) -> Result<()> {
        self.pair.stop(self.pair.primary()).await?;
        self.pair.promote().await
    }

    async fn lose_host(&self, setup: &Setup) -> Result<()> {
        let gone = self.pair.primary();
        set(&setup.links_to(gone), LinkState::Silent);
        self.pair.set_replication(LinkState::Silent);
        self.pair.stop(gone).await?;
        self.pair.promote().await
    }

    async fn run_two_primaries(&self, setup: &Setup, victim: usize) -> Result<()> {
        let (old, new) = (self.pair.primary(), self.pair.standby());
        self.pair.set_replication(LinkState::Cut);
        for reader in 0..=setup.servers.len() {
            let hidden = if reader == victim { new } else { old };
            setup.link(reader, hidden).set(LinkState::Cut);
        }
        self.pair.promote().await?;
        // A change waits for the victim's lease and a tenth. Those after it do not.
        sleep(setup.lease * 11 / 10 + setup.pace * Duration::from_secs(1)).await;
        self.pair.stop(old).await?;
        setup.link(victim, new).set(LinkState::Open);
        Ok(())
    }

    async fn promote_without_last_changes(&mut self, setup: &Setup) -> Result<()> {
        self.pair.become_asynchronous().await?;
        let kept = setup.clock.now();
        self.pair.until_replicated().await?;
        self.pair.set_replication(LinkState::Cut);
        let lost_from = setup.clock.now();
        sleep(setup.pace * Duration::from_secs(1)).await;
        self.pair.stop(self.pair.primary()).await?;
        let happened = setup.clock.now();
        let is_known = setup.have_acknowledged_since(lost_from);
        self.pair.promote().await?;
        self.accept_loss(setup, kept, happened, is_known).await
    }

    async fn roll_back(&mut self, setup: &Setup) -> Result<()> {
        self.pair.become_asynchronous().await?;
        let kept = setup.clock.now();
        self.pair.copy().await?;
        let lost_from = setup.clock.now();
        sleep(setup.pace * Duration::from_secs(1)).await;
        self.pair.stop(self.pair.primary()).await?;
        let happened = setup.clock.now();
        let is_known = setup.have_acknowledged_since(lost_from);
        self.pair.restore_copy().await?;
        self.accept_loss(setup, kept, happened, is_known).await
    }

    /// Waits until every server must have noticed the loss, and a while longer. Then does what an operator does.
    async fn accept_loss(
        &mut self,
        setup: &Setup,
        kept: Time,
        happened: Time,
        is_known: bool,
    ) -> Result<()> {
        let noticed = happened + setup.lease;
        sleep(noticed.saturating_sub(setup.clock.now())).await;
        sleep(setup.pace * Duration::from_secs(1)).await;
        setup.session.end();
        let requested = setup.clock.now();
        let after_restore = ["after-restore", "--yes"];
        let command_line = &setup.command_line;
        command_line
            .program
            .must_run(&command_line.database_url, &after_restore)
            .await?;
        self.losses.push(Loss {
            kept,
            happened,
            noticed,
            requested,
            accepted: setup.clock.now(),
            is_known,
        });
        sign_in_again(setup).await?;
        setup.activate_steady_tokens().await
    }
}

/// `after-restore` has ended all sessions.
async fn sign_in_again(setup: &Setup) -> Result<()> {
    let end = Instant::now() + SIGN_IN_TIMEOUT;
    loop {
        match sign_in(&setup.servers[0]).await {
            Ok(cookies) => {
                setup.session.replace(cookies);
                return Ok(());
            }
            Err(error) if Instant::now() > end => return Err(error),
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}

fn report(plan: &Plan, lease: Duration, mut recorded: Recording) -> Report {
    let reused = forget_reused_numbers(&mut recorded.history);
    let lost = lost_revocations(&recorded.history);
    let losses = recorded.history.losses.iter();
    let unknown = losses.filter(|loss| !loss.is_known).count();
    let (in_failovers, too_early) = calls_in_failovers(&recorded, lease);
    if lease >= LONG_LEASE {
        recorded.wrong.extend(too_early);
    }
    let faults_ended = recorded.faults_ended();
    let mut report = Report::of(recorded);
    report.note("failovers", in_failovers);
    report.note(
        "losses",
        format!(
            "{lost} revocations were lost after their report; {} calls had to be refused for that; \
             {unknown} losses were not known to every server; {reused} tokens have the number of a lost one and are not judged",
            report.had_to_be_unavailable()
        ),
    );
    report.require_each_server(plan.servers, faults_ended);
    report.require_faults(Fault::EACH.map(Fault::name));
    report.require("revocations that were lost", 2, lost);
    let (accept, refuse) = (report.had_to_accept(), report.had_to_refuse());
    report.require("calls that had to be accepted", 300, accept);
    report.require("calls that had to be refused", 300, refuse);
    let found = report.had_to_be_unavailable();
    report.require("calls that had to be refused because of a loss", 20, found);
    report
}

/// A lost token and a later one can have the same number. Takes them out of the history, and returns how many they are.
fn forget_reused_numbers(history: &mut History) -> usize {
    let mut created: HashMap<TokenId, usize> = HashMap::new();
    for change in &history.changes {
        if let Action::Create(token) = change.action {
            *created.entry(token).or_default() += 1;
        }
    }
    created.retain(|_, times| *times > 1);
    let is_reused = |token: &TokenId| created.contains_key(token);
    history.calls.retain(|call| !is_reused(&call.token));
    history.changes.retain(|change| match change.action {
        Action::Create(token)
        | Action::Delete(token)
        | Action::Deactivate(token)
        | Action::Activate(token) => !is_reused(&token),
        Action::Downgrade | Action::Upgrade => true,
    });
    created.len()
}

/// The number of deactivations and deletions that were reported as done and then lost.
fn lost_revocations(history: &History) -> usize {
    let is_lost = |change: &&Change| {
        matches!(change.action, Action::Deactivate(_) | Action::Delete(_))
            && matches!(change.ending, Ending::Done(_))
            && history
                .losses
                .iter()
                .any(|loss| loss.kept < change.invoked && change.end() < loss.happened)
    };
    history.changes.iter().filter(is_lost).count()
}

/// How calls with known keys went while a synchronous standby was promoted. Also the calls without an answer although
/// their server surely had its lease: it is renewed every third of its length.
fn calls_in_failovers(recorded: &Recording, lease: Duration) -> (String, Vec<String>) {
    let is_failover = |fault: &&Injected| {
        Fault::EACH
            .iter()
            .any(|it| it.name() == fault.name && !it.loses_changes())
    };
    let failovers: Vec<_> = recorded.faults.iter().filter(is_failover).collect();
    let (mut known, mut unanswered, mut too_early) = (0, 0, Vec::new());
    for KnownCall {
        call,
        is_undisturbed,
    } in known_calls(&recorded.history)
    {
        let during = |fault: &&&Injected| (fault.begun..fault.ended).contains(&call.invoked);
        let Some(failover) = failovers.iter().find(during) else {
            continue;
        };
        known += 1;
        if matches!(call.response, Response::Unavailable | Response::None) {
            unanswered += 1;
            if is_undisturbed && call.invoked < failover.begun + lease / 2 {
                too_early.push(format!(
                    "a ping with token {} on server {} at {:.3} s got no answer, {} ms after the begin of a failover",
                    call.token,
                    call.server,
                    call.invoked.as_secs_f64(),
                    (call.invoked - failover.begun).as_millis()
                ));
            }
        }
    }
    let text = format!(
        "{known} calls with keys that their server knew: {unanswered} without an answer, {} of them in the first half \
         of a lease",
        too_early.len()
    );
    (text, too_early)
}
