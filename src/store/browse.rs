//! What the pages for people ask beside the catalogue: the months, the addresses of all articles, the corrections of
//! one. Every question is bounded by its answer, not by the archive.

use super::catalogue::{Gone, first_place, moment_of, served};
use super::channels::is_public;
use super::database::{Transaction, values};
use super::intake::{EVERYTHING, from_json, read_permalink};
use super::{Listing, StoreError};
use crate::article::{Article, ArticleId};
use crate::channel::Slug;
use crate::vietnam_time::{Moment, Month, Zone, from_seconds};

/// Two hundred years of months.
const MOST_MONTHS: usize = 2400;
/// Corrections that are told of one article.
const MOST_CORRECTIONS: i64 = 20;

pub(super) async fn months(
    reading: &mut Transaction,
    channel: Option<&Slug>,
    zone: Zone,
    gone: &Gone,
) -> Result<Option<Vec<Month>>, StoreError> {
    let slug = channel.map_or(EVERYTHING, Slug::as_str);
    let known = reading
        .first(concat!("SELECT 1 FROM channel WHERE slug = $1 AND ", is_public!()), values![slug])
        .await?;
    if known.is_none() && channel.is_some() {
        return Ok(None);
    }
    let (mut months, mut below) = (Vec::new(), i64::MAX);
    // From article to article over the index, a month at each step.
    while months.len() < MOST_MONTHS {
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
        let Some(place) = row.map(|row| row.integer(0)).transpose()? else { break };
        let month = Month::of(moment_of(place), zone);
        below = first_place(month.first_second(zone)).min(place);
        months.push(month);
    }
    Ok(Some(months))
}

pub(super) async fn listing(
    reading: &mut Transaction,
    from: Option<Moment>,
    to: Option<Moment>,
    limit: u32,
) -> Result<Vec<Listing>, StoreError> {
    let lowest = from.map_or(i64::MIN, first_place);
    let above = to.map_or(i64::MAX, |to| first_place(from_seconds(to.timestamp() + 1)));
    let rows = reading
        .rows(
            // Few articles have a link, and only of those the text is read.
            "SELECT day, slug, updated, channels, CASE WHEN content LIKE '%\"link\":%' THEN content ELSE '' END \
             FROM article WHERE place >= $1 AND place < $2 ORDER BY place DESC LIMIT $3",
            values![lowest, above, i64::from(limit)],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let permalink = read_permalink(row.text(0)?, row.text(1)?)?;
            let link = match row.text(4)? {
                "" => None,
                content => from_json::<Article>(content)?.link,
            };
            Ok(Listing {
                permalink,
                updated: from_seconds(row.integer(2)?),
                channels: from_json(row.text(3)?)?,
                link,
            })
        })
        .collect()
}

pub(super) async fn corrections(
    reading: &mut Transaction,
    id: &ArticleId,
) -> Result<Vec<Moment>, StoreError> {
    let rows = reading
        .rows(
            // Whatever moved `updated` on: neither a mere move to another channel nor a picture that came a
            // moment after its text.
            "SELECT at FROM revision r WHERE article = $1 AND kind IN ('corrected', 'moved') AND updated > \
             (SELECT p.updated FROM revision p WHERE p.article = r.article AND p.number < r.number \
             ORDER BY p.number DESC LIMIT 1) ORDER BY number DESC LIMIT $2",
            values![id.as_str(), MOST_CORRECTIONS],
        )
        .await?;
    rows.iter().map(|row| Ok(from_seconds(row.integer(0)?))).collect()
}
