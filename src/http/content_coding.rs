//! Which coding an answer goes out in: `Accept-Encoding` (RFC 9110 §12.5.3), rule C6.
//!
//! Pure. What cannot be read is passed over, member by member; it never refuses a reader its feed.

use hyper::HeaderMap;
use hyper::header::ACCEPT_ENCODING;

use crate::render::{ContentCoding, Representation};

/// How gladly a request takes each coding. Nothing is refused but by a weight of zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptEncoding {
    brotli: QValue,
    gzip: QValue,
    identity: QValue,
}

/// The codings of one document that a request takes, the one to send first. Empty where nothing fits: 406.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RankedCodings {
    codings: [ContentCoding; 3],
    count: usize,
}

/// A weight in half thousandths, so that there is room for [`Weight::LAST`] below the least that can be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct QValue(u16);

impl QValue {
    const NEVER: Self = Self(0);
    /// Taken, but after everything that was asked for by name.
    const LAST: Self = Self(1);
    const FULL: Self = Self(2000);
}

impl AcceptEncoding {
    /// Reads all `Accept-Encoding` lines as one list. The first word on a coding counts; `x-gzip` is gzip
    /// (RFC 9110 §8.4.1.3).
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let mut lines = headers.get_all(ACCEPT_ENCODING).iter().peekable();
        if lines.peek().is_none() {
            // RFC 9110 §12.5.3 rule 1: without the field every coding will do. Who does not ask for
            // compression may not know what to do with it, so identity is sent; a tag of another coding
            // still counts as something that the reader can hold.
            return Self { brotli: QValue::LAST, gzip: QValue::LAST, identity: QValue::FULL };
        }
        let mut said = ParsedHeader::default();
        for member in lines.flat_map(|line| line.as_bytes().split(|&byte| byte == b',')) {
            said.parse_member(member);
        }
        said.accepted()
    }

    /// The codings that the request takes, by weight; on equal weight the smaller document first, and br
    /// before gzip before identity where even that is equal.
    pub fn ranked(self, document: &Representation) -> RankedCodings {
        let length = |coding| document.body(coding).bytes.len();
        let mut codings = [ContentCoding::Brotli, ContentCoding::Gzip, ContentCoding::Identity];
        codings.sort_by(|&left, &right| {
            self.weight(right).cmp(&self.weight(left)).then_with(|| length(left).cmp(&length(right)))
        });
        let count = codings.iter().filter(|&&coding| self.weight(coding) > QValue::NEVER).count();
        RankedCodings { codings, count }
    }

    /// The coding for something that is not coded yet, and so short that it need not be where `is_short`; none where
    /// nothing fits.
    pub fn coding(self, is_short: bool) -> Option<ContentCoding> {
        let (mut codings, plain) = (
            [ContentCoding::Brotli, ContentCoding::Gzip, ContentCoding::Identity],
            self.identity > QValue::NEVER,
        );
        codings.sort_by_key(|coding| std::cmp::Reverse(self.weight(*coding)));
        match codings[0] {
            _ if is_short && plain => Some(ContentCoding::Identity),
            best => (self.weight(best) > QValue::NEVER).then_some(best),
        }
    }

    fn weight(self, coding: ContentCoding) -> QValue {
        match coding {
            ContentCoding::Brotli => self.brotli,
            ContentCoding::Gzip => self.gzip,
            ContentCoding::Identity => self.identity,
        }
    }
}

impl RankedCodings {
    /// Best first.
    pub fn as_slice(&self) -> &[ContentCoding] {
        &self.codings[..self.count]
    }
}

/// What was said by name, before the rules fill in the rest.
#[derive(Default)]
struct ParsedHeader {
    brotli: Option<QValue>,
    gzip: Option<QValue>,
    identity: Option<QValue>,
    any: Option<QValue>,
}

impl ParsedHeader {
    fn parse_member(&mut self, member: &[u8]) {
        let mut parts = member.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
        let place = match parts.next().unwrap_or_default() {
            name if name.eq_ignore_ascii_case(b"br") => &mut self.brotli,
            name if name.eq_ignore_ascii_case(b"gzip") => &mut self.gzip,
            name if name.eq_ignore_ascii_case(b"x-gzip") => &mut self.gzip,
            name if name.eq_ignore_ascii_case(b"identity") => &mut self.identity,
            b"*" => &mut self.any,
            _ => return,
        };
        let weight = match parts.find_map(quality_value) {
            Some(value) => parse_weight(value),
            None => Some(QValue::FULL),
        };
        if let (None, Some(weight)) = (*place, weight) {
            *place = Some(weight);
        }
    }

    fn accepted(self) -> AcceptEncoding {
        let or_any = |named: Option<QValue>, otherwise| named.or(self.any).unwrap_or(otherwise);
        AcceptEncoding {
            brotli: or_any(self.brotli, QValue::NEVER),
            gzip: or_any(self.gzip, QValue::NEVER),
            // RFC 9110 §12.5.3 rule 2: refused only by `identity;q=0`, or by `*;q=0` where it is not named.
            identity: or_any(self.identity, QValue::LAST),
        }
    }
}

/// True of a parameter `q=0`, in whichever list of weights.
pub(super) fn is_q_zero(parameter: &[u8]) -> bool {
    quality_value(parameter).and_then(parse_weight) == Some(QValue::NEVER)
}

/// The value of a parameter `q=…`.
fn quality_value(parameter: &[u8]) -> Option<&[u8]> {
    let at = parameter.iter().position(|&byte| byte == b'=')?;
    let (name, value) = (&parameter[..at], &parameter[at + 1..]);
    name.trim_ascii_end().eq_ignore_ascii_case(b"q").then(|| value.trim_ascii_start())
}

/// RFC 9110 §12.4.2: `0` or `1` with up to three decimals, at most one.
fn parse_weight(value: &[u8]) -> Option<QValue> {
    let (whole, decimals) = match value {
        [whole] => (whole, &[][..]),
        [whole, b'.', decimals @ ..] if decimals.len() <= 3 => (whole, decimals),
        _ => return None,
    };
    let whole = match whole {
        b'0' => 0,
        b'1' => 1000,
        _ => return None,
    };
    let mut thousandths = whole;
    let mut place = 100;
    for digit in decimals {
        if !digit.is_ascii_digit() {
            return None;
        }
        thousandths += u16::from(digit - b'0') * place;
        place /= 10;
    }
    (thousandths <= 1000).then_some(QValue(thousandths * 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::LogVersion;
    use crate::time::from_unix;
    use hyper::header::HeaderValue;
    use proptest::prelude::*;

    fn document(text: String) -> Representation {
        let version = LogVersion { log: "thu".to_owned(), number: 1 };
        Representation::encode(
            "application/rss+xml; charset=utf-8",
            text.into_bytes(),
            &version,
            from_unix(0),
        )
    }

    /// Long enough that br is smaller than gzip, and gzip than the text.
    fn feed() -> Representation {
        document("Huyện Đăk Tô phát động phong trào thi đua. ".repeat(50))
    }

    fn headers(lines: &[&[u8]]) -> HeaderMap {
        lines.iter().map(|line| (ACCEPT_ENCODING, HeaderValue::from_bytes(line).unwrap())).collect()
    }

    fn chosen(lines: &[&str], document: &Representation) -> String {
        let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
        let choices = AcceptEncoding::from_headers(&headers(&lines)).ranked(document);
        choices.as_slice().iter().map(|coding| coding.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn codings_are_chosen_by_weight_and_identity_stays_possible_unless_refused() {
        let feed = feed();
        let rules: &[(&[&str], &str)] = &[
            (&[], "identity br gzip"),
            (&[""], "identity"),
            (&["gzip"], "gzip identity"),
            (&["br"], "br identity"),
            (&["gzip, deflate, br, zstd"], "br gzip identity"),
            (&["GZip"], "gzip identity"),
            (&["x-gzip"], "gzip identity"),
            (&["gzip;q=1.0, br;q=0.9"], "gzip br identity"),
            (&["gzip;q=0.5, br ; Q=0.501"], "br gzip identity"),
            (&["identity"], "identity"),
            (&["identity, gzip;q=0.5"], "identity gzip"),
            (&["gzip;q=0.001"], "gzip identity"),
            (&["gzip;q=0"], "identity"),
            (&["gzip;q=0.000, *"], "br identity"),
            (&["*"], "br gzip identity"),
            (&["*;q=0.5, gzip"], "gzip br identity"),
            (&["gzip, *;q=0"], "gzip"),
            (&["identity;q=0"], ""),
            (&["identity;q=0, gzip"], "gzip"),
            (&["*;q=0"], ""),
            (&["*;q=0, identity;q=0.1"], "identity"),
            (&["deflate, zstd"], "identity"),
            // Several lines are one list.
            (&["gzip;q=0.3", "br;q=0.2"], "gzip br identity"),
            // The first word on a coding counts.
            (&["gzip;q=0", "gzip"], "identity"),
        ];
        for (lines, expected) in rules {
            assert_eq!(chosen(lines, &feed), *expected, "{lines:?}");
        }
    }

    #[test]
    fn a_member_that_cannot_be_read_is_passed_over_and_the_others_count() {
        let feed = feed();
        for nonsense in [
            "br;q=2",
            "br;q=1.001",
            "br;q=0.1234",
            "br;q=-1",
            "br;q=",
            "br;q=abc",
            "br;q=.5",
            ";q=1",
            "b r",
            "=",
            ",,",
            "\u{1f600}",
            "identity;q=x",
        ] {
            let line = format!("{nonsense}, gzip");
            let got = chosen(&[&line], &feed);
            assert!(got == "gzip identity", "{nonsense}: {got}");
        }
    }

    #[test]
    fn what_is_short_goes_out_as_it_is_unless_that_is_refused() {
        for (line, long, short) in [
            ("gzip, br", "br", "identity"),
            ("gzip, br;q=0.9", "gzip", "identity"),
            ("gzip", "gzip", "identity"),
            ("identity, gzip;q=0.5", "identity", "identity"),
            ("gzip;q=0", "identity", "identity"),
            ("gzip, identity;q=0", "gzip", "gzip"),
            ("*;q=0", "", ""),
        ] {
            let accepted = AcceptEncoding::from_headers(&headers(&[line.as_bytes()]));
            let chosen = [false, true].map(|short| accepted.coding(short).map_or("", ContentCoding::as_str));
            assert_eq!(chosen, [long, short], "{line}");
        }
        assert_eq!(
            AcceptEncoding::from_headers(&HeaderMap::new()).coding(false),
            Some(ContentCoding::Identity)
        );
    }

    #[test]
    fn on_equal_weight_the_smaller_goes_out() {
        let mut short = document("Đăk Tô".to_owned());
        assert!(short.identity.bytes.len() < short.brotli.bytes.len());
        assert_eq!(chosen(&["gzip, br, identity"], &short), "identity br gzip");
        assert_eq!(chosen(&["gzip, br"], &short), "br gzip identity");
        std::mem::swap(&mut short.gzip, &mut short.brotli);
        assert_eq!(chosen(&["br, gzip"], &short), "gzip br identity");
    }

    proptest! {
        #[test]
        fn any_header_leads_to_a_choice_without_repetition(
            lines in proptest::collection::vec(proptest::collection::vec(32_u8..=255, 0..60), 0..4)
        ) {
            let lines: Vec<Vec<u8>> =
                lines.into_iter().map(|line| line.into_iter().filter(|&byte| byte != 127).collect()).collect();
            let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
            let choices = AcceptEncoding::from_headers(&headers(&lines)).ranked(&feed());
            for (index, coding) in choices.as_slice().iter().enumerate() {
                prop_assert!(!choices.as_slice()[..index].contains(coding));
            }
        }

        #[test]
        fn a_weight_reads_as_its_number(thousandths in 0_u16..=1000) {
            let text = format!("{:.3}", f64::from(thousandths) / 1000.0);
            prop_assert_eq!(parse_weight(text.as_bytes()), Some(QValue(thousandths * 2)));
        }
    }
}
