//! Builds an article from the lines of a page.
//!
//! `features` describes each line and `layout` assigns the roles; this module turns them into title, date, credits
//! and text, and reports every line that it drops.

mod compose;
mod page;
mod unfold;

use std::collections::HashSet;

use page::{Body, LabelledPage};

use super::article::{ParsedArticle, SourceLines};
use super::byline::Byline;
use super::diagnostic::{DiagnosticKind, Diagnostics};
use super::facts::Fact;
use super::features::{self, Dated};
use super::front_matter::FrontMatter;
use super::layout::{self, Given, Source};
use super::normalise::{ends_a_sentence, exceeds_chars};
use super::piece::{Kind, Piece};
use super::stamp::{self, DateReading, Label, ParsedDate};
use super::weights::{Role, SURE_OF_DATE, SURE_OF_TITLE, State};
use crate::model::Article;
use crate::time::{PublishedAt, Zone};

/// What the markup declares; the printed text takes precedence.
#[derive(Debug, Default)]
pub(super) struct Hints {
    /// A title and its line.
    pub title: Option<(usize, String)>,
    /// A date and its line.
    pub stamp: Option<(usize, String)>,
}

/// Builds the draft. `None` if a diagnostic says why.
pub(super) fn draft(
    pieces: Vec<Piece>,
    matter: FrontMatter,
    hints: &Hints,
    zone: Zone,
    site_language: &str,
    diagnostics: &mut Diagnostics,
) -> Option<ParsedArticle> {
    let pieces = unfold::unfolded(pieces, zone);
    let from_head = || hints.title.as_ref().map(|(_, title)| title.as_str());
    let lines = features::lines(&pieces, matter.title.as_deref().or_else(from_head), zone);
    let source = matter.title.as_ref().map(|_| Source::FrontMatter);
    let source = source.or(hints.title.as_ref().map(|_| Source::PageHead));
    let layout = layout::layout(&lines, Given { title: source, date: matter.names_a_date });
    let page = LabelledPage { pieces: &pieces, lines: &lines, layout: &layout, zone };

    let dated = page.date(&matter, hints, diagnostics);
    let titled = page.title(&matter, hints, diagnostics);
    if titled.text.is_empty() {
        diagnostics.error(titled.line, DiagnosticKind::TitleMissing);
    }
    page.report_other_dates(dated.stamp.is_some(), diagnostics);
    page.report_dropped_lines(diagnostics);
    let body = page.body(diagnostics);
    if body.blocks.is_empty() && !pieces.is_empty() {
        diagnostics.warn(titled.line, DiagnosticKind::TextMissing);
    }
    let stamp = dated.stamp.filter(|_| !titled.text.is_empty())?;
    if exceeds_chars(&titled.text, 250) {
        diagnostics.warn(titled.line, DiagnosticKind::TitleLong { characters: titled.text.chars().count() });
    }
    let places = SourceLines {
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
        title: titled.text,
        published: stamp,
        updated: matter.updated,
        summary: matter.summary,
        body: body.blocks,
        authors: matter.authors.unwrap_or(body.authors),
        source: matter.source.or(body.source),
        tags,
        language: matter.language.filter(|language| language != site_language),
        link: matter.link,
        origin: None,
        images: Vec::new(),
    };
    let (id, channels) = (matter.id, matter.channels);
    Some(ParsedArticle { article, id, channels, images: Vec::new(), lines: places })
}

struct PrintedDate {
    stamp: Option<PublishedAt>,
    line: usize,
}

struct Title {
    text: String,
    line: usize,
}

impl LabelledPage<'_> {
    fn date(&self, matter: &FrontMatter, hints: &Hints, diagnostics: &mut Diagnostics) -> PrintedDate {
        if matter.names_a_date {
            return PrintedDate { stamp: matter.published, line: matter.line_of("published").unwrap_or(1) };
        }
        let nothing = |line| PrintedDate { stamp: None, line };
        // In a page of hundreds of scraps no layout fits, and a line without a date may be taken for one.
        let Some((at, dated)) = self.layout.date.and_then(|at| Some((at, self.lines[at].date.as_ref()?)))
        else {
            return self.hinted(hints, diagnostics).unwrap_or_else(|| {
                self.refuse_without_date(diagnostics);
                nothing(1)
            });
        };
        let line = self.line(at);
        match dated {
            Dated::Refused(refusal) => {
                // A page that shows `2 giờ trước` may declare the date in its markup.
                if self.has(at, Fact::Relative)
                    && let Some(dated) = self.hinted(hints, diagnostics)
                {
                    return dated;
                }
                diagnostics.error(line, refusal.problem.clone());
                nothing(line)
            }
            Dated::Found(_) | Dated::Glued(_) => {
                let Some(found) = dated.date() else { return nothing(line) };
                if self.layout.date_margin < SURE_OF_DATE || self.heads_a_diary(at, found) {
                    if let Some(dated) = self.hinted(hints, diagnostics) {
                        return dated;
                    }
                    self.refuse_doubtful_date(at, diagnostics);
                    return nothing(line);
                }
                self.report_date(found, at, matter.title.is_some(), diagnostics);
                PrintedDate { stamp: Some(found.stamp), line }
            }
        }
    }

    /// Whether a date without a time, with others like it in the text, may head a part of the text, as in a diary.
    fn heads_a_diary(&self, at: usize, found: &ParsedDate) -> bool {
        let is_day = |found: &ParsedDate| {
            found.stamp.date_only && found.label.is_none() && found.is_bare() && !found.has_extras
        };
        let alike =
            |index: usize| matches!(&self.lines[index].date, Some(Dated::Found(other)) if is_day(other));
        is_day(found)
            && (at + 1..self.lines.len())
                .any(|index| self.role(index) == Role::Text && !self.has(index, Fact::Cell) && alike(index))
    }

    fn hinted(&self, hints: &Hints, diagnostics: &mut Diagnostics) -> Option<PrintedDate> {
        let (line, printed) = hints.stamp.as_ref()?;
        let DateReading::Date(found) = stamp::read(printed, self.zone) else { return None };
        for doubt in found.doubts {
            diagnostics.warn(*line, doubt);
        }
        Some(PrintedDate { stamp: Some(found.stamp), line: *line })
    }

    /// Rejects an article without a date. Names a line that may be meant as one.
    fn refuse_without_date(&self, diagnostics: &mut Diagnostics) {
        let is_open = |index: usize| self.lines[index].date.is_some() && self.role(index) != Role::OtherNews;
        let Some(index) = (0..self.lines.len()).find(|index| is_open(*index)) else {
            let line = self.layout.title.map_or(1, |title| self.line(title));
            return diagnostics.error(line, DiagnosticKind::DateMissing);
        };
        let text = self.text(index).to_owned();
        let above = self.layout.title.is_none_or(|title| index < title);
        let problem = if above {
            DiagnosticKind::OnlyPageClock { text }
        } else {
            DiagnosticKind::DateNotBelowTitle { text }
        };
        diagnostics.error(self.line(index), problem);
    }

    fn refuse_doubtful_date(&self, at: usize, diagnostics: &mut Diagnostics) {
        let text = self.text(at).to_owned();
        let problem = match self.layout.other_date {
            Some(other) => DiagnosticKind::DateInDoubt {
                text,
                line: self.line(other),
                other: self.text(other).to_owned(),
            },
            None if self.layout.title.is_some_and(|title| at < title) => {
                DiagnosticKind::OnlyPageClock { text }
            }
            None => DiagnosticKind::DateNotBelowTitle { text },
        };
        diagnostics.error(self.line(at), problem);
    }

    fn report_date(&self, found: &ParsedDate, at: usize, titled: bool, diagnostics: &mut Diagnostics) {
        let line = self.line(at);
        for doubt in &found.doubts {
            diagnostics.warn(line, doubt.clone());
        }
        if !found.beside.is_empty() {
            diagnostics.note(line, DiagnosticKind::ExtraTextOnDateLine { text: found.beside.clone() });
        }
        if let Some(text) = &found.update {
            diagnostics.note(line, DiagnosticKind::DateOfUpdate { text: text.clone() });
        }
        let above = self.layout.title.is_none_or(|title| at < title);
        // In an official document, place and day are above its type.
        if found.label.is_none() && !titled && above && !self.has(at, Fact::Official) {
            diagnostics.warn(line, DiagnosticKind::DateAboveTitle { text: self.text(at).to_owned() });
        }
    }

    fn title(&self, matter: &FrontMatter, hints: &Hints, diagnostics: &mut Diagnostics) -> Title {
        let printed = self.layout.title.map(|at| self.printed_title(at, diagnostics));
        if let Some(given) = &matter.title {
            let line = matter.line_of("title").or(printed.map(|title| title.line)).unwrap_or(1);
            return Title { text: given.clone(), line };
        }
        let hinted = || hints.title.clone().map(|(line, text)| Title { text, line });
        printed.or_else(hinted).unwrap_or(Title { text: String::new(), line: 1 })
    }

    fn printed_title(&self, at: usize, diagnostics: &mut Diagnostics) -> Title {
        self.pieces[at].report_links(diagnostics);
        let line = self.line(at);
        if let Some(Dated::Glued(glued)) = &self.lines[at].date
            && self.role(at) == Role::TitleAndDate
        {
            return Title { text: glued.0.clone(), line };
        }
        let mut text = self.text(at).to_owned();
        for more in (at + 1..self.lines.len()).take_while(|index| self.role(*index) == Role::TitleMore) {
            self.pieces[more].report_links(diagnostics);
            text.push_str(if self.has(more, Fact::PartOfSeries) { " - " } else { " " });
            text.push_str(self.text(more));
        }
        if self.layout.title_margin < SURE_OF_TITLE && matches!(self.pieces[at].kind, Kind::Line) {
            diagnostics.warn(line, DiagnosticKind::UnsureTitle { title: text.clone() });
        }
        Title { text, line }
    }

    /// Reports updates, the clock of the page, and dates of other articles.
    fn report_other_dates(&self, one_was_taken: bool, diagnostics: &mut Diagnostics) {
        let chosen = self.layout.date;
        for index in (0..self.lines.len()).filter(|index| self.role(*index) == Role::OtherDate) {
            let (line, text) = (self.line(index), self.text(index).to_owned());
            let label = match &self.lines[index].date {
                Some(Dated::Found(found)) => found.label,
                Some(Dated::Refused(refusal)) => refusal.label,
                _ => None,
            };
            let stamp = |index: usize| self.lines[index].date.as_ref().and_then(Dated::stamp);
            let clock = matches!(self.layout.states[index], State::TopClock);
            match chosen {
                _ if label == Some(Label::Updated) => {
                    diagnostics.note(line, DiagnosticKind::DateOfUpdate { text })
                }
                _ if self.has(index, Fact::Relative) => {
                    diagnostics.note(line, DiagnosticKind::Dropped { text })
                }
                _ if clock => diagnostics.note(line, DiagnosticKind::PageClockIgnored { text }),
                // If no date was accepted, the error names both.
                Some(at) if stamp(at) != stamp(index) => {
                    if !one_was_taken {
                        continue;
                    }
                    let chosen = self.text(at).to_owned();
                    diagnostics.warn(line, DiagnosticKind::SecondDate { text, chosen });
                }
                _ => diagnostics.note(line, DiagnosticKind::DroppedRepeat { text }),
            }
        }
    }

    fn report_dropped_lines(&self, diagnostics: &mut Diagnostics) {
        const SINGLY: usize = 100;
        let mut below = 0;
        for index in 0..self.lines.len() {
            let (line, text) = (self.line(index), || self.pieces[index].shown());
            match self.role(index) {
                Role::Boilerplate | Role::Footer | Role::End
                    if self.lines[index].tags.as_ref().is_some_and(|tags| !tags.is_empty()) => {}
                Role::Boilerplate
                    if self.has(index, Fact::Prose)
                        && !self.lines[index].facts.any(&[Fact::Site, Fact::Tool])
                        && self.layout.title.is_some_and(|title| index < title) =>
                {
                    diagnostics.warn(line, DiagnosticKind::TextAboveTitle { text: text() });
                }
                Role::Boilerplate | Role::Footer | Role::End => {
                    diagnostics.note(line, DiagnosticKind::Dropped { text: text() })
                }
                Role::Text if self.lines[index].facts.any(&[Fact::End, Fact::Box]) => {
                    diagnostics.warn(line, DiagnosticKind::KeptAfterEnd { heading: text() });
                }
                Role::Repeat => diagnostics.note(line, DiagnosticKind::DroppedRepeat { text: text() }),
                Role::OtherNews => {
                    below += 1;
                    if below <= SINGLY {
                        diagnostics.note(line, DiagnosticKind::Dropped { text: text() });
                    } else {
                        let last_line = self.line(self.lines.len() - 1);
                        let count = self.lines.len() - index;
                        diagnostics.note(line, DiagnosticKind::DroppedMore { count, last_line });
                        break;
                    }
                }
                _ => {}
            }
        }
    }

    fn body(&self, diagnostics: &mut Diagnostics) -> Body {
        let mut body = Body::default();
        if let Some(at) = self.layout.date
            && let Some(found) = self.lines[at].date.as_ref().and_then(Dated::date)
        {
            body.credit(&Byline { authors: found.authors.clone(), source: None }, self.line(at));
        }
        let mut kept = Vec::new();
        for index in 0..self.lines.len() {
            match self.role(index) {
                Role::Byline | Role::Credit => self.take_credit(index, &mut body, diagnostics),
                Role::Text | Role::BelowByline => kept.push(index),
                // Place and day below a letter belong to it.
                Role::Date
                    if self.layout.states[index] == State::DateLast && self.has(index, Fact::Place) =>
                {
                    kept.push(index)
                }
                Role::Boilerplate | Role::Footer | Role::End => {
                    body.tags.extend(self.lines[index].tags.iter().flatten().cloned())
                }
                _ => {}
            }
        }
        self.report_possible_name(&kept, body.author_lines.is_empty() && body.source.is_none(), diagnostics);
        compose::compose(self, body, &kept, diagnostics)
    }

    fn take_credit(&self, index: usize, body: &mut Body, diagnostics: &mut Diagnostics) {
        let Some(credit) = &self.lines[index].credit else { return };
        let (line, byline) = (self.line(index), credit);
        self.pieces[index].report_links(diagnostics);
        let other = byline
            .source
            .as_ref()
            .is_some_and(|source| body.source.as_ref().is_some_and(|known| known != source));
        if other && byline.authors.is_empty() {
            diagnostics.note(line, DiagnosticKind::SecondSource { text: self.text(index).to_owned() });
        }
        body.credit(byline, line);
    }

    /// Warns if the last line is short, not a sentence and not recognised as a name: it is kept, but somebody should
    /// check it.
    fn report_possible_name(&self, kept: &[usize], unsigned: bool, diagnostics: &mut Diagnostics) {
        let Some(last) = kept.last().copied().filter(|_| unsigned && kept.len() > 1) else { return };
        let (line, text) = (&self.lines[last], self.text(last));
        let short = line.words <= 6
            && !exceeds_chars(text, 60)
            && !text.starts_with(['(', '['])
            && !ends_a_sentence(text);
        if short && self.pieces[last].kind == Kind::Line && line.date.is_none() && line.caption.is_none() {
            diagnostics.warn(self.line(last), DiagnosticKind::PossibleByline { text: text.to_owned() });
        }
    }
}
