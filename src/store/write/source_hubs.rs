//! Hubs at which this site is a subscriber.

use crate::store::engine::values;
use crate::store::error::StoreError;
use crate::store::handle::Store;
use crate::store::source_hub::SourceHub;
use crate::time::Timestamp;

impl Store {
    /// Stores that a source was subscribed to at a hub. What the hub has confirmed and told of stays if the callback does.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn set_source_hub(&self, hub: SourceHub) -> Result<(), StoreError> {
        let pending = self.writes.push_config(move |log| {
            Box::pin(async move {
                let sql = "INSERT INTO source_hub \
                           (source, token, hub, topic, secret, asked_at, expires, notified) \
                           VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (source) DO UPDATE SET \
                           expires = CASE WHEN source_hub.token = excluded.token \
                           THEN source_hub.expires ELSE NULL END, token = excluded.token, hub = excluded.hub, \
                           topic = excluded.topic, secret = excluded.secret, asked_at = excluded.asked_at";
                let values = values![
                    hub.source.as_str(),
                    hub.token.as_str(),
                    hub.hub.as_str(),
                    hub.topic.as_str(),
                    hub.secret.as_str(),
                    hub.asked_at.timestamp(),
                    hub.expires.map(|at| at.timestamp()),
                    hub.notified,
                ];
                log.transaction.run(sql, values).await.map(|_| ())
            })
        });
        pending.committed().await
    }

    /// A hub confirmed or ended the subscription with this callback.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn set_source_hub_lease(
        &self,
        token: String,
        expires: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let pending = self.writes.push_config(move |log| {
            Box::pin(async move {
                let sql = "UPDATE source_hub SET expires = $2 WHERE token = $1";
                let values = values![token.as_str(), expires.map(|at| at.timestamp())];
                log.transaction.run(sql, values).await.map(|_| ())
            })
        });
        pending.committed().await
    }

    /// A hub told that the feed has changed.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn note_source_hub(&self, token: String) -> Result<(), StoreError> {
        let pending = self.writes.push_config(move |log| {
            Box::pin(async move {
                let sql = "UPDATE source_hub SET notified = notified + 1 WHERE token = $1";
                log.transaction.run(sql, values![token.as_str()]).await.map(|_| ())
            })
        });
        pending.committed().await
    }
}
