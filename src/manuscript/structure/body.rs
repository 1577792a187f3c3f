//! Where the text begins and ends, and which of its lines are credits or furniture.

use super::super::byline::{self, Byline};
use super::super::finding::{Complaint, Findings};
use super::super::furniture::{self, Furniture};
use super::super::text::{ends_a_sentence, longer_than, words};
use super::compose::Composer;
use super::{Body, Dated, Kind, Page, Role, Titled};
use crate::article::words::texts_of;

impl Page<'_> {
    pub(super) fn body(&mut self, dated: &Dated, titled: &Titled, findings: &mut Findings) -> Body {
        let mut body = Body::default();
        if let Some(author) = &dated.author {
            body.authors.push(author.clone());
            body.author_lines.push(dated.line);
        }
        for (line, byline) in std::mem::take(&mut self.early) {
            credit(&mut body, byline, line);
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
                self.take_credit(index, byline, body, findings);
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
        let several = |byline: &Byline| {
            byline.authors.iter().all(|name| (2..=4).contains(&words(name)) || byline::is_initials(name))
        };
        byline::labelled(text).or_else(|| byline::bare(text).filter(several))
    }

    /// Where other news begins. A box within the text ends nothing when prose follows it.
    fn end_of_text(&mut self, from: usize, findings: &mut Findings) -> usize {
        let mut at = from;
        let mut next_end = 0;
        loop {
            let close = self.closing_from(at);
            if close == self.roles.len() {
                return close;
            }
            let signed = self.is_signed_before(close, from);
            let is_box = matches!(self.roles[close], Role::Furniture(Furniture::Box));
            let prose = (close + 1..self.roles.len()).find(|index| self.is_body_prose(*index));
            // NOTE: looked for anew only once it was passed, since there may be a box in every other line.
            if next_end <= close {
                next_end = (close + 1..self.roles.len())
                    .find(|index| matches!(self.roles[*index], Role::Furniture(Furniture::End)))
                    .unwrap_or(self.roles.len());
            }
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
            Kind::Whole(block) => texts_of(block).join(" | "),
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
            self.take_credit(first, byline, body, findings);
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
        let short = words(text) <= 6
            && !longer_than(text, 60)
            && !text.starts_with(['(', '['])
            && !ends_a_sentence(text);
        if short && self.pieces[last].kind == Kind::Line && matches!(self.roles[last], Role::Other) {
            findings.warn(self.line(last), Complaint::PerhapsByline { text: text.to_owned() });
        }
    }

    fn credit_at_foot(&self, index: usize) -> Option<Byline> {
        let piece = &self.pieces[index];
        if !matches!(self.roles[index], Role::Other | Role::Prose)
            || matches!(piece.kind, Kind::Heading(_) | Kind::Whole(_) | Kind::Item { .. })
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
        self.pieces[index].tell_of_links(findings);
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

pub(super) fn credit(body: &mut Body, byline: Byline, line: usize) {
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
