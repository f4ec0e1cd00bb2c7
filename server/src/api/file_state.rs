//! Conditions and ranges in requests for a file (RFC 9110, 13 and 14).

use std::{fs::Metadata, os::unix::fs::MetadataExt};

use http::{
    HeaderMap, HeaderValue, Method, StatusCode,
    header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE},
};
use sha2::{Digest, Sha256};

use crate::http::conditional::{is_weakly, names};

/// The state of a file. Its tag changes with the content.
///
/// It is made of the file's number, size and time of change (ctime). The system sets that time at every write, and
/// programs cannot choose it. The time of modification is weaker: copying tools restore it. Two writes of the same size
/// within one tick of the system's clock, some milliseconds, have the same tag.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FileState {
    tag: String,
    length: u64,
}

impl FileState {
    pub(super) fn of(data: &Metadata) -> Self {
        let parts = [
            data.ino().to_be_bytes(),
            data.size().to_be_bytes(),
            data.ctime().to_be_bytes(),
            data.ctime_nsec().to_be_bytes(),
        ];
        // The digest hides the file's number.
        let digest = Sha256::digest(parts.concat());
        let digits = digest[..16].iter().map(|byte| format!("{byte:02x}"));
        Self {
            tag: format!("\"{}\"", digits.collect::<String>()),
            length: data.size(),
        }
    }

    /// The value of the header `ETag`.
    pub(super) fn etag(&self) -> Option<HeaderValue> {
        HeaderValue::try_from(&*self.tag).ok()
    }

    /// Decides the conditions about the tag, and leaves in `headers` only a range to respond with. Several ranges,
    /// unknown units and invalid ranges are ignored, and so is a range whose `If-Range` does not name this state: the
    /// response is then the whole file. A date in `If-Range` is not strong enough.
    ///
    /// # Errors
    /// The status of a response without a file.
    pub(super) fn decide(
        &self,
        method: &Method,
        headers: &mut HeaderMap,
    ) -> Result<(), StatusCode> {
        if let Some(is_named) = names(headers, &IF_MATCH, |it| it == self.tag) {
            headers.remove(IF_UNMODIFIED_SINCE);
            if !is_named {
                return Err(StatusCode::PRECONDITION_FAILED);
            }
        }
        let weakly = |it: &str| is_weakly(it, &self.tag);
        if let Some(is_named) = names(headers, &IF_NONE_MATCH, weakly) {
            headers.remove(IF_MODIFIED_SINCE);
            if is_named {
                return Err(StatusCode::NOT_MODIFIED);
            }
        }
        let is_current = headers
            .get(IF_RANGE)
            .is_none_or(|it| it.as_bytes() == self.tag.as_bytes());
        let range = match headers.get_all(RANGE).iter().collect::<Vec<_>>()[..] {
            [range] if is_current && method == Method::GET => self.range(range),
            _ => None,
        };
        headers.remove(RANGE);
        if let Some(range) = range {
            headers.insert(RANGE, range);
        }
        Ok(())
    }

    /// A single range of bytes, in the one way that `ServeFile` reads.
    fn range(&self, value: &HeaderValue) -> Option<HeaderValue> {
        let (unit, range) = value.to_str().ok()?.split_once('=')?;
        let (first, last) = range.trim().split_once('-')?;
        if !unit.trim().eq_ignore_ascii_case("bytes") {
            return None;
        }
        let range = match (position(first)?, position(last)?) {
            (Some(first), None) => format!("bytes={first}-"),
            (Some(first), Some(last)) if first <= last => format!("bytes={first}-{last}"),
            (None, Some(count)) => format!("bytes=-{}", count.min(self.length)),
            _ => return None,
        };
        HeaderValue::try_from(range).ok()
    }
}

/// A number in a range, which may be missing. One that is too large lies beyond the end of any file.
fn position(digits: &str) -> Option<Option<u64>> {
    if digits.is_empty() {
        return Some(None);
    }
    let is_number = digits.bytes().all(|digit| digit.is_ascii_digit());
    is_number.then(|| Some(digits.parse().unwrap_or(u64::MAX)))
}
