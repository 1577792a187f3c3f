//! Letters of legacy and symbol fonts.

use std::borrow::Cow;

use super::super::charset::Encoding;
use super::super::diagnostic::Part;
use super::super::vietnamese_encodings;
use super::{DocxReader, symbols};

impl DocxReader<'_, '_, '_, '_> {
    /// Decodes legacy text. Old documents are often corrected in new fonts, so in a document that also contains
    /// Unicode, each run is checked.
    pub(super) fn letters(&mut self, text: &str, font: &str) {
        let is_of_a_picture_font = |c: char| ('\u{F020}'..='\u{F0FF}').contains(&c);
        let is_pictures = matches!(
            font.trim().to_lowercase().as_str(),
            "symbol" | "wingdings" | "wingdings 2" | "wingdings 3" | "webdings"
        );
        if is_pictures || text.contains(is_of_a_picture_font) {
            for character in text.chars() {
                if is_of_a_picture_font(character) || is_pictures && !character.is_whitespace() {
                    self.symbol(font, u32::from(character));
                } else {
                    self.flow.text(character.encode_utf8(&mut [0; 4]), self.paragraph);
                }
            }
            return;
        }
        let text = as_meant(text, self.encoding, self.holds_unicode);
        self.flow.text(&text, self.paragraph);
    }

    pub(super) fn symbol(&mut self, font: &str, code: u32) {
        match symbols::sign(font, code) {
            Some(sign) => self.flow.text(sign.encode_utf8(&mut [0; 4]), self.paragraph),
            None => self.omit(Part::Symbol, &format!("{font} {code:X}")),
        }
    }
}

/// Converts text of a legacy font to Unicode.
fn as_meant(text: &str, encoding: Option<Encoding>, holds_unicode: bool) -> Cow<'_, str> {
    let Some(encoding) = encoding.filter(|_| !text.is_ascii() && !vietnamese_encodings::is_unicode(text))
    else {
        return Cow::Borrowed(text);
    };
    let read = vietnamese_encodings::decode(text, encoding);
    let is_old = !holds_unicode
        || vietnamese_encodings::vietnamese_share(&read) > vietnamese_encodings::vietnamese_share(text);
    if is_old { Cow::Owned(read) } else { Cow::Borrowed(text) }
}
