//! From the lines of a page to an article: which is the title, which the date, where the text begins and ends.
//!
//! The stamp is found first, since it alone is certain; the title stands above it and the text below. What
//! is left out is told; what is in doubt is kept.

use std::collections::HashSet;

use super::byline::{self, Byline};
use super::caption::{self, Caption};
use super::finding::{Complaint, Findings};
use super::front_matter::FrontMatter;
use super::furniture::{self, Furniture};
use super::stamp::{self, Found, Label, Printed, Refusal};
use super::text::{compared, ends_a_sentence, is_prose, longer_than, words};
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
    /// A table; `text` is empty.
    Table(Vec<Vec<String>>),
    /// A paragraph with links or marks that plain text would lose; `text` is the plain text.
    Html(String),
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
    if titled.text.is_none() {
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
    Refused(Refusal),
    Furniture(Furniture),
    Caption(Caption),
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
        let mut page = Self { pieces, roles, zone, prose, close, taken, above: Vec::new() };
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
        matches!(self.roles[index], Role::Prose | Role::Other)
    }

    /// Could be a headline: some words, no full stop.
    fn is_title_like(&self, index: usize) -> bool {
        let piece = &self.pieces[index];
        match piece.kind {
            Kind::Heading(_) => self.is_open_text(index),
            Kind::Line | Kind::Html(_) => {
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
        let (headline, first_open, open) = self.above[index];
        headline.or(first_open.filter(|_| open == 1))
    }

    /// For each line what stands above it: the nearest headline, the first line of text, how many of them.
    fn look_above(&self) -> Vec<(Option<usize>, Option<usize>, usize)> {
        let mut above = Vec::with_capacity(self.roles.len());
        let (mut headline, mut first_open, mut open) = (None, None, 0);
        for index in 0..self.roles.len() {
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

    // --- the date ---

    fn date(&mut self, matter: &FrontMatter, hints: &Hints, findings: &mut Findings) -> Dated {
        let titled = matter.title.is_some() || hints.title.is_some();
        let chosen = self.choose_stamp(titled);
        if matter.names_a_date {
            let line = matter.line_of("published").unwrap_or(1);
            return Dated { stamp: matter.published, line, at: chosen, glued_title: None, author: None };
        }
        let nothing = |line| Dated { stamp: None, line, at: None, glued_title: None, author: None };
        let Some(at) = chosen else {
            return self.glued(findings).or_else(|| self.hinted(hints, findings)).unwrap_or_else(|| {
                self.complain_of_no_date(findings);
                nothing(1)
            });
        };
        let line = self.line(at);
        self.tell_of_other_dates(at, findings);
        match std::mem::replace(&mut self.roles[at], Role::Other) {
            Role::Date(found) => {
                self.roles[at] = Role::Furniture(Furniture::Tool);
                self.taken[at] = true;
                self.tell_of_date(&found, at, titled, findings);
                Dated {
                    stamp: Some(found.stamp),
                    line,
                    at: Some(at),
                    glued_title: None,
                    author: found.author,
                }
            }
            Role::Refused(refusal) => {
                self.roles[at] = Role::Furniture(Furniture::Tool);
                // A page that shows `2 giờ trước` may say the date itself in its markup.
                if matches!(refusal.complaint, Complaint::DateRelative { .. })
                    && let Some(dated) = self.hinted(hints, findings)
                {
                    return Dated { at: Some(at), ..dated };
                }
                findings.refuse(line, refusal.complaint);
                Dated { at: Some(at), ..nothing(line) }
            }
            other => {
                self.roles[at] = other;
                nothing(line)
            }
        }
    }

    /// The rules of precedence, in order.
    ///
    /// `titled` says that the title is known from elsewhere, so that none need stand above the date.
    fn choose_stamp(&self, titled: bool) -> Option<usize> {
        let candidates: Vec<usize> = (0..self.close).filter(|index| self.is_candidate(*index)).collect();
        let labelled = |label| candidates.iter().copied().find(|index| self.label(*index) == Some(label));
        let plain = |range: std::ops::Range<usize>| -> Vec<(usize, usize)> {
            let unlabelled = candidates.iter().copied().filter(|index| self.label(*index).is_none());
            unlabelled
                .filter(|index| range.contains(index))
                .map(|index| (index, self.headline_above(index).map_or(0, |headline| headline + 1)))
                .filter(|(_, headline)| titled || *headline > 0)
                .collect()
        };
        // Of several headlines with dates the last above the text is the article's; of two dates below one
        // headline the first.
        let last_group = |found: Vec<(usize, usize)>| {
            let last = found.last()?.1;
            found.iter().find(|(_, headline)| *headline == last).map(|(index, _)| *index)
        };
        labelled(Label::Published)
            .or_else(|| last_group(plain(0..self.prose)))
            .or_else(|| labelled(Label::Updated))
            .or_else(|| plain(self.prose..self.near_the_top()).first().map(|(index, _)| *index))
            .or_else(|| self.only_above_the_title(&candidates))
    }

    /// Up to here a date may stand below an opening paragraph.
    fn near_the_top(&self) -> usize {
        let proses = (0..self.close).filter(|index| matches!(self.roles[*index], Role::Prose));
        proses.take(3).nth(2).unwrap_or(self.close)
    }

    /// A date above everything, with the title right below it.
    fn only_above_the_title(&self, candidates: &[usize]) -> Option<usize> {
        let first = *candidates.first().filter(|index| **index < self.prose)?;
        let next = (first + 1..self.close).find(|index| !matches!(self.roles[*index], Role::Furniture(_)))?;
        let directly = (first + 1..next).next().is_none();
        (directly && self.is_title_like(next)).then_some(first)
    }

    fn glued(&mut self, findings: &mut Findings) -> Option<Dated> {
        let top = self.prose.saturating_add(1).min(self.close).min(12);
        let (at, (title, found)) = (0..top)
            .filter(|index| self.is_open_text(*index))
            .find_map(|index| Some((index, stamp::read_glued(self.text(index), self.zone)?)))?;
        let line = self.line(at);
        self.tell_of_date(&found, at, true, findings);
        let stamp = Some(found.stamp);
        Some(Dated { stamp, line, at: Some(at), glued_title: Some(title), author: found.author })
    }

    fn hinted(&self, hints: &Hints, findings: &mut Findings) -> Option<Dated> {
        let (line, printed) = hints.stamp.as_ref()?;
        let Printed::Date(found) = stamp::read(printed, self.zone) else { return None };
        for doubt in found.doubts {
            findings.warn(*line, doubt);
        }
        Some(Dated { stamp: Some(found.stamp), line: *line, at: None, glued_title: None, author: None })
    }

    fn complain_of_no_date(&self, findings: &mut Findings) {
        let somewhere = (0..self.close).find(|index| self.is_candidate(*index));
        match somewhere {
            Some(index) if index < self.prose && self.headline_above(index).is_none() => {
                let text = self.text(index).to_owned();
                findings.refuse(self.line(index), Complaint::DateOnlyClock { text });
            }
            Some(index) => {
                let text = self.text(index).to_owned();
                findings.refuse(self.line(index), Complaint::DateElsewhere { text });
            }
            None => {
                let title = (0..self.roles.len()).find(|index| self.is_open_text(*index));
                findings.refuse(title.map_or(1, |index| self.line(index)), Complaint::DateMissing);
            }
        }
    }

    fn tell_of_date(&self, found: &Found, at: usize, titled: bool, findings: &mut Findings) {
        let line = self.line(at);
        for doubt in &found.doubts {
            findings.warn(line, doubt.clone());
        }
        if !found.beside.is_empty() {
            findings.note(line, Complaint::WordsBesideDate { text: found.beside.clone() });
        }
        if let Some(text) = &found.update {
            findings.note(line, Complaint::DateOfUpdate { text: text.clone() });
        }
        if found.label.is_none()
            && !titled
            && at < self.prose
            && self.headline_above(at).is_none()
            && self.title_below(at).is_some()
        {
            findings.warn(line, Complaint::DateAboveTitle { text: self.text(at).to_owned() });
        }
    }

    fn title_below(&self, at: usize) -> Option<usize> {
        (at + 1..self.close).find(|index| self.is_open_text(*index))
    }

    /// Other dates near the top: an update, the page's clock, or a contradiction.
    fn tell_of_other_dates(&mut self, chosen: usize, findings: &mut Findings) {
        let title = self.headline_above(chosen);
        for index in 0..self.near_the_top() {
            let Role::Date(found) = &self.roles[index] else { continue };
            // NOTE: a bare date below the opening may head a part of the text: it stays there.
            if index == chosen || index > self.prose && found.label.is_none() {
                continue;
            }
            let text = self.text(index).to_owned();
            let same = matches!(&self.roles[chosen], Role::Date(taken) if taken.stamp == found.stamp);
            let line = self.line(index);
            if found.label == Some(Label::Updated) {
                findings.note(line, Complaint::DateOfUpdate { text });
            } else if title.is_none_or(|title| index < title) {
                findings.note(line, Complaint::ClockPassedOver { text });
            } else if same {
                findings.note(line, Complaint::DroppedRepeat { text });
            } else {
                let chosen = self.text(chosen).to_owned();
                findings.warn(line, Complaint::SecondDate { text, chosen });
            }
            self.taken[index] = true;
        }
    }

    // --- the title ---

    fn title(
        &mut self,
        dated: &Dated,
        matter: &FrontMatter,
        hints: &Hints,
        findings: &mut Findings,
    ) -> Titled {
        let stamp = dated.at;
        if let Some(title) = &dated.glued_title {
            let mut titled = self.take_title(stamp.unwrap_or(0), Vec::new(), None, findings);
            titled.text = Some(matter.title.clone().unwrap_or_else(|| title.clone()));
            return titled;
        }
        let given = matter.title.as_ref();
        // NOTE: beside a given title a line is the printed one only where it stands above a date or says the
        // same; otherwise the text begins at once and its first line must not be lost.
        let found = match given {
            Some(given) if stamp.is_none() => self.line_that_says(given).map(|at| (at, Vec::new())),
            Some(given) => self.find_title(stamp, hints).filter(|(at, _)| {
                stamp.is_some_and(|stamp| *at < stamp) || compared(self.text(*at)) == compared(given)
            }),
            None => self.find_title(stamp, hints),
        };
        let mut titled = match found {
            Some((at, leads)) => self.take_title(at, leads, stamp, findings),
            None => self.title_from_hint(stamp, hints),
        };
        if let Some(given) = given {
            titled.text = Some(given.clone());
            titled.line = matter.line_of("title").unwrap_or(titled.line);
        }
        titled
    }

    /// A line at the top that is the given title.
    fn line_that_says(&self, given: &str) -> Option<usize> {
        let given = compared(given);
        (0..self.close.min(8)).find(|index| self.is_open_text(*index) && compared(self.text(*index)) == given)
    }

    fn title_from_hint(&self, stamp: Option<usize>, hints: &Hints) -> Titled {
        let below = stamp.map_or(0, |at| at + 1);
        let (line, text) = hints.title.clone().map_or((1, None), |(line, text)| (line, Some(text)));
        Titled { text, line, below, leads: Vec::new() }
    }

    /// Where the title stands, and the paragraphs between it and the date.
    fn find_title(&self, stamp: Option<usize>, hints: &Hints) -> Option<(usize, Vec<usize>)> {
        if let Some(at) = self.heading_title(stamp, hints) {
            let leads = (at + 1..stamp.unwrap_or(0))
                .filter(|index| matches!(self.roles[*index], Role::Prose))
                .collect();
            return Some((at, leads));
        }
        let top = stamp.unwrap_or(0);
        let mut above: Vec<usize> = (0..top)
            .rev()
            .take_while(|index| !self.is_candidate(*index))
            .filter(|index| self.is_open_text(*index) && byline::labelled(self.text(*index)).is_none())
            .collect();
        let mut leads = Vec::new();
        while leads.len() < 2 && above.len() > 1 && matches!(self.roles[above[0]], Role::Prose) {
            leads.insert(0, above.remove(0));
        }
        match above.as_slice() {
            [] if hints.title.is_some() => None,
            [] => {
                let below =
                    (stamp.map_or(0, |at| at + 1)..self.close).find(|index| self.is_open_text(*index))?;
                Some((below, leads))
            }
            // Between title and date may stand the section and the author: short lines both.
            [nearest, ..] => {
                let near = above.iter().take(4).copied();
                let like = near.clone().find(|index| self.is_title_like(*index));
                Some((like.unwrap_or(*nearest), leads))
            }
        }
    }

    /// A heading by markup: the one that the page's own title names, else the highest and nearest to the date.
    fn heading_title(&self, stamp: Option<usize>, hints: &Hints) -> Option<usize> {
        let level = |index: usize| match self.pieces[index].kind {
            Kind::Heading(level) if self.is_open_text(index) => Some(level),
            _ => None,
        };
        let named = hints.title.as_ref().map(|(_, title)| compared(title));
        let top = (0..self.close).filter(|index| level(*index) == Some(1));
        let by_name =
            top.clone().find(|index| named.as_ref().is_some_and(|name| *name == compared(self.text(*index))));
        let above =
            (0..stamp.unwrap_or(0)).filter_map(|index| Some((level(index)?, std::cmp::Reverse(index)))).min();
        by_name.or(above.map(|(_, index)| index.0)).or_else(|| {
            let mut top = top.filter(|index| *index <= self.prose);
            top.next()
        })
    }

    fn take_title(
        &mut self,
        at: usize,
        leads: Vec<usize>,
        stamp: Option<usize>,
        findings: &mut Findings,
    ) -> Titled {
        let first = self.title_start(at);
        let parts: Vec<&str> = (first..=at).map(|index| self.text(index)).collect();
        let text = parts.join(" ");
        let line = self.line(first);
        self.taken[first..=at].fill(true);
        for index in 0..first {
            self.leave_above(index, findings);
        }
        let below = stamp.map_or(at + 1, |stamp| stamp.max(at) + 1);
        Titled {
            text: Some(text),
            line,
            below: if stamp.is_some_and(|stamp| stamp < at) { at + 1 } else { below },
            leads,
        }
    }

    /// A title on two lines begins where the first of them does: both in capitals, or the second going on in
    /// small letters.
    fn title_start(&self, at: usize) -> usize {
        let piece = &self.pieces[at];
        if at == 0 || piece.gap || piece.kind != Kind::Line || self.pieces[at - 1].kind != Kind::Line {
            return at;
        }
        let above = self.text(at - 1);
        if is_kind_of_document(above) && piece.text.starts_with("Về ") {
            return at - 1;
        }
        let capitals =
            |text: &str| !text.chars().any(char::is_lowercase) && text.chars().any(char::is_uppercase);
        let goes_on = piece.text.starts_with(char::is_lowercase)
            || capitals(&piece.text) && capitals(above) && words(above) >= 3;
        if matches!(self.roles[at - 1], Role::Other) && goes_on && words(above) >= 2 { at - 1 } else { at }
    }

    /// What stands above the title: menus, tickers, clocks.
    fn leave_above(&mut self, index: usize, findings: &mut Findings) {
        if std::mem::replace(&mut self.taken[index], true) {
            return;
        }
        let (line, text) = (self.line(index), self.text(index).to_owned());
        match self.roles[index] {
            Role::Prose => findings.warn(line, Complaint::TextAboveTitle { text }),
            Role::Date(_) => findings.note(line, Complaint::ClockPassedOver { text }),
            _ => findings.note(line, Complaint::Dropped { text }),
        }
    }

    // --- the text ---

    fn body(&mut self, dated: &Dated, titled: &Titled, findings: &mut Findings) -> Body {
        let mut body = Body::default();
        if let Some(author) = &dated.author {
            body.authors.push(author.clone());
            body.author_lines.push(dated.line);
        }
        if let Some(at) = dated.at {
            self.taken[at] = true;
        }
        let between = self.between(dated, titled, &mut body, findings);
        let from = titled.below;
        let end = self.end_of_text(from, findings);
        let mut kept = between;
        kept.extend((from..end).filter(|index| !self.taken[*index]));
        self.drop_below(end, findings);
        let kept = self.without_furniture(kept, &mut body, findings);
        let kept = self.without_credits(kept, &mut body, findings);
        Composer { page: self, body, findings, dateline: None }.compose(&kept)
    }

    /// Pieces between title and date: text stays, labelled authors are taken, section names go.
    fn between(
        &mut self,
        dated: &Dated,
        titled: &Titled,
        body: &mut Body,
        findings: &mut Findings,
    ) -> Vec<usize> {
        let stamp = dated.at.unwrap_or(0);
        let mut kept = Vec::new();
        for index in 0..stamp {
            if self.taken[index] {
                continue;
            }
            self.taken[index] = true;
            if titled.leads.contains(&index) || matches!(self.roles[index], Role::Caption(_) | Role::Prose) {
                kept.push(index);
            } else if let Some(byline) = self.author_at_top(index) {
                credit(body, byline, self.line(index));
            } else if self.is_open_text(index) && words(self.text(index)) > 4 {
                kept.push(index);
            } else {
                findings.note(self.line(index), Complaint::Dropped { text: self.text(index).to_owned() });
            }
        }
        kept
    }

    fn author_at_top(&self, index: usize) -> Option<Byline> {
        let text = self.text(index);
        let several = |byline: &Byline| byline.authors.iter().all(|name| (2..=4).contains(&words(name)));
        byline::labelled(text).or_else(|| byline::bare(text).filter(several))
    }

    /// Where other news begins. A box within the text ends nothing when prose follows it.
    fn end_of_text(&mut self, from: usize, findings: &mut Findings) -> usize {
        let mut at = from;
        loop {
            let close = self.closing_from(at);
            if close == self.roles.len() {
                return close;
            }
            let signed = self.is_signed_before(close, from);
            let is_box = matches!(self.roles[close], Role::Furniture(Furniture::Box));
            let prose = (close + 1..self.roles.len()).find(|index| self.is_body_prose(*index));
            let next_end = (close + 1..self.roles.len())
                .find(|index| matches!(self.roles[*index], Role::Furniture(Furniture::End)))
                .unwrap_or(self.roles.len());
            match prose.filter(|prose| *prose < next_end && is_box && !signed) {
                Some(prose) => {
                    findings.warn(
                        self.line(close),
                        Complaint::KeptAfterEnd { heading: self.text(close).to_owned() },
                    );
                    for index in close..prose {
                        self.drop_one(index, findings);
                    }
                    at = prose;
                }
                None => return close,
            }
        }
    }

    /// A paragraph of the article rather than the teaser of another.
    fn is_body_prose(&self, index: usize) -> bool {
        matches!(self.roles[index], Role::Prose) && longer_than(self.text(index), 120)
    }

    /// The article is over before `close`: a byline, a source or `./.` stands there.
    fn is_signed_before(&self, close: usize, from: usize) -> bool {
        (from..close)
            .rev()
            .find(|index| !matches!(self.roles[*index], Role::Furniture(_) | Role::Caption(_)))
            .is_some_and(|index| {
                let text = self.text(index);
                text.ends_with("./.")
                    || byline::labelled(text).is_some()
                    || byline::source(text).is_some()
                    || byline::bare(text).is_some()
            })
    }

    fn drop_one(&mut self, index: usize, findings: &mut Findings) {
        if !std::mem::replace(&mut self.taken[index], true) {
            findings.note(self.line(index), Complaint::Dropped { text: self.shown(index) });
        }
    }

    fn shown(&self, index: usize) -> String {
        match &self.pieces[index].kind {
            Kind::Table(rows) => rows.iter().map(|row| row.join(" | ")).collect::<Vec<_>>().join(" / "),
            _ => self.text(index).to_owned(),
        }
    }

    fn drop_below(&mut self, end: usize, findings: &mut Findings) {
        const SINGLY: usize = 100;
        let last = self.roles.len();
        let singly = last.min(end + SINGLY);
        for index in end..singly {
            self.drop_one(index, findings);
        }
        if singly < last {
            let (count, last_line) = (last - singly, self.line(last - 1));
            findings.note(self.line(singly), Complaint::DroppedMore { count, last_line });
            self.taken[singly..].fill(true);
        }
    }

    /// Takes toolbars, keywords and other news without a heading out of the text.
    fn without_furniture(
        &mut self,
        kept: Vec<usize>,
        body: &mut Body,
        findings: &mut Findings,
    ) -> Vec<usize> {
        let mut text = Vec::with_capacity(kept.len());
        for index in kept {
            match &self.roles[index] {
                Role::Furniture(Furniture::Tags(tags)) => body.tags.extend(tags.iter().cloned()),
                Role::Furniture(_) => {
                    findings.note(self.line(index), Complaint::Dropped { text: self.shown(index) })
                }
                _ => text.push(index),
            }
        }
        let headlines = text
            .iter()
            .rev()
            .take_while(|index| {
                !matches!(self.roles[**index], Role::Prose)
                    && furniture::is_dated_headline(self.text(**index))
            })
            .count();
        if headlines >= 2 {
            for index in text.split_off(text.len() - headlines) {
                findings.note(self.line(index), Complaint::Dropped { text: self.shown(index) });
            }
        }
        text
    }

    /// Takes bylines and sources out: labelled ones near either end, bare names near the end only.
    fn without_credits(
        &mut self,
        mut kept: Vec<usize>,
        body: &mut Body,
        findings: &mut Findings,
    ) -> Vec<usize> {
        if let Some(first) = kept.first().copied()
            && kept.len() > 1
            && !matches!(self.roles[first], Role::Prose | Role::Caption(_))
            && let Some(byline) = self.author_at_top(first)
        {
            credit(body, byline, self.line(first));
            kept.remove(0);
        }
        let foot = self.foot(&kept);
        self.tell_of_a_possible_name(&kept, foot.is_empty(), findings);
        kept.retain(|index| foot.iter().all(|(at, _)| at != index));
        for (index, found) in foot.into_iter().rev() {
            self.take_credit(index, found, body, findings);
        }
        kept
    }

    /// The credits among the last lines, the last of them first.
    fn foot(&self, kept: &[usize]) -> Vec<(usize, Byline)> {
        const MOST_LINES: usize = 40;
        const MOST_NAMES: usize = 4;
        let mut foot = Vec::new();
        for index in kept.iter().rev().take(MOST_LINES).copied() {
            match self.credit_at_foot(index) {
                Some(found) => foot.push((index, found)),
                None if self.may_stand_below_a_byline(index) => {}
                None => break,
            }
        }
        // NOTE: a long run of names is a list of people in the article, not of its authors.
        if foot.len() > MOST_NAMES {
            foot.retain(|(index, _)| {
                byline::labelled(self.text(*index)).is_some() || byline::source(self.text(*index)).is_some()
            });
            foot.truncate(MOST_NAMES);
        }
        foot
    }

    /// The last line is short, no sentence, and not known to be a name: it stays, and somebody should look.
    fn tell_of_a_possible_name(&self, kept: &[usize], unsigned: bool, findings: &mut Findings) {
        let Some(last) = kept.last().copied().filter(|_| unsigned && kept.len() > 1) else { return };
        let text = self.text(last);
        let short = words(text) <= 6 && !longer_than(text, 60) && !ends_a_sentence(text);
        if short && self.pieces[last].kind == Kind::Line && matches!(self.roles[last], Role::Other) {
            findings.warn(self.line(last), Complaint::PerhapsByline { text: text.to_owned() });
        }
    }

    fn credit_at_foot(&self, index: usize) -> Option<Byline> {
        let piece = &self.pieces[index];
        if !matches!(self.roles[index], Role::Other | Role::Prose)
            || matches!(piece.kind, Kind::Heading(_) | Kind::Table(_) | Kind::Item { .. })
        {
            return None;
        }
        let text = self.text(index);
        let source =
            || byline::source(text).map(|source| Byline { authors: Vec::new(), source: Some(source) });
        byline::labelled(text).or_else(source).or_else(|| byline::bare(text))
    }

    /// Captions may follow a byline, and the line that announces them.
    fn may_stand_below_a_byline(&self, index: usize) -> bool {
        let piece = &self.pieces[index];
        matches!(self.roles[index], Role::Caption(_))
            || piece.kind == Kind::Caption
            || piece.text.ends_with(':') && words(&piece.text) <= 12
            || is_contact(&piece.text)
            || matches!(piece.text.as_str(), "./.")
    }

    fn take_credit(&self, index: usize, found: Byline, body: &mut Body, findings: &mut Findings) {
        let line = self.line(index);
        if let Some(source) = &found.source
            && found.authors.is_empty()
            && body.source.as_ref().is_some_and(|known| known != source)
        {
            findings.note(line, Complaint::SecondSource { text: self.text(index).to_owned() });
        }
        credit(body, found, line);
    }
}

/// Beyond this they are no authors, and looking for repeats would cost.
const MOST_AUTHORS: usize = 50;

fn credit(body: &mut Body, byline: Byline, line: usize) {
    if !byline.authors.is_empty() {
        body.author_lines.push(line);
    }
    for author in byline.authors {
        if body.authors.len() < MOST_AUTHORS && !body.authors.contains(&author) {
            body.authors.push(author);
        }
    }
    if let Some(source) = byline.source {
        body.source.get_or_insert(source);
    }
}

fn role_of(piece: &Piece, zone: Zone) -> Role {
    match piece.kind {
        Kind::Table(_) | Kind::Item { .. } => return Role::Other,
        Kind::Caption => {
            let plain = || Caption { text: piece.text.clone(), credit: None };
            return Role::Caption(caption::read(&piece.text).unwrap_or_else(plain));
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
        return Role::Caption(caption);
    }
    let asks = piece.text.ends_with('?') && words(&piece.text) <= 30;
    if is_prose(&piece.text) && !asks { Role::Prose } else { Role::Other }
}

/// `(BĐ) -`, `TTO -`, with nothing behind it.
fn is_dateline(text: &str) -> bool {
    text.ends_with(['-', '–'])
        && words(text) <= 5
        && text.len() > 3
        && text.starts_with(|c: char| c == '(' || c.is_uppercase())
}

/// An address line or an attached file, which may stand below the author.
fn is_contact(line: &str) -> bool {
    const NAMES: [&str; 10] = [
        "điện thoại",
        "đt",
        "email",
        "e-mail",
        "địa chỉ",
        "website",
        "fax",
        "hotline",
        "đính kèm",
        "tệp đính kèm",
    ];
    const FILES: [&str; 8] = [".pdf", ".doc", ".docx", ".xls", ".xlsx", ".zip", ".rar", ".ppt"];
    let lower = line.to_lowercase();
    let named = lower.split_once(':').is_some_and(|(name, _)| NAMES.contains(&name.trim()));
    !longer_than(line, 160) && (named || FILES.iter().any(|ending| lower.ends_with(ending)))
}

/// `THÔNG BÁO`, below which an official text says what about.
fn is_kind_of_document(line: &str) -> bool {
    const KINDS: [&str; 14] = [
        "thông báo",
        "kế hoạch",
        "quyết định",
        "báo cáo",
        "công văn",
        "giấy mời",
        "chỉ thị",
        "nghị quyết",
        "hướng dẫn",
        "tờ trình",
        "lịch",
        "chương trình",
        "công điện",
        "thư ngỏ",
    ];
    KINDS.contains(&compared(line).as_str())
}

/// Turns the pieces that are the text into blocks.
struct Composer<'p, 'a, 'f> {
    page: &'p Page<'a>,
    body: Body,
    findings: &'f mut Findings,
    /// `(BĐ) -` on a line of its own, which opens the next paragraph.
    dateline: Option<(usize, String)>,
}

impl Composer<'_, '_, '_> {
    fn compose(mut self, kept: &[usize]) -> Body {
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
            && !matches!(self.page.pieces[index].kind, Kind::Table(_))
    }

    fn block(&mut self, index: usize, next: Option<usize>, previous: Option<usize>) {
        let piece = &self.page.pieces[index];
        match (&piece.kind, &self.page.roles[index]) {
            (Kind::Table(rows), _) => self.body.blocks.push(Block::Table { rows: rows.clone() }),
            (Kind::Heading(level), _) => {
                let level = (*level).clamp(2, 6);
                self.body.blocks.push(Block::Heading { level, text: piece.text.clone() });
            }
            (Kind::Item { ordered }, _) => self.item(*ordered, &piece.text),
            (_, Role::Caption(caption)) => self.caption(caption, piece),
            (Kind::Html(html), _) if self.body.lead_line.is_some() => {
                self.body.blocks.push(Block::Html { html: html.clone() });
            }
            _ if self.is_heading(index, next, previous) => {
                self.body.blocks.push(Block::Heading { level: 2, text: piece.text.clone() });
            }
            _ => self.paragraph(piece),
        }
    }

    fn item(&mut self, is_ordered: bool, text: &str) {
        if let Some(Block::List { ordered, items }) = self.body.blocks.last_mut()
            && *ordered == is_ordered
        {
            items.push(text.to_owned());
        } else {
            self.body.blocks.push(Block::List { ordered: is_ordered, items: vec![text.to_owned()] });
        }
    }

    fn caption(&mut self, caption: &Caption, piece: &Piece) {
        let text = if caption.text.is_empty() { self.text_above_its_credit(piece) } else { None };
        let printed = text.as_ref().map_or(piece.text.clone(), |text| format!("{text} {}", piece.text));
        self.body.caption_lines.push(piece.line);
        self.body.blocks.push(Block::Caption {
            text: text.unwrap_or_else(|| caption.text.clone()),
            credit: caption.credit.clone(),
            printed,
        });
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
        if self.body.lead_line.is_none() {
            self.body.lead_line = Some(piece.line);
            self.body.blocks.push(Block::Lead { text });
        } else {
            self.body.blocks.push(Block::Paragraph { text });
        }
    }

    /// `./.` tells the printer that an official text is over. A name may follow on the same line.
    fn without_end_mark(&mut self, piece: &Piece) -> String {
        let Some((text, behind)) = piece.text.rsplit_once("./.") else { return piece.text.clone() };
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
            || matches!(self.page.pieces[next].kind, Kind::Item { .. } | Kind::Table(_));
        let below_text = previous.is_some_and(|previous| {
            !matches!(self.page.roles[previous], Role::Other)
                || ends_a_sentence(self.page.text(previous))
                || matches!(self.page.pieces[previous].kind, Kind::Item { .. } | Kind::Table(_))
        });
        self.body.lead_line.is_some()
            && follows
            && below_text
            && piece.kind == Kind::Line
            && matches!(self.page.roles[index], Role::Other)
            && !longer_than(&piece.text, 120)
            && words(&piece.text) >= 2
            && !ends_a_sentence(&piece.text)
            && !piece.text.ends_with([',', '-', '–'])
            && piece.text.chars().next().is_some_and(|c| c.is_uppercase() || c.is_ascii_digit())
    }
}
