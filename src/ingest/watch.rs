//! Hints from the system: which files in the folder have changed, and which are still being written.
//!
//! Each channel's folder is watched by itself, so that one which cannot be watched costs the others nothing.

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

/// Of so many files it is remembered that they were touched; where there are more, the whole folder was.
const MOST_TOUCHED: usize = 10_000;

/// What has happened in the folder since it was last asked for.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// Files in channels' folders, relative to the folder of articles.
    pub(super) files: BTreeSet<String>,
    /// True where something else has happened, or something may have been missed.
    pub(super) whole: bool,
}

/// Listens for file events; without them it stays silent and the beat does the work.
pub(super) struct Watch {
    root: PathBuf,
    heard: Arc<Heard>,
    watcher: Option<RecommendedWatcher>,
    /// The folders that are watched, and which folder each of them is: device and inode.
    watched: HashMap<PathBuf, (u64, u64)>,
    /// False from a folder that could not be watched on, so that it is said once.
    well: bool,
}

#[derive(Default)]
struct Heard {
    hint: Notify,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    touched: Touched,
    /// Files that were written and not closed since, and when that was last heard of.
    written: HashMap<String, Instant>,
}

impl Watch {
    pub(super) fn new(path: &Path, watching: WatchMode) -> Self {
        let root = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let heard = Arc::new(Heard::default());
        let watcher = (watching == WatchMode::Events).then(|| listen(root.clone(), Arc::clone(&heard)));
        let watcher = watcher.and_then(|watcher| {
            watcher
                .inspect_err(|cause| warn!(path = %root.display(), %cause, "no file events; the folder is scanned by the slow beat"))
                .ok()
        });
        let mut watch = Self { root, heard, watcher, watched: HashMap::new(), well: true };
        watch.renew();
        watch
    }

    /// Waits for the next event. Events that came since the last call count as one.
    pub(super) async fn changed(&self) {
        self.heard.hint.notified().await;
    }

    /// What has happened since the last call.
    pub(super) fn take(&self) -> Touched {
        std::mem::take(&mut self.heard.state().touched)
    }

    /// The files that somebody writes at the moment.
    pub(super) fn written(&self) -> HashSet<String> {
        let mut state = self.heard.state();
        state.written.retain(|_, since| since.elapsed() < HELD_OPEN);
        state.written.keys().cloned().collect()
    }

    /// True where no event of the folder is missed, as far as is known.
    pub(super) fn is_whole(&self) -> bool {
        self.watcher.is_some() && self.well && self.watched.contains_key(&self.root)
    }

    /// Listens to the folders that there are by now: some may have come into being, or were replaced by others of
    /// their names. To be called before the folder is scanned, so that nothing happens between scan and listening.
    pub(super) fn renew(&mut self) {
        let Some(watcher) = &mut self.watcher else { return };
        let folders: HashMap<PathBuf, (u64, u64)> = folders(&self.root).collect();
        let outdated = self.watched.iter().filter(|(path, identity)| folders.get(*path) != Some(identity));
        for path in outdated.map(|(path, _)| path.clone()).collect::<Vec<_>>() {
            self.watched.remove(&path);
            // The watch of a folder that is gone went with it.
            let _ = watcher.unwatch(&path);
        }
        let mut well = true;
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
                    if std::mem::take(&mut well) && self.well {
                        warn!(path = %path.display(), %cause, "no file events of this folder; it is scanned by the slow beat");
                    }
                }
            }
        }
        self.well = well;
    }
}

/// The folder of articles and the channels' folders in it.
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

/// A folder that may not be read, or is gone again: the scan says so.
fn is_hidden(cause: &notify::Error) -> bool {
    match &cause.kind {
        notify::ErrorKind::PathNotFound => true,
        notify::ErrorKind::Io(cause) => {
            matches!(cause.kind(), std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::NotFound)
        }
        _ => false,
    }
}

fn listen(root: PathBuf, heard: Arc<Heard>) -> notify::Result<RecommendedWatcher> {
    notify::recommended_watcher(move |event: notify::Result<Event>| {
        if heard.note(&root, event) {
            heard.hint.notify_one();
        }
    })
}

impl Heard {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True where there is something to look at.
    fn note(&self, root: &Path, event: notify::Result<Event>) -> bool {
        let mut state = self.state();
        let event = match event {
            Ok(event) if !event.need_rescan() => event,
            // A queue that ran over: something was missed, perhaps that a file was closed.
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
        if self.touched.files.len() < MOST_TOUCHED {
            self.touched.files.insert(file.to_owned());
        } else {
            self.touched.whole = true;
        }
    }

    fn note_written(&mut self, file: &str, kind: EventKind) {
        match kind {
            EventKind::Modify(ModifyKind::Data(_)) if self.written.len() < MOST_TOUCHED => {
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

/// Reading a file is an event too. Our own reading must not wake us.
fn is_change(kind: EventKind) -> bool {
    !matches!(kind, EventKind::Access(access) if access != AccessKind::Close(AccessMode::Write))
}
