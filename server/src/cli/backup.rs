//! `developer-zone backup` and `developer-zone after-restore`.

use std::path::PathBuf;

use clap::{Args, builder::BoolishValueParser};
use store::{
    Store,
    backup::{Distrusted, back_up},
};

use super::output;
use crate::error::Error;

#[derive(Args)]
#[command(after_help = "Example:
  developer-zone --database-url sqlite:/var/lib/developer-zone/zone.db \\
      backup /var/backups/zone-2026-01-19.db

The file must not exist. It appears under its name when it is whole, checked and on the disk, and only
this user may read it. Every change that was reported as done before the command began is in it.
To restore: stop the server, put the file in the place of the database, remove the files -wal and -shm
beside it, run `developer-zone after-restore --yes`, start the server.")]
pub(super) struct Backup {
    /// Where the copy goes
    file: PathBuf,
}

impl Backup {
    /// Copies, and says so.
    ///
    /// # Errors
    /// Those of [`back_up`], and [`Error::Output`].
    pub(super) async fn perform(self, database_url: &str) -> Result<(), Error> {
        let bytes = back_up(database_url, &self.file).await?;
        let file = self.file.display();
        output::line(format!("Backed up to {file}: {bytes} bytes, checked."))
    }
}

#[derive(Args)]
#[command(
    after_help = "A backup brings back what was deleted, deactivated or signed out after it was made: also tokens that leaked.
Each organisation activates those of its tokens that it knows."
)]
pub(super) struct AfterRestore {
    /// Yes, all integrations of all organisations are to stop until their tokens are activated again
    #[arg(long, env = "DEVELOPER_ZONE_YES", required = true, value_parser = BoolishValueParser::new())]
    yes: bool,
}

impl AfterRestore {
    /// Pauses and signs out, and says how many.
    ///
    /// # Errors
    /// Those of the store, and [`Error::Output`].
    pub(super) async fn perform(self, store: &Store) -> Result<(), Error> {
        let Self { yes: _ } = self;
        let Distrusted { tokens, sessions } = store.distrust_restored().await?;
        output::line(format!(
            "Tokens deactivated: {tokens}. Sessions ended: {sessions}. What was deleted or changed after the \
             backup was made is as it was before; have each organisation look at its tokens before it \
             activates them again."
        ))
    }
}
