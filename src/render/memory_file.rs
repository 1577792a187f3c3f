//! Documents as files in memory, which the kernel sends without copying them.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

/// The memory files of this process.
static OPEN: AtomicU64 = AtomicU64::new(0);

/// A file in memory (memfd_create(2)).
#[derive(Debug)]
pub struct MemoryFile(File);

impl MemoryFile {
    /// A file with these bytes.
    ///
    /// # Errors
    /// If memory files have a quarter of all descriptors that this process may have: the others are for connections. On
    /// systems without memory files.
    #[cfg(target_os = "linux")]
    pub(super) fn new(bytes: &[u8]) -> io::Result<Self> {
        use std::io::Write as _;
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        if limit.is_some_and(|limit| OPEN.load(Ordering::Relaxed) >= limit / 4) {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        let file = rustix::fs::memfd_create("bantin-document", rustix::fs::MemfdFlags::CLOEXEC)?;
        OPEN.fetch_add(1, Ordering::Relaxed);
        let mut file = Self(File::from(file));
        file.0.write_all(bytes)?;
        Ok(file)
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn new(_bytes: &[u8]) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// The file.
    pub fn file(&self) -> &File {
        &self.0
    }
}

impl Drop for MemoryFile {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
    }
}
