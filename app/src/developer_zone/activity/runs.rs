//! Groups records by day, and what one person did again and again to a run.

use model::{
    audit::{Entry, Kind},
    timestamp::Timestamp,
};

use crate::{
    texts::activity::Sentence,
    time_zone::{Day, ReaderZone},
};

/// The number of records that form a run.
const SHORTEST_RUN: usize = 3;

/// The records of one day, newest first.
#[derive(Debug)]
pub(super) struct DayOfEntries {
    /// A time of the day, for its heading.
    pub(super) at: Timestamp,
    /// Single records, and runs of at least three.
    pub(super) groups: Vec<Vec<Entry>>,
}

/// The records by day in the reader's zone.
pub(super) fn by_day(entries: Vec<Entry>, zone: &ReaderZone) -> Vec<DayOfEntries> {
    let mut days: Vec<(Option<Day>, Vec<Entry>)> = Vec::new();
    for entry in entries {
        let day = zone.day(entry.key.at);
        match days.last_mut() {
            Some((last, entries)) if *last == day => entries.push(entry),
            _ => days.push((day, vec![entry])),
        }
    }
    let days = days.into_iter().filter_map(|(_, entries)| {
        let at = entries.first()?.key.at;
        Some(DayOfEntries {
            at,
            groups: groups(entries),
        })
    });
    days.collect()
}

fn groups(entries: Vec<Entry>) -> Vec<Vec<Entry>> {
    let mut runs: Vec<Vec<Entry>> = Vec::new();
    for entry in entries {
        match runs.last_mut() {
            Some(run) if run.first().is_some_and(|first| is_of_run(first, &entry)) => {
                run.push(entry);
            }
            _ => runs.push(vec![entry]),
        }
    }
    let groups = runs.into_iter().flat_map(|run| {
        if run.len() < SHORTEST_RUN {
            run.into_iter().map(|entry| vec![entry]).collect()
        } else {
            vec![run]
        }
    });
    groups.collect()
}

/// Whether two records in a row belong to one run: the same person changed the same token, or did the same without a
/// token. A token's creation and its deletion stand alone.
fn is_of_run(first: &Entry, next: &Entry) -> bool {
    let token = |entry: &Entry| entry.token.as_ref().map(|token| token.id);
    let is_change = |entry: &Entry| {
        matches!(
            entry.kind,
            Kind::TokenActivated | Kind::TokenDeactivated | Kind::TokenRenamed
        )
    };
    match (token(first), token(next)) {
        (Some(one), Some(other)) => {
            one == other && first.actor == next.actor && is_change(first) && is_change(next)
        }
        (None, None) => Sentence::of(first) == Sentence::of(next),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use model::{
        audit::{Actor, EntryKey, RecordedToken},
        token::{TokenId, TokenPreview},
    };

    use super::*;

    const DAY: i64 = 86_400_000;

    fn entry(at: i64, kind: Kind, actor: Actor, token: Option<i64>) -> Entry {
        Entry {
            key: EntryKey {
                at: Timestamp(at),
                id: at,
            },
            kind,
            actor,
            organisation: None,
            account: None,
            token: token.map(|id| RecordedToken {
                id: TokenId(id),
                preview: TokenPreview::of("k7Q2x"),
                name: None,
                renamed_to: None,
            }),
            plans: None,
            pruned_before: None,
            address: None,
            user_agent: None,
        }
    }

    /// Each day's groups, as their numbers of records.
    fn grouped(entries: Vec<Entry>) -> Vec<Vec<usize>> {
        let days = by_day(entries, &ReaderZone::of(&HeaderMap::new())).into_iter();
        days.map(|day| day.groups.iter().map(Vec::len).collect())
            .collect()
    }

    #[test]
    fn three_changes_of_one_token_by_one_person_on_one_day_are_a_run() {
        let operator = || Actor::Operator(None);
        let change = |at, token| entry(at, Kind::TokenDeactivated, operator(), Some(token));
        assert_eq!(grouped(vec![]), Vec::<Vec<usize>>::new());
        let two = vec![change(9, 1), change(8, 1)];
        assert_eq!(grouped(two), [[1, 1]]);
        let three = vec![
            change(9, 1),
            entry(8, Kind::TokenActivated, operator(), Some(1)),
            entry(7, Kind::TokenRenamed, operator(), Some(1)),
            entry(6, Kind::TokenCreated, operator(), Some(1)),
        ];
        assert_eq!(grouped(three), [[3, 1]]);
        let others = vec![
            change(9, 1),
            change(8, 2),
            change(7, 1),
            entry(6, Kind::TokenActivated, Actor::Unknown, Some(1)),
            change(5, 1),
        ];
        assert_eq!(grouped(others), [[1, 1, 1, 1, 1]]);
        let midnight = vec![
            change(DAY + 1, 1),
            change(DAY, 1),
            change(DAY - 1, 1),
            change(DAY - 2, 1),
            change(DAY - 3, 1),
        ];
        assert_eq!(grouped(midnight), [vec![1, 1], vec![3]]);
    }

    #[test]
    fn the_same_sentence_without_a_token_three_times_is_a_run() {
        let failed = |at| entry(at, Kind::SignInFailed, Actor::Unknown, None);
        let ended = entry(1, Kind::SignedOut, Actor::Unknown, None);
        assert_eq!(
            grouped(vec![failed(4), failed(3), failed(2), ended]),
            [[3, 1]]
        );
    }
}
