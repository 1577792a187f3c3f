//! The publication dates of articles in an export of WordPress. Pure.

use std::collections::BTreeSet;

use chrono::{NaiveDateTime, TimeDelta};

use crate::parse::{DateDoubt, WordPressItem, check_age};
use crate::time::{LocalTime, PublishedAt, Timestamp, Zone, resolve_local};

/// Zones are at most this far from Greenwich.
const MAX_OFFSET: TimeDelta = TimeDelta::hours(14);
/// All zones are multiples of this.
const QUARTER: i64 = 900;
/// Clocks differ by minutes.
const MAX_AHEAD: TimeDelta = TimeDelta::minutes(10);

/// A date as WordPress writes it; `None` for `0000-00-00 00:00:00`, which means that there is none.
fn written(text: Option<&str>) -> Option<NaiveDateTime> {
    NaiveDateTime::parse_from_str(text?.trim(), "%Y-%m-%d %H:%M:%S").ok()
}

/// The difference between local time and UTC of an item that has both; none if they cannot belong to one moment.
pub(super) fn offset_of(item: &WordPressItem) -> Option<TimeDelta> {
    let (local, utc) = (written(item.local_date.as_deref())?, written(item.utc_date.as_deref())?);
    let offset = local - utc;
    let is_zone = offset.abs() <= MAX_OFFSET && offset.num_seconds() % QUARTER == 0;
    is_zone.then_some(offset)
}

/// The publication date of an item. WordPress computes the UTC date from the local one, and for some articles never did:
/// then the local one counts, in the zone that all other articles of the file show. `offsets` are those zones; without
/// any, `zone` is that of this site.
///
/// # Errors
/// If the date has no certain meaning.
pub(super) fn published(
    item: &WordPressItem,
    offsets: &BTreeSet<TimeDelta>,
    zone: Zone,
    now: Timestamp,
) -> Result<PublishedAt, DateDoubt> {
    let (local, utc) = (written(item.local_date.as_deref()), written(item.utc_date.as_deref()));
    let instant = match (local, utc) {
        (Some(_), Some(utc)) => offset_of(item).map(|_| utc.and_utc()).ok_or(DateDoubt::Unreadable)?,
        (None, Some(utc)) => utc.and_utc(),
        (Some(local), None) => match (offsets.first(), offsets.len()) {
            (Some(offset), 1) => (local - *offset).and_utc(),
            (None, _) => match resolve_local(local, zone) {
                LocalTime::Unique(instant) | LocalTime::Ambiguous(instant) => instant,
                LocalTime::Nonexistent => return Err(DateDoubt::Unreadable),
            },
            (Some(_), _) => return Err(DateDoubt::UnknownZone),
        },
        (None, None) => return Err(DateDoubt::Missing),
    };
    let published = PublishedAt::exact(instant);
    check_age(published, zone)?;
    match instant > now + MAX_AHEAD {
        true => Err(DateDoubt::Future),
        false => Ok(published),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{DEFAULT_TIME_ZONE, rfc3339};

    #[test]
    fn a_date_is_read_in_its_zone_or_refused() {
        let now = chrono::DateTime::parse_from_rfc3339("2023-05-20T12:00:00+07:00").unwrap().to_utc();
        let zero = "0000-00-00 00:00:00";
        let hours =
            |hours: &[i64]| hours.iter().map(|hours| TimeDelta::hours(*hours)).collect::<BTreeSet<_>>();
        let date = |local: &str, utc: &str, offsets: &[i64]| {
            let (local_date, utc_date) = (Some(local.to_owned()), Some(utc.to_owned()));
            let item = WordPressItem { local_date, utc_date, ..WordPressItem::default() };
            published(&item, &hours(offsets), DEFAULT_TIME_ZONE, now)
                .map(|date| rfc3339(date.instant, DEFAULT_TIME_ZONE))
        };
        let at = |text: &str| Ok(text.to_owned());
        let (local, utc) = ("2019-05-02 08:30:10", "2019-05-02 01:30:10");
        assert_eq!(date(local, utc, &[]), at("2019-05-02T08:30:10+07:00"));
        assert_eq!(date(local, local, &[]), at("2019-05-02T15:30:10+07:00"), "a site that runs on UTC");
        assert_eq!(date(local, zero, &[]), at("2019-05-02T08:30:10+07:00"));
        assert_eq!(date(local, zero, &[0]), at("2019-05-02T15:30:10+07:00"));
        assert_eq!(date(local, zero, &[0, 7]), Err(DateDoubt::UnknownZone));
        assert_eq!(date(zero, utc, &[0, 7]), at("2019-05-02T08:30:10+07:00"));
        assert_eq!(date(zero, zero, &[7]), Err(DateDoubt::Missing));
        assert_eq!(date(local, "2019-05-02 01:31:10", &[7]), Err(DateDoubt::Unreadable));
        assert_eq!(date(local, "2018-05-02 01:30:10", &[7]), Err(DateDoubt::Unreadable));
        assert_eq!(date("2023-05-21 08:00:00", "2023-05-21 01:00:00", &[7]), Err(DateDoubt::Future));
        assert_eq!(date("x", "", &[7]), Err(DateDoubt::Missing));
        assert_eq!(date("1970-01-01 07:00:00", "1970-01-01 00:00:00", &[7]), Err(DateDoubt::TooOld));
    }
}
