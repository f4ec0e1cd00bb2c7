//! The command line.
//!
//! Every option can also be given as an environment variable, `DEVELOPER_ZONE_` and its long name, and those
//! of `serve` and of all commands in a file ([`configuration`]). No
//! secret is ever an argument: other users of a machine can read those. What was asked for goes to
//! standard output, everything else to standard error. The program ends with 0 when it did what it was
//! told, 1 when it could not, 2 when it was told something it does not understand.

mod arguments;
mod audit;
mod backup;
mod configuration;
mod database;
mod demo;
mod event;
mod healthcheck;
mod import;
mod organisation;
mod output;
mod serve;
mod storage;
mod token;
mod user;

use std::{env, path::PathBuf, process::ExitCode};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use self::{
    configuration::{Call, Misunderstood, effective, understand},
    database::with_store,
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

Every command but healthcheck and backup first brings the database schema up to date.
Each option may also be an environment variable, and those of `serve` and of all commands may be lines of
the file that --config names. A flag goes over a variable, a variable over the file."
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
    /// What is logged on standard error, for example `warn` or `info,server=debug`
    #[arg(
        long,
        global = true,
        env = "DEVELOPER_ZONE_LOG",
        value_name = "FILTER",
        default_value = DEFAULT_FILTER
    )]
    log: LogFilter,
    /// How a line of the log is written
    #[arg(
        long,
        global = true,
        env = "DEVELOPER_ZONE_LOG_FORMAT",
        value_name = "FORMAT",
        value_enum,
        default_value_t = LogFormat::Human
    )]
    log_format: LogFormat,
    /// The database: sqlite:FILE (made if missing) or postgres://USER@HOST/NAME
    #[arg(
        long,
        global = true,
        env = "DEVELOPER_ZONE_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL",
        default_value = "sqlite:developer-zone.db"
    )]
    database_url: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the dashboard and the external API
    Serve(Box<serve::Serve>),
    /// Bring the database schema up to date, and do nothing else
    Migrate,
    /// Copy a SQLite database to a file, while servers run
    Backup(backup::Backup),
    /// Deactivate every token and end every session: for a database that was restored from a backup
    AfterRestore(backup::AfterRestore),
    /// Load the demo data, unless it is there already
    #[command(
        after_help = "The demo sign-ins have a published password: load them into a database for trying things out only."
    )]
    Demo,
    /// Ask a running server whether it is healthy
    Healthcheck(healthcheck::Healthcheck),
    /// Organisations and their plans
    #[command(subcommand)]
    Organisation(organisation::Command),
    /// The people who sign in to the dashboard
    #[command(subcommand)]
    User(user::Command),
    /// Events of an organisation
    #[command(subcommand)]
    Event(event::Command),
    /// API tokens of an organisation
    #[command(subcommand)]
    Token(token::Command),
    /// Who did what, when and from where
    Audit(audit::Audit),
}

/// The program: reads its arguments, does what they say, and reports how that went.
pub async fn main() -> ExitCode {
    const MISUNDERSTOOD: u8 = 2;
    let call = match understand(Cli::command(), env::args_os().collect()) {
        Ok(call) => call,
        Err(Misunderstood::Call(error)) => error.exit(),
        Err(Misunderstood::File(error)) => {
            eprintln!("error: {}", error.on_one_line());
            return ExitCode::from(MISUNDERSTOOD);
        }
    };
    let cli = Cli::from_arg_matches(&call.matches).unwrap_or_else(|error| error.exit());
    telemetry::start(&cli.log, cli.log_format);
    match perform(cli, &call).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            telemetry::report_error(&error.on_one_line());
            ExitCode::FAILURE
        }
    }
}

async fn perform(cli: Cli, call: &Call) -> Result<(), Error> {
    let url = &cli.database_url;
    match cli.command {
        Command::Serve(serve) if serve.only_checks() => {
            if let Some(file) = cli.config {
                output::line(format!("# with the file {}", file.display()))?;
            }
            output::line(effective(Cli::command(), call))
        }
        Command::Serve(serve) => serve.perform(url).await,
        Command::Backup(backup) => backup.perform(url).await,
        Command::AfterRestore(after) => {
            with_store(url, async |store| after.perform(store).await).await
        }
        Command::Healthcheck(healthcheck) => healthcheck.perform().await,
        Command::Migrate => {
            with_store(url, async |_| {
                output::line("The database schema is up to date.")
            })
            .await
        }
        Command::Demo => with_store(url, demo::load_and_tell).await,
        Command::Organisation(command) => {
            with_store(url, async |store| command.perform(store).await).await
        }
        Command::User(command) => with_store(url, async |store| command.perform(store).await).await,
        Command::Event(command) => {
            with_store(url, async |store| command.perform(store).await).await
        }
        Command::Token(command) => {
            with_store(url, async |store| command.perform(store).await).await
        }
        Command::Audit(audit) => with_store(url, async |store| audit.perform(store).await).await,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_option_is_an_environment_variable_too() {
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
    fn the_database_may_be_named_before_or_after_the_subcommand() {
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
            let cli = Cli::try_parse_from(line).expect("understood");
            assert_eq!(cli.database_url, "sqlite:x.db", "{line:?}");
        }
    }
}
