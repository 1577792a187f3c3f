//! Representations (RFC 9110 §8): a document in all content codings, with validators.

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::header::HeaderValue;
use sha2::{Digest as _, Sha256};
use tracing::debug;

use crate::text::hex;
use crate::time::Timestamp;

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

/// The log version of a document: the first part of its ETag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogVersion {
    /// The id of the log.
    pub log: String,
    /// The channel's number of the newest revision.
    pub number: u64,
}

/// A document in one content coding.
#[derive(Clone, Debug)]
pub struct EncodedBody {
    /// The content.
    pub bytes: Bytes,
    /// `"{log}.{number}-{hash}-{coding}"`: a strong validator of these bytes (feed rule C3).
    pub etag: HeaderValue,
}

/// Determines caching and what browsers get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepresentationKind {
    /// A feed. Browsers get its HTML page.
    Feed,
    /// An HTML page.
    Page,
    /// A file with a fingerprint in its URL, cacheable forever.
    Asset,
    /// Anything else.
    Data,
}

impl RepresentationKind {
    fn from_media_type(media_type: &str) -> Self {
        match media_type.split(';').next().unwrap_or_default() {
            "text/html" => Self::Page,
            "application/rss+xml" | "application/atom+xml" | "application/feed+json" => Self::Feed,
            _ => Self::Data,
        }
    }
}

/// An immutable document in memory.
#[derive(Clone, Debug)]
pub struct Representation {
    /// Derived from the media type.
    pub kind: RepresentationKind,
    /// The media type with its charset.
    pub media_type: HeaderValue,
    /// The time of the channel's newest revision or the last configuration change, in whole seconds.
    pub last_modified: Timestamp,
    /// The value of `Last-Modified` (RFC 9110 §5.6.7).
    pub last_modified_text: HeaderValue,
    /// Not encoded.
    pub identity: EncodedBody,
    /// Compressed with gzip.
    pub gzip: EncodedBody,
    /// Compressed with Brotli.
    pub brotli: EncodedBody,
    file: OnceLock<Option<Arc<File>>>,
}

/// Precedes the coding in the ETag of an abridged feed.
const ABRIDGED: &str = "abridged-";

/// True for the ETag of an abridged feed, without quotation marks.
pub fn is_abridged(opaque: &[u8]) -> bool {
    opaque.windows(ABRIDGED.len()).any(|part| part == ABRIDGED.as_bytes())
}

/// Shorter bodies are cheaper to copy than to send with sendfile.
const MIN_SENDFILE_BYTES: usize = 64 * 1024;

impl Representation {
    /// Compresses and hashes `bytes`. Deterministic. Blocking: takes some milliseconds for a feed of full texts.
    pub fn encode(
        media_type: &'static str,
        bytes: Vec<u8>,
        version: &LogVersion,
        last_modified: Timestamp,
    ) -> Self {
        let encoded = |coding: ContentCoding, bytes: Vec<u8>| {
            let etag = etag(version, coding, &bytes);
            EncodedBody { bytes: Bytes::from(bytes), etag }
        };
        Self {
            kind: RepresentationKind::from_media_type(media_type),
            media_type: HeaderValue::from_static(media_type),
            last_modified,
            last_modified_text: http_date(last_modified),
            gzip: encoded(ContentCoding::Gzip, gzip(&bytes)),
            brotli: encoded(ContentCoding::Brotli, brotli(&bytes)),
            identity: encoded(ContentCoding::Identity, bytes),
            file: OnceLock::new(),
        }
    }

    /// A document in a compressed format, such as an image, without content coding. `hash` is the hash of `bytes`.
    pub fn identity_only(
        media_type: HeaderValue,
        bytes: Vec<u8>,
        hash: &str,
        last_modified: Timestamp,
    ) -> Self {
        let etag = HeaderValue::try_from(format!("\"{hash}\"")).expect("a hash in hex is visible ASCII");
        let body = EncodedBody { bytes: Bytes::from(bytes), etag };
        Self {
            kind: RepresentationKind::Data,
            media_type,
            last_modified,
            last_modified_text: http_date(last_modified),
            gzip: body.clone(),
            brotli: body.clone(),
            identity: body,
            file: OnceLock::new(),
        }
    }

    /// Marks the document as immutable: its URL contains a fingerprint.
    pub(super) fn immutable(self) -> Self {
        Self { kind: RepresentationKind::Asset, ..self }
    }

    /// Marks the ETag of a feed in which articles are abridged that other versions contain in full: no delta is
    /// based on it ([`is_abridged`]).
    pub(super) fn into_abridged(self) -> Self {
        let marked = |body: EncodedBody| {
            let tag = body.etag.to_str().unwrap_or_default();
            let etag = tag.rsplit_once('-').map(|(front, coding)| format!("{front}-{ABRIDGED}{coding}"));
            let etag = etag.and_then(|etag| HeaderValue::try_from(etag).ok());
            EncodedBody { etag: etag.unwrap_or(body.etag), bytes: body.bytes }
        };
        Self { identity: marked(self.identity), gzip: marked(self.gzip), brotli: marked(self.brotli), ..self }
    }

    /// A delta with the validators of this document: a client that applies it to an older copy has this document
    /// (RFC 3229 §10.2).
    pub(super) fn with_body(&self, bytes: Vec<u8>) -> Self {
        let encoded = |full: &EncodedBody, bytes: Vec<u8>| EncodedBody {
            bytes: Bytes::from(bytes),
            etag: full.etag.clone(),
        };
        Self {
            kind: self.kind,
            media_type: self.media_type.clone(),
            last_modified: self.last_modified,
            last_modified_text: self.last_modified_text.clone(),
            gzip: encoded(&self.gzip, gzip(&bytes)),
            brotli: encoded(&self.brotli, brotli(&bytes)),
            identity: encoded(&self.identity, bytes),
            file: OnceLock::new(),
        }
    }

    /// The body without content coding as a memory file for sendfile. Created on first use, because most clients accept a
    /// coding. None for short documents and on systems without memory files.
    pub fn file(&self) -> Option<&Arc<File>> {
        let create = || {
            memory_file(&self.identity.bytes)
                .inspect_err(|cause| debug!(%cause, "memory file unavailable"))
                .ok()
        };
        if self.identity.bytes.len() < MIN_SENDFILE_BYTES {
            return None;
        }
        self.file.get_or_init(|| create().map(Arc::new)).as_ref()
    }

    /// The memory use in bytes.
    pub(super) fn weight(&self) -> u64 {
        [&self.identity, &self.gzip, &self.brotli].iter().map(|body| body.bytes.len() as u64).sum()
    }

    /// The body in a content coding.
    pub fn body(&self, coding: ContentCoding) -> &EncodedBody {
        match coding {
            ContentCoding::Identity => &self.identity,
            ContentCoding::Gzip => &self.gzip,
            ContentCoding::Brotli => &self.brotli,
        }
    }
}

#[cfg(target_os = "linux")]
fn memory_file(bytes: &[u8]) -> io::Result<File> {
    let mut file = File::from(rustix::fs::memfd_create("bantin-document", rustix::fs::MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    Ok(file)
}

#[cfg(not(target_os = "linux"))]
fn memory_file(_bytes: &[u8]) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

/// An HTTP-date such as `Fri, 12 May 2023 10:39:00 GMT` (RFC 9110 §5.6.7), clamped to 1970 to 9999.
pub fn http_date(instant: Timestamp) -> HeaderValue {
    const END_OF_9999: u64 = 253_402_300_799;
    let seconds = u64::try_from(instant.timestamp()).unwrap_or(0).min(END_OF_9999);
    let text = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
    HeaderValue::try_from(text).expect("an HTTP-date is visible ASCII and spaces")
}

fn etag(version: &LogVersion, coding: ContentCoding, bytes: &[u8]) -> HeaderValue {
    let hash = hex(&Sha256::digest(bytes)[..8]);
    let tag = format!("\"{}.{}-{hash}-{}\"", version.log, version.number, coding.as_str());
    HeaderValue::try_from(tag).expect("a log id, digits, hex and a token are visible ASCII")
}

/// Level 6: nearly the best ratio at a tenth of the cost of the highest level.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    // The header contains no time or name, so the output is deterministic.
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 3), Compression::new(6));
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("writing into memory cannot fail")
}

/// Quality 5: smaller than gzip at 1.5 times its cost; quality 11 takes fifty times as long.
fn brotli(bytes: &[u8]) -> Vec<u8> {
    // A window of twice the document, at most 4 MB. The encoder allocates buffers of this size, which for a page of 6 kB
    // cost as much as the compression.
    // NOTE: never below 17: smaller windows select another match finder, which takes fifty times as long.
    let window = (usize::BITS - bytes.len().leading_zeros() + 1).clamp(18, 22);
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: 5,
        lgwin: window.cast_signed(),
        size_hint: bytes.len(),
        ..Default::default()
    };
    let mut output = Vec::with_capacity(bytes.len() / 3);
    brotli::BrotliCompress(&mut &*bytes, &mut output, &parameters).expect("writing into memory cannot fail");
    output
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::from_unix;

    #[test]
    fn the_last_modified_date_is_formatted_once() {
        let version = LogVersion { log: "thu".to_owned(), number: 7 };
        let document =
            Representation::encode("text/plain", b"x".to_vec(), &version, from_unix(1_683_887_940));
        assert_eq!(document.last_modified_text, "Fri, 12 May 2023 10:39:00 GMT");
    }

    #[test]
    fn compression_round_trips_for_any_length() {
        for length in [0, 1, 6_000, (1 << 17) - 1, 1 << 17, 1 << 19, 5 << 20] {
            let bytes: Vec<u8> = (0..length).map(|index: usize| (index * index % 251) as u8).collect();
            let mut plain = Vec::new();
            brotli::BrotliDecompress(&mut &*brotli(&bytes), &mut plain).unwrap();
            assert!(plain == bytes, "{length} bytes");
        }
    }

    #[test]
    fn dates_outside_of_the_http_range_are_clamped() {
        assert_eq!(http_date(from_unix(-5)), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(http_date(from_unix(300_000_000_000)), "Fri, 31 Dec 9999 23:59:59 GMT");
    }
}
