//! Hubs at which this site is a subscriber.

use crate::store::engine::{Row, values};
use crate::store::error::StoreError;
use crate::store::handle::Store;
use crate::store::source_hub::SourceHub;
use crate::time::from_unix;

macro_rules! select_hub {
    ($column:literal) => {
        concat!(
            "SELECT source, token, hub, topic, secret, asked_at, expires, notified FROM source_hub WHERE ",
            $column,
            " = $1"
        )
    };
}

impl Store {
    /// The hub at which a source was subscribed to.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn source_hub(&self, source: &str) -> Result<Option<SourceHub>, StoreError> {
        let mut reading = self.core.database.begin_quick_read().await?;
        let row = reading.first(select_hub!("source"), values![source]).await?;
        row.as_ref().map(read_hub).transpose()
    }

    /// The same, by the secret part of the callback.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn source_hub_of(&self, token: &str) -> Result<Option<SourceHub>, StoreError> {
        let mut reading = self.core.database.begin_quick_read().await?;
        let row = reading.first(select_hub!("token"), values![token]).await?;
        row.as_ref().map(read_hub).transpose()
    }
}

fn read_hub(row: &Row) -> Result<SourceHub, StoreError> {
    Ok(SourceHub {
        source: row.get_text(0)?.to_owned(),
        token: row.get_text(1)?.to_owned(),
        hub: row.get_text(2)?.to_owned(),
        topic: row.get_text(3)?.to_owned(),
        secret: row.get_text(4)?.to_owned(),
        asked_at: from_unix(row.get_i64(5)?),
        expires: row.get_optional_i64(6)?.map(from_unix),
        notified: row.get_u64(7)?,
    })
}
