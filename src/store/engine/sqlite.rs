//! SQLite: one file on this machine.
//!
//! NOTE: statements run on the thread of the caller and do not yield. A batch of writes therefore costs no change of
//! threads; callers that must not be blocked use a blocking thread.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, OpenFlags, ToSql};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::database_file::DatabaseFile;
use super::migrations::{MigrationFile, migrate_sqlite};
use super::value::{Row, Value};
use crate::store::error::StoreError;
use crate::store::sql::{content, metadata, served};

/// How long a statement waits for another writing process (`bantin withdraw` beside `serve`).
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a caller waits for a reading connection before the store counts as unavailable.
const READER_TIMEOUT: Duration = Duration::from_secs(2);
/// The same for the writing connection. Longer than [`BUSY_TIMEOUT`]: who holds it may be waiting for another process, or
/// for a slow disk to flush.
const WRITER_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_READERS: u32 = 8;
/// More than the statements of the store: none is compiled twice.
const CACHED_STATEMENTS: usize = 256;
/// Pages that the writing connection keeps in memory, in KiB. With fewer, a large batch is written to the disk twice.
const WRITER_CACHE: u32 = 16 << 10;
const READER_CACHE: u32 = 2 << 10;

pub(crate) const MIGRATIONS: &[MigrationFile] = &[
    (1, "log", include_str!("../migrations/sqlite/0001_log.sql")),
    (2, "pictures", include_str!("../migrations/sqlite/0002_pictures.sql")),
    (4, "search", include_str!("../migrations/sqlite/0004_search.sql")),
    (5, "publishing", include_str!("../migrations/sqlite/0005_publishing.sql")),
    (7, "archive", include_str!("../migrations/sqlite/0007_archive.sql")),
    (10, "import", include_str!("../migrations/sqlite/0010_import.sql")),
    (11, "channels", include_str!("../migrations/sqlite/0011_channels.sql")),
    (21, "membership", include_str!("../migrations/sqlite/0021_membership.sql")),
    (30, "rules", include_str!("../migrations/sqlite/0030_rules.sql")),
    (31, "creation", include_str!("../migrations/sqlite/0031_creation.sql")),
    (40, "content", include_str!("../migrations/sqlite/0040_content.sql")),
    (45, "lean_indexes", include_str!("../migrations/sqlite/0045_lean_indexes.sql")),
    (50, "copies", include_str!("../migrations/sqlite/0050_copies.sql")),
    (60, "editing", include_str!("../migrations/sqlite/0060_editing.sql")),
    (62, "neighbours", include_str!("../migrations/sqlite/0062_neighbours.sql")),
    (64, "unused_images", include_str!("../migrations/sqlite/0064_unused_images.sql")),
    (65, "ended_sessions", include_str!("../migrations/sqlite/0065_ended_sessions.sql")),
    (70, "sources", include_str!("../migrations/sqlite/0070_sources.sql")),
    (71, "source_log", include_str!("../migrations/sqlite/0071_source_log.sql")),
    (80, "push", include_str!("../migrations/sqlite/0080_push.sql")),
    (81, "source_hubs", include_str!("../migrations/sqlite/0081_source_hubs.sql")),
    (90, "old_addresses", include_str!("../migrations/sqlite/0090_old_addresses.sql")),
    (93, "duplicates", include_str!("../migrations/sqlite/0093_duplicates.sql")),
    (94, "unsettled", include_str!("../migrations/sqlite/0094_unsettled.sql")),
    (95, "checksums", include_str!("../migrations/sqlite/0095_checksums.sql")),
    (96, "metadata", include_str!("../migrations/sqlite/0096_metadata.sql")),
    (97, "backup", include_str!("../migrations/sqlite/0097_backup.sql")),
];

/// NOTE: CROSS JOIN: the word index must be the outer loop. It returns sort keys in order and stops at the
/// limit.
macro_rules! found {
    ($revision:literal) => {
        concat!(
            "FROM search s CROSS JOIN article a ON a.place = s.rowid ",
            $revision,
            "WHERE search MATCH $1 AND s.rowid < $2 AND s.rowid >= $3 AND ($4 = '' OR EXISTS \
             (SELECT 1 FROM membership m WHERE m.channel = $4 AND m.article = a.id)) AND ",
            served!("$6", "a.id")
        )
    };
}
pub(crate) const SEARCH: &str = concat!(
    "SELECT s.rowid, a.id, a.day, a.slug, ",
    content!(),
    ", ",
    metadata!(),
    " ",
    found!("LEFT JOIN revision r ON r.number = a.number "),
    " ORDER BY s.rowid DESC LIMIT $5"
);
pub(crate) const COUNT_FOUND: &str =
    concat!("SELECT COUNT(*) FROM (SELECT 1 ", found!(""), " LIMIT $5) counted");

pub(crate) const TABLES: &str = "SELECT name FROM sqlite_master WHERE type = 'table' \
     AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'search%'";
pub(crate) const COLUMNS: &str = "SELECT name FROM pragma_table_info($1)";

/// See [`Transaction::rows_for`](super::Transaction::rows_for).
pub(crate) const JSON_ROWS: &str = "json_each($1) AS q";

/// The words as FTS5 string literals.
pub(crate) fn fts_query(words: &[String]) -> String {
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" ")
}

/// One connection writes and several read, as WAL allows.
pub(crate) struct SqliteFile {
    writer: Arc<ConnectionPool>,
    readers: Arc<ConnectionPool>,
    file: Arc<DatabaseFile>,
}

impl SqliteFile {
    /// Opens or creates the database file at `path` with its folder, and migrates its schema.
    pub(crate) async fn open(path: &str) -> Result<Self, StoreError> {
        let file = Arc::new(DatabaseFile::create(Path::new(path))?);
        let pool =
            |connections, cache, timeout| ConnectionPool::new(path, &file, connections, cache, timeout);
        let writer = pool(1, WRITER_CACHE, WRITER_TIMEOUT);
        let readers = pool(MAX_READERS, READER_CACHE, READER_TIMEOUT);
        let mut connection = writer.connect()?;
        migrate_sqlite(&mut connection, MIGRATIONS)?;
        // NOTE: it stays open. The last connection that closes removes the files beside the database.
        writer.idle().push(connection);
        Ok(Self { writer, readers, file })
    }

    /// The database file, as an absolute path.
    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Checks that the database file is still in place.
    pub(crate) fn check_in_place(&self) -> Result<(), StoreError> {
        self.file.check().map_err(|cause| StoreError::NoWrites(cause.to_string()))
    }

    /// See [`DatabaseFile::acquire_scan_lease`].
    pub(crate) fn acquire_scan_lease(&self) -> Result<bool, StoreError> {
        self.check_in_place()?;
        self.file.acquire_scan_lease().map_err(StoreError::unavailable)
    }

    pub(crate) fn release_scan_lease(&self) {
        self.file.release_scan_lease();
    }

    /// See [`DatabaseFile::try_lock_scan`].
    pub(crate) fn try_lock_scan(&self) -> Result<Option<File>, StoreError> {
        self.check_in_place()?;
        self.file.try_lock_scan().map_err(StoreError::unavailable)
    }

    /// See [`DatabaseFile::try_lock_source`].
    pub(crate) fn try_lock_source(&self, hash: &str) -> Result<Option<File>, StoreError> {
        self.check_in_place()?;
        self.file.try_lock_source(hash).map_err(StoreError::unavailable)
    }

    pub(crate) async fn begin_write(&self) -> Result<SqliteTransaction, StoreError> {
        self.check_in_place()?;
        let mut transaction = ConnectionPool::begin(&self.writer, "BEGIN IMMEDIATE").await?;
        transaction.writes = true;
        Ok(transaction)
    }

    pub(crate) async fn begin_read(&self) -> Result<SqliteTransaction, StoreError> {
        ConnectionPool::begin(&self.readers, "BEGIN").await
    }

    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Connections of one kind to the file. They are opened when they are needed, and kept.
struct ConnectionPool {
    path: PathBuf,
    file: Arc<DatabaseFile>,
    /// Size of the page cache of each connection, in KiB.
    cache: u32,
    size: u32,
    /// How long a caller waits for a connection.
    timeout: Duration,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

impl ConnectionPool {
    fn new(path: &str, file: &Arc<DatabaseFile>, size: u32, cache: u32, timeout: Duration) -> Arc<Self> {
        Arc::new(Self {
            path: PathBuf::from(path),
            file: Arc::clone(file),
            cache,
            size,
            timeout,
            permits: Arc::new(Semaphore::new(size as usize)),
            idle: Mutex::default(),
        })
    }

    async fn begin(pool: &Arc<Self>, begin: &str) -> Result<SqliteTransaction, StoreError> {
        let permit = tokio::time::timeout(pool.timeout, Arc::clone(&pool.permits).acquire_owned()).await;
        let permit = match permit {
            Ok(Ok(permit)) => permit,
            Ok(Err(_)) => return Err(StoreError::unavailable("the store is closed")),
            Err(_) => return Err(StoreError::unavailable("all connections to the database are in use")),
        };
        let idle = pool.idle().pop();
        let connection = Some(idle.map_or_else(|| pool.connect(), Ok)?);
        let mut transaction = SqliteTransaction {
            connection,
            pool: Arc::clone(pool),
            writes: false,
            index: IndexChanges::default(),
            _permit: permit,
        };
        transaction.run(begin, &[])?;
        Ok(transaction)
    }

    fn connect(&self) -> Result<Connection, StoreError> {
        // Without CREATE: the file exists. If it vanishes later, it must not be created again.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        // A different file at this path is a different log.
        self.file.check().map_err(StoreError::unavailable)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
        // Otherwise a statement that compares with a range is compiled anew for each value, though no statistics are kept.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        // NOTE: synchronous FULL, not NORMAL. In WAL mode NORMAL does not flush on commit, and an acknowledged article
        // would be lost in a power failure.
        // secure_delete: deleted data is overwritten; an erased text must not remain in the file.
        // temp_store: temporary files stay in memory; the rest of the machine may be read-only.
        connection.execute_batch(&format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; \
             PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = ON; PRAGMA cache_size = -{}",
            self.cache
        ))?;
        self.file.connected().map_err(StoreError::unavailable)?;
        Ok(connection)
    }

    /// Waits for the open transactions and closes the connections.
    async fn close(&self) {
        if let Ok(_all) = self.permits.acquire_many(self.size).await {
            self.permits.close();
            self.idle().clear();
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A transaction. It is rolled back if dropped without [`SqliteTransaction::commit`].
pub(crate) struct SqliteTransaction {
    /// None once it has gone back to its pool.
    connection: Option<Connection>,
    pool: Arc<ConnectionPool>,
    writes: bool,
    pub(crate) index: IndexChanges,
    _permit: OwnedSemaphorePermit,
}

/// Changes of the search index that are made at the end of the transaction: FTS5 writes what it has collected at every
/// savepoint, which costs more than the statements.
#[derive(Default)]
pub(crate) struct IndexChanges {
    changes: Vec<IndexChange>,
    /// For each open part of the transaction, how many changes there were when it began.
    parts: Vec<usize>,
}

/// The article at a sort key is found by the words of a text from now on, or no longer.
struct IndexChange {
    place: i64,
    text: String,
    is_found: bool,
}

const ADD_TO_INDEX: &str = "INSERT INTO search (rowid, folded) VALUES ($1, $2)";
const REMOVE_FROM_INDEX: &str = "INSERT INTO search (search, rowid, folded) VALUES ('delete', $1, $2)";

impl IndexChanges {
    /// Outside of a part, no more changes than this wait.
    const MAX: usize = 256;

    pub(crate) fn begin_part(&mut self) {
        self.parts.push(self.changes.len());
    }

    pub(crate) fn undo_part(&mut self) {
        self.changes.truncate(self.parts.last().copied().unwrap_or_default());
    }

    pub(crate) fn end_part(&mut self) {
        self.parts.pop();
    }
}

impl SqliteTransaction {
    pub(crate) fn rows(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        let mut statement = self.bound(sql, values)?;
        let columns = statement.column_count();
        let mut found = statement.raw_query();
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            let mut values = Vec::with_capacity(columns);
            for column in 0..columns {
                values.push(read(row.get_ref(column)?)?);
            }
            rows.push(Row(values));
        }
        Ok(rows)
    }

    pub(crate) fn run(&mut self, sql: &str, values: &[Value]) -> Result<u64, StoreError> {
        Ok(self.bound(sql, values)?.raw_execute()? as u64)
    }

    /// Adds the article at `place` to the search index before the commit, or removes it, by the words of `text`.
    pub(crate) fn change_index(&mut self, place: i64, text: &str, is_found: bool) -> Result<(), StoreError> {
        self.index.changes.push(IndexChange { place, text: text.to_owned(), is_found });
        match self.index.parts.is_empty() && self.index.changes.len() >= IndexChanges::MAX {
            true => self.apply_index_changes(),
            false => Ok(()),
        }
    }

    /// NOTE: FTS5 (SQLite 3.51.3, `fts5FlushOneHash`, with `secure-delete` and `detail = 'none'`) loses the rows after one
    /// that is removed and added between two writes to the disk: they are not found any more. So all that is removed is
    /// written first, and of several changes at one place only the first removal and the last addition are done.
    fn apply_index_changes(&mut self) -> Result<(), StoreError> {
        let mut net: BTreeMap<i64, (Option<String>, Option<String>)> = BTreeMap::new();
        for IndexChange { place, text, is_found } in std::mem::take(&mut self.index.changes) {
            let is_first = !net.contains_key(&place);
            let (removed, added) = net.entry(place).or_default();
            match is_found {
                true => *added = Some(text),
                false if is_first => *removed = Some(text),
                // What was added by this transaction.
                false => *added = None,
            }
        }
        let is_removed = net.values().any(|(removed, _)| removed.is_some());
        for (place, (removed, _)) in &mut net {
            if let Some(text) = removed.take() {
                self.run(REMOVE_FROM_INDEX, &[Value::Integer(*place), Value::Text(text)])?;
            }
        }
        if is_removed {
            // It makes FTS5 write.
            self.run("SAVEPOINT removed", &[])?;
            self.run("RELEASE SAVEPOINT removed", &[])?;
        }
        for (place, (_, added)) in net {
            if let Some(text) = added {
                self.run(ADD_TO_INDEX, &[Value::Integer(place), Value::Text(text)])?;
            }
        }
        Ok(())
    }

    pub(crate) fn commit(mut self) -> Result<(), StoreError> {
        self.apply_index_changes()?;
        self.run("COMMIT", &[])?;
        // NOTE: check after the commit too. A write to a deleted file must not be acknowledged.
        if self.writes {
            self.pool.file.check().map_err(|cause| StoreError::NoWrites(cause.to_string()))?;
        }
        Ok(())
    }

    /// The statement with its values: `$1` is the first value, at any position.
    fn bound(&mut self, sql: &str, values: &[Value]) -> Result<CachedStatement<'_>, StoreError> {
        let Some(connection) = &self.connection else {
            return Err(StoreError::unavailable("the transaction has ended"));
        };
        let mut statement = connection.prepare_cached(sql)?;
        for index in 1..=statement.parameter_count() {
            let number = statement.parameter_name(index).and_then(|name| name[1..].parse::<usize>().ok());
            let value = number.and_then(|number| values.get(number.wrapping_sub(1)));
            let Some(value) = value else {
                return Err(StoreError::Corrupt(format!("parameter {index} has no value: {sql}")));
            };
            statement.raw_bind_parameter(index, value)?;
        }
        Ok(statement)
    }
}

impl Drop for SqliteTransaction {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        // On a full disk SQLite has ended the transaction by itself.
        if connection.is_autocommit() || connection.execute_batch("ROLLBACK").is_ok() {
            self.pool.idle().push(connection);
        } else {
            // The next connection creates the files beside the database again.
            drop(connection);
            self.pool.file.disconnected();
        }
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

pub(super) fn read(value: ValueRef<'_>) -> Result<Value, StoreError> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        // A text that is damaged must not hide the other rows: whoever wants a text gets an error.
        ValueRef::Text(bytes) => match value.as_str() {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => Value::Bytes(bytes.to_owned()),
        },
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_owned()),
        ValueRef::Real(_) => return Err(StoreError::Corrupt("a column contains a fraction".to_owned())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_statement_with_a_range_is_compiled_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bantin.db");
        let file = SqliteFile::open(path.to_str().unwrap()).await.unwrap();
        let mut reading = file.begin_read().await.unwrap();
        let sql = "SELECT place FROM article WHERE place > $1 ORDER BY place LIMIT $2";
        for after in 0..3 {
            reading.rows(sql, &[Value::Integer(after), Value::Integer(256)]).unwrap();
        }
        let connection = reading.connection.as_ref().unwrap();
        let statement = connection.prepare_cached(sql).unwrap();
        assert_eq!(statement.get_status(rusqlite::StatementStatus::Run), 3);
        assert_eq!(statement.get_status(rusqlite::StatementStatus::RePrepare), 0);
    }

    /// The last connection that closes removes the files beside the database, also while another process opens it.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_database_can_be_opened_while_others_close_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bantin.db").to_str().unwrap().to_owned();
        SqliteFile::open(&path).await.unwrap().close().await;
        let opening = || {
            let path = path.clone();
            tokio::spawn(async move {
                for _ in 0..200 {
                    let file = SqliteFile::open(&path).await.unwrap();
                    file.check_in_place().unwrap();
                    file.close().await;
                }
            })
        };
        for opened in [opening(), opening()] {
            opened.await.unwrap();
        }
    }
}
