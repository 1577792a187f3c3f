//! The changes of the log after a number, in order.

use crate::model::{ArticleId, Entry, Slug};
use crate::store::engine::{Row, Transaction, values};
use crate::store::error::StoreError;
use crate::store::feed_data::LogPosition;
use crate::store::queries::{
    Change, ChangeKind, ChangeVersion, ChangesPage, ChangesQuery, ChangesResult, Recall,
};
use crate::store::read::images::add_copies;
use crate::store::read::log_state;
use crate::store::rows::{channel_exists, from_json, read_permalink};
use crate::store::sql::ALL_CHANNELS;
use crate::time::from_unix;

/// Rows per query.
const BATCH_SIZE: u32 = 64;

pub(crate) async fn changes(
    reading: &mut Transaction,
    query: &ChangesQuery,
    recall: Recall<'_>,
) -> Result<ChangesResult, StoreError> {
    let LogPosition { head, config_epoch: generation } = log_state::position(reading).await?;
    if query.after > head {
        return Ok(ChangesResult::BeyondHead { head });
    }
    let channel = query.channel.as_ref().map_or(ALL_CHANNELS, Slug::as_str);
    if !channel_exists(reading, query.channel.as_ref()).await? {
        return Ok(ChangesResult::UnknownChannel);
    }
    let until = query.until.unwrap_or(head).min(head);
    let mut page = ChangesPage { changes: Vec::new(), next: query.after.min(until), head, generation };
    let (mut left, mut bytes) = (query.limit, 0);
    'full: while left > 0 && bytes < query.bytes {
        let stride = left.min(BATCH_SIZE);
        let rows = revisions_after(reading, channel, page.next, until, stride).await?;
        for row in &rows {
            bytes += row.content_length(9);
            let change = read_change(row, generation, recall)?;
            page.next = change.number;
            page.changes.push(change);
            left -= 1;
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
    let entries = page.changes.iter_mut().filter_map(|change| change.entry.as_deref_mut());
    add_copies(reading, entries.map(|entry| &mut entry.article)).await?;
    Ok(ChangesResult::Page(page))
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
            "SELECT r.number, c.kind, r.article, r.at, r.channels, r.reason, a.day, a.slug, r.updated, \
             CASE WHEN a.state = 'live' THEN r.content END \
             FROM channel_revision c JOIN revision r ON r.number = c.revision \
             JOIN article a ON a.id = r.article \
             WHERE c.channel = $1 AND c.revision > $2 AND c.revision <= $3 ORDER BY c.revision LIMIT $4",
            values![channel, after, until, i64::from(limit)],
        )
        .await
}

fn read_change(row: &Row, generation: u64, recall: Recall<'_>) -> Result<Change, StoreError> {
    let number = row.get_u64(0)?;
    let kind = row.get_text(1)?;
    let kind = ChangeKind::parse(kind)
        .ok_or_else(|| StoreError::Corrupt(format!("unknown kind of change `{kind}`")))?;
    let id = ArticleId::new(row.get_text(2)?);
    let channels: Vec<Slug> = from_json(row.get_text(4)?)?;
    // Nothing is recalled of a withdrawn article: its row has no content.
    let is_shown = row.content_length(9) > 0;
    let recalled = is_shown.then(|| recall(&ChangeVersion { number, generation })).flatten();
    let content = if recalled.is_some() { None } else { row.get_content(9)? };
    let article = content.as_deref().map(from_json).transpose();
    // A damaged article must not break the list of changes.
    let damaged = article.is_err();
    let entry = match article.ok().flatten() {
        Some(article) => Some(Box::new(Entry {
            id: id.clone(),
            permalink: read_permalink(row.get_text(6)?, row.get_text(7)?)?,
            channels: channels.clone(),
            updated: from_unix(row.get_i64(8)?),
            article,
        })),
        None => None,
    };
    Ok(Change {
        number,
        kind,
        id,
        at: from_unix(row.get_i64(3)?),
        channels,
        reason: row.get_optional_text(5)?.map(str::to_owned),
        entry,
        recalled,
        damaged,
    })
}
