//! Texts on their way into a page.

pub(super) use crate::text::{http_url, truncate, xml_safe, xml_safe_nfc as clean};

/// `text` where it has the shape of a language tag (BCP 47); a language that nobody can read is better not named.
pub(super) fn language_tag(text: Option<&str>) -> Option<&str> {
    text.and_then(crate::text::language_tag)
}

/// The value of `dir` for a text in this language, where it is not the page's.
pub(super) fn direction(text: Option<&str>) -> Option<&'static str> {
    language_tag(text).and_then(crate::text::direction)
}
