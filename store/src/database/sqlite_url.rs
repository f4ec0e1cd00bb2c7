//! The address of a SQLite database.
//!
//! This parser alone decides which file an address names. SQLite and sqlx have rules of their own: SQLite reads
//! `file:zone.db` as a URI and `:memory:` as no file, and sqlx skips a second `sqlite:`. The program would lock, check
//! and protect another file than the one that SQLite opens. So a name that either would read differently is refused.

use std::path::PathBuf;

use crate::error::OpenError;

/// The file that a SQLite address names; none if `url` is not SQLite's.
///
/// The name is percent-encoded, as in every URL. Parameters are refused, because some make SQLite keep nothing
/// (`mode=memory`), read an old state (`immutable`) or lock nothing (`vfs`). `?mode=rwc` is the default anyway.
///
/// # Errors
/// [`OpenError::SqliteUrl`].
pub(crate) fn sqlite_file(url: &str) -> Result<Option<PathBuf>, OpenError> {
    let Some(name) = url.strip_prefix("sqlite:") else {
        return Ok(None);
    };
    let name = name.strip_prefix("//").unwrap_or(name);
    match file(name.strip_suffix("?mode=rwc").unwrap_or(name)) {
        Ok(file) => Ok(Some(file)),
        Err(problem) => Err(OpenError::SqliteUrl {
            url: url.to_owned(),
            problem,
        }),
    }
}

fn file(name: &str) -> Result<PathBuf, &'static str> {
    if name.contains('?') {
        return Err(
            "leave out the question mark and the parameters after it; a question mark in a name is %3F",
        );
    }
    let name = decoded(name)
        .ok_or("write %25 for a percent sign, and UTF-8 for all other percent-encoded bytes")?;
    let starts_with = |scheme: &str| {
        let start = name.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    if name.trim_start_matches('/').is_empty() {
        Err("name a file, for example sqlite:developer-zone.db")
    } else if starts_with("file:") || starts_with("sqlite:") {
        Err(
            "write the file's path directly after the first `sqlite:`, for example sqlite:developer-zone.db",
        )
    } else if name.starts_with(':') {
        Err("a database in memory would lose confirmed changes; name a file")
    } else if name.contains(char::is_control) || name.trim() != name {
        Err("leave out control characters, and spaces around the name")
    } else if name.ends_with('/') {
        Err("this is a folder; name a file in it")
    } else {
        Ok(name.into())
    }
}

/// The percent-decoded name; none if that is not UTF-8, or if a percent sign is not followed by two hexadecimal digits.
fn decoded(name: &str) -> Option<String> {
    let mut parts = name.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        if digits.contains(|digit: char| !digit.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_one_file() {
        for (url, file) in [
            ("sqlite:zone.db", "zone.db"),
            ("sqlite://zone.db", "zone.db"),
            ("sqlite:data/zone.db?mode=rwc", "data/zone.db"),
            ("sqlite:/data/zone.db", "/data/zone.db"),
            ("sqlite:///data/zone.db", "/data/zone.db"),
            ("sqlite:./file:two.db", "./file:two.db"),
            ("sqlite:files.db", "files.db"),
            ("sqlite:/data/:memory:", "/data/:memory:"),
            ("sqlite:dir%20x/z.db", "dir x/z.db"),
            ("sqlite:dir x/z.db", "dir x/z.db"),
            ("sqlite:a%3Fb%25c.db", "a?b%c.db"),
            ("sqlite:a#b.db", "a#b.db"),
            ("sqlite:Z%C3%BCrich.db", "Zürich.db"),
        ] {
            let found = sqlite_file(url).expect(url);
            assert_eq!(found, Some(PathBuf::from(file)), "{url}");
        }
        for url in ["", "zone.db", "file:zone.db", "SQLITE:zone.db"] {
            assert_eq!(sqlite_file(url).expect(url), None, "{url}");
        }
    }

    #[test]
    fn an_address_that_sqlite_would_read_differently_is_refused() {
        for (url, advice) in [
            ("sqlite:", "name a file"),
            ("sqlite:///", "name a file"),
            ("sqlite::memory:", "name a file"),
            ("sqlite:%3Amemory:", "name a file"),
            ("sqlite:?mode=rwc", "name a file"),
            ("sqlite:data/", "name a file"),
            ("sqlite:file:two.db", "sqlite:developer-zone.db"),
            ("sqlite://file:two.db?mode=rwc", "sqlite:developer-zone.db"),
            ("sqlite:FILE:two.db", "sqlite:developer-zone.db"),
            ("sqlite:file%3Atwo.db", "sqlite:developer-zone.db"),
            ("sqlite:%66ile:/data/two.db", "sqlite:developer-zone.db"),
            ("sqlite:sqlite:two.db", "sqlite:developer-zone.db"),
            ("sqlite://sqlite://two.db", "sqlite:developer-zone.db"),
            ("sqlite:zone.db?vfs=unix-none", "%3F"),
            ("sqlite:zone.db?mode=rwc?mode=rwc", "%3F"),
            ("sqlite:100%.db", "%25"),
            ("sqlite:zone.db%", "%25"),
            ("sqlite:a%+f.db", "%25"),
            ("sqlite:%2ü.db", "%25"),
            ("sqlite:%FF.db", "UTF-8"),
            ("sqlite:zone.db%00.txt", "control"),
            ("sqlite:zone.db\r", "control"),
            ("sqlite: zone.db", "spaces"),
            ("sqlite:zone.db%20", "spaces"),
        ] {
            let refused = sqlite_file(url).expect_err(url).to_string();
            assert!(refused.contains(url), "{refused}");
            assert!(refused.contains(advice), "{refused}");
        }
    }
}
