//! `developer-zone backup` and `developer-zone after-restore`.

use std::path::PathBuf;

use clap::{Args, builder::BoolishValueParser};
use store::{
    Store,
    backup::{Distrusted, back_up},
};

use super::{database::DatabaseOptions, output};
use crate::error::Error;

#[derive(Args)]
#[command(after_help = "Example:
  developer-zone --database-url sqlite:/var/lib/developer-zone/zone.db \\
      backup /var/backups/zone-2026-01-19.db

The file must not exist. It appears under its name once it is complete, checked and on the disk. Only this
user may read it. It contains every change that was reported as done before the command started.
To restore: stop the server, replace the database with the file, delete the files -wal and -shm beside it,
run `developer-zone after-restore --yes`, start the server.")]
pub(super) struct Backup {
    /// The file to create
    file: PathBuf,
}

impl Backup {
    /// Makes the copy and prints the result.
    ///
    /// # Errors
    /// Those of [`back_up`], and [`Error::Output`].
    pub(super) async fn perform(self, database: &DatabaseOptions) -> Result<(), Error> {
        let url = database.database_url.reveal();
        let bytes = back_up(url, &self.file, database.kept_free()).await?;
        let file = self.file.display();
        output::line(format!("Backed up to {file}: {bytes} bytes, checked."))
    }
}

#[derive(Args)]
#[command(
    after_help = "A backup restores what was deleted, deactivated or signed out after it was made, including leaked tokens.
Each organisation then activates the tokens that it trusts."
)]
pub(super) struct AfterRestore {
    /// Confirm that all integrations of all organisations stop until their tokens are activated again
    #[arg(long, env = "DEVELOPER_ZONE_YES", required = true, value_parser = BoolishValueParser::new())]
    yes: bool,
}

impl AfterRestore {
    /// Deactivates all tokens, ends all sessions, and prints the numbers.
    ///
    /// # Errors
    /// Those of the store, and [`Error::Output`].
    pub(super) async fn perform(self, store: &Store) -> Result<(), Error> {
        let Self { yes: _ } = self;
        let Distrusted {
            tokens,
            sessions,
            acknowledged,
        } = store.distrust_restored().await?;
        let done = format!(
            "Tokens deactivated: {tokens}. Sessions ended: {sessions}. Deletions and changes made after the backup \
             are undone: ask each organisation to review its tokens before it activates them again."
        );
        output::receipt(done, acknowledged)
    }
}
