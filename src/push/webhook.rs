//! Webhooks: each change as JSON to a URL that the configuration names, in the order of the log.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;

use super::attempt::{self, Failure, WebhookMessage};
use super::follower::{LogFollower, Untold};
use super::hub::HubCounters;
use crate::fetch::{AllowList, CallbackClient};
use crate::model::Slug;
use crate::render::RenderOptions;
use crate::store::{Change, ChangesQuery, ChangesResult, Store, StoreError};

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
    follower: LogFollower,
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
        let follower = LogFollower::new(store.clone(), WEBHOOK, options.url.clone());
        Self { store, options, render, form, client, counters, follower }
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
        let Some(Untold { after, head }) = self.follower.untold().await? else { return Ok(false) };
        let Some(change) = self.next_change(after).await? else {
            self.follower.skip_to(head);
            return Ok(false);
        };
        let result = self.send(&change).await?;
        let counter = if result.is_ok() { &self.counters.delivered } else { &self.counters.failed };
        counter.fetch_add(1, Ordering::Relaxed);
        self.follower.record(change.number, result).await
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
}
