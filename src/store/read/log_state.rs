//! The position of the log, and when it changed.

use crate::store::engine::Transaction;
use crate::store::error::StoreError;
use crate::store::feed_data::LogPosition;
use crate::time::{Timestamp, from_unix};

pub(crate) async fn position(reading: &mut Transaction) -> Result<LogPosition, StoreError> {
    let row = reading.one("SELECT head, generation FROM log", &[]).await?;
    Ok(LogPosition { head: row.get_u64(0)?, config_epoch: row.get_u64(1)? })
}

pub(crate) async fn config_modified_at(reading: &mut Transaction) -> Result<Timestamp, StoreError> {
    Ok(from_unix(reading.one("SELECT configured_at FROM log", &[]).await?.get_i64(0)?))
}

pub(crate) async fn channels_modified_at(reading: &mut Transaction) -> Result<Timestamp, StoreError> {
    let row = reading.one("SELECT channels_at, configured_at FROM log", &[]).await?;
    Ok(from_unix(row.get_i64(0)?.max(row.get_i64(1)?)))
}

pub(crate) async fn last_modified(reading: &mut Transaction) -> Result<Timestamp, StoreError> {
    let row = reading.one("SELECT head_at, configured_at, channels_at FROM log", &[]).await?;
    Ok(from_unix(row.get_i64(0)?.max(row.get_i64(1)?).max(row.get_i64(2)?)))
}
