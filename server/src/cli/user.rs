//! `developer-zone user`.

use std::io::{self, BufRead, IsTerminal};

use clap::Subcommand;
use model::{
    organisation::{OrganisationId, Role},
    user::Email,
};
use store::{Store, error::AccountError};

use super::{arguments, output};
use crate::error::Error;

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
    /// Runs the command and prints the result.
    ///
    /// # Errors
    /// [`Error::PasswordInput`], [`Error::PasswordLines`], those of the store, and [`Error::Output`].
    pub(super) async fn perform(self, store: &Store) -> Result<(), Error> {
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
                let sessions = if ended == 1 { "session" } else { "sessions" };
                output::line(format!(
                    "Changed the password of {email}, and ended {ended} {sessions}."
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
        eprint!("Password for {email} (shown as you type): ");
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
        if password.ends_with('\r') {
            password.pop();
        }
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
        for input in ["pass word ", "pass word \n", "pass word \r\n"] {
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
