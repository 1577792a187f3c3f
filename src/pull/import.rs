//! Takes in once what another system has exported: a file of WordPress (WXR), of RSS, Atom or JSON Feed, or a backup of
//! another bantin.
//!
//! A file is read twice, item by item: [`FileImport::plan`] finds out everything that could stop the import or that an item
//! needs of others (categories, zones, files), and [`FileImport::run`] submits the articles. An import is repeatable: an
//! item is known by its id, and one that has not changed since is not taken in again.
//!
//! Articles appear as this site's own, without the name of a source. Their old addresses are redirected to them.

mod backup;
mod channels;
mod dates;
mod files;
mod pieces;
mod plan;
mod report;
mod run;
mod submit;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use crate::model::Slug;

pub use backup::BackupImport;
pub use plan::{FileImport, is_backup, is_feed_file};
pub use report::{FileImportReport, ImportFinding, LeftOut};

/// How a file is taken in.
#[derive(Clone, Debug, Default)]
pub struct FileImportOptions {
    /// The channel of all articles whose categories `map` does not name.
    pub channel: Option<Slug>,
    /// Channels by category; none: the category is left out.
    pub map: Vec<(String, Option<Slug>)>,
    /// Channels that do not exist are created, with the names of their categories.
    pub new_channels: bool,
    /// The channels that exist, with their titles.
    pub known: BTreeMap<Slug, String>,
    /// A copy of the files of the old site, such as `wp-content/uploads`.
    pub files: Option<PathBuf>,
    /// The server of the old site may have a private address.
    pub allow_private: bool,
    /// Nothing is stored or requested.
    pub dry_run: bool,
}

/// Why a file is not taken in.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // The messages name the fields.
pub enum FileImportFault {
    /// The file cannot be read.
    #[error("cannot read {path}: {cause}")]
    Unreadable { path: String, cause: io::Error },
    /// It is no feed, or not readable at all.
    #[error("{path}: {reason}")]
    NotAFeed { path: String, reason: String },
    /// Nothing says which channels these categories are.
    #[error(
        "no channel for the categories {categories}. Name one for each with --map \"{example}=SLUG\" (--map \"{example}=\" \
         leaves the category out), or one for all articles with --channel SLUG, or add --new-channel to create channels \
         with their names. The channels are: {known}"
    )]
    UnknownCategories { categories: String, example: String, known: String },
    /// Articles without categories need a channel.
    #[error(
        "{count} of {articles} articles have no category that is a channel (the first on line {line}): name a channel \
         for them with --channel SLUG"
    )]
    NoChannel { count: u64, articles: u64, line: usize },
    /// The name of a category is reserved.
    #[error(
        "the category `{category}` would be the channel `{slug}`, which is reserved for a URL of the service: name another \
         with --map \"{category}=SLUG\""
    )]
    Reserved { category: String, slug: Slug },
    /// The channel does not exist.
    #[error("unknown channel `{slug}`; the channels are: {known}. To create it, add --new-channel")]
    UnknownChannel { slug: Slug, known: String },
    /// There is no such folder.
    #[error("--files {0} is not a directory")]
    NoFolder(String),
}
