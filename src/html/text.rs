//! Text helpers of the pages.

pub(super) use crate::text::{http_url, truncate, xml_safe_nfc as clean};

/// A valid language tag (BCP 47), or none.
pub(super) fn language_tag(text: Option<&str>) -> Option<&str> {
    text.and_then(crate::text::language_tag)
}

/// The value of `dir` for a right-to-left language.
pub(super) fn direction(text: Option<&str>) -> Option<&'static str> {
    language_tag(text).and_then(crate::text::direction)
}
