//! Marked-up text into pieces: runs of text with their marks are gathered until their block ends.
//!
//! A paragraph becomes HTML only where plain text would lose something: a link, a raised letter, a stressed
//! word. All HTML is written by the sanitiser.

mod sanitiser;

use std::ops::Range;

use super::finding::{Complaint, Findings};
use super::stamp::{self, Printed};
use super::structure::{Kind, Piece};
use super::text::{Cleaner, composed, fold};
use crate::vietnam_time::Zone;

#[cfg(test)]
pub(super) use sanitiser::parsed_and_cleaned;
pub(super) use sanitiser::{Address, Html, Raised, Style};

/// Gathers runs and cuts them into pieces.
pub(super) struct Flow<'c, 'f> {
    cleaner: &'c mut Cleaner,
    pub findings: &'f mut Findings,
    pub pieces: Vec<Piece>,
    pub style: Style,
    /// The text of the open block.
    text: String,
    runs: Vec<Run>,
    line: usize,
    gap: bool,
    output: usize,
}

/// A part of the open block's text that is marked in one way.
struct Run {
    range: Range<usize>,
    style: Style,
}

/// More than this is no article; it stops markup that grows when it is read.
pub(super) const MOST_OUTPUT: usize = 8 * 1024 * 1024;

impl<'c, 'f> Flow<'c, 'f> {
    pub(super) fn new(cleaner: &'c mut Cleaner, findings: &'f mut Findings) -> Self {
        Self {
            cleaner,
            findings,
            pieces: Vec::new(),
            style: Style::default(),
            text: String::new(),
            runs: Vec::new(),
            line: 1,
            gap: true,
            output: 0,
        }
    }

    /// Adds text that begins on `line`, in the style that is set.
    pub(super) fn text(&mut self, raw: &str, line: usize) {
        if self.runs.is_empty() {
            if raw.trim().is_empty() {
                return;
            }
            let blank = raw.len() - raw.trim_start().len();
            self.line = line + raw[..blank].matches('\n').count();
        }
        let start = self.text.len();
        self.text.push_str(&self.cleaner.permitted(raw, line, self.findings));
        let end = self.text.len();
        self.output += end - start;
        match self.runs.last_mut() {
            Some(last) if last.style == self.style => last.range.end = end,
            _ => self.runs.push(Run { range: start..end, style: self.style.clone() }),
        }
    }

    /// A line ends within its block.
    pub(super) fn line_break(&mut self, kind: &Kind) {
        if matches!(kind, Kind::Item { .. } | Kind::Heading(_)) {
            return self.text(" ", self.line);
        }
        self.close(kind.clone());
        self.gap = false;
    }

    /// A block ends.
    pub(super) fn close(&mut self, kind: Kind) {
        let gap = std::mem::replace(&mut self.gap, true);
        if self.runs.is_empty() {
            return;
        }
        // Marks may have come together that stood in different runs.
        let text = fold(&composed(&self.text));
        if !text.is_empty() {
            let kind = self.kind_of_piece(kind, text.len());
            self.pieces.push(Piece { line: self.line, gap, kind, text });
        }
        self.text.clear();
        self.runs.clear();
    }

    fn kind_of_piece(&mut self, kind: Kind, length: usize) -> Kind {
        match kind {
            Kind::Line if self.loses_something(length) => {
                let runs = self.runs.iter().map(|run| (&self.text[run.range.clone()], &run.style));
                let html = Html::paragraph(runs);
                self.output += html.as_str().len();
                Kind::Html(html)
            }
            Kind::Item { .. } | Kind::Heading(_) => {
                self.tell_of_lost_links();
                kind
            }
            other => other,
        }
    }

    /// A link or a raised letter always; stress only where it tells one part from the rest, since pages set whole
    /// paragraphs in bold.
    fn loses_something(&self, length: usize) -> bool {
        let trimmed = |run: &Run| self.text[run.range.clone()].trim().len();
        let is_stressed = |run: &&Run| run.style.strong || run.style.emphasis;
        let stressed: usize = self.runs.iter().filter(is_stressed).map(trimmed).sum();
        let is_marked =
            |run: &Run| run.style.raised.is_some() || run.style.link.is_some() && trimmed(run) > 0;
        self.runs.iter().any(is_marked) || stressed > 0 && stressed * 10 < length * 9
    }

    /// Whether what was gathered so far is a date and nothing else.
    pub(super) fn holds_a_date(&self, zone: Zone) -> bool {
        const LONGEST: usize = 120;
        // NOTE: asked at every line end of a paragraph, so the length decides first.
        self.text.len() <= LONGEST && !matches!(stamp::read(&fold(&self.text), zone), Printed::Nothing)
    }

    /// A table of plain cells.
    pub(super) fn table(&mut self, rows: Vec<Vec<String>>, line: usize) {
        let size: usize = rows.iter().flatten().map(String::len).sum();
        self.output += size;
        if size > 0 {
            self.pieces.push(Piece { line, gap: true, kind: Kind::Table(rows), text: String::new() });
        }
    }

    /// Text as it stands in a cell or an attribute.
    pub(super) fn cell(&mut self, raw: &str, line: usize) -> String {
        self.cleaner.line(raw, line, self.findings)
    }

    /// The pieces.
    pub(super) fn finish(mut self) -> Vec<Piece> {
        self.close(Kind::Line);
        self.pieces
    }

    /// True once more came out than an article can hold.
    pub(super) fn is_overflowing(&self) -> bool {
        self.output > MOST_OUTPUT
    }

    fn tell_of_lost_links(&mut self) {
        let mut last: Option<&Address> = None;
        for run in &self.runs {
            let link = run.style.link.as_ref();
            if let Some(link) = link.filter(|link| last != Some(*link)) {
                self.findings.note(self.line, Complaint::LinkAsText { target: link.as_str().to_owned() });
            }
            last = link;
        }
    }
}
