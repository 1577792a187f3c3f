//! Maximum lengths of stored fields. The same limits apply to folder, import, command line and API.
//!
//! They are far above normal values. A longer field is a mistake or an attack: it would make pages and feeds
//! unreadable, or its id would not fit into a URL.

use super::Article;
use crate::message::Message;

/// Bytes of an id: it must fit into one percent-encoded path segment.
pub const MAX_ID_BYTES: usize = 512;
/// Characters of a title.
pub const MAX_TITLE_CHARS: usize = 1000;
/// Characters of a summary.
pub const MAX_SUMMARY_CHARS: usize = 10_000;
/// Authors of one article.
pub const MAX_AUTHORS: usize = 100;
/// Characters of an author's name.
pub const MAX_AUTHOR_CHARS: usize = 300;
/// Tags of one article.
pub const MAX_TAGS: usize = 100;
/// Characters of a tag.
pub const MAX_TAG_CHARS: usize = 200;
/// Characters of the source.
pub const MAX_SOURCE_CHARS: usize = 1000;
/// Bytes of the link to the publisher's own site.
pub const MAX_LINK_BYTES: usize = 2048;
/// Bytes of a language tag (BCP 47 recommends room for 35).
pub const MAX_LANGUAGE_BYTES: usize = 64;
/// Images of one article.
pub const MAX_PICTURES: usize = 500;
/// Channels of one article.
pub const MAX_CHANNELS: usize = 100;
/// Characters of the reason for a withdrawal.
pub const MAX_REASON_CHARS: usize = 2000;
/// Bytes of a file path: below the index entry limit of every database engine.
pub const MAX_PATH_BYTES: usize = 1900;

/// A field that exceeds its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Excess {
    /// Its name in front matter and JSON.
    pub field: &'static str,
    /// The limit.
    pub limit: usize,
    /// The unit of the limit.
    pub unit: Unit,
}

/// The unit of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Unicode characters.
    Characters,
    /// Bytes in UTF-8.
    Bytes,
    /// Entries of a list.
    Entries,
}

impl Excess {
    /// Checks `text` against a limit in characters.
    pub fn in_characters(field: &'static str, text: &str, limit: usize) -> Option<Self> {
        // A text never has more characters than bytes, so most texts need no counting.
        let is_over = text.len() > limit && text.chars().nth(limit).is_some();
        is_over.then_some(Self { field, limit, unit: Unit::Characters })
    }

    /// Checks `text` against a limit in bytes.
    pub fn in_bytes(field: &'static str, text: &str, limit: usize) -> Option<Self> {
        (text.len() > limit).then_some(Self { field, limit, unit: Unit::Bytes })
    }

    /// Checks `count` against a limit in entries.
    pub fn in_entries(field: &'static str, count: usize, limit: usize) -> Option<Self> {
        (count > limit).then_some(Self { field, limit, unit: Unit::Entries })
    }

    /// What is too long, and the limit.
    pub fn message(&self) -> Message {
        let Self { field, limit, unit } = self;
        let (vietnamese, english) = match unit {
            Unit::Characters => ("ký tự", "characters"),
            Unit::Bytes => ("byte", "bytes"),
            Unit::Entries => ("mục", "entries"),
        };
        Message::new(
            format!("«{field}» quá dài: tối đa {limit} {vietnamese}. Hãy rút ngắn lại."),
            format!("`{field}` is too long: at most {limit} {english}; shorten it"),
        )
    }
}

impl Article {
    /// The first field that exceeds its limit.
    pub fn excess(&self) -> Option<Excess> {
        let each = |field, texts: &[String], limit| {
            texts.iter().find_map(|text| Excess::in_characters(field, text, limit))
        };
        let optional = Option::as_deref;
        Excess::in_characters("title", &self.title, MAX_TITLE_CHARS)
            .or_else(|| Excess::in_characters("summary", optional(&self.summary)?, MAX_SUMMARY_CHARS))
            .or_else(|| Excess::in_entries("authors", self.authors.len(), MAX_AUTHORS))
            .or_else(|| each("authors", &self.authors, MAX_AUTHOR_CHARS))
            .or_else(|| Excess::in_entries("tags", self.tags.len(), MAX_TAGS))
            .or_else(|| each("tags", &self.tags, MAX_TAG_CHARS))
            .or_else(|| Excess::in_characters("source", optional(&self.source)?, MAX_SOURCE_CHARS))
            .or_else(|| Excess::in_bytes("link", optional(&self.link)?, MAX_LINK_BYTES))
            .or_else(|| Excess::in_bytes("language", optional(&self.language)?, MAX_LANGUAGE_BYTES))
            .or_else(|| Excess::in_entries("pictures", self.images.len(), MAX_PICTURES))
    }
}

/// Whether a text is valid as the id of an article: an absolute URI or IRI (feed rule A2).
pub fn is_iri(id: &str) -> bool {
    let is_forbidden = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"');
    !id.contains(is_forbidden) && url::Url::parse(id).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_count_their_unit_and_are_inclusive() {
        let over = |text: &str| Excess::in_characters("title", text, 3).is_some();
        assert!(!over("ắắắ") && over("ắắắắ") && !over(""));
        assert!(Excess::in_bytes("link", "ắ", 2).is_some());
        assert!(Excess::in_entries("tags", 3, 3).is_none());
    }

    #[test]
    fn ids_are_absolute_iris() {
        for good in ["tag:a.vn,2023:2023-05-12/a", "https://cu.vn/?p=1", "urn:uuid:1", "tag:cũ.vn,2010:đất"]
        {
            assert!(is_iri(good), "{good}");
        }
        for bad in ["", "a-b", "/a", "tag:a b", "tag:a\nb", "tag:<a>", "tag:\"", "\u{1}tag:a"] {
            assert!(!is_iri(bad), "{bad}");
        }
    }
}
