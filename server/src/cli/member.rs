//! `developer-zone member`.

use clap::Subcommand;
use model::{organisation::OrganisationId, user::Email};
use store::{Ended, Store};

use super::{
    arguments,
    output::{self, sessions},
};
use crate::error::Error;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Remove a user from an organisation, and end the user's sessions. When the command ends, nothing in the user's name
    /// changes the organisation any more
    #[command(after_help = "Example:
  developer-zone member remove --organisation 903 --email ada@example.com

Tokens that the user created go on, as integrations use them: `token list` marks them. `user create` adds the account
to the organisation again.")]
    Remove {
        /// The organisation's number
        #[arg(long, env = "DEVELOPER_ZONE_ORGANISATION", value_parser = arguments::organisation_id)]
        organisation: OrganisationId,
        /// The address of the account
        #[arg(long, env = "DEVELOPER_ZONE_EMAIL", value_parser = arguments::email)]
        email: Email,
    },
}

impl Command {
    /// Runs the command and prints the result.
    ///
    /// # Errors
    /// Those of the store, and [`Error::Output`].
    pub(super) async fn perform(self, store: &Store) -> Result<(), Error> {
        match self {
            Self::Remove {
                organisation,
                email,
            } => {
                let Ended {
                    sessions: ended, ..
                } = store.members().remove(&email, organisation).await?;
                let ended = sessions(ended);
                output::line(format!(
                    "Removed {email} from organisation {organisation}, and ended {ended}."
                ))
            }
        }
    }
}
