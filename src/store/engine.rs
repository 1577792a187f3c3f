//! The two database engines behind one interface.
//!
//! The SQL of the store is written once, in the dialect that both engines understand: placeholders `$1`,
//! `BIGINT` and `TEXT`, `ON CONFLICT`. The differences are in this file, its submodules and the two migration
//! folders.

pub(crate) mod bulk;
mod circuit_breaker;

mod database_file;
mod migrations;
mod postgres;
mod postgres_url;
mod sqlite;
mod sqlite_check;
pub(crate) mod value;

use std::sync::Arc;

use sqlx::SqlSafeStr;

use crate::store::error::StoreError;
use bulk::Insert;
use postgres::{PgServer, PostgresTransaction};
use sqlite::SqliteTransaction;

pub(crate) use postgres::Notification;
pub(crate) use sqlite::SqliteFile;
pub(crate) use sqlite_check::SqliteCheck;
pub(crate) use value::{Row, Value, values};

/// Stands for the rows in the SQL of [`Transaction::rows_for`].
const ROWS: &str = "{rows}";

/// An open database.
pub(crate) enum Database {
    Sqlite(SqliteFile),
    Postgres(Arc<PgServer>),
}

impl Database {
    /// Opens the database of a URL, creates a missing file, and migrates the schema.
    pub(crate) async fn open(url: &str) -> Result<Self, StoreError> {
        if let Some(path) = sqlite_path(url) {
            return SqliteFile::open(path).await.map(Self::Sqlite);
        }
        if is_postgres(url) {
            return PgServer::open(url).await.map(|server| Self::Postgres(Arc::new(server)));
        }
        Err(StoreError::Url(scheme_of(url)))
    }

    /// A transaction that may write. It holds the single write lock of the log until it ends, so that commits become
    /// visible in the order of their numbers.
    pub(crate) async fn begin_write(&self) -> Result<Transaction, StoreError> {
        match self {
            Self::Sqlite(file) => file.begin_write().await.map(Transaction::Sqlite),
            Self::Postgres(server) => server.begin_write().await.map(Transaction::Postgres),
        }
    }

    /// A transaction that reads one consistent state of the log.
    pub(crate) async fn begin_read(&self) -> Result<Transaction, StoreError> {
        match self {
            Self::Sqlite(file) => file.begin_read().await.map(Transaction::Sqlite),
            Self::Postgres(server) => server.begin_read().await.map(Transaction::Postgres),
        }
    }

    /// The same for a few rows that a write or a health check depends on, with the timeout of a write.
    pub(crate) async fn begin_quick_read(&self) -> Result<Transaction, StoreError> {
        match self {
            Self::Sqlite(file) => file.begin_read().await.map(Transaction::Sqlite),
            Self::Postgres(server) => server.begin_quick_read().await.map(Transaction::Postgres),
        }
    }

    /// A transaction beside the log, on a server that other machines share. It does not wait for writes to the log.
    pub(crate) async fn begin_side_write(&self) -> Result<Option<Transaction>, StoreError> {
        let Some(server) = self.shared() else { return Ok(None) };
        server.begin_side_write().await.map(|transaction| Some(Transaction::Postgres(transaction)))
    }

    /// True if statements block the thread that runs them.
    pub(crate) fn blocks(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// The server, which other machines may share; none with SQLite.
    pub(crate) fn shared(&self) -> Option<&Arc<PgServer>> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(server) => Some(server),
        }
    }

    /// The database file; none with PostgreSQL.
    pub(crate) fn file(&self) -> Option<&SqliteFile> {
        match self {
            Self::Sqlite(file) => Some(file),
            Self::Postgres(_) => None,
        }
    }

    /// Checks that the database file is still in place. Cheap enough for every write.
    pub(crate) fn check_in_place(&self) -> Result<(), StoreError> {
        self.file().map_or(Ok(()), SqliteFile::check_in_place)
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(file) => file.close().await,
            Self::Postgres(server) => server.close().await,
        }
    }
}

/// Checks a URL without connecting. The message contains no password.
///
/// # Errors
/// The reason and the correct form.
pub fn check_url(url: &str) -> Result<(), String> {
    if sqlite_path(url).is_some() {
        return Ok(());
    }
    if is_postgres(url) {
        return postgres_url::check(url);
    }
    Err(format!(
        "unsupported scheme `{}`. Use sqlite:PATH, such as sqlite:data/bantin.db, or postgres://USER:PASSWORD@HOST/DATABASE",
        scheme_of(url)
    ))
}

/// The path of an SQLite URL.
pub(crate) fn sqlite_path(url: &str) -> Option<&str> {
    url.strip_prefix("sqlite:").filter(|path| !path.is_empty())
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

fn scheme_of(url: &str) -> String {
    url.split_inclusive(':').next().unwrap_or_default().to_owned()
}

/// A search for the articles of a channel that contain all of these words, with sort keys from `lowest` to below
/// `below`. Words consist of letters and digits only.
pub(crate) struct WordSearch<'a> {
    pub(crate) words: &'a [String],
    pub(crate) channel: &'a str,
    pub(crate) lowest: i64,
    pub(crate) below: i64,
    pub(crate) limit: i64,
    pub(crate) gone: &'a str,
}

impl WordSearch<'_> {
    fn values(&self, words: String) -> [Value; 6] {
        let Self { channel, lowest, below, limit, gone, .. } = *self;
        [words.into(), below.into(), lowest.into(), channel.into(), limit.into(), gone.into()]
    }
}

/// A transaction of either engine. It is rolled back if dropped without [`Transaction::commit`].
pub(crate) enum Transaction {
    Sqlite(SqliteTransaction),
    Postgres(PostgresTransaction),
}

impl Transaction {
    /// Runs a statement and returns all rows.
    pub(crate) async fn rows(
        &mut self,
        sql: impl SqlSafeStr,
        values: &[Value],
    ) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Sqlite(transaction) => transaction.rows(sql.into_sql_str().as_str(), values),
            Self::Postgres(transaction) => transaction.rows(sql, values).await,
        }
    }

    /// Runs a statement and returns the first row, if any.
    pub(crate) async fn first(
        &mut self,
        sql: &'static str,
        values: &[Value],
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    /// Runs a statement that returns one row.
    pub(crate) async fn one(&mut self, sql: &'static str, values: &[Value]) -> Result<Row, StoreError> {
        let row = self.first(sql, values).await?;
        row.ok_or_else(|| StoreError::Corrupt(format!("no row answers {sql}")))
    }

    /// Runs a query on a list of lists, given as JSON. In `sql`, `{rows}` stands for a table `q` whose column `value` is one
    /// of them: `q.value ->> 0` is the text of its first value.
    pub(crate) async fn rows_for(&mut self, sql: &str, json: String) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Sqlite(transaction) => {
                transaction.rows(&sql.replace(ROWS, sqlite::JSON_ROWS), values![json])
            }
            Self::Postgres(transaction) => {
                transaction.rows_once(sql.replace(ROWS, postgres::JSON_ROWS), values![json]).await
            }
        }
    }

    /// Inserts rows with a value for each column of `into`, in their order.
    pub(crate) async fn insert(&mut self, into: &Insert, rows: &[Vec<Value>]) -> Result<(), StoreError> {
        match (self, rows) {
            (_, []) => Ok(()),
            (transaction, [row]) => {
                transaction.run(sqlx::AssertSqlSafe(into.of_one()), row).await.map(|_| ())
            }
            (Self::Sqlite(transaction), rows) => {
                let sql = into.of_one();
                rows.iter().try_for_each(|row| transaction.run(&sql, row).map(|_| ()))
            }
            (Self::Postgres(transaction), rows) => transaction.insert(into, rows).await,
        }
    }

    /// Runs a statement and returns the number of affected rows.
    pub(crate) async fn run(&mut self, sql: impl SqlSafeStr, values: &[Value]) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(transaction) => transaction.run(sql.into_sql_str().as_str(), values),
            Self::Postgres(transaction) => transaction.run(sql, values).await,
        }
    }

    /// The articles that a search finds, highest sort key first: sort key, id, day, slug, content, and what `metadata!`
    /// selects.
    pub(crate) async fn search(&mut self, search: &WordSearch<'_>) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Sqlite(_) => {
                self.rows(sqlite::SEARCH, &search.values(sqlite::fts_query(search.words))).await
            }
            Self::Postgres(_) => self.rows(postgres::SEARCH, &search.values(search.words.join(" "))).await,
        }
    }

    /// Number of articles that a search finds, at most its limit.
    pub(crate) async fn count_found(&mut self, search: &WordSearch<'_>) -> Result<Row, StoreError> {
        match self {
            Self::Sqlite(_) => {
                self.one(sqlite::COUNT_FOUND, &search.values(sqlite::fts_query(search.words))).await
            }
            Self::Postgres(_) => {
                self.one(postgres::COUNT_FOUND, &search.values(search.words.join(" "))).await
            }
        }
    }

    /// The tables of the store, without the search index.
    pub(crate) async fn tables(&mut self) -> Result<Vec<String>, StoreError> {
        let sql = match self {
            Self::Sqlite(_) => sqlite::TABLES,
            Self::Postgres(_) => postgres::TABLES,
        };
        self.rows(sql, &[]).await?.iter().map(|row| row.get_text(0).map(str::to_owned)).collect()
    }

    /// The columns of a table.
    pub(crate) async fn columns(&mut self, table: &str) -> Result<Vec<String>, StoreError> {
        let sql = match self {
            Self::Sqlite(_) => sqlite::COLUMNS,
            Self::Postgres(_) => postgres::COLUMNS,
        };
        self.rows(sql, values![table]).await?.iter().map(|row| row.get_text(0).map(str::to_owned)).collect()
    }

    /// Starts a part of the transaction that can be undone without the rest. Parts may contain parts.
    pub(crate) async fn begin_part(&mut self) -> Result<(), StoreError> {
        if let Self::Sqlite(transaction) = self {
            transaction.index.begin_part();
        }
        self.run("SAVEPOINT part", &[]).await.map(|_| ())
    }

    /// Undoes what was done since the last [`Transaction::begin_part`].
    pub(crate) async fn undo_part(&mut self) -> Result<(), StoreError> {
        if let Self::Sqlite(transaction) = self {
            transaction.index.undo_part();
        }
        self.run("ROLLBACK TO SAVEPOINT part", &[]).await.map(|_| ())
    }

    /// Ends the part that began last.
    pub(crate) async fn end_part(&mut self) -> Result<(), StoreError> {
        if let Self::Sqlite(transaction) = self {
            transaction.index.end_part();
        }
        self.run("RELEASE SAVEPOINT part", &[]).await.map(|_| ())
    }

    /// Makes a published article found by the words of `text`, at its sort key.
    pub(crate) async fn add_to_index(&mut self, place: i64, text: &str) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(transaction) => transaction.change_index(place, text, true),
            Self::Postgres(_) => {
                let sql = "UPDATE article SET folded = $2 WHERE place = $1";
                self.run(sql, values![place, text]).await.map(|_| ())
            }
        }
    }

    /// Inserts articles with the texts by which they are found, at their sort keys. With PostgreSQL the text is a column of
    /// the article: added later, it would write the whole row again.
    pub(crate) async fn insert_indexed(
        &mut self,
        (plain, indexed): (&Insert, &Insert),
        mut rows: Vec<Vec<Value>>,
        texts: Vec<(i64, &str)>,
    ) -> Result<(), StoreError> {
        if let Self::Postgres(_) = self {
            rows.iter_mut().zip(texts).for_each(|(row, (_, text))| row.push(text.into()));
            return self.insert(indexed, &rows).await;
        }
        self.insert(plain, &rows).await?;
        for (place, text) in texts {
            self.add_to_index(place, text).await?;
        }
        Ok(())
    }

    /// Undoes [`Transaction::add_to_index`] with the same values.
    pub(crate) async fn remove_from_index(&mut self, place: i64, text: &str) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(transaction) => transaction.change_index(place, text, false),
            Self::Postgres(_) => self
                .run("UPDATE article SET folded = NULL WHERE place = $1", values![place])
                .await
                .map(|_| ()),
        }
    }

    /// Removes all articles from the search index.
    pub(crate) async fn clear_index(&mut self) -> Result<(), StoreError> {
        let sql = match self {
            Self::Sqlite(_) => "INSERT INTO search (search) VALUES ('delete-all')",
            Self::Postgres(_) => "UPDATE article SET folded = NULL WHERE folded IS NOT NULL",
        };
        self.run(sql, &[]).await.map(|_| ())
    }

    /// Disables timeouts, for copying a whole log.
    pub(crate) async fn disable_timeouts(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(transaction) => transaction.disable_timeouts().await,
        }
    }

    /// Commits durably and notifies other replicas.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(transaction) => transaction.commit(),
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
        for (engine, files) in [("sqlite", sqlite::MIGRATIONS), ("postgres", postgres::MIGRATIONS)] {
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
