//! The living articles, newest first, and the search in them.
//!
//! Each has a *place*: a number that orders all of them by their stamps and belongs to one alone. A page of
//! the list goes on behind a place, whatever was published, corrected or withdrawn meanwhile.

use super::database::{Database, Row, Transaction, values};
use super::intake::{EVERYTHING, from_json, read_permalink};
use super::{Catalogue, CatalogueAsked, CatalogueFound, CatalogueItem, StoreError};
use crate::article::{Article, ArticleId, Entry, words};
use crate::channel::Slug;
use crate::vietnam_time::{Moment, Month, Zone, from_seconds};

/// Rows that are read at a time.
const STRIDE: u32 = 64;
/// Places within one second.
const PLACES: i64 = 1 << 20;
/// Articles of an older store that are filled in with one commit.
const FILLED: i64 = 256;

pub(super) async fn catalogue(
    reading: &mut Transaction,
    asked: &CatalogueAsked,
) -> Result<CatalogueFound, StoreError> {
    let channel = asked.channel.as_ref().map_or(EVERYTHING, Slug::as_str);
    let known = reading.first("SELECT 1 FROM channel WHERE slug = $1", values![channel]).await?;
    if known.is_none() && asked.channel.is_some() {
        return Ok(CatalogueFound::UnknownChannel);
    }
    let question = asked.words.as_deref().map(words::of_question);
    let lowest = asked.from.map_or(i64::MIN, first_place);
    let above_range = asked.to.map_or(i64::MAX, |to| first_place(to).saturating_add(PLACES));
    let mut below = asked.after.map_or(above_range, |after| after.min(above_range));
    let mut found = Catalogue { items: Vec::new(), next: None, damaged: Vec::new() };
    let (mut left, mut bytes) = (asked.limit, 0);
    if question.as_ref().is_some_and(Vec::is_empty) {
        return Ok(CatalogueFound::Page(found));
    }
    loop {
        // One more than asked for tells whether there is a next page.
        let stride = left.min(STRIDE) + 1;
        let rows = page(reading, channel, question.as_deref(), lowest, below, stride).await?;
        let more = rows.len() == stride as usize;
        for row in rows.iter().take(stride as usize - 1) {
            below = row.integer(0)?;
            // What has the words but not together is counted as well: it was read.
            bytes += row.optional_text(6)?.map_or(0, str::len);
            match read_item(row) {
                Ok(item) if !has_phrases(&item, &asked.phrases) => {}
                Ok(item) => {
                    left -= 1;
                    found.items.push(item);
                }
                // One damaged article never takes the list down.
                Err(StoreError::Corrupt(_)) => {
                    left -= 1;
                    found.damaged.push(ArticleId::new(row.text(1)?));
                }
                Err(cause) => return Err(cause),
            }
            if bytes >= asked.bytes || left == 0 {
                left = 0;
                break;
            }
        }
        if !more && left > 0 {
            return Ok(CatalogueFound::Page(found));
        }
        if left == 0 {
            let is_last = below == rows.last().map_or(below, |row| row.integer(0).unwrap_or(below));
            found.next = (!is_last).then_some(below);
            return Ok(CatalogueFound::Page(found));
        }
    }
}

async fn page(
    reading: &mut Transaction,
    channel: &str,
    question: Option<&[String]>,
    lowest: i64,
    below: i64,
    limit: u32,
) -> Result<Vec<Row>, StoreError> {
    let limit = i64::from(limit);
    match question {
        None => {
            reading
                .rows(
                    "SELECT m.place, a.id, a.day, a.slug, a.channels, a.updated, a.content, a.number \
                     FROM membership m JOIN article a ON a.id = m.article \
                     WHERE m.channel = $1 AND m.place < $2 AND m.place >= $3 \
                     ORDER BY m.place DESC LIMIT $4",
                    values![channel, below, lowest, limit],
                )
                .await
        }
        Some(words) => reading.search(words, channel, lowest, below, limit).await,
    }
}

fn has_phrases(item: &CatalogueItem, phrases: &[Vec<String>]) -> bool {
    phrases.iter().all(|phrase| words::has_phrase(&item.entry.article, phrase))
}

fn read_item(row: &Row) -> Result<CatalogueItem, StoreError> {
    let content = row.optional_text(6)?;
    let content =
        content.ok_or_else(|| StoreError::Corrupt("a living article without content".to_owned()))?;
    Ok(CatalogueItem {
        entry: Entry {
            id: ArticleId::new(row.text(1)?),
            permalink: read_permalink(row.text(2)?, row.text(3)?)?,
            channels: from_json(row.text(4)?)?,
            updated: from_seconds(row.integer(5)?),
            article: from_json(content)?,
        },
        number: row.number(7)?,
    })
}

/// The lowest place of a second.
pub(super) fn first_place(moment: Moment) -> i64 {
    moment.timestamp().saturating_mul(PLACES)
}

/// The lowest place of a month, and the lowest behind it.
pub(super) fn places_of(month: Month, zone: Zone) -> (i64, i64) {
    (first_place(month.first_second(zone)), first_place(month.last_second(zone)).saturating_add(PLACES))
}

/// The second of a place.
pub(super) fn moment_of(place: i64) -> Moment {
    from_seconds(place.div_euclid(PLACES))
}

/// The place of an article whose stamp is `stamp`: the one that it has, where its stamp has not moved.
pub(super) async fn place_of(
    transaction: &mut Transaction,
    id: &ArticleId,
    stamp: i64,
) -> Result<i64, StoreError> {
    let first = first_place(from_seconds(stamp));
    let beyond = first.saturating_add(PLACES);
    let row = transaction
        .one(
            "SELECT (SELECT place FROM article WHERE id = $1 AND place >= $2 AND place < $3), \
             (SELECT MAX(place) FROM article WHERE place >= $2 AND place < $3)",
            values![id.as_str(), first, beyond],
        )
        .await?;
    if let Some(place) = row.optional_integer(0)? {
        return Ok(place);
    }
    let place = row.optional_integer(1)?.map_or(first, |last| last + 1);
    if place < beyond {
        Ok(place)
    } else {
        Err(StoreError::Corrupt("a million articles bear the same second".to_owned()))
    }
}

/// Gives place and words to the articles that a program without them has left.
pub(super) async fn fill(database: &Database) -> Result<(), StoreError> {
    loop {
        let mut writing = database.begin_write().await?;
        let rows = writing
            .rows(
                "SELECT id, stamp, content FROM article WHERE state = 'live' AND place IS NULL \
                 ORDER BY stamp, id LIMIT $1",
                values![FILLED],
            )
            .await?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in &rows {
            let id = ArticleId::new(row.text(0)?);
            let place = place_of(&mut writing, &id, row.integer(1)?).await?;
            let article = row.optional_text(2)?.and_then(|content| from_json::<Article>(content).ok());
            let folded = article.as_ref().map(words::of_article).unwrap_or_default();
            writing
                .run(
                    "UPDATE article SET place = $2, folded = $3 WHERE id = $1",
                    values![id.as_str(), place, folded],
                )
                .await?;
            writing
                .run("UPDATE membership SET place = $2 WHERE article = $1", values![id.as_str(), place])
                .await?;
        }
        writing.commit().await?;
    }
}
