//! Articles that are published later.

use tracing::error;

use crate::model::{Article, ArticleId, Slug};
use crate::store::engine::{Row, values};
use crate::store::error::StoreError;
use crate::store::metadata::{checksum, fits};
use crate::store::outcome::{SubmitOutcome, SubmitResult};
use crate::store::rows::{from_json, to_json, version_of};
use crate::store::stored_text::StoredText;
use crate::store::submission::ArticleVersion;
use crate::store::write::current::CurrentArticle;
use crate::store::write::log_writer::LogWriter;
use crate::store::write::new_rows::row;
use crate::store::write::submit::{Author, submit_result};
use crate::time::Timestamp;

/// A due article that cannot be published is retried after this many seconds.
const RETRY_AFTER: i64 = 3600;

impl LogWriter<'_> {
    pub(crate) async fn publish_due(&mut self) -> Result<Vec<SubmitResult>, StoreError> {
        let now = self.options.clock.now().timestamp();
        let due = self
            .transaction
            .rows(
                "SELECT w.article, w.channels, w.content, w.author, w.reason, w.checksum FROM waiting w \
                 JOIN article a ON a.id = w.article \
                 WHERE w.due <= $1 AND (a.state <> 'withdrawn' OR a.withdrawn_by = 'file') \
                 ORDER BY w.due, w.article LIMIT 256",
                values![now],
            )
            .await?;
        let mut published = Vec::with_capacity(due.len());
        for row in due {
            self.begin_one().await?;
            match self.publish_one(&row).await {
                Ok(accepted) => published.extend(accepted),
                // An article that cannot be published does not block the others. It stays stored.
                Err(cause) if cause.is_of_one_write() => {
                    let id = row.get_text(0)?;
                    error!(%id, %cause, "cannot publish this scheduled article; retrying in an hour");
                    self.undo_one().await?;
                    let sql = "UPDATE waiting SET due = $2 WHERE article = $1";
                    self.transaction.run(sql, values![id, now.saturating_add(RETRY_AFTER)]).await?;
                }
                Err(cause) => return Err(cause),
            }
            self.end_one().await?;
        }
        Ok(published)
    }

    /// Publishes one due article.
    async fn publish_one(&mut self, row: &Row) -> Result<Option<SubmitResult>, StoreError> {
        if !fits(&row.0) {
            return Err(StoreError::Corrupt("the scheduled text is damaged. Write it anew".to_owned()));
        }
        let id = ArticleId::new(row.get_text(0)?);
        let Some(current) = self.current(&id).await? else { return Ok(None) };
        let article: Article = from_json(row.get_text(2)?)?;
        let text = StoredText::new(&article)?;
        let channels = from_json(row.get_text(1)?)?;
        let author = Author { name: row.get_text(3)?, by_file: true, reason: row.get_optional_text(4)? };
        let result = self.apply(&current, &article, &text, channels, author).await?;
        self.unschedule(&id).await?;
        Ok(Some(result))
    }

    pub(crate) async fn schedule(
        &mut self,
        current: &CurrentArticle,
        due: Timestamp,
        channels: &[Slug],
        text: &StoredText,
        (author, reason): (&str, Option<&str>),
    ) -> Result<SubmitResult, StoreError> {
        let (channels, content) = (to_json(channels)?, text.json.as_str());
        let mut values = row![current.id.as_str(), channels.as_str(), content, author, reason];
        values.push(checksum(&values).into());
        values.push(due.timestamp().into());
        self.transaction
            .run(
                "INSERT INTO waiting (article, channels, content, author, reason, checksum, due) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (article) DO UPDATE SET due = excluded.due, \
                 channels = excluded.channels, content = excluded.content, author = excluded.author, \
                 reason = excluded.reason, checksum = excluded.checksum",
                &values,
            )
            .await?;
        self.link_images(&current.id, &text.images, false).await?;
        let result = submit_result(current, SubmitOutcome::Scheduled(due));
        Ok(match current.was_published() {
            true => result,
            false => {
                let version = version_of(&channels, content);
                SubmitResult { version: Some(ArticleVersion::Scheduled(version)), ..result }
            }
        })
    }

    pub(crate) async fn unschedule(&mut self, id: &ArticleId) -> Result<(), StoreError> {
        self.transaction.run("DELETE FROM waiting WHERE article = $1", values![id.as_str()]).await.map(|_| ())
    }
}
