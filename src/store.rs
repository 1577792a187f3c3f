//! The store: a numbered log of changes. It records what was published, corrected, moved, withdrawn and restored.
//!
//! [`Store`] works with SQLite or PostgreSQL, as the configured URL says; callers see no difference. A write is
//! acknowledged only after the log is on disk. Revisions are never rewritten, and ids are assigned once. The store
//! neither renders nor parses documents.
//!
//! | module | what it does |
//! |---|---|
//! | `handle`, `core` | [`Store`] and the state that its clones share |
//! | `write` | the writes, each in one transaction, committed in groups |
//! | `read` | the reads, each of one state of the log |
//! | `submission`, `outcome`, `refusal` | what is written, and the results |
//! | `queries`, `feed_data` | queries and their results |
//! | `findings` | what the scans found in the files of the folder |
//! | `subscription` | who is told of changes, and how far |
//! | `token`, `session_key` | who may publish over HTTP, and the key of their sessions |
//! | `cluster` | processes that share one log |
//! | `check` | finding damage in the whole database |
//! | `copy` | backups, restores and migrations of a whole log |
//! | `content`, `stored_text` | the compressed form of a text, and all forms that are stored |
//! | `metadata` | what a revision says besides its text |
//! | `engine` | SQLite and PostgreSQL behind one interface |

mod aggregate;
mod check;
mod cluster;
mod collected;
mod content;
mod copy;
mod core;
mod duplicates;
mod engine;
mod error;
mod feed_data;
mod findings;
mod fingerprint;
mod handle;
mod metadata;
mod outcome;
mod queries;
mod random;
mod read;
mod refusal;
mod removed_channels;
mod rows;
mod search_index;
mod session_key;
mod sort_key;
mod source_hub;
mod sql;
mod stored_text;
mod submission;
mod subscription;
mod token;
mod write;

pub use check::CheckPace;
pub use cluster::{ScanTurn, SourceTurn};
pub use collected::{CollectedItem, ItemRecord, ItemState};
pub use copy::CopyMode;
pub use core::StoreOptions;
pub use duplicates::{ProbableDuplicate, SourceCounts, UnsettledItem};
pub use engine::check_url;
pub use error::StoreError;
pub use feed_data::{ArchivePageData, ChannelState, LiveFeedData, LiveFeedOptions, LogPosition};
pub use findings::{FileFindings, StoredFinding};
pub use handle::Store;
pub use outcome::{FileRemovalOutcome, RestoreOutcome, SubmitOutcome, SubmitResult, WithdrawOutcome};
pub use queries::{
    ArticleHistory, ArticleLookup, ArticlePage, ArticleQuery, ArticleQueryResult, ArticleRef, ArticleRow,
    ArticleSummary, Change, ChangeKind, ChangesPage, ChangesQuery, ChangesResult, ChannelRecord, ImageLookup,
    ImageRef, LeftChannel, MonthState, Revision, RevisionText, ScheduledSummary, Selection, SitemapEntry,
    Total, WithdrawnSummary,
};
pub use random::random_text;
pub use read::changed_pages::ChangedPages;
pub use read::snapshot::Snapshot;
pub use refusal::{Refusal, withdrawn_by_command};
pub use source_hub::SourceHub;
pub use submission::{
    ArticleVersion, FileRecord, IdempotencyKey, ImportedFile, KeptImages, PreparedSubmission, ScannedFile,
    Scheduled, Source, Submission, WriteConditions,
};
pub use subscription::{
    NewSubscriptionRequest, PushTarget, Subscription, SubscriptionMode, SubscriptionRequest, TargetProgress,
};
pub use token::Token;
pub use write::api::PendingSubmissions;
pub use write::queue::MAX_BATCH;
