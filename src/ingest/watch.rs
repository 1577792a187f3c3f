//! A hint from the system that something in the folder has changed.

use std::path::Path;
use std::sync::Arc;

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;
use tracing::warn;

use super::Watching;

/// Listens for file events; without them it stays silent and the beat does the work.
pub(super) struct Watch {
    hint: Arc<Notify>,
    wanted: bool,
    /// The listener, and which folder it listens to: device and inode.
    listening: Option<(RecommendedWatcher, (u64, u64))>,
}

impl Watch {
    pub(super) fn new(path: &Path, watching: Watching) -> Self {
        let wanted = watching == Watching::Events;
        let mut watch = Self { hint: Arc::new(Notify::new()), wanted, listening: None };
        watch.renew(path);
        watch
    }

    /// Waits for the next event. Events that came since the last call count as one.
    pub(super) async fn changed(&self) {
        self.hint.notified().await;
    }

    /// Listens anew where the folder was replaced by another of its name, or came into being.
    pub(super) fn renew(&mut self, path: &Path) {
        let identity = identity(path);
        if !self.wanted || identity == self.listening.as_ref().map(|(_, identity)| *identity) {
            return;
        }
        self.listening = identity.and_then(|identity| {
            match listen(path, Arc::clone(&self.hint)) {
                Ok(watcher) => Some((watcher, identity)),
                Err(cause) => {
                    warn!(path = %path.display(), %cause, "no file events; the folder is looked at by the slow beat");
                    None
                }
            }
        });
    }
}

fn listen(path: &Path, hint: Arc<Notify>) -> notify::Result<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        // An error (a queue that ran over) is a hint as well: something was missed.
        if event.as_ref().map_or(true, |event| is_change(event.kind)) {
            hint.notify_one();
        }
    })?;
    watcher.watch(path, RecursiveMode::Recursive)?;
    Ok(watcher)
}

/// Reading a file is an event too. Our own reading must not wake us.
fn is_change(kind: EventKind) -> bool {
    !matches!(kind, EventKind::Access(access) if access != AccessKind::Close(AccessMode::Write))
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|_| (0, 0))
}
