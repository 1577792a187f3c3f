//! Plain text into pieces: a line is a paragraph, unless the file was wrapped at a width.

use super::finding::Findings;
use super::structure::{Kind, Piece};
use super::text::Cleaner;

/// Cuts a text that begins on `first_line` of its file.
pub(super) fn pieces(
    text: &str,
    first_line: usize,
    cleaner: &mut Cleaner,
    findings: &mut Findings,
) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut gap = true;
    for (offset, raw) in text.split('\n').enumerate() {
        let line = first_line + offset;
        let text = cleaner.line(raw, line, findings);
        if text.is_empty() {
            gap = true;
            continue;
        }
        pieces.push(Piece { line, gap, kind: Kind::Line, text });
        gap = false;
    }
    pieces
}
