//! What a server remembers about the lists that sessions poll.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use model::{
    organisation::OrganisationId,
    timestamp::Timestamp,
    usage::{DayStarts, TokenWeek},
};
use quick_cache::sync::Cache;
use tokio::{sync::Mutex, time::Instant};

use crate::usage::Hour;

/// How many organisations are remembered. Others read at each poll.
const MAX_ORGANISATIONS: usize = 10_000;

/// The digest of a session's key.
pub(super) type Digest = [u8; 32];

/// The lists that sessions poll.
pub(crate) struct PolledLists(pub(super) Cache<OrganisationId, Arc<Mutex<PolledList>>>);

impl PolledLists {
    pub(crate) fn new() -> Self {
        Self(Cache::new(MAX_ORGANISATIONS))
    }
}

/// One organisation's lists.
pub(super) struct PolledList {
    /// The lists that were last read, newest first.
    pub(super) last_reads: Vec<LastRead>,
    /// As of the last check. None before that.
    pub(super) calls: Option<CallCount>,
    pub(super) checked_at: Instant,
    /// The known sessions, with their last poll.
    pub(super) sessions: HashMap<Digest, Instant>,
}

/// A list that was read, and the version and usage that it includes at least.
pub(super) struct LastRead {
    pub(super) days: DayStarts,
    pub(super) list: Arc<ListedTokens>,
    pub(super) read_at: Instant,
    pub(super) version: u64,
    pub(super) calls: Option<CallCount>,
}

/// How many calls the organisation's tokens had in an hour and the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CallCount {
    pub(super) hour: Hour,
    pub(super) calls: i64,
}

impl PolledList {
    pub(super) fn new() -> Self {
        Self {
            last_reads: Vec::new(),
            calls: None,
            checked_at: Instant::now(),
            sessions: HashMap::new(),
        }
    }
}

/// An organisation's tokens, newest first.
#[derive(Debug)]
pub struct ListedTokens {
    /// The tokens.
    pub tokens: Vec<TokenWeek>,
    /// A hash of what a list of them shows. Times of last use are rounded to the minute, as pages show them. Servers of
    /// the same version compute the same hash. During an upgrade two versions may differ: a list is then sent once too
    /// often.
    pub fingerprint: String,
}

impl ListedTokens {
    /// The list of these tokens.
    pub fn new(tokens: Vec<TokenWeek>) -> Self {
        Self {
            fingerprint: fingerprint(&tokens),
            tokens,
        }
    }
}

fn fingerprint(tokens: &[TokenWeek]) -> String {
    const MINUTE_MILLIS: i64 = 60 * 1_000;
    let mut hasher = DefaultHasher::new();
    for token in tokens {
        let mut shown = token.clone();
        let last_used = shown.token.last_used;
        shown.token.last_used = last_used.map(|Timestamp(at)| Timestamp(at / MINUTE_MILLIS));
        shown.hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use model::{
        token::{TokenId, TokenPreview, TokenStatus, TokenSummary},
        usage::Week,
    };

    use super::*;

    fn listed() -> TokenWeek {
        TokenWeek {
            token: TokenSummary {
                id: TokenId(7),
                name: None,
                preview: TokenPreview::of("k7Q2x"),
                status: TokenStatus::Active,
                created_by: "ada@example.com".to_owned(),
                creator_left: false,
                created_at: Timestamp(1_768_802_400_000),
                last_used: Some(Timestamp(1_768_802_520_000)),
                first_call: None,
            },
            week: Week::default(),
            is_idle: false,
        }
    }

    #[test]
    fn each_change_of_a_row_changes_the_fingerprint() {
        let changes: [fn(&mut TokenWeek); 4] = [
            |row| row.token.status = TokenStatus::Inactive,
            |row| row.token.last_used = Some(Timestamp(1_768_802_580_000)),
            |row| row.week.0[6].accepted = 1,
            |row| row.is_idle = true,
        ];
        let changed = changes.map(|change| {
            let mut row = listed();
            change(&mut row);
            vec![row]
        });
        let lists = [vec![], vec![listed()], vec![listed(), listed()]];
        let all = lists.iter().chain(&changed);
        let different: HashSet<_> = all.map(|list| fingerprint(list)).collect();
        assert_eq!(different.len(), 7);
    }

    #[test]
    fn a_use_in_the_same_minute_does_not_change_the_fingerprint() {
        let mut later = listed();
        later.token.last_used = later.token.last_used.map(|at| at.plus_millis(59_999));
        assert_eq!(fingerprint(&[later]), fingerprint(&[listed()]));
    }
}
