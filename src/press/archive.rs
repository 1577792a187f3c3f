//! The sealed pages of the channels' logs, printed when they are asked for: there are too many to keep them
//! all (RFC 5005; rules H1, H2).

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::{error, warn};

use super::shelf::Shelf;
use super::{Document, Options, Setting, Version, blocking, name, remove_from};
use crate::address::{Format, Scope};
use crate::feed::{self, Fault, Part};
use crate::store::{ArchiveView, ChannelState, Snapshot, Store, StoreError};

/// Pages that are kept printed: portals walk the same way, from the newest on. Some ten megabytes.
const PLACES: usize = 64;

/// A sealed page.
#[derive(Clone)]
pub enum PrintedPage {
    /// As it stands now.
    Page(Arc<Document>),
    /// It did not pass its reading back, and no article is to blame.
    Faulty,
    /// There is no such page, or it is not sealed yet.
    Nothing,
}

/// Prints the pages.
pub struct Archive {
    store: Store,
    options: Arc<Options>,
    shelf: Mutex<Shelf<Key, Arc<Document>>>,
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

impl Archive {
    /// The pages of the log in `store`.
    pub fn new(store: Store, options: Options) -> Self {
        Self { store, options: Arc::new(options), shelf: Mutex::new(Shelf::with_places(PLACES)) }
    }

    /// Page `page` of a channel's log, counted from 1; of the log of everything, without a channel.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn page(&self, scope: &Scope, page: u64, format: Format) -> Result<PrintedPage, StoreError> {
        let page_size = self.options.live.archive_page;
        let mut snapshot = self.store.snapshot().await?;
        let Some(state) = snapshot.archive_state(scope.as_ref(), page, page_size).await? else {
            return Ok(PrintedPage::Nothing);
        };
        let generation = snapshot.generation().await?;
        let key = Key { scope: scope.clone(), page, format, state, generation };
        if let Some(document) = self.on_shelf(&key) {
            return Ok(PrintedPage::Page(document));
        }
        let setting = Setting::read(&mut snapshot, &self.store, Arc::clone(&self.options)).await?;
        let Some(sheet) = ArchiveSheet::read(&mut snapshot, &setting, scope, page).await? else {
            return Ok(PrintedPage::Nothing);
        };
        drop(snapshot);
        match blocking(move || sheet.print(format)).await? {
            Ok(document) => {
                let document = Arc::new(document);
                self.shelf.lock().unwrap_or_else(PoisonError::into_inner).put(key, Arc::clone(&document));
                Ok(PrintedPage::Page(document))
            }
            Err(fault) => {
                error!(channel = %name(scope), page, reason = %fault.reason, "the page did not pass its reading back");
                Ok(PrintedPage::Faulty)
            }
        }
    }

    fn on_shelf(&self, key: &Key) -> Option<Arc<Document>> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner).get(key)
    }
}

/// What a sealed page is made of, read from one state of the log.
pub struct ArchiveSheet {
    setting: Setting,
    scope: Scope,
    page: u64,
    view: ArchiveView,
}

impl ArchiveSheet {
    /// Reads page `page` of a channel's log, counted from 1; of the log of everything, without a channel. None where
    /// there is no such page, or it is not sealed yet.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn read(
        snapshot: &mut Snapshot,
        setting: &Setting,
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
            ArchiveView { entries, ..view }
        });
        Ok(Some(Self { setting: setting.clone(), scope: scope.clone(), page, view: view.await? }))
    }

    /// Prints; leaves out what does not pass, article by article. Takes some milliseconds: call it where blocking is
    /// allowed.
    ///
    /// # Errors
    /// Where it does not pass its reading back and no article is to blame.
    pub fn print(&self, format: Format) -> Result<Document, Fault> {
        let mut view = Cow::Borrowed(&self.view);
        loop {
            let fault = match self.attempt(&view, format) {
                Ok(document) => return Ok(document),
                Err(fault) => fault,
            };
            let Some(guilty) = &fault.article else { return Err(fault) };
            let ArchiveView { entries, tombstones, .. } = view.to_mut();
            if !remove_from(entries, tombstones, guilty) {
                return Err(fault);
            }
            warn!(
                channel = %name(&self.scope), page = self.page, article = ?fault.article, reason = %fault.reason,
                "this article cannot be printed and is left out"
            );
        }
    }

    fn attempt(&self, view: &ArchiveView, format: Format) -> Result<Document, Fault> {
        let document = document(&self.setting, &self.scope, self.page, view);
        let bytes = feed::print(&document, format);
        (self.setting.options.inspector)(&document, format, &bytes)?;
        let version = Version { log: self.setting.log_of(self.scope.as_ref()), number: view.state.number };
        Ok(Document::print(feed::media_type(format), bytes, &version, view.state.last_modified))
    }
}

fn document<'a>(setting: &'a Setting, scope: &Scope, page: u64, view: &'a ArchiveView) -> feed::Document<'a> {
    feed::Document {
        site: &setting.options.site,
        addresses: &setting.options.addresses,
        channel: setting.channel(scope.as_ref()),
        channels: &setting.channels,
        entries: &view.entries,
        tombstones: &view.tombstones,
        updated: view.state.updated,
        part: Part::Archive { page, previous: Some(page - 1).filter(|page| *page > 0) },
        hub: None,
    }
}
