//! What a poll did.

use crate::parse::Repairs;

/// What one poll did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PullReport {
    /// Items in the feed; none if it did not change.
    pub items: u64,
    /// New articles.
    pub published: u64,
    /// Corrected, moved and restored articles.
    pub corrected: u64,
    /// Withdrawn articles.
    pub withdrawn: u64,
    /// Title and reason of the items that are held back since this poll.
    pub doubtful: Vec<(String, String)>,
    /// Titles of the items of which the newest version waits since this poll, because they change again and again.
    pub unsettled: Vec<String>,
    /// Items that are older than the configuration wants.
    pub too_old: u64,
    /// What was repaired.
    pub repairs: Repairs,
    /// Why the source could not be read.
    pub error: Option<String>,
    /// Another process is polling the source: nothing was done.
    pub is_busy: bool,
}
