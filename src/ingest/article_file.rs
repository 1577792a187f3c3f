//! Reads and parses one file of the articles folder.

use std::io;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::diagnostic::FileDiagnostic;
use super::names::name_of;
use crate::files::{open_below, open_named, read_all};
use crate::message::Message;
use crate::parse::{self, ParseOptions, ParseResult, Severity};

/// Maximum size of an article file.
pub(super) const MAX_ARTICLE_BYTES: u64 = 64 << 20;

/// A parsed file.
pub struct ParsedFile {
    /// SHA-256 of the bytes, hexadecimal.
    pub hash: String,
    /// What the parser made of them.
    pub reading: ParseResult,
}

/// Reads and parses a file below `root`; anywhere if `root` is empty.
///
/// # Errors
/// If it cannot be read, or is too large for an article.
pub fn parse_file(root: &Path, path: &str, options: &ParseOptions) -> io::Result<ParsedFile> {
    let bytes = read_below(root, path, MAX_ARTICLE_BYTES)?;
    Ok(ParsedFile { hash: hash_of(&bytes), reading: parse::parse(name_of(path), &bytes, options) })
}

/// Reads a file below `root`; anywhere if `root` is empty.
///
/// # Errors
/// If it cannot be read, or is larger than `limit`.
pub(super) fn read_below(root: &Path, path: &str, limit: u64) -> io::Result<Vec<u8>> {
    let opened = match root.as_os_str().is_empty() {
        true => open_named(Path::new(path))?,
        false => open_below(root, Path::new(path))?,
    };
    read_all(opened, limit).map(|(bytes, _)| bytes)
}

/// The diagnostics of the parser.
pub fn diagnostics_of(path: &str, file: &ParsedFile) -> Vec<FileDiagnostic> {
    let diagnostic = |found: &parse::Diagnostic| FileDiagnostic {
        line: found.line,
        ..FileDiagnostic::of_message(path, found.severity, found.kind.message())
    };
    file.reading.findings.iter().map(diagnostic).collect()
}

/// Why a file cannot be read as an article.
pub(super) fn read_error(cause: &io::Error) -> Message {
    let limit = MAX_ARTICLE_BYTES >> 20;
    match cause.kind() {
        io::ErrorKind::FileTooLarge => Message::new(
            format!("Tệp lớn hơn {limit} MiB nên không phải là bài viết. Hãy để ảnh thành tệp riêng."),
            format!("is larger than {limit} MiB, so it is not an article; store images as separate files"),
        ),
        io::ErrorKind::PermissionDenied => Message::new(
            "Không có quyền đọc tệp. Hãy kiểm tra quyền truy cập.",
            format!("cannot be read ({cause}); check its permissions"),
        ),
        _ => Message::new(format!("Không đọc được tệp ({cause})."), format!("cannot be read ({cause})")),
    }
}

/// A file that cannot be read as an article. Its published version stays.
pub(super) fn unreadable_file(path: &str, cause: &io::Error) -> FileDiagnostic {
    let Message { vietnamese, english } = read_error(cause);
    FileDiagnostic::new(
        path,
        Severity::Error,
        format!("{vietnamese} Bản đã đăng trước đó, nếu có, vẫn giữ nguyên."),
        format!("{english}; a published version stays"),
    )
}

/// SHA-256 of a file's bytes, hexadecimal.
pub(super) fn hash_of(bytes: &[u8]) -> String {
    crate::text::hex(&Sha256::digest(bytes))
}
