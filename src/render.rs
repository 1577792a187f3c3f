//! Prints what readers fetch: builds a channel's documents when the log has grown, reads each back with a
//! parser of its own, compresses once, hashes, and swaps all of them in at a stroke.
//!
//! No request for a feed waits for anything here, but for one: where several processes share the log, who would be sent
//! a whole document waits within a bound for what the log is known to hold and the press is about to print
//! ([`RenderProgress`]). What is too much to keep is printed when it is asked for: an article's page, a sealed page of the log
//! ([`ArchiveRenderer`]), what is new in a feed ([`LiveFeed`]), a search, a month, a sitemap ([`OnDemandRenderer`]); or when all of it is, from
//! one state of the log. A document is a function of the log, the configuration and the program's version; the press
//! reads no clock but to pace itself.

mod archive;
mod article_page;
mod cache;
mod fit;
mod live_feed;
mod lru;
mod on_demand;
mod representation;
mod site_cache;
mod static_assets;
mod throttle;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tracing::{debug, error, warn};

use crate::feed::{self, FeedKind, VerifyError};
use crate::html;
use crate::model::{ArticleId, Channel, Entry, Site, Slug, Tombstone};
use crate::store::{ChannelState, LiveFeedData, LiveFeedOptions, LogPosition, Snapshot, Store, StoreError};
use crate::time::{Timestamp, Zone};
use crate::urls::{Format, OPML_PATH, Scope, SiteUrls, feed_path, page_path};

use static_assets::StaticAssets;
use throttle::Throttle;

pub use archive::{ArchivePage, ArchivePageInput, ArchiveRenderer};
pub use article_page::{ArticlePage, ArticlePageInput, ArticlePages};
pub use live_feed::LiveFeed;
pub use on_demand::{
    MonthExtent, OnDemandRenderer, PageInput, PageRequest, Rendered, decode_cursor, encode_cursor,
};
pub use representation::{
    ContentCoding, EncodedBody, LogVersion, Representation, RepresentationKind, http_date, is_abridged,
};
pub use site_cache::{RenderProgress, RenderedSite, SiteCache};
pub use static_assets::asset_paths;

/// After the store failed.
const RETRY: Duration = Duration::from_secs(1);

/// What all documents depend on beside the log.
#[derive(Clone, Debug)]
pub struct RenderOptions {
    /// The publisher.
    pub site: Site,
    /// Makes the links.
    pub addresses: Arc<SiteUrls>,
    /// The channels that the operator named, in the order of the menu. Others are known by their folders.
    pub channels: Vec<Channel>,
    /// What a live feed shows.
    pub live: LiveFeedOptions,
    /// The judge of what was printed: [`feed::verify`].
    pub verifier: Verifier,
}

/// Reads a printed document back.
pub type Verifier = fn(&feed::FeedInput<'_>, Format, &[u8]) -> Result<(), VerifyError>;

/// What the room counts, for the metrics page.
#[derive(Debug, Default)]
pub struct RenderCounters {
    /// Reprints that were made.
    pub renders: AtomicU64,
    /// Documents that were printed.
    pub documents: AtomicU64,
    /// Articles and documents that did not pass the reading back.
    pub failures: AtomicU64,
}

/// Prints the editions.
pub struct Renderer {
    store: Store,
    options: Arc<RenderOptions>,
    site_cache: SiteCache,
    counters: Arc<RenderCounters>,
    /// What each channel's documents were last printed from.
    rendered: HashMap<Scope, ChannelState>,
    channels_at: Option<Timestamp>,
    cores: usize,
}

impl Renderer {
    /// A press that has printed nothing yet, and the stand to which it brings its editions.
    pub fn new(store: Store, options: RenderOptions, counters: Arc<RenderCounters>) -> (Self, SiteCache) {
        let stand = SiteCache::default();
        let press = Self {
            store,
            options: Arc::new(options),
            site_cache: stand.clone(),
            counters,
            rendered: HashMap::new(),
            channels_at: None,
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        };
        (press, stand)
    }

    /// Goes on from what was printed before, by whomever: the documents of these channels stand in these states, and
    /// the list of channels as of that second. They are not printed again until something changes.
    pub fn resume_from(&mut self, printed: HashMap<Scope, ChannelState>, channels_at: Timestamp) {
        self.rendered = printed;
        self.channels_at = Some(channels_at);
    }

    /// Prints whenever the log has grown, until `shutdown` turns true.
    pub async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        let mut announced = self.store.subscribe();
        announced.mark_changed();
        let mut rest = Throttle::from(Instant::now());
        loop {
            tokio::select! {
                _ = shutdown.wait_for(|stop| *stop) => return,
                changed = announced.changed() => if changed.is_err() { return },
            }
            tokio::select! {
                _ = shutdown.wait_for(|stop| *stop) => return,
                () = self.throttle(&rest, &announced) => {}
            }
            // What came meanwhile is printed together with it.
            announced.mark_unchanged();
            let began = Instant::now();
            let Err(cause) = self.render_changes().await else {
                rest.record(began, Instant::now());
                continue;
            };
            error!(%cause, "the documents could not be printed; the last edition stays up");
            self.site_cache.mark_failed();
            announced.mark_changed();
            tokio::select! {
                _ = shutdown.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(RETRY) => {}
            }
        }
    }

    /// Waits for the end of the rest, which is longer where more has come meanwhile.
    async fn throttle(&self, rest: &Throttle, announced: &watch::Receiver<LogPosition>) {
        loop {
            let (heard, printed) = (*announced.borrow(), self.site_cache.progress().borrow().rendered);
            // Another configuration or another channel changes every document.
            let all = heard.config_epoch > printed.config_epoch;
            let ends = rest.ready_at(if all { u64::MAX } else { heard.head.saturating_sub(printed.head) });
            if Instant::now() >= ends {
                return;
            }
            tokio::time::sleep_until(ends).await;
        }
    }

    /// Prints the documents of every channel that changed since the last time, and swaps them in together.
    /// Returns how many channels that were, the view of everything included.
    ///
    /// # Errors
    /// Where the store does not answer; the last edition stays up.
    pub async fn render_changes(&mut self) -> Result<usize, StoreError> {
        let heard = *self.store.subscribe().borrow();
        // One state of the log for all of it: no article is in two channels, or in none, because it was moved
        // while the press was running.
        let mut snapshot = self.store.snapshot().await?;
        // A log that was set back to an older state never comes to what was heard of it.
        let log = snapshot.position().await?.max(heard);
        let changed = self.render_from(&mut snapshot).await?;
        self.site_cache.mark_rendered(log);
        Ok(changed)
    }

    /// The same from a state of the log that is held already.
    ///
    /// # Errors
    /// Where the store does not answer; the last edition stays up.
    pub async fn render_from(&mut self, snapshot: &mut Snapshot) -> Result<usize, StoreError> {
        let setting = RenderContext::load(snapshot, &self.store, Arc::clone(&self.options)).await?;
        let channels_at = setting.channels_at;
        let states = snapshot.channel_states().await?;
        let founded = self.channels_at != Some(channels_at);
        // Nothing of a reprint counts before all of it is there: the store may fail on the way.
        let mut round = RenderPass {
            site: RenderedSite::clone(&self.site_cache.current()),
            printed: self.rendered.clone(),
            changed: 0,
        };
        if founded {
            let setting = setting.clone();
            round.site.set_assets(blocking(move || StaticAssets::render(&setting)).await?);
        }
        // What the first page shows of each channel; everything is printed last.
        let mut newest: HashMap<Slug, Vec<Entry>> = HashMap::new();
        let mut under_way = JoinSet::new();
        let served = setting.channels.iter().filter(|channel| !channel.is_gone());
        let scopes = served.map(|channel| Some(channel.slug.clone())).chain([None]);
        for scope in scopes {
            // Every page names all channels, so a new one changes it; the feeds come out as they were.
            if !founded && self.rendered.get(&scope) == states.get(&scope) {
                continue;
            }
            // A channel for each core, and no more views in memory than are being printed.
            if under_way.len() >= self.cores
                && let Some(finished) = under_way.join_next().await
            {
                round.apply(finished, &self.counters);
            }
            let view = setting.live_feed(snapshot, &scope).await?;
            for article in &view.unreadable {
                error!(channel = %name(&scope), %article, "the store holds this article damaged; it is left out");
            }
            let sections = match &scope {
                Some(slug) => {
                    newest.insert(
                        slug.clone(),
                        view.entries.iter().take(html::HOME_ITEMS_PER_CHANNEL).cloned().collect(),
                    );
                    Vec::new()
                }
                None => sections(snapshot, &setting, &round.site, &mut newest).await?,
            };
            let job = ChannelJob { setting: setting.clone(), sections, scope };
            under_way.spawn_blocking(move || job.run(view));
        }
        while let Some(finished) = under_way.join_next().await {
            round.apply(finished, &self.counters);
        }
        self.rendered = round.printed;
        if round.changed > 0 {
            self.channels_at = Some(channels_at);
            self.counters.renders.fetch_add(1, Ordering::Relaxed);
            self.site_cache.replace(round.site);
        }
        Ok(round.changed)
    }
}

/// What the first page shows of each channel, in the order of the channels: of those that are printed now from
/// `newest`, of the others from the last edition, or else from the store.
async fn sections(
    snapshot: &mut Snapshot,
    setting: &RenderContext,
    edition: &RenderedSite,
    newest: &mut HashMap<Slug, Vec<Entry>>,
) -> Result<Vec<Vec<Entry>>, StoreError> {
    let mut sections = Vec::with_capacity(setting.channels.len());
    for channel in setting.channels.iter() {
        let scope = Some(channel.slug.clone());
        let entries = match (newest.remove(&channel.slug), edition.live_feed(&scope)) {
            (Some(entries), _) => entries,
            (None, Some(recent)) => recent.latest(html::HOME_ITEMS_PER_CHANNEL).to_vec(),
            (None, None) if channel.is_gone() => Vec::new(),
            (None, None) => {
                let mut entries = setting.live_feed(snapshot, &scope).await?.entries;
                entries.truncate(html::HOME_ITEMS_PER_CHANNEL);
                entries
            }
        };
        sections.push(entries);
    }
    Ok(sections)
}

/// A reprint under way.
struct RenderPass {
    site: RenderedSite,
    printed: HashMap<Scope, ChannelState>,
    /// How many channels were printed.
    changed: usize,
}

impl RenderPass {
    /// Puts a channel's documents into the edition; where they did not pass, the last ones stay.
    fn apply(&mut self, finished: Result<ChannelResult, JoinError>, counters: &RenderCounters) {
        let ChannelResult { scope, state, outcome } =
            finished.unwrap_or_else(|failure| std::panic::resume_unwind(failure.into_panic()));
        self.printed.insert(scope.clone(), state);
        match outcome {
            Ok((printed, faults)) => {
                for fault in &faults {
                    warn!(
                        channel = %name(&scope), article = ?fault.article, reason = %fault.reason,
                        "this article cannot be printed and is left out"
                    );
                }
                counters.failures.fetch_add(faults.len() as u64, Ordering::Relaxed);
                counters.documents.fetch_add(printed.documents.len() as u64, Ordering::Relaxed);
                debug!(channel = %name(&scope), number = state.number, "printed");
                self.site.replace(scope, printed);
                self.changed += 1;
            }
            Err(fault) => {
                error!(
                    channel = %name(&scope), reason = %fault.reason,
                    "the channel did not pass its reading back; its last edition stays up"
                );
                counters.failures.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// All that documents depend on beside the articles in them, as of one state of the log.
#[derive(Clone)]
pub struct RenderContext {
    options: Arc<RenderOptions>,
    channels: Arc<Vec<Channel>>,
    channels_at: Timestamp,
    store: Store,
}

impl RenderContext {
    /// Reads it.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn load(
        snapshot: &mut Snapshot,
        store: &Store,
        options: Arc<RenderOptions>,
    ) -> Result<Self, StoreError> {
        let channels = Arc::new(channels(snapshot, &options.channels).await?);
        let channels_at = snapshot.channels_modified_at().await?;
        Ok(Self { options, channels, channels_at, store: store.clone() })
    }

    /// All channels, in the order of the menu.
    pub fn channels(&self) -> &[Channel] {
        &self.channels
    }

    /// How many revisions a sealed page of a log holds; at least 1.
    pub fn page_size(&self) -> u64 {
        self.options.live.archive_page.max(1)
    }

    /// The zone of the site.
    pub fn zone(&self) -> Zone {
        self.options.site.time_zone
    }

    /// The second at which the list of channels last changed, or the configuration.
    pub fn channels_at(&self) -> Timestamp {
        self.channels_at
    }

    fn channel(&self, scope: Option<&Slug>) -> Option<&Channel> {
        self.channels.iter().find(|channel| Some(&channel.slug) == scope)
    }

    /// The name of the log in whose numbers a channel is counted.
    fn log_id_for(&self, scope: Option<&Slug>) -> String {
        self.store.log_id_for(scope)
    }

    /// What the live documents of a channel show. One that takes no new articles is shown whole where that is
    /// possible (rule H3).
    async fn live_feed(&self, snapshot: &mut Snapshot, scope: &Scope) -> Result<LiveFeedData, StoreError> {
        let whole = self.channel(scope.as_ref()).is_some_and(|channel| !channel.is_open());
        if whole {
            let view = snapshot.live(scope.as_ref(), LiveFeedOptions { whole, ..self.options.live }).await?;
            let (view, fits) = self.fitted(scope, view, Self::fits).await?;
            if fits {
                return Ok(view);
            }
        }
        let view = snapshot.live(scope.as_ref(), self.options.live).await?;
        Ok(self.fitted(scope, view, Self::fit).await?.0)
    }

    /// The view after `fit`, which takes some milliseconds.
    async fn fitted<T: Send + 'static>(
        &self,
        scope: &Scope,
        mut view: LiveFeedData,
        fit: fn(&Self, &Scope, &mut LiveFeedData) -> T,
    ) -> Result<(LiveFeedData, T), StoreError> {
        let (setting, scope) = (self.clone(), scope.clone());
        let fitted = blocking(move || {
            let outcome = fit(&setting, &scope, &mut view);
            (view, outcome)
        });
        fitted.await
    }

    /// What all pages share.
    pub fn page_context(&self) -> html::PageContext<'_> {
        html::PageContext::new(&self.options.site, &self.options.addresses, &self.channels)
    }
}

/// Prints on a thread that may block.
async fn blocking<T: Send + 'static>(print: impl FnOnce() -> T + Send + 'static) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(print).await {
        Ok(printed) => Ok(printed),
        Err(failure) => std::panic::resume_unwind(failure.into_panic()),
    }
}

/// The channels that the operator named, in that order, then those that the store knows by their folders.
///
/// # Errors
/// Where the store does not answer.
pub async fn channels(snapshot: &mut Snapshot, configured: &[Channel]) -> Result<Vec<Channel>, StoreError> {
    let mut channels = configured.to_vec();
    for known in snapshot.channels().await? {
        match channels.iter_mut().find(|channel| channel.slug == known.slug) {
            Some(channel) => channel.original_slug = known.original_slug,
            None => {
                let title = known.title.unwrap_or_else(|| known.slug.to_string());
                channels
                    .push(Channel { original_slug: known.original_slug, ..Channel::new(known.slug, title) });
            }
        }
    }
    Ok(channels)
}

/// One feed as it would be served now, for a command that prints it.
///
/// # Errors
/// Where the store does not answer.
pub async fn render_feed(
    store: &Store,
    options: &RenderOptions,
    scope: Option<&Slug>,
    format: Format,
) -> Result<Vec<u8>, StoreError> {
    let mut snapshot = store.snapshot().await?;
    let setting = RenderContext::load(&mut snapshot, store, Arc::new(options.clone())).await?;
    let scope = scope.cloned();
    let view = setting.live_feed(&mut snapshot, &scope).await?;
    Ok(feed::render(&live_input(&setting, &scope, &view), format))
}

fn live_input<'a>(setting: &'a RenderContext, scope: &Scope, view: &'a LiveFeedData) -> feed::FeedInput<'a> {
    feed::FeedInput {
        site: &setting.options.site,
        addresses: &setting.options.addresses,
        channel: setting.channel(scope.as_ref()),
        channels: &setting.channels,
        entries: &view.entries,
        tombstones: &view.tombstones,
        updated: view.state.updated,
        // Rule H3. Of an open channel complete is said only while nothing is sealed yet: then it is so by
        // itself, and turns into a feed with an archive once and for all. Later on a feed may happen to show
        // everything, on one day and not on the next; who keeps a place in the archive is better told of it.
        kind: FeedKind::Live {
            previous_archive: Some(view.sealed_pages).filter(|newest| *newest > 0),
            complete: view.complete,
        },
        hub: None,
    }
}

fn name(scope: &Scope) -> &str {
    scope.as_ref().map_or("(everything)", Slug::as_str)
}

/// What is swapped in for a channel, at a stroke.
struct ChannelDocuments {
    /// By path.
    documents: Vec<(String, Representation)>,
    live_feed: LiveFeed,
}

/// What became of a channel's printing.
struct ChannelResult {
    scope: Scope,
    state: ChannelState,
    outcome: Result<(ChannelDocuments, Vec<VerifyError>), VerifyError>,
}

/// The printing of one channel, on a thread that may block.
struct ChannelJob {
    setting: RenderContext,
    /// Of everything: the newest articles of each channel, in the order of the channels.
    sections: Vec<Vec<Entry>>,
    scope: Scope,
}

impl ChannelJob {
    fn run(mut self, view: LiveFeedData) -> ChannelResult {
        ChannelResult { state: view.state, outcome: self.render(view), scope: self.scope }
    }

    /// Prints; leaves out what does not pass, article by article. Fails where no article is to blame.
    fn render(
        &mut self,
        mut view: LiveFeedData,
    ) -> Result<(ChannelDocuments, Vec<VerifyError>), VerifyError> {
        let mut faults = Vec::new();
        loop {
            match self.attempt(&view) {
                Ok(documents) => {
                    let sections = std::mem::take(&mut self.sections);
                    let recent = LiveFeed::new(self.setting.clone(), self.scope.clone(), view, sections);
                    return Ok((ChannelDocuments { documents, live_feed: recent }, faults));
                }
                Err(fault) => {
                    let Some(guilty) = fault.article.clone() else { return Err(fault) };
                    if !remove(&mut view, &guilty) {
                        return Err(fault);
                    }
                    faults.push(fault);
                }
            }
        }
    }

    fn attempt(&self, view: &LiveFeedData) -> Result<Vec<(String, Representation)>, VerifyError> {
        let scope = self.scope.as_ref();
        let version = LogVersion { log: self.setting.log_id_for(scope), number: view.state.number };
        let document = live_input(&self.setting, &self.scope, view);
        let mut feeds = Vec::new();
        for format in Format::ALL {
            let bytes = feed::render(&document, format);
            (self.setting.options.verifier)(&document, format, &bytes)?;
            feeds.push((format, bytes));
        }
        let mut documents: Vec<_> = feeds
            .into_iter()
            .map(|(format, bytes)| {
                let printed = Representation::encode(
                    feed::media_type(format),
                    bytes,
                    &version,
                    view.state.last_modified,
                );
                let printed = if view.abridged { printed.into_abridged() } else { printed };
                (feed_path(scope, format), printed)
            })
            .collect();
        documents.extend(self.pages(view, &version));
        Ok(documents)
    }

    /// The page for people; with the view of everything also the list of all channels.
    fn pages(&self, view: &LiveFeedData, version: &LogVersion) -> Vec<(String, Representation)> {
        let RenderContext { options, channels, channels_at, .. } = &self.setting;
        let page = page(&self.setting, &self.scope, view, &self.sections, None);
        // Every page names all channels in its menu.
        let last_modified = view.state.last_modified.max(*channels_at);
        let mut documents = vec![(
            page_path(self.scope.as_ref()),
            Representation::encode(html::MEDIA_TYPE, page, version, last_modified),
        )];
        if self.scope.is_none() {
            let opml = feed::opml(&options.site, &options.addresses, channels);
            // Not the log's number: the list does not change with the articles.
            let version = LogVersion { log: version.log.clone(), number: channels.len() as u64 };
            let opml = Representation::encode(OPML_MEDIA_TYPE, opml, &version, *channels_at);
            documents.push((OPML_PATH.to_owned(), opml));
        }
        documents
    }
}

/// The page of a channel, or the first page; under a band where a person has opened the feed.
fn page(
    setting: &RenderContext,
    scope: &Scope,
    view: &LiveFeedData,
    sections: &[Vec<Entry>],
    opened: Option<Format>,
) -> Vec<u8> {
    let frame = setting.page_context();
    let items = setting.options.live.items as usize;
    match setting.channel(scope.as_ref()) {
        Some(channel) => {
            let newest = &view.entries[..view.entries.len().min(items)];
            html::channel(&frame, channel, newest, opened)
        }
        None => {
            let is_gone = |slug: &Slug| setting.channel(Some(slug)).is_some_and(Channel::is_gone);
            let served = view.entries.iter().filter(|entry| !entry.channels.iter().all(is_gone));
            let newest: Vec<Entry> = served.take(items).cloned().collect();
            let sections = setting.channels.iter().zip(sections.iter().map(Vec::as_slice));
            let sections: Vec<_> = sections.filter(|(channel, _)| !channel.is_gone()).collect();
            html::home(&frame, &newest, &sections, opened)
        }
    }
}

/// Of the list of all channels.
pub const OPML_MEDIA_TYPE: &str = "text/x-opml; charset=utf-8";

fn remove(view: &mut LiveFeedData, guilty: &ArticleId) -> bool {
    // What is not shown cannot be told of as new either.
    view.complete = false;
    view.delta_floor = view.delta_floor.max(view.last_changes.get(guilty).copied().unwrap_or_default());
    remove_from(&mut view.entries, &mut view.tombstones, guilty)
}

/// Takes an article out; false where it is not there.
fn remove_from(entries: &mut Vec<Entry>, tombstones: &mut Vec<Tombstone>, guilty: &ArticleId) -> bool {
    let before = entries.len() + tombstones.len();
    entries.retain(|entry| entry.id != *guilty);
    tombstones.retain(|tombstone| tombstone.id != *guilty);
    entries.len() + tombstones.len() < before
}
