//! Articles rendered for feeds: a change renders and verifies the articles that changed, not the feeds that contain them.

use std::fmt;
use std::hash::{Hash as _, Hasher};
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};

use crate::feed::{FeedFrame, FeedInput, RenderedEntry, VerifyError};
use crate::model::Entry;
use crate::urls::Format;

/// The capacity in bytes, about 5,000 typical articles.
const CACHE_BYTES: u64 = 64 << 20;
const TYPICAL_BYTES: u64 = 12 << 10;

/// Verifies a rendered feed.
pub type Verifier = fn(&FeedInput<'_>, Format, &[u8]) -> Result<(), VerifyError>;

/// The rendered articles, shared by all documents of a site.
pub struct EntryCache(Cache<Key, Arc<CachedEntry>, Weights>);

/// A hash of the article and the titles of its channels. The configuration cannot change while the process runs.
type Key = [u8; 32];

pub(super) struct CachedEntry {
    pub rendered: RenderedEntry,
    /// In the order of [`Format::ALL`].
    is_verified: [AtomicBool; Format::ALL.len()],
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
        Self(Cache::with_weighter((CACHE_BYTES / TYPICAL_BYTES) as usize, CACHE_BYTES, Weights))
    }
}

impl fmt::Debug for EntryCache {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "EntryCache({} bytes)", self.0.weight())
    }
}

impl EntryCache {
    /// The rendered form of `entry` in the feeds of the site of `feed`.
    pub(super) fn get(&self, feed: &FeedInput<'_>, entry: &Entry) -> Arc<CachedEntry> {
        let render = || {
            let rendered = RenderedEntry::new(feed, entry);
            Ok::<_, std::convert::Infallible>(Arc::new(CachedEntry {
                rendered,
                is_verified: Default::default(),
            }))
        };
        match self.0.get_or_insert_with(&key(feed, entry), render) {
            Ok(cached) => cached,
            Err(never) => match never {},
        }
    }

    /// Renders a feed. Verifies the feed without its articles, and each article that was not yet verified in this
    /// format.
    ///
    /// # Errors
    /// Verification failed.
    pub(super) fn render(
        &self,
        feed: &FeedInput<'_>,
        format: Format,
        verify: Verifier,
    ) -> Result<Vec<u8>, VerifyError> {
        let frame = FeedFrame::new(feed, format);
        let verify = |entries, cached: &[&RenderedEntry]| {
            verify(&FeedInput { entries, ..*feed }, format, &frame.around(cached.iter().copied()))
        };
        verify(&[], &[])?;
        let cached: Vec<_> = feed.entries.iter().map(|entry| self.get(feed, entry)).collect();
        for (entry, cached) in feed.entries.iter().zip(&cached) {
            let is_verified = &cached.is_verified[format as usize];
            if !is_verified.load(Ordering::Relaxed) {
                verify(slice::from_ref(entry), &[&cached.rendered])?;
                is_verified.store(true, Ordering::Relaxed);
            }
        }
        Ok(frame.around(cached.iter().map(|cached| &cached.rendered)))
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
