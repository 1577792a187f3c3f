//! The check of the whole database for damage, such as by flipped bits on the disk.
//!
//! Texts and images are compared with their checksums, and what is stored twice with its copy. Of SQLite, which has no
//! checksums of its own, the structure of the file is checked as well. A PostgreSQL server checks its own pages if its
//! `data_checksums` are on.

pub(crate) mod rows;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::AssertSqlSafe;
use tokio::sync::watch;

use super::engine::{Database, Row, SqliteCheck, Value};
use super::error::StoreError;
use super::handle::Store;
pub use rows::CheckPace;
use rows::{CHECKED, CONTRADICTIONS, MAX_FOUND, Pauses, contradiction};

impl Store {
    /// Reads the whole database and returns what is damaged in it, a line each; empty if nothing is, and of much damage only
    /// the beginning. Takes a while. Ends early, with what was found, when `stop` becomes true.
    ///
    /// # Errors
    /// If the database cannot be opened or read.
    pub async fn find_damage(
        &self,
        pace: CheckPace,
        mut stop: watch::Receiver<bool>,
    ) -> Result<Vec<String>, StoreError> {
        let Database::Sqlite(file) = &*self.core.database else {
            let mut found = Vec::new();
            tokio::select! {
                checked = self.check_server(pace, &mut found) => checked?,
                () = async { drop(stop.wait_for(|stop| *stop).await) } => {}
            }
            found.truncate(MAX_FOUND);
            return Ok(found);
        };
        let check = SqliteCheck::new(file.path(), pace)?;
        let (stopped, interrupt) = (Arc::new(AtomicBool::new(false)), check.interrupt_handle());
        let is_stopped = Arc::clone(&stopped);
        let mut running = tokio::task::spawn_blocking(move || check.run(&is_stopped));
        let ended = tokio::select! {
            ended = &mut running => ended,
            () = async { drop(stop.wait_for(|stop| *stop).await) } => {
                stopped.store(true, Ordering::Release);
                interrupt.interrupt();
                running.await
            }
        };
        ended.map_err(check_failed)?
    }

    /// The same comparisons on a PostgreSQL server.
    ///
    /// NOTE: in many short transactions. A long one would keep the server from cleaning up behind the writes.
    async fn check_server(&self, pace: CheckPace, found: &mut Vec<String>) -> Result<(), StoreError> {
        let mut pauses = Pauses::new(pace);
        for (what, sql) in CONTRADICTIONS {
            let rows = self.check_query(format!("{sql} LIMIT {MAX_FOUND}"), &[], found).await?;
            for row in &rows {
                found.push(contradiction(what, row.get_text(0)?));
            }
            pauses.wait().await;
        }
        for checked in CHECKED {
            let mut last = (checked.before_all)();
            while found.len() < MAX_FOUND {
                let values = [last, checked.batch.into()];
                let rows = self.check_query(checked.sql.to_owned(), &values, found).await?;
                let examining = tokio::task::spawn_blocking(move || checked.examine(&rows));
                let Some((key, damage)) = examining.await.map_err(check_failed)? else { break };
                found.extend(damage);
                last = key;
                pauses.wait().await;
            }
        }
        Ok(())
    }

    /// No rows if the server finds that a page or an index is damaged.
    async fn check_query(
        &self,
        sql: String,
        values: &[Value],
        found: &mut Vec<String>,
    ) -> Result<Vec<Row>, StoreError> {
        let mut reading = self.core.database.begin_read().await?;
        reading.disable_timeouts().await?;
        match reading.rows(AssertSqlSafe(sql), values).await {
            Ok(rows) => Ok(rows),
            Err(cause) => {
                let damage = damage(&cause).ok_or(cause)?;
                // Several queries read the same page.
                if !found.contains(&damage) {
                    found.push(damage);
                }
                Ok(Vec::new())
            }
        }
    }
}

/// What a PostgreSQL server says of a damaged page or index: SQLSTATE `data_corrupted` and `index_corrupted`.
fn damage(cause: &StoreError) -> Option<String> {
    let StoreError::Unavailable(cause) = cause else { return None };
    let error = cause.downcast_ref::<sqlx::Error>()?.as_database_error()?;
    matches!(&*error.code()?, "XX001" | "XX002").then(|| error.message().to_owned())
}

fn check_failed(failure: tokio::task::JoinError) -> StoreError {
    StoreError::Corrupt(format!("the check has failed: {failure}"))
}
