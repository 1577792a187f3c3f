//! A hub of somebody else: it is told which feeds have changed (PubSubHubbub 0.4 §6.1: WebSub leaves this open).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tracing::{info, warn};

use super::attempt::{self, Failure};
use super::retry;
use crate::fetch::{AllowList, CallbackClient, jitter};
use crate::render::SiteCache;
use crate::store::{PushTarget, Store, StoreError, TargetProgress};
use crate::urls::{Format, Scope, SiteUrls, feed_path};

/// How often the lease is renewed.
const TICK: Duration = Duration::from_secs(1);
/// Time of a whole request.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The kind of these targets in the store; their names are the paths of feeds.
pub(super) const OUTSIDE_HUB: &str = "hub";

/// Tells a hub of changed feeds.
pub struct OutsideHub {
    store: Store,
    site: SiteCache,
    urls: Arc<SiteUrls>,
    hub: String,
    client: CallbackClient,
    /// How far it was told, by the path of the feed; none while another process does it.
    progress: Option<HashMap<String, TargetProgress>>,
    failures: u32,
    not_before: Option<Instant>,
}

impl OutsideHub {
    /// `hub` is its URL; its address may be private.
    pub fn new(store: Store, site: SiteCache, urls: Arc<SiteUrls>, hub: String, user_agent: &str) -> Self {
        let client = CallbackClient::new(user_agent, AllowList::everything(), TIMEOUT);
        Self { store, site, urls, hub, client, progress: None, failures: 0, not_before: None }
    }

    /// Tells it until `shutdown` is true. Of several processes that share the log, the one that scans the folder does.
    pub async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        let mut rendered = self.site.progress();
        loop {
            tokio::select! {
                _ = shutdown.wait_for(|stop| *stop) => return,
                // Errors of the store are logged by the maintenance loop.
                _ = self.tell_all() => {}
            }
            tokio::select! {
                _ = shutdown.wait_for(|stop| *stop) => return,
                _ = rendered.changed() => {}
                () = tokio::time::sleep(TICK) => {}
            }
        }
    }

    async fn tell_all(&mut self) -> Result<(), StoreError> {
        if !self.store.acquire_scan_lease().await? {
            self.progress = None;
            return Ok(());
        }
        if self.progress.is_none() {
            self.progress = Some(self.store.push_targets(OUTSIDE_HUB).await?.into_iter().collect());
        }
        if self.not_before.is_some_and(|time| time > Instant::now()) {
            return Ok(());
        }
        for (scope, format) in self.feeds() {
            if !self.tell(&scope, format).await? {
                break;
            }
        }
        Ok(())
    }

    /// All live feeds.
    fn feeds(&self) -> Vec<(Scope, Format)> {
        let site = self.site.current();
        let Some(everything) = site.live_feed(&None) else { return Vec::new() };
        let channels = everything.channels();
        let open = channels.iter().filter(|channel| !channel.is_gone());
        let scopes = std::iter::once(None).chain(open.map(|channel| Some(channel.slug.clone())));
        scopes.flat_map(|scope| Format::ALL.map(|format| (scope.clone(), format))).collect()
    }

    /// Tells it of a feed if that has changed. Returns false if it could not be told.
    async fn tell(&mut self, scope: &Scope, format: Format) -> Result<bool, StoreError> {
        let version = self.site.current().live_feed(scope).map(|feed| (feed.log().to_owned(), feed.number()));
        let (Some((log, delivered)), Some(all)) = (version, &self.progress) else { return Ok(true) };
        let path = feed_path(scope.as_ref(), format);
        let before = all.get(&path).cloned();
        if before.as_ref().is_some_and(|before| before.log == log && before.delivered >= delivered) {
            return Ok(true);
        }
        let now = self.store.clock().now();
        let told = TargetProgress { log, delivered, last_success: Some(now), ..TargetProgress::default() };
        // A feed that it was never told of has no subscribers there yet.
        let result = match &before {
            Some(_) => self.publish(&path).await,
            None => Ok(()),
        };
        let progress = match (&result, before) {
            (Ok(()), None) => TargetProgress { last_success: None, ..told },
            (Ok(()), Some(_)) => told,
            (Err(failure), before) => TargetProgress {
                error: Some(failure.reason.clone()),
                failures: self.failures,
                ..before.unwrap_or_default()
            },
        };
        if let Some(all) = &mut self.progress {
            all.insert(path.clone(), progress.clone());
        }
        let target = PushTarget::Configured { kind: OUTSIDE_HUB, name: path };
        self.store.record_progress(vec![(target, progress)]).await?;
        Ok(result.is_ok())
    }

    async fn publish(&mut self, path: &str) -> Result<(), Failure> {
        let (client, hub, topic) = (self.client.clone(), self.hub.clone(), self.urls.url(path));
        let result = attempt::on_thread(move || attempt::publish(&client, &hub, &topic)).await;
        match &result {
            Ok(()) => {
                if self.failures > 0 {
                    info!("the outside hub answers again");
                }
                (self.failures, self.not_before) = (0, None);
            }
            Err(failure) => {
                if self.failures == 0 {
                    warn!(reason = failure.reason, "the outside hub fails; trying again");
                }
                self.failures = self.failures.saturating_add(1);
                let pause = retry::pause(self.failures, failure.retry_after, jitter());
                self.not_before = Some(Instant::now() + pause);
            }
        }
        result
    }
}
