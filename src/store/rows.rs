//! Reading and writing the values that columns hold.

use sha2::{Digest as _, Sha256};

use crate::model::{Permalink, Slug};
use crate::store::engine::{Transaction, values};
use crate::store::error::StoreError;
use crate::store::sql::is_public;
use crate::text::hex;

pub(crate) fn read_permalink(day: &str, slug: &str) -> Result<Permalink, StoreError> {
    let corrupt = || StoreError::Corrupt(format!("`{day}/{slug}` is not a permalink"));
    Ok(Permalink {
        day: day.parse().map_err(|_| corrupt())?,
        slug: Slug::parse(slug).map_err(|_| corrupt())?,
    })
}

pub(crate) fn day_text(permalink: &Permalink) -> String {
    permalink.day.format("%Y-%m-%d").to_string()
}

pub(crate) fn to_json<T: serde::Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|cause| StoreError::Corrupt(cause.to_string()))
}

pub(crate) fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|cause| StoreError::Corrupt(cause.to_string()))
}

pub(crate) fn read_slug(text: &str) -> Result<Slug, StoreError> {
    Slug::parse(text).map_err(|cause| StoreError::Corrupt(cause.to_string()))
}

/// Version of a scheduled text, which has no revision number yet.
pub(crate) fn version_of(channels: &str, content: &str) -> String {
    let hash = Sha256::new().chain_update(channels).chain_update([0]).chain_update(content).finalize();
    hex(&hash[..8])
}

/// True if readers know this channel. The view of all channels always exists.
pub(crate) async fn channel_exists(
    reading: &mut Transaction,
    channel: Option<&Slug>,
) -> Result<bool, StoreError> {
    let Some(channel) = channel else { return Ok(true) };
    let sql = concat!("SELECT 1 FROM channel WHERE slug = $1 AND ", is_public!());
    Ok(reading.first(sql, values![channel.as_str()]).await?.is_some())
}
