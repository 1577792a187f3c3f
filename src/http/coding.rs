//! Answers that are coded while they are made (RFC 9110 §8.4): those of `/api`, which nobody asks for twice.

use std::io::Write as _;

use brotli::CompressorWriter;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::render::ContentCoding;

/// What is shorter goes out as it is, in bytes: it fits into one packet anyway.
pub const SHORT: usize = 1024;

/// Codes an answer piece by piece. Whoever has read a piece can decode all of it.
pub enum Coder {
    /// As it is.
    Identity,
    /// gzip.
    Gzip(Box<GzEncoder<Vec<u8>>>),
    /// Brotli.
    Brotli(Box<CompressorWriter<Vec<u8>>>),
}

impl Coder {
    /// A coder at its beginning.
    pub fn new(coding: ContentCoding) -> Self {
        const BUFFER: usize = 4096;
        match coding {
            ContentCoding::Identity => Self::Identity,
            ContentCoding::Gzip => Self::Gzip(Box::new(GzEncoder::new(Vec::new(), Compression::new(6)))),
            ContentCoding::Brotli => Self::Brotli(Box::new(CompressorWriter::new(Vec::new(), BUFFER, 5, 20))),
        }
    }

    /// The next piece, coded. Takes some milliseconds for a large one.
    pub fn code(&mut self, piece: Bytes) -> Bytes {
        const IN_MEMORY: &str = "writing into memory cannot fail";
        match self {
            Self::Identity => piece,
            Self::Gzip(coder) => {
                coder.write_all(&piece).and_then(|()| coder.flush()).expect(IN_MEMORY);
                std::mem::take(coder.get_mut()).into()
            }
            Self::Brotli(coder) => {
                coder.write_all(&piece).and_then(|()| coder.flush()).expect(IN_MEMORY);
                std::mem::take(coder.get_mut()).into()
            }
        }
    }

    /// What stands behind the last piece.
    pub fn end(self) -> Bytes {
        match self {
            Self::Identity => Bytes::new(),
            Self::Gzip(coder) => coder.finish().expect("writing into memory cannot fail").into(),
            Self::Brotli(coder) => coder.into_inner().into(),
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
        fn pieces_are_decoded_to_what_they_were(pieces in proptest::collection::vec(".{1,40}", 0..8)) {
            for coding in [ContentCoding::Identity, ContentCoding::Gzip, ContentCoding::Brotli] {
                let mut coder = Coder::new(coding);
                let mut sent: Vec<u8> =
                    pieces.iter().flat_map(|piece| coder.code(Bytes::from(piece.clone())).to_vec()).collect();
                sent.extend(coder.end());
                prop_assert_eq!(decoded(coding, &sent), pieces.concat().into_bytes());
            }
        }
    }
}
