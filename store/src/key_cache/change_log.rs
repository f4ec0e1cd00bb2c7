//! The log of changes: what servers must no longer answer from memory.
//!
//! Triggers write it, in the transaction of the change (migrations 10 and 11). So no change can be forgotten, and
//! changes by manual SQL are logged too.

use model::{event::EventId, organisation::OrganisationId, token::TokenId};

use crate::{
    database::{LoggedChange, row},
    error::DatabaseError,
    secret::TokenDigest,
};

/// Reads the changes after a number, and the change with that number itself: it shows whether the history is the same.
/// At least one row. It also has what the metrics say about the servers.
pub(super) const CHANGES_SINCE: &str =
    "SELECT head.seq AS head_seq, head.mark AS head_mark, head.accepted_at,
        (SELECT COUNT(*) FROM servers) AS servers,
        (SELECT MIN(acknowledged) FROM servers) AS acknowledged,
        log.seq, log.mark, log.kind, log.subject, log.digest, log.organisation_id
    FROM change_counter AS head LEFT JOIN change_log AS log ON log.seq >= $1
    ORDER BY log.seq";

row! {
    pub(super) struct LogRow {
        head_seq: i64,
        head_mark: i64,
        accepted_at: i64,
        servers: i64,
        acknowledged: Option<i64>,
        seq: Option<i64>,
        mark: Option<i64>,
        kind: Option<String>,
        subject: Option<i64>,
        digest: Option<Vec<u8>>,
        organisation_id: Option<i64>,
    }
}

/// A moment in the history of a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    /// The number of the last change.
    pub(super) seq: i64,
    /// The random mark of that change.
    pub(super) mark: i64,
    /// When an operator last accepted that changes were lost.
    pub(super) accepted_at: i64,
}

impl Position {
    pub(super) const fn of(change: LoggedChange) -> Self {
        Self {
            seq: change.seq,
            mark: change.mark,
            accepted_at: 0,
        }
    }

    /// Whether a database whose last change is this one can have the position in its history.
    pub(super) const fn is_in(self, seq: i64, mark: i64) -> bool {
        seq > self.seq || (seq == self.seq && mark == self.mark)
    }

    /// As [`Position::is_in`]. Also, the log must not have another mark under the position's number. `known_mark` is
    /// the one that it has. It is none if the log has no such change, or no longer has it.
    pub(super) fn is_in_history(self, seq: i64, mark: i64, known_mark: Option<i64>) -> bool {
        self.is_in(seq, mark) && known_mark.is_none_or(|known| known == self.mark)
    }
}

/// The read came from another database than the changes that the server knows.
#[derive(Debug, thiserror::Error)]
#[error(
    "a connection leads to a database that lacks changes, perhaps the primary from before a failover"
)]
pub(super) struct Outdated;

/// What a change was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// A token was created, deleted, activated, deactivated or renamed.
    Token {
        id: TokenId,
        digest: TokenDigest,
        /// Missing if an earlier version has logged it.
        organisation: Option<OrganisationId>,
    },
    /// An organisation got another plan.
    Organisation(OrganisationId),
    /// What an organisation's list of tokens shows has changed, and nothing that a key may do.
    List(OrganisationId),
    /// An event was created or deleted, or its settings changed.
    Event(EventId),
}

/// What has happened since a position.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    /// These changes, in their order.
    Changes(Vec<Subject>),
    /// Changes that are no longer in the log, or an operator accepted that changes were lost. Everything in memory may be
    /// out of date.
    Unknown,
    /// The database has lost changes that it had. It was restored from an older copy, or a failover lost them.
    Lost,
}

/// The news since `known`, and the present position, from the rows of [`CHANGES_SINCE`].
///
/// # Errors
/// [`DatabaseError::Corrupt`].
pub(super) fn news(rows: Vec<LogRow>, known: Position) -> Result<(News, Position), DatabaseError> {
    let corrupt = || DatabaseError::Corrupt("a change log that cannot be read".to_owned());
    let first = rows.first().ok_or_else(corrupt)?;
    let head = Position {
        seq: first.head_seq,
        mark: first.head_mark,
        accepted_at: first.accepted_at,
    };
    if head.accepted_at > known.accepted_at {
        return Ok((News::Unknown, head));
    }
    let another = first.seq == Some(known.seq) && first.mark != Some(known.mark);
    let same_seq = head.seq == known.seq;
    if head.accepted_at < known.accepted_at
        || head.seq < known.seq
        || another
        || (same_seq && head.mark != known.mark)
    {
        return Ok((News::Lost, head));
    }
    let later = rows.into_iter().filter(|row| row.seq > Some(known.seq));
    let changes = later.map(|row| row.subject().ok_or_else(corrupt));
    let changes: Vec<_> = changes.collect::<Result<_, _>>()?;
    let is_complete = i64::try_from(changes.len()) == Ok(head.seq - known.seq);
    let news = if is_complete {
        News::Changes(changes)
    } else {
        News::Unknown
    };
    Ok((news, head))
}

/// What a look has found out about all servers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Servers {
    /// How many are registered.
    pub(super) registered: u64,
    /// How many of the last changes were not acknowledged by all of them.
    pub(super) unacknowledged: u64,
}

impl Servers {
    pub(super) fn of(rows: &[LogRow]) -> Self {
        let Some(row) = rows.first() else {
            return Self::default();
        };
        let acknowledged = row.acknowledged.unwrap_or(row.head_seq);
        Self {
            registered: u64::try_from(row.servers).unwrap_or_default(),
            unacknowledged: u64::try_from(row.head_seq - acknowledged).unwrap_or_default(),
        }
    }
}

impl LogRow {
    fn subject(&self) -> Option<Subject> {
        let subject = self.subject?;
        match self.kind.as_deref()? {
            "token" => {
                let digest = TokenDigest::from_stored(self.digest.as_deref()?)?;
                Some(Subject::Token {
                    id: TokenId(subject),
                    digest,
                    organisation: self.organisation_id.map(OrganisationId),
                })
            }
            "organisation" if self.organisation_id.is_some() => {
                Some(Subject::List(OrganisationId(subject)))
            }
            "organisation" => Some(Subject::Organisation(OrganisationId(subject))),
            "event" => Some(Subject::Event(EventId(subject))),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database whose log still has the changes from `first` to the last one. Each has its number as its mark.
    fn rows(first: i64, last: i64, accepted_at: i64, since: i64) -> Vec<LogRow> {
        let row = |seq: Option<i64>| LogRow {
            head_seq: last,
            head_mark: last,
            accepted_at,
            servers: 1,
            acknowledged: None,
            seq,
            mark: seq,
            kind: seq.map(|_| "event".to_owned()),
            subject: seq,
            digest: None,
            organisation_id: None,
        };
        let logged: Vec<_> = (first.max(since)..=last)
            .map(|seq| row(Some(seq)))
            .collect();
        if logged.is_empty() {
            vec![row(None)]
        } else {
            logged
        }
    }

    fn at(seq: i64, mark: i64) -> Position {
        Position {
            seq,
            mark,
            accepted_at: 5,
        }
    }

    fn events(ids: impl IntoIterator<Item = i64>) -> News {
        News::Changes(
            ids.into_iter()
                .map(|id| Subject::Event(EventId(id)))
                .collect(),
        )
    }

    #[test]
    fn the_news_are_complete_unknown_or_show_that_changes_were_lost() {
        for (what, known, (first, last, accepted_at), expected) in [
            ("a new database", at(0, 0), (1, 0, 5), events([])),
            ("its first changes", at(0, 0), (1, 2, 5), events([1, 2])),
            ("nothing new", at(7, 7), (3, 7, 5), events([])),
            ("two changes", at(7, 7), (3, 9, 5), events([8, 9])),
            (
                "the change itself is pruned",
                at(7, 7),
                (8, 9, 5),
                events([8, 9]),
            ),
            (
                "later ones are pruned too",
                at(7, 7),
                (9, 9, 5),
                News::Unknown,
            ),
            ("fewer changes", at(7, 7), (1, 6, 5), News::Lost),
            ("an empty database", at(7, 7), (1, 0, 5), News::Lost),
            ("as many others", at(7, 70), (1, 7, 5), News::Lost),
            ("more others", at(7, 70), (1, 9, 5), News::Lost),
            ("accepted", at(7, 70), (1, 6, 6), News::Unknown),
            ("an older acceptance", at(7, 7), (1, 9, 4), News::Lost),
        ] {
            let rows = rows(first, last, accepted_at, known.seq);
            let (news, head) = news(rows, known).expect("readable");
            assert_eq!(news, expected, "{what}");
            assert_eq!(
                (head.seq, head.mark, head.accepted_at),
                (last, last, accepted_at)
            );
        }
    }

    #[test]
    fn a_read_must_come_from_a_database_that_has_the_position_in_its_history() {
        for (what, (seq, mark, known_mark), expected) in [
            ("the same position", (7, 70, Some(70)), true),
            ("more changes", (9, 90, Some(70)), true),
            ("more changes, and no longer that one", (9, 90, None), true),
            ("fewer changes", (6, 60, None), false),
            ("as many others", (7, 71, Some(71)), false),
            ("more others", (9, 91, Some(71)), false),
        ] {
            let found = at(7, 70).is_in_history(seq, mark, known_mark);
            assert_eq!(found, expected, "{what}");
        }
    }

    #[test]
    fn a_change_that_cannot_be_read_is_an_error() {
        let mut rows = rows(1, 1, 5, 0);
        rows[0].kind = Some("member".to_owned());
        assert!(matches!(
            news(rows, at(0, 0)),
            Err(DatabaseError::Corrupt(_))
        ));
    }
}
