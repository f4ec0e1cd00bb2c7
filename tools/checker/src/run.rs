//! What the runs with several servers have in common: callers and changers work without a pause, and faults come one
//! after another.
//!
//! Each token has one user who changes it and waits for the result. Several users work concurrently, through the
//! dashboard and the command line. So nearly every change has a known result, and every later call has one correct
//! response.

mod keys;
mod setup;
mod work;

use std::{collections::BTreeMap, ops::Range, sync::Arc, time::Duration};

use anyhow::{Result, anyhow};
use checker::history::{History, Time};
use rand::{Rng, rngs::StdRng, seq::SliceRandom};
use tokio::{task::JoinSet, time::sleep};

pub(crate) use self::setup::{Databases, Plan, Setup, hold, set};
use self::work::{
    SWITCHED_AND_REPLACED, call_until_ended, change_plan, change_tokens, create_steady_tokens,
};
use crate::changer::Changer;

/// The faults of a run.
pub(crate) trait Faults {
    type Fault: Copy;

    /// The pauses between faults, in milliseconds.
    const PAUSE: Range<u64>;

    /// One fault of each kind. A long run asks for them again and again.
    fn of_each_kind(&mut self) -> Vec<Self::Fault>;

    fn name(fault: Self::Fault) -> &'static str;

    /// Injects a fault, and ends it. Returns whether it had its effect.
    ///
    /// # Errors
    /// If it cannot be injected, or the servers do not recover from it.
    async fn inject(&mut self, setup: &Setup, fault: Self::Fault, rng: &mut StdRng)
    -> Result<bool>;
}

/// What happened in a run.
pub(crate) struct Recording {
    pub(crate) history: History,
    /// Responses to changes that no server may give.
    pub(crate) wrong: Vec<String>,
    /// Number of changes that were refused or not sent.
    pub(crate) refused_changes: usize,
    /// The faults in their order.
    pub(crate) faults: Vec<Injected>,
}

/// A fault that was injected.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Injected {
    pub(crate) name: &'static str,
    pub(crate) begun: Time,
    pub(crate) ended: Time,
    pub(crate) had_effect: bool,
}

impl Recording {
    /// How many faults of each kind had their effect.
    pub(crate) fn fault_counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for fault in &self.faults {
            *counts.entry(fault.name).or_default() += usize::from(fault.had_effect);
        }
        counts
    }

    /// When a kind of fault lasted.
    pub(crate) fn periods(&self, name: &str) -> Vec<Range<Time>> {
        let faults = self.faults.iter().filter(|fault| fault.name == name);
        faults.map(|fault| fault.begun..fault.ended).collect()
    }

    pub(crate) fn faults_ended(&self) -> Time {
        self.faults.last().map_or(Time::ZERO, |fault| fault.ended)
    }
}

/// Runs until each fault was injected and the run is as long as planned. Returns the record.
///
/// # Errors
/// If the run itself fails, such as a server that ends.
pub(crate) async fn record<F: Faults>(
    databases: &impl Databases,
    plan: &Plan,
    program: &crate::program::Program,
    faults: &mut F,
) -> Result<Recording> {
    let (setup, hinted) = Setup::start(databases, plan, program).await?;
    let setup = Arc::new(setup);
    let mut callers = JoinSet::new();
    for (number, hints) in hinted.into_iter().enumerate() {
        let rng = plan.rng(100 + number as u64);
        callers.spawn(call_until_ended(Arc::clone(&setup), number, rng, hints));
    }
    let mut changers = JoinSet::new();
    for number in 0..SWITCHED_AND_REPLACED {
        let rng = plan.rng(200 + number as u64);
        changers.spawn(change_tokens(Arc::clone(&setup), number, rng));
    }
    changers.spawn(change_plan(Arc::clone(&setup), plan.rng(300)));
    let mut finished = vec![create_steady_tokens(&setup, plan.rng(400)).await?];

    let injecting = inject_faults(&setup, plan, faults, plan.rng(500));
    let injected = tokio::select! {
        injected = injecting => injected?,
        failed = failure(&mut changers) => return Err(failed),
    };
    sleep(plan.pace * Duration::from_secs(2)).await;
    setup.stop_changing();
    while let Some(changer) = changers.join_next().await {
        finished.push(changer??);
    }
    finished.extend(setup.take_operator().await);
    // Time for calls after the last changes.
    sleep(Duration::from_millis(500)).await;
    setup.end();
    let mut history = History::default();
    while let Some(made) = callers.join_next().await {
        history.calls.extend(made?);
    }
    let (mut wrong, mut refused_changes) = (Vec::new(), 0);
    for changer in finished {
        history.changes.extend(changer.changes);
        wrong.extend(changer.wrong);
        refused_changes += changer.refused;
    }
    Ok(Recording {
        history,
        wrong,
        refused_changes,
        faults: injected,
    })
}

/// Waits for the first changer that fails. A changer that ends without an error has failed, too, because it ends early.
async fn failure(changers: &mut JoinSet<Result<Changer>>) -> anyhow::Error {
    match changers.join_next().await {
        Some(Ok(Err(error))) => error,
        Some(Err(error)) => error.into(),
        Some(Ok(Ok(_))) | None => anyhow!("the changes ended too early"),
    }
}

/// Injects one fault after another, with pauses between them.
async fn inject_faults<F: Faults>(
    setup: &Setup,
    plan: &Plan,
    faults: &mut F,
    mut rng: StdRng,
) -> Result<Vec<Injected>> {
    let mut injected = Vec::new();
    loop {
        let mut each = faults.of_each_kind();
        each.shuffle(&mut rng);
        for fault in each {
            sleep(plan.pace * Duration::from_millis(rng.random_range(F::PAUSE))).await;
            let (name, begun) = (F::name(fault), setup.clock.now());
            eprintln!("{:8.3} s: {name}", begun.as_secs_f64());
            setup.ensure_running()?;
            let had_effect = faults.inject(setup, fault, &mut rng).await?;
            injected.push(Injected {
                name,
                begun,
                ended: setup.clock.now(),
                had_effect,
            });
        }
        if plan.length.is_none_or(|length| setup.clock.now() > length) {
            return Ok(injected);
        }
    }
}
