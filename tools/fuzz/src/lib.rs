//! Properties of the parsers for untrusted input. Each `check` takes any bytes. It panics if a parser panics, or if its
//! result differs from a reference implementation, which is slow and follows the contract word by word.
#![forbid(unsafe_code)]

pub mod host;
pub mod key;
pub mod path;
pub mod query;

/// The lines of an input. Seeds are text files.
fn lines(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    data.split(|byte| *byte == b'\n')
}

/// Percent-decoding, a byte at a time. A `%` without two digits after it stays (WHATWG URL, section 1.3).
fn decoded(text: &[u8]) -> Vec<u8> {
    let digit = |at: usize| text.get(at).and_then(|byte| (*byte as char).to_digit(16));
    let mut bytes = Vec::new();
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                at += 3;
            }
            _ => {
                bytes.push(*byte);
                at += 1;
            }
        }
    }
    bytes
}

/// A number of digits only that fits into 64 bits.
fn number(text: &str) -> Option<i64> {
    let mut sum: i64 = 0;
    for character in text.chars() {
        let digit = "0123456789".find(character)?;
        sum = sum
            .checked_mul(10)?
            .checked_add(i64::try_from(digit).ok()?)?;
    }
    (!text.is_empty()).then_some(sum)
}
