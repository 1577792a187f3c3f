//! The contents of a channel's live feed, and deltas rendered from it on demand (RFC 3229, feed rule D1).
//!
//! A client that applies a delta must have the same content as the full document. These changes have no delta: an article
//! that moved to another channel (a tombstone would delete it in the client's other channels), a withdrawal in RSS, and
//! a change of the configuration.

use std::sync::{Arc, Mutex, PoisonError};

use tracing::error;

use super::context::{RenderContext, live_input, scope_name};
use super::lru::LruCache;
use super::representation::{LogVersion, Representation};
use crate::feed::{self, FeedKind};
use crate::html;
use crate::model::{ArticleId, Channel, Entry, Slug, Tombstone};
use crate::store::LiveFeedData;
use crate::urls::{Format, Scope};

/// Cached deltas per channel: clients that poll every minute have one of the last few versions.
const CAPACITY: usize = 16;

/// The contents of a channel's live feed.
pub struct LiveFeed {
    context: RenderContext,
    scope: Scope,
    log: String,
    view: LiveFeedData,
    /// For the home page: the newest articles of each channel, in the order of the channels.
    sections: Vec<Vec<Entry>>,
    deltas: Mutex<LruCache<(Format, u64), Delta>>,
    /// The pages for browsers that open a feed.
    html: Mutex<LruCache<Format, Arc<Representation>>>,
}

/// None if verification failed.
type Delta = Option<Arc<Representation>>;

impl LiveFeed {
    pub(super) fn new(
        context: RenderContext,
        scope: Scope,
        view: LiveFeedData,
        sections: Vec<Vec<Entry>>,
    ) -> Self {
        let log = context.log_id_for(scope.as_ref());
        let deltas = Mutex::new(LruCache::new(CAPACITY));
        let html = Mutex::new(LruCache::new(Format::ALL.len()));
        Self { context, scope, log, view, sections, deltas, html }
    }

    /// All channels, in menu order.
    pub fn channels(&self) -> Arc<Vec<Channel>> {
        Arc::clone(&self.context.channels)
    }

    /// The newest articles, at most `count`.
    pub(super) fn latest(&self, count: usize) -> &[Entry] {
        &self.view.entries[..self.view.entries.len().min(count)]
    }

    /// The page for a browser that opens a feed. Blocking: takes some milliseconds the first time.
    pub fn as_html(&self, format: Format) -> Arc<Representation> {
        let mut cache = self.html.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(page) = cache.get(&format) {
            return page;
        }
        let page = channel_page(&self.context, &self.scope, &self.view, &self.sections, Some(format));
        let version = LogVersion { log: self.log.clone(), number: self.view.state.number };
        let page =
            Arc::new(Representation::new(html::MEDIA_TYPE, page, &version, self.view.state.last_modified));
        cache.insert(format, Arc::clone(&page));
        page
    }

    /// The id of the log that numbers the versions.
    pub fn log(&self) -> &str {
        &self.log
    }

    /// The number of the newest revision of the channel's log that the feed has.
    pub fn number(&self) -> u64 {
        self.view.state.number
    }

    /// True if a delta can express all changes since revision `base` of the channel's log.
    pub fn has_delta_since(&self, format: Format, base: u64) -> bool {
        let is_covered = self.view.delta_floor <= base && base < self.view.state.number;
        let has_withdrawal =
            || self.view.tombstones.iter().any(|tombstone| self.is_newer(&tombstone.id, base));
        is_covered && (format != Format::Rss || !has_withdrawal())
    }

    /// The delta if it is cached. Never blocks.
    pub fn cached_delta(&self, format: Format, base: u64) -> Option<Arc<Representation>> {
        self.deltas.try_lock().ok()?.get(&(format, base)).flatten()
    }

    /// The changes since revision `base`, with the validators of `full`, the current feed in this format. None if
    /// verification fails. Blocking: takes some milliseconds.
    pub fn delta(
        &self,
        format: Format,
        base: u64,
        full: &Arc<Representation>,
    ) -> Option<Arc<Representation>> {
        // NOTE: locked while rendering: concurrent requests for one delta render it once, and a channel uses at most one
        // core.
        let mut cache = self.deltas.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(delta) = cache.get(&(format, base)) {
            return delta;
        }
        let delta = self.render(format, base, full).map(Arc::new);
        cache.insert((format, base), delta.clone());
        delta
    }

    fn render(&self, format: Format, base: u64, full: &Arc<Representation>) -> Option<Representation> {
        let newer = |id: &ArticleId| self.is_newer(id, base);
        let entries: Vec<Entry> =
            self.view.entries.iter().filter(|entry| newer(&entry.id)).cloned().collect();
        let tombstones: Vec<Tombstone> =
            self.view.tombstones.iter().filter(|tombstone| newer(&tombstone.id)).cloned().collect();
        let document = feed::FeedInput {
            entries: &entries,
            tombstones: &tombstones,
            kind: FeedKind::Delta,
            ..live_input(&self.context, &self.scope, &self.view)
        };
        match self.context.render_feed(&document, format) {
            Ok(bytes) => Some(full.delta(bytes)),
            Err(fault) => {
                error!(channel = %scope_name(&self.scope), base, %fault, "delta failed verification");
                None
            }
        }
    }

    fn is_newer(&self, id: &ArticleId, base: u64) -> bool {
        self.view.last_changes.get(id).is_some_and(|number| *number > base)
    }
}

/// The page of a channel, or the home page. With `opened`, it has a banner about the feed that a browser opened.
pub(super) fn channel_page(
    context: &RenderContext,
    scope: &Scope,
    view: &LiveFeedData,
    sections: &[Vec<Entry>],
    opened: Option<Format>,
) -> Vec<u8> {
    let page = context.page_context();
    let items = context.options.live.items as usize;
    match context.channel(scope.as_ref()) {
        Some(channel) => {
            let newest = &view.entries[..view.entries.len().min(items)];
            let is_whole = view.complete && newest.len() == view.entries.len();
            html::channel(&page, channel, newest, is_whole, opened)
        }
        None => {
            let is_gone = |slug: &Slug| context.channel(Some(slug)).is_some_and(Channel::is_gone);
            let visible = view.entries.iter().filter(|entry| !entry.channels.iter().all(is_gone));
            let newest: Vec<Entry> = visible.take(items).cloned().collect();
            let sections = context.channels.iter().zip(sections.iter().map(Vec::as_slice));
            let sections: Vec<_> = sections.filter(|(channel, _)| !channel.is_gone()).collect();
            html::home(&page, &newest, &sections, opened)
        }
    }
}
