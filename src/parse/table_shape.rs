//! Classifies a table: data, images with captions, or layout.

use super::normalise::{exceeds_chars, word_count};
use super::stamp::{self, DateReading};
use crate::time::Zone;

/// A row to classify.
pub(super) struct Row {
    /// The texts of its cells.
    pub texts: Vec<String>,
    pub has_picture: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Data,
    /// Images with their captions.
    Pictures,
    /// Cells that are read one after the other.
    Layout,
}

/// Classifies a table. `has_heads`: cells are marked as column or row headings.
pub(super) fn of(rows: &[Row], has_heads: bool, zone: Zone) -> Shape {
    let filled = |row: &Row| row.texts.iter().filter(|text| !text.is_empty()).count();
    let with_picture = rows.iter().filter(|row| row.has_picture).count();
    let of_data = rows.iter().filter(|row| !row.has_picture && filled(row) >= 2).count();
    if with_picture > 0 && of_data <= with_picture {
        return Shape::Pictures;
    }
    let is_single_column = rows.iter().all(|row| row.texts.len() < 2);
    if is_single_column && !has_heads || is_layout(rows, zone) { Shape::Layout } else { Shape::Data }
}

/// Paragraphs in its cells, an official letterhead, or one row with the date of the article.
fn is_layout(rows: &[Row], zone: Zone) -> bool {
    let texts = || rows.iter().flat_map(|row| &row.texts);
    let is_date =
        |text: &String| !exceeds_chars(text, 120) && !matches!(stamp::read(text, zone), DateReading::Nothing);
    let filled = rows.iter().filter(|row| row.texts.iter().any(|text| !text.is_empty())).count();
    texts().any(|text| word_count(text) > 80 || is_letterhead(text)) || filled == 1 && texts().any(is_date)
}

/// Whether the text contains the national motto, which heads every official letter.
fn is_letterhead(text: &str) -> bool {
    const MOTTO: [&str; 2] = ["cộng hòa xã hội chủ nghĩa", "cộng hoà xã hội chủ nghĩa"];
    const MAX_BYTES: usize = 600;
    text.len() <= MAX_BYTES && {
        let lower = text.to_lowercase();
        MOTTO.iter().any(|motto| lower.contains(motto))
    }
}
