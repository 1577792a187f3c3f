//! The folder that a site is built into: what lies in it by our hand, and how a file gets there.
//!
//! Below `.bantin/` lie the manifest, the files under way, and the pages of what was withdrawn. The manifest names
//! every file that a build has made. Before anything changes, it names also those that will be made, without their
//! keys: wherever a build is cut off, the next one knows what may be there and makes it anew.
//!
//! A file gets its name only when its bytes are on disk, so that no power cut leaves half of one under it: files are
//! written under passing names ([`OutputDir::stage`]), brought to disk together, and then renamed ([`OutputDir::write`]).

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::BuildError;
use super::plan::PlannedFile;
use crate::render::Representation;
use crate::time::{Timestamp, from_unix};

/// Everything of ours that is not to be served.
pub(super) const META_DIR: &str = ".bantin";
pub(super) const MANIFEST: &str = ".bantin/manifest";
const TEMPORARY_DIR: &str = ".bantin/under-way";
const MANIFEST_VERSION: &str = "bantin-build 1";

/// What each file's keys are good for: with another program, log or configuration they say nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct BuildInputs {
    pub version: String,
    pub log: String,
    pub config_epoch: u64,
}

/// A file as a build has left it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct OutputFile {
    /// Names all that it is made of; empty where that is not known.
    pub key: String,
    /// Its date: when it last changed, in the words of the log.
    pub modified: Timestamp,
    pub lengths: EncodedSizes,
}

/// Bytes of a document in each of its codings; none of one that would save nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct EncodedSizes {
    pub identity: u64,
    pub gzip: Option<u64>,
    pub brotli: Option<u64>,
}

/// All files that builds have made, by their paths below the folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    pub epoch: BuildInputs,
    pub files: BTreeMap<String, OutputFile>,
}

/// How a file stands to what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileStatus {
    /// As it should.
    Current,
    /// With the right bytes and another date.
    OtherDate,
    /// Not, or not to our knowledge.
    Missing,
}

/// The folder, held by one build at a time.
pub(super) struct OutputDir {
    root: PathBuf,
    under_way: AtomicU64,
    /// The folder itself, which is locked.
    lock: File,
}

/// A document whose files are written and do not have their names yet.
#[derive(Debug, Default)]
pub(super) struct Staged {
    pub lengths: EncodedSizes,
    at: Timestamp,
    /// Where each file is, and where it is to be. The document as it is comes last.
    files: Vec<(PathBuf, PathBuf)>,
    /// Files that have these bytes already.
    standing: Vec<PathBuf>,
    /// Files of codings that the document does not have any more.
    superfluous: Vec<PathBuf>,
}

impl Staged {
    fn publish(&self) -> io::Result<bool> {
        let mut changed = !self.files.is_empty();
        for path in &self.superfluous {
            changed |= remove(path)?;
        }
        for (under_way, path) in &self.files {
            fs::rename(under_way, path)?;
        }
        for path in &self.standing {
            date(path, self.at)?;
        }
        Ok(changed)
    }
}

impl Manifest {
    /// The key under which a file was made; none where that is not known.
    pub(super) fn key(&self, file: &str) -> Option<&str> {
        self.files.get(file).map(|made| made.key.as_str()).filter(|key| !key.is_empty())
    }

    /// The same files without their keys.
    pub(super) fn invalidated(mut self) -> Self {
        self.files.values_mut().for_each(|made| made.key.clear());
        self
    }

    fn text(&self) -> String {
        let BuildInputs { version, log, config_epoch: generation } = &self.epoch;
        let mut text = format!("{MANIFEST_VERSION}\t{version}\t{log}\t{generation}\n");
        for (file, OutputFile { key, modified: at, lengths }) in &self.files {
            let EncodedSizes { identity, gzip, brotli } = lengths;
            let length = |length: &Option<u64>| length.map_or("-".to_owned(), |length| length.to_string());
            let (gzip, brotli) = (length(gzip), length(brotli));
            text.push_str(&format!("{}\t{identity}\t{gzip}\t{brotli}\t{key}\t{file}\n", at.timestamp()));
        }
        text
    }

    fn read(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let mut head = lines.next()?.split('\t');
        if head.next() != Some(MANIFEST_VERSION) {
            return None;
        }
        let (version, log) = (head.next()?.to_owned(), head.next()?.to_owned());
        let epoch = BuildInputs { version, log, config_epoch: head.next()?.parse().ok()? };
        let files = lines.map(read_line).collect::<Option<_>>()?;
        Some(Self { epoch, files })
    }
}

fn read_line(line: &str) -> Option<(String, OutputFile)> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [at, identity, gzip, brotli, key, file] = fields.as_slice() else { return None };
    let length = |field: &str| match field {
        "-" => Some(None),
        digits => digits.parse().ok().map(Some),
    };
    let lengths =
        EncodedSizes { identity: identity.parse().ok()?, gzip: length(gzip)?, brotli: length(brotli)? };
    let made = OutputFile { key: (*key).to_owned(), modified: from_unix(at.parse().ok()?), lengths };
    Some(((*file).to_owned(), made))
}

impl OutputDir {
    /// Takes the folder for a build, and reads what the ones before have left; makes it where it is not there.
    ///
    /// # Errors
    /// Where another build is at work in it, or it holds files and no build has made them: those of somebody else
    /// are never written over.
    pub(super) fn open(root: &Path) -> Result<(Self, Manifest), BuildError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |cause| BuildError::File { path, cause }
        };
        fs::create_dir_all(root).map_err(at(root))?;
        let root = root.canonicalize().map_err(at(root))?;
        let lock = File::open(&root).map_err(at(&root))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(BuildError::Busy(root)),
            Err(TryLockError::Error(cause)) => return Err(at(&root)(cause)),
        }
        let path = root.join(MANIFEST);
        let manifest = match fs::read_to_string(&path) {
            Ok(text) => Manifest::read(&text).ok_or_else(|| BuildError::Damaged(path))?,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                // A build that was cut off before it wrote anything has left no more than this.
                let is_ours = |entry: &fs::DirEntry| entry.file_name() == META_DIR;
                let mut entries = fs::read_dir(&root).map_err(at(&root))?.filter_map(Result::ok);
                if !entries.all(|entry| is_ours(&entry)) {
                    return Err(BuildError::NotOurs(root));
                }
                Manifest::default()
            }
            Err(cause) => return Err(at(&path)(cause)),
        };
        let folder = Self { root, under_way: AtomicU64::new(0), lock };
        // What a build that was cut off has left.
        let under_way = folder.root.join(TEMPORARY_DIR);
        let _ = fs::remove_dir_all(&under_way);
        fs::create_dir_all(&under_way).map_err(at(&under_way))?;
        Ok((folder, manifest))
    }

    /// Where it is, from the root of the file system on.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// How a document's file, as `before` remembers it, stands to what is planned. Looks at the file itself as well.
    pub(super) fn status(&self, planned: &PlannedFile, before: &Manifest) -> FileStatus {
        let PlannedFile { file, key, modified: at, .. } = planned;
        let Some(made) = before.files.get(file).filter(|made| made.key == *key) else {
            return FileStatus::Missing;
        };
        let EncodedSizes { identity, gzip, brotli } = made.lengths;
        let whole = [("", Some(identity)), (".gz", gzip), (".br", brotli)].into_iter().all(
            |(ending, length)| match (fs::metadata(self.path(file, ending)), length) {
                (Ok(found), Some(length)) => {
                    found.len() == length && found.modified().is_ok_and(|date| date == date_of(made.modified))
                }
                (Err(_), None) => true,
                _ => false,
            },
        );
        match (whole, made.modified == *at) {
            (false, _) => FileStatus::Missing,
            (true, true) => FileStatus::Current,
            (true, false) => FileStatus::OtherDate,
        }
    }

    fn path(&self, file: &str, ending: &str) -> PathBuf {
        self.root.join(format!("{file}{ending}"))
    }

    /// Writes a document in all its codings under passing names, those files only that differ.
    ///
    /// NOTE: a server makes its validators of date and length. So no two codings of one document may be of one
    /// length, and a change must move the date.
    pub(super) fn stage(&self, file: &str, document: &Representation, at: Timestamp) -> io::Result<Staged> {
        let identity = document.identity.bytes.as_ref();
        let mut staged = Staged { at, ..Staged::default() };
        staged.lengths.identity = identity.len() as u64;
        let gzip = Some(document.gzip.bytes.as_ref()).filter(|bytes| bytes.len() < identity.len());
        staged.lengths.gzip = self.stage_coding(file, ".gz", gzip, &mut staged)?;
        let brotli = Some(document.brotli.bytes.as_ref()).filter(|bytes| bytes.len() < identity.len());
        let brotli = brotli.filter(|bytes| staged.lengths.gzip != Some(bytes.len() as u64));
        staged.lengths.brotli = self.stage_coding(file, ".br", brotli, &mut staged)?;
        self.stage_bytes(self.path(file, ""), identity, &mut staged)?;
        Ok(staged)
    }

    /// A name that has room for the document has none, perhaps, for the ending of a coding; the document then goes
    /// without it.
    fn stage_coding(
        &self,
        file: &str,
        ending: &str,
        bytes: Option<&[u8]>,
        staged: &mut Staged,
    ) -> io::Result<Option<u64>> {
        let path = self.path(file, ending);
        let Some(bytes) = bytes else {
            if path.try_exists().unwrap_or_default() {
                staged.superfluous.push(path);
            }
            return Ok(None);
        };
        match self.stage_bytes(path, bytes, staged) {
            Ok(()) => Ok(Some(bytes.len() as u64)),
            Err(cause) if cause.kind() == io::ErrorKind::InvalidFilename => Ok(None),
            Err(cause) => Err(cause),
        }
    }

    fn stage_bytes(&self, path: PathBuf, bytes: &[u8], staged: &mut Staged) -> io::Result<()> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        match fs::read(&path) {
            Ok(there) if there == bytes => {
                staged.standing.push(path);
                return Ok(());
            }
            Err(cause) if cause.kind() == io::ErrorKind::InvalidFilename => return Err(cause),
            _ => {}
        }
        let number = self.under_way.fetch_add(1, Ordering::Relaxed);
        let under_way = self.root.join(TEMPORARY_DIR).join(number.to_string());
        let mut file = File::create(&under_way)?;
        file.write_all(bytes)?;
        file.set_modified(date_of(staged.at))?;
        staged.files.push((under_way, path));
        Ok(())
    }

    /// Gives staged documents their names, once all that was staged is on disk. Says of each whether any of its files
    /// has changed. What was renamed is on disk after the next [`Self::sync`].
    ///
    /// # Errors
    /// Where the disk does not take what was staged; none of it has its name then.
    pub(super) fn publish(&self, staged: &[Staged]) -> io::Result<Vec<io::Result<bool>>> {
        if staged.iter().any(|staged| !staged.files.is_empty()) {
            self.sync()?;
        }
        Ok(staged.iter().map(Staged::publish).collect())
    }

    /// Brings to disk whatever was written, renamed or removed.
    ///
    /// NOTE: the whole file system at once. To ask for each file and folder of a large site takes many times as long.
    pub(super) fn sync(&self) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        rustix::fs::syncfs(&self.lock)?;
        #[cfg(not(target_os = "linux"))]
        rustix::fs::sync();
        Ok(())
    }

    /// Gives a file that stands, in all its codings, another date.
    pub(super) fn date(&self, file: &str, lengths: EncodedSizes, at: Timestamp) -> io::Result<()> {
        let there = [(".br", lengths.brotli), (".gz", lengths.gzip), ("", Some(lengths.identity))];
        for (ending, _) in there.into_iter().filter(|(_, length)| length.is_some()) {
            date(&self.path(file, ending), at)?;
        }
        Ok(())
    }

    /// Takes a file away, in all its codings, and the folders that are empty without it.
    pub(super) fn remove(&self, file: &str) -> io::Result<()> {
        for ending in ["", ".gz", ".br"] {
            remove(&self.path(file, ending))?;
        }
        let mut folder = Path::new(file).parent();
        while let Some(empty) = folder.filter(|folder| !folder.as_os_str().is_empty()) {
            if fs::remove_dir(self.root.join(empty)).is_err() {
                break;
            }
            folder = empty.parent();
        }
        Ok(())
    }

    /// Remembers what is there, on disk before it returns. Dated like the newest of the files.
    pub(super) fn save_manifest(&self, manifest: &Manifest) -> io::Result<()> {
        let newest = manifest.files.values().map(|made| made.modified).max().unwrap_or_default();
        let under_way = self.root.join(TEMPORARY_DIR).join("manifest");
        write_through(&under_way, manifest.text().as_bytes(), Some(newest))?;
        fs::rename(under_way, self.root.join(MANIFEST))?;
        self.sync()
    }

    /// Takes away what only a build needs. What stays of it does no harm.
    pub(super) fn clean_up(&self) {
        let _ = fs::remove_dir_all(self.root.join(TEMPORARY_DIR));
    }
}

fn date(path: &Path, at: Timestamp) -> io::Result<()> {
    if fs::metadata(path)?.modified()? == date_of(at) {
        return Ok(());
    }
    OpenOptions::new().write(true).open(path)?.set_modified(date_of(at))
}

/// Writes a file that is on disk before this returns, though perhaps not its name.
fn write_through(path: &Path, bytes: &[u8], at: Option<Timestamp>) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    if let Some(at) = at {
        file.set_modified(date_of(at))?;
    }
    file.sync_all()
}

/// Replaces a file as a whole: whatever happens, the old bytes or the new ones are there.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut under_way = path.as_os_str().to_owned();
    under_way.push("~");
    write_through(Path::new(&under_way), bytes, None)?;
    fs::rename(under_way, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// True where there was such a file.
fn remove(path: &Path) -> io::Result<bool> {
    use io::ErrorKind::{InvalidFilename, NotADirectory, NotFound};
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(cause) if matches!(cause.kind(), NotFound | NotADirectory | InvalidFilename) => Ok(false),
        Err(cause) => Err(cause),
    }
}

fn date_of(at: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(at.timestamp()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn made() -> impl Strategy<Value = OutputFile> {
        let lengths = (any::<u64>(), any::<Option<u64>>(), any::<Option<u64>>());
        ("[-.0-9a-z/]{0,20}", 0_i64..4_000_000_000, lengths).prop_map(
            |(key, at, (identity, gzip, brotli))| OutputFile {
                key,
                modified: from_unix(at),
                lengths: EncodedSizes { identity, gzip, brotli },
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_remembered_is_read_again(
            files in proptest::collection::btree_map("[a-z0-9./-]{1,40}", made(), 0..8),
            config_epoch in any::<u64>(),
        ) {
            let epoch = BuildInputs { version: "0.1.0".to_owned(), log: "k3f9".to_owned(), config_epoch };
            let manifest = Manifest { epoch, files };
            prop_assert_eq!(Manifest::read(&manifest.text()), Some(manifest));
        }

        #[test]
        fn any_other_text_is_refused_or_read_and_never_panics(text in any::<String>(), line in any::<String>()) {
            let _ = Manifest::read(&text);
            let _ = Manifest::read(&format!("{MANIFEST_VERSION}\t0.1.0\tk3f9\t1\n{line}"));
        }
    }

    #[test]
    fn a_name_that_leaves_no_room_for_the_ending_of_a_coding_does_without_it() {
        let place = tempfile::tempdir().unwrap();
        let (folder, _) = OutputDir::open(place.path()).unwrap();
        let version = crate::render::LogVersion { log: "k3f9".to_owned(), number: 1 };
        let at = from_unix(1_683_887_940);
        let document = Representation::encode("text/plain", "thi đua ".repeat(90).into_bytes(), &version, at);
        let name = |length: usize| format!("a/{}.html", "d".repeat(length - 5));
        let staged = folder.stage(&name(254), &document, at).unwrap();
        assert_eq!((staged.lengths.gzip, staged.lengths.brotli), (None, None));
        assert!(folder.publish(&[staged]).unwrap().remove(0).unwrap());
        assert_eq!(fs::read(place.path().join(name(254))).unwrap(), document.identity.bytes);
        let refused = folder.stage(&name(256), &document, at).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidFilename);
    }

    #[test]
    fn two_codings_of_one_length_would_have_one_validator_and_are_not_both_written() {
        let place = tempfile::tempdir().unwrap();
        let (folder, _) = OutputDir::open(place.path()).unwrap();
        let version = crate::render::LogVersion { log: "k3f9".to_owned(), number: 1 };
        let at = from_unix(1_683_887_940);
        let mut document =
            Representation::encode("text/plain", "thi đua ".repeat(90).into_bytes(), &version, at);
        let written = |document: &Representation| {
            let staged = folder.stage("a.txt", document, at).unwrap();
            assert!(folder.publish(std::slice::from_ref(&staged)).unwrap().remove(0).unwrap());
            staged.lengths
        };
        let both = written(&document);
        assert!(both.brotli.is_some() && both.gzip.is_some() && both.brotli != both.gzip);
        document.brotli.bytes = document.gzip.bytes.clone();
        let one = written(&document);
        assert_eq!((one.gzip.is_some(), one.brotli), (true, None));
        assert!(!place.path().join("a.txt.br").exists(), "nor does the one of before stay");
        document.gzip.bytes = document.identity.bytes.clone();
        document.brotli.bytes = document.identity.bytes.clone();
        assert_eq!(written(&document), EncodedSizes { identity: both.identity, gzip: None, brotli: None });
    }
}
