//! Text normalisation: NFC, without characters that feeds must not contain, white space collapsed. What is removed is
//! reported.
//!
//! Joiners (U+200C, U+200D) and direction marks are kept, because some languages need them. U+200B and U+FEFF are
//! removed.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::diagnostic::{DiagnosticKind, Diagnostics};
use crate::text::{is_plain, is_printable};

/// Normalises the texts of one file and counts the corrections.
#[derive(Debug)]
pub(super) struct Normalizer {
    /// Whether `Ð` is a typo for `Đ`: always in Vietnamese, never in other languages.
    vietnamese: bool,
    eth_count: usize,
    first_eth_line: usize,
    warnings: usize,
}

impl Normalizer {
    pub(super) fn new(language: &str) -> Self {
        let primary = language.split(['-', '_']).next().unwrap_or_default();
        let vietnamese = primary.eq_ignore_ascii_case("vi");
        Self { vietnamese, eth_count: 0, first_eth_line: 0, warnings: 0 }
    }

    /// Text on one line: trimmed, every run of white space (including no-break spaces) replaced by one space.
    pub(super) fn single_line(&mut self, raw: &str, line: usize, findings: &mut Diagnostics) -> String {
        let kept = self.text(raw, line, findings);
        fold(&kept)
    }

    /// Text with its white space.
    pub(super) fn text<'t>(&mut self, raw: &'t str, line: usize, findings: &mut Diagnostics) -> Cow<'t, str> {
        let stays = |c: char| {
            !matches!(c, '\u{200B}' | '\u{FEFF}' | 'Ð' | 'ð' | '\u{189}') && (is_printable(c) || c == '\r')
        };
        if is_plain(raw) && !has_eth(raw) {
            return Cow::Borrowed(raw);
        }
        if raw.chars().all(stays) {
            return to_nfc(raw);
        }
        let mut forbidden = Vec::new();
        let mut kept = String::with_capacity(raw.len());
        for character in raw.chars() {
            match character {
                '\u{200B}' | '\u{FEFF}' => {}
                'Ð' | 'ð' | '\u{189}' if self.vietnamese => {
                    self.count_eth(line);
                    kept.push(if character == 'ð' { 'đ' } else { 'Đ' });
                }
                '\u{85}' => kept.push('\n'),
                _ if is_printable(character) || character == '\r' => kept.push(character),
                _ => {
                    // Old word processors use these two for line and page breaks.
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

    /// Adds the diagnostics about the whole file.
    pub(super) fn finish(self, findings: &mut Diagnostics) {
        if self.eth_count > 0 {
            findings.note(self.first_eth_line, DiagnosticKind::EthUsedAsD { count: self.eth_count });
        }
    }

    fn count_eth(&mut self, line: usize) {
        if self.eth_count == 0 {
            self.first_eth_line = line;
        }
        self.eth_count += 1;
    }

    fn report(&mut self, characters: Vec<char>, line: usize, findings: &mut Diagnostics) {
        // Maximum number of warnings per file.
        const MAX_WARNINGS: usize = 100;
        if !characters.is_empty() && self.warnings < MAX_WARNINGS {
            self.warnings += 1;
            findings.warn(line, DiagnosticKind::ForbiddenCharacters { characters });
        }
    }
}

/// Whether the text has one of the letters that look like `Đ`: `Ð`, `ð` and `Ɖ`.
fn has_eth(text: &str) -> bool {
    // Without early exit and branches, and with bytes for the answers, the compiler looks at many bytes at once.
    let is_eth = |first: u8, second: u8| {
        (first == 0xc3) & ((second == 0x90) | (second == 0xb0)) | (first == 0xc6) & (second == 0x89)
    };
    text.as_bytes().windows(2).fold(0, |any, bytes| any | u8::from(is_eth(bytes[0], bytes[1]))) != 0
}

/// Whether [`fold`] would change nothing. False if in doubt.
fn is_folded(text: &str) -> bool {
    // White space beyond ASCII begins with these bytes, and few Vietnamese letters do.
    let may_be_wide = |first: u8, second: u8| {
        (first == 0xc2) | (first == 0xe2) | (first == 0xe3) | (first == 0xe1) & (second == 0x9a)
    };
    let is_control = |byte: u8| (b'\t'..=b'\r').contains(&byte);
    let folds = |first: u8, second: u8| {
        (first == b' ') & (second == b' ') | is_control(first) | may_be_wide(first, second)
    };
    let (Some(first), Some(last)) = (text.bytes().next(), text.bytes().last()) else { return true };
    // Without early exit and branches, and with bytes for the answers, the compiler looks at many bytes at once.
    first != b' '
        && !folds(last, b' ')
        && text.as_bytes().windows(2).fold(0, |any, bytes| any | u8::from(folds(bytes[0], bytes[1]))) == 0
}

/// Trims and collapses white space, including no-break spaces.
pub(super) fn fold(text: &str) -> String {
    // NOTE: called for every line, and most lines are folded.
    if is_folded(text) {
        return text.to_owned();
    }
    let mut folded = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(word);
    }
    folded
}

/// The text in lower case and without punctuation at both ends, for comparisons.
pub(super) fn comparison_key(text: &str) -> String {
    let bare = text.trim_matches(|c: char| !c.is_alphanumeric());
    bare.to_lowercase()
}

/// The number of words, separated by white space.
pub(super) fn word_count(text: &str) -> usize {
    if is_folded(text) && !text.is_empty() {
        return text.bytes().filter(|byte| *byte == b' ').count() + 1;
    }
    text.split_whitespace().count()
}

/// Whether the text has more than `most` characters; stops counting there.
pub(super) fn exceeds_chars(text: &str, max_chars: usize) -> bool {
    text.len() > max_chars && text.chars().nth(max_chars).is_some()
}

/// Whether the text ends like a sentence: with a full stop, question mark, exclamation mark or ellipsis, ignoring
/// closing quotes and brackets.
pub(super) fn ends_a_sentence(text: &str) -> bool {
    let bare = text.trim_end_matches(['"', '”', '’', '»', ')', ']', '\'', ' ']);
    bare.ends_with(['.', '!', '?', '…', ':', ';']) || text.ends_with('”') && bare.ends_with(',')
}

/// Whether the text is prose rather than a title, a name or a menu: a sentence of some length, or a very long text.
pub(super) fn is_prose(text: &str) -> bool {
    exceeds_chars(text, 220) || ends_a_sentence(text) && text.split_whitespace().nth(7).is_some()
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
    use proptest::prelude::*;

    fn cleaned(raw: &str) -> (String, Vec<super::super::diagnostic::Diagnostic>) {
        let mut findings = Diagnostics::default();
        let mut normalizer = Normalizer::new("vi");
        let text = normalizer.single_line(raw, 7, &mut findings);
        normalizer.finish(&mut findings);
        (text, findings.into_sorted())
    }

    #[test]
    fn collapses_white_space_and_removes_invisible_characters() {
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
    fn removes_and_reports_characters_that_feeds_must_not_contain() {
        for (raw, text, removed) in [
            ("Đăk\u{3} T\u{fffe}ô\u{b}2023", "Đăk Tô 2023", "U+0003, U+FFFE, U+000B"),
            ("Đăk\u{9d} T\u{80}ô\u{7f}", "Đăk Tô", "U+009D, U+0080, U+007F"),
            ("Đăk \u{202e}Tô\u{202c}\u{202d}", "Đăk Tô\u{202c}", "U+202E, U+202D"),
        ] {
            let (clean, findings) = cleaned(raw);
            assert_eq!(clean, text, "{raw:?}");
            assert_eq!((findings.len(), findings[0].line), (1, 7), "{raw:?}");
            assert!(findings[0].kind.message().english.contains(removed), "{raw:?}");
        }
        assert_eq!(cleaned("Đăk\u{85}Tô\r\n"), ("Đăk Tô".to_owned(), Vec::new()), "ends of lines");
    }

    proptest! {
        #[test]
        fn words_are_counted_and_folded_as_white_space_separates_them(text in "[ \t\u{a0}\u{1680}\u{2003}\u{3000}aả“]{0,12}") {
            let words: Vec<&str> = text.split_whitespace().collect();
            prop_assert_eq!(word_count(&text), words.len());
            prop_assert_eq!(fold(&text), words.join(" "));
        }
    }

    #[test]
    fn replaces_eth_only_in_vietnamese() {
        assert_eq!(cleaned("Ðăk Tô, ðồng lòng").0, "Đăk Tô, đồng lòng");
        let mut findings = Diagnostics::default();
        assert_eq!(Normalizer::new("is").single_line("Það", 1, &mut findings), "Það");
    }
}
