//! Articles rendered for feeds: a change renders and verifies the articles that changed, not the feeds that contain them.

use std::fmt;
use std::hash::{Hash as _, Hasher};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};

use crate::feed::{FeedFrame, FeedInput, RenderedEntry, VerifyError};
use crate::model::Entry;
use crate::panics::caught;
use crate::urls::Format;

/// The capacity in bytes, about 5,000 typical articles.
const CACHE_BYTES: u64 = 64 << 20;
const TYPICAL_BYTES: u64 = 12 << 10;
/// The number of articles that are known to be verified, at about 100 bytes each.
const MAX_VERIFIED: usize = 100_000;

/// Verifies a rendered feed.
pub type Verifier = fn(&FeedInput<'_>, Format, &[u8]) -> Result<(), VerifyError>;

/// The rendered articles, shared by all documents of a site.
pub struct EntryCache {
    rendered: Cache<Key, Arc<CachedEntry>, Weights>,
    /// Also of articles that are rendered no longer: rendered again, they have the same form.
    verified: Cache<Key, Verified>,
}

/// A hash of the article and the titles of its channels. The configuration cannot change while the process runs.
type Key = [u8; 32];

/// In the order of [`Format::ALL`].
type Verified = Arc<[AtomicBool; Format::ALL.len()]>;

pub(super) struct CachedEntry {
    pub rendered: RenderedEntry,
    verified: Verified,
}

impl CachedEntry {
    fn is_verified(&self, format: Format) -> &AtomicBool {
        &self.verified[format as usize]
    }
}

#[derive(Clone)]
struct Weights;

impl Weighter<Key, Arc<CachedEntry>> for Weights {
    fn weight(&self, _key: &Key, entry: &Arc<CachedEntry>) -> u64 {
        entry.rendered.memory() as u64
    }
}

impl Default for EntryCache {
    fn default() -> Self {
        Self {
            rendered: Cache::with_weighter((CACHE_BYTES / TYPICAL_BYTES) as usize, CACHE_BYTES, Weights),
            verified: Cache::new(MAX_VERIFIED),
        }
    }
}

impl fmt::Debug for EntryCache {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "EntryCache({} bytes)", self.rendered.weight())
    }
}

impl EntryCache {
    /// The rendered form of `entry` in the feeds of the site of `feed`.
    pub(super) fn get(&self, feed: &FeedInput<'_>, entry: &Entry) -> Arc<CachedEntry> {
        let key = key(feed, entry);
        let render = || {
            let verified = get_or_insert(&self.verified, &key, Verified::default);
            Arc::new(CachedEntry { rendered: RenderedEntry::new(feed, entry), verified })
        };
        get_or_insert(&self.rendered, &key, render)
    }

    /// Renders a feed. Verifies what surrounds the articles, and the articles that were not yet verified in this format.
    ///
    /// # Errors
    /// Verification failed. An article at which rendering panics counts as one that fails.
    pub(super) fn render(
        &self,
        feed: &FeedInput<'_>,
        format: Format,
        verify: Verifier,
    ) -> Result<Vec<u8>, VerifyError> {
        let rendered = |feed: &FeedInput<'_>| caught(|| self.render_and_verify(feed, format, verify));
        rendered(feed).unwrap_or_else(|| {
            let panics = |entry: &&Entry| {
                rendered(&FeedInput { entries: std::slice::from_ref(*entry), ..*feed }).is_none()
            };
            let article = feed.entries.iter().find(panics).map(|entry| entry.id.clone());
            Err(VerifyError { article, reason: "rendering panicked".to_owned() })
        })
    }

    fn render_and_verify(
        &self,
        feed: &FeedInput<'_>,
        format: Format,
        verify: Verifier,
    ) -> Result<Vec<u8>, VerifyError> {
        let frame = FeedFrame::new(feed, format);
        let cached: Vec<_> = feed.entries.iter().map(|entry| self.get(feed, entry)).collect();
        let is_verified: Vec<_> =
            cached.iter().map(|cached| cached.is_verified(format).load(Ordering::Relaxed)).collect();
        let texts = |range: Range<usize>| {
            let entries = cached[range.clone()].iter().zip(&feed.entries[range]);
            entries.map(|(cached, entry)| cached.rendered.text(feed, entry, format))
        };
        let part = |range: Range<usize>| {
            let bytes = frame.around(texts(range.clone()));
            verify(&FeedInput { entries: &feed.entries[range], ..*feed }, format, &bytes)
        };
        if is_verified.iter().all(|is_verified| *is_verified) {
            part(0..0)?;
        }
        let mut start = 0;
        for run in is_verified.chunk_by(PartialEq::eq) {
            let range = start..start + run.len();
            start = range.end;
            if !run[0] {
                part(range.clone())?;
                cached[range]
                    .iter()
                    .for_each(|cached| cached.is_verified(format).store(true, Ordering::Relaxed));
            }
        }
        Ok(frame.around(texts(0..cached.len())))
    }
}

fn get_or_insert<V: Clone, W: Weighter<Key, V> + Clone>(
    cache: &Cache<Key, V, W>,
    key: &Key,
    make: impl FnOnce() -> V,
) -> V {
    match cache.get_or_insert_with(key, || Ok::<_, std::convert::Infallible>(make())) {
        Ok(value) => value,
        Err(never) => match never {},
    }
}

fn key(feed: &FeedInput<'_>, entry: &Entry) -> Key {
    let mut hasher = Sha256Hasher(Sha256::new());
    entry.hash(&mut hasher);
    let titles = entry
        .channels
        .iter()
        .map(|slug| feed.channels.iter().find(|channel| channel.slug == *slug).map(|channel| &channel.title));
    titles.for_each(|title| title.hash(&mut hasher));
    hasher.0.finalize().into()
}

/// SECURITY: a cryptographic hash, so that no article can be made to collide with another.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let hash: Key = self.0.clone().finalize().into();
        hash.into_iter().fold(0, |number, byte| number << 8 | u64::from(byte))
    }
}
