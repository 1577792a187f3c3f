//! Queries and their results.

use crate::model::{ArticleId, Entry, Permalink, Slug, Tombstone};
use crate::time::{Month, Timestamp};

/// A channel as the store knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelRecord {
    /// Its slug.
    pub slug: Slug,
    /// The name under which it was founded: its feeds are known by it.
    pub original_slug: Slug,
    /// The name of its folder, where that was not a mere slug.
    pub title: Option<String>,
    /// The number of its newest revision; 0 where there is none.
    pub head: u64,
}

/// What stands at a picture's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageLookup {
    /// A living article shows it.
    Live {
        /// Its type, by content.
        media_type: String,
        /// As they are served.
        bytes: Vec<u8>,
        /// Since when it is there.
        stored_at: Timestamp,
    },
    /// Every article that showed it was withdrawn, or shows another one now.
    Gone,
    /// There never was one.
    NotFound,
}

/// What stands at an article's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArticleLookup {
    /// It stands there.
    Live {
        /// The article.
        entry: Box<Entry>,
        /// The number of its newest revision.
        number: u64,
        /// The moment of that revision.
        at: Timestamp,
    },
    /// It was withdrawn.
    Withdrawn(Tombstone),
    /// Nothing was ever published there.
    NotFound,
}

/// A line of the list of articles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArticleSummary {
    /// Its permanent name.
    pub id: ArticleId,
    /// `waiting`, `live` or `withdrawn`.
    pub state: String,
    /// The number of its newest revision; 0 while it waits.
    pub number: u64,
    /// The printed stamp's instant.
    pub stamp: Timestamp,
    /// The channels that hold it.
    pub channels: Vec<Slug>,
    /// Empty where the text was erased.
    pub title: String,
}

/// A question about the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ChangesQuery {
    /// Of one channel; of everything, without one.
    pub channel: Option<Slug>,
    /// Behind this number of the log.
    pub after: u64,
    /// Up to this number; to the head, without one.
    pub until: Option<u64>,
    /// So many changes at most.
    pub limit: u32,
    /// The page ends with the change that brings its stored text to so many bytes.
    pub bytes: usize,
}

/// What the log has behind a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangesResult {
    /// Some of it, or nothing.
    Page(ChangesPage),
    /// The number is above the log's head.
    BeyondHead {
        /// The number of the newest revision.
        head: u64,
    },
    /// There is no such channel.
    UnknownChannel,
}

/// A part of the log, from one state of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangesPage {
    /// In the order of their numbers.
    pub changes: Vec<Change>,
    /// The highest number that was looked at: what comes behind it is not in `changes`, all before it is.
    pub next: u64,
    /// The number of the newest revision.
    pub head: u64,
}

/// A revision as a reader of the log sees it. Numbers are those of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its number.
    pub number: u64,
    /// What happened.
    pub kind: ChangeKind,
    /// To which article.
    pub id: ArticleId,
    /// When.
    pub at: Timestamp,
    /// The channels that hold the article after it; of a withdrawal, those that held it.
    pub channels: Vec<Slug>,
    /// Why it was withdrawn, where a reason for readers was given.
    pub reason: Option<String>,
    /// The article as this revision left it; none where it is withdrawn by now, or where this is a withdrawal.
    pub entry: Option<Box<Entry>>,
    /// True where there is a text that cannot be read.
    pub damaged: bool,
}

/// What happened to an article.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// New.
    Published,
    /// Its text or its stamp was changed.
    Corrected,
    /// It stands in other channels than before.
    Moved,
    /// It has left the channel that was asked about and lives on in others.
    Left,
    /// Gone from every document.
    Withdrawn,
    /// Back.
    Restored,
}

impl ChangeKind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Published, Self::Corrected, Self::Moved, Self::Left, Self::Withdrawn, Self::Restored];

    /// Its name, in the log and for readers.
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

/// A question about the living articles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArticleQuery {
    /// Words that must all be in the article, in any order, with or without diacritics. A text without a
    /// single word finds nothing; without a text, everything is found.
    pub words: Option<String>,
    /// Of these words, some that must stand together, as [`quoted_phrases`](crate::search_text::quoted_phrases) gives
    /// them.
    pub phrases: Vec<Vec<String>>,
    /// Of one channel; of everything, without one.
    pub channel: Option<Slug>,
    /// Stamped at this moment or later.
    pub from: Option<Timestamp>,
    /// Stamped at this moment or earlier.
    pub to: Option<Timestamp>,
    /// Behind this place: the `next` of the page before.
    pub after: Option<i64>,
    /// So many articles at most.
    pub limit: u32,
    /// The page ends with the article that brings its stored text to so many bytes.
    pub bytes: usize,
    /// Whether to count what there is in all.
    pub counted: bool,
}

/// What the articles have to say to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArticleQueryResult {
    /// Some of them, or none.
    Page(ArticlePage),
    /// There is no such channel.
    UnknownChannel,
}

/// How many articles answer a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    /// So many.
    pub number: u64,
    /// True where there may be more: it was not counted further.
    pub at_least: bool,
}

/// A page of the living articles, from one state of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArticlePage {
    /// Newest stamp first; of equal stamps, the last that came in first. Where words were asked for with their
    /// diacritics, those of the newest that hold them with just these come before all others.
    pub items: Vec<ArticleRow>,
    /// How many there are in all, where that was asked for.
    pub total: Option<Total>,
    /// Behind which the next page begins; none where this is the last.
    pub next: Option<i64>,
    /// Articles whose stored form is damaged: the others are shown without them.
    pub damaged: Vec<ArticleId>,
}

/// A living article in a list of addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SitemapEntry {
    /// Its page.
    pub permalink: Permalink,
    /// When it was published or last changed.
    pub updated: Timestamp,
    /// The channels that it was put into, by slug.
    pub channels: Vec<Slug>,
    /// Where it stands on the publisher's own site.
    pub link: Option<String>,
}

/// An article that has an address: it lives, or once did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArticleRef {
    /// Its permanent name.
    pub id: ArticleId,
    /// Its page.
    pub permalink: Permalink,
    /// False where it was withdrawn.
    pub is_live: bool,
    /// The number of its newest revision.
    pub number: u64,
    /// The moment of that revision.
    pub at: Timestamp,
}

/// A picture that a living article shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageRef {
    /// Made of its bytes.
    pub name: String,
    /// Since when it is there.
    pub stored_at: Timestamp,
}

/// What a channel has in a month: where neither count nor number has changed, nothing has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MonthState {
    /// Which month.
    pub month: Month,
    /// So many living articles are stamped in it.
    pub articles: u64,
    /// The number of the newest revision among theirs.
    pub number: u64,
}

/// A living article.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArticleRow {
    /// The article.
    pub entry: Entry,
    /// The number of its newest revision.
    pub number: u64,
}
