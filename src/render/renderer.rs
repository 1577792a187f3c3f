//! The render loop: renders the changed channels and replaces the documents of the site.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tracing::{debug, error, warn};

use super::channel_job::{ChannelJob, ChannelResult};
use super::context::{RenderContext, RenderOptions, blocking, scope_name};
use super::site_cache::{RenderedSite, SiteCache};
use super::static_assets::StaticAssets;
use super::throttle::Throttle;
use crate::html;
use crate::latency::Latency;
use crate::model::{Entry, Slug};
use crate::store::{ChannelState, LogPosition, Snapshot, Store, StoreError};
use crate::time::Timestamp;
use crate::urls::Scope;

/// The delay after a store error.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Counters for the metrics.
#[derive(Debug, Default)]
pub struct RenderCounters {
    /// Completed render passes.
    pub renders: AtomicU64,
    /// Rendered documents.
    pub documents: AtomicU64,
    /// Articles and documents that failed verification.
    pub failures: AtomicU64,
    /// Duration of each pass.
    pub duration: Latency,
}

/// Renders the live documents of all channels.
pub struct Renderer {
    store: Store,
    options: Arc<RenderOptions>,
    site_cache: SiteCache,
    counters: Arc<RenderCounters>,
    /// The state of each channel when it was last rendered.
    rendered: HashMap<Scope, ChannelState>,
    channels_at: Option<Timestamp>,
    cores: usize,
    /// Why the last pass failed, if it did.
    failure: Option<String>,
}

impl Renderer {
    /// A renderer, and the cache that it fills.
    pub fn new(store: Store, options: RenderOptions, counters: Arc<RenderCounters>) -> (Self, SiteCache) {
        let site_cache = SiteCache::default();
        let renderer = Self {
            store,
            options: Arc::new(options),
            site_cache: site_cache.clone(),
            counters,
            rendered: HashMap::new(),
            channels_at: None,
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            failure: None,
        };
        (renderer, site_cache)
    }

    /// Skips documents that exist already: each channel in `rendered` is rendered again only after its state or the list
    /// of channels changes.
    pub fn resume_from(&mut self, rendered: HashMap<Scope, ChannelState>, channels_at: Timestamp) {
        self.rendered = rendered;
        self.channels_at = Some(channels_at);
    }

    /// Renders after every change of the log until `shutdown` becomes true.
    pub async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        let mut positions = self.store.subscribe();
        positions.mark_changed();
        let mut throttle = Throttle::new(Instant::now());
        loop {
            tokio::select! {
                _ = shutdown.wait_for(|stop| *stop) => return,
                changed = positions.changed() => if changed.is_err() { return },
            }
            tokio::select! {
                _ = shutdown.wait_for(|stop| *stop) => return,
                () = self.wait(&throttle, &positions) => {}
            }
            // Changes during the wait are rendered in the same pass.
            positions.mark_unchanged();
            let started = Instant::now();
            if self.try_to_render().await {
                throttle.record(started, Instant::now());
                continue;
            }
            self.site_cache.mark_failed();
            positions.mark_changed();
            tokio::select! {
                _ = shutdown.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(RETRY_DELAY) => {}
            }
        }
    }

    /// Waits until the throttle permits the next pass. Larger changes wait longer.
    async fn wait(&self, throttle: &Throttle, positions: &watch::Receiver<LogPosition>) {
        loop {
            let (known, rendered) = (*positions.borrow(), self.site_cache.progress().borrow().rendered);
            // A new configuration or channel changes every document.
            let changes_all = known.config_epoch > rendered.config_epoch;
            let pending = if changes_all { u64::MAX } else { known.head.saturating_sub(rendered.head) };
            let ready_at = throttle.ready_at(pending);
            if Instant::now() >= ready_at {
                return;
            }
            tokio::time::sleep_until(ready_at).await;
        }
    }

    /// [`Self::render_changes`]; false if it failed. A cause that lasts is logged once.
    pub async fn try_to_render(&mut self) -> bool {
        let failure = self.render_changes().await.err().map(|cause| cause.to_string());
        if let Some(cause) = &failure
            && failure != self.failure
        {
            error!(%cause, "rendering failed and is retried; documents rendered before remain available");
        }
        self.failure = failure;
        self.failure.is_none()
    }

    /// Renders the channels that changed since the last pass and replaces their documents atomically. Returns the number
    /// of rendered channels, including the aggregate of all channels.
    ///
    /// # Errors
    /// The store is unavailable; the previous documents remain.
    pub async fn render_changes(&mut self) -> Result<usize, StoreError> {
        let started = Instant::now();
        let known = *self.store.subscribe().borrow();
        // All channels are read from one snapshot: an article that moves meanwhile is in exactly one channel.
        let mut snapshot = self.store.snapshot().await?;
        // A log restored from an older backup never reaches the announced position.
        let log = snapshot.position().await?.max(known);
        let changed = self.render_from(&mut snapshot).await?;
        self.site_cache.mark_rendered(log);
        self.counters.duration.record(started.elapsed());
        Ok(changed)
    }

    /// Like [`Self::render_changes`], from an open snapshot.
    ///
    /// # Errors
    /// The store is unavailable; the previous documents remain.
    pub async fn render_from(&mut self, snapshot: &mut Snapshot) -> Result<usize, StoreError> {
        let context = RenderContext::load(snapshot, &self.store, Arc::clone(&self.options)).await?;
        let channels_at = context.channels_at;
        let states = snapshot.channel_states().await?;
        let channels_changed = self.channels_at != Some(channels_at);
        // The pass takes effect only as a whole, because the store may fail on the way.
        let mut pass = RenderPass {
            site: RenderedSite::clone(&self.site_cache.current()),
            rendered: self.rendered.clone(),
            changed: 0,
        };
        if channels_changed {
            let context = context.clone();
            pass.site.set_assets(blocking(move || StaticAssets::render(&context)).await?);
        }
        // The articles of each channel on the home page, which is rendered last.
        let mut newest: HashMap<Slug, Vec<Entry>> = HashMap::new();
        let mut jobs = JoinSet::new();
        let visible = context.channels.iter().filter(|channel| !channel.is_gone());
        let scopes = visible.map(|channel| Some(channel.slug.clone())).chain([None]);
        for scope in scopes {
            // A change of the channel list changes the menu of every page.
            if !channels_changed && self.rendered.get(&scope) == states.get(&scope) {
                continue;
            }
            // One job per core, to bound the memory.
            if jobs.len() >= self.cores
                && let Some(finished) = jobs.join_next().await
            {
                pass.apply(finished, &self.counters);
            }
            let view = context.live_feed(snapshot, &scope).await?;
            for article in &view.unreadable {
                error!(channel = %scope_name(&scope), %article, "stored article is damaged and omitted");
            }
            let sections = match &scope {
                Some(slug) => {
                    newest.insert(
                        slug.clone(),
                        view.entries.iter().take(html::HOME_ITEMS_PER_CHANNEL).cloned().collect(),
                    );
                    Vec::new()
                }
                None => sections(snapshot, &context, &pass.site, &mut newest).await?,
            };
            let job = ChannelJob { context: context.clone(), sections, scope };
            jobs.spawn_blocking(move || job.run(view));
        }
        while let Some(finished) = jobs.join_next().await {
            pass.apply(finished, &self.counters);
        }
        self.rendered = pass.rendered;
        if pass.changed > 0 {
            self.channels_at = Some(channels_at);
            self.counters.renders.fetch_add(1, Ordering::Relaxed);
            self.site_cache.replace(pass.site);
        }
        Ok(pass.changed)
    }
}

/// The articles of each channel on the home page, in the order of the channels: from `newest` for channels of this pass,
/// otherwise from the previous documents or the store.
async fn sections(
    snapshot: &mut Snapshot,
    context: &RenderContext,
    site: &RenderedSite,
    newest: &mut HashMap<Slug, Vec<Entry>>,
) -> Result<Vec<Vec<Entry>>, StoreError> {
    let mut sections = Vec::with_capacity(context.channels.len());
    for channel in context.channels.iter() {
        let scope = Some(channel.slug.clone());
        let entries = match (newest.remove(&channel.slug), site.live_feed(&scope)) {
            (Some(entries), _) => entries,
            (None, Some(live_feed)) => live_feed.latest(html::HOME_ITEMS_PER_CHANNEL).to_vec(),
            (None, None) if channel.is_gone() => Vec::new(),
            (None, None) => {
                let mut entries = context.live_feed(snapshot, &scope).await?.entries;
                entries.truncate(html::HOME_ITEMS_PER_CHANNEL);
                entries
            }
        };
        sections.push(entries);
    }
    Ok(sections)
}

/// A render pass in progress.
struct RenderPass {
    site: RenderedSite,
    rendered: HashMap<Scope, ChannelState>,
    /// The number of rendered channels.
    changed: usize,
}

impl RenderPass {
    /// Replaces a channel's documents, or keeps the previous ones if verification failed.
    fn apply(&mut self, finished: Result<ChannelResult, JoinError>, counters: &RenderCounters) {
        let ChannelResult { scope, state, outcome } =
            finished.unwrap_or_else(|failure| std::panic::resume_unwind(failure.into_panic()));
        self.rendered.insert(scope.clone(), state);
        match outcome {
            Ok((documents, faults)) => {
                for fault in &faults {
                    warn!(
                        channel = %scope_name(&scope), article = ?fault.article, reason = %fault.reason,
                        "article failed verification and is omitted"
                    );
                }
                counters.failures.fetch_add(faults.len() as u64, Ordering::Relaxed);
                counters.documents.fetch_add(documents.documents.len() as u64, Ordering::Relaxed);
                debug!(channel = %scope_name(&scope), number = state.number, "rendered");
                self.site.replace(scope, documents);
                self.changed += 1;
            }
            Err(fault) => {
                error!(
                    channel = %scope_name(&scope), reason = %fault.reason,
                    "channel failed verification; its previous documents remain available"
                );
                counters.failures.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}
