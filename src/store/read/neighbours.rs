//! The neighbours of an article in a channel, by date, to which its page links.
//!
//! A page has few of them, so a revision changes few other pages. Each member of a channel records the last revision that
//! changed its neighbours (`around`): a published, withdrawn, moved or corrected one. So a page is known to be current
//! without reading the neighbours, and its modification time never goes back, also when a neighbour disappears.

use std::collections::BTreeMap;
use std::ops::Bound;

use serde::Deserialize;

use crate::model::{ArticleId, ArticleLink, Neighbours, Slug};
use crate::store::engine::{Row, Transaction, values};
use crate::store::error::StoreError;
use crate::store::rows::{read_permalink, to_json};
use crate::store::sql::content;
use crate::time::{PublishedAt, Timestamp, from_unix};

/// Newer articles to which a page links.
const NEWER: i64 = 1;
/// Older articles to which a page links.
const OLDER: i64 = 4;

/// The part of an article that links to it show.
#[derive(Deserialize)]
struct Heading {
    title: String,
    #[serde(rename = "stamp")]
    published: PublishedAt,
    #[serde(default)]
    language: Option<String>,
}

/// The neighbours of an article in one of its channels.
pub(crate) async fn neighbours(
    reading: &mut Transaction,
    channel: &Slug,
    id: &ArticleId,
) -> Result<Neighbours, StoreError> {
    let sql = "SELECT place FROM membership WHERE article = $1 AND channel = $2";
    let Some(row) = reading.first(sql, values![id.as_str(), channel.as_str()]).await? else {
        return Ok(Neighbours::default());
    };
    let place = row.get_i64(0)?;
    let newer = reading
        .rows(
            concat!(
                "SELECT a.day, a.slug, ",
                content!(),
                " FROM membership m JOIN article a ON a.id = m.article \
                 WHERE m.channel = $1 AND m.place > $2 ORDER BY m.place LIMIT $3"
            ),
            values![channel.as_str(), place, NEWER],
        )
        .await?;
    let older = reading
        .rows(
            concat!(
                "SELECT a.day, a.slug, ",
                content!(),
                " FROM membership m JOIN article a ON a.id = m.article \
                 WHERE m.channel = $1 AND m.place < $2 ORDER BY m.place DESC LIMIT $3"
            ),
            values![channel.as_str(), place, OLDER],
        )
        .await?;
    Ok(Neighbours { newer: links(&newer)?.pop(), older: links(&older)? })
}

/// The last revision that changed the neighbours of an article in any of its channels: number and time.
pub(crate) async fn last_change(
    reading: &mut Transaction,
    id: &ArticleId,
) -> Result<Option<(u64, Timestamp)>, StoreError> {
    let row = reading
        .first(
            "SELECT number, at FROM revision \
             WHERE number = (SELECT MAX(m.around) FROM membership m WHERE m.article = $1)",
            values![id.as_str()],
        )
        .await?;
    row.map(|row| Ok((row.get_u64(0)?, from_unix(row.get_i64(1)?)))).transpose()
}

/// Records that the revision `number` changed what is at `place` in a channel: for all articles whose pages link there.
pub(crate) async fn mark_changed(
    writing: &mut Transaction,
    channel: &str,
    place: i64,
    number: u64,
) -> Result<(), StoreError> {
    writing
        .run(
            "UPDATE membership SET around = $3 WHERE channel = $1 AND place IN (\
             SELECT place FROM (SELECT place FROM membership WHERE channel = $1 AND place > $2 \
             ORDER BY place LIMIT $4) newer \
             UNION ALL SELECT place FROM (SELECT place FROM membership WHERE channel = $1 AND place < $2 \
             ORDER BY place DESC LIMIT $5) older)",
            values![channel, place, number, OLDER, NEWER],
        )
        .await
        .map(|_| ())
}

/// The places of the members whose pages link to what is at a place in a channel: the places around each of `spots`, which
/// are pairs of a channel and a place.
pub(crate) async fn places_around(
    writing: &mut Transaction,
    spots: &[(&str, i64)],
) -> Result<Vec<(String, i64)>, StoreError> {
    let near = |(side, count): (&str, i64)| -> String {
        let one = |skipped| {
            format!(
                ", (SELECT place FROM membership WHERE channel = (q.value ->> 0) \
                 AND place {side} LIMIT 1 OFFSET {skipped})"
            )
        };
        (0..count).map(one).collect()
    };
    let newer = near(("> CAST(q.value ->> 1 AS BIGINT) ORDER BY place", OLDER));
    let older = near(("< CAST(q.value ->> 1 AS BIGINT) ORDER BY place DESC", NEWER));
    let sql = format!("SELECT q.value ->> 0{newer}{older} FROM {{rows}}");
    let rows = writing.rows_for(&sql, to_json(spots)?).await?;
    let mut found = Vec::new();
    for row in &rows {
        for column in 1..row.0.len() {
            if let Some(place) = row.get_optional_i64(column)? {
                found.push((row.get_text(0)?.to_owned(), place));
            }
        }
    }
    Ok(found)
}

/// What [`mark_changed`] does for articles that are added to a channel in the order of `added`, in memory: `around` holds
/// the places of the members near them, and what becomes known of these.
pub(crate) fn mark_added(around: &mut BTreeMap<i64, Option<u64>>, place: i64, number: u64) {
    let newer = around.range_mut((Bound::Excluded(place), Bound::Unbounded)).take(OLDER as usize);
    newer.for_each(|(_, mark)| *mark = Some(number));
    let older = around.range_mut(..place).rev().take(NEWER as usize);
    older.for_each(|(_, mark)| *mark = Some(number));
    around.insert(place, None);
}

/// A damaged article must not break the pages of its neighbours.
fn links(rows: &[Row]) -> Result<Vec<ArticleLink>, StoreError> {
    let links = rows.iter().map(|row| match read_link(row) {
        Ok(link) => Ok(Some(link)),
        Err(StoreError::Corrupt(_)) => Ok(None),
        Err(cause) => Err(cause),
    });
    links.filter_map(Result::transpose).collect()
}

fn read_link(row: &Row) -> Result<ArticleLink, StoreError> {
    let Heading { title, published, language } = row.get_published(2)?;
    Ok(ArticleLink {
        permalink: read_permalink(row.get_text(0)?, row.get_text(1)?)?,
        title,
        published,
        language,
    })
}
