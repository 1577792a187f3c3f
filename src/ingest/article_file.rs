//! Reads and parses one file of the articles folder.

use std::io;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::diagnostic::FileDiagnostic;
use super::names::name_of;
use super::open::{open_below, open_named, read_all};
use crate::image::{self, StrippedImage};
use crate::parse::{self, ParseOptions, ParseResult, Severity};

/// Maximum size of an article file.
pub(super) const MAX_ARTICLE_BYTES: u64 = 16 << 20;

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
    let opened = match root.as_os_str().is_empty() {
        true => open_named(Path::new(path))?,
        false => open_below(root, Path::new(path))?,
    };
    let (bytes, _) = read_all(opened, MAX_ARTICLE_BYTES)?;
    Ok(ParsedFile { hash: hash_of(&bytes), reading: parse::parse(name_of(path), &bytes, options) })
}

/// The diagnostics of the parser.
pub fn diagnostics_of(path: &str, file: &ParsedFile) -> Vec<FileDiagnostic> {
    let diagnostic = |found: &parse::Diagnostic| FileDiagnostic {
        line: found.line,
        ..FileDiagnostic::of_message(path, found.severity, found.kind.message())
    };
    file.reading.findings.iter().map(diagnostic).collect()
}

/// SHA-256 of a file's bytes, hexadecimal.
pub(super) fn hash_of(bytes: &[u8]) -> String {
    crate::text::hex(&Sha256::digest(bytes))
}

/// Reads an image and strips its metadata.
///
/// # Errors
/// The reason why it cannot be published.
pub(super) fn read_image(root: &Path, path: &str) -> Result<StrippedImage, Box<FileDiagnostic>> {
    let read = open_below(root, Path::new(path)).and_then(|file| read_all(file, image::MAX_BYTES as u64));
    let (bytes, _) = read.map_err(|cause| {
        Box::new(FileDiagnostic::new(
            path,
            Severity::Warning,
            format!("không đọc được ảnh ({cause}); bài đăng không có ảnh này"),
            format!("the image cannot be read ({cause}); the article is published without it"),
        ))
    })?;
    image::strip_metadata(bytes)
        .map_err(|refused| Box::new(FileDiagnostic::of_message(path, Severity::Warning, refused.message())))
}
