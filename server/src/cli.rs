//! The command line.
//!
//! - Every option is also an environment variable: `DEVELOPER_ZONE_` and its long name. A file can hold the options of
//!   `serve` and those of all commands ([`configuration`]).
//! - No argument is made for a secret: other users of the machine can read arguments. A database URL may contain a
//!   password, but `PGPASSFILE` is the way for it.
//! - The result goes to standard output, everything else to standard error.
//! - The exit code is 0 after success, 1 after a failure, 2 for invalid arguments.

mod arguments;
mod audit;
mod backup;
mod configuration;
mod database;
mod demo;
mod event;
mod healthcheck;
mod import;
mod listen;
mod member;
mod organisation;
mod output;
mod serve;
mod storage;
mod token;
mod user;

use std::{env, path::PathBuf, process::ExitCode};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use rustix::process::Signal;
use store::Store;
use tokio::signal::unix::{SignalKind, signal};

use self::{
    configuration::{Call, Invalid, effective, parse},
    database::{DatabaseOptions, with_store, with_store_for_long, with_store_to_revoke},
    listen::dashboard_url,
};
use crate::{
    error::Error,
    telemetry::{self, DEFAULT_FILTER, LogFilter, LogFormat},
};

/// The Developer Zone: API tokens for organisations, and the external API that they open
#[derive(Parser)]
#[command(
    name = "developer-zone",
    version,
    arg_required_else_help = true,
    after_help = "Examples:
  developer-zone serve --demo
  developer-zone organisation create --name \"Summit Races\" --plan enterprise --id 903
  developer-zone user create --email ada@example.com --organisation 903 \\
      --password-stdin < password.txt
  developer-zone token create --organisation 903 --created-by ada@example.com

Every command but healthcheck and backup first brings the database schema up to date. A database with a newer schema
is refused, except for commands that revoke, if that schema allows it.
Each option may also be an environment variable. The file that --config names may hold the options of
`serve` and those of all commands. A flag overrides a variable, a variable overrides the file."
)]
struct Cli {
    /// A TOML file with options under their long names, for example `listen = "0.0.0.0:3000"`
    #[arg(
        long,
        global = true,
        env = "DEVELOPER_ZONE_CONFIG",
        value_name = "FILE"
    )]
    config: Option<PathBuf>,
    /// What to log on standard error, for example `warn` or `info,server=debug`
    #[arg(
        long,
        global = true,
        env = "DEVELOPER_ZONE_LOG",
        value_name = "FILTER",
        default_value = DEFAULT_FILTER
    )]
    log: LogFilter,
    /// The format of the log
    #[arg(
        long,
        global = true,
        env = "DEVELOPER_ZONE_LOG_FORMAT",
        value_name = "FORMAT",
        value_enum,
        default_value_t = LogFormat::Human
    )]
    log_format: LogFormat,
    #[command(flatten)]
    database: DatabaseOptions,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the dashboard and the external API
    Serve(Box<serve::Serve>),
    /// Bring the database schema up to date, and do nothing else
    Migrate,
    /// Copy a SQLite database to a file, even while servers run
    Backup(backup::Backup),
    /// After restoring a backup: deactivate every token and end every session
    AfterRestore(backup::AfterRestore),
    /// Load the demo data, unless it exists already
    #[command(
        after_help = "The demo sign-ins have a published password: load them only into a database for trying things out."
    )]
    Demo,
    /// Check whether a running server is healthy
    Healthcheck(healthcheck::Healthcheck),
    /// Manage organisations and their plans
    #[command(subcommand)]
    Organisation(organisation::Command),
    /// Manage the accounts for the dashboard
    #[command(subcommand)]
    User(user::Command),
    /// Manage who belongs to which organisation
    #[command(subcommand)]
    Member(member::Command),
    /// Manage the events of an organisation
    #[command(subcommand)]
    Event(event::Command),
    /// Manage the API tokens of an organisation
    #[command(subcommand)]
    Token(token::Command),
    /// Print the audit trail: who did what, when and from where
    Audit(audit::Audit),
}

/// The program: reads the arguments, runs the command and reports the outcome.
pub async fn main() -> ExitCode {
    outlive_file_size_limit();
    let code = run().await;
    telemetry::flush();
    code
}

/// A write beyond the limit on the size of files (`ulimit -f`, `LimitFSIZE`) then fails like one on a full disk. Without
/// a handler, its signal ends the process.
fn outlive_file_size_limit() {
    // If this fails, the limit ends the process as before.
    let _ = signal(SignalKind::from_raw(Signal::XFSZ.as_raw()));
}

async fn run() -> ExitCode {
    const INVALID_CALL: u8 = 2;
    let call = match parse(Cli::command(), env::args_os().collect()) {
        Ok(call) => call,
        Err(Invalid::Call(error)) => error.exit(),
        Err(Invalid::Setting(error)) => {
            telemetry::report_error(&error.on_one_line());
            return ExitCode::from(INVALID_CALL);
        }
    };
    let cli = Cli::from_arg_matches(&call.matches).unwrap_or_else(|error| error.exit());
    telemetry::start(&cli.log, cli.log_format);
    if call.shows_password() {
        telemetry::report_warning(
            "other users of this machine can read the password in --database-url, for example with `ps`. Write it into \
             the file that PGPASSFILE names.",
        );
    }
    match perform(cli, &call).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            telemetry::report_error(&error.on_one_line());
            ExitCode::FAILURE
        }
    }
}

async fn perform(cli: Cli, call: &Call) -> Result<(), Error> {
    let database = &cli.database;
    match cli.command {
        Command::Serve(serve) if serve.only_checks() => {
            if let Some(file) = cli.config {
                output::line(format!("# with the file {}", file.display()))?;
            }
            output::line(effective(Cli::command(), call))?;
            serve.check(database)
        }
        Command::Serve(serve) => serve.perform(database).await,
        Command::Backup(backup) => backup.perform(database).await,
        Command::AfterRestore(after) => {
            with_store(database, async |store| after.perform(store).await).await
        }
        Command::Healthcheck(healthcheck) => healthcheck.perform().await,
        Command::Migrate => {
            with_store(database, async |_| {
                output::line("The database schema is up to date.")
            })
            .await
        }
        Command::Demo => with_store_for_long(database, demo::load).await,
        Command::Organisation(command) => {
            with_store(database, async |store| command.perform(store).await).await
        }
        Command::User(command) => {
            let dashboard = || dashboard_url(|option| call.of_server(option));
            let revokes = command.revokes();
            let work = async |store: &Store| command.perform(store, dashboard).await;
            match revokes {
                true => with_store_to_revoke(database, work).await,
                false => with_store(database, work).await,
            }
        }
        Command::Member(command @ member::Command::Remove { .. }) => {
            with_store_to_revoke(database, async |store| command.perform(store).await).await
        }
        Command::Event(command) if command.takes_long() => {
            with_store_for_long(database, async |store| command.perform(store).await).await
        }
        Command::Event(command) => {
            with_store(database, async |store| command.perform(store).await).await
        }
        Command::Token(command) => {
            let links = storage::links_outlive_tokens(|option| call.of_server(option));
            let revokes = command.revokes();
            let work = async |store: &Store| command.perform(store, links).await;
            match revokes {
                true => with_store_to_revoke(database, work).await,
                false => with_store(database, work).await,
            }
        }
        Command::Audit(audit) => {
            with_store_for_long(database, async |store| audit.perform(store).await).await
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_option_is_also_an_environment_variable() {
        assert_variables(&mut Cli::command());
    }

    fn assert_variables(command: &mut clap::Command) {
        command.build();
        for option in command.get_arguments() {
            let Some(long) = option.get_long() else {
                continue;
            };
            if matches!(long, "help" | "version") {
                continue;
            }
            let expected = format!("DEVELOPER_ZONE_{}", long.to_uppercase().replace('-', "_"));
            let variable = option.get_env().and_then(|name| name.to_str());
            assert_eq!(variable, Some(expected.as_str()), "--{long}");
        }
        command.get_subcommands_mut().for_each(assert_variables);
    }

    #[test]
    fn the_database_option_works_before_and_after_the_subcommand() {
        for line in [
            [
                "developer-zone",
                "--database-url",
                "sqlite:x.db",
                "organisation",
                "list",
            ],
            [
                "developer-zone",
                "organisation",
                "--database-url",
                "sqlite:x.db",
                "list",
            ],
            [
                "developer-zone",
                "organisation",
                "list",
                "--database-url",
                "sqlite:x.db",
            ],
        ] {
            let cli = Cli::try_parse_from(line).expect("parsed");
            assert_eq!(
                cli.database.database_url.reveal(),
                "sqlite:x.db",
                "{line:?}"
            );
        }
    }
}
