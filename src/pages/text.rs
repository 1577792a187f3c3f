//! Texts on their way into a page.

pub(super) use crate::text::{beginning, plain as clean, printable, web_url};

/// `text` where it has the shape of a language tag (BCP 47); a language that nobody can read is better not named.
pub(super) fn language(text: Option<&str>) -> Option<&str> {
    text.and_then(crate::text::language_tag)
}

/// The value of `dir` for a text in this language, where it is not the page's.
pub(super) fn direction(text: Option<&str>) -> Option<&'static str> {
    language(text).and_then(crate::text::direction)
}
