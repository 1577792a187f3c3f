//! Which line is the title, and what stands above it.

use super::super::byline;
use super::super::finding::{Complaint, Findings};
use super::super::front_matter::FrontMatter;
use super::super::text::{compared, words};
use super::{Dated, Hints, Kind, Page, Role, Titled};

impl Page<'_> {
    pub(super) fn title(
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
                let from = stamp.map_or(0, |at| at + 1);
                let below = (from..self.close).find(|index| {
                    self.is_open_text(*index) && byline::labelled(self.text(*index)).is_none()
                })?;
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
        let separator = if is_part_of_series(self.text(at)) { " - " } else { " " };
        let text = parts.join(separator);
        let line = self.line(first);
        self.taken[first..=at].fill(true);
        self.pieces[first..=at].iter().for_each(|piece| piece.tell_of_links(findings));
        let rival = (0..first)
            .rev()
            .take_while(|index| !self.is_candidate(*index))
            .any(|index| self.is_title_like(index));
        if rival && matches!(self.pieces[at].kind, Kind::Line) {
            findings.warn(line, Complaint::UnsureTitle { title: text.clone() });
        }
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
        if at > 0 && is_part_of_series(&piece.text) && self.is_title_like(at - 1) {
            return at - 1;
        }
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
        if let Some(byline) = byline::labelled(self.text(index)) {
            self.pieces[index].tell_of_links(findings);
            self.early.push((line, byline));
            return;
        }
        match self.roles[index] {
            Role::Prose => findings.warn(line, Complaint::TextAboveTitle { text }),
            Role::Date(_) => findings.note(line, Complaint::ClockPassedOver { text }),
            _ => findings.note(line, Complaint::Dropped { text }),
        }
    }
}

/// `Bài 1: …`, `Kỳ cuối: …`: the title of the part, below that of the series.
fn is_part_of_series(line: &str) -> bool {
    let Some((label, rest)) = line.split_once([':', '.']) else { return false };
    let label = compared(label);
    let number = ["bài ", "kỳ ", "phần ", "tập "].into_iter().find_map(|word| label.strip_prefix(word));
    !rest.trim().is_empty()
        && number.is_some_and(|number| {
            number == "cuối" || number.len() <= 2 && number.bytes().all(|byte| byte.is_ascii_digit())
        })
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
