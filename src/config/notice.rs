//! The notice on every page: when it is shown, and whether it announces a planned stop early enough.

use chrono::{Datelike as _, Days, NaiveDate, TimeDelta, Weekday};

use super::checks;
use super::error::{ConfigError, value_error};
use super::schema;
use crate::message::Message;
use crate::parse::printed_date;
use crate::text::xml_safe_nfc;
use crate::time::{Timestamp, Zone, local_date, start_of_day};

/// Maximum length of the text, in characters: it is above every page, also on a phone.
const MAX_CHARS: usize = 500;
/// Whole working days between the notice and a planned stop (Decree 224/2026/NĐ-CP).
const WORKING_DAYS: usize = 7;
/// The words by which a text announces a planned stop.
const STOP_WORDS: [&str; 9] = [
    "bảo trì",
    "bảo dưỡng",
    "nâng cấp",
    "gián đoạn",
    "tạm ngừng",
    "tạm dừng",
    "ngừng hoạt động",
    "ngừng phục vụ",
    "ngừng cung cấp",
];

/// A text that pages show from `from` on, until just before `until`.
pub(super) struct Notice {
    text: String,
    from: Timestamp,
    until: Timestamp,
    zone: Zone,
}

impl Notice {
    /// Checks the values. Times without an offset are in `zone`; a day alone begins at 00:00.
    pub(super) fn new(settings: schema::Notice, zone: Zone) -> Result<Self, ConfigError> {
        let schema::Notice { text, from, until } = settings;
        let missing = |key: &str, cure: &str| {
            value_error(&format!("site.notice.{key}"), format!("is missing: write {cure}"))
        };
        let text = text.ok_or_else(|| missing("text", "what readers are told, in Vietnamese"))?;
        checks::line("site.notice.text", &text)?;
        let length = text.chars().count();
        if length > MAX_CHARS {
            let reason = format!(
                "has {length} characters: shorten it to {MAX_CHARS} and publish the rest as an article"
            );
            return Err(value_error("site.notice.text", reason));
        }
        let time = |key: &str, value: Option<schema::TimeSetting>| {
            let value = value.ok_or_else(|| missing(key, EXAMPLE))?;
            printed_date(&value.0, zone).map(|printed| printed.instant).ok_or_else(|| {
                let reason = format!("`{}` is not a date or a time: write it like {EXAMPLE}", value.0);
                value_error(&format!("site.notice.{key}"), reason)
            })
        };
        let (from, until) = (time("from", from)?, time("until", until)?);
        if until <= from {
            let reason = "is not after `from`: write when the notice is taken down, or remove the notice";
            return Err(value_error("site.notice.until", reason.to_owned()));
        }
        Ok(Self { text: text.trim().to_owned(), from, until, zone })
    }

    /// The text if it is shown at `now`.
    pub(super) fn shown_at(&self, now: Timestamp) -> Option<&str> {
        (self.from <= now && now < self.until).then_some(self.text.as_str())
    }

    /// When it next appears or disappears, after `now`.
    pub(super) fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        [self.from, self.until].into_iter().find(|change| *change > now)
    }

    /// What is wrong if it announces a planned stop and is shown too late. Says nothing once it is over.
    pub(super) fn lateness(&self, now: Timestamp) -> Option<Message> {
        let text = xml_safe_nfc(&self.text).to_lowercase();
        if now >= self.until || !STOP_WORDS.iter().any(|words| text.contains(words)) {
            return None;
        }
        let stop = self.day_of_stop();
        let latest = latest_day(stop);
        (self.from > start_of_day(latest, self.zone)).then(|| {
            let (stop, latest) = (stop.format("%d/%m/%Y"), latest.format("%d/%m/%Y"));
            Message::new(
                format!(
                    "[site] notice báo trước việc ngừng ngày {stop} chưa đủ {WORKING_DAYS} ngày làm việc (Nghị định \
                     224/2026/NĐ-CP). Hãy cho hiện chậm nhất từ 00:00 ngày {latest} (from), sớm hơn nếu trong đó có ngày \
                     nghỉ lễ, hoặc lùi việc ngừng"
                ),
                format!(
                    "[site] notice announces the stop on {stop} less than {WORKING_DAYS} working days ahead (Decree \
                     224/2026/NĐ-CP): show it from 00:00 on {latest} at the latest (from), earlier if there are public \
                     holidays in between, or postpone the stop"
                ),
            )
        })
    }

    /// The first day in the text that is not before the notice; without one, the day on which the notice ends.
    fn day_of_stop(&self) -> NaiveDate {
        let first = local_date(self.from, self.zone);
        let words = self.text.split(|c: char| !(c.is_ascii_digit() || matches!(c, '/' | '-' | '.')));
        let days = words.filter_map(|word| printed_date(word.trim_matches(['/', '-', '.']), self.zone));
        days.map(|day| local_date(day.instant, self.zone))
            .find(|day| *day >= first)
            // A notice until 00:00 ends with the day before.
            .unwrap_or_else(|| local_date(self.until - TimeDelta::seconds(1), self.zone))
    }
}

const EXAMPLE: &str = "2026-12-01T08:00:00, \"08:00 01/12/2026\" or \"01/12/2026\"";

/// The last day from whose beginning there are [`WORKING_DAYS`] whole working days before `stop`.
fn latest_day(stop: NaiveDate) -> NaiveDate {
    let before = (1..).map_while(|count| stop.checked_sub_days(Days::new(count)));
    let working = before.filter(|day| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun));
    working.take(WORKING_DAYS).last().unwrap_or(stop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::DEFAULT_TIME_ZONE;

    fn at(text: &str) -> Timestamp {
        printed_date(text, DEFAULT_TIME_ZONE).unwrap().instant
    }

    fn notice(text: &str, from: &str, until: &str) -> Notice {
        let time = |text: &str| Some(schema::TimeSetting(text.to_owned()));
        let settings = schema::Notice { text: Some(text.to_owned()), from: time(from), until: time(until) };
        Notice::new(settings, DEFAULT_TIME_ZONE).unwrap()
    }

    #[test]
    fn it_is_shown_from_its_first_second_until_just_before_its_end() {
        let notice = notice("Cổng nghỉ Tết.", "01/12/2026", "2026-12-10T22:00:00+07:00");
        let (from, until) = (at("00:00 01/12/2026"), at("22:00 10/12/2026"));
        let second = TimeDelta::seconds(1);
        let shown = [from - second, from, until - second, until].map(|now| notice.shown_at(now).is_some());
        assert_eq!(shown, [false, true, true, false]);
        let next = [from - second, from, until - second, until].map(|now| notice.next_change(now));
        assert_eq!(next, [Some(from), Some(until), Some(until), None]);
    }

    #[test]
    fn a_planned_stop_is_announced_seven_working_days_ahead() {
        // The stop is on Friday, 11 December 2026; seven working days before it begin on Wednesday, the 2nd.
        let text = "Cổng ngừng hoạt động từ 22:00 ngày 11/12/2026 đến 06:00 ngày 12/12/2026 để bảo trì.";
        let late = |text: &str, from: &str, now: &str| {
            notice(text, from, "06:00 12/12/2026").lateness(at(now)).is_some()
        };
        assert!(!late(text, "02/12/2026", "01/12/2026"));
        assert!(late(text, "00:01 02/12/2026", "01/12/2026"));
        assert!(!late(text, "00:01 02/12/2026", "13/12/2026"), "it is over");
        assert!(
            late("Bảo trì trong đêm nay.", "08:00 11/12/2026", "01/12/2026"),
            "it ends on the day of the stop"
        );
        assert!(!late("Mừng năm mới.", "08:00 11/12/2026", "01/12/2026"), "nothing stops");
        let decomposed: String = "Bảo trì."
            .chars()
            .flat_map(|c| match c {
                'ả' => vec!['a', '\u{309}'],
                'ì' => vec!['i', '\u{300}'],
                other => vec![other],
            })
            .collect();
        assert!(late(&decomposed, "08:00 11/12/2026", "01/12/2026"));
    }
}
