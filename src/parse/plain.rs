//! Splits plain text into pieces: a line is a paragraph, unless the file was wrapped at a fixed width; lists are
//! recognised by bullets or numbers, tables by tabs or bars.

use super::diagnostic::{DiagnosticKind, Diagnostics};
use super::normalise::{Normalizer, ends_a_sentence, fold, word_count};
use super::piece::{Kind, Piece};
use crate::model::Block;

/// Splits a text that begins on `first_line` of its file.
pub(super) fn pieces(
    text: &str,
    first_line: usize,
    cleaner: &mut Normalizer,
    findings: &mut Diagnostics,
) -> Vec<Piece> {
    let lines = lines(text, first_line, cleaner, findings);
    let lines = unwrapped(lines, findings);
    with_lists(with_tables(lines))
}

/// A non-empty line before it is analysed.
struct RawLine {
    piece: Piece,
    /// The cells, if tabs or bars separate it.
    cells: Vec<String>,
    /// The parts, if tabs or wide spaces separate it.
    columns: Vec<String>,
}

impl RawLine {
    fn into_piece(self) -> Piece {
        let kind = if self.columns.is_empty() { self.piece.kind } else { Kind::Columns(self.columns) };
        Piece { kind, ..self.piece }
    }
}

fn lines(
    text: &str,
    first_line: usize,
    cleaner: &mut Normalizer,
    findings: &mut Diagnostics,
) -> Vec<RawLine> {
    // NOTE: counting the lines first is cheaper than growing the vector.
    let mut lines = Vec::with_capacity(text.bytes().filter(|byte| *byte == b'\n').count() + 1);
    let mut gap = true;
    for (offset, raw) in text.split('\n').enumerate() {
        let line = first_line + offset;
        let kept = cleaner.text(raw, line, findings);
        let text = fold(&kept);
        if text.is_empty() {
            gap = true;
            continue;
        }
        let (cells, columns) = (cells(&kept), columns(&kept));
        lines.push(RawLine {
            piece: Piece { line, gap, kind: Kind::Line, text, html: None },
            cells,
            columns,
        });
        gap = false;
    }
    lines
}

/// The parts of a line separated by tabs or at least four spaces, as in a letterhead with two columns.
fn columns(line: &str) -> Vec<String> {
    const MOST: usize = 8;
    const WIDE: [&str; 3] = ["\t", "    ", "\u{a0}\u{a0}\u{a0}\u{a0}"];
    let trimmed = line.trim();
    if trimmed.len() < 3 || !WIDE.iter().any(|wide| trimmed.contains(wide)) {
        return Vec::new();
    }
    let parts = WIDE.iter().fold(trimmed.to_owned(), |text, wide| text.replace(wide, "\t"));
    let columns = parts.split('\t').map(str::trim).filter(|part| !part.is_empty());
    if (2..=MOST).contains(&columns.clone().take(MOST + 1).count()) {
        columns.map(fold).collect()
    } else {
        Vec::new()
    }
}

/// The cells of a row pasted from a table: separated by tabs, or framed and separated by bars.
fn cells(line: &str) -> Vec<String> {
    let trimmed = line.trim_matches([' ', '\u{a0}', '\r']);
    let framed = trimmed.strip_prefix('|').and_then(|inner| inner.strip_suffix('|'));
    match framed {
        Some(inner) if inner.contains('|') => inner.split('|').map(fold).collect(),
        _ if trimmed.trim_matches('\t').contains('\t') => {
            trimmed.trim_end_matches('\t').split('\t').map(fold).collect()
        }
        _ => Vec::new(),
    }
}

/// Joins the lines of a file that was wrapped at a fixed width: at nearly every line break, the next word would not
/// have fitted. A file whose lines just happen to be short is unchanged.
fn unwrapped(lines: Vec<RawLine>, findings: &mut Diagnostics) -> Vec<RawLine> {
    const WIDEST: usize = 110;
    let length = |line: &RawLine| line.piece.text.chars().count();
    let width = lines.iter().map(length).max().unwrap_or(0);
    if !(40..=WIDEST).contains(&width) {
        return lines;
    }
    let full = |above: &RawLine, below: &RawLine| {
        let first = below.piece.text.split(' ').next().map_or(0, |word| word.chars().count());
        length(above) + 1 + first > width && above.cells.is_empty() && below.cells.is_empty()
    };
    let breaks: Vec<usize> = (1..lines.len()).filter(|index| !lines[*index].piece.gap).collect();
    let within = |index: &usize| {
        full(&lines[index - 1], &lines[*index]) && !ends_a_sentence(&lines[index - 1].piece.text)
    };
    let clear = breaks.iter().filter(|index| within(index)).count();
    if clear < 3 || clear * 2 < breaks.len() {
        return lines;
    }
    let mut joined: Vec<RawLine> = Vec::new();
    let (mut count, mut first) = (0, 0);
    let mut above_was_full = false;
    for (index, line) in lines.iter().enumerate() {
        let continues = index > 0 && !line.piece.gap && above_was_full;
        above_was_full = lines.get(index + 1).is_some_and(|below| full(line, below));
        match joined.last_mut() {
            Some(paragraph) if continues => {
                first = if count == 0 { line.piece.line } else { first };
                count += 1;
                paragraph.piece.text.push(' ');
                paragraph.piece.text.push_str(&line.piece.text);
            }
            _ => joined.push(RawLine {
                piece: line.piece.clone(),
                cells: line.cells.clone(),
                columns: line.columns.clone(),
            }),
        }
    }
    findings.note(first.max(1), DiagnosticKind::LinesJoined { count });
    joined
}

/// Turns two or more consecutive rows, each with at least two cells, into a table.
fn with_tables(lines: Vec<RawLine>) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::with_capacity(lines.len());
    let mut rows: Vec<RawLine> = Vec::new();
    for line in lines {
        let is_row = line.cells.len() >= 2;
        if is_row && (rows.is_empty() || !line.piece.gap) {
            rows.push(line);
            continue;
        }
        close_table(&mut rows, &mut pieces);
        if is_row { rows.push(line) } else { pieces.push(line.into_piece()) }
    }
    close_table(&mut rows, &mut pieces);
    pieces
}

fn close_table(rows: &mut Vec<RawLine>, pieces: &mut Vec<Piece>) {
    if rows.len() < 2 {
        pieces.extend(rows.drain(..).map(RawLine::into_piece));
        return;
    }
    let (line, gap) = (rows[0].piece.line, rows[0].piece.gap);
    let is_frame =
        |cells: &[String]| cells.iter().all(|cell| cell.chars().all(|c| matches!(c, '-' | ':' | '=' | '+')));
    let rows: Vec<Vec<String>> =
        rows.drain(..).map(|row| row.cells).filter(|cells| !is_frame(cells)).collect();
    let kind = Kind::Whole(Box::new(Block::Table { rows }));
    pieces.push(Piece { line, gap, kind, text: String::new(), html: None });
}

/// The marker before a list entry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ListMark {
    /// A bullet, which has no other meaning.
    Bullet,
    /// A dash, which also introduces direct speech.
    Dash,
    Number(u32),
}

/// Turns two or more consecutive entries into a list. Dashes also begin direct speech and paragraphs of official
/// texts; they only count below a line that announces a list, or if entries end with semicolons.
fn with_lists(mut pieces: Vec<Piece>) -> Vec<Piece> {
    let mut index = 0;
    while index < pieces.len() {
        let (length, is_list) = list_at(&pieces, index);
        for piece in pieces[index..index + length].iter_mut().filter(|_| is_list) {
            if let Some((mark, text)) = marked(&piece.text) {
                piece.kind = Kind::Item { ordered: matches!(mark, ListMark::Number(_)) };
                piece.text = text.to_owned();
            }
        }
        index += length.max(1);
    }
    pieces
}

/// Maximum words of a short entry.
const LONGEST_ENTRY: usize = 25;

/// The number of lines with the same kind of marker from `index` on, and whether they are a list.
fn list_at(pieces: &[Piece], index: usize) -> (usize, bool) {
    let mark_of = |piece: &Piece| {
        if piece.kind == Kind::Line { marked(&piece.text).map(|(mark, _)| mark) } else { None }
    };
    let Some(first) = mark_of(&pieces[index]) else { return (0, false) };
    if matches!(first, ListMark::Number(number) if number != 1) {
        return (0, false);
    }
    let same = |(offset, piece): (usize, &Piece)| match (first, mark_of(piece)) {
        (ListMark::Number(_), Some(ListMark::Number(number))) => number as usize == offset + 1,
        (_, Some(mark)) => mark == first,
        _ => false,
    };
    let length =
        pieces[index..].iter().enumerate().take_while(|(offset, piece)| same((*offset, piece))).count();
    if length < 2 {
        return (length, false);
    }
    let announced = index > 0 && pieces[index - 1].text.ends_with(':');
    let parted = pieces[index..index + length - 1].iter().any(|piece| piece.text.ends_with(';'));
    // NOTE: numbered paragraphs are cited by their numbers; without an announcement, only short entries are a list.
    let short = pieces[index..index + length].iter().all(|piece| word_count(&piece.text) <= LONGEST_ENTRY);
    let is_list = match first {
        ListMark::Bullet => true,
        ListMark::Dash => announced || parted,
        ListMark::Number(_) => short,
    };
    (length, is_list)
}

fn marked(text: &str) -> Option<(ListMark, &str)> {
    let first = text.chars().next()?;
    let rest = &text[first.len_utf8()..];
    if matches!(first, '•' | '●' | '▪' | '◦' | '*' | '+' | '✓' | '➢' | '·') {
        return rest.strip_prefix(' ').map(|rest| (ListMark::Bullet, rest));
    }
    if matches!(first, '-' | '–' | '—') {
        return rest.strip_prefix(' ').map(|rest| (ListMark::Dash, rest));
    }
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if !(1..=2).contains(&digits) {
        return None;
    }
    let rest = text[digits..].strip_prefix(['.', ')'])?.strip_prefix(' ')?;
    Some((ListMark::Number(text[..digits].parse().ok()?), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> (Vec<(usize, Kind, String)>, Diagnostics) {
        let mut findings = Diagnostics::default();
        let pieces = pieces(text, 1, &mut Normalizer::new("vi"), &mut findings);
        (pieces.into_iter().map(|piece| (piece.line, piece.kind, piece.text)).collect(), findings)
    }

    #[test]
    fn a_table_pasted_as_text_keeps_its_cells() {
        let (pieces, _) = cut("Kết quả:\nXã\tĐạt\nDiên Bình\t19\nKon Đào\t\n\nHết phần.");
        let rows = [["Xã", "Đạt"], ["Diên Bình", "19"]];
        let mut wanted: Vec<Vec<String>> = rows.map(|row| row.map(str::to_owned).to_vec()).to_vec();
        // A row with one cell ends the table, so that its cell is not lost.
        assert_eq!(pieces[1].1, Kind::Whole(Box::new(Block::Table { rows: wanted.clone() })));
        assert_eq!(pieces[2].2, "Kon Đào");
        let (pieces, _) = cut("| Xã | Đạt |\n|---|---|\n| Diên Bình | 19 |");
        assert_eq!(pieces[0].1, Kind::Whole(Box::new(Block::Table { rows: std::mem::take(&mut wanted) })));
    }

    #[test]
    fn lists_are_recognised_by_bullets_and_consecutive_numbers() {
        let kinds = |text: &str| cut(text).0.into_iter().map(|(_, kind, _)| kind).collect::<Vec<_>>();
        let (bullet, number) = (Kind::Item { ordered: false }, Kind::Item { ordered: true });
        assert_eq!(kinds("• Một\n\n• Hai"), [bullet.clone(), bullet.clone()]);
        assert_eq!(kinds("1. Một\n2. Hai\n3) Ba"), [number.clone(), number.clone(), number]);
        assert_eq!(kinds("Gồm có:\n- Một\n- Hai")[1..], [bullet.clone(), bullet]);
        assert_eq!(kinds("- Anh đi đâu?\n- Tôi đi họp."), [Kind::Line, Kind::Line]);
        assert_eq!(kinds("1. Một\n3. Ba"), [Kind::Line, Kind::Line]);
        assert_eq!(kinds("12. Mười hai\n13. Mười ba"), [Kind::Line, Kind::Line]);
    }

    #[test]
    fn text_wrapped_at_a_width_is_joined_but_short_lines_are_not() {
        let wrapped = "Chiều 12/5, UBND huyện Đăk Tô tổ chức Hội nghị phát động\n\
                       phong trào thi đua năm 2023 và khen thưởng các tập thể, cá\n\
                       nhân có thành tích xuất sắc trong thực hiện các phong trào\n\
                       thi đua trên địa bàn huyện.\n\nTấn Lộc";
        let (pieces, findings) = cut(wrapped);
        assert_eq!(pieces.len(), 2);
        assert!(pieces[0].2.contains("các tập thể, cá nhân có thành tích"));
        assert_eq!(findings.into_sorted()[0].kind, DiagnosticKind::LinesJoined { count: 3 });
        let short = "Huyện Đăk Tô phát động\n12/05/2023\nHội nghị diễn ra trong một ngày, có nhiều đại biểu\nTấn Lộc\nPV";
        assert_eq!(cut(short).0.len(), 5);
    }
}
