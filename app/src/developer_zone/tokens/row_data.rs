//! What a row of the token table shows.

use model::token::TokenSummary;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use {
    crate::developer_zone::charts::week_bar,
    model::{
        timestamp::Timestamp,
        usage::{TokenWeek, Week},
    },
};

/// What a row of the token table shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ListedToken {
    /// The token.
    pub(crate) token: TokenSummary,
    /// A chart of its calls in seven days (UTC), as an SVG element without text by users. It may be some seconds
    /// behind: servers write calls to the database in batches.
    pub(crate) week_bar: String,
    /// Whether no call with it was accepted for 90 days, by the server's clock.
    pub(crate) is_idle: bool,
}

/// All rows of the table: at most ten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TokenRows {
    /// The rows, newest token first.
    pub(crate) rows: Vec<ListedToken>,
    /// A hash of the visible rows: it changes when a row changes. Times of last use are rounded to the minute, as pages
    /// show them.
    pub(crate) fingerprint: String,
}

#[cfg(feature = "ssr")]
impl ListedToken {
    /// The row of a new token.
    pub(in crate::developer_zone) fn new(token: TokenSummary) -> Self {
        TokenWeek {
            token,
            week: Week::default(),
            is_idle: false,
        }
        .into()
    }
}

#[cfg(feature = "ssr")]
impl From<TokenWeek> for ListedToken {
    fn from(listed: TokenWeek) -> Self {
        Self {
            token: listed.token,
            week_bar: week_bar(&listed.week),
            is_idle: listed.is_idle,
        }
    }
}

#[cfg(feature = "ssr")]
impl TokenRows {
    /// The rows of these tokens.
    pub(in crate::developer_zone) fn of(listed: Vec<TokenWeek>) -> Self {
        Self {
            fingerprint: fingerprint(&listed),
            rows: listed.into_iter().map(ListedToken::from).collect(),
        }
    }
}

/// A hash of everything that the rows show. Servers of the same version compute the same hash. During an upgrade two
/// versions may differ: a list is then sent once too often.
#[cfg(feature = "ssr")]
fn fingerprint(listed: &[TokenWeek]) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};

    const MINUTE_MILLIS: i64 = 60 * 1_000;
    let mut hasher = DefaultHasher::new();
    for row in listed {
        let mut row = row.clone();
        row.token.last_used = row
            .token
            .last_used
            .map(|Timestamp(at)| Timestamp(at / MINUTE_MILLIS));
        row.hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use std::collections::HashSet;

    use model::token::{TokenId, TokenPreview, TokenStatus};

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
