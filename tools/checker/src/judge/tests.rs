use proptest::prelude::*;

use super::*;
use crate::history::{Action, TokenId, Way};

const TOKEN: TokenId = TokenId(7);

const fn at(millis: u64) -> Time {
    Time::from_millis(millis)
}

/// A change that was requested and reported as done at these times.
fn done(action: Action, invoked: u64, ended: u64) -> Change {
    Change {
        action,
        way: Way::CommandLine,
        invoked: at(invoked),
        ending: Ending::Done(at(ended)),
    }
}

fn lost(action: Action, invoked: u64, ended: u64) -> Change {
    Change {
        ending: Ending::Lost(at(ended)),
        ..done(action, invoked, ended)
    }
}

fn given_up(action: Action, invoked: u64) -> Change {
    Change {
        ending: Ending::Open,
        ..done(action, invoked, invoked)
    }
}

fn created() -> Change {
    done(Action::Create(TOKEN), 1, 2)
}

fn call(invoked: u64, completed: u64, response: Response) -> Call {
    Call {
        server: 0,
        token: TOKEN,
        invoked: at(invoked),
        completed: at(completed),
        response,
    }
}

const INACTIVE: Response = Response::Refused(Refusal::TokenInactive);
const INVALID: Response = Response::Refused(Refusal::TokenInvalid);
const PLAN: Response = Response::Refused(Refusal::PlanRequired);

/// Judges one call after these changes of a token that was created at the start.
fn judged(changes: &[Change], call: Call) -> Judgement {
    let mut all = vec![created()];
    all.extend_from_slice(changes);
    judge(&History {
        calls: vec![call],
        changes: all,
        ..History::default()
    })
}

/// The responses that a call at this time may get.
fn allowed(changes: &[Change], invoked: u64, completed: u64) -> Vec<Response> {
    [Response::Accepted, INVALID, INACTIVE, PLAN]
        .into_iter()
        .filter(|response| {
            let judgement = judged(changes, call(invoked, completed, response.clone()));
            judgement.violations.is_empty()
        })
        .collect()
}

#[test]
fn a_created_and_unchanged_token_must_be_accepted() {
    assert_eq!(allowed(&[], 3, 4), [Response::Accepted]);
    assert_eq!(judged(&[], call(3, 4, Response::Accepted)).had_to_accept, 1);
}

#[test]
fn a_call_that_overlaps_the_creation_may_get_either_response() {
    let history = |response| History {
        calls: vec![call(1, 3, response)],
        changes: vec![created()],
        ..History::default()
    };
    for response in [Response::Accepted, INVALID] {
        assert!(judge(&history(response)).violations.is_empty());
    }
}

#[test]
fn after_a_deactivation_was_reported_as_done_no_call_is_accepted() {
    let changes = [done(Action::Deactivate(TOKEN), 10, 20)];
    assert_eq!(allowed(&changes, 21, 22), [INACTIVE]);
    assert_eq!(allowed(&changes, 100_000, 100_001), [INACTIVE]);
    let judgement = judged(&changes, call(21, 22, Response::Accepted));
    assert_eq!(judgement.had_to_refuse, 1);
    assert_eq!(judgement.violations[0].because, Reason::Done(changes[0]));
    assert!(judgement.violations[0].breaks_promise());
}

#[test]
fn a_call_that_overlaps_a_deactivation_may_get_either_response() {
    let changes = [done(Action::Deactivate(TOKEN), 10, 20)];
    for (invoked, completed) in [(5, 10), (5, 15), (5, 25), (12, 13), (20, 25)] {
        assert_eq!(
            allowed(&changes, invoked, completed),
            [Response::Accepted, INACTIVE],
            "{invoked} to {completed}"
        );
    }
}

#[test]
fn a_call_completed_before_a_deactivation_was_requested_must_be_accepted() {
    let changes = [done(Action::Deactivate(TOKEN), 10, 20)];
    assert_eq!(allowed(&changes, 5, 9), [Response::Accepted]);
}

#[test]
fn after_an_activation_was_reported_as_done_no_call_is_refused_as_inactive() {
    let changes = [
        done(Action::Deactivate(TOKEN), 10, 20),
        done(Action::Activate(TOKEN), 30, 40),
    ];
    assert_eq!(allowed(&changes, 25, 29), [INACTIVE]);
    assert_eq!(allowed(&changes, 25, 31), [Response::Accepted, INACTIVE]);
    assert_eq!(allowed(&changes, 41, 42), [Response::Accepted]);
}

#[test]
fn a_deleted_token_never_comes_back() {
    let changes = [
        done(Action::Delete(TOKEN), 10, 20),
        // No server would report this as done. Even if one did, the token would stay deleted.
        done(Action::Activate(TOKEN), 30, 40),
    ];
    assert_eq!(allowed(&changes, 21, 22), [INVALID]);
    assert_eq!(allowed(&changes, 1_000_000, 1_000_001), [INVALID]);
}

#[test]
fn after_a_downgrade_every_active_token_is_refused_by_the_plan_until_the_upgrade() {
    let changes = [
        done(Action::Downgrade, 10, 20),
        done(Action::Upgrade, 30, 40),
    ];
    assert_eq!(allowed(&changes, 21, 22), [PLAN]);
    assert_eq!(allowed(&changes, 32, 33), [Response::Accepted, PLAN]);
    assert_eq!(allowed(&changes, 41, 42), [Response::Accepted]);
}

#[test]
fn an_inactive_token_is_refused_as_inactive_whatever_the_plan() {
    let changes = [
        done(Action::Deactivate(TOKEN), 10, 20),
        done(Action::Downgrade, 30, 40),
    ];
    assert_eq!(allowed(&changes, 41, 42), [INACTIVE]);
}

#[test]
fn a_lost_change_may_have_happened_until_a_later_one_is_done() {
    let mut changes = vec![lost(Action::Deactivate(TOKEN), 10, 20)];
    assert_eq!(allowed(&changes, 5, 9), [Response::Accepted]);
    assert_eq!(
        allowed(&changes, 9_000, 9_001),
        [Response::Accepted, INACTIVE]
    );
    changes.push(done(Action::Activate(TOKEN), 30, 40));
    assert_eq!(allowed(&changes, 35, 36), [Response::Accepted, INACTIVE]);
    assert_eq!(allowed(&changes, 41, 42), [Response::Accepted]);
}

#[test]
fn a_lost_change_does_not_undo_the_one_before_it() {
    let changes = [
        done(Action::Deactivate(TOKEN), 10, 20),
        lost(Action::Activate(TOKEN), 30, 40),
    ];
    assert_eq!(allowed(&changes, 25, 29), [INACTIVE]);
    assert_eq!(allowed(&changes, 50, 51), [Response::Accepted, INACTIVE]);
}

#[test]
fn a_change_without_an_end_may_happen_at_any_later_time() {
    let changes = [
        given_up(Action::Deactivate(TOKEN), 10),
        done(Action::Activate(TOKEN), 30, 40),
    ];
    assert_eq!(
        allowed(&changes, 9_000, 9_001),
        [Response::Accepted, INACTIVE]
    );
}

#[test]
fn either_of_two_overlapping_changes_may_have_been_the_last() {
    let changes = [
        done(Action::Deactivate(TOKEN), 10, 30),
        done(Action::Activate(TOKEN), 20, 25),
    ];
    assert_eq!(allowed(&changes, 31, 32), [Response::Accepted, INACTIVE]);
    // After a third, later change the order of the first two does not matter.
    let with_third = [&changes[..], &[done(Action::Deactivate(TOKEN), 40, 50)]].concat();
    assert_eq!(allowed(&with_third, 51, 52), [INACTIVE]);
}

#[test]
fn a_missing_response_is_never_a_violation_and_a_wrong_one_always_is() {
    for response in [Response::Unavailable, Response::Limited, Response::None] {
        assert!(judged(&[], call(3, 4, response)).violations.is_empty());
    }
    let wrong = judged(&[], call(3, 4, Response::Wrong("500".to_owned())));
    assert_eq!(wrong.violations[0].because, Reason::Response);
    assert!(!wrong.violations[0].breaks_promise());
}

#[test]
fn a_token_that_was_never_deactivated_cannot_be_inactive() {
    let judgement = judged(&[], call(3, 4, INACTIVE));
    let never = Reason::Never(Subject::Activity(TOKEN));
    assert_eq!(judgement.violations[0].because, never);
}

#[test]
fn a_violation_names_both_operations_and_their_times() {
    let deactivation = Change {
        way: Way::Dashboard(1),
        ..done(Action::Deactivate(TOKEN), 10, 20)
    };
    let judgement = judged(&[deactivation], call(21, 22, Response::Accepted));
    let text = judgement.violations[0].to_string();
    for part in [
        "deactivation of token 7 through the dashboard of server 1:",
        "requested at 0.010000 s, reported as done at 0.020000 s",
        "ping with token 7 on server 0: accepted",
        "made at 0.021000 s, completed at 0.022000 s",
        "1.000 ms after the deactivation was reported as done",
    ] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
}

/// The rule as the documentation states it, implemented slowly: compares every change with every other.
fn seen_slowly(changes: &[Change], call: &Call) -> (bool, bool) {
    let initial = done(Action::Activate(TOKEN), 0, 0);
    let all: Vec<_> = [initial]
        .into_iter()
        .chain(changes.iter().copied())
        .collect();
    let possible = |change: &&Change| {
        let overwritten = all.iter().any(|other| {
            let in_between = change.end() < other.invoked;
            matches!(other.ending, Ending::Done(done) if in_between && done < call.invoked)
        });
        change.invoked <= call.completed && !overwritten
    };
    let values: Vec<_> = all
        .iter()
        .filter(possible)
        .map(|c| c.action.sets())
        .collect();
    (values.contains(&false), values.contains(&true))
}

fn any_change() -> impl Strategy<Value = Change> {
    (any::<bool>(), 1..60_u64, 0..15_u64, 0..6_u8).prop_map(|(sets, invoked, took, ending)| {
        let action = if sets {
            Action::Activate(TOKEN)
        } else {
            Action::Deactivate(TOKEN)
        };
        match ending {
            0 => given_up(action, invoked),
            1 => lost(action, invoked, invoked + took),
            _ => done(action, invoked, invoked + took),
        }
    })
}

proptest! {
    #[test]
    fn the_fast_judge_agrees_with_the_slow_rule(
        changes in proptest::collection::vec(any_change(), 0..9),
        invoked in 1..70_u64,
        took in 0..10_u64,
    ) {
        let changes_by_reference: Vec<_> = changes.iter().collect();
        let call = call(invoked, invoked + took, Response::None);
        let seen = Register::new(true, changes_by_reference).seen_by(&call, call.invoked);
        prop_assert_eq!((seen.no, seen.yes), seen_slowly(&changes, &call));
    }

    /// A server that reads the value once, at any moment during the call, never breaks the rule.
    #[test]
    fn a_correct_register_causes_no_violation(
        steps in proptest::collection::vec((any::<bool>(), 1..9_u64, 0..9_u64, 0..9_u64), 1..9),
        invoked in 1..120_u64,
        took in 0..20_u64,
        read in 0..20_u64,
    ) {
        let mut now = 3;
        let read = invoked + read.min(took);
        let mut found = true;
        let mut changes = Vec::new();
        for (sets, delay, until_done, until_reported) in steps {
            let action = if sets { Action::Activate(TOKEN) } else { Action::Deactivate(TOKEN) };
            let begun = now + delay;
            now = begun + until_done + until_reported;
            changes.push(done(action, begun, now));
            if begun + until_done <= read {
                found = sets;
            }
        }
        let response = if found { Response::Accepted } else { INACTIVE };
        prop_assume!(invoked > 2);
        let judgement = judged(&changes, call(invoked, invoked + took, response));
        prop_assert!(judgement.violations.is_empty(), "{:?}", judgement.violations);
    }
}

/// The changes until 100 are kept, and those until 200 are lost.
const LOSS: Loss = Loss {
    kept: at(100),
    happened: at(200),
    noticed: at(300),
    requested: at(400),
    accepted: at(450),
    is_known: true,
};

/// The responses that a call may get in a history with [`LOSS`], whose changes include the creation of the token.
fn allowed_with_loss(changes: &[Change], invoked: u64, completed: u64) -> Vec<Response> {
    [
        Response::Accepted,
        INVALID,
        INACTIVE,
        PLAN,
        Response::Unavailable,
    ]
    .into_iter()
    .filter(|response| {
        let history = History {
            calls: vec![call(invoked, completed, response.clone())],
            changes: changes.to_vec(),
            losses: vec![LOSS],
            ..History::default()
        };
        judge(&history).violations.is_empty()
    })
    .collect()
}

#[test]
fn until_the_leases_have_ended_a_loss_changes_nothing() {
    let changes = [created(), done(Action::Deactivate(TOKEN), 150, 160)];
    for invoked in [170, 201, 299] {
        assert_eq!(
            allowed_with_loss(&changes, invoked, invoked + 1),
            [INACTIVE, Response::Unavailable]
        );
    }
}

#[test]
fn until_the_leases_have_ended_a_change_after_the_loss_need_not_be_known() {
    let again = done(Action::Deactivate(TOKEN), 210, 220);
    assert_eq!(
        allowed_with_loss(&[created(), again], 230, 231),
        [Response::Accepted, INACTIVE, Response::Unavailable]
    );
}

#[test]
fn after_a_loss_every_call_is_unavailable_until_after_restore_is_requested() {
    let changes = [created(), done(Action::Deactivate(TOKEN), 150, 160)];
    for (invoked, completed) in [(300, 301), (350, 399)] {
        assert_eq!(
            allowed_with_loss(&changes, invoked, completed),
            [Response::Unavailable]
        );
    }
    let history = History {
        calls: vec![call(350, 351, Response::Accepted)],
        changes: changes.to_vec(),
        losses: vec![LOSS],
        ..History::default()
    };
    let judgement = judge(&history);
    assert_eq!(judgement.had_to_be_unavailable, 1);
    assert_eq!(judgement.violations[0].because, Reason::Loss(LOSS));
    assert!(judgement.violations[0].breaks_promise());
}

#[test]
fn a_server_may_not_notice_a_loss_of_changes_that_it_did_not_know() {
    let changes = [created(), done(Action::Deactivate(TOKEN), 150, 160)];
    for (invoked, is_judged) in [(200, false), (450, false), (451, true)] {
        let history = History {
            calls: vec![call(invoked, invoked + 1, Response::Accepted)],
            changes: changes.to_vec(),
            losses: vec![Loss {
                is_known: false,
                ..LOSS
            }],
            ..History::default()
        };
        let violations = judge(&history).violations;
        assert_eq!(!violations.is_empty(), is_judged, "{invoked}");
    }
}

#[test]
fn after_restore_deactivates_every_token() {
    let activation = done(Action::Activate(TOKEN), 350, 360);
    for changes in [vec![created()], vec![created(), activation]] {
        for (invoked, completed) in [(350, 420), (401, 402), (451, 452), (10_000, 10_001)] {
            assert_eq!(
                allowed_with_loss(&changes, invoked, completed),
                [INACTIVE, Response::Unavailable],
                "{invoked} to {completed}"
            );
        }
    }
}

#[test]
fn a_token_is_accepted_if_its_activation_or_creation_ended_after_the_request_of_after_restore() {
    let both = [Response::Accepted, INACTIVE, Response::Unavailable];
    let overlapping = [created(), done(Action::Activate(TOKEN), 390, 430)];
    assert_eq!(allowed_with_loss(&overlapping, 440, 441), both);
    assert_eq!(allowed_with_loss(&overlapping, 500, 501), both);
    let later = [created(), done(Action::Activate(TOKEN), 460, 470)];
    assert_eq!(
        allowed_with_loss(&later, 455, 456),
        [INACTIVE, Response::Unavailable]
    );
    let accepted = [Response::Accepted, Response::Unavailable];
    assert_eq!(allowed_with_loss(&later, 480, 481), accepted);
    let new = [done(Action::Create(TOKEN), 460, 470)];
    assert_eq!(allowed_with_loss(&new, 480, 481), accepted);
    let meanwhile = [done(Action::Create(TOKEN), 410, 420)];
    assert_eq!(allowed_with_loss(&meanwhile, 430, 431), both);
}

#[test]
fn a_lost_change_may_be_undone_and_is_not_if_it_was_reported_before_the_copy() {
    let unavailable = Response::Unavailable;
    for (reported, expected) in [
        (90, vec![INVALID, unavailable.clone()]),
        (110, vec![INVALID, INACTIVE, unavailable.clone()]),
        // Its report came after the loss.
        (500, vec![INVALID, INACTIVE, unavailable]),
    ] {
        let changes = [created(), done(Action::Delete(TOKEN), 80, reported)];
        assert_eq!(
            allowed_with_loss(&changes, 510, 511),
            expected,
            "{reported}"
        );
    }
}

#[test]
fn a_change_after_the_loss_is_as_certain_as_any() {
    let deletion = |invoked, ended| done(Action::Delete(TOKEN), invoked, ended);
    let changes = [created(), deletion(110, 120), deletion(210, 320)];
    assert_eq!(
        allowed_with_loss(&changes, 460, 461),
        [INVALID, Response::Unavailable]
    );
}

#[test]
fn a_lost_change_of_the_plan_may_be_undone() {
    let activation = done(Action::Activate(TOKEN), 460, 470);
    let changes = [created(), done(Action::Downgrade, 110, 120), activation];
    assert_eq!(
        allowed_with_loss(&changes, 480, 481),
        [Response::Accepted, PLAN, Response::Unavailable]
    );
    let changes = [created(), done(Action::Downgrade, 50, 60), activation];
    assert_eq!(
        allowed_with_loss(&changes, 480, 481),
        [PLAN, Response::Unavailable]
    );
}

#[test]
fn while_there_are_two_primaries_only_a_new_token_may_be_unknown() {
    let allowed = |changes: &[Change], invoked| -> Vec<_> {
        [Response::Accepted, INVALID, INACTIVE]
            .into_iter()
            .filter(|response| {
                let history = History {
                    calls: vec![call(invoked, invoked + 1, response.clone())],
                    changes: changes.to_vec(),
                    two_primaries: vec![at(100)..at(200)],
                    ..History::default()
                };
                judge(&history).violations.is_empty()
            })
            .collect()
    };
    let new = done(Action::Create(TOKEN), 90, 110);
    let deletion = done(Action::Delete(TOKEN), 120, 130);
    assert_eq!(allowed(&[new], 150), [Response::Accepted, INVALID]);
    assert_eq!(allowed(&[new], 200), [Response::Accepted]);
    assert_eq!(allowed(&[created()], 150), [Response::Accepted]);
    assert_eq!(allowed(&[new, deletion], 150), [INVALID]);
    let deactivation = done(Action::Deactivate(TOKEN), 120, 130);
    assert_eq!(allowed(&[new, deactivation], 150), [INVALID, INACTIVE]);
}
