//! Why a build fails.

use std::io;
use std::path::PathBuf;

use crate::store::StoreError;

/// Why a build failed. The output directory still holds a complete site, parts of which may be out of date.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The directory contains files that no build has written.
    #[error(
        "{0} is not empty and was not created by `bantin build`: use another directory or empty this one"
    )]
    NotOurs(PathBuf),
    /// Another build is running.
    #[error("another `bantin build` is running in {0}")]
    Busy(PathBuf),
    /// The manifest of the last build cannot be read.
    #[error("{0} is damaged: delete the whole directory and build again")]
    Damaged(PathBuf),
    /// A file cannot be written.
    #[error("{path}: {cause}")]
    File {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        cause: io::Error,
    },
    /// The store is unavailable.
    #[error(transparent)]
    Store(#[from] StoreError),
}
