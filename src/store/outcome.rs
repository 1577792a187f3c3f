//! Results of writes.

use serde::{Deserialize, Serialize};

use crate::model::{ArticleId, Permalink};
use crate::store::refusal::Refusal;
use crate::time::Timestamp;

/// What became of a submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmitResult {
    /// The article's permanent name.
    pub id: ArticleId,
    /// Its page.
    pub permalink: Permalink,
    /// What was done.
    #[serde(rename = "verdict")]
    pub outcome: SubmitOutcome,
}

/// What was done with a submission. Numbers are those of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SubmitOutcome {
    /// New in the log.
    Published(u64),
    /// The text or the stamp was changed.
    Corrected(u64),
    /// It stands in other channels than before.
    Moved(u64),
    /// It was withdrawn because its file was gone, and is back.
    Restored(u64),
    /// Nothing that a reader could see is different: no revision.
    Unchanged,
    /// Taken in durably; published at this moment, which its stamp names.
    #[serde(rename = "Waiting")]
    Scheduled(Timestamp),
    /// It was withdrawn by command, and only a command restores it.
    #[serde(rename = "StaysWithdrawn")]
    WithdrawnByOperator,
    /// Another file stands for the same article and says something else. Nothing was changed.
    Conflict {
        /// The path of that file; of an imported one, its source and its place.
        with: String,
    },
    /// The article has another number than the sender expected, or is there where it should be new. Nothing
    /// was changed.
    #[serde(rename = "Stale")]
    VersionMismatch(u64),
    /// The key was used for another request within the last day. Nothing was changed.
    #[serde(rename = "KeyReused")]
    IdempotencyConflict,
    /// This submission alone cannot be taken in. Nothing was changed.
    Refused(Refusal),
}

/// What became of a withdrawal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WithdrawOutcome {
    /// Gone from every document, under this number.
    Withdrawn(u64),
    /// It was withdrawn before.
    Already,
    /// It was withdrawn before; the new reason is published under this number.
    ReasonChanged(u64),
    /// It was waiting for its moment and will not be published.
    NeverPublished,
    /// There is no such article, or none that the token may know of.
    Unknown,
    /// It is in another version than the sender expected, and has this number. Nothing was changed.
    Stale(u64),
    /// The sender may not do this. Nothing was changed.
    Refused(Refusal),
}

/// What became of a restoration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestoreOutcome {
    /// Back in its channels, under this number.
    Restored(u64),
    /// It goes on waiting for its moment.
    Waiting,
    /// It was not withdrawn.
    NotWithdrawn,
    /// Its text was erased; it has to be published anew.
    Erased,
    /// There is no such article.
    Unknown,
}

/// What became of an article whose file is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileRemovalOutcome {
    /// No file stands for it any more: withdrawn under this number.
    Withdrawn(u64),
    /// Another file still stands for it, in other channels.
    Moved(u64),
    /// The log has nothing to say of it.
    Nothing,
}
