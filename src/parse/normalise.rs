//! Text as it may stand in an article: NFC, without what XML forbids, white space folded.
//!
//! Joiners (U+200C, U+200D) and direction marks stay: other languages need them. U+200B and U+FEFF go.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::diagnostic::{DiagnosticKind, Diagnostics};

/// Cleans the texts of one file and remembers what it had to do.
#[derive(Debug)]
pub(super) struct Normalizer {
    /// Whether `Ð` is a slip for `Đ`: in Vietnamese always, in Icelandic never.
    vietnamese: bool,
    icelandic: usize,
    icelandic_line: usize,
    complaints: usize,
}

impl Normalizer {
    pub(super) fn new(language: &str) -> Self {
        let primary = language.split(['-', '_']).next().unwrap_or_default();
        let vietnamese = primary.eq_ignore_ascii_case("vi");
        Self { vietnamese, icelandic: 0, icelandic_line: 0, complaints: 0 }
    }

    /// A text on one line: trimmed, every run of white space (no-break spaces too) one space.
    pub(super) fn single_line(&mut self, raw: &str, line: usize, findings: &mut Diagnostics) -> String {
        let kept = self.text(raw, line, findings);
        fold(&kept)
    }

    /// A text whose white space has a meaning: markup.
    pub(super) fn text<'t>(&mut self, raw: &'t str, line: usize, findings: &mut Diagnostics) -> Cow<'t, str> {
        let stays =
            |c: char| !matches!(c, '\u{200B}' | '\u{FEFF}' | 'Ð' | 'ð' | '\u{189}') && is_xml_character(c);
        if raw.chars().all(stays) {
            return to_nfc(raw);
        }
        let mut forbidden = Vec::new();
        let mut kept = String::with_capacity(raw.len());
        for character in raw.chars() {
            match character {
                '\u{200B}' | '\u{FEFF}' => {}
                'Ð' | 'ð' | '\u{189}' if self.vietnamese => {
                    self.count_icelandic(line);
                    kept.push(if character == 'ð' { 'đ' } else { 'Đ' });
                }
                _ if is_xml_character(character) => kept.push(character),
                _ => {
                    // Old word processors break lines and pages with these two.
                    if matches!(character, '\u{B}' | '\u{C}') {
                        kept.push(' ');
                    }
                    if !forbidden.contains(&character) && forbidden.len() < 8 {
                        forbidden.push(character);
                    }
                }
            }
        }
        self.report(forbidden, line, findings);
        Cow::Owned(to_nfc(&kept).into_owned())
    }

    /// Says what is said once for a whole file.
    pub(super) fn finish(self, findings: &mut Diagnostics) {
        if self.icelandic > 0 {
            findings.note(self.icelandic_line, DiagnosticKind::EthUsedAsD { count: self.icelandic });
        }
    }

    fn count_icelandic(&mut self, line: usize) {
        if self.icelandic == 0 {
            self.icelandic_line = line;
        }
        self.icelandic += 1;
    }

    fn report(&mut self, characters: Vec<char>, line: usize, findings: &mut Diagnostics) {
        // A file full of rubbish is told about so often and no further.
        const MOST: usize = 100;
        if !characters.is_empty() && self.complaints < MOST {
            self.complaints += 1;
            findings.warn(line, DiagnosticKind::ForbiddenCharacters { characters });
        }
    }
}

/// The `Char` production of XML 1.0.
pub(super) fn is_xml_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// Trims and folds white space; no-break spaces are white space.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(word);
    }
    folded
}

/// The same words for comparison: lower case, without the marks at either end.
pub(super) fn comparison_key(text: &str) -> String {
    let bare = text.trim_matches(|c: char| !c.is_alphanumeric());
    bare.to_lowercase()
}

/// How many words, by white space.
pub(super) fn word_count(text: &str) -> usize {
    text.split_whitespace().count()
}

/// How many characters, counted no further than `most + 1`.
pub(super) fn exceeds_chars(text: &str, most: usize) -> bool {
    text.len() > most && text.chars().nth(most).is_some()
}

/// Ends like a sentence: with a full stop, question or exclamation mark or an ellipsis, quotes and brackets
/// behind it looked through.
pub(super) fn ends_a_sentence(text: &str) -> bool {
    let bare = text.trim_end_matches(['"', '”', '’', '»', ')', ']', '\'', ' ']);
    bare.ends_with(['.', '!', '?', '…', ':', ';']) || text.ends_with('”') && bare.ends_with(',')
}

/// Is prose rather than a title, a name or a menu: a sentence of some length, or too long for anything else.
pub(super) fn is_prose(text: &str) -> bool {
    word_count(text) >= 8 && ends_a_sentence(text) || exceeds_chars(text, 220)
}

/// The text in NFC.
pub(super) fn to_nfc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.nfc().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(raw: &str) -> (String, Vec<super::super::diagnostic::Diagnostic>) {
        let mut findings = Diagnostics::default();
        let mut cleaner = Normalizer::new("vi");
        let text = cleaner.single_line(raw, 7, &mut findings);
        cleaner.finish(&mut findings);
        (text, findings.into_sorted())
    }

    #[test]
    fn every_kind_of_white_space_folds_and_invisible_marks_go() {
        for (raw, text) in [
            ("\u{a0}Đăk\u{a0}\u{a0}Tô\u{3000}", "Đăk Tô"),
            ("Đăk\u{200b}Tô\u{feff}", "ĐăkTô"),
            ("\u{a0}\u{2003}\t", ""),
            ("a\u{200d}b\u{200e}c", "a\u{200d}b\u{200e}c"),
            ("Huye\u{302}\u{323}n Đa\u{306}k To\u{302}", "Huyện Đăk Tô"),
            ("Huyê\u{323}n", "Huyện"),
        ] {
            assert_eq!(cleaned(raw), (text.to_owned(), Vec::new()), "{raw:?}");
        }
    }

    #[test]
    fn what_xml_forbids_is_removed_and_told_with_its_line() {
        let (text, findings) = cleaned("Đăk\u{3} T\u{fffe}ô\u{b}2023");
        assert_eq!(text, "Đăk Tô 2023");
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].line, 7);
        assert!(findings[0].kind.english().contains("U+0003, U+FFFE, U+000B"));
    }

    #[test]
    fn an_icelandic_d_is_a_vietnamese_one_only_in_vietnamese() {
        assert_eq!(cleaned("Ðăk Tô, ðồng lòng").0, "Đăk Tô, đồng lòng");
        let mut findings = Diagnostics::default();
        assert_eq!(Normalizer::new("is").single_line("Það", 1, &mut findings), "Það");
    }
}
