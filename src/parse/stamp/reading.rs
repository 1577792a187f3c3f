//! Parses the tokens of a line from left to right: date, time, zone, weekday, and the remaining text.

use std::ops::Range;

use chrono::{NaiveDate, NaiveTime};

/// No article of a website is older. An earlier year is a typing error, or the zero of a clock or a database.
pub(in crate::parse) const EARLIEST_YEAR: i32 = 1990;

/// Why numbers in the position of a date are not a valid date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    Impossible,
    MonthFirst,
    TooOld,
    ShortYear,
}

/// What was recognised in a line.
#[derive(Debug, Default)]
pub(super) struct Reading<'text> {
    pub(super) date: Option<Result<NaiveDate, Flaw>>,
    pub(super) dates: usize,
    pub(super) time: Option<Result<NaiveTime, ()>>,
    pub(super) times: usize,
    /// In minutes east of UTC.
    pub(super) offset: Option<i32>,
    /// As printed, and counted from Monday.
    pub(super) weekday: Option<(String, u32)>,
    pub(super) half_unclear: bool,
    /// The number of unexplained numbers.
    pub(super) numbers: usize,
    pub(super) day_and_month: bool,
    /// The text before and after everything that was recognised, with its punctuation.
    pub(super) before: &'text str,
    pub(super) after: &'text str,
    /// Whether punctuation separates the text before, and whether a bar separates the text after.
    pub(super) before_apart: bool,
    pub(super) before_comma: bool,
    pub(super) before_colon: bool,
    pub(super) after_apart: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Token<'text> {
    Number(&'text str),
    Word(&'text str),
    Mark(char),
}

/// Reads the tokens of a line from left to right.
pub(super) struct Reader<'text> {
    text: &'text str,
    tokens: Vec<(Token<'text>, usize, usize)>,
    lower: Vec<String>,
    at: usize,
    reading: Reading<'text>,
    before: Range<usize>,
    after: Range<usize>,
    last_mark: Option<char>,
}

impl<'text> Reader<'text> {
    pub(super) fn new(text: &'text str) -> Self {
        let tokens = tokens(text);
        let lower = tokens
            .iter()
            .map(
                |(token, ..)| if let Token::Word(word) = token { word.to_lowercase() } else { String::new() },
            )
            .collect();
        let reading = Reading::default();
        Self { text, tokens, lower, at: 0, reading, before: 0..0, after: 0..0, last_mark: None }
    }

    pub(super) fn run(mut self) -> Reading<'text> {
        while self.at < self.tokens.len() {
            let taken =
                self.weekday() || self.counter() || self.time() || self.date() || self.zone() || self.noise();
            if !taken {
                self.unknown();
            }
        }
        self.reading.before = &self.text[self.before.clone()];
        self.reading.after = &self.text[self.after.clone()];
        self.reading
    }

    fn number(&self, index: usize) -> Option<&'text str> {
        match self.tokens.get(index)?.0 {
            Token::Number(digits) => Some(digits),
            _ => None,
        }
    }

    /// A number of one or two digits.
    fn small(&self, index: usize) -> Option<u32> {
        self.number(index).filter(|digits| digits.len() <= 2)?.parse().ok()
    }

    fn mark(&self, index: usize) -> Option<char> {
        match self.tokens.get(index)?.0 {
            Token::Mark(mark) => Some(mark),
            _ => None,
        }
    }

    fn word(&self, index: usize) -> &str {
        self.lower.get(index).map_or("", String::as_str)
    }

    /// Whether token `index` follows its predecessor without white space.
    fn touches(&self, index: usize) -> bool {
        index > 0 && self.tokens.get(index).is_some_and(|(_, start, _)| *start == self.tokens[index - 1].2)
    }

    fn weekday(&mut self) -> bool {
        let (length, day) = match self.word(self.at) {
            "" => return false,
            "chủ" if matches!(self.word(self.at + 1), "nhật" | "nhựt") => (2, 6),
            "cn" => (1, 6),
            "thứ" => {
                let by_word = match self.word(self.at + 1) {
                    "hai" => Some(0),
                    "ba" => Some(1),
                    "tư" | "bốn" => Some(2),
                    "năm" => Some(3),
                    "sáu" => Some(4),
                    "bảy" | "bẩy" => Some(5),
                    _ => None,
                };
                let by_number =
                    self.small(self.at + 1).filter(|day| (2..=7).contains(day)).map(|day| day - 2);
                match by_word.or(by_number) {
                    Some(day) => (2, day),
                    None => return false,
                }
            }
            // `T6, 12/05/2023`; in `2023-05-12T17:39`, a number precedes the T.
            "t" if self.at == 0 && self.touches(1) && self.mark(2).is_some() => match self.small(1) {
                Some(day @ 2..=7) => (2, day - 2),
                _ => return false,
            },
            english => {
                match ENGLISH_WEEKDAYS.iter().position(|name| english == *name || english == &name[..3]) {
                    Some(day) => (1, day as u32),
                    None => return false,
                }
            }
        };
        let printed = self.text[self.tokens[self.at].1..self.tokens[self.at + length - 1].2].to_owned();
        self.reading.weekday = Some((printed, day));
        self.at += length;
        true
    }

    /// `Lượt xem: 87`, `Lượt truy cập: 1.236`: a visitor counter at the end of the line.
    fn counter(&mut self) -> bool {
        const COUNTERS: [&[&str]; 11] = [
            &["số", "lượt", "truy", "cập"],
            &["số", "lượt", "người", "xem"],
            &["số", "lượt", "xem"],
            &["lượt", "truy", "cập"],
            &["lượt", "xem"],
            &["lượt", "đọc"],
            &["số", "lần", "xem"],
            &["đã", "xem"],
            &["xem"],
            &["views"],
            &["view"],
        ];
        if self.word(self.at).is_empty() {
            return self.number_of_visits();
        }
        if self.reading.date.is_some() && self.named_number() {
            return true;
        }
        let Some(phrase) = COUNTERS.into_iter().find(|phrase| {
            phrase.iter().enumerate().all(|(index, word)| self.word(self.at + index) == *word)
        }) else {
            return false;
        };
        let mut next = self.at + phrase.len();
        while matches!(self.mark(next), Some(':' | '.' | ',' | '(')) || self.number(next).is_some() {
            next += 1;
        }
        if self.number(next - 1).is_none() {
            return false;
        }
        self.at = next;
        true
    }

    /// `Số lần đọc: 55` after the date: a few words, a colon, a number.
    fn named_number(&mut self) -> bool {
        const MAX_WORDS: usize = 5;
        let names = (self.at..).take(MAX_WORDS).take_while(|index| !self.word(*index).is_empty()).count();
        let colon = self.at + names;
        let is_number = self.mark(colon) == Some(':') && self.number(colon + 1).is_some();
        let counts = is_number && !self.is_date_at(colon + 1) && self.mark(colon + 2) != Some(':');
        if counts {
            self.at = colon + 2;
        }
        counts
    }

    /// `1.234 lượt xem`, `0 bình luận`.
    fn number_of_visits(&mut self) -> bool {
        let mut next = self.at;
        while self.number(next).is_some() || next > self.at && matches!(self.mark(next), Some('.' | ',')) {
            next += 1;
        }
        if next == self.at {
            return false;
        }
        let words: &[&str] = match self.word(next) {
            "lượt" => &["lượt", "người", "xem", "đọc", "truy", "cập", "view", "views"],
            "views" | "view" => &["views", "view"],
            "bình" => &["bình", "luận"],
            _ => return false,
        };
        while words.contains(&self.word(next)) {
            next += 1;
        }
        self.at = next;
        true
    }

    fn time(&mut self) -> bool {
        let Some(hour) = self.small(self.at) else { return false };
        let after_hour = match (self.mark(self.at + 1), self.word(self.at + 1)) {
            (Some(':'), _) => self.at + 2,
            (_, "h" | "g" | "giờ") => self.at + 2,
            _ => return false,
        };
        let by_word = self.mark(self.at + 1).is_none();
        let minute = self.small(after_hour).filter(|_| !self.is_date_at(after_hour));
        let (minute, mut next) = match minute {
            Some(minute) => (minute, after_hour + 1),
            None if by_word => (0, after_hour),
            None => return false,
        };
        let mut second = 0;
        if by_word {
            if matches!(self.word(next), "phút" | "p" | "ph") {
                next += 1;
            }
        } else if self.mark(next) == Some(':') && self.small(next + 1).is_some() {
            second = self.small(next + 1).unwrap_or(0);
            next += 2;
            if self.mark(next) == Some('.')
                && self.touches(next)
                && self.touches(next + 1)
                && self.number(next + 1).is_some()
            {
                next += 2;
            }
        }
        if matches!(self.mark(next), Some('\'' | '’' | '′')) {
            next += 1;
        }
        self.at = next;
        let hour = self.half_of_day(hour);
        self.reading.times += 1;
        let time = hour.and_then(|hour| NaiveTime::from_hms_opt(hour, minute, second));
        self.reading.time = Some(time.ok_or(()));
        self.offset_behind_time();
        true
    }

    /// The hour from 0 to 23 by the `SA`, `CH`, `AM` or `PM` that follows; `None` if they contradict each other.
    fn half_of_day(&mut self, hour: u32) -> Option<u32> {
        let mut length = 1;
        let afternoon = match self.word(self.at) {
            "sa" | "am" => false,
            "ch" | "pm" => true,
            word @ ("a" | "p") if self.mark(self.at + 1) == Some('.') && self.word(self.at + 2) == "m" => {
                let afternoon = word == "p";
                length = if self.mark(self.at + 3) == Some('.') { 4 } else { 3 };
                afternoon
            }
            "sáng" | "trưa" | "chiều" | "tối" | "đêm" => {
                // People read `5 giờ 39 chiều` as 17:39, but no rule defines it, so it is rejected.
                self.reading.half_unclear = hour <= 12;
                self.at += 1;
                return Some(hour);
            }
            _ => return Some(hour),
        };
        self.at += length;
        match (afternoon, hour) {
            (false, 12) => Some(0),
            (false, 0..=11) => Some(hour),
            (true, 12..=23) => Some(hour),
            (true, 1..=11) => Some(hour + 12),
            _ => None,
        }
    }

    /// `+07`, `+0700`, `+07:00`, `Z` after a time; `-05:00` only directly after it, because otherwise a hyphen is a
    /// separator.
    fn offset_behind_time(&mut self) {
        if self.word(self.at) == "z" && self.touches(self.at) {
            self.reading.offset = Some(0);
            self.at += 1;
            return;
        }
        let sign = match self.mark(self.at) {
            Some('+') => 1,
            Some('-' | '−') if self.touches(self.at) && self.is_iso() => -1,
            _ => return,
        };
        let behind = self.hours_and_minutes(self.at + 1).filter(|_| self.touches(self.at + 1));
        if let Some((minutes, next)) = behind {
            self.reading.offset = Some(sign * minutes);
            self.at = next;
        }
    }

    /// Whether the preceding date is in year-first order with a `T` before the time.
    fn is_iso(&self) -> bool {
        self.lower.iter().take(self.at).any(|word| word == "t")
    }

    fn hours_and_minutes(&self, index: usize) -> Option<(i32, usize)> {
        let digits = self.number(index)?;
        let value: i32 = digits.parse().ok()?;
        match digits.len() {
            4 if value % 100 < 60 && value <= 1400 => Some((value / 100 * 60 + value % 100, index + 1)),
            1 | 2 if value <= 14 => {
                let minutes = self
                    .small(index + 2)
                    .filter(|minutes| self.mark(index + 1) == Some(':') && *minutes < 60);
                match minutes {
                    Some(minutes) => Some((value * 60 + minutes as i32, index + 3)),
                    None => Some((value * 60, index + 1)),
                }
            }
            _ => None,
        }
    }

    /// `GMT+7`, `UTC+07:00`, `GMT`, `ICT`, `giờ Việt Nam`.
    fn zone(&mut self) -> bool {
        match self.word(self.at) {
            "gmt" | "utc" => {
                let sign = match self.mark(self.at + 1) {
                    Some('+') => 1,
                    Some('-' | '−') => -1,
                    _ => 0,
                };
                let behind = self.hours_and_minutes(self.at + 2).filter(|_| sign != 0);
                let (minutes, next) = behind.unwrap_or((0, self.at + 1));
                self.reading.offset = Some(sign * minutes);
                self.at = next;
                true
            }
            "ict" => {
                self.reading.offset = Some(7 * 60);
                self.at += 1;
                true
            }
            "giờ" if self.word(self.at + 1) == "việt" && self.word(self.at + 2) == "nam" => {
                self.reading.offset = Some(7 * 60);
                self.at += 3;
                true
            }
            _ => false,
        }
    }

    fn date(&mut self) -> bool {
        let Some((date, next)) = self.date_at(self.at) else { return false };
        self.reading.dates += 1;
        self.reading.date.get_or_insert(date);
        self.at = next;
        true
    }

    /// NOTE: in `17:39-12/05/2023`, the minute is not the start of a date with a two-digit year.
    fn is_date_at(&self, index: usize) -> bool {
        self.date_at(index).is_some_and(|(date, _)| date != Err(Flaw::ShortYear))
    }

    fn date_at(&self, index: usize) -> Option<(Result<NaiveDate, Flaw>, usize)> {
        self.in_numbers(index)
            .or_else(|| self.in_words(index))
            .or_else(|| self.month_before_day(index))
            .or_else(|| self.in_english(index))
    }

    /// `12/05/2023`, `12 - 05 - 2023`, `12.05.2023`, `2023-05-12`, and `12/05/23`, which is rejected.
    fn in_numbers(&self, index: usize) -> Option<(Result<NaiveDate, Flaw>, usize)> {
        let separated = |mark: Option<char>| matches!(mark, Some('/' | '-' | '.' | '–'));
        let (first, second, third) = (self.number(index)?, self.number(index + 2)?, self.number(index + 4)?);
        if !separated(self.mark(index + 1)) || !separated(self.mark(index + 3)) || second.len() > 2 {
            return None;
        }
        let next = index + 5;
        match (first.len(), third.len()) {
            (1 | 2, 4) => Some((day_month_year(first, second, third), next)),
            (4, 1 | 2) => Some((year_month_day(first, second, third), next)),
            (1 | 2, 2) => Some((Err(Flaw::ShortYear), next)),
            _ => None,
        }
    }

    /// `ngày 8 tháng 1 năm 2015`, `19 Tháng 8, 2025`, `12 Tháng Mười Hai 2023`, `12 tháng 5/2023`.
    fn in_words(&self, index: usize) -> Option<(Result<NaiveDate, Flaw>, usize)> {
        let day = self.number(index).filter(|digits| digits.len() <= 2)?;
        let mut at = index + 1;
        if matches!(self.mark(at), Some(',' | '-' | '/')) {
            at += 1;
        }
        if self.word(at) != "tháng" {
            return None;
        }
        let (month, mut at) = match self.number(at + 1).filter(|digits| digits.len() <= 2) {
            Some(digits) => (digits.parse().ok()?, at + 2),
            None => self.month_in_words(at + 1)?,
        };
        if matches!(self.mark(at), Some(',' | '/' | '-' | '.')) {
            at += 1;
        }
        if self.word(at) == "năm" {
            at += 1;
        }
        let year = self.number(at)?;
        let month: u32 = month;
        match year.len() {
            4 => Some((day_month_year(day, &month.to_string(), year), at + 1)),
            2 => Some((Err(Flaw::ShortYear), at + 1)),
            _ => None,
        }
    }

    /// `Tháng Ba 12, 2018`: the word identifies the month.
    fn month_before_day(&self, index: usize) -> Option<(Result<NaiveDate, Flaw>, usize)> {
        if self.word(index) != "tháng" {
            return None;
        }
        let in_digits = |digits: &str| Some((digits.parse().ok().filter(|month| *month <= 12)?, index + 2));
        let (month, at): (u32, usize) =
            self.number(index + 1).map_or_else(|| self.month_in_words(index + 1), in_digits)?;
        let day = self.number(at).filter(|digits| digits.len() <= 2)?;
        let at = if self.mark(at + 1) == Some(',') { at + 2 } else { at + 1 };
        let year = self.number(at).filter(|year| year.len() == 4)?;
        Some((day_month_year(day, &month.to_string(), year), at + 1))
    }

    /// The month and the index after it. NOTE: `năm` means both five and year; after `tháng` it is five.
    fn month_in_words(&self, index: usize) -> Option<(u32, usize)> {
        const MONTHS: [&[&str]; 12] = [
            &["một"],
            &["hai"],
            &["ba"],
            &["tư", "bốn"],
            &["năm"],
            &["sáu"],
            &["bảy", "bẩy"],
            &["tám"],
            &["chín"],
            &["mười"],
            &["mười một"],
            &["mười hai"],
        ];
        let two = format!("{} {}", self.word(index), self.word(index + 1));
        let by =
            |name: &str| MONTHS.iter().position(|names| names.contains(&name)).map(|month| month as u32 + 1);
        match by(&two) {
            Some(month) => Some((month, index + 2)),
            None => by(self.word(index)).map(|month| (month, index + 1)),
        }
    }

    /// `12 May 2023`; `May 12, 2023` is month-first and rejected.
    fn in_english(&self, index: usize) -> Option<(Result<NaiveDate, Flaw>, usize)> {
        let month = |index: usize| {
            let word = self.word(index);
            let name = |name: &&str| word == *name || word == &name[..3];
            ENGLISH_MONTHS.iter().position(|known| word.len() >= 3 && name(known)).map(|month| month + 1)
        };
        let skip = |at: usize| if matches!(self.mark(at), Some(',' | '.')) { at + 1 } else { at };
        if let (Some(day), Some(month)) = (self.number(index).filter(|day| day.len() <= 2), month(index + 1))
        {
            let at = skip(index + 2);
            let year = self.number(at).filter(|year| year.len() == 4)?;
            return Some((day_month_year(day, &month.to_string(), year), at + 1));
        }
        month(index)?;
        let at = skip(index + 1);
        self.number(at).filter(|day| day.len() <= 2)?;
        let at = skip(at + 1);
        self.number(at).filter(|year| year.len() == 4)?;
        Some((Err(Flaw::MonthFirst), at + 1))
    }

    fn noise(&mut self) -> bool {
        if let Some(mark) = self.mark(self.at) {
            self.last_mark = Some(mark);
            self.at += 1;
            return true;
        }
        let known = matches!(self.word(self.at), "lúc" | "ngày" | "vào" | "hồi" | "t" | "at" | "giờ" | "on");
        let bound = self.reading.date.is_some() || self.reading.time.is_some() || self.before.is_empty();
        // The `in` and `bản in` of a toolbar after the date have no meaning.
        let toolbar = self.reading.date.is_some() && matches!(self.word(self.at), "in" | "print");
        if known && bound || toolbar {
            self.at += 1;
            return true;
        }
        let leads =
            self.number(self.at + 1).is_some() || matches!(self.word(self.at + 1), "lúc" | "ngày" | "hồi");
        self.at += usize::from(known && leads);
        known && leads
    }

    fn unknown(&mut self) {
        let (token, start, end) = self.tokens[self.at];
        let day_and_month = self.small(self.at).is_some()
            && matches!(self.mark(self.at + 1), Some('/' | '-'))
            && self.small(self.at + 2).is_some();
        if day_and_month {
            self.reading.day_and_month = true;
        }
        // The number of comments ends a line after the date: `… admin Tin tức 0`.
        let counts = self.at + 1 == self.tokens.len() && !self.after.is_empty();
        if matches!(token, Token::Number(_)) && !counts {
            self.reading.numbers += 1;
        }
        let seen = self.reading.date.is_some() || self.reading.time.is_some();
        if let Token::Word(_) = token {
            if seen {
                self.reading.after_apart |= self.after.is_empty() && self.last_mark == Some('|');
            }
            let side = if seen { &mut self.after } else { &mut self.before };
            *side = if side.start == side.end { start..end } else { side.start..end };
        }
        self.last_mark = None;
        self.at += 1;
        if !seen && matches!(token, Token::Word(_)) {
            self.reading.before_comma = self.mark(self.at) == Some(',');
            self.reading.before_colon = self.mark(self.at) == Some(':');
            self.reading.before_apart = matches!(
                self.mark(self.at),
                Some('-' | '–' | '|' | ',' | ':' | '•' | '·' | '>' | '/' | '»' | ')')
            );
        }
    }
}

const ENGLISH_WEEKDAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

const ENGLISH_MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

fn day_month_year(day: &str, month: &str, year: &str) -> Result<NaiveDate, Flaw> {
    let number = |digits: &str| digits.parse::<u32>().unwrap_or(0);
    let (day, month, year) = (number(day), number(month), number(year));
    let made = |month, day| NaiveDate::from_ymd_opt(year as i32, month, day);
    match made(month, day) {
        Some(_) if (year as i32) < EARLIEST_YEAR => Err(Flaw::TooOld),
        Some(date) => Ok(date),
        None if month > 12 && made(day, month).is_some() => Err(Flaw::MonthFirst),
        None => Err(Flaw::Impossible),
    }
}

fn year_month_day(year: &str, month: &str, day: &str) -> Result<NaiveDate, Flaw> {
    // NOTE: `2023-31-05` is invalid; the numbers are never swapped.
    match day_month_year(day, month, year) {
        Err(Flaw::MonthFirst) => Err(Flaw::Impossible),
        other => other,
    }
}

/// Splits a line into numbers, words and punctuation; white space is visible only in the offsets.
fn tokens(text: &str) -> Vec<(Token<'_>, usize, usize)> {
    let mut tokens = Vec::new();
    let mut rest = text.char_indices().peekable();
    while let Some((start, first)) = rest.next() {
        if first.is_whitespace() {
            continue;
        }
        let number = first.is_ascii_digit();
        if !number && !first.is_alphabetic() {
            tokens.push((Token::Mark(first), start, start + first.len_utf8()));
            continue;
        }
        let mut end = start + first.len_utf8();
        while let Some((at, next)) = rest.peek().copied() {
            if number && next.is_ascii_digit() || !number && next.is_alphabetic() {
                end = at + next.len_utf8();
                rest.next();
            } else {
                break;
            }
        }
        let token = if number { Token::Number(&text[start..end]) } else { Token::Word(&text[start..end]) };
        tokens.push((token, start, end));
    }
    tokens
}
