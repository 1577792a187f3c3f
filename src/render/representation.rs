//! Representations (RFC 9110 §8): a document in its content codings, with validators.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use hyper::header::HeaderValue;
use sha2::{Digest as _, Sha256};
use tracing::debug;

use super::compression::{ContentCoding, Effort};
use super::memory_file::MemoryFile;
use crate::text::hex;
use crate::time::Timestamp;

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
    file: OnceLock<Option<Arc<MemoryFile>>>,
}

impl EncodedBody {
    fn new(bytes: Vec<u8>, etag: HeaderValue) -> Self {
        Self { bytes: Bytes::from(bytes), etag, file: OnceLock::new() }
    }

    /// The content as a memory file for sendfile. Created on first use, because few codings are asked for.
    /// None for short documents, and where there can be no memory file.
    pub fn file(&self) -> Option<&Arc<MemoryFile>> {
        if self.bytes.len() < MIN_SENDFILE_BYTES {
            return None;
        }
        let create =
            || MemoryFile::new(&self.bytes).inspect_err(|cause| debug!(%cause, "no memory file")).ok();
        self.file.get_or_init(|| create().map(Arc::new)).as_ref()
    }
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

/// An immutable document in memory. Each content coding is made when it is first needed.
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
    gzip: OnceLock<EncodedBody>,
    brotli: OnceLock<EncodedBody>,
    etags: EtagSource,
    effort: Effort,
    /// The value of `Link` (RFC 8288).
    pub link: Option<HeaderValue>,
}

/// Where the ETags of a document come from.
#[derive(Clone, Debug)]
enum EtagSource {
    /// The version, the hash of the encoded bytes, and whether articles are abridged.
    Version(LogVersion, bool),
    /// The full feed of a delta.
    Full(Arc<Representation>),
    /// The only ETag: the document has no content codings.
    Fixed,
}

/// Precedes the coding in the ETag of an abridged feed.
const ABRIDGED: &str = "abridged-";

/// True for the ETag of an abridged feed, without quotation marks.
pub fn is_abridged(opaque: &[u8]) -> bool {
    opaque.windows(ABRIDGED.len()).any(|part| part == ABRIDGED.as_bytes())
}

/// Compressing a shorter document takes less time than to hand it to another thread and back.
const MIN_SLOW_BYTES: usize = 16 * 1024;

/// Shorter bodies are cheaper to copy than to send with sendfile.
const MIN_SENDFILE_BYTES: usize = 32 * 1024;

impl Representation {
    /// A document with an ETag of its log version and bytes. Deterministic.
    pub fn new(
        media_type: &'static str,
        bytes: Vec<u8>,
        version: &LogVersion,
        last_modified: Timestamp,
    ) -> Self {
        let etag = etag(version, false, ContentCoding::Identity, &bytes);
        let media_type = HeaderValue::from_static(media_type);
        Self::with_etags(media_type, bytes, etag, EtagSource::Version(version.clone(), false), last_modified)
    }

    /// A document in a compressed format, such as an image, without content coding. `hash` is the hash of `bytes`.
    pub fn identity_only(
        media_type: HeaderValue,
        bytes: Vec<u8>,
        hash: &str,
        last_modified: Timestamp,
    ) -> Self {
        let etag = HeaderValue::try_from(format!("\"{hash}\"")).expect("a hash in hex is visible ASCII");
        Self::with_etags(media_type, bytes, etag, EtagSource::Fixed, last_modified)
    }

    /// A delta of this document, with its validators: a client that applies it to an older copy has this document
    /// (RFC 3229 §10.2).
    pub(super) fn delta(self: &Arc<Self>, bytes: Vec<u8>) -> Self {
        let (etag, full) = (self.identity.etag.clone(), EtagSource::Full(Arc::clone(self)));
        let delta = Self::with_etags(self.media_type.clone(), bytes, etag, full, self.last_modified);
        Self { link: self.link.clone(), ..delta }
    }

    fn with_etags(
        media_type: HeaderValue,
        bytes: Vec<u8>,
        etag: HeaderValue,
        etags: EtagSource,
        last_modified: Timestamp,
    ) -> Self {
        Self {
            kind: RepresentationKind::from_media_type(media_type.to_str().unwrap_or_default()),
            media_type,
            last_modified,
            last_modified_text: http_date(last_modified),
            identity: EncodedBody::new(bytes, etag),
            gzip: OnceLock::new(),
            brotli: OnceLock::new(),
            etags,
            effort: Effort::default(),
            link: None,
        }
    }

    /// Marks the document as immutable: its URL contains a fingerprint.
    pub(super) fn immutable(self) -> Self {
        Self { kind: RepresentationKind::Asset, ..self }
    }

    /// Names the URL of a live feed and its hub, in this order (feed rule W1).
    pub(super) fn with_hub(self, self_url: &str, hub: Option<&str>) -> Self {
        let link = hub.and_then(|hub| {
            HeaderValue::try_from(format!("<{self_url}>; rel=\"self\", <{hub}>; rel=\"hub\"")).ok()
        });
        Self { link, ..self }
    }

    /// Sets how much time the compression may take.
    pub(crate) fn with_effort(self, effort: Effort) -> Self {
        Self { effort, ..self }
    }

    /// How much time the compression may take.
    pub fn effort(&self) -> Effort {
        self.effort
    }

    /// Marks the ETag of a feed in which articles are abridged that other versions contain in full: no delta is
    /// based on it ([`is_abridged`]).
    pub(super) fn into_abridged(mut self) -> Self {
        if let EtagSource::Version(version, is_abridged) = &mut self.etags {
            *is_abridged = true;
            self.identity.etag = etag(version, true, ContentCoding::Identity, &self.identity.bytes);
        }
        self
    }

    /// The log version in the ETag; none for a document with another kind of ETag.
    pub fn version(&self) -> Option<&LogVersion> {
        match &self.etags {
            EtagSource::Version(version, _) => Some(version),
            EtagSource::Full(full) => full.version(),
            EtagSource::Fixed => None,
        }
    }

    /// The memory use in bytes, with all codings, of a document of text.
    pub(super) fn weight(&self) -> u64 {
        2 * self.identity.bytes.len() as u64
    }

    /// The body in a content coding. The first call for a coding compresses, which takes some milliseconds for a feed of
    /// full texts. A document without codings has its only body.
    pub fn body(&self, coding: ContentCoding) -> &EncodedBody {
        let encoded = match (coding, &self.etags) {
            (ContentCoding::Identity, _) | (_, EtagSource::Fixed) => return &self.identity,
            (ContentCoding::Gzip, _) => &self.gzip,
            (ContentCoding::Brotli, _) => &self.brotli,
        };
        encoded.get_or_init(|| {
            let bytes = coding.encode(&self.identity.bytes, self.effort);
            let etag = match &self.etags {
                EtagSource::Version(version, is_abridged) => etag(version, *is_abridged, coding, &bytes),
                EtagSource::Full(full) => full.body(coding).etag.clone(),
                EtagSource::Fixed => self.identity.etag.clone(),
            };
            EncodedBody::new(bytes, etag)
        })
    }

    /// True if [`Self::body`] would compress, and for long: other requests should not wait for it.
    pub fn is_slow_to_encode(&self, coding: ContentCoding) -> bool {
        self.identity.bytes.len() >= MIN_SLOW_BYTES
            && !matches!(self.etags, EtagSource::Fixed)
            && self.known_etag(coding).is_none()
    }

    /// The ETag of a content coding, if this coding has been made.
    pub fn known_etag(&self, coding: ContentCoding) -> Option<&HeaderValue> {
        let made = match coding {
            ContentCoding::Identity => Some(&self.identity),
            ContentCoding::Gzip => self.gzip.get(),
            ContentCoding::Brotli => self.brotli.get(),
        };
        made.map(|body| &body.etag)
    }
}

/// An HTTP-date such as `Fri, 12 May 2023 10:39:00 GMT` (RFC 9110 §5.6.7), clamped to 1970 to 9999.
pub fn http_date(instant: Timestamp) -> HeaderValue {
    const END_OF_9999: u64 = 253_402_300_799;
    let seconds = u64::try_from(instant.timestamp()).unwrap_or(0).min(END_OF_9999);
    let text = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
    HeaderValue::try_from(text).expect("an HTTP-date is visible ASCII and spaces")
}

fn etag(version: &LogVersion, is_abridged: bool, coding: ContentCoding, bytes: &[u8]) -> HeaderValue {
    let hash = hex(&Sha256::digest(bytes)[..8]);
    let mark = if is_abridged { ABRIDGED } else { "" };
    let tag = format!("\"{}.{}-{hash}-{mark}{}\"", version.log, version.number, coding.as_str());
    HeaderValue::try_from(tag).expect("a log id, digits, hex and a token are visible ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::from_unix;

    #[test]
    fn the_last_modified_date_is_formatted_once() {
        let version = LogVersion { log: "thu".to_owned(), number: 7 };
        let document = Representation::new("text/plain", b"x".to_vec(), &version, from_unix(1_683_887_940));
        assert_eq!(document.last_modified_text, "Fri, 12 May 2023 10:39:00 GMT");
    }

    #[test]
    fn dates_outside_of_the_http_range_are_clamped() {
        assert_eq!(http_date(from_unix(-5)), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(http_date(from_unix(300_000_000_000)), "Fri, 31 Dec 9999 23:59:59 GMT");
    }
}
