//! Timestamps, their formats in feeds and on Vietnamese pages, and the clock.
//!
//! A timestamp is an instant in UTC, in whole seconds. The time zone (default Asia/Ho_Chi_Minh, +07:00 all year) is
//! used only to format timestamps and to determine local dates. No function substitutes the current time for an
//! unknown date. [`Clock`] is the only clock; rendering does not use it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{
    DateTime, Datelike, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, TimeDelta,
    TimeZone as _, Timelike, Utc,
};
use serde::{Deserialize, Serialize};

/// An IANA time zone; the default is [`DEFAULT_TIME_ZONE`].
pub type Zone = chrono_tz::Tz;

/// An instant in UTC, in whole seconds.
pub type Timestamp = DateTime<Utc>;

/// Asia/Ho_Chi_Minh: UTC+7 without daylight saving time since 1975.
pub const DEFAULT_TIME_ZONE: Zone = chrono_tz::Asia::Ho_Chi_Minh;

/// The publication date, as printed above the article.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PublishedAt {
    /// The instant; for a date without a time, midnight of that day in the site's zone.
    #[serde(with = "chrono::serde::ts_seconds")]
    pub instant: Timestamp,
    /// Whether only a day was printed. Feeds, which need a time, then show 00:00.
    pub date_only: bool,
}

impl PublishedAt {
    /// A date with a time of day.
    pub fn exact(instant: Timestamp) -> Self {
        Self { instant, date_only: false }
    }
}

/// The instant `seconds` after 1970-01-01T00:00:00Z; the epoch itself if out of range.
pub fn from_unix(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::UNIX_EPOCH)
}

/// The local date of `moment` in `zone`.
pub fn local_date(moment: Timestamp, zone: Zone) -> NaiveDate {
    moment.with_timezone(&zone).date_naive()
}

/// `Fri, 12 May 2023 17:39:00 +0700`: RFC 822 with a four-digit year, as in RSS (feed rule R2).
///
/// chrono's `to_rfc2822` does not pad the day, which some feed readers require.
pub fn rfc822(moment: Timestamp, zone: Zone) -> String {
    moment.with_timezone(&zone).format("%a, %d %b %Y %H:%M:%S %z").to_string()
}

/// `2023-05-12T17:39:00+07:00`: RFC 3339 in whole seconds with the numeric offset (feed rule A4).
pub fn rfc3339(moment: Timestamp, zone: Zone) -> String {
    moment.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, false)
}

/// `17:39, thứ Sáu 12/05/2023`: the Vietnamese display format; the day alone for a date without a time.
pub fn format_vi(stamp: PublishedAt, zone: Zone) -> String {
    const WEEKDAYS: [&str; 7] = ["thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật"];
    let local = stamp.instant.with_timezone(&zone);
    let weekday = WEEKDAYS[local.weekday().num_days_from_monday() as usize];
    let day = local.format("%d/%m/%Y");
    if stamp.date_only {
        format!("{weekday} {day}")
    } else {
        format!("{:02}:{:02}, {weekday} {day}", local.hour(), local.minute())
    }
}

/// A calendar month in the site's zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    /// 1 to 9999.
    pub year: i32,
    /// 1 to 12.
    pub month: u32,
}

impl Month {
    /// The month with this number; `None` if out of range.
    pub fn new(year: i32, month: u32) -> Option<Self> {
        ((1..=9999).contains(&year) && (1..=12).contains(&month)).then_some(Self { year, month })
    }

    /// The month of `moment` in `zone`.
    pub fn containing(moment: Timestamp, zone: Zone) -> Self {
        let day = local_date(moment, zone);
        Self { year: day.year().clamp(1, 9999), month: day.month() }
    }

    /// Its first second in `zone`.
    pub fn start(self, zone: Zone) -> Timestamp {
        let day = NaiveDate::from_ymd_opt(self.year, self.month, 1).unwrap_or_default();
        start_of_day(day, zone)
    }

    /// Its last second in `zone`.
    pub fn end(self, zone: Zone) -> Timestamp {
        let (year, month) = if self.month == 12 { (self.year + 1, 1) } else { (self.year, self.month + 1) };
        let next = NaiveDate::from_ymd_opt(year, month, 1).unwrap_or_default();
        start_of_day(next, zone) - TimeDelta::seconds(1)
    }
}

/// `tháng 5 năm 2023`.
impl fmt::Display for Month {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "tháng {} năm {}", self.month, self.year)
    }
}

/// The instants that a local time denotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalTime {
    /// One instant.
    Unique(Timestamp),
    /// Two instants, because clocks are set back; the earlier one.
    Ambiguous(Timestamp),
    /// None, because clocks are set forward over it.
    Nonexistent,
}

/// The instant of the local time `local` in `zone`.
pub fn resolve_local(local: NaiveDateTime, zone: Zone) -> LocalTime {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(moment) => LocalTime::Unique(moment.to_utc()),
        LocalResult::Ambiguous(earlier, _) => LocalTime::Ambiguous(earlier.to_utc()),
        LocalResult::None => LocalTime::Nonexistent,
    }
}

/// The first second of `day` in `zone`.
pub fn start_of_day(day: NaiveDate, zone: Zone) -> Timestamp {
    let midnight = day.and_time(NaiveTime::MIN);
    // If clocks are set forward at midnight, the day begins later, in no zone by more than this.
    let later = || zone.from_local_datetime(&(midnight + TimeDelta::hours(2))).earliest();
    let local = zone.from_local_datetime(&midnight).earliest().or_else(later);
    local.map_or_else(|| midnight.and_utc(), |local| local.with_timezone(&Utc))
}

/// The source of the current time: the system clock, or a fixed clock for tests.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The system clock.
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock fixed at `seconds` since 1970 (UTC) until [`Clock::advance`] moves it.
    pub fn fixed(seconds: i64) -> Self {
        Self(Some(Arc::new(AtomicI64::new(seconds))))
    }

    /// Advances a fixed clock; no effect on the system clock.
    pub fn advance(&self, seconds: i64) {
        if let Some(fixed) = &self.0 {
            fixed.fetch_add(seconds, Ordering::SeqCst);
        }
    }

    /// The current time.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Some(fixed) => from_unix(fixed.load(Ordering::SeqCst)),
            // Called for every request: `Utc::now` would compute the date and discard it.
            None => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                from_unix(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Timestamp {
        DEFAULT_TIME_ZONE.with_ymd_and_hms(2023, 5, 12, 17, 39, 0).unwrap().with_timezone(&Utc)
    }

    #[test]
    fn formats_the_sample_timestamp() {
        assert_eq!(rfc822(sample(), DEFAULT_TIME_ZONE), "Fri, 12 May 2023 17:39:00 +0700");
        assert_eq!(rfc3339(sample(), DEFAULT_TIME_ZONE), "2023-05-12T17:39:00+07:00");
        assert_eq!(format_vi(PublishedAt::exact(sample()), DEFAULT_TIME_ZONE), "17:39, thứ Sáu 12/05/2023");
    }

    #[test]
    fn pads_the_day_and_omits_a_missing_time() {
        let moment = DEFAULT_TIME_ZONE.with_ymd_and_hms(2023, 1, 1, 0, 0, 0).unwrap().with_timezone(&Utc);
        assert_eq!(rfc822(moment, DEFAULT_TIME_ZONE), "Sun, 01 Jan 2023 00:00:00 +0700");
        let stamp = PublishedAt { instant: moment, date_only: true };
        assert_eq!(format_vi(stamp, DEFAULT_TIME_ZONE), "Chủ nhật 01/01/2023");
    }

    #[test]
    fn local_date_uses_the_zone() {
        let late = DEFAULT_TIME_ZONE.with_ymd_and_hms(2023, 5, 12, 0, 30, 0).unwrap().with_timezone(&Utc);
        assert_eq!(local_date(late, DEFAULT_TIME_ZONE), NaiveDate::from_ymd_opt(2023, 5, 12).unwrap());
    }

    #[test]
    fn detects_ambiguous_and_nonexistent_local_times() {
        let berlin = chrono_tz::Europe::Berlin;
        let at = |month, day, hour| {
            let local = NaiveDate::from_ymd_opt(2023, month, day).unwrap().and_hms_opt(hour, 30, 0).unwrap();
            resolve_local(local, berlin)
        };
        let earlier = DateTime::parse_from_rfc3339("2023-10-29T02:30:00+02:00").unwrap().to_utc();
        assert_eq!(at(10, 29, 2), LocalTime::Ambiguous(earlier));
        assert_eq!(at(3, 26, 2), LocalTime::Nonexistent);
        assert!(matches!(at(10, 29, 3), LocalTime::Unique(_)));
    }

    #[test]
    fn months_begin_and_end_in_the_zone() {
        let month = Month::containing(sample(), DEFAULT_TIME_ZONE);
        assert_eq!((month.to_string().as_str(), Month::new(2023, 5)), ("tháng 5 năm 2023", Some(month)));
        assert_eq!(rfc3339(month.start(DEFAULT_TIME_ZONE), DEFAULT_TIME_ZONE), "2023-05-01T00:00:00+07:00");
        assert_eq!(rfc3339(month.end(DEFAULT_TIME_ZONE), DEFAULT_TIME_ZONE), "2023-05-31T23:59:59+07:00");
        let december = Month::new(2023, 12).unwrap();
        assert_eq!(rfc3339(december.end(DEFAULT_TIME_ZONE), DEFAULT_TIME_ZONE), "2023-12-31T23:59:59+07:00");
        let late = DEFAULT_TIME_ZONE.with_ymd_and_hms(2023, 6, 1, 0, 30, 0).unwrap().with_timezone(&Utc);
        assert_eq!(Month::containing(late, DEFAULT_TIME_ZONE), Month { year: 2023, month: 6 });
        for (year, month) in [(0, 1), (10_000, 1), (2023, 0), (2023, 13)] {
            assert_eq!(Month::new(year, month), None);
        }
    }
}
