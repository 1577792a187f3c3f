//! Markdown into pieces. Raw HTML in it is left out: its tags are told, its text stays.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::caption;
use super::finding::{Complaint, Findings};
use super::rich::{self, Address, Flow};
use super::stamp::{self, Printed};
use super::structure::{Kind, Piece};
use super::text::Cleaner;
use crate::vietnam_time::Zone;

/// Reads Markdown that begins on `first_line` of its file. `None` where it was refused.
pub(super) fn pieces(
    text: &str,
    first_line: usize,
    zone: Zone,
    cleaner: &mut Cleaner,
    findings: &mut Findings,
) -> Option<Vec<Piece>> {
    let mut lines = LineTable::new(text, first_line);
    let mut line = first_line;
    let mut flow = Flow::new(cleaner, findings);
    let mut reader =
        Reader { flow: &mut flow, zone, kind: Kind::Line, lists: Vec::new(), table: None, hushed: false };
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        // The end of a block is told with where it began, which was asked for then.
        if !matches!(event, Event::End(_)) {
            line = lines.line_of(range.start);
        }
        let next = text.get(range.end..).unwrap_or_default();
        reader.event(event, line, next);
        if reader.flow.is_overflowing() {
            reader.flow.findings.refuse(line, Complaint::GrowsWhenRead { limit: rich::MOST_OUTPUT });
            return None;
        }
    }
    Some(flow.finish())
}

struct Reader<'r, 'c, 'f> {
    flow: &'r mut Flow<'c, 'f>,
    zone: Zone,
    kind: Kind,
    /// Open lists, ordered or not.
    lists: Vec<bool>,
    table: Option<Table>,
    /// Between `<script>` and its end, or the paragraph's.
    hushed: bool,
}

#[derive(Default)]
struct Table {
    line: usize,
    rows: Vec<Vec<String>>,
    cell: String,
}

impl Reader<'_, '_, '_> {
    fn event(&mut self, event: Event<'_>, line: usize, next: &str) {
        match event {
            Event::Start(tag) => self.start(tag, line),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Code(text) => self.text(&text, line),
            Event::SoftBreak => self.soft_break(line, next),
            Event::HardBreak => self.flow.line_break(&self.kind),
            Event::Html(html) => self.html(&html, line),
            Event::InlineHtml(html) => {
                self.hushed = opens_code(&html) || self.hushed && !closes_code(&html);
                self.html(&html, line);
            }
            Event::Rule => self.flow.close(self.kind.clone()),
            _ => {}
        }
    }

    fn text(&mut self, text: &str, line: usize) {
        match &mut self.table {
            Some(table) => table.cell.push_str(text),
            None if self.hushed => {}
            None => self.flow.text(text, line),
        }
    }

    /// A line end within a paragraph is a space, unless the next line is one that stands by itself: a caption
    /// or a date typed right below its neighbour.
    fn soft_break(&mut self, line: usize, next: &str) {
        let below = next.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        let is_alone =
            || caption::read(below).is_some() || !matches!(stamp::read(below, self.zone), Printed::Nothing);
        let is_date_now = || self.kind == Kind::Line && self.flow.holds_a_date(self.zone);
        if is_alone() || is_date_now() {
            self.flow.line_break(&self.kind);
        } else {
            self.flow.text(" ", line);
        }
    }

    fn start(&mut self, tag: Tag<'_>, line: usize) {
        match tag {
            Tag::Paragraph | Tag::BlockQuote(_) | Tag::CodeBlock(_) => self.flow.close(self.kind.clone()),
            Tag::Heading { level, .. } => self.open(Kind::Heading(level_of(level))),
            Tag::List(first) => {
                self.flow.close(self.kind.clone());
                self.lists.push(first.is_some());
            }
            Tag::Item => self.open(Kind::Item { ordered: self.lists.last().copied().unwrap_or_default() }),
            Tag::Table(_) => {
                self.flow.close(self.kind.clone());
                self.table = Some(Table { line, ..Table::default() });
            }
            Tag::TableHead | Tag::TableRow => {
                if let Some(table) = &mut self.table {
                    table.rows.push(Vec::new());
                }
            }
            Tag::Emphasis => self.flow.style.emphasis = true,
            Tag::Strong => self.flow.style.strong = true,
            Tag::Link { dest_url, .. } => {
                self.flow.style.link = Address::of(&dest_url, None);
                if self.flow.style.link.is_none() {
                    let target = dest_url.chars().take(200).collect();
                    self.flow.findings.note(line, Complaint::LinkDropped { target });
                }
            }
            // The text of a picture is what it shows.
            Tag::Image { .. } => self.open(Kind::Caption),
            Tag::HtmlBlock => self.flow.close(self.kind.clone()),
            _ => {}
        }
    }

    fn open(&mut self, kind: Kind) {
        self.flow.close(self.kind.clone());
        self.kind = kind;
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph if self.hushed => {
                self.hushed = false;
                self.flow.close(self.kind.clone());
            }
            TagEnd::Paragraph | TagEnd::BlockQuote(_) | TagEnd::CodeBlock | TagEnd::HtmlBlock => {
                self.flow.close(self.kind.clone());
            }
            TagEnd::Heading(_) | TagEnd::Image => {
                self.flow.close(self.kind.clone());
                self.kind = self.outer_kind();
            }
            TagEnd::Item => {
                self.flow.close(self.kind.clone());
                self.kind = Kind::Line;
            }
            TagEnd::List(_) => {
                self.lists.pop();
            }
            TagEnd::TableCell => {
                if let Some(table) = &mut self.table {
                    let raw = std::mem::take(&mut table.cell);
                    let cell = self.flow.cell(&raw, table.line);
                    if let Some(row) = table.rows.last_mut() {
                        row.push(cell);
                    }
                }
            }
            TagEnd::Table => {
                if let Some(table) = self.table.take() {
                    self.flow.table(table.rows, table.line);
                }
            }
            TagEnd::Emphasis => self.flow.style.emphasis = false,
            TagEnd::Strong => self.flow.style.strong = false,
            TagEnd::Link => self.flow.style.link = None,
            _ => {}
        }
    }

    fn outer_kind(&self) -> Kind {
        self.lists.last().map_or(Kind::Line, |ordered| Kind::Item { ordered: *ordered })
    }

    fn html(&mut self, html: &str, line: usize) {
        let tag = html.trim_start_matches(['<', '/', ' ']).to_ascii_lowercase();
        if tag.starts_with("br") {
            return self.flow.line_break(&self.kind);
        }
        let text = html.trim().chars().take(200).collect::<String>();
        if !text.is_empty() && !text.starts_with("<!--") && !text.starts_with("</") {
            self.flow.findings.note(line, Complaint::Dropped { text });
        }
    }
}

fn opens_code(html: &str) -> bool {
    let tag = html.trim_start_matches('<').to_ascii_lowercase();
    tag.starts_with("script") || tag.starts_with("style")
}

fn closes_code(html: &str) -> bool {
    let tag = html.trim_start_matches("</").to_ascii_lowercase();
    html.starts_with("</") && (tag.starts_with("script") || tag.starts_with("style"))
}

fn level_of(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

/// Where each line begins, to be asked in the order of the text.
struct LineTable {
    starts: Vec<usize>,
    first_line: usize,
    /// The line that was asked for last, counted from 0.
    at: usize,
}

impl LineTable {
    fn new(text: &str, first_line: usize) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { starts: std::iter::once(0).chain(ends).collect(), first_line, at: 0 }
    }

    fn line_of(&mut self, offset: usize) -> usize {
        if offset < self.starts[self.at] {
            self.at = self.starts.partition_point(|start| *start <= offset).saturating_sub(1);
        }
        while self.starts.get(self.at + 1).is_some_and(|start| *start <= offset) {
            self.at += 1;
        }
        self.first_line + self.at
    }
}
