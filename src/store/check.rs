//! The check of the whole database for damage.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

use super::engine::{CheckPace, Database, SqliteCheck};
use super::error::StoreError;
use super::handle::Store;

impl Store {
    /// Reads the whole database file and returns what is damaged in it, a line each; empty if nothing is. Takes a while.
    /// Ends early, with what was found, when `stop` becomes true.
    ///
    /// NOTE: of a PostgreSQL server nothing is checked. It checks its own pages (`data_checksums`).
    ///
    /// # Errors
    /// If the file cannot be opened or read.
    pub async fn find_damage(
        &self,
        pace: CheckPace,
        mut stop: watch::Receiver<bool>,
    ) -> Result<Vec<String>, StoreError> {
        let Database::Sqlite(file) = &*self.core.database else { return Ok(Vec::new()) };
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
        ended.map_err(|failure| StoreError::Corrupt(format!("the check has failed: {failure}")))?
    }
}
