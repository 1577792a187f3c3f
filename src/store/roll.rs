//! What has an address: for whoever makes the whole site and not only what is asked for.
//!
//! These questions read names and numbers, never a text, so that asking for everything stays cheap.

use super::catalogue::Gone;
use super::database::{Transaction, values};
use super::intake::{EVERYTHING, read_permalink};
use super::{KeptPicture, MonthState, OnRoll, StoreError};
use crate::article::ArticleId;
use crate::channel::Slug;
use crate::vietnam_time::{Moment, Zone, from_seconds};

pub(super) async fn articles(
    reading: &mut Transaction,
    after: Option<&ArticleId>,
    limit: u32,
) -> Result<Vec<OnRoll>, StoreError> {
    let rows = reading
        .rows(
            "SELECT id, day, slug, state, number, at FROM article \
             WHERE id > $1 AND number > 0 AND state IN ('live', 'withdrawn') ORDER BY id LIMIT $2",
            values![after.map_or("", ArticleId::as_str), i64::from(limit)],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(OnRoll {
                id: ArticleId::new(row.text(0)?),
                permalink: read_permalink(row.text(1)?, row.text(2)?)?,
                is_live: row.text(3)? == "live",
                number: row.number(4)?,
                at: from_seconds(row.integer(5)?),
            })
        })
        .collect()
}

pub(super) async fn pictures(
    reading: &mut Transaction,
    after: &str,
    limit: u32,
) -> Result<Vec<KeptPicture>, StoreError> {
    let rows = reading
        .rows(
            "SELECT name, kept_at FROM picture WHERE name > $1 \
             AND EXISTS (SELECT 1 FROM picture_use WHERE picture = name) ORDER BY name LIMIT $2",
            values![after, i64::from(limit)],
        )
        .await?;
    rows.iter()
        .map(|row| Ok(KeptPicture { name: row.text(0)?.to_owned(), kept_at: from_seconds(row.integer(1)?) }))
        .collect()
}

pub(super) async fn months(
    reading: &mut Transaction,
    channel: Option<&Slug>,
    zone: Zone,
    gone: &Gone,
) -> Result<Vec<MonthState>, StoreError> {
    let slug = channel.map_or(EVERYTHING, Slug::as_str);
    let months = super::browse::months(reading, channel, zone, gone).await?.unwrap_or_default();
    let mut states = Vec::with_capacity(months.len());
    for month in months {
        let (first, beyond) = super::catalogue::places_of(month, zone);
        let row = reading
            .one(
                "SELECT COUNT(*), COALESCE(MAX(a.number), 0) FROM membership m \
                 JOIN article a ON a.id = m.article WHERE m.channel = $1 AND m.place >= $2 AND m.place < $3",
                values![slug, first, beyond],
            )
            .await?;
        states.push(MonthState { month, articles: row.number(0)?, number: row.number(1)? });
    }
    Ok(states)
}

/// The channel's number of the newest revision by which an article departed from it; 0 where none has.
pub(super) async fn newest_departure(
    reading: &mut Transaction,
    channel: Option<&Slug>,
) -> Result<u64, StoreError> {
    let row = reading
        .one(
            "SELECT COALESCE(MAX(number), 0) FROM channel_revision \
             WHERE channel = $1 AND kind IN ('left', 'withdrawn')",
            values![channel.map_or(EVERYTHING, Slug::as_str)],
        )
        .await?;
    row.number(0)
}

pub(super) async fn newest_second(reading: &mut Transaction) -> Result<Moment, StoreError> {
    let row = reading.one("SELECT head_at, configured_at, channels_at FROM log", &[]).await?;
    Ok(from_seconds(row.integer(0)?.max(row.integer(1)?).max(row.integer(2)?)))
}
