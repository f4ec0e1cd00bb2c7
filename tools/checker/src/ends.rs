//! The record of a run that ends sessions while they change things, and the judge of it.
//!
//! The promise under test: once the end of a session is reported, no change in its name takes effect. Its response may
//! arrive later, if the change was made before. So the judge looks at the effects. Each requested change writes a
//! number of its own, at most once. If a read that began after the report does not show the number, and a later read
//! does, then the change was made after the report.

use std::{collections::BTreeSet, fmt};

use crate::history::Time;

/// The number that a change writes.
pub type Mark = u64;

/// The result of a requested change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was reported as done.
    Done,
    /// It was refused because the session or the membership had ended.
    Ended,
    /// It was refused for another reason, such as the limit of tokens.
    Refused,
}

/// A change that was requested with a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// What it writes.
    pub mark: Mark,
    /// The number of the asked server (from 0).
    pub server: usize,
    /// The time before the first byte was sent.
    pub invoked: Time,
    /// The time after the last byte was read.
    pub completed: Time,
    /// The result.
    pub outcome: Outcome,
}

/// A read of everything that changes write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The time before the first byte was sent.
    pub invoked: Time,
    /// The time after the last byte was read.
    pub completed: Time,
    /// What it showed.
    pub seen: BTreeSet<Mark>,
}

/// A session that changed things until it was ended.
#[derive(Clone, Debug)]
pub struct Round {
    /// What ended it, in words.
    pub end: &'static str,
    /// The time when the end was reported as done.
    pub reported: Time,
    /// Every change that was requested with the session, in any order.
    pub attempts: Vec<Attempt>,
    /// Reads, in their order. Each began after the one before was complete.
    pub readings: Vec<Reading>,
}

/// A change that was made after the end of its session was reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    end: &'static str,
    reported: Time,
    attempt: Attempt,
    /// The read that showed the change, if the attempt began before the report.
    shown: Option<Time>,
}

impl Round {
    /// The changes that were made after the report.
    pub fn violations(&self) -> Vec<Violation> {
        let violation = |attempt: &Attempt, shown| Violation {
            end: self.end,
            reported: self.reported,
            attempt: *attempt,
            shown,
        };
        let found = self.attempts.iter().filter_map(|attempt| {
            let is_late = attempt.invoked > self.reported && attempt.outcome == Outcome::Done;
            let shown = self.first_shown_late(attempt.mark);
            (is_late || shown.is_some()).then(|| violation(attempt, shown))
        });
        found.collect()
    }

    /// When the mark was first seen, if a read before that began after the report and did not show it.
    fn first_shown_late(&self, mark: Mark) -> Option<Time> {
        let mut after = self.readings.iter();
        let mut after = after
            .by_ref()
            .skip_while(|read| read.invoked <= self.reported);
        let first = after.next()?;
        let shown = after.find(|read| read.seen.contains(&mark))?;
        (!first.seen.contains(&mark)).then_some(shown.invoked)
    }

    /// How many changes were done by a session that had not ended.
    pub fn done(&self) -> usize {
        let done = |attempt: &&Attempt| attempt.outcome == Outcome::Done;
        self.attempts.iter().filter(done).count()
    }

    /// How many changes were under way when the end was reported.
    pub fn under_way(&self) -> usize {
        let under_way = |attempt: &&Attempt| {
            attempt.invoked < self.reported && attempt.completed > self.reported
        };
        self.attempts.iter().filter(under_way).count()
    }

    /// How many changes were refused because of the end, and had begun before its report.
    pub fn refused_in_time(&self) -> usize {
        let refused = |attempt: &&Attempt| {
            attempt.invoked < self.reported && attempt.outcome == Outcome::Ended
        };
        self.attempts.iter().filter(refused).count()
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |time: Time| time.as_secs_f64();
        let Attempt {
            mark,
            server,
            invoked,
            completed,
            outcome,
        } = self.attempt;
        let reported = seconds(self.reported);
        writeln!(f, "  {}: reported as done at {reported:.6} s", self.end)?;
        writeln!(
            f,
            "  change {mark} with the ended session on server {server}: {outcome:?}"
        )?;
        let (invoked, completed) = (seconds(invoked), seconds(completed));
        write!(
            f,
            "    requested at {invoked:.6} s, answered at {completed:.6} s"
        )?;
        if let Some(shown) = self.shown {
            let shown = seconds(shown);
            write!(
                f,
                "\n  A read after the report did not show it. The read at {shown:.6} s did."
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    const fn attempt(mark: Mark, invoked: u64, completed: u64, outcome: Outcome) -> Attempt {
        Attempt {
            mark,
            server: 0,
            invoked: at(invoked),
            completed: at(completed),
            outcome,
        }
    }

    fn reading(invoked: u64, seen: &[Mark]) -> Reading {
        Reading {
            invoked: at(invoked),
            completed: at(invoked + 1),
            seen: seen.iter().copied().collect(),
        }
    }

    /// The marks of the violations in a round whose end was reported after 100 ms.
    fn judged(attempts: &[Attempt], readings: &[Reading]) -> Vec<Mark> {
        let round = Round {
            end: "an end",
            reported: at(100),
            attempts: attempts.to_vec(),
            readings: readings.to_vec(),
        };
        let found = round.violations();
        found.iter().map(|found| found.attempt.mark).collect()
    }

    #[test]
    fn a_change_that_was_made_before_the_report_may_have_its_response_after_it() {
        let late_response = [attempt(1, 90, 700, Outcome::Done)];
        let readings = [reading(101, &[1]), reading(800, &[1])];
        assert_eq!(judged(&late_response, &readings), [0; 0]);
    }

    #[test]
    fn a_change_that_appears_between_two_reads_after_the_report_is_a_violation() {
        for outcome in [Outcome::Done, Outcome::Ended, Outcome::Refused] {
            let change = [attempt(1, 90, 110, outcome)];
            let readings = [reading(101, &[]), reading(800, &[1])];
            assert_eq!(judged(&change, &readings), [1], "{outcome:?}");
        }
    }

    #[test]
    fn a_change_that_appears_after_a_read_before_the_report_is_none() {
        let change = [attempt(1, 90, 110, Outcome::Done)];
        let readings = [reading(99, &[]), reading(101, &[1]), reading(800, &[1])];
        assert_eq!(judged(&change, &readings), [0; 0]);
        let replaced = [reading(101, &[2]), reading(800, &[2])];
        assert_eq!(judged(&change, &replaced), [0; 0], "another took its place");
    }

    #[test]
    fn a_change_that_is_requested_after_the_report_must_be_refused() {
        let readings = [reading(101, &[]), reading(800, &[])];
        for (outcome, expected) in [
            (Outcome::Done, &[1][..]),
            (Outcome::Ended, &[]),
            (Outcome::Refused, &[]),
        ] {
            let change = [attempt(1, 101, 110, outcome)];
            assert_eq!(judged(&change, &readings), expected, "{outcome:?}");
        }
    }
}
