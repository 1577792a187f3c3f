//! The sealed archive pages of a channel (RFC 5005; feed rules H1, H2).
//!
//! Page `n` is the `n`-th run of `page_size` revisions. It shows each article as the last of them left it: as
//! an entry or as a tombstone. After sealing, a page only loses articles: one that is withdrawn or leaves the
//! channel later is removed and does not come back; once restored, it appears further on, where the log has
//! its new revision. So a page changes only when one of its articles is removed, and every published article
//! appears exactly once in its newest state: in the page with its newest revision, or in the live document if
//! that revision is in no page yet.

use crate::model::{ArticleId, Entry, Slug, Tombstone};
use crate::store::engine::{Row, Transaction, values};
use crate::store::error::StoreError;
use crate::store::feed_data::{ArchivePageData, ChannelState};
use crate::store::metadata::Metadata;
use crate::store::read::images::add_copies;
use crate::store::read::live_feed::sort_for_feed;
use crate::store::read::log_state::config_modified_at;
use crate::store::rows::read_permalink;
use crate::store::sql::{ALL_CHANNELS, metadata};
use crate::time::from_unix;

/// SQL condition: the rows of a page that show its articles when it was sealed. `$1` is the channel, `$2` the
/// number before the first of the page, `$3` the last.
macro_rules! as_sealed {
    () => {
        "c.channel = $1 AND c.number > $2 AND c.number <= $3 AND c.kind <> 'left' \
         AND NOT EXISTS (SELECT 1 FROM channel_revision n WHERE n.channel = c.channel \
         AND n.article = c.article AND n.number > c.number AND n.number <= $3) "
    };
}

/// SQL: later rows that removed an article. They have an index of their own, so that an article with a
/// thousand corrections costs no more than any other.
macro_rules! departures {
    ($what:literal) => {
        concat!(
            "(SELECT ",
            $what,
            " FROM channel_revision g WHERE g.channel = c.channel \
              AND g.article = c.article AND g.number > $3 AND g.kind IN ('left', 'withdrawn'))"
        )
    };
}

/// SQL: time of a revision. For the last one of the page it is the newest of the page, because times never
/// decrease.
macro_rules! sealed_at {
    () => {
        "SELECT at FROM channel_revision WHERE channel = $1 AND number = $2"
    };
}

/// SQL: the newest removal of an article from the page.
macro_rules! last_removal {
    () => {
        concat!(
            "SELECT COALESCE(MAX(d.number), 0), COALESCE(MAX(d.at), 0) FROM channel_revision c \
             JOIN channel_revision d ON d.channel = c.channel AND d.number = ",
            departures!("MIN(g.number)"),
            " WHERE ",
            as_sealed!()
        )
    };
}

/// SQL: the remaining content of the page.
macro_rules! visible_articles {
    () => {
        concat!(
            "SELECT a.id, a.day, a.slug, c.kind, r.content, ",
            metadata!(),
            " FROM channel_revision c LEFT JOIN revision r ON r.number = c.revision AND r.article = c.article \
             JOIN article a ON a.id = c.article WHERE ",
            as_sealed!(),
            "AND NOT EXISTS ",
            departures!("1")
        )
    };
}

/// First and last number of a page. None if no log can have such a page.
fn revision_range(page: u64, page_size: u64) -> Option<(u64, u64)> {
    let last = page.checked_mul(page_size.max(1)).filter(|last| (1..=i64::MAX as u64).contains(last))?;
    Some((last - page_size.max(1) + 1, last))
}

pub(crate) async fn state(
    reading: &mut Transaction,
    channel: Option<&Slug>,
    page: u64,
    page_size: u64,
) -> Result<Option<ChannelState>, StoreError> {
    let slug = channel.map_or(ALL_CHANNELS, Slug::as_str);
    let Some((first, last)) = revision_range(page, page_size) else { return Ok(None) };
    let Some(row) = reading.first(sealed_at!(), values![slug, last]).await? else { return Ok(None) };
    let sealed_at = row.get_i64(0)?;
    let loss = reading.one(last_removal!(), values![slug, first - 1, last]).await?;
    let changed_at = from_unix(sealed_at.max(loss.get_i64(1)?));
    Ok(Some(ChannelState {
        number: last.max(loss.get_u64(0)?),
        updated: from_unix(sealed_at),
        last_modified: changed_at.max(config_modified_at(reading).await?),
    }))
}

pub(crate) async fn page(
    reading: &mut Transaction,
    channel: Option<&Slug>,
    page: u64,
    page_size: u64,
) -> Result<Option<ArchivePageData>, StoreError> {
    let Some(state) = state(reading, channel, page, page_size).await? else { return Ok(None) };
    let Some((first, last)) = revision_range(page, page_size) else { return Ok(None) };
    let slug = channel.map_or(ALL_CHANNELS, Slug::as_str);
    let rows = reading.rows(visible_articles!(), values![slug, first - 1, last]).await?;
    let (mut entries, mut tombstones, mut unreadable) = (Vec::new(), Vec::new(), Vec::new());
    for row in &rows {
        match read_sealed_item(row) {
            Ok(SealedItem::Entry(entry)) => entries.push(*entry),
            Ok(SealedItem::Tombstone(tombstone)) => tombstones.push(tombstone),
            // A damaged revision must not break a page.
            Err(StoreError::Corrupt(_)) => unreadable.push(ArticleId::new(row.get_text(0)?)),
            Err(cause) => return Err(cause),
        }
    }
    add_copies(reading, entries.iter_mut().map(|entry| &mut entry.article)).await?;
    sort_for_feed(&mut entries, &mut tombstones);
    unreadable.sort();
    Ok(Some(ArchivePageData { state, entries, tombstones, unreadable }))
}

enum SealedItem {
    Entry(Box<Entry>),
    Tombstone(Tombstone),
}

fn read_sealed_item(row: &Row) -> Result<SealedItem, StoreError> {
    let id = ArticleId::new(row.get_text(0)?);
    let permalink = read_permalink(row.get_text(1)?, row.get_text(2)?)?;
    let Metadata { at, updated, channels, reason, .. } = row.get_metadata(5)?;
    if row.get_text(3)? == "withdrawn" {
        return Ok(SealedItem::Tombstone(Tombstone { id, permalink, when: from_unix(at), reason }));
    }
    Ok(SealedItem::Entry(Box::new(Entry {
        id,
        permalink,
        channels,
        updated: from_unix(updated),
        article: row.get_published(4)?,
    })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::engine::Database;

    /// These queries use indexes only, however long the log is.
    #[tokio::test]
    async fn a_page_is_read_by_its_indexes_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bantin.db");
        let database = Database::open(&format!("sqlite:{}", path.display())).await.unwrap();
        let mut reading = database.begin_read().await.unwrap();
        for (sql, parameters) in [
            (concat!("EXPLAIN QUERY PLAN ", sealed_at!()), values!["xa-hoi", 50_u64].as_slice()),
            (concat!("EXPLAIN QUERY PLAN ", last_removal!()), values!["xa-hoi", 0_u64, 50_u64].as_slice()),
            (
                concat!("EXPLAIN QUERY PLAN ", visible_articles!()),
                values!["xa-hoi", 0_u64, 50_u64].as_slice(),
            ),
        ] {
            let plan = reading.rows(sql, parameters).await.unwrap();
            let steps: Vec<&str> = plan.iter().map(|row| row.get_text(3).unwrap()).collect();
            assert!(
                !steps.is_empty() && steps.iter().all(|step| !step.contains("SCAN")),
                "{sql}: {steps:#?}"
            );
            if sql.contains("IN ('left', 'withdrawn')") {
                assert!(steps.iter().any(|step| step.contains("INDEX departure")), "{sql}: {steps:#?}");
            }
        }
    }
}
