//! Coordinates processes that share one log: notifications, presence, and the lease for scanning.
//!
//! With SQLite, only processes on one machine share a log. Of this module, only the scan lease concerns them.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use tracing::{info, warn};

use super::engine::{Notification, values};
use super::error::StoreError;
use super::feed_data::LogPosition;
use super::handle::Store;
use crate::text::hex;

/// Delay before reconnecting after the notification connection was lost.
const RETRY: Duration = Duration::from_secs(1);
/// A lease that was not renewed for this many seconds expires.
const LEASE_DURATION: i64 = 5;
/// A replica that was not seen for this many seconds counts as stopped.
const PRESENCE_TIMEOUT: i64 = 15;
/// A replica that was not seen for this many seconds is deleted.
const FORGET_AFTER: i64 = 60;

/// The lease of the process that scans the folder continuously.
const SCAN_LEASE: &str = "scan";
/// The lease of the process that is scanning the folder at this moment.
const TURN_LEASE: &str = "scan turn";
/// The lease of the process that makes the copies of images in the background.
const COPIES_LEASE: &str = "copies of images";
const TURN_RENEWAL: Duration = Duration::from_secs(1);
const TURN_RETRY: Duration = Duration::from_millis(25);
const TURN_MESSAGE_AFTER: Duration = Duration::from_secs(1);

/// The clock of the server, which all replicas share.
macro_rules! now {
    () => {
        "EXTRACT(EPOCH FROM clock_timestamp())::BIGINT"
    };
}

/// The right to scan the folder now. With SQLite it is a file lock, which ends when it is dropped; with PostgreSQL a
/// lease, which expires if it is not renewed.
pub enum ScanTurn {
    /// A locked file.
    File(File),
    /// A lease in the database of this store.
    Lease(Store),
}

impl ScanTurn {
    /// Keeps the turn for as long as this runs. Returns if it was lost: the process was suspended, or the database did
    /// not answer.
    pub async fn lost(&self) -> StoreError {
        let Self::Lease(store) = self else { return std::future::pending().await };
        loop {
            tokio::time::sleep(TURN_RENEWAL).await;
            match store.acquire_lease(TURN_LEASE).await {
                Ok(true) => {}
                Ok(false) => {
                    return StoreError::NoWrites("another process has begun to scan the folder".to_owned());
                }
                Err(cause) => return cause,
            }
        }
    }

    /// Lets others scan.
    pub async fn end(self) {
        if let Self::Lease(store) = self {
            // If this fails, the lease expires.
            let _ = store.release_lease(TURN_LEASE).await;
        }
    }
}

/// The right to poll a source now. With SQLite it is a file lock, which ends when it is dropped or the process ends; with
/// PostgreSQL a lease, which expires if it is not renewed.
pub enum SourceTurn {
    /// A locked file.
    File(File),
    /// A lease in the database of this store, for this task.
    Lease(Store, String),
}

impl SourceTurn {
    /// Keeps the turn for as long as this runs. Returns if it was lost.
    pub async fn lost(&self) -> StoreError {
        let Self::Lease(store, task) = self else { return std::future::pending().await };
        loop {
            tokio::time::sleep(TURN_RENEWAL).await;
            match store.acquire_lease(task).await {
                Ok(true) => {}
                Ok(false) => {
                    return StoreError::NoWrites("another process has begun to poll the source".to_owned());
                }
                Err(cause) => return cause,
            }
        }
    }

    /// Lets others poll the source.
    pub async fn end(self) {
        if let Self::Lease(store, task) = self {
            // If this fails, the lease expires.
            let _ = store.release_lease(&task).await;
        }
    }
}

impl Store {
    /// The turn to poll a source; `None` while another process polls it.
    ///
    /// # Errors
    /// If the database or its lock file cannot be used.
    pub async fn source_turn(&self, name: &str) -> Result<Option<SourceTurn>, StoreError> {
        match self.core.database.file() {
            Some(file) => {
                let hash = hex(&Sha256::digest(name)[..8]);
                Ok(file.try_lock_source(&hash)?.map(SourceTurn::File))
            }
            None => {
                let task = format!("source {name}");
                let is_ours = self.acquire_lease(&task).await?;
                Ok(is_ours.then(|| SourceTurn::Lease(self.clone(), task)))
            }
        }
    }

    /// True if processes on other machines may share the log.
    pub fn is_shared(&self) -> bool {
        self.core.database.shared().is_some()
    }

    /// The folder of the database file; none with PostgreSQL.
    pub fn folder(&self) -> Option<PathBuf> {
        let path = self.core.database.file()?.path();
        Some(path.parent().unwrap_or(Path::new("")).to_owned())
    }

    /// Announces what other replicas write as soon as they commit, until `shutdown` is true. [`Store::poll_position`]
    /// recovers from a lost notification. `started` becomes true once every later write is announced, or the first
    /// attempt to connect has failed.
    pub async fn listen(&self, started: watch::Sender<bool>, mut shutdown: watch::Receiver<bool>) {
        tokio::select! {
            _ = shutdown.wait_for(|stop| *stop) => {}
            () = self.listen_forever(started) => {}
        }
    }

    async fn listen_forever(&self, started: watch::Sender<bool>) {
        let Some(server) = self.core.database.shared() else {
            started.send_replace(true);
            return std::future::pending().await;
        };
        let mut logged = false;
        loop {
            let cause = match server.listen(self.log_id()).await {
                Err(cause) => cause,
                Ok(mut listener) => {
                    if logged {
                        info!("LISTEN connection to PostgreSQL restored");
                        logged = false;
                    }
                    // Notifications sent before the connection was listening.
                    let _ = self.poll_position().await;
                    started.send_replace(true);
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
            started.send_replace(true);
            if !logged {
                warn!(%cause, "LISTEN connection to PostgreSQL lost; polling every second");
                logged = true;
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
        match self.core.database.file() {
            Some(file) => file.acquire_scan_lease(),
            None => self.acquire_lease(SCAN_LEASE).await,
        }
    }

    /// True if this process makes the copies of images in the background, for the next seconds. With SQLite every
    /// process may: what one makes twice is stored once.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn acquire_copies_lease(&self) -> Result<bool, StoreError> {
        self.acquire_lease(COPIES_LEASE).await
    }

    async fn acquire_lease(&self, task: &str) -> Result<bool, StoreError> {
        let Some(mut transaction) = self.core.database.begin_side_write().await? else { return Ok(true) };
        let taken = transaction
            .run(
                concat!(
                    "INSERT INTO lease (task, holder, until) VALUES ($1, $2, ",
                    now!(),
                    " + $3) ON CONFLICT (task) DO UPDATE SET holder = excluded.holder, until = excluded.until \
                     WHERE lease.holder = excluded.holder OR lease.until < ",
                    now!()
                ),
                values![task, self.core.replica.as_str(), LEASE_DURATION],
            )
            .await?;
        transaction.commit().await?;
        Ok(taken > 0)
    }

    /// Waits until no other process is scanning the folder, and blocks others until the turn ends: `bantin scan` beside
    /// `bantin serve`. Each scan starts from what the previous one wrote, so that a renamed file stays one article.
    ///
    /// # Errors
    /// If the database or its lock file cannot be used.
    pub async fn scan_turn(&self) -> Result<ScanTurn, StoreError> {
        let started = Instant::now();
        let mut logged = false;
        loop {
            let turn = match self.core.database.file() {
                Some(file) => file.try_lock_scan()?.map(ScanTurn::File),
                None => self.acquire_lease(TURN_LEASE).await?.then(|| ScanTurn::Lease(self.clone())),
            };
            if let Some(turn) = turn {
                return Ok(turn);
            }
            if !logged && started.elapsed() > TURN_MESSAGE_AFTER {
                warn!("another process is scanning the articles folder; waiting until it has finished");
                logged = true;
            }
            tokio::time::sleep(TURN_RETRY).await;
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

    async fn release_lease(&self, task: &str) -> Result<(), StoreError> {
        let Some(mut transaction) = self.core.database.begin_side_write().await? else { return Ok(()) };
        let sql = "DELETE FROM lease WHERE task = $1 AND holder = $2";
        transaction.run(sql, values![task, self.core.replica.as_str()]).await?;
        transaction.commit().await
    }
}
