//! Where the newest editions lie: a map from path to document, replaced as a whole.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::furniture::Furniture;
use super::{Document, Printed, Recent};
use crate::address::Scope;
use crate::store::Announcement;

/// The documents of all channels at one moment.
#[derive(Clone, Default)]
pub struct Edition {
    /// NOTE: requests only look up here, and what is looked up was put in by the press: nobody outside can
    /// fill it with paths that collide, so it does without the standard hasher's defence and its cost.
    documents: HashMap<Box<str>, Arc<Document>, foldhash::fast::RandomState>,
    /// The paths of each channel's documents, to take them away together.
    paths: HashMap<Scope, Vec<Box<str>>>,
    /// What stands in each channel's feeds, to tell what is new in them.
    recent: HashMap<Scope, Arc<Recent>>,
    /// The page for an address that leads nowhere.
    not_found: Option<Arc<Document>>,
    /// The page for an address that leads nowhere any more.
    gone: Option<Arc<Document>>,
}

impl Edition {
    /// The document at a path.
    pub fn document(&self, path: &str) -> Option<&Arc<Document>> {
        self.documents.get(path)
    }

    /// What stands in the feeds of a channel, or of everything.
    pub fn recent(&self, scope: &Scope) -> Option<&Arc<Recent>> {
        self.recent.get(scope)
    }

    /// The page for an address that leads nowhere; none before anything was printed.
    pub fn not_found(&self) -> Option<&Arc<Document>> {
        self.not_found.as_ref()
    }

    /// The page for an address that leads nowhere any more; none before anything was printed.
    pub fn gone(&self) -> Option<&Arc<Document>> {
        self.gone.as_ref()
    }

    /// Puts in place what depends on the configuration and the list of channels alone.
    pub(super) fn furnish(&mut self, furniture: Furniture) {
        for (path, document) in furniture.documents {
            self.documents.insert(path.into_boxed_str(), Arc::new(document));
        }
        self.not_found = Some(Arc::new(furniture.not_found));
        self.gone = Some(Arc::new(furniture.gone));
    }

    /// Puts a channel's documents in place of those that it had.
    pub(super) fn replace(&mut self, scope: Scope, printed: Printed) {
        for path in self.paths.remove(&scope).unwrap_or_default() {
            self.documents.remove(&path);
        }
        let mut paths = Vec::with_capacity(printed.documents.len());
        for (path, document) in printed.documents {
            let path = path.into_boxed_str();
            paths.push(path.clone());
            self.documents.insert(path, Arc::new(document));
        }
        self.recent.insert(scope.clone(), Arc::new(printed.recent));
        self.paths.insert(scope, paths);
    }
}

/// How far the press has come.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    /// Everything that the log held then is printed, as far as it passed its reading back.
    pub printed: Announcement,
    /// The last attempt failed, and it is not known when the next one will be better.
    pub stuck: bool,
}

/// Hands out the newest edition to whoever asks. Clones share it; asking neither locks nor waits.
#[derive(Clone, Default)]
pub struct Stand {
    edition: Arc<ArcSwap<Edition>>,
    progress: watch::Sender<Progress>,
}

impl Stand {
    /// The newest edition.
    pub fn edition(&self) -> arc_swap::Guard<Arc<Edition>> {
        self.edition.load()
    }

    /// How far the press has come, and when it comes further. What it tells of is in the newest edition.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    pub(super) fn swap(&self, edition: Edition) {
        self.edition.store(Arc::new(edition));
    }

    /// Also where no document has changed, and after the swap where one has.
    pub(super) fn is_printed(&self, log: Announcement) {
        self.progress.send_replace(Progress { printed: log, stuck: false });
    }

    pub(super) fn is_stuck(&self) {
        self.progress.send_modify(|progress| progress.stuck = true);
    }
}
