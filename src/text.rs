//! What a text may hold wherever it is shown: in feeds, on pages, in answers of the API.

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization as _, is_nfc};

/// `text` without what no document may hold: the characters that XML 1.0 forbids (§2.2), the control characters
/// U+007F to U+009F, and the directional overrides, which show a text as another one than it is. Line ends are
/// those that every XML reader would make of them (§2.11: CR and CRLF become LF). Nothing else goes: emoji,
/// joiners and direction marks stay. JSON gets the same text, so that one article never reads differently in two
/// formats.
///
/// NOTE: `rss` and `atom_syndication` let forbidden characters pass, and one of them ends the whole feed
/// for every reader (rule R14).
pub fn xml_safe(text: &str) -> Cow<'_, str> {
    if is_ascii_printable(text) || text.chars().all(is_printable) {
        return Cow::Borrowed(text);
    }
    let lines = text.replace("\r\n", "\n").replace(['\r', '\u{85}'], "\n");
    Cow::Owned(lines.chars().filter(|character| is_printable(*character)).collect())
}

/// A running text: printable, in NFC (rule R14), and with every change of direction closed on its line.
///
/// NOTE: only for plain text. In markup, NFC melts a `>` with a combining stroke behind it into `≯`.
pub fn xml_safe_nfc(text: &str) -> Cow<'_, str> {
    let text = xml_safe(text);
    let text = if is_surely_nfc(&text) || is_nfc(&text) { text } else { Cow::Owned(text.nfc().collect()) };
    if text.contains(is_embedding) { Cow::Owned(balanced(&text)) } else { text }
}

/// A text that stands on one line: a title, a name, a label (rule R9).
pub fn single_line(text: &str) -> Cow<'_, str> {
    collapse_lines(xml_safe_nfc(text))
}

/// An id or a URL: on one line, so that it reads the same in an attribute and in an element, and otherwise
/// as it was given, for it is compared byte for byte (rules R4, A2).
pub fn identifier(text: &str) -> Cow<'_, str> {
    let text = match text.chars().all(|character| is_xml(character) && character != '\r') {
        true => Cow::Borrowed(text),
        false => {
            let lines = text.replace("\r\n", "\n").replace('\r', "\n");
            Cow::Owned(lines.chars().filter(|character| is_xml(*character)).collect())
        }
    };
    collapse_lines(text)
}

/// The beginning of `text`, so many characters at most, cut between words.
pub fn truncate(text: &str, characters: usize) -> Cow<'_, str> {
    let text = xml_safe_nfc(text);
    let Some((end, _)) = text.char_indices().nth(characters) else { return text };
    let head = &text[..end];
    let cut = head.rfind(char::is_whitespace).filter(|cut| *cut > end / 2).unwrap_or(end);
    let head = head[..cut].trim_end().trim_end_matches([',', ';', ':', '.', '–', '-']);
    // What is cut may have lost the end of a change of direction.
    format!("{}…", head.replace(is_embedding, "")).into()
}

/// Bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An absolute http or https URL, percent-encoded where it must be.
///
/// SECURITY: a `javascript:` address typed into an article's front matter becomes nobody's link.
pub fn http_url(text: &str) -> Option<String> {
    let url = url::Url::parse(text).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| url.into())
}

/// `text` where it has the shape of a language tag (BCP 47, RFC 5646 §2.1) in use: a language of two or three letters,
/// or `x` or `i` and more, then parts of 1 to 8 letters and digits. A language that nobody can read is better not
/// named.
pub fn language_tag(text: &str) -> Option<&str> {
    let part = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    let (first, rest) = text.split_once('-').map_or((text, None), |(first, rest)| (first, Some(rest)));
    let has_language = match first.len() {
        1 => matches!(first, "x" | "X" | "i" | "I") && rest.is_some(),
        length => matches!(length, 2 | 3) && first.bytes().all(|b| b.is_ascii_alphabetic()),
    };
    (has_language && rest.is_none_or(|rest| rest.split('-').all(part))).then_some(text)
}

/// The value of `dir` for a text in this language (BCP 47), where it is written from right to left.
pub fn direction(language: &str) -> Option<&'static str> {
    const SCRIPTS: [&str; 12] =
        ["adlm", "arab", "aran", "hebr", "mand", "mend", "nkoo", "rohg", "samr", "syrc", "syrj", "thaa"];
    const LANGUAGES: [&str; 21] = [
        "ar", "arc", "arz", "ckb", "dv", "fa", "glk", "he", "iw", "ji", "ks", "mzn", "nqo", "pnb", "prs",
        "ps", "sd", "syr", "ug", "ur", "yi",
    ];
    let tag = language.to_ascii_lowercase();
    let mut parts = tag.split('-');
    let first = parts.next().unwrap_or_default();
    let script = parts.find(|part| part.len() == 4 && part.bytes().all(|byte| byte.is_ascii_alphabetic()));
    let from_right = match script {
        Some(script) => SCRIPTS.contains(&script),
        None => LANGUAGES.contains(&first),
    };
    from_right.then_some("rtl")
}

/// `text` as the text of HTML, or as a value between double quotes.
pub fn escape_html(text: &str) -> Cow<'_, str> {
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

/// Nearly every text is clean, and its bytes show it: no control character; no `C2` and no `E2`, with which the
/// others and the overrides begin in UTF-8; and no `EF`, with which the forbidden characters beyond them do.
fn is_ascii_printable(text: &str) -> bool {
    text.bytes().all(|byte| {
        (byte >= 0x20 && !matches!(byte, 0x7f | 0xc2 | 0xe2 | 0xef)) || matches!(byte, b'\t' | b'\n')
    })
}

/// Nearly every text is composed Vietnamese, for which no table need be asked: each of these characters is
/// in NFC beside any other of them.
fn is_surely_nfc(text: &str) -> bool {
    text.chars().all(is_nfc_stable)
}

/// Latin, Vietnamese, and the dashes, quotes and dots of print.
fn is_nfc_stable(character: char) -> bool {
    matches!(character, '\0'..='\u{2ff}' | '\u{1e00}'..='\u{1eff}' | '\u{2010}'..='\u{2027}')
}

/// The `Char` production of XML 1.0 §2.2; surrogates cannot occur in a `str`.
fn is_xml(character: char) -> bool {
    !matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

/// Shown as it is.
///
/// SECURITY: U+202D and U+202E turn a title round, and all that stands behind it.
fn is_printable(character: char) -> bool {
    is_xml(character) && !matches!(character, '\r' | '\u{7f}'..='\u{9f}' | '\u{202d}' | '\u{202e}')
}

/// Begins or ends a change of direction (UAX #9): an embedding or an isolate.
fn is_embedding(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202c}' | '\u{2066}'..='\u{2069}')
}

/// `text` with every change of direction closed on the line on which it begins, and no end without a beginning:
/// whatever stands behind the text keeps its own direction.
fn balanced(text: &str) -> String {
    /// UAX #9 goes no deeper than 125.
    const DEEPEST: usize = 60;
    const POP_EMBEDDING: char = '\u{202c}';
    const POP_ISOLATE: char = '\u{2069}';
    let is_isolate = |opened: &char| *opened == POP_ISOLATE;
    let mut written = String::with_capacity(text.len() + 8);
    // What closes each change that is open.
    let mut open: Vec<char> = Vec::new();
    for character in text.chars() {
        match character {
            '\u{202a}' | '\u{202b}' | '\u{2066}'..='\u{2068}' => {
                if open.len() < DEEPEST {
                    let embeds = matches!(character, '\u{202a}' | '\u{202b}');
                    open.push(if embeds { POP_EMBEDDING } else { POP_ISOLATE });
                    written.push(character);
                }
            }
            POP_EMBEDDING => {
                if open.last() == Some(&POP_EMBEDDING) {
                    written.extend(open.pop());
                }
            }
            POP_ISOLATE => {
                if let Some(place) = open.iter().rposition(is_isolate) {
                    written.extend(open.drain(place..).rev());
                }
            }
            '\n' => {
                written.extend(open.drain(..).rev());
                written.push('\n');
            }
            character => written.push(character),
        }
    }
    written.extend(open.drain(..).rev());
    written
}

/// Readers trim the ends, and make spaces of the line ends and tabs in an attribute; done here, it is the
/// same for all of them.
fn collapse_lines(text: Cow<'_, str>) -> Cow<'_, str> {
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
                "👨‍👩‍👧 \u{200e}\u{200f}\u{61c}\u{200d}\u{feff}\u{a0}\u{1fffe}",
                "👨‍👩‍👧 \u{200e}\u{200f}\u{61c}\u{200d}\u{feff}\u{a0}\u{1fffe}",
            ),
            ("\r\u{3}\n", "\n\n"),
            ("a\u{80}b\u{9f}c\u{7f}d\u{85}e", "abcd\ne"),
            ("ai\u{202e}oàb\u{202d} \u{202b}x\u{202c}", "aioàb \u{202b}x\u{202c}"),
        ] {
            assert_eq!(xml_safe(given), meant, "{given:?}");
        }
        assert!(matches!(xml_safe("Xã hội\n"), Cow::Borrowed(_)), "nothing to mend, nothing copied");
    }

    #[test]
    fn running_text_is_in_nfc_and_an_id_stays_byte_for_byte_r14_a2() {
        assert_eq!(xml_safe_nfc("Xa\u{303} ho\u{302}\u{323}i"), "Xã hội");
        assert_eq!(
            xml_safe_nfc("e\u{3}\u{301}"),
            "é",
            "the filter comes first, or the text would not be in NFC"
        );
        assert_eq!(identifier("tag:a.vn,2023:xa\u{303}"), "tag:a.vn,2023:xa\u{303}");
    }

    #[test]
    fn what_is_taken_for_composed_is_so_beside_any_neighbour() {
        use unicode_normalization::char::canonical_combining_class;
        use unicode_normalization::{IsNormalized, is_nfc_quick};
        let mut seen = 0;
        for character in ('\0'..=char::MAX).filter(|character| is_nfc_stable(*character)) {
            assert_eq!(is_nfc_quick(std::iter::once(character)), IsNormalized::Yes, "{character:?}");
            assert_eq!(canonical_combining_class(character), 0, "{character:?}");
            seen += 1;
        }
        assert_eq!(seen, 0x300 + 0x100 + 0x18);
    }

    #[test]
    fn a_title_stands_on_one_line() {
        assert_eq!(single_line(" \tHội nghị\r\nđã họp\n"), "Hội nghị đã họp");
        assert_eq!(single_line("\u{a0}giữ nguyên\u{a0}"), "\u{a0}giữ nguyên\u{a0}");
    }

    #[test]
    fn a_change_of_direction_ends_with_its_line() {
        for (given, meant) in [
            ("\u{202b}abc", "\u{202b}abc\u{202c}"),
            ("\u{2067}abc\u{202c}", "\u{2067}abc\u{2069}"),
            ("abc\u{202c}\u{2069}", "abc"),
            ("\u{2067}a\u{202a}b\u{2069}c", "\u{2067}a\u{202a}b\u{202c}\u{2069}c"),
            ("\u{2068}a\nb\u{2069}", "\u{2068}a\u{2069}\nb"),
            ("\u{202e}\u{202b}a\u{202c}b\u{202c}", "\u{202b}a\u{202c}b"),
        ] {
            assert_eq!(xml_safe_nfc(given), meant, "{given:?}");
        }
        let deep = "\u{2067}".repeat(10_000);
        assert!(xml_safe_nfc(&deep).chars().count() < 200);
        assert_eq!(single_line("\u{2067}a\nb"), "\u{2067}a\u{2069} b");
    }

    #[test]
    fn what_is_written_from_right_to_left_is_known_by_its_language() {
        for right in ["ar", "AR-eg", "he", "fa-IR", "ur", "az-Arab", "yi", "dv", "ku-arab-iq"] {
            assert_eq!(direction(right), Some("rtl"), "{right}");
        }
        for left in ["vi", "en", "jra", "bdq", "ar-Latn", "ks-Deva", "", "arabic", "zh-Hant"] {
            assert_eq!(direction(left), None, "{left}");
        }
    }

    #[test]
    fn a_long_text_is_cut_between_words() {
        assert_eq!(truncate("Đăk Tô", 6), "Đăk Tô");
        assert_eq!(truncate("Đăk Tô phát động", 12), "Đăk Tô phát…");
        assert_eq!(truncate("Đăk Tô phát, động thi đua", 14), "Đăk Tô phát…");
        assert_eq!(truncate("ĐăkTôphátđộngthiđua", 5), "ĐăkTô…");
        assert_eq!(truncate("\u{2067}Đăk Tô phát\u{2069}", 8), "Đăk Tô…");
    }

    fn any_text() -> impl Strategy<Value = String> {
        let embedding =
            prop::sample::select(vec!['\u{202a}', '\u{202b}', '\u{202c}', '\u{2067}', '\u{2069}', '\n']);
        proptest::collection::vec(prop_oneof![4 => any::<char>(), 1 => embedding], 0..40)
            .prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn any_text_is_clean_after_one_pass(text in any_text()) {
            for gate in [xml_safe, xml_safe_nfc, single_line, identifier] {
                let once = gate(&text).into_owned();
                prop_assert_eq!(gate(&once), once.as_str(), "a second pass finds nothing to do");
                prop_assert!(once.chars().all(is_xml));
                let document = format!("<a>{}</a>", escape_html(&once));
                let read = roxmltree::Document::parse(&document).map_err(|e| TestCaseError::fail(e.to_string()))?;
                prop_assert_eq!(read.root_element().text().unwrap_or_default(), once.as_str());
            }
        }

        #[test]
        fn what_is_kept_keeps_its_order(text in any_text()) {
            let lines = text.replace("\r\n", "\n").replace(['\r', '\u{85}'], "\n");
            let kept: String = lines.chars().filter(|c| is_printable(*c)).collect();
            prop_assert_eq!(xml_safe(&text), kept);
        }

        #[test]
        fn no_beginning_is_longer_than_asked_for(text in any_text(), characters in 10_usize..60) {
            prop_assert!(truncate(&text, characters).chars().count() <= characters + 10);
        }

        #[test]
        fn whatever_opens_on_a_line_is_closed_on_it(text in any_text()) {
            for line in xml_safe_nfc(&text).lines() {
                let count = |wanted: &[char]| line.chars().filter(|c| wanted.contains(c)).count();
                prop_assert_eq!(count(&['\u{202a}', '\u{202b}']), count(&['\u{202c}']));
                prop_assert_eq!(count(&['\u{2066}', '\u{2067}', '\u{2068}']), count(&['\u{2069}']));
            }
        }
    }
}
