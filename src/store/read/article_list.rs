//! The living articles, newest first, and the search in them.
//!
//! Each has a *place*: a number that orders all of them by their stamps and belongs to one alone. A page of
//! the list goes on behind a place, whatever was published, corrected or withdrawn meanwhile.

use crate::model::{ArticleId, Entry, Slug};
use crate::search_text;
use crate::store::engine::{Row, Transaction, WordSearch, values};
use crate::store::error::StoreError;
use crate::store::queries::{ArticlePage, ArticleQuery, ArticleQueryResult, ArticleRow, Total};
use crate::store::read::images::add_copies;
use crate::store::removed_channels::RemovedChannels;
use crate::store::rows::{channel_exists, read_permalink};
use crate::store::sort_key::{KEYS_PER_SECOND, first_sort_key};
use crate::store::sql::{ALL_CHANNELS, content, metadata, served};
use crate::time::from_unix;

/// Rows per query.
const BATCH_SIZE: usize = 64;

/// Number of newest matches that are ranked: those that match the exact spelling of the query come first.
const MAX_RANKED: i64 = 500;
/// Articles with more stored text than this are not ranked, in bytes.
const MAX_RANKED_BYTES: usize = 256 * 1024;
/// Matches are counted up to this number.
const MAX_COUNTED: i64 = 10_000;
/// Added to the cursor if the previous page ended among the ranked articles. Greater than any sort key.
const RANKED_CURSOR: i64 = 1 << 61;

/// What to search for, and where.
struct Search<'a> {
    /// Normalized; none to find everything.
    words: Option<Vec<String>>,
    channel: &'a str,
    lowest: i64,
    /// Upper bound of the sort keys, exclusive.
    above: i64,
    gone: &'a RemovedChannels,
}

pub(crate) async fn query_articles(
    reading: &mut Transaction,
    query: &ArticleQuery,
    gone: &RemovedChannels,
) -> Result<ArticleQueryResult, StoreError> {
    let mut result = find(reading, query, gone).await?;
    if let ArticleQueryResult::Page(page) = &mut result {
        add_copies(reading, page.items.iter_mut().map(|item| &mut item.entry.article)).await?;
    }
    Ok(result)
}

async fn find(
    reading: &mut Transaction,
    query: &ArticleQuery,
    gone: &RemovedChannels,
) -> Result<ArticleQueryResult, StoreError> {
    let channel = query.channel.as_ref().map_or(ALL_CHANNELS, Slug::as_str);
    if !channel_exists(reading, query.channel.as_ref()).await? || gone.holds(channel) {
        return Ok(ArticleQueryResult::UnknownChannel);
    }
    let search = Search {
        words: query.words.as_deref().map(search_text::query_terms),
        channel,
        lowest: query.from.map_or(i64::MIN, first_sort_key),
        above: query.to.map_or(i64::MAX, |to| first_sort_key(to).saturating_add(KEYS_PER_SECOND)),
        gone,
    };
    let mut found = ArticlePage { items: Vec::new(), next: None, damaged: Vec::new(), total: None };
    if search.words.as_ref().is_some_and(Vec::is_empty) {
        found.total = Some(Total { number: 0, at_least: false });
        return Ok(ArticleQueryResult::Page(found));
    }
    let exact = query.words.as_deref().map(search_text::with_marks).unwrap_or_default();
    let ranking = if exact.is_empty() && (query.phrases.is_empty() || !query.counted) {
        Ranking::default()
    } else {
        rank(reading, &search, query, &exact).await?
    };
    if query.counted {
        found.total = Some(match query.phrases.is_empty() {
            true => count(reading, &search).await?,
            false => ranking.total,
        });
    }
    let behind = query.after.unwrap_or(i64::MAX);
    let (among_first, below) = match behind {
        i64::MAX => (i64::MAX, search.above),
        place if place >= RANKED_CURSOR / 2 => (place - RANKED_CURSOR, search.above),
        place => (i64::MIN, place.min(search.above)),
    };
    let mut left = query.limit as usize;
    for place in ranking.first.iter().copied().filter(|place| *place < among_first).take(left) {
        left -= 1;
        found.next = Some(place + RANKED_CURSOR);
        let row = reading.first(ONE, values![place]).await?;
        if let Some(row) = row {
            found.take(&row)?;
        }
    }
    let more_follow = ranking
        .first
        .iter()
        .any(|place| *place < among_first && found.next.is_some_and(|next| *place < next - RANKED_CURSOR));
    if left == 0 && !found.items.is_empty() {
        // The page is full of ranked articles; all others come later.
        let others = ranking.total.at_least || ranking.total.number as usize > ranking.first.len();
        found.next = found.next.filter(|_| more_follow || others);
        return Ok(ArticleQueryResult::Page(found));
    }
    found.next = None;
    list(reading, &search, query, &ranking.first, below, left, &mut found).await?;
    Ok(ArticleQueryResult::Page(found))
}

/// Adds up to `left` articles with sort keys below `below`, except those in `shown`.
async fn list(
    reading: &mut Transaction,
    search: &Search<'_>,
    query: &ArticleQuery,
    shown: &[i64],
    mut below: i64,
    mut left: usize,
    found: &mut ArticlePage,
) -> Result<(), StoreError> {
    let mut bytes = 0;
    loop {
        // One row more than requested tells whether there is a next page.
        let stride = left.min(BATCH_SIZE) + 1;
        let rows = page(reading, search, below, stride as i64).await?;
        let more = rows.len() == stride;
        for row in rows.iter().take(stride - 1) {
            below = row.get_i64(0)?;
            if shown.contains(&below) {
                continue;
            }
            // Articles with the words that are not wanted count as well: they were read.
            bytes += row.content_length(4);
            match read_item(row) {
                Ok(item) if !is_wanted(&item, query) => {}
                Ok(item) => {
                    left -= 1;
                    found.items.push(item);
                }
                // A damaged article must not break the list.
                Err(StoreError::Corrupt(_)) => {
                    left -= 1;
                    found.damaged.push(ArticleId::new(row.get_text(1)?));
                }
                Err(cause) => return Err(cause),
            }
            if bytes >= query.bytes || left == 0 {
                left = 0;
                break;
            }
        }
        if !more && left > 0 {
            return Ok(());
        }
        if left == 0 {
            let is_last = below == rows.last().map_or(below, |row| row.get_i64(0).unwrap_or(below));
            found.next = (!is_last).then_some(below);
            return Ok(());
        }
    }
}

impl ArticlePage {
    fn take(&mut self, row: &Row) -> Result<(), StoreError> {
        match read_item(row) {
            Ok(item) => self.items.push(item),
            Err(StoreError::Corrupt(_)) => self.damaged.push(ArticleId::new(row.get_text(1)?)),
            Err(cause) => return Err(cause),
        }
        Ok(())
    }
}

/// Result of ranking the newest matches.
struct Ranking {
    /// Sort keys of the articles that come first, highest first.
    first: Vec<i64>,
    /// Number of matches that contain the phrases.
    total: Total,
}

impl Default for Ranking {
    fn default() -> Self {
        Self { first: Vec::new(), total: Total { number: 0, at_least: true } }
    }
}

/// Ranks the newest matches.
async fn rank(
    reading: &mut Transaction,
    search: &Search<'_>,
    query: &ArticleQuery,
    exact: &[search_text::Exact],
) -> Result<Ranking, StoreError> {
    let mut ranking = Ranking { first: Vec::new(), total: Total { number: 0, at_least: false } };
    let (mut below, mut read) = (search.above, 0);
    loop {
        let rows = page(reading, search, below, BATCH_SIZE as i64).await?;
        for row in &rows {
            below = row.get_i64(0)?;
            // Very long texts are not ranked.
            let long = row.content_length(4) > MAX_RANKED_BYTES;
            let item = read_item(row).ok();
            if !item.as_ref().is_none_or(|item| is_wanted(item, query)) {
                continue;
            }
            ranking.total.number += 1;
            let matches = |item: &ArticleRow| search_text::has_exactly(&item.entry.article, exact);
            if !long && !exact.is_empty() && item.as_ref().is_some_and(matches) {
                ranking.first.push(below);
            }
        }
        read += rows.len() as i64;
        if rows.len() < BATCH_SIZE {
            return Ok(ranking);
        }
        if read >= MAX_RANKED {
            ranking.total.at_least = true;
            return Ok(ranking);
        }
    }
}

impl Search<'_> {
    fn with_words<'a>(&'a self, words: &'a [String], below: i64, limit: i64) -> WordSearch<'a> {
        WordSearch {
            words,
            channel: self.channel,
            lowest: self.lowest,
            below,
            limit,
            gone: self.gone.as_str(),
        }
    }
}

async fn count(reading: &mut Transaction, search: &Search<'_>) -> Result<Total, StoreError> {
    let Search { channel, lowest, above, gone, .. } = search;
    let row = match &search.words {
        Some(words) => reading.count_found(&search.with_words(words, *above, MAX_COUNTED + 1)).await?,
        None => {
            reading
                .one(
                    concat!(
                        "SELECT COUNT(*) FROM (SELECT 1 FROM membership m WHERE m.channel = $1 \
                         AND m.place < $2 AND m.place >= $3 AND ",
                        served!("$5", "m.article"),
                        " LIMIT $4) counted"
                    ),
                    values![*channel, *above, *lowest, MAX_COUNTED + 1, gone.as_str()],
                )
                .await?
        }
    };
    let number = row.get_u64(0)?;
    let most = MAX_COUNTED.unsigned_abs();
    Ok(Total { number: number.min(most), at_least: number > most })
}

const ONE: &str = concat!(
    "SELECT a.place, a.id, a.day, a.slug, ",
    content!(),
    ", ",
    metadata!(),
    " FROM article a LEFT JOIN revision r ON r.number = a.number WHERE a.place = $1"
);

/// The articles with sort keys below `below`, highest first.
async fn page(
    reading: &mut Transaction,
    search: &Search<'_>,
    below: i64,
    limit: i64,
) -> Result<Vec<Row>, StoreError> {
    let Search { channel, lowest, gone, .. } = search;
    match &search.words {
        None => {
            reading
                .rows(
                    concat!(
                        "SELECT m.place, a.id, a.day, a.slug, ",
                        content!(),
                        ", ",
                        metadata!(),
                        " FROM membership m JOIN article a ON a.id = m.article \
                         LEFT JOIN revision r ON r.number = a.number WHERE m.channel = $1 AND m.place < $2 AND m.place >= $3 AND ",
                        served!("$5", "a.id"),
                        " ORDER BY m.place DESC LIMIT $4"
                    ),
                    values![*channel, below, *lowest, limit, gone.as_str()],
                )
                .await
        }
        Some(words) => reading.search(&search.with_words(words, below, limit)).await,
    }
}

/// True if an article with the words also has the phrases, and only channels that the query allows.
fn is_wanted(item: &ArticleRow, query: &ArticleQuery) -> bool {
    let Entry { article, channels, .. } = &item.entry;
    query.phrases.iter().all(|phrase| search_text::contains_phrase(article, phrase))
        && query.within.as_ref().is_none_or(|within| channels.iter().all(|channel| within.contains(channel)))
}

fn read_item(row: &Row) -> Result<ArticleRow, StoreError> {
    let id = ArticleId::new(row.get_text(1)?);
    let newest = row.get_newest_metadata(5, &id)?;
    Ok(ArticleRow {
        entry: Entry {
            id,
            permalink: read_permalink(row.get_text(2)?, row.get_text(3)?)?,
            channels: newest.channels,
            updated: from_unix(newest.updated),
            article: row.get_published(4)?,
        },
        number: newest.number,
    })
}
