//! Lines that are laid out side by side, or in the wrong place: columns, letterheads in tables, labels with their value
//! on the next line.

use super::super::boilerplate;
use super::super::byline;
use super::super::facts::Fact;
use super::super::features::MOST_LINES;
use super::super::normalise::{comparison_key, word_count};
use super::super::piece::{Kind, Piece};
use super::super::stamp::{self, Printed};
use crate::model::Block;
use crate::time::Zone;

/// A head is looked for so far down.
const TOP: usize = 60;

/// The pieces one below the other.
pub(super) fn unfolded(pieces: Vec<Piece>, zone: Zone) -> Vec<Piece> {
    // NOTE: no page is as long; to move all its lines would be felt.
    if pieces.len() > MOST_LINES {
        return pieces;
    }
    let mut unfolded: Vec<Piece> = Vec::with_capacity(pieces.len());
    for (index, piece) in pieces.into_iter().enumerate() {
        match &piece.kind {
            Kind::Columns(columns) if are_parts_of_a_page(columns, index < TOP, zone) => {
                push_apart(columns, &piece, &mut unfolded);
            }
            Kind::Whole(Block::Table { rows }) if index < TOP && is_letterhead(rows) => {
                rows.iter().for_each(|row| push_apart(row, &piece, &mut unfolded));
            }
            Kind::Whole(Block::List { items, .. }) if index < TOP && is_row_of_tools(items, zone) => {
                let item = |text: &String| Piece {
                    kind: Kind::Item { ordered: false },
                    text: text.clone(),
                    ..piece.clone()
                };
                unfolded.extend(items.iter().map(item));
            }
            _ => unfolded.push(piece),
        }
    }
    with_values(unfolded, zone)
}

fn push_apart(parts: &[String], piece: &Piece, unfolded: &mut Vec<Piece>) {
    let parts = parts.iter().filter(|part| !part.is_empty());
    unfolded.extend(parts.map(|part| Piece { kind: Kind::Line, text: part.clone(), ..piece.clone() }));
}

/// Columns of a letterhead, of a menu, of a date with its counter. Others may be a table, and stay one line.
fn are_parts_of_a_page(columns: &[String], at_top: bool, zone: Zone) -> bool {
    let known = |column: &String| boilerplate::known(column, &comparison_key(column));
    let is_date = |column: &String| matches!(stamp::read(column, zone), Printed::Date(_));
    let number = |column: &String| column.bytes().all(|b| b.is_ascii_digit() || b".,".contains(&b));
    let signs = columns.iter().any(|column| known(column) == Some(Fact::Signature));
    signs
        || at_top
            && columns.iter().any(|column| {
                matches!(known(column), Some(Fact::Letterhead | Fact::Site | Fact::Section | Fact::Tool))
            })
        || at_top
            && columns.iter().any(is_date)
            && columns.iter().all(|column| is_date(column) || number(column))
}

/// The head of an official document set as a table.
fn is_letterhead(rows: &[Vec<String>]) -> bool {
    let heads = |cell: &&String| boilerplate::known(cell, &comparison_key(cell)) == Some(Fact::Letterhead);
    rows.len() <= 6 && rows.iter().flatten().filter(heads).count() >= 2
}

/// A list of buttons and counters, the date among them.
fn is_row_of_tools(items: &[String], zone: Zone) -> bool {
    let tool = |item: &String| {
        matches!(
            boilerplate::known(item, &comparison_key(item)),
            Some(Fact::Tool | Fact::Site | Fact::Section)
        ) || matches!(stamp::read(item, zone), Printed::Date(found) if found.label.is_some())
    };
    items.iter().all(tool)
}

/// A label alone on its line is put before the value below it: `Tác giả:` and `Hà Minh`.
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
                || matches!(stamp::read(&text, zone), Printed::Date(found) if found.label.is_some())
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
