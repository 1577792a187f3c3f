//! The key of the sessions of the editing pages, and the sessions that were ended. All processes that share the log use the
//! same ones.

use crate::store::engine::values;
use crate::store::error::StoreError;
use crate::store::handle::Store;
use crate::text::hex;
use crate::time::Timestamp;

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

    /// Ends a session before its time. `session`: a hash of its cookie; `until`: when it would end anyway.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn end_session(&self, session: &str, until: Timestamp) -> Result<(), StoreError> {
        let mut writing = self.core.database.begin_write().await?;
        let now = self.clock().now().timestamp();
        writing.run("DELETE FROM session_ended WHERE until <= $1", values![now]).await?;
        let sql = "INSERT INTO session_ended (session, until) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        writing.run(sql, values![session, until.timestamp()]).await?;
        writing.commit().await
    }

    /// True if the session was ended before its time.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn is_session_ended(&self, session: &str) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM session_ended WHERE session = $1";
        Ok(self.core.database.begin_quick_read().await?.first(sql, values![session]).await?.is_some())
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
