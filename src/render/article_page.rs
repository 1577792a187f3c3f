//! Article pages, rendered on demand because there are too many to keep.

use std::sync::Arc;

use super::cache::{Cache, Weigh};
use super::context::{RenderContext, RenderOptions, blocking};
use super::representation::{LogVersion, Representation};
use crate::html;
use crate::model::{Channel, Correction, Neighbours, Permalink};
use crate::store::{ArticleLookup, Snapshot, Store, StoreError};
use crate::time::Timestamp;

/// The result of a request for an article.
#[derive(Clone)]
pub enum ArticlePage {
    /// The page.
    Page(Arc<Representation>),
    /// The article was withdrawn; the page says so.
    Gone(Arc<Representation>),
    /// No article was ever published at this URL.
    NotFound,
}

/// The data of an article page, read from one snapshot.
pub struct ArticlePageInput {
    context: RenderContext,
    lookup: ArticleLookup,
    corrections: Vec<Correction>,
    neighbours: Neighbours,
    /// The last revision that changed the neighbours.
    neighbours_changed: Option<(u64, Timestamp)>,
}

/// The capacity of the cache in bytes, about 1,300 typical pages.
const CACHE_BYTES: u64 = 32 << 20;
/// The typical size of a page in its three encodings.
const TYPICAL_BYTES: u64 = 24 << 10;

/// Renders and caches article pages.
pub struct ArticlePages {
    store: Store,
    options: Arc<RenderOptions>,
    cache: Cache<Permalink, CachedPage>,
}

/// A page and what it depends on: the article's revision, its neighbours and the channels in the menu. The configuration
/// cannot change while the process runs.
#[derive(Clone)]
struct CachedPage {
    page: ArticlePage,
    number: u64,
    neighbours_changed: Option<(u64, Timestamp)>,
    channels: Arc<Vec<Channel>>,
}

impl Weigh for CachedPage {
    fn weight(&self) -> u64 {
        match &self.page {
            ArticlePage::Page(page) | ArticlePage::Gone(page) => page.weight(),
            ArticlePage::NotFound => 0,
        }
    }

    /// SECURITY: requests for unknown URLs must not evict pages.
    fn is_cacheable(&self) -> bool {
        !matches!(self.page, ArticlePage::NotFound)
    }
}

impl ArticlePages {
    /// A renderer for the articles of `store`.
    pub fn new(store: Store, options: RenderOptions) -> Self {
        let cache = Cache::new(store.subscribe(), CACHE_BYTES, TYPICAL_BYTES);
        Self { store, options: Arc::new(options), cache }
    }

    /// The page if it is cached and current. Does not access the store.
    pub fn cached(&self, permalink: &Permalink) -> Option<ArticlePage> {
        self.cache.get(permalink).map(|cached| cached.page)
    }

    /// The page from the cache or the store.
    ///
    /// # Errors
    /// The store is unavailable.
    pub async fn render(&self, permalink: &Permalink) -> Result<ArticlePage, StoreError> {
        let cached =
            self.cache.get_or_make(permalink.clone(), |previous| self.load(permalink, previous)).await?;
        Ok(cached.page)
    }

    async fn load(
        &self,
        permalink: &Permalink,
        previous: Option<CachedPage>,
    ) -> Result<CachedPage, StoreError> {
        let mut snapshot = self.store.snapshot().await?;
        let context = RenderContext::load(&mut snapshot, &self.store, Arc::clone(&self.options)).await?;
        let lookup = snapshot.article(permalink).await?;
        let (number, neighbours_changed) = match &lookup {
            ArticleLookup::Live { entry, number, .. } => {
                (*number, snapshot.neighbours_changed(&entry.id).await?)
            }
            ArticleLookup::Withdrawn(_) | ArticleLookup::NotFound => (0, None),
        };
        let channels = Arc::clone(&context.channels);
        // The log has changed, but nothing that the page depends on.
        if let Some(previous) = previous
            && matches!(previous.page, ArticlePage::Page(_))
            && (previous.number, previous.neighbours_changed) == (number, neighbours_changed)
            && previous.channels == channels
        {
            return Ok(previous);
        }
        let input = ArticlePageInput::from_lookup(&mut snapshot, &context, lookup).await?;
        drop(snapshot);
        let page = blocking(move || input.render()).await?;
        Ok(CachedPage { page, number, neighbours_changed, channels })
    }
}

impl ArticlePageInput {
    /// Loads the article at `permalink`.
    ///
    /// # Errors
    /// The store is unavailable.
    pub async fn load(
        snapshot: &mut Snapshot,
        context: &RenderContext,
        permalink: &Permalink,
    ) -> Result<Self, StoreError> {
        let lookup = snapshot.article(permalink).await?;
        Self::from_lookup(snapshot, context, lookup).await
    }

    async fn from_lookup(
        snapshot: &mut Snapshot,
        context: &RenderContext,
        lookup: ArticleLookup,
    ) -> Result<Self, StoreError> {
        let mut input = Self {
            context: context.clone(),
            lookup,
            corrections: Vec::new(),
            neighbours: Neighbours::default(),
            neighbours_changed: None,
        };
        if let ArticleLookup::Live { entry, .. } = &input.lookup {
            input.corrections = snapshot.corrections(&entry.id).await?;
            if let Some(channel) = html::main_channel(&context.channels, entry) {
                input.neighbours = snapshot.neighbours(&channel.slug, &entry.id).await?;
            }
            input.neighbours_changed = snapshot.neighbours_changed(&entry.id).await?;
        }
        Ok(input)
    }

    /// Blocking: takes some milliseconds.
    pub fn render(self) -> ArticlePage {
        let Self { context, lookup, corrections, neighbours, neighbours_changed } = self;
        let page_context = context.page_context();
        // The menu of every page contains all channels.
        let encode = |page, number, at: Timestamp| {
            let version = LogVersion { log: context.log_id_for(None), number };
            Arc::new(Representation::new(html::MEDIA_TYPE, page, &version, at.max(context.channels_at)))
        };
        match lookup {
            ArticleLookup::Live { entry, number, at } => {
                let at = neighbours_changed.map_or(at, |(_, changed_at)| at.max(changed_at));
                let page = html::article(&page_context, &entry, &corrections, &neighbours);
                ArticlePage::Page(encode(page, number, at))
            }
            ArticleLookup::Withdrawn(tombstone) => {
                ArticlePage::Gone(encode(html::withdrawn_page(&page_context, &tombstone), 0, tombstone.when))
            }
            ArticleLookup::NotFound => ArticlePage::NotFound,
        }
    }
}
