//! A directory of backups of which the newest are kept.

use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use crate::time::Timestamp;

const PREFIX: &str = "bantin-";
const SUFFIX: &str = ".backup";

/// The name of the backup that is made now, in UTC, so that names sort by time: `bantin-20260512T103900Z.backup`.
pub(super) fn file_in(folder: &Path, now: Timestamp) -> PathBuf {
    folder.join(format!("{PREFIX}{}{SUFFIX}", now.to_utc().format("%Y%m%dT%H%M%SZ")))
}

/// Deletes all but the newest `keep` backups. Files with other names are left alone. Returns what was deleted.
///
/// # Errors
/// If the directory cannot be read, or a backup cannot be deleted.
pub(super) fn prune(folder: &Path, keep: NonZeroUsize) -> io::Result<Vec<PathBuf>> {
    let mut backups = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(is_backup) && entry.file_type()?.is_file() {
            backups.push(entry.path());
        }
    }
    backups.sort();
    backups.truncate(backups.len().saturating_sub(keep.get()));
    for backup in &backups {
        fs::remove_file(backup)?;
    }
    Ok(backups)
}

fn is_backup(name: &str) -> bool {
    let stamp = name.strip_prefix(PREFIX).and_then(|name| name.strip_suffix(SUFFIX));
    stamp.is_some_and(|stamp| chrono::NaiveDateTime::parse_from_str(stamp, "%Y%m%dT%H%M%SZ").is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_backups_are_backups() {
        assert!(is_backup("bantin-20260512T103900Z.backup"));
        for other in [
            "bantin-20260512T103900Z.backup.old",
            "bantin-before-upgrade.backup",
            "bantin-20261512T103900Z.backup",
        ] {
            assert!(!is_backup(other), "{other}");
        }
    }
}
