//! How everybody who is told of changes is doing, for operators.

use serde_json::{Value, json};

use super::host_of;
use super::indexnow::INDEXNOW;
use super::outside_hub::OUTSIDE_HUB;
use super::webhook::WEBHOOK;
use crate::store::{Store, StoreError, TargetProgress};
use crate::time::{Timestamp, Zone, rfc3339};
use crate::urls::{Route, Scope, SiteUrls};

/// A subscription, a webhook, IndexNow or a feed at an outside hub.
///
/// SECURITY: of a callback only the host. The rest of the URL may be what authenticates the hub to its subscriber.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetStatus {
    /// `subscription`, `webhook`, `indexnow` or `hub`.
    pub kind: &'static str,
    /// The path of the feed; none for a webhook and IndexNow.
    pub topic: Option<String>,
    /// Host and port; none for an outside hub, which the configuration names.
    pub host: Option<String>,
    /// When a subscription was first confirmed.
    pub since: Option<Timestamp>,
    /// The end of the lease of a subscription.
    pub expires: Option<Timestamp>,
    /// How far it was told.
    pub progress: TargetProgress,
}

impl TargetStatus {
    /// The feed that it is told of; none for a webhook and IndexNow.
    pub fn scope(&self, urls: &SiteUrls) -> Option<Scope> {
        match urls.parse(self.topic.as_deref()?) {
            Route::Feed(scope, _) => Some(scope),
            _ => None,
        }
    }

    /// Its form in the API and on the command line.
    pub fn as_json(&self, urls: &SiteUrls, zone: Zone) -> Value {
        let time = |time: Option<Timestamp>| time.map(|time| rfc3339(time, zone));
        let progress = &self.progress;
        json!({
            "kind": self.kind,
            "topic": self.topic.as_deref().map(|path| urls.url(path)),
            "host": self.host,
            "since": time(self.since),
            "lease_end": time(self.expires),
            "delivered": progress.delivered,
            "last_success": time(progress.last_success),
            "failures": progress.failures,
            "next_attempt": time(progress.retry_at),
            "last_error": progress.error,
        })
    }
}

/// All targets: subscriptions by topic and callback, then webhooks, then IndexNow, then an outside hub.
///
/// # Errors
/// If the store does not answer.
pub async fn statuses(store: &Store) -> Result<Vec<TargetStatus>, StoreError> {
    let mut found: Vec<TargetStatus> = Vec::new();
    for subscription in store.subscriptions().await? {
        found.push(TargetStatus {
            kind: "subscription",
            host: Some(host_of(&subscription.callback)),
            topic: Some(subscription.topic),
            since: Some(subscription.since),
            expires: Some(subscription.expires),
            progress: subscription.progress,
        });
    }
    let configured = |kind, topic, host, progress| TargetStatus {
        kind,
        topic,
        host,
        since: None,
        expires: None,
        progress,
    };
    for kind in [WEBHOOK, INDEXNOW] {
        for (url, progress) in store.push_targets(kind).await? {
            found.push(configured(kind, None, Some(host_of(&url)), progress));
        }
    }
    for (path, progress) in store.push_targets(OUTSIDE_HUB).await? {
        found.push(configured(OUTSIDE_HUB, Some(path), None, progress));
    }
    Ok(found)
}
