//! Queries and their results.

use crate::model::{ArticleId, Entry, Permalink, Slug, Tombstone};
use crate::time::{Month, Timestamp};

/// A stored channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelRecord {
    /// Its slug.
    pub slug: Slug,
    /// Its first slug. It identifies the feeds of the channel.
    pub original_slug: Slug,
    /// Folder name, if it is more than a slug.
    pub title: Option<String>,
    /// Number of its newest revision; 0 if there is none.
    pub head: u64,
}

/// Result of looking up an image by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageLookup {
    /// A published article shows it.
    Live {
        /// Media type, detected from the content.
        media_type: String,
        /// The bytes as served.
        bytes: Vec<u8>,
        /// Time when it was stored.
        stored_at: Timestamp,
    },
    /// No article shows it any more: they were withdrawn or show another image.
    Gone,
    /// It never existed.
    NotFound,
}

/// Result of looking up an article.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArticleLookup {
    /// It is published.
    Live {
        /// The article.
        entry: Box<Entry>,
        /// The number of its newest revision.
        number: u64,
        /// Time of that revision.
        at: Timestamp,
    },
    /// It was withdrawn.
    Withdrawn(Tombstone),
    /// Nothing was ever published there.
    NotFound,
}

/// A row of the article list for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArticleSummary {
    /// Permanent id.
    pub id: ArticleId,
    /// `waiting`, `live` or `withdrawn`.
    pub state: String,
    /// Number of its newest revision; 0 if it is scheduled.
    pub number: u64,
    /// Publication date.
    pub stamp: Timestamp,
    /// The channels that contain it.
    pub channels: Vec<Slug>,
    /// Empty if the text was erased or is damaged.
    pub title: String,
    /// True if the stored text is damaged, or the channels are; then there are none.
    pub damaged: bool,
}

/// A query for the changes of the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ChangesQuery {
    /// In one channel; in all of them if none is given.
    pub channel: Option<Slug>,
    /// Only changes after this number.
    pub after: u64,
    /// Only changes up to this number; up to the head if none is given.
    pub until: Option<u64>,
    /// Maximum number of changes.
    pub limit: u32,
    /// The page ends with the change that reaches this size of stored text, in bytes.
    pub bytes: usize,
}

/// Result of a [`ChangesQuery`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangesResult<T = Change> {
    /// A page of changes, which may be empty.
    Page(ChangesPage<T>),
    /// The number is greater than the head of the log.
    BeyondHead {
        /// Number of the newest revision.
        head: u64,
    },
    /// The channel does not exist.
    UnknownChannel,
}

/// A page of changes, or of what was made of them, from one state of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangesPage<T = Change> {
    /// In ascending order.
    pub changes: Vec<T>,
    /// The highest number examined: all changes up to it are in `changes`, none after it.
    pub next: u64,
    /// The number of the newest revision.
    pub head: u64,
}

/// A revision as seen by a reader of the log. Numbers are those of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its number.
    pub number: u64,
    /// What happened.
    pub kind: ChangeKind,
    /// The id of the article.
    pub id: ArticleId,
    /// The time of the revision.
    pub at: Timestamp,
    /// The channels that contain the article after this revision; for a withdrawal, those that contained it.
    pub channels: Vec<Slug>,
    /// Published reason of the withdrawal, if any.
    pub reason: Option<String>,
    /// The article after this revision; none for a withdrawal, or if it has been withdrawn since.
    pub entry: Option<Box<Entry>>,
    /// True if the stored text is damaged, or what is stored besides it. Then there are no channels.
    pub damaged: bool,
}

/// What happened to an article.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// New.
    Published,
    /// Its text or publication date changed.
    Corrected,
    /// Its channels changed.
    Moved,
    /// It left the queried channel and is still in others.
    Left,
    /// Removed from all documents.
    Withdrawn,
    /// Restored.
    Restored,
}

impl ChangeKind {
    /// All kinds.
    pub const ALL: [Self; 6] =
        [Self::Published, Self::Corrected, Self::Moved, Self::Left, Self::Withdrawn, Self::Restored];

    /// Its name, in the log and in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Corrected => "corrected",
            Self::Moved => "moved",
            Self::Left => "left",
            Self::Withdrawn => "withdrawn",
            Self::Restored => "restored",
        }
    }

    /// The kind of this name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A query for published articles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArticleQuery {
    /// Words that the article must all contain, in any order, with or without diacritics. A text without a word finds
    /// nothing; without a text, everything is found.
    pub words: Option<String>,
    /// Phrases among these words, as returned by [`quoted_phrases`](crate::search_text::quoted_phrases).
    pub phrases: Vec<Vec<String>>,
    /// Of one channel; of everything, without one.
    pub channel: Option<Slug>,
    /// Only articles of which each channel is among these. The total counts the others as well.
    pub within: Option<Vec<Slug>>,
    /// Published at this time or later.
    pub from: Option<Timestamp>,
    /// Published at this time or earlier.
    pub to: Option<Timestamp>,
    /// Continue after this sort key: the `next` of the previous page.
    pub after: Option<i64>,
    /// Maximum number of articles.
    pub limit: u32,
    /// The page ends with the article that reaches this size of stored text, in bytes.
    pub bytes: usize,
    /// Whether to count all matches.
    pub counted: bool,
}

/// Result of an [`ArticleQuery`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArticleQueryResult {
    /// A page of articles, which may be empty.
    Page(ArticlePage),
    /// There is no such channel.
    UnknownChannel,
}

/// Number of articles that match a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    /// The count.
    pub number: u64,
    /// True if there may be more: counting stopped there.
    pub at_least: bool,
}

/// A page of published articles, from one state of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArticlePage {
    /// Newest publication date first, then the latest stored. If the query has diacritics, recent articles that match
    /// them exactly come before all others.
    pub items: Vec<ArticleRow>,
    /// Number of all matches, if requested.
    pub total: Option<Total>,
    /// Sort key after which the next page begins; none on the last page.
    pub next: Option<i64>,
    /// Articles whose stored content is damaged. They are left out.
    pub damaged: Vec<ArticleId>,
}

/// A published article in a sitemap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SitemapEntry {
    /// Its page.
    pub permalink: Permalink,
    /// When it was published or last changed.
    pub updated: Timestamp,
    /// The channels that it was published in, by slug.
    pub channels: Vec<Slug>,
    /// Its URL on the publisher's own site.
    pub link: Option<String>,
}

/// A channel that lost its articles to another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftChannel {
    /// The empty channel.
    pub channel: Slug,
    /// Where most of its articles are now.
    pub now: Slug,
    /// The file of one of them.
    pub path: String,
}

/// An article that has a URL: published now or withdrawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArticleRef {
    /// Its permanent name.
    pub id: ArticleId,
    /// Its page.
    pub permalink: Permalink,
    /// False if it was withdrawn.
    pub is_live: bool,
    /// The number of its newest revision.
    pub number: u64,
    /// The moment of that revision.
    pub at: Timestamp,
    /// Number and time of the last revision that changed the neighbours to which its page links, if any did.
    pub neighbours: Option<(u64, Timestamp)>,
}

/// An image that a published article shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageRef {
    /// Content-based name.
    pub name: String,
    /// Since when it is there.
    pub stored_at: Timestamp,
}

/// The content of a month of a channel. If neither count nor number changed, nothing did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MonthState {
    /// The month.
    pub month: Month,
    /// Number of published articles dated in it.
    pub articles: u64,
    /// Number of the newest revision of these articles.
    pub number: u64,
}

/// A published article.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArticleRow {
    /// The article.
    pub entry: Entry,
    /// The number of its newest revision.
    pub number: u64,
}

/// The revisions of an article, and who may read them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArticleHistory {
    /// The channels that contain the article, contained it, or will contain it. Only a token for all of them may read
    /// the history.
    pub channels: Vec<Slug>,
    /// Newest first.
    pub revisions: Vec<Revision>,
}

/// A revision without its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Its number in the log.
    pub number: u64,
    /// What happened.
    pub kind: ChangeKind,
    /// When it was appended.
    pub at: Timestamp,
    /// Name of the token, or `folder`, `import` or `command`.
    pub author: String,
    /// The channels of the article after it.
    pub channels: Vec<Slug>,
    /// The reason, if one was given for readers.
    pub reason: Option<String>,
}

/// A revision with the article as it was after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionText {
    /// As [`ArticleHistory::channels`].
    pub channels: Vec<Slug>,
    /// The revision.
    pub revision: Revision,
    /// The article; none if its text was erased.
    pub entry: Option<Box<Entry>>,
}

/// A part of a list of articles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection<'a> {
    /// Only articles of which each channel is among these; all without them.
    pub within: Option<&'a [Slug]>,
    /// How many of these come before the part.
    pub skip: usize,
    /// How many the part has at most.
    pub limit: usize,
}

/// An article or a correction that will be published later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduledSummary {
    /// The id of the article.
    pub id: ArticleId,
    /// When it is due.
    pub due: Timestamp,
    /// The channels that will contain it.
    pub channels: Vec<Slug>,
    /// Its title.
    pub title: String,
    /// True if the article is already published and this is a correction of it.
    pub is_correction: bool,
}

/// A withdrawn article.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithdrawnSummary {
    /// The id of the article.
    pub id: ArticleId,
    /// When it was withdrawn.
    pub at: Timestamp,
    /// The channels that contained it.
    pub channels: Vec<Slug>,
    /// Its last title; empty if its text was erased.
    pub title: String,
    /// The reason, if one was given for readers.
    pub reason: Option<String>,
    /// True if it was withdrawn because its file was removed.
    pub with_its_file: bool,
}
