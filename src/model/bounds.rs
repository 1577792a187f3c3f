//! How long what is stored of an article may be. The same bounds hold on every road: folder, import, command, API.
//!
//! They lie far above what an office writes. What is longer is no title, name or tag, but a mistake or an attack:
//! it would make pages and feeds unreadable, or its id could not be written in a URL any more.

use std::fmt;

use super::Article;

/// Bytes of an id: it must fit into one segment of a path, percent-encoded.
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
/// Characters of the line that names the source.
pub const MAX_SOURCE_CHARS: usize = 1000;
/// Bytes of the link to the publisher's own site.
pub const MAX_LINK_BYTES: usize = 2048;
/// Bytes of a language tag (BCP 47 recommends room for 35).
pub const MAX_LANGUAGE_BYTES: usize = 64;
/// Pictures of one article.
pub const MAX_PICTURES: usize = 500;
/// Channels that one article is put into.
pub const MAX_CHANNELS: usize = 100;
/// Characters of the reason for a withdrawal.
pub const MAX_REASON_CHARS: usize = 2000;
/// Bytes of the path of a file: less than an index entry of any engine takes.
pub const MAX_PATH_BYTES: usize = 1900;

/// A field that is longer than its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Excess {
    /// Its name in front matter and JSON.
    pub field: &'static str,
    /// How much it may hold.
    pub limit: usize,
    /// What is counted.
    pub unit: Unit,
}

/// What a bound counts.
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
    /// `text` against a bound in characters.
    pub fn in_characters(field: &'static str, text: &str, limit: usize) -> Option<Self> {
        // No text has more characters than bytes: most are never counted.
        let is_over = text.len() > limit && text.chars().nth(limit).is_some();
        is_over.then_some(Self { field, limit, unit: Unit::Characters })
    }

    /// `text` against a bound in bytes.
    pub fn in_bytes(field: &'static str, text: &str, limit: usize) -> Option<Self> {
        (text.len() > limit).then_some(Self { field, limit, unit: Unit::Bytes })
    }

    /// `count` against a bound in entries.
    pub fn in_entries(field: &'static str, count: usize, limit: usize) -> Option<Self> {
        (count > limit).then_some(Self { field, limit, unit: Unit::Entries })
    }

    /// The message for the office.
    pub fn vietnamese(&self) -> String {
        let Self { field, limit, unit } = self;
        let unit = match unit {
            Unit::Characters => "ký tự",
            Unit::Bytes => "byte",
            Unit::Entries => "mục",
        };
        format!("`{field}` quá dài: tối đa {limit} {unit}. Hãy rút ngắn lại.")
    }
}

impl fmt::Display for Excess {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, limit, unit } = self;
        let unit = match unit {
            Unit::Characters => "characters",
            Unit::Bytes => "bytes",
            Unit::Entries => "entries",
        };
        write!(formatter, "`{field}` is too long: at most {limit} {unit}; shorten it")
    }
}

impl Article {
    /// The first field that is longer than its bound.
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

/// True where a text can be the id that an author gives: an absolute URI or IRI (rule A2).
pub fn is_iri(id: &str) -> bool {
    let has_foreign = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"');
    !id.contains(has_foreign) && url::Url::parse(id).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_counts_what_it_says_and_takes_what_just_fits() {
        let over = |text: &str| Excess::in_characters("title", text, 3).is_some();
        assert!(!over("ắắắ") && over("ắắắắ") && !over(""));
        assert!(Excess::in_bytes("link", "ắ", 2).is_some());
        assert!(Excess::in_entries("tags", 3, 3).is_none());
    }

    #[test]
    fn an_id_is_a_whole_iri() {
        for good in ["tag:a.vn,2023:2023-05-12/a", "https://cu.vn/?p=1", "urn:uuid:1", "tag:cũ.vn,2010:đất"]
        {
            assert!(is_iri(good), "{good}");
        }
        for bad in ["", "a-b", "/a", "tag:a b", "tag:a\nb", "tag:<a>", "tag:\"", "\u{1}tag:a"] {
            assert!(!is_iri(bad), "{bad}");
        }
    }
}
