//! Addresses that imported articles had before.

use crate::model::{ArticleId, bounds};
use crate::store::engine::values;
use crate::store::error::StoreError;
use crate::store::handle::Store;

impl Store {
    /// Stores addresses (as [`old_address`](crate::urls::old_address) writes them) that articles had before they came
    /// here. One that another article has stays with that one. Returns, for each in order, the article that has it;
    /// `None` for one that is too long to be kept.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn add_old_addresses(
        &self,
        addresses: Vec<(String, ArticleId)>,
    ) -> Result<Vec<Option<ArticleId>>, StoreError> {
        let pending = self.writes.push_config(move |log| {
            Box::pin(async move {
                let mut holders = Vec::with_capacity(addresses.len());
                for (address, article) in &addresses {
                    if address.len() > bounds::MAX_PATH_BYTES {
                        holders.push(None);
                        continue;
                    }
                    let sql = "INSERT INTO old_address (address, article) VALUES ($1, $2) \
                               ON CONFLICT (address) DO NOTHING";
                    log.transaction.run(sql, values![address.as_str(), article.as_str()]).await?;
                    let sql = "SELECT article FROM old_address WHERE address = $1";
                    let row = log.transaction.one(sql, values![address.as_str()]).await?;
                    holders.push(Some(ArticleId::new(row.get_text(0)?)));
                }
                Ok(holders)
            })
        });
        pending.committed().await
    }
}
