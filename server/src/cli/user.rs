//! `developer-zone user`.

use std::io::{self, BufRead, IsTerminal, Write};

use app::paths::reset_link;
use clap::Subcommand;
use model::{
    organisation::{OrganisationId, Role},
    user::Email,
};
use store::{Ended, Store, error::AccountError};

use super::{
    arguments,
    output::{self, sessions},
};
use crate::{error::Error, http::public_url::PublicUrl};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Create an account in an organisation, or add an existing account to it
    #[command(after_help = "Examples:
  developer-zone user create --email ada@example.com --organisation 903 \\
      --password-stdin < password.txt
  printf %s \"$PASSWORD\" | developer-zone user create --email ada@example.com \\
      --organisation 903 --role admin --password-stdin

An existing account keeps its password and is added to the organisation.")]
    Create {
        /// The address to sign in with
        #[arg(long, env = "DEVELOPER_ZONE_EMAIL", value_parser = arguments::email)]
        email: Email,
        /// The organisation's number
        #[arg(long, env = "DEVELOPER_ZONE_ORGANISATION", value_parser = arguments::organisation_id)]
        organisation: OrganisationId,
        /// The role in the organisation
        #[arg(long, env = "DEVELOPER_ZONE_ROLE", value_parser = arguments::role(), default_value = "user")]
        role: Role,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// Change the password of an account, and end all of its sessions
    #[command(after_help = "Example:
  developer-zone user set-password --email ada@example.com --password-stdin < password.txt")]
    SetPassword {
        /// The address of the account
        #[arg(long, env = "DEVELOPER_ZONE_EMAIL", value_parser = arguments::email)]
        email: Email,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// Create a link with which the owner of an account can set a new password, once, within an hour
    #[command(after_help = "Example:
  developer-zone user reset-link --email ada@example.com

Prints the link. Check who asks before you send it: its holder can take over the account. Setting the password ends
all sessions. A new link replaces the former one. A change of the password and `user disable` end it. The link begins
with the --public-url of `serve`, from its variable or from the file that --config names.")]
    ResetLink {
        /// The address of the account
        #[arg(long, env = "DEVELOPER_ZONE_EMAIL", value_parser = arguments::email)]
        email: Email,
    },
    /// Disable an account: it cannot sign in, and its sessions end. When the command ends, nothing in the user's name
    /// changes anything any more
    #[command(after_help = "Example:
  developer-zone user disable --email ada@example.com

Tokens that the user created go on, as integrations use them: `token list` marks them. The account keeps its password
and its organisations for `user enable`.")]
    Disable {
        /// The address of the account
        #[arg(long, env = "DEVELOPER_ZONE_EMAIL", value_parser = arguments::email)]
        email: Email,
    },
    /// Let a disabled account sign in again
    Enable {
        /// The address of the account
        #[arg(long, env = "DEVELOPER_ZONE_EMAIL", value_parser = arguments::email)]
        email: Email,
    },
    /// Permanently delete an account, end its sessions, and erase its address, also from the audit trail
    #[command(after_help = "Example:
  developer-zone user delete --email ada@example.com

The audit trail keeps what the user did, under the name “deleted user” and a number. Backups, files that were exported
before, and names of tokens may still contain the address. Tokens that the user created go on: `token list` marks
them.")]
    Delete {
        /// The address of the account
        #[arg(long, env = "DEVELOPER_ZONE_EMAIL", value_parser = arguments::email)]
        email: Email,
    },
}

/// Where the password comes from. The only option must be named: without it, a command that waits for input would seem
/// to hang.
#[derive(clap::Args)]
pub(super) struct PasswordSource {
    /// Read the password from standard input: one line of at least 12 characters
    #[arg(long, env = "DEVELOPER_ZONE_PASSWORD_STDIN", required = true, value_parser = clap::builder::BoolishValueParser::new())]
    password_stdin: bool,
}

impl Command {
    /// Whether the command only revokes.
    pub(super) const fn revokes(&self) -> bool {
        match self {
            Self::Disable { .. } | Self::Delete { .. } => true,
            Self::Create { .. }
            | Self::SetPassword { .. }
            | Self::ResetLink { .. }
            | Self::Enable { .. } => false,
        }
    }

    /// Runs the command and prints the result. `dashboard` returns the address at which browsers reach the dashboard. Only
    /// the command that needs it fails if it is invalid.
    ///
    /// # Errors
    /// [`Error::PasswordInput`], [`Error::PasswordLines`], those of the store and of `dashboard`, and [`Error::Output`].
    pub(super) async fn perform(
        self,
        store: &Store,
        dashboard: impl FnOnce() -> Result<PublicUrl, Error>,
    ) -> Result<(), Error> {
        match self {
            Self::Create {
                email,
                organisation,
                role,
                password: _,
            } => {
                let password = password_from_stdin(&email)?;
                create(store, &email, &password, organisation, role).await
            }
            Self::SetPassword { email, password: _ } => {
                let password = password_from_stdin(&email)?;
                let ended = store.sign_in().set_password(&email, &password).await?;
                let ended = sessions(ended);
                output::line(format!(
                    "Changed the password of {email}, and ended {ended}."
                ))
            }
            Self::ResetLink { email } => {
                let origin = dashboard()?.origin();
                let secret = store.reset_links().create(&email).await?;
                output::line(format!("{origin}{}", reset_link(&secret.reveal())))
            }
            Self::Disable { email } => {
                let Ended {
                    sessions: ended, ..
                } = store.users().disable(&email).await?;
                let ended = sessions(ended);
                output::line(format!("{email} cannot sign in. Ended {ended}."))
            }
            Self::Enable { email } => {
                store.users().enable(&email).await?;
                output::line(format!("{email} can sign in."))
            }
            Self::Delete { email } => {
                let Ended {
                    user,
                    sessions: ended,
                } = store.users().delete(&email).await?;
                let ended = sessions(ended);
                output::line(format!(
                    "Deleted {email}, and ended {ended}. Records now name it “deleted user {}”.",
                    user.0
                ))
            }
        }
    }
}

async fn create(
    store: &Store,
    email: &Email,
    password: &str,
    organisation: OrganisationId,
    role: Role,
) -> Result<(), Error> {
    let users = store.users();
    let role_code = role.code();
    match users.create(email, password, organisation, role).await {
        Ok(_) => output::line(format!(
            "Created {email}, {role_code} of organisation {organisation}."
        )),
        Err(AccountError::Exists(_)) => {
            users.join(email, organisation, role).await?;
            output::line(format!(
                "{email} already has an account and keeps its password. It is now also {role_code} of organisation {organisation}."
            ))
        }
        Err(error) => Err(error.into()),
    }
}

/// Reads one line of standard input, without its line break. Prompts for it at a terminal.
fn password_from_stdin(email: &Email) -> Result<String, Error> {
    let mut stdin = io::stdin().lock();
    let terminal = stdin.is_terminal();
    if terminal {
        let _ = write!(io::stderr(), "Password for {email} (shown as you type): ");
    }
    read_password(&mut stdin, terminal)
}

/// Several lines are refused: the first line alone may not be the intended password. At a terminal, one line is enough;
/// the command does not wait for the end of input.
fn read_password(input: &mut impl BufRead, terminal: bool) -> Result<String, Error> {
    let mut password = String::new();
    input
        .read_line(&mut password)
        .map_err(Error::PasswordInput)?;
    if password.ends_with('\n') {
        password.pop();
    }
    if password.ends_with('\r') {
        password.pop();
    }
    // Editors on Windows begin a file with a byte order mark.
    if password.starts_with('\u{feff}') {
        password.remove(0);
    }
    if !terminal && !input.fill_buf().map_err(Error::PasswordInput)?.is_empty() {
        return Err(Error::PasswordLines);
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &str) -> Option<String> {
        read_password(&mut input.as_bytes(), false).ok()
    }

    #[test]
    fn a_password_is_a_line_without_its_line_break() {
        for input in [
            "pass word ",
            "pass word \n",
            "pass word \r\n",
            "pass word \r",
            "\u{feff}pass word \r\n",
        ] {
            assert_eq!(read(input).as_deref(), Some("pass word "), "{input:?}");
        }
    }

    #[test]
    fn a_password_of_several_lines_is_refused() {
        for input in ["one\ntwo", "one\n\n"] {
            assert_eq!(read(input), None, "{input:?}");
        }
    }
}
