//! Opens and reads files that others may be changing at the same time.
//!
//! SECURITY: anyone who can write to the articles folder must not be able to publish files outside of it or to block
//! the service. So a file is opened without following links and without waiting, its type is checked after opening, and
//! every read has a limit. An earlier check of the path is not reliable: the file may have been replaced by a link, a
//! FIFO or a device since.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::{Component, Path};

use rustix::fs::{CWD, Mode, OFlags, open, openat};

/// Does not wait for the writer of a FIFO, and never acquires a controlling terminal.
const FILE: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::DIRECTORY);

/// Opens the regular file at `path` below `root`. Links are followed only if they lead to a place below `root`.
///
/// # Errors
/// If there is none, it is not a regular file or outside of `root`, or it cannot be opened.
pub fn open_below(root: &Path, path: &Path) -> io::Result<File> {
    match walk(root, path) {
        // A link in place of a folder causes ENOTDIR.
        Err(cause) if [rustix::io::Errno::LOOP, rustix::io::Errno::NOTDIR].contains(&errno(&cause)) => {
            let real_root = root.canonicalize()?;
            let real = root.join(path).canonicalize()?;
            let inner = real.strip_prefix(&real_root).map_err(|_| leads_out())?;
            regular(walk(&real_root, inner)?)
        }
        opened => regular(opened?),
    }
}

/// Opens a regular file that a person named, anywhere and through any links.
///
/// # Errors
/// If there is none, it is not a regular file, or it cannot be opened.
pub fn open_named(path: &Path) -> io::Result<File> {
    // Opening a device can have side effects, so it is not attempted.
    if !path.metadata()?.is_file() {
        return Err(not_regular());
    }
    regular(openat(CWD, path, FILE, Mode::empty())?.into())
}

/// The bytes of a file, and its metadata after reading.
///
/// # Errors
/// `FileTooLarge` if it is longer than `limit` bytes, of which no more are read; or if it cannot be read.
pub fn read_all(mut file: File, limit: u64) -> io::Result<(Vec<u8>, Metadata)> {
    let length = file.metadata()?.len();
    if length > limit {
        return Err(too_large(limit));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    (&mut file).take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(too_large(limit));
    }
    let metadata = file.metadata()?;
    Ok((bytes, metadata))
}

/// Reads a regular file that a person named.
///
/// # Errors
/// As [`open_named`] and [`read_all`].
pub fn read_named(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    read_all(open_named(path)?, limit).map(|(bytes, _)| bytes)
}

/// Reads a UTF-8 text file that a person named.
///
/// # Errors
/// As [`read_named`], and if it is not UTF-8.
pub fn read_named_text(path: &Path, limit: u64) -> io::Result<String> {
    String::from_utf8(read_named(path, limit)?)
        .map_err(|cause| io::Error::new(io::ErrorKind::InvalidData, cause))
}

/// Opens the components of the path one by one without following links. `root` may be a link, because the operator
/// named it.
fn walk(root: &Path, path: &Path) -> io::Result<File> {
    let mut names = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => names.push(name),
            Component::CurDir => {}
            _ => return Err(leads_out()),
        }
    }
    let Some((file, folders)) = names.split_last() else { return Err(not_regular()) };
    let mut here = open(root, FOLDER, Mode::empty())?;
    for folder in folders {
        here = openat(&here, *folder, FOLDER | OFlags::NOFOLLOW, Mode::empty())?;
    }
    Ok(openat(&here, *file, FILE | OFlags::NOFOLLOW, Mode::empty())?.into())
}

fn regular(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() { Ok(file) } else { Err(not_regular()) }
}

fn errno(cause: &io::Error) -> rustix::io::Errno {
    rustix::io::Errno::from_io_error(cause).unwrap_or(rustix::io::Errno::IO)
}

fn not_regular() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")
}

fn leads_out() -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, "a link leads out of the folder")
}

fn too_large(limit: u64) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {} MiB", limit >> 20))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::process::Command;

    use super::*;

    fn text(root: &Path, path: &str) -> io::Result<String> {
        let (bytes, _) = read_all(open_below(root, Path::new(path))?, 1 << 20)?;
        Ok(String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn a_link_is_followed_only_within_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("feeds");
        std::fs::create_dir_all(root.join("xa-hoi")).unwrap();
        std::fs::create_dir(dir.path().join("outside")).unwrap();
        std::fs::write(root.join("xa-hoi/a.txt"), "inside").unwrap();
        std::fs::write(dir.path().join("outside/a.txt"), "secret").unwrap();
        symlink("a.txt", root.join("xa-hoi/relative.txt")).unwrap();
        symlink(root.join("xa-hoi/a.txt"), root.join("xa-hoi/absolute.txt")).unwrap();
        symlink("xa-hoi", root.join("folder")).unwrap();
        symlink("../../outside/a.txt", root.join("xa-hoi/out.txt")).unwrap();
        symlink(dir.path().join("outside"), root.join("out")).unwrap();
        symlink("loop.txt", root.join("xa-hoi/loop.txt")).unwrap();
        symlink("/dev/zero", root.join("xa-hoi/endless.txt")).unwrap();
        for path in ["xa-hoi/a.txt", "xa-hoi/relative.txt", "xa-hoi/absolute.txt", "folder/a.txt"] {
            assert_eq!(text(&root, path).unwrap(), "inside", "{path}");
        }
        for path in [
            "xa-hoi/out.txt",
            "out/a.txt",
            "xa-hoi/loop.txt",
            "xa-hoi/endless.txt",
            "../outside/a.txt",
            "xa-hoi",
            "",
        ] {
            assert!(text(&root, path).is_err(), "{path}");
        }
        assert!(open_named(&root.join("xa-hoi/out.txt")).is_ok(), "a person may name a link to any file");
    }

    #[test]
    fn a_fifo_and_a_device_are_rejected_immediately_and_a_long_file_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo.txt");
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        assert!(open_below(dir.path(), Path::new("fifo.txt")).is_err());
        assert!(open_named(&fifo).is_err());
        assert!(open_named(Path::new("/dev/zero")).is_err());
        let long = File::create(dir.path().join("long.txt")).unwrap();
        long.set_len(500 << 20).unwrap();
        let refused = read_all(open_below(dir.path(), Path::new("long.txt")).unwrap(), 1 << 20);
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
