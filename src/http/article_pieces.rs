//! The JSON of articles in lists of changes. Every client that follows the log asks for the same ones.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::store::ChangeVersion;

/// The capacity in bytes, about 4,000 typical articles.
const CAPACITY: u64 = 16 << 20;
const TYPICAL_BYTES: u64 = 4 << 10;
/// Bytes of an entry besides its text.
const OVERHEAD: u64 = 64;

/// The JSON of articles as of a change, bounded in bytes.
pub(super) struct ArticlePieces(Cache<ChangeVersion, Arc<[u8]>, Weights>);

#[derive(Clone)]
struct Weights;

impl Weighter<ChangeVersion, Arc<[u8]>> for Weights {
    fn weight(&self, _version: &ChangeVersion, json: &Arc<[u8]>) -> u64 {
        json.len() as u64 + OVERHEAD
    }
}

impl Default for ArticlePieces {
    fn default() -> Self {
        Self(Cache::with_weighter((CAPACITY / TYPICAL_BYTES) as usize, CAPACITY, Weights))
    }
}

impl ArticlePieces {
    /// SECURITY: only for a change whose article is published in the same state of the log; a piece of a withdrawn
    /// article stays in memory.
    pub(super) fn get(&self, version: &ChangeVersion) -> Option<Arc<[u8]>> {
        self.0.get(version)
    }

    pub(super) fn insert(&self, version: ChangeVersion, json: Arc<[u8]>) {
        self.0.insert(version, json);
    }
}
