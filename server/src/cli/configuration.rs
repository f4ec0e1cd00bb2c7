//! The options from a file: each long option of `serve`, and each that all commands have, under its own name.
//!
//! A flag goes over an environment variable, that over the file, and the file over the default. Nothing of
//! an option is written twice: which there are, of which type, and what their values may be is the command
//! line's to say. What the file says, and neither flag nor variable, is put among the arguments.

mod effective;
mod file;
mod options;

use std::{env, ffi::OsString, path::PathBuf};

use clap::{Arg, ArgMatches, Command, error::ContextKind, error::ContextValue};

use self::{
    file::{ConfigurationFile, Setting},
    options::{OF, options},
};
use crate::error::Error;

pub(super) use self::effective::effective;

/// Why a call is not understood.
pub(super) enum Misunderstood {
    /// The arguments or the environment; the text is clap's.
    Call(clap::Error),
    /// The file.
    File(Error),
}

impl From<Error> for Misunderstood {
    fn from(error: Error) -> Self {
        Self::File(error)
    }
}

/// What the program was called with.
pub(super) struct Call {
    /// Everything, as clap understood it.
    pub(super) matches: ArgMatches,
    /// The options that have their value from the file.
    from_file: Vec<String>,
}

/// Understands `arguments`, together with the environment and the file that either may name.
///
/// # Errors
/// [`Misunderstood`].
pub(super) fn understand(
    mut command: Command,
    arguments: Vec<OsString>,
) -> Result<Call, Misunderstood> {
    command.build();
    let line = Line::read(&command, arguments);
    let settings = match line.file() {
        Some(path) => ConfigurationFile::read(path)?.settings(&options(&command))?,
        None => Vec::new(),
    };
    let used: Vec<_> = settings
        .into_iter()
        .filter(|setting| !line.says(&setting.key) && !environment_says(&command, &setting.key))
        .collect();
    let matches = command
        .clone()
        .try_get_matches_from(line.with(&command, &used));
    let matches = matches.map_err(|error| blame(error, &used))?;
    Ok(Call {
        matches,
        from_file: used.into_iter().map(|setting| setting.key).collect(),
    })
}

fn is_of_all_commands(command: &Command, key: &str) -> bool {
    let mut of_all = command
        .get_arguments()
        .filter(|option| option.is_global_set());
    of_all.any(|option| option.get_long() == Some(key))
}

fn environment_says(command: &Command, key: &str) -> bool {
    let options = options(command);
    let option = options.iter().find(|option| option.get_long() == Some(key));
    let variable = option.and_then(|option| option.get_env());
    variable.is_some_and(|name| env::var_os(name).is_some())
}

/// The arguments as they were typed.
struct Line {
    arguments: Vec<OsString>,
    /// The command, if one was found.
    command: Option<String>,
    file: Option<PathBuf>,
}

impl Line {
    /// Finds the command and the file, without a judgement of the rest: that is clap's.
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

    /// Whether the option is among the arguments.
    fn says(&self, key: &str) -> bool {
        self.arguments
            .iter()
            .filter_map(|one| one.to_str())
            .any(|one| {
                one.strip_prefix("--")
                    .and_then(|option| option.strip_prefix(key))
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
            })
    }

    /// The arguments with those of the file: what is of all commands before them, what is of `serve` behind
    /// them if they call it.
    fn with(&self, command: &Command, settings: &[Setting]) -> Vec<OsString> {
        let (of_all, of_serve): (Vec<_>, Vec<_>) = settings
            .iter()
            .partition(|setting| is_of_all_commands(command, &setting.key));
        let of_serve = of_serve
            .into_iter()
            .filter(|_| self.command.as_deref() == Some(OF));
        let program = self.arguments.first().cloned();
        let own = self.arguments.iter().skip(1).cloned();
        program
            .into_iter()
            .chain(of_all.into_iter().flat_map(Setting::arguments))
            .chain(own)
            .chain(of_serve.flat_map(Setting::arguments))
            .collect()
    }
}

/// Says where in the file a value stands that clap refuses.
fn blame(error: clap::Error, used: &[Setting]) -> Misunderstood {
    let Some(ContextValue::String(refused)) = error.get(ContextKind::InvalidArg) else {
        return Misunderstood::Call(error);
    };
    let name = refused.split([' ', '=']).next().unwrap_or_default();
    let setting = used
        .iter()
        .find(|setting| name.strip_prefix("--") == Some(&setting.key));
    let cause = std::error::Error::source(&error).map(ToString::to_string);
    match (setting, cause) {
        (Some(setting), Some(cause)) => setting.refuse(&cause).into(),
        _ => Misunderstood::Call(error),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use clap::{ArgAction, CommandFactory};

    use super::{
        options::{Kind, without_password},
        *,
    };
    use crate::cli::Cli;

    #[test]
    fn a_number_in_a_file_is_one_wherever_the_option_takes_numbers() {
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
    fn the_command_is_found_behind_options_and_their_values() {
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

    #[test]
    fn a_shown_address_has_lost_its_password() {
        for (address, shown) in [
            ("sqlite:zone.db", "sqlite:zone.db"),
            ("postgres://zone@db/zone", "postgres://zone@db/zone"),
            (
                "postgres://zone:hunter2@db/zone",
                "postgres://zone:***@db/zone",
            ),
            (
                "postgres://zone@db/zone?password=hunter2",
                "postgres://zone@db/zone?***",
            ),
            ("host=db password=hunter2", "***"),
        ] {
            assert_eq!(without_password(OsStr::new(address)), shown);
        }
    }
}
