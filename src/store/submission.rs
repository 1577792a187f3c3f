//! What callers submit to the store, and what it knows about the files that articles come from.

use crate::model::{Article, ArticleId, Entry, Slug};

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
