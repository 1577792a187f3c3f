//! Which of the dates on a page is the article's.

use super::super::finding::{Complaint, Findings};
use super::super::front_matter::FrontMatter;
use super::super::furniture::Furniture;
use super::super::stamp::{self, Found, Label, Printed};
use super::Hints;
use super::{Dated, Page, Role};

impl Page<'_> {
    pub(super) fn date(&mut self, matter: &FrontMatter, hints: &Hints, findings: &mut Findings) -> Dated {
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
                self.tell_of_date(&found, at, matter.title.is_some(), findings);
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
}
