//! Decides which responses a history allows.
//!
//! Each [`Subject`] is a register with two values. Changes write it, and calls read it. A call may see the value of a
//! change, unless one of these holds:
//!
//! - The change was requested only after the call's response.
//! - Another change of the same subject was requested after the first had ended, and was reported as done before the
//!   call was made.
//!
//! If changes and calls overlap, a call may see either value, in any order. Lamport calls this a regular register; this
//! one has several writers.
//!
//! A call reads three registers. Its response must be right for some values that it may have seen:
//! - `token_invalid` if the token does not exist;
//! - `token_inactive` if the token is inactive;
//! - `plan_required` if the plan does not include the API;
//! - otherwise acceptance.
//!
//! **Lost changes.** A database can lose changes that were reported as done ([`Loss`]). What can be promised then:
//!
//! - Until the servers' leases have ended, calls are answered as if nothing had been lost, and as if later changes were
//!   not reported yet. A change that finds nothing to do has no number of its own, so it waits for no server.
//! - Then every call gets 503, until `after-restore` is requested.
//! - `after-restore` deactivates every token. A token is accepted only if an activation or its creation ended later.
//! - What was changed since the last kept change is unknown afterwards: both values are right, until a later change.
//!
//! **Two primaries.** A creation waits for no server, because none has the token in memory. While a server reads from a
//! primary that was replaced, it may not know a token that was created meanwhile. It must know a deleted one.
//!
//! **Suspended servers.** Only the time when a call was made counts, even if its server was suspended meanwhile
//! (`SIGSTOP`). There are two cases:
//!
//! - The server was suspended between reading its cache and responding. Then it had received the call before the
//!   suspension. A change that was reported as done during the suspension was not done when the call was made, so
//!   either response is correct.
//! - The call reached a suspended server. The server handles it after the suspension. Its clock has continued, so its
//!   lease has expired.
//!
//! This would not hold for a suspended machine whose monotonic clock stops. A signal cannot cause that, so runs do not
//! contain it.

mod losses;

use std::{collections::HashMap, fmt, ops::Range};

use crate::history::{Call, Change, Ending, History, Loss, Refusal, Response, Subject, Time};

/// The result of judging a history.
#[derive(Debug, Default)]
pub struct Judgement {
    /// Responses that the history does not allow, earliest first.
    pub violations: Vec<Violation>,
    /// Number of calls for which any refusal would be a violation.
    pub had_to_accept: usize,
    /// Number of calls for which acceptance would be a violation.
    pub had_to_refuse: usize,
    /// Number of calls that no server could answer, because the database had lost changes.
    pub had_to_be_unavailable: usize,
}

/// A response that the history does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The call with that response.
    pub call: Call,
    /// Why the response is wrong.
    pub because: Reason,
}

/// Why a response is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// This change was reported as done before the call was made, and no other change undid it.
    Done(Change),
    /// No change can explain the response, because the subject always had its initial value.
    Never(Subject),
    /// The database had lost changes, and every server had to refuse every call.
    Loss(Loss),
    /// No history allows this response.
    Response,
}

impl Violation {
    /// Whether a server broke its promise. Otherwise the response is malformed.
    pub const fn breaks_promise(&self) -> bool {
        !matches!(self.because, Reason::Response)
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Call {
            server,
            token,
            invoked,
            completed,
            response,
        } = &self.call;
        if let Reason::Done(change) = &self.because {
            let (requested, done) = (Seconds(change.invoked), Seconds(change.end()));
            writeln!(f, "  {} {}:", change.action, change.way)?;
            writeln!(
                f,
                "    requested at {requested}, reported as done at {done}"
            )?;
        }
        let response = match response {
            Response::Accepted => "accepted",
            Response::Refused(refusal) => refusal.code(),
            Response::Wrong(what) => what,
            Response::Unavailable | Response::Limited | Response::None => "no response",
        };
        let (made, completed) = (Seconds(*invoked), Seconds(*completed));
        writeln!(
            f,
            "  ping with token {token} on server {server}: {response}"
        )?;
        writeln!(f, "    made at {made}, completed at {completed}")?;
        match &self.because {
            Reason::Done(change) => write!(
                f,
                "  It was made {:.3} ms after the {} was reported as done, and nothing undid that.",
                invoked.saturating_sub(change.end()).as_secs_f64() * 1e3,
                change.action.name(),
            ),
            Reason::Loss(loss) => write!(
                f,
                "  The database lost changes at {}. So from {} on every call had to be refused with 503, until\n  \
                 after-restore was requested at {}. It was reported as done at {}, and no token was active before.",
                Seconds(loss.happened),
                Seconds(loss.noticed),
                Seconds(loss.requested),
                Seconds(loss.accepted),
            ),
            Reason::Never(_) => f.write_str("  No requested change can explain this response."),
            Reason::Response => f.write_str("  No server may give this response."),
        }
    }
}

struct Seconds(Time);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6} s", self.0.as_secs_f64())
    }
}

/// Judges every call of a history.
pub fn judge(history: &History) -> Judgement {
    let changes = losses::with_losses(history);
    let registers = Registers::of(&changes);
    let mut judgement = Judgement::default();
    for call in &history.calls {
        if losses::is_unjudged(&history.losses, call.invoked) {
            continue;
        }
        let loss = losses::unaccepted_at(&history.losses, call.invoked);
        if let Some(loss) = loss
            && call.completed < loss.requested
        {
            judgement.had_to_be_unavailable += 1;
            judgement.require_no_answer(call, *loss);
            continue;
        }
        let reported_until = losses::reported_until(&history.losses, call.invoked);
        let mut seen = registers.seen_by(call, reported_until);
        seen.existence.no |= history
            .two_primaries
            .iter()
            .any(|period| registers.is_new_in(period, call));
        if let Some(loss) = loss {
            seen.activity.yes = registers.may_be_activated_since(loss.requested, call);
        }
        let expected = Expected::of(seen);
        judgement.had_to_accept += usize::from(expected == Expected::Acceptance);
        judgement.had_to_refuse += usize::from(expected == Expected::Refusal);
        if let Some(because) = registers.objection(call, seen) {
            let because = match loss {
                Some(loss) if because != Reason::Response => Reason::Loss(*loss),
                _ => because,
            };
            judgement.violations.push(Violation {
                call: call.clone(),
                because,
            });
        }
    }
    judgement
        .violations
        .sort_by_key(|violation| violation.call.invoked);
    judgement
}

impl Judgement {
    fn require_no_answer(&mut self, call: &Call, loss: Loss) {
        let because = match call.response {
            Response::Unavailable | Response::None => return,
            Response::Wrong(_) => Reason::Response,
            Response::Accepted | Response::Refused(_) | Response::Limited => Reason::Loss(loss),
        };
        self.violations.push(Violation {
            call: call.clone(),
            because,
        });
    }
}

/// The values of a register that a call may have seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    no: bool,
    yes: bool,
}

/// The values that a call may have seen: its token's existence and activity, and the plan.
#[derive(Clone, Copy)]
struct SeenByCall {
    existence: Seen,
    activity: Seen,
    plan: Seen,
}

#[derive(PartialEq, Eq)]
enum Expected {
    Acceptance,
    Refusal,
    Either,
}

impl Expected {
    fn of(seen: SeenByCall) -> Self {
        let all = [seen.existence, seen.activity, seen.plan];
        if all.iter().any(|seen| !seen.yes) {
            Self::Refusal
        } else if all.iter().all(|seen| !seen.no) {
            Self::Acceptance
        } else {
            Self::Either
        }
    }
}

struct Registers<'a>(HashMap<Subject, Register<'a>>);

impl<'a> Registers<'a> {
    fn of(changes: &'a [Change]) -> Self {
        let mut of_subject: HashMap<Subject, Vec<&Change>> = HashMap::new();
        for change in changes {
            of_subject
                .entry(change.action.subject())
                .or_default()
                .push(change);
        }
        Self(
            of_subject
                .into_iter()
                .map(|(subject, changes)| (subject, Register::new(initial_value(subject), changes)))
                .collect(),
        )
    }

    fn seen(&self, subject: Subject, call: &Call, reported_until: Time) -> Seen {
        let untouched = Seen {
            no: !initial_value(subject),
            yes: initial_value(subject),
        };
        self.0
            .get(&subject)
            .map_or(untouched, |register| register.seen_by(call, reported_until))
    }

    /// The values that a call may have seen that must obey the reports until then.
    fn seen_by(&self, call: &Call, reported_until: Time) -> SeenByCall {
        let seen = |subject| self.seen(subject, call, reported_until);
        SeenByCall {
            existence: seen(Subject::Existence(call.token)),
            activity: seen(Subject::Activity(call.token)),
            plan: seen(Subject::Plan),
        }
    }

    /// Whether the call was made in this period with a token that was created in it.
    fn is_new_in(&self, period: &Range<Time>, call: &Call) -> bool {
        let register = self.0.get(&Subject::Existence(call.token));
        let last = register.and_then(|register| register.last_done_before(call.invoked));
        period.contains(&call.invoked)
            && last.is_some_and(|change| change.action.sets() && change.end() >= period.start)
    }

    /// Whether an activation or a creation that ended since then may have made the token active.
    fn may_be_activated_since(&self, since: Time, call: &Call) -> bool {
        [
            Subject::Activity(call.token),
            Subject::Existence(call.token),
        ]
        .into_iter()
        .filter_map(|subject| self.0.get(&subject))
        .any(|register| register.latest_ends(call).yes >= Some(since))
    }

    /// The reason why the response is wrong, if it is.
    fn objection(&self, call: &Call, seen: SeenByCall) -> Option<Reason> {
        let SeenByCall {
            existence,
            activity,
            plan,
        } = seen;
        let exists = (Subject::Existence(call.token), existence.yes);
        let active = (Subject::Activity(call.token), activity.yes);
        let required = match &call.response {
            Response::Accepted => vec![exists, active, (Subject::Plan, plan.yes)],
            Response::Refused(Refusal::TokenInvalid) => {
                vec![(Subject::Existence(call.token), existence.no)]
            }
            Response::Refused(Refusal::TokenInactive) => {
                vec![exists, (Subject::Activity(call.token), activity.no)]
            }
            Response::Refused(Refusal::PlanRequired) => {
                vec![exists, active, (Subject::Plan, plan.no)]
            }
            Response::Unavailable | Response::Limited | Response::None => vec![],
            Response::Wrong(_) => return Some(Reason::Response),
        };
        let (subject, _) = required.into_iter().find(|(_, possible)| !possible)?;
        let register = self.0.get(&subject);
        let done = register.and_then(|register| register.last_done_before(call.invoked));
        Some(done.map_or(Reason::Never(subject), |change| Reason::Done(*change)))
    }
}

/// The value of a subject before its first change.
const fn initial_value(subject: Subject) -> bool {
    match subject {
        Subject::Existence(_) => false,
        Subject::Activity(_) | Subject::Plan => true,
    }
}

/// The changes of one subject, indexed so that judging a call takes logarithmic time.
struct Register<'a> {
    /// All changes, sorted by the time of the request. Each entry has that time, and the latest ends of all changes up
    /// to it.
    requested: Vec<(Time, LatestEnds)>,
    /// The changes that were reported as done, sorted by the time of the report. Each entry has that time, and the last
    /// requested change up to it.
    done: Vec<(Time, &'a Change)>,
}

/// The latest end of all changes to false (`no`) and to true (`yes`). `None` if there is no such change.
#[derive(Clone, Copy, Default)]
struct LatestEnds {
    no: Option<Time>,
    yes: Option<Time>,
}

impl<'a> Register<'a> {
    fn new(initial_value: bool, mut changes: Vec<&'a Change>) -> Self {
        changes.sort_by_key(|change| change.invoked);
        let mut latest = LatestEnds::default();
        *latest.of(initial_value) = Some(Time::ZERO);
        let mut requested = vec![(Time::ZERO, latest)];
        for change in &changes {
            let end = latest.of(change.action.sets());
            *end = (*end).max(Some(change.end()));
            requested.push((change.invoked, latest));
        }
        let mut done: Vec<_> = changes
            .iter()
            .filter_map(|&change| match change.ending {
                Ending::Done(at) => Some((at, change)),
                Ending::Lost(_) | Ending::Open => None,
            })
            .collect();
        done.sort_by_key(|(at, _)| *at);
        for at in 1..done.len() {
            if done[at - 1].1.invoked > done[at].1.invoked {
                done[at].1 = done[at - 1].1;
            }
        }
        Self { requested, done }
    }

    /// The last requested change among those that were done before `time`.
    fn last_done_before(&self, time: Time) -> Option<&'a Change> {
        let before = self.done.partition_point(|(at, _)| *at < time);
        let (_, change) = self.done.get(before.checked_sub(1)?)?;
        Some(change)
    }

    fn seen_by(&self, call: &Call, reported_until: Time) -> Seen {
        let overwritten_before = self
            .last_done_before(reported_until)
            .map_or(Time::ZERO, |change| change.invoked);
        let latest = self.latest_ends(call);
        let possible = |end: Option<Time>| end.is_some_and(|end| end >= overwritten_before);
        Seen {
            no: possible(latest.no),
            yes: possible(latest.yes),
        }
    }

    /// The latest ends of the changes that were requested before the call was completed.
    fn latest_ends(&self, call: &Call) -> LatestEnds {
        let requested = self
            .requested
            .partition_point(|(at, _)| *at <= call.completed);
        // The first entry is the start of the run, so the list is never empty.
        let (_, latest) = self.requested[requested.max(1) - 1];
        latest
    }
}

impl LatestEnds {
    const fn of(&mut self, value: bool) -> &mut Option<Time> {
        if value { &mut self.yes } else { &mut self.no }
    }
}

#[cfg(test)]
mod tests;
