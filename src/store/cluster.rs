//! What several processes that share one log must know of each other.
//!
//! A log in a file of one machine is shared by processes of that machine at most; of what is here, only who scans the
//! folder concerns them.

use std::fs::File;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;
use tracing::{info, warn};

use super::engine::{Notification, SqliteFile, values};
use super::error::StoreError;
use super::feed_data::LogPosition;
use super::handle::Store;

/// After the connection that hears was lost.
const RETRY: Duration = Duration::from_secs(1);
/// A task belongs to who took it until it was not renewed for so many seconds.
const LEASE_DURATION: i64 = 5;
/// A replica that was not seen for so many seconds is not there.
const PRESENCE_TIMEOUT: i64 = 15;
/// What was not seen for so many seconds is forgotten.
const FORGET_AFTER: i64 = 60;

/// The server's clock, the one that all replicas share.
macro_rules! now {
    () => {
        "EXTRACT(EPOCH FROM clock_timestamp())::BIGINT"
    };
}

impl Store {
    /// True where processes on other machines may share the log.
    pub fn is_shared(&self) -> bool {
        self.core.database.shared().is_some()
    }

    /// Announces what other replicas write as soon as they have, until `shutdown` turns true. A notice that is
    /// lost is healed by [`Store::refresh`].
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
                Ok(mut hearing) => {
                    if told {
                        info!("other replicas are heard again");
                        told = false;
                    }
                    // What was said before somebody listened.
                    let _ = self.poll_position().await;
                    loop {
                        match hearing.next().await {
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
                warn!(%cause, "other replicas are not heard at once, only by looking every second");
                told = true;
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    /// Says that this process is there, and with what. Returns with what else others that are there serve the
    /// same log, where that differs: each once, sorted.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn heartbeat(&self, fingerprint: &str) -> Result<Vec<String>, StoreError> {
        let met = self.record_presence(fingerprint).await;
        // Where this cannot be noted, nothing can: the server is away, or its disk is full.
        if met.is_err() {
            self.core.writable.store(false, Ordering::Release);
        }
        met
    }

    async fn record_presence(&self, fingerprint: &str) -> Result<Vec<String>, StoreError> {
        let Some(mut noting) = self.core.database.begin_side_write().await? else { return Ok(Vec::new()) };
        noting
            .run(
                concat!(
                    "INSERT INTO replica (id, fingerprint, seen) VALUES ($1, $2, ",
                    now!(),
                    ") ON CONFLICT (id) DO UPDATE SET fingerprint = excluded.fingerprint, seen = excluded.seen"
                ),
                values![self.core.replica.as_str(), fingerprint],
            )
            .await?;
        noting
            .run(concat!("DELETE FROM replica WHERE seen < ", now!(), " - $1"), values![FORGET_AFTER])
            .await?;
        let rows = noting
            .rows(
                concat!(
                    "SELECT DISTINCT fingerprint FROM replica WHERE fingerprint <> $1 AND seen >= ",
                    now!(),
                    " - $2 ORDER BY fingerprint"
                ),
                values![fingerprint, PRESENCE_TIMEOUT],
            )
            .await?;
        noting.commit().await?;
        rows.iter().map(|row| row.get_text(0).map(str::to_owned)).collect()
    }

    /// Takes or renews the right to scan the folder, which one process has at a time; true where this one has
    /// it. It is lost some seconds after it was last renewed.
    ///
    /// # Errors
    /// Where the engine does not answer: then nobody may take himself for the one.
    pub async fn acquire_scan_lease(&self) -> Result<bool, StoreError> {
        let Some(mut noting) = self.core.database.begin_side_write().await? else {
            return self.core.database.file().map_or(Ok(true), SqliteFile::elect);
        };
        let taken = noting
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
        noting.commit().await?;
        Ok(taken > 0)
    }

    /// Waits until no other process is in the middle of a scan of the folder, and keeps others from beginning one for
    /// as long as what is returned lives: `bantin scan` beside `bantin serve`. Each scan begins with what the one
    /// before has written, so that a file which was renamed is one article. On a server the lease sees to that.
    ///
    /// # Errors
    /// Where locks cannot be had.
    pub async fn scan_turn(&self) -> Result<Option<File>, StoreError> {
        match self.core.database.file() {
            Some(file) => file.turn().await.map(Some),
            None => Ok(None),
        }
    }

    /// Leaves the scan to others and the place altogether: at an orderly end.
    ///
    /// # Errors
    /// Where the engine does not answer; others notice after some seconds.
    pub async fn deregister(&self) -> Result<(), StoreError> {
        if let Some(file) = self.core.database.file() {
            file.resign();
        }
        let Some(mut noting) = self.core.database.begin_side_write().await? else { return Ok(()) };
        for sql in ["DELETE FROM lease WHERE holder = $1", "DELETE FROM replica WHERE id = $1"] {
            noting.run(sql, values![self.core.replica.as_str()]).await?;
        }
        noting.commit().await
    }
}
