//! Collects styled runs of text and turns them into pieces at the end of each block.
//!
//! A piece keeps HTML only if plain text would lose something: a link, superscript or subscript, emphasis. Lists,
//! tables and similar become complete blocks. All HTML is written by `safe_html`.

use std::ops::Range;

use super::diagnostic::{DiagnosticKind, Diagnostics, Part};
use super::normalise::{Normalizer, fold, to_nfc};
use super::pictures::{ImageSource, Images};
use super::piece::{Content, Kind, Piece};
use super::safe_html::{self, Inline, InlineStyle, Node, NumberStyle, Tag};
use super::safe_url::SafeUrl;
use crate::model::Block;

/// Collects runs and builds pieces.
pub(super) struct InlineBuilder<'c, 'f> {
    normalizer: &'c mut Normalizer,
    pub findings: &'f mut Diagnostics,
    pieces: Vec<Piece>,
    images: Images,
    pub style: InlineStyle,
    /// Whether the text is in a quotation.
    pub quoted: bool,
    /// The text of the open block.
    text: String,
    runs: Vec<Run>,
    /// The struck-through text of the open block.
    struck: String,
    /// The open blocks of lists and tables, outermost first.
    open: Vec<Open>,
    /// Content that cannot be published, by kind: line and name of the first, and count.
    omitted: Vec<(Part, usize, String, usize)>,
    line: usize,
    gap: bool,
    output: usize,
}

/// A part of the open block's text with one style.
struct Run {
    range: Range<usize>,
    style: InlineStyle,
}

struct Open {
    tag: Tag,
    line: usize,
    children: Vec<Node>,
}

/// Maximum output in bytes; stops markup that expands when parsed.
pub(super) const MAX_OUTPUT: usize = 8 * 1024 * 1024;

impl<'c, 'f> InlineBuilder<'c, 'f> {
    pub(super) fn new(normalizer: &'c mut Normalizer, findings: &'f mut Diagnostics) -> Self {
        Self {
            normalizer,
            findings,
            pieces: Vec::new(),
            images: Images::default(),
            style: InlineStyle::default(),
            quoted: false,
            text: String::new(),
            runs: Vec::new(),
            struck: String::new(),
            open: Vec::new(),
            omitted: Vec::new(),
            line: 1,
            gap: true,
            output: 0,
        }
    }

    /// Adds text that begins on `line`, in the current style.
    pub(super) fn text(&mut self, raw: &str, line: usize) {
        if self.style.struck {
            return self.strike(raw, line);
        }
        if self.runs.is_empty() {
            if raw.trim().is_empty() {
                return;
            }
            let blank = raw.len() - raw.trim_start().len();
            self.line = line + raw[..blank].matches('\n').count();
        }
        let start = self.text.len();
        let clean = self.normalizer.text(raw, line, self.findings);
        let mut style = self.style.clone();
        match style.raised.and_then(|raised| raised.in_plain_text(&clean)) {
            Some(raised) => {
                style.raised = None;
                self.text.push_str(&raised);
            }
            None => self.text.push_str(&clean),
        }
        let end = self.text.len();
        self.output += end - start;
        match self.runs.last_mut() {
            Some(last) if last.style == style => last.range.end = end,
            _ => self.runs.push(Run { range: start..end, style }),
        }
    }

    /// Omits struck-through text; the words on either side stay separated.
    fn strike(&mut self, raw: &str, line: usize) {
        if self.runs.is_empty() && self.struck.is_empty() {
            self.line = line;
        }
        self.struck.push_str(raw);
        if raw.starts_with(char::is_whitespace) || raw.ends_with(char::is_whitespace) {
            self.style.struck = false;
            self.text(" ", line);
            self.style.struck = true;
        }
    }

    /// A line break within a block.
    pub(super) fn line_break(&mut self, kind: &Kind) {
        if matches!(kind, Kind::Heading(_)) && self.open.is_empty() {
            return self.text(" ", self.line);
        }
        self.close(kind.clone());
        self.gap = false;
    }

    /// Ends the current paragraph.
    pub(super) fn close(&mut self, kind: Kind) {
        let gap = std::mem::replace(&mut self.gap, true);
        self.report_struck_text();
        if self.runs.is_empty() {
            return;
        }
        self.link_addresses();
        // NFC again: combining marks can come from different runs.
        let text = fold(&to_nfc(&self.text));
        if !text.is_empty() {
            let html = self.needs_html(&kind, text.len()).then(|| Box::new(self.inline()));
            match self.open.last_mut() {
                Some(open) => open.children.push(Node::Text { text, html }),
                None => self.pieces.push(Piece { line: self.line, gap, kind, text, html }),
            }
        }
        self.text.clear();
        self.runs.clear();
    }

    fn inline(&mut self) -> Inline {
        let runs = self.runs.iter().map(|run| (&self.text[run.range.clone()], &run.style));
        let html = Inline::of(runs, self.quoted && self.open.is_empty());
        self.output += html.as_str().len();
        html
    }

    /// Turns URLs in plain text into links.
    fn link_addresses(&mut self) {
        if !self.text.contains("://") && !self.text.contains("www.") {
            return;
        }
        let mut runs = Vec::with_capacity(self.runs.len());
        for run in std::mem::take(&mut self.runs) {
            let addresses = match run.style.link {
                Some(_) => Vec::new(),
                None => SafeUrl::all_in(&self.text[run.range.clone()]),
            };
            let (start, mut done) = (run.range.start, run.range.start);
            for (range, address) in addresses {
                let range = start + range.start..start + range.end;
                runs.push(Run { range: done..range.start, style: run.style.clone() });
                done = range.end;
                runs.push(Run { range, style: InlineStyle { link: Some(address), ..run.style.clone() } });
            }
            runs.push(Run { range: done..run.range.end, style: run.style });
        }
        runs.retain(|run| !run.range.is_empty());
        self.runs = runs;
    }

    /// Links, superscript and subscript always need HTML. Emphasis only if it applies to a part of a paragraph,
    /// because pages set entire paragraphs, headings and captions in bold.
    fn needs_html(&self, kind: &Kind, length: usize) -> bool {
        let trimmed = |run: &Run| self.text[run.range.clone()].trim().len();
        let is_emphasised = |run: &&Run| run.style.strong || run.style.emphasis;
        let emphasised: usize = self.runs.iter().filter(is_emphasised).map(trimmed).sum();
        let is_marked =
            |run: &Run| run.style.raised.is_some() || run.style.link.is_some() && trimmed(run) > 0;
        let is_text = *kind == Kind::Line || !self.open.is_empty();
        self.runs.iter().any(is_marked)
            || is_text && emphasised > 0 && emphasised * 10 < length * 9
            || self.quoted && *kind == Kind::Line && self.open.is_empty()
    }

    fn report_struck_text(&mut self) {
        let text = fold(&std::mem::take(&mut self.struck));
        if !text.is_empty() {
            let text = self.normalizer.single_line(&text, self.line, self.findings);
            self.findings.warn(self.line, DiagnosticKind::StruckText { text });
        }
    }

    /// Opens a list, a table or a block within one.
    pub(super) fn open(&mut self, tag: Tag, line: usize) {
        self.close(Kind::Line);
        // NOTE: a cell or an item has one line; room for more would take most of the memory of a large table.
        let is_line = matches!(tag, Tag::Cell { .. } | Tag::Item { .. });
        self.open.push(Open { tag, line, children: Vec::with_capacity(usize::from(is_line)) });
    }

    /// Closes the block opened last.
    pub(super) fn shut(&mut self) {
        self.close(Kind::Line);
        let Some(Open { tag, line, children }) = self.open.pop() else { return };
        self.push_block(Node::Element { tag, children }, line);
    }

    /// Adds preformatted text.
    pub(super) fn preformatted(&mut self, raw: &str, line: usize) {
        self.close(Kind::Line);
        let text = raw.replace('\r', "\n");
        let text = text.trim_matches('\n').trim_end();
        let text = self.normalizer.text(text, line, self.findings).into_owned();
        if !text.trim().is_empty() {
            self.push_block(Node::Preformatted(text), line);
        }
    }

    fn push_block(&mut self, node: Node, line: usize) {
        if let Some(open) = self.open.last_mut() {
            open.children.push(node);
        } else if let Some(block) = block_of(node) {
            self.output += length_of(&block);
            self.pieces.push(Piece {
                line,
                gap: true,
                kind: Kind::Whole(Box::new(block)),
                text: String::new(),
                html: None,
            });
        }
    }

    /// Normalises the text of a cell or an attribute.
    pub(super) fn cell(&mut self, raw: &str, line: usize) -> String {
        self.normalizer.single_line(raw, line, self.findings)
    }

    /// Records content that cannot be published.
    pub(super) fn omit(&mut self, part: Part, name: &str, line: usize) {
        if let Some((.., count)) = self.omitted.iter_mut().find(|(known, ..)| *known == part) {
            *count += 1;
            return;
        }
        let name = self.cell(name, line);
        self.omitted.push((part, line, name, 1));
    }

    /// Records an image that can be published.
    pub(super) fn image(&mut self, source: ImageSource, line: usize) {
        let name = source.name().to_owned();
        if !self.images.add(source, line, self.pieces.len()) {
            self.omit(Part::Picture, &name, line);
        }
    }

    /// Whether the current paragraph has no text.
    pub(super) fn is_blank(&self) -> bool {
        self.runs.is_empty()
    }

    /// Takes the pieces so far.
    pub(super) fn take_pieces(&mut self) -> Vec<Piece> {
        self.close(Kind::Line);
        std::mem::take(&mut self.pieces)
    }

    /// Takes the remaining pieces and the images, and reports omitted content.
    pub(super) fn finish(mut self) -> Content {
        let pieces = self.take_pieces();
        for (what, line, name, count) in self.omitted {
            let kind = DiagnosticKind::NotCarried { what, name, count };
            match what {
                // Readers do not see them anyway.
                Part::Script | Part::StyleSheet => self.findings.note(line, kind),
                _ => self.findings.warn(line, kind),
            }
        }
        Content { pieces, images: self.images, ..Content::default() }
    }

    /// Whether the output exceeds [`MAX_OUTPUT`].
    pub(super) fn is_overflowing(&self) -> bool {
        self.output > MAX_OUTPUT
    }
}

/// The plainest block that represents the node; `None` if it has no text.
fn block_of(node: Node) -> Option<Block> {
    if !has_text(&node) {
        return None;
    }
    Some(plain_block(node).unwrap_or_else(|node| Block::Html { html: safe_html::write(&node) }))
}

fn has_text(node: &Node) -> bool {
    match node {
        Node::Text { .. } | Node::Preformatted(_) => true,
        Node::Element { children, .. } => children.iter().any(has_text),
    }
}

/// A flat list or table without styles; the node itself if it is another block.
fn plain_block(node: Node) -> Result<Block, Node> {
    let is_bullets = match &node {
        Node::Element { tag: Tag::Bullets, children } if children.iter().all(is_plain_line) => Some(true),
        Node::Element {
            tag: Tag::Numbers { first: 1, style: NumberStyle::Decimal, reversed: false },
            children,
        } if children.iter().all(is_plain_line) => Some(false),
        Node::Element { tag: Tag::Table, children } if children.iter().all(is_plain_row) => None,
        _ => return Err(node),
    };
    let lines = children_of(node).into_iter();
    Ok(match is_bullets {
        Some(is_bullets) => Block::List { ordered: !is_bullets, items: lines.map(line_of).collect() },
        None => {
            let rows = lines.map(|row| children_of(row).into_iter().map(line_of).collect());
            Block::Table {
                rows: rows.filter(|row: &Vec<String>| row.iter().any(|cell| !cell.is_empty())).collect(),
            }
        }
    })
}

fn is_plain_row(node: &Node) -> bool {
    matches!(node, Node::Element { tag: Tag::Row, children } if children.iter().all(is_plain_line))
}

/// Whether it is an item or a cell of one line without styles.
fn is_plain_line(node: &Node) -> bool {
    let Node::Element { tag, children } = node else { return false };
    matches!(tag, Tag::Item { value: None } | Tag::Cell { head: false, columns: 1, rows: 1 })
        && matches!(children.as_slice(), [] | [Node::Text { html: None, .. }])
}

fn children_of(node: Node) -> Vec<Node> {
    if let Node::Element { children, .. } = node { children } else { Vec::new() }
}

/// The text of an item or a cell for which [`is_plain_line`] is true.
fn line_of(node: Node) -> String {
    match children_of(node).pop() {
        Some(Node::Text { text, .. }) => text,
        _ => String::new(),
    }
}

/// Bytes of a block.
fn length_of(block: &Block) -> usize {
    match block {
        Block::Html { html } => html.len(),
        _ => crate::search_text::block_texts(block).iter().map(|text| text.len()).sum(),
    }
}
