//! A publication date without a space before or after the title.

use super::{DateReading, ParsedDate, labels_in, read};
use crate::parse::normalise::word_count;
use crate::time::Zone;

/// Splits a line into title and date: `…)01/03/2017 15:02:43`, `… Ngày cập nhật 12/03/2018`, `12/03/2018 09:15Xã …`.
/// A date after a space must have a time or a label, because titles may end with dates. One in brackets counts as
/// well; the caller must check that it is the only date of the page.
pub(in crate::parse) fn read_glued(line: &str, zone: Zone) -> Option<(String, ParsedDate)> {
    labelled(line, zone).or_else(|| behind(line, zone)).or_else(|| before(line, zone))
}

const TRIMMED: &str = "([-–|,•";

fn title_of(text: &str, least: usize) -> Option<String> {
    let title = text.trim_matches(|c: char| c.is_whitespace() || TRIMMED.contains(c));
    (word_count(title) >= least).then(|| title.to_owned())
}

fn labelled(line: &str, zone: Zone) -> Option<(String, ParsedDate)> {
    let lower = line.to_lowercase();
    if lower.len() != line.len() {
        return None;
    }
    let (span, _) = labels_in(&lower).into_iter().next().filter(|(span, _)| span.start > 0)?;
    let title = title_of(line.get(..span.start)?, 4)?;
    let DateReading::Date(found) = read(line.get(span.start..)?, zone) else { return None };
    found.label.is_some().then_some((title, *found))
}

fn behind(line: &str, zone: Zone) -> Option<(String, ParsedDate)> {
    const REACH: usize = 48;
    let mut previous = None;
    let mut seen = line.char_indices().rev().take(REACH).collect::<Vec<_>>();
    seen.reverse();
    for (at, character) in seen {
        let starts = character.is_ascii_digit()
            && previous
                .is_some_and(|previous: char| !previous.is_ascii_digit() && !"/-.:,".contains(previous));
        let bracketed = matches!(previous, Some('(' | '[')) && line.ends_with([')', ']']);
        let glued = previous.is_some_and(|previous| !previous.is_whitespace() && !"([".contains(previous));
        previous = Some(character);
        if !starts {
            continue;
        }
        let (text, tail) = (&line[..at], &line[at..]);
        let tail = if bracketed { tail.trim_end_matches([')', ']']) } else { tail };
        let DateReading::Date(found) = read(tail, zone) else { continue };
        if !found.is_bare() || found.label.is_some() {
            continue;
        }
        // Two words and a space are a label: `Tin phát lúc 15h30 ngày 09/10/2023`.
        let least = if glued { 2 } else { 4 };
        if (glued || bracketed || !found.stamp.date_only)
            && let Some(title) = title_of(text, least)
        {
            return Some((title, *found));
        }
    }
    None
}

/// `12/03/2018 09:15Xã …`, and `12/03/2018 09:15200 hộ …`, where the minute has exactly two digits.
fn before(line: &str, zone: Zone) -> Option<(String, ParsedDate)> {
    if !line.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let colon = line.char_indices().take(24).find(|(_, c)| *c == ':')?.0;
    let end = colon + 3;
    let (stamp, text) = (line.get(..end)?, line.get(end..)?);
    let title = title_of(text, 4)?;
    let DateReading::Date(found) = read(stamp, zone) else { return None };
    (found.is_bare() && !found.stamp.date_only).then_some((title, *found))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{DEFAULT_TIME_ZONE, rfc3339};

    #[test]
    fn a_date_glued_to_a_title_is_separated() {
        for (line, title, instant) in [
            (
                "Lịch công tác (lần 2)01/03/2017 15:02:43",
                "Lịch công tác (lần 2)",
                "2017-03-01T15:02:43+07:00",
            ),
            (
                "12/05/2023 17:39Đăk Tô phát động thi đua",
                "Đăk Tô phát động thi đua",
                "2023-05-12T17:39:00+07:00",
            ),
            (
                "12/05/2023 17:39200 hộ dân có nước sạch",
                "200 hộ dân có nước sạch",
                "2023-05-12T17:39:00+07:00",
            ),
            ("Đăk Tô năm 2023 Ngày cập nhật 12/05/2023", "Đăk Tô năm 2023", "2023-05-12T00:00:00+07:00"),
            (
                "Đăk Tô phát động thi đua 12/05/2023 17:39",
                "Đăk Tô phát động thi đua",
                "2023-05-12T17:39:00+07:00",
            ),
            (
                "Đăk Tô phát động thi đua (12/05/2023 17:39)",
                "Đăk Tô phát động thi đua",
                "2023-05-12T17:39:00+07:00",
            ),
            (
                "Kế hoạch 2020-2025 của huyện17:39 12/05/2023",
                "Kế hoạch 2020-2025 của huyện",
                "2023-05-12T17:39:00+07:00",
            ),
        ] {
            let (cut, found) = read_glued(line, DEFAULT_TIME_ZONE).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(cut, title);
            assert_eq!(rfc3339(found.stamp.instant, DEFAULT_TIME_ZONE), instant, "{line}");
        }
        let (title, found) =
            read_glued("Hội nghị tổng kết của huyện (12/05/2023)", DEFAULT_TIME_ZONE).unwrap();
        assert_eq!((title.as_str(), found.stamp.date_only), ("Hội nghị tổng kết của huyện", true));
        for line in ["Thông báo lịch cắt điện 12/05/2023", "Kế hoạch giai đoạn 2020-2025", "12/05/2023 17:39"]
        {
            assert!(read_glued(line, DEFAULT_TIME_ZONE).is_none(), "{line}");
        }
    }
}
