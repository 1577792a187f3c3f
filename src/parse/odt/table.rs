//! Tables: rows and cells, including merged cells.

use roxmltree::Node;

use super::super::normalise::fold;
use super::super::package::{attribute, check_depth};
use super::super::safe_html::Tag;
use super::super::table_shape::{self, Shape};
use super::{OdtReader, ReadResult, is_graphic, text_of};

/// The text of a table of pictures, at most, to be captions.
const MAX_CAPTION_BYTES: usize = 600;
/// The maximum that browsers accept.
const MAX_SPAN: u16 = 1000;

struct Row<'d> {
    cells: Vec<Node<'d, 'd>>,
    head: bool,
}

impl<'d> OdtReader<'d, '_, '_, '_> {
    /// A data table is kept; a table around images, with one column or for layout is replaced by its cells.
    pub(super) fn table(&mut self, table: Node<'d, 'd>, depth: usize) -> ReadResult {
        let mut rows = Vec::new();
        collect_rows(table, false, depth, &mut rows)?;
        let is_nested = table.descendants().skip(1).any(|node| node.tag_name().name() == "table");
        let shape = if is_nested { Shape::Layout } else { self.shape_of(&rows) };
        if shape != Shape::Data {
            let are_captions = shape == Shape::Pictures && text_of(table).len() < MAX_CAPTION_BYTES;
            let before = std::mem::replace(&mut self.below_pictures, are_captions);
            for cell in rows.iter().flat_map(|row| &row.cells) {
                self.blocks(*cell, depth + 1)?;
            }
            self.below_pictures = before;
            return Ok(());
        }
        self.flow.open(Tag::Table, self.paragraph + 1);
        for row in &rows {
            self.flow.open(Tag::Row, self.paragraph + 1);
            for cell in &row.cells {
                let span = |name: &str| {
                    let span = attribute(*cell, name).and_then(|span| span.parse::<u16>().ok());
                    span.unwrap_or(1).clamp(1, MAX_SPAN)
                };
                let (columns, rows) = (span("number-columns-spanned"), span("number-rows-spanned"));
                self.flow.open(Tag::Cell { head: row.head, columns, rows }, self.paragraph + 1);
                self.blocks(*cell, depth + 1)?;
                self.flow.shut();
            }
            self.flow.shut();
        }
        self.flow.shut();
        Ok(())
    }

    fn shape_of(&self, rows: &[Row<'_>]) -> Shape {
        let has_picture =
            |cell: &Node<'_, '_>| cell.descendants().any(|node| is_graphic(node.tag_name().name()));
        let judged: Vec<table_shape::Row> = rows
            .iter()
            .map(|row| table_shape::Row {
                texts: row.cells.iter().map(|cell| fold(&text_of(*cell))).collect(),
                has_picture: row.cells.iter().any(has_picture),
            })
            .collect();
        table_shape::of(&judged, rows.iter().any(|row| row.head), self.zone)
    }
}

/// The rows of a table, without cells that are covered by a merged one. A repeated row or cell, which spreadsheets
/// use for empty ones, is taken once.
fn collect_rows<'d>(parent: Node<'d, 'd>, head: bool, depth: usize, rows: &mut Vec<Row<'d>>) -> ReadResult {
    check_depth(depth)?;
    for node in parent.children() {
        match node.tag_name().name() {
            "table-row" => {
                let cells = node.children().filter(|cell| cell.tag_name().name() == "table-cell").collect();
                rows.push(Row { cells, head });
            }
            "table-header-rows" => collect_rows(node, true, depth + 1, rows)?,
            "table-rows" | "table-row-group" => collect_rows(node, head, depth + 1, rows)?,
            _ => {}
        }
    }
    Ok(())
}
