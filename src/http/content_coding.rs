//! Content coding of a response: `Accept-Encoding` (RFC 9110 §12.5.3), feed rule C6.
//!
//! Pure. Invalid members are ignored; they never cause an error.

use hyper::HeaderMap;
use hyper::header::ACCEPT_ENCODING;

use super::coding::MIN_COMPRESSED_BYTES;
use super::header_lines::lines;
use super::qvalue::{self, QValue};
use crate::render::{ContentCoding, Representation};

/// The weight of each coding. Only a weight of zero rejects it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptEncoding {
    brotli: QValue,
    gzip: QValue,
    identity: QValue,
}

/// The codings of one document that the request accepts, best first. Empty if none: 406.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RankedCodings {
    codings: [ContentCoding; 3],
    count: usize,
}

impl AcceptEncoding {
    /// Parses all `Accept-Encoding` lines as one list. The first member for a coding counts; `x-gzip` means
    /// gzip (RFC 9110 §8.4.1.3).
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let mut lines = lines(headers, ACCEPT_ENCODING).peekable();
        if lines.peek().is_none() {
            // RFC 9110 §12.5.3 rule 1: without the header, every coding is acceptable. Such a client may not
            // be able to decompress, so identity is sent; the tag of another coding still counts in
            // preconditions.
            return Self { brotli: QValue::LAST_RESORT, gzip: QValue::LAST_RESORT, identity: QValue::ONE };
        }
        let mut parsed = ParsedHeader::default();
        for member in lines.flat_map(|line| line.as_bytes().split(|&byte| byte == b',')) {
            parsed.parse_member(member);
        }
        parsed.accepted()
    }

    /// The accepted codings by weight. For equal weights: br, gzip, identity; for a short document identity, br,
    /// gzip, because compression hardly makes it shorter. Compresses nothing.
    pub fn ranked(self, document: &Representation) -> RankedCodings {
        let mut codings = [ContentCoding::Brotli, ContentCoding::Gzip, ContentCoding::Identity];
        if document.identity.bytes.len() < MIN_COMPRESSED_BYTES {
            codings.rotate_right(1);
        }
        codings.sort_by_key(|coding| std::cmp::Reverse(self.weight(*coding)));
        let count = codings.iter().filter(|&&coding| self.weight(coding) > QValue::ZERO).count();
        RankedCodings { codings, count }
    }

    /// The coding for a body that is not encoded yet; a short one is sent as identity if possible. None if
    /// nothing is acceptable.
    pub fn coding(self, is_short: bool) -> Option<ContentCoding> {
        let (mut codings, plain) = (
            [ContentCoding::Brotli, ContentCoding::Gzip, ContentCoding::Identity],
            self.identity > QValue::ZERO,
        );
        codings.sort_by_key(|coding| std::cmp::Reverse(self.weight(*coding)));
        match codings[0] {
            _ if is_short && plain => Some(ContentCoding::Identity),
            best => (self.weight(best) > QValue::ZERO).then_some(best),
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

/// The weights given by name, before the defaults are filled in.
#[derive(Default)]
struct ParsedHeader {
    brotli: Option<QValue>,
    gzip: Option<QValue>,
    identity: Option<QValue>,
    any: Option<QValue>,
}

impl ParsedHeader {
    fn parse_member(&mut self, member: &[u8]) {
        let (name, weight) = qvalue::member(member);
        let slot = match name {
            name if name.eq_ignore_ascii_case(b"br") => &mut self.brotli,
            name if name.eq_ignore_ascii_case(b"gzip") => &mut self.gzip,
            name if name.eq_ignore_ascii_case(b"x-gzip") => &mut self.gzip,
            name if name.eq_ignore_ascii_case(b"identity") => &mut self.identity,
            b"*" => &mut self.any,
            _ => return,
        };
        if let (None, Some(weight)) = (*slot, weight) {
            *slot = Some(weight);
        }
    }

    fn accepted(self) -> AcceptEncoding {
        let or_any = |named: Option<QValue>, otherwise| named.or(self.any).unwrap_or(otherwise);
        AcceptEncoding {
            brotli: or_any(self.brotli, QValue::ZERO),
            gzip: or_any(self.gzip, QValue::ZERO),
            // RFC 9110 §12.5.3 rule 2: identity is rejected only by `identity;q=0`, or by `*;q=0` if it is
            // not named.
            identity: or_any(self.identity, QValue::LAST_RESORT),
        }
    }
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
        Representation::new("application/rss+xml; charset=utf-8", text.into_bytes(), &version, from_unix(0))
    }

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
    fn codings_are_ranked_by_weight_and_identity_is_last_unless_rejected() {
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
            // The first member for a coding counts.
            (&["gzip;q=0", "gzip"], "identity"),
        ];
        for (lines, expected) in rules {
            assert_eq!(chosen(lines, &feed), *expected, "{lines:?}");
        }
    }

    #[test]
    fn an_invalid_member_is_ignored() {
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
    fn a_short_body_is_not_compressed_unless_identity_is_rejected() {
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
    fn for_equal_weights_a_short_document_is_not_compressed() {
        let short = document("Đăk Tô".to_owned());
        assert_eq!(chosen(&["gzip, br, identity"], &short), "identity br gzip");
        assert_eq!(chosen(&["gzip, br"], &short), "br gzip identity");
        assert_eq!(chosen(&["gzip, br, identity"], &feed()), "br gzip identity");
    }

    proptest! {
        #[test]
        fn any_header_gives_each_coding_at_most_once(
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
    }
}
