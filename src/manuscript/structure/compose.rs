//! The lines that are the text, turned into blocks.

use super::super::blocks;
use super::super::byline;
use super::super::caption::Caption;
use super::super::finding::{Complaint, Findings};
use super::super::text::{compared, ends_a_sentence, longer_than, words};
use super::body::credit;
use super::{Body, Kind, Page, Piece, Role};
use crate::article::Block;

/// Turns the pieces that are the text into blocks.
pub(super) struct Composer<'p, 'a, 'f> {
    pub(super) page: &'p Page<'a>,
    pub(super) body: Body,
    pub(super) findings: &'f mut Findings,
    /// `(BĐ) -` on a line of its own, which opens the next paragraph.
    pub(super) dateline: Option<(usize, String)>,
}

impl Composer<'_, '_, '_> {
    pub(super) fn compose(mut self, kept: &[usize]) -> Body {
        let mut previous: Option<usize> = None;
        for (position, index) in kept.iter().copied().enumerate() {
            if self.is_repeat(previous, index)
                || self.is_said_by_the_next(index, kept.get(position + 1).copied())
            {
                let text = self.page.text(index).to_owned();
                self.findings.note(self.page.line(index), Complaint::DroppedRepeat { text });
                continue;
            }
            self.block(index, kept.get(position + 1).copied(), previous);
            previous = Some(index);
        }
        if let Some((_, text)) = self.dateline.take() {
            self.body.blocks.push(Block::Paragraph { text });
        }
        self.body
    }

    /// A caption printed twice in a row is one.
    fn is_repeat(&self, previous: Option<usize>, index: usize) -> bool {
        let is_caption = |index: usize| matches!(self.page.roles[index], Role::Caption(_));
        previous.is_some_and(|previous| {
            is_caption(previous)
                && is_caption(index)
                && compared(self.page.text(previous)) == compared(self.page.text(index))
        })
    }

    /// The line that stands for a picture which is missing, printed again with the credit below it.
    fn is_said_by_the_next(&self, index: usize, next: Option<usize>) -> bool {
        let Some(Role::Caption(caption)) = next.map(|next| &self.page.roles[next]) else { return false };
        let key = compared(self.page.text(index));
        !key.is_empty()
            && key == compared(&caption.text)
            && !matches!(self.page.pieces[index].kind, Kind::Whole(_))
    }

    fn block(&mut self, index: usize, next: Option<usize>, previous: Option<usize>) {
        let piece = &self.page.pieces[index];
        match (&piece.kind, &self.page.roles[index]) {
            (Kind::Whole(block), _) => self.body.blocks.push(block.clone()),
            (Kind::Heading(level), _) => self.body.blocks.push(blocks::heading(piece, *level)),
            (Kind::Item { ordered }, _) => blocks::push_item(&mut self.body.blocks, *ordered, piece),
            (_, Role::Caption(caption)) => self.caption(caption, piece),
            _ if self.is_heading(index, next, previous) => {
                self.body.blocks.push(Block::Heading { level: 2, text: piece.text.clone() });
            }
            _ => self.paragraph(piece),
        }
    }

    fn caption(&mut self, caption: &Caption, piece: &Piece) {
        if caption.text.is_empty() && !piece.gap && self.credited_above(caption, piece) {
            piece.tell_of_links(self.findings);
            return;
        }
        let text = if caption.text.is_empty() { self.text_above_its_credit(piece) } else { None };
        let printed = text.as_ref().map_or(piece.text.clone(), |text| format!("{text} {}", piece.text));
        self.body.caption_lines.push(piece.line);
        self.body.blocks.push(Block::Caption {
            text: text.unwrap_or_else(|| caption.text.clone()),
            credit: caption.credit.clone(),
            html: piece.html.as_ref().filter(|_| printed == piece.text).map(|html| html.as_str().to_owned()),
            printed,
        });
    }

    /// Gives the credit to the caption right above, where that has none.
    fn credited_above(&mut self, caption: &Caption, piece: &Piece) -> bool {
        let Some(Block::Caption { credit: credit @ None, printed, html, .. }) = self.body.blocks.last_mut()
        else {
            return false;
        };
        credit.clone_from(&caption.credit);
        printed.push(' ');
        printed.push_str(&piece.text);
        *html = None;
        true
    }

    /// A credit on a line of its own belongs to the line right above it, where that is no sentence.
    fn text_above_its_credit(&mut self, credit: &Piece) -> Option<String> {
        let (Block::Paragraph { text } | Block::Heading { text, .. }) = self.body.blocks.last()? else {
            return None;
        };
        let fits = !credit.gap && words(text) <= 30 && !ends_a_sentence(text);
        let text = fits.then(|| text.clone())?;
        self.body.blocks.pop();
        Some(text)
    }

    fn paragraph(&mut self, piece: &Piece) {
        let mut text = self.without_end_mark(piece);
        if is_dateline(&text) {
            self.dateline = Some((piece.line, text));
            return;
        }
        if let Some((_, dateline)) = self.dateline.take() {
            text = format!("{dateline} {text}");
        }
        if text.is_empty() {
            return;
        }
        let is_lead = self.body.lead_line.is_none();
        if is_lead {
            self.body.lead_line = Some(piece.line);
        }
        let block = match (text == piece.text, is_lead) {
            (true, true) => blocks::lead(piece),
            (true, false) => blocks::paragraph(piece),
            (false, true) => Block::Lead { text, html: None },
            (false, false) => Block::Paragraph { text },
        };
        if matches!(block, Block::Lead { html: None, .. } | Block::Paragraph { .. }) {
            piece.tell_of_links(self.findings);
        }
        blocks::push(&mut self.body.blocks, block);
    }

    /// `./.` tells the printer that an official text is over. A name may follow on the same line.
    fn without_end_mark(&mut self, piece: &Piece) -> String {
        // NOTE: one byte is found sooner than three, and hardly a line has it.
        let marked = piece.text.contains('/').then(|| piece.text.rsplit_once("./.")).flatten();
        // A text with links keeps its mark: to find it among them is not worth a link.
        let marked = marked.filter(|_| piece.html.is_none() || self.body.lead_line.is_none());
        let Some((text, behind)) = marked else { return piece.text.clone() };
        let behind = behind.trim();
        if !behind.is_empty() {
            let Some(byline) = byline::labelled(behind).or_else(|| byline::bare(behind)) else {
                return piece.text.clone();
            };
            credit(&mut self.body, byline, piece.line);
        }
        self.findings.note(piece.line, Complaint::EndMark);
        if text.is_empty() { String::new() } else { format!("{text}.") }
    }

    /// A short line without a stop between paragraphs is a sub-heading.
    fn is_heading(&self, index: usize, next: Option<usize>, previous: Option<usize>) -> bool {
        let piece = &self.page.pieces[index];
        let Some(next) = next else { return false };
        let follows = matches!(self.page.roles[next], Role::Prose)
            || matches!(self.page.pieces[next].kind, Kind::Item { .. } | Kind::Whole(_));
        let below_text = previous.is_some_and(|previous| {
            !matches!(self.page.roles[previous], Role::Other)
                || ends_a_sentence(self.page.text(previous))
                || matches!(self.page.pieces[previous].kind, Kind::Item { .. } | Kind::Whole(_))
        });
        self.body.lead_line.is_some()
            && follows
            && below_text
            && piece.kind == Kind::Line
            && piece.html.is_none()
            && matches!(self.page.roles[index], Role::Other)
            && !longer_than(&piece.text, 120)
            && words(&piece.text) >= 2
            && !ends_a_sentence(&piece.text)
            && !piece.text.ends_with([',', '-', '–'])
            && piece.text.chars().next().is_some_and(|c| c.is_uppercase() || c.is_ascii_digit())
    }
}

/// `(BĐ) -`, `TTO -`, with nothing behind it.
fn is_dateline(text: &str) -> bool {
    text.ends_with(['-', '–'])
        && words(text) <= 5
        && text.len() > 3
        && text.starts_with(|c: char| c == '(' || c.is_uppercase())
}
