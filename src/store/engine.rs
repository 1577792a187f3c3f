//! The two engines behind one small set of verbs.
//!
//! The SQL of the store is written once, in the words that both engines understand: placeholders `$1`,
//! `BIGINT` and `TEXT`, `ON CONFLICT`. What differs stands in this file, in the two below it and in the two
//! folders of migrations.

mod place;
mod postgres;
mod sqlite;

use std::sync::Arc;

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

use super::StoreError;
use postgres::{PgServer, PostgresTransaction};
use sqlite::SqliteTransaction;

pub(super) use postgres::Notification;
pub(super) use sqlite::SqliteFile;

/// A file of the folder of migrations: its version, its name and its SQL.
type MigrationFile = (i64, &'static str, &'static str);

/// The migrations of an engine.
///
/// `sqlx::migrate!` would do the same, but its crate builds both database drivers, and SQLite itself, a second
/// time for the compiler.
fn migrator(files: &[MigrationFile]) -> Migrator {
    let migration = |&(version, name, sql): &MigrationFile| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(files.iter().map(migration).collect())
}

/// A value on its way into or out of a statement.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Integer(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Integer(i64::from(value))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::from(value.to_owned())
    }
}

impl From<String> for Value {
    /// PostgreSQL keeps every character but U+0000, and no engine shall keep what another cannot.
    fn from(value: String) -> Self {
        Self::Text(if value.contains('\0') { value.replace('\0', "\u{fffd}") } else { value })
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(value.to_owned())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The values of a statement's placeholders, in order.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::store::engine::Value::from($value)),*] };
}
pub(super) use values;

/// A row of an answer, read by the position of its columns.
pub(super) struct Row(pub(super) Vec<Value>);

impl Row {
    pub(super) fn get_i64(&self, column: usize) -> Result<i64, StoreError> {
        match self.0.get(column) {
            Some(Value::Integer(value)) => Ok(*value),
            other => Err(unexpected(column, "a number", other)),
        }
    }

    pub(super) fn get_optional_i64(&self, column: usize) -> Result<Option<i64>, StoreError> {
        match self.0.get(column) {
            Some(Value::Null) => Ok(None),
            _ => self.get_i64(column).map(Some),
        }
    }

    pub(super) fn get_u64(&self, column: usize) -> Result<u64, StoreError> {
        u64::try_from(self.get_i64(column)?)
            .map_err(|_| StoreError::Corrupt(format!("column {column} is negative")))
    }

    pub(super) fn get_bool(&self, column: usize) -> Result<bool, StoreError> {
        Ok(self.get_i64(column)? != 0)
    }

    pub(super) fn get_text(&self, column: usize) -> Result<&str, StoreError> {
        match self.0.get(column) {
            Some(Value::Text(value)) => Ok(value),
            other => Err(unexpected(column, "text", other)),
        }
    }

    pub(super) fn get_bytes(&self, column: usize) -> Result<&[u8], StoreError> {
        match self.0.get(column) {
            Some(Value::Bytes(value)) => Ok(value),
            other => Err(unexpected(column, "bytes", other)),
        }
    }

    pub(super) fn get_optional_text(&self, column: usize) -> Result<Option<&str>, StoreError> {
        match self.0.get(column) {
            Some(Value::Null) => Ok(None),
            _ => self.get_text(column).map(Some),
        }
    }
}

fn unexpected(column: usize, wanted: &str, found: Option<&Value>) -> StoreError {
    let found = match found {
        None => "nothing",
        Some(Value::Null) => "null",
        Some(Value::Integer(_)) => "a number",
        Some(Value::Text(_)) => "text",
        Some(Value::Bytes(_)) => "bytes",
    };
    StoreError::Corrupt(format!("column {column} should hold {wanted} and holds {found}"))
}

/// An open database.
pub(super) enum Database {
    Sqlite(SqliteFile),
    Postgres(Arc<PgServer>),
}

impl Database {
    /// Opens the database that a URL names, creates a file that is not there, and brings the schema up to date.
    pub(super) async fn open(url: &str) -> Result<Self, StoreError> {
        if let Some(path) = sqlite_path(url) {
            return SqliteFile::open(path).await.map(Self::Sqlite);
        }
        if is_postgres(url) {
            return PgServer::open(url).await.map(|server| Self::Postgres(Arc::new(server)));
        }
        Err(StoreError::Url(scheme_of(url)))
    }

    /// A transaction that may write. It holds the log's one right to write until it ends, so that what is
    /// committed becomes visible in the order of its numbers.
    pub(super) async fn begin_write(&self) -> Result<Transaction, StoreError> {
        match self {
            Self::Sqlite(file) => file.begin_write().await.map(Transaction::Sqlite),
            Self::Postgres(server) => server.begin_write().await.map(Transaction::Postgres),
        }
    }

    /// A transaction that reads one unchanging state of the log, whatever is written meanwhile.
    pub(super) async fn begin_read(&self) -> Result<Transaction, StoreError> {
        match self {
            Self::Sqlite(file) => file.begin_read().await.map(Transaction::Sqlite),
            Self::Postgres(server) => server.begin_read().await.map(Transaction::Postgres),
        }
    }

    /// The same for a row or two on which a write or the state of the store depends: nobody waits longer for it
    /// than for a write.
    pub(super) async fn begin_quick_read(&self) -> Result<Transaction, StoreError> {
        match self {
            Self::Sqlite(file) => file.begin_read().await.map(Transaction::Sqlite),
            Self::Postgres(server) => server.begin_quick_read().await.map(Transaction::Postgres),
        }
    }

    /// The server that other machines share as well; none where the log is a file of this one.
    pub(super) fn shared(&self) -> Option<&Arc<PgServer>> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(server) => Some(server),
        }
    }

    /// The file of this machine; none where the log is on a server.
    pub(super) fn file(&self) -> Option<&SqliteFile> {
        match self {
            Self::Sqlite(file) => Some(file),
            Self::Postgres(_) => None,
        }
    }

    /// Whether what is written now would be there after a restart: cheap enough for every write.
    pub(super) fn in_place(&self) -> Result<(), StoreError> {
        self.file().map_or(Ok(()), SqliteFile::in_place)
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(file) => file.close().await,
            Self::Postgres(server) => server.close().await,
        }
    }
}

/// Why a URL cannot be opened, where that is to be seen of it alone. No password is told.
///
/// # Errors
/// The reason and what to write.
pub fn check_url(url: &str) -> Result<(), String> {
    if sqlite_path(url).is_some() {
        return Ok(());
    }
    if is_postgres(url) {
        return postgres::check_url(url);
    }
    Err(format!(
        "`{}` is no store: write sqlite:PATH, like sqlite:data/bantin.db, or postgres://USER:PASSWORD@HOST/DATABASE",
        scheme_of(url)
    ))
}

/// The path in a URL of a database file.
pub(super) fn sqlite_path(url: &str) -> Option<&str> {
    url.strip_prefix("sqlite:").filter(|path| !path.is_empty())
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

fn scheme_of(url: &str) -> String {
    url.split_inclusive(':').next().unwrap_or_default().to_owned()
}

/// A transaction of either engine. Dropped without [`Transaction::commit`], it leaves no trace.
pub(super) enum Transaction {
    Sqlite(SqliteTransaction),
    Postgres(PostgresTransaction),
}

impl Transaction {
    /// Runs a statement and returns all rows of its answer.
    pub(super) async fn rows(
        &mut self,
        sql: impl SqlSafeStr,
        values: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Sqlite(transaction) => transaction.rows(sql, values).await,
            Self::Postgres(transaction) => transaction.rows(sql, values).await,
        }
    }

    /// Runs a statement and returns the first row of its answer, if any.
    pub(super) async fn first(
        &mut self,
        sql: &'static str,
        values: &[Value],
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    /// Runs a statement whose answer is one row.
    pub(super) async fn one(&mut self, sql: &'static str, values: &[Value]) -> Result<Row, StoreError> {
        let row = self.first(sql, values).await?;
        row.ok_or_else(|| StoreError::Corrupt(format!("no row answers {sql}")))
    }

    /// Runs a statement and returns how many rows it touched.
    pub(super) async fn run(&mut self, sql: impl SqlSafeStr, values: &[Value]) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(transaction) => transaction.run(sql, values).await,
            Self::Postgres(transaction) => transaction.run(sql, values).await,
        }
    }

    /// The articles of a channel that hold all of these words, at places from `lowest` to below `below`, the
    /// highest place first: place, id, day, slug, channels, updated, content, number. Words are of letters and
    /// digits alone.
    pub(super) async fn search(
        &mut self,
        words: &[String],
        channel: &str,
        lowest: i64,
        below: i64,
        limit: i64,
        gone: &str,
    ) -> Result<Vec<Row>, StoreError> {
        let (sql, question) = match self {
            Self::Sqlite(_) => (sqlite::SEARCH, sqlite::numbered_parameters(words)),
            Self::Postgres(_) => (postgres::SEARCH, words.join(" ")),
        };
        self.rows(sql, values![question, below, lowest, channel, limit, gone]).await
    }

    /// How many articles that search finds, `limit` at most.
    pub(super) async fn count_found(
        &mut self,
        words: &[String],
        channel: &str,
        lowest: i64,
        below: i64,
        limit: i64,
        gone: &str,
    ) -> Result<Row, StoreError> {
        let (sql, question) = match self {
            Self::Sqlite(_) => (sqlite::COUNT_FOUND, sqlite::numbered_parameters(words)),
            Self::Postgres(_) => (postgres::COUNT_FOUND, words.join(" ")),
        };
        self.one(sql, values![question, below, lowest, channel, limit, gone]).await
    }

    /// The tables of the store, without the index of the search.
    pub(super) async fn tables(&mut self) -> Result<Vec<String>, StoreError> {
        let sql = match self {
            Self::Sqlite(_) => sqlite::TABLES,
            Self::Postgres(_) => postgres::TABLES,
        };
        self.rows(sql, &[]).await?.iter().map(|row| row.get_text(0).map(str::to_owned)).collect()
    }

    /// The columns of a table.
    pub(super) async fn columns(&mut self, table: &str) -> Result<Vec<String>, StoreError> {
        let sql = match self {
            Self::Sqlite(_) => sqlite::COLUMNS,
            Self::Postgres(_) => postgres::COLUMNS,
        };
        self.rows(sql, values![table]).await?.iter().map(|row| row.get_text(0).map(str::to_owned)).collect()
    }

    /// Makes the index of the search of what the articles say. Needed where they came in otherwise than by
    /// intake.
    pub(super) async fn rebuild_search_index(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(_) => {
                self.run("INSERT INTO search (search) VALUES ('rebuild')", &[]).await.map(|_| ())
            }
            Self::Postgres(_) => Ok(()),
        }
    }

    /// From here on every statement may take as long as it takes: for the moving of a whole log.
    pub(super) async fn disable_timeouts(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(transaction) => transaction.disable_timeouts().await,
        }
    }

    /// Makes everything durable and visible at once, and tells the other replicas.
    pub(super) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await,
            Self::Postgres(transaction) => transaction.commit().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_of_migrations_is_run() {
        for (engine, files) in [("sqlite", &sqlite::MIGRATIONS[..]), ("postgres", &postgres::MIGRATIONS[..])]
        {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/migrations").join(engine);
            let lying_there: BTreeSet<String> = std::fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            let listed: BTreeSet<String> =
                files.iter().map(|(version, name, _)| format!("{version:04}_{name}.sql")).collect();
            assert!(!listed.is_empty());
            assert_eq!(listed, lying_there, "{engine}");
        }
    }
}
