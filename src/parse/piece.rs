//! The lines and paragraphs that the format readers hand to [`structure`](super::structure).

use super::diagnostic::{DiagnosticKind, Diagnostics};
use super::pictures::Images;
use super::safe_html::Inline;
use crate::model::Block;
use crate::search_text::block_texts;

/// The content of a file, as a format reader returns it.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub pieces: Vec<Piece>,
    /// Footnotes and endnotes with their numbers, to be appended to the text.
    pub notes: Vec<Piece>,
    pub images: Images,
}

/// A line or paragraph of a file, in reading order; its text is normalised and on one line.
///
/// NOTE: kept small, because a file may have a hundred thousand lines, and to fetch memory for them takes longer than
/// to read them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub line: usize,
    /// Whether an empty line precedes it, or the markup separates it.
    pub gap: bool,
    pub kind: Kind,
    pub text: String,
    /// The inline HTML, if plain text would lose styles or links.
    pub html: Option<Box<Inline>>,
}

const _: () = assert!(size_of::<Piece>() <= 80);

/// What the markup says about a piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing: a line of text.
    Line,
    /// A line with widely spaced parts; `text` is the complete line.
    Columns(Vec<String>),
    /// A heading with its level.
    Heading(u8),
    /// A list item.
    Item { ordered: bool },
    /// A caption by markup.
    Caption,
    /// A complete block from markup, such as a list or table; `text` is empty.
    Whole(Box<Block>),
}

impl Piece {
    /// Reports the links of a piece of which only the text is kept.
    pub(super) fn report_links(&self, findings: &mut Diagnostics) {
        for link in self.html.iter().flat_map(|html| html.links()) {
            findings.note(self.line, DiagnosticKind::LinkAsText { target: link.as_str().to_owned() });
        }
    }

    /// Its text for messages, also of tables.
    pub(super) fn shown(&self) -> String {
        match &self.kind {
            Kind::Whole(block) => block_texts(block).join(" | "),
            _ => self.text.clone(),
        }
    }
}
