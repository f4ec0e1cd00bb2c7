//! The options that a file may hold.

use clap::{Arg, ArgAction, Command};

/// The command whose options a file may hold, in addition to those of all commands.
pub(super) const OF: &str = "serve";

/// Options for the command line only: a file must not name another file, and must not stop `serve` from serving.
const NEVER_IN_A_FILE: [&str; 4] = ["config", "check-config", "help", "version"];

/// Every option that a file may hold, those of all commands first.
pub(super) fn options(command: &Command) -> Vec<&Arg> {
    let of_all = command
        .get_arguments()
        .filter(|option| option.is_global_set());
    let of_serve = command.find_subcommand(OF);
    let of_serve = of_serve.into_iter().flat_map(Command::get_arguments);
    of_all
        .chain(of_serve.filter(|option| !option.is_global_set()))
        .filter(|option| {
            option
                .get_long()
                .is_some_and(|long| !NEVER_IN_A_FILE.contains(&long))
        })
        .collect()
}

/// The type of an option's value in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Switch,
    List,
    Number,
    Text,
}

impl Kind {
    /// The value name of options that take a whole number. (A duration has a unit, so it is a text.)
    const NUMBER: &str = "NUMBER";

    pub(super) fn of(option: &Arg) -> Self {
        let names = option.get_value_names().unwrap_or_default();
        if matches!(option.get_action(), ArgAction::SetTrue) {
            Self::Switch
        } else if option.get_value_delimiter().is_some() {
            Self::List
        } else if names.iter().any(|name| name.as_str() == Self::NUMBER) {
            Self::Number
        } else {
            Self::Text
        }
    }
}

/// The name that is most similar to an unknown one.
pub(super) fn nearest<'a>(unknown: &str, known: impl Iterator<Item = &'a str>) -> &'a str {
    let likeness = |known: &str| strsim::jaro_winkler(unknown, known);
    known
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
        .unwrap_or_default()
}
