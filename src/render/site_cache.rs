//! The rendered documents of the site by path, replaced atomically.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::channel_job::ChannelDocuments;
use super::live_feed::LiveFeed;
use super::representation::Representation;
use super::static_assets::StaticAssets;
use crate::store::LogPosition;
use crate::urls::Scope;

/// The documents of all channels after a render pass.
#[derive(Clone, Default)]
pub struct RenderedSite {
    /// NOTE: requests only read the map and its keys are ours, so it needs no hasher that resists collision attacks.
    documents: HashMap<Box<str>, Arc<Representation>, foldhash::fast::RandomState>,
    /// The paths of each channel's documents, to remove them together.
    paths: HashMap<Scope, Vec<Box<str>>>,
    /// The contents of each channel's feed, for deltas.
    live_feeds: HashMap<Scope, Arc<LiveFeed>>,
    /// The page for unknown URLs.
    not_found: Option<Arc<Representation>>,
    /// The page for removed resources.
    gone: Option<Arc<Representation>>,
}

impl RenderedSite {
    /// The document at a path.
    pub fn document(&self, path: &str) -> Option<&Arc<Representation>> {
        self.documents.get(path)
    }

    /// The feed contents of a channel, or of all channels.
    pub fn live_feed(&self, scope: &Scope) -> Option<&Arc<LiveFeed>> {
        self.live_feeds.get(scope)
    }

    /// The page for unknown URLs; none before the first pass.
    pub fn not_found(&self) -> Option<&Arc<Representation>> {
        self.not_found.as_ref()
    }

    /// The page for removed resources; none before the first pass.
    pub fn gone(&self) -> Option<&Arc<Representation>> {
        self.gone.as_ref()
    }

    /// Replaces the documents that depend only on the configuration and the channels.
    pub(super) fn set_assets(&mut self, assets: StaticAssets) {
        for (path, document) in assets.documents {
            self.documents.insert(path.into_boxed_str(), Arc::new(document));
        }
        self.not_found = Some(Arc::new(assets.not_found));
        self.gone = Some(Arc::new(assets.gone));
    }

    /// Replaces a channel's documents.
    pub(super) fn replace(&mut self, scope: Scope, rendered: ChannelDocuments) {
        for path in self.paths.remove(&scope).unwrap_or_default() {
            self.documents.remove(&path);
        }
        let mut paths = Vec::with_capacity(rendered.documents.len());
        for (path, document) in rendered.documents {
            let path = path.into_boxed_str();
            paths.push(path.clone());
            self.documents.insert(path, Arc::new(document));
        }
        self.live_feeds.insert(scope.clone(), Arc::new(rendered.live_feed));
        self.paths.insert(scope, paths);
    }
}

/// The progress of rendering.
#[derive(Clone, Copy, Debug, Default)]
pub struct RenderProgress {
    /// All changes up to this position are rendered, except those that failed verification.
    pub rendered: LogPosition,
    /// The last pass failed; the next one may fail too.
    pub failing: bool,
}

/// A shared handle to the current documents. Reading never blocks.
#[derive(Clone, Default)]
pub struct SiteCache {
    site: Arc<ArcSwap<RenderedSite>>,
    progress: watch::Sender<RenderProgress>,
}

impl SiteCache {
    /// The current documents.
    pub fn current(&self) -> arc_swap::Guard<Arc<RenderedSite>> {
        self.site.load()
    }

    /// The progress, with notification. It is updated after the documents are replaced.
    pub fn progress(&self) -> watch::Receiver<RenderProgress> {
        self.progress.subscribe()
    }

    pub(super) fn replace(&self, site: RenderedSite) {
        self.site.store(Arc::new(site));
    }

    /// Called after every pass, even if no document has changed, and after [`Self::replace`].
    pub(super) fn mark_rendered(&self, log: LogPosition) {
        self.progress.send_replace(RenderProgress { rendered: log, failing: false });
    }

    pub(super) fn mark_failed(&self) {
        self.progress.send_modify(|progress| progress.failing = true);
    }
}
