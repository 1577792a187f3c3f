//! Copies a whole log: to another engine, into a backup, or back from one.
//!
//! Everything is read from one state of the log and written in one transaction, so that the target is either
//! empty or complete after a crash.

use sqlx::AssertSqlSafe;

use super::content::compress;
use super::core::LOG_ID_LENGTH;
use super::engine::{Row, Transaction, Value, values};
use super::error::StoreError;
use super::handle::Store;
use super::random::random_text;
use super::read::log_state;
use super::search_index;
use crate::time::{Timestamp, from_unix};

/// The tables of the log: each after those that it refers to, with its key and the number of rows per batch.
const TABLES: [(&str, &str, usize); 27] = [
    ("log", "singleton", 1),
    ("revision", "number", 100),
    ("article", "id", 100),
    ("waiting", "article", 100),
    ("channel", "slug", 100),
    ("channel_revision", "channel, number", 500),
    ("membership", "article, channel", 500),
    ("file", "path", 200),
    ("picture", "name", 4),
    ("picture_use", "picture, article", 500),
    ("picture_copy", "picture, name", 100),
    ("picture_to_scale", "picture", 500),
    ("picture_unused", "picture", 500),
    ("token", "name", 100),
    ("idempotency", "token, key", 100),
    ("import", "source, place, article", 200),
    ("finding", "path", 100),
    ("source", "name", 100),
    ("source_item", "source, key", 200),
    ("subscription", "topic, callback", 200),
    ("subscription_request", "topic, callback", 200),
    ("push_target", "kind, name", 100),
    ("source_hub", "source", 100),
    ("source_fingerprint", "article", 500),
    ("source_duplicate", "article, other", 500),
    ("source_unsettled", "article", 100),
    ("old_address", "address", 500),
];

/// Tables that are not part of the log: current replicas and sessions, and the state of the schema.
const NOT_COPIED: [&str; 5] = ["replica", "lease", "session_key", "session_ended", "_sqlx_migrations"];

/// What a copy is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyMode {
    /// The same log in another place. Ids, numbers and validators stay valid. The source must not grow any more.
    Move,
    /// A snapshot to keep. The source may go on growing.
    Backup,
    /// A new log that starts with the same content. It has another id, so its numbers are never confused with those
    /// of the source, and readers that hold later numbers start over.
    Restore,
}

impl Store {
    /// Copies everything into `to`, which must be empty, and closes it. `tell` receives the number of rows done and
    /// the total.
    ///
    /// # Errors
    /// If a database fails, `to` is not empty, or a log that is moved has grown meanwhile. `to` is unchanged then.
    pub async fn copy_to(
        &self,
        to: Store,
        filled: CopyMode,
        mut tell: impl FnMut(u64, u64),
    ) -> Result<(), StoreError> {
        let mut reading = self.core.database.begin_read().await?;
        reading.disable_timeouts().await?;
        let mut writing = to.core.database.begin_write().await?;
        writing.disable_timeouts().await?;
        only_known_tables(&mut reading).await?;
        is_empty(&mut writing).await?;
        writing.run("DELETE FROM log", &[]).await?;
        let mut total = 0;
        for (table, ..) in TABLES {
            total += count(&mut reading, table).await?;
        }
        let mut done = 0;
        for (table, key, stride) in TABLES {
            let table = Table::load(&mut reading, &mut writing, table, key, stride).await?;
            let mut last = None;
            loop {
                let rows = table.read(&mut reading, last.as_deref()).await?;
                if rows.is_empty() {
                    break;
                }
                done += rows.len() as u64;
                last = rows.last().map(|row| table.key_of(row));
                table.write(&mut writing, rows).await?;
                tell(done, total);
            }
        }
        drop(reading);
        match filled {
            CopyMode::Backup => {}
            CopyMode::Move => self.verify_unchanged(&mut writing).await?,
            CopyMode::Restore => {
                // Clients that only use `If-Modified-Since` must not mistake the older state for the one they hold.
                let now = self.clock().now().timestamp();
                let sql = "UPDATE log SET id = $1, configured_at = $2, generation = generation + 1, backed_up_at = NULL";
                writing.run(sql, values![random_text(LOG_ID_LENGTH)?, now]).await?;
            }
        }
        search_index::rebuild(&mut writing).await?;
        writing.commit().await?;
        to.close().await;
        Ok(())
    }

    /// Remembers that a backup, begun at `began`, is complete.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn record_backup(&self, began: Timestamp) -> Result<(), StoreError> {
        let mut writing = self.core.database.begin_write().await?;
        writing.run("UPDATE log SET backed_up_at = $1", values![began.timestamp()]).await?;
        writing.commit().await
    }

    /// When the newest backup was begun, if there is one.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn last_backup(&self) -> Result<Option<Timestamp>, StoreError> {
        let mut reading = self.core.database.begin_quick_read().await?;
        let began = reading.one("SELECT backed_up_at FROM log", &[]).await?.get_optional_i64(0)?;
        Ok(began.map(from_unix))
    }

    async fn verify_unchanged(&self, copy: &mut Transaction) -> Result<(), StoreError> {
        let here = self.snapshot().await?.position().await?;
        if here == log_state::position(copy).await? {
            return Ok(());
        }
        Err(StoreError::NotCopyable("it has grown meanwhile. Stop `bantin serve` first".to_owned()))
    }
}

/// A table that is missing from this list must not be skipped silently.
async fn only_known_tables(reading: &mut Transaction) -> Result<(), StoreError> {
    for table in reading.tables().await? {
        let known = TABLES.iter().any(|(name, ..)| *name == table) || NOT_COPIED.contains(&table.as_str());
        if !known {
            return Err(StoreError::Corrupt(format!(
                "the table {table} belongs to a newer version of bantin"
            )));
        }
    }
    Ok(())
}

async fn is_empty(writing: &mut Transaction) -> Result<(), StoreError> {
    for (table, ..) in TABLES.iter().filter(|(table, ..)| *table != "log") {
        if count(writing, table).await? > 0 {
            return Err(StoreError::NotCopyable(
                "the target store is not empty. Name another one, or move it away".to_owned(),
            ));
        }
    }
    Ok(())
}

async fn count(reading: &mut Transaction, table: &str) -> Result<u64, StoreError> {
    let rows = reading.rows(AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}")), &[]).await?;
    rows.first().map_or(Ok(0), |row| row.get_u64(0))
}

/// How a table is read and written. Table and column names come from the schema only.
struct Table {
    name: &'static str,
    columns: Vec<String>,
    key: &'static str,
    key_columns: Vec<usize>,
    stride: usize,
}

impl Table {
    async fn load(
        reading: &mut Transaction,
        writing: &mut Transaction,
        name: &'static str,
        key: &'static str,
        stride: usize,
    ) -> Result<Self, StoreError> {
        let (mut columns, mut others) = (reading.columns(name).await?, writing.columns(name).await?);
        for columns in [&mut columns, &mut others] {
            // The search index of one engine; it is rebuilt.
            columns.retain(|column| column != "folded");
            columns.sort();
        }
        if columns != others {
            return Err(StoreError::Corrupt(format!(
                "the table {name} has different columns in the two databases"
            )));
        }
        let place = |part: &str| columns.iter().position(|column| column == part);
        let key_columns = key.split(", ").filter_map(place).collect();
        Ok(Self { name, columns, key, key_columns, stride })
    }

    async fn read(&self, reading: &mut Transaction, after: Option<&[Value]>) -> Result<Vec<Row>, StoreError> {
        let Self { name, key, stride, .. } = self;
        let columns = self.columns.join(", ");
        let behind = match after {
            None => String::new(),
            Some(after) => format!("WHERE ({key}) > ({})", placeholders(0, after.len())),
        };
        let sql = format!("SELECT {columns} FROM {name} {behind} ORDER BY {key} LIMIT {stride}");
        let mut rows = reading.rows(AssertSqlSafe(sql), after.unwrap_or_default()).await?;
        if let Some(content) = self.content_column() {
            for value in rows.iter_mut().filter_map(|row| row.0.get_mut(content)) {
                // As an older version stored it.
                if let Value::Text(json) = value {
                    *value = compress(json)?;
                }
            }
        }
        Ok(rows)
    }

    /// The column of compressed texts.
    fn content_column(&self) -> Option<usize> {
        self.columns.iter().position(|column| self.name == "revision" && column == "content")
    }

    fn key_of(&self, row: &Row) -> Vec<Value> {
        self.key_columns.iter().filter_map(|column| row.0.get(*column).cloned()).collect()
    }

    async fn write(&self, writing: &mut Transaction, rows: Vec<Row>) -> Result<(), StoreError> {
        let width = self.columns.len();
        let lines: Vec<String> =
            (0..rows.len()).map(|line| format!("({})", placeholders(line * width, width))).collect();
        let sql =
            format!("INSERT INTO {} ({}) VALUES {}", self.name, self.columns.join(", "), lines.join(", "));
        let values: Vec<Value> = rows.into_iter().flat_map(|row| row.0).collect();
        writing.run(AssertSqlSafe(sql), &values).await.map(|_| ())
    }
}

/// `$3, $4`.
fn placeholders(before: usize, count: usize) -> String {
    (1..=count).map(|place| format!("${}", before + place)).collect::<Vec<_>>().join(", ")
}
