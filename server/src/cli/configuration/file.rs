//! The configuration file: TOML, one line for each option.

use std::{ffi::OsString, fs, path::PathBuf};

use clap::Arg;
use store::DatabaseUrl;
use toml_edit::{Document, Item, Value};

use super::options::{Kind, nearest};
use crate::error::Error;

/// A file of valid TOML.
pub(super) struct ConfigurationFile {
    path: PathBuf,
    document: Document<String>,
}

/// An option in the file.
pub(super) struct Setting {
    /// The option's long name.
    pub(super) key: String,
    /// `None` for a switch that is off.
    values: Option<Vec<String>>,
    path: PathBuf,
    line: usize,
}

impl Setting {
    /// The setting as arguments of the command line.
    pub(super) fn arguments(&self) -> Vec<OsString> {
        let key = &self.key;
        match self.values.as_deref() {
            None => Vec::new(),
            Some([]) => vec![format!("--{key}").into()],
            Some(values) => values
                .iter()
                .map(|value| format!("--{key}={value}").into())
                .collect(),
        }
    }

    /// The value, if it is a single one.
    pub(super) fn text(&self) -> Option<String> {
        match self.values.as_deref() {
            Some([text]) => Some(text.clone()),
            _ => None,
        }
    }

    /// An error about this setting.
    pub(super) fn refuse(&self, problem: &str) -> Error {
        Error::Configuration {
            file: self.path.clone(),
            line: self.line,
            problem: format!("{}: {problem}", self.key),
        }
    }
}

impl ConfigurationFile {
    /// # Errors
    /// [`Error::ConfigurationFile`] if the file cannot be read, [`Error::Configuration`] if it is not TOML.
    pub(super) fn read(path: PathBuf) -> Result<Self, Error> {
        let text = fs::read_to_string(&path).map_err(|cause| Error::ConfigurationFile {
            file: path.clone(),
            cause,
        })?;
        match Document::parse(text.clone()) {
            Ok(document) => Ok(Self { path, document }),
            Err(error) => Err(Error::Configuration {
                // The library's full message would print the line, which may contain a password.
                problem: error.message().replace('\n', ", "),
                line: error.span().map_or(1, |span| line(&text, span.start)),
                file: path,
            }),
        }
    }

    /// All settings of the file.
    ///
    /// # Errors
    /// [`Error::Configuration`] for the first unknown key, value of the wrong type, or password.
    pub(super) fn settings(&self, options: &[&Arg]) -> Result<Vec<Setting>, Error> {
        let table = self.document.as_table();
        let settings = table.iter().map(|(key, item)| {
            let span = table.key(key).and_then(|key| key.span());
            let setting = Setting {
                key: key.to_owned(),
                values: None,
                path: self.path.clone(),
                line: line(self.document.raw(), span.map_or(0, |span| span.start)),
            };
            if item.is_table() || item.is_array_of_tables() {
                return Err(
                    setting.refuse("sections are not supported; write each option on its own line")
                );
            }
            let option = options.iter().find(|option| option.get_long() == Some(key));
            let Some(option) = option else {
                return Err(unknown(&setting, options));
            };
            let values = values(option, item).map_err(|problem| setting.refuse(&problem))?;
            Ok(Setting { values, ..setting })
        });
        settings.collect()
    }
}

fn line(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().iter().take(offset);
    before.filter(|&&byte| byte == b'\n').count() + 1
}

fn unknown(setting: &Setting, options: &[&Arg]) -> Error {
    let longs = options.iter().filter_map(|option| option.get_long());
    setting.refuse(&format!(
        "there is no such option; the nearest is `{}`",
        nearest(&setting.key, longs)
    ))
}

/// The values as texts for the command line, if their type fits the option.
fn values(option: &Arg, item: &Item) -> Result<Option<Vec<String>>, String> {
    let value = item.as_value();
    let values = match (Kind::of(option), value) {
        (Kind::Switch, Some(Value::Boolean(on))) => return Ok(on.value().then(Vec::new)),
        (Kind::Switch, _) => return Err("use true or false".to_owned()),
        (Kind::Number, Some(Value::Integer(number))) => vec![number.value().to_string()],
        (Kind::Number, _) => return Err("use a whole number, without quotes".to_owned()),
        (Kind::Text, Some(Value::String(text))) => vec![text.value().clone()],
        (Kind::Text, _) => return Err("use a text in quotes".to_owned()),
        (Kind::List, Some(Value::Array(texts))) if !texts.is_empty() => {
            let texts: Option<Vec<_>> = texts.iter().map(Value::as_str).collect();
            let texts = texts.ok_or("use texts in quotes")?;
            texts.into_iter().map(str::to_owned).collect()
        }
        (Kind::List, _) => {
            return Err("use a list of texts, for example [\"one\", \"two\"]".to_owned());
        }
    };
    let hidden = option.is_hide_env_values_set();
    if hidden
        && values
            .iter()
            .any(|value| DatabaseUrl::from(&**value).may_hold_password())
    {
        return Err(
            "passwords are not allowed in this file; PostgreSQL's password is read from the file that \
             PGPASSFILE names"
                .to_owned(),
        );
    }
    Ok(Some(values))
}
