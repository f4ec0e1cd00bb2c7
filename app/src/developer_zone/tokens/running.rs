//! The changes that this page has requested and that have no response yet.

use leptos::prelude::*;
use model::token::{TokenId, TokenStatus};

/// A kind of change. The page makes one change of each kind at a time, except that it switches several tokens at the
/// same time, each of them once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Create,
    Rename,
    Delete,
    DeactivateAll,
    /// The token gets this status.
    Switch(TokenId, TokenStatus),
}

impl Change {
    /// Whether the two changes conflict: they cannot run at the same time.
    fn excludes(self, other: Self) -> bool {
        match (self, other) {
            (Self::Switch(token, _), Self::Switch(other, _)) => token == other,
            _ => self == other,
        }
    }
}

/// The changes without a response.
#[derive(Clone, Copy)]
pub(super) struct Running(RwSignal<Vec<Change>>);

impl Running {
    pub(super) fn none() -> Self {
        Self(RwSignal::new(Vec::new()))
    }

    /// Records the start of a change. Returns `false` without recording it if a conflicting change is running.
    pub(super) fn begin(self, change: Change) -> bool {
        let is_free = untrack(|| self.0.with(|all| !all.iter().any(|it| it.excludes(change))));
        if is_free {
            self.0.update(|all| all.push(change));
        }
        is_free
    }

    /// Records that a change has its response.
    pub(super) fn end(self, change: Change) {
        self.0.update(|all| all.retain(|it| *it != change));
    }

    pub(super) fn has(self, change: Change) -> bool {
        self.0.with(|all| all.contains(&change))
    }

    /// The status that the token is getting.
    pub(super) fn switch_of(self, token: TokenId) -> Option<TokenStatus> {
        self.0.with(|all| {
            all.iter().find_map(|change| match change {
                Change::Switch(id, to) if *id == token => Some(*to),
                _ => None,
            })
        })
    }

    /// Whether any change is running; read without subscribing.
    pub(super) fn is_any(self) -> bool {
        untrack(|| self.0.with(|all| !all.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_runs_once_at_a_time_and_each_token_switches_by_itself() {
        let owner = Owner::new();
        owner.with(|| {
            let running = Running::none();
            let [one, other] = [TokenId(1), TokenId(2)];
            let off = |token| Change::Switch(token, TokenStatus::Inactive);
            assert!(running.begin(off(one)));
            assert!(!running.begin(Change::Switch(one, TokenStatus::Active)));
            assert!(running.begin(off(other)));
            assert!(running.begin(Change::Create) && !running.begin(Change::Create));
            assert!(running.begin(Change::Delete) && running.begin(Change::Rename));
            assert_eq!(running.switch_of(one), Some(TokenStatus::Inactive));
            running.end(off(one));
            assert_eq!(running.switch_of(one), None);
            assert_eq!(running.switch_of(other), Some(TokenStatus::Inactive));
            assert!(running.begin(off(one)) && running.has(Change::Create) && running.is_any());
        });
    }
}
