//! The log as a reader follows it: every revision behind a number, in order.

use super::channels::is_public;
use super::database::{Row, Transaction, values};
use super::intake::{EVERYTHING, from_json, read_permalink};
use super::{Change, ChangeKind, ChangesAsked, ChangesFound, ChangesPage, StoreError};
use crate::article::{ArticleId, Entry};
use crate::channel::Slug;
use crate::vietnam_time::from_seconds;

/// Rows that are read at a time.
const STRIDE: u32 = 64;

pub(super) async fn changes(
    reading: &mut Transaction,
    asked: &ChangesAsked,
) -> Result<ChangesFound, StoreError> {
    let head = reading.one("SELECT head FROM log", &[]).await?.number(0)?;
    if asked.after > head {
        return Ok(ChangesFound::AboveHead { head });
    }
    let channel = asked.channel.as_ref().map_or(EVERYTHING, Slug::as_str);
    let known = reading
        .first(concat!("SELECT 1 FROM channel WHERE slug = $1 AND ", is_public!()), values![channel])
        .await?;
    if known.is_none() && asked.channel.is_some() {
        return Ok(ChangesFound::UnknownChannel);
    }
    let until = asked.until.unwrap_or(head).min(head);
    let mut page = ChangesPage { changes: Vec::new(), next: asked.after.min(until), head };
    let (mut left, mut bytes) = (asked.limit, 0);
    while left > 0 && bytes < asked.bytes {
        let stride = left.min(STRIDE);
        let rows = behind(reading, channel, page.next, until, stride).await?;
        for row in &rows {
            bytes += row.optional_text(9)?.map_or(0, str::len);
            let change = read_change(row)?;
            page.next = change.number;
            page.changes.push(change);
            left -= 1;
            if bytes >= asked.bytes {
                return Ok(ChangesFound::Page(page));
            }
        }
        if rows.len() < stride as usize {
            // Nothing more up to there: all of it was looked at, also what is of other channels.
            page.next = until;
            break;
        }
    }
    Ok(ChangesFound::Page(page))
}

async fn behind(
    reading: &mut Transaction,
    channel: &str,
    after: u64,
    until: u64,
    limit: u32,
) -> Result<Vec<Row>, StoreError> {
    reading
        .rows(
            // SECURITY: the text of an article that is withdrawn now is given with none of its revisions.
            "SELECT r.number, c.kind, r.article, r.at, r.channels, r.reason, a.day, a.slug, r.updated, \
             CASE WHEN a.state = 'live' THEN r.content END \
             FROM channel_revision c JOIN revision r ON r.number = c.revision \
             JOIN article a ON a.id = r.article \
             WHERE c.channel = $1 AND c.revision > $2 AND c.revision <= $3 ORDER BY c.revision LIMIT $4",
            values![channel, after, until, i64::from(limit)],
        )
        .await
}

fn read_change(row: &Row) -> Result<Change, StoreError> {
    let number = row.number(0)?;
    let kind = row.text(1)?;
    let kind = ChangeKind::named(kind)
        .ok_or_else(|| StoreError::Corrupt(format!("`{kind}` is no kind of change")))?;
    let id = ArticleId::new(row.text(2)?);
    let channels: Vec<Slug> = from_json(row.text(4)?)?;
    let content = row.optional_text(9)?;
    let article = content.map(from_json).transpose();
    // One damaged article never takes the log down.
    let damaged = article.is_err();
    let entry = match article.ok().flatten() {
        Some(article) => Some(Box::new(Entry {
            id: id.clone(),
            permalink: read_permalink(row.text(6)?, row.text(7)?)?,
            channels: channels.clone(),
            updated: from_seconds(row.integer(8)?),
            article,
        })),
        None => None,
    };
    Ok(Change {
        number,
        kind,
        id,
        at: from_seconds(row.integer(3)?),
        channels,
        reason: row.optional_text(5)?.map(str::to_owned),
        entry,
        damaged,
    })
}
