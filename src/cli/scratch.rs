//! Folders for files in passing.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;

use tempfile::TempDir;

const PREFIX: &str = ".bantin-backup";

/// A folder that is gone at the end of the command.
///
/// SECURITY: its owner alone may enter it, whatever the mask: what lies in it holds what was withdrawn.
pub(super) struct Scratch {
    folder: TempDir,
    /// Held for as long as the process lives, so that what a killed one has left is known by it.
    _lock: File,
}

impl Scratch {
    /// Makes one in `parent`, and takes away those of commands that were killed.
    pub(super) fn new(parent: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
        take_away_abandoned(parent);
        loop {
            let mut builder = tempfile::Builder::new();
            builder.prefix(PREFIX).permissions(Permissions::from_mode(0o700));
            let folder = builder.tempdir_in(parent)?;
            let lock = File::open(folder.path())?;
            // Another command may take it for abandoned until it is locked.
            if lock.try_lock().is_ok() && folder.path().exists() {
                return Ok(Self { folder, _lock: lock });
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

fn take_away_abandoned(parent: &Path) {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)) {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let abandoned = || File::open(entry.path()).is_ok_and(|folder| folder.try_lock().is_ok());
        if is_folder && abandoned() {
            // Of another owner it stays.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
