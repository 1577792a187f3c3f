//! The mark of the log in the folder of articles: a file that holds the log's id.
//!
//! A wrong or empty mount, or a database that is gone, must not withdraw or publish anything anew. The first scan
//! marks the folder, or one that somebody has confirmed.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use super::diagnostic::FileDiagnostic;
use super::open::read_named;
use crate::parse::Severity;

const MARK: &str = ".bantin-log";
/// A log's id is shorter.
const LONGEST: usize = 64;

/// The id of the log whose mark the folder bears.
pub fn mark_of(folder: &Path) -> Option<String> {
    // What is no plain file is no mark, and is not waited for.
    let text = read_named(&folder.join(MARK), 1 << 20).ok()?;
    let text = String::from_utf8_lossy(&text[..text.len().min(LONGEST)]).trim().to_owned();
    Some(text)
}

/// Marks the folder. Whenever the power goes, it bears the old mark or the new one.
pub(super) fn mark(folder: &Path, log: &str) -> io::Result<()> {
    let (path, unfinished) = (folder.join(MARK), folder.join(format!("{MARK}.tmp")));
    let mut file = File::create(&unfinished)?;
    writeln!(file, "{log}")?;
    file.sync_all()?;
    fs::rename(unfinished, path)?;
    // A network share may not know how to flush a folder.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

pub(super) fn is_of_another_log(path: &Path, is_marked: bool) -> FileDiagnostic {
    let path = path.display();
    let (vietnamese, english) = match is_marked {
        true => ("mang dấu của kho tin khác", "bears the mark of another log"),
        false => ("không mang dấu của kho tin này", "does not bear the mark of this log"),
    };
    FileDiagnostic::new(
        "",
        Severity::Error,
        format!(
            "thư mục bài viết {path} {vietnamese} ({MARK}); chưa đọc và chưa gỡ bài nào. Nếu đúng là thư mục \
             này, hãy chạy `bantin scan --confirm`"
        ),
        format!(
            "the folder of articles {path} {english} ({MARK}); nothing is read and nothing withdrawn. If it is \
             the right folder, run `bantin scan --confirm`"
        ),
    )
}

pub(super) fn cannot_be_marked(path: &Path, log: &str, cause: &io::Error) -> FileDiagnostic {
    let path = path.display();
    FileDiagnostic::new(
        "",
        Severity::Error,
        format!("không ghi được {MARK} vào {path} ({cause}); hãy tự ghi `{log}` vào tệp đó"),
        format!("{MARK} cannot be written into {path} ({cause}); write `{log}` into it by hand"),
    )
}
