//! The report of a siege: what the owner and the partner got done, and what the attackers got.

use std::{collections::BTreeMap, fmt, time::Duration};

use super::{
    attack::Attack,
    work::{Record, Work},
};
use crate::verdict::Verdict;

/// The goals of a long run on two processors.
const DEACTIVATION_GOAL: Duration = Duration::from_secs(1);
const SIGN_IN_GOAL: Duration = Duration::from_secs(3);
const CALL_GOAL: f64 = 2.0;

/// One attack on one engine.
pub(crate) struct Phase {
    pub(crate) engine: &'static str,
    /// None while there is no attack, for comparison.
    pub(crate) attack: Option<Attack>,
    pub(crate) work: Work,
    pub(crate) answers: BTreeMap<String, u64>,
    pub(crate) length: Duration,
    /// How many bytes the database grew.
    pub(crate) grown: i64,
    /// The processor time of this program, for attackers, owner and partner.
    pub(crate) processor_time: Duration,
}

/// The phases of a siege, on each engine.
pub(crate) struct Report {
    pub(crate) phases: Vec<Phase>,
    /// Whether the run is long enough for figures.
    pub(crate) is_long: bool,
}

impl Phase {
    fn name(&self) -> &'static str {
        self.attack.map_or("none", Attack::name)
    }

    fn answers(&self) -> String {
        let answers = self.answers.iter();
        let answers: Vec<_> = answers.map(|(what, n)| format!("{what} {n}")).collect();
        answers.join(", ")
    }

    /// What the attack prevented, or that it was not limited.
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (name, record) in self.work.each() {
            let (attempted, refused) = (record.attempted(), record.refused.len());
            if let Some(first) = record.refused.first() {
                problems.push(format!(
                    "{refused} of {attempted} {name} failed, first: {first}"
                ));
            } else if attempted == 0 {
                problems.push(format!("there were no {name}"));
            }
        }
        if let Some(limit) = self.attack.and_then(Attack::limit)
            && !self.answers.contains_key(limit)
        {
            problems.push(format!(
                "the attackers were never limited: no answer was “{limit}”"
            ));
        }
        problems
    }

    /// Whether the attack is limited to a share, so that it must succeed on a server without shares.
    fn has_share(&self) -> bool {
        self.attack.and_then(Attack::limit).is_some()
    }
}

impl Report {
    /// The 99th percentile of the calls without an attack.
    fn idle_calls(&self, engine: &str) -> Duration {
        let mut phases = self.phases.iter();
        let idle = phases.find(|phase| phase.engine == engine && phase.attack.is_none());
        idle.map_or(Duration::ZERO, |idle| percentile(&idle.work.calls, 99))
    }

    fn ratio(&self, phase: &Phase) -> f64 {
        let idle = self.idle_calls(phase.engine);
        percentile(&phase.work.calls, 99).as_secs_f64() / idle.as_secs_f64()
    }

    /// What the owner and the partner got done. A short run has too few values for times.
    fn write_done(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for phase in &self.phases {
            let done = phase.work.each();
            let done = done.map(|(name, record)| format!("{} {name}", done_of(record)));
            writeln!(f, "{}, {}: {}", phase.engine, phase.name(), done.join(", "))?;
            writeln!(f, "  answers to the attackers: {}", phase.answers())?;
        }
        Ok(())
    }

    fn write_figures(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| engine | attack | deactivations | p50 | p99 | max | activations | sign-ins | p99 | creations | p99 \
             | deletions | calls | p99 | to idle |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|"
        )?;
        for phase in &self.phases {
            let Work {
                deactivations,
                activations,
                sign_ins,
                creations,
                deletions,
                calls,
            } = &phase.work;
            writeln!(
                f,
                "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {:.1} |",
                phase.engine,
                phase.name(),
                done_of(deactivations),
                millis(percentile(deactivations, 50)),
                millis(percentile(deactivations, 99)),
                millis(percentile(deactivations, 100)),
                done_of(activations),
                done_of(sign_ins),
                millis(percentile(sign_ins, 99)),
                done_of(creations),
                millis(percentile(creations, 99)),
                done_of(deletions),
                done_of(calls),
                millis(percentile(calls, 99)),
                self.ratio(phase),
            )?;
        }
        Ok(())
    }

    fn write_attackers(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| engine | attack | answers | a second | database grew by | a second | processors of this program |\n\
             |---|---|---|---|---|---|---|"
        )?;
        for phase in &self.phases {
            let seconds = phase.length.as_secs_f64();
            writeln!(
                f,
                "| {} | {} | {} | {:.0} | {:.1} kB | {:.1} kB | {:.2} |",
                phase.engine,
                phase.name(),
                phase.answers(),
                phase.answers.values().sum::<u64>() as f64 / seconds,
                phase.grown as f64 / 1e3,
                phase.grown as f64 / 1e3 / seconds,
                phase.processor_time.as_secs_f64() / seconds,
            )?;
        }
        Ok(())
    }

    fn write_goals(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let missed = |what: &str, is_missed: &dyn Fn(&Phase) -> bool| {
            let missed = self.phases.iter().filter(|phase| is_missed(phase));
            let missed: Vec<_> = missed
                .map(|phase| format!("{} ({})", phase.name(), phase.engine))
                .collect();
            match missed.is_empty() {
                true => format!("{what}: met"),
                false => format!("{what}: missed: {}", missed.join(", ")),
            }
        };
        let p99 = |record: &Record| percentile(record, 99);
        let goals = [
            missed("deactivations, p99 under 1 s", &|phase| {
                p99(&phase.work.deactivations) >= DEACTIVATION_GOAL
            }),
            missed("sign-ins by known browsers, p99 under 3 s", &|phase| {
                p99(&phase.work.sign_ins) >= SIGN_IN_GOAL
            }),
            missed("calls, p99 at most twice the idle one", &|phase| {
                self.ratio(phase) > CALL_GOAL
            }),
        ];
        writeln!(f, "{}", goals.join("\n"))
    }
}

impl Verdict for Report {
    fn passed(&self) -> bool {
        self.phases.iter().all(|phase| phase.problems().is_empty())
    }

    /// On a server without shares, each attack that has one does harm.
    fn caught_a_broken_promise(&self) -> bool {
        let mut shared = self.phases.iter().filter(|phase| phase.has_share());
        shared.all(|phase| !phase.problems().is_empty())
    }

    /// A phase lasts until enough was attempted.
    fn saw_too_little(&self) -> bool {
        false
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_long {
            self.write_figures(f)?;
            writeln!(f)?;
            self.write_attackers(f)?;
            writeln!(f)?;
            self.write_goals(f)?;
        } else {
            self.write_done(f)?;
        }
        for phase in &self.phases {
            for problem in phase.problems() {
                writeln!(f, "\nVIOLATION\n  {}, {}", phase.engine, phase.name())?;
                writeln!(f, "  {problem}")?;
            }
        }
        Ok(())
    }
}

fn done_of(record: &Record) -> String {
    format!("{} of {}", record.took.len(), record.attempted())
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

/// The percentile of the successes, by the nearest-rank method. Zero if there are none.
fn percentile(record: &Record, percent: usize) -> Duration {
    let mut sorted = record.took.clone();
    sorted.sort_unstable();
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            took: (1..=200).map(Duration::from_millis).collect(),
            refused: Vec::new(),
        }
    }

    /// A phase in which everything was done.
    fn phase(attack: Option<Attack>, answers: &[&str]) -> Phase {
        Phase {
            engine: "SQLite",
            attack,
            work: Work {
                deactivations: record(),
                activations: record(),
                sign_ins: record(),
                creations: record(),
                deletions: record(),
                calls: record(),
            },
            answers: answers.iter().map(|name| ((*name).to_owned(), 1)).collect(),
            length: Duration::from_secs(1),
            grown: 0,
            processor_time: Duration::ZERO,
        }
    }

    fn report(phases: Vec<Phase>) -> Report {
        Report {
            phases,
            is_long: true,
        }
    }

    fn limited(attack: Attack) -> Phase {
        phase(Some(attack), attack.limit().as_slice())
    }

    #[test]
    fn a_siege_in_which_everything_was_done_and_each_attack_was_limited_passes() {
        let mut phases = vec![phase(None, &[])];
        phases.extend(Attack::EACH.map(limited));
        assert!(report(phases).passed());
    }

    #[test]
    fn one_refusal_of_the_owner_or_the_partner_fails() {
        let parts: [fn(&mut Work) -> &mut Record; 6] = [
            |work| &mut work.deactivations,
            |work| &mut work.activations,
            |work| &mut work.sign_ins,
            |work| &mut work.creations,
            |work| &mut work.deletions,
            |work| &mut work.calls,
        ];
        for part in parts {
            let mut refused = limited(Attack::Account);
            part(&mut refused.work).refused.push("503".to_owned());
            assert!(!report(vec![refused]).passed());
            let mut idle = limited(Attack::Account);
            *part(&mut idle.work) = Record::default();
            assert!(!report(vec![idle]).passed(), "nothing was tried");
        }
    }

    #[test]
    fn an_attack_that_was_never_limited_fails_if_it_has_a_share() {
        for attack in Attack::EACH {
            let passed = report(vec![phase(Some(attack), &["200"])]).passed();
            assert_eq!(passed, attack.limit().is_none(), "{attack:?}");
        }
    }

    #[test]
    fn a_server_without_shares_is_found_only_if_each_attack_with_a_share_did_harm() {
        let harmed = |attack| {
            let mut phase = limited(attack);
            phase.work.calls.refused.push("503".to_owned());
            phase
        };
        let all = || vec![harmed(Attack::Account), limited(Attack::MadeUpSession)];
        assert!(report(all()).caught_a_broken_promise());
        let mut missed = all();
        missed.push(limited(Attack::Trail));
        assert!(!report(missed).caught_a_broken_promise());
    }

    #[test]
    fn goals_are_met_or_missed_by_name() {
        let mut slow = limited(Attack::Trail);
        for record in [&mut slow.work.deactivations, &mut slow.work.calls] {
            record.took = vec![Duration::from_secs(2)];
        }
        let text = report(vec![phase(None, &[]), slow]).to_string();
        let missed = "missed: one member renames a token (SQLite)";
        for line in [
            format!("deactivations, p99 under 1 s: {missed}"),
            "sign-ins by known browsers, p99 under 3 s: met".to_owned(),
            format!("calls, p99 at most twice the idle one: {missed}"),
        ] {
            assert!(text.contains(&line), "{text}");
        }
    }

    #[test]
    fn a_percentile_is_the_value_of_its_rank() {
        let millis = |percent| percentile(&record(), percent).as_millis();
        assert_eq!([50, 99, 100].map(millis), [100, 198, 200]);
        assert_eq!(percentile(&Record::default(), 99), Duration::ZERO);
    }
}
