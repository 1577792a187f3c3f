//! Text rules shared by feeds, pages and the API: allowed characters, normalisation, escaping, URLs, language tags.

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization as _, is_nfc};

/// A size in bytes for people, rounded: `310 kB`, `31.4 MB`.
pub fn byte_size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// Removes the characters that XML 1.0 forbids (§2.2), the control characters U+007F to U+009F, and directional overrides,
/// which can disguise a text. CR and CRLF become LF, as in every XML parser (§2.11). Everything else is kept, including
/// emoji, joiners and direction marks. JSON contains the same text, so that all formats agree.
///
/// NOTE: `rss` and `atom_syndication` do not filter forbidden characters, and a single one makes the whole feed
/// unreadable (feed rule R14).
pub fn xml_safe(text: &str) -> Cow<'_, str> {
    if is_plain(text) || text.chars().all(is_printable) {
        return Cow::Borrowed(text);
    }
    let lines = text.replace("\r\n", "\n").replace(['\r', '\u{85}'], "\n");
    Cow::Owned(lines.chars().filter(|character| is_printable(*character)).collect())
}

/// Plain text: [`xml_safe`], in NFC (feed rule R14), with balanced direction marks on each line.
///
/// NOTE: not for markup: NFC composes `>` and a combining stroke into `≯`.
pub fn xml_safe_nfc(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    let text = xml_safe(text);
    let text = if is_nfc(&text) { text } else { Cow::Owned(text.nfc().collect()) };
    if text.contains(is_embedding) { Cow::Owned(balanced(&text)) } else { text }
}

/// Plain text on one line: a title, a name, a label (feed rule R9).
pub fn single_line(text: &str) -> Cow<'_, str> {
    collapse_lines(xml_safe_nfc(text))
}

/// An id or a URL: on one line, so that attributes and elements contain the same value, and otherwise unchanged, because
/// ids are compared byte by byte (feed rules R4, A2).
pub fn identifier(text: &str) -> Cow<'_, str> {
    let text = match text.chars().all(|character| is_xml_char(character) && character != '\r') {
        true => Cow::Borrowed(text),
        false => {
            let lines = text.replace("\r\n", "\n").replace('\r', "\n");
            Cow::Owned(lines.chars().filter(|character| is_xml_char(*character)).collect())
        }
    };
    collapse_lines(text)
}

/// The start of `text`: at most `max_chars` characters plus `…`, cut between words.
pub fn truncate(text: &str, max_chars: usize) -> Cow<'_, str> {
    let text = xml_safe_nfc(text);
    let Some((end, _)) = text.char_indices().nth(max_chars) else { return text };
    let head = &text[..end];
    let cut = head.rfind(char::is_whitespace).filter(|cut| *cut > end / 2).unwrap_or(end);
    let head = head[..cut].trim_end().trim_end_matches([',', ';', ':', '.', '–', '-']);
    // The cut may have removed a closing direction mark.
    format!("{}…", head.replace(is_embedding, "")).into()
}

/// Parses an absolute http or https URL and percent-encodes it where required.
///
/// SECURITY: rejects `javascript:` and other schemes in the front matter of an article.
pub fn http_url(text: &str) -> Option<String> {
    let url = url::Url::parse(text).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| url.into())
}

/// `text` if it is a language tag (BCP 47, RFC 5646 §2.1): a language of two or three letters, or `x` or `i` with
/// further subtags, then subtags of 1 to 8 letters and digits. Invalid tags are omitted from documents.
pub fn language_tag(text: &str) -> Option<&str> {
    let is_subtag =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    let (first, rest) = text.split_once('-').map_or((text, None), |(first, rest)| (first, Some(rest)));
    let has_language = match first.len() {
        1 => matches!(first, "x" | "X" | "i" | "I") && rest.is_some(),
        length => matches!(length, 2 | 3) && first.bytes().all(|b| b.is_ascii_alphabetic()),
    };
    (has_language && rest.is_none_or(|rest| rest.split('-').all(is_subtag))).then_some(text)
}

/// `rtl` for a right-to-left language (BCP 47 tag), otherwise none.
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
    let is_rtl = match script {
        Some(script) => SCRIPTS.contains(&script),
        None => LANGUAGES.contains(&first),
    };
    is_rtl.then_some("rtl")
}

/// Escapes `text` for HTML content and double-quoted attributes.
pub fn escape_html(text: &str) -> Cow<'_, str> {
    escape(text, |byte| is_markup(byte) | (byte == b'"'))
}

/// Escapes `text` for HTML content as HTML serialisers do: without quotes.
pub fn escape_html_content(text: &str) -> Cow<'_, str> {
    escape(text, is_markup)
}

fn is_markup(byte: u8) -> bool {
    (byte == b'&') | (byte == b'<') | (byte == b'>')
}

fn escape(text: &str, is_special: impl Fn(u8) -> bool) -> Cow<'_, str> {
    // As in [`is_plain`].
    if text.bytes().fold(0, |any, byte| any | u8::from(is_special(byte))) == 0 {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 32);
    let mut copied = 0;
    for (index, byte) in text.bytes().enumerate() {
        if is_special(byte) {
            escaped.push_str(&text[copied..index]);
            escaped.push_str(match byte {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                _ => "&quot;",
            });
            copied = index + 1;
        }
    }
    escaped.push_str(&text[copied..]);
    Cow::Owned(escaped)
}

/// Lowercase hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A fast check that most Vietnamese texts pass: only characters that [`xml_safe_nfc`] keeps next to any other of them. They
/// are printable ASCII, tab, line feed, U+00A0 to U+02FF and U+1E00 to U+1EFF (letters), and U+2010 to U+2027 (dashes,
/// quotes, dots).
pub fn is_plain(text: &str) -> bool {
    const PART: usize = 32;
    // Each byte of the part with the two that follow it. Without early exit and branches, and with bytes for the answers, the
    // compiler looks at many bytes at once.
    let part_is_plain = |part: &[u8]| {
        let part = &part[..PART + 2];
        (0..PART).fold(0, |any, at| any | u8::from(!begins_plain(part[at], part[at + 1], part[at + 2]))) == 0
    };
    let bytes = text.as_bytes();
    let rest = &bytes[bytes.len().saturating_sub(2) / PART * PART..];
    // What is left of the text, and spaces.
    let mut end = [b' '; 2 * PART + 2];
    end[..rest.len()].copy_from_slice(rest);
    bytes.windows(PART + 2).step_by(PART).all(part_is_plain)
        && part_is_plain(&end)
        && part_is_plain(&end[PART..])
}

/// True for the first of three bytes if it continues a character or begins one that [`is_plain`] accepts.
// NOTE: always inlined, or the compiler makes branches of it: ten times as slow.
#[inline(always)]
fn begins_plain(first: u8, second: u8, third: u8) -> bool {
    // The bytes 80 to BF continue a character.
    (0x20..0xcc).contains(&first) & (first != 0x7f) & ((first != 0xc2) | (second >= 0xa0))
        | (first == b'\t')
        | (first == b'\n')
        | (first == 0xe1) & (0xb8..=0xbb).contains(&second)
        | (first == 0xe2) & (second == 0x80) & (0x90..=0xa7).contains(&third)
}

/// The `Char` production of XML 1.0 §2.2; surrogates cannot occur in a `str`.
pub fn is_xml_char(character: char) -> bool {
    !matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

/// A character that [`xml_safe`] keeps.
///
/// SECURITY: U+202D and U+202E reverse the text that follows.
pub fn is_printable(character: char) -> bool {
    is_xml_char(character) && !matches!(character, '\r' | '\u{7f}'..='\u{9f}' | '\u{202d}' | '\u{202e}')
}

/// Starts or ends a directional embedding or isolate (UAX #9).
fn is_embedding(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202c}' | '\u{2066}'..='\u{2069}')
}

/// Closes every embedding and isolate on the line where it starts and removes unmatched closing marks, so that the text
/// does not affect the direction of its surroundings.
fn balanced(text: &str) -> String {
    /// UAX #9 allows 125.
    const MAX_DEPTH: usize = 60;
    const POP_EMBEDDING: char = '\u{202c}';
    const POP_ISOLATE: char = '\u{2069}';
    let is_isolate = |opened: &char| *opened == POP_ISOLATE;
    let mut written = String::with_capacity(text.len() + 8);
    // The closing marks of the open embeddings and isolates.
    let mut open: Vec<char> = Vec::new();
    for character in text.chars() {
        match character {
            '\u{202a}' | '\u{202b}' | '\u{2066}'..='\u{2068}' => {
                if open.len() < MAX_DEPTH {
                    let is_embedding = matches!(character, '\u{202a}' | '\u{202b}');
                    open.push(if is_embedding { POP_EMBEDDING } else { POP_ISOLATE });
                    written.push(character);
                }
            }
            POP_EMBEDDING => {
                if open.last() == Some(&POP_EMBEDDING) {
                    written.extend(open.pop());
                }
            }
            POP_ISOLATE => {
                if let Some(index) = open.iter().rposition(is_isolate) {
                    written.extend(open.drain(index..).rev());
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

/// Trims the text and replaces line ends and tabs with spaces, as XML parsers do in attributes.
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
    fn only_forbidden_characters_are_removed_r14() {
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
        assert!(matches!(xml_safe("Xã hội\n"), Cow::Borrowed(_)), "clean text is not copied");
    }

    #[test]
    fn text_is_in_nfc_and_ids_are_unchanged_r14_a2() {
        assert_eq!(xml_safe_nfc("Xa\u{303} ho\u{302}\u{323}i"), "Xã hội");
        assert_eq!(xml_safe_nfc("e\u{3}\u{301}"), "é", "filtering precedes normalisation");
        assert_eq!(identifier("tag:a.vn,2023:xa\u{303}"), "tag:a.vn,2023:xa\u{303}");
    }

    #[test]
    fn plain_characters_are_kept_next_to_any_other() {
        use unicode_normalization::char::canonical_combining_class;
        use unicode_normalization::{IsNormalized, is_nfc_quick};
        let mut seen = 0;
        for character in ('\0'..=char::MAX).filter(|character| is_plain(&character.to_string())) {
            assert!(is_printable(character) && !is_embedding(character), "{character:?}");
            assert_eq!(is_nfc_quick(std::iter::once(character)), IsNormalized::Yes, "{character:?}");
            assert_eq!(canonical_combining_class(character), 0, "{character:?}");
            seen += 1;
        }
        assert_eq!(seen, 2 + 0x5f + 0x260 + 0x100 + 0x18);
    }

    #[test]
    fn a_title_is_on_one_line() {
        assert_eq!(single_line(" \tHội nghị\r\nđã họp\n"), "Hội nghị đã họp");
        assert_eq!(single_line("\u{a0}giữ nguyên\u{a0}"), "\u{a0}giữ nguyên\u{a0}");
    }

    #[test]
    fn direction_marks_are_balanced_on_each_line() {
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
    fn right_to_left_languages_are_recognised() {
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
        fn filters_are_idempotent(text in any_text()) {
            for filter in [xml_safe, xml_safe_nfc, single_line, identifier] {
                let once = filter(&text).into_owned();
                prop_assert_eq!(filter(&once), once.as_str(), "a second pass changes nothing");
                prop_assert!(once.chars().all(is_xml_char));
                let document = format!("<a>{}</a>", escape_html(&once));
                let read = roxmltree::Document::parse(&document).map_err(|e| TestCaseError::fail(e.to_string()))?;
                prop_assert_eq!(read.root_element().text().unwrap_or_default(), once.as_str());
            }
        }

        #[test]
        fn a_text_is_plain_if_its_characters_are(text in "([a\u{7f}-\u{340}\u{1dc0}-\u{2040}\u{fff0}-\u{ffff}]|[a-zà-ỹ ]{1,40}){0,6}") {
            prop_assert_eq!(is_plain(&text), text.chars().all(|character| is_plain(&character.to_string())));
        }

        #[test]
        fn the_order_of_characters_is_kept(text in any_text()) {
            let lines = text.replace("\r\n", "\n").replace(['\r', '\u{85}'], "\n");
            let kept: String = lines.chars().filter(|c| is_printable(*c)).collect();
            prop_assert_eq!(xml_safe(&text), kept);
        }

        #[test]
        fn truncated_text_has_a_maximum_length(text in any_text(), max_chars in 10_usize..60) {
            prop_assert!(truncate(&text, max_chars).chars().count() <= max_chars + 10);
        }

        #[test]
        fn opening_and_closing_marks_match_on_each_line(text in any_text()) {
            for line in xml_safe_nfc(&text).lines() {
                let count = |wanted: &[char]| line.chars().filter(|c| wanted.contains(c)).count();
                prop_assert_eq!(count(&['\u{202a}', '\u{202b}']), count(&['\u{202c}']));
                prop_assert_eq!(count(&['\u{2066}', '\u{2067}', '\u{2068}']), count(&['\u{2069}']));
            }
        }
    }
}
