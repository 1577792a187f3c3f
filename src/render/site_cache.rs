//! Where the newest editions lie: a map from path to document, replaced as a whole.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::static_assets::StaticAssets;
use super::{ChannelDocuments, LiveFeed, Representation};
use crate::store::LogPosition;
use crate::urls::Scope;

/// The documents of all channels at one moment.
#[derive(Clone, Default)]
pub struct RenderedSite {
    /// NOTE: requests only look up here, and what is looked up was put in by the press: nobody outside can
    /// fill it with paths that collide, so it does without the standard hasher's defence and its cost.
    documents: HashMap<Box<str>, Arc<Representation>, foldhash::fast::RandomState>,
    /// The paths of each channel's documents, to take them away together.
    paths: HashMap<Scope, Vec<Box<str>>>,
    /// What stands in each channel's feeds, to tell what is new in them.
    live_feeds: HashMap<Scope, Arc<LiveFeed>>,
    /// The page for an address that leads nowhere.
    not_found: Option<Arc<Representation>>,
    /// The page for an address that leads nowhere any more.
    gone: Option<Arc<Representation>>,
}

impl RenderedSite {
    /// The document at a path.
    pub fn document(&self, path: &str) -> Option<&Arc<Representation>> {
        self.documents.get(path)
    }

    /// What stands in the feeds of a channel, or of everything.
    pub fn live_feed(&self, scope: &Scope) -> Option<&Arc<LiveFeed>> {
        self.live_feeds.get(scope)
    }

    /// The page for an address that leads nowhere; none before anything was printed.
    pub fn not_found(&self) -> Option<&Arc<Representation>> {
        self.not_found.as_ref()
    }

    /// The page for an address that leads nowhere any more; none before anything was printed.
    pub fn gone(&self) -> Option<&Arc<Representation>> {
        self.gone.as_ref()
    }

    /// Puts in place what depends on the configuration and the list of channels alone.
    pub(super) fn set_assets(&mut self, furniture: StaticAssets) {
        for (path, document) in furniture.documents {
            self.documents.insert(path.into_boxed_str(), Arc::new(document));
        }
        self.not_found = Some(Arc::new(furniture.not_found));
        self.gone = Some(Arc::new(furniture.gone));
    }

    /// Puts a channel's documents in place of those that it had.
    pub(super) fn replace(&mut self, scope: Scope, printed: ChannelDocuments) {
        for path in self.paths.remove(&scope).unwrap_or_default() {
            self.documents.remove(&path);
        }
        let mut paths = Vec::with_capacity(printed.documents.len());
        for (path, document) in printed.documents {
            let path = path.into_boxed_str();
            paths.push(path.clone());
            self.documents.insert(path, Arc::new(document));
        }
        self.live_feeds.insert(scope.clone(), Arc::new(printed.live_feed));
        self.paths.insert(scope, paths);
    }
}

/// How far the press has come.
#[derive(Clone, Copy, Debug, Default)]
pub struct RenderProgress {
    /// Everything that the log held then is printed, as far as it passed its reading back.
    pub rendered: LogPosition,
    /// The last attempt failed, and it is not known when the next one will be better.
    pub failing: bool,
}

/// Hands out the newest edition to whoever asks. Clones share it; asking neither locks nor waits.
#[derive(Clone, Default)]
pub struct SiteCache {
    site: Arc<ArcSwap<RenderedSite>>,
    progress: watch::Sender<RenderProgress>,
}

impl SiteCache {
    /// The newest edition.
    pub fn current(&self) -> arc_swap::Guard<Arc<RenderedSite>> {
        self.site.load()
    }

    /// How far the press has come, and when it comes further. What it tells of is in the newest edition.
    pub fn progress(&self) -> watch::Receiver<RenderProgress> {
        self.progress.subscribe()
    }

    pub(super) fn replace(&self, edition: RenderedSite) {
        self.site.store(Arc::new(edition));
    }

    /// Also where no document has changed, and after the swap where one has.
    pub(super) fn mark_rendered(&self, log: LogPosition) {
        self.progress.send_replace(RenderProgress { rendered: log, failing: false });
    }

    pub(super) fn mark_failed(&self) {
        self.progress.send_modify(|progress| progress.failing = true);
    }
}
