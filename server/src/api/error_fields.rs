//! The names of invalid parameters and fields, for programs.
//!
//! The envelope has no place for them: its keys are fixed, and `data` is null in an error. So they are in a header, as a
//! list of strings (RFC 9651). They are read from the message, whose form the contract fixes (section 4):
//! `field.path: what is wrong; field.path: what is wrong`.

use http::{HeaderName, HeaderValue};

/// The header with the names.
pub(super) const ERROR_FIELDS: HeaderName = HeaderName::from_static("x-error-fields");

/// A list of a thousand invalid ids must not make a head that callers refuse to read.
const MAX_NAMES: usize = 20;

/// In bytes. Our names are shorter; a longer one is a key that the caller made up.
const MAX_NAME: usize = 64;

/// The names in the message of an error. `None` if it names nothing.
pub(super) fn value(message: &str) -> Option<HeaderValue> {
    let problems = message.split("; ");
    let names = problems.filter_map(|problem| Some(problem.split_once(": ")?.0));
    let names = names.filter(|name| is_printable(name)).take(MAX_NAMES);
    let names: Vec<_> = names.map(quoted).collect();
    let value = HeaderValue::try_from(names.join(", ")).ok()?;
    (!names.is_empty()).then_some(value)
}

/// Whether a string of RFC 9651 can hold the name (section 3.3.3).
fn is_printable(name: &str) -> bool {
    let is_printable = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(is_printable)
}

fn quoted(name: &str) -> String {
    let escaped = name.replace('\\', r"\\").replace('"', r#"\""#);
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(message: &str) -> Option<String> {
        value(message).map(|value| value.to_str().expect("a text").to_owned())
    }

    #[test]
    fn every_field_of_the_message_is_named_once_and_in_order() {
        for (message, expected) in [
            ("page: must be a whole number from 1", r#""page""#),
            ("from: is required; to: is required", r#""from", "to""#),
            ("identifier.3: must be a text", r#""identifier.3""#),
            ("from: must be before to: no", r#""from""#),
            (r#"a"b\c: must appear once"#, r#""a\"b\\c""#),
        ] {
            assert_eq!(names(message).as_deref(), Some(expected), "{message}");
        }
    }

    #[test]
    fn what_a_header_cannot_hold_is_left_out() {
        let long = format!("{}: must appear once", "x".repeat(65));
        for message in [
            "no field",
            "é: must appear once",
            "a\u{0}: no",
            &long,
            ": no",
            "",
        ] {
            assert_eq!(names(message), None, "{message}");
        }
        let many: Vec<_> = (0..1_000)
            .map(|place| format!("identifier.{place}: no"))
            .collect();
        let named = names(&many.join("; ")).expect("names");
        assert_eq!(named.matches('"').count(), 2 * MAX_NAMES);
    }
}
