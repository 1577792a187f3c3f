//! Everything that has a URL, for the export of the whole site.
//!
//! These queries read ids and numbers, never texts, so that listing everything stays cheap.

use crate::model::{ArticleId, Slug};
use crate::store::engine::{Transaction, values};
use crate::store::error::StoreError;
use crate::store::queries::{ArticleRef, MonthState};
use crate::store::read::archive_index;
use crate::store::removed_channels::RemovedChannels;
use crate::store::rows::read_permalink;
use crate::store::sort_key::sort_key_range;
use crate::store::sql::ALL_CHANNELS;
use crate::time::{Zone, from_unix};

pub(crate) async fn articles(
    reading: &mut Transaction,
    after: Option<&ArticleId>,
    limit: u32,
) -> Result<Vec<ArticleRef>, StoreError> {
    let rows = reading
        .rows(
            "SELECT p.*, r.number, r.at FROM (SELECT a.id, a.day, a.slug, a.state, a.number, a.at, \
             (SELECT MAX(m.around) FROM membership m WHERE m.article = a.id) AS around FROM article a \
             WHERE a.id > $1 AND a.number > 0 AND a.state IN ('live', 'withdrawn') ORDER BY a.id LIMIT $2) p \
             LEFT JOIN revision r ON r.number = p.around ORDER BY p.id",
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
                neighbours: match row.get_optional_i64(8)? {
                    Some(at) => Some((row.get_u64(7)?, from_unix(at))),
                    None => None,
                },
            })
        })
        .collect()
}

pub(crate) async fn months(
    reading: &mut Transaction,
    channel: Option<&Slug>,
    zone: Zone,
    gone: &RemovedChannels,
) -> Result<Vec<MonthState>, StoreError> {
    let slug = channel.map_or(ALL_CHANNELS, Slug::as_str);
    let months = archive_index::months(reading, channel, zone, gone).await?.unwrap_or_default();
    let mut states = Vec::with_capacity(months.len());
    for month in months {
        let (first, beyond) = sort_key_range(month, zone);
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
