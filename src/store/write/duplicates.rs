//! Fingerprints of collected articles, and the items that change often.

use crate::model::{Article, ArticleId};
use crate::store::duplicates::UnsettledItem;
use crate::store::engine::values;
use crate::store::error::StoreError;
use crate::store::fingerprint::Fingerprint;
use crate::store::handle::Store;
use crate::store::write::log_writer::LogWriter;

/// Articles that are further apart are not the same: a notice of last year may have the same words.
const MAX_APART: i64 = 30 * 86_400;
/// Articles with the same title that are compared, the latest. A notice that a hundred offices publish makes no more pairs.
const MAX_COMPARED: u64 = 10;

impl Store {
    /// Stores how often an item changed.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn set_unsettled(&self, item: UnsettledItem) -> Result<(), StoreError> {
        let pending = self.writes.push(move |log| {
            Box::pin(async move {
                let UnsettledItem { article, source, state, is_waiting } = &item;
                let sql = "INSERT INTO source_unsettled (article, source, state, waiting) VALUES ($1, $2, $3, $4) \
                           ON CONFLICT (article) DO UPDATE SET \
                           source = excluded.source, state = excluded.state, waiting = excluded.waiting";
                let values = values![article.as_str(), source.as_str(), state.as_str(), *is_waiting];
                log.transaction.run(sql, values).await.map(|_| ())
            })
        });
        pending.committed().await
    }

    /// An item has settled.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn forget_unsettled(&self, article: &ArticleId) -> Result<(), StoreError> {
        let article = article.clone();
        let pending = self.writes.push(move |log| {
            Box::pin(async move {
                let sql = "DELETE FROM source_unsettled WHERE article = $1";
                log.transaction.run(sql, values![article.as_str()]).await.map(|_| ())
            })
        });
        pending.committed().await
    }
}

impl LogWriter<'_> {
    /// Stores the fingerprint of a collected article, and with which articles of other sources it is probably the same.
    pub(crate) async fn note_fingerprint(
        &mut self,
        source: &str,
        id: &ArticleId,
        article: &Article,
    ) -> Result<(), StoreError> {
        let print = Fingerprint::of(article);
        self.forget_duplicates(id).await?;
        let at = article.published.instant.timestamp();
        let sql = "INSERT INTO source_fingerprint (article, source, title, words, at) VALUES ($1, $2, $3, $4, $5) \
                   ON CONFLICT (article) DO UPDATE SET source = excluded.source, title = excluded.title, \
                   words = excluded.words, at = excluded.at";
        let bytes = print.bytes();
        self.transaction.run(sql, values![id.as_str(), source, print.title, bytes.as_slice(), at]).await?;
        let sql = "SELECT article, source, words FROM source_fingerprint \
                   WHERE title = $1 AND source <> $2 AND at BETWEEN $3 AND $4 ORDER BY at DESC, article LIMIT $5";
        let values = values![print.title, source, at - MAX_APART, at + MAX_APART, MAX_COMPARED];
        for row in self.transaction.rows(sql, values).await? {
            let (other, other_source) = (row.get_text(0)?, row.get_text(1)?);
            if print.is_probably_same(&Fingerprint::from_stored(print.title, row.get_bytes(2)?)) {
                let sql = "INSERT INTO source_duplicate (article, source, other, other_source, title, at) \
                           VALUES ($1, $2, $3, $4, $5, $6)";
                let now = self.options.clock.now().timestamp();
                let values = values![id.as_str(), source, other, other_source, article.title.as_str(), now];
                self.transaction.run(sql, values).await?;
            }
        }
        Ok(())
    }

    /// The text of an article was erased: nothing that was made of it stays.
    pub(crate) async fn erase_traces(&mut self, id: &ArticleId) -> Result<(), StoreError> {
        self.forget_duplicates(id).await?;
        for sql in [
            "DELETE FROM source_fingerprint WHERE article = $1",
            "DELETE FROM source_unsettled WHERE article = $1",
        ] {
            self.transaction.run(sql, values![id.as_str()]).await?;
        }
        Ok(())
    }

    async fn forget_duplicates(&mut self, id: &ArticleId) -> Result<(), StoreError> {
        let sql = "DELETE FROM source_duplicate WHERE article = $1 OR other = $1";
        self.transaction.run(sql, values![id.as_str()]).await.map(|_| ())
    }
}
