//! The two engines behind one small set of verbs.
//!
//! The SQL of the store is written once, in the words that both engines understand: placeholders `$1`,
//! `BIGINT` and `TEXT`, `ON CONFLICT`. What differs stands in this file and in the two folders of migrations.

use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{Column as _, Row as _, Sqlite, TypeInfo as _, ValueRef as _};

use super::StoreError;

/// How long a statement waits for another process that writes (`bantin withdraw` beside `serve`).
const BUSY: Duration = Duration::from_secs(5);
/// How long a caller waits for a free connection before the store counts as unavailable.
const ACQUIRE: Duration = Duration::from_secs(2);
const READERS: u32 = 8;

static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("src/store/migrations/sqlite");

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
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
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
    ($($value:expr),* $(,)?) => { &[$($crate::store::database::Value::from($value)),*] };
}
pub(super) use values;

/// A row of an answer, read by the position of its columns.
pub(super) struct Row(Vec<Value>);

impl Row {
    pub(super) fn integer(&self, column: usize) -> Result<i64, StoreError> {
        match self.0.get(column) {
            Some(Value::Integer(value)) => Ok(*value),
            other => Err(unexpected(column, "a number", other)),
        }
    }

    pub(super) fn optional_integer(&self, column: usize) -> Result<Option<i64>, StoreError> {
        match self.0.get(column) {
            Some(Value::Null) => Ok(None),
            _ => self.integer(column).map(Some),
        }
    }

    pub(super) fn number(&self, column: usize) -> Result<u64, StoreError> {
        u64::try_from(self.integer(column)?)
            .map_err(|_| StoreError::Corrupt(format!("column {column} is negative")))
    }

    pub(super) fn flag(&self, column: usize) -> Result<bool, StoreError> {
        Ok(self.integer(column)? != 0)
    }

    pub(super) fn text(&self, column: usize) -> Result<&str, StoreError> {
        match self.0.get(column) {
            Some(Value::Text(value)) => Ok(value),
            other => Err(unexpected(column, "text", other)),
        }
    }

    pub(super) fn bytes(&self, column: usize) -> Result<&[u8], StoreError> {
        match self.0.get(column) {
            Some(Value::Bytes(value)) => Ok(value),
            other => Err(unexpected(column, "bytes", other)),
        }
    }

    pub(super) fn optional_text(&self, column: usize) -> Result<Option<&str>, StoreError> {
        match self.0.get(column) {
            Some(Value::Null) => Ok(None),
            _ => self.text(column).map(Some),
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
    /// One connection writes, several read: that is what WAL allows.
    Sqlite { writer: SqlitePool, readers: SqlitePool },
}

impl Database {
    /// Opens or creates the database file at `path` and brings its schema up to date.
    pub(super) async fn open_sqlite(path: &str) -> Result<Self, StoreError> {
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
        SQLITE_MIGRATIONS.run(&writer).await?;
        let readers = pool(READERS).connect_with(options).await?;
        Ok(Self::Sqlite { writer, readers })
    }

    /// A transaction that may write. It holds the database's one right to write until it ends.
    pub(super) async fn begin_write(&self) -> Result<Transaction, StoreError> {
        match self {
            Self::Sqlite { writer, .. } => {
                Ok(Transaction::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?))
            }
        }
    }

    /// A transaction that reads one unchanging state of the log, whatever is written meanwhile.
    pub(super) async fn begin_read(&self) -> Result<Transaction, StoreError> {
        match self {
            Self::Sqlite { readers, .. } => Ok(Transaction::Sqlite(readers.begin().await?)),
        }
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
        }
    }
}

/// A transaction of either engine. Dropped without [`Transaction::commit`], it leaves no trace.
pub(super) enum Transaction {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
}

impl Transaction {
    /// Runs a statement and returns all rows of its answer.
    pub(super) async fn rows(&mut self, sql: &'static str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Sqlite(transaction) => {
                let rows = bind_sqlite(sql, values).fetch_all(&mut **transaction).await?;
                rows.iter().map(read_sqlite).collect()
            }
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
    pub(super) async fn run(&mut self, sql: &'static str, values: &[Value]) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(transaction) => {
                Ok(bind_sqlite(sql, values).execute(&mut **transaction).await?.rows_affected())
            }
        }
    }

    pub(super) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(transaction) => Ok(transaction.commit().await?),
        }
    }
}

fn bind_sqlite<'q>(
    sql: &'static str,
    values: &'q [Value],
) -> sqlx::query::Query<'q, Sqlite, SqliteArguments> {
    values.iter().fold(sqlx::query(sql), |query, value| match value {
        Value::Null => query.bind(None::<i64>),
        Value::Integer(number) => query.bind(*number),
        Value::Text(text) => query.bind(text.as_str()),
        Value::Bytes(bytes) => query.bind(bytes.as_slice()),
    })
}

fn read_sqlite(row: &SqliteRow) -> Result<Row, StoreError> {
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
