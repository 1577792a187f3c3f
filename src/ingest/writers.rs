//! Detects files that are still being written: by open file descriptors, and by the end of their bytes.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::parse::{FileFormat, format_from_name};

/// A file is read once it has not changed for this long.
pub(super) const DEBOUNCE: Duration = Duration::from_millis(300);
/// A text without a line end at its end may be incomplete; it is read after this time.
pub(super) const UNFINISHED: Duration = Duration::from_secs(3);
/// A file that is open for writing is read once it has not changed for this long.
pub(super) const HELD_OPEN: Duration = Duration::from_secs(30);

/// The files (absolute paths without links) that a process on this machine has open for writing. Processes of other
/// users are visible to root only; those on other machines are not visible.
pub(super) fn open_for_writing(files: &HashSet<PathBuf>) -> HashSet<PathBuf> {
    let mut open = HashSet::new();
    let Ok(processes) = fs::read_dir("/proc") else { return open };
    for process in processes.flatten() {
        let is_process =
            process.file_name().to_str().is_some_and(|name| name.bytes().all(|b| b.is_ascii_digit()));
        let descriptors = is_process.then(|| fs::read_dir(process.path().join("fd")).ok()).flatten();
        for descriptor in descriptors.into_iter().flatten().flatten() {
            let Ok(file) = fs::read_link(descriptor.path()) else { continue };
            if files.contains(&file) && writes(&process.path(), &descriptor.file_name()) {
                open.insert(file);
            }
        }
    }
    open
}

/// Whether a descriptor was opened for writing (proc_pid_fdinfo(5): octal flags, access mode in the last two bits).
fn writes(process: &Path, descriptor: &std::ffi::OsStr) -> bool {
    let Ok(info) = fs::read_to_string(process.join("fdinfo").join(descriptor)) else { return false };
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok()).is_some_and(|flags| flags & 3 != 0)
}

/// Whether the bytes may be the beginning of a longer file: a text without a line end at its end, or whose length is a
/// multiple of a write buffer; a document without its zip directory.
pub(super) fn may_be_incomplete(name: &str, bytes: &[u8]) -> bool {
    const WRITE_BUFFER: usize = 4096;
    let tail = &bytes[bytes.len().saturating_sub(2)..];
    match format_from_name(name) {
        Some(FileFormat::Docx | FileFormat::Odt) => {
            // The end of central directory record, followed by a comment of at most 64 KiB (APPNOTE 4.3.16).
            let end = &bytes[bytes.len().saturating_sub((1 << 16) + 22)..];
            !end.windows(4).any(|window| window == b"PK\x05\x06")
        }
        Some(FileFormat::Html) if bytes.trim_ascii_end().to_ascii_lowercase().ends_with(b"</html>") => false,
        // In UTF-16, the line end is one of two bytes.
        _ => !tail.contains(&b'\n') || bytes.len().is_multiple_of(WRITE_BUFFER),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn files_open_for_writing_are_found_but_not_those_open_for_reading() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let (written, read) = (root.join("written.txt"), root.join("read.txt"));
        fs::write(&read, "x").unwrap();
        let mut writer = fs::File::create(&written).unwrap();
        writer.write_all(b"half").unwrap();
        let _reader = fs::File::open(&read).unwrap();
        let files = HashSet::from([written.clone(), read]);
        assert_eq!(open_for_writing(&files), HashSet::from([written]));
        drop(writer);
        assert!(open_for_writing(&files).is_empty());
    }

    #[test]
    fn a_text_ends_with_a_line_end_and_a_document_with_its_directory() {
        for (name, bytes) in [
            ("a.txt", &b"line\n"[..]),
            ("a.txt", b"line\r\n"),
            ("a.txt", b"l\0\n\0"),
            ("a.md", b"\0l\0\n"),
            ("a.html", b"<html></HTML> "),
            ("a.docx", b"PK\x03\x04 PK\x05\x06 a comment"),
        ] {
            assert!(!may_be_incomplete(name, bytes), "{name} {bytes:?}");
        }
        let piece = [b"x".repeat(4095), b"\n".to_vec()].concat();
        for (name, bytes) in [
            ("a.txt", &b""[..]),
            ("a.txt", b"line"),
            ("a.txt", "đ".as_bytes().split_last().unwrap().1),
            ("a.txt", &piece),
            ("a.html", b"<html><p>"),
            ("a.docx", b"PK\x03\x04"),
        ] {
            assert!(may_be_incomplete(name, bytes), "{name}");
        }
    }
}
