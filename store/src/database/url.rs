//! The address of a database. It may contain a password, which no message shows.
//!
//! Where the parts of a PostgreSQL address begin and end decides what may be shown. So an address is read strictly: if
//! a sign in it could belong to a password or to another part, nothing of it is shown, and it is refused.

use std::{fmt, path::PathBuf, str::FromStr};

use sqlx::postgres::PgConnectOptions;

use super::{
    postgres_url::{check_parameters, is_shown},
    sqlite_url::sqlite_file,
};
use crate::error::OpenError;

/// Why an address is refused in which a sign of a password could end another part.
const ENCODE: &str = "write special characters of the password percent-encoded: %2F for /, %3F for ?, %23 for #, \
                      %25 for %, %20 for a space";

/// The address of a database, `sqlite:FILE` or `postgres://…`. Neither its `Display` nor its `Debug` shows a password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

/// The database that an address names.
pub(crate) enum NamedDatabase {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL, with the options for each of its hosts.
    Postgres(Vec<PgConnectOptions>),
}

impl DatabaseUrl {
    /// The whole address, with its password.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether the address contains a password, or could contain one.
    pub fn may_hold_password(&self) -> bool {
        self.to_string() != self.0
    }

    /// Checks that the address names a database, without opening it.
    ///
    /// # Errors
    /// [`OpenError::Url`], [`OpenError::SqliteUrl`] or [`OpenError::PostgresUrl`].
    pub fn check(&self) -> Result<(), OpenError> {
        self.named().map(drop)
    }

    /// # Errors
    /// Those of [`Self::check`].
    pub(crate) fn named(&self) -> Result<NamedDatabase, OpenError> {
        if let Some((scheme, rest)) = self.as_postgres() {
            let options = options_of_hosts(scheme, rest);
            return options.map(NamedDatabase::Postgres).map_err(|problem| {
                OpenError::PostgresUrl {
                    url: self.to_string(),
                    problem,
                }
            });
        }
        match sqlite_file(&self.0)? {
            Some(file) => Ok(NamedDatabase::Sqlite(file)),
            None => Err(OpenError::Url(self.to_string())),
        }
    }

    /// The scheme and the rest, if the address is PostgreSQL's.
    fn as_postgres(&self) -> Option<(&str, &str)> {
        ["postgres://", "postgresql://"]
            .into_iter()
            .find_map(|scheme| Some((scheme, self.0.strip_prefix(scheme)?)))
    }
}

/// The options for each host of an address.
///
/// # Errors
/// What is wrong with the address.
fn options_of_hosts(scheme: &str, rest: &str) -> Result<Vec<PgConnectOptions>, String> {
    let url = PostgresUrl::read(rest)?;
    check_parameters(rest)?;
    let authority = url.authority();
    let before_parameters = rest.split('?').next().unwrap_or_default();
    let start = before_parameters.rfind('@').map_or(0, |at| at + 1);
    let (before, after) = (&rest[..start], &rest[start + authority.len()..]);
    let hosts = authority.split(',').map(|host| {
        let url = format!("{scheme}{before}{host}{after}");
        PgConnectOptions::from_str(&url).map_err(|error| error.to_string())
    });
    hosts.collect()
}

impl From<&str> for DatabaseUrl {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = &self.0;
        if let Some((scheme, rest)) = self.as_postgres() {
            return match PostgresUrl::read(rest) {
                Ok(parts) => write!(f, "{scheme}{parts}"),
                Err(_) => write!(f, "{scheme}***"),
            };
        }
        match url.find([':', '=', '@']) {
            // A password could be anywhere after the first sign that may introduce one.
            Some(end) if !url.starts_with("sqlite:") => write!(f, "{}***", &url[..=end]),
            _ => f.write_str(url),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

/// The parts of a PostgreSQL address after its scheme. Shown without the password.
struct PostgresUrl<'a> {
    user: Option<&'a str>,
    has_password: bool,
    /// Host, port and name of the database.
    place: &'a str,
    /// What follows the question mark.
    parameters: Option<&'a str>,
}

impl<'a> PostgresUrl<'a> {
    /// # Errors
    /// What to write instead, without any part of the address.
    fn read(rest: &'a str) -> Result<Self, &'static str> {
        if rest.contains(|c: char| c == '#' || c.is_whitespace() || c.is_control()) {
            return Err(ENCODE);
        }
        let (before, parameters) = match rest.split_once('?') {
            Some((before, parameters)) => (before, Some(parameters)),
            None => (rest, None),
        };
        if parameters.is_some_and(|parameters| parameters.contains('@')) {
            return Err(ENCODE);
        }
        let (credentials, place) = match before.rsplit_once('@') {
            Some((credentials, place)) => (Some(credentials), place),
            None => (None, before),
        };
        if credentials.is_some_and(|credentials| credentials.contains('/')) {
            return Err(ENCODE);
        }
        let (user, password) =
            match credentials.map(|both| both.split_once(':').unwrap_or((both, ""))) {
                Some((user, password)) => (Some(user), password),
                None => (None, ""),
            };
        if user.is_some_and(|user| user.contains('@')) {
            return Err("write the @ of a user's name as %40");
        }
        let url = Self {
            user,
            has_password: !password.is_empty(),
            place,
            parameters,
        };
        if user.is_none() && url.authority().contains(',') {
            return Err("name the user before several hosts: postgres://USER@HOST,HOST/NAME");
        }
        for host in url.authority().split(',') {
            check_host(host, user.is_some())?;
        }
        Ok(url)
    }

    /// The hosts, with their ports.
    fn authority(&self) -> &'a str {
        self.place.split('/').next().unwrap_or_default()
    }

    /// Whether the value of each parameter may be shown. A key may be a file, or the key itself.
    fn has_plain_parameters(&self) -> bool {
        let may_be_shown = |parameter: &str| {
            let name = parameter.split(['=', '[']).next().unwrap_or_default();
            is_shown(name) && !parameter.contains("BEGIN")
        };
        let mut parameters = self.parameters.into_iter().flat_map(|all| all.split('&'));
        parameters.all(may_be_shown)
    }
}

impl fmt::Display for PostgresUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = self.user {
            let password = if self.has_password { ":***" } else { "" };
            write!(f, "{user}{password}@")?;
        }
        f.write_str(self.place)?;
        match self.parameters {
            Some(parameters) if self.has_plain_parameters() => write!(f, "?{parameters}"),
            Some(_) => f.write_str("?***"),
            None => Ok(()),
        }
    }
}

/// Checks host and port.
fn check_host(authority: &str, follows_user: bool) -> Result<(), &'static str> {
    if authority.is_empty() && follows_user {
        return Err(
            "name the host after the @. The folder of a socket is a host, too, with %2F for each /: \
             postgres://USER@%2Frun%2Fpostgresql/NAME",
        );
    }
    let port = match authority.strip_prefix('[') {
        Some(literal) => {
            literal
                .split_once(']')
                .ok_or("end the IPv6 address with ]")?
                .1
        }
        None => &authority[authority.find(':').unwrap_or(authority.len())..],
    };
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    if port.is_empty() || port.strip_prefix(':').is_some_and(is_port) {
        Ok(())
    } else {
        Err(ENCODE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_form_of_an_address_shows_its_password() {
        for (url, shown) in [
            ("sqlite:zone.db", "sqlite:zone.db"),
            ("sqlite::memory:", "sqlite::memory:"),
            ("zone.db", "zone.db"),
            ("postgres://zone@db/zone", "postgres://zone@db/zone"),
            ("postgres://db:5432/zone", "postgres://db:5432/zone"),
            ("postgres://[::1]:5432/zone", "postgres://[::1]:5432/zone"),
            ("postgresql:///zone", "postgresql:///zone"),
            (
                "postgres://zone:12secret@db/zone",
                "postgres://zone:***@db/zone",
            ),
            (
                "postgres://zone:12@secret@db/zone",
                "postgres://zone:***@db/zone",
            ),
            (
                "postgres://zone:12:secret@db/zone",
                "postgres://zone:***@db/zone",
            ),
            (
                "postgres://zone@db/zone?password=secret",
                "postgres://zone@db/zone?***",
            ),
            (
                "postgres://zone@db/zone?pasword=secret",
                "postgres://zone@db/zone?***",
            ),
            (
                "postgres://zone@db/zone?pass%77ord=secret",
                "postgres://zone@db/zone?***",
            ),
            (
                "postgres://zone@db/zone?sslmode=require&password=secret",
                "postgres://zone@db/zone?***",
            ),
            (
                "postgres://zone@db/zone?sslmode=require",
                "postgres://zone@db/zone?sslmode=require",
            ),
            (
                "postgres://zone@db/zone?options[statement_timeout]=5s&sslkey=/etc/zone.key",
                "postgres://zone@db/zone?options[statement_timeout]=5s&sslkey=/etc/zone.key",
            ),
            (
                "postgres://zone@db/zone?sslkey=-----BEGIN%20PRIVATE%20KEY-----secret",
                "postgres://zone@db/zone?***",
            ),
            // A sign of the password that ends another part.
            ("postgres://zone:12#secret@db/zone", "postgres://***"),
            ("postgres://zone:12/secret@db/zone", "postgres://***"),
            ("postgres://zone:12?secret@db/zone", "postgres://***"),
            ("postgres://zone:12?host=secret@db/zone", "postgres://***"),
            ("postgres://zone:12 secret@db/zone", "postgres://***"),
            ("postgres://zone:12secret", "postgres://***"),
            ("postgres://zone:12secret/db", "postgres://***"),
            // Other programs' addresses.
            ("host=db password=secret", "host=***"),
            ("mysql://zone:secret@db/zone", "mysql:***"),
            ("POSTGRES://zone:secret@db/zone", "POSTGRES:***"),
            ("zone:secret@db", "zone:***"),
        ] {
            let address = DatabaseUrl::from(url);
            assert_eq!(address.to_string(), shown, "{url}");
            assert_eq!(address.may_hold_password(), shown != url, "{url}");
            for text in [format!("{address:?}"), refusal(url).unwrap_or_default()] {
                assert!(!text.contains("secret"), "{url}: {text}");
            }
        }
    }

    #[test]
    fn an_address_that_names_no_database_is_refused_with_what_to_write() {
        for (url, advice) in [
            ("postgres://zone:12#secret@db/zone", "%23"),
            ("postgres://zone:12/secret@db/zone", "%2F"),
            ("postgres://zone:12?secret@db/zone", "%3F"),
            ("postgres://zone:12\tsecret@db/zone", "percent-encoded"),
            ("postgres://u:p@/db?host=/socket", "%2Frun%2Fpostgresql"),
            ("postgres://u@/db", "%2Frun%2Fpostgresql"),
            ("postgres://a,b/db", "USER@HOST,HOST"),
            ("postgres://a:1,b:2/db", "USER@HOST,HOST"),
            ("postgres://u@a,/db", "name the host"),
            ("postgres://u@a:1,b:2secret/db", "percent-encoded"),
            ("postgres://zone@db:99999/zone", "port"),
            ("postgres://zone@db/zone?sslmode=maybe", "maybe"),
            ("mysql://zone@db/zone", "postgres://USER@HOST/NAME"),
            ("zone.db", "sqlite:developer-zone.db"),
        ] {
            let refused = refusal(url).unwrap_or_else(|| panic!("{url} is accepted"));
            assert!(refused.contains(advice), "{url}: {refused}");
        }
        for url in [
            "postgres://zone:p%23w@db/zone",
            "postgres://zone:p@w@db.example.com:5432/zone?sslmode=require",
            "postgres://zone@%2Frun%2Fpostgresql/zone",
            "postgres:///zone?host=/run/postgresql",
            "postgres://[::1]/zone",
            "sqlite:zone.db",
        ] {
            assert_eq!(refusal(url), None, "{url}");
        }
    }

    #[test]
    fn each_of_several_hosts_has_its_port_and_shares_the_rest() {
        for (authority, expected) in [
            ("db", vec![("db", 5432)]),
            ("a,b:5433", vec![("a", 5432), ("b", 5433)]),
            ("[::1]:5,a:6,b", vec![("::1", 5), ("a", 6), ("b", 5432)]),
        ] {
            let url = format!("postgres://db:p%2Cw@{authority}/zone?sslmode=require");
            let Ok(NamedDatabase::Postgres(options)) = DatabaseUrl::from(&*url).named() else {
                panic!("{url} is refused");
            };
            let hosts = options.iter().map(|options| {
                assert_eq!(options.get_database(), Some("zone"));
                assert_eq!(options.get_username(), "db");
                (options.get_host(), options.get_port())
            });
            let hosts: Vec<_> = hosts.collect();
            let bare =
                |(host, port): &(&str, u16)| (host.trim_matches(['[', ']']).to_owned(), *port);
            let hosts: Vec<_> = hosts.iter().map(bare).collect();
            let expected: Vec<_> = expected.iter().map(bare).collect();
            assert_eq!(hosts, expected, "{url}");
        }
    }

    fn refusal(url: &str) -> Option<String> {
        let refused = DatabaseUrl::from(url).check().err()?;
        Some(format!("{refused} {refused:?}"))
    }
}
