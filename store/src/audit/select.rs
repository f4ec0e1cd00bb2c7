//! Reading records: one statement for every filter, along an index.

use std::fmt::Write as _;

use super::record::{OPERATOR, USER};
use crate::{
    database::{Sql, row},
    error::DatabaseError,
    token_name::stored_name,
};
use model::{
    audit::{Account, Actor, Cursor, Entry, EntryKey, EntryPage, Filter, Kind, RecordedToken},
    organisation::{OrganisationId, Plan},
    timestamp::Timestamp,
    token::{TokenId, TokenPreview},
    user::UserId,
};

/// Which records to read, and from where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Select {
    /// Only records that this organisation's members may read; all records if none is given.
    pub(super) organisation: Option<OrganisationId>,
    pub(super) filter: Filter,
    pub(super) place: Cursor,
}

row! {
    pub(super) struct EntryRow {
        id: i64,
        recorded_at: i64,
        kind: String,
        actor: String,
        actor_id: Option<i64>,
        actor_name: Option<String>,
        organisation_id: Option<i64>,
        account_id: Option<i64>,
        account: Option<String>,
        token_id: Option<i64>,
        token_preview: Option<String>,
        token_name: Option<String>,
        token_renamed_to: Option<String>,
        plan_before: Option<String>,
        plan_after: Option<String>,
        pruned_before: Option<i64>,
        address: Option<String>,
        user_agent: Option<String>,
    }
}

const COLUMNS: &str = "entry.id, entry.recorded_at, entry.kind, entry.actor, entry.actor_id,
    entry.actor_name, entry.organisation_id, entry.account_id, entry.account, entry.token_id,
    entry.token_preview, entry.token_name, entry.token_renamed_to, entry.plan_before,
    entry.plan_after, entry.pruned_before, entry.address, entry.user_agent";

/// The conditions of a statement, and the values of their parameters.
#[derive(Default)]
struct Conditions {
    texts: Vec<String>,
    values: Vec<i64>,
}

impl Conditions {
    /// Adds a condition. Each `?` stands for the next value.
    fn add(&mut self, condition: &str, values: &[i64]) {
        let text = values.iter().fold(condition.to_owned(), |text, value| {
            text.replacen('?', &self.parameter(*value), 1)
        });
        self.texts.push(text);
    }

    fn parameter(&mut self, value: i64) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }
}

impl Select {
    /// The statement for at most `limit` records, and the values of its parameters. It filters and orders by
    /// columns of one table, so that it follows one index.
    pub(super) fn sql(&self, limit: i64) -> (Sql, Vec<i64>) {
        let (from, at, id, table) = match self.organisation {
            Some(_) => (
                "audit_audience AS listed JOIN audit_entries AS entry ON entry.id = listed.entry_id",
                "listed.recorded_at",
                "listed.entry_id",
                "listed",
            ),
            None => (
                "audit_entries AS entry",
                "entry.recorded_at",
                "entry.id",
                "entry",
            ),
        };
        let mut conditions = self.conditions(at, id, table);
        let limit = conditions.parameter(limit);
        let mut sql = format!("SELECT {COLUMNS} FROM {from}");
        if !conditions.texts.is_empty() {
            let _ = write!(sql, " WHERE {}", conditions.texts.join(" AND "));
        }
        let order = if self.goes_up() { "ASC" } else { "DESC" };
        let _ = write!(sql, " ORDER BY {at} {order}, {id} {order} LIMIT {limit}");
        (Sql::built(sql), conditions.values)
    }

    fn conditions(&self, at: &str, id: &str, table: &str) -> Conditions {
        let mut all = Conditions::default();
        if let Some(organisation) = self.organisation {
            all.add(&format!("{table}.organisation_id = ?"), &[organisation.0]);
        }
        if let Some(kind) = self.filter.kind {
            // In the text, as it is no input: the planner then knows how rare this kind is.
            all.add(&format!("{table}.kind = '{}'", kind.code()), &[]);
        }
        if let Some(token) = self.filter.token {
            all.add(&format!("{table}.token_id = ?"), &[token.0]);
        }
        if let Some(since) = self.filter.since {
            all.add(&format!("{at} >= ?"), &[since.epoch_millis()]);
        }
        if let Some(until) = self.filter.until {
            all.add(&format!("{at} < ?"), &[until.epoch_millis()]);
        }
        let values = |key: EntryKey| [key.at.epoch_millis(), key.id];
        match self.place {
            Cursor::Newest => {}
            Cursor::Before(key) => all.add(&format!("({at}, {id}) < (?, ?)"), &values(key)),
            Cursor::After(key) => all.add(&format!("({at}, {id}) > (?, ?)"), &values(key)),
        }
        all
    }

    const fn goes_up(&self) -> bool {
        matches!(self.place, Cursor::After(_))
    }

    /// The page of these rows. There may be one row more than fits.
    pub(super) fn page(
        &self,
        mut rows: Vec<EntryRow>,
        size: usize,
        with_operators: bool,
    ) -> Result<EntryPage, DatabaseError> {
        let more = rows.len() > size;
        rows.truncate(size);
        if self.goes_up() {
            rows.reverse();
        }
        let entries = rows.into_iter().map(|row| row.entry(with_operators));
        let (has_newer, has_older) = match self.place {
            Cursor::Newest => (false, more),
            Cursor::Before(_) => (true, more),
            Cursor::After(_) => (more, true),
        };
        Ok(EntryPage {
            entries: entries.collect::<Result<_, _>>()?,
            has_newer,
            has_older,
        })
    }
}

impl EntryRow {
    fn entry(self, with_operators: bool) -> Result<Entry, DatabaseError> {
        let account = |id: Option<i64>, email: Option<String>| {
            let (id, email) = id.zip(email)?;
            Some(Account {
                id: UserId(id),
                email,
            })
        };
        let actor =
            match self.actor.as_str() {
                USER => Actor::User(account(self.actor_id, self.actor_name).ok_or_else(|| {
                    DatabaseError::Corrupt("a record's user has no name".to_owned())
                })?),
                OPERATOR => Actor::Operator(self.actor_name.filter(|_| with_operators)),
                _ => Actor::Unknown,
            };
        let plans = match (self.plan_before, self.plan_after) {
            (Some(before), Some(after)) => Some((before.parse::<Plan>()?, after.parse::<Plan>()?)),
            _ => None,
        };
        let token = self.token_id.zip(self.token_preview);
        let name = |name: Option<String>| name.as_deref().and_then(stored_name);
        Ok(Entry {
            key: EntryKey {
                at: Timestamp(self.recorded_at),
                id: self.id,
            },
            kind: self.kind.parse()?,
            actor,
            organisation: self.organisation_id.map(OrganisationId),
            account: account(self.account_id, self.account),
            token: token.map(|(id, preview)| RecordedToken {
                id: TokenId(id),
                preview: TokenPreview::of(&preview),
                name: name(self.token_name),
                renamed_to: name(self.token_renamed_to),
            }),
            plans,
            pruned_before: self.pruned_before.map(Timestamp),
            address: self.address,
            user_agent: self.user_agent,
        })
    }
}

/// The statement of every kind of page, with values in it; for the test that none of them scans the whole trail.
pub(super) fn reads() -> Vec<String> {
    let key = EntryKey {
        at: Timestamp(1_768_802_500_000),
        id: 5_000,
    };
    let mut reads = Vec::new();
    for organisation in [None, Some(OrganisationId(903))] {
        for kind in [None, Some(Kind::TokenDeactivated)] {
            for token in [None, Some(TokenId(7))] {
                for place in [Cursor::Newest, Cursor::Before(key), Cursor::After(key)] {
                    for (since, until) in [
                        (None, None),
                        (Some(Timestamp(1_768_802_400_000)), Some(key.at)),
                    ] {
                        let filter = Filter {
                            kind,
                            token,
                            since,
                            until,
                        };
                        let select = Select {
                            organisation,
                            filter,
                            place,
                        };
                        reads.push(select.with_values());
                    }
                }
            }
        }
    }
    reads
}

impl Select {
    fn with_values(&self) -> String {
        let (sql, values) = self.sql(31);
        let numbered = values.iter().enumerate().rev();
        numbered.fold(sql.as_str().to_owned(), |sql, (n, value)| {
            sql.replace(&format!("${}", n + 1), &value.to_string())
        })
    }
}
