//! Parses the publication date as printed: returns a date, a rejection or nothing for each line.
//!
//! The day always precedes the month; `yyyy-mm-dd` is the only other order. A line is a date only if all its words
//! are ones that accompany dates, so that a date within a sentence is never mistaken for one. A line that is meant as
//! a date but cannot be parsed is rejected with the reason. Nothing is guessed: neither the current time nor
//! month-first order is ever used. Weekdays are checked and only cause warnings.

mod glued;
mod reading;

use chrono::{Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone};

pub(super) use glued::read_glued;
pub(super) use reading::EARLIEST_YEAR;
use reading::{Flaw, Reader, Reading};

use super::boilerplate::{is_counter_row, is_row, is_section};
use super::byline::{self, Byline};
use super::diagnostic::DiagnosticKind;
use super::normalise::{comparison_key, word_count};
use super::phrases::DATE_LABELS;
use crate::time::{LocalTime, PublishedAt, Timestamp, Zone, resolve_local, start_of_day};

/// What a line says about the publication date.
#[derive(Debug)]
pub(super) enum DateReading {
    /// It is not a date line.
    Nothing,
    /// Its label says that the day is that of something else: `Hạn nộp hồ sơ: 12/05/2024`.
    OtherDay,
    /// A date.
    Date(Box<ParsedDate>),
    /// It is a date line that cannot be accepted.
    Refused(Box<Refusal>),
}

/// A parsed date.
#[derive(Debug)]
pub(super) struct ParsedDate {
    pub stamp: PublishedAt,
    pub label: Option<Label>,
    /// Words next to the date that do not belong to it: a section name, a place.
    pub beside: String,
    /// Authors named on the same line.
    pub authors: Vec<String>,
    /// The line also has a weekday, zone or section, which sites print but people do not type.
    pub has_extras: bool,
    /// The part of the line with the update time, if it has both times.
    pub update: Option<String>,
    /// Warnings to report.
    pub doubts: Vec<DiagnosticKind>,
}

/// A date that was rejected, and why.
#[derive(Debug)]
pub(super) struct Refusal {
    pub problem: DiagnosticKind,
    pub label: Option<Label>,
}

/// The label before a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    /// `Ngày đăng` and synonyms.
    Published,
    /// `Cập nhật` and synonyms.
    Updated,
}

impl ParsedDate {
    /// Whether the line contains only the date.
    pub(super) fn is_bare(&self) -> bool {
        self.beside.is_empty() && self.authors.is_empty()
    }
}

/// Parses a line. `zone` applies if the line names no zone.
pub(super) fn read(line: &str, zone: Zone) -> DateReading {
    // Dates are on short lines; this bounds the cost of long ones.
    const MAX_BYTES: usize = 240;
    if line.len() > MAX_BYTES || line.is_empty() {
        return DateReading::Nothing;
    }
    // `1/1/23` has four digits; with fewer, only relative dates such as `5 phút trước` are possible.
    let digits = line.bytes().filter(u8::is_ascii_digit).take(4).count();
    if digits < 4 && !has_relative_sign(line) {
        return DateReading::Nothing;
    }
    let lower = line.to_lowercase();
    let has_words = lower.chars().any(char::is_alphabetic);
    let labels = if has_words { labels_in(&lower) } else { Vec::new() };
    let Some((first, _)) = labels.first() else {
        return if digits < 4 {
            relative(line, &lower, None).unwrap_or(DateReading::Nothing)
        } else {
            read_part(line, &lower, None, zone)
        };
    };
    read_labelled(line, &lower, &labels, first.start, zone)
}

/// The date in a text that is nothing else, in any of the forms that articles may use; none if it is no date or a doubtful
/// one. `zone` applies if the text names no zone.
pub fn printed_date(text: &str, zone: Zone) -> Option<PublishedAt> {
    let DateReading::Date(found) = read(text.trim(), zone) else { return None };
    let is_certain = found.doubts.iter().all(|doubt| matches!(doubt, DiagnosticKind::OffsetForeign { .. }));
    (found.is_bare() && is_certain).then_some(found.stamp)
}

/// Every relative date contains one of these, whatever the case of its first letter.
const RELATIVE_SIGNS: [&str; 10] =
    ["ôm nay", "ôm qua", "ôm kia", "ừa xong", "ới đây", "áng nay", "iều nay", "rước", "ago", "day"];

/// NOTE: called for every line, most of them short; one pass is much faster than a search for each.
fn has_relative_sign(line: &str) -> bool {
    let bytes = line.as_bytes();
    bytes.iter().enumerate().any(|(at, first)| {
        matches!(first, 0xC3 | 0xE1 | b'a' | b'd' | b'i' | b'r')
            && RELATIVE_SIGNS.iter().any(|sign| bytes[at..].starts_with(sign.as_bytes()))
    })
}

const RELATIVE: [&str; 9] =
    ["hôm nay", "hôm qua", "hôm kia", "vừa xong", "mới đây", "sáng nay", "chiều nay", "today", "yesterday"];

/// In matching order: a longer label precedes its own prefixes.
const LABELS: [(&str, Label); 34] = [
    ("ngày cập nhật", Label::Updated),
    ("cập nhật lần cuối", Label::Updated),
    ("lần cập nhật cuối", Label::Updated),
    ("cập nhật lúc", Label::Updated),
    ("cập nhật ngày", Label::Updated),
    ("cập nhật", Label::Updated),
    ("ngày sửa", Label::Updated),
    ("sửa lần cuối", Label::Updated),
    ("sửa đổi lần cuối", Label::Updated),
    ("last updated", Label::Updated),
    ("updated", Label::Updated),
    ("thời gian đăng", Label::Published),
    ("ngày giờ đăng", Label::Published),
    ("ngày đăng tải", Label::Published),
    ("ngày đăng tin", Label::Published),
    ("ngày đăng bài", Label::Published),
    ("ngày đăng", Label::Published),
    ("đăng ngày", Label::Published),
    ("đăng lúc", Label::Published),
    ("đã đăng", Label::Published),
    ("đăng tải", Label::Published),
    ("được đăng", Label::Published),
    ("ngày xuất bản", Label::Published),
    ("xuất bản lúc", Label::Published),
    ("xuất bản ngày", Label::Published),
    ("xuất bản", Label::Published),
    ("ngày phát hành", Label::Published),
    ("published", Label::Published),
    ("posted on", Label::Published),
    ("date posted", Label::Published),
    ("phát lúc", Label::Published),
    ("phát sóng lúc", Label::Published),
    ("phát sóng ngày", Label::Published),
    ("ngày phát sóng", Label::Published),
];

/// The first bytes of all labels.
const LABEL_STARTS: [bool; 256] = {
    let mut starts = [false; 256];
    let mut rank = 0;
    while rank < LABELS.len() {
        starts[LABELS[rank].0.as_bytes()[0] as usize] = true;
        rank += 1;
    }
    starts
};

type LabelSpan = (std::ops::Range<usize>, Label);

/// All labels of a line in order, without overlap.
fn labels_in(lower: &str) -> Vec<LabelSpan> {
    let apart = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    let mut phrases: Vec<(usize, LabelSpan)> = Vec::new();
    let mut before = None;
    for (start, character) in lower.char_indices() {
        // NOTE: called for every character of every line with a number; the first byte nearly always decides.
        if apart(before.replace(character)) && LABEL_STARTS[usize::from(lower.as_bytes()[start])] {
            // `Ngày đăng ký` is the day of something else.
            let ends = |rest: &str| apart(rest.chars().next()) && !rest.starts_with(" ký");
            phrases.extend(phrases_at(lower, start).filter(|(_, (span, _))| ends(&lower[span.end..])));
        }
    }
    phrases.sort_by_key(|(rank, _)| *rank);
    let mut found: Vec<LabelSpan> = Vec::new();
    for (_, (phrase, label)) in phrases {
        if found.iter().all(|(span, _)| phrase.end <= span.start || phrase.start >= span.end) {
            found.push((phrase, label));
        }
    }
    found.sort_by_key(|(span, _)| span.start);
    found
}

/// The labels that begin at `start`, with their index in the matching order.
fn phrases_at(lower: &str, start: usize) -> impl Iterator<Item = (usize, LabelSpan)> {
    let rest = &lower.as_bytes()[start..];
    let ranked =
        LABELS.iter().enumerate().filter(move |(_, (phrase, _))| rest.starts_with(phrase.as_bytes()));
    ranked.map(move |(rank, (phrase, label))| (rank, (start..start + phrase.len(), *label)))
}

/// Parses a line with labels: the part after each label separately; publication takes precedence over update.
fn read_labelled(line: &str, lower: &str, labels: &[LabelSpan], first: usize, zone: Zone) -> DateReading {
    // NOTE: lower-casing may change lengths in other scripts; then the label is none of ours.
    if line.len() != lower.len() || !line.is_char_boundary(first) {
        return DateReading::Nothing;
    }
    // A counter before the label has numbers of its own.
    let prefix = bare(&line[..first]).trim_end_matches('.');
    let prefix = if is_counter_row(&prefix.to_lowercase()) { "" } else { prefix };
    if word_count(prefix) > 5 || prefix.contains(|c: char| c.is_ascii_digit()) && labels.len() == 1 {
        // There is a date before the label as well: `12/05/2023 17:39 | Cập nhật: 13/05/2023`.
        return read_before_label(line, lower, first, &labels[0], zone);
    }
    let mut parts = Vec::new();
    for (index, (span, label)) in labels.iter().enumerate() {
        let end = labels.get(index + 1).map_or(line.len(), |(next, _)| next.start);
        let (Some(text), Some(text_lower)) = (line.get(span.end..end), lower.get(span.end..end)) else {
            return DateReading::Nothing;
        };
        parts.push((
            line.get(span.start..end).unwrap_or(text),
            read_part(text, text_lower, Some(*label), zone),
            *label,
        ));
    }
    let update =
        parts.iter().find(|(_, _, label)| *label == Label::Updated).map(|(text, ..)| bare(text).to_owned());
    let chosen = parts.iter().position(|(_, _, label)| *label == Label::Published).unwrap_or(0);
    let several = parts.len() > 1;
    match parts.swap_remove(chosen).1 {
        DateReading::Date(mut found) => {
            if several && found.label == Some(Label::Published) {
                found.update = update;
            }
            match byline::next_to_date(prefix) {
                Some(byline) => found.authors.splice(..0, byline.authors).for_each(drop),
                None => found.beside = join(prefix, &found.beside),
            }
            DateReading::Date(found)
        }
        other => other,
    }
}

fn read_before_label(line: &str, lower: &str, first: usize, label: &LabelSpan, zone: Zone) -> DateReading {
    let (Some(text), Some(text_lower)) = (line.get(..first), lower.get(..first)) else {
        return DateReading::Nothing;
    };
    let DateReading::Date(mut found) = read_part(text, text_lower, None, zone) else {
        return DateReading::Nothing;
    };
    if label.1 == Label::Updated {
        found.update = Some(bare(&line[first..]).to_owned());
    }
    DateReading::Date(found)
}

/// Parses text with at most one date: a whole line, or the part after a label.
fn read_part(text: &str, lower: &str, label: Option<Label>, zone: Zone) -> DateReading {
    let refuse = |problem: fn(String) -> DiagnosticKind| {
        DateReading::Refused(Box::new(Refusal { problem: problem(bare(text).to_owned()), label }))
    };
    if let Some(refused) = relative(text, lower, label) {
        return refused;
    }
    let reading = Reader::new(text).run();
    let unknown = word_count(reading.before) + word_count(reading.after);
    let date = match (&reading.date, label) {
        (Some(date), _) if reading.dates == 1 => date,
        (Some(_), _) => return DateReading::Nothing,
        (None, Some(_)) if reading.numbers > 0 && word_count(text) <= 8 && unknown <= 2 => {
            return refuse(|text| DiagnosticKind::DateUnreadable { text });
        }
        (None, None) if reading.time.is_some() && reading.day_and_month && unknown == 0 => {
            return refuse(|text| DiagnosticKind::DateWithoutYear { text });
        }
        (None, _) => return DateReading::Nothing,
    };
    if label.is_none() && has_other_label(&reading) {
        return DateReading::OtherDay;
    }
    let Some(adjacent) = AdjacentText::of(&reading, label.is_some()) else { return DateReading::Nothing };
    let date = match date {
        Ok(date) => *date,
        Err(Flaw::Impossible) => return refuse(|text| DiagnosticKind::DateImpossible { text }),
        Err(Flaw::MonthFirst) => return refuse(|text| DiagnosticKind::DateMonthFirst { text }),
        Err(Flaw::TooOld) => return refuse(|text| DiagnosticKind::DateTooOld { text }),
        Err(Flaw::ShortYear) => return refuse(|text| DiagnosticKind::DateShortYear { text }),
    };
    if reading.half_unclear {
        return refuse(|text| DiagnosticKind::AmbiguousAmPm { text });
    }
    if reading.numbers > 0 || reading.times > 1 {
        return refuse(|text| DiagnosticKind::DateUnreadable { text });
    }
    match reading.time {
        Some(Err(())) => refuse(|text| DiagnosticKind::TimeImpossible { text }),
        Some(Ok(time)) => finish(&reading, adjacent, date, Some(time), label, zone)
            .unwrap_or_else(|| refuse(|text| DiagnosticKind::TimeImpossible { text })),
        None => finish(&reading, adjacent, date, None, label, zone)
            .unwrap_or_else(|| refuse(|text| DiagnosticKind::DateImpossible { text })),
    }
}

fn relative(text: &str, lower: &str, label: Option<Label>) -> Option<DateReading> {
    let problem = || DiagnosticKind::DateRelative { text: bare(text).to_owned() };
    is_relative(lower).then(|| DateReading::Refused(Box::new(Refusal { problem: problem(), label })))
}

/// `5 phút trước`, `Hôm qua, 12:30`: relative dates.
fn is_relative(lower: &str) -> bool {
    const UNITS: [&str; 8] = ["giây", "phút", "giờ", "tiếng", "ngày", "tuần", "tháng", "năm"];
    let text = bare(lower);
    if word_count(text) > 6 {
        return false;
    }
    let starts = RELATIVE
        .iter()
        .any(|word| text.strip_prefix(word).is_some_and(|rest| !rest.starts_with(char::is_alphabetic)));
    let parts: Vec<&str> = text.split_whitespace().collect();
    let ago = parts.last().is_some_and(|last| matches!(*last, "trước" | "ago"))
        && parts.iter().any(|part| UNITS.contains(part) || matches!(*part, "minutes" | "hours" | "days"))
        && text.starts_with(|c: char| c.is_ascii_digit() || parts[0] == "khoảng" || parts[0] == "cách");
    starts && (word_count(text) <= 2 || text.contains(|c: char| c.is_ascii_digit())) || ago
}

/// Whether a label other than those of dates of publication is directly before the date.
fn has_other_label(reading: &Reading<'_>) -> bool {
    let label = bare(reading.before.rsplit('|').next().unwrap_or_default());
    let is_known = || is_section(label) || DATE_LABELS.contains(&&*comparison_key(label));
    reading.before_colon && !label.is_empty() && word_count(label) <= 6 && !is_known()
}

/// The words next to a date, classified.
struct AdjacentText {
    authors: Vec<String>,
    beside: String,
    section: bool,
}

impl AdjacentText {
    /// `None` if words remain that do not accompany dates: then the line is a sentence or a headline with a date in
    /// it. Accepted are a section name, a place or a few words set apart by punctuation, authors, and an author's
    /// label.
    fn of(reading: &Reading<'_>, labelled: bool) -> Option<Self> {
        let (before, after) = (reading.before, reading.after);
        let mut adjacent = Self { authors: Vec::new(), beside: String::new(), section: false };
        let before_parts = before.split('|').map(|part| (part, true, reading.before_apart, 2));
        let after_parts = after.split('|').map(|part| (part, false, reading.after_apart, 4));
        for (text, is_before, apart, max_words) in before_parts.chain(after_parts) {
            let text = bare(text);
            // NOTE: in `Hà Nội, ngày …`, a place precedes the comma.
            let place = is_before && reading.before_comma && reading.time.is_none();
            let people = || byline::next_to_date(text).filter(|_| !place);
            let code = word_count(text) == 1 && !text.chars().any(char::is_lowercase);
            if text.is_empty() {
            } else if is_section(text) || is_row(&comparison_key(text)) {
                adjacent.section = true;
                adjacent.beside = join(&adjacent.beside, text);
            } else if let Some(Byline { authors, .. }) = people() {
                adjacent.authors.extend(authors);
            } else if code || apart && word_count(text) <= 6 || labelled && word_count(text) <= max_words {
                adjacent.beside = join(&adjacent.beside, text);
            } else {
                return None;
            }
        }
        let explained = reading.numbers == 0 || before.is_empty() && after.is_empty();
        explained.then_some(adjacent)
    }
}

fn finish(
    reading: &Reading<'_>,
    adjacent: AdjacentText,
    date: NaiveDate,
    time: Option<NaiveTime>,
    label: Option<Label>,
    zone: Zone,
) -> Option<DateReading> {
    let local = date.and_time(time.unwrap_or(NaiveTime::MIN));
    let mut doubts = Vec::new();
    let offset = reading.offset.filter(|_| time.is_some());
    let instant = match offset {
        Some(offset) => with_offset(local, offset, zone, &mut doubts)?,
        // A day starts at its first instant, even where clocks are set forward at midnight.
        None if time.is_none() => start_of_day(date, zone),
        None => match resolve_local(local, zone) {
            LocalTime::Unique(moment) => moment,
            LocalTime::Ambiguous(earlier) => {
                let taken = earlier.with_timezone(&zone).format("%H:%M %d/%m/%Y %:z").to_string();
                doubts.push(DiagnosticKind::TimeTwice { taken });
                earlier
            }
            LocalTime::Nonexistent => return None,
        },
    };
    if let Some((printed, weekday)) = reading.weekday.clone()
        && weekday != date.weekday().num_days_from_monday()
    {
        doubts.push(DiagnosticKind::WeekdayWrong { printed, date });
    }
    let stamp = PublishedAt { instant, date_only: time.is_none() };
    let has_extras = reading.weekday.is_some() || reading.offset.is_some() || adjacent.section;
    let AdjacentText { authors, beside, .. } = adjacent;
    Some(DateReading::Date(Box::new(ParsedDate {
        stamp,
        label,
        beside,
        authors,
        has_extras,
        update: None,
        doubts,
    })))
}

fn with_offset(
    local: NaiveDateTime,
    minutes: i32,
    zone: Zone,
    doubts: &mut Vec<DiagnosticKind>,
) -> Option<Timestamp> {
    let offset = FixedOffset::east_opt(minutes * 60)?;
    let instant = offset.from_local_datetime(&local).single()?.to_utc();
    let there = instant.with_timezone(&zone);
    if there.offset().fix() != offset {
        let local = there.format("%H:%M %d/%m/%Y").to_string();
        doubts.push(DiagnosticKind::OffsetForeign { offset: offset.to_string(), local });
    }
    Some(instant)
}

fn bare(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || "|-–—:,;•·/[](){}'".contains(c))
}

fn join(left: &str, right: &str) -> String {
    match (left.is_empty(), right.is_empty()) {
        (_, true) => left.to_owned(),
        (true, _) => right.to_owned(),
        _ => format!("{left} | {right}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{DEFAULT_TIME_ZONE, rfc3339};
    use proptest::prelude::*;

    fn found(line: &str) -> ParsedDate {
        match read(line, DEFAULT_TIME_ZONE) {
            DateReading::Date(found) => *found,
            other => panic!("{line}: {other:?}"),
        }
    }

    fn refused(line: &str) -> &'static str {
        match read(line, DEFAULT_TIME_ZONE) {
            DateReading::Refused(refusal) => refusal.problem.code(),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn a_day_with_an_unknown_label_is_that_of_something_else() {
        for line in [
            "Hạn nộp hồ sơ: 12/05/2024",
            "Hạn cuối: 17h00 ngày 12/05/2024",
            "Ngày in: 12/05/2024 10:15",
            "Ngày đăng ký: 12/05/2024",
            "KHAI MẠC: 08:00 12/05/2024",
            "Sinh ngày: 12/05/1994",
        ] {
            assert!(!matches!(read(line, DEFAULT_TIME_ZONE), DateReading::Date(_)), "{line}");
        }
        for line in ["Thời gian: 12/05/2024 10:15", "Xã hội: 12/05/2024", "Ngày gửi: 12/05/2024"] {
            let day = found(line).stamp.instant.with_timezone(&DEFAULT_TIME_ZONE).date_naive();
            assert_eq!(day.to_string(), "2024-05-12", "{line}");
        }
    }

    #[test]
    fn every_printed_format_is_parsed_to_its_instant() {
        for (line, instant) in [
            ("12/05/2023 17:39", "2023-05-12T17:39:00+07:00"),
            ("Ngày đăng: 08/07/2024  11:38", "2024-07-08T11:38:00+07:00"),
            ("Thứ ba - 27/06/2023 10:14", "2023-06-27T10:14:00+07:00"),
            ("Thứ Tư, 04/03/2026-08:48", "2026-03-04T08:48:00+07:00"),
            ("21:48 | 28/06/2020", "2020-06-28T21:48:00+07:00"),
            ("00:00 17/09/2018", "2018-09-17T00:00:00+07:00"),
            ("Cập nhật: Thứ ba, 19/5/2015 | 3:31:20 PM", "2015-05-19T15:31:20+07:00"),
            ("Ngày đăng 24/03/2025 | 07:09  | Lượt truy cập: 36", "2025-03-24T07:09:00+07:00"),
            ("Thứ Sáu, 21/02/2020, 18:38 [GMT+7]", "2020-02-21T18:38:00+07:00"),
            ("07-09-2025, 06:00 (GMT+7)", "2025-09-07T06:00:00+07:00"),
            ("Thứ tư, 22/10/2025, 19:25 (GMT+7)", "2025-10-22T19:25:00+07:00"),
            ("Thứ tư, 06:00, 04/09/2024", "2024-09-04T06:00:00+07:00"),
            ("Thứ 6, 21/03/2025 | 15:45", "2025-03-21T15:45:00+07:00"),
            ("T6, 21/03/2025 15:45", "2025-03-21T15:45:00+07:00"),
            ("2025-04-22 21:48:00", "2025-04-22T21:48:00+07:00"),
            ("20/10/2020, 17:16", "2020-10-20T17:16:00+07:00"),
            ("08:22, 12/02/2025", "2025-02-12T08:22:00+07:00"),
            ("06:36:53 03/01/2022", "2022-01-03T06:36:53+07:00"),
            ("17:39' - 12/05/2023", "2023-05-12T17:39:00+07:00"),
            ("12/05/2023 17:39 UTC+7", "2023-05-12T17:39:00+07:00"),
            ("12/05/2023 lúc 17:39", "2023-05-12T17:39:00+07:00"),
            ("12/05/2023 | 17:39", "2023-05-12T17:39:00+07:00"),
            ("12/05/2023 05:39 CH", "2023-05-12T17:39:00+07:00"),
            ("12/05/2023 05:39 SA", "2023-05-12T05:39:00+07:00"),
            ("12/05/2023 12:00 SA", "2023-05-12T00:00:00+07:00"),
            ("12/05/2023 12:00 CH", "2023-05-12T12:00:00+07:00"),
            ("12/05/2023 12:05:07 AM", "2023-05-12T00:05:07+07:00"),
            ("12/05/2023 5:39 p.m.", "2023-05-12T17:39:00+07:00"),
            ("12/05/2023 17:39 CH", "2023-05-12T17:39:00+07:00"),
            ("17:39 12.05.2023", "2023-05-12T17:39:00+07:00"),
            ("17:39 12-05-2023", "2023-05-12T17:39:00+07:00"),
            ("17:39-12/05/2023", "2023-05-12T17:39:00+07:00"),
            ("2023-05-12T17:39:00+07", "2023-05-12T17:39:00+07:00"),
            ("2023-05-12T17:39:00+0700", "2023-05-12T17:39:00+07:00"),
            ("2023-05-12T17:39:00+07:00", "2023-05-12T17:39:00+07:00"),
            ("2023-05-12T17:39:00.123+07:00", "2023-05-12T17:39:00+07:00"),
            ("9 Tháng 1 2015 lúc 15:08", "2015-01-09T15:08:00+07:00"),
            ("17h39 ngày 12/5/2023", "2023-05-12T17:39:00+07:00"),
            ("17 giờ 39 phút, ngày 12 tháng 5 năm 2023", "2023-05-12T17:39:00+07:00"),
            ("8h ngày 12/5/2023", "2023-05-12T08:00:00+07:00"),
            ("8g30, 12/5/2023", "2023-05-12T08:30:00+07:00"),
            ("Đăng lúc: 17:39 12/05/2023", "2023-05-12T17:39:00+07:00"),
            ("Thứ Sáu, ngày 12/05/2023, 17:39 (GMT+07:00)", "2023-05-12T17:39:00+07:00"),
            ("12-05-2023 | 17:39 | 1.234 lượt xem", "2023-05-12T17:39:00+07:00"),
            ("17:39 12/05/2023 | 0 bình luận", "2023-05-12T17:39:00+07:00"),
            ("Được đăng: Thứ sáu, 12 Tháng 5 2023 17:39", "2023-05-12T17:39:00+07:00"),
            ("12/05/2023 (Thứ Sáu) 17:39", "2023-05-12T17:39:00+07:00"),
            ("12/05/2023 17:39 ICT", "2023-05-12T17:39:00+07:00"),
            ("12/05/2023 17:39 (giờ Việt Nam)", "2023-05-12T17:39:00+07:00"),
            ("Friday, 12 May 2023 17:39", "2023-05-12T17:39:00+07:00"),
            ("Fri, 12 May 2023 17:39:00 +0700", "2023-05-12T17:39:00+07:00"),
        ] {
            let found = found(line);
            assert_eq!(rfc3339(found.stamp.instant, DEFAULT_TIME_ZONE), instant, "{line}");
            assert!(!found.stamp.date_only, "{line}");
            assert_eq!(found.doubts, [], "{line}");
            assert!(found.is_bare(), "{line}: {found:?}");
        }
    }

    #[test]
    fn a_date_without_a_time_has_only_a_day() {
        for (line, day) in [
            ("15/11/2025", "2025-11-15"),
            ("18-07-2019", "2019-07-18"),
            ("12 - 05 - 2023", "2023-05-12"),
            ("19 Tháng 8, 2025", "2025-08-19"),
            ("12 Tháng Mười Hai 2023", "2023-12-12"),
            ("12 Tháng Mười 2023", "2023-10-12"),
            ("12 tháng năm năm 2023", "2023-05-12"),
            ("ngày 12 tháng Năm, 2023", "2023-05-12"),
            ("ngày 4 tháng tư năm 2023", "2023-04-04"),
            ("Thứ Năm, ngày 8 tháng 1 năm 2015", "2015-01-08"),
            ("Chủ Nhật, 11 tháng 6, 2023 (GMT+7)", "2023-06-11"),
            ("Chủ nhật, 11/6/2023", "2023-06-11"),
            ("2023-05-12", "2023-05-12"),
            ("12 May 2023", "2023-05-12"),
            ("29/02/2024", "2024-02-29"),
            ("Tháng Ba 12, 2018", "2018-03-12"),
            ("tháng 3 12, 2018", "2018-03-12"),
        ] {
            let found = found(line);
            assert_eq!(
                rfc3339(found.stamp.instant, DEFAULT_TIME_ZONE),
                format!("{day}T00:00:00+07:00"),
                "{line}"
            );
            assert!(found.stamp.date_only, "{line}");
            assert_eq!(found.doubts, [], "{line}");
        }
    }

    #[test]
    fn a_section_or_a_place_may_precede_the_date() {
        for (line, beside, day) in [
            ("Xã hội - 07/01/2022", "Xã hội", "2022-01-07"),
            ("Đất & Người - 07/01/2022", "Đất & Người", "2022-01-07"),
            ("Hà Nội, ngày 22 tháng 11 năm 2002", "Hà Nội", "2002-11-22"),
            ("Xã hội | Ngày đăng: 07/01/2022", "Xã hội", "2022-01-07"),
            ("Ngày đăng: 07/01/2022 | Xã hội", "Xã hội", "2022-01-07"),
        ] {
            let found = found(line);
            assert_eq!(found.beside, beside, "{line}");
            assert_eq!(rfc3339(found.stamp.instant, DEFAULT_TIME_ZONE)[..10], *day, "{line}");
        }
        assert_eq!(found("Ngày đăng: 07/01/2022 - Tác giả: Trang Lê").authors, ["Trang Lê"]);
    }

    #[test]
    fn authors_may_be_on_the_line_of_the_date() {
        for (line, authors) in [
            ("HÀ MINH - LÊ SƠN 12/03/2018 09:15", &["HÀ MINH", "LÊ SƠN"][..]),
            ("Hà Minh - 09:15, 12/03/2018", &["Hà Minh"]),
            ("Hà Minh - Lê Sơn| 12/03/2018 09:15", &["Hà Minh", "Lê Sơn"]),
            ("Thứ hai, 09:15, 12/03/2018 Hà Minh/Đài xã Hà Minh/Đài xã", &["Hà Minh/Đài xã"]),
            ("Đăng bởi Hà Minh lúc 12/03/2018 09:15", &["Hà Minh"]),
            ("Người đăng: Hà Minh | 12/03/2018", &["Hà Minh"]),
            ("12/03/2018 09:15 - Hà Minh", &["Hà Minh"]),
            ("Xã hội 12-03-2018", &[]),
            ("Kon Tum - 12/03/2018", &[]),
            ("Thời sự Thứ hai, 12/3/2018, 09:15 (GMT+7)", &[]),
            ("Số lượt xem: 30. Ngày cập nhật: 12/03/2018", &[]),
        ] {
            let found = found(line);
            assert_eq!(found.authors, authors, "{line}");
            assert_eq!(rfc3339(found.stamp.instant, DEFAULT_TIME_ZONE)[..10], *"2018-03-12", "{line}");
        }
    }

    #[test]
    fn publication_takes_precedence_over_update_on_one_line() {
        let both = found("Ngày đăng: 12/05/2023 17:39 | Cập nhật: 13/05/2023 08:00");
        assert_eq!(rfc3339(both.stamp.instant, DEFAULT_TIME_ZONE), "2023-05-12T17:39:00+07:00");
        assert_eq!(both.label, Some(Label::Published));
        assert_eq!(both.update.as_deref(), Some("Cập nhật: 13/05/2023 08:00"));
        let behind = found("12/05/2023 17:39 (Cập nhật lúc 13/05/2023 08:00)");
        assert_eq!(rfc3339(behind.stamp.instant, DEFAULT_TIME_ZONE), "2023-05-12T17:39:00+07:00");
    }

    #[test]
    fn invalid_dates_are_rejected_with_the_reason() {
        for (line, code) in [
            ("31/02/2023 17:39", "date-impossible"),
            ("29/02/2023", "date-impossible"),
            ("00/05/2023", "date-impossible"),
            ("32 tháng 1 năm 2023", "date-impossible"),
            ("2023-13-05", "date-impossible"),
            ("2023-31-05", "date-impossible"),
            ("05/23/2023 5:39 PM", "date-month-first"),
            ("May 12, 2023", "date-month-first"),
            ("12/05/23 17:39", "date-short-year"),
            ("12-5-23", "date-short-year"),
            ("12/05/1789", "date-too-old"),
            ("31/12/1989 10:00", "date-too-old"),
            ("12/05/2023 25:00", "time-impossible"),
            ("12/05/2023 17:60", "time-impossible"),
            ("12/05/2023 24:00", "time-impossible"),
            ("12/05/2023 17:39 SA", "time-impossible"),
            ("12/05/2023 00:15 PM", "time-impossible"),
            ("5h39 chiều 12/05/2023", "time-half-unclear"),
            ("17.39 12/05/2023", "date-unreadable"),
            ("12/05/2023 17:39 45", "date-unreadable"),
            ("12/05 17:39", "date-without-year"),
            ("Ngày đăng: 12/05", "date-unreadable"),
            ("5 phút trước", "date-relative"),
            ("2 giờ trước", "date-relative"),
            ("3 ngày trước", "date-relative"),
            ("Hôm qua", "date-relative"),
            ("Hôm qua, 12:30", "date-relative"),
            ("Hôm nay lúc 08:15", "date-relative"),
            ("Cập nhật: 5 phút trước", "date-relative"),
            ("Đăng lúc: Hôm qua", "date-relative"),
        ] {
            assert_eq!(refused(line), code, "{line}");
        }
    }

    #[test]
    fn dates_within_text_are_ignored() {
        for line in [
            "Chiều 12/5",
            "Chiều 12/5, UBND huyện Đăk Tô tổ chức Hội nghị.",
            "9/2/1913-9/2/2023",
            "47/53",
            "41/QĐ-CTUB ngày 30/03/2004",
            "Quyết định số 41/QĐ-CTUB ngày 30/03/2004 của Ủy ban",
            "Thông báo lịch tiếp công dân ngày 12/05/2023",
            "Huyện Đăk Tô ra quân ngày 12/05/2023",
            "https://dakto.kontum.vn/2023/05/12/bai",
            "Điện thoại: 0260.3831.234",
            "Từ 12/05/2023 đến 15/05/2023",
            "12/05/2023 - 15/05/2023",
            "Hội nghị tổng kết (12/05/2023)",
            "Năm 2023",
            "Năm năm trước, nơi đây còn là rừng.",
            "Hôm qua, tại thị trấn Đăk Tô đã diễn ra lễ hội mừng lúa mới.",
            "",
            "Tấn Lộc",
        ] {
            assert!(
                matches!(read(line, DEFAULT_TIME_ZONE), DateReading::Nothing),
                "{line}: {:?}",
                read(line, DEFAULT_TIME_ZONE)
            );
        }
    }

    #[test]
    fn a_wrong_weekday_and_a_foreign_offset_cause_warnings() {
        let weekday = found("Thứ Hai, 12/05/2023 17:39");
        assert_eq!(weekday.doubts[0].code(), "weekday-wrong");
        assert!(
            weekday.doubts[0].message().vietnamese.contains("thứ Sáu"),
            "{}",
            weekday.doubts[0].message().vietnamese
        );
        for (line, instant) in [
            ("2023-05-12T10:39:00Z", "2023-05-12T17:39:00+07:00"),
            ("2023-05-12T10:39:00-05:00", "2023-05-12T22:39:00+07:00"),
            ("12/05/2023 17:39 GMT", "2023-05-13T00:39:00+07:00"),
            ("12/05/2023 17:39 (GMT+9)", "2023-05-12T15:39:00+07:00"),
        ] {
            let found = found(line);
            assert_eq!(rfc3339(found.stamp.instant, DEFAULT_TIME_ZONE), instant, "{line}");
            assert_eq!(found.doubts[0].code(), "offset-foreign", "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_line_panics(line in r"(?:[0-9]{1,4}|[/\-.:,| ()+\[\]]|lúc|ngày |tháng |năm |Thứ |Hai|CH|SA|GMT|T|Z|h|Ngày đăng|Cập nhật|trước|İ|ß|\PC){0,24}") {
            let _ = read(&line, DEFAULT_TIME_ZONE);
            let _ = read_glued(&line, DEFAULT_TIME_ZONE);
        }

        #[test]
        fn no_date_comes_out_that_is_not_printed(line in r"(?:[0-9]{1,4}|[/\-.:,| ]|lúc |ngày |tháng |năm |Thứ ){3,12}") {
            if let DateReading::Date(found) = read(&line, DEFAULT_TIME_ZONE) {
                let local = found.stamp.instant.with_timezone(&DEFAULT_TIME_ZONE);
                let numbers: Vec<u32> =
                    line.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect();
                for part in [local.day(), local.month(), local.year() as u32] {
                    prop_assert!(numbers.contains(&part), "{} from {}", part, line);
                }
            }
        }
    }
}
