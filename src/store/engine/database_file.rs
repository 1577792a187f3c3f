//! The path and identity of the database file.
//!
//! A file that is deleted, replaced or moved still exists for a process that has it open. Writes to it are
//! lost when the process ends, so they must not be acknowledged. The same holds for the two files that SQLite
//! keeps beside it.
//!
//! NOTE: the database file must not be opened here while it is in use: closing it would release this
//! process's locks on it.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::store::error::StoreError;

/// Device and inode.
type Identity = (u64, u64);

/// The path and identity of an open database file.
pub(crate) struct DatabaseFile {
    database: PathBuf,
    identity: Identity,
    /// WAL and shared-memory file of SQLite; known while a connection is open.
    side_files: Mutex<[Option<Identity>; 2]>,
    names: [PathBuf; 2],
    /// The lock for scanning the article folder, if this process holds it.
    election: Mutex<Option<File>>,
}

impl DatabaseFile {
    /// Creates the file and its folder if they do not exist, with access for the owner only.
    ///
    /// SECURITY: the file contains withdrawn texts, scheduled articles and hashes of tokens.
    pub(crate) fn create(path: &Path) -> Result<Self, StoreError> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let failed = |cause| StoreError::Folder { folder: folder.display().to_string(), cause };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        if !path.exists() {
            open_private(path).map_err(failed)?;
        }
        let real = path.canonicalize().map_err(failed)?;
        let names = ["-wal", "-shm"].map(|ending| with_suffix(&real, ending));
        for name in [&real].into_iter().chain(&names) {
            restrict_access(name);
        }
        let identity = identity_of(path).map_err(failed)?;
        Ok(Self {
            database: path.to_owned(),
            identity,
            side_files: Mutex::default(),
            names,
            election: Mutex::default(),
        })
    }

    /// The path of the database file, absolute.
    pub(crate) fn path(&self) -> &Path {
        &self.database
    }

    /// Checks that the files are still those that are open.
    pub(crate) fn check(&self) -> io::Result<()> {
        self.compare(&self.side_files())
    }

    /// Remembers the files of a connection that was just opened, and checks that they are those of the others.
    ///
    /// NOTE: the connection must have read the database. Until then another process may remove the files beside it: the
    /// last connection that closes does so.
    pub(crate) fn connected(&self) -> io::Result<()> {
        let mut known = self.side_files();
        self.compare(&known)?;
        *known = [0, 1].map(|index| identity_of(&self.names[index]).ok());
        Ok(())
    }

    /// A connection was closed: WAL and shared-memory file may be created again with the next one.
    pub(crate) fn disconnected(&self) {
        *self.side_files() = [None; 2];
    }

    fn compare(&self, known: &[Option<Identity>; 2]) -> io::Result<()> {
        let files = self.names.iter().zip(known).filter_map(|(path, known)| Some((path, (*known)?)));
        for (path, known) in [(&self.database, self.identity)].into_iter().chain(files) {
            if identity_of(path).ok() != Some(known) {
                return Err(io::Error::other(format!(
                    "{} was deleted, moved or replaced. Put it back, or restart the service",
                    path.display()
                )));
            }
        }
        Ok(())
    }

    fn side_files(&self) -> MutexGuard<'_, [Option<Identity>; 2]> {
        self.side_files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Acquires the scan lock if no other process holds it, and keeps it until
    /// [`DatabaseFile::release_scan_lease`] or the end of the
    /// process.
    pub(crate) fn acquire_scan_lease(&self) -> io::Result<bool> {
        let path = self.lock_file("-scanner");
        let mut held = self.election.lock().unwrap_or_else(PoisonError::into_inner);
        if held.as_ref().is_some_and(|held| is_at(held, &path)) {
            return Ok(true);
        }
        *held = try_lock(&path)?;
        Ok(held.is_some())
    }

    pub(crate) fn release_scan_lease(&self) {
        *self.election.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The lock that allows one scan at a time across processes; none if another process holds it.
    pub(crate) fn try_lock_scan(&self) -> io::Result<Option<File>> {
        try_lock(&self.lock_file("-scan"))
    }

    /// The lock that allows one process at a time to poll a source; none if another process holds it.
    pub(crate) fn try_lock_source(&self, hash: &str) -> io::Result<Option<File>> {
        try_lock(&self.lock_file(&format!("-source-{hash}")))
    }

    fn lock_file(&self, ending: &str) -> PathBuf {
        with_suffix(&self.database, ending)
    }
}

/// None if another process holds the lock.
fn try_lock(path: &Path) -> io::Result<Option<File>> {
    let file = open_private(path)?;
    match file.try_lock() {
        // If the file was deleted and created again, the lock belongs to another file.
        Ok(()) => Ok(Some(file).filter(|file| is_at(file, path))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(cause)) => Err(cause),
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    let here = file.metadata().map(|metadata| (metadata.dev(), metadata.ino()));
    here.is_ok_and(|here| identity_of(path).is_ok_and(|there| here == there))
}

/// Opens a file with access for the owner only; creates it if it does not exist.
fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    match options.clone().create_new(true).open(path) {
        Ok(created) => give_to_owner_of_folder(&created, path).map(|()| created),
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {
            options.create(true).truncate(false).open(path)
        }
        Err(cause) => Err(cause),
    }
}

/// What root creates, for example with `bantin restore-backup`, belongs to the service, which could not open it
/// otherwise. SQLite does the same for its two files.
///
/// SECURITY: only for a file that was created here: the owner of the folder may have put a link to another one.
fn give_to_owner_of_folder(created: &File, path: &Path) -> io::Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let owner = fs::metadata(folder)?;
    std::os::unix::fs::fchown(created, Some(owner.uid()), Some(owner.gid()))
}

/// Removes access that an older version or a copy left open. Only the owner can do this.
fn restrict_access(path: &Path) {
    let is_open = fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o077 != 0);
    if is_open && let Err(cause) = fs::set_permissions(path, Permissions::from_mode(0o600)) {
        tracing::warn!(path = %path.display(), %cause, "the database file is readable by others");
    }
}

fn with_suffix(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn identity_of(path: &Path) -> io::Result<Identity> {
    fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
}
