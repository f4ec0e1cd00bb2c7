//! What a loss of changes means for later calls.

use std::collections::BTreeSet;

use crate::history::{Action, Change, Ending, History, Loss, Subject, Time, Way};

/// The loss that no operator had accepted yet when a call was made, if every server had to know of it.
pub(super) fn unaccepted_at(losses: &[Loss], invoked: Time) -> Option<&Loss> {
    losses
        .iter()
        .find(|loss| (loss.noticed..=loss.accepted).contains(&invoked))
}

/// Whether a server may answer by the new history, because it knew none of the lost changes.
pub(super) fn is_unjudged(losses: &[Loss], invoked: Time) -> bool {
    losses
        .iter()
        .any(|loss| !loss.is_known && (loss.happened..=loss.accepted).contains(&invoked))
}

/// A call must obey the reports that were made before this time. After a loss, servers answer by the lost history until
/// their leases have ended.
pub(super) fn reported_until(losses: &[Loss], invoked: Time) -> Time {
    let is_unnoticed = |loss: &&Loss| (loss.happened..loss.noticed).contains(&invoked);
    let unnoticed = losses.iter().find(is_unnoticed);
    unnoticed.map_or(invoked, |loss| loss.happened)
}

/// The changes of a history, and for each loss the changes that have the same effect.
pub(super) fn with_losses(history: &History) -> Vec<Change> {
    let mut changes = history.changes.clone();
    for loss in &history.losses {
        let effects = effects(&changes, loss);
        changes.extend(effects);
        for change in &mut changes {
            forget_late_report(change, loss);
        }
    }
    changes
}

/// A change that was requested before the loss and reported as done after it was made before or after: it may be lost.
fn forget_late_report(change: &mut Change, loss: &Loss) {
    if let Ending::Done(at) = change.ending
        && change.invoked < loss.happened
        && at >= loss.happened
    {
        change.ending = Ending::Lost(at);
    }
}

fn effects(changes: &[Change], loss: &Loss) -> Vec<Change> {
    let mut effects = Vec::new();
    let effect = |action, invoked, ending| Change {
        action,
        way: Way::CommandLine,
        invoked,
        ending,
    };
    for action in changed_since_kept(changes, loss) {
        // Until then, servers answer by the lost history. A change that was requested after the loss overwrites it.
        effects.push(effect(action, loss.noticed, Ending::Lost(loss.happened)));
    }
    for change in changes {
        let Action::Create(token) = change.action else {
            continue;
        };
        let ending = if change.end() < loss.requested {
            Ending::Done(loss.accepted)
        } else {
            Ending::Lost(loss.accepted)
        };
        if change.invoked < loss.accepted {
            let deactivation = Action::Deactivate(token);
            effects.push(effect(deactivation, loss.requested, ending));
        }
    }
    effects
}

/// Changes to both values of each subject that may have another value than before. Activity is none of them:
/// `after-restore` sets it for all tokens.
fn changed_since_kept(changes: &[Change], loss: &Loss) -> Vec<Action> {
    let lost = changes
        .iter()
        .filter(|change| change.invoked < loss.happened && change.end() >= loss.kept);
    let subjects: BTreeSet<Subject> = lost.map(|change| change.action.subject()).collect();
    subjects.into_iter().flat_map(both_values).collect()
}

fn both_values(subject: Subject) -> Vec<Action> {
    match subject {
        Subject::Existence(token) => vec![Action::Create(token), Action::Delete(token)],
        Subject::Plan => vec![Action::Downgrade, Action::Upgrade],
        Subject::Activity(_) => vec![],
    }
}
