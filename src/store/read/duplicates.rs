//! What somebody should look at in a source besides its doubtful items.

use crate::model::ArticleId;
use crate::store::duplicates::{ProbableDuplicate, SourceCounts, UnsettledItem};
use crate::store::engine::values;
use crate::store::error::StoreError;
use crate::store::handle::Store;

/// Selects from the pairs of a source of which both articles are published.
macro_rules! select_pairs {
    ($what:literal, $rest:literal) => {
        concat!(
            "SELECT ",
            $what,
            " FROM source_duplicate d JOIN article a ON a.id = d.article AND a.state = 'live' ",
            "JOIN article b ON b.id = d.other AND b.state = 'live' ",
            "WHERE (d.source = $1 OR d.other_source = $1) ",
            $rest
        )
    };
}

impl Store {
    /// How many items of a source somebody should look at.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn source_counts(&self, source: &str) -> Result<SourceCounts, StoreError> {
        let mut reading = self.core.database.begin_read().await?;
        let mut count = async |sql: &'static str| reading.one(sql, values![source]).await?.get_u64(0);
        let of_items = "SELECT COUNT(*) FROM source_item WHERE state = 'doubtful' AND source = $1";
        let of_unsettled = "SELECT COUNT(*) FROM source_unsettled WHERE source = $1 AND waiting = 1";
        Ok(SourceCounts {
            doubtful: count(of_items).await?,
            unsettled: count(of_unsettled).await?,
            duplicates: count(select_pairs!(
                "COUNT(DISTINCT CASE WHEN d.source = $1 THEN d.article ELSE d.other END)",
                ""
            ))
            .await?,
        })
    }

    /// The pairs of articles of this source and another that are probably the same and both published, the latest first.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn probable_duplicates(
        &self,
        source: &str,
        limit: u32,
    ) -> Result<Vec<ProbableDuplicate>, StoreError> {
        let mut reading = self.core.database.begin_read().await?;
        let sql = select_pairs!(
            "d.title, d.article, d.source, d.other, d.other_source",
            "ORDER BY d.at DESC, d.article, d.other LIMIT $2"
        );
        let rows = reading.rows(sql, values![source, u64::from(limit)]).await?;
        rows.iter()
            .map(|row| {
                let of = |id, source| -> Result<_, StoreError> {
                    Ok((ArticleId::new(row.get_text(id)?), row.get_text(source)?.to_owned()))
                };
                Ok(ProbableDuplicate {
                    title: row.get_text(0)?.to_owned(),
                    later: of(1, 2)?,
                    earlier: of(3, 4)?,
                })
            })
            .collect()
    }

    /// The items of a source whose text changes often, by article.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn unsettled_items(&self, source: &str) -> Result<Vec<UnsettledItem>, StoreError> {
        let mut reading = self.core.database.begin_read().await?;
        let sql =
            "SELECT article, source, state, waiting FROM source_unsettled WHERE source = $1 ORDER BY article";
        let rows = reading.rows(sql, values![source]).await?;
        rows.iter()
            .map(|row| {
                Ok(UnsettledItem {
                    article: ArticleId::new(row.get_text(0)?),
                    source: row.get_text(1)?.to_owned(),
                    state: row.get_text(2)?.to_owned(),
                    is_waiting: row.get_i64(3)? != 0,
                })
            })
            .collect()
    }
}
