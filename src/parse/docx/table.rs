//! Tables: rows and cells as Word shows them, including merged cells.

use std::collections::HashMap;

use roxmltree::Node;

use super::super::diagnostic::DiagnosticKind;
use super::super::normalise::fold;
use super::super::safe_html::Tag;
use super::super::table_shape::{self, Shape};
use super::DocxReader;
use super::package::{attribute, check_depth, child, switch, value};

/// The text of a table of pictures, at most, to be captions.
const MAX_CAPTION_BYTES: usize = 600;

/// A cell and its span.
struct Cell<'d> {
    /// `None` for empty grid columns.
    node: Option<Node<'d, 'd>>,
    columns: u16,
    rows: u16,
}

struct Row<'d> {
    cells: Vec<Cell<'d>>,
    head: bool,
    /// Whether it is merged into the cell above.
    covered: Vec<Node<'d, 'd>>,
}

impl<'d> DocxReader<'d, '_, '_, '_> {
    /// A data table is kept; a table around images, with one column or for layout is replaced by its cells.
    pub(super) fn table(&mut self, table: Node<'d, 'd>, depth: usize) -> Result<(), DiagnosticKind> {
        self.end_of_story();
        let style = child(table, "tblPr").and_then(|properties| value(properties, "tblStyle"));
        let style = style.and_then(|id| self.styles.get(id)).cloned();
        let before = std::mem::replace(&mut self.table_style, style);
        let result = self.styled_table(table, depth);
        self.table_style = before;
        result
    }

    fn styled_table(&mut self, table: Node<'d, 'd>, depth: usize) -> Result<(), DiagnosticKind> {
        let rows = rows_of(table, depth)?;
        let is_nested = table.descendants().skip(1).any(|node| node.tag_name().name() == "tbl");
        let shape = if is_nested { Shape::Layout } else { self.shape_of(&rows) };
        if shape != Shape::Data {
            let are_captions = shape == Shape::Pictures && text_of(table).len() < MAX_CAPTION_BYTES;
            let before = std::mem::replace(&mut self.below_pictures, are_captions);
            for row in &rows {
                for cell in row.cells.iter().filter_map(|cell| cell.node) {
                    self.cell(cell, depth)?;
                }
                self.pass_over(row);
            }
            self.below_pictures = before;
            return Ok(());
        }
        self.flow.open(Tag::Table, self.paragraph + 1);
        for row in &rows {
            self.flow.open(Tag::Row, self.paragraph + 1);
            for cell in &row.cells {
                let tag = Tag::Cell { head: row.head, columns: cell.columns, rows: cell.rows };
                self.flow.open(tag, self.paragraph + 1);
                if let Some(node) = cell.node {
                    self.cell(node, depth)?;
                }
                self.flow.shut();
            }
            self.flow.shut();
            self.pass_over(row);
        }
        self.flow.shut();
        Ok(())
    }

    /// Closes the lists within a cell.
    fn cell(&mut self, cell: Node<'d, 'd>, depth: usize) -> Result<(), DiagnosticKind> {
        self.end_of_story();
        self.blocks(cell, depth + 1)?;
        self.end_of_story();
        Ok(())
    }

    /// Counts the paragraphs of a merged cell, which Word hides.
    fn pass_over(&mut self, row: &Row<'_>) {
        for cell in &row.covered {
            self.paragraph += cell.descendants().filter(|node| node.tag_name().name() == "p").count();
            let text = fold(&text_of(*cell));
            if !text.is_empty() {
                let text = self.flow.cell(&text, self.paragraph);
                self.flow.findings.note(self.paragraph, DiagnosticKind::HiddenText { text });
            }
        }
    }

    fn shape_of(&self, rows: &[Row<'_>]) -> Shape {
        let has_picture = |cell: &Cell<'_>| {
            cell.node.is_some_and(|node| {
                node.descendants().any(|node| matches!(node.tag_name().name(), "drawing" | "pict"))
            })
        };
        let text = |cell: &Cell<'_>| cell.node.map(|node| fold(&text_of(node))).unwrap_or_default();
        let judged: Vec<table_shape::Row> = rows
            .iter()
            .map(|row| table_shape::Row {
                texts: row.cells.iter().map(text).collect(),
                has_picture: row.cells.iter().any(has_picture),
            })
            .collect();
        table_shape::of(&judged, rows.iter().any(|row| row.head), self.zone)
    }
}

/// The rows, including those in content controls, without deleted and hidden ones.
fn rows_of<'d>(table: Node<'d, 'd>, depth: usize) -> Result<Vec<Row<'d>>, DiagnosticKind> {
    let mut nodes = Vec::new();
    collect(table, "tr", depth, &mut nodes)?;
    let is_there = |row: &Node<'_, '_>| {
        child(*row, "trPr").is_none_or(|properties| {
            child(properties, "del").is_none() && switch(properties, "hidden") != Some(true)
        })
    };
    let mut rows: Vec<Row<'d>> = Vec::new();
    // The cell that spans down in each column, by row and position.
    let mut open: HashMap<usize, (usize, usize)> = HashMap::new();
    for node in nodes.into_iter().filter(is_there) {
        let properties = child(node, "trPr");
        let number = |name: &str| {
            properties.and_then(|node| value(node, name)).and_then(|text| text.parse::<u16>().ok())
        };
        let head = properties.and_then(|node| switch(node, "tblHeader")) == Some(true);
        let mut row = Row { cells: Vec::new(), head, covered: Vec::new() };
        let mut column = 0;
        if let Some(columns) = number("gridBefore").filter(|columns| *columns > 0) {
            let columns = columns.min(MAX_COLUMNS);
            row.cells.push(Cell { node: None, columns, rows: 1 });
            column += usize::from(columns);
        }
        let mut cells = Vec::new();
        collect(node, "tc", depth, &mut cells)?;
        for cell in cells {
            let properties = child(cell, "tcPr");
            if properties.is_some_and(|node| child(node, "cellDel").is_some()) {
                continue;
            }
            let merge = |name: &str| {
                let merge = properties.and_then(|node| child(node, name))?;
                Some(attribute(merge, "val") == Some("restart"))
            };
            let columns =
                properties.and_then(|node| value(node, "gridSpan")).and_then(|text| text.parse().ok());
            let columns: u16 = columns.unwrap_or(1).clamp(1, MAX_COLUMNS);
            if merge("hMerge") == Some(false)
                && let Some(before) = row.cells.last_mut()
            {
                before.columns = before.columns.saturating_add(columns).min(MAX_COLUMNS);
                row.covered.push(cell);
                column += usize::from(columns);
                continue;
            }
            match merge("vMerge") {
                Some(false) if open.contains_key(&column) => {
                    let (above, place) = open[&column];
                    let reaches = &mut rows[above].cells[place].rows;
                    *reaches = reaches.saturating_add(1);
                    row.covered.push(cell);
                }
                merge => {
                    open.remove(&column);
                    if merge == Some(true) {
                        open.insert(column, (rows.len(), row.cells.len()));
                    }
                    row.cells.push(Cell { node: Some(cell), columns, rows: 1 });
                }
            }
            column += usize::from(columns);
        }
        rows.push(row);
    }
    Ok(rows)
}

/// The maximum that browsers accept.
const MAX_COLUMNS: u16 = 1000;

/// The rows of a table or the cells of a row, including those nested in wrapper elements.
fn collect<'d>(
    parent: Node<'d, 'd>,
    name: &str,
    depth: usize,
    found: &mut Vec<Node<'d, 'd>>,
) -> Result<(), DiagnosticKind> {
    check_depth(depth)?;
    for node in parent.children().filter(Node::is_element) {
        match node.tag_name().name() {
            known if known == name => found.push(node),
            "sdt" | "sdtContent" | "customXml" | "ins" | "moveTo" | "smartTag" => {
                collect(node, name, depth + 1, found)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// The approximate text of a cell, to classify the table.
fn text_of(cell: Node<'_, '_>) -> String {
    let mut text = String::new();
    for node in cell.descendants() {
        match node.tag_name().name() {
            "t" => text.push_str(node.text().unwrap_or_default()),
            "p" | "tab" | "br" => text.push(' '),
            _ => {}
        }
    }
    text
}
