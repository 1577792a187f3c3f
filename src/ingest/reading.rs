//! Reads the files that a scan found changed.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::article_file::{MAX_ARTICLE_BYTES, ParsedFile, diagnostics_of, hash_of};
use super::aside::{Aside, Place, ReadFile};
use super::listing::{FileState, ListedFile};
use super::names::name_of;
use super::options::IngestOptions;
use super::parallel::map_on_all_cores;
use super::plan::ChangedFile;
use super::writers::{DEBOUNCE, UNFINISHED, may_be_incomplete};
use crate::files::{open_below, read_all};
use crate::parse;
use crate::store::FileRecord;
use crate::time::Timestamp;

/// Articles of a large scan are kept in memory up to this size of their files, in bytes; the others are put aside.
const KEPT_BYTES: u64 = 16 << 20;
/// Files that are read together.
const CHUNK: usize = 4096;

/// A file that is to be submitted or rejected.
pub(super) struct ReadableFile {
    pub(super) file: ListedFile,
    /// How long it has been unchanged.
    pub(super) unchanged_for: Duration,
    /// What the store remembers of it.
    pub(super) record: Option<Box<FileRecord>>,
    /// The publication date, if the file has one.
    published: Option<Timestamp>,
    content: Content,
}

/// Where the content of a file is until it is its turn.
enum Content {
    Here(Box<ReadFile>),
    Aside(Place),
    /// In the file only.
    File,
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
    Read(Option<Timestamp>, Content),
    SameBytes(String),
    Unfinished(Duration),
    Unreadable(io::Error),
}

/// Reads all changed files, on all cores. Blocking.
pub(super) fn read_changed(
    options: &IngestOptions,
    aside: &Aside,
    changed: Vec<ChangedFile>,
) -> FirstReading {
    let mut reading = FirstReading::default();
    let mut kept = 0;
    let mut changed = changed.into_iter().map(|changed| {
        kept += changed.file.state.size;
        (changed, Some(aside).filter(|_| kept > KEPT_BYTES))
    });
    loop {
        // NOTE: all articles of a large scan together do not fit in memory.
        let chunk: Vec<_> = changed.by_ref().take(CHUNK).collect();
        if chunk.is_empty() {
            break;
        }
        let read = map_on_all_cores(chunk, |(changed, aside)| {
            let outcome = read_one(options, aside, &changed);
            (changed, outcome)
        });
        for (ChangedFile { file, unchanged_for, record }, outcome) in read {
            match outcome {
                Outcome::Read(published, content) => {
                    let readable = ReadableFile { file, unchanged_for, record, published, content };
                    reading.readable.push(readable);
                }
                Outcome::SameBytes(hash) => reading.same_bytes.push((file, hash)),
                Outcome::Unfinished(pause) => reading.unfinished.push((file, unchanged_for, pause)),
                Outcome::Unreadable(cause) => reading.unreadable.push((file, cause)),
            }
        }
    }
    reading.readable.sort_unstable_by(|a, b| {
        let (dateless, other) = (a.published.is_none(), b.published.is_none());
        dateless.cmp(&other).then(a.published.cmp(&b.published)).then_with(|| a.file.path.cmp(&b.file.path))
    });
    reading
}

/// The contents of these files; `None` for one that has changed since [`read_changed`]. Blocking.
pub(super) fn contents_of(
    options: &IngestOptions,
    aside: &Aside,
    files: Vec<ReadableFile>,
) -> Vec<(ReadableFile, Option<ReadFile>)> {
    map_on_all_cores(files, |mut readable| {
        let read_again = || {
            let (hash, bytes) = bytes_of(&options.path, &readable.file).ok()??;
            Some(parse(options, &readable.file, hash, &bytes))
        };
        let read = match std::mem::replace(&mut readable.content, Content::File) {
            Content::Here(read) => Some(*read),
            Content::Aside(place) => aside.take(place).or_else(read_again),
            Content::File => read_again(),
        };
        (readable, read)
    })
}

/// Keeps the content, or puts it `aside`.
fn read_one(options: &IngestOptions, aside: Option<&Aside>, changed: &ChangedFile) -> Outcome {
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
    if record.as_deref().is_some_and(is_known) {
        return Outcome::SameBytes(hash);
    }
    if *unchanged_for < UNFINISHED && may_be_incomplete(name_of(&file.path), &bytes) {
        return Outcome::Unfinished(UNFINISHED - *unchanged_for);
    }
    let read = parse(options, file, hash, &bytes);
    let published = read.draft.as_ref().map(|draft| draft.article.published.instant);
    let content = match aside {
        Some(aside) => aside.put(&read).map_or(Content::File, Content::Aside),
        None => Content::Here(Box::new(read)),
    };
    Outcome::Read(published, content)
}

fn parse(options: &IngestOptions, file: &ListedFile, hash: String, bytes: &[u8]) -> ReadFile {
    let reading = parse::parse(name_of(&file.path), bytes, &options.parse_options(Some(&file.channel)));
    let parsed = ParsedFile { hash, reading };
    let findings = diagnostics_of(&file.path, &parsed);
    ReadFile { hash: parsed.hash, draft: parsed.reading.draft, findings }
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
