//! `serve --check-config`: the value of each option, and where it comes from.

use std::fmt::Write as _;

use clap::{Arg, ArgMatches, Command, parser::ValueSource};
use store::DatabaseUrl;
use toml_edit::Value;

use super::{
    Call,
    options::{Kind, OF, options},
};

/// Every option of `serve` with its value and source, in the format of a file for `--config`. Passwords are hidden.
pub(in crate::cli) fn effective(mut command: Command, call: &Call) -> String {
    command.build();
    let matches = call.matches.subcommand_matches(OF).unwrap_or(&call.matches);
    let mut text = String::new();
    for option in options(&command) {
        let key = option.get_long().unwrap_or_default();
        let _ = match (value(option, matches), source(option, matches, call)) {
            (Some(value), Some(source)) => writeln!(text, "{key} = {value}  # {source}"),
            _ => writeln!(text, "# {key} is not set"),
        };
    }
    text.trim_end().to_owned()
}

fn value(option: &Arg, matches: &ArgMatches) -> Option<Value> {
    let id = option.get_id().as_str();
    if Kind::of(option) == Kind::Switch {
        return Some(matches.get_flag(id).into());
    }
    let raw = matches.try_get_raw(id).ok()??;
    let mut texts = raw.map(|value| {
        let text = value.to_string_lossy();
        match option.is_hide_env_values_set() {
            true => DatabaseUrl::from(&*text).to_string(),
            false => text.into_owned(),
        }
    });
    match Kind::of(option) {
        Kind::List => Some(texts.collect()),
        Kind::Number => texts
            .next_back()
            .map(|text| text.parse().map_or(text.into(), |n: i64| n.into())),
        Kind::Text | Kind::Switch => texts.next_back().map(Value::from),
    }
}

fn source(option: &Arg, matches: &ArgMatches, call: &Call) -> Option<String> {
    let source = matches.value_source(option.get_id().as_str())?;
    // A switch that the file turns off does not appear among the arguments.
    if call
        .from_file
        .iter()
        .any(|setting| option.get_long() == Some(&setting.key))
    {
        return Some("file".to_owned());
    }
    Some(match source {
        ValueSource::CommandLine => "flag".to_owned(),
        ValueSource::EnvVariable => option.get_env()?.to_string_lossy().into_owned(),
        _ => "default".to_owned(),
    })
}
