//! Settings of the articles folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::model::Slug;
use crate::parse::{self, Encoding};
use crate::time::Zone;
use crate::urls::SiteUrls;

/// Settings of the articles folder.
#[derive(Clone, Debug)]
pub struct IngestOptions {
    /// The articles folder.
    pub path: PathBuf,
    /// How changes are noticed.
    pub watch: WatchMode,
    /// The time zone of dates without a UTC offset.
    pub time_zone: Zone,
    /// The site's language.
    pub language: String,
    /// The encoding of text files, if it is set for all.
    pub encoding: Option<Encoding>,
    /// The encoding of the text files of single channels.
    pub encodings: BTreeMap<Slug, Encoding>,
    /// What to do if the folder has the marker of another log.
    pub marking: Marking,
    /// True if each channel folder gets a file that lists its problems.
    pub error_files: bool,
    /// Resolves former slugs of channels.
    pub addresses: Arc<SiteUrls>,
}

impl IngestOptions {
    /// The parser settings for the files of a channel; `None` for a file in no channel's folder.
    pub fn parse_options(&self, channel: Option<&Slug>) -> parse::ParseOptions {
        let of_channel = channel.and_then(|channel| self.encodings.get(channel)).copied();
        let encoding = of_channel.or(self.encoding);
        parse::ParseOptions { zone: self.time_zone, language: self.language.clone(), encoding }
    }

    /// The channel whose folder contains a file; `None` for a file outside of the articles folder.
    pub(super) fn channel_of(&self, file: &Path) -> Option<Slug> {
        let (file, root) = (file.canonicalize().ok()?, self.path.canonicalize().ok()?);
        let mut below = file.strip_prefix(root).ok()?.components();
        let folder = below.next()?.as_os_str().to_str()?;
        below.next().map(|_| self.addresses.resolve_channel(folder))
    }
}

/// How changes in the folder are noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchMode {
    /// By file events, and by a scan now and then.
    Events,
    /// By a scan every second: for a network share, which sends no events.
    Poll,
    /// Not at all: one scan at the start; `bantin scan` does the rest.
    Off,
}

/// What the marker of another log in the folder means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marking {
    /// The folder or the log is the wrong one: nothing is read and nothing is withdrawn.
    Kept,
    /// The folder is marked for this log.
    Renewed,
    /// The log is temporary: markers are neither read nor written.
    None,
}
