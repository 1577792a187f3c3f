//! Which publication date an item gets. Pure: what the page of the article says is an argument.

use chrono::{NaiveDateTime, Timelike as _};

use crate::parse::{DateDoubt, FeedDate, Repair, Repairs, SourceItem, read_feed_date};
use crate::time::{LocalTime, PublishedAt, Timestamp, Zone, resolve_local};

/// Items from which on a pattern of all dates of a feed is no chance: one in 60³.
const CERTAIN: usize = 3;

/// What is known of the dates of a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DateHabits {
    /// All dates so far had the month in place of the minutes.
    pub(super) month_as_minutes: bool,
    /// Dates were local time that is called GMT.
    pub(super) local_as_gmt: bool,
    /// Nobody has compared a date in GMT with a page yet.
    pub(super) is_gmt_unproven: bool,
}

/// What a page shows of the dates of a source that are called GMT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CalledGmt {
    /// They are in GMT.
    Gmt,
    /// They are in local time.
    Local,
}

/// What the dates of a whole feed show: `gmdate('D, j M Y H:m:s')` prints the month as minutes. Returns whether that is
/// suspected of this document, and whether it is certain.
pub(super) fn month_pattern(items: &[SourceItem], zone: Zone) -> (bool, bool) {
    let dates = items.iter().filter_map(|item| {
        read_feed_date(item.date.as_deref()?, zone, &mut Repairs::new())
            .ok()
            .filter(|date| !date.published.date_only)
    });
    let mut distinct: Vec<NaiveDateTime> = Vec::new();
    let mut all = true;
    for date in dates {
        all &= date.has_month_as_minutes();
        if !distinct.contains(&date.digits) {
            distinct.push(date.digits);
        }
    }
    let suspected = all && !distinct.is_empty();
    (suspected, suspected && distinct.len() >= CERTAIN)
}

/// A date, or what must be asked first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Verdict {
    /// The date.
    Date(PublishedAt),
    /// Only the page of the article can decide.
    AskPage(Question),
}

/// What the page of the article decides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Question {
    /// The feed has no readable date.
    Any(DateDoubt),
    /// Day and hour of the feed are right, its minutes are not.
    Minutes(FeedDate),
    /// The digits are in GMT or in local time.
    Zone(FeedDate),
    /// The same of a source that gives no reason to doubt it. Without an answer it is in GMT.
    FirstZone(FeedDate),
}

impl Question {
    /// Why the date is in doubt without an answer.
    pub(super) fn doubt(self) -> DateDoubt {
        match self {
            Self::Any(doubt) => doubt,
            Self::Minutes(_) => DateDoubt::MonthAsMinutes,
            Self::Zone(_) | Self::FirstZone(_) => DateDoubt::LocalAsGmt,
        }
    }
}

/// Judges the date of an item as written.
pub(super) fn judge(
    written: Option<&str>,
    habits: DateHabits,
    zone: Zone,
    now: Timestamp,
    repairs: &mut Repairs,
) -> Result<Verdict, DateDoubt> {
    let date = match read_feed_date(written.unwrap_or_default(), zone, repairs) {
        Ok(date) => date,
        Err(doubt) => return Ok(Verdict::AskPage(Question::Any(doubt))),
    };
    let is_ahead = date.is_in_the_future(now);
    if habits.month_as_minutes && date.has_month_as_minutes() {
        return Ok(Verdict::AskPage(Question::Minutes(date)));
    }
    if date.is_gmt && (is_ahead || habits.local_as_gmt) {
        return Ok(Verdict::AskPage(Question::Zone(date)));
    }
    if is_ahead {
        return Err(DateDoubt::Future);
    }
    if date.is_gmt && habits.is_gmt_unproven {
        return Ok(Verdict::AskPage(Question::FirstZone(date)));
    }
    Ok(Verdict::Date(date.published))
}

/// The date according to the page, which prints `page`; and what that shows of dates called GMT.
pub(super) fn answer(
    question: Question,
    page: Option<PublishedAt>,
    zone: Zone,
    now: Timestamp,
    repairs: &mut Repairs,
) -> Result<(PublishedAt, Option<CalledGmt>), DateDoubt> {
    let page = page.filter(|page| page.instant <= now);
    let answer = match question {
        Question::Any(doubt) => (page.ok_or(doubt)?, None),
        Question::Minutes(date) => {
            let page = page.filter(|page| is_same_hour(date, *page, zone));
            (page.ok_or(DateDoubt::MonthAsMinutes)?, None)
        }
        Question::Zone(date) => {
            let shown = page.and_then(|page| zone_shown(date, page, zone));
            shown.ok_or(DateDoubt::LocalAsGmt)?
        }
        Question::FirstZone(date) => match page.and_then(|page| zone_shown(date, page, zone)) {
            Some(local @ (_, Some(CalledGmt::Local))) => local,
            // The date of the feed was right, or nobody says otherwise: nothing is repaired.
            shown => return Ok((date.published, shown.and_then(|(_, called)| called))),
        },
    };
    *repairs.entry(Repair::DateFromPage).or_default() += 1;
    Ok(answer)
}

fn local(date: PublishedAt, zone: Zone) -> NaiveDateTime {
    date.instant.with_timezone(&zone).naive_local()
}

/// Whether a page prints the day and the hour of a feed, whose zone may be wrong as well.
fn is_same_hour(date: FeedDate, page: PublishedAt, zone: Zone) -> bool {
    let printed = local(page, zone);
    [local(date.published, zone), date.digits].iter().any(|candidate| {
        candidate.date() == printed.date() && (page.date_only || candidate.hour() == printed.hour())
    })
}

/// The date whose digits the page prints, if it prints those of one zone only.
fn zone_shown(date: FeedDate, page: PublishedAt, zone: Zone) -> Option<(PublishedAt, Option<CalledGmt>)> {
    let printed = local(page, zone);
    let fits = |candidate: NaiveDateTime| match page.date_only {
        true => candidate.date() == printed.date(),
        false => candidate.with_second(0) == printed.with_second(0),
    };
    let as_local = match resolve_local(date.digits, zone) {
        LocalTime::Unique(instant) | LocalTime::Ambiguous(instant) => PublishedAt::exact(instant),
        LocalTime::Nonexistent => return None,
    };
    match (fits(local(date.published, zone)), fits(date.digits)) {
        (true, false) => Some((date.published, Some(CalledGmt::Gmt))),
        (false, true) => Some((as_local, Some(CalledGmt::Local))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{DEFAULT_TIME_ZONE as ZONE, rfc3339};

    fn at(text: &str) -> Timestamp {
        chrono::DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    fn page(text: &str) -> Option<PublishedAt> {
        Some(PublishedAt::exact(at(text)))
    }

    fn decided(written: &str, habits: DateHabits, page: Option<PublishedAt>) -> Result<String, DateDoubt> {
        let now = at("2023-05-20T12:00:00+07:00");
        let date = match judge(Some(written), habits, ZONE, now, &mut Repairs::new())? {
            Verdict::Date(date) => date,
            Verdict::AskPage(question) => answer(question, page, ZONE, now, &mut Repairs::new())?.0,
        };
        Ok(rfc3339(date.instant, ZONE))
    }

    #[test]
    fn the_month_in_place_of_the_minutes_is_replaced_by_what_the_page_prints() {
        let broken = DateHabits { month_as_minutes: true, ..DateHabits::default() };
        let right = page("2023-05-12T17:39:00+07:00");
        for written in [
            "Fri, 12 May 2023 17:05:41 +0700",
            "Fri, 12 May 2023 10:05:41 GMT",
            "Fri, 12 May 2023 17:05:41 GMT",
        ] {
            assert_eq!(
                decided(written, broken, right).as_deref(),
                Ok("2023-05-12T17:39:00+07:00"),
                "{written}"
            );
        }
        let written = "Fri, 12 May 2023 17:05:41 +0700";
        for wrong in [None, page("2023-05-13T17:39:00+07:00"), page("2023-05-12T08:39:00+07:00")] {
            assert_eq!(decided(written, broken, wrong), Err(DateDoubt::MonthAsMinutes));
        }
        // Once the system is repaired, its dates count again.
        assert_eq!(
            decided("Fri, 12 May 2023 17:39:41 +0700", broken, None).as_deref(),
            Ok("2023-05-12T17:39:41+07:00")
        );
        assert_eq!(decided(written, DateHabits::default(), None).as_deref(), Ok("2023-05-12T17:05:41+07:00"));
    }

    #[test]
    fn the_pattern_is_seen_in_the_whole_feed() {
        let items = |dates: &[&str]| -> Vec<SourceItem> {
            dates
                .iter()
                .map(|date| SourceItem { date: Some((*date).to_owned()), ..SourceItem::default() })
                .collect()
        };
        let (a, b, c) =
            ("Fri, 12 May 2023 17:05:41 GMT", "Sat, 1 Apr 2023 07:04:00 GMT", "Sun, 3 Dec 2023 07:12:09 GMT");
        assert_eq!(month_pattern(&items(&[a, b, c]), ZONE), (true, true));
        assert_eq!(month_pattern(&items(&[a, b]), ZONE), (true, false));
        assert_eq!(month_pattern(&items(&[a, a, a]), ZONE), (true, false));
        assert_eq!(month_pattern(&items(&[a, b, "Sun, 3 Dec 2023 07:40:09 GMT"]), ZONE), (false, false));
        assert_eq!(month_pattern(&items(&["2023-05-12"]), ZONE), (false, false));
        assert_eq!(month_pattern(&[], ZONE), (false, false));
    }

    #[test]
    fn local_time_called_gmt_is_decided_by_the_page() {
        // Published at 11:00 local time; the feed says 11:00 GMT, six hours ahead of now.
        let written = "Sat, 20 May 2023 11:00:00 GMT";
        let local = page("2023-05-20T11:00:00+07:00");
        assert_eq!(
            decided(written, DateHabits::default(), local).as_deref(),
            Ok("2023-05-20T11:00:00+07:00")
        );
        assert_eq!(decided(written, DateHabits::default(), None), Err(DateDoubt::LocalAsGmt));
        let known = DateHabits { local_as_gmt: true, ..DateHabits::default() };
        let earlier = "Fri, 12 May 2023 17:39:00 GMT";
        assert_eq!(
            decided(earlier, known, page("2023-05-12T17:39:00+07:00")).as_deref(),
            Ok("2023-05-12T17:39:00+07:00")
        );
        assert_eq!(
            decided(earlier, known, page("2023-05-13T00:39:00+07:00")).as_deref(),
            Ok("2023-05-13T00:39:00+07:00")
        );
        assert_eq!(decided(earlier, known, None), Err(DateDoubt::LocalAsGmt));
    }

    #[test]
    fn the_first_date_in_gmt_of_a_source_is_compared_with_its_page() {
        let unproven = DateHabits { is_gmt_unproven: true, ..DateHabits::default() };
        let written = "Fri, 12 May 2023 17:39:00 GMT";
        let (as_local, as_gmt) = ("2023-05-12T17:39:00+07:00", "2023-05-13T00:39:00+07:00");
        assert_eq!(decided(written, unproven, page(as_local)).as_deref(), Ok(as_local));
        // A page that agrees, none, or one that prints something else gives no reason to doubt the feed.
        for page in [page(as_gmt), None, page("2023-05-01T08:00:00+07:00")] {
            assert_eq!(decided(written, unproven, page).as_deref(), Ok(as_gmt));
        }
        // A page without a time of day decides only if the days differ.
        let day = |day: &str| {
            page(&format!("{day}T00:00:00+07:00")).map(|date| PublishedAt { date_only: true, ..date })
        };
        assert_eq!(decided(written, unproven, day("2023-05-12")).as_deref(), Ok(as_local));
        let morning = "Fri, 12 May 2023 08:00:00 GMT";
        assert_eq!(decided(morning, unproven, day("2023-05-12")).as_deref(), Ok("2023-05-12T15:00:00+07:00"));
    }

    #[test]
    fn a_missing_date_is_that_of_the_page_and_never_that_of_the_poll() {
        assert_eq!(
            decided("", DateHabits::default(), page("2023-05-12T17:39:00+07:00")).as_deref(),
            Ok("2023-05-12T17:39:00+07:00")
        );
        assert_eq!(decided("", DateHabits::default(), None), Err(DateDoubt::Missing));
        assert_eq!(
            decided("hôm qua", DateHabits::default(), page("2033-05-12T17:39:00+07:00")),
            Err(DateDoubt::Unreadable)
        );
        assert_eq!(
            decided(
                "Sat, 20 May 2033 11:00:00 +0700",
                DateHabits::default(),
                page("2023-05-12T17:39:00+07:00")
            ),
            Err(DateDoubt::Future)
        );
    }
}
