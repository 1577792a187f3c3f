//! The changes of the log after a number, in order.

use crate::model::{ArticleId, Entry, Slug};
use crate::store::engine::{Row, Transaction, values};
use crate::store::error::StoreError;
use crate::store::feed_data::LogPosition;
use crate::store::metadata::Metadata;
use crate::store::queries::{Change, ChangeKind, ChangesPage, ChangesQuery, ChangesResult};
use crate::store::read::images::{FETCH_SIZE, add_copies};
use crate::store::read::log_state;
use crate::store::rows::{channel_exists, read_permalink};
use crate::store::sql::{ALL_CHANNELS, metadata};
use crate::time::from_unix;

/// Rows per query.
const BATCH_SIZE: u32 = 64;

pub(crate) async fn changes<T>(
    reading: &mut Transaction,
    query: &ChangesQuery,
    mut make: impl FnMut(Change) -> Result<T, StoreError>,
) -> Result<ChangesResult<T>, StoreError> {
    let LogPosition { head, .. } = log_state::position(reading).await?;
    if query.after > head {
        return Ok(ChangesResult::BeyondHead { head });
    }
    let channel = query.channel.as_ref().map_or(ALL_CHANNELS, Slug::as_str);
    if !channel_exists(reading, query.channel.as_ref()).await? {
        return Ok(ChangesResult::UnknownChannel);
    }
    let until = query.until.unwrap_or(head).min(head);
    let mut page = ChangesPage { changes: Vec::new(), next: query.after.min(until), head };
    let (mut left, mut bytes) = (query.limit, 0);
    let mut incomplete = Incomplete::default();
    'full: while left > 0 && bytes < query.bytes {
        let stride = left.min(BATCH_SIZE);
        let rows = revisions_after(reading, channel, page.next, until, stride).await?;
        for row in &rows {
            bytes += row.content_length(6);
            let change = read_change(row)?;
            page.next = change.number;
            left -= 1;
            if incomplete.push(change) {
                incomplete.complete(reading, &mut make, &mut page.changes).await?;
            }
            if bytes >= query.bytes {
                break 'full;
            }
        }
        if rows.len() < stride as usize {
            // Everything up to there was read, including changes in other channels.
            page.next = until;
            break;
        }
    }
    incomplete.complete(reading, &mut make, &mut page.changes).await?;
    Ok(ChangesResult::Page(page))
}

/// Changes that wait until a query for the copies of their images is worth it.
#[derive(Default)]
struct Incomplete {
    changes: Vec<Change>,
    images: usize,
}

impl Incomplete {
    /// Returns true if nothing more should be waited for.
    fn push(&mut self, change: Change) -> bool {
        self.images += change.entry.as_ref().map_or(0, |entry| entry.article.images.len());
        self.changes.push(change);
        self.images == 0 || self.images >= FETCH_SIZE
    }

    async fn complete<T>(
        &mut self,
        reading: &mut Transaction,
        make: impl FnMut(Change) -> Result<T, StoreError>,
        made: &mut Vec<T>,
    ) -> Result<(), StoreError> {
        let entries = self.changes.iter_mut().filter_map(|change| change.entry.as_deref_mut());
        add_copies(reading, entries.map(|entry| &mut entry.article)).await?;
        self.images = 0;
        for change in self.changes.drain(..).map(make) {
            made.push(change?);
        }
        Ok(())
    }
}

async fn revisions_after(
    reading: &mut Transaction,
    channel: &str,
    after: u64,
    until: u64,
    limit: u32,
) -> Result<Vec<Row>, StoreError> {
    reading
        .rows(
            // SECURITY: no revision of a withdrawn article may return its text.
            concat!(
                "SELECT c.revision, c.kind, c.article, c.at, a.day, a.slug, \
                 CASE WHEN a.state = 'live' THEN r.content END, ",
                metadata!(),
                " FROM channel_revision c JOIN article a ON a.id = c.article \
                 LEFT JOIN revision r ON r.number = c.revision AND r.article = c.article \
                 WHERE c.channel = $1 AND c.revision > $2 AND c.revision <= $3 ORDER BY c.revision LIMIT $4"
            ),
            values![channel, after, until, i64::from(limit)],
        )
        .await
}

fn read_change(row: &Row) -> Result<Change, StoreError> {
    let number = row.get_u64(0)?;
    let kind = row.get_text(1)?;
    let kind = ChangeKind::parse(kind)
        .ok_or_else(|| StoreError::Corrupt(format!("unknown kind of change `{kind}`")))?;
    let id = ArticleId::new(row.get_text(2)?);
    let at = from_unix(row.get_i64(3)?);
    // A damaged revision must not break the list of changes.
    let Ok(Metadata { updated, channels, reason, .. }) = row.get_metadata(7) else {
        let (channels, reason, entry) = (Vec::new(), None, None);
        return Ok(Change { number, kind, id, at, channels, reason, entry, damaged: true });
    };
    let article = row.get_article(6);
    let damaged = article.is_err();
    let entry = match article.ok().flatten() {
        Some(article) => Some(Box::new(Entry {
            id: id.clone(),
            permalink: read_permalink(row.get_text(4)?, row.get_text(5)?)?,
            channels: channels.clone(),
            updated: from_unix(updated),
            article,
        })),
        None => None,
    };
    Ok(Change { number, kind, id, at, channels, reason, entry, damaged })
}
