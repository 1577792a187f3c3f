//! What an import did.

use std::collections::BTreeMap;

use crate::message::Message;
use crate::parse::Severity;
use crate::store::SubmitOutcome;

/// What one import did so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileImportReport {
    /// Articles processed.
    pub articles: u64,
    /// New articles.
    pub published: u64,
    /// Articles whose text or channels changed, or that came back.
    pub corrected: u64,
    /// Articles without changes.
    pub unchanged: u64,
    /// Articles that were withdrawn here by command and stay withdrawn.
    pub still_withdrawn: u64,
    /// In a dry run, articles that would be published or corrected.
    pub acceptable: u64,
    /// Articles that were not taken in because something is wrong with them.
    pub rejected: u64,
    /// What was not meant to be published, by kind.
    pub left_out: BTreeMap<LeftOut, u64>,
    /// Images that were stored.
    pub images: u64,
    /// Images that could not be had.
    pub missing_images: u64,
    /// Old addresses that lead to their articles.
    pub old_addresses: u64,
}

/// Why an item of a file is not an article for readers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOut {
    /// It is not published: its status in WordPress.
    Status(String),
    /// It is not an article: its type in WordPress.
    Kind(String),
    /// Readers need a password for it.
    Password,
    /// The other log had withdrawn it.
    Withdrawn,
    /// The other log was to publish it, or a correction of it, later.
    Scheduled,
}

impl LeftOut {
    /// `3 drafts`.
    pub fn counted(&self, count: u64) -> String {
        match self {
            Self::Status(status) => format!("{count} with the status `{status}`"),
            Self::Kind(kind) => format!("{count} of the type `{kind}`"),
            Self::Password => format!("{count} protected by a password"),
            Self::Withdrawn => format!("{count} withdrawn"),
            Self::Scheduled => format!("{count} scheduled"),
        }
    }

    /// True if somebody wrote it for readers, so that it is listed by its title: a draft, not an entry of a menu.
    pub(super) fn is_listed(&self) -> bool {
        match self {
            Self::Status(status) => status != "auto-draft" && status != "inherit",
            Self::Kind(kind) => kind == "page",
            Self::Password | Self::Withdrawn | Self::Scheduled => true,
        }
    }

    pub(super) fn message(&self, title: &str) -> Message {
        let (vietnamese, english) = match self {
            Self::Status(status) => (format!("trạng thái là {status}"), format!("its status is `{status}`")),
            Self::Kind(kind) => {
                (format!("loại là {kind}, không phải bài viết"), format!("it is a `{kind}`, not an article"))
            }
            Self::Password => ("bài có mật khẩu".to_owned(), "readers need a password for it".to_owned()),
            Self::Withdrawn => ("bài đã bị gỡ".to_owned(), "it is withdrawn".to_owned()),
            Self::Scheduled => (
                "bài hoặc bản sửa còn đang hẹn giờ".to_owned(),
                "it, or a correction of it, is still scheduled".to_owned(),
            ),
        };
        Message::new(
            format!("«{title}» không được nhập: {vietnamese}."),
            format!("`{title}` is left out: {english}"),
        )
    }
}

/// Something that the operator should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportFinding {
    /// The line of the item, counted from 1.
    pub line: usize,
    /// Whether the article was rejected.
    pub severity: Severity,
    /// What is wrong, and what helps.
    pub message: Message,
}

impl ImportFinding {
    pub(super) fn error(line: usize, vietnamese: impl Into<String>, english: impl Into<String>) -> Self {
        Self { line, severity: Severity::Error, message: Message::new(vietnamese, english) }
    }

    pub(super) fn warning(line: usize, vietnamese: impl Into<String>, english: impl Into<String>) -> Self {
        Self { line, severity: Severity::Warning, message: Message::new(vietnamese, english) }
    }
}

impl FileImportReport {
    pub(super) fn count(&mut self, outcome: &SubmitOutcome, dry_run: bool) {
        let counter = match outcome {
            _ if dry_run && outcome.is_change() => &mut self.acceptable,
            // A date in the future is refused before; one of the next minutes is published then.
            SubmitOutcome::Published(_) | SubmitOutcome::Scheduled(_) => &mut self.published,
            SubmitOutcome::Corrected(_) | SubmitOutcome::Moved(_) | SubmitOutcome::Restored(_) => {
                &mut self.corrected
            }
            SubmitOutcome::Unchanged => &mut self.unchanged,
            SubmitOutcome::WithdrawnByOperator => &mut self.still_withdrawn,
            SubmitOutcome::Conflict { .. }
            | SubmitOutcome::VersionMismatch(_)
            | SubmitOutcome::IdempotencyConflict
            | SubmitOutcome::Refused(_) => &mut self.rejected,
        };
        *counter += 1;
    }
}
