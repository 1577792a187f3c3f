//! From the lines of a page to an article: which is the title, which the date, where the text begins and ends.
//!
//! The stamp is found first, since it alone is certain; the title stands above it and the text below. What
//! is left out is told; what is in doubt is kept.

mod body;
mod compose;
mod date;
mod title;

use std::collections::HashSet;

use super::byline::{self, Byline};
use super::caption::{self, Caption};
use super::finding::{Complaint, Findings};
use super::front_matter::FrontMatter;
use super::furniture::{self, Furniture};
use super::rich::Inline;
use super::stamp::{self, Found, Label, Printed, Refusal};
use super::text::{is_prose, longer_than, words};
use super::{Draft, Places};
use crate::article::{Article, Block};
use crate::vietnam_time::{Stamp, Zone};

/// A line or paragraph of a file, in reading order; its text is clean and on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub line: usize,
    /// An empty line stood before it, or the markup sets it apart.
    pub gap: bool,
    pub kind: Kind,
    pub text: String,
    /// The text with its marks and links, where plain text would lose something.
    pub html: Option<Inline>,
}

/// What the form of the file says about a piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing: a line of text.
    Line,
    /// A heading of a level.
    Heading(u8),
    /// An entry of a list.
    Item { ordered: bool },
    /// A caption by markup.
    Caption,
    /// A list, a table and their like, as the markup gives them; `text` is empty.
    Whole(Block),
}

impl Piece {
    /// Tells of the links in a piece of which only the text is kept.
    pub(super) fn tell_of_links(&self, findings: &mut Findings) {
        for link in self.html.iter().flat_map(Inline::links) {
            findings.note(self.line, Complaint::LinkAsText { target: link.as_str().to_owned() });
        }
    }
}

/// What markup names outright; the printed text goes before it.
#[derive(Debug, Default)]
pub(super) struct Hints {
    /// A title with its line.
    pub title: Option<(usize, String)>,
    /// A date with its line.
    pub stamp: Option<(usize, String)>,
}

/// Makes the draft. `None` where a finding says why.
pub(super) fn draft(
    pieces: &[Piece],
    matter: FrontMatter,
    hints: &Hints,
    zone: Zone,
    site_language: &str,
    findings: &mut Findings,
) -> Option<Draft> {
    let mut page = Page::survey(pieces, zone);
    let dated = page.date(&matter, hints, findings);
    let titled = page.title(&dated, &matter, hints, findings);
    if titled.text.as_deref().is_none_or(str::is_empty) {
        findings.refuse(titled.line, Complaint::TitleMissing);
    }
    let body = page.body(&dated, &titled, findings);
    if body.blocks.is_empty() && !pieces.is_empty() {
        findings.warn(titled.line, Complaint::TextMissing);
    }
    let (title, stamp) = (titled.text?, dated.stamp?);
    if longer_than(&title, 250) {
        findings.warn(titled.line, Complaint::TitleLong { characters: title.chars().count() });
    }
    let places = Places {
        title: titled.line,
        stamp: dated.line,
        lead: body.lead_line,
        authors: matter.line_of("authors").map_or(body.author_lines, |line| vec![line]),
        captions: body.caption_lines,
    };
    let mut known: HashSet<String> = matter.tags.iter().cloned().collect();
    let mut tags = matter.tags;
    tags.extend(body.tags.into_iter().filter(|tag| known.insert(tag.clone())));
    let article = Article {
        title,
        stamp,
        updated: matter.updated,
        summary: matter.summary,
        body: body.blocks,
        authors: matter.authors.unwrap_or(body.authors),
        source: matter.source.or(body.source),
        tags,
        language: matter.language.filter(|language| language != site_language),
        link: matter.link,
        pictures: Vec::new(),
    };
    Some(Draft { article, id: matter.id, channels: matter.channels, lines: places })
}

/// What a line is, looked at by itself.
#[derive(Debug)]
enum Role {
    Date(Box<Found>),
    Refused(Box<Refusal>),
    Furniture(Furniture),
    Caption(Box<Caption>),
    Prose,
    Other,
}

struct Page<'a> {
    pieces: &'a [Piece],
    roles: Vec<Role>,
    zone: Zone,
    /// The first line of running text, or the end.
    prose: usize,
    /// Below this stand other news.
    close: usize,
    /// Lines that are accounted for, in the text or in a finding.
    taken: Vec<bool>,
    /// See `look_above`.
    above: Vec<(Option<usize>, Option<usize>, usize)>,
    /// Authors named above the title, with their lines.
    early: Vec<(usize, Byline)>,
}

struct Dated {
    stamp: Option<Stamp>,
    line: usize,
    /// The piece it was read from.
    at: Option<usize>,
    /// The title that it was glued to.
    glued_title: Option<String>,
    author: Option<String>,
}

struct Titled {
    text: Option<String>,
    line: usize,
    /// The first piece below the title.
    below: usize,
    /// Pieces of text between title and stamp.
    leads: Vec<usize>,
}

#[derive(Default)]
struct Body {
    blocks: Vec<Block>,
    authors: Vec<String>,
    author_lines: Vec<usize>,
    source: Option<String>,
    tags: Vec<String>,
    lead_line: Option<usize>,
    caption_lines: Vec<usize>,
}

impl<'a> Page<'a> {
    fn survey(pieces: &'a [Piece], zone: Zone) -> Self {
        let roles: Vec<Role> = pieces.iter().map(|piece| role_of(piece, zone)).collect();
        let prose = roles.iter().position(|role| matches!(role, Role::Prose)).unwrap_or(roles.len());
        let (close, taken) = (pieces.len(), vec![false; pieces.len()]);
        let mut page =
            Self { pieces, roles, zone, prose, close, taken, above: Vec::new(), early: Vec::new() };
        page.above = page.look_above();
        page.close = page.closing_from(if page.prose == page.roles.len() {
            page.first_candidate()
        } else {
            page.prose
        });
        page
    }

    fn first_candidate(&self) -> usize {
        (0..self.roles.len()).find(|index| self.is_candidate(*index)).unwrap_or(0)
    }

    /// The first heading of other news at or below `from`.
    fn closing_from(&self, from: usize) -> usize {
        let ends = |role: &Role| matches!(role, Role::Furniture(Furniture::End | Furniture::Box));
        (from..self.roles.len()).find(|index| ends(&self.roles[*index])).unwrap_or(self.roles.len())
    }

    fn is_candidate(&self, index: usize) -> bool {
        matches!(self.roles[index], Role::Date(_) | Role::Refused(_))
    }

    fn label(&self, index: usize) -> Option<Label> {
        match &self.roles[index] {
            Role::Date(found) => found.label,
            Role::Refused(refusal) => refusal.label,
            _ => None,
        }
    }

    fn text(&self, index: usize) -> &'a str {
        &self.pieces[index].text
    }

    fn line(&self, index: usize) -> usize {
        self.pieces[index].line
    }

    fn is_open_text(&self, index: usize) -> bool {
        // A table has a role of its kind and no text of its own.
        matches!(self.roles[index], Role::Prose | Role::Other) && !self.text(index).is_empty()
    }

    /// Could be a headline: some words, no full stop.
    fn is_title_like(&self, index: usize) -> bool {
        let piece = &self.pieces[index];
        match piece.kind {
            Kind::Heading(_) => self.is_open_text(index),
            Kind::Line => {
                matches!(self.roles[index], Role::Other)
                    && (4..=40).contains(&words(&piece.text))
                    && !piece.text.ends_with(['.', ';', ':', ','])
                    && byline::labelled(&piece.text).is_none()
            }
            _ => false,
        }
    }

    /// The nearest headline above `index`, or the one line that stands there.
    fn headline_above(&self, index: usize) -> Option<usize> {
        let (headline, first_open, open) = *self.above.get(index)?;
        headline.or(first_open.filter(|_| open == 1))
    }

    /// For each line down to the last date what stands above it: the nearest headline, the first line of text,
    /// how many of them.
    fn look_above(&self) -> Vec<(Option<usize>, Option<usize>, usize)> {
        let end = (0..self.roles.len()).rfind(|index| self.is_candidate(*index)).map_or(0, |last| last + 1);
        let mut above = Vec::with_capacity(end);
        let (mut headline, mut first_open, mut open) = (None, None, 0);
        for index in 0..end {
            above.push((headline, first_open, open));
            if self.is_title_like(index) {
                headline = Some(index);
            }
            if self.is_open_text(index) {
                first_open = first_open.or(Some(index));
                open += 1;
            }
        }
        above
    }
}

fn role_of(piece: &Piece, zone: Zone) -> Role {
    match piece.kind {
        Kind::Whole(_) | Kind::Item { .. } => return Role::Other,
        Kind::Caption => {
            let plain = || Caption { text: piece.text.clone(), credit: None };
            return Role::Caption(Box::new(caption::read(&piece.text).unwrap_or_else(plain)));
        }
        _ => {}
    }
    match stamp::read(&piece.text, zone) {
        Printed::Date(found) => return Role::Date(found),
        Printed::Refused(refusal) => return Role::Refused(refusal),
        Printed::Nothing => {}
    }
    if let Some(furniture) = furniture::kind_of(&piece.text) {
        return Role::Furniture(furniture);
    }
    if matches!(piece.kind, Kind::Heading(_)) {
        return Role::Other;
    }
    if let Some(caption) = caption::read(&piece.text) {
        return Role::Caption(Box::new(caption));
    }
    let asks = piece.text.ends_with('?') && words(&piece.text) <= 30;
    if is_prose(&piece.text) && !asks { Role::Prose } else { Role::Other }
}
