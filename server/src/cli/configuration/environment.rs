//! Environment variables that look like options.

use std::{env, ffi::OsStr};

use clap::{Arg, Command};

use super::options::nearest;
use crate::error::Error;

/// How the variables of all options start.
pub(super) const PREFIX: &str = "DEVELOPER_ZONE_";

/// Variables of the tools that start the program: tests, checker and benchmarks.
const OF_OUR_TOOLS: [&str; 2] = ["DEVELOPER_ZONE_BIN", "DEVELOPER_ZONE_SABOTAGE"];

/// Checks that each variable with the prefix belongs to an option of any command. A variable that does nothing would
/// hide a mistake.
///
/// # Errors
/// [`Error::Variable`] for the first other one.
pub(super) fn check_variables(command: &Command) -> Result<(), Error> {
    let known = variables(command);
    let mut unknown: Vec<_> = env::vars_os()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value))
        .filter(|(name, value)| {
            name.starts_with(PREFIX)
                && !known.contains(&name.as_str())
                && !OF_OUR_TOOLS.contains(&name.as_str())
                && !is_of_kubernetes(name, value)
        })
        .map(|(name, _)| name)
        .collect();
    unknown.sort_unstable();
    match unknown.into_iter().next() {
        Some(name) => Err(Error::Variable {
            problem: format!(
                "there is no such option; the nearest is {}",
                nearest(&name, known.into_iter())
            ),
            name,
        }),
        None => Ok(()),
    }
}

/// The variables of a command's options, and of those of its subcommands.
fn variables(command: &Command) -> Vec<&str> {
    let own = command.get_arguments().filter_map(Arg::get_env);
    let own = own.filter_map(OsStr::to_str);
    own.chain(command.get_subcommands().flat_map(variables))
        .collect()
}

/// Kubernetes describes each service of a namespace to each container. For a service `developer-zone` these are, for
/// example, `DEVELOPER_ZONE_SERVICE_HOST`, `DEVELOPER_ZONE_PORT=tcp://10.0.0.1:80` and
/// `DEVELOPER_ZONE_PORT_80_TCP_ADDR`.
fn is_of_kubernetes(name: &str, value: &OsStr) -> bool {
    let is_numbered_port = name
        .split_once("_PORT_")
        .is_some_and(|(_, rest)| rest.starts_with(|digit: char| digit.is_ascii_digit()));
    let is_address = value.to_string_lossy().contains("://");
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || is_numbered_port
        || (name.ends_with("_PORT") && is_address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_kubernetes_describes_services_with_such_variables() {
        for (name, value, expected) in [
            ("DEVELOPER_ZONE_SERVICE_HOST", "10.0.0.1", true),
            ("DEVELOPER_ZONE_SERVICE_PORT", "80", true),
            ("DEVELOPER_ZONE_SERVICE_PORT_HTTP", "80", true),
            ("DEVELOPER_ZONE_PORT", "tcp://10.0.0.1:80", true),
            ("DEVELOPER_ZONE_PORT_80_TCP", "tcp://10.0.0.1:80", true),
            ("DEVELOPER_ZONE_PORT_80_TCP_ADDR", "10.0.0.1", true),
            ("DEVELOPER_ZONE_METRICS_PORT_9464_TCP_PROTO", "tcp", true),
            ("DEVELOPER_ZONE_PORT", "8080", false),
            ("DEVELOPER_ZONE_METRICS_PORT", "9464", false),
            ("DEVELOPER_ZONE_PORT_HTTP", "80", false),
            ("DEVELOPER_ZONE_HOST", "0.0.0.0", false),
        ] {
            assert_eq!(
                is_of_kubernetes(name, OsStr::new(value)),
                expected,
                "{name}"
            );
        }
    }
}
