//! Calls and changes without a pause.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use checker::history::{Action, Call, Response, Way};
use rand::{Rng, rngs::StdRng};
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};

use super::setup::Setup;
use crate::{
    caller::Caller,
    changer::{Changer, Key, Outcome},
};

/// Number of tokens that are deactivated and activated.
const SWITCHED: usize = 4;
/// Number of tokens that are deleted and replaced by new ones.
const REPLACED: usize = 2;
/// Number of tokens that never change. Only the plan affects them.
const STEADY: usize = 1;
/// Number of tasks that change tokens.
pub(super) const SWITCHED_AND_REPLACED: usize = SWITCHED + REPLACED;

/// Calls one server until the run ends. Uses recently changed tokens first, and otherwise random ones.
pub(super) async fn call_until_ended(
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
        let got_none = call.response == Response::None;
        if call.response == Response::Accepted {
            setup.note_accepted(call.server, call.invoked);
        }
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
pub(super) async fn create_steady_tokens(setup: &Setup, mut rng: StdRng) -> Result<Changer> {
    let mut changer = setup.changer();
    for _ in 0..STEADY {
        let created = create_until_done(setup, &mut changer, &mut rng).await?;
        let mut keys = setup.steady_keys.lock();
        keys.as_deref_mut()
            .unwrap_or_else(|poisoned| poisoned.get_mut())
            .extend(created);
    }
    Ok(changer)
}

/// Changes tokens until the run ends. The first changers switch a token each, the others replace it.
pub(super) async fn change_tokens(
    setup: Arc<Setup>,
    number: usize,
    rng: StdRng,
) -> Result<Changer> {
    if number < SWITCHED {
        switch(&setup, rng).await
    } else {
        replace(&setup, rng).await
    }
}

/// Deactivates and activates a token, in turn. A token whose creation the database has lost is replaced.
async fn switch(setup: &Setup, mut rng: StdRng) -> Result<Changer> {
    let mut changer = setup.changer();
    while let Some(key) = create_until_done(setup, &mut changer, &mut rng).await? {
        let actions = [Action::Deactivate(key.id), Action::Activate(key.id)];
        for action in actions.into_iter().cycle() {
            if !setup.is_changing() {
                return Ok(changer);
            }
            let outcome = change_until_done(setup, &mut changer, &mut rng, action).await?;
            setup.hint(&key);
            short_delay(&mut rng).await;
            if outcome == Outcome::NoSuchToken {
                setup.known_keys.retire(&key);
                break;
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
pub(super) async fn change_plan(setup: Arc<Setup>, mut rng: StdRng) -> Result<Changer> {
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
