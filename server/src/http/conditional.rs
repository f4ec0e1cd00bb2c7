//! Validators of representations, and the conditions that requests make with them (RFC 9110, 8.8.3 and 13).

use axum::http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{self, IF_NONE_MATCH},
};
use xxhash_rust::xxh3::xxh3_128;

use super::compression::Coding;

/// A strong validator: representations with the same tag are identical, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EntityTag(String);

/// What the tags of a content are made of.
///
/// 128 bits of XXH3 exclude accidents. Only those who write the data could search for two contents with one hash, and
/// they would only mislead their own readers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ContentHash(u128);

impl ContentHash {
    /// The hash of the uncompressed content.
    pub(crate) fn of(content: &[u8]) -> Self {
        Self(xxh3_128(content))
    }

    /// The tag of the content in a coding, or uncompressed. Each form has its own tag. One program compresses equal
    /// content to equal bytes, so the hash of the content identifies the compressed bytes too.
    pub(crate) fn tag(self, coding: Option<Coding>) -> EntityTag {
        let hash = self.0;
        EntityTag(match coding {
            None => format!("\"{hash:032x}\""),
            Some(coding) => format!("\"{hash:032x}-{}\"", coding.name()),
        })
    }
}

impl EntityTag {
    /// The value of `ETag`.
    pub(crate) fn value(&self) -> HeaderValue {
        HeaderValue::try_from(&*self.0).expect("digits and letters are visible")
    }

    /// Whether `If-None-Match` says that the caller has this representation.
    pub(crate) fn is_known(&self, request: &HeaderMap) -> bool {
        names(request, &IF_NONE_MATCH, |tag| is_weakly(tag, &self.0)).unwrap_or_default()
    }
}

/// Whether the tags in a header include `*` or one that is `wanted`; `None` if the request has no such header.
pub(crate) fn names(
    request: &HeaderMap,
    header: &HeaderName,
    wanted: impl Fn(&str) -> bool,
) -> Option<bool> {
    request.get(header)?;
    let values = request.get_all(header).iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    let mut tags = texts.flat_map(|text| text.split(',')).map(str::trim);
    Some(tags.any(|tag| tag == "*" || wanted(tag)))
}

/// The weak comparison of a tag that a caller sent with a strong one (RFC 9110, 8.8.3.2).
pub(crate) fn is_weakly(sent: &str, strong: &str) -> bool {
    sent.strip_prefix("W/").unwrap_or(sent) == strong
}

/// Removes the headers that only describe the body of a response. A 304 keeps the others, so that caches can update
/// what they have (RFC 9110, 15.4.5).
pub(crate) fn without_content_headers(headers: &mut HeaderMap) {
    for name in [
        header::CONTENT_TYPE,
        header::CONTENT_LENGTH,
        header::CONTENT_ENCODING,
    ] {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_known(tag: &EntityTag, values: &[&str]) -> bool {
        let mut request = HeaderMap::new();
        for value in values {
            request.append(
                IF_NONE_MATCH,
                HeaderValue::from_str(value).expect("a header"),
            );
        }
        tag.is_known(&request)
    }

    #[test]
    fn each_content_and_each_coding_has_its_own_tag() {
        let codings = [
            None,
            Some(Coding::Brotli),
            Some(Coding::Zstd),
            Some(Coding::Gzip),
        ];
        let tags = |content: &[u8]| codings.map(|coding| ContentHash::of(content).tag(coding).0);
        let (one, other) = (tags(b"one"), tags(b"other"));
        for (place, tag) in one.iter().enumerate() {
            assert!(
                tag.starts_with('"') && tag.ends_with('"') && tag.len() > 30,
                "{tag}"
            );
            assert!(!one[..place].contains(tag) && !other.contains(tag), "{tag}");
        }
        assert_eq!(one, tags(b"one"));
    }

    #[test]
    fn a_tag_is_known_if_it_is_in_the_list_weak_or_strong_or_if_any_is() {
        let tag = ContentHash::of(b"content").tag(Some(Coding::Zstd));
        let text = tag.0.as_str();
        let weak = format!("W/{text}");
        let list = format!("\"a\", \"b,c\" ,{weak},\"d\"");
        for known in [&[text][..], &[&weak], &[&list], &["*"], &["\"a\"", text]] {
            assert!(is_known(&tag, known), "{known:?}");
        }
        let unquoted = text.trim_matches('"');
        let double = format!("W/W/{text}");
        let plain = ContentHash::of(b"content").tag(None).0;
        let other = ContentHash::of(b"other").tag(Some(Coding::Zstd)).0;
        for unknown in [
            &[][..],
            &[""],
            &["\"*\""],
            &[unquoted],
            &[&double],
            &[&plain],
            &[&other],
        ] {
            assert!(!is_known(&tag, unknown), "{unknown:?}");
        }
    }
}
