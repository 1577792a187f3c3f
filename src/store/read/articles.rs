//! Single articles, and the list for the operator.

use crate::model::{Article, ArticleId, Entry, Permalink, Slug, Tombstone};
use crate::store::engine::{Row, Transaction, Value, values};
use crate::store::error::StoreError;
use crate::store::queries::{ArticleLookup, ArticleSummary};
use crate::store::read::images::add_copies;
use crate::store::rows::{day_text, from_json, read_permalink, version_of};
use crate::store::sql::{content, metadata};
use crate::store::submission::Scheduled;
use crate::time::{Timestamp, from_unix};

/// Articles per query.
const FETCH_SIZE: usize = 32;

/// The columns that [`read_state`] reads, in order.
macro_rules! select_article {
    ($rest:literal) => {
        concat!(
            "SELECT a.id, a.day, a.slug, a.state, ",
            content!(),
            ", a.number, ",
            metadata!(),
            " FROM article a LEFT JOIN revision r ON r.number = a.number ",
            $rest
        )
    };
}

pub(crate) enum FetchedState {
    Live { entry: Box<Entry>, number: u64, at: Timestamp },
    Withdrawn(Tombstone),
}

/// The state of an article, or why it cannot be read; none for a scheduled article.
pub(crate) type Fetched = (ArticleId, Result<Option<FetchedState>, StoreError>);

/// The states of these articles, unordered.
pub(crate) async fn fetch(reading: &mut Transaction, ids: &[ArticleId]) -> Result<Vec<Fetched>, StoreError> {
    let mut states = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(FETCH_SIZE) {
        let mut parameters: Vec<Value> = chunk.iter().map(|id| Value::from(id.as_str())).collect();
        parameters.resize(FETCH_SIZE, Value::Null);
        let rows = reading
            .rows(
                select_article!(
                    "WHERE a.id IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, \
                     $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, \
                     $31, $32)"
                ),
                &parameters,
            )
            .await?;
        for row in &rows {
            states.push((ArticleId::new(row.get_text(0)?), read_state(row)));
        }
    }
    let live = states.iter_mut().filter_map(|(_, state)| match state {
        Ok(Some(FetchedState::Live { entry, .. })) => Some(&mut entry.article),
        _ => None,
    });
    add_copies(reading, live).await?;
    Ok(states)
}

fn read_state(row: &Row) -> Result<Option<FetchedState>, StoreError> {
    let id = ArticleId::new(row.get_text(0)?);
    let permalink = read_permalink(row.get_text(1)?, row.get_text(2)?)?;
    let state = row.get_text(3)?;
    // A scheduled article has no revision, and may have been withdrawn.
    if state == "waiting" || row.get_u64(5)? == 0 {
        return Ok(None);
    }
    let newest = row.get_newest_metadata(6, &id)?;
    let at = from_unix(newest.at);
    match state {
        "live" => {
            let entry = Entry {
                id,
                permalink,
                channels: newest.channels,
                updated: from_unix(newest.updated),
                article: row.get_published(4)?,
            };
            Ok(Some(FetchedState::Live { entry: Box::new(entry), number: newest.number, at }))
        }
        "withdrawn" => {
            Ok(Some(FetchedState::Withdrawn(Tombstone { id, permalink, when: at, reason: newest.reason })))
        }
        _ => Err(StoreError::Corrupt(format!("`{state}` is no state of an article"))),
    }
}

pub(crate) async fn article(
    reading: &mut Transaction,
    permalink: &Permalink,
) -> Result<ArticleLookup, StoreError> {
    let row = reading
        .first(
            select_article!("WHERE a.day = $1 AND a.slug = $2"),
            values![day_text(permalink), permalink.slug.as_str()],
        )
        .await?;
    find_article(reading, row.as_ref()).await
}

pub(crate) async fn article_by_id(
    reading: &mut Transaction,
    id: &ArticleId,
) -> Result<ArticleLookup, StoreError> {
    let row = reading.first(select_article!("WHERE a.id = $1"), values![id.as_str()]).await?;
    find_article(reading, row.as_ref()).await
}

pub(crate) async fn scheduled(
    reading: &mut Transaction,
    id: &ArticleId,
) -> Result<Option<Scheduled>, StoreError> {
    let row = reading
        .first(
            "SELECT a.day, a.slug, w.channels, w.content FROM article a JOIN waiting w ON w.article = a.id \
             WHERE a.id = $1 AND a.state = 'waiting'",
            values![id.as_str()],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let mut article: Article = from_json(row.get_text(3)?)?;
    add_copies(reading, [&mut article]).await?;
    let entry = Entry {
        id: id.clone(),
        permalink: read_permalink(row.get_text(0)?, row.get_text(1)?)?,
        channels: from_json(row.get_text(2)?)?,
        updated: article.published.instant,
        article,
    };
    Ok(Some(Scheduled { entry, version: version_of(row.get_text(2)?, row.get_text(3)?) }))
}

async fn find_article(reading: &mut Transaction, row: Option<&Row>) -> Result<ArticleLookup, StoreError> {
    Ok(match row.map(read_state).transpose()?.flatten() {
        Some(FetchedState::Live { mut entry, number, at }) => {
            add_copies(reading, [&mut entry.article]).await?;
            ArticleLookup::Live { entry, number, at }
        }
        Some(FetchedState::Withdrawn(tombstone)) => ArticleLookup::Withdrawn(tombstone),
        None => ArticleLookup::NotFound,
    })
}

pub(crate) async fn next_due(reading: &mut Transaction) -> Result<Option<Timestamp>, StoreError> {
    let rows = reading.rows("SELECT due FROM waiting ORDER BY due LIMIT 1", &[]).await?;
    rows.first().map(|row| Ok(from_unix(row.get_i64(0)?))).transpose()
}

pub(crate) async fn list_articles(
    reading: &mut Transaction,
    channel: Option<&Slug>,
    after: Option<&ArticleSummary>,
    limit: u32,
) -> Result<Vec<ArticleSummary>, StoreError> {
    // Without `after`: no date is later and no id comes first.
    let (stamp, id) = after.map_or((i64::MAX, ""), |last| (last.stamp.timestamp(), last.id.as_str()));
    let rows = reading
        .rows(
            concat!(
                "SELECT a.id, a.state, a.number, a.stamp, a.channels, ",
                content!(),
                " FROM article a WHERE (a.stamp < $1 OR (a.stamp = $1 AND a.id > $2)) \
                 AND (CAST($3 AS TEXT) IS NULL OR a.channels LIKE '%\"' || $3 || '\"%') \
                 ORDER BY a.stamp DESC, a.id LIMIT $4"
            ),
            values![stamp, id, channel.map(Slug::as_str), i64::from(limit)],
        )
        .await?;
    rows.iter().map(read_listed).collect()
}

/// NOTE: a damaged article must not hide the others.
fn read_listed(row: &Row) -> Result<ArticleSummary, StoreError> {
    let (article, channels) = (row.get_article::<Article>(5), row.get_text(4).and_then(from_json));
    let damaged = article.is_err() || channels.is_err();
    Ok(ArticleSummary {
        id: ArticleId::new(row.get_text(0)?),
        state: row.get_text(1)?.to_owned(),
        number: row.get_u64(2)?,
        stamp: from_unix(row.get_i64(3)?),
        channels: channels.unwrap_or_default(),
        title: article.ok().flatten().map(|article| article.title).unwrap_or_default(),
        damaged,
    })
}
