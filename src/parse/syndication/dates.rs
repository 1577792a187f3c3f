//! The dates of feeds, as their publishers write them.

use chrono::{Datelike as _, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike as _};
use serde::{Deserialize, Serialize};

use super::super::stamp::{self, DateReading, EARLIEST_YEAR};
use super::model::{Repair, Repairs, count};
use crate::message::Message;
use crate::time::{LocalTime, PublishedAt, Timestamp, Zone, resolve_local};

/// A date that is further ahead than this is doubtful: clocks differ by minutes.
const MAX_AHEAD: TimeDelta = TimeDelta::minutes(10);

/// A date of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedDate {
    /// The instant.
    pub published: PublishedAt,
    /// The date and time as written, whatever the zone.
    pub digits: NaiveDateTime,
    /// The zone is written as GMT, UTC, Z or +0000. Some systems write local time and call it GMT.
    pub is_gmt: bool,
}

impl FeedDate {
    /// The minutes are the number of the month: what `gmdate('D, j M Y H:m:s')` prints.
    pub fn has_month_as_minutes(&self) -> bool {
        !self.published.date_only && self.digits.minute() == self.digits.month()
    }

    /// True if it lies ahead of `now` by more than clocks differ.
    pub fn is_in_the_future(&self, now: Timestamp) -> bool {
        self.published.instant > now + MAX_AHEAD
    }
}

/// Why the date of an item is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum DateDoubt {
    /// There is none.
    #[error("no publication date")]
    Missing,
    /// It cannot be read, or has two meanings.
    #[error("the publication date cannot be read without guessing")]
    Unreadable,
    /// Its zone is unknown.
    #[error("the zone of the publication date is unknown")]
    UnknownZone,
    /// It is older than any website: the zero of a clock or a database.
    #[error("the publication date is before 1990")]
    TooOld,
    /// It is in the future.
    #[error("the publication date is in the future")]
    Future,
    /// It has the month in place of the minutes, and the page of the article does not tell the right time.
    #[error(
        "the publication date has the month in place of the minutes, and the page of the article gives no other"
    )]
    MonthAsMinutes,
    /// It may be local time that is called GMT, and the page of the article does not tell.
    #[error(
        "the publication date may be local time called GMT, and the page of the article does not decide it"
    )]
    LocalAsGmt,
}

impl DateDoubt {
    /// For the office and for operators.
    pub fn message(self) -> Message {
        let vietnamese = match self {
            Self::Missing => "không có ngày đăng",
            Self::Unreadable => "không thể đọc ngày đăng mà không đoán",
            Self::UnknownZone => "không biết múi giờ của ngày đăng",
            Self::TooOld => "ngày đăng trước năm 1990",
            Self::Future => "ngày đăng ở tương lai",
            Self::MonthAsMinutes => {
                "ngày đăng ghi tháng vào chỗ của phút, và trang của bài không cho biết giờ đúng"
            }
            Self::LocalAsGmt => {
                "ngày đăng có thể là giờ Việt Nam ghi nhầm là GMT, và trang của bài không cho biết"
            }
        };
        Message::new(vietnamese, self.to_string())
    }
}

/// Reads a date. `zone` is that of the site, for dates without one.
///
/// # Errors
/// If it has no certain meaning.
pub fn read_feed_date(text: &str, zone: Zone, repairs: &mut Repairs) -> Result<FeedDate, DateDoubt> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() {
        return Err(DateDoubt::Missing);
    }
    let date = match rfc822(&text).or_else(|| iso(&text)) {
        Some((digits, date_only, rest)) => {
            count(
                repairs,
                Repair::OddDate,
                usize::from(text.split([' ', '-']).any(|word| translated_month(word).is_some())),
            );
            zoned(digits, date_only, rest, zone, repairs)
        }
        None => printed(&text, zone, repairs),
    }?;
    check_age(date.published, zone)?;
    Ok(date)
}

/// Refuses a date that no article of a website can have.
///
/// # Errors
/// [`DateDoubt::TooOld`].
pub fn check_age(published: PublishedAt, zone: Zone) -> Result<(), DateDoubt> {
    match published.instant.with_timezone(&zone).year() < EARLIEST_YEAR {
        true => Err(DateDoubt::TooOld),
        false => Ok(()),
    }
}

/// `Fri, 12 May 2023 17:39:00`, also as WordPress translates it, `T6, 12 Th5 2023 17:39:00`: the digits, whether there is no time, and what follows.
fn rfc822(text: &str) -> Option<(NaiveDateTime, bool, &str)> {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let rest = match text.split_once(',') {
        Some((weekday, rest)) if weekday.starts_with(char::is_alphabetic) && !weekday.contains(' ') => {
            rest.trim_start()
        }
        _ => text,
    };
    let mut parts = rest.splitn(4, [' ', '-']);
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    let month = month.to_ascii_lowercase();
    let month = match translated_month(&month) {
        Some(number) => number,
        None => MONTHS.iter().position(|name| month.get(..3) == Some(*name))? as u32 + 1,
    };
    // NOTE: a two-digit year is refused: 23 may be a day.
    let date =
        NaiveDate::from_ymd_opt(year.parse().ok().filter(|_| year.len() == 4)?, month, day.parse().ok()?)?;
    let (time, rest) = time(parts.next().unwrap_or_default());
    Some((date.and_time(time.unwrap_or_default()), time.is_none(), rest))
}

/// `Th5`, as WordPress abbreviates a month in Vietnamese.
fn translated_month(word: &str) -> Option<u32> {
    word.to_ascii_lowercase().strip_prefix("th")?.parse().ok()
}

/// `2023-05-12T17:39:00`.
fn iso(text: &str) -> Option<(NaiveDateTime, bool, &str)> {
    let date = NaiveDate::parse_from_str(text.get(..10)?, "%Y-%m-%d").ok()?;
    let rest = text[10..].trim_start_matches(['T', 't', ' ']);
    let (time, rest) = time(rest);
    Some((date.and_time(time.unwrap_or_default()), time.is_none(), rest))
}

/// `17:39:00.123` or `17:39` at the beginning, and what follows.
fn time(text: &str) -> (Option<NaiveTime>, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '.')).unwrap_or(text.len());
    let (clock, rest) = text.split_at(end);
    let whole = clock.split('.').next().unwrap_or_default();
    let time = ["%H:%M:%S", "%H:%M"].iter().find_map(|form| NaiveTime::parse_from_str(whole, form).ok());
    if time.is_some() { (time, rest.trim()) } else { (None, text.trim()) }
}

fn zoned(
    digits: NaiveDateTime,
    date_only: bool,
    written: &str,
    zone: Zone,
    repairs: &mut Repairs,
) -> Result<FeedDate, DateDoubt> {
    let local = || match resolve_local(digits, zone) {
        LocalTime::Unique(instant) | LocalTime::Ambiguous(instant) => Ok(instant),
        LocalTime::Nonexistent => Err(DateDoubt::Unreadable),
    };
    if date_only {
        if !written.is_empty() && offset(written).is_none() {
            return Err(DateDoubt::Unreadable);
        }
        return Ok(FeedDate {
            published: PublishedAt { instant: local()?, date_only },
            digits,
            is_gmt: false,
        });
    }
    let (instant, is_gmt) = match written {
        "" => {
            count(repairs, Repair::MissingZone, 1);
            (local()?, false)
        }
        written => {
            let (seconds, is_odd) = offset(written).ok_or(DateDoubt::UnknownZone)?;
            count(repairs, Repair::OddZone, usize::from(is_odd));
            let offset = FixedOffset::east_opt(seconds).ok_or(DateDoubt::UnknownZone)?;
            let instant = digits.and_local_timezone(offset).single().ok_or(DateDoubt::Unreadable)?;
            (instant.to_utc(), seconds == 0)
        }
    };
    Ok(FeedDate { published: PublishedAt::exact(instant), digits, is_gmt })
}

/// The seconds east of Greenwich, and whether the zone is written oddly.
fn offset(text: &str) -> Option<(i32, bool)> {
    let upper = text.trim_matches(['(', ')']).to_ascii_uppercase();
    match upper.as_str() {
        "Z" | "GMT" | "UTC" | "UT" => return Some((0, false)),
        "ICT" | "SE ASIA STANDARD TIME" | "INDOCHINA TIME" | "ASIA/HO_CHI_MINH" | "ASIA/SAIGON" => {
            return Some((7 * 3600, true));
        }
        "EST" => return Some((-5 * 3600, true)),
        "EDT" => return Some((-4 * 3600, true)),
        "PST" => return Some((-8 * 3600, true)),
        "PDT" => return Some((-7 * 3600, true)),
        _ => {}
    }
    let number = upper.trim_start_matches("GMT").trim_start_matches("UTC").trim();
    // `+0700 (ICT)`
    let number = number.split([' ', '(']).next()?;
    let sign = match number.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let (hours, minutes) = match number[1..].split_once(':') {
        Some((hours, minutes)) => (hours, minutes),
        None if number.len() == 5 => number[1..].split_at_checked(2)?,
        None => (&number[1..], "0"),
    };
    let is_number =
        |text: &str| (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(hours) || !is_number(minutes) {
        return None;
    }
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let is_odd = number.len() < 5 || number.len() != upper.len();
    (hours <= 14 && minutes < 60).then_some((sign * (hours * 3600 + minutes * 60), is_odd))
}

/// A date as Vietnamese pages print it: `12/05/2023 17:39`, `ngày 12 tháng 5 năm 2023`.
fn printed(text: &str, zone: Zone, repairs: &mut Repairs) -> Result<FeedDate, DateDoubt> {
    // The reader of pages does not know the words of some systems for the time of day.
    let DateReading::Date(found) = stamp::read(text, zone) else { return Err(DateDoubt::Unreadable) };
    count(repairs, Repair::OddDate, 1);
    let local = found.stamp.instant.with_timezone(&zone).naive_local();
    let digits = if found.stamp.date_only { local.date().and_time(NaiveTime::MIN) } else { local };
    Ok(FeedDate { published: found.stamp, digits, is_gmt: false })
}
