//! Channels and their states.

use std::collections::HashMap;

use crate::model::Slug;
use crate::store::engine::{Transaction, values};
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

/// A channel without a revision is as old as the configuration that created it (feed rule A3).
pub(crate) fn channel_state(number: u64, head_at: i64, configured_at: Timestamp) -> ChannelState {
    let updated = if number == 0 { configured_at } else { from_unix(head_at) };
    ChannelState { number, updated, last_modified: updated.max(configured_at) }
}

pub(crate) async fn channel_states(
    reading: &mut Transaction,
) -> Result<HashMap<Scope, ChannelState>, StoreError> {
    let configured_at = config_modified_at(reading).await?;
    let rows = reading.rows("SELECT slug, head, head_at FROM channel", &[]).await?;
    rows.iter()
        .map(|row| {
            let slug = row.get_text(0)?;
            let scope = if slug == ALL_CHANNELS { None } else { Some(read_slug(slug)?) };
            Ok((scope, channel_state(row.get_u64(1)?, row.get_i64(2)?, configured_at)))
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
