//! `developer-zone audit`.

use clap::{Args, Subcommand, ValueEnum};
use model::{
    audit::{Cursor, Entry, Filter, Kind},
    organisation::OrganisationId,
    timestamp::Timestamp,
    token::TokenId,
};
use store::{AuditPermission, Store};

use super::{
    arguments,
    output::{self, Row},
};
use crate::{
    audit::{self, csv_header, csv_lines},
    error::Error,
};

/// The number of records for each read of the database.
const PAGE_SIZE: u32 = 500;

#[derive(Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  developer-zone audit --organisation 903 --since 2026-01-19
  developer-zone audit --kind sign-in-failed --limit 1000
  developer-zone audit --token 57 --format json
  developer-zone audit --limit 1000000 --format csv > audit.csv

Newest first, by the clock of the server that wrote each record; times are in UTC.
With --organisation: the records that its members can read. Without: all records, including failed
sign-ins with an address that has no account. CSV cells that a spreadsheet would run as a formula
start with an apostrophe."
)]
pub(super) struct Audit {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    which: Which,
}

#[derive(Args)]
struct Which {
    /// Records that this organisation's members can read
    #[arg(long, env = "DEVELOPER_ZONE_ORGANISATION", value_parser = arguments::organisation_id)]
    organisation: Option<OrganisationId>,
    /// Records about the token with this number, even if it is deleted
    #[arg(long, env = "DEVELOPER_ZONE_TOKEN", value_name = "ID", value_parser = arguments::token_id)]
    token: Option<TokenId>,
    /// Records of this kind
    #[arg(long, env = "DEVELOPER_ZONE_KIND", value_parser = arguments::audit_kind())]
    kind: Option<Kind>,
    /// Records from this time on: YYYY-MM-DD or YYYY-MM-DDTHH:MM:SSZ, in UTC
    #[arg(long, env = "DEVELOPER_ZONE_SINCE", value_name = "DATE", value_parser = arguments::instant)]
    since: Option<Timestamp>,
    /// The maximum number of records; the newest are printed
    #[arg(
        long,
        env = "DEVELOPER_ZONE_LIMIT",
        value_name = "NUMBER",
        value_parser = clap::value_parser!(u32).range(1..),
        default_value = "100"
    )]
    limit: u32,
    /// The output format
    #[arg(
        long,
        env = "DEVELOPER_ZONE_FORMAT",
        value_enum,
        default_value = "table"
    )]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// RFC 4180, with a header line
    Csv,
    /// An array of objects
    Json,
}

#[derive(Subcommand)]
enum Command {
    /// Permanently delete the records before a date. A record of the deletion is kept
    #[command(after_help = "Example:
  developer-zone audit prune --before 2025-01-19

Records cannot be deleted in any other way: the database refuses it. First export the records that you must keep.")]
    Prune {
        /// The first day to keep: YYYY-MM-DD or YYYY-MM-DDTHH:MM:SSZ, in UTC
        #[arg(long, env = "DEVELOPER_ZONE_BEFORE", value_name = "DATE", value_parser = arguments::instant)]
        before: Timestamp,
    },
}

impl Audit {
    /// Runs the command and prints the result.
    ///
    /// # Errors
    /// Those of the store, and [`Error::Output`].
    pub(super) async fn perform(self, store: &Store) -> Result<(), Error> {
        match self.command {
            Some(Command::Prune { before }) => {
                let pruned = store.audit().prune(before).await?;
                let records = if pruned == 1 { "record" } else { "records" };
                output::line(format!("Deleted {pruned} {records}."))
            }
            None => self.which.print(store).await,
        }
    }
}

impl Which {
    async fn print(self, store: &Store) -> Result<(), Error> {
        let entries = self.entries(store).await?;
        match self.format {
            Format::Csv => {
                let mut csv = csv_header();
                csv.extend(csv_lines(entries));
                output::bytes(&csv)
            }
            Format::Table | Format::Json => {
                let rows: Vec<_> = entries.into_iter().map(audit::Row::from).collect();
                output::list(&rows, matches!(self.format, Format::Json))
            }
        }
    }

    async fn entries(&self, store: &Store) -> Result<Vec<Entry>, Error> {
        let filter = Filter {
            kind: self.kind,
            token: self.token,
            since: self.since,
            until: None,
        };
        let permission = AuditPermission::Operator(self.organisation);
        let (mut entries, mut place) = (Vec::new(), Cursor::Newest);
        let mut left = self.limit;
        loop {
            let size = left.min(PAGE_SIZE);
            let page = store.audit().list(permission, filter, place, size).await?;
            entries.extend(page.entries);
            left -= size;
            match entries.last().map(|entry| entry.key) {
                Some(last) if page.has_older && left > 0 => place = Cursor::Before(last),
                _ => return Ok(entries),
            }
        }
    }
}

impl Row<5> for audit::Row {
    const HEADINGS: [&'static str; 5] = ["TIME", "KIND", "ORGANISATION", "ADDRESS", "ACTIVITY"];

    fn cells(&self) -> [String; 5] {
        let organisation = self.organisation.map(|id| id.to_string());
        [
            self.time.clone(),
            self.kind.code().to_owned(),
            organisation.unwrap_or_default(),
            self.address.clone().unwrap_or_default(),
            self.activity.clone(),
        ]
    }
}
