//! The state that all clones of a store share: the database, the log and its announced position.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use chrono::TimeDelta;
use tokio::sync::watch;

use crate::model::Channel;
use crate::store::engine::{Database, Transaction, values};
use crate::store::error::StoreError;
use crate::store::feed_data::LogPosition;
use crate::store::random::random_text;
use crate::store::read::log_state;
use crate::store::{metadata, search_index, sort_key};
use crate::time::{Clock, Zone, from_unix};
use crate::urls::SiteUrls;

/// How to open a store.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// `sqlite:PATH`, or `postgres://` with the syntax of PostgreSQL's own tools.
    pub url: String,
    /// Assigns article ids.
    pub addresses: Arc<SiteUrls>,
    /// The configured channels, with their former slugs and their members.
    pub channels: Vec<Channel>,
    /// Time zone of the dates in ids and permalinks.
    pub zone: Zone,
    /// Sets the time of each revision.
    pub clock: Clock,
}

/// The state behind every clone of a store.
pub(crate) struct Core {
    pub(crate) database: Arc<Database>,
    pub(crate) log_id: String,
    /// Identifies this process among those that share the log.
    pub(crate) replica: String,
    pub(crate) options: StoreOptions,
    pub(crate) position: watch::Sender<LogPosition>,
    /// False after a write that the engine could not do, until the next one that succeeds.
    pub(crate) writable: Arc<AtomicBool>,
    pub(crate) runtime: tokio::runtime::Handle,
}

impl Core {
    /// Opens the database, and creates the log if there is none.
    pub(crate) async fn open(options: StoreOptions) -> Result<Self, StoreError> {
        let database = Database::open(&options.url).await?;
        let log_id = init_log(&database, &options).await?;
        sort_key::backfill(&database).await?;
        metadata::backfill(&database).await?;
        search_index::rebuild_if_outdated(&database).await?;
        Ok(Self {
            database: Arc::new(database),
            log_id,
            replica: random_text(LOG_ID_LENGTH)?,
            options,
            position: watch::Sender::new(LogPosition::default()),
            writable: Arc::new(AtomicBool::new(true)),
            runtime: tokio::runtime::Handle::current(),
        })
    }

    /// The same log on the same connections, with other options.
    pub(crate) fn with_options(&self, options: StoreOptions) -> Result<Self, StoreError> {
        Ok(Self {
            database: Arc::clone(&self.database),
            log_id: self.log_id.clone(),
            // Leases are per replica: this one takes over when the other one has released them.
            replica: random_text(LOG_ID_LENGTH)?,
            options,
            position: self.position.clone(),
            writable: Arc::clone(&self.writable),
            runtime: self.runtime.clone(),
        })
    }

    /// Spawns work on the database: on a thread that may block, where the engine blocks.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let runtime = self.runtime.clone();
        match self.database.blocks() {
            true => drop(self.runtime.spawn_blocking(move || runtime.block_on(work))),
            false => drop(self.runtime.spawn(work)),
        }
    }

    /// A transaction in which the log may grow.
    pub(crate) async fn begin_append(&self) -> Result<Transaction, StoreError> {
        let mut writing = self.database.begin_write().await?;
        let head_at = from_unix(writing.one("SELECT head_at FROM log", &[]).await?.get_i64(0)?);
        let now = self.options.clock.now();
        // Revisions are never older than their predecessor. One revision with a time far in the future would give
        // its time to all later ones.
        if head_at > now + MAX_SKEW {
            return Err(StoreError::NoWrites(format!(
                "the newest revision of the log is dated {head_at}, but the clock of this machine says {now}. Correct \
                 the clock. If the clock is right, that revision was written with a wrong clock: restore the last \
                 backup made before it (`bantin restore-backup`), then run `bantin scan --confirm`",
            )));
        }
        Ok(writing)
    }

    /// Reads the position of the log and announces it.
    pub(crate) async fn poll_position(&self) -> Result<LogPosition, StoreError> {
        let position = log_state::position(&mut self.database.begin_quick_read().await?).await?;
        self.publish_position(position);
        Ok(position)
    }

    /// Announces a position to this process if it is newer than the last one.
    pub(crate) fn publish_position(&self, position: LogPosition) {
        self.position.send_if_modified(|last| {
            let newer = !last.includes(&position);
            *last = last.max(position);
            newer
        });
    }
}

/// Allowed difference between the clocks of machines that share a log.
const MAX_SKEW: TimeDelta = TimeDelta::minutes(1);
/// Characters of a log id: 60 random bits.
pub(crate) const LOG_ID_LENGTH: usize = 12;

/// Creates the single row of the log if there is none, and returns the id of the log.
async fn init_log(database: &Database, options: &StoreOptions) -> Result<String, StoreError> {
    let mut writing = database.begin_write().await?;
    writing
        .run(
            "INSERT INTO log (singleton, id, head, head_at, configuration, configured_at, channels_at, \
             generation, created_at) VALUES (1, $1, 0, 0, '', $2, $2, 0, $2) ON CONFLICT (singleton) DO NOTHING",
            values![random_text(LOG_ID_LENGTH)?, options.clock.now().timestamp()],
        )
        .await?;
    let id = writing.one("SELECT id FROM log", &[]).await?.get_text(0)?.to_owned();
    writing.commit().await?;
    Ok(id)
}
