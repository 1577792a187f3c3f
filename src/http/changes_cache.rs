//! Pages of changes: each is read and encoded once for all who ask for it before the log changes.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use crate::render::{Cache, ContentCoding, Effort, Weigh};
use crate::store::{ChangesQuery, Store};

/// The capacity in bytes, some thirty pages of 100 changes in all codings.
const CAPACITY: u64 = 16 << 20;
const TYPICAL_BYTES: u64 = 64 << 10;

/// The format of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum OutputFormat {
    /// One JSON object.
    Json,
    /// One change per line.
    Ndjson,
}

/// The result of a query.
#[derive(Clone)]
pub(super) enum ReadOutcome {
    Page(Arc<EncodedPage>),
    BeyondHead(u64),
    UnknownChannel,
}

/// A page, in the codings that were asked for so far.
pub(super) struct EncodedPage {
    pub(super) body: Bytes,
    gzip: OnceLock<Bytes>,
    brotli: OnceLock<Bytes>,
    pub(super) is_empty: bool,
    pub(super) next: u64,
    pub(super) head: u64,
}

impl EncodedPage {
    pub(super) fn new(body: Vec<u8>, is_empty: bool, next: u64, head: u64) -> Self {
        Self { body: body.into(), gzip: OnceLock::new(), brotli: OnceLock::new(), is_empty, next, head }
    }

    /// The page in a coding, if it is there.
    pub(super) fn encoded(&self, coding: ContentCoding) -> Option<Bytes> {
        match self.cell(coding) {
            None => Some(self.body.clone()),
            Some(cell) => cell.get().cloned(),
        }
    }

    /// Makes the page in a coding, which takes about a millisecond for 100 changes.
    pub(super) fn encode(&self, coding: ContentCoding) -> Bytes {
        match self.cell(coding) {
            None => self.body.clone(),
            Some(cell) => cell.get_or_init(|| coding.encode(&self.body, Effort::Quick).into()).clone(),
        }
    }

    fn cell(&self, coding: ContentCoding) -> Option<&OnceLock<Bytes>> {
        match coding {
            ContentCoding::Identity => None,
            ContentCoding::Gzip => Some(&self.gzip),
            ContentCoding::Brotli => Some(&self.brotli),
        }
    }
}

impl Weigh for ReadOutcome {
    fn weight(&self) -> u64 {
        match self {
            // What it will weigh in all codings, about.
            Self::Page(page) => page.body.len() as u64 * 3 / 2,
            Self::BeyondHead(_) | Self::UnknownChannel => 0,
        }
    }

    fn is_cacheable(&self) -> bool {
        matches!(self, Self::Page(_))
    }
}

/// SECURITY: a page is not given any more once the log has changed: it may have the text of an article that was withdrawn.
pub(super) type ChangesCache = Cache<(ChangesQuery, OutputFormat), ReadOutcome>;

/// An empty cache for the log of `store`.
pub(super) fn changes_cache(store: &Store) -> ChangesCache {
    Cache::new(store.subscribe(), CAPACITY, TYPICAL_BYTES)
}
