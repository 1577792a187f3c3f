//! The keeper of the numbered log of changes: what was published, corrected, moved, withdrawn and restored.
//!
//! One concrete type over whichever engine the configuration names; no caller can tell which. Its verbs are
//! the product's words and answer in them. An answer that says "accepted" is given only once the log is on
//! disk. What a revision says is never rewritten, ids are minted once, and nothing here prints or parses a document.

mod archive;
mod archive_index;
mod article_query;
mod changes;
mod channels;
mod cluster;
mod copy;
mod engine;
mod log_writer;
mod refusal;
mod rights;
mod site_index;
mod token;
mod view;
mod write_queue;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::model::{Article, ArticleId, Channel, Entry, Image, Permalink, Slug, Tombstone};
use crate::time::{Clock, Month, Timestamp, Zone, from_unix};
use crate::urls::{Scope, SiteUrls};

pub use copy::CopyMode;
pub use refusal::Refusal;
pub use token::Token;

pub use engine::check_url;
use engine::{Database, Transaction, sqlite_path, values};
use write_queue::{WriteCommand, WriteQueue, WriteResult};

/// What the operator chooses, and what ids are minted with.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// `sqlite:` and a path, or `postgres://` and what PostgreSQL's own programs take.
    pub url: String,
    /// Mints ids.
    pub addresses: Arc<SiteUrls>,
    /// The channels that the operator named: their former names, and what they are made of.
    pub channels: Vec<Channel>,
    /// The zone whose days stand in ids and permalinks.
    pub zone: Zone,
    /// Sets the `at` of each revision.
    pub clock: Clock,
}

/// Why the store did not do as it was told. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL names no engine that is built in. Only its scheme is told: a URL may hold a password.
    #[error(
        "[store] url begins with `{0}`, which is no store: write sqlite:PATH, like sqlite:data/bantin.db, or \
         postgres://USER:PASSWORD@HOST/DATABASE"
    )]
    Url(String),
    /// The folder of the database file cannot be made.
    #[error("cannot make the folder {folder}: {cause}")]
    Folder {
        /// The folder.
        folder: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The engine cannot be reached, is locked for too long, or its disk is full.
    #[error("the store is unavailable: {0}")]
    Unavailable(sqlx::Error),
    /// A server cannot be reached at the start.
    #[error("PostgreSQL at {server} cannot be reached: {cause}")]
    Unreachable {
        /// Host and port; not the URL, which may hold a password.
        server: String,
        /// What the engine said.
        cause: sqlx::Error,
    },
    /// The schema is of a newer program, or a migration failed.
    #[error("the store's schema cannot be brought up to date: {0}")]
    Schema(sqlx::migrate::MigrateError),
    /// What would be written now would be lost, or would spoil the log.
    #[error("the store takes no writes: {0}")]
    NoWrites(String),
    /// A whole log cannot be moved so.
    #[error("the log cannot be moved: {0}")]
    NotCopyable(String),
    /// The store holds what this program never wrote.
    #[error("the store holds something unexpected: {0}")]
    Corrupt(String),
    /// The engine is well, and does not keep these values: they break a constraint or a limit of it.
    #[error("the store cannot keep this: {0}")]
    Unkept(sqlx::Error),
}

impl StoreError {
    /// True where one write cannot be done and the next can: what was to be written, or what is stored of its
    /// article, is at fault.
    pub fn is_of_one_write(&self) -> bool {
        matches!(self, Self::Unkept(_) | Self::Corrupt(_))
    }
}

// NOTE: the engine's errors say themselves what is behind them. Named as a source they would say it twice.
impl From<sqlx::Error> for StoreError {
    fn from(cause: sqlx::Error) -> Self {
        match &cause {
            sqlx::Error::Encode(_) => Self::Unkept(cause),
            sqlx::Error::Database(told) if is_about_values(told.as_ref()) => Self::Unkept(cause),
            _ => Self::Unavailable(cause),
        }
    }
}

/// True where the engine complains of the values of a statement and not of itself.
fn is_about_values(told: &dyn sqlx::error::DatabaseError) -> bool {
    let code = told.code().unwrap_or_default();
    match code.len() {
        _ if told.kind() != sqlx::error::ErrorKind::Other => true,
        // SQLSTATE of PostgreSQL: a data exception, an integrity constraint, a limit such as that of an index entry.
        5 => ["22", "23", "54"].iter().any(|class| code.starts_with(class)),
        // Of SQLite: SQLITE_TOOBIG, SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_RANGE.
        _ => ["18", "19", "20", "25"].contains(&code.as_ref()),
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(cause: sqlx::migrate::MigrateError) -> Self {
        Self::Schema(cause)
    }
}

/// How far the log has come. A larger announcement means that documents may have changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogPosition {
    /// The number of the newest revision; 0 while there is none.
    pub head: u64,
    /// Counts changes of configuration and of channel titles.
    pub config_epoch: u64,
}

impl LogPosition {
    /// True where everything that `other` tells of is in a log that has come as far as this.
    pub fn includes(&self, other: &Self) -> bool {
        self.head >= other.head && self.config_epoch >= other.config_epoch
    }

    /// As far as either of the two: a notice may overtake another, and neither number ever goes back.
    pub fn max(self, other: Self) -> Self {
        Self { head: self.head.max(other.head), config_epoch: self.config_epoch.max(other.config_epoch) }
    }
}

/// An article on its way in.
#[derive(Clone, Debug)]
pub struct Submission {
    /// What was written.
    pub article: Article,
    /// The channels that it is to stand in. None: those in which it stands, which only an article that is
    /// there already may ask for.
    pub channels: Vec<Slug>,
    /// The id that the author gave, if any.
    pub id: Option<ArticleId>,
    /// What the id and the permalink are made of: the slug of the file's stem, or of the title.
    pub stem: Slug,
    /// Where it comes from.
    pub source: Source,
    /// What the sender knows and asks to be held to.
    pub conditions: WriteConditions,
}

/// Conditions on a submission.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteConditions {
    /// The name of the token by which it is asked for, whose rights are judged with the write itself. Without
    /// one the operator asks, who may do everything.
    pub token: Option<String>,
    /// The article must be in one of these versions (`If-Match`).
    pub expected: Option<Vec<ArticleVersion>>,
    /// The article must not be there yet.
    pub must_be_new: bool,
    /// The article must be there.
    pub must_exist: bool,
    /// A retry of the same request must not be done twice.
    pub idempotency: Option<IdempotencyKey>,
}

/// A state of an article that a writer has read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArticleVersion {
    /// Published: the number of its newest revision.
    Number(u64),
    /// Not published yet: a hash of the text that waits.
    Scheduled(String),
}

/// An article that waits for its moment. It is for nobody to read who has no right to all of its channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheduled {
    /// As it will be published.
    pub entry: Entry,
    /// For [`ArticleVersion::Scheduled`].
    pub version: String,
}

/// A request that is done at most once within a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The name of the sender's token.
    pub token: String,
    /// The `Idempotency-Key`.
    pub key: String,
    /// A hash of all that the request asks for.
    pub request: String,
}

/// Where an article comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A file in the folder of articles.
    File {
        /// The file as it was scanned.
        seen: ScannedFile,
        /// The path under which the same article lay before.
        renamed_from: Option<String>,
    },
    /// A file from outside of the folder of articles, taken in by a command.
    Import(ImportedFile),
    /// A command or a request, by the name of who gave it.
    Command(String),
}

/// A file as it was imported. It keeps its article up for ever: no scan withdraws it, only a command.
///
/// A later import finds the article again by `source`, `place` and the day of its stamp (or its title, where the
/// day was corrected); from another source by place, day and title, or by day, stem and text. What is none of
/// these and would still bear the article's name is a [`Verdict::Conflict`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedFile {
    /// The name of the folder or archive that it lay in.
    pub source: String,
    /// Its path there from the channel on, with `/`, in NFC: `xa-hoi/2019/hoi-nghi.txt`.
    pub place: String,
    /// The channel that it was imported into.
    pub channel: Slug,
    /// Of its bytes, hexadecimal.
    pub hash: String,
}

/// A file as the scan saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScannedFile {
    /// Relative to the folder of articles, with `/`, in NFC or as it is on disk.
    pub path: String,
    /// The channel of the folder that it lies in.
    pub channel: Slug,
    /// Of its bytes, hexadecimal.
    pub hash: String,
    /// In bytes.
    pub size: u64,
    /// Changes whenever content or status of the file do.
    pub modified: i64,
    /// Names, sizes and times of the pictures beside it, in any form that changes when they do.
    pub pictures: String,
}

/// What the store remembers of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRecord {
    /// The file as it was last scanned.
    pub seen: ScannedFile,
    /// The article that it stands for; none while it never held one.
    pub article: Option<ArticleId>,
    /// False once it is gone.
    pub present: bool,
    /// True where the bytes last scanned were no article: the last good version still stands.
    pub rejected: bool,
}

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

/// What a live feed asks for (DESIGN: "Live feed").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveFeedOptions {
    /// The newest so many articles by stamp.
    pub items: u32,
    /// All that changed within so many seconds before the newest revision, where all of that fits.
    pub window: u64,
    /// How many revisions a sealed page holds; what is in no sealed page is always shown.
    pub archive_page: u64,
    /// Never more than so many entries and tombstones together.
    pub limit: usize,
    /// A live feed is at most so many bytes long.
    pub bytes: u64,
    /// All articles, where these are within the limit: of a channel that takes no new ones.
    pub whole: bool,
}

/// How far a channel has come: what its documents' validators are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelState {
    /// The number, in the channel's own counting, of its newest revision; 0 where there is none.
    pub number: u64,
    /// The `at` of that revision; the last change of configuration where there is none.
    pub updated: Timestamp,
    /// The second of that revision, or of the last change of configuration.
    pub last_modified: Timestamp,
}

/// A channel as its live documents show it: one state of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveFeedData {
    /// How far the channel has come.
    pub state: ChannelState,
    /// Newest stamp first, equal stamps by id.
    pub entries: Vec<Entry>,
    /// The latest withdrawal first, equal ones by id.
    pub tombstones: Vec<Tombstone>,
    /// Articles whose stored form is damaged: the others are shown without them.
    pub unreadable: Vec<ArticleId>,
    /// How many pages of the channel's log are sealed.
    pub sealed_pages: u64,
    /// True where every article of the channel is shown, and that will not change by itself: no page is sealed
    /// yet, or all of them were asked for.
    pub complete: bool,
    /// Whoever holds the channel's documents at this number, or at any between it and the newest, is told of
    /// everything that changed since by what is shown here. Not so below: there an article changed that is
    /// not shown, because it left the channel, is damaged or is too long ago; or the configuration did.
    pub delta_floor: u64,
    /// The channel's number of the newest revision of each article that changed lately; of all above
    /// `delta_floor`.
    pub last_changes: HashMap<ArticleId, u64>,
    /// True where articles stand here with their summary that would stand in full if there were fewer of them. The
    /// store never does that.
    pub abridged: bool,
}

impl LiveFeedData {
    /// Leaves only what is always shown: the newest `items` by stamp, and what is in no sealed page, whose revisions
    /// are numbered above `sealed`.
    pub fn leave_out_window(&mut self, items: usize, sealed: u64) {
        let in_tail = |id: &ArticleId| self.last_changes.get(id).is_some_and(|number| *number > sealed);
        let mut place = 0;
        self.entries.retain(|entry| {
            place += 1;
            place <= items || in_tail(&entry.id)
        });
        self.tombstones.retain(|tombstone| in_tail(&tombstone.id));
        self.delta_floor = self.delta_floor.max(sealed);
    }
}

/// What is left of a sealed page of a channel's log: one state of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchivePageData {
    /// The number is that of the last revision that changed the page, one of its own or the first by which
    /// an article departed from it; `updated` is the newest `at` of its own (rule H2).
    pub state: ChannelState,
    /// As they stood when the page was sealed. Newest stamp first, equal stamps by id.
    pub entries: Vec<Entry>,
    /// The latest withdrawal first, equal ones by id.
    pub tombstones: Vec<Tombstone>,
    /// Articles whose stored form is damaged: the others are shown without them.
    pub unreadable: Vec<ArticleId>,
}

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

    fn named(name: &str) -> Option<Self> {
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

/// The store. Clones share one database.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    log_id: String,
    /// Tells this process from others that share the log.
    replica: String,
    options: StoreOptions,
    writes: WriteQueue,
    position: watch::Sender<LogPosition>,
    /// False from a write that the engine could not do to the next that it could.
    writable: AtomicBool,
    runtime: tokio::runtime::Handle,
}

impl Inner {
    /// A transaction in which the log may grow.
    async fn begin_append(&self) -> Result<Transaction, StoreError> {
        let mut writing = self.database.begin_write().await?;
        let head_at = from_unix(writing.one("SELECT head_at FROM log", &[]).await?.get_i64(0)?);
        let now = self.options.clock.now();
        // No revision is earlier than the one before: a single one of a clock that is far ahead would set all
        // later ones to its time.
        if head_at > now + MAX_SKEW {
            return Err(StoreError::NoWrites(format!(
                "the newest revision of the log is of {head_at}, and the clock of this machine says {now}. Set the \
                 clock right. If it is right, that revision was written under a wrong clock: restore the last backup \
                 from before it (`bantin restore-backup`) and run `bantin scan --confirm`",
            )));
        }
        Ok(writing)
    }
}

impl Store {
    /// Opens the store that the options name; creates it, its folder and its log where there is none.
    ///
    /// # Errors
    /// Where the URL names no engine, the folder cannot be made, or the engine refuses.
    pub async fn open(options: StoreOptions) -> Result<Self, StoreError> {
        let database = Database::open(&options.url).await?;
        let log_id = init_log(&database, &options).await?;
        article_query::fill(&database).await?;
        let inner = Inner {
            database,
            log_id,
            replica: random_text(LOG_ID_LENGTH)?,
            options,
            writes: WriteQueue::default(),
            position: watch::Sender::new(LogPosition::default()),
            writable: AtomicBool::new(true),
            runtime: tokio::runtime::Handle::current(),
        };
        let store = Self { inner: Arc::new(inner) };
        store.poll_position().await?;
        Ok(store)
    }

    /// True where there is a store already. Opening one that is not there begins a new log. A database on a
    /// server somebody has created, so it is there.
    pub fn exists(options: &StoreOptions) -> bool {
        sqlite_path(&options.url).is_none_or(|path| Path::new(path).exists())
    }

    /// The id of the log: numbers of another log mean nothing here.
    pub fn log_id(&self) -> &str {
        &self.inner.log_id
    }

    /// True where nothing was ever published in the log.
    pub fn is_empty(&self) -> bool {
        self.inner.position.borrow().head == 0
    }

    /// The name of the log in whose numbers a channel is followed. That of a channel of channels is another
    /// one for other members: what it was does not lead to what it is.
    pub fn log_id_for(&self, channel: Option<&Slug>) -> String {
        let composition =
            channel.map(|channel| channels::member_fingerprint(channel, &self.inner.options.channels));
        match composition.filter(|composition| !composition.is_empty()) {
            Some(composition) => format!("{}-{:08x}", self.log_id(), crc32fast::hash(composition.as_bytes())),
            None => self.log_id().to_owned(),
        }
    }

    /// The clock that the store sets moments by.
    pub fn clock(&self) -> &Clock {
        &self.inner.options.clock
    }

    /// Hears of every new number, also of those that other processes made once [`Store::refresh`] saw them.
    pub fn subscribe(&self) -> watch::Receiver<LogPosition> {
        self.inner.position.subscribe()
    }

    /// Compares the log with what was last announced: heals a lost notice, hears another process.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn poll_position(&self) -> Result<LogPosition, StoreError> {
        let announcement = view::announcement(&mut self.inner.database.begin_quick_read().await?).await?;
        self.publish_position(announcement);
        Ok(announcement)
    }

    /// Whether a write would be taken. Where the last one was not, tries again with one that changes nothing.
    ///
    /// # Errors
    /// What stands in the way.
    pub async fn try_writing(&self) -> Result<(), StoreError> {
        let in_place = self.inner.database.in_place();
        if in_place.is_err() {
            self.inner.writable.store(false, Ordering::Release);
        }
        in_place?;
        if !self.inner.writable.load(Ordering::Acquire) {
            self.probe_write().await?;
            self.inner.writable.store(true, Ordering::Release);
        }
        Ok(())
    }

    async fn probe_write(&self) -> Result<(), StoreError> {
        // As much as an article takes, and down to the disk: one that is full has room for a number.
        let mut bulk = vec![0; PROBE_BYTES];
        getrandom::fill(&mut bulk)
            .map_err(|cause| StoreError::Corrupt(format!("no random bytes: {cause}")))?;
        let mut writing = self.inner.begin_append().await?;
        let sql = "INSERT INTO picture (name, media_type, bytes, kept_at) VALUES ('', '', $1, 0)";
        writing.run(sql, values![bulk.as_slice()]).await?;
        writing.run("DELETE FROM picture WHERE name = ''", &[]).await?;
        writing.commit().await
    }

    /// Tells everybody in this process how far the log has come, where that is news.
    fn publish_position(&self, announcement: LogPosition) {
        self.inner.position.send_if_modified(|last| {
            let newer = !last.includes(&announcement);
            *last = last.max(announcement);
            newer
        });
    }

    /// Takes an article in: publishes, corrects, moves or restores it, or finds it unchanged.
    ///
    /// # Errors
    /// Where the engine refuses; nothing was accepted then.
    pub async fn submit(&self, submission: Submission) -> Result<SubmitResult, StoreError> {
        match self.write(WriteCommand::Submit(Box::new(submission))).await? {
            WriteResult::Accepted(accepted) => Ok(accepted),
            other => Err(other.unexpected()),
        }
    }

    /// Takes many articles in, in this order and with one flush for all that fit into it; answers each.
    pub async fn submit_all(&self, submissions: Vec<Submission>) -> Vec<Result<SubmitResult, StoreError>> {
        let queued: Vec<_> = submissions
            .into_iter()
            .map(|submission| self.queue(WriteCommand::Submit(Box::new(submission))))
            .collect();
        let mut answers = Vec::with_capacity(queued.len());
        for answer in queued {
            answers.push(match answer.written().await {
                Ok(WriteResult::Accepted(accepted)) => Ok(accepted),
                Ok(other) => Err(other.unexpected()),
                Err(cause) => Err(cause),
            });
        }
        answers
    }

    /// Publishes what has been waiting for its moment; returns what was done, the earliest first.
    ///
    /// # Errors
    /// Where the engine refuses.
    pub async fn publish_due(&self) -> Result<Vec<SubmitResult>, StoreError> {
        match self.write(WriteCommand::PublishDue).await? {
            WriteResult::Due(accepted) => Ok(accepted),
            other => Err(other.unexpected()),
        }
    }

    /// The moment at which the next waiting article is due.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let mut reading = self.inner.database.begin_quick_read().await?;
        view::next_due(&mut reading).await
    }

    /// Withdraws an article by command, which only [`Store::restore`] undoes. With `erase`, its stored text
    /// is blanked in every revision. A reason is published; one that is given later replaces the one before.
    ///
    /// # Errors
    /// Where the engine refuses.
    pub async fn withdraw(
        &self,
        id: &ArticleId,
        reason: Option<String>,
        erase: bool,
        author: &str,
    ) -> Result<WithdrawOutcome, StoreError> {
        self.withdraw_on_terms(id, reason, erase, author, WriteConditions::default()).await
    }

    /// The same on terms: its token and the versions that it expects are judged in the transaction that withdraws.
    ///
    /// # Errors
    /// Where the engine refuses.
    pub async fn withdraw_on_terms(
        &self,
        id: &ArticleId,
        reason: Option<String>,
        erase: bool,
        author: &str,
        terms: WriteConditions,
    ) -> Result<WithdrawOutcome, StoreError> {
        let write =
            WriteCommand::Withdraw { id: id.clone(), reason, erase, author: author.to_owned(), terms };
        match self.write(write).await? {
            WriteResult::Withdrawal(withdrawal) => Ok(withdrawal),
            other => Err(other.unexpected()),
        }
    }

    /// Restores a withdrawn article, whoever withdrew it.
    ///
    /// # Errors
    /// Where the engine refuses.
    pub async fn restore(&self, id: &ArticleId, author: &str) -> Result<RestoreOutcome, StoreError> {
        match self.write(WriteCommand::Restore { id: id.clone(), author: author.to_owned() }).await? {
            WriteResult::Restoration(restoration) => Ok(restoration),
            other => Err(other.unexpected()),
        }
    }

    /// The file is gone for good: withdraws its article, without a reason, unless another file stands for it.
    ///
    /// # Errors
    /// Where the engine refuses.
    pub async fn file_removed(&self, path: &str) -> Result<FileRemovalOutcome, StoreError> {
        match self.write(WriteCommand::FileRemoved(path.to_owned())).await? {
            WriteResult::Departure(departure) => Ok(departure),
            other => Err(other.unexpected()),
        }
    }

    /// Remembers that these bytes of a file are no article. What it stood for before still stands.
    ///
    /// # Errors
    /// Where the engine refuses.
    pub async fn file_rejected(&self, seen: ScannedFile) -> Result<(), StoreError> {
        self.write(WriteCommand::FileRejected(seen)).await.map(|_| ())
    }

    /// Remembers other sizes and times of files whose bytes are those that were scanned before, with one flush for
    /// all that fit into it.
    ///
    /// # Errors
    /// Where the engine refuses.
    pub async fn files_touched(&self, seen: Vec<ScannedFile>) -> Result<(), StoreError> {
        let queued: Vec<_> =
            seen.into_iter().map(|seen| self.queue(WriteCommand::FileTouched(seen))).collect();
        for answer in queued {
            answer.written().await?;
        }
        Ok(())
    }

    /// Makes sure that a channel exists, and sets its title where one is given.
    ///
    /// # Errors
    /// Where the engine refuses.
    pub async fn create_channel(&self, slug: &Slug, title: Option<&str>) -> Result<(), StoreError> {
        self.write(WriteCommand::Channel(slug.clone(), title.map(str::to_owned))).await.map(|_| ())
    }

    /// Tells the store what the documents depend on beside the log. A new fingerprint moves
    /// `End-Modified` everywhere. The channels are brought to what the options say of them: founded, renamed
    /// with all that they hold, and channels of channels read off the log.
    ///
    /// # Errors
    /// Where the engine refuses.
    pub async fn apply_config(&self, fingerprint: &str) -> Result<(), StoreError> {
        self.write(WriteCommand::Configuration(fingerprint.to_owned())).await.map(|_| ())
    }

    /// For each, whether an import has taken in these very bytes from this very place before.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn already_imported(&self, files: &[ImportedFile]) -> Result<Vec<bool>, StoreError> {
        let mut reading = self.inner.database.begin_read().await?;
        let mut known = Vec::with_capacity(files.len());
        for file in files {
            known.push(view::already_imported(&mut reading, file).await?);
        }
        Ok(known)
    }

    /// All files of the folder ever seen, by path.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn files(&self) -> Result<Vec<FileRecord>, StoreError> {
        let mut reading = self.inner.database.begin_read().await?;
        view::files(&mut reading).await
    }

    /// What is known of the files at these paths.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn files_at(&self, paths: &[String]) -> Result<Vec<FileRecord>, StoreError> {
        let mut reading = self.inner.database.begin_read().await?;
        view::files_at(&mut reading, paths).await
    }

    /// The paths of the files that lie in the folder and whose bytes are no article.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn refused_files(&self) -> Result<Vec<String>, StoreError> {
        let mut reading = self.inner.database.begin_read().await?;
        view::refused_files(&mut reading).await
    }

    /// Keeps a picture's bytes under its name, which is made of them. It is served once an article shows it.
    ///
    /// # Errors
    /// Where the engine refuses.
    pub async fn put_image(&self, picture: &Image, bytes: Vec<u8>) -> Result<(), StoreError> {
        let (name, media_type) = (picture.name.clone(), picture.media_type.clone());
        self.write(WriteCommand::Picture { name, media_type, bytes }).await.map(|_| ())
    }

    /// What stands at a picture's address, by its name.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn image(&self, name: &str) -> Result<ImageLookup, StoreError> {
        let mut reading = self.inner.database.begin_read().await?;
        view::find_image(&mut reading, name).await
    }

    /// One unchanging state of the log, to ask several questions of.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let reading = self.inner.database.begin_read().await?;
        Ok(Snapshot { reading, gone: article_query::Gone::among(&self.inner.options.channels) })
    }

    /// What stands at an article's address.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn article(&self, permalink: &Permalink) -> Result<ArticleLookup, StoreError> {
        let mut reading = self.inner.database.begin_read().await?;
        view::article(&mut reading, permalink).await
    }

    /// What is known of an article by its name.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn article_by_id(&self, id: &ArticleId) -> Result<ArticleLookup, StoreError> {
        let mut reading = self.inner.database.begin_read().await?;
        view::article_by_id(&mut reading, id).await
    }

    /// The article of this name, where it waits for its first publication.
    ///
    /// SECURITY: it is under embargo. Who asks must have the right to its channels ([`Token::covers`]).
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn scheduled(&self, id: &ArticleId) -> Result<Option<Scheduled>, StoreError> {
        let mut reading = self.inner.database.begin_read().await?;
        view::scheduled(&mut reading, id).await
    }

    /// The log behind a number, in order. Its cost depends on what is returned, not on where in the log it
    /// lies.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn changes(&self, asked: &ChangesQuery) -> Result<ChangesResult, StoreError> {
        let mut reading = self.inner.database.begin_read().await?;
        changes::changes(&mut reading, asked).await
    }

    /// The living articles, newest first, or those among them that hold certain words.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn query_articles(&self, asked: &ArticleQuery) -> Result<ArticleQueryResult, StoreError> {
        self.snapshot().await?.query_articles(asked).await
    }

    /// Up to `limit` articles behind the one named `after`, newest stamp first, equal stamps by id; of one
    /// channel where one is given.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn list(
        &self,
        channel: Option<&Slug>,
        after: Option<&ArticleSummary>,
        limit: u32,
    ) -> Result<Vec<ArticleSummary>, StoreError> {
        let mut reading = self.inner.database.begin_read().await?;
        view::list_articles(&mut reading, channel, after, limit).await
    }

    /// How many articles are live, and the channels that hold any, by slug.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn count_live(&self) -> Result<(u64, Vec<Slug>), StoreError> {
        let mut reading = self.inner.database.begin_read().await?;
        let articles = reading.one("SELECT COUNT(*) FROM article WHERE state = 'live'", &[]).await?;
        let channels = reading
            .rows("SELECT DISTINCT channel FROM membership WHERE channel <> '' ORDER BY channel", &[])
            .await?;
        let slug = |row: &engine::Row| {
            Slug::parse(row.get_text(0)?).map_err(|cause| StoreError::Corrupt(cause.to_string()))
        };
        Ok((articles.get_u64(0)?, channels.iter().map(slug).collect::<Result<_, _>>()?))
    }

    /// Closes the connections; what was acknowledged is on disk already.
    pub async fn close(&self) {
        self.inner.database.close().await;
    }
}

/// One state of the log, unchanging while it is held, whatever is written meanwhile. Hold it for as long as it
/// takes to ask, not longer: the engine keeps the past for it.
pub struct Snapshot {
    reading: Transaction,
    gone: article_query::Gone,
}

impl Snapshot {
    /// How far the log had come: what was announced of this state.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn position(&mut self) -> Result<LogPosition, StoreError> {
        view::announcement(&mut self.reading).await
    }

    /// All channels, by slug.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn channels(&mut self) -> Result<Vec<ChannelRecord>, StoreError> {
        view::channels(&mut self.reading).await
    }

    /// The state of every channel's documents and of the view of everything. What is not here has no revision.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn channel_states(&mut self) -> Result<HashMap<Scope, ChannelState>, StoreError> {
        view::channel_states(&mut self.reading).await
    }

    /// What the live documents of a channel show; of everything, without one.
    ///
    /// Its cost depends on what is shown, not on the length of the log.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn live(
        &mut self,
        channel: Option<&Slug>,
        choice: LiveFeedOptions,
    ) -> Result<LiveFeedData, StoreError> {
        view::live(&mut self.reading, channel, choice).await
    }

    /// How page `page` of a channel's log stands, counted from 1, each of `page_size` revisions; of the log of
    /// everything, without a channel. None where there is no such page, or it is not sealed yet.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn archive_state(
        &mut self,
        channel: Option<&Slug>,
        page: u64,
        page_size: u64,
    ) -> Result<Option<ChannelState>, StoreError> {
        archive::state(&mut self.reading, channel, page, page_size).await
    }

    /// What that page shows: each article once, as its last revision in the page left it, without those that
    /// were withdrawn from the channel or left it later.
    ///
    /// Its cost depends on `page_size` alone: not on the length of the log, and not on how deep the page is.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn archive(
        &mut self,
        channel: Option<&Slug>,
        page: u64,
        page_size: u64,
    ) -> Result<Option<ArchivePageData>, StoreError> {
        archive::page(&mut self.reading, channel, page, page_size).await
    }

    /// The months in `zone` in which the living articles of a channel are stamped, the newest first; of everything,
    /// without a channel. None where there is no such channel.
    ///
    /// Its cost depends on the number of months.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn months(
        &mut self,
        channel: Option<&Slug>,
        zone: Zone,
    ) -> Result<Option<Vec<Month>>, StoreError> {
        archive_index::months(&mut self.reading, channel, zone, &self.gone).await
    }

    /// The addresses of the living articles stamped from `from` to `to`, newest stamp first, so many at most.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn sitemap_entries(
        &mut self,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
        limit: u32,
    ) -> Result<Vec<SitemapEntry>, StoreError> {
        archive_index::sitemap_entries(&mut self.reading, from, to, limit).await
    }

    /// When an article was corrected, the latest first: the last twenty at most.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn corrections(&mut self, id: &ArticleId) -> Result<Vec<Timestamp>, StoreError> {
        archive_index::corrections(&mut self.reading, id).await
    }

    /// What stands at an article's address.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn article(&mut self, permalink: &Permalink) -> Result<ArticleLookup, StoreError> {
        view::article(&mut self.reading, permalink).await
    }

    /// The living articles, newest first, or those among them that hold certain words.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn query_articles(&mut self, asked: &ArticleQuery) -> Result<ArticleQueryResult, StoreError> {
        article_query::query_articles(&mut self.reading, asked, &self.gone).await
    }

    /// What stands at a picture's address, by its name.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn image(&mut self, name: &str) -> Result<ImageLookup, StoreError> {
        view::find_image(&mut self.reading, name).await
    }

    /// Up to `limit` of all articles that have an address, behind the one named `after`, by id.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn article_refs(
        &mut self,
        after: Option<&ArticleId>,
        limit: u32,
    ) -> Result<Vec<ArticleRef>, StoreError> {
        site_index::articles(&mut self.reading, after, limit).await
    }

    /// Up to `limit` of the pictures that living articles show, behind the one named `after`, by name.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn image_refs(&mut self, after: &str, limit: u32) -> Result<Vec<ImageRef>, StoreError> {
        site_index::images(&mut self.reading, after, limit).await
    }

    /// What a channel has in each of its months, as [`Snapshot::archive`]; of everything, without a channel.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn month_states(
        &mut self,
        channel: Option<&Slug>,
        zone: Zone,
    ) -> Result<Vec<MonthState>, StoreError> {
        site_index::months(&mut self.reading, channel, zone, &self.gone).await
    }

    /// The channel's number of the newest revision by which an article departed from it: no sealed page has
    /// changed since. 0 where none has departed.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn last_removal(&mut self, channel: Option<&Slug>) -> Result<u64, StoreError> {
        site_index::last_removal(&mut self.reading, channel).await
    }

    /// The newest second that any document of this state bears as its date. Once it is over, no later state
    /// bears it.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn last_modified(&mut self) -> Result<Timestamp, StoreError> {
        site_index::last_modified(&mut self.reading).await
    }

    /// From now on no question is given up for taking long, and the state is held over pauses: for who reads all
    /// of it.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn disable_timeouts(&mut self) -> Result<(), StoreError> {
        self.reading.disable_timeouts().await
    }

    /// How often configuration, titles or the list of channels have changed: with the state of a channel or
    /// page, all that its documents depend on.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn config_epoch(&mut self) -> Result<u64, StoreError> {
        Ok(self.position().await?.config_epoch)
    }

    /// The second at which the configuration last changed what documents show.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn config_modified_at(&mut self) -> Result<Timestamp, StoreError> {
        view::config_modified_at(&mut self.reading).await
    }

    /// The second at which the list of channels last changed: a channel was founded, or the configuration
    /// changed.
    ///
    /// # Errors
    /// Where the engine does not answer.
    pub async fn channels_modified_at(&mut self) -> Result<Timestamp, StoreError> {
        view::channels_modified_at(&mut self.reading).await
    }
}

/// Clocks of machines that share a log may differ by so much.
const MAX_SKEW: TimeDelta = TimeDelta::minutes(1);
/// What a store must have room for to take writes, in bytes.
const PROBE_BYTES: usize = 128 << 10;
/// Sixty bits tell one log from all others.
const LOG_ID_LENGTH: usize = 12;

/// Creates the log's one row where there is none, and returns the log's id.
async fn init_log(database: &Database, options: &StoreOptions) -> Result<String, StoreError> {
    let mut writing = database.begin_write().await?;
    writing
        .run(
            "INSERT INTO log (singleton, id, head, head_at, configuration, configured_at, channels_at, \
             generation) VALUES (1, $1, 0, 0, '', $2, $2, 0) ON CONFLICT (singleton) DO NOTHING",
            values![random_text(LOG_ID_LENGTH)?, options.clock.now().timestamp()],
        )
        .await?;
    let id = writing.one("SELECT id FROM log", &[]).await?.get_text(0)?.to_owned();
    writing.commit().await?;
    Ok(id)
}

/// So many letters and digits without look-alikes, of five random bits each.
fn random_text(length: usize) -> Result<String, StoreError> {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let mut random = vec![0u8; length];
    getrandom::fill(&mut random).map_err(|cause| StoreError::Corrupt(format!("no random bytes: {cause}")))?;
    Ok(random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect())
}
