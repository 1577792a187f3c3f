//! Channels and their states.

use std::collections::HashMap;

use crate::model::Slug;
use crate::store::engine::{Row, Transaction, values};
use crate::store::error::StoreError;
use crate::store::feed_data::ChannelState;
use crate::store::queries::ChannelRecord;
use crate::store::read::log_state::config_modified_at;
use crate::store::rows::read_slug;
use crate::store::sql::{ALL_CHANNELS, is_public};
use crate::time::{Timestamp, from_unix};
use crate::urls::Scope;

pub(crate) async fn channels(reading: &mut Transaction) -> Result<Vec<ChannelRecord>, StoreError> {
    let rows = reading
        .rows(
            concat!(
                "SELECT slug, title, head, founded_as FROM channel WHERE slug <> '' AND ",
                is_public!(),
                " ORDER BY slug"
            ),
            &[],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let slug = read_slug(row.get_text(0)?)?;
            let founded_as = row.get_text(3)?;
            Ok(ChannelRecord {
                original_slug: if founded_as.is_empty() { slug.clone() } else { read_slug(founded_as)? },
                slug,
                title: row.get_optional_text(1)?.map(str::to_owned),
                head: row.get_u64(2)?,
            })
        })
        .collect()
}

/// The state of a channel; of the log as long as it is empty.
pub(crate) async fn state_of(
    reading: &mut Transaction,
    slug: &str,
    configured_at: Timestamp,
) -> Result<ChannelState, StoreError> {
    let sql = "SELECT head, head_at, created_at FROM channel WHERE slug = $1";
    let row = match reading.first(sql, values![slug]).await? {
        Some(row) => row,
        None => reading.one("SELECT head, head_at, created_at FROM log", &[]).await?,
    };
    read_state(&row, configured_at)
}

/// Reads `head`, `head_at` and `created_at`. A channel without a revision was updated when it was created (feed rule
/// A3).
fn read_state(row: &Row, configured_at: Timestamp) -> Result<ChannelState, StoreError> {
    let number = row.get_u64(0)?;
    let updated = from_unix(row.get_i64(if number == 0 { 2 } else { 1 })?);
    Ok(ChannelState { number, updated, last_modified: updated.max(configured_at) })
}

pub(crate) async fn channel_states(
    reading: &mut Transaction,
) -> Result<HashMap<Scope, ChannelState>, StoreError> {
    let configured_at = config_modified_at(reading).await?;
    let rows = reading.rows("SELECT head, head_at, created_at, slug FROM channel", &[]).await?;
    rows.iter()
        .map(|row| {
            let slug = row.get_text(3)?;
            let scope = if slug == ALL_CHANNELS { None } else { Some(read_slug(slug)?) };
            Ok((scope, read_state(row, configured_at)?))
        })
        .collect()
}

/// The channel's number of the newest revision that removed an article from it; 0 if there is none.
pub(crate) async fn last_removal(
    reading: &mut Transaction,
    channel: Option<&Slug>,
) -> Result<u64, StoreError> {
    let row = reading
        .one(
            "SELECT COALESCE(MAX(number), 0) FROM channel_revision \
             WHERE channel = $1 AND kind IN ('left', 'withdrawn')",
            values![channel.map_or(ALL_CHANNELS, Slug::as_str)],
        )
        .await?;
    row.get_u64(0)
}
