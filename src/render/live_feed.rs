//! What is newer than a reader's copy of a live feed (RFC 3229, rule D1), printed from memory when it is
//! asked for.
//!
//! A part is given only where it leads to just what the whole document says. What no part can say, the whole
//! document has to: that an article left the channel for another one (a tombstone would delete the living
//! article in the reader's other channels), a withdrawal in RSS, which has no word for it, and a change of
//! configuration.

use std::sync::{Arc, Mutex, PoisonError};

use tracing::error;

use super::lru::LruCache;
use super::{LogVersion, RenderContext, Representation, name};
use crate::feed::{self, FeedKind};
use crate::html;
use crate::model::{ArticleId, Channel, Entry, Tombstone};
use crate::store::LiveFeedData;
use crate::urls::{Format, Scope};

/// Parts that are kept printed for each channel: who polls each minute asks from the last few numbers.
const CAPACITY: usize = 16;

/// What the live feeds of one channel show, and since when.
pub struct LiveFeed {
    setting: RenderContext,
    scope: Scope,
    log: String,
    view: LiveFeedData,
    /// Of everything: the newest articles of each channel, in the order of the channels.
    sections: Vec<Vec<Entry>>,
    cache: Mutex<LruCache<(Format, u64), BaseNotCovered>>,
    /// The pages for people who open a feed.
    html: Mutex<LruCache<Format, Arc<Representation>>>,
}

/// None where the part did not pass its reading back.
type BaseNotCovered = Option<Arc<Representation>>;

impl LiveFeed {
    pub(super) fn new(
        setting: RenderContext,
        scope: Scope,
        view: LiveFeedData,
        sections: Vec<Vec<Entry>>,
    ) -> Self {
        let log = setting.log_id_for(scope.as_ref());
        let cache = Mutex::new(LruCache::new(CAPACITY));
        let html = Mutex::new(LruCache::new(Format::ALL.len()));
        Self { setting, scope, log, view, sections, cache, html }
    }

    /// All channels, in the order of the menu.
    pub fn channels(&self) -> Arc<Vec<Channel>> {
        Arc::clone(&self.setting.channels)
    }

    /// The newest articles, so many at most.
    pub(super) fn latest(&self, count: usize) -> &[Entry] {
        &self.view.entries[..self.view.entries.len().min(count)]
    }

    /// The page for a person who has opened a feed. Takes some milliseconds the first time: call it where blocking is
    /// allowed.
    pub fn as_html(&self, format: Format) -> Arc<Representation> {
        let mut shelf = self.html.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(printed) = shelf.get(&format) {
            return printed;
        }
        let page = super::page(&self.setting, &self.scope, &self.view, &self.sections, Some(format));
        let version = LogVersion { log: self.log.clone(), number: self.view.state.number };
        let printed =
            Arc::new(Representation::encode(html::MEDIA_TYPE, page, &version, self.view.state.last_modified));
        shelf.insert(format, Arc::clone(&printed));
        printed
    }

    /// The log in whose numbers the copies of readers are counted.
    pub fn log(&self) -> &str {
        &self.log
    }

    /// True where a part tells all that changed since number `base` of the channel's log.
    pub fn has_delta_since(&self, format: Format, base: u64) -> bool {
        let within = self.view.delta_floor <= base && base < self.view.state.number;
        let withdrawn = || self.view.tombstones.iter().any(|tombstone| self.is_newer(&tombstone.id, base));
        within && (format != Format::Rss || !withdrawn())
    }

    /// The part where it was printed before. Never waits.
    pub fn cached_delta(&self, format: Format, base: u64) -> Option<Arc<Representation>> {
        self.cache.try_lock().ok()?.get(&(format, base)).flatten()
    }

    /// What changed since number `base`, under the validators of `whole`, the feed in this format of the same
    /// edition. None where it does not pass its reading back. Takes some milliseconds: call it where blocking
    /// is allowed.
    pub fn delta(&self, format: Format, base: u64, whole: &Representation) -> Option<Arc<Representation>> {
        // NOTE: locked while it prints. Of many who ask for the same part at once one prints and the others
        // find it; of many who ask for different parts, no channel takes more than one core.
        let mut shelf = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(printed) = shelf.get(&(format, base)) {
            return printed;
        }
        let printed = self.render(format, base, whole).map(Arc::new);
        shelf.insert((format, base), printed.clone());
        printed
    }

    fn render(&self, format: Format, base: u64, whole: &Representation) -> Option<Representation> {
        let newer = |id: &ArticleId| self.is_newer(id, base);
        let entries: Vec<Entry> =
            self.view.entries.iter().filter(|entry| newer(&entry.id)).cloned().collect();
        let tombstones: Vec<Tombstone> =
            self.view.tombstones.iter().filter(|tombstone| newer(&tombstone.id)).cloned().collect();
        let document = feed::FeedInput {
            entries: &entries,
            tombstones: &tombstones,
            kind: FeedKind::Delta,
            ..super::live_input(&self.setting, &self.scope, &self.view)
        };
        let bytes = feed::render(&document, format);
        match (self.setting.options.verifier)(&document, format, &bytes) {
            Ok(()) => Some(whole.with_body(bytes)),
            Err(fault) => {
                error!(channel = %name(&self.scope), base, %fault, "what is new did not pass its reading back");
                None
            }
        }
    }

    fn is_newer(&self, id: &ArticleId, base: u64) -> bool {
        self.view.last_changes.get(id).is_some_and(|number| *number > base)
    }
}
