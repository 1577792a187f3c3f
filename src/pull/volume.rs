//! How many articles a source usually publishes, and whether it has fallen far below. No I/O, no clock.
//!
//! The last week is compared with the weeks before. A week is made of the latest Monday, Tuesday … that was an ordinary
//! day: a quiet weekend is compared with weekends, and Tết and the other public holidays do not count at all.

use std::collections::BTreeMap;

use chrono::{Datelike as _, Days, NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};

/// Weeks that the last one is compared with.
const WEEKS: usize = 8;
/// With fewer, nothing is usual yet.
const MIN_WEEKS: usize = 4;
/// Days that are remembered: nine weeks and the holidays among them.
const KEPT: Days = Days::new(100);
/// A week is far below if it has less than this part of the usual number.
const PART: u64 = 3;

/// Articles by the day of their publication, those of the last hundred days.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DailyCounts(BTreeMap<NaiveDate, u64>);

/// A source publishes far less than usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortfall {
    /// Articles of its last week.
    pub last_week: u64,
    /// The median of the weeks before.
    pub usual_week: u64,
}

impl DailyCounts {
    /// Counts an article of this day. Late ones and those of an archive count on their own day.
    pub(super) fn add(&mut self, day: NaiveDate, today: NaiveDate) {
        let first = today - KEPT;
        if day >= first {
            *self.0.entry(day).or_default() += 1;
        }
        self.0.retain(|day, _| *day >= first);
    }

    /// The shortfall of the week that ended on the day before `today`.
    pub(super) fn shortfall(&self, today: NaiveDate) -> Option<Shortfall> {
        let weeks = self.weeks(today);
        let (last, before) = weeks.split_first()?;
        let before = &before[..before.len().min(WEEKS)];
        if before.len() < MIN_WEEKS {
            return None;
        }
        let mut sorted = before.to_vec();
        sorted.sort_unstable();
        let usual = sorted[(sorted.len() - 1) / 2];
        let is_low = |week: &u64| week * PART < usual;
        // Three times the spread of a number of independent events. It is never reached with fewer than nine a week.
        let is_no_chance = usual.saturating_sub(*last).pow(2) >= 9 * usual;
        // A source that has such weeks now and then is not below its usual number.
        let is_rare = before.iter().filter(|week| is_low(week)).count() * 4 <= before.len();
        let is_shortfall = is_low(last) && is_no_chance && is_rare;
        is_shortfall.then_some(Shortfall { last_week: *last, usual_week: usual })
    }

    /// Articles by week, the last one first.
    fn weeks(&self, today: NaiveDate) -> Vec<u64> {
        let Some((first, _)) = self.0.first_key_value() else { return Vec::new() };
        let mut by_weekday: [Vec<u64>; 7] = Default::default();
        for day in today.iter_days().rev().skip(1).take_while(|day| day >= first) {
            if !is_holiday(day) {
                let count = self.0.get(&day).copied().unwrap_or_default();
                by_weekday[day.weekday().num_days_from_monday() as usize].push(count);
            }
        }
        let complete = by_weekday.iter().map(Vec::len).min().unwrap_or_default();
        (0..complete).map(|week| by_weekday.iter().map(|days| days[week]).sum()).collect()
    }
}

/// True on public holidays of Vietnam and the days around them on which offices are often closed. One day too many does no
/// harm: it is not compared.
fn is_holiday(day: NaiveDate) -> bool {
    let is_fixed = match (day.month(), day.day()) {
        (1, 1..=2) | (12, 31) => true,
        // 30 April and 1 May, with the days between them and the weekend.
        (4, 27..) | (5, 1..=4) => true,
        (8, 31) | (9, 1..=4) => true,
        _ => false,
    };
    is_fixed || is_around_tet(day)
}

/// From a week before a new moon between 21 January and 20 February until ten days after it. Tết is such a new moon.
///
/// NOTE: the mean new moon differs from the true one by less than a day.
fn is_around_tet(day: NaiveDate) -> bool {
    const MEAN_MONTH: f64 = 29.530_588_861;
    // 6 January 2000, 14:20 in Terrestrial Time; with the zone of Vietnam 21:20.
    let Some(known) = NaiveDate::from_ymd_opt(2000, 1, 6) else { return false };
    let since = (day - known).num_days() as f64 - 0.889;
    (-1..=1).any(|month| {
        let number = (since / MEAN_MONTH).round() + f64::from(month);
        let moon = known + TimeDelta::days((number * MEAN_MONTH + 0.889).floor() as i64);
        let is_tet = matches!((moon.month(), moon.day()), (1, 20..) | (2, 1..=21));
        is_tet && (-7..=10).contains(&(day - moon).num_days())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// So many articles on each of the `days` before `today`, by the number of days that have passed.
    fn counts(today: &str, days: i64, of_day: impl Fn(NaiveDate, i64) -> u64) -> DailyCounts {
        let (today, mut counts) = (day(today), DailyCounts::default());
        for ago in 1..=days {
            let day = today - TimeDelta::days(ago);
            (0..of_day(day, ago)).for_each(|_| counts.add(day, today));
        }
        counts
    }

    #[test]
    fn a_source_that_publishes_a_third_of_its_usual_number_is_below_it_until_that_is_usual() {
        let today = "2023-06-15";
        let fell = |weeks: i64| counts(today, 100, |_, ago| if ago <= weeks * 7 { 0 } else { 3 });
        assert_eq!(fell(0).shortfall(day(today)), None);
        let shortfall = Some(Shortfall { last_week: 0, usual_week: 21 });
        assert_eq!([1, 2, 3].map(|weeks| fell(weeks).shortfall(day(today))), [shortfall; 3]);
        assert_eq!(fell(6).shortfall(day(today)), None);
        let half = counts(today, 100, |_, ago| if ago <= 7 { 1 } else { 2 });
        assert_eq!(half.shortfall(day(today)), None, "half is no alarm");
        let few = counts(today, 100, |_, ago| u64::from(ago > 7));
        assert_eq!(few.shortfall(day(today)), None, "one a day may be chance");
    }

    #[test]
    fn weekends_holidays_and_irregular_weeks_are_no_alarm() {
        // An office that is closed on weekends, looked at on every day of a year, in which Tết and other holidays fall.
        for ago in 0..365 {
            let today = day("2024-03-31") - TimeDelta::days(ago);
            let closed = |day: NaiveDate| {
                day.weekday().num_days_from_monday() >= 5
                    || (day >= self::day("2024-02-05") && day <= self::day("2024-02-18"))
                    || (day >= self::day("2023-04-29") && day <= self::day("2023-05-03"))
                    || (day >= self::day("2023-09-01") && day <= self::day("2023-09-04"))
            };
            let counts = counts(&today.to_string(), 100, |day, _| if closed(day) { 0 } else { 6 });
            assert_eq!(counts.shortfall(today), None, "{today}");
        }
        let irregular = counts("2023-06-15", 70, |_, ago| if (ago / 7) % 2 == 0 { 0 } else { 6 });
        assert_eq!(irregular.shortfall(day("2023-06-15")), None);
    }

    #[test]
    fn what_is_usual_is_known_after_five_weeks() {
        let new = |days| counts("2023-06-15", days, |_, ago| if ago <= 7 { 0 } else { 3 });
        assert_eq!(new(34).shortfall(day("2023-06-15")), None);
        assert!(new(42).shortfall(day("2023-06-15")).is_some());
        assert_eq!(DailyCounts::default().shortfall(day("2023-06-15")), None);
    }

    #[test]
    fn the_days_around_tet_are_known() {
        // First days of the lunar years in Vietnam.
        for tet in [
            "2007-02-17",
            "2020-01-25",
            "2021-02-12",
            "2022-02-01",
            "2023-01-22",
            "2024-02-10",
            "2025-01-29",
            "2026-02-17",
            "2027-02-06",
            "2028-01-26",
            "2029-02-13",
            "2030-02-02",
            "2034-02-19",
        ] {
            let tet = day(tet);
            assert!((-5..=8).all(|days| is_holiday(tet + TimeDelta::days(days))), "{tet}");
            assert!(
                !is_holiday(tet + TimeDelta::days(14)) && !is_holiday(tet - TimeDelta::days(10)),
                "{tet}"
            );
        }
        let ordinary = (1..=30).all(|number| !is_holiday(day(&format!("2023-06-{number:02}"))));
        assert!(ordinary);
    }
}
