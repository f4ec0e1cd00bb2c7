//! Calls that a server can answer from memory while the database is away.

use std::collections::HashMap;

use crate::history::{Call, History, Response, Subject, Time, TokenId};

/// A call with a token that its server knew when it was made.
#[derive(Clone, Copy, Debug)]
pub struct KnownCall<'a> {
    /// The call.
    pub call: &'a Call,
    /// No change of the token or the plan was requested before the response.
    pub is_undisturbed: bool,
}

/// The calls whose server knows the token: it has answered an earlier call with it, made after the last change of the
/// token and the plan had ended.
pub fn known_calls(history: &History) -> Vec<KnownCall<'_>> {
    let mut calls: Vec<_> = history.calls.iter().collect();
    calls.sort_by_key(|call| call.invoked);
    let changes = Changes::of(history);
    let mut answered: HashMap<(usize, TokenId), Time> = HashMap::new();
    let mut known = Vec::new();
    for call in calls {
        let key = (call.server, call.token);
        let is_known = |until| {
            let answered = answered.get(&key);
            answered.is_some_and(|at| *at > changes.last_end(call.token, until))
        };
        if is_known(call.invoked) {
            known.push(KnownCall {
                call,
                is_undisturbed: is_known(call.completed),
            });
        }
        if matches!(call.response, Response::Accepted | Response::Refused(_)) {
            answered.insert(key, call.invoked);
        }
    }
    known
}

/// For each subject, when its changes were requested, in that order, and when the last one of those so far ended.
struct Changes(HashMap<Subject, Vec<(Time, Time)>>);

impl Changes {
    fn of(history: &History) -> Self {
        let mut changes: HashMap<_, Vec<_>> = HashMap::new();
        for change in &history.changes {
            let times = (change.invoked, change.end());
            changes
                .entry(change.action.subject())
                .or_default()
                .push(times);
        }
        for of_subject in changes.values_mut() {
            of_subject.sort_unstable();
            let mut last = Time::ZERO;
            for (_, end) in of_subject {
                last = last.max(*end);
                *end = last;
            }
        }
        Self(changes)
    }

    /// When the last change ended that was requested until then.
    fn last_end(&self, token: TokenId, until: Time) -> Time {
        let subjects = [
            Subject::Existence(token),
            Subject::Activity(token),
            Subject::Plan,
        ];
        let of_subjects = subjects.iter().filter_map(|subject| self.0.get(subject));
        let last_ends = of_subjects.filter_map(|changes| {
            let requested = changes.partition_point(|(at, _)| *at <= until);
            Some(changes[requested.checked_sub(1)?].1)
        });
        last_ends.max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Action, Change, Ending, Way};

    const TOKEN: TokenId = TokenId(7);

    const fn at(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    fn call(server: usize, invoked: u64, response: Response) -> Call {
        Call {
            server,
            token: TOKEN,
            invoked: at(invoked),
            completed: at(invoked + 1),
            response,
        }
    }

    #[test]
    fn a_server_knows_a_token_that_it_answered_after_the_last_change() {
        let accepted = |server, invoked| call(server, invoked, Response::Accepted);
        let unavailable = |server, invoked| call(server, invoked, Response::Unavailable);
        let change = |action, invoked, ended| Change {
            action,
            way: Way::CommandLine,
            invoked: at(invoked),
            ending: Ending::Done(at(ended)),
        };
        let history = History {
            calls: vec![
                accepted(0, 5),
                unavailable(1, 6),
                unavailable(0, 10),
                unavailable(1, 11),
                // First a change is under way. Then there was no call since.
                unavailable(0, 25),
                unavailable(0, 35),
                accepted(0, 40),
                unavailable(0, 50),
            ],
            changes: vec![
                change(Action::Create(TOKEN), 1, 2),
                change(Action::Deactivate(TOKEN), 20, 30),
            ],
            ..History::default()
        };
        let known = known_calls(&history);
        let times: Vec<_> = known.iter().map(|known| known.call.invoked).collect();
        assert_eq!(times, [at(10), at(50)]);
    }
}
