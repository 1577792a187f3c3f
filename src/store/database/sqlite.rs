//! One file of this machine.

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{Column as _, Row as _, SqlSafeStr, Sqlite, TypeInfo as _, ValueRef as _};

use super::{Row, StoreError, Value};

/// How long a statement waits for another process that writes (`bantin withdraw` beside `serve`).
const BUSY: Duration = Duration::from_secs(5);
/// How long a caller waits for a free connection before the store counts as unavailable.
const ACQUIRE: Duration = Duration::from_secs(2);
const READERS: u32 = 8;
const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";

static MIGRATIONS: Migrator = sqlx::migrate!("src/store/migrations/sqlite");

/// CROSS JOIN: the index of words leads, which gives places in order and stops at the limit.
pub(super) const SEARCH: &str = "SELECT s.rowid, a.id, a.day, a.slug, a.channels, a.updated, a.content, a.number \
     FROM search s CROSS JOIN article a ON a.place = s.rowid \
     WHERE search MATCH $1 AND s.rowid < $2 AND s.rowid >= $3 AND ($4 = '' OR EXISTS \
     (SELECT 1 FROM membership m WHERE m.channel = $4 AND m.article = a.id)) \
     ORDER BY s.rowid DESC LIMIT $5";

pub(super) const TABLES: &str = "SELECT name FROM sqlite_master WHERE type = 'table' \
     AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'search%'";
pub(super) const COLUMNS: &str = "SELECT name FROM pragma_table_info($1)";

/// The words, each as FTS5 takes a string.
pub(super) fn question(words: &[String]) -> String {
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" ")
}

/// One connection writes, several read: that is what WAL allows.
pub(in super::super) struct SqliteFile {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl SqliteFile {
    /// Opens or creates the database file at `path`, with its folder, and brings its schema up to date.
    pub(super) async fn open(path: &str) -> Result<Self, StoreError> {
        make_folder(Path::new(path))?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // NOTE: FULL, not NORMAL. In WAL mode NORMAL does not flush on commit, and an article that was
            // acknowledged would be gone after a power cut.
            .synchronous(SqliteSynchronous::Full)
            // What is taken out is overwritten: an erased text must not lie about in the file.
            .pragma("secure_delete", "ON")
            .foreign_keys(true)
            .busy_timeout(BUSY);
        let pool = |connections| {
            SqlitePoolOptions::new().max_connections(connections).acquire_timeout(ACQUIRE).idle_timeout(None)
        };
        let writer = pool(1).connect_with(options.clone()).await?;
        MIGRATIONS.run(&writer).await?;
        let readers = pool(READERS).connect_with(options).await?;
        Ok(Self { writer, readers })
    }

    pub(super) async fn begin_write(&self) -> Result<SqliteTransaction, StoreError> {
        let begun = match self.writer.begin_with(BEGIN_WRITE).await {
            // On a full disk SQLite ends a transaction by itself, which this connection has not noticed and never
            // will.
            Err(sqlx::Error::InvalidSavePointStatement) => {
                self.writer.acquire().await?.close().await?;
                self.writer.begin_with(BEGIN_WRITE).await
            }
            begun => begun,
        };
        Ok(SqliteTransaction(begun?))
    }

    pub(super) async fn begin_read(&self) -> Result<SqliteTransaction, StoreError> {
        Ok(SqliteTransaction(self.readers.begin().await?))
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

fn make_folder(path: &Path) -> Result<(), StoreError> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    std::fs::create_dir_all(folder)
        .map_err(|cause| StoreError::Folder { folder: folder.display().to_string(), cause })
}

pub(in super::super) struct SqliteTransaction(sqlx::Transaction<'static, Sqlite>);

impl SqliteTransaction {
    pub(super) async fn rows(
        &mut self,
        sql: impl SqlSafeStr,
        values: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        let rows = bind(sql, values).fetch_all(&mut *self.0).await?;
        rows.iter().map(read).collect()
    }

    pub(super) async fn run(&mut self, sql: impl SqlSafeStr, values: &[Value]) -> Result<u64, StoreError> {
        Ok(bind(sql, values).execute(&mut *self.0).await?.rows_affected())
    }

    pub(super) async fn commit(self) -> Result<(), StoreError> {
        Ok(self.0.commit().await?)
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
