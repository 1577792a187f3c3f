//! Articles of different sources that are probably the same.

use crate::model::ArticleId;

/// Two published articles of different sources with the same title and mostly the same words. Nothing is merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbableDuplicate {
    /// The title of the later one.
    pub title: String,
    /// Id and source of the one that was collected later.
    pub later: (ArticleId, String),
    /// Id and source of the other.
    pub earlier: (ArticleId, String),
}

/// How many items of a source somebody should look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceCounts {
    /// Items that are held back until somebody decides.
    pub doubtful: u64,
    /// Published items of which the newest version waits, because they change again and again.
    pub unsettled: u64,
    /// Its articles that another source has probably published, too.
    pub duplicates: u64,
}

/// A published item whose text changes often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsettledItem {
    /// Its article.
    pub article: ArticleId,
    /// Name of its source.
    pub source: String,
    /// The state of the collector, as JSON.
    pub state: String,
    /// A newer version waits.
    pub is_waiting: bool,
}
