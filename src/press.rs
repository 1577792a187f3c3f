//! Prints what readers fetch: builds a channel's documents when the log has grown, reads each back with a
//! parser of its own, compresses once, hashes, and swaps all of them in at a stroke.
//!
//! No request for a feed waits for anything here, but for one: where several processes share the log, who would be sent
//! a whole document waits within a bound for what the log is known to hold and the press is about to print
//! ([`Progress`]). What is too much to keep is printed when it is asked for: an article's page, a sealed page of the log
//! ([`Archive`]), what is new in a feed ([`Recent`]), a search, a month, a sitemap ([`Desk`]); or when all of it is, from
//! one state of the log. A document is a function of the log, the configuration and the program's version; the press
//! reads no clock but to pace itself.

mod archive;
mod article;
mod cache;
mod desk;
mod document;
mod fit;
mod furniture;
mod recent;
mod rest;
mod shelf;
mod stand;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tracing::{debug, error, warn};

use crate::address::{Addresses, Format, OPML_PATH, Scope, feed_path, page_path};
use crate::article::{ArticleId, Entry, Tombstone};
use crate::channel::{Channel, Site, Slug};
use crate::feed::{self, Fault, Part};
use crate::pages;
use crate::store::{Announcement, ChannelState, LiveChoice, LiveView, Snapshot, Store, StoreError};
use crate::vietnam_time::{Moment, Zone};

use furniture::Furniture;
use rest::Rest;

pub use archive::{Archive, ArchiveSheet, PrintedPage};
pub use article::{ArticlePages, ArticleSheet, PrintedArticle};
pub use desk::{Asked, Desk, DeskSheet, Laid, MonthPart, cursor_of, place_of};
pub use document::{Coded, Coding, Document, Kind, Version, http_date, is_abridged};
pub use furniture::furniture;
pub use recent::Recent;
pub use stand::{Edition, Progress, Stand};

/// After the store failed.
const RETRY: Duration = Duration::from_secs(1);

/// What all documents depend on beside the log.
#[derive(Clone, Debug)]
pub struct Options {
    /// The publisher.
    pub site: Site,
    /// Makes the links.
    pub addresses: Arc<Addresses>,
    /// The channels that the operator named, in the order of the menu. Others are known by their folders.
    pub channels: Vec<Channel>,
    /// What a live feed shows.
    pub live: LiveChoice,
    /// The judge of what was printed: [`feed::read_back`].
    pub inspector: Inspector,
}

/// Reads a printed document back.
pub type Inspector = fn(&feed::Document<'_>, Format, &[u8]) -> Result<(), Fault>;

/// What the room counts, for the metrics page.
#[derive(Debug, Default)]
pub struct Counters {
    /// Reprints that were made.
    pub reprints: AtomicU64,
    /// Documents that were printed.
    pub documents: AtomicU64,
    /// Articles and documents that did not pass the reading back.
    pub faults: AtomicU64,
}

/// Prints the editions.
pub struct Press {
    store: Store,
    options: Arc<Options>,
    stand: Stand,
    counters: Arc<Counters>,
    /// What each channel's documents were last printed from.
    printed: HashMap<Scope, ChannelState>,
    channels_at: Option<Moment>,
    cores: usize,
}

impl Press {
    /// A press that has printed nothing yet, and the stand to which it brings its editions.
    pub fn new(store: Store, options: Options, counters: Arc<Counters>) -> (Self, Stand) {
        let stand = Stand::default();
        let press = Self {
            store,
            options: Arc::new(options),
            stand: stand.clone(),
            counters,
            printed: HashMap::new(),
            channels_at: None,
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        };
        (press, stand)
    }

    /// Goes on from what was printed before, by whomever: the documents of these channels stand in these states, and
    /// the list of channels as of that second. They are not printed again until something changes.
    pub fn go_on_from(&mut self, printed: HashMap<Scope, ChannelState>, channels_at: Moment) {
        self.printed = printed;
        self.channels_at = Some(channels_at);
    }

    /// Prints whenever the log has grown, until `shutdown` turns true.
    pub async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        let mut announced = self.store.announcements();
        announced.mark_changed();
        let mut rest = Rest::from(Instant::now());
        loop {
            tokio::select! {
                _ = shutdown.wait_for(|stop| *stop) => return,
                changed = announced.changed() => if changed.is_err() { return },
            }
            tokio::select! {
                _ = shutdown.wait_for(|stop| *stop) => return,
                () = self.rested(&rest, &announced) => {}
            }
            // What came meanwhile is printed together with it.
            announced.mark_unchanged();
            let began = Instant::now();
            let Err(cause) = self.reprint().await else {
                rest.earn(began, Instant::now());
                continue;
            };
            error!(%cause, "the documents could not be printed; the last edition stays up");
            self.stand.is_stuck();
            announced.mark_changed();
            tokio::select! {
                _ = shutdown.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(RETRY) => {}
            }
        }
    }

    /// Waits for the end of the rest, which is longer where more has come meanwhile.
    async fn rested(&self, rest: &Rest, announced: &watch::Receiver<Announcement>) {
        loop {
            let (heard, printed) = (*announced.borrow(), self.stand.progress().borrow().printed);
            // Another configuration or another channel changes every document.
            let all = heard.generation > printed.generation;
            let ends = rest.ends(if all { u64::MAX } else { heard.head.saturating_sub(printed.head) });
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
    pub async fn reprint(&mut self) -> Result<usize, StoreError> {
        let heard = *self.store.announcements().borrow();
        // One state of the log for all of it: no article is in two channels, or in none, because it was moved
        // while the press was running.
        let mut snapshot = self.store.snapshot().await?;
        // A log that was set back to an older state never comes to what was heard of it.
        let log = snapshot.announcement().await?.or_later(heard);
        let changed = self.reprint_from(&mut snapshot).await?;
        self.stand.is_printed(log);
        Ok(changed)
    }

    /// The same from a state of the log that is held already.
    ///
    /// # Errors
    /// Where the store does not answer; the last edition stays up.
    pub async fn reprint_from(&mut self, snapshot: &mut Snapshot) -> Result<usize, StoreError> {
        let setting = Setting::read(snapshot, &self.store, Arc::clone(&self.options)).await?;
        let channels_at = setting.channels_at;
        let states = snapshot.states().await?;
        let founded = self.channels_at != Some(channels_at);
        // Nothing of a reprint counts before all of it is there: the store may fail on the way.
        let mut round = Round {
            edition: Edition::clone(&self.stand.edition()),
            printed: self.printed.clone(),
            changed: 0,
        };
        if founded {
            let setting = setting.clone();
            round.edition.furnish(blocking(move || Furniture::print(&setting)).await?);
        }
        // What the first page shows of each channel; everything is printed last.
        let mut newest: HashMap<Slug, Vec<Entry>> = HashMap::new();
        let mut under_way = JoinSet::new();
        let served = setting.channels.iter().filter(|channel| !channel.is_gone());
        let scopes = served.map(|channel| Some(channel.slug.clone())).chain([None]);
        for scope in scopes {
            // Every page names all channels, so a new one changes it; the feeds come out as they were.
            if !founded && self.printed.get(&scope) == states.get(&scope) {
                continue;
            }
            // A channel for each core, and no more views in memory than are being printed.
            if under_way.len() >= self.cores
                && let Some(finished) = under_way.join_next().await
            {
                round.lay_in(finished, &self.counters);
            }
            let view = setting.live(snapshot, &scope).await?;
            for article in &view.unreadable {
                error!(channel = %name(&scope), %article, "the store holds this article damaged; it is left out");
            }
            let sections = match &scope {
                Some(slug) => {
                    newest
                        .insert(slug.clone(), view.entries.iter().take(pages::IN_SECTION).cloned().collect());
                    Vec::new()
                }
                None => sections(snapshot, &setting, &round.edition, &mut newest).await?,
            };
            let job = Job { setting: setting.clone(), sections, scope };
            under_way.spawn_blocking(move || job.run(view));
        }
        while let Some(finished) = under_way.join_next().await {
            round.lay_in(finished, &self.counters);
        }
        self.printed = round.printed;
        if round.changed > 0 {
            self.channels_at = Some(channels_at);
            self.counters.reprints.fetch_add(1, Ordering::Relaxed);
            self.stand.swap(round.edition);
        }
        Ok(round.changed)
    }
}

/// What the first page shows of each channel, in the order of the channels: of those that are printed now from
/// `newest`, of the others from the last edition, or else from the store.
async fn sections(
    snapshot: &mut Snapshot,
    setting: &Setting,
    edition: &Edition,
    newest: &mut HashMap<Slug, Vec<Entry>>,
) -> Result<Vec<Vec<Entry>>, StoreError> {
    let mut sections = Vec::with_capacity(setting.channels.len());
    for channel in setting.channels.iter() {
        let scope = Some(channel.slug.clone());
        let entries = match (newest.remove(&channel.slug), edition.recent(&scope)) {
            (Some(entries), _) => entries,
            (None, Some(recent)) => recent.newest(pages::IN_SECTION).to_vec(),
            (None, None) if channel.is_gone() => Vec::new(),
            (None, None) => {
                let mut entries = setting.live(snapshot, &scope).await?.entries;
                entries.truncate(pages::IN_SECTION);
                entries
            }
        };
        sections.push(entries);
    }
    Ok(sections)
}

/// A reprint under way.
struct Round {
    edition: Edition,
    printed: HashMap<Scope, ChannelState>,
    /// How many channels were printed.
    changed: usize,
}

impl Round {
    /// Puts a channel's documents into the edition; where they did not pass, the last ones stay.
    fn lay_in(&mut self, finished: Result<Finished, JoinError>, counters: &Counters) {
        let Finished { scope, state, outcome } =
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
                counters.faults.fetch_add(faults.len() as u64, Ordering::Relaxed);
                counters.documents.fetch_add(printed.documents.len() as u64, Ordering::Relaxed);
                debug!(channel = %name(&scope), number = state.number, "printed");
                self.edition.replace(scope, printed);
                self.changed += 1;
            }
            Err(fault) => {
                error!(
                    channel = %name(&scope), reason = %fault.reason,
                    "the channel did not pass its reading back; its last edition stays up"
                );
                counters.faults.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// All that documents depend on beside the articles in them, as of one state of the log.
#[derive(Clone)]
pub struct Setting {
    options: Arc<Options>,
    channels: Arc<Vec<Channel>>,
    channels_at: Moment,
    store: Store,
}

impl Setting {
    /// Reads it.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn read(
        snapshot: &mut Snapshot,
        store: &Store,
        options: Arc<Options>,
    ) -> Result<Self, StoreError> {
        let channels = Arc::new(channels(snapshot, &options.channels).await?);
        let channels_at = snapshot.channels_at().await?;
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
        self.options.site.zone
    }

    /// The second at which the list of channels last changed, or the configuration.
    pub fn channels_at(&self) -> Moment {
        self.channels_at
    }

    fn channel(&self, scope: Option<&Slug>) -> Option<&Channel> {
        self.channels.iter().find(|channel| Some(&channel.slug) == scope)
    }

    /// The name of the log in whose numbers a channel is counted.
    fn log_of(&self, scope: Option<&Slug>) -> String {
        self.store.log_of(scope)
    }

    /// What the live documents of a channel show. One that takes no new articles is shown whole where that is
    /// possible (rule H3).
    async fn live(&self, snapshot: &mut Snapshot, scope: &Scope) -> Result<LiveView, StoreError> {
        let whole = self.channel(scope.as_ref()).is_some_and(|channel| !channel.is_open());
        if whole {
            let view = snapshot.live(scope.as_ref(), LiveChoice { whole, ..self.options.live }).await?;
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
        mut view: LiveView,
        fit: fn(&Self, &Scope, &mut LiveView) -> T,
    ) -> Result<(LiveView, T), StoreError> {
        let (setting, scope) = (self.clone(), scope.clone());
        let fitted = blocking(move || {
            let outcome = fit(&setting, &scope, &mut view);
            (view, outcome)
        });
        fitted.await
    }

    /// What all pages share.
    pub fn frame(&self) -> pages::Frame<'_> {
        pages::Frame::new(&self.options.site, &self.options.addresses, &self.channels)
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
            Some(channel) => channel.founded_as = known.founded_as,
            None => {
                let title = known.title.unwrap_or_else(|| known.slug.to_string());
                channels.push(Channel { founded_as: known.founded_as, ..Channel::new(known.slug, title) });
            }
        }
    }
    Ok(channels)
}

/// One feed as it would be served now, for a command that prints it.
///
/// # Errors
/// Where the store does not answer.
pub async fn print_feed(
    store: &Store,
    options: &Options,
    scope: Option<&Slug>,
    format: Format,
) -> Result<Vec<u8>, StoreError> {
    let mut snapshot = store.snapshot().await?;
    let setting = Setting::read(&mut snapshot, store, Arc::new(options.clone())).await?;
    let scope = scope.cloned();
    let view = setting.live(&mut snapshot, &scope).await?;
    Ok(feed::print(&live_document(&setting, &scope, &view), format))
}

fn live_document<'a>(setting: &'a Setting, scope: &Scope, view: &'a LiveView) -> feed::Document<'a> {
    feed::Document {
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
        part: Part::Live {
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
struct Printed {
    /// By path.
    documents: Vec<(String, Document)>,
    recent: Recent,
}

/// What became of a channel's printing.
struct Finished {
    scope: Scope,
    state: ChannelState,
    outcome: Result<(Printed, Vec<Fault>), Fault>,
}

/// The printing of one channel, on a thread that may block.
struct Job {
    setting: Setting,
    /// Of everything: the newest articles of each channel, in the order of the channels.
    sections: Vec<Vec<Entry>>,
    scope: Scope,
}

impl Job {
    fn run(mut self, view: LiveView) -> Finished {
        Finished { state: view.state, outcome: self.print(view), scope: self.scope }
    }

    /// Prints; leaves out what does not pass, article by article. Fails where no article is to blame.
    fn print(&mut self, mut view: LiveView) -> Result<(Printed, Vec<Fault>), Fault> {
        let mut faults = Vec::new();
        loop {
            match self.attempt(&view) {
                Ok(documents) => {
                    let sections = std::mem::take(&mut self.sections);
                    let recent = Recent::new(self.setting.clone(), self.scope.clone(), view, sections);
                    return Ok((Printed { documents, recent }, faults));
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

    fn attempt(&self, view: &LiveView) -> Result<Vec<(String, Document)>, Fault> {
        let scope = self.scope.as_ref();
        let version = Version { log: self.setting.log_of(scope), number: view.state.number };
        let document = live_document(&self.setting, &self.scope, view);
        let mut feeds = Vec::new();
        for format in Format::ALL {
            let bytes = feed::print(&document, format);
            (self.setting.options.inspector)(&document, format, &bytes)?;
            feeds.push((format, bytes));
        }
        let mut documents: Vec<_> = feeds
            .into_iter()
            .map(|(format, bytes)| {
                let printed =
                    Document::print(feed::media_type(format), bytes, &version, view.state.last_modified);
                let printed = if view.abridged { printed.into_abridged() } else { printed };
                (feed_path(scope, format), printed)
            })
            .collect();
        documents.extend(self.pages(view, &version));
        Ok(documents)
    }

    /// The page for people; with the view of everything also the list of all channels.
    fn pages(&self, view: &LiveView, version: &Version) -> Vec<(String, Document)> {
        let Setting { options, channels, channels_at, .. } = &self.setting;
        let page = page(&self.setting, &self.scope, view, &self.sections, None);
        // Every page names all channels in its menu.
        let last_modified = view.state.last_modified.max(*channels_at);
        let mut documents = vec![(
            page_path(self.scope.as_ref()),
            Document::print(pages::MEDIA_TYPE, page, version, last_modified),
        )];
        if self.scope.is_none() {
            let opml = feed::opml(&options.site, &options.addresses, channels);
            // Not the log's number: the list does not change with the articles.
            let version = Version { log: version.log.clone(), number: channels.len() as u64 };
            let opml = Document::print(OPML_MEDIA_TYPE, opml, &version, *channels_at);
            documents.push((OPML_PATH.to_owned(), opml));
        }
        documents
    }
}

/// The page of a channel, or the first page; under a band where a person has opened the feed.
fn page(
    setting: &Setting,
    scope: &Scope,
    view: &LiveView,
    sections: &[Vec<Entry>],
    opened: Option<Format>,
) -> Vec<u8> {
    let frame = setting.frame();
    let items = setting.options.live.items as usize;
    match setting.channel(scope.as_ref()) {
        Some(channel) => {
            let newest = &view.entries[..view.entries.len().min(items)];
            pages::channel(&frame, channel, newest, opened)
        }
        None => {
            let is_gone = |slug: &Slug| setting.channel(Some(slug)).is_some_and(Channel::is_gone);
            let served = view.entries.iter().filter(|entry| !entry.channels.iter().all(is_gone));
            let newest: Vec<Entry> = served.take(items).cloned().collect();
            let sections = setting.channels.iter().zip(sections.iter().map(Vec::as_slice));
            let sections: Vec<_> = sections.filter(|(channel, _)| !channel.is_gone()).collect();
            pages::home(&frame, &newest, &sections, opened)
        }
    }
}

/// Of the list of all channels.
pub const OPML_MEDIA_TYPE: &str = "text/x-opml; charset=utf-8";

fn remove(view: &mut LiveView, guilty: &ArticleId) -> bool {
    // What is not shown cannot be told of as new either.
    view.complete = false;
    view.covered_from = view.covered_from.max(view.changes.get(guilty).copied().unwrap_or_default());
    remove_from(&mut view.entries, &mut view.tombstones, guilty)
}

/// Takes an article out; false where it is not there.
fn remove_from(entries: &mut Vec<Entry>, tombstones: &mut Vec<Tombstone>, guilty: &ArticleId) -> bool {
    let before = entries.len() + tombstones.len();
    entries.retain(|entry| entry.id != *guilty);
    tombstones.retain(|tombstone| tombstone.id != *guilty);
    entries.len() + tombstones.len() < before
}
