//! `_loi.txt` in a channel folder: lists the rejected and doubtful files for the office, with the reasons.
//!
//! Its name begins with `_`, so scans ignore it.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use tracing::warn;

use super::diagnostic::FileDiagnostic;
use super::names::name_of;
use crate::parse::Severity;

/// The name of the file.
pub(super) const NAME: &str = "_loi.txt";
/// Maximum number of diagnostics in the file.
const MAX_LISTED: usize = 500;

/// The text of the file; `None` if there is nothing to report. Old Windows editors need the byte order mark and CRLF.
pub(super) fn text<'a>(findings: impl Iterator<Item = &'a FileDiagnostic>) -> Option<String> {
    let all: Vec<_> = findings.filter(|finding| finding.severity != Severity::Note).collect();
    if all.is_empty() {
        return None;
    }
    let mut text = String::from(
        "\u{feff}Tệp này do hệ thống tự ghi: các tệp trong thư mục có lỗi hoặc cần xem lại.\n\
         Khi mọi tệp đã ổn, tệp này tự mất. Không cần sửa hay xóa.\n",
    );
    let mut current = None;
    for finding in all.iter().take(MAX_LISTED) {
        if current != Some(&finding.path) {
            current = Some(&finding.path);
            let is_refused =
                all.iter().any(|other| other.path == finding.path && other.severity == Severity::Error);
            let state = if is_refused { "CHƯA ĐĂNG" } else { "Đã đăng, cần xem lại" };
            let _ = write!(text, "\n{}: {state}\n", name_of(&finding.path));
        }
        let _ = writeln!(text, "  Dòng {}: {}", finding.line, finding.message.vietnamese);
    }
    if all.len() > MAX_LISTED {
        let _ = write!(text, "\n… và {} điều khác.\n", all.len() - MAX_LISTED);
    }
    Some(text.replace('\n', "\r\n"))
}

/// Writes the file of a folder if its text has changed; removes it if there is none. Blocking.
///
/// A folder that cannot be written has no such file; the log says so.
pub(super) fn write(root: &Path, folder: &str, text: Option<String>) {
    let folder = root.join(folder);
    if let Err(cause) = replace(&folder, text) {
        warn!(folder = %folder.display(), %cause, "cannot write {NAME}");
    }
}

fn replace(folder: &Path, text: Option<String>) -> io::Result<()> {
    let path = folder.join(NAME);
    let Some(text) = text else {
        return match std::fs::remove_file(&path) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause),
            _ => Ok(()),
        };
    };
    if std::fs::read(&path).is_ok_and(|before| before == text.as_bytes()) || !folder.is_dir() {
        return Ok(());
    }
    // SECURITY: replaces the file atomically, also a link to somewhere else.
    let new = tempfile::Builder::new().prefix("._loi").tempfile_in(folder)?;
    std::fs::write(new.path(), text)?;
    #[cfg(unix)]
    std::fs::set_permissions(new.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    new.persist(&path).map(drop).map_err(|failure| failure.error)
}
