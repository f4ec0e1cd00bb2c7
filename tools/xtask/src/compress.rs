//! Compression at the highest levels, because it is done once per build, and every visitor benefits.

use std::io::Write;

use anyhow::Result;
use brotli::enc::BrotliEncoderParams;
use flate2::{Compression, write::GzEncoder};

/// A compression format, with the ending of its files.
pub(crate) struct Format {
    ending: &'static str,
    pub(crate) compress: fn(&[u8]) -> Result<Vec<u8>>,
}

impl Format {
    /// The name of a file's compressed copy.
    pub(crate) fn name_of(&self, file_name: &str) -> String {
        format!("{file_name}.{}", self.ending)
    }
}

pub(crate) const BROTLI: Format = Format {
    ending: "br",
    compress: brotli,
};

const GZIP: Format = Format {
    ending: "gz",
    compress: gzip,
};

/// The formats that the server offers besides the plain file.
pub(crate) static FORMATS: [Format; 2] = [BROTLI, GZIP];

fn brotli(mut content: &[u8]) -> Result<Vec<u8>> {
    let parameters = BrotliEncoderParams {
        quality: 11,
        lgwin: 24,
        size_hint: content.len(),
        ..BrotliEncoderParams::default()
    };
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut content, &mut compressed, &parameters)?;
    Ok(compressed)
}

/// The header contains neither time nor name, so equal content gives equal files.
fn gzip(content: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    Ok(encoder.finish()?)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn both_formats_decompress_to_the_same_content() {
        let content = "developer zone ".repeat(1000).into_bytes();

        let mut back = Vec::new();
        let compressed = brotli(&content).unwrap();
        brotli::BrotliDecompress(&mut compressed.as_slice(), &mut back).unwrap();
        assert!(compressed.len() < content.len() / 10);
        assert_eq!(back, content);

        let mut back = Vec::new();
        let compressed = gzip(&content).unwrap();
        flate2::read::GzDecoder::new(compressed.as_slice())
            .read_to_end(&mut back)
            .unwrap();
        assert!(compressed.len() < content.len() / 10);
        assert_eq!(back, content);
    }
}
