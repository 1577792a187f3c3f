//! Hints from the system: which files in the folder have changed, and which are being written.
//!
//! Each channel folder is watched separately, so that one which cannot be watched does not affect the others.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use notify::event::{AccessKind, AccessMode, Event, EventKind, ModifyKind, RenameMode};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;
use tracing::warn;

use super::names::{FolderKind, folder_kind};
use super::options::WatchMode;
use super::writers::HELD_OPEN;

/// Maximum number of changed files that are remembered individually; beyond it, the whole folder counts as changed.
const MAX_TOUCHED: usize = 10_000;

/// The changes in the folder since the last query.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// Files in channel folders, relative to the articles folder.
    pub(super) files: BTreeSet<String>,
    /// True if something else has changed, or an event may have been missed.
    pub(super) whole: bool,
}

/// Receives file events. Without them, only the periodic scans find changes.
pub(super) struct Watch {
    root: PathBuf,
    events: Arc<Events>,
    watcher: Option<RecommendedWatcher>,
    /// The watched folders with their device and inode.
    watched: HashMap<PathBuf, (u64, u64)>,
    /// False if a folder cannot be watched, so that this is logged once.
    watches_all: bool,
}

#[derive(Default)]
struct Events {
    hint: Notify,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    touched: Touched,
    /// Files that were written to and not closed since, with the time of the last event.
    written: HashMap<String, Instant>,
}

impl Watch {
    pub(super) fn new(path: &Path, watching: WatchMode) -> Self {
        let root = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let events = Arc::new(Events::default());
        let watcher = (watching == WatchMode::Events).then(|| listen(root.clone(), Arc::clone(&events)));
        let watcher = watcher.and_then(|watcher| {
            watcher
                .inspect_err(|cause| warn!(path = %root.display(), %cause, "no file events; the folder is rescanned periodically"))
                .ok()
        });
        let mut watch = Self { root, events, watcher, watched: HashMap::new(), watches_all: true };
        watch.renew();
        watch
    }

    /// Waits for the next event. Events since the last call count as one.
    pub(super) async fn changed(&self) {
        self.events.hint.notified().await;
    }

    /// The changes since the last call.
    pub(super) fn take(&self) -> Touched {
        std::mem::take(&mut self.events.state().touched)
    }

    /// The files that are being written.
    pub(super) fn written(&self) -> HashSet<String> {
        let mut state = self.events.state();
        state.written.retain(|_, since| since.elapsed() < HELD_OPEN);
        state.written.keys().cloned().collect()
    }

    /// Whether every change in the folder causes an event, as far as is known.
    pub(super) fn is_whole(&self) -> bool {
        self.watcher.is_some() && self.watches_all && self.watched.contains_key(&self.root)
    }

    /// Watches the folders that exist now: some may have been created or replaced. Called before each scan of the whole
    /// folder, so that no change in between is missed.
    pub(super) fn renew(&mut self) {
        let Some(watcher) = &mut self.watcher else { return };
        let folders: HashMap<PathBuf, (u64, u64)> = folders(&self.root).collect();
        let outdated = self.watched.iter().filter(|(path, identity)| folders.get(*path) != Some(identity));
        for path in outdated.map(|(path, _)| path.clone()).collect::<Vec<_>>() {
            self.watched.remove(&path);
            // The watch of a deleted folder has already been removed.
            let _ = watcher.unwatch(&path);
        }
        let mut watches_all = true;
        for (path, identity) in folders {
            if self.watched.contains_key(&path) {
                continue;
            }
            match watcher.watch(&path, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.watched.insert(path, identity);
                }
                Err(cause) if is_hidden(&cause) => {}
                Err(cause) => {
                    if std::mem::take(&mut watches_all) && self.watches_all {
                        warn!(path = %path.display(), %cause, "no file events for this folder; it is rescanned periodically");
                    }
                }
            }
        }
        self.watches_all = watches_all;
    }
}

/// The articles folder and its channel folders.
fn folders(root: &Path) -> impl Iterator<Item = (PathBuf, (u64, u64))> {
    let channels = std::fs::read_dir(root).into_iter().flatten().flatten().filter(|entry| {
        entry.file_name().to_str().is_some_and(|name| folder_kind(name) == FolderKind::Channel)
            && entry.file_type().is_ok_and(|kind| kind.is_dir() || kind.is_symlink())
    });
    let paths = std::iter::once(root.to_owned()).chain(channels.map(|entry| entry.path()));
    paths.filter_map(|path| {
        let metadata = path.metadata().ok().filter(std::fs::Metadata::is_dir)?;
        Some((path, (metadata.dev(), metadata.ino())))
    })
}

/// A folder that cannot be read or no longer exists; the scan reports it.
fn is_hidden(cause: &notify::Error) -> bool {
    match &cause.kind {
        notify::ErrorKind::PathNotFound => true,
        notify::ErrorKind::Io(cause) => {
            matches!(cause.kind(), std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::NotFound)
        }
        _ => false,
    }
}

fn listen(root: PathBuf, events: Arc<Events>) -> notify::Result<RecommendedWatcher> {
    notify::recommended_watcher(move |event: notify::Result<Event>| {
        if events.note(&root, event) {
            events.hint.notify_one();
        }
    })
}

impl Events {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records an event. Returns true if a scan is needed.
    fn note(&self, root: &Path, event: notify::Result<Event>) -> bool {
        let mut state = self.state();
        let event = match event {
            Ok(event) if !event.need_rescan() => event,
            // The event queue overflowed: events were lost, perhaps that a file was closed.
            _ => {
                state.written.clear();
                state.touched.whole = true;
                return true;
            }
        };
        if !is_change(event.kind) {
            return false;
        }
        for path in &event.paths {
            let below = path.strip_prefix(root).ok().and_then(Path::to_str);
            match below {
                Some(file) if file.contains('/') => {
                    state.note_written(file, event.kind);
                    state.touch(file);
                }
                _ => state.touched.whole = true,
            }
        }
        true
    }
}

impl State {
    fn touch(&mut self, file: &str) {
        if self.touched.files.len() < MAX_TOUCHED {
            self.touched.files.insert(file.to_owned());
        } else {
            self.touched.whole = true;
        }
    }

    fn note_written(&mut self, file: &str, kind: EventKind) {
        match kind {
            EventKind::Modify(ModifyKind::Data(_)) if self.written.len() < MAX_TOUCHED => {
                self.written.insert(file.to_owned(), Instant::now());
            }
            EventKind::Access(_)
            | EventKind::Remove(_)
            | EventKind::Modify(ModifyKind::Name(RenameMode::From)) => {
                self.written.remove(file);
            }
            _ => {}
        }
    }
}

/// Reading a file is an event too; our own reads must not trigger a scan.
fn is_change(kind: EventKind) -> bool {
    !matches!(kind, EventKind::Access(access) if access != AccessKind::Close(AccessMode::Write))
}
