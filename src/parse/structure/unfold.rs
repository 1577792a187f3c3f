//! Reorders lines that are side by side or out of place: columns, letterheads in tables, labels with the value on the
//! next line.

use std::borrow::Cow;

use super::super::boilerplate;
use super::super::byline;
use super::super::facts::Fact;
use super::super::features::MAX_LINES;
use super::super::normalise::{comparison_key, word_count};
use super::super::piece::{Kind, Piece};
use super::super::stamp::{self, DateReading};
use crate::model::Block;
use crate::search_text::{block_texts, text_of};
use crate::time::Zone;

/// Maximum lines from the top that are treated as the head of a page.
const TOP: usize = 60;

/// The pieces in one column.
pub(super) fn unfolded(pieces: Vec<Piece>, zone: Zone) -> Vec<Piece> {
    // NOTE: real pages are shorter; moving all these lines would be slow.
    if pieces.len() > MAX_LINES {
        return pieces;
    }
    let mut unfolded: Vec<Piece> = Vec::with_capacity(pieces.len());
    for (index, piece) in pieces.into_iter().enumerate() {
        let (parts, kind) = parts(&piece, index < TOP);
        if are_parts_of_a_page(&parts, matches!(piece.kind, Kind::Columns(_)), index < TOP, zone) {
            let part = |text: String| Piece { kind: kind.clone(), text, ..piece.clone() };
            unfolded.extend(parts.into_iter().map(part));
        } else {
            unfolded.push(piece);
        }
    }
    with_values(unfolded, zone)
}

/// The columns of a line; at the top of a page also the cells of a table and the entries of a list.
fn parts(piece: &Piece, at_top: bool) -> (Vec<String>, Kind) {
    const MAX_ROWS: usize = 10;
    let filled = |texts: Vec<Cow<'_, str>>| -> Vec<String> {
        texts.into_iter().filter(|text| !text.is_empty()).map(Cow::into_owned).collect()
    };
    let block = match &piece.kind {
        Kind::Columns(columns) => return (columns.clone(), Kind::Line),
        Kind::Whole(block) if at_top => &**block,
        _ => return (Vec::new(), Kind::Line),
    };
    match block {
        Block::List { .. } => (filled(block_texts(block)), Kind::Item { ordered: false }),
        Block::Table { rows } if rows.len() <= MAX_ROWS => (filled(block_texts(block)), Kind::Line),
        // The article details as Joomla shows them, or an author's list of labels in bold.
        Block::Html { html } if html.starts_with("<dl") || html.starts_with("<ul") => {
            let entry = if html.starts_with("<dl") { "<d" } else { "<li" };
            let entries = html.split(entry).filter_map(|entry| entry.split_once('>'));
            (filled(entries.map(|(_, entry)| text_of(entry).trim().to_owned().into()).collect()), Kind::Line)
        }
        _ => (Vec::new(), Kind::Line),
    }
}

/// Whether the parts are a letterhead, a menu, or a row of tools with the date or author. Other columns may be a
/// table and stay on one line; so do other tables and lists.
fn are_parts_of_a_page(parts: &[String], are_columns: bool, at_top: bool, zone: Zone) -> bool {
    let known = |part: &str| boilerplate::known(part, &comparison_key(part));
    let signs = || are_columns && parts.iter().any(|part| known(part) == Some(Fact::Signature));
    if parts.is_empty() || !at_top {
        return signs();
    }
    let of_site =
        |part: &str| matches!(known(part), Some(Fact::Letterhead | Fact::Site | Fact::Section | Fact::Tool));
    let number = |part: &str| part.bytes().all(|b| b.is_ascii_digit() || b".,".contains(&b));
    let date = |part: &str| matches!(stamp::read(part, zone), DateReading::Date(found) if are_columns || found.label.is_some());
    let credit = |part: &str| byline::labelled(part).is_some();
    let letterheads = parts.iter().filter(|part| known(part) == Some(Fact::Letterhead)).count();
    if are_columns {
        let dated =
            || parts.iter().any(|part| date(part)) && parts.iter().all(|part| date(part) || number(part));
        return parts.iter().any(|part| of_site(part)) || dated() || signs();
    }
    letterheads >= 2 || parts.iter().all(|part| of_site(part) || date(part) || credit(part))
}

/// Joins a label on a line of its own with the value below it: `Tác giả:` and `Hà Minh`.
fn with_values(pieces: Vec<Piece>, zone: Zone) -> Vec<Piece> {
    const TITLES: [&str; 6] = ["tên tác phẩm", "tiêu đề", "tên bài", "tựa đề", "tên bài viết", "tên tin"];
    const TEXTS: [&str; 3] = ["nội dung", "nội dung tác phẩm", "nội dung bài viết"];
    let mut joined: Vec<Piece> = Vec::with_capacity(pieces.len());
    let mut label: Option<Piece> = None;
    for piece in pieces {
        if let Some(above) = label.take() {
            let text = format!("{} {}", above.text, piece.text);
            let key = comparison_key(&above.text);
            let fits = byline::labelled(&text).is_some()
                || matches!(stamp::read(&text, zone), DateReading::Date(found) if found.label.is_some())
                || key == "số" && boilerplate::known(&text, &comparison_key(&text)) == Some(Fact::Letterhead);
            if TITLES.contains(&key.as_str()) && word_count(&piece.text) <= 40 {
                joined.push(Piece { kind: Kind::Heading(1), ..piece });
                continue;
            }
            if fits && piece.kind == Kind::Line {
                joined.push(Piece { text, ..above });
                continue;
            }
            if !TEXTS.contains(&key.as_str()) {
                joined.push(above);
            }
        }
        if piece.text.ends_with(':') && piece.kind == Kind::Line && word_count(&piece.text) <= 4 {
            label = Some(piece);
        } else {
            joined.push(piece);
        }
    }
    joined.extend(label);
    joined
}
