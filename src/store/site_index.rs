//! What has an address: for whoever makes the whole site and not only what is asked for.
//!
//! These questions read names and numbers, never a text, so that asking for everything stays cheap.

use super::article_query::Gone;
use super::engine::{Transaction, values};
use super::log_writer::{ALL_CHANNELS, read_permalink};
use super::{ArticleRef, ImageRef, MonthState, StoreError};
use crate::model::{ArticleId, Slug};
use crate::time::{Timestamp, Zone, from_unix};

pub(super) async fn articles(
    reading: &mut Transaction,
    after: Option<&ArticleId>,
    limit: u32,
) -> Result<Vec<ArticleRef>, StoreError> {
    let rows = reading
        .rows(
            "SELECT id, day, slug, state, number, at FROM article \
             WHERE id > $1 AND number > 0 AND state IN ('live', 'withdrawn') ORDER BY id LIMIT $2",
            values![after.map_or("", ArticleId::as_str), i64::from(limit)],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(ArticleRef {
                id: ArticleId::new(row.get_text(0)?),
                permalink: read_permalink(row.get_text(1)?, row.get_text(2)?)?,
                is_live: row.get_text(3)? == "live",
                number: row.get_u64(4)?,
                at: from_unix(row.get_i64(5)?),
            })
        })
        .collect()
}

pub(super) async fn images(
    reading: &mut Transaction,
    after: &str,
    limit: u32,
) -> Result<Vec<ImageRef>, StoreError> {
    let rows = reading
        .rows(
            "SELECT name, kept_at FROM picture WHERE name > $1 \
             AND EXISTS (SELECT 1 FROM picture_use WHERE picture = name) ORDER BY name LIMIT $2",
            values![after, i64::from(limit)],
        )
        .await?;
    rows.iter()
        .map(|row| Ok(ImageRef { name: row.get_text(0)?.to_owned(), stored_at: from_unix(row.get_i64(1)?) }))
        .collect()
}

pub(super) async fn months(
    reading: &mut Transaction,
    channel: Option<&Slug>,
    zone: Zone,
    gone: &Gone,
) -> Result<Vec<MonthState>, StoreError> {
    let slug = channel.map_or(ALL_CHANNELS, Slug::as_str);
    let months = super::archive_index::months(reading, channel, zone, gone).await?.unwrap_or_default();
    let mut states = Vec::with_capacity(months.len());
    for month in months {
        let (first, beyond) = super::article_query::sort_key_range(month, zone);
        let row = reading
            .one(
                "SELECT COUNT(*), COALESCE(MAX(a.number), 0) FROM membership m \
                 JOIN article a ON a.id = m.article WHERE m.channel = $1 AND m.place >= $2 AND m.place < $3",
                values![slug, first, beyond],
            )
            .await?;
        states.push(MonthState { month, articles: row.get_u64(0)?, number: row.get_u64(1)? });
    }
    Ok(states)
}

/// The channel's number of the newest revision by which an article departed from it; 0 where none has.
pub(super) async fn last_removal(
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

pub(super) async fn last_modified(reading: &mut Transaction) -> Result<Timestamp, StoreError> {
    let row = reading.one("SELECT head_at, configured_at, channels_at FROM log", &[]).await?;
    Ok(from_unix(row.get_i64(0)?.max(row.get_i64(1)?).max(row.get_i64(2)?)))
}
