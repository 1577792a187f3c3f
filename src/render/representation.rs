//! One document in all its codings, each with its validator.

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

use crate::time::Timestamp;

/// How the bytes of an answer are coded (RFC 9110 §8.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ContentCoding {
    /// As they are.
    Identity,
    /// gzip (RFC 1952).
    Gzip,
    /// Brotli (RFC 7932).
    Brotli,
}

impl ContentCoding {
    /// The same bytes, coded.
    pub fn encode(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Identity => bytes.to_vec(),
            Self::Gzip => gzip(bytes),
            Self::Brotli => brotli(bytes),
        }
    }

    /// The token of `PageContent-Encoding`, and the end of the ETag.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Brotli => "br",
        }
    }
}

/// The state of the log that a document shows: the front part of its ETag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogVersion {
    /// The id of the log.
    pub log: String,
    /// The number, in the channel's own counting, of the newest revision.
    pub number: u64,
}

/// A document in one coding.
#[derive(Clone, Debug)]
pub struct EncodedBody {
    /// What is sent.
    pub bytes: Bytes,
    /// `"{log}.{number}-{hash}-{coding}"`: strong, and of these bytes (rule C3).
    pub etag: HeaderValue,
}

/// What a document is to those who ask for it: who keeps it for how long, and what a person gets to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepresentationKind {
    /// For readers of feeds. Opened by a person, its page is shown.
    Feed,
    /// For people.
    Page,
    /// Its address names its bytes, so that it may be kept for ever.
    Asset,
    /// Anything else.
    Data,
}

impl RepresentationKind {
    fn from_path(media_type: &str) -> Self {
        let begins = |name| media_type.starts_with(name);
        match () {
            () if begins("text/html") => Self::Page,
            () if begins("application/rss+xml") => Self::Feed,
            () if begins("application/atom+xml") => Self::Feed,
            () if begins("application/feed+json") => Self::Feed,
            () => Self::Data,
        }
    }
}

/// A document as it is kept in memory and served: never changed, only replaced.
#[derive(Clone, Debug)]
pub struct Representation {
    /// By its media type.
    pub kind: RepresentationKind,
    /// The media type with its charset.
    pub media_type: HeaderValue,
    /// The second of the channel's newest revision, or of the last change of configuration.
    pub last_modified: Timestamp,
    /// The same as `End-Modified` says it (RFC 9110 §5.6.7), written once for all answers.
    pub last_modified_text: HeaderValue,
    /// The bytes as they are.
    pub identity: EncodedBody,
    /// The same, compressed with gzip.
    pub gzip: EncodedBody,
    /// The same, compressed with Brotli.
    pub brotli: EncodedBody,
    file: OnceLock<Option<Arc<File>>>,
}

/// Before the coding in the tag of an abridged feed.
const ABRIDGED: &str = "abridged-";

/// True of the tag of an abridged feed, without its quotation marks.
pub fn is_abridged(opaque: &[u8]) -> bool {
    opaque.windows(ABRIDGED.len()).any(|part| part == ABRIDGED.as_bytes())
}

/// What is shorter costs less to copy than to name to the kernel, in bytes.
const MIN_SENDFILE_BYTES: usize = 64 * 1024;

impl Representation {
    /// Compresses and hashes `bytes`. Same bytes, same result, on every machine that runs this version.
    ///
    /// This takes some milliseconds of a core for a feed of full texts: call it where blocking is allowed.
    pub fn encode(
        media_type: &'static str,
        bytes: Vec<u8>,
        version: &LogVersion,
        last_modified: Timestamp,
    ) -> Self {
        let coded = |coding: ContentCoding, bytes: Vec<u8>| {
            let etag = etag(version, coding, &bytes);
            EncodedBody { bytes: Bytes::from(bytes), etag }
        };
        Self {
            kind: RepresentationKind::from_path(media_type),
            media_type: HeaderValue::from_static(media_type),
            last_modified,
            last_modified_text: http_date(last_modified),
            gzip: coded(ContentCoding::Gzip, gzip(&bytes)),
            brotli: coded(ContentCoding::Brotli, brotli(&bytes)),
            identity: coded(ContentCoding::Identity, bytes),
            file: OnceLock::new(),
        }
    }

    /// Something that is compressed by its nature and served as it is: a picture. `hash` is of its bytes.
    pub fn identity_only(
        media_type: HeaderValue,
        bytes: Vec<u8>,
        hash: &str,
        last_modified: Timestamp,
    ) -> Self {
        let etag = HeaderValue::try_from(format!("\"{hash}\"")).expect("a hash in hex is visible ASCII");
        let coded = EncodedBody { bytes: Bytes::from(bytes), etag };
        Self {
            kind: RepresentationKind::Data,
            media_type,
            last_modified,
            last_modified_text: http_date(last_modified),
            gzip: coded.clone(),
            brotli: coded.clone(),
            identity: coded,
            file: OnceLock::new(),
        }
    }

    /// The same, at an address that names its bytes.
    pub(super) fn immutable(self) -> Self {
        Self { kind: RepresentationKind::Asset, ..self }
    }

    /// The same, known by its tag as a document in which articles stand abridged that stand in full in another
    /// edition: no part leads on from it ([`is_abridged`]).
    pub(super) fn into_abridged(self) -> Self {
        let marked = |coded: EncodedBody| {
            let tag = coded.etag.to_str().unwrap_or_default();
            let etag = tag.rsplit_once('-').map(|(front, coding)| format!("{front}-{ABRIDGED}{coding}"));
            let etag = etag.and_then(|etag| HeaderValue::try_from(etag).ok());
            EncodedBody { etag: etag.unwrap_or(coded.etag), bytes: coded.bytes }
        };
        Self { identity: marked(self.identity), gzip: marked(self.gzip), brotli: marked(self.brotli), ..self }
    }

    /// A part of this document, compressed like it and under its validators: whoever holds an older copy and
    /// takes the part in holds this document (RFC 3229 §10.2).
    pub(super) fn with_body(&self, bytes: Vec<u8>) -> Self {
        let coded = |whole: &EncodedBody, bytes: Vec<u8>| EncodedBody {
            bytes: Bytes::from(bytes),
            etag: whole.etag.clone(),
        };
        Self {
            kind: self.kind,
            media_type: self.media_type.clone(),
            last_modified: self.last_modified,
            last_modified_text: self.last_modified_text.clone(),
            gzip: coded(&self.gzip, gzip(&bytes)),
            brotli: coded(&self.brotli, brotli(&bytes)),
            identity: coded(&self.identity, bytes),
            file: OnceLock::new(),
        }
    }

    /// The bytes as they are, in a file in memory that the kernel sends without copying them. Made when it is
    /// first asked for, because most readers take a coding. None of a short document, and where the system
    /// makes none.
    pub fn file(&self) -> Option<&Arc<File>> {
        let made =
            || in_memory(&self.identity.bytes).inspect_err(|cause| debug!(%cause, "no file in memory")).ok();
        if self.identity.bytes.len() < MIN_SENDFILE_BYTES {
            return None;
        }
        self.file.get_or_init(|| made().map(Arc::new)).as_ref()
    }

    /// What it takes of the memory, in bytes.
    pub(super) fn weight(&self) -> u64 {
        [&self.identity, &self.gzip, &self.brotli].iter().map(|coded| coded.bytes.len() as u64).sum()
    }

    /// The document in the coding that was agreed on.
    pub fn body(&self, coding: ContentCoding) -> &EncodedBody {
        match coding {
            ContentCoding::Identity => &self.identity,
            ContentCoding::Gzip => &self.gzip,
            ContentCoding::Brotli => &self.brotli,
        }
    }
}

#[cfg(target_os = "linux")]
fn in_memory(bytes: &[u8]) -> io::Result<File> {
    let mut file = File::from(rustix::fs::memfd_create("bantin-document", rustix::fs::MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    Ok(file)
}

#[cfg(not(target_os = "linux"))]
fn in_memory(_bytes: &[u8]) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

/// `Fri, 12 May 2023 10:39:00 GMT`: the second of `moment` as an HTTP-date (RFC 9110 §5.6.7).
///
/// A moment before 1970 or after 9999, which no log holds, is set to that end of the calendar.
pub fn http_date(moment: Timestamp) -> HeaderValue {
    const END_OF_9999: u64 = 253_402_300_799;
    let seconds = u64::try_from(moment.timestamp()).unwrap_or(0).min(END_OF_9999);
    let text = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
    HeaderValue::try_from(text).expect("an HTTP-date is visible ASCII and spaces")
}

fn etag(version: &LogVersion, coding: ContentCoding, bytes: &[u8]) -> HeaderValue {
    let hash = hex(&Sha256::digest(bytes)[..8]);
    let tag = format!("\"{}.{}-{hash}-{}\"", version.log, version.number, coding.as_str());
    HeaderValue::try_from(tag).expect("a log id, digits, hex and a token are visible ASCII")
}

/// Lower-case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Level 6: nearly all of the gain at a tenth of the cost of the highest.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    // The header carries no time and no name: the same bytes on every machine.
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 3), Compression::new(6));
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("writing into memory cannot fail")
}

/// Quality 5: smaller than gzip at one and a half times its cost; 11 would take fifty times as long.
fn brotli(bytes: &[u8]) -> Vec<u8> {
    // A window that holds the whole document twice, up to 4 MB. The encoder allocates buffers of its size, which for a
    // page of 6 kB costs as much as all else.
    // NOTE: never 16 or less: that chooses another match finder, which takes fifty times as long.
    let window = (usize::BITS - bytes.len().leading_zeros() + 1).clamp(18, 22);
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: 5,
        lgwin: window.cast_signed(),
        size_hint: bytes.len(),
        ..Default::default()
    };
    let mut coded = Vec::with_capacity(bytes.len() / 3);
    brotli::BrotliCompress(&mut &*bytes, &mut coded, &parameters).expect("writing into memory cannot fail");
    coded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::from_unix;

    #[test]
    fn the_date_of_the_last_change_is_printed_with_the_document() {
        let version = LogVersion { log: "thu".to_owned(), number: 7 };
        let document =
            Representation::encode("text/plain", b"x".to_vec(), &version, from_unix(1_683_887_940));
        assert_eq!(document.last_modified_text, "Fri, 12 May 2023 10:39:00 GMT");
    }

    #[test]
    fn what_is_compressed_is_what_was_given_however_long_it_is() {
        for length in [0, 1, 6_000, (1 << 17) - 1, 1 << 17, 1 << 19, 5 << 20] {
            let bytes: Vec<u8> = (0..length).map(|place: usize| (place * place % 251) as u8).collect();
            let mut plain = Vec::new();
            brotli::BrotliDecompress(&mut &*brotli(&bytes), &mut plain).unwrap();
            assert!(plain == bytes, "{length} bytes");
        }
    }

    #[test]
    fn a_moment_outside_of_the_calendar_of_http_does_not_panic() {
        assert_eq!(http_date(from_unix(-5)), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(http_date(from_unix(300_000_000_000)), "Fri, 31 Dec 9999 23:59:59 GMT");
    }
}
