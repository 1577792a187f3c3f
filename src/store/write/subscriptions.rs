//! Subscriptions, and how far everybody was told. None of it is part of the log.

use crate::store::engine::values;
use crate::store::error::StoreError;
use crate::store::handle::Store;
use crate::store::subscription::{
    NewSubscriptionRequest, PushTarget, SubscriptionMode, SubscriptionRequest, TargetProgress,
};
use crate::store::write::log_writer::LogWriter;
use crate::time::Timestamp;

impl Store {
    /// Stores a request until its subscriber confirms it. It replaces an earlier one of the same subscriber for the same
    /// topic. Returns false, and stores nothing, if there are `limit` subscriptions and requests already.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn request_subscription(
        &self,
        request: NewSubscriptionRequest,
        limit: u64,
    ) -> Result<bool, StoreError> {
        let pending = self
            .writes
            .push_config(move |log| Box::pin(async move { log.request_subscription(&request, limit).await }));
        pending.committed().await
    }

    /// Its subscriber confirmed a request: stores the subscription, or deletes it.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn confirm_subscription(
        &self,
        request: SubscriptionRequest,
        expires: Timestamp,
    ) -> Result<(), StoreError> {
        let pending = self.writes.push_config(move |log| {
            Box::pin(async move { log.confirm_subscription(&request, expires).await })
        });
        pending.committed().await
    }

    /// Forgets a request that was not confirmed, unless a later one has replaced it.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn drop_subscription_request(&self, number: u64) -> Result<(), StoreError> {
        let pending =
            self.writes.push_config(move |log| Box::pin(async move { log.drop_request(number).await }));
        pending.committed().await
    }

    /// Deletes a subscription.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn end_subscription(&self, topic: String, callback: String) -> Result<(), StoreError> {
        let pending = self.writes.push_config(move |log| {
            Box::pin(async move { log.delete_subscription(&topic, &callback).await })
        });
        pending.committed().await
    }

    /// Stores how far targets were told, in one transaction. A subscription that has ended stays deleted, and one that
    /// another process has told of more keeps that.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn record_progress(
        &self,
        targets: Vec<(PushTarget, TargetProgress)>,
    ) -> Result<(), StoreError> {
        let pending = self.writes.push_config(move |log| {
            Box::pin(async move {
                for (target, progress) in &targets {
                    log.record_progress(target, progress).await?;
                }
                Ok(())
            })
        });
        pending.committed().await
    }
}

impl LogWriter<'_> {
    async fn request_subscription(
        &mut self,
        request: &NewSubscriptionRequest,
        limit: u64,
    ) -> Result<bool, StoreError> {
        let NewSubscriptionRequest { topic, callback, mode, secret, lease, log, delivered } = request;
        let sql = "SELECT COUNT(*), MAX(number), MAX(known) FROM (\
                   SELECT number, CASE WHEN topic = $1 AND callback = $2 THEN 1 ELSE 0 END AS known \
                   FROM subscription UNION ALL \
                   SELECT number, CASE WHEN topic = $1 AND callback = $2 THEN 1 ELSE 0 END \
                   FROM subscription_request) AS each_one";
        let row = self.transaction.one(sql, values![topic.as_str(), callback.as_str()]).await?;
        let is_known = row.get_optional_i64(2)? == Some(1);
        if row.get_u64(0)? >= limit && !is_known {
            return Ok(false);
        }
        // Numbers of deleted rows are not used again: they grow at least with the time.
        let now = self.options.clock.now().timestamp_micros();
        let number = now.max(row.get_optional_i64(1)?.unwrap_or_default() + 1);
        let sql = "INSERT INTO subscription_request \
                   (topic, callback, mode, secret, lease, number, log, delivered) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (topic, callback) DO UPDATE SET \
                   mode = excluded.mode, secret = excluded.secret, lease = excluded.lease, \
                   number = excluded.number";
        let values = values![
            topic.as_str(),
            callback.as_str(),
            mode.as_str(),
            secret.as_deref(),
            u64::from(*lease),
            number,
            log.as_str(),
            *delivered,
        ];
        self.transaction.run(sql, values).await.map(|_| true)
    }

    async fn confirm_subscription(
        &mut self,
        confirmed: &SubscriptionRequest,
        expires: Timestamp,
    ) -> Result<(), StoreError> {
        let request = &confirmed.request;
        match request.mode {
            SubscriptionMode::Unsubscribe => {
                self.delete_subscription(&request.topic, &request.callback).await?;
            }
            // What a subscriber was told of stays known when it renews its subscription.
            SubscriptionMode::Subscribe => {
                let sql = "INSERT INTO subscription \
                           (topic, callback, secret, number, since, expires, log, delivered, failures) \
                           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0) ON CONFLICT (topic, callback) DO UPDATE SET \
                           secret = excluded.secret, number = excluded.number, expires = excluded.expires, \
                           failures = 0, retry_at = NULL, error = NULL";
                let values = values![
                    request.topic.as_str(),
                    request.callback.as_str(),
                    request.secret.as_deref(),
                    confirmed.number,
                    self.options.clock.now().timestamp(),
                    expires.timestamp(),
                    request.log.as_str(),
                    request.delivered,
                ];
                self.transaction.run(sql, values).await?;
            }
        }
        self.drop_request(confirmed.number).await
    }

    async fn drop_request(&mut self, number: u64) -> Result<(), StoreError> {
        let sql = "DELETE FROM subscription_request WHERE number = $1";
        self.transaction.run(sql, values![number]).await.map(|_| ())
    }

    async fn delete_subscription(&mut self, topic: &str, callback: &str) -> Result<(), StoreError> {
        let sql = "DELETE FROM subscription WHERE topic = $1 AND callback = $2";
        self.transaction.run(sql, values![topic, callback]).await.map(|_| ())
    }

    async fn record_progress(
        &mut self,
        target: &PushTarget,
        progress: &TargetProgress,
    ) -> Result<(), StoreError> {
        let TargetProgress { log, delivered, failures, retry_at, last_success, error } = progress;
        let (sql, kind, name) = match target {
            PushTarget::Subscription { topic, callback } => (
                "UPDATE subscription SET log = $3, delivered = $4, failures = $5, retry_at = $6, \
                 last_success = $7, error = $8 \
                 WHERE topic = $1 AND callback = $2 AND (log <> $3 OR delivered <= $4)",
                topic.as_str(),
                callback,
            ),
            PushTarget::Configured { kind, name } => (
                "INSERT INTO push_target \
                 (kind, name, log, delivered, failures, retry_at, last_success, error) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (kind, name) DO UPDATE SET \
                 log = excluded.log, delivered = excluded.delivered, failures = excluded.failures, \
                 retry_at = excluded.retry_at, last_success = excluded.last_success, error = excluded.error",
                *kind,
                name,
            ),
        };
        let values = values![
            kind,
            name.as_str(),
            log.as_str(),
            *delivered,
            u64::from(*failures),
            retry_at.map(|at| at.timestamp()),
            last_success.map(|at| at.timestamp()),
            error.as_deref(),
        ];
        self.transaction.run(sql, values).await.map(|_| ())
    }
}
