//! Months, sitemap entries and corrections.

use crate::model::{ArticleId, Correction, Slug};
use crate::store::engine::{Transaction, values};
use crate::store::error::StoreError;
use crate::store::queries::SitemapEntry;
use crate::store::removed_channels::RemovedChannels;
use crate::store::rows::{channel_exists, from_json, read_permalink};
use crate::store::sort_key::{first_sort_key, timestamp_of};
use crate::store::sql::{ALL_CHANNELS, metadata, served};
use crate::time::{Month, Timestamp, Zone, from_unix};

/// 200 years.
const MAX_MONTHS: usize = 2400;
/// Corrections shown per article.
const MAX_CORRECTIONS: i64 = 20;

pub(crate) async fn months(
    reading: &mut Transaction,
    channel: Option<&Slug>,
    zone: Zone,
    gone: &RemovedChannels,
) -> Result<Option<Vec<Month>>, StoreError> {
    let slug = channel.map_or(ALL_CHANNELS, Slug::as_str);
    if !channel_exists(reading, channel).await? {
        return Ok(None);
    }
    let (mut months, mut below) = (Vec::new(), i64::MAX);
    // Steps through the index from month to month.
    while months.len() < MAX_MONTHS {
        let row = reading
            .first(
                concat!(
                    "SELECT a.place FROM membership a WHERE a.channel = $1 AND a.place < $2 AND ",
                    served!("$3", "a.article"),
                    " ORDER BY a.place DESC LIMIT 1"
                ),
                values![slug, below, gone.as_str()],
            )
            .await?;
        let Some(place) = row.map(|row| row.get_i64(0)).transpose()? else { break };
        let month = Month::containing(timestamp_of(place), zone);
        below = first_sort_key(month.start(zone)).min(place);
        months.push(month);
    }
    Ok(Some(months))
}

pub(crate) async fn sitemap_entries(
    reading: &mut Transaction,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    limit: u32,
) -> Result<Vec<SitemapEntry>, StoreError> {
    let lowest = from.map_or(i64::MIN, first_sort_key);
    let above = to.map_or(i64::MAX, |to| first_sort_key(from_unix(to.timestamp() + 1)));
    let rows = reading
        .rows(
            "SELECT day, slug, updated, channels, link FROM article WHERE place >= $1 AND place < $2 ORDER BY place DESC LIMIT $3",
            values![lowest, above, i64::from(limit)],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let permalink = read_permalink(row.get_text(0)?, row.get_text(1)?)?;
            Ok(SitemapEntry {
                permalink,
                updated: from_unix(row.get_i64(2)?),
                channels: from_json(row.get_text(3)?)?,
                link: row.get_optional_text(4)?.map(str::to_owned),
            })
        })
        .collect()
}

pub(crate) async fn corrections(
    reading: &mut Transaction,
    id: &ArticleId,
) -> Result<Vec<Correction>, StoreError> {
    let rows = reading
        .rows(
            // Revisions that changed `updated`: not a mere move to another channel, and not an image that arrived
            // just after its text.
            concat!(
                "SELECT ",
                metadata!(),
                " FROM revision r WHERE article = $1 AND kind IN ('corrected', 'moved') AND updated > \
                 (SELECT p.updated FROM revision p WHERE p.article = r.article AND p.number < r.number \
                 ORDER BY p.number DESC LIMIT 1) ORDER BY number DESC LIMIT $2"
            ),
            values![id.as_str(), MAX_CORRECTIONS],
        )
        .await?;
    // A damaged one must not break the page. The check of the database names it.
    let intact = rows.iter().filter_map(|row| row.get_metadata(0).ok());
    Ok(intact.map(|revision| Correction { at: from_unix(revision.at), reason: revision.reason }).collect())
}
