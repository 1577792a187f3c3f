//! Addresses that imported articles had before.

use crate::model::Permalink;
use crate::store::engine::{Row, values};
use crate::store::error::StoreError;
use crate::store::handle::Store;
use crate::store::read::snapshot::Snapshot;
use crate::store::rows::read_permalink;

impl Store {
    /// The permalink of the article that had this address (as [`old_address`](crate::urls::old_address) writes it). The
    /// article may be withdrawn by now.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn article_of_old_address(&self, address: &str) -> Result<Option<Permalink>, StoreError> {
        let mut reading = self.core.database.begin_quick_read().await?;
        let sql =
            "SELECT a.day, a.slug FROM old_address o JOIN article a ON a.id = o.article WHERE o.address = $1";
        let row = reading.first(sql, values![address]).await?;
        row.as_ref().map(permalink).transpose()
    }
}

impl Snapshot {
    /// Up to `limit` old addresses of published articles, with their permalinks, after the address `after`, by address.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn old_addresses(
        &mut self,
        after: &str,
        limit: u32,
    ) -> Result<Vec<(String, Permalink)>, StoreError> {
        let sql = "SELECT a.day, a.slug, o.address FROM old_address o JOIN article a ON a.id = o.article \
                   WHERE o.address > $1 AND a.state = 'live' ORDER BY o.address LIMIT $2";
        let rows = self.reading.rows(sql, values![after, i64::from(limit)]).await?;
        rows.iter().map(|row| Ok((row.get_text(2)?.to_owned(), permalink(row)?))).collect()
    }
}

fn permalink(row: &Row) -> Result<Permalink, StoreError> {
    read_permalink(row.get_text(0)?, row.get_text(1)?)
}
