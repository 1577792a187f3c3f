//! Query parameters, parsed strictly: a typo is an error and not a different query.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone as _, Utc};

use super::problem::Problem;
use crate::message::Message;
use crate::model::Slug;
use crate::time::{Timestamp, Zone};
use crate::urls::SiteUrls;

/// The parsed query string.
pub struct QueryParams(Vec<(String, String)>);

/// Which end of a time range a parameter names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeEnd {
    /// A day means its first second.
    Start,
    /// A day means its last second.
    End,
}

impl QueryParams {
    /// Parses a query string. Only `known` parameters are allowed, each at most once.
    pub fn parse(query: Option<&str>, known: &[&str]) -> Result<Self, Problem> {
        let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let mut read: Vec<(String, String)> = Vec::new();
        for (name, value) in pairs.into_owned() {
            if !known.contains(&name.as_str()) {
                let known = known.join(", ");
                let message = Message::new(
                    format!("không có tham số này; các tham số là: {known}"),
                    format!("unknown parameter; known ones are: {known}"),
                );
                return Err(Problem::parameter(&name, &message));
            }
            if read.iter().any(|(other, _)| *other == name) {
                let message = Message::new("tham số được ghi hai lần", "it is given twice");
                return Err(Problem::parameter(&name, &message));
            }
            read.push((name, value));
        }
        Ok(Self(read))
    }

    /// The value of a parameter, unchanged.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// A number in decimal digits of at least `lowest`; one that overflows counts as the maximum.
    pub fn number(&self, name: &str, lowest: u64) -> Result<Option<u64>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = if digits { Some(text.parse().unwrap_or(u64::MAX)) } else { None };
        match number.filter(|number| *number >= lowest) {
            Some(number) => Ok(Some(number)),
            None => Err(Problem::parameter(
                name,
                &Message::new(
                    format!("phải là số nguyên từ {lowest} trở lên"),
                    format!("it must be a whole number, {lowest} or more"),
                ),
            )),
        }
    }

    /// The current slug of a channel, which need not exist.
    pub fn channel(&self, urls: &SiteUrls) -> Result<Option<Slug>, Problem> {
        let Some(text) = self.text("channel") else { return Ok(None) };
        match Slug::parse(text) {
            Ok(slug) => Ok(Some(urls.current_slug(slug))),
            Err(_) => Err(Problem::parameter(
                "channel",
                &Message::new(
                    "phải là tên chuyên mục như trong địa chỉ, ví dụ xa-hoi",
                    "it must be a channel's name as in urls, like xa-hoi",
                ),
            )),
        }
    }

    /// A day (`2023-05-12`) or a time (`2023-05-12T17:39`, optionally with seconds and an offset). `zone`
    /// applies to days, and to times without an offset.
    pub fn timestamp(&self, name: &str, end: RangeEnd, zone: Zone) -> Result<Option<Timestamp>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        match parse_timestamp(text, end, zone) {
            Some(moment) => Ok(Some(moment)),
            None => Err(Problem::parameter(
                name,
                &Message::new(
                    "phải là ngày như 2023-05-12, hoặc thời điểm như 2023-05-12T17:39:00+07:00",
                    "it must be a day like 2023-05-12, or a time like 2023-05-12T17:39:00+07:00",
                ),
            )),
        }
    }
}

fn parse_timestamp(text: &str, end: RangeEnd, zone: Zone) -> Option<Timestamp> {
    let local = |moment: NaiveDateTime| {
        zone.from_local_datetime(&moment).earliest().map(|moment| moment.with_timezone(&Utc))
    };
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if let (10, Ok(day)) = (text.len(), NaiveDate::parse_from_str(text, "%Y-%m-%d")) {
        return match end {
            RangeEnd::Start => local(day.and_time(NaiveTime::MIN)),
            RangeEnd::End => {
                let next = local(day.checked_add_days(Days::new(1))?.and_time(NaiveTime::MIN))?;
                Some(next - TimeDelta::seconds(1))
            }
        };
    }
    // A plus sign that was not percent-encoded arrives as a space.
    let text = text.replace(' ', "+");
    if let Ok(moment) = DateTime::parse_from_rfc3339(&text) {
        return Some(moment.with_timezone(&Utc));
    }
    let forms = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"];
    forms.iter().find_map(|form| NaiveDateTime::parse_from_str(&text, form).ok()).and_then(local)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{DEFAULT_TIME_ZONE, rfc3339};
    use proptest::prelude::*;

    #[test]
    fn days_and_times_use_the_time_zone_of_the_site() {
        let day = "2023-05-12";
        for (text, end, expected) in [
            (day, RangeEnd::Start, "2023-05-12T00:00:00+07:00"),
            (day, RangeEnd::End, "2023-05-12T23:59:59+07:00"),
            ("2023-05-12T17:39", RangeEnd::Start, "2023-05-12T17:39:00+07:00"),
            ("2023-05-12T17:39:05", RangeEnd::End, "2023-05-12T17:39:05+07:00"),
            ("2023-05-12T17:39:00+07:00", RangeEnd::End, "2023-05-12T17:39:00+07:00"),
            ("2023-05-12T17:39:00 07:00", RangeEnd::End, "2023-05-12T17:39:00+07:00"),
            ("2023-05-12T10:39:00Z", RangeEnd::Start, "2023-05-12T17:39:00+07:00"),
        ] {
            assert_eq!(
                rfc3339(parse_timestamp(text, end, DEFAULT_TIME_ZONE).unwrap(), DEFAULT_TIME_ZONE),
                expected,
                "{text}"
            );
        }
        for wrong in
            ["", "12/05/2023", "2023-5-12", "2023-02-30", "2023", "now", "-1", "+2023-05-12", "2023-05-12T"]
        {
            assert_eq!(parse_timestamp(wrong, RangeEnd::Start, DEFAULT_TIME_ZONE), None, "{wrong}");
        }
    }

    #[test]
    fn an_overflowing_number_is_the_maximum() {
        let read = |query: &str| QueryParams::parse(Some(query), &["after"]).unwrap().number("after", 1).ok();
        assert_eq!(read("after=7"), Some(Some(7)));
        assert_eq!(read("after=99999999999999999999999"), Some(Some(u64::MAX)));
        assert_eq!(read(""), Some(None));
        for wrong in ["after=", "after=0", "after=-1", "after=%2B1", "after=1.0", "after=1e3", "after=٣"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn unknown_and_repeated_parameters_are_errors() {
        assert!(QueryParams::parse(Some("afetr=1"), &["after"]).is_err());
        assert!(QueryParams::parse(Some("after=1&after=1"), &["after"]).is_err());
        assert!(QueryParams::parse(Some("&&"), &["after"]).is_ok());
    }

    proptest! {
        #[test]
        fn any_query_string_is_accepted_or_rejected(query in any::<String>()) {
            if let Ok(parameters) = QueryParams::parse(Some(&query), &["a", ""]) {
                let _ = (parameters.number("a", 0), parameters.timestamp("", RangeEnd::End, DEFAULT_TIME_ZONE));
            }
        }

        #[test]
        fn any_text_is_a_time_or_none(text in "[0-9]{0,6}[-+ T:0-9Z.]{0,24}") {
            parse_timestamp(&text, RangeEnd::End, DEFAULT_TIME_ZONE);
        }
    }
}
