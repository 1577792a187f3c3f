//! What was collected from sources.

use crate::message::Message;
use crate::model::ArticleId;
use crate::store::collected::{CollectedItem, ItemRecord, ItemState};
use crate::store::engine::{Row, values};
use crate::store::error::StoreError;
use crate::store::handle::Store;
use crate::store::rows::from_json;

macro_rules! select_item {
    ($which:literal) => {
        concat!(
            "SELECT source, key, link, hash, date, state, article, published, reason, item, log FROM source_item ",
            $which
        )
    };
}

impl Store {
    /// The state of a source, as its collector stored it.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn source_state(&self, name: &str) -> Result<Option<String>, StoreError> {
        let mut reading = self.core.database.begin_read().await?;
        let row = reading.first("SELECT state FROM source WHERE name = $1", values![name]).await?;
        row.map(|row| row.get_text(0).map(str::to_owned)).transpose()
    }

    /// What is stored of each of these items of one source.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn collected(&self, items: &[CollectedItem]) -> Result<Vec<Option<ItemRecord>>, StoreError> {
        let mut reading = self.core.database.begin_read().await?;
        let mut records = Vec::with_capacity(items.len());
        for item in items {
            let sql = select_item!(
                "WHERE source = $1 AND (key = $2 OR link = $3) \
                 ORDER BY CASE WHEN key = $2 THEN 0 ELSE 1 END, key LIMIT 1"
            );
            let row = reading
                .first(sql, values![item.source.as_str(), item.key.as_str(), item.link.as_deref()])
                .await?;
            records.push(row.map(|row| read_item(&row)).transpose()?);
        }
        Ok(records)
    }

    /// The doubtful items of all sources, by source and key.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn doubtful_items(&self) -> Result<Vec<ItemRecord>, StoreError> {
        let mut reading = self.core.database.begin_read().await?;
        let sql = select_item!("WHERE state = 'doubtful' ORDER BY source, key");
        reading.rows(sql, &[]).await?.iter().map(read_item).collect()
    }

    /// The doubtful item of a source with this key.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn doubtful_item(&self, source: &str, key: &str) -> Result<Option<ItemRecord>, StoreError> {
        let mut reading = self.core.database.begin_read().await?;
        let sql = select_item!("WHERE state = 'doubtful' AND source = $1 AND key = $2");
        reading.first(sql, values![source, key]).await?.as_ref().map(read_item).transpose()
    }

    /// The doubtful items of a source by key, at most `limit` after the first `skip`.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn doubtful_items_of(
        &self,
        source: &str,
        skip: usize,
        limit: usize,
    ) -> Result<Vec<ItemRecord>, StoreError> {
        let mut reading = self.core.database.begin_read().await?;
        let sql = select_item!("WHERE state = 'doubtful' AND source = $1 ORDER BY key LIMIT $2 OFFSET $3");
        let rows = reading.rows(sql, values![source, limit as u64, skip as u64]).await?;
        rows.iter().map(read_item).collect()
    }

    /// The published and doubtful items of a source that were not met in this log, by key; and how many were.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn items_outside_log(
        &self,
        source: &str,
        log: &str,
    ) -> Result<(Vec<ItemRecord>, u64), StoreError> {
        let mut reading = self.core.database.begin_read().await?;
        let sql = select_item!(
            "WHERE source = $1 AND state IN ('published', 'doubtful') AND (log IS NULL OR log <> $2) ORDER BY key"
        );
        let outside = reading.rows(sql, values![source, log]).await?;
        let sql = "SELECT COUNT(*) FROM source_item WHERE source = $1 AND state = 'published' AND log = $2";
        let met = reading.one(sql, values![source, log]).await?.get_u64(0)?;
        Ok((outside.iter().map(read_item).collect::<Result<_, _>>()?, met))
    }
}

/// A reason. Earlier versions stored it in English only.
fn message(stored: &str) -> Message {
    from_json(stored).unwrap_or_else(|_| Message::new(stored, stored))
}

fn read_item(row: &Row) -> Result<ItemRecord, StoreError> {
    let text = |column| row.get_optional_text(column).map(|text| text.map(str::to_owned));
    let state = row.get_text(5)?;
    Ok(ItemRecord {
        item: CollectedItem {
            source: row.get_text(0)?.to_owned(),
            key: row.get_text(1)?.to_owned(),
            link: text(2)?,
            hash: row.get_text(3)?.to_owned(),
            date: text(4)?,
            log: text(10)?,
        },
        state: ItemState::from_name(state)
            .ok_or_else(|| StoreError::Corrupt(format!("`{state}` is not a state of an item")))?,
        article: text(6)?.map(ArticleId::new),
        published: row.get_optional_text(7)?.map(from_json).transpose()?,
        reason: text(8)?.map(|reason| message(&reason)),
        content: text(9)?,
    })
}
