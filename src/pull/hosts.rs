//! At most one request at a time per host.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use url::Url;

/// The hosts that requests wait for. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Hosts(Arc<Mutex<HashMap<String, Arc<AsyncMutex<()>>>>>);

impl Hosts {
    /// Waits until no other request to the host of this URL is running, and keeps others waiting.
    pub(super) async fn turn(&self, url: &str) -> OwnedMutexGuard<()> {
        let host = Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        let lock = {
            let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // Only those that somebody waits for are kept.
            hosts.retain(|_, lock| Arc::strong_count(lock) > 1);
            Arc::clone(hosts.entry(host).or_default())
        };
        lock.lock_owned().await
    }
}
