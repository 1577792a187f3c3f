//! Coordinates processes that share one log: notifications, presence, and the lease for scanning.
//!
//! With SQLite, only processes on one machine share a log. Of this module, only the scan lease concerns them.

use std::fs::File;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;
use tracing::{info, warn};

use super::engine::{Notification, SqliteFile, values};
use super::error::StoreError;
use super::feed_data::LogPosition;
use super::handle::Store;

/// Delay before reconnecting after the notification connection was lost.
const RETRY: Duration = Duration::from_secs(1);
/// A lease that was not renewed for this many seconds expires.
const LEASE_DURATION: i64 = 5;
/// A replica that was not seen for this many seconds counts as stopped.
const PRESENCE_TIMEOUT: i64 = 15;
/// A replica that was not seen for this many seconds is deleted.
const FORGET_AFTER: i64 = 60;

/// The clock of the server, which all replicas share.
macro_rules! now {
    () => {
        "EXTRACT(EPOCH FROM clock_timestamp())::BIGINT"
    };
}

impl Store {
    /// True if processes on other machines may share the log.
    pub fn is_shared(&self) -> bool {
        self.core.database.shared().is_some()
    }

    /// Announces what other replicas write as soon as they commit, until `shutdown` is true. [`Store::poll_position`]
    /// recovers from a lost notification.
    pub async fn listen(&self, mut shutdown: watch::Receiver<bool>) {
        tokio::select! {
            _ = shutdown.wait_for(|stop| *stop) => {}
            () = self.listen_forever() => {}
        }
    }

    async fn listen_forever(&self) {
        let Some(server) = self.core.database.shared() else { return std::future::pending().await };
        let mut told = false;
        loop {
            let cause = match server.listen(self.log_id()).await {
                Err(cause) => cause,
                Ok(mut listener) => {
                    if told {
                        info!("LISTEN connection to PostgreSQL restored");
                        told = false;
                    }
                    // Notifications sent before the connection was listening.
                    let _ = self.poll_position().await;
                    loop {
                        match listener.next().await {
                            Ok(Notification::Changed(head, generation)) => {
                                self.core.publish_position(LogPosition { head, config_epoch: generation });
                            }
                            Ok(Notification::Reconnected) => {
                                let _ = self.poll_position().await;
                            }
                            Err(cause) => break cause,
                        }
                    }
                }
            };
            if !told {
                warn!(%cause, "LISTEN connection to PostgreSQL lost; polling every second");
                told = true;
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    /// Records that this process is running, with its fingerprint. Returns the fingerprints of other running
    /// processes on the same log that differ, without duplicates, sorted.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn heartbeat(&self, fingerprint: &str) -> Result<Vec<String>, StoreError> {
        let met = self.record_presence(fingerprint).await;
        // If this cannot be written, nothing can: the server is down or its disk is full.
        if met.is_err() {
            self.core.writable.store(false, Ordering::Release);
        }
        met
    }

    async fn record_presence(&self, fingerprint: &str) -> Result<Vec<String>, StoreError> {
        let Some(mut transaction) = self.core.database.begin_side_write().await? else {
            return Ok(Vec::new());
        };
        transaction
            .run(
                concat!(
                    "INSERT INTO replica (id, fingerprint, seen) VALUES ($1, $2, ",
                    now!(),
                    ") ON CONFLICT (id) DO UPDATE SET fingerprint = excluded.fingerprint, seen = excluded.seen"
                ),
                values![self.core.replica.as_str(), fingerprint],
            )
            .await?;
        transaction
            .run(concat!("DELETE FROM replica WHERE seen < ", now!(), " - $1"), values![FORGET_AFTER])
            .await?;
        let rows = transaction
            .rows(
                concat!(
                    "SELECT DISTINCT fingerprint FROM replica WHERE fingerprint <> $1 AND seen >= ",
                    now!(),
                    " - $2 ORDER BY fingerprint"
                ),
                values![fingerprint, PRESENCE_TIMEOUT],
            )
            .await?;
        transaction.commit().await?;
        rows.iter().map(|row| row.get_text(0).map(str::to_owned)).collect()
    }

    /// Acquires or renews the lease for scanning the folder, which one process holds at a time. Returns true if this
    /// process holds it. It expires some seconds after the last renewal.
    ///
    /// # Errors
    /// If the database does not answer. The process must not assume that it holds the lease.
    pub async fn acquire_scan_lease(&self) -> Result<bool, StoreError> {
        let Some(mut transaction) = self.core.database.begin_side_write().await? else {
            return self.core.database.file().map_or(Ok(true), SqliteFile::acquire_scan_lease);
        };
        let taken = transaction
            .run(
                concat!(
                    "INSERT INTO lease (task, holder, until) VALUES ('scan', $1, ",
                    now!(),
                    " + $2) ON CONFLICT (task) DO UPDATE SET holder = excluded.holder, until = excluded.until \
                     WHERE lease.holder = excluded.holder OR lease.until < ",
                    now!()
                ),
                values![self.core.replica.as_str(), LEASE_DURATION],
            )
            .await?;
        transaction.commit().await?;
        Ok(taken > 0)
    }

    /// Waits until no other process is scanning the folder, and blocks others while the returned lock exists: `bantin
    /// scan` beside `bantin serve`. Each scan starts from what the previous one wrote, so that a renamed file stays
    /// one article. With PostgreSQL the lease ensures this.
    ///
    /// # Errors
    /// If the lock cannot be taken.
    pub async fn scan_turn(&self) -> Result<Option<File>, StoreError> {
        match self.core.database.file() {
            Some(file) => file.lock_scan().await.map(Some),
            None => Ok(None),
        }
    }

    /// Releases the lease and deletes the presence of this process, at an orderly shutdown.
    ///
    /// # Errors
    /// If the database does not answer. Other processes notice after some seconds.
    pub async fn deregister(&self) -> Result<(), StoreError> {
        if let Some(file) = self.core.database.file() {
            file.release_scan_lease();
        }
        let Some(mut transaction) = self.core.database.begin_side_write().await? else { return Ok(()) };
        for sql in ["DELETE FROM lease WHERE holder = $1", "DELETE FROM replica WHERE id = $1"] {
            transaction.run(sql, values![self.core.replica.as_str()]).await?;
        }
        transaction.commit().await
    }
}
