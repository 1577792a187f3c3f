//! The output directory of a build.
//!
//! `.bantin/` contains the manifest, temporary files, and the pages of withdrawn articles. The manifest lists every
//! file that a build has written. Before anything changes, the files to be written are added to it without their
//! keys: if a build is interrupted, the next one knows which files may exist and writes them again.
//!
//! Files are written under temporary names ([`OutputDir::stage`]), synced to disk together, and then renamed
//! ([`OutputDir::publish`]), so that a power failure never leaves a partial file.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::error::BuildError;
use super::manifest::{EncodedSizes, MANIFEST, META_DIR, Manifest};
use super::plan::PlannedFile;
use crate::render::{ContentCoding, Effort, Representation};
use crate::time::Timestamp;

const TEMPORARY_DIR: &str = ".bantin/under-way";
/// What a connection sends before the first acknowledgement: ten segments (RFC 6928) of 1,460 bytes. A shorter body does
/// not arrive sooner.
const FIRST_FLIGHT: usize = 10 * 1460;

/// The state of a file in comparison with the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileStatus {
    /// Up to date.
    Current,
    /// Right bytes, wrong date.
    OtherDate,
    /// Missing, or of unknown content.
    Missing,
}

/// The output directory, locked by one build at a time.
pub(super) struct OutputDir {
    root: PathBuf,
    next_temporary: AtomicU64,
    /// The open directory, which holds the lock.
    lock: File,
}

/// A document whose files are written under temporary names.
#[derive(Debug, Default)]
pub(super) struct Staged {
    pub lengths: EncodedSizes,
    at: Timestamp,
    /// Temporary and final path of each file. The identity coding comes last.
    files: Vec<(PathBuf, PathBuf)>,
    /// Files that already have the right bytes.
    unchanged: Vec<PathBuf>,
    /// Files of codings that the document no longer has.
    obsolete: Vec<PathBuf>,
}

impl Staged {
    fn publish(&self) -> io::Result<bool> {
        let mut changed = !self.files.is_empty();
        for path in &self.obsolete {
            changed |= remove(path)?;
        }
        for (under_way, path) in &self.files {
            fs::rename(under_way, path)?;
        }
        for path in &self.unchanged {
            date(path, self.at)?;
        }
        Ok(changed)
    }
}

impl OutputDir {
    /// Locks the directory, creates it if missing, and reads the manifest of the last build.
    ///
    /// # Errors
    /// If another build is running in it, or if it contains files that no build has written: these are never
    /// overwritten.
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
            Ok(text) => Manifest::parse(&text).ok_or_else(|| BuildError::Damaged(path))?,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                // A build that was interrupted before it wrote a manifest has left only this directory.
                let is_ours = |entry: &fs::DirEntry| entry.file_name() == META_DIR;
                let mut entries = fs::read_dir(&root).map_err(at(&root))?.filter_map(Result::ok);
                if !entries.all(|entry| is_ours(&entry)) {
                    return Err(BuildError::NotOurs(root));
                }
                Manifest::default()
            }
            Err(cause) => return Err(at(&path)(cause)),
        };
        let folder = Self { root, next_temporary: AtomicU64::new(0), lock };
        // Temporary files of an interrupted build.
        let under_way = folder.root.join(TEMPORARY_DIR);
        let _ = fs::remove_dir_all(&under_way);
        fs::create_dir_all(&under_way).map_err(at(&under_way))?;
        Ok((folder, manifest))
    }

    /// The absolute path.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Compares a file, as `before` records it and as it is on disk, with the plan.
    pub(super) fn status(&self, planned: &PlannedFile, before: &Manifest) -> FileStatus {
        let PlannedFile { file, key, modified: at, .. } = planned;
        let Some(made) = before.files.get(file).filter(|made| made.key == *key) else {
            return FileStatus::Missing;
        };
        let EncodedSizes { identity, gzip, brotli } = made.lengths;
        let is_intact = [("", Some(identity)), (".gz", gzip), (".br", brotli)].into_iter().all(
            |(ending, length)| match (fs::metadata(self.path(file, ending)), length) {
                (Ok(found), Some(length)) => {
                    found.len() == length && found.modified().is_ok_and(|date| date == date_of(made.modified))
                }
                (Err(_), None) => true,
                _ => false,
            },
        );
        match (is_intact, made.modified == *at) {
            (false, _) => FileStatus::Missing,
            (true, true) => FileStatus::Current,
            (true, false) => FileStatus::OtherDate,
        }
    }

    fn path(&self, file: &str, ending: &str) -> PathBuf {
        self.root.join(format!("{file}{ending}"))
    }

    /// Writes the files of a document that differ under temporary names: the document, and if `compress`, its content
    /// codings. Brotli saves a tenth of the gzip form at three times its cost, so only documents that are requested
    /// often, and are longer in gzip than what arrives at once, have it.
    ///
    /// NOTE: servers derive validators from date and length. So two codings of a document must not have the same
    /// length, and a change must change the date.
    pub(super) fn stage(
        &self,
        file: &str,
        document: &Representation,
        at: Timestamp,
        compress: bool,
    ) -> io::Result<Staged> {
        let identity = document.identity.bytes.as_ref();
        let mut staged = Staged { at, ..Staged::default() };
        staged.lengths.identity = identity.len() as u64;
        let coded = |coding, is_wanted: bool| {
            let bytes = is_wanted.then(|| document.body(coding).bytes.as_ref());
            bytes.filter(|bytes| bytes.len() < identity.len())
        };
        let gzip = coded(ContentCoding::Gzip, compress);
        let is_long = gzip.is_some_and(|gzip| gzip.len() > FIRST_FLIGHT);
        let brotli = coded(ContentCoding::Brotli, is_long && document.effort() == Effort::Standard)
            .filter(|bytes| gzip.is_none_or(|gzip| gzip.len() != bytes.len()));
        staged.lengths.gzip = self.stage_coding(file, ".gz", gzip, &mut staged)?;
        staged.lengths.brotli = self.stage_coding(file, ".br", brotli, &mut staged)?;
        self.stage_bytes(self.path(file, ""), identity, &mut staged)?;
        Ok(staged)
    }

    /// If the file name is too long with the extension of the coding, the document has no such coding.
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
                staged.obsolete.push(path);
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
        if let Some(parent) = path.parent()
            && !parent.try_exists()?
        {
            fs::create_dir_all(parent)?;
        }
        match fs::read(&path) {
            Ok(there) if there == bytes => {
                staged.unchanged.push(path);
                return Ok(());
            }
            Err(cause) if cause.kind() == io::ErrorKind::InvalidFilename => return Err(cause),
            _ => {}
        }
        let number = self.next_temporary.fetch_add(1, Ordering::Relaxed);
        let under_way = self.root.join(TEMPORARY_DIR).join(number.to_string());
        let mut file = File::create(&under_way)?;
        file.write_all(bytes)?;
        file.set_modified(date_of(staged.at))?;
        staged.files.push((under_way, path));
        Ok(())
    }

    /// Syncs staged documents to disk, then renames them. Returns for each whether any of its files changed. The
    /// renames are durable after the next [`Self::sync`].
    ///
    /// # Errors
    /// If the sync fails; nothing is renamed then.
    pub(super) fn publish(&self, staged: &[Staged]) -> io::Result<Vec<io::Result<bool>>> {
        if staged.iter().any(|staged| !staged.files.is_empty()) {
            self.sync()?;
        }
        Ok(staged.iter().map(Staged::publish).collect())
    }

    /// Makes all writes, renames and removals durable.
    ///
    /// NOTE: this syncs the whole file system. Syncing each file and directory of a large site takes many times longer.
    pub(super) fn sync(&self) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        rustix::fs::syncfs(&self.lock)?;
        #[cfg(not(target_os = "linux"))]
        rustix::fs::sync();
        Ok(())
    }

    /// Changes the date of an existing file, in all its codings.
    pub(super) fn date(&self, file: &str, lengths: EncodedSizes, at: Timestamp) -> io::Result<()> {
        let there = [(".br", lengths.brotli), (".gz", lengths.gzip), ("", Some(lengths.identity))];
        for (ending, _) in there.into_iter().filter(|(_, length)| length.is_some()) {
            date(&self.path(file, ending), at)?;
        }
        Ok(())
    }

    /// Removes a file in all its codings, and directories that become empty.
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

    /// Writes the manifest durably, with the date of the newest file.
    pub(super) fn save_manifest(&self, manifest: &Manifest) -> io::Result<()> {
        let newest = manifest.files.values().map(|made| made.modified).max().unwrap_or_default();
        let under_way = self.root.join(TEMPORARY_DIR).join("manifest");
        write_through(&under_way, manifest.text().as_bytes(), Some(newest))?;
        fs::rename(under_way, self.root.join(MANIFEST))?;
        self.sync()
    }

    /// Removes temporary files. Errors are ignored: leftovers do no harm.
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

/// Writes a file and syncs its bytes, but not its directory entry.
fn write_through(path: &Path, bytes: &[u8], at: Option<Timestamp>) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    if let Some(at) = at {
        file.set_modified(date_of(at))?;
    }
    file.sync_all()
}

/// Replaces a file atomically.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut under_way = path.as_os_str().to_owned();
    under_way.push("~");
    write_through(Path::new(&under_way), bytes, None)?;
    fs::rename(under_way, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// Returns true if the file existed.
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
    use crate::time::from_unix;

    #[test]
    fn a_document_has_no_coding_whose_file_name_would_be_too_long() {
        let place = tempfile::tempdir().unwrap();
        let (folder, _) = OutputDir::open(place.path()).unwrap();
        let version = crate::render::LogVersion { log: "k3f9".to_owned(), number: 1 };
        let at = from_unix(1_683_887_940);
        let document = Representation::new("text/plain", "thi đua ".repeat(90).into_bytes(), &version, at);
        let name = |length: usize| format!("a/{}.html", "d".repeat(length - 5));
        let staged = folder.stage(&name(254), &document, at, true).unwrap();
        assert_eq!((staged.lengths.gzip, staged.lengths.brotli), (None, None));
        assert!(folder.publish(&[staged]).unwrap().remove(0).unwrap());
        assert_eq!(fs::read(place.path().join(name(254))).unwrap(), document.identity.bytes);
        let error = folder.stage(&name(256), &document, at, true).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidFilename);
    }

    /// Text that hardly compresses, always the same.
    fn digits(count: u32) -> String {
        (0..count).map(|number| number.wrapping_mul(2_654_435_761).to_string()).collect()
    }

    #[test]
    fn a_document_has_the_codings_that_are_worth_a_file() {
        let place = tempfile::tempdir().unwrap();
        let (folder, _) = OutputDir::open(place.path()).unwrap();
        let version = crate::render::LogVersion { log: "k3f9".to_owned(), number: 1 };
        let at = from_unix(1_683_887_940);
        let document = |text: String| Representation::new("text/plain", text.into_bytes(), &version, at);
        let written = |document: &Representation, compress: bool| {
            let staged = folder.stage("a.txt", document, at, compress).unwrap();
            assert!(folder.publish(std::slice::from_ref(&staged)).unwrap().remove(0).unwrap());
            let exist = [".gz", ".br"].map(|ending| place.path().join(format!("a.txt{ending}")).exists());
            assert_eq!(exist, [staged.lengths.gzip, staged.lengths.brotli].map(|length| length.is_some()));
            exist
        };
        assert_eq!(written(&document("x".to_owned()), true), [false, false], "a coding would be longer");
        assert_eq!(written(&document("thi đua ".repeat(90)), true), [true, false], "it arrives at once");
        let long = document(digits(5000));
        assert!(long.body(ContentCoding::Gzip).bytes.len() > FIRST_FLIGHT);
        assert_eq!(written(&long, true), [true, true]);
        assert_eq!(written(&document(digits(5001)).with_effort(Effort::Quick), true), [true, false]);
        assert_eq!(written(&document(digits(5002)), true), [true, true]);
        assert_eq!(written(&document(digits(5003)), false), [false, false], "old files are removed");
    }

    #[test]
    fn two_codings_of_the_same_length_are_not_both_written() {
        let place = tempfile::tempdir().unwrap();
        let (folder, _) = OutputDir::open(place.path()).unwrap();
        let version = crate::render::LogVersion { log: "k3f9".to_owned(), number: 1 };
        let at = from_unix(1_683_887_940);
        let length = |document: &Representation, coding| document.body(coding).bytes.len();
        let noise = |letters: u64| {
            std::iter::successors(Some(1_u64), |last| {
                Some(last.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
            })
            .skip(1)
            .map(move |number| b'a' + u8::try_from((number >> 33) % letters).unwrap())
        };
        let lengths = (25_000..60_000).step_by(53);
        let same = (24..27)
            .flat_map(|letters| lengths.clone().map(move |length| noise(letters).take(length).collect()))
            .map(|bytes| Representation::new("text/plain", bytes, &version, at))
            .find(|document| length(document, ContentCoding::Gzip) == length(document, ContentCoding::Brotli))
            .expect("a document with two codings of one length");
        assert!(length(&same, ContentCoding::Gzip) > FIRST_FLIGHT);
        let staged = folder.stage("a.txt", &same, at, true).unwrap();
        assert_eq!((staged.lengths.gzip.is_some(), staged.lengths.brotli), (true, None));
    }
}
