//! Names of originals in storage.

use std::fmt::Write as _;

/// The name of an object: parts separated by slashes. No part is empty, `.` or `..`, or contains a control character. So
/// a name cannot lead out of its folder or bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ObjectName<'a>(&'a str);

impl<'a> ObjectName<'a> {
    pub(crate) fn parse(path: &'a str) -> Option<Self> {
        let sound =
            |part: &str| !matches!(part, "" | "." | "..") && !part.contains(char::is_control);
        path.split('/').all(sound).then_some(Self(path))
    }

    pub(crate) fn as_str(self) -> &'a str {
        self.0
    }

    /// Its last part.
    pub(crate) fn filename(self) -> &'a str {
        self.0.rsplit('/').next().unwrap_or(self.0)
    }

    /// The `Content-Disposition` (RFC 6266) that makes a browser save the file under its name. The name is in it twice:
    /// in ASCII for simple clients, and exactly (RFC 8187). Both are escaped, so a name cannot inject another header or
    /// parameter.
    pub(crate) fn disposition(self) -> String {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ');
        let ascii: String = self
            .filename()
            .chars()
            .map(|c| if plain(c) { c } else { '_' })
            .collect();
        let exact = percent_encoded(self.filename());
        format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{exact}")
    }
}

/// Percent-encodes everything but RFC 3986's unreserved characters. The result is safe in a path, in a query and in
/// RFC 8187's extended values.
pub(super) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_could_lead_elsewhere_is_refused() {
        for path in [
            "", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/..", "./a", "a\0", "a\nb",
            "a\r\nb/c", "\u{85}",
        ] {
            assert_eq!(ObjectName::parse(path), None, "{path:?}");
        }
        for path in [
            "a",
            "a/b.jpg",
            "...",
            "a..b",
            ".hidden",
            "ä b/#?%.jpg",
            "a\\b",
            "%2e%2e/a",
        ] {
            assert!(ObjectName::parse(path).is_some(), "{path:?}");
        }
    }

    #[test]
    fn a_file_is_saved_under_its_name_and_no_name_breaks_the_header() {
        let disposition = |path| ObjectName::parse(path).expect("a name").disposition();
        assert_eq!(
            disposition("event/IMG_1.jpg"),
            "attachment; filename=\"IMG_1.jpg\"; filename*=UTF-8''IMG_1.jpg"
        );
        assert_eq!(
            disposition("Zoë \"1\"; x='y'\\%41.jpg"),
            "attachment; filename=\"Zo_ _1__ x__y___41.jpg\"; \
             filename*=UTF-8''Zo%C3%AB%20%221%22%3B%20x%3D%27y%27%5C%2541.jpg"
        );
    }
}
