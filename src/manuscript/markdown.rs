//! Markdown into HTML, which the reader of HTML takes from there: raw tags in it mean what they mean in a page.
//!
//! Each line of the HTML is the line of the Markdown that it came from, so that findings name the right one.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::caption;
use super::finding::Findings;
use super::html;
use super::stamp::{self, Printed};
use super::structure::Piece;
use super::text::{Cleaner, fold};
use crate::vietnam_time::Zone;

/// Reads Markdown that begins on `first_line` of its file. `None` where it was refused.
pub(super) fn pieces(
    text: &str,
    first_line: usize,
    zone: Zone,
    cleaner: &mut Cleaner,
    findings: &mut Findings,
) -> Option<Vec<Piece>> {
    html::fragment(&to_html(text, zone), first_line, zone, cleaner, findings)
}

fn to_html(text: &str, zone: Zone) -> String {
    let mut lines = LineTable::new(text);
    let mut writer = Writer {
        source: text,
        zone,
        html: String::with_capacity(text.len() * 5 / 4),
        lines: 0,
        line_text: String::new(),
        closing: Vec::new(),
        in_head: false,
        in_indented_code: false,
    };
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        // The end of a block is told with where it began.
        if !matches!(event, Event::End(_)) {
            writer.advance_to(lines.line_of(range.start));
        }
        writer.event(event, range);
    }
    writer.html
}

struct Writer<'t> {
    source: &'t str,
    zone: Zone,
    html: String,
    /// Ends of line in `html`.
    lines: usize,
    /// The beginning of the line that is being written.
    line_text: String,
    /// What closes the marks that are open and not always written alike.
    closing: Vec<&'static str>,
    in_head: bool,
    in_indented_code: bool,
}

/// Dates are shorter.
const LONGEST_DATE: usize = 120;

impl Writer<'_> {
    fn advance_to(&mut self, line: usize) {
        while self.lines < line {
            self.raw("\n");
        }
    }

    fn raw(&mut self, html: &str) {
        self.lines += html.bytes().filter(|byte| *byte == b'\n').count();
        self.html.push_str(html);
    }

    fn text(&mut self, text: &str) {
        if self.line_text.len() <= LONGEST_DATE {
            self.line_text.push_str(text);
        }
        self.escaped(text);
    }

    fn escaped(&mut self, text: &str) {
        self.lines += text.bytes().filter(|byte| *byte == b'\n').count();
        for character in text.chars() {
            match character {
                '&' => self.html.push_str("&amp;"),
                '<' => self.html.push_str("&lt;"),
                '>' => self.html.push_str("&gt;"),
                '"' => self.html.push_str("&quot;"),
                _ => self.html.push(character),
            }
        }
    }

    fn event(&mut self, event: Event<'_>, range: std::ops::Range<usize>) {
        match event {
            Event::Start(tag) => self.start(&tag, range.start),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.in_indented_code => {
                for (index, line) in text.split('\n').enumerate() {
                    if index > 0 {
                        self.raw("<br>\n");
                    }
                    self.text(line);
                }
            }
            Event::Text(text) => self.text(&text),
            Event::Code(text) => {
                self.raw("<code>");
                self.text(&text);
                self.raw("</code>");
            }
            Event::SoftBreak => self.soft_break(range.end),
            Event::HardBreak => self.line_break(),
            Event::Html(html) | Event::InlineHtml(html) => self.raw(&html),
            Event::Rule => self.raw("<hr>"),
            _ => {}
        }
    }

    fn line_break(&mut self) {
        self.line_text.clear();
        self.raw("<br>");
    }

    /// A line end within a paragraph is a space, unless the next line is one that stands by itself: a caption
    /// or a date typed right below its neighbour.
    fn soft_break(&mut self, end: usize) {
        let below = self.source.get(end..).unwrap_or_default();
        let below = below.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        let is_date = |text: &str| !matches!(stamp::read(text, self.zone), Printed::Nothing);
        // NOTE: asked at every line end of a paragraph, so the length decides first.
        let is_date_now = || self.line_text.len() <= LONGEST_DATE && is_date(&fold(&self.line_text));
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
                self.raw("<p>");
            }
            Tag::Heading { level, .. } => {
                self.raw(["<h1>", "<h2>", "<h3>", "<h4>", "<h5>", "<h6>"][depth(*level)])
            }
            Tag::BlockQuote(_) => self.raw("<blockquote>"),
            Tag::CodeBlock(CodeBlockKind::Fenced(_)) => {
                // The text begins on the line below.
                self.raw("<pre>\n");
                self.closing.push("</pre>");
            }
            // Some indent each paragraph, which is no code.
            Tag::CodeBlock(CodeBlockKind::Indented) => {
                self.in_indented_code = true;
                self.raw("<p>");
                self.closing.push("</p>");
            }
            Tag::List(Some(first)) => {
                self.raw(&format!("<ol start=\"{first}\">"));
                self.closing.push("</ol>");
            }
            Tag::List(None) => {
                self.raw("<ul>");
                self.closing.push("</ul>");
            }
            Tag::Item => self.raw("<li>"),
            Tag::Table(_) => self.raw("<table>"),
            Tag::TableHead => {
                self.in_head = true;
                self.raw("<tr>");
            }
            Tag::TableRow => self.raw("<tr>"),
            Tag::TableCell => self.raw(if self.in_head { "<th>" } else { "<td>" }),
            Tag::Emphasis => self.raw("<em>"),
            Tag::Strong => self.raw("<strong>"),
            // One tilde is a sign for `about` and strikes nothing.
            Tag::Strikethrough => {
                let is_struck = self.source.get(start..).is_some_and(|text| text.starts_with("~~"));
                self.raw(if is_struck { "<del>" } else { "~" });
                self.closing.push(if is_struck { "</del>" } else { "~" });
            }
            Tag::Link { dest_url, .. } => {
                self.raw("<a href=\"");
                self.escaped(dest_url);
                self.raw("\">");
            }
            // The text of a picture is what it shows.
            Tag::Image { dest_url, .. } => {
                self.raw("<figure><img src=\"");
                self.escaped(dest_url);
                self.raw("\"><figcaption>");
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph => self.raw("</p>"),
            TagEnd::Heading(level) => {
                self.raw(["</h1>", "</h2>", "</h3>", "</h4>", "</h5>", "</h6>"][depth(level)]);
            }
            TagEnd::BlockQuote(_) => self.raw("</blockquote>"),
            TagEnd::CodeBlock | TagEnd::List(_) | TagEnd::Strikethrough => {
                self.in_indented_code = false;
                let closing = self.closing.pop().unwrap_or_default();
                self.raw(closing);
            }
            TagEnd::Item => self.raw("</li>"),
            TagEnd::Table => self.raw("</table>"),
            TagEnd::TableHead => {
                self.in_head = false;
                self.raw("</tr>");
            }
            TagEnd::TableRow => self.raw("</tr>"),
            TagEnd::TableCell => self.raw(if self.in_head { "</th>" } else { "</td>" }),
            TagEnd::Emphasis => self.raw("</em>"),
            TagEnd::Strong => self.raw("</strong>"),
            TagEnd::Link => self.raw("</a>"),
            TagEnd::Image => self.raw("</figcaption></figure>"),
            _ => {}
        }
    }
}

fn depth(level: HeadingLevel) -> usize {
    level as usize - HeadingLevel::H1 as usize
}

/// Where each line begins, to be asked in the order of the text.
struct LineTable {
    starts: Vec<usize>,
    /// The line that was asked for last, counted from 0.
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
