//! The audit trail as rows and CSV.

pub(crate) mod file;

use app::texts::activity::{Sentence, instant};
use csv::{QuoteStyle, Terminator, WriterBuilder};
use model::{
    audit::{Actor, Entry, Kind},
    organisation::OrganisationId,
    token::{TokenId, TokenName},
};
use serde::Serialize;

/// An exported record.
#[derive(Serialize)]
pub(crate) struct Row {
    /// RFC 3339, in UTC.
    pub(crate) time: String,
    pub(crate) kind: Kind,
    /// The record as a sentence.
    pub(crate) activity: String,
    /// A user's address, `operator`, `operator NAME`, or nothing.
    pub(crate) actor: Option<String>,
    pub(crate) account: Option<String>,
    pub(crate) organisation: Option<OrganisationId>,
    pub(crate) token_id: Option<TokenId>,
    pub(crate) token: Option<String>,
    /// The token's name at that time. For a renaming, the old name.
    pub(crate) token_name: Option<TokenName>,
    pub(crate) address: Option<String>,
    pub(crate) user_agent: Option<String>,
}

impl From<Entry> for Row {
    fn from(entry: Entry) -> Self {
        Self {
            time: instant(entry.key.at),
            kind: entry.kind,
            activity: Sentence::of(&entry).to_string(),
            actor: match entry.actor {
                Actor::User(account) => Some(account.email),
                Actor::Operator(Some(name)) => Some(format!("operator {name}")),
                Actor::Operator(None) => Some("operator".to_owned()),
                Actor::Unknown => None,
            },
            account: entry.account.map(|account| account.email),
            organisation: entry.organisation,
            token_id: entry.token.as_ref().map(|token| token.id),
            token: entry.token.as_ref().map(|token| token.preview.to_string()),
            token_name: entry.token.and_then(|token| token.name),
            address: entry.address,
            user_agent: entry.user_agent,
        }
    }
}

const COLUMNS: [&str; 11] = [
    "time",
    "kind",
    "activity",
    "actor",
    "account",
    "organisation",
    "token_id",
    "token",
    "token_name",
    "address",
    "user_agent",
];

impl Row {
    fn cells(self) -> [String; 11] {
        let text = Option::unwrap_or_default;
        [
            self.time,
            self.kind.code().to_owned(),
            self.activity,
            text(self.actor),
            text(self.account),
            text(self.organisation.map(|id| id.to_string())),
            text(self.token_id.map(|id| id.to_string())),
            text(self.token),
            text(self.token_name.map(|name| name.to_string())),
            text(self.address),
            text(self.user_agent),
        ]
    }
}

/// The header line.
pub(crate) fn csv_header() -> Vec<u8> {
    csv([COLUMNS.map(str::to_owned)])
}

/// A line for each record.
pub(crate) fn csv_lines(entries: Vec<Entry>) -> Vec<u8> {
    csv(entries.into_iter().map(|entry| Row::from(entry).cells()))
}

/// RFC 4180, UTF-8, with every cell in quotes. Without quotes, a spreadsheet that expects another separator would split
/// cells.
fn csv(lines: impl IntoIterator<Item = [String; 11]>) -> Vec<u8> {
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .quote_style(QuoteStyle::Always)
        .from_writer(Vec::new());
    for cells in lines {
        // Writing eleven cells to memory cannot fail.
        let _ = writer.write_record(cells.map(harmless));
    }
    writer.into_inner().unwrap_or_default()
}

/// Makes a cell safe for spreadsheets (OWASP, CSV Injection): a text that starts like a formula gets an apostrophe, which
/// marks it as a text.
fn harmless(cell: String) -> String {
    const FORMULA_STARTS: [char; 11] = [
        '=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ];
    if cell.starts_with(FORMULA_STARTS) {
        format!("'{cell}")
    } else {
        cell
    }
}

#[cfg(test)]
mod tests {
    use model::{audit::EntryKey, timestamp::Timestamp};

    use super::*;

    fn entry(user_agent: &str) -> Entry {
        Entry {
            key: EntryKey {
                at: Timestamp(1_768_802_400_123),
                id: 1,
            },
            kind: Kind::SignInFailed,
            actor: Actor::Unknown,
            organisation: None,
            account: None,
            token: None,
            plans: None,
            pruned_before: None,
            address: Some("192.0.2.1".to_owned()),
            user_agent: Some(user_agent.to_owned()),
        }
    }

    #[test]
    fn a_cell_that_starts_like_a_formula_is_a_text() {
        for formula in [
            "=HYPERLINK(\"https://evil.example\")",
            "+1",
            "-1",
            "@SUM(1)",
            "\t=1",
            "\r=1",
            "\u{ff1d}1",
        ] {
            let lines = csv_lines(vec![entry(formula)]);
            let mut reader = csv::ReaderBuilder::new()
                .has_headers(false)
                .from_reader(&*lines);
            let record = reader.records().next().expect("a line").expect("sound");
            assert_eq!(record[10], format!("'{formula}"));
        }
        assert_eq!(harmless("curl/8 =1".to_owned()), "curl/8 =1");
    }

    #[test]
    fn a_line_follows_rfc_4180_and_keeps_commas_quotes_and_semicolons_in_cells() {
        let lines = csv_lines(vec![entry("a,\"b\";=c")]);
        assert_eq!(
            String::from_utf8(lines).expect("UTF-8"),
            "\"2026-01-19T06:00:00.123Z\",\"sign-in-failed\",\
             \"Failed sign-in for an address that has no account\",\
             \"\",\"\",\"\",\"\",\"\",\"\",\"192.0.2.1\",\"a,\"\"b\"\";=c\"\r\n"
        );
    }
}
