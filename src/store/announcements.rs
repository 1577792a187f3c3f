//! What other services were told about changed pages.

use crate::model::Permalink;
use crate::store::engine::values;
use crate::store::error::StoreError;
use crate::store::handle::Store;
use crate::store::rows::read_permalink;

/// The articles that changed, from one state of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedPages {
    /// Each once, in the order of their first change.
    pub permalinks: Vec<Permalink>,
    /// The number of the last change that is included; the given one if nothing changed.
    pub next: u64,
}

impl Store {
    /// The number up to which a service was told; none if it never was.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn announced(&self, service: &str) -> Result<Option<u64>, StoreError> {
        let sql = "SELECT number FROM announcement WHERE service = $1";
        let row = self.core.database.begin_quick_read().await?.first(sql, values![service]).await?;
        row.map(|row| row.get_u64(0)).transpose()
    }

    /// Records that a service was told about everything up to `number`.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn set_announced(&self, service: &str, number: u64) -> Result<(), StoreError> {
        let service = service.to_owned();
        let pending = self.writes.push(move |log| {
            Box::pin(async move {
                let sql = "INSERT INTO announcement (service, number) VALUES ($1, $2) \
                           ON CONFLICT (service) DO UPDATE SET number = excluded.number";
                log.transaction.run(sql, values![service.as_str(), number]).await.map(|_| ())
            })
        });
        pending.committed().await
    }

    /// The articles that the first `limit` changes after `number` are about, withdrawn ones included.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn pages_changed_after(&self, number: u64, limit: u32) -> Result<ChangedPages, StoreError> {
        let sql = "SELECT r.number, a.day, a.slug FROM revision r JOIN article a ON a.id = r.article \
                   WHERE r.number > $1 ORDER BY r.number LIMIT $2";
        let mut reading = self.core.database.begin_read().await?;
        let mut pages = ChangedPages { permalinks: Vec::new(), next: number };
        let mut seen = std::collections::HashSet::new();
        for row in reading.rows(sql, values![number, i64::from(limit)]).await? {
            pages.next = row.get_u64(0)?;
            let permalink = read_permalink(row.get_text(1)?, row.get_text(2)?)?;
            if seen.insert(permalink.clone()) {
                pages.permalinks.push(permalink);
            }
        }
        Ok(pages)
    }
}
