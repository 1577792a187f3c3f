//! Turns the lines of the text into blocks.

use std::borrow::Cow;

use super::super::blocks;
use super::super::byline;
use super::super::caption::{self, Caption};
use super::super::diagnostic::{DiagnosticKind, Diagnostics};
use super::super::facts::Fact;
use super::super::features::Dated;
use super::super::normalise::{comparison_key, ends_a_sentence, exceeds_chars, word_count};
use super::super::piece::{Kind, Piece};
use super::page::{Body, LabelledPage};
use crate::model::Block;

/// Turns the pieces of the text into blocks.
pub(super) fn compose(
    page: &LabelledPage<'_>,
    mut body: Body,
    kept: &[usize],
    diagnostics: &mut Diagnostics,
) -> Body {
    body.blocks.reserve(kept.len());
    let title = page.layout.title.map(|at| page.text(at)).unwrap_or_default();
    let of_pictures = caption::is_photo_report(title);
    Composer { page, body, diagnostics, of_pictures, dateline: None }.compose(kept)
}

struct Composer<'p, 'f> {
    page: &'p LabelledPage<'p>,
    body: Body,
    diagnostics: &'f mut Diagnostics,
    /// Whether the article is a series of images below the title, with one line each.
    of_pictures: bool,
    /// `(BĐ) -` on a line of its own, which begins the next paragraph.
    dateline: Option<String>,
}

impl<'p> Composer<'p, '_> {
    fn compose(mut self, kept: &[usize]) -> Body {
        let mut previous: Option<usize> = None;
        for (position, index) in kept.iter().copied().enumerate() {
            let next = kept.get(position + 1).copied();
            if self.is_repeat(previous, index) || self.is_said_by_the_next(index, next) {
                let text = self.page.text(index).to_owned();
                self.diagnostics.note(self.page.line(index), DiagnosticKind::DroppedRepeat { text });
                continue;
            }
            self.block(index, next, previous);
            previous = Some(index);
        }
        if let Some(text) = self.dateline.take() {
            self.body.blocks.push(Block::Paragraph { text });
        }
        self.body
    }

    fn caption_at(&self, index: usize) -> Option<&'p Caption> {
        self.page.lines[index].caption.as_deref()
    }

    /// Whether a caption repeats the previous one.
    fn is_repeat(&self, previous: Option<usize>, index: usize) -> bool {
        let key = |index: usize| comparison_key(self.page.text(index));
        previous.is_some_and(|previous| {
            self.caption_at(previous).is_some()
                && self.caption_at(index).is_some()
                && key(previous) == key(index)
        })
    }

    /// Whether a line in place of a missing image is repeated with its credit below it.
    fn is_said_by_the_next(&self, index: usize, next: Option<usize>) -> bool {
        let Some(caption) = next.and_then(|next| self.caption_at(next)) else { return false };
        let key = &self.page.lines[index].key;
        !key.is_empty() && *key == comparison_key(&caption.text)
    }

    fn block(&mut self, index: usize, next: Option<usize>, previous: Option<usize>) {
        let piece = &self.page.pieces[index];
        match &piece.kind {
            Kind::Whole(block) => self.body.blocks.push((**block).clone()),
            Kind::Heading(level) => self.body.blocks.push(blocks::heading(piece, *level)),
            Kind::Item { ordered } => blocks::push_item(&mut self.body.blocks, *ordered, piece),
            _ => match self.caption_at(index) {
                Some(caption) => self.caption(caption, piece),
                None => self.line(index, next, previous),
            },
        }
    }

    fn line(&mut self, index: usize, next: Option<usize>, previous: Option<usize>) {
        let piece = &self.page.pieces[index];
        if self.is_caption_without_credit(index, next, previous) {
            self.caption(&Caption { text: piece.text.clone(), credit: None }, piece);
        } else if self.is_heading(index, next, previous) {
            self.body.blocks.push(Block::Heading { level: 2, text: piece.text.clone() });
        } else {
            self.paragraph(piece);
        }
    }

    fn caption(&mut self, caption: &Caption, piece: &Piece) {
        if caption.text.is_empty() && !piece.gap && self.credited_above(caption, piece) {
            piece.report_links(self.diagnostics);
            return;
        }
        let text = if caption.text.is_empty() { self.text_above_its_credit(piece) } else { None };
        let printed = text.as_ref().map_or(piece.text.clone(), |text| format!("{text} {}", piece.text));
        self.body.caption_lines.push(piece.line);
        self.body.blocks.push(Block::Caption {
            text: text.unwrap_or_else(|| caption.text.clone()),
            credit: caption.credit.clone(),
            html: piece.html.as_ref().filter(|_| printed == piece.text).map(|html| html.as_str().to_owned()),
            raw: printed,
        });
    }

    /// Adds the credit to the caption directly above, if that has none.
    fn credited_above(&mut self, caption: &Caption, piece: &Piece) -> bool {
        let Some(Block::Caption { credit: credit @ None, raw: printed, html, .. }) =
            self.body.blocks.last_mut()
        else {
            return false;
        };
        credit.clone_from(&caption.credit);
        printed.push(' ');
        printed.push_str(&piece.text);
        *html = None;
        true
    }

    /// A credit on a line of its own belongs to the line directly above it, unless that is a sentence.
    fn text_above_its_credit(&mut self, credit: &Piece) -> Option<String> {
        let (Block::Paragraph { text } | Block::Heading { text, .. }) = self.body.blocks.last()? else {
            return None;
        };
        let fits = !credit.gap && word_count(text) <= 30 && !ends_a_sentence(text);
        let text = fits.then(|| text.clone())?;
        self.body.blocks.pop();
        Some(text)
    }

    fn paragraph(&mut self, piece: &Piece) {
        let mut text = self.without_end_mark(piece);
        if is_dateline(&text) {
            self.dateline = Some(text.into_owned());
            return;
        }
        if let Some(dateline) = self.dateline.take() {
            text = Cow::Owned(format!("{dateline} {text}"));
        }
        if text.is_empty() {
            return;
        }
        let is_lead = self.body.lead_line.is_none();
        self.body.lead_line.get_or_insert(piece.line);
        let block = match (text, is_lead) {
            (Cow::Borrowed(_), true) => blocks::lead(piece),
            (Cow::Borrowed(_), false) => blocks::paragraph(piece),
            (Cow::Owned(text), true) => Block::Lead { text, html: None },
            (Cow::Owned(text), false) => Block::Paragraph { text },
        };
        if matches!(block, Block::Lead { html: None, .. } | Block::Paragraph { .. }) {
            piece.report_links(self.diagnostics);
        }
        blocks::push(&mut self.body.blocks, block);
    }

    /// Removes `./.`, the end mark of official texts. A name may follow on the same line.
    fn without_end_mark<'t>(&mut self, piece: &'t Piece) -> Cow<'t, str> {
        // NOTE: searching for one byte is faster than for three, and few lines contain it.
        let marked = piece.text.contains('/').then(|| piece.text.rsplit_once("./.")).flatten();
        // A text with links keeps its mark; removing it would lose the links.
        let marked = marked.filter(|_| piece.html.is_none() || self.body.lead_line.is_none());
        let Some((text, behind)) = marked else { return piece.text.as_str().into() };
        let behind = behind.trim();
        if !behind.is_empty() {
            let Some(byline) = byline::labelled(behind).or_else(|| byline::names_only(behind)) else {
                return piece.text.as_str().into();
            };
            self.body.credit(&byline, piece.line);
        }
        self.diagnostics.note(piece.line, DiagnosticKind::EndMarkRemoved);
        if text.is_empty() { "".into() } else { format!("{text}.").into() }
    }

    /// Whether a line is a caption without a credit: below the name of an image file, between paragraphs in the words
    /// of a caption, or short in a photo report.
    fn is_caption_without_credit(&self, index: usize, next: Option<usize>, previous: Option<usize>) -> bool {
        let (page, line) = (self.page, &self.page.lines[index]);
        if self.body.lead_line.is_none()
            || line.facts.has(Fact::Prose) && line.words > 12
            || line.date.is_some()
        {
            return false;
        }
        let apart = page.pieces[index].gap && next.is_none_or(|next| page.pieces[next].gap);
        let prose = |index: Option<usize>| index.is_some_and(|index| page.has(index, Fact::Prose));
        let between = apart && prose(previous) && prose(next) && !line.facts.has(Fact::Stop);
        let below_file = index > 0 && page.has(index - 1, Fact::File) && !page.has(index, Fact::Stop);
        let shown = self.of_pictures && line.words <= 12 && line.facts.has(Fact::Stop);
        below_file
            || between && caption::shows_people(page.text(index))
            || shown && !page.text(index).ends_with(':')
    }

    /// Whether a short line without a final stop between paragraphs is a sub-heading.
    fn is_heading(&self, index: usize, next: Option<usize>, previous: Option<usize>) -> bool {
        const MAX_WORDS: usize = 14;
        let (page, piece) = (self.page, &self.page.pieces[index]);
        let Some(next) = next else { return false };
        let is_block = |index: usize| matches!(page.pieces[index].kind, Kind::Item { .. } | Kind::Whole(_));
        let below_text = previous.is_some_and(|previous| {
            let announced = page.text(previous).ends_with(':');
            page.lines[previous].caption.is_some()
                || page.lines[previous].date.is_some()
                || ends_a_sentence(page.text(previous)) && !announced
                || is_block(previous)
        });
        let document = page.has(index, Fact::Document) && piece.text.ends_with(':');
        let numbered = piece.text.starts_with(|c: char| c.is_ascii_digit() || "IVX".contains(c))
            && piece.text.contains(". ");
        (self.body.lead_line.is_some() || numbered)
            && (page.has(next, Fact::Prose) || is_block(next))
            && (below_text || numbered)
            && piece.kind == Kind::Line
            && piece.html.is_none()
            && !matches!(page.lines[index].date, Some(Dated::Found(_) | Dated::Refused(_)))
            && !page.has(index, Fact::Prose)
            && !exceeds_chars(&piece.text, 120)
            && (2..=MAX_WORDS).contains(&page.lines[index].words)
            && (!ends_a_sentence(&piece.text) || document || piece.text.ends_with('…'))
            && !piece.text.ends_with([',', ';', '-', '–'])
            && (document || piece.text.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit()))
    }
}

/// `(BĐ) -`, `TTO -`, with nothing after it.
fn is_dateline(text: &str) -> bool {
    text.ends_with(['-', '–'])
        && word_count(text) <= 5
        && text.len() > 3
        && text.starts_with(|c: char| c == '(' || c.is_uppercase())
}
