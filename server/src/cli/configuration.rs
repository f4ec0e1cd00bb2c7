//! Options from a file: the long options of `serve` and those of all commands.
//!
//! A flag overrides an environment variable, a variable overrides the file, the file overrides the default. Options are
//! defined only once, for the command line. A setting in the file is added to the arguments, unless a flag or variable
//! overrides it.

mod effective;
mod environment;
mod file;
mod options;

use std::{
    env,
    ffi::{OsStr, OsString},
    path::PathBuf,
};

use clap::{
    Arg, ArgMatches, Command,
    error::{ContextKind, ContextValue},
    parser::ValueSource,
};
use store::DatabaseUrl;

use self::{
    environment::{PREFIX, check_variables},
    file::{ConfigurationFile, Setting},
    options::options,
};
use crate::error::Error;

pub(super) use self::effective::effective;

/// Why a call is invalid.
pub(super) enum Invalid {
    /// The arguments or the environment. The message is clap's.
    Call(clap::Error),
    /// The file, or an environment variable.
    Setting(Error),
}

impl From<Error> for Invalid {
    fn from(error: Error) -> Self {
        Self::Setting(error)
    }
}

/// A valid call of the program.
pub(super) struct Call {
    /// All options, as clap parsed them.
    pub(super) matches: ArgMatches,
    /// The settings of the file that no flag or variable overrides.
    from_file: Vec<Setting>,
}

impl Call {
    /// The value that `serve` has for an option of a single text, if it is called with the same variables and file.
    pub(super) fn of_server(&self, key: &str) -> Option<String> {
        let mut settings = self.from_file.iter();
        let from_file = || settings.find(|setting| setting.key == key)?.text();
        env::var(format!("{PREFIX}{}", key.to_uppercase().replace('-', "_")))
            .ok()
            .or_else(from_file)
    }

    /// Whether an argument contains the password of the database. Other users of the machine can read arguments.
    pub(super) fn shows_password(&self) -> bool {
        let option = "database_url";
        let is_argument = self.matches.value_source(option) == Some(ValueSource::CommandLine);
        let mut values = self.matches.get_raw(option).into_iter().flatten();
        let has_password = |value: &OsStr| {
            let url = DatabaseUrl::from(&*value.to_string_lossy());
            // An address that names no database is refused.
            url.check().is_ok() && url.may_hold_password()
        };
        is_argument && values.any(has_password)
    }
}

/// Parses `arguments` with the environment, and with the file that either of them may name.
///
/// # Errors
/// [`Invalid`].
pub(super) fn parse(mut command: Command, arguments: Vec<OsString>) -> Result<Call, Invalid> {
    command.build();
    let line = Line::read(&command, arguments);
    if let Some(name) = empty_variable(&command, &line) {
        let problem = "it is empty; give it a value, or remove it".to_owned();
        return Err(Error::Variable { name, problem }.into());
    }
    let settings = match line.file() {
        Some(path) => ConfigurationFile::read(path)?.settings(&options(&command))?,
        None => Vec::new(),
    };
    let used: Vec<_> = settings
        .into_iter()
        .filter(|setting| !line.has(&setting.key) && !environment_has(&command, &setting.key))
        .collect();
    let matches = command
        .clone()
        .try_get_matches_from(line.with(&command, &used));
    let matches = matches.map_err(|error| locate(error, &used, &command, &line))?;
    check_variables(&command)?;
    Ok(Call {
        matches,
        from_file: used,
    })
}

/// The options of the command that is called, and of all commands.
fn called_options<'a>(command: &'a Command, line: &Line) -> Vec<&'a Arg> {
    fn with_subcommands(command: &Command) -> Vec<&Arg> {
        let of_subcommands = command.get_subcommands().flat_map(with_subcommands);
        command.get_arguments().chain(of_subcommands).collect()
    }
    let called = line.command.as_deref();
    let called = called.and_then(|name| command.find_subcommand(name));
    let of_called = called.map(with_subcommands).unwrap_or_default();
    command.get_arguments().chain(of_called).collect()
}

/// An option's variable, if the option's value comes from there.
fn variable<'a>(option: &'a Arg, line: &Line) -> Option<(&'a str, OsString)> {
    if line.has(option.get_long()?) {
        return None;
    }
    let name = option.get_env()?;
    Some((name.to_str()?, env::var_os(name)?))
}

/// A variable of the called command that is set to nothing. For some options, nothing is a valid value: it would turn off
/// the whole log.
fn empty_variable(command: &Command, line: &Line) -> Option<String> {
    let options = called_options(command, line);
    let mut variables = options
        .into_iter()
        .filter_map(|option| variable(option, line));
    let empty = variables.find(|(_, value)| value.is_empty());
    empty.map(|(name, _)| name.to_owned())
}

fn is_of_all_commands(command: &Command, key: &str) -> bool {
    let mut of_all = command
        .get_arguments()
        .filter(|option| option.is_global_set());
    of_all.any(|option| option.get_long() == Some(key))
}

fn has_option(command: &Command, key: &str) -> bool {
    let mut options = command.get_arguments();
    options.any(|option| option.get_long() == Some(key))
}

fn environment_has(command: &Command, key: &str) -> bool {
    let options = options(command);
    let option = options.iter().find(|option| option.get_long() == Some(key));
    let variable = option.and_then(|option| option.get_env());
    variable.is_some_and(|name| env::var_os(name).is_some())
}

/// The arguments as the caller typed them.
struct Line {
    arguments: Vec<OsString>,
    /// The command, if there is one.
    command: Option<String>,
    file: Option<PathBuf>,
}

impl Line {
    /// Finds the command and the file. Validation is left to clap.
    fn read(command: &Command, arguments: Vec<OsString>) -> Self {
        let takes_value = |option: &str| {
            let mut options = command.get_arguments();
            options
                .any(|known| known.get_long() == Some(option) && known.get_action().takes_values())
        };
        let (mut name, mut file) = (None, None);
        let mut rest = arguments.iter().skip(1).map(OsString::as_os_str);
        while let Some(argument) = rest.next() {
            match argument.to_str().and_then(|text| text.strip_prefix("--")) {
                Some("config") => file = rest.next().map(PathBuf::from),
                Some(option) if option.starts_with("config=") => {
                    file = option.strip_prefix("config=").map(PathBuf::from);
                }
                Some(option) if name.is_none() && takes_value(option) => drop(rest.next()),
                Some(_) => {}
                None => name = name.or_else(|| argument.to_str().map(str::to_owned)),
            }
        }
        let variable = command
            .get_arguments()
            .find(|one| one.get_long() == Some("config"));
        let variable = variable.and_then(Arg::get_env).and_then(env::var_os);
        Self {
            file: file.or_else(|| variable.map(PathBuf::from)),
            command: name,
            arguments,
        }
    }

    fn file(&self) -> Option<PathBuf> {
        self.file.clone()
    }

    /// Whether the arguments contain the option.
    fn has(&self, key: &str) -> bool {
        self.arguments
            .iter()
            .filter_map(|one| one.to_str())
            .any(|one| {
                one.strip_prefix("--")
                    .and_then(|option| option.strip_prefix(key))
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
            })
    }

    /// The arguments together with those of the file. Options of all commands come first. Options of `serve` come last,
    /// and only if the called command has them, too: `healthcheck` finds the server with them.
    fn with(&self, command: &Command, settings: &[Setting]) -> Vec<OsString> {
        let (of_all, of_serve): (Vec<_>, Vec<_>) = settings
            .iter()
            .partition(|setting| is_of_all_commands(command, &setting.key));
        let called = self.command.as_deref();
        let called = called.and_then(|name| command.find_subcommand(name));
        let of_called = of_serve
            .into_iter()
            .filter(|setting| called.is_some_and(|called| has_option(called, &setting.key)));
        let program = self.arguments.first().cloned();
        let own = self.arguments.iter().skip(1).cloned();
        program
            .into_iter()
            .chain(of_all.into_iter().flat_map(Setting::arguments))
            .chain(own)
            .chain(of_called.flat_map(Setting::arguments))
            .collect()
    }
}

/// Names the line of the file or the variable if clap refuses a value that comes from it.
fn locate(error: clap::Error, used: &[Setting], command: &Command, line: &Line) -> Invalid {
    let Some(ContextValue::String(refused)) = error.get(ContextKind::InvalidArg) else {
        return Invalid::Call(error);
    };
    let name = refused.split([' ', '=']).next().unwrap_or_default();
    let key = name.strip_prefix("--").unwrap_or_default();
    let Some(problem) = problem(&error) else {
        return Invalid::Call(error);
    };
    if let Some(setting) = used.iter().find(|setting| setting.key == key) {
        return setting.refuse(&problem).into();
    }
    let options = called_options(command, line);
    let mut options = options
        .into_iter()
        .filter(|option| option.get_long() == Some(key));
    match options.find_map(|option| variable(option, line)) {
        Some((name, _)) => {
            let name = name.to_owned();
            Error::Variable { name, problem }.into()
        }
        None => Invalid::Call(error),
    }
}

/// The problem of a refused value.
fn problem(error: &clap::Error) -> Option<String> {
    if let Some(cause) = std::error::Error::source(error) {
        return Some(cause.to_string());
    }
    match error.get(ContextKind::ValidValue)? {
        ContextValue::Strings(values) => Some(format!("use {}", values.join(" or "))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use clap::{ArgAction, CommandFactory};

    use super::{options::Kind, *};
    use crate::cli::Cli;

    #[test]
    fn every_option_with_a_numeric_default_is_a_number_in_the_file() {
        let mut command = Cli::command();
        command.build();
        for option in options(&command) {
            let mut defaults = option.get_default_values().iter();
            let number = defaults.any(|value| value.to_string_lossy().parse::<f64>().is_ok());
            if number && !matches!(option.get_action(), ArgAction::SetTrue) {
                let key = option.get_long().unwrap_or_default();
                assert_eq!(
                    Kind::of(option),
                    Kind::Number,
                    "call the value of --{key} NUMBER"
                );
            }
        }
    }

    #[test]
    fn the_command_is_found_after_options_and_their_values() {
        for (line, command, file) in [
            ("zone serve --config x.toml", Some("serve"), Some("x.toml")),
            ("zone --config=x.toml serve", Some("serve"), Some("x.toml")),
            ("zone --database-url serve token list", Some("token"), None),
            ("zone --log-format json", None, None),
            ("zone", None, None),
        ] {
            let mut program = Cli::command();
            program.build();
            let arguments = line.split(' ').map(OsString::from).collect();
            let line = Line::read(&program, arguments);
            assert_eq!(line.command.as_deref(), command, "{command:?}");
            assert_eq!(line.file(), file.map(PathBuf::from), "{command:?}");
        }
    }
}
