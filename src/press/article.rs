//! An article's own page, printed when it is asked for: there are too many to keep them all.

use std::sync::Arc;

use super::cache::{Cache, Weigh};
use super::{Document, Options, Setting, Version, blocking};
use crate::article::Permalink;
use crate::channel::Channel;
use crate::pages;
use crate::store::{Found, Snapshot, Store, StoreError};
use crate::vietnam_time::Moment;

/// What stands at an article's address.
#[derive(Clone)]
pub enum PrintedArticle {
    /// Its page.
    Page(Arc<Document>),
    /// It was withdrawn: the page that says so.
    Gone(Arc<Document>),
    /// Nothing was ever published there.
    Nothing,
}

/// What an article's page is made of, read from one state of the log.
pub struct ArticleSheet {
    setting: Setting,
    found: Found,
    corrections: Vec<Moment>,
}

/// The pages of articles that are kept, in bytes: some 1,300 of the usual length.
const KEPT: u64 = 32 << 20;
/// Of a page in its three codings.
const USUAL: u64 = 24 << 10;

/// The pages of articles, those at hand that are asked for.
pub struct ArticlePages {
    store: Store,
    options: Arc<Options>,
    cache: Cache<Permalink, Kept>,
}

/// A page, and all that it was made of: the article's revision, and the channels in its menu. The configuration stands
/// while the process runs.
#[derive(Clone)]
struct Kept {
    page: PrintedArticle,
    number: u64,
    channels: Arc<Vec<Channel>>,
}

impl Weigh for Kept {
    fn weight(&self) -> u64 {
        match &self.page {
            PrintedArticle::Page(page) | PrintedArticle::Gone(page) => page.weight(),
            PrintedArticle::Nothing => 0,
        }
    }

    /// SECURITY: addresses at which nothing is cost nobody his page.
    fn is_kept(&self) -> bool {
        !matches!(self.page, PrintedArticle::Nothing)
    }
}

impl ArticlePages {
    /// Pages of the log in `store`.
    pub fn new(store: Store, options: Options) -> Self {
        let cache = Cache::new(store.announcements(), KEPT, USUAL);
        Self { store, options: Arc::new(options), cache }
    }

    /// The page that was printed while the log stood as it stands. Asks nobody.
    pub fn at_hand(&self, permalink: &Permalink) -> Option<PrintedArticle> {
        self.cache.get(permalink).map(|kept| kept.page)
    }

    /// The page, from the store where it is not at hand.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn print(&self, permalink: &Permalink) -> Result<PrintedArticle, StoreError> {
        let kept = self.cache.get_or_make(permalink.clone(), |before| self.made(permalink, before)).await?;
        Ok(kept.page)
    }

    async fn made(&self, permalink: &Permalink, before: Option<Kept>) -> Result<Kept, StoreError> {
        let mut snapshot = self.store.snapshot().await?;
        let setting = Setting::read(&mut snapshot, &self.store, Arc::clone(&self.options)).await?;
        let found = snapshot.article(permalink).await?;
        let number = if let Found::Live { number, .. } = &found { *number } else { 0 };
        let channels = Arc::clone(&setting.channels);
        // The log has grown, and nothing that this page shows was in it.
        if let Some(before) = before
            && matches!(before.page, PrintedArticle::Page(_))
            && before.number == number
            && before.channels == channels
        {
            return Ok(before);
        }
        let sheet = ArticleSheet::of(&mut snapshot, &setting, found).await?;
        drop(snapshot);
        let page = blocking(move || sheet.print()).await?;
        Ok(Kept { page, number, channels })
    }
}

impl ArticleSheet {
    /// Reads what stands at `permalink`.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn read(
        snapshot: &mut Snapshot,
        setting: &Setting,
        permalink: &Permalink,
    ) -> Result<Self, StoreError> {
        let found = snapshot.article(permalink).await?;
        Self::of(snapshot, setting, found).await
    }

    async fn of(snapshot: &mut Snapshot, setting: &Setting, found: Found) -> Result<Self, StoreError> {
        let corrections = match &found {
            Found::Live { entry, .. } => snapshot.corrections(&entry.id).await?,
            Found::Withdrawn(_) | Found::Nothing => Vec::new(),
        };
        Ok(Self { setting: setting.clone(), found, corrections })
    }

    /// Takes some milliseconds: call it where blocking is allowed.
    pub fn print(self) -> PrintedArticle {
        let Self { setting, found, corrections } = self;
        let frame = setting.frame();
        // Every page names all channels in its menu.
        let document = |page, number, at: Moment| {
            let version = Version { log: setting.log_of(None), number };
            Arc::new(Document::print(pages::MEDIA_TYPE, page, &version, at.max(setting.channels_at)))
        };
        match found {
            Found::Live { entry, number, at } => {
                PrintedArticle::Page(document(pages::article(&frame, &entry, &corrections), number, at))
            }
            Found::Withdrawn(tombstone) => {
                PrintedArticle::Gone(document(pages::withdrawn(&frame, &tombstone), 0, tombstone.when))
            }
            Found::Nothing => PrintedArticle::Nothing,
        }
    }
}
