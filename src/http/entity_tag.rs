//! Entity tags: the lists in `If-Match` and `If-None-Match`, and the version of the log in our own tags.

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

/// All lines of `If-Match` or `If-None-Match`, as one list.
#[derive(Clone, Debug)]
pub struct EntityTags<'request> {
    first: &'request HeaderValue,
    /// The headers, if the list continues in further lines.
    more_lines_in: Option<(&'request HeaderMap, HeaderName)>,
}

/// One member of [`EntityTags`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntityTag<'request> {
    /// `*`: any version.
    Any,
    /// `"…"`: the text between the quotation marks.
    Strong(&'request [u8]),
    /// `W/"…"`: equivalent, but not byte for byte.
    Weak(&'request [u8]),
    /// A `*` that is not alone between commas: matches nothing.
    Invalid,
}

impl<'request> EntityTags<'request> {
    /// All header lines of that name; none if there is no such line.
    pub fn from_headers(headers: &'request HeaderMap, name: HeaderName) -> Option<Self> {
        let first = headers.get(&name)?;
        Some(Self { first, more_lines_in: Some((headers, name)) })
    }

    pub(super) fn add(
        list: &mut Option<Self>,
        headers: &'request HeaderMap,
        name: HeaderName,
        line: &'request HeaderValue,
    ) {
        match list {
            None => *list = Some(Self { first: line, more_lines_in: None }),
            Some(list) => list.more_lines_in = Some((headers, name)),
        }
    }

    /// True if the first line is exactly this tag.
    pub(super) fn starts_as(&self, etag: &HeaderValue) -> bool {
        self.first == etag
    }

    /// The members in order. Anything that is no tag is skipped.
    pub fn iter(&self) -> impl Iterator<Item = EntityTag<'request>> {
        let more = self.more_lines_in.iter().flat_map(|(headers, name)| headers.get_all(name).iter().skip(1));
        std::iter::once(self.first).chain(more).flat_map(|line| tags(line.as_bytes()))
    }
}

/// Suffixes that proxies append to the tag of a response that they compress, and do not always remove again:
/// `-gzip` by Apache and Caddy, `--gzip` by Jetty, `;gzip` by others.
const PROXY_SUFFIXES: [&[u8]; 9] =
    [b"-gzip", b"-br", b"-zstd", b";gzip", b";br", b";zstd", b"--gzip", b"--br", b"--zstd"];

impl EntityTag<'_> {
    /// Weak comparison (RFC 9110 §8.8.3.2) with one of our own tags, ignoring a proxy's suffix (feed rule
    /// C3).
    ///
    /// The proxy that appended the suffix is responsible for its coding; the request that reaches us need not
    /// accept it.
    pub(super) fn weak_eq(self, etag: &HeaderValue) -> bool {
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

    /// False if this cannot be the tag of a document of this log and version.
    pub(super) fn may_name(self, log: &str, number: u64) -> bool {
        match self {
            EntityTag::Any => true,
            EntityTag::Strong(opaque) | EntityTag::Weak(opaque) => {
                document_version(opaque, log) == Some(number)
            }
            EntityTag::Invalid => false,
        }
    }

    /// Strong comparison: identical bytes only. A weak tag or a proxy's suffix means other bytes.
    pub(super) fn strong_eq(self, etag: &HeaderValue) -> bool {
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

/// The entity tags in one line (RFC 9110 §8.8.3): each text between two quotation marks, which may contain
/// commas and semicolons. Tags have no escapes. Text between two tags is skipped, so that `"a"-gzip`, which
/// old proxies write, is the tag `a`.
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

/// The number in a tag of this log, and what follows it after a hyphen. An article that was just written has the tag
/// `{log}.{number}`, a scheduled one `{log}.0-{version}`, a document `{log}.{number}-{hash}-{coding}`.
pub(super) fn split_log_tag<'a>(opaque: &'a [u8], log: &str) -> Option<(u64, Option<&'a str>)> {
    let text = std::str::from_utf8(opaque).ok()?.strip_prefix(log)?.strip_prefix('.')?;
    let (number, rest) = text.split_once('-').map_or((text, None), |(number, rest)| (number, Some(rest)));
    let canonical =
        number.bytes().all(|byte| byte.is_ascii_digit()) && (number == "0" || !number.starts_with('0'));
    Some((number.parse().ok().filter(|_| canonical)?, rest))
}

/// The number in the tag of a document of this log. A proxy may have appended a suffix to the coding.
pub(super) fn document_version(opaque: &[u8], log: &str) -> Option<u64> {
    let (number, rest) = split_log_tag(opaque, log)?;
    let (hash, coding) = rest?.split_once('-')?;
    let is_hash = hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_hash && !coding.is_empty()).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_list_of_tags_is_parsed_as_written(
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
