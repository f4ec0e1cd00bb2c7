//! The report of a run: its result, and whether the run saw enough to prove it.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
};

use checker::{
    history::{Action, Ending, History, Refusal, Response, Time, Way},
    judge::{Judgement, Violation, judge},
};

use crate::{
    run::{Injected, Recording},
    verdict::Verdict,
};

/// Maximum number of violations in the report, each with a different reason.
const MAX_SHOWN: usize = 5;

/// A judged run.
pub(crate) struct Report {
    pub(crate) history: History,
    judgement: Judgement,
    /// Responses to changes that no server may give.
    pub(crate) wrong: Vec<String>,
    /// Number of changes that were refused or not sent, so that they did not happen.
    pub(crate) refused_changes: usize,
    /// Number of injected faults, by kind.
    pub(crate) faults: BTreeMap<&'static str, usize>,
    /// When they were injected, if the run knows.
    injected: Vec<Injected>,
    /// Further lines: a name and a text.
    notes: Vec<(&'static str, String)>,
    shortfalls: Vec<String>,
}

impl Report {
    /// The report of a run with several servers.
    pub(crate) fn of(recorded: Recording) -> Self {
        let faults = recorded.fault_counts();
        let Recording {
            history,
            wrong,
            refused_changes,
            faults: injected,
        } = recorded;
        let mut report = Self::new(history, wrong, refused_changes, faults);
        report.injected = injected;
        report
    }

    pub(crate) fn new(
        history: History,
        wrong: Vec<String>,
        refused_changes: usize,
        faults: BTreeMap<&'static str, usize>,
    ) -> Self {
        let judgement = judge(&history);
        Self {
            history,
            judgement,
            wrong,
            refused_changes,
            faults,
            injected: Vec::new(),
            notes: Vec::new(),
            shortfalls: Vec::new(),
        }
    }

    /// Adds a line.
    pub(crate) fn note(&mut self, name: &'static str, text: String) {
        self.notes.push((name, text));
    }

    /// Requires each of these faults once.
    pub(crate) fn require_faults(&mut self, names: impl IntoIterator<Item = &'static str>) {
        for name in names {
            let found = self.faults.get(name).copied().unwrap_or_default();
            self.require(format!("faults of the kind `{name}`"), 1, found);
        }
    }

    /// Requires of each server calls that it accepted, also after the last fault, and changes through its dashboard.
    pub(crate) fn require_each_server(&mut self, servers: usize, faults_ended: Time) {
        for server in 0..servers {
            let accepted = |response: &_| *response == Response::Accepted;
            let found = self.calls(server, Time::ZERO, accepted);
            self.require(format!("calls accepted by server {server}"), 100, found);
            let found = self.calls(server, faults_ended, accepted);
            let what = format!("calls accepted by server {server} after the last fault");
            self.require(what, 10, found);
            let way = Way::Dashboard(server);
            let found =
                self.changes(|_, by, ending| by == way && matches!(ending, Ending::Done(_)));
            self.require(format!("changes done {way}"), 3, found);
        }
    }

    /// Requires a minimum number of something. A run that saw too little proves nothing.
    pub(crate) fn require(&mut self, what: impl fmt::Display, minimum: usize, found: usize) {
        if found < minimum {
            self.shortfalls.push(format!(
                "{what}: {found}, but at least {minimum} are needed"
            ));
        }
    }

    pub(crate) const fn had_to_accept(&self) -> usize {
        self.judgement.had_to_accept
    }

    pub(crate) const fn had_to_refuse(&self) -> usize {
        self.judgement.had_to_refuse
    }

    pub(crate) const fn had_to_be_unavailable(&self) -> usize {
        self.judgement.had_to_be_unavailable
    }

    /// Number of calls of a server since `since` with a matching response.
    pub(crate) fn calls(
        &self,
        server: usize,
        since: Time,
        is: impl Fn(&Response) -> bool,
    ) -> usize {
        let calls = self.history.calls.iter();
        calls
            .filter(|call| call.server == server && call.invoked >= since && is(&call.response))
            .count()
    }

    /// Number of changes of this kind that were reported as done.
    pub(crate) fn done(&self, name: &str) -> usize {
        self.changes(|action, _, ending| action.name() == name && matches!(ending, Ending::Done(_)))
    }

    /// Number of changes that match.
    pub(crate) fn changes(&self, is: impl Fn(Action, Way, Ending) -> bool) -> usize {
        let changes = self.history.changes.iter();
        changes
            .filter(|change| is(change.action, change.way, change.ending))
            .count()
    }

    /// How long deactivations and deletions took through the dashboard, from the request to the report.
    fn delays(&self) -> Option<String> {
        let mut delays: Vec<_> = self
            .revocations()
            .map(|(requested, done)| done.saturating_sub(requested).as_millis())
            .collect();
        delays.sort_unstable();
        let last = delays.len().checked_sub(1)?;
        let at = |percent: usize| delays[last * percent / 100];
        Some(format!(
            "of {} revocations through the dashboard: median {} ms, p95 {} ms, longest {} ms",
            delays.len(),
            at(50),
            at(95),
            at(100)
        ))
    }

    /// When each revocation through the dashboard was requested and reported as done.
    fn revocations(&self) -> impl Iterator<Item = (Time, Time)> {
        let changes = self.history.changes.iter();
        changes.filter_map(|change| match (change.action, change.way, change.ending) {
            (Action::Deactivate(_) | Action::Delete(_), Way::Dashboard(_), Ending::Done(done)) => {
                Some((change.invoked, done))
            }
            _ => None,
        })
    }

    /// The longest delay of a revocation that overlapped each kind of fault.
    fn longest_by_fault(&self) -> Option<String> {
        let mut longest: BTreeMap<&str, u128> = BTreeMap::new();
        for (requested, done) in self.revocations() {
            let overlaps = |fault: &&Injected| requested <= fault.ended && done >= fault.begun;
            let during = self.injected.iter().filter(overlaps);
            let mut names: Vec<_> = during.map(|fault| fault.name).collect();
            if names.is_empty() {
                names.push("no fault");
            }
            let delay = done.saturating_sub(requested).as_millis();
            for name in names {
                let known = longest.entry(name).or_default();
                *known = delay.max(*known);
            }
        }
        let mut longest: Vec<_> = longest.into_iter().collect();
        longest.sort_by_key(|(_, delay)| std::cmp::Reverse(*delay));
        let longest: Vec<_> = longest
            .into_iter()
            .map(|(name, delay)| format!("{name} {delay} ms"))
            .collect();
        (!self.injected.is_empty()).then(|| longest.join(", "))
    }

    fn responses(&self) -> String {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for call in &self.history.calls {
            let name = match &call.response {
                Response::Accepted => "accepted",
                Response::Refused(refusal) => refusal.code(),
                Response::Unavailable => "unavailable (503)",
                Response::Limited => "rate limited (429)",
                Response::None => "no response",
                Response::Wrong(_) => "wrong",
            };
            *counts.entry(name).or_default() += 1;
        }
        listed(counts)
    }

    fn endings(&self) -> String {
        let mut text = String::new();
        for name in Action::NAMES {
            let done = self.done(name);
            let unknown = self.changes(|action, _, ending| {
                action.name() == name && !matches!(ending, Ending::Done(_))
            });
            if done + unknown > 0 {
                let _ = write!(text, "{name} {done}");
                if unknown > 0 {
                    let _ = write!(text, " (+{unknown} unknown)");
                }
                text.push_str(", ");
            }
        }
        text.trim_end_matches(", ").to_owned()
    }
}

impl Verdict for Report {
    fn passed(&self) -> bool {
        self.shortfalls.is_empty() && self.wrong.is_empty() && self.judgement.violations.is_empty()
    }

    fn caught_a_broken_promise(&self) -> bool {
        let violations = &self.judgement.violations;
        self.wrong.is_empty()
            && !violations.is_empty()
            && violations
                .iter()
                .all(|violation| violation.breaks_promise())
    }

    fn saw_too_little(&self) -> bool {
        !self.shortfalls.is_empty() && self.wrong.is_empty() && self.judgement.violations.is_empty()
    }
}

fn listed(counts: BTreeMap<&str, usize>) -> String {
    let counts: Vec<_> = counts
        .into_iter()
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    counts.join(", ")
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Judgement {
            violations,
            had_to_accept,
            had_to_refuse,
            had_to_be_unavailable: _,
        } = &self.judgement;
        let dashboard =
            |_, way, ending| matches!(way, Way::Dashboard(_)) && matches!(ending, Ending::Done(_));
        let command = |_, way, ending| way == Way::CommandLine && matches!(ending, Ending::Done(_));
        writeln!(f, "calls       {}", self.history.calls.len())?;
        writeln!(f, "  responses {}", self.responses())?;
        writeln!(
            f,
            "  of these  {had_to_accept} had to be accepted, {had_to_refuse} had to be refused"
        )?;
        writeln!(f, "changes     {}", self.endings())?;
        writeln!(
            f,
            "  done      {} through the dashboard, {} through the command line; {} refused or not sent",
            self.changes(dashboard),
            self.changes(command),
            self.refused_changes
        )?;
        if let Some(delays) = self.delays() {
            writeln!(f, "  delay     {delays}")?;
        }
        if let Some(longest) = self.longest_by_fault() {
            writeln!(f, "  longest   during {longest}")?;
        }
        writeln!(f, "faults      {}", listed(self.faults.clone()))?;
        for (name, text) in &self.notes {
            writeln!(f, "{name:12}{text}")?;
        }
        writeln!(f, "violations  {}", violations.len() + self.wrong.len())?;
        for violation in first_of_each_reason(violations).take(MAX_SHOWN) {
            writeln!(f, "\nVIOLATION\n{violation}")?;
        }
        for wrong in self.wrong.iter().take(MAX_SHOWN) {
            writeln!(f, "\nVIOLATION\n  {wrong}")?;
        }
        for shortfall in &self.shortfalls {
            writeln!(f, "\nTOO FEW  {shortfall}")?;
        }
        Ok(())
    }
}

fn first_of_each_reason(violations: &[Violation]) -> impl Iterator<Item = &Violation> {
    let mut shown = Vec::new();
    violations.iter().filter(move |violation| {
        let is_new = shown.len() < MAX_SHOWN && !shown.contains(&&violation.because);
        if is_new {
            shown.push(&violation.because);
        }
        is_new
    })
}

/// Whether the guard refused the call.
pub(crate) fn is_refusal(response: &Response) -> bool {
    matches!(response, Response::Refused(_))
}

/// Matches this refusal.
pub(crate) fn is(refusal: Refusal) -> impl Fn(&Response) -> bool {
    move |response| *response == Response::Refused(refusal)
}
