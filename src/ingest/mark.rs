//! The log marker: a file in the articles folder with the id of the log.
//!
//! A wrong or empty mount, or a missing database, must not cause withdrawals or new publications. A folder is marked by
//! its first scan or when an operator confirms it.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use super::diagnostic::FileDiagnostic;
use crate::files::read_named;
use crate::parse::Severity;

const MARK: &str = ".bantin-log";
/// Maximum length of a marker; log ids are shorter.
const MAX_BYTES: usize = 64;

/// The id of the log whose marker the folder has.
pub fn mark_of(folder: &Path) -> Option<String> {
    // Anything but a regular file is not a marker, and is not waited for.
    let text = read_named(&folder.join(MARK), 1 << 20).ok()?;
    let text = String::from_utf8_lossy(&text[..text.len().min(MAX_BYTES)]).trim().to_owned();
    Some(text)
}

/// Writes the marker. After a power failure, the folder has the old marker or the new one.
pub(super) fn mark(folder: &Path, log: &str) -> io::Result<()> {
    let (path, unfinished) = (folder.join(MARK), folder.join(format!("{MARK}.tmp")));
    let mut file = File::create(&unfinished)?;
    writeln!(file, "{log}")?;
    file.sync_all()?;
    fs::rename(unfinished, path)?;
    // Network shares may not support syncing a folder.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

pub(super) fn is_of_another_log(path: &Path, is_marked: bool) -> FileDiagnostic {
    let path = path.display();
    let (vietnamese, english) = match is_marked {
        true => ("có dấu của kho tin khác", "has the marker of another log"),
        false => ("không có dấu của kho tin này", "does not have the marker of this log"),
    };
    FileDiagnostic::new(
        "",
        Severity::Error,
        format!(
            "Thư mục bài viết {path} {vietnamese} ({MARK}). Chưa đọc và chưa gỡ bài nào. Nếu đúng là thư mục \
             này, hãy chạy `bantin scan --confirm`."
        ),
        format!(
            "the articles folder {path} {english} ({MARK}); nothing is read or withdrawn. If it is the right folder, \
             run `bantin scan --confirm`"
        ),
    )
}

pub(super) fn cannot_be_marked(path: &Path, log: &str, cause: &io::Error) -> FileDiagnostic {
    let path = path.display();
    FileDiagnostic::new(
        "",
        Severity::Error,
        format!("Không ghi được {MARK} vào {path} ({cause}). Hãy tự ghi `{log}` vào tệp đó."),
        format!("cannot write {MARK} in {path} ({cause}); write `{log}` into it by hand"),
    )
}
