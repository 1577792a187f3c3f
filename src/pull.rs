//! Collects the articles of other publishers: their feeds → log.
//!
//! One poll of a source ([`Collector::poll`]) requests its feed, reads it, decides for each item whether it is new, the same,
//! corrected or doubtful, submits it, and stores the state of the source. Nothing of one source delays another: every
//! source has a task of its own, and only requests to the same host wait for each other.
//!
//! A date that is wrong or doubtful is never replaced by the current time: it is read from the page of the article, or the
//! item is held back until an operator decides or the source corrects it.
//!
//! [`FileImport`] takes in once what another system has exported: a file of WordPress, a feed, a backup of another bantin.

mod archive;
mod articles;
mod changes;
mod client;
mod collector;
mod context;
mod cursor;
mod dates;
mod health;
mod hosts;
mod identity;
mod images;
mod import;
mod item_changes;
mod operator;
mod options;
mod poll;
mod report;
mod robots;
mod schedule;
mod state;
mod subscription;
mod unsettled;
mod volume;

pub use collector::Collector;
pub use context::WatchedSource;
pub use cursor::ChangesCursor;
pub use health::{SourceHealth, duplicate_json, health, health_of};
pub use import::{
    BackupImport, FileImport, FileImportFault, FileImportOptions, FileImportReport, ImportFinding, LeftOut,
    is_backup, is_feed_file,
};
pub use operator::{Decision, DoubtfulItem, OperatorError, decide, doubtful, doubtful_of, set_paused};
pub use options::{PullOptions, SourceImages, SourceKind, SourceOptions, Withdrawals};
pub use report::PullReport;
pub use schedule::run;
pub use state::{FailureCause, SourceState};
pub use subscription::{HubState, MAX_LEASE};
pub use unsettled::{WaitingItem, waiting_of};
pub use volume::{DailyCounts, Shortfall};
