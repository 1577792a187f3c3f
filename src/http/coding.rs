//! Content coding of responses that are generated on the fly (RFC 9110 §8.4): streams, and the smallest response of `/api`
//! that is compressed.

use std::io::Write as _;

use brotli::CompressorWriter;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::render::ContentCoding;

/// Shorter responses, in bytes, are not compressed: they fit into one packet anyway.
pub const MIN_COMPRESSED_BYTES: usize = 1024;

/// Encodes a response chunk by chunk. After each chunk, the client can decode everything sent so far.
pub enum Encoder {
    /// Uncompressed.
    Identity,
    /// gzip.
    Gzip(Box<GzEncoder<Vec<u8>>>),
    /// Brotli.
    Brotli(Box<CompressorWriter<Vec<u8>>>),
}

impl Encoder {
    /// A new encoder.
    pub fn new(coding: ContentCoding) -> Self {
        const BUFFER: usize = 4096;
        match coding {
            ContentCoding::Identity => Self::Identity,
            ContentCoding::Gzip => Self::Gzip(Box::new(GzEncoder::new(Vec::new(), Compression::new(6)))),
            ContentCoding::Brotli => Self::Brotli(Box::new(CompressorWriter::new(Vec::new(), BUFFER, 5, 20))),
        }
    }

    /// Encodes the next chunk. Takes some milliseconds for a large one.
    pub fn encode(&mut self, chunk: Bytes) -> Bytes {
        const IN_MEMORY: &str = "writing into memory cannot fail";
        match self {
            Self::Identity => chunk,
            Self::Gzip(encoder) => {
                encoder.write_all(&chunk).and_then(|()| encoder.flush()).expect(IN_MEMORY);
                std::mem::take(encoder.get_mut()).into()
            }
            Self::Brotli(encoder) => {
                encoder.write_all(&chunk).and_then(|()| encoder.flush()).expect(IN_MEMORY);
                std::mem::take(encoder.get_mut()).into()
            }
        }
    }

    /// The end of the encoded stream.
    pub fn finish(self) -> Bytes {
        match self {
            Self::Identity => Bytes::new(),
            Self::Gzip(encoder) => encoder.finish().expect("writing into memory cannot fail").into(),
            Self::Brotli(encoder) => encoder.into_inner().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Read as _;

    fn decoded(coding: ContentCoding, bytes: &[u8]) -> Vec<u8> {
        let mut reader: Box<dyn std::io::Read + '_> = match coding {
            ContentCoding::Identity => Box::new(bytes),
            ContentCoding::Gzip => Box::new(flate2::read::GzDecoder::new(bytes)),
            ContentCoding::Brotli => Box::new(brotli::Decompressor::new(bytes, 4096)),
        };
        let mut plain = Vec::new();
        reader.read_to_end(&mut plain).unwrap();
        plain
    }

    proptest! {
        #[test]
        fn encoded_chunks_decode_to_the_original(chunks in proptest::collection::vec(".{1,40}", 0..8)) {
            for coding in [ContentCoding::Identity, ContentCoding::Gzip, ContentCoding::Brotli] {
                let mut encoder = Encoder::new(coding);
                let mut sent: Vec<u8> =
                    chunks.iter().flat_map(|chunk| encoder.encode(Bytes::from(chunk.clone())).to_vec()).collect();
                sent.extend(encoder.finish());
                prop_assert_eq!(decoded(coding, &sent), chunks.concat().into_bytes());
            }
        }
    }
}
