//! The sealed pages of the channels' logs, printed when they are asked for: there are too many to keep them
//! all (RFC 5005; rules H1, H2).

use std::sync::{Arc, Mutex, PoisonError};

use tracing::{error, warn};

use super::shelf::Shelf;
use super::{Document, Options, Version, channels, name, remove_from};
use crate::address::{Format, Scope};
use crate::channel::Channel;
use crate::feed::{self, Fault, Part};
use crate::store::{ArchiveView, ChannelState, Store, StoreError};

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
        let Some(view) = snapshot.archive(scope.as_ref(), page, page_size).await? else {
            return Ok(PrintedPage::Nothing);
        };
        let channels = channels(&mut snapshot, &self.options.channels).await?;
        drop(snapshot);
        for article in &view.unreadable {
            error!(channel = %name(scope), page, %article, "the store holds this revision damaged; it is left out");
        }
        let job = Job {
            options: Arc::clone(&self.options),
            channels,
            scope: scope.clone(),
            page,
            format,
            log: self.store.log_of(scope.as_ref()),
        };
        match tokio::task::spawn_blocking(move || job.print(view)).await {
            Ok(Ok(document)) => {
                let document = Arc::new(document);
                self.shelf.lock().unwrap_or_else(PoisonError::into_inner).put(key, Arc::clone(&document));
                Ok(PrintedPage::Page(document))
            }
            Ok(Err(fault)) => {
                error!(channel = %name(scope), page, reason = %fault.reason, "the page did not pass its reading back");
                Ok(PrintedPage::Faulty)
            }
            Err(failure) => std::panic::resume_unwind(failure.into_panic()),
        }
    }

    fn on_shelf(&self, key: &Key) -> Option<Arc<Document>> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner).get(key)
    }
}

/// The printing of one page, on a thread that may block.
struct Job {
    options: Arc<Options>,
    channels: Vec<Channel>,
    scope: Scope,
    page: u64,
    format: Format,
    log: String,
}

impl Job {
    /// Prints; leaves out what does not pass, article by article. Fails where no article is to blame.
    fn print(&self, mut view: ArchiveView) -> Result<Document, Fault> {
        loop {
            let fault = match self.attempt(&view) {
                Ok(document) => return Ok(document),
                Err(fault) => fault,
            };
            let guilty = fault.article.as_ref();
            if !guilty.is_some_and(|guilty| remove_from(&mut view.entries, &mut view.tombstones, guilty)) {
                return Err(fault);
            }
            warn!(
                channel = %name(&self.scope), page = self.page, article = ?fault.article, reason = %fault.reason,
                "this article cannot be printed and is left out"
            );
        }
    }

    fn attempt(&self, view: &ArchiveView) -> Result<Document, Fault> {
        let Options { site, addresses, inspector, .. } = &*self.options;
        let document = feed::Document {
            site,
            addresses,
            channel: self.channels.iter().find(|channel| Some(&channel.slug) == self.scope.as_ref()),
            channels: &self.channels,
            entries: &view.entries,
            tombstones: &view.tombstones,
            updated: view.state.updated,
            part: Part::Archive { page: self.page, previous: Some(self.page - 1).filter(|page| *page > 0) },
            hub: None,
        };
        let bytes = feed::print(&document, self.format);
        inspector(&document, self.format, &bytes)?;
        let version = Version { log: self.log.clone(), number: view.state.number };
        Ok(Document::print(feed::media_type(self.format), bytes, &version, view.state.last_modified))
    }
}
