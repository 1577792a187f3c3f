//! SQLite: one file on this machine.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{Column as _, Row as _, SqlSafeStr, Sqlite, TypeInfo as _, ValueRef as _};

use super::database_file::DatabaseFile;
use super::migrations::{MigrationFile, migrator};
use super::value::{Row, Value};
use crate::store::error::StoreError;
use crate::store::sql::served;

/// How long a statement waits for another writing process (`bantin withdraw` beside `serve`).
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a caller waits for a connection before the store counts as unavailable.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// Interval for retrying the scan lock.
const SCAN_LOCK_RETRY: Duration = Duration::from_millis(25);
const MAX_READERS: u32 = 8;
const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";

pub(crate) const MIGRATIONS: [MigrationFile; 9] = [
    (1, "log", include_str!("../migrations/sqlite/0001_log.sql")),
    (2, "pictures", include_str!("../migrations/sqlite/0002_pictures.sql")),
    (4, "search", include_str!("../migrations/sqlite/0004_search.sql")),
    (5, "publishing", include_str!("../migrations/sqlite/0005_publishing.sql")),
    (7, "archive", include_str!("../migrations/sqlite/0007_archive.sql")),
    (10, "import", include_str!("../migrations/sqlite/0010_import.sql")),
    (11, "channels", include_str!("../migrations/sqlite/0011_channels.sql")),
    (21, "membership", include_str!("../migrations/sqlite/0021_membership.sql")),
    (30, "rules", include_str!("../migrations/sqlite/0030_rules.sql")),
];

/// NOTE: CROSS JOIN: the word index must be the outer loop. It returns sort keys in order and stops at the
/// limit.
macro_rules! found {
    () => {
        concat!(
            "FROM search s CROSS JOIN article a ON a.place = s.rowid \
             WHERE search MATCH $1 AND s.rowid < $2 AND s.rowid >= $3 AND ($4 = '' OR EXISTS \
             (SELECT 1 FROM membership m WHERE m.channel = $4 AND m.article = a.id)) AND ",
            served!("$6", "a.id")
        )
    };
}
pub(crate) const SEARCH: &str = concat!(
    "SELECT s.rowid, a.id, a.day, a.slug, a.channels, a.updated, a.content, a.number ",
    found!(),
    " ORDER BY s.rowid DESC LIMIT $5"
);
pub(crate) const COUNT_FOUND: &str =
    concat!("SELECT COUNT(*) FROM (SELECT 1 ", found!(), " LIMIT $5) counted");

pub(crate) const TABLES: &str = "SELECT name FROM sqlite_master WHERE type = 'table' \
     AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'search%'";
pub(crate) const COLUMNS: &str = "SELECT name FROM pragma_table_info($1)";

/// The words as FTS5 string literals.
pub(crate) fn fts_query(words: &[String]) -> String {
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" ")
}

/// One connection writes and several read, as WAL allows.
pub(crate) struct SqliteFile {
    writer: SqlitePool,
    readers: SqlitePool,
    file: Arc<DatabaseFile>,
}

impl SqliteFile {
    /// Opens or creates the database file at `path` with its folder, and migrates its schema.
    pub(crate) async fn open(path: &str) -> Result<Self, StoreError> {
        let file = Arc::new(DatabaseFile::create(Path::new(path))?);
        let options = SqliteConnectOptions::new()
            .filename(path)
            // The file exists. If it vanishes later, it must not be created again.
            .create_if_missing(false)
            .journal_mode(SqliteJournalMode::Wal)
            // NOTE: FULL, not NORMAL. In WAL mode NORMAL does not flush on commit, and an acknowledged article would
            // be lost in a power failure.
            .synchronous(SqliteSynchronous::Full)
            // Deleted data is overwritten: an erased text must not remain in the file.
            .pragma("secure_delete", "ON")
            // Temporary files stay in memory: the rest of the machine may be read-only.
            .pragma("temp_store", "MEMORY")
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let pool = |connections| {
            let file = Arc::clone(&file);
            SqlitePoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .idle_timeout(None)
                .max_lifetime(None)
                .after_connect(move |_, _| {
                    // A different file at this path is a different log.
                    let is_the_same = file.check().map_err(sqlx::Error::Io);
                    Box::pin(std::future::ready(is_the_same))
                })
        };
        let writer = pool(1).connect_with(options.clone()).await?;
        migrator(&MIGRATIONS).run(&writer).await?;
        let readers = pool(MAX_READERS).connect_with(options).await?;
        Ok(Self { writer, readers, file })
    }

    /// Checks that the database file is still in place.
    pub(crate) fn check_in_place(&self) -> Result<(), StoreError> {
        self.file.check().map_err(|cause| StoreError::NoWrites(cause.to_string()))
    }

    /// See [`DatabaseFile::acquire_scan_lease`].
    pub(crate) fn acquire_scan_lease(&self) -> Result<bool, StoreError> {
        self.check_in_place()?;
        self.file.acquire_scan_lease().map_err(lock_failed)
    }

    pub(crate) fn release_scan_lease(&self) {
        self.file.release_scan_lease();
    }

    /// Waits for scans of other processes, and blocks them while the returned lock exists.
    pub(crate) async fn lock_scan(&self) -> Result<File, StoreError> {
        loop {
            self.check_in_place()?;
            if let Some(turn) = self.file.try_lock_scan().map_err(lock_failed)? {
                return Ok(turn);
            }
            tokio::time::sleep(SCAN_LOCK_RETRY).await;
        }
    }

    pub(crate) async fn begin_write(&self) -> Result<SqliteTransaction, StoreError> {
        self.check_in_place()?;
        let begun = match self.writer.begin_with(BEGIN_WRITE).await {
            // On a full disk SQLite ends a transaction by itself, which this connection does not notice.
            Err(sqlx::Error::InvalidSavePointStatement) => {
                self.writer.acquire().await?.close().await?;
                self.file.reconnected();
                self.writer.begin_with(BEGIN_WRITE).await
            }
            begun => begun,
        };
        Ok(SqliteTransaction { inner: begun?, written_to: Some(Arc::clone(&self.file)) })
    }

    pub(crate) async fn begin_read(&self) -> Result<SqliteTransaction, StoreError> {
        Ok(SqliteTransaction { inner: self.readers.begin().await?, written_to: None })
    }

    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

fn lock_failed(cause: std::io::Error) -> StoreError {
    StoreError::Unavailable(sqlx::Error::Io(cause))
}

pub(crate) struct SqliteTransaction {
    inner: sqlx::Transaction<'static, Sqlite>,
    /// The database file, for a transaction that may write.
    written_to: Option<Arc<DatabaseFile>>,
}

impl SqliteTransaction {
    pub(crate) async fn rows(
        &mut self,
        sql: impl SqlSafeStr,
        values: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        let rows = bind(sql, values).fetch_all(&mut *self.inner).await?;
        rows.iter().map(read).collect()
    }

    pub(crate) async fn run(&mut self, sql: impl SqlSafeStr, values: &[Value]) -> Result<u64, StoreError> {
        Ok(bind(sql, values).execute(&mut *self.inner).await?.rows_affected())
    }

    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        self.inner.commit().await?;
        // NOTE: check after the commit too. A write to a deleted file must not be acknowledged.
        match self.written_to {
            Some(file) => file.check().map_err(|cause| StoreError::NoWrites(cause.to_string())),
            None => Ok(()),
        }
    }
}

fn bind(sql: impl SqlSafeStr, values: &[Value]) -> sqlx::query::Query<'_, Sqlite, SqliteArguments> {
    values.iter().fold(sqlx::query(sql), |query, value| match value {
        Value::Null => query.bind(None::<i64>),
        Value::Integer(number) => query.bind(*number),
        Value::Text(text) => query.bind(text.as_str()),
        Value::Bytes(bytes) => query.bind(bytes.as_slice()),
    })
}

fn read(row: &SqliteRow) -> Result<Row, StoreError> {
    let value = |index: usize| -> Result<Value, StoreError> {
        let raw = row.try_get_raw(index)?;
        let kind = raw.type_info();
        if raw.is_null() {
            return Ok(Value::Null);
        }
        match kind.name() {
            "INTEGER" => Ok(Value::Integer(row.try_get(index)?)),
            "TEXT" => Ok(Value::Text(row.try_get(index)?)),
            "BLOB" => Ok(Value::Bytes(row.try_get(index)?)),
            other => Err(StoreError::Corrupt(format!("column {} is {other}", row.column(index).name()))),
        }
    };
    (0..row.len()).map(value).collect::<Result<_, _>>().map(Row)
}
