//! The checksum at the end of a backup.
//!
//! A backup is a database file followed by one line with the SHA-256 of everything before it. The database ignores
//! what follows its last page, so the file can still be opened by its tools, and a copy of it keeps its checksum.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::text::hex;

const LABEL: &str = "\nbantin backup sha256 ";
/// The label, 64 hexadecimal digits and a line break.
const LINE_BYTES: usize = LABEL.len() + 64 + 1;

/// Why a backup cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum BackupError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(
        "it is damaged: its SHA-256 is {found}, but {expected} was written. Use another backup, or another copy of it"
    )]
    Damaged { expected: String, found: String },
    #[error(
        "it does not end with a checksum: it is not a backup, it is cut short or damaged at its end, or an old version \
         wrote it"
    )]
    Missing,
    #[error("it is no file; name the file of the backup: a pipe cannot be read twice")]
    NoFile,
}

/// Appends the checksum to a file, and flushes the file to disk. Returns the checksum.
pub(super) fn append(path: &Path) -> io::Result<String> {
    let mut file = OpenOptions::new().read(true).append(true).open(path)?;
    let length = file.metadata()?.len();
    let sum = copy_and_hash(&mut file, length, &mut io::sink())?;
    file.write_all(format!("{LABEL}{sum}\n").as_bytes())?;
    file.sync_all()?;
    Ok(sum)
}

/// Reads the whole backup and compares its checksum, which is returned.
///
/// # Errors
/// [`BackupError`].
pub(super) fn verify(path: &Path) -> Result<String, BackupError> {
    check(path, &mut io::sink())
}

/// The same, and writes the database without the checksum to a new file that only its owner can read.
///
/// # Errors
/// [`BackupError`]. The new file is useless then.
pub(super) fn verified_copy(path: &Path, copy: &Path) -> Result<String, BackupError> {
    let mut copy = OpenOptions::new().write(true).create_new(true).mode(0o600).open(copy)?;
    check(path, &mut copy)
}

fn check(path: &Path, copy: &mut impl Write) -> Result<String, BackupError> {
    // Before it is opened: that would wait for the other end of a pipe.
    if !std::fs::metadata(path)?.is_file() {
        return Err(BackupError::NoFile);
    }
    let mut file = File::open(path)?;
    let length = file.metadata()?.len().checked_sub(LINE_BYTES as u64).ok_or(BackupError::Missing)?;
    file.seek(SeekFrom::Start(length))?;
    let mut line = String::new();
    let expected = match (&mut file).take(LINE_BYTES as u64).read_to_string(&mut line) {
        Ok(_) => line.strip_prefix(LABEL).and_then(|sum| sum.strip_suffix('\n')),
        Err(cause) if cause.kind() == io::ErrorKind::InvalidData => None,
        Err(cause) => return Err(cause.into()),
    };
    let expected = expected.ok_or(BackupError::Missing)?.to_owned();
    file.seek(SeekFrom::Start(0))?;
    let found = copy_and_hash(&mut file, length, copy)?;
    match found == expected {
        true => Ok(found),
        false => Err(BackupError::Damaged { expected, found }),
    }
}

/// Copies `length` bytes and returns their SHA-256 in hexadecimal digits.
fn copy_and_hash(file: &mut File, length: u64, copy: &mut impl Write) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut reader = BufReader::with_capacity(1 << 20, file.take(length));
    loop {
        let bytes = io::BufRead::fill_buf(&mut reader)?;
        if bytes.is_empty() {
            return Ok(hex(&hash.finalize()));
        }
        hash.update(bytes);
        copy.write_all(bytes)?;
        let count = bytes.len();
        io::BufRead::consume(&mut reader, count);
    }
}
