//! The credential (contract, section 2), and the format of a token.

use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use server::api::fuzzing::{self, Key};
use store::secret::TokenDigest;

const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Lines that begin with `K` are `X-API-Key` headers, and those with `A` are `Authorization` headers.
pub fn check(data: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in super::lines(data) {
        match line.split_first() {
            Some((b'K', value)) => append(&mut headers, "x-api-key", value),
            Some((b'A', value)) => append(&mut headers, AUTHORIZATION.as_str(), value),
            _ => {}
        }
    }
    let read = fuzzing::key(&headers);
    assert_eq!(read, reference(&headers));
    if let Some(Key::One(key)) = read {
        assert_eq!(TokenDigest::of_presented(key).is_ok(), is_token(key));
    }
    tokens(data);
}

fn append(headers: &mut HeaderMap, name: &'static str, value: &[u8]) {
    if let Ok(value) = HeaderValue::from_bytes(value) {
        headers.append(name, value);
    }
}

/// `X-API-Key` wins over a bearer token. A header that is sent twice is ambiguous, and a blank one is missing.
fn reference(headers: &HeaderMap) -> Option<Key<'_>> {
    let all = |name: &str| -> Vec<&[u8]> {
        headers
            .get_all(name)
            .iter()
            .map(HeaderValue::as_bytes)
            .collect()
    };
    let (own, bearers) = (all("x-api-key"), all("authorization"));
    let key = match (own.as_slice(), bearers.as_slice()) {
        ([key], _) => key,
        ([_, _, ..], _) | ([], [_, _, ..]) => return Some(Key::Several),
        ([], []) => return None,
        ([], [bearer]) => {
            let bearer = trimmed(bearer);
            let end = bearer.iter().position(|byte| b" \t".contains(byte));
            let (scheme, rest) = bearer.split_at(end.unwrap_or(bearer.len()));
            if scheme.to_ascii_lowercase() != b"bearer" {
                return None;
            }
            rest
        }
    };
    let key = trimmed(key);
    (!key.is_empty()).then_some(Key::One(key))
}

/// Spaces and tabs are the only white space that a header's value may contain.
fn trimmed(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

fn is_token(key: &[u8]) -> bool {
    key.len() == 46
        && key.iter().all(|byte| BASE62.contains(byte))
        && &key[36..40] == b"9Pic"
        && key[40..] == checksum(&key[..40])
}

/// CRC-32 bit by bit (ISO-HDLC), in six base-62 digits.
fn checksum(text: &[u8]) -> [u8; 6] {
    let mut crc = u32::MAX;
    for byte in text {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ 0xedb8_8320
            } else {
                crc >> 1
            };
        }
    }
    let mut rest = !crc;
    let mut digits = [0; 6];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[(rest % 62) as usize];
        rest /= 62;
    }
    digits
}

/// Every token with a right checksum is accepted, and none with a changed character.
fn tokens(data: &[u8]) {
    let Some((choice, random)) = data.split_first_chunk::<2>() else {
        return;
    };
    let mut token: Vec<u8> = (0..36)
        .map(|at| BASE62[usize::from(random.get(at).copied().unwrap_or_default()) % 62])
        .collect();
    token.extend(b"9Pic");
    token.extend(checksum(&token));
    assert!(TokenDigest::of_presented(&token).is_ok());
    let at = usize::from(choice[0]) % token.len();
    if token[at] != choice[1] {
        token[at] = choice[1];
        assert!(TokenDigest::of_presented(&token).is_err());
    }
}
