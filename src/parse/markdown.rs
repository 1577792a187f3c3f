//! Converts Markdown into a DOM tree, which the HTML reader then processes.
//!
//! Raw tags are treated as HTML: a text with raw tags is written as HTML and parsed. Line numbers are preserved, so
//! that diagnostics refer to the Markdown source.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::caption;
use super::diagnostic::Diagnostics;
use super::html::{self, Builder};
use super::normalise::{Normalizer, fold};
use super::piece::Content;
use super::stamp::{self, DateReading};
use crate::text::escape_html;
use crate::time::Zone;

/// Reads Markdown that begins on `first_line` of its file; `None` on errors.
pub(super) fn content(
    text: &str,
    first_line: usize,
    zone: Zone,
    normalizer: &mut Normalizer,
    findings: &mut Diagnostics,
) -> Option<Content> {
    let tree = match written(text, zone, Output::Tree(Builder::new(first_line)), first_line) {
        // NOTE: building the tree directly takes a third of the time of writing and parsing HTML.
        Some(Output::Tree(builder)) => builder.finish(),
        _ => match written(text, zone, Output::Html { html: String::new(), line: first_line }, first_line) {
            Some(Output::Html { html, .. }) => html::parse(&html, first_line),
            _ => return None,
        },
    };
    html::fragment(tree, first_line, zone, normalizer, findings)
}

/// Converts the Markdown to a tree or to HTML; `None` if it contains raw tags and the target is a tree.
fn written(text: &str, zone: Zone, output: Output, first_line: usize) -> Option<Output> {
    let mut lines = LineTable::new(text);
    let mut writer = Writer {
        source: text,
        zone,
        output,
        line_text: String::new(),
        closing: Vec::new(),
        in_head: false,
        in_indented_code: false,
    };
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        // End events carry the offset of their start.
        if !matches!(event, Event::End(_)) {
            writer.output.advance_to(first_line + lines.line_of(range.start));
        }
        if let Event::Html(html) | Event::InlineHtml(html) = &event {
            writer.output.raw(html)?;
        } else {
            writer.event(event, range);
        }
    }
    Some(writer.output)
}

enum Output {
    Tree(Builder),
    /// The line number at the end of `html`.
    Html {
        html: String,
        line: usize,
    },
}

impl Output {
    fn advance_to(&mut self, wanted: usize) {
        match self {
            Self::Tree(builder) => builder.line = wanted,
            Self::Html { html, line } => {
                while *line < wanted {
                    html.push('\n');
                    *line += 1;
                }
            }
        }
    }

    fn open(&mut self, name: &'static str, attribute: Option<(&'static str, &str)>) {
        match self {
            Self::Tree(builder) => builder.open(name, attribute),
            Self::Html { html, .. } => {
                html.push('<');
                html.push_str(name);
                if let Some((name, value)) = attribute {
                    html.push_str(&format!(" {name}=\""));
                    html.push_str(&escape_html(value));
                    html.push('"');
                }
                html.push('>');
            }
        }
    }

    fn close(&mut self, name: &str) {
        match self {
            Self::Tree(builder) => builder.close(),
            Self::Html { html, .. } => html.push_str(&format!("</{name}>")),
        }
    }

    /// A void element.
    fn void(&mut self, name: &'static str, attribute: Option<(&'static str, &str)>) {
        self.open(name, attribute);
        if let Self::Tree(builder) = self {
            builder.close();
        }
    }

    fn text(&mut self, text: &str) {
        match self {
            Self::Tree(builder) => builder.text(text),
            Self::Html { html, line } => {
                *line += text.bytes().filter(|byte| *byte == b'\n').count();
                html.push_str(&escape_html(text));
            }
        }
    }

    /// Writes raw tags; `None` if the target is a tree.
    fn raw(&mut self, tags: &str) -> Option<()> {
        let Self::Html { html, line } = self else { return None };
        *line += tags.bytes().filter(|byte| *byte == b'\n').count();
        html.push_str(tags);
        Some(())
    }
}

struct Writer<'t> {
    source: &'t str,
    zone: Zone,
    output: Output,
    /// The beginning of the current line.
    line_text: String,
    /// The element names of nodes that depend on the source; `None` for a single tilde.
    closing: Vec<Option<&'static str>>,
    in_head: bool,
    in_indented_code: bool,
}

/// Maximum length of a line with a date.
const MAX_DATE_LINE_BYTES: usize = 120;

impl Writer<'_> {
    fn text(&mut self, text: &str) {
        if self.line_text.len() <= MAX_DATE_LINE_BYTES {
            self.line_text.push_str(text);
        }
        self.output.text(text);
    }

    fn event(&mut self, event: Event<'_>, range: std::ops::Range<usize>) {
        match event {
            Event::Start(tag) => self.start(&tag, range.start),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.in_indented_code => {
                for (index, line) in text.split('\n').enumerate() {
                    if index > 0 {
                        self.line_break();
                    }
                    self.text(line);
                }
            }
            Event::Text(text) => self.text(&text),
            Event::Code(text) => {
                self.output.open("code", None);
                self.text(&text);
                self.output.close("code");
            }
            Event::SoftBreak => self.soft_break(range.end),
            Event::HardBreak => self.line_break(),
            Event::Rule => self.output.void("hr", None),
            _ => {}
        }
    }

    fn line_break(&mut self) {
        self.line_text.clear();
        self.output.void("br", None);
    }

    /// A line end within a paragraph is a space, unless the next line is a paragraph of its own: a caption or a date
    /// directly below its neighbour.
    fn soft_break(&mut self, end: usize) {
        let below = self.source.get(end..).unwrap_or_default();
        let below = below.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        let is_date = |text: &str| !matches!(stamp::read(text, self.zone), DateReading::Nothing);
        // NOTE: called at every line end, so the cheap length check comes first.
        let is_date_now = || self.line_text.len() <= MAX_DATE_LINE_BYTES && is_date(&fold(&self.line_text));
        if caption::read(below).is_some() || is_date(below) || is_date_now() {
            self.line_break();
        } else {
            self.text(" ");
        }
    }

    fn start(&mut self, tag: &Tag<'_>, start: usize) {
        match tag {
            Tag::Paragraph => {
                self.line_text.clear();
                self.output.open("p", None);
            }
            Tag::Heading { level, .. } => self.output.open(heading(*level), None),
            Tag::BlockQuote(_) => self.output.open("blockquote", None),
            Tag::CodeBlock(CodeBlockKind::Fenced(_)) => self.open_as("pre", None),
            // Some authors indent each paragraph; that is not code.
            Tag::CodeBlock(CodeBlockKind::Indented) => {
                self.in_indented_code = true;
                self.open_as("p", None);
            }
            Tag::List(Some(first)) => self.open_as("ol", Some(("start", &first.to_string()))),
            Tag::List(None) => self.open_as("ul", None),
            Tag::Item => self.output.open("li", None),
            Tag::Table(_) => self.output.open("table", None),
            Tag::TableHead => {
                self.in_head = true;
                self.output.open("tr", None);
            }
            Tag::TableRow => self.output.open("tr", None),
            Tag::TableCell => self.output.open(self.cell(), None),
            Tag::Emphasis => self.output.open("em", None),
            Tag::Strong => self.output.open("strong", None),
            // A single tilde means `about`, not strikethrough.
            Tag::Strikethrough if self.source.get(start..).is_some_and(|text| text.starts_with("~~")) => {
                self.open_as("del", None);
            }
            Tag::Strikethrough => {
                self.text("~");
                self.closing.push(None);
            }
            Tag::Link { dest_url, .. } => self.output.open("a", Some(("href", dest_url))),
            // The content of an image is its description.
            Tag::Image { dest_url, .. } => {
                self.output.open("figure", None);
                self.output.void("img", Some(("src", dest_url)));
                self.output.open("figcaption", None);
            }
            _ => {}
        }
    }

    fn open_as(&mut self, name: &'static str, attribute: Option<(&'static str, &str)>) {
        self.output.open(name, attribute);
        self.closing.push(Some(name));
    }

    fn cell(&self) -> &'static str {
        if self.in_head { "th" } else { "td" }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph => self.output.close("p"),
            TagEnd::Heading(level) => self.output.close(heading(level)),
            TagEnd::BlockQuote(_) => self.output.close("blockquote"),
            TagEnd::CodeBlock | TagEnd::List(_) | TagEnd::Strikethrough => {
                self.in_indented_code = false;
                match self.closing.pop().flatten() {
                    Some(name) => self.output.close(name),
                    None => self.text("~"),
                }
            }
            TagEnd::Item => self.output.close("li"),
            TagEnd::Table => self.output.close("table"),
            TagEnd::TableHead => {
                self.in_head = false;
                self.output.close("tr");
            }
            TagEnd::TableRow => self.output.close("tr"),
            TagEnd::TableCell => self.output.close(self.cell()),
            TagEnd::Emphasis => self.output.close("em"),
            TagEnd::Strong => self.output.close("strong"),
            TagEnd::Link => self.output.close("a"),
            TagEnd::Image => {
                self.output.close("figcaption");
                self.output.close("figure");
            }
            _ => {}
        }
    }
}

fn heading(level: HeadingLevel) -> &'static str {
    match level {
        HeadingLevel::H1 => "h1",
        HeadingLevel::H2 => "h2",
        HeadingLevel::H3 => "h3",
        HeadingLevel::H4 => "h4",
        HeadingLevel::H5 => "h5",
        HeadingLevel::H6 => "h6",
    }
}

/// The offsets of line starts, queried in ascending order.
struct LineTable {
    starts: Vec<usize>,
    /// The last queried line, counted from 0.
    at: usize,
}

impl LineTable {
    fn new(text: &str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { starts: std::iter::once(0).chain(ends).collect(), at: 0 }
    }

    /// Counted from 0.
    fn line_of(&mut self, offset: usize) -> usize {
        if offset < self.starts[self.at] {
            self.at = self.starts.partition_point(|start| *start <= offset).saturating_sub(1);
        }
        while self.starts.get(self.at + 1).is_some_and(|start| *start <= offset) {
            self.at += 1;
        }
        self.at
    }
}
