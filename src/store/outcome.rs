//! Results of writes.

use serde::{Deserialize, Serialize};

use crate::model::{ArticleId, Permalink};
use crate::store::refusal::Refusal;
use crate::store::submission::ArticleVersion;
use crate::time::Timestamp;

/// Result of a submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmitResult {
    /// Permanent id of the article.
    pub id: ArticleId,
    /// Permalink of the article.
    pub permalink: Permalink,
    /// What was done.
    #[serde(rename = "verdict")]
    pub outcome: SubmitOutcome,
    /// The version that the article has now; none if it does not exist.
    #[serde(default)]
    pub version: Option<ArticleVersion>,
}

impl SubmitOutcome {
    /// True if there is a new text of the article, published or scheduled.
    pub(crate) fn is_change(&self) -> bool {
        matches!(
            self,
            Self::Published(_) | Self::Corrected(_) | Self::Moved(_) | Self::Restored(_) | Self::Scheduled(_)
        )
    }
}

/// What was done with a submission. Numbers are revision numbers of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SubmitOutcome {
    /// Published for the first time.
    Published(u64),
    /// The text or the publication date changed.
    Corrected(u64),
    /// The channels changed.
    Moved(u64),
    /// It was withdrawn because its file was removed; the file is back.
    Restored(u64),
    /// Nothing visible to readers changed. No revision was added.
    Unchanged,
    /// Stored; it will be published at this time, its publication date.
    #[serde(rename = "Waiting")]
    Scheduled(Timestamp),
    /// It was withdrawn by command. Only a command restores it.
    #[serde(rename = "StaysWithdrawn")]
    WithdrawnByOperator,
    /// Another file holds the same article with different content. Nothing was changed.
    Conflict {
        /// Path of that file; for an imported file, its source and path.
        with: String,
    },
    /// The article has another version than the sender expected, or exists although it should be new. Nothing was
    /// changed.
    #[serde(rename = "Stale")]
    VersionMismatch(u64),
    /// The key was used for another request within the last day. Nothing was changed.
    #[serde(rename = "KeyReused")]
    IdempotencyConflict,
    /// This submission was refused. Nothing was changed.
    #[serde(skip)]
    Refused(Refusal),
}

/// Result of a withdrawal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WithdrawOutcome {
    /// Removed from all documents; number of the revision.
    Withdrawn(u64),
    /// It was already withdrawn.
    Already,
    /// It was already withdrawn; the new reason is published with this revision.
    ReasonChanged(u64),
    /// It was scheduled and will not be published.
    NeverPublished,
    /// The article does not exist, or the token may not know that it does.
    Unknown,
    /// It has another version than the sender expected: this one. Nothing was changed.
    Stale(u64),
    /// The sender is not allowed to do this. Nothing was changed.
    Refused(Refusal),
}

/// Result of a restore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestoreOutcome {
    /// Back in its channels; number of the revision.
    Restored(u64),
    /// It is scheduled again.
    Waiting,
    /// It was not withdrawn.
    NotWithdrawn,
    /// Its text was erased. Publish it again.
    Erased,
    /// The article does not exist, or the token may not know that it does.
    Unknown,
    /// It has another version than the sender expected: this one. Nothing was changed.
    VersionMismatch(u64),
    /// The sender is not allowed to do this. Nothing was changed.
    Refused(Refusal),
}

/// Result of removing the file of an article.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileRemovalOutcome {
    /// It was the last file: the article was withdrawn with this revision.
    Withdrawn(u64),
    /// Another file holds the article, in other channels: it moved with this revision.
    Moved(u64),
    /// The log did not change.
    Nothing,
}
