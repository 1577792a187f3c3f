//! Which pages the changes of the log are about.

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
