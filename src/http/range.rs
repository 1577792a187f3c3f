//! Byte ranges of images (RFC 9110 §14).
//!
//! Pure. An invalid range gets the full image, as §14.2 requires. So does a list of several ranges.

use std::ops::Range;

use hyper::HeaderMap;
use hyper::header::{IF_RANGE, RANGE};

use crate::render::Representation;

/// The requested part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RangeRequest {
    /// The full image: 200.
    Full,
    /// These bytes: 206.
    Partial(Range<u64>),
    /// Beyond the end: 416.
    Unsatisfiable,
}

impl RangeRequest {
    /// Reads `Range` and `If-Range`.
    pub fn from_headers(headers: &HeaderMap, document: &Representation) -> Self {
        let length = document.identity.bytes.len() as u64;
        let mut lines = headers.get_all(RANGE).iter();
        let (Some(line), None) = (lines.next(), lines.next()) else { return Self::Full };
        match line.to_str() {
            Ok(text) if if_range_matches(headers, document) => parse(text, length),
            _ => Self::Full,
        }
    }
}

/// RFC 9110 §13.1.5: the document's strong tag, or its exact last-modified date.
fn if_range_matches(headers: &HeaderMap, document: &Representation) -> bool {
    let mut lines = headers.get_all(IF_RANGE).iter();
    match (lines.next(), lines.next()) {
        (None, _) => true,
        (Some(line), None) => line == document.identity.etag || line == document.last_modified_text,
        (Some(_), Some(_)) => false,
    }
}

fn parse(text: &str, length: u64) -> RangeRequest {
    let spec = text.split_once('=').filter(|(unit, _)| unit.trim().eq_ignore_ascii_case("bytes"));
    let Some((first, last)) = spec.and_then(|(_, spec)| spec.trim().split_once('-')) else {
        return RangeRequest::Full;
    };
    let part = |start: u64, end: u64| {
        if start < end { RangeRequest::Partial(start..end) } else { RangeRequest::Unsatisfiable }
    };
    match (position(first), position(last)) {
        // The last `count` bytes.
        (Some(None), Some(Some(count))) => part(length.saturating_sub(count), length),
        (Some(Some(start)), Some(None)) => part(start, length),
        (Some(Some(start)), Some(Some(last))) if start <= last => {
            part(start, length.min(last.saturating_add(1)))
        }
        _ => RangeRequest::Full,
    }
}

/// `Some(None)` if the text is empty, `None` if it is not a number. A number that overflows counts as the
/// maximum.
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
    fn each_kind_of_range_is_parsed() {
        for (text, expected) in [
            ("bytes=0-99", RangeRequest::Partial(0..100)),
            ("bytes=0-0", RangeRequest::Partial(0..1)),
            ("bytes=900-", RangeRequest::Partial(900..1000)),
            ("bytes=-100", RangeRequest::Partial(900..1000)),
            ("bytes=-5000", RangeRequest::Partial(0..1000)),
            ("bytes=990-99999999999999999999999", RangeRequest::Partial(990..1000)),
            ("Bytes = 1 - 2 ", RangeRequest::Partial(1..3)),
            ("bytes=1000-", RangeRequest::Unsatisfiable),
            ("bytes=5000-6000", RangeRequest::Unsatisfiable),
            ("bytes=-0", RangeRequest::Unsatisfiable),
            ("bytes=5-4", RangeRequest::Full),
            ("bytes=-", RangeRequest::Full),
            ("bytes=a-b", RangeRequest::Full),
            ("bytes=0-1,5-6", RangeRequest::Full),
            ("items=0-1", RangeRequest::Full),
            ("0-1", RangeRequest::Full),
            ("", RangeRequest::Full),
        ] {
            assert_eq!(parse(text, 1000), expected, "{text}");
        }
        assert_eq!(parse("bytes=0-", 0), RangeRequest::Unsatisfiable);
    }

    proptest! {
        #[test]
        fn a_range_lies_within_the_image(text in "(bytes=)?[0-9 ,=-]{0,12}", length in 0u64..50) {
            if let RangeRequest::Partial(part) = parse(&text, length) {
                prop_assert!(part.start < part.end && part.end <= length);
            }
        }
    }
}
