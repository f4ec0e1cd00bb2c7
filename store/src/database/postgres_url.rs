//! The parameters in the address of a PostgreSQL.
//!
//! sqlx ignores a parameter that it does not know, and logs its value. A mistyped `password` would be in the log, and a
//! mistyped `sslmode` would leave the connection without TLS.

/// The parameters that sqlx reads, without those of the form `options[NAME]`.
const KNOWN: [&str; 18] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "ssl-mode",
    "ssl-root-cert",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement-cache-capacity",
    "user",
];

/// How similar a name must be to a known one to be shown.
const SIMILAR: f64 = 0.85;

/// Checks that sqlx knows all parameters of `url`.
///
/// # Errors
/// What is wrong with the first unknown one.
pub(super) fn check_parameters(url: &str) -> Result<(), String> {
    let url = url.split('#').next().unwrap_or_default();
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let mut names = query
        .split('&')
        .map(|parameter| parameter.split('=').next().unwrap_or_default());
    match names.find(|name| !is_known(name)) {
        Some(unknown) => Err(problem(unknown)),
        None => Ok(()),
    }
}

fn is_known(name: &str) -> bool {
    name.is_empty() || name.starts_with("options[") || KNOWN.contains(&name)
}

/// Whether messages may show the value of this parameter.
pub(super) fn is_shown(name: &str) -> bool {
    name != "password" && KNOWN.contains(&name)
}

/// Shows the name only if it is a slip of a known one. A password that was not percent-encoded may contain the question
/// mark, and then the name is a part of it.
fn problem(unknown: &str) -> String {
    let likeness = |known: &str| strsim::jaro_winkler(unknown, known);
    let nearest = KNOWN
        .into_iter()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
        .filter(|nearest| likeness(nearest) >= SIMILAR);
    match nearest {
        Some(nearest) => format!("there is no parameter `{unknown}`; the nearest is `{nearest}`"),
        None => format!(
            "there are only the parameters {}; in a password, write %3F for a question mark",
            KNOWN.join(", ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str) -> Option<String> {
        check_parameters(url).err()
    }

    #[test]
    fn known_parameters_are_accepted() {
        for url in [
            "postgres://zone@db/zone",
            "postgres://zone@db/zone?",
            "postgres://zone@db/zone?sslmode=require&application_name=a%26b&",
            "postgres://zone@db/zone?options[statement_timeout]=5s&host=/run/postgresql",
            "postgres://zone@db/zone#fragment?a=b",
        ] {
            assert_eq!(refusal(url), None, "{url}");
        }
    }

    #[test]
    fn a_mistyped_parameter_is_refused_by_name_and_without_its_value() {
        for (typed, nearest) in [
            ("pasword=hunter2", "password"),
            ("sslmode=require&Password=hunter2", "password"),
            ("sslmod=hunter2", "sslmode"),
            ("ssl_mode=hunter2", "sslmode"),
        ] {
            let refused = refusal(&format!("postgres://zone@db/zone?{typed}")).expect("refused");
            assert!(refused.contains(&format!("`{nearest}`")), "{refused}");
            assert!(!refused.contains("hunter2"), "{refused}");
        }
    }

    #[test]
    fn what_may_be_a_part_of_a_password_is_not_shown() {
        for url in [
            "postgres://zone:12?hunter2@db/zone",
            "postgres://zone:12/34?hunter2=5@db/zone",
            "postgres://zone@db/zone?sslmode=require&hunter2",
        ] {
            let refused = refusal(url).expect("refused");
            assert!(!refused.contains("hunter2"), "{refused}");
            assert!(refused.contains("sslmode"), "{refused}");
        }
    }
}
