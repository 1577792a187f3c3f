//! The sealed pages of the channels' logs, printed when they are asked for: there are too many to keep them
//! all (RFC 5005; rules H1, H2).

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::{error, warn};

use super::lru::LruCache;
use super::{LogVersion, RenderContext, RenderOptions, Representation, blocking, name, remove_from};
use crate::feed::{self, FeedKind, VerifyError};
use crate::store::{ArchivePageData, ChannelState, Snapshot, Store, StoreError};
use crate::urls::{Format, Scope};

/// Pages that are kept printed: portals walk the same way, from the newest on. Some ten megabytes.
const CAPACITY: usize = 64;

/// A sealed page.
#[derive(Clone)]
pub enum ArchivePage {
    /// As it stands now.
    Page(Arc<Representation>),
    /// It did not pass its reading back, and no article is to blame.
    Failed,
    /// There is no such page, or it is not sealed yet.
    NotFound,
}

/// Prints the pages.
pub struct ArchiveRenderer {
    store: Store,
    options: Arc<RenderOptions>,
    cache: Mutex<LruCache<Key, Arc<Representation>>>,
}

/// Everything that a page depends on, so that one that was printed before is right or is not found.
#[derive(Clone, PartialEq, Eq)]
struct Key {
    scope: Scope,
    page: u64,
    format: Format,
    state: ChannelState,
    generation: u64,
}

impl ArchiveRenderer {
    /// The pages of the log in `store`.
    pub fn new(store: Store, options: RenderOptions) -> Self {
        Self { store, options: Arc::new(options), cache: Mutex::new(LruCache::new(CAPACITY)) }
    }

    /// Page `page` of a channel's log, counted from 1; of the log of everything, without a channel.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn page(&self, scope: &Scope, page: u64, format: Format) -> Result<ArchivePage, StoreError> {
        let page_size = self.options.live.archive_page;
        let mut snapshot = self.store.snapshot().await?;
        let Some(state) = snapshot.archive_state(scope.as_ref(), page, page_size).await? else {
            return Ok(ArchivePage::NotFound);
        };
        let generation = snapshot.config_epoch().await?;
        let key = Key { scope: scope.clone(), page, format, state, generation };
        if let Some(document) = self.cached(&key) {
            return Ok(ArchivePage::Page(document));
        }
        let setting = RenderContext::load(&mut snapshot, &self.store, Arc::clone(&self.options)).await?;
        let Some(sheet) = ArchivePageInput::load(&mut snapshot, &setting, scope, page).await? else {
            return Ok(ArchivePage::NotFound);
        };
        drop(snapshot);
        match blocking(move || sheet.render(format)).await? {
            Ok(document) => {
                let document = Arc::new(document);
                self.cache.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&document));
                Ok(ArchivePage::Page(document))
            }
            Err(fault) => {
                error!(channel = %name(scope), page, reason = %fault.reason, "the page did not pass its reading back");
                Ok(ArchivePage::Failed)
            }
        }
    }

    fn cached(&self, key: &Key) -> Option<Arc<Representation>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).get(key)
    }
}

/// What a sealed page is made of, read from one state of the log.
pub struct ArchivePageInput {
    setting: RenderContext,
    scope: Scope,
    page: u64,
    view: ArchivePageData,
}

impl ArchivePageInput {
    /// Reads page `page` of a channel's log, counted from 1; of the log of everything, without a channel. None where
    /// there is no such page, or it is not sealed yet.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn load(
        snapshot: &mut Snapshot,
        setting: &RenderContext,
        scope: &Scope,
        page: u64,
    ) -> Result<Option<Self>, StoreError> {
        let page_size = setting.options.live.archive_page;
        let Some(mut view) = snapshot.archive(scope.as_ref(), page, page_size).await? else {
            return Ok(None);
        };
        for article in &view.unreadable {
            error!(channel = %name(scope), page, %article, "the store holds this revision damaged; it is left out");
        }
        let (owned, frame_of) = (setting.clone(), scope.clone());
        let view = blocking(move || {
            let mut entries = std::mem::take(&mut view.entries);
            owned.shorten(&mut entries, &document(&owned, &frame_of, page, &view));
            ArchivePageData { entries, ..view }
        });
        Ok(Some(Self { setting: setting.clone(), scope: scope.clone(), page, view: view.await? }))
    }

    /// Prints; leaves out what does not pass, article by article. Takes some milliseconds: call it where blocking is
    /// allowed.
    ///
    /// # Errors
    /// Where it does not pass its reading back and no article is to blame.
    pub fn render(&self, format: Format) -> Result<Representation, VerifyError> {
        let mut view = Cow::Borrowed(&self.view);
        loop {
            let fault = match self.attempt(&view, format) {
                Ok(document) => return Ok(document),
                Err(fault) => fault,
            };
            let Some(guilty) = &fault.article else { return Err(fault) };
            let ArchivePageData { entries, tombstones, .. } = view.to_mut();
            if !remove_from(entries, tombstones, guilty) {
                return Err(fault);
            }
            warn!(
                channel = %name(&self.scope), page = self.page, article = ?fault.article, reason = %fault.reason,
                "this article cannot be printed and is left out"
            );
        }
    }

    fn attempt(&self, view: &ArchivePageData, format: Format) -> Result<Representation, VerifyError> {
        let document = document(&self.setting, &self.scope, self.page, view);
        let bytes = feed::render(&document, format);
        (self.setting.options.verifier)(&document, format, &bytes)?;
        let version =
            LogVersion { log: self.setting.log_id_for(self.scope.as_ref()), number: view.state.number };
        Ok(Representation::encode(feed::media_type(format), bytes, &version, view.state.last_modified))
    }
}

fn document<'a>(
    setting: &'a RenderContext,
    scope: &Scope,
    page: u64,
    view: &'a ArchivePageData,
) -> feed::FeedInput<'a> {
    feed::FeedInput {
        site: &setting.options.site,
        addresses: &setting.options.addresses,
        channel: setting.channel(scope.as_ref()),
        channels: &setting.channels,
        entries: &view.entries,
        tombstones: &view.tombstones,
        updated: view.state.updated,
        kind: FeedKind::Archive { page, previous: Some(page - 1).filter(|page| *page > 0) },
        hub: None,
    }
}
