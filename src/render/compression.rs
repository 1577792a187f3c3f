//! Content codings (RFC 9110 §8.4). The same bytes always give the same encoded bytes.

use std::cell::RefCell;

use brotli::enc::BrotliEncoderParams;
use libdeflater::{CompressionLvl, Compressor};

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

/// How much time the compression of a document may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effort {
    /// For documents that are requested often.
    #[default]
    Standard,
    /// For documents that each client reads once: a fifth to a third of the time, and 3 to 7 % longer.
    Quick,
}

impl ContentCoding {
    /// Encodes `bytes`.
    pub fn encode(self, bytes: &[u8], effort: Effort) -> Vec<u8> {
        match self {
            Self::Identity => bytes.to_vec(),
            Self::Gzip => gzip(bytes, effort),
            Self::Brotli => brotli(bytes, effort),
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

/// Level 6: higher levels save less than 1 % at several times the cost. Level 1: for [`Effort::Quick`].
fn gzip(bytes: &[u8], effort: Effort) -> Vec<u8> {
    thread_local! {
        static STANDARD: RefCell<Compressor> = RefCell::new(compressor(6));
        static QUICK: RefCell<Compressor> = RefCell::new(compressor(1));
    }
    fn compressor(level: i32) -> Compressor {
        Compressor::new(CompressionLvl::new(level).expect("libdeflate has levels 0 to 12"))
    }
    let compressor = match effort {
        Effort::Standard => &STANDARD,
        Effort::Quick => &QUICK,
    };
    compressor.with_borrow_mut(|compressor| {
        // The header contains no time or name, so the output is deterministic.
        let mut output = vec![0; compressor.gzip_compress_bound(bytes.len())];
        let length = compressor.gzip_compress(bytes, &mut output).expect("the output has room for any input");
        output.truncate(length);
        output.shrink_to_fit();
        output
    })
}

/// Quality 5: 6 to 9 % smaller than gzip at three times its cost; quality 11 takes fifty times as long. Quality 2: for
/// [`Effort::Quick`].
fn brotli(bytes: &[u8], effort: Effort) -> Vec<u8> {
    let quality = match effort {
        Effort::Standard => 5,
        Effort::Quick => 2,
    };
    let mut output = Vec::with_capacity(bytes.len() / 3);
    brotli::BrotliCompress(&mut &*bytes, &mut output, &brotli_parameters(bytes.len(), quality))
        .expect("writing into memory cannot fail");
    output
}

/// A window of the size of the document, from 64 kB to 4 MB: the encoder allocates and clears memory in proportion.
fn brotli_parameters(length: usize, quality: i32) -> BrotliEncoderParams {
    let window = (usize::BITS - length.leading_zeros()).clamp(16, 22);
    let mut parameters =
        BrotliEncoderParams { quality, lgwin: window.cast_signed(), size_hint: length, ..Default::default() };
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
            for effort in [Effort::Standard, Effort::Quick] {
                let (mut from_brotli, mut from_gzip) = (Vec::new(), Vec::new());
                brotli::BrotliDecompress(&mut &*brotli(&bytes, effort), &mut from_brotli).unwrap();
                flate2::read::GzDecoder::new(&*gzip(&bytes, effort)).read_to_end(&mut from_gzip).unwrap();
                assert!(from_brotli == bytes && from_gzip == bytes, "{length} bytes, {effort:?}");
            }
        }
    }
}
