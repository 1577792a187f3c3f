//! Reads the files that a scan found changed.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::article_file::{MAX_ARTICLE_BYTES, ParsedFile, hash_of};
use super::listing::{FileState, ListedFile};
use super::names::name_of;
use super::open::{open_below, read_all};
use super::options::IngestOptions;
use super::parallel::map_on_all_cores;
use super::plan::ChangedFile;
use super::writers::{DEBOUNCE, UNFINISHED, may_be_incomplete};
use crate::parse;
use crate::store::FileRecord;
use crate::time::Timestamp;

/// Articles of a large scan are kept in memory up to this size of their files, in bytes; the others are read again
/// when it is their turn.
const KEPT_BYTES: u64 = 16 << 20;

/// A file that is to be submitted or rejected.
pub(super) struct ReadableFile {
    pub(super) file: ListedFile,
    /// How long it has been unchanged.
    pub(super) unchanged_for: Duration,
    /// What the store remembers of it.
    pub(super) record: Option<FileRecord>,
    /// The publication date, if the file has one.
    published: Option<Timestamp>,
    parsed: Option<Box<ParsedFile>>,
}

/// What reading the changed files found.
#[derive(Default)]
pub(super) struct FirstReading {
    /// By publication date, then by path; files without a date last. So the log is in the order of the news.
    pub(super) readable: Vec<ReadableFile>,
    /// Files with the bytes that the store knows, and the hash of these.
    pub(super) same_bytes: Vec<(ListedFile, String)>,
    /// Files that may be incomplete: for how long they have been unchanged, and when to try again.
    pub(super) unfinished: Vec<(ListedFile, Duration, Duration)>,
    /// Files that cannot be read.
    pub(super) unreadable: Vec<(ListedFile, io::Error)>,
}

enum Outcome {
    /// With the publication date, if the file has one.
    Parsed(Option<Timestamp>, Option<Box<ParsedFile>>),
    SameBytes(String),
    Unfinished(Duration),
    Unreadable(io::Error),
}

/// Reads all changed files, on all cores. Blocking.
pub(super) fn read_changed(options: &IngestOptions, changed: Vec<ChangedFile>) -> FirstReading {
    let mut kept = 0;
    let changed: Vec<_> = changed
        .into_iter()
        .map(|changed| {
            kept += changed.file.state.size;
            (changed, kept <= KEPT_BYTES)
        })
        .collect();
    // NOTE: what is not kept is dropped here, file by file: all articles of a large scan together do not fit in memory.
    let read = map_on_all_cores(changed, |(changed, is_kept)| {
        let outcome = match read_one(options, &changed) {
            Outcome::Parsed(published, parsed) => Outcome::Parsed(published, parsed.filter(|_| is_kept)),
            other => other,
        };
        (changed, outcome)
    });
    let mut reading = FirstReading::default();
    for (ChangedFile { file, unchanged_for, record }, outcome) in read {
        match outcome {
            Outcome::Parsed(published, parsed) => {
                reading.readable.push(ReadableFile { file, unchanged_for, record, published, parsed });
            }
            Outcome::SameBytes(hash) => reading.same_bytes.push((file, hash)),
            Outcome::Unfinished(pause) => reading.unfinished.push((file, unchanged_for, pause)),
            Outcome::Unreadable(cause) => reading.unreadable.push((file, cause)),
        }
    }
    reading.readable.sort_by(|a, b| {
        let (dateless, other) = (a.published.is_none(), b.published.is_none());
        dateless.cmp(&other).then(a.published.cmp(&b.published)).then_with(|| a.file.path.cmp(&b.file.path))
    });
    reading
}

/// The contents of these files; `None` for one that has changed since [`read_changed`]. Blocking.
pub(super) fn parse_all(
    options: &IngestOptions,
    files: Vec<ReadableFile>,
) -> Vec<(ReadableFile, Option<ParsedFile>)> {
    map_on_all_cores(files, |mut readable| {
        let parsed = readable.parsed.take().map(|parsed| *parsed).or_else(|| {
            let (hash, bytes) = bytes_of(&options.path, &readable.file).ok()??;
            Some(parse(options, &readable.file, hash, &bytes))
        });
        (readable, parsed)
    })
}

fn read_one(options: &IngestOptions, changed: &ChangedFile) -> Outcome {
    let ChangedFile { file, unchanged_for, record } = changed;
    let (hash, bytes) = match bytes_of(&options.path, file) {
        Ok(Some(read)) => read,
        Ok(None) => return Outcome::Unfinished(DEBOUNCE),
        Err(cause) => return Outcome::Unreadable(cause),
    };
    let is_known = |record: &FileRecord| {
        let seen = &record.seen;
        record.present && !record.rejected && seen.hash == hash && seen.pictures == file.image_fingerprint()
    };
    if record.as_ref().is_some_and(is_known) {
        return Outcome::SameBytes(hash);
    }
    if *unchanged_for < UNFINISHED && may_be_incomplete(name_of(&file.path), &bytes) {
        return Outcome::Unfinished(UNFINISHED - *unchanged_for);
    }
    let parsed = parse(options, file, hash, &bytes);
    let published = parsed.reading.draft.as_ref().map(|draft| draft.article.published.instant);
    Outcome::Parsed(published, Some(Box::new(parsed)))
}

fn parse(options: &IngestOptions, file: &ListedFile, hash: String, bytes: &[u8]) -> ParsedFile {
    let reading = parse::parse(name_of(&file.path), bytes, &options.parse_options(Some(&file.channel)));
    ParsedFile { hash, reading }
}

/// The bytes of a file and their hash; `None` if it has changed since it was listed, or is gone.
fn bytes_of(root: &Path, file: &ListedFile) -> io::Result<Option<(String, Vec<u8>)>> {
    let read = open_below(root, Path::new(&file.path)).and_then(|opened| read_all(opened, MAX_ARTICLE_BYTES));
    match read {
        Ok((bytes, metadata)) if FileState::of(&metadata) == file.state => Ok(Some((hash_of(&bytes), bytes))),
        Ok(_) => Ok(None),
        // A file server has a lease on it for the client that writes it.
        Err(cause) if matches!(cause.kind(), io::ErrorKind::NotFound | io::ErrorKind::WouldBlock) => Ok(None),
        Err(cause) => Err(cause),
    }
}
