//! The gate through which every text enters a document.

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization as _, is_nfc};

/// `text` without the characters that XML 1.0 forbids (§2.2) and with the line ends that every XML reader
/// would make of it (§2.11: CR and CRLF become LF). Nothing else goes: emoji, joiners and direction marks
/// stay. JSON gets the same text, so that one article never reads differently in two formats.
///
/// NOTE: `rss` and `atom_syndication` let forbidden characters pass, and one of them ends the whole feed
/// for every reader (rule R14).
pub fn printable(text: &str) -> Cow<'_, str> {
    if surely_printable(text) || text.chars().all(|character| is_xml(character) && character != '\r') {
        return Cow::Borrowed(text);
    }
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    Cow::Owned(lines.chars().filter(|character| is_xml(*character)).collect())
}

/// A running text: printable, in NFC (rule R14).
///
/// NOTE: only for plain text. In markup, NFC melts a `>` with a combining stroke behind it into `≯`.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    let text = printable(text);
    if surely_nfc(&text) || is_nfc(&text) { text } else { Cow::Owned(text.nfc().collect()) }
}

/// A text that stands on one line: a title, a name, a label (rule R9).
pub(super) fn one_line(text: &str) -> Cow<'_, str> {
    on_one_line(plain(text))
}

/// An id or a URL: on one line, so that it reads the same in an attribute and in an element, and otherwise
/// as it was given, for it is compared byte for byte (rules R4, A2).
pub(super) fn token(text: &str) -> Cow<'_, str> {
    on_one_line(printable(text))
}

/// `text` as the text of HTML, or as a value between double quotes.
pub(super) fn escape_html(text: &str) -> Cow<'_, str> {
    let reference = |byte: u8| match byte {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'"' => Some("&quot;"),
        _ => None,
    };
    if text.bytes().all(|byte| reference(byte).is_none()) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 32);
    let mut copied = 0;
    for (place, byte) in text.bytes().enumerate() {
        if let Some(reference) = reference(byte) {
            escaped.push_str(&text[copied..place]);
            escaped.push_str(reference);
            copied = place + 1;
        }
    }
    escaped.push_str(&text[copied..]);
    Cow::Owned(escaped)
}

/// Nearly every text is clean, and its bytes show it: no control character, and no `EF`, with which the two
/// forbidden characters beyond them begin in UTF-8.
fn surely_printable(text: &str) -> bool {
    text.bytes().all(|byte| (byte >= 0x20 && byte != 0xEF) || matches!(byte, b'\t' | b'\n'))
}

/// Nearly every text is composed Vietnamese, for which no table need be asked: each of these characters is
/// in NFC beside any other of them.
fn surely_nfc(text: &str) -> bool {
    text.chars().all(never_changes_in_nfc)
}

/// Latin, Vietnamese, and the dashes, quotes and dots of print.
fn never_changes_in_nfc(character: char) -> bool {
    matches!(character, '\0'..='\u{2ff}' | '\u{1e00}'..='\u{1eff}' | '\u{2010}'..='\u{2027}')
}

/// The `Char` production of XML 1.0 §2.2; surrogates cannot occur in a `str`.
fn is_xml(character: char) -> bool {
    !matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

/// Readers trim the ends, and make spaces of the line ends and tabs in an attribute; done here, it is the
/// same for all of them.
fn on_one_line(text: Cow<'_, str>) -> Cow<'_, str> {
    const BREAKS: [char; 2] = ['\n', '\t'];
    const EDGES: [char; 3] = [' ', '\n', '\t'];
    if !text.contains(BREAKS) && !text.starts_with(' ') && !text.ends_with(' ') {
        return text;
    }
    Cow::Owned(text.trim_matches(EDGES).replace(BREAKS, " "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn forbidden_characters_go_and_nothing_else_does_r14() {
        for (given, meant) in [
            ("Đất & Người", "Đất & Người"),
            ("a\u{3}b\u{0}c\u{b}\u{c}\u{1f}d", "abcd"),
            ("a\u{fffe}b\u{ffff}c", "abc"),
            ("một\rhai\r\nba\nbốn\tnăm", "một\nhai\nba\nbốn\tnăm"),
            (
                "👨‍👩‍👧 \u{200e}\u{200d}\u{feff}\u{a0}\u{85}\u{1fffe}",
                "👨‍👩‍👧 \u{200e}\u{200d}\u{feff}\u{a0}\u{85}\u{1fffe}",
            ),
            ("\r\u{3}\n", "\n\n"),
        ] {
            assert_eq!(printable(given), meant, "{given:?}");
        }
        assert!(matches!(printable("Xã hội\n"), Cow::Borrowed(_)), "nothing to mend, nothing copied");
    }

    #[test]
    fn running_text_is_in_nfc_and_an_id_stays_byte_for_byte_r14_a2() {
        assert_eq!(plain("Xa\u{303} ho\u{302}\u{323}i"), "Xã hội");
        assert_eq!(plain("e\u{3}\u{301}"), "é", "the filter comes first, or the text would not be in NFC");
        assert_eq!(token("tag:a.vn,2023:xa\u{303}"), "tag:a.vn,2023:xa\u{303}");
    }

    #[test]
    fn what_is_taken_for_composed_is_so_beside_any_neighbour() {
        use unicode_normalization::char::canonical_combining_class;
        use unicode_normalization::{IsNormalized, is_nfc_quick};
        let mut seen = 0;
        for character in ('\0'..=char::MAX).filter(|character| never_changes_in_nfc(*character)) {
            assert_eq!(is_nfc_quick(std::iter::once(character)), IsNormalized::Yes, "{character:?}");
            assert_eq!(canonical_combining_class(character), 0, "{character:?}");
            seen += 1;
        }
        assert_eq!(seen, 0x300 + 0x100 + 0x18);
    }

    #[test]
    fn a_title_stands_on_one_line() {
        assert_eq!(one_line(" \tHội nghị\r\nđã họp\n"), "Hội nghị đã họp");
        assert_eq!(one_line("\u{a0}giữ nguyên\u{a0}"), "\u{a0}giữ nguyên\u{a0}");
    }

    fn any_text() -> impl Strategy<Value = String> {
        proptest::collection::vec(any::<char>(), 0..40).prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn any_text_is_clean_after_one_pass(text in any_text()) {
            for gate in [printable, plain, one_line, token] {
                let once = gate(&text).into_owned();
                prop_assert_eq!(gate(&once), once.as_str(), "a second pass finds nothing to do");
                prop_assert!(!surely_printable(&once) || once.chars().all(is_xml));
                let document = format!("<a>{}</a>", escape_html(&once));
                let read = roxmltree::Document::parse(&document).map_err(|e| TestCaseError::fail(e.to_string()))?;
                prop_assert_eq!(read.root_element().text().unwrap_or_default(), once.as_str());
            }
        }

        #[test]
        fn what_is_kept_keeps_its_order(text in any_text()) {
            let kept: String = text.replace("\r\n", "\n").chars().map(|c| if c == '\r' { '\n' } else { c }).filter(|c| is_xml(*c)).collect();
            prop_assert_eq!(printable(&text), kept);
        }
    }
}
