//! The handle that callers hold: opening, closing, the position of the log and the health of writes.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::watch;

use crate::model::Slug;
use crate::store::aggregate::member_fingerprint;
use crate::store::core::{Core, StoreOptions};
use crate::store::engine::{sqlite_path, values};
use crate::store::error::StoreError;
use crate::store::feed_data::LogPosition;
use crate::store::write::queue::WriteQueue;
use crate::time::Clock;

/// Free space that a writable store needs, in bytes.
const PROBE_BYTES: usize = 128 << 10;

/// The store. Clones share one database.
#[derive(Clone)]
pub struct Store {
    pub(crate) core: Arc<Core>,
    pub(crate) writes: Arc<WriteQueue>,
}

impl Store {
    /// Opens the store, and creates the database file, its folder and the log if they do not exist.
    ///
    /// # Errors
    /// If no engine supports the URL, the folder cannot be created, or the engine fails.
    pub async fn open(options: StoreOptions) -> Result<Self, StoreError> {
        let core = Arc::new(Core::open(options).await?);
        core.poll_position().await?;
        Ok(Self { writes: Arc::new(WriteQueue::new(Arc::clone(&core))), core })
    }

    /// The same store with other options, on the same connections: [`Store::close`] closes both.
    ///
    /// # Errors
    /// If `options` name another database, or the system has no random bytes.
    pub fn with_options(&self, options: StoreOptions) -> Result<Self, StoreError> {
        if options.url != self.core.options.url {
            return Err(StoreError::OtherDatabase);
        }
        let core = Arc::new(self.core.with_options(options)?);
        Ok(Self { writes: Arc::new(WriteQueue::new(Arc::clone(&core))), core })
    }

    /// Reads the position of the log and announces it: recovers from a lost notification, and sees what other
    /// processes wrote.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn poll_position(&self) -> Result<LogPosition, StoreError> {
        self.core.poll_position().await
    }

    /// True if the store exists. Opening one that does not exist creates a new log. A database on a server always
    /// exists.
    pub fn exists(options: &StoreOptions) -> bool {
        sqlite_path(&options.url).is_none_or(|path| Path::new(path).exists())
    }

    /// The id of the log. Revision numbers are only comparable within one log.
    pub fn log_id(&self) -> &str {
        &self.core.log_id
    }

    /// True if nothing was ever published.
    pub fn is_empty(&self) -> bool {
        self.core.position.borrow().head == 0
    }

    /// The id of the log whose numbers a channel uses. A channel that includes others has another log id when its
    /// members change, because its old numbers do not apply to the new log.
    pub fn log_id_for(&self, channel: Option<&Slug>) -> String {
        let composition = channel.map(|channel| member_fingerprint(channel, &self.core.options.channels));
        match composition.filter(|composition| !composition.is_empty()) {
            Some(composition) => format!("{}-{:08x}", self.log_id(), crc32fast::hash(composition.as_bytes())),
            None => self.log_id().to_owned(),
        }
    }

    /// The clock of the store.
    pub fn clock(&self) -> &Clock {
        &self.core.options.clock
    }

    /// The number of writes that wait for the next transaction.
    pub fn queued_writes(&self) -> usize {
        self.writes.len()
    }

    /// Subscribes to the position of the log. Writes of other processes are included once [`Store::poll_position`]
    /// saw them.
    pub fn subscribe(&self) -> watch::Receiver<LogPosition> {
        self.core.position.subscribe()
    }

    /// Checks whether writes are possible. If the last one failed, tries again with one that changes nothing.
    ///
    /// # Errors
    /// Why writes are not possible.
    pub async fn try_writing(&self) -> Result<(), StoreError> {
        let check_in_place = self.core.database.check_in_place();
        if check_in_place.is_err() {
            self.core.writable.store(false, Ordering::Release);
        }
        check_in_place?;
        if !self.core.writable.load(Ordering::Acquire) {
            self.probe_write().await?;
            self.core.writable.store(true, Ordering::Release);
        }
        Ok(())
    }

    async fn probe_write(&self) -> Result<(), StoreError> {
        // As large as an article, and flushed to disk: a full disk still has room for a number.
        let mut bulk = vec![0; PROBE_BYTES];
        getrandom::fill(&mut bulk)
            .map_err(|cause| StoreError::Corrupt(format!("no random bytes: {cause}")))?;
        let mut writing = self.core.begin_append().await?;
        let sql = "INSERT INTO picture (name, media_type, bytes, kept_at) VALUES ('', '', $1, 0)";
        writing.run(sql, values![bulk.as_slice()]).await?;
        writing.run("DELETE FROM picture WHERE name = ''", &[]).await?;
        writing.commit().await
    }

    /// Closes the connections. Acknowledged writes are already on disk.
    pub async fn close(&self) {
        self.core.database.close().await;
    }
}
