//! What callers submit to the store, and what it knows about the files that articles come from.

use serde::{Deserialize, Serialize};

use super::collected::CollectedItem;
use crate::model::{Article, ArticleId, Entry, Slug};
use crate::store::error::StoreError;
use crate::store::stored_text::StoredText;

/// An article to store.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The article.
    pub article: Article,
    /// The channels to publish it in. Empty: keep the current channels, which only an existing article has.
    pub channels: Vec<Slug>,
    /// The explicit id, if the author set one.
    pub id: Option<ArticleId>,
    /// The slug for the id and the permalink: from the file name or the title.
    pub stem: Slug,
    /// Where it comes from.
    pub source: Source,
    /// Conditions that must hold.
    pub conditions: WriteConditions,
}

/// A submission with the forms of its text that are stored.
#[derive(Clone, Debug)]
pub struct PreparedSubmission {
    pub(crate) submission: Submission,
    pub(crate) text: StoredText,
}

impl Submission {
    /// Compresses the text and extracts its words: what takes most of the time of a write and needs no store.
    ///
    /// # Errors
    /// If compression fails.
    pub fn prepare(self) -> Result<PreparedSubmission, StoreError> {
        Ok(PreparedSubmission { text: StoredText::new(&self.article)?, submission: self })
    }
}

/// Conditions on a write, and what goes with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteConditions {
    /// Name of the token used. Its rights are checked in the transaction that writes. None means the operator, who
    /// may do everything.
    pub token: Option<String>,
    /// The article must have one of these versions (`If-Match`).
    pub expected: Option<Vec<ArticleVersion>>,
    /// The article must not exist.
    pub must_be_new: bool,
    /// The article must exist.
    pub must_exist: bool,
    /// The channels must exist. Otherwise they are created.
    pub known_channels: bool,
    /// Only report what would be done.
    pub dry_run: bool,
    /// A retry of the same request must not be executed twice.
    pub idempotency: Option<IdempotencyKey>,
    /// Why an article is corrected. It is published.
    pub reason: Option<String>,
    /// A new article from elsewhere keeps its id, also if this site could have minted it.
    pub may_choose_id: bool,
    /// Which images a correction by command or request keeps.
    pub kept_images: KeptImages,
}

/// The images of an article that a correction keeps, before those that it brings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum KeptImages {
    /// All, unless the correction brings images: then none. So a text sent alone never removes a picture.
    #[default]
    UnlessReplaced,
    /// All.
    All,
    /// Those with these names, in this order.
    Named(Vec<String>),
}

/// A version of an article that a client has read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ArticleVersion {
    /// Published: number of the newest revision.
    Number(u64),
    /// Scheduled: a hash of the stored text.
    Scheduled(String),
}

/// A scheduled article. Only a token with rights to all of its channels may read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheduled {
    /// The article as it will be published.
    pub entry: Entry,
    /// For [`ArticleVersion::Scheduled`].
    pub version: String,
}

/// A request that is executed at most once within a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// Name of the sender's token.
    pub token: String,
    /// Value of the `Idempotency-Key` header.
    pub key: String,
    /// Hash of the whole request.
    pub request: String,
}

/// Where an article comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A file in the article folder.
    File {
        /// The file as scanned.
        seen: ScannedFile,
        /// Former path of the same file.
        renamed_from: Option<String>,
    },
    /// A file from outside the article folder, imported by a command.
    Import(ImportedFile),
    /// A command or request, with the name of its author.
    Command(String),
    /// An item of another publisher's feed.
    Collected(CollectedItem),
}

/// An imported file. It keeps its article published: a scan never withdraws it, only a command does.
///
/// A later import finds the article by `source`, `place` and publication day (or by title if the day was
/// corrected). From another source it is found by place, day and title, or by day, stem and text. A file that
/// matches none of these but would get the same id is a
/// [`SubmitOutcome::Conflict`](super::SubmitOutcome::Conflict).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedFile {
    /// Name of the folder or archive that contained it.
    pub source: String,
    /// Its path there, from the channel on, with `/`, in NFC: `xa-hoi/2019/hoi-nghi.txt`.
    pub place: String,
    /// The channel that it was imported into.
    pub channel: Slug,
    /// Hash of its bytes, hexadecimal.
    pub hash: String,
}

/// A file as seen by a scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScannedFile {
    /// Relative to the article folder, with `/`, in NFC or as on disk.
    pub path: String,
    /// The channel of its folder.
    pub channel: Slug,
    /// Of its bytes, hexadecimal.
    pub hash: String,
    /// In bytes.
    pub size: u64,
    /// Changes whenever the content or metadata of the file changes.
    pub modified: i64,
    /// Fingerprint of the images beside it: changes with their names, sizes or times.
    pub pictures: String,
}

/// The stored state of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRecord {
    /// The file as last scanned.
    pub seen: ScannedFile,
    /// The article that it holds; none if it never was a valid article.
    pub article: Option<ArticleId>,
    /// False after the file was removed.
    pub present: bool,
    /// True if the bytes last scanned were not a valid article. The last valid version stays published.
    pub rejected: bool,
}
