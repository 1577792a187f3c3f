//! Webhooks: each change as JSON to a URL that the configuration names, in the order of the log.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::watch;
use tracing::{info, warn};

use super::attempt::{self, Failure, WebhookMessage};
use super::hub::HubCounters;
use super::{jitter, retry};
use crate::fetch::{AllowList, CallbackClient};
use crate::model::Slug;
use crate::render::RenderOptions;
use crate::store::{Change, ChangesQuery, ChangesResult, PushTarget, Store, StoreError, TargetProgress};

/// How often the lease is renewed and the log is looked at.
const TICK: Duration = Duration::from_secs(1);
/// Time of a whole request.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The kind of these targets in the store.
pub(super) const WEBHOOK: &str = "webhook";

/// The JSON form of a change.
pub type ChangeForm = fn(&RenderOptions, &Change) -> Result<Vec<u8>, StoreError>;

/// A webhook of the configuration.
#[derive(Clone)]
pub struct WebhookOptions {
    /// Where changes are sent to; its address may be private.
    pub url: String,
    /// The key of signatures.
    pub secret: String,
    /// Only changes in these channels; all changes if there is none.
    pub channels: Vec<Slug>,
}

/// SECURITY: without the secret.
impl fmt::Debug for WebhookOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("WebhookOptions").field("url", &self.url).finish_non_exhaustive()
    }
}

/// Delivers to one webhook.
pub struct Webhook {
    store: Store,
    options: WebhookOptions,
    render: RenderOptions,
    form: ChangeForm,
    client: CallbackClient,
    counters: Arc<HubCounters>,
    /// How far it was told; none while another process delivers.
    progress: Option<TargetProgress>,
}

impl Webhook {
    /// A webhook that is sent changes in this form.
    pub fn new(
        store: Store,
        options: WebhookOptions,
        (render, form): (RenderOptions, ChangeForm),
        user_agent: &str,
        counters: Arc<HubCounters>,
    ) -> Self {
        let client = CallbackClient::new(user_agent, AllowList::everything(), TIMEOUT);
        Self { store, options, render, form, client, counters, progress: None }
    }

    /// Delivers until `shutdown` is true. Of several processes that share the log, the one that scans the folder does.
    pub async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        let mut announced = self.store.subscribe();
        loop {
            let delivered = tokio::select! {
                _ = shutdown.wait_for(|stop| *stop) => return,
                delivered = self.deliver_next() => delivered,
            };
            // Errors of the store are logged by the maintenance loop.
            if matches!(delivered, Ok(true)) {
                continue;
            }
            tokio::select! {
                _ = shutdown.wait_for(|stop| *stop) => return,
                _ = announced.changed() => {}
                () = tokio::time::sleep(TICK) => {}
            }
        }
    }

    /// Delivers the next change. Returns false if there is none, or it must wait.
    async fn deliver_next(&mut self) -> Result<bool, StoreError> {
        if !self.store.acquire_scan_lease().await? {
            self.progress = None;
            return Ok(false);
        }
        let progress = self.load().await?;
        let head = self.store.subscribe().borrow().head;
        let now = self.store.clock().now();
        if progress.delivered >= head || progress.retry_at.is_some_and(|time| time > now) {
            return Ok(false);
        }
        let Some(change) = self.next_change(progress.delivered).await? else {
            // Nothing up to there concerns it. That need not be stored.
            self.progress = Some(TargetProgress { delivered: head, ..progress });
            return Ok(false);
        };
        let result = self.send(&change).await?;
        self.record(progress, change.number, result).await
    }

    /// How far it was told. A new webhook is told what changes from now on.
    async fn load(&mut self) -> Result<TargetProgress, StoreError> {
        if let Some(progress) = &self.progress {
            return Ok(progress.clone());
        }
        let log = self.store.log_id().to_owned();
        let head = self.store.poll_position().await?.head;
        let stored = self.store.push_targets(WEBHOOK).await?;
        let known = stored.into_iter().find(|(name, _)| *name == self.options.url);
        let progress = match known {
            Some((_, progress)) if progress.log == log => progress,
            // The log was restored from a backup: its numbers are the same up to its head.
            Some((_, progress)) => {
                TargetProgress { log, delivered: progress.delivered.min(head), ..progress }
            }
            None => {
                let progress = TargetProgress { log, delivered: head, ..TargetProgress::default() };
                self.store.record_progress(vec![(self.target(), progress.clone())]).await?;
                progress
            }
        };
        self.progress = Some(progress.clone());
        Ok(progress)
    }

    /// The first change after this number in any of its channels.
    async fn next_change(&self, after: u64) -> Result<Option<Change>, StoreError> {
        let channels = &self.options.channels;
        let views: Vec<Option<Slug>> = match channels.is_empty() {
            true => vec![None],
            false => channels.iter().cloned().map(Some).collect(),
        };
        let mut first: Option<Change> = None;
        for channel in views {
            let query = ChangesQuery { channel, after, until: None, limit: 1, bytes: usize::MAX };
            if let ChangesResult::Page(page) = self.store.changes(&query).await?
                && let Some(change) = page.changes.into_iter().next()
                && first.as_ref().is_none_or(|first| change.number < first.number)
            {
                first = Some(change);
            }
        }
        Ok(first)
    }

    async fn send(&self, change: &Change) -> Result<Result<(), Failure>, StoreError> {
        let body = (self.form)(&self.render, change)?;
        let (client, options) = (self.client.clone(), self.options.clone());
        let (number, log) = (change.number, self.store.log_id().to_owned());
        Ok(attempt::on_thread(move || {
            let WebhookOptions { url, secret, .. } = &options;
            attempt::call_webhook(&client, &WebhookMessage { url, secret, number, log: &log, body: &body })
        })
        .await)
    }

    async fn record(
        &mut self,
        before: TargetProgress,
        number: u64,
        result: Result<(), Failure>,
    ) -> Result<bool, StoreError> {
        let (now, host) = (self.store.clock().now(), super::host_of(&self.options.url));
        let is_delivered = result.is_ok();
        let counter = if is_delivered { &self.counters.delivered } else { &self.counters.failed };
        counter.fetch_add(1, Ordering::Relaxed);
        let progress = match result {
            Ok(()) => {
                if before.error.is_some() {
                    info!(host, "a webhook answers again");
                }
                let (log, last_success) = (before.log, Some(now));
                TargetProgress { log, delivered: number, last_success, ..TargetProgress::default() }
            }
            Err(failure) => {
                if before.error.is_none() {
                    warn!(host, reason = failure.reason, "a webhook fails; trying again");
                }
                let failures = before.failures.saturating_add(1);
                let pause = retry::pause(failures, failure.retry_after, jitter());
                let retry_at = Some(now + TimeDelta::from_std(pause).unwrap_or_default());
                TargetProgress { failures, retry_at, error: Some(failure.reason), ..before }
            }
        };
        self.progress = Some(progress.clone());
        self.store.record_progress(vec![(self.target(), progress)]).await?;
        Ok(is_delivered)
    }

    fn target(&self) -> PushTarget {
        PushTarget::Configured { kind: WEBHOOK, name: self.options.url.clone() }
    }
}
