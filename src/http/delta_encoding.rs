//! Requests for the new entries only: `A-IM: feed` (RFC 3229 §10.5.3), feed rule D1.
//!
//! Pure. Needs `If-None-Match`, whose tags name the client's copy. An invalid header costs its client a full
//! response and nothing else.

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue, IF_NONE_MATCH};

use super::entity_tag::{EntityTag, EntityTags, document_version};
use super::header_lines::lines;
use super::qvalue::{self, QValue};
use crate::render::is_abridged;

/// The instance manipulations that a request accepts.
const A_IM: HeaderName = HeaderName::from_static("a-im");
/// New or changed entries, in a document of the same format.
const FEED: &[u8] = b"feed";

/// A request for a delta.
#[derive(Clone, Debug)]
pub struct DeltaRequest<'request> {
    held: EntityTags<'request>,
}

impl<'request> DeltaRequest<'request> {
    /// None if the request does not ask for a delta, or does not name its copy.
    pub fn from_headers(headers: &'request HeaderMap) -> Option<Self> {
        let mut lines = lines(headers, A_IM).peekable();
        lines.peek()?;
        if !lines.any(accepts_feed) {
            return None;
        }
        EntityTags::from_headers(headers, IF_NONE_MATCH).map(|held| Self { held })
    }

    /// The versions of this log that the client holds, in the order of the tags.
    pub fn held_versions(&self, log: &str) -> impl Iterator<Item = u64> {
        self.held.iter().filter_map(move |tag| match tag {
            // A proxy that compresses makes a tag weak: the client holds the same articles.
            EntityTag::Strong(opaque) | EntityTag::Weak(opaque) if is_abridged(opaque) => None,
            EntityTag::Strong(opaque) | EntityTag::Weak(opaque) => document_version(opaque, log),
            EntityTag::Any | EntityTag::Invalid => None,
        })
    }
}

/// True if one line of the list names `feed` with a weight other than zero.
fn accepts_feed(line: &HeaderValue) -> bool {
    qvalue::members(line.as_bytes())
        .any(|(name, weight)| name.eq_ignore_ascii_case(FEED) && weight != Some(QValue::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn headers(lines: &[(HeaderName, &str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    fn request_from(a_im: &str) -> bool {
        DeltaRequest::from_headers(&headers(&[(A_IM, a_im), (IF_NONE_MATCH, "\"x\"")])).is_some()
    }

    fn bases(tags: &str) -> Vec<u64> {
        let headers = headers(&[(A_IM, "feed"), (IF_NONE_MATCH, tags)]);
        DeltaRequest::from_headers(&headers).unwrap().held_versions("k3f9").collect()
    }

    #[test]
    fn feed_is_recognised_anywhere_in_the_list_and_in_any_case() {
        for (a_im, wanted) in [
            ("feed", true),
            ("Feed", true),
            ("vcdiff, feed", true),
            ("vcdiff;q=0.5 , FEED ; q=0.1, gzip", true),
            (",,feed,", true),
            ("feed;q=1", true),
            ("feed;x=0", true),
            ("feed;q=0", false),
            ("feed ; Q=0.000", false),
            ("feeds", false),
            ("vcdiff", false),
            ("x=feed", false),
            ("\"feed\"", false),
            ("*", false),
            ("", false),
        ] {
            assert_eq!(request_from(a_im), wanted, "{a_im}");
        }
        let twice = headers(&[(A_IM, "vcdiff"), (A_IM, "feed"), (IF_NONE_MATCH, "\"x\"")]);
        assert!(DeltaRequest::from_headers(&twice).is_some(), "several lines are one list");
    }

    #[test]
    fn without_a_named_copy_there_is_no_delta_request() {
        assert!(DeltaRequest::from_headers(&headers(&[(A_IM, "feed")])).is_none());
        assert!(DeltaRequest::from_headers(&headers(&[(IF_NONE_MATCH, "\"x\"")])).is_none());
    }

    #[test]
    fn the_version_is_read_from_our_own_tags_only() {
        for (tags, numbers) in [
            ("\"k3f9.7-0123456789abcdef-gzip\"", vec![7]),
            ("W/\"k3f9.7-0123456789abcdef-br\"", vec![7]),
            ("\"k3f9.0-0123456789abcdef-identity\"", vec![0]),
            ("\"k3f9.7-0123456789abcdef-identity-gzip\"", vec![7]),
            ("\"k3f9.7-0123456789abcdef-gzip\", \"x\", \"k3f9.12-0123456789abcdef-br\"", vec![7, 12]),
            ("\"k3f9.7-0123456789abcdef-abridged-gzip\"", vec![]),
            ("\"other.7-0123456789abcdef-gzip\"", vec![]),
            ("\"k3f9x.7-0123456789abcdef-gzip\"", vec![]),
            ("\"k3f9.07-0123456789abcdef-gzip\"", vec![]),
            ("\"k3f9.+7-0123456789abcdef-gzip\"", vec![]),
            ("\"k3f9.-0123456789abcdef-gzip\"", vec![]),
            ("\"k3f9.7\"", vec![]),
            ("\"k3f9.7-0123-gzip\"", vec![]),
            ("\"k3f9.7-0123456789abcdef-\"", vec![]),
            ("\"k3f9.18446744073709551616-0123456789abcdef-gzip\"", vec![]),
            ("k3f9.7-0123456789abcdef-gzip", vec![]),
            ("*", vec![]),
        ] {
            assert_eq!(bases(tags), numbers, "{tags}");
        }
    }

    proptest! {
        #[test]
        fn any_header_bytes_are_handled(
            a_im in proptest::collection::vec(any::<u8>(), 0..60),
            tags in proptest::collection::vec(any::<u8>(), 0..80),
        ) {
            if let (Ok(a_im), Ok(tags)) = (HeaderValue::from_bytes(&a_im), HeaderValue::from_bytes(&tags)) {
                let headers = HeaderMap::from_iter([(A_IM, a_im), (IF_NONE_MATCH, tags)]);
                if let Some(request_from) = DeltaRequest::from_headers(&headers) {
                    request_from.held_versions("k3f9").for_each(drop);
                }
            }
        }
    }
}
