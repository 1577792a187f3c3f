//! Which part of a picture a request asks for: RFC 9110 §14, in the one unit `bytes`.
//!
//! Pure. What cannot be understood is answered whole, as §14.2 wants it. Of several ranges none is served:
//! whoever asks for them takes the whole picture, too.

use std::ops::Range;

use hyper::HeaderMap;
use hyper::header::{IF_RANGE, RANGE};

use crate::press::Document;

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// All of it: 200.
    Whole,
    /// These bytes: 206.
    Part(Range<u64>),
    /// Bytes that are not there: 416.
    Nothing,
}

impl Asked {
    /// Reads `Range`, and `If-Range` where it stands beside it.
    pub fn of(headers: &HeaderMap, document: &Document) -> Self {
        let length = document.identity.bytes.len() as u64;
        let mut lines = headers.get_all(RANGE).iter();
        let (Some(line), None) = (lines.next(), lines.next()) else { return Self::Whole };
        match line.to_str() {
            Ok(text) if still_the_same(headers, document) => parse(text, length),
            _ => Self::Whole,
        }
    }
}

/// RFC 9110 §13.1.5: a strong tag that is the document's, or the very date of its last change.
fn still_the_same(headers: &HeaderMap, document: &Document) -> bool {
    let mut lines = headers.get_all(IF_RANGE).iter();
    match (lines.next(), lines.next()) {
        (None, _) => true,
        (Some(line), None) => line == document.identity.etag || line == document.last_modified_text,
        (Some(_), Some(_)) => false,
    }
}

fn parse(text: &str, length: u64) -> Asked {
    let spec = text.split_once('=').filter(|(unit, _)| unit.trim().eq_ignore_ascii_case("bytes"));
    let Some((first, last)) = spec.and_then(|(_, spec)| spec.trim().split_once('-')) else {
        return Asked::Whole;
    };
    let part = |start: u64, end: u64| if start < end { Asked::Part(start..end) } else { Asked::Nothing };
    match (position(first), position(last)) {
        // The last so many bytes.
        (Some(None), Some(Some(count))) => part(length.saturating_sub(count), length),
        (Some(Some(start)), Some(None)) => part(start, length),
        (Some(Some(start)), Some(Some(last))) if start <= last => {
            part(start, length.min(last.saturating_add(1)))
        }
        _ => Asked::Whole,
    }
}

/// A number, or nothing where none stands; none at all where something else does. A number that no file is as
/// long as counts as the largest.
fn position(text: &str) -> Option<Option<u64>> {
    let text = text.trim();
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(if text.is_empty() { None } else { Some(text.parse().unwrap_or(u64::MAX)) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_form_of_a_range_has_its_answer() {
        for (text, asked) in [
            ("bytes=0-99", Asked::Part(0..100)),
            ("bytes=0-0", Asked::Part(0..1)),
            ("bytes=900-", Asked::Part(900..1000)),
            ("bytes=-100", Asked::Part(900..1000)),
            ("bytes=-5000", Asked::Part(0..1000)),
            ("bytes=990-99999999999999999999999", Asked::Part(990..1000)),
            ("Bytes = 1 - 2 ", Asked::Part(1..3)),
            ("bytes=1000-", Asked::Nothing),
            ("bytes=5000-6000", Asked::Nothing),
            ("bytes=-0", Asked::Nothing),
            ("bytes=5-4", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("bytes=a-b", Asked::Whole),
            ("bytes=0-1,5-6", Asked::Whole),
            ("items=0-1", Asked::Whole),
            ("0-1", Asked::Whole),
            ("", Asked::Whole),
        ] {
            assert_eq!(parse(text, 1000), asked, "{text}");
        }
        assert_eq!(parse("bytes=0-", 0), Asked::Nothing);
    }

    proptest! {
        #[test]
        fn a_part_lies_within_the_picture(text in "(bytes=)?[0-9 ,=-]{0,12}", length in 0u64..50) {
            if let Asked::Part(part) = parse(&text, length) {
                prop_assert!(part.start < part.end && part.end <= length);
            }
        }
    }
}
