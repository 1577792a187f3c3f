//! The revisions of one article, and what is scheduled or withdrawn: for those who publish.

use tracing::error;

use crate::model::{Article, ArticleId, Entry, Slug};
use crate::store::engine::{Row, Transaction, values};
use crate::store::error::StoreError;
use crate::store::handle::Store;
use crate::store::metadata::Metadata;
use crate::store::queries::{
    ArticleHistory, Revision, RevisionText, ScheduledSummary, Selection, WithdrawnSummary,
};
use crate::store::rows::{from_json, read_permalink};
use crate::store::sql::{content, metadata};
use crate::time::from_unix;

/// Rows per query.
const BATCH_SIZE: i64 = 500;

impl Store {
    /// The revisions of an article before the number `before`, newest first, at most `limit`, without those that are
    /// damaged; none if there is no such article.
    ///
    /// SECURITY: the caller must have rights to [`ArticleHistory::channels`].
    ///
    /// # Errors
    /// If the database does not answer, or all of them are damaged.
    pub async fn history(
        &self,
        id: &ArticleId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Option<ArticleHistory>, StoreError> {
        let mut reading = self.core.database.begin_read().await?;
        let Some((channels, _)) = state_of(&mut reading, id).await? else { return Ok(None) };
        let (mut revisions, mut before, mut read) = (Vec::new(), before.unwrap_or(u64::MAX), 0);
        loop {
            let left = limit.saturating_sub(u32::try_from(revisions.len()).unwrap_or(u32::MAX));
            let rows = revisions_before(&mut reading, id, before, left).await?;
            read += rows.len();
            for row in &rows {
                before = row.get_u64(0)?;
                revisions.extend(intact(row.get_metadata(0).map(as_revision))?);
            }
            if rows.len() < left as usize || revisions.len() >= limit as usize {
                break;
            }
        }
        if revisions.is_empty() && read > 0 {
            return Err(StoreError::Corrupt(format!("the revisions of {id} are damaged")));
        }
        Ok(Some(ArticleHistory { channels, revisions }))
    }

    /// A revision of an article, with its text; none if the article has no such revision.
    ///
    /// SECURITY: the caller must have rights to [`RevisionText::channels`].
    ///
    /// # Errors
    /// If the database does not answer, or the stored text is damaged.
    pub async fn revision(&self, id: &ArticleId, number: u64) -> Result<Option<RevisionText>, StoreError> {
        let mut reading = self.core.database.begin_read().await?;
        let Some((channels, permalink)) = state_of(&mut reading, id).await? else { return Ok(None) };
        let row = reading
            .first(
                // A withdrawal has no text of its own: the article had the text of a revision before.
                concat!(
                    "SELECT (SELECT t.content FROM revision t WHERE t.article = $1 AND t.number <= $2 \
                     AND t.content IS NOT NULL ORDER BY t.number DESC LIMIT 1), ",
                    metadata!(),
                    " FROM revision r WHERE r.article = $1 AND r.number = $2"
                ),
                values![id.as_str(), number],
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        let metadata = row.get_metadata(1)?;
        let updated = from_unix(metadata.updated);
        let revision = as_revision(metadata);
        let article: Option<Article> = row.get_article(0)?;
        let entry = article.map(|article| {
            let channels = revision.channels.clone();
            Box::new(Entry { id: id.clone(), permalink, channels, updated, article })
        });
        Ok(Some(RevisionText { channels, revision, entry }))
    }

    /// The correction of a published article that will be published later, if there is one.
    ///
    /// SECURITY: it is under embargo. The caller must have rights to its channels.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn pending_correction(
        &self,
        id: &ArticleId,
    ) -> Result<Option<(Vec<Slug>, Article)>, StoreError> {
        let mut reading = self.core.database.begin_read().await?;
        let sql = "SELECT w.channels, w.content FROM waiting w JOIN article a ON a.id = w.article \
             WHERE a.id = $1 AND a.state = 'live'";
        let row = reading.first(sql, values![id.as_str()]).await?;
        row.map(|row| Ok((from_json(row.get_text(0)?)?, from_json(row.get_text(1)?)?))).transpose()
    }

    /// What will be published, the earliest first, without what is damaged.
    ///
    /// SECURITY: it is under embargo. The caller must have rights to [`Selection::within`].
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn all_scheduled(&self, selection: Selection<'_>) -> Result<Vec<ScheduledSummary>, StoreError> {
        let sql = "SELECT w.channels, a.channels, w.article, w.due, w.content, a.number FROM waiting w \
             JOIN article a ON a.id = w.article WHERE a.state <> 'withdrawn' \
             ORDER BY w.due, w.article LIMIT $1 OFFSET $2";
        self.selected(sql, selection, |row, channels| {
            Ok(ScheduledSummary {
                id: ArticleId::new(row.get_text(2)?),
                due: from_unix(row.get_i64(3)?),
                channels,
                title: from_json::<Article>(row.get_text(4)?)?.title,
                is_correction: row.get_u64(5)? > 0,
            })
        })
        .await
    }

    /// The withdrawn articles, the latest withdrawal first, without what is damaged.
    ///
    /// SECURITY: their titles are no longer public. The caller must have rights to [`Selection::within`].
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn withdrawn(&self, selection: Selection<'_>) -> Result<Vec<WithdrawnSummary>, StoreError> {
        let sql = concat!(
            "SELECT a.channels, NULL, a.id, a.at, ",
            content!(),
            ", a.reason, a.withdrawn_by FROM article a WHERE a.state = 'withdrawn' AND a.number > 0 \
             ORDER BY a.number DESC LIMIT $1 OFFSET $2"
        );
        self.selected(sql, selection, |row, channels| {
            let article: Option<Article> = row.get_article(4)?;
            Ok(WithdrawnSummary {
                id: ArticleId::new(row.get_text(2)?),
                at: from_unix(row.get_i64(3)?),
                channels,
                title: article.map(|article| article.title).unwrap_or_default(),
                reason: row.get_optional_text(5)?.map(str::to_owned),
                with_its_file: row.get_optional_text(6)? == Some("file"),
            })
        })
        .await
    }

    /// The rows of `sql` that are selected. Its first two columns are channels, its parameters a limit and an offset.
    async fn selected<T>(
        &self,
        sql: &'static str,
        Selection { within, skip, limit }: Selection<'_>,
        read: impl Fn(&Row, Vec<Slug>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut reading = self.core.database.begin_read().await?;
        let (mut selected, mut skipped, mut offset) = (Vec::new(), 0, 0);
        loop {
            let rows = reading.rows(sql, values![BATCH_SIZE, offset]).await?;
            for row in &rows {
                let Some(channels) = intact(read_channels(row))? else { continue };
                if within.is_some_and(|within| !channels.iter().all(|channel| within.contains(channel))) {
                    continue;
                }
                if skipped < skip {
                    skipped += 1;
                    continue;
                }
                if selected.len() == limit {
                    return Ok(selected);
                }
                selected.extend(intact(read(row, channels))?);
            }
            offset += BATCH_SIZE;
            if rows.len() < BATCH_SIZE as usize {
                return Ok(selected);
            }
        }
    }

    /// The bytes of a stored image, whether or not readers may see it; none if there is no such image.
    ///
    /// SECURITY: its name is a hash of its bytes, so only who had them or the article knows it.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn stored_image(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let mut reading = self.core.database.begin_read().await?;
        let sql = "SELECT bytes FROM picture WHERE name = $1 AND LENGTH(bytes) > 0";
        let row = reading.first(sql, values![name]).await?;
        row.map(|row| row.get_bytes(0).map(<[u8]>::to_vec)).transpose()
    }
}

/// The channels in the first two columns, sorted, without duplicates.
fn read_channels(row: &Row) -> Result<Vec<Slug>, StoreError> {
    let mut channels: Vec<Slug> = from_json(row.get_text(0)?)?;
    if let Some(more) = row.get_optional_text(1)? {
        channels.extend(from_json::<Vec<Slug>>(more)?);
    }
    channels.sort();
    channels.dedup();
    Ok(channels)
}

/// What a row says; none if it is damaged, which the check of the database names. It must not hide the others.
fn intact<T>(read: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match read {
        Err(StoreError::Corrupt(cause)) => {
            error!(%cause, "left out of a list");
            Ok(None)
        }
        read => read.map(Some),
    }
}

async fn revisions_before(
    reading: &mut Transaction,
    id: &ArticleId,
    before: u64,
    limit: u32,
) -> Result<Vec<Row>, StoreError> {
    reading
        .rows(
            concat!(
                "SELECT ",
                metadata!(),
                " FROM revision r WHERE r.article = $1 AND r.number < $2 ORDER BY r.number DESC LIMIT $3"
            ),
            values![id.as_str(), before, i64::from(limit)],
        )
        .await
}

/// The channels that an article affects, and its permalink.
async fn state_of(
    reading: &mut Transaction,
    id: &ArticleId,
) -> Result<Option<(Vec<Slug>, crate::model::Permalink)>, StoreError> {
    let row = reading
        .first(
            "SELECT a.channels, w.channels, a.day, a.slug FROM article a \
             LEFT JOIN waiting w ON w.article = a.id WHERE a.id = $1",
            values![id.as_str()],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let mut channels: Vec<Slug> = from_json(row.get_text(0)?)?;
    if let Some(planned) = row.get_optional_text(1)? {
        channels.extend(from_json::<Vec<Slug>>(planned)?);
    }
    channels.sort();
    channels.dedup();
    Ok(Some((channels, read_permalink(row.get_text(2)?, row.get_text(3)?)?)))
}

fn as_revision(Metadata { number, kind, at, author, channels, reason, .. }: Metadata<'_>) -> Revision {
    Revision { number, kind, at: from_unix(at), author: author.to_owned(), channels, reason }
}
