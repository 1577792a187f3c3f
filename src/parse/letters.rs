//! How the letters of a document are set, and what those of legacy fonts mean.

use std::borrow::Cow;

use super::charset::Encoding;
use super::safe_html::ScriptPosition;
use super::symbols;
use super::vietnamese_encodings;

/// Run properties; `None` if not set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Letters {
    pub strong: Option<bool>,
    pub emphasis: Option<bool>,
    pub struck: Option<bool>,
    pub hidden: Option<bool>,
    pub raised: Option<Option<ScriptPosition>>,
    pub font: Option<String>,
}

impl Letters {
    /// These properties on top of `base`.
    pub(super) fn over(self, base: &Self) -> Self {
        Self {
            strong: self.strong.or(base.strong),
            emphasis: self.emphasis.or(base.emphasis),
            struck: self.struck.or(base.struck),
            hidden: self.hidden.or(base.hidden),
            raised: self.raised.or(base.raised),
            font: self.font.or_else(|| base.font.clone()),
        }
    }
}

/// Converts text of a legacy font to Unicode.
pub(super) fn decoded(text: &str, encoding: Option<Encoding>, holds_unicode: bool) -> Cow<'_, str> {
    let Some(encoding) = encoding.filter(|_| !text.is_ascii() && !vietnamese_encodings::is_unicode(text))
    else {
        return Cow::Borrowed(text);
    };
    let read = vietnamese_encodings::decode(text, encoding);
    let is_old = !holds_unicode
        || vietnamese_encodings::vietnamese_share(&read) > vietnamese_encodings::vietnamese_share(text);
    if is_old { Cow::Owned(read) } else { Cow::Borrowed(text) }
}

/// The text that letters of a symbol font show; `None` for other fonts. Symbols without a character are added to
/// `unknown`.
pub(super) fn of_symbol_font(text: &str, font: &str, unknown: &mut Vec<char>) -> Option<String> {
    let is_symbol = |c: char| ('\u{F020}'..='\u{F0FF}').contains(&c);
    let is_symbol_font = matches!(
        font.trim().to_lowercase().as_str(),
        "symbol" | "wingdings" | "wingdings 2" | "wingdings 3" | "webdings"
    );
    if !is_symbol_font && !text.contains(is_symbol) {
        return None;
    }
    let mut shown = String::new();
    for character in text.chars() {
        if !is_symbol(character) && (!is_symbol_font || character.is_whitespace()) {
            shown.push(character);
        } else {
            match symbols::sign(font, u32::from(character)) {
                Some(sign) => shown.push(sign),
                None => unknown.push(character),
            }
        }
    }
    Some(shown)
}
