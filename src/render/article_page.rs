//! An article's own page, printed when it is asked for: there are too many to keep them all.

use std::sync::Arc;

use super::cache::{Cache, Weigh};
use super::{LogVersion, RenderContext, RenderOptions, Representation, blocking};
use crate::html;
use crate::model::{Channel, Permalink};
use crate::store::{ArticleLookup, Snapshot, Store, StoreError};
use crate::time::Timestamp;

/// What stands at an article's address.
#[derive(Clone)]
pub enum ArticlePage {
    /// Its page.
    Page(Arc<Representation>),
    /// It was withdrawn: the page that says so.
    Gone(Arc<Representation>),
    /// Nothing was ever published there.
    NotFound,
}

/// What an article's page is made of, read from one state of the log.
pub struct ArticlePageInput {
    setting: RenderContext,
    found: ArticleLookup,
    corrections: Vec<Timestamp>,
}

/// The pages of articles that are kept, in bytes: some 1,300 of the usual length.
const KEPT: u64 = 32 << 20;
/// Of a page in its three codings.
const USUAL: u64 = 24 << 10;

/// The pages of articles, those at hand that are asked for.
pub struct ArticlePages {
    store: Store,
    options: Arc<RenderOptions>,
    cache: Cache<Permalink, Kept>,
}

/// A page, and all that it was made of: the article's revision, and the channels in its menu. The configuration stands
/// while the process runs.
#[derive(Clone)]
struct Kept {
    page: ArticlePage,
    number: u64,
    channels: Arc<Vec<Channel>>,
}

impl Weigh for Kept {
    fn weight(&self) -> u64 {
        match &self.page {
            ArticlePage::Page(page) | ArticlePage::Gone(page) => page.weight(),
            ArticlePage::NotFound => 0,
        }
    }

    /// SECURITY: addresses at which nothing is cost nobody his page.
    fn is_kept(&self) -> bool {
        !matches!(self.page, ArticlePage::NotFound)
    }
}

impl ArticlePages {
    /// Pages of the log in `store`.
    pub fn new(store: Store, options: RenderOptions) -> Self {
        let cache = Cache::new(store.subscribe(), KEPT, USUAL);
        Self { store, options: Arc::new(options), cache }
    }

    /// The page that was printed while the log stood as it stands. Asks nobody.
    pub fn at_hand(&self, permalink: &Permalink) -> Option<ArticlePage> {
        self.cache.get(permalink).map(|kept| kept.page)
    }

    /// The page, from the store where it is not at hand.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn print(&self, permalink: &Permalink) -> Result<ArticlePage, StoreError> {
        let kept = self.cache.get_or_make(permalink.clone(), |before| self.made(permalink, before)).await?;
        Ok(kept.page)
    }

    async fn made(&self, permalink: &Permalink, before: Option<Kept>) -> Result<Kept, StoreError> {
        let mut snapshot = self.store.snapshot().await?;
        let setting = RenderContext::load(&mut snapshot, &self.store, Arc::clone(&self.options)).await?;
        let found = snapshot.article(permalink).await?;
        let number = if let ArticleLookup::Live { number, .. } = &found { *number } else { 0 };
        let channels = Arc::clone(&setting.channels);
        // The log has grown, and nothing that this page shows was in it.
        if let Some(before) = before
            && matches!(before.page, ArticlePage::Page(_))
            && before.number == number
            && before.channels == channels
        {
            return Ok(before);
        }
        let sheet = ArticlePageInput::of(&mut snapshot, &setting, found).await?;
        drop(snapshot);
        let page = blocking(move || sheet.render()).await?;
        Ok(Kept { page, number, channels })
    }
}

impl ArticlePageInput {
    /// Reads what stands at `permalink`.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn load(
        snapshot: &mut Snapshot,
        setting: &RenderContext,
        permalink: &Permalink,
    ) -> Result<Self, StoreError> {
        let found = snapshot.article(permalink).await?;
        Self::of(snapshot, setting, found).await
    }

    async fn of(
        snapshot: &mut Snapshot,
        setting: &RenderContext,
        found: ArticleLookup,
    ) -> Result<Self, StoreError> {
        let corrections = match &found {
            ArticleLookup::Live { entry, .. } => snapshot.corrections(&entry.id).await?,
            ArticleLookup::Withdrawn(_) | ArticleLookup::NotFound => Vec::new(),
        };
        Ok(Self { setting: setting.clone(), found, corrections })
    }

    /// Takes some milliseconds: call it where blocking is allowed.
    pub fn render(self) -> ArticlePage {
        let Self { setting, found, corrections } = self;
        let frame = setting.page_context();
        // Every page names all channels in its menu.
        let document = |page, number, at: Timestamp| {
            let version = LogVersion { log: setting.log_id_for(None), number };
            Arc::new(Representation::encode(html::MEDIA_TYPE, page, &version, at.max(setting.channels_at)))
        };
        match found {
            ArticleLookup::Live { entry, number, at } => {
                ArticlePage::Page(document(html::article(&frame, &entry, &corrections), number, at))
            }
            ArticleLookup::Withdrawn(tombstone) => {
                ArticlePage::Gone(document(html::withdrawn_page(&frame, &tombstone), 0, tombstone.when))
            }
            ArticleLookup::NotFound => ArticlePage::NotFound,
        }
    }
}
