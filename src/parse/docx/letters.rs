//! Letters of legacy and symbol fonts.

use super::super::diagnostic::Part;
use super::super::letters::{decoded, of_symbol_font};
use super::super::symbols;
use super::DocxReader;

impl DocxReader<'_, '_, '_, '_> {
    /// Writes text in its font. Old documents are often corrected in new fonts, so in a document that also contains
    /// Unicode, each run of a legacy font is checked.
    pub(super) fn letters(&mut self, text: &str, font: &str) {
        let mut unknown = Vec::new();
        match of_symbol_font(text, font, &mut unknown) {
            Some(shown) => self.flow.text(&shown, self.paragraph),
            None => self.flow.text(&decoded(text, self.encoding, self.holds_unicode), self.paragraph),
        }
        for symbol in unknown {
            self.omit(Part::Symbol, &format!("{font} {:X}", u32::from(symbol)));
        }
    }

    pub(super) fn symbol(&mut self, font: &str, code: u32) {
        match symbols::sign(font, code) {
            Some(sign) => self.flow.text(sign.encode_utf8(&mut [0; 4]), self.paragraph),
            None => self.omit(Part::Symbol, &format!("{font} {code:X}")),
        }
    }
}
