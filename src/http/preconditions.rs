//! The preconditions of RFC 9110 §13 (feed rules C1, C2 and C3): is the client's copy still current?
//!
//! Pure: request headers, a document and the current second in, a [`Decision`] out. An invalid header costs
//! its client a full response and nothing else.
//!
//! **Tags of another coding.** A document has one tag per coding (RFC 9110 §8.8.3.3), and the server may
//! select any coding that the request accepts. A client that holds the gzip bytes and now sends `br, gzip`
//! therefore gets a 304 with the *gzip* tag. The tag matters: a cache finds its stored response by the strong
//! tag of the 304 (RFC 9111 §4.3.4) and could not use the tag of the br bytes. If the request rejects the
//! coding of the tag, the response is 200: a shared cache sends the tags of everything that it stored (RFC
//! 9111 §4.3.1) on behalf of a client that cannot decompress it.

use chrono::TimeDelta;
use hyper::HeaderMap;
use hyper::header::{
    HeaderName, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE,
};

use super::content_coding::RankedCodings;
use super::entity_tag::{EntityTag, EntityTags, document_version};
use crate::render::{ContentCoding, Representation};
use crate::time::Timestamp;

/// The decision about a GET or HEAD, with the selected coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// 200.
    Send(ContentCoding),
    /// 304: the client holds this version.
    NotModified(ContentCoding),
    /// 412.
    PreconditionFailed,
    /// Unknown: this coding of a long document is to be made first, on another thread
    /// ([`Representation::is_slow_to_encode`]).
    Encode(ContentCoding),
}

/// The parsed preconditions of one request.
#[derive(Clone, Debug)]
pub struct Preconditions<'request> {
    if_match: Option<EntityTags<'request>>,
    if_unmodified_since: Option<Timestamp>,
    if_none_match: Option<EntityTags<'request>>,
    if_modified_since: Option<Timestamp>,
}

impl<'request> Preconditions<'request> {
    /// Parses the headers of a GET or HEAD. A date is ignored if there is a list of tags.
    pub fn from_headers(headers: &'request HeaderMap) -> Self {
        // One iteration instead of four lookups, each of which would hash: most requests have few headers.
        let (mut if_match, mut if_none_match) = (None, None);
        let (mut if_unmodified_since, mut if_modified_since) = (None, None);
        for (name, value) in headers {
            match *name {
                IF_MATCH => EntityTags::add(&mut if_match, headers, IF_MATCH, value),
                IF_NONE_MATCH => EntityTags::add(&mut if_none_match, headers, IF_NONE_MATCH, value),
                IF_UNMODIFIED_SINCE => if_unmodified_since = Some(value),
                IF_MODIFIED_SINCE => if_modified_since = Some(value),
                _ => {}
            }
        }
        Self {
            if_unmodified_since: if_unmodified_since
                .filter(|_| if_match.is_none())
                .and_then(|line| date(headers, IF_UNMODIFIED_SINCE, line)),
            if_modified_since: if_modified_since
                .filter(|_| if_none_match.is_none())
                .and_then(|line| date(headers, IF_MODIFIED_SINCE, line)),
            if_match,
            if_none_match,
        }
    }

    /// Evaluates RFC 9110 §13.2.2 step by step. `choices` are the codings that the request accepts.
    ///
    /// None if there is no choice: then the response is 406 whatever the preconditions say (§13.2.1).
    pub fn evaluate(
        &self,
        document: &Representation,
        choices: &RankedCodings,
        now: Timestamp,
    ) -> Option<Decision> {
        let best = *choices.as_slice().first()?;
        let mut selected = best;

        // Step 1: If-Match. Strong comparison (§13.1.1).
        if let Some(tags) = &self.if_match {
            match choices.first_in(tags, document, |tag, etag| tag.strong_eq(etag)) {
                Held::In(coding) => selected = coding,
                Held::Unknown(coding) => return Some(Decision::Encode(coding)),
                Held::No => return Some(Decision::PreconditionFailed),
            }
        }
        // Step 2: If-Unmodified-Since, if there is no If-Match.
        if self.if_unmodified_since.is_some_and(|since| document.last_modified > since) {
            return Some(Decision::PreconditionFailed);
        }
        // Step 3: If-None-Match. Weak comparison (§13.1.2).
        if let Some(tags) = &self.if_none_match {
            match choices.first_in(tags, document, |tag, etag| tag.weak_eq(etag)) {
                Held::In(coding) => return Some(Decision::NotModified(coding)),
                Held::Unknown(coding) => return Some(Decision::Encode(coding)),
                Held::No => {}
            }
        }
        // Step 4: If-Modified-Since, if there is no If-None-Match. During the second of the change, another
        // change may get the same date.
        let settled = document.last_modified + TimeDelta::seconds(1) <= now;
        if settled && self.if_modified_since.is_some_and(|since| document.last_modified <= since) {
            // The answer names the tag of its coding.
            return Some(match document.is_slow_to_encode(best) {
                true => Decision::Encode(best),
                false => Decision::NotModified(best),
            });
        }
        // Step 5, If-Range, is evaluated with the range in `super::range`. Step 6: perform the method.
        Some(match document.is_slow_to_encode(selected) {
            true => Decision::Encode(selected),
            false => Decision::Send(selected),
        })
    }
}

/// The tag of the client's copy of this feed if it is of the same log and has a higher number: another
/// replica, which had heard of a change earlier, has sent it, or the channel was merged from others in
/// between.
///
/// Only for feeds, whose number is that of their channel's log; the number of a page may refer to something
/// else.
pub fn client_newer_tag(headers: &HeaderMap, document: &Representation) -> Option<HeaderValue> {
    if !document.media_type.as_bytes().starts_with(b"application/") {
        return None;
    }
    let held = EntityTags::from_headers(headers, IF_NONE_MATCH)?;
    let version = document.version()?;
    let newer = held.iter().find_map(|tag| match tag {
        EntityTag::Strong(opaque) => {
            document_version(opaque, &version.log).filter(|held| *held > version.number).map(|_| opaque)
        }
        EntityTag::Weak(_) | EntityTag::Any | EntityTag::Invalid => None,
    })?;
    HeaderValue::from_bytes(&[b"\"", newer, b"\""].concat()).ok()
}

/// The coding of the copy that a request names.
enum Held {
    In(ContentCoding),
    No,
    /// Known once this coding is made.
    Unknown(ContentCoding),
}

impl RankedCodings {
    fn first_in(
        &self,
        tags: &EntityTags<'_>,
        document: &Representation,
        same: fn(EntityTag<'_>, &HeaderValue) -> bool,
    ) -> Held {
        let mut codings = self.as_slice().iter().copied();
        let is_first =
            |coding: &ContentCoding| document.known_etag(*coding).is_some_and(|etag| tags.starts_as(etag));
        // Nearly every poll sends one tag of ours unchanged; that needs no parsing.
        if let Some(coding) = codings.clone().find(is_first) {
            return Held::In(coding);
        }
        // A tag of another version must not cost the compressions from which the tags of this one are made.
        let names_version = |tag: EntityTag<'_>| {
            document.version().is_none_or(|version| tag.may_name(&version.log, version.number))
        };
        if !tags.iter().any(names_version) {
            return Held::No;
        }
        let is_held = |coding| tags.iter().any(|tag| same(tag, &document.body(coding).etag));
        match codings.find(|coding| document.is_slow_to_encode(*coding) || is_held(*coding)) {
            Some(coding) if document.is_slow_to_encode(coding) => Held::Unknown(coding),
            Some(coding) => Held::In(coding),
            None => Held::No,
        }
    }
}

/// An HTTP-date in any of its three formats. None if it is invalid or if there are several lines (RFC 9110
/// §13.1.3 and §13.1.4: ignored).
fn date(headers: &HeaderMap, name: HeaderName, line: &HeaderValue) -> Option<Timestamp> {
    let alone = headers.get_all(name).iter().nth(1).is_none();
    let text = line.to_str().ok().filter(|_| alone)?;
    httpdate::parse_http_date(text.trim()).ok().map(Timestamp::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::content_coding::AcceptEncoding;
    use crate::render::LogVersion;
    use crate::time::from_unix;
    use hyper::header::ACCEPT_ENCODING;
    use proptest::prelude::*;

    /// The date of the sample article: Fri, 12 May 2023 10:39:00 GMT.
    const CHANGED: i64 = 1_683_887_940;

    fn document() -> Representation {
        let version = LogVersion { log: "a,b".to_owned(), number: 7 };
        let text = "Quang cảnh Hội nghị. Ảnh: TL. ".repeat(40);
        Representation::new(
            "application/rss+xml; charset=utf-8",
            text.into_bytes(),
            &version,
            from_unix(CHANGED),
        )
    }

    fn tag(document: &Representation, coding: ContentCoding) -> String {
        document.body(coding).etag.to_str().unwrap().to_owned()
    }

    fn decide(document: &Representation, lines: &[(HeaderName, &str)], now: i64) -> Option<Decision> {
        let headers: HeaderMap =
            lines.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect();
        let choices = AcceptEncoding::from_headers(&headers).ranked(document);
        Preconditions::from_headers(&headers).evaluate(document, &choices, from_unix(now))
    }

    #[test]
    fn a_tag_of_another_coding_matches_if_the_request_accepts_that_coding() {
        use ContentCoding::{Brotli, Gzip, Identity};
        use Decision::{NotModified, Send};
        let document = document();
        for (held, accepted, decision) in [
            (Gzip, "br, gzip", NotModified(Gzip)),
            (Identity, "br, gzip", NotModified(Identity)),
            (Brotli, "gzip;q=1, br;q=0.1", NotModified(Brotli)),
            // A cache that asks on behalf of a reader who cannot unpack what the cache holds.
            (Gzip, "br", Send(Brotli)),
            (Gzip, "identity", Send(Identity)),
            (Brotli, "", Send(Identity)),
            (Identity, "gzip, identity;q=0", Send(Gzip)),
            (Brotli, "gzip, *;q=0", Send(Gzip)),
        ] {
            let held_tag = tag(&document, held);
            let lines = [(IF_NONE_MATCH, held_tag.as_str()), (ACCEPT_ENCODING, accepted)];
            assert_eq!(decide(&document, &lines, CHANGED + 9), Some(decision), "{held:?} with `{accepted}`");
        }
        let all = format!("{}, {}", tag(&document, Gzip), tag(&document, Brotli));
        let lines = [(IF_NONE_MATCH, all.as_str()), (ACCEPT_ENCODING, "gzip, br")];
        assert_eq!(
            decide(&document, &lines, CHANGED + 9),
            Some(NotModified(Brotli)),
            "the best that is held"
        );
        let lines = [(IF_NONE_MATCH, all.as_str())];
        assert_eq!(decide(&document, &lines, CHANGED + 9), Some(NotModified(Brotli)), "no word on codings");
    }

    #[test]
    fn a_tag_of_another_version_costs_no_compression() {
        let document = document();
        let old = tag(&document, ContentCoding::Identity).replace("7-", "6-").replace("identity", "gzip");
        for lines in [
            [(IF_NONE_MATCH, old.as_str()), (ACCEPT_ENCODING, "gzip, br")].as_slice(),
            &[(IF_MATCH, "\"x\"")],
        ] {
            assert!(!matches!(decide(&document, lines, CHANGED + 9), Some(Decision::NotModified(_))));
        }
        let made = [ContentCoding::Gzip, ContentCoding::Brotli].map(|coding| document.known_etag(coding));
        assert_eq!(made, [None, None]);
    }

    #[test]
    fn a_long_document_is_encoded_before_the_decision_and_not_by_it() {
        use ContentCoding::{Brotli, Gzip};
        let version = LogVersion { log: "a,b".to_owned(), number: 7 };
        let text = "Quang cảnh Hội nghị. Ảnh: TL. ".repeat(4000).into_bytes();
        let document = Representation::new("application/rss+xml", text, &version, from_unix(CHANGED));
        let identity = tag(&document, ContentCoding::Identity);
        let foreign = identity.replace("identity", "gzip");
        let past = "Sat, 13 May 2023 00:00:00 GMT";
        let requests: [&[(HeaderName, &str)]; 4] = [
            &[(ACCEPT_ENCODING, "gzip")],
            &[(ACCEPT_ENCODING, "gzip"), (IF_NONE_MATCH, &foreign)],
            &[(ACCEPT_ENCODING, "gzip"), (IF_MATCH, &foreign)],
            &[(ACCEPT_ENCODING, "gzip"), (IF_MODIFIED_SINCE, past)],
        ];
        for lines in requests {
            assert_eq!(decide(&document, lines, CHANGED + 9), Some(Decision::Encode(Gzip)), "{lines:?}");
        }
        let held = [(ACCEPT_ENCODING, "gzip, br;q=0.5"), (IF_NONE_MATCH, identity.as_str())];
        let identity_held = Some(Decision::NotModified(ContentCoding::Identity));
        assert_eq!(decide(&document, &held, CHANGED + 9), identity_held, "a poll needs no other coding");
        assert_eq!([Gzip, Brotli].map(|coding| document.known_etag(coding)), [None, None]);
        let held = tag(&document, Gzip);
        let decisions = requests.map(|lines| decide(&document, lines, CHANGED + 9));
        assert_eq!(decisions[0], Some(Decision::Send(Gzip)));
        let lines = [(ACCEPT_ENCODING, "gzip"), (IF_NONE_MATCH, held.as_str())];
        assert_eq!(decide(&document, &lines, CHANGED + 9), Some(Decision::NotModified(Gzip)));
    }

    #[test]
    fn a_proxy_s_suffix_on_a_tag_causes_no_download() {
        let document = document();
        let ours = tag(&document, ContentCoding::Identity);
        let bare = ours.trim_matches('"');
        for held in [
            format!("\"{bare}-gzip\""),
            format!("\"{bare}-br\""),
            format!("\"{bare};gzip\""),
            format!("\"{bare};br\""),
            format!("\"{bare}--gzip\""),
            format!("\"{bare}-zstd\""),
            format!("\"{bare}\"-gzip"),
            format!("W/\"{bare}\""),
            format!("W/\"{bare}-gzip\""),
            format!("  {ours}  "),
            format!("\"x\",{ours}"),
            format!(", ,{ours},"),
            format!("nonsense {ours}"),
            "*".to_owned(),
            "\"x\", *".to_owned(),
        ] {
            let decision = decide(&document, &[(IF_NONE_MATCH, &held)], CHANGED + 9);
            assert_eq!(decision, Some(Decision::NotModified(ContentCoding::Identity)), "{held}");
        }
        for other in [
            String::new(),
            bare.to_owned(),
            format!("\"{bare}"),
            format!("\"{bare}-x\""),
            format!("\"{bare}-gzipp\""),
            format!("\"x{bare}\""),
            format!("\"x,{bare}\""),
            format!("\"{}\"", &bare[1..]),
            format!("\"{}", &ours[2..]),
            "\"*\"".to_owned(),
            "x*".to_owned(),
            "*/*".to_owned(),
            "\"x\" * \"y\"".to_owned(),
        ] {
            let decision = decide(&document, &[(IF_NONE_MATCH, &other)], CHANGED + 9);
            assert_eq!(decision, Some(Decision::Send(ContentCoding::Identity)), "{other}");
        }
    }

    #[test]
    fn tags_take_precedence_over_dates_and_several_lines_are_one_list() {
        let document = document();
        let (same, later) = (tag(&document, ContentCoding::Identity), "Sat, 13 May 2023 00:00:00 GMT");
        let stale = [(IF_NONE_MATCH, "\"x\""), (IF_MODIFIED_SINCE, later)];
        assert_eq!(decide(&document, &stale, CHANGED + 9), Some(Decision::Send(ContentCoding::Identity)));
        let lines = [(IF_NONE_MATCH, "\"x\""), (IF_NONE_MATCH, same.as_str())];
        assert_eq!(
            decide(&document, &lines, CHANGED + 9),
            Some(Decision::NotModified(ContentCoding::Identity))
        );
    }

    #[test]
    fn dates_are_compared_as_times_in_all_three_formats_and_invalid_ones_are_ignored() {
        let document = document();
        for (since, unmodified) in [
            ("Fri, 12 May 2023 10:39:00 GMT", true),
            ("Friday, 12-May-23 10:39:00 GMT", true),
            ("Fri May 12 10:39:00 2023", true),
            ("Sun, 31 Dec 2090 10:39:00 GMT", true),
            ("Fri, 12 May 2023 10:38:59 GMT", false),
            ("Thu, 01 Jan 1970 00:00:00 GMT", false),
            ("", false),
            ("2023-05-12T10:39:00Z", false),
            ("Fri, 12 May 2023 17:39:00 +0700", false),
            ("Fri, 99 May 2023 10:39:00 GMT", false),
            ("1683887940", false),
        ] {
            let expected =
                if unmodified { Decision::NotModified } else { Decision::Send }(ContentCoding::Identity);
            let decision = decide(&document, &[(IF_MODIFIED_SINCE, since)], CHANGED + 9);
            assert_eq!(decision, Some(expected), "{since}");
        }
        let twice = [
            (IF_MODIFIED_SINCE, "Fri, 12 May 2023 10:39:00 GMT"),
            (IF_MODIFIED_SINCE, "Fri, 12 May 2023 10:39:00 GMT"),
        ];
        assert_eq!(decide(&document, &twice, CHANGED + 9), Some(Decision::Send(ContentCoding::Identity)));
    }

    #[test]
    fn during_the_second_of_a_change_a_date_never_gets_304() {
        let document = document();
        let same = [(IF_MODIFIED_SINCE, "Fri, 12 May 2023 10:39:00 GMT")];
        for (now, decision) in [
            (CHANGED - 60, Decision::Send(ContentCoding::Identity)),
            (CHANGED, Decision::Send(ContentCoding::Identity)),
            (CHANGED + 1, Decision::NotModified(ContentCoding::Identity)),
        ] {
            assert_eq!(decide(&document, &same, now), Some(decision), "{now}");
        }
        let own = tag(&document, ContentCoding::Identity);
        let decision = decide(&document, &[(IF_NONE_MATCH, &own)], CHANGED);
        assert_eq!(decision, Some(Decision::NotModified(ContentCoding::Identity)), "a tag knows at once");
    }

    #[test]
    fn if_match_gets_exactly_these_bytes_or_412() {
        let document = document();
        let (gzip, identity) = (tag(&document, ContentCoding::Gzip), tag(&document, ContentCoding::Identity));
        let weak = format!("W/{identity}");
        let suffixed = identity.replace("identity\"", "identity-gzip\"");
        let expected = [
            (vec![(IF_MATCH, identity.as_str())], Decision::Send(ContentCoding::Identity)),
            (vec![(IF_MATCH, "*")], Decision::Send(ContentCoding::Identity)),
            (
                vec![(IF_MATCH, gzip.as_str()), (ACCEPT_ENCODING, "br, gzip")],
                Decision::Send(ContentCoding::Gzip),
            ),
            (vec![(IF_MATCH, gzip.as_str()), (ACCEPT_ENCODING, "br")], Decision::PreconditionFailed),
            (vec![(IF_MATCH, weak.as_str())], Decision::PreconditionFailed),
            (vec![(IF_MATCH, suffixed.as_str())], Decision::PreconditionFailed),
            (vec![(IF_MATCH, "\"x\"")], Decision::PreconditionFailed),
            (vec![(IF_MATCH, "")], Decision::PreconditionFailed),
            (
                vec![(IF_UNMODIFIED_SINCE, "Fri, 12 May 2023 10:39:00 GMT")],
                Decision::Send(ContentCoding::Identity),
            ),
            (vec![(IF_UNMODIFIED_SINCE, "Fri, 12 May 2023 10:38:59 GMT")], Decision::PreconditionFailed),
            (vec![(IF_UNMODIFIED_SINCE, "yesterday")], Decision::Send(ContentCoding::Identity)),
            // If-Match overrules If-Unmodified-Since; then come the questions of steps 3 and 4.
            (
                vec![(IF_MATCH, "*"), (IF_UNMODIFIED_SINCE, "Thu, 01 Jan 1970 00:00:00 GMT")],
                Decision::Send(ContentCoding::Identity),
            ),
            (
                vec![(IF_MATCH, identity.as_str()), (IF_NONE_MATCH, identity.as_str())],
                Decision::NotModified(ContentCoding::Identity),
            ),
        ];
        for (lines, decision) in expected {
            assert_eq!(decide(&document, &lines, CHANGED + 9), Some(decision), "{lines:?}");
        }
    }

    #[test]
    fn without_an_acceptable_coding_no_precondition_is_evaluated() {
        let lines = [(ACCEPT_ENCODING, "*;q=0"), (IF_MATCH, "\"x\"")];
        assert_eq!(decide(&document(), &lines, CHANGED + 9), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_without_a_panic(
            name in 0_usize..4,
            lines in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 1..4),
            now in any::<i32>(),
        ) {
            let name = [IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE][name].clone();
            let mut headers = HeaderMap::new();
            for line in lines {
                if let Ok(value) = HeaderValue::from_bytes(&line) {
                    headers.append(name.clone(), value);
                }
            }
            let document = document();
            let choices = AcceptEncoding::from_headers(&headers).ranked(&document);
            let decision = Preconditions::from_headers(&headers).evaluate(&document, &choices, from_unix(now.into()));
            prop_assert!(decision.is_some());
        }
    }
}
