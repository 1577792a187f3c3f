//! The sort key of an article: a number that orders all articles by publication date and is unique.

use crate::model::ArticleId;
use crate::store::engine::{Database, Transaction, values};
use crate::store::error::StoreError;
use crate::time::{Month, Timestamp, Zone, from_unix};

/// Sort keys per second.
pub(crate) const KEYS_PER_SECOND: i64 = 1 << 20;
/// Articles that are migrated with one commit.
const BACKFILL_BATCH: i64 = 256;

/// The lowest sort key of a second.
pub(crate) fn first_sort_key(moment: Timestamp) -> i64 {
    moment.timestamp().saturating_mul(KEYS_PER_SECOND)
}

/// The range of sort keys of a month: the lowest, and the lowest after it.
pub(crate) fn sort_key_range(month: Month, zone: Zone) -> (i64, i64) {
    (first_sort_key(month.start(zone)), first_sort_key(month.end(zone)).saturating_add(KEYS_PER_SECOND))
}

/// The second that a sort key belongs to.
pub(crate) fn timestamp_of(place: i64) -> Timestamp {
    from_unix(place.div_euclid(KEYS_PER_SECOND))
}

/// The sort key of an article published at `stamp`. It keeps its current key if the date did not change.
pub(crate) async fn sort_key(
    transaction: &mut Transaction,
    id: &ArticleId,
    stamp: i64,
) -> Result<i64, StoreError> {
    let first = first_sort_key(from_unix(stamp));
    let beyond = first.saturating_add(KEYS_PER_SECOND);
    let row = transaction
        .one(
            "SELECT (SELECT place FROM article WHERE id = $1 AND place >= $2 AND place < $3), \
             (SELECT MAX(place) FROM article WHERE place >= $2 AND place < $3)",
            values![id.as_str(), first, beyond],
        )
        .await?;
    if let Some(place) = row.get_optional_i64(0)? {
        return Ok(place);
    }
    let place = row.get_optional_i64(1)?.map_or(first, |last| last + 1);
    if place < beyond { Ok(place) } else { Err(full_second()) }
}

/// All sort keys of a second are in use.
pub(crate) fn full_second() -> StoreError {
    StoreError::Corrupt("more than a million articles have the same publication second".to_owned())
}

/// Gives a sort key to articles that an older version stored without one.
pub(crate) async fn backfill(database: &Database) -> Result<(), StoreError> {
    loop {
        let mut writing = database.begin_write().await?;
        let rows = writing
            .rows(
                "SELECT id, stamp FROM article WHERE state = 'live' AND place IS NULL ORDER BY stamp, id LIMIT $1",
                values![BACKFILL_BATCH],
            )
            .await?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in &rows {
            let id = ArticleId::new(row.get_text(0)?);
            let place = sort_key(&mut writing, &id, row.get_i64(1)?).await?;
            for sql in [
                "UPDATE article SET place = $2 WHERE id = $1",
                "UPDATE membership SET place = $2 WHERE article = $1",
            ] {
                writing.run(sql, values![id.as_str(), place]).await?;
            }
        }
        // Without its text the search does not find the article.
        writing.run("UPDATE log SET indexed_by = 0", &[]).await?;
        writing.commit().await?;
    }
}
