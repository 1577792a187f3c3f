//! The key of the sessions of the editing pages. All processes that share the log use the same one.

use crate::store::engine::values;
use crate::store::error::StoreError;
use crate::store::handle::Store;
use crate::text::hex;

impl Store {
    /// The key, 64 hexadecimal digits. Created on first use.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn session_key(&self) -> Result<String, StoreError> {
        let sql = "SELECT key FROM session_key";
        if let Some(row) = self.core.database.begin_quick_read().await?.first(sql, &[]).await? {
            return row.get_text(0).map(str::to_owned);
        }
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)
            .map_err(|cause| StoreError::Corrupt(format!("no random bytes: {cause}")))?;
        let mut writing = self.core.database.begin_write().await?;
        let insert = "INSERT INTO session_key (singleton, key) VALUES (1, $1) ON CONFLICT DO NOTHING";
        writing.run(insert, values![hex(&bytes)]).await?;
        let key = writing.one(sql, &[]).await?.get_text(0)?.to_owned();
        writing.commit().await?;
        Ok(key)
    }

    /// True if a valid token exists.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn has_tokens(&self) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM token WHERE revoked_at IS NULL LIMIT 1";
        Ok(self.core.database.begin_quick_read().await?.first(sql, &[]).await?.is_some())
    }
}
