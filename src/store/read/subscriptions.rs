//! Subscriptions, and how far everybody was told.

use crate::store::engine::{Row, values};
use crate::store::error::StoreError;
use crate::store::handle::Store;
use crate::store::subscription::{
    NewSubscriptionRequest, Subscription, SubscriptionMode, SubscriptionRequest, TargetProgress,
};
use crate::time::{Timestamp, from_unix};

impl Store {
    /// The requests that are not confirmed yet, oldest first, at most `limit`.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn subscription_requests(&self, limit: u64) -> Result<Vec<SubscriptionRequest>, StoreError> {
        let mut reading = self.core.database.begin_quick_read().await?;
        let sql = "SELECT topic, callback, mode, secret, lease, number, log, delivered \
                   FROM subscription_request ORDER BY number LIMIT $1";
        reading.rows(sql, values![limit]).await?.iter().map(read_request).collect()
    }

    /// All confirmed subscriptions, by topic and callback. Those whose lease has ended are included until they are
    /// deleted.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn subscriptions(&self) -> Result<Vec<Subscription>, StoreError> {
        let mut reading = self.core.database.begin_read().await?;
        let sql = "SELECT log, delivered, failures, retry_at, last_success, error, topic, callback, secret, \
                   number, since, expires FROM subscription ORDER BY topic, callback";
        reading.rows(sql, &[]).await?.iter().map(read_subscription).collect()
    }

    /// The count of subscriptions and the number of the request that was confirmed last: they change whenever a
    /// subscription is confirmed or deleted.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn subscriptions_version(&self) -> Result<(u64, u64), StoreError> {
        let mut reading = self.core.database.begin_quick_read().await?;
        let row = reading.one("SELECT COUNT(*), COALESCE(MAX(number), 0) FROM subscription", &[]).await?;
        Ok((row.get_u64(0)?, row.get_u64(1)?))
    }

    /// How far the targets of a kind were told that the configuration names or named, by name.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn push_targets(&self, kind: &str) -> Result<Vec<(String, TargetProgress)>, StoreError> {
        let mut reading = self.core.database.begin_read().await?;
        let sql = "SELECT log, delivered, failures, retry_at, last_success, error, name FROM push_target \
                   WHERE kind = $1 ORDER BY name";
        let rows = reading.rows(sql, values![kind]).await?;
        rows.iter().map(|row| Ok((row.get_text(6)?.to_owned(), read_progress(row)?))).collect()
    }
}

fn read_request(row: &Row) -> Result<SubscriptionRequest, StoreError> {
    let mode = row.get_text(2)?;
    let mode = SubscriptionMode::from_name(mode)
        .ok_or_else(|| StoreError::Corrupt(format!("`{mode}` is not a mode of a subscription")))?;
    Ok(SubscriptionRequest {
        number: row.get_u64(5)?,
        request: NewSubscriptionRequest {
            topic: row.get_text(0)?.to_owned(),
            callback: row.get_text(1)?.to_owned(),
            mode,
            secret: row.get_optional_text(3)?.map(str::to_owned),
            lease: u32::try_from(row.get_u64(4)?).unwrap_or(u32::MAX),
            log: row.get_text(6)?.to_owned(),
            delivered: row.get_u64(7)?,
        },
    })
}

fn read_subscription(row: &Row) -> Result<Subscription, StoreError> {
    Ok(Subscription {
        progress: read_progress(row)?,
        topic: row.get_text(6)?.to_owned(),
        callback: row.get_text(7)?.to_owned(),
        secret: row.get_optional_text(8)?.map(str::to_owned),
        number: row.get_u64(9)?,
        since: from_unix(row.get_i64(10)?),
        expires: from_unix(row.get_i64(11)?),
    })
}

/// The first six columns.
fn read_progress(row: &Row) -> Result<TargetProgress, StoreError> {
    let time = |column| -> Result<Option<Timestamp>, StoreError> {
        Ok(row.get_optional_i64(column)?.map(from_unix))
    };
    Ok(TargetProgress {
        log: row.get_text(0)?.to_owned(),
        delivered: row.get_u64(1)?,
        failures: u32::try_from(row.get_u64(2)?).unwrap_or(u32::MAX),
        retry_at: time(3)?,
        last_success: time(4)?,
        error: row.get_optional_text(5)?.map(str::to_owned),
    })
}
