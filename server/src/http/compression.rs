//! Compressed responses: which content coding a caller prefers (RFC 9110, 12.5.3), and the compression itself.
//!
//! All parts of the server choose with [`negotiated`]. What never changes is compressed once ([`Effort::Once`]), at the
//! best level. What is made for each request is compressed at a level that costs less than making it
//! ([`Effort::EachTime`]).

use std::{
    io::{self, Write},
    str::FromStr,
};

use axum::{
    body::{Body, Bytes},
    http::{
        HeaderMap, HeaderValue,
        header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, ETAG, VARY},
    },
    response::Response,
};
use brotli::enc::BrotliEncoderParams;
use flate2::{Compression, write::GzEncoder};

/// A smaller body is sent as it is, in bytes: its head is as large, and all of it fits into one packet.
pub(crate) const MIN_LENGTH: usize = 1024;

/// The value of `Vary` of a response that depends on `Accept-Encoding`.
pub(crate) const VARIES: HeaderValue = HeaderValue::from_static("accept-encoding");

/// A content coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// RFC 7932.
    Brotli,
    /// RFC 8878.
    Zstd,
    /// RFC 1952.
    Gzip,
}

/// How much a compression may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// The result is kept and sent many times.
    Once,
    /// The result is sent once.
    EachTime,
}

impl Coding {
    /// Every coding, from the smallest result to the largest.
    pub(crate) const SMALLEST_FIRST: [Self; 3] = [Self::Brotli, Self::Zstd, Self::Gzip];

    /// Every coding, from the quickest to the slowest.
    pub(crate) const QUICKEST_FIRST: [Self; 3] = [Self::Zstd, Self::Brotli, Self::Gzip];

    /// Its name in headers.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    /// The value of `Content-Encoding`.
    pub(crate) const fn value(self) -> HeaderValue {
        HeaderValue::from_static(self.name())
    }

    /// Compresses `content`. Equal content gives equal results.
    ///
    /// # Errors
    /// Those of the libraries, which have none for content in memory.
    pub(crate) fn compress(self, content: &[u8], effort: Effort) -> io::Result<Vec<u8>> {
        match self {
            Self::Brotli => brotli(content, effort),
            Self::Zstd => zstd::bulk::compress(content, effort.of(19, 1)),
            Self::Gzip => gzip(content, effort),
        }
    }
}

impl Effort {
    fn of<T>(self, once: T, each_time: T) -> T {
        match self {
            Self::Once => once,
            Self::EachTime => each_time,
        }
    }
}

fn brotli(mut content: &[u8], effort: Effort) -> io::Result<Vec<u8>> {
    let parameters = BrotliEncoderParams {
        quality: effort.of(11, 3),
        // A window larger than the content only costs memory.
        lgwin: content.len().next_power_of_two().ilog2().clamp(10, 24) as i32,
        size_hint: content.len(),
        ..BrotliEncoderParams::default()
    };
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut content, &mut compressed, &parameters)?;
    Ok(compressed)
}

fn gzip(content: &[u8], effort: Effort) -> io::Result<Vec<u8>> {
    let level = Compression::new(effort.of(9, 1));
    let mut encoder = GzEncoder::new(Vec::new(), level);
    encoder.write_all(content)?;
    encoder.finish()
}

/// The coding for a response to a request with these headers. `None` means that the response is not compressed.
///
/// A coding with a higher weight wins; at equal weights, the first of `offered`. A request that refuses the uncompressed
/// form and all codings gets it all the same: any response helps it more than 406.
pub(crate) fn negotiated(request: &HeaderMap, offered: &[Coding]) -> Option<Coding> {
    if !request.contains_key(ACCEPT_ENCODING) {
        return None;
    }
    let weight = |names: &[&str]| {
        entries(request)
            .filter(|(name, _)| names.iter().any(|own| own.eq_ignore_ascii_case(name)))
            .map(|(_, weight)| weight)
            .max()
    };
    let any = weight(&["*"]);
    // The uncompressed form is always possible. It is preferred only if the request gives it a weight of its own.
    let plain = weight(&["identity"]).unwrap_or_default();
    let mut best = None;
    for &coding in offered {
        let names = match coding {
            // RFC 9110, 8.4.1.3.
            Coding::Gzip => &["gzip", "x-gzip"][..],
            Coding::Brotli | Coding::Zstd => &[coding.name()],
        };
        let weight = weight(names).or(any).unwrap_or_default();
        let least = best.map_or(plain.max(Weight(1)), |(best, _)| Weight(best + 1));
        if weight >= least {
            best = Some((weight.0, coding));
        }
    }
    best.map(|(_, coding)| coding)
}

/// The codings that `Accept-Encoding` names, with their weights. An entry that cannot be read is left out.
fn entries(request: &HeaderMap) -> impl Iterator<Item = (&str, Weight)> {
    let values = request.get_all(ACCEPT_ENCODING).iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).filter_map(|entry| {
        let (name, weight) = match entry.split_once(';') {
            Some((name, weight)) => (name, weight.parse().ok()?),
            None => (entry, Weight(1_000)),
        };
        Some((name.trim(), weight))
    })
}

/// A weight in thousandths. 0 means that the coding is not acceptable (RFC 9110, 12.4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Weight(u16);

impl FromStr for Weight {
    type Err = ();

    /// Reads the parameter after the semicolon, such as `q=0.5`.
    fn from_str(parameter: &str) -> Result<Self, ()> {
        let (name, number) = parameter.split_once('=').ok_or(())?;
        if !name.trim().eq_ignore_ascii_case("q") {
            return Err(());
        }
        let (whole, decimals) = number.trim().split_once('.').unwrap_or((number.trim(), ""));
        let is_number = decimals.len() <= 3 && decimals.bytes().all(|digit| digit.is_ascii_digit());
        let thousandths = format!("{decimals:0<3}").parse().map_err(|_| ())?;
        match (whole, thousandths) {
            _ if !is_number => Err(()),
            ("0", thousandths) => Ok(Self(thousandths)),
            ("1", 0) => Ok(Self(1_000)),
            _ => Err(()),
        }
    }
}

/// Compresses the body of a response as the request asked, and says on what that depends. The response has no
/// `Content-Encoding` yet.
pub(crate) fn respond(coding: Option<Coding>, mut response: Response<Bytes>) -> Response {
    if response.body().len() < MIN_LENGTH {
        return response.map(Body::from);
    }
    response.headers_mut().append(VARY, VARIES);
    let Some(coding) = coding else {
        return response.map(Body::from);
    };
    let (mut head, content) = response.into_parts();
    match coding.compress(&content, Effort::EachTime) {
        Ok(compressed) => {
            head.headers.insert(CONTENT_ENCODING, coding.value());
            head.headers.remove(CONTENT_LENGTH);
            Response::from_parts(head, Body::from(compressed))
        }
        Err(error) => {
            tracing::error!(%error, coding = coding.name(), "a response could not be compressed");
            // The tag is that of the compressed body.
            head.headers.remove(ETAG);
            Response::from_parts(head, Body::from(content))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn chosen(values: &[&'static str]) -> Option<&'static str> {
        let mut request = HeaderMap::new();
        for value in values {
            request.append(ACCEPT_ENCODING, HeaderValue::from_static(value));
        }
        negotiated(&request, &Coding::SMALLEST_FIRST).map(Coding::name)
    }

    #[test]
    fn the_caller_gets_the_coding_that_it_weighs_highest_and_at_equal_weights_the_first_offered() {
        for (value, expected) in [
            ("gzip, deflate, br, zstd", "br"),
            ("gzip, deflate, zstd", "zstd"),
            ("gzip", "gzip"),
            ("x-gzip", "gzip"),
            ("BR;q=0.5", "br"),
            ("br;q=0.5, gzip;q=0.8", "gzip"),
            ("br ; q=0.001 , gzip;q=0", "br"),
            ("gzip;Q=1.000", "gzip"),
            ("*", "br"),
            ("br;q=0, *;q=0.1", "zstd"),
            ("*;q=0.5, gzip;q=0.7", "gzip"),
            ("identity;q=0, gzip;q=0.1", "gzip"),
            ("identity, gzip", "gzip"),
            ("identity;q=0.5, br;q=0.4, zstd;q=0.5", "zstd"),
        ] {
            assert_eq!(chosen(&[value]), Some(expected), "{value}");
        }
        assert_eq!(chosen(&["deflate", "gzip;q=0.2, zstd;q=0.3"]), Some("zstd"));
    }

    #[test]
    fn nothing_is_compressed_in_a_way_that_the_caller_does_not_accept() {
        assert_eq!(chosen(&[]), None);
        for value in [
            "",
            "identity",
            "deflate, brotli",
            "br;q=0",
            "*;q=0",
            "br;q=0, *;q=0",
            "gzip;q=0.5, identity",
            "identity;q=0",
            "gzip;q=1.5",
            "gzip;q=0.0001",
            "gzip;q=",
            "gzip;q=+1",
            "gzip;level=9",
        ] {
            assert_eq!(chosen(&[value]), None, "{value}");
        }
    }

    #[test]
    fn every_coding_can_be_read_back_and_repeats_itself() {
        let content = b"{\"responseType\":\"success\"}".repeat(2_000);
        for coding in Coding::SMALLEST_FIRST {
            for effort in [Effort::Once, Effort::EachTime] {
                let compressed = coding.compress(&content, effort).expect("compressed");
                assert!(
                    compressed.len() < content.len() / 10,
                    "{coding:?} {effort:?}"
                );
                let again = coding.compress(&content, effort).expect("compressed");
                assert_eq!(compressed, again, "{coding:?} {effort:?}");
                assert_eq!(plain(coding, &compressed), content, "{coding:?} {effort:?}");
            }
        }
    }

    fn plain(coding: Coding, mut compressed: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        match coding {
            Coding::Brotli => brotli::BrotliDecompress(&mut compressed, &mut plain),
            Coding::Zstd => zstd::stream::copy_decode(compressed, &mut plain),
            Coding::Gzip => flate2::read::GzDecoder::new(compressed)
                .read_to_end(&mut plain)
                .map(drop),
        }
        .expect("compressed by us");
        plain
    }
}
