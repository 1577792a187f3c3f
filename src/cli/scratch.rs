//! Temporary directories.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;

use tempfile::TempDir;

const PREFIX: &str = ".bantin-backup";

/// A directory that is deleted at the end of the command.
///
/// SECURITY: only its owner may enter it, whatever the umask: its files contain withdrawn articles.
pub(super) struct Scratch {
    folder: TempDir,
    /// Locked while the process lives, so that directories of killed processes are recognised.
    _lock: File,
}

impl Scratch {
    /// Creates one in `parent` and deletes those of killed commands.
    pub(super) fn new(parent: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
        delete_abandoned(parent);
        loop {
            let mut builder = tempfile::Builder::new();
            builder.prefix(PREFIX).permissions(Permissions::from_mode(0o700));
            let folder = builder.tempdir_in(parent)?;
            let lock = File::open(folder.path())?;
            // Until it is locked, another command may delete it as abandoned.
            if lock.try_lock().is_ok() && folder.path().exists() {
                return Ok(Self { folder, _lock: lock });
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

fn delete_abandoned(parent: &Path) {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)) {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let abandoned = || File::open(entry.path()).is_ok_and(|folder| folder.try_lock().is_ok());
        if is_folder && abandoned() {
            // This fails for another owner; the directory stays.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
