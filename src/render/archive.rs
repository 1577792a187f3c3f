//! Archive pages (RFC 5005; feed rules H1, H2), rendered on demand because there are too many to keep.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::{error, warn};

use super::compression::Effort;
use super::context::{RenderContext, RenderOptions, blocking, remove_article, scope_name};
use super::lru::LruCache;
use super::representation::{LogVersion, Representation};
use crate::feed::{self, FeedKind, VerifyError};
use crate::store::{ArchivePageData, ChannelState, Snapshot, Store, StoreError};
use crate::urls::{Format, Scope};

/// Cached pages, some ten megabytes: clients read the archive from the newest page on.
const CAPACITY: usize = 64;

/// The result of a request for an archive page.
#[derive(Clone)]
pub enum ArchivePage {
    /// The page.
    Page(Arc<Representation>),
    /// Verification failed outside of the articles.
    Failed,
    /// The page does not exist or is not sealed yet.
    NotFound,
}

/// Renders and caches archive pages.
pub struct ArchiveRenderer {
    store: Store,
    options: Arc<RenderOptions>,
    cache: Mutex<LruCache<Key, Arc<Representation>>>,
}

/// Everything that a page depends on, so that a cached page is never stale.
#[derive(Clone, PartialEq, Eq)]
struct Key {
    scope: Scope,
    page: u64,
    format: Format,
    state: ChannelState,
    config_epoch: u64,
}

impl ArchiveRenderer {
    /// A renderer for the archive of `store`.
    pub fn new(store: Store, options: RenderOptions) -> Self {
        Self { store, options: Arc::new(options), cache: Mutex::new(LruCache::new(CAPACITY)) }
    }

    /// Page `page`, from 1, of a channel's archive, or of the archive of all channels.
    ///
    /// # Errors
    /// The store is unavailable.
    pub async fn page(&self, scope: &Scope, page: u64, format: Format) -> Result<ArchivePage, StoreError> {
        let page_size = self.options.live.archive_page;
        let mut snapshot = self.store.snapshot().await?;
        let Some(state) = snapshot.archive_state(scope.as_ref(), page, page_size).await? else {
            return Ok(ArchivePage::NotFound);
        };
        let config_epoch = snapshot.config_epoch().await?;
        let key = Key { scope: scope.clone(), page, format, state, config_epoch };
        if let Some(document) = self.cached(&key) {
            return Ok(ArchivePage::Page(document));
        }
        let context = RenderContext::load(&mut snapshot, &self.store, Arc::clone(&self.options)).await?;
        let Some(input) = ArchivePageInput::load(&mut snapshot, &context, scope, page).await? else {
            return Ok(ArchivePage::NotFound);
        };
        drop(snapshot);
        match blocking(move || input.render(format)).await? {
            Ok(document) => {
                let document = Arc::new(document);
                self.cache.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&document));
                Ok(ArchivePage::Page(document))
            }
            Err(fault) => {
                error!(channel = %scope_name(scope), page, reason = %fault.reason, "archive page failed verification");
                Ok(ArchivePage::Failed)
            }
        }
    }

    fn cached(&self, key: &Key) -> Option<Arc<Representation>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).get(key)
    }
}

/// The data of an archive page, read from one snapshot.
pub struct ArchivePageInput {
    context: RenderContext,
    scope: Scope,
    page: u64,
    view: ArchivePageData,
}

impl ArchivePageInput {
    /// Loads page `page`, from 1, of a channel's archive, or of the archive of all channels. None if it does not exist or
    /// is not sealed yet.
    ///
    /// # Errors
    /// The store is unavailable.
    pub async fn load(
        snapshot: &mut Snapshot,
        context: &RenderContext,
        scope: &Scope,
        page: u64,
    ) -> Result<Option<Self>, StoreError> {
        let page_size = context.options.live.archive_page;
        let Some(mut view) = snapshot.archive(scope.as_ref(), page, page_size).await? else {
            return Ok(None);
        };
        for article in &view.unreadable {
            error!(channel = %scope_name(scope), page, %article, "stored revision is damaged and omitted");
        }
        let (owned, owned_scope) = (context.clone(), scope.clone());
        let view = blocking(move || {
            let mut entries = std::mem::take(&mut view.entries);
            owned.shorten(&mut entries, &document(&owned, &owned_scope, page, &view));
            ArchivePageData { entries, ..view }
        });
        Ok(Some(Self { context: context.clone(), scope: scope.clone(), page, view: view.await? }))
    }

    /// Renders; omits articles that fail verification. Blocking: takes some milliseconds.
    ///
    /// # Errors
    /// Verification failed outside of the articles.
    pub fn render(&self, format: Format) -> Result<Representation, VerifyError> {
        let mut view = Cow::Borrowed(&self.view);
        loop {
            let fault = match self.attempt(&view, format) {
                Ok(document) => return Ok(document),
                Err(fault) => fault,
            };
            let Some(article) = &fault.article else { return Err(fault) };
            let ArchivePageData { entries, tombstones, .. } = view.to_mut();
            if !remove_article(entries, tombstones, article) {
                return Err(fault);
            }
            warn!(
                channel = %scope_name(&self.scope), page = self.page, article = ?fault.article, reason = %fault.reason,
                "article failed verification and is omitted"
            );
        }
    }

    fn attempt(&self, view: &ArchivePageData, format: Format) -> Result<Representation, VerifyError> {
        let document = document(&self.context, &self.scope, self.page, view);
        let bytes = self.context.render_feed(&document, format)?;
        let version =
            LogVersion { log: self.context.log_id_for(self.scope.as_ref()), number: view.state.number };
        let page = Representation::new(feed::media_type(format), bytes, &version, view.state.last_modified);
        // A client reads a sealed page once.
        Ok(page.with_effort(Effort::Quick))
    }
}

fn document<'a>(
    context: &'a RenderContext,
    scope: &Scope,
    page: u64,
    view: &'a ArchivePageData,
) -> feed::FeedInput<'a> {
    let kind = FeedKind::Archive { page, previous: Some(page - 1).filter(|page| *page > 0) };
    context.feed_input(scope, &view.entries, &view.tombstones, view.state.updated, kind)
}
