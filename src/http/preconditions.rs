//! May the reader keep what it has? The preconditions of RFC 9110 §13, rules C1, C2 and C3.
//!
//! Pure: request headers, a document and the present second in, a [`Verdict`] out. A header that cannot be
//! read costs its reader a full answer and nothing else.
//!
//! **Tags of another coding.** A document has one tag per coding (RFC 9110 §8.8.3.3), and the server is free
//! to select any coding that the request takes. A reader that holds the gzip bytes and now asks with
//! `br, gzip` is therefore answered as the gzip representation: 304 with the *gzip* tag. The tag matters: a
//! cache finds what it stored by the strong tag of the 304 (RFC 9111 §4.3.4) and could do nothing with that
//! of the br bytes. Where the request refuses the coding of the tag, the answer is 200: a shared cache asks
//! with the tags of everything that it stored (RFC 9111 §4.3.1), on behalf of a reader that cannot unpack it.

use chrono::TimeDelta;
use hyper::HeaderMap;
use hyper::header::{
    HeaderName, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE,
};

use super::content_coding::RankedCodings;
use super::delta_encoding;
use crate::render::{ContentCoding, Representation};
use crate::time::Timestamp;

/// What a GET or HEAD is answered with, in which coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// 200.
    Send(ContentCoding),
    /// 304: the reader has this.
    NotModified(ContentCoding),
    /// 412.
    PreconditionFailed,
}

/// The preconditions of one request, read but not yet judged.
#[derive(Clone, Debug)]
pub struct Preconditions<'request> {
    if_match: Option<EntityTags<'request>>,
    if_unmodified_since: Option<Timestamp>,
    if_none_match: Option<EntityTags<'request>>,
    if_modified_since: Option<Timestamp>,
}

/// All lines of `If-Match` or `If-None-Match`, as one list.
#[derive(Clone, Debug)]
pub struct EntityTags<'request> {
    first: &'request HeaderValue,
    /// The headers, where the list goes on in further lines.
    more_in: Option<(&'request HeaderMap, HeaderName)>,
}

/// One member of a [`EntityTags`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntityTag<'request> {
    /// `*`: whatever there is.
    Any,
    /// `"…"`, or `W/"…"`: what stands between the quotation marks.
    Strong(&'request [u8]),
    /// The tag of something that is as good, but not the same bytes.
    Weak(&'request [u8]),
    /// A `*` with something else about it: the same as nothing.
    Invalid,
}

impl<'request> Preconditions<'request> {
    /// Reads the headers of a GET or HEAD. A date is read only where no list of tags overrules it.
    pub fn from_headers(headers: &'request HeaderMap) -> Self {
        // One walk instead of four look-ups, each of which would hash: most requests have few headers.
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

    /// RFC 9110 §13.2.2, step by step. `choices` are the codings that the request takes.
    ///
    /// None where there is no choice: then the answer is 406 whatever the preconditions say (§13.2.1).
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
                Some(coding) => selected = coding,
                None => return Some(Decision::PreconditionFailed),
            }
        }
        // Step 2: If-Unmodified-Since, where there is no If-Match.
        if self.if_unmodified_since.is_some_and(|since| document.last_modified > since) {
            return Some(Decision::PreconditionFailed);
        }
        // Step 3: If-None-Match. Weak comparison (§13.1.2).
        if let Some(tags) = &self.if_none_match
            && let Some(coding) = choices.first_in(tags, document, |tag, etag| tag.weak_eq(etag))
        {
            return Some(Decision::NotModified(coding));
        }
        // Step 4: If-Modified-Since, where there is no If-None-Match.
        // While the second of the change still runs, the next change may bear the same second.
        let settled = document.last_modified + TimeDelta::seconds(1) <= now;
        if settled && self.if_modified_since.is_some_and(|since| document.last_modified <= since) {
            return Some(Decision::NotModified(best));
        }
        // Step 5, If-Range, is judged with the range, in `super::range`. Step 6: the method is performed.
        Some(Decision::Send(selected))
    }
}

/// The tag of a copy that the reader holds of this feed, of the same log and with a higher number: another replica
/// has given it, which heard of a change a moment earlier, or the channel was made of others in between.
///
/// Of feeds alone, whose number is that of their channel's log; a page's may be of something else.
pub fn client_newer_tag(headers: &HeaderMap, document: &Representation) -> Option<HeaderValue> {
    if !document.media_type.as_bytes().starts_with(b"application/") {
        return None;
    }
    let held = EntityTags::from_headers(headers, IF_NONE_MATCH)?;
    let (log, number) = log_version(document)?;
    let newer = held.iter().find_map(|tag| match tag {
        EntityTag::Strong(opaque) => {
            delta_encoding::parse_log_version(opaque, log).filter(|held| *held > number).map(|_| opaque)
        }
        EntityTag::Weak(_) | EntityTag::Any | EntityTag::Invalid => None,
    })?;
    HeaderValue::from_bytes(&[b"\"", newer, b"\""].concat()).ok()
}

fn log_version(document: &Representation) -> Option<(&str, u64)> {
    let opaque = document.identity.etag.to_str().ok()?.trim_matches('"');
    let log = opaque.split_once('.')?.0;
    Some((log, delta_encoding::parse_log_version(opaque.as_bytes(), log)?))
}

impl<'request> EntityTags<'request> {
    /// All lines of that name; none where there is no such line.
    pub fn from_headers(headers: &'request HeaderMap, name: HeaderName) -> Option<Self> {
        let first = headers.get(&name)?;
        Some(Self { first, more_in: Some((headers, name)) })
    }

    fn add(
        list: &mut Option<Self>,
        headers: &'request HeaderMap,
        name: HeaderName,
        line: &'request HeaderValue,
    ) {
        match list {
            None => *list = Some(Self { first: line, more_in: None }),
            Some(list) => list.more_in = Some((headers, name)),
        }
    }

    /// The members in their order. What is no tag is passed over.
    pub fn iter(&self) -> impl Iterator<Item = EntityTag<'request>> {
        let more = self.more_in.iter().flat_map(|(headers, name)| headers.get_all(name).iter().skip(1));
        std::iter::once(self.first).chain(more).flat_map(|line| tags(line.as_bytes()))
    }
}

impl RankedCodings {
    fn first_in(
        &self,
        tags: &EntityTags<'_>,
        document: &Representation,
        same: fn(EntityTag<'_>, &HeaderValue) -> bool,
    ) -> Option<ContentCoding> {
        let holds = |coding: &ContentCoding| {
            let etag = &document.body(*coding).etag;
            // Nearly every poll sends our tag back as it was, and that is no list to be taken apart.
            tags.first == etag || tags.iter().any(|tag| same(tag, etag))
        };
        self.as_slice().iter().copied().find(holds)
    }
}

/// What proxies put on the tag of a document that they compressed themselves, and do not always take off
/// again: Apache and Caddy `-gzip`, Jetty `--gzip`, others `;gzip`.
const PROXY_SUFFIXES: [&[u8]; 9] =
    [b"-gzip", b"-br", b"-zstd", b";gzip", b";br", b";zstd", b"--gzip", b"--br", b"--zstd"];

impl EntityTag<'_> {
    /// Weak comparison (RFC 9110 §8.8.3.2) with one of our own tags, a proxy's suffix apart (rule C3).
    ///
    /// Whoever put a suffix on answers for its own coding: the request that reaches us need not tell of it.
    fn weak_eq(self, etag: &HeaderValue) -> bool {
        let opaque = match self {
            EntityTag::Strong(opaque) | EntityTag::Weak(opaque) => opaque,
            EntityTag::Any => return true,
            EntityTag::Invalid => return false,
        };
        match opaque.strip_prefix(without_quotes(etag)) {
            Some(suffix) => suffix.is_empty() || PROXY_SUFFIXES.contains(&suffix),
            None => false,
        }
    }

    /// Strong comparison: the same bytes or nothing. A weak tag and a proxy's suffix tell of other bytes.
    fn strong_eq(self, etag: &HeaderValue) -> bool {
        match self {
            EntityTag::Any => true,
            EntityTag::Strong(opaque) => opaque == without_quotes(etag),
            EntityTag::Weak(_) | EntityTag::Invalid => false,
        }
    }
}

fn without_quotes(etag: &HeaderValue) -> &[u8] {
    let text = etag.as_bytes();
    text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).unwrap_or(text)
}

/// The entity tags in one line (RFC 9110 §8.8.3): every text between two quotation marks, commas and
/// semicolons included. There is no escape in a tag. What stands between two tags is passed over, so that
/// `"a"-gzip`, which old proxies write, is the tag `a`.
fn tags(line: &[u8]) -> impl Iterator<Item = EntityTag<'_>> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let at = rest.iter().position(|&byte| matches!(byte, b'"' | b'*'))?;
        let (before, from) = rest.split_at(at);
        let (mark, from) = from.split_first()?;
        if *mark == b'*' {
            let (before, after) = (before.trim_ascii_end(), from.trim_ascii_start());
            rest = from;
            let alone =
                matches!(before.last(), None | Some(b',')) && matches!(after.first(), None | Some(b','));
            return Some(if alone { EntityTag::Any } else { EntityTag::Invalid });
        }
        let end = from.iter().position(|&byte| byte == b'"')?;
        rest = &from[end + 1..];
        let opaque = &from[..end];
        Some(if before.ends_with(b"W/") { EntityTag::Weak(opaque) } else { EntityTag::Strong(opaque) })
    })
}

/// An HTTP-date in any of its three forms. None where it cannot be read, or where there are several lines
/// (RFC 9110 §13.1.3 and §13.1.4: ignored).
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

    /// The seed's moment: Fri, 12 May 2023 10:39:00 GMT.
    const CHANGED: i64 = 1_683_887_940;

    fn document() -> Representation {
        let version = LogVersion { log: "a,b".to_owned(), number: 7 };
        let text = "Quang cảnh Hội nghị. Ảnh: TL. ".repeat(40);
        Representation::encode(
            "application/rss+xml; charset=utf-8",
            text.into_bytes(),
            &version,
            from_unix(CHANGED),
        )
    }

    fn tag(document: &Representation, coding: ContentCoding) -> String {
        document.body(coding).etag.to_str().unwrap().to_owned()
    }

    fn judged(document: &Representation, lines: &[(HeaderName, &str)], now: i64) -> Option<Decision> {
        let headers: HeaderMap =
            lines.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect();
        let choices = AcceptEncoding::from_headers(&headers).ranked(document);
        Preconditions::from_headers(&headers).evaluate(document, &choices, from_unix(now))
    }

    #[test]
    fn a_tag_of_another_coding_counts_where_the_request_takes_that_coding() {
        use ContentCoding::{Brotli, Gzip, Identity};
        use Decision::{NotModified, Send};
        let document = document();
        for (held, accepted, verdict) in [
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
            assert_eq!(judged(&document, &lines, CHANGED + 9), Some(verdict), "{held:?} with `{accepted}`");
        }
        let all = format!("{}, {}", tag(&document, Gzip), tag(&document, Brotli));
        let lines = [(IF_NONE_MATCH, all.as_str()), (ACCEPT_ENCODING, "gzip, br")];
        assert_eq!(
            judged(&document, &lines, CHANGED + 9),
            Some(NotModified(Brotli)),
            "the best that is held"
        );
        let lines = [(IF_NONE_MATCH, all.as_str())];
        assert_eq!(judged(&document, &lines, CHANGED + 9), Some(NotModified(Brotli)), "no word on codings");
    }

    #[test]
    fn what_a_proxy_puts_on_a_tag_does_not_cost_the_reader_a_download() {
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
            let verdict = judged(&document, &[(IF_NONE_MATCH, &held)], CHANGED + 9);
            assert_eq!(verdict, Some(Decision::NotModified(ContentCoding::Identity)), "{held}");
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
            let verdict = judged(&document, &[(IF_NONE_MATCH, &other)], CHANGED + 9);
            assert_eq!(verdict, Some(Decision::Send(ContentCoding::Identity)), "{other}");
        }
    }

    #[test]
    fn a_tag_is_asked_before_a_date_and_several_lines_are_one_list() {
        let document = document();
        let (same, later) = (tag(&document, ContentCoding::Identity), "Sat, 13 May 2023 00:00:00 GMT");
        let stale = [(IF_NONE_MATCH, "\"x\""), (IF_MODIFIED_SINCE, later)];
        assert_eq!(judged(&document, &stale, CHANGED + 9), Some(Decision::Send(ContentCoding::Identity)));
        let lines = [(IF_NONE_MATCH, "\"x\""), (IF_NONE_MATCH, same.as_str())];
        assert_eq!(
            judged(&document, &lines, CHANGED + 9),
            Some(Decision::NotModified(ContentCoding::Identity))
        );
    }

    #[test]
    fn dates_are_compared_as_times_in_all_three_forms_and_nonsense_is_ignored() {
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
            let verdict = judged(&document, &[(IF_MODIFIED_SINCE, since)], CHANGED + 9);
            assert_eq!(verdict, Some(expected), "{since}");
        }
        let twice = [
            (IF_MODIFIED_SINCE, "Fri, 12 May 2023 10:39:00 GMT"),
            (IF_MODIFIED_SINCE, "Fri, 12 May 2023 10:39:00 GMT"),
        ];
        assert_eq!(judged(&document, &twice, CHANGED + 9), Some(Decision::Send(ContentCoding::Identity)));
    }

    #[test]
    fn while_the_second_of_the_change_runs_a_date_alone_gets_the_document() {
        let document = document();
        let same = [(IF_MODIFIED_SINCE, "Fri, 12 May 2023 10:39:00 GMT")];
        for (now, verdict) in [
            (CHANGED - 60, Decision::Send(ContentCoding::Identity)),
            (CHANGED, Decision::Send(ContentCoding::Identity)),
            (CHANGED + 1, Decision::NotModified(ContentCoding::Identity)),
        ] {
            assert_eq!(judged(&document, &same, now), Some(verdict), "{now}");
        }
        let own = tag(&document, ContentCoding::Identity);
        let verdict = judged(&document, &[(IF_NONE_MATCH, &own)], CHANGED);
        assert_eq!(verdict, Some(Decision::NotModified(ContentCoding::Identity)), "a tag knows at once");
    }

    #[test]
    fn whoever_wants_exactly_these_bytes_gets_them_or_412() {
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
        for (lines, verdict) in expected {
            assert_eq!(judged(&document, &lines, CHANGED + 9), Some(verdict), "{lines:?}");
        }
    }

    #[test]
    fn where_nothing_fits_no_precondition_is_asked() {
        let lines = [(ACCEPT_ENCODING, "*;q=0"), (IF_MATCH, "\"x\"")];
        assert_eq!(judged(&document(), &lines, CHANGED + 9), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(
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
            let verdict = Preconditions::from_headers(&headers).evaluate(&document, &choices, from_unix(now.into()));
            prop_assert!(verdict.is_some());
        }

        #[test]
        fn a_list_of_tags_reads_as_it_was_written(
            written in proptest::collection::vec((any::<bool>(), "[!#-~\u{80}-\u{ff}]{0,20}"), 0..6),
            gap in "[ \t]{0,2}",
        ) {
            let one = |(weak, opaque): &(bool, String)| format!("{}\"{opaque}\"", if *weak { "W/" } else { "" });
            let line = written.iter().map(one).collect::<Vec<_>>().join(&format!("{gap},{gap}"));
            let read: Vec<_> = tags(line.as_bytes()).collect();
            let expected: Vec<_> = written
                .iter()
                .map(|(weak, opaque)| if *weak { EntityTag::Weak(opaque.as_bytes()) } else { EntityTag::Strong(opaque.as_bytes()) })
                .collect();
            prop_assert_eq!(read, expected);
        }
    }
}
