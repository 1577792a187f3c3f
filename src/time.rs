//! Moments as a Vietnamese office prints them and as feeds must print them.
//!
//! A moment is an instant in UTC, counted in whole seconds. The zone (normally Asia/Ho_Chi_Minh, +07:00 all
//! year) comes in only where a moment is printed or a day is named. This room refuses to guess: it has no
//! "now" in place of an unknown date; the one clock that the program reads is [`Clock`], and it is handed
//! to the store and to nobody who makes documents.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{
    DateTime, Datelike, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone as _, Timelike,
    Utc,
};
use serde::{Deserialize, Serialize};

/// The zone of the site: any IANA zone, Asia/Ho_Chi_Minh unless the config says otherwise.
pub type Zone = chrono_tz::Tz;

/// An instant in UTC. Everything that this project makes of it is in whole seconds.
pub type Timestamp = DateTime<Utc>;

/// Asia/Ho_Chi_Minh: UTC+7 without summer time since 1975.
pub const DEFAULT_TIME_ZONE: Zone = chrono_tz::Asia::Ho_Chi_Minh;

/// The date of publication as it was printed above an article.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PublishedAt {
    /// The instant; of a stamp without a time, midnight of that day in the site's zone.
    #[serde(with = "chrono::serde::ts_seconds")]
    pub instant: Timestamp,
    /// True where only a day was printed. Feeds, which need a time, then show 00:00.
    pub date_only: bool,
}

impl PublishedAt {
    /// A stamp with a time of day.
    pub fn exact(instant: Timestamp) -> Self {
        Self { instant, date_only: false }
    }
}

/// The instant of so many seconds since 1970-01-01T00:00:00Z; 1970 itself where the number is out of range.
pub fn from_unix(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::UNIX_EPOCH)
}

/// The day in `zone` on which `moment` falls.
pub fn local_date(moment: Timestamp, zone: Zone) -> NaiveDate {
    moment.with_timezone(&zone).date_naive()
}

/// `Fri, 12 May 2023 17:39:00 +0700`: RFC 822 as RSS wants it (rule R2).
///
/// Written out here because chrono pads no day and readers are strict about every other form.
pub fn rfc822(moment: Timestamp, zone: Zone) -> String {
    moment.with_timezone(&zone).format("%a, %d %b %Y %H:%M:%S %z").to_string()
}

/// `2023-05-12T17:39:00+07:00`: RFC 3339 in whole seconds with the numeric offset (rule A4).
pub fn rfc3339(moment: Timestamp, zone: Zone) -> String {
    moment.with_timezone(&zone).format("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// `17:39, thứ Sáu 12/05/2023`: as people write it; the day alone where no time was printed.
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

/// A month of the calendar, in the site's zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    /// 1 to 9999.
    pub year: i32,
    /// 1 to 12.
    pub month: u32,
}

impl Month {
    /// The month with this number, where there is one.
    pub fn new(year: i32, month: u32) -> Option<Self> {
        ((1..=9999).contains(&year) && (1..=12).contains(&month)).then_some(Self { year, month })
    }

    /// The month in `zone` in which `moment` falls.
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

/// What a time on the clocks of a zone means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnTheClock {
    /// One moment.
    Once(Timestamp),
    /// Two, an hour apart as a rule: the clocks are put back. The earlier one.
    Twice(Timestamp),
    /// None: the clocks are put forward over it.
    Never,
}

/// The moment at which the clocks in `zone` show `local`.
pub fn on_the_clock(local: NaiveDateTime, zone: Zone) -> OnTheClock {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(moment) => OnTheClock::Once(moment.to_utc()),
        LocalResult::Ambiguous(earlier, _) => OnTheClock::Twice(earlier.to_utc()),
        LocalResult::None => OnTheClock::Never,
    }
}

/// The first second of `day` in `zone`.
pub fn start_of_day(day: NaiveDate, zone: Zone) -> Timestamp {
    let midnight = day.and_time(NaiveTime::MIN);
    // Where the clocks are put forward at midnight, the day begins later; nowhere by more than this.
    let later = || zone.from_local_datetime(&(midnight + TimeDelta::hours(2))).earliest();
    let local = zone.from_local_datetime(&midnight).earliest().or_else(later);
    local.map_or_else(|| midnight.and_utc(), |local| local.with_timezone(&Utc))
}

/// Where "now" comes from: the machine, or a test's hand.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that stands at `seconds` since 1970 (UTC) until [`Clock::advance`] moves it.
    pub fn fixed(seconds: i64) -> Self {
        Self(Some(Arc::new(AtomicI64::new(seconds))))
    }

    /// Moves a standing clock on. The machine's clock cannot be moved.
    pub fn advance(&self, seconds: i64) {
        if let Some(hand) = &self.0 {
            hand.fetch_add(seconds, Ordering::SeqCst);
        }
    }

    /// The present second.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Some(hand) => from_unix(hand.load(Ordering::SeqCst)),
            // Asked for every request, so the date is made once: `Utc::now` makes one to take it apart again.
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

    fn seed() -> Timestamp {
        DEFAULT_TIME_ZONE.with_ymd_and_hms(2023, 5, 12, 17, 39, 0).unwrap().with_timezone(&Utc)
    }

    #[test]
    fn the_seed_s_moment_is_right_to_the_minute_in_every_form() {
        assert_eq!(rfc822(seed(), DEFAULT_TIME_ZONE), "Fri, 12 May 2023 17:39:00 +0700");
        assert_eq!(rfc3339(seed(), DEFAULT_TIME_ZONE), "2023-05-12T17:39:00+07:00");
        assert_eq!(format_vi(PublishedAt::exact(seed()), DEFAULT_TIME_ZONE), "17:39, thứ Sáu 12/05/2023");
    }

    #[test]
    fn a_day_of_one_digit_is_padded_and_a_day_without_a_time_shows_none() {
        let moment = DEFAULT_TIME_ZONE.with_ymd_and_hms(2023, 1, 1, 0, 0, 0).unwrap().with_timezone(&Utc);
        assert_eq!(rfc822(moment, DEFAULT_TIME_ZONE), "Sun, 01 Jan 2023 00:00:00 +0700");
        let stamp = PublishedAt { instant: moment, date_only: true };
        assert_eq!(format_vi(stamp, DEFAULT_TIME_ZONE), "Chủ nhật 01/01/2023");
    }

    #[test]
    fn the_day_is_that_of_the_zone_and_not_of_utc() {
        let late = DEFAULT_TIME_ZONE.with_ymd_and_hms(2023, 5, 12, 0, 30, 0).unwrap().with_timezone(&Utc);
        assert_eq!(local_date(late, DEFAULT_TIME_ZONE), NaiveDate::from_ymd_opt(2023, 5, 12).unwrap());
    }

    #[test]
    fn an_hour_that_the_clocks_show_twice_or_never_is_told_from_the_others() {
        let berlin = chrono_tz::Europe::Berlin;
        let at = |month, day, hour| {
            let local = NaiveDate::from_ymd_opt(2023, month, day).unwrap().and_hms_opt(hour, 30, 0).unwrap();
            on_the_clock(local, berlin)
        };
        let earlier = DateTime::parse_from_rfc3339("2023-10-29T02:30:00+02:00").unwrap().to_utc();
        assert_eq!(at(10, 29, 2), OnTheClock::Twice(earlier));
        assert_eq!(at(3, 26, 2), OnTheClock::Never);
        assert!(matches!(at(10, 29, 3), OnTheClock::Once(_)));
    }

    #[test]
    fn a_month_begins_and_ends_in_the_zone() {
        let month = Month::containing(seed(), DEFAULT_TIME_ZONE);
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
