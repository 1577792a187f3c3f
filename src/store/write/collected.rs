//! Articles of other publishers: identity, records and withdrawals.

use crate::model::bounds::Excess;
use crate::model::{ArticleId, Permalink, bounds};
use crate::store::collected::{CollectedItem, ItemRecord, ItemState};
use crate::store::engine::values;
use crate::store::error::StoreError;
use crate::store::handle::Store;
use crate::store::outcome::FileRemovalOutcome;
use crate::store::rows::{day_text, to_json};
use crate::store::submission::Submission;
use crate::store::write::current::{ArticleStatus, CurrentArticle};
use crate::store::write::log_writer::LogWriter;
use crate::time::local_date;

/// Ids of one article that are kept.
const MAX_KEYS: u64 = 20;

impl Store {
    /// Stores the state of a source.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn set_source_state(&self, name: &str, state: String) -> Result<(), StoreError> {
        let name = name.to_owned();
        let pending = self.writes.push(move |log| {
            Box::pin(async move {
                let sql = "INSERT INTO source (name, state) VALUES ($1, $2) \
                           ON CONFLICT (name) DO UPDATE SET state = excluded.state";
                log.transaction.run(sql, values![name.as_str(), state.as_str()]).await.map(|_| ())
            })
        });
        pending.committed().await
    }

    /// Stores what became of an item that is not published.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn record_item(&self, record: ItemRecord) -> Result<(), StoreError> {
        let pending = self.writes.push(move |log| Box::pin(async move { log.upsert_item(&record).await }));
        pending.committed().await
    }

    /// Items of a source were met in this log, unchanged.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn items_met(&self, source: &str, keys: Vec<String>, log: &str) -> Result<(), StoreError> {
        let (source, log) = (source.to_owned(), log.to_owned());
        let pending = self.writes.push(move |writer| {
            Box::pin(async move {
                for key in &keys {
                    let sql = "UPDATE source_item SET log = $3 WHERE source = $1 AND key = $2";
                    let values = values![source.as_str(), key.as_str(), log.as_str()];
                    writer.transaction.run(sql, values).await?;
                }
                Ok(())
            })
        });
        pending.committed().await
    }

    /// The source withdrew an item. Its article is withdrawn until the source publishes it again.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn withdraw_collected(
        &self,
        record: ItemRecord,
        reason: Option<String>,
    ) -> Result<FileRemovalOutcome, StoreError> {
        let pending = self.writes.push(move |log| {
            Box::pin(async move { log.withdraw_collected(&record, reason.as_deref()).await })
        });
        pending.committed().await
    }
}

impl LogWriter<'_> {
    /// The article that an earlier version of this item is.
    pub(crate) async fn article_of_item(
        &mut self,
        item: &CollectedItem,
    ) -> Result<Option<CurrentArticle>, StoreError> {
        let sql = "SELECT article FROM source_item \
                   WHERE source = $1 AND (key = $2 OR link = $3) AND article IS NOT NULL \
                   ORDER BY CASE WHEN key = $2 THEN 0 ELSE 1 END, key LIMIT 1";
        let values = values![item.source.as_str(), item.key.as_str(), item.link.as_deref()];
        match self.transaction.first(sql, values).await? {
            Some(row) => self.current(&ArticleId::new(row.get_text(0)?)).await,
            None => Ok(None),
        }
    }

    /// The identity of a new article: its own id if that can be used, and the first free permalink.
    ///
    /// SECURITY: a source cannot take an id that exists or that this site may assign itself. An operator who imports may
    /// use the latter.
    pub(crate) async fn identity_of_item(
        &mut self,
        submission: &Submission,
    ) -> Result<(ArticleId, Permalink), StoreError> {
        let may_choose = submission.conditions.may_choose_id;
        let mut id = submission.id.clone().filter(|id| {
            let fits = Excess::in_bytes("id", id.as_str(), bounds::MAX_ID_BYTES).is_none();
            fits && bounds::is_iri(id.as_str()) && (may_choose || !self.options.addresses.may_mint(id))
        });
        if let Some(wanted) = &id
            && self.current(wanted).await?.is_some()
        {
            id = None;
        }
        let day = local_date(submission.article.published.instant, self.options.zone);
        for number in 1.. {
            let permalink = Permalink { day, slug: submission.stem.with_suffix(number) };
            let minted = self.options.addresses.article_id(&permalink);
            if !self.is_taken(&permalink, &minted).await? {
                return Ok((id.unwrap_or(minted), permalink));
            }
        }
        Err(StoreError::Corrupt("no free permalink for this slug and date".to_owned()))
    }

    /// True if an article has this URL or this id.
    async fn is_taken(&mut self, permalink: &Permalink, id: &ArticleId) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM article WHERE id = $1 OR day = $2 AND slug = $3 LIMIT 1";
        let values = values![id.as_str(), day_text(permalink), permalink.slug.as_str()];
        Ok(self.transaction.first(sql, values).await?.is_some())
    }

    pub(crate) async fn upsert_item(&mut self, record: &ItemRecord) -> Result<(), StoreError> {
        let ItemRecord { item, state, article, published, reason, content } = record;
        let published = published.as_ref().map(to_json).transpose()?;
        let reason = reason.as_ref().map(to_json).transpose()?;
        let sql = "INSERT INTO source_item \
                   (source, key, link, state, article, hash, date, published, reason, item, at, log) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (source, key) DO UPDATE SET \
                   link = excluded.link, state = excluded.state, \
                   article = COALESCE(excluded.article, source_item.article), hash = excluded.hash, \
                   date = excluded.date, published = COALESCE(excluded.published, source_item.published), \
                   reason = excluded.reason, item = excluded.item, at = excluded.at, \
                   log = COALESCE(excluded.log, source_item.log)";
        self.transaction
            .run(
                sql,
                values![
                    item.source.as_str(),
                    item.key.as_str(),
                    item.link.as_deref(),
                    state.name(),
                    article.as_ref().map(ArticleId::as_str),
                    item.hash.as_str(),
                    item.date.as_deref(),
                    published.as_deref(),
                    reason.as_deref(),
                    content.as_deref(),
                    self.options.clock.now().timestamp(),
                    item.log.as_deref()
                ],
            )
            .await?;
        match (&item.link, article) {
            (Some(link), Some(article)) => self.forget_old_keys(&item.source, link, article).await,
            _ => Ok(()),
        }
    }

    /// Of an article whose item gets another id at every poll, the latest ids are kept.
    async fn forget_old_keys(
        &mut self,
        source: &str,
        link: &str,
        article: &ArticleId,
    ) -> Result<(), StoreError> {
        let sql = "DELETE FROM source_item WHERE source = $1 AND link = $2 AND article = $3 AND key NOT IN \
                   (SELECT key FROM source_item WHERE source = $1 AND link = $2 AND article = $3 \
                    ORDER BY at DESC, key LIMIT $4)";
        self.transaction.run(sql, values![source, link, article.as_str(), MAX_KEYS]).await.map(|_| ())
    }

    async fn withdraw_collected(
        &mut self,
        record: &ItemRecord,
        reason: Option<&str>,
    ) -> Result<FileRemovalOutcome, StoreError> {
        let withdrawn =
            ItemRecord { state: ItemState::Withdrawn, reason: None, content: None, ..record.clone() };
        self.upsert_item(&withdrawn).await?;
        let Some(current) = self.article_of_item(&record.item).await? else {
            return Ok(FileRemovalOutcome::Nothing);
        };
        let state = ArticleStatus::WithdrawnWithItsFile;
        match current.state {
            ArticleStatus::Live => {
                self.unschedule(&current.id).await?;
                let author = author_of(&record.item);
                Ok(FileRemovalOutcome::Withdrawn(
                    self.withdraw_article(&current, state, reason, &author).await?,
                ))
            }
            ArticleStatus::Waiting => {
                self.unschedule(&current.id).await?;
                Ok(FileRemovalOutcome::Nothing)
            }
            ArticleStatus::WithdrawnByCommand | ArticleStatus::WithdrawnWithItsFile => {
                Ok(FileRemovalOutcome::Nothing)
            }
        }
    }
}

/// The author of the revisions that an item causes.
pub(crate) fn author_of(item: &CollectedItem) -> String {
    format!("source {}", item.source)
}
