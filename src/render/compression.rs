//! Content codings (RFC 9110 §8.4). The same bytes always give the same encoded bytes.

use std::io::Write as _;

use brotli::enc::BrotliEncoderParams;
use flate2::Compression;
use flate2::write::GzEncoder;

/// A content coding (RFC 9110 §8.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ContentCoding {
    /// No encoding.
    Identity,
    /// gzip (RFC 1952).
    Gzip,
    /// Brotli (RFC 7932).
    Brotli,
}

impl ContentCoding {
    /// Encodes `bytes`.
    pub fn encode(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Identity => bytes.to_vec(),
            Self::Gzip => gzip(bytes),
            Self::Brotli => brotli(bytes),
        }
    }

    /// The token in `Content-Encoding` and at the end of the ETag.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Brotli => "br",
        }
    }
}

/// Level 6: nearly the best ratio at a tenth of the cost of the highest level.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    // The header contains no time or name, so the output is deterministic.
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 3), Compression::new(6));
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("writing into memory cannot fail")
}

/// Quality 5: smaller than gzip at 1.5 times its cost; quality 11 takes fifty times as long.
fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut output = Vec::with_capacity(bytes.len() / 3);
    brotli::BrotliCompress(&mut &*bytes, &mut output, &brotli_parameters(bytes.len()))
        .expect("writing into memory cannot fail");
    output
}

/// A window of the size of the document, from 64 kB to 4 MB: the encoder allocates and clears memory in proportion.
fn brotli_parameters(length: usize) -> BrotliEncoderParams {
    let window = (usize::BITS - length.leading_zeros()).clamp(16, 22);
    let mut parameters = BrotliEncoderParams {
        quality: 5,
        lgwin: window.cast_signed(),
        size_hint: length,
        ..Default::default()
    };
    // NOTE: used for a window of 64 kB only, where the encoder would take tables of 32 MB by default. These have 256 kB,
    // a quarter of those for larger windows, and find the same matches.
    parameters.hasher.bucket_bits = 12;
    parameters.hasher.block_bits = 4;
    parameters.hasher.hash_len = 4;
    parameters.hasher.num_last_distances_to_check = 4;
    parameters
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn compression_round_trips_for_any_length() {
        let lengths =
            [0, 1, 6_000, (1 << 15) - 1, 1 << 15, (1 << 16) - 1, 1 << 16, 1 << 17, 1 << 19, 5 << 20];
        for length in lengths {
            let bytes: Vec<u8> = (0..length).map(|index: usize| (index * index % 251) as u8).collect();
            let (mut from_brotli, mut from_gzip) = (Vec::new(), Vec::new());
            brotli::BrotliDecompress(&mut &*brotli(&bytes), &mut from_brotli).unwrap();
            flate2::read::GzDecoder::new(&*gzip(&bytes)).read_to_end(&mut from_gzip).unwrap();
            assert!(from_brotli == bytes && from_gzip == bytes, "{length} bytes");
        }
    }
}
