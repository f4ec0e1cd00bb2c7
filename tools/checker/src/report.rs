//! What a run came to, for people; and whether it showed anything at all.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
};

use checker::{
    history::{Action, Answer, Ending, History, Refusal, Time, Way},
    judge::{Judgement, Violation, judge},
};

/// So many violations are printed, each for another reason; more would say the same.
const SHOWN: usize = 5;

/// A judged run.
pub(crate) struct Report {
    pub(crate) history: History,
    judgement: Judgement,
    /// Answers to changes that no server may give.
    pub(crate) wrong: Vec<String>,
    /// Changes that were answered with a refusal, or could not be sent: neither has happened.
    pub(crate) refused_changes: usize,
    /// What was done to the servers and their database, and how often.
    pub(crate) faults: BTreeMap<&'static str, usize>,
    shortfalls: Vec<String>,
}

impl Report {
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
            shortfalls: Vec::new(),
        }
    }

    /// Demands that the run had at least so many of something: one that saw too little shows nothing.
    pub(crate) fn demand(&mut self, what: impl fmt::Display, least: usize, found: usize) {
        if found < least {
            self.shortfalls
                .push(format!("{what}: {found}, and at least {least} are needed"));
        }
    }

    pub(crate) const fn had_to_accept(&self) -> usize {
        self.judgement.had_to_accept
    }

    pub(crate) const fn had_to_refuse(&self) -> usize {
        self.judgement.had_to_refuse
    }

    /// Calls of a server from `since` that got such an answer.
    pub(crate) fn calls(&self, server: usize, since: Time, is: impl Fn(&Answer) -> bool) -> usize {
        let calls = self.history.calls.iter();
        calls
            .filter(|call| call.server == server && call.invoked >= since && is(&call.answer))
            .count()
    }

    /// Changes of this kind that were reported as done.
    pub(crate) fn done(&self, name: &str) -> usize {
        self.changes(|action, _, ending| action.name() == name && matches!(ending, Ending::Done(_)))
    }

    /// Changes that answer to a description.
    pub(crate) fn changes(&self, is: impl Fn(Action, Way, Ending) -> bool) -> usize {
        let changes = self.history.changes.iter();
        changes
            .filter(|change| is(change.action, change.way, change.ending))
            .count()
    }

    /// Whether the run saw enough, and nothing wrong.
    pub(crate) fn passed(&self) -> bool {
        self.shortfalls.is_empty() && self.wrong.is_empty() && self.judgement.violations.is_empty()
    }

    /// Whether the run saw enough, and nothing wrong but broken promises, of which there are some.
    pub(crate) fn caught_a_broken_promise(&self) -> bool {
        let violations = &self.judgement.violations;
        self.shortfalls.is_empty()
            && self.wrong.is_empty()
            && !violations.is_empty()
            && violations
                .iter()
                .all(|violation| violation.breaks_promise())
    }

    fn answers(&self) -> String {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for call in &self.history.calls {
            let name = match &call.answer {
                Answer::Accepted => "accepted",
                Answer::Refused(refusal) => refusal.code(),
                Answer::Unavailable => "unavailable (503)",
                Answer::Limited => "rate limited (429)",
                Answer::None => "without answer",
                Answer::Wrong(_) => "wrong",
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
        } = &self.judgement;
        let dashboard =
            |_, way, ending| matches!(way, Way::Dashboard(_)) && matches!(ending, Ending::Done(_));
        let command = |_, way, ending| way == Way::CommandLine && matches!(ending, Ending::Done(_));
        writeln!(f, "calls       {}", self.history.calls.len())?;
        writeln!(f, "  answers   {}", self.answers())?;
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
        writeln!(f, "faults      {}", listed(self.faults.clone()))?;
        writeln!(f, "violations  {}", violations.len() + self.wrong.len())?;
        for violation in first_of_each_reason(violations).take(SHOWN) {
            writeln!(f, "\nVIOLATION\n{violation}")?;
        }
        for wrong in self.wrong.iter().take(SHOWN) {
            writeln!(f, "\nVIOLATION\n  {wrong}")?;
        }
        for shortfall in &self.shortfalls {
            writeln!(f, "\nTOO LITTLE  {shortfall}")?;
        }
        Ok(())
    }
}

fn first_of_each_reason(violations: &[Violation]) -> impl Iterator<Item = &Violation> {
    let mut told = Vec::new();
    violations.iter().filter(move |violation| {
        let is_new = told.len() < SHOWN && !told.contains(&&violation.because);
        if is_new {
            told.push(&violation.because);
        }
        is_new
    })
}

/// Whether it is a refusal that the guard gave because of a change.
pub(crate) fn is_refusal(answer: &Answer) -> bool {
    matches!(answer, Answer::Refused(_))
}

/// Whether it is this refusal.
pub(crate) fn is(refusal: Refusal) -> impl Fn(&Answer) -> bool {
    move |answer| *answer == Answer::Refused(refusal)
}
