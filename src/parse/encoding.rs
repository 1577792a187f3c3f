//! Detects the encoding of a file and decodes it; ambiguous files are rejected.

use super::charset::Encoding;
use super::diagnostic::{DiagnosticKind, Diagnostics};
use super::vietnamese_encodings;

/// An encoding set for a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EncodingOverride {
    pub encoding: Encoding,
    /// Set by the file itself. The setting of a folder is meant for its old files; new ones can be next to them.
    pub by_file: bool,
}

/// Decodes a file; `None` on errors, so that wrongly decoded text is never published.
///
/// `declared` is the encoding that a web page declares; it is used only if the bytes are not UTF-8.
pub(super) fn decode(
    bytes: &[u8],
    encoding_override: Option<EncodingOverride>,
    declared: Option<&'static encoding_rs::Encoding>,
    findings: &mut Diagnostics,
) -> Option<String> {
    let text = match (
        encoding_override.map(|encoding_override| (encoding_override, encoding_override.encoding)),
        utf16(bytes),
    ) {
        (_, Some(text)) => Some(text),
        (Some((_, Encoding::Utf16)), None) => Some(encoding_rs::UTF_16LE.decode(bytes).0.into_owned()),
        (Some((encoding_override, Encoding::Windows1258 | Encoding::Tcvn3 | Encoding::Vni)), None) => {
            Some(single_byte(bytes, encoding_override, findings))
        }
        (Some((_, Encoding::Utf8)) | None, None) => {
            detect(bytes, encoding_override.is_none(), declared, findings)
        }
    }?;
    Some(with_newlines(text))
}

/// Decodes UTF-16, detected by its byte order mark or by the zero bytes of Latin letters.
fn utf16(bytes: &[u8]) -> Option<String> {
    let encoding = match encoding_rs::Encoding::for_bom(bytes) {
        Some((encoding, _)) if encoding != encoding_rs::UTF_8 => encoding,
        Some(_) => return None,
        None => {
            let head = &bytes[..bytes.len().min(2048)];
            let zeros =
                |parity: usize| head.iter().skip(parity).step_by(2).filter(|byte| **byte == 0).count();
            let (even, odd) = (zeros(0), zeros(1));
            match head.len() / 2 {
                0..8 => return None,
                half if odd * 3 > half && even * 20 < half => encoding_rs::UTF_16LE,
                half if even * 3 > half && odd * 20 < half => encoding_rs::UTF_16BE,
                _ => return None,
            }
        }
    };
    Some(encoding.decode(bytes).0.into_owned())
}

/// Decodes a file with a single-byte encoding override, unless the file is Unicode.
fn single_byte(bytes: &[u8], encoding_override: EncodingOverride, findings: &mut Diagnostics) -> String {
    let encoding = encoding_override.encoding;
    let unicode = std::str::from_utf8(bytes).ok().map(|text| text.trim_start_matches('\u{feff}'));
    if let Some(text) = unicode {
        let is_new = vietnamese_encodings::is_unicode(text);
        if is_new || text.is_ascii() || encoding == Encoding::Windows1258 {
            if is_new && encoding_override.by_file {
                findings.warn(1, DiagnosticKind::EncodingNotUsed { encoding });
            }
            return text.to_owned();
        }
    }
    let letters = match (unicode, encoding) {
        (Some(text), _) => text.to_owned(),
        (None, Encoding::Windows1258) => {
            return encoding_rs::WINDOWS_1258.decode_without_bom_handling(bytes).0.into_owned();
        }
        (None, _) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
    };
    vietnamese_encodings::decode(&letters, encoding)
}

fn detect(
    bytes: &[u8],
    is_automatic: bool,
    declared: Option<&'static encoding_rs::Encoding>,
    findings: &mut Diagnostics,
) -> Option<String> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    // Checked with vector instructions, unlike by `str::from_utf8`.
    match encoding_rs::UTF_8.decode_without_bom_handling_and_without_replacement(bytes) {
        Some(text) => reject_mojibake(&text, findings).then(|| text.into_owned()),
        None if is_nearly_utf8(bytes) => {
            let text = String::from_utf8_lossy(bytes).into_owned();
            warn_broken_bytes(&text, findings);
            reject_mojibake(&text, findings).then_some(text)
        }
        None if !is_automatic => {
            findings
                .error(first_non_ascii_line(bytes), DiagnosticKind::UnknownEncoding { guess: guess(bytes) });
            None
        }
        None => not_utf8(bytes, declared, findings),
    }
}

/// Bytes that are not UTF-8: windows-1258 if that yields Vietnamese, otherwise an error.
fn not_utf8(
    bytes: &[u8],
    declared: Option<&'static encoding_rs::Encoding>,
    findings: &mut Diagnostics,
) -> Option<String> {
    let letters = encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0;
    let line = first_non_ascii_line(bytes);
    let vietnamese = encoding_rs::WINDOWS_1258.decode_without_bom_handling(bytes).0.into_owned();
    let share = vietnamese_encodings::vietnamese_share(&composed_sample(&vietnamese));
    // Quotes and dashes have the same codes in both encodings.
    let only_marks = letters.chars().all(|c| c.is_ascii() || !c.is_alphabetic() || c == '\u{FEFF}');
    if share >= 0.8 || only_marks {
        return Some(vietnamese);
    }
    if let Some(encoding) = vietnamese_encodings::detect(&letters) {
        findings.error(line, DiagnosticKind::LegacyEncoding { encoding, sample: sample_of(&letters) });
        return None;
    }
    if let Some(encoding) = declared.filter(|encoding| *encoding != encoding_rs::UTF_8) {
        let (text, _, broken) = encoding.decode(bytes);
        if !broken && reject_mojibake(&text, findings) {
            return Some(text.into_owned());
        }
    }
    findings.error(line, DiagnosticKind::UnknownEncoding { guess: guess(bytes) });
    None
}

/// Reports wrongly decoded Unicode text; returns whether the text is valid.
fn reject_mojibake(text: &str, findings: &mut Diagnostics) -> bool {
    match detect_mojibake(text) {
        Some(problem) => {
            findings.error(first_non_ascii_line(text.as_bytes()), problem);
            false
        }
        None => true,
    }
}

/// Detects Unicode text that was decoded with a wrong encoding.
pub(super) fn detect_mojibake(text: &str) -> Option<DiagnosticKind> {
    let old = || {
        let encoding = vietnamese_encodings::detect(text)?;
        Some(DiagnosticKind::LegacyEncoding { encoding, sample: sample_of(text) })
    };
    doubly_encoded(text).map(|sample| DiagnosticKind::DoublyEncoded { sample }).or_else(old)
}

/// Detects UTF-8 that was opened as windows-1252 and saved again (`Huyá»‡n`), by reversing it.
fn doubly_encoded(text: &str) -> Option<String> {
    let is_reversible = |word: &str| {
        let (bytes, _, lost) = encoding_rs::WINDOWS_1252.encode(word);
        !lost && std::str::from_utf8(&bytes).is_ok()
    };
    let (mut words, mut count) = (0, 0);
    let sample = vietnamese_encodings::sample(text);
    for word in sample.split_whitespace().filter(|word| !word.is_ascii()).take(200) {
        words += 1;
        // What windows-1252 does not have cannot be reversed; hardly a word of Unicode text is without such letters.
        count += usize::from(!vietnamese_encodings::is_unicode(word) && is_reversible(word));
    }
    (count >= 3 && count * 2 > words).then(|| sample_of(text))
}

/// Whether the bytes are mostly UTF-8 with a few errors: a bad copy rather than another encoding.
fn is_nearly_utf8(bytes: &[u8]) -> bool {
    let (mut good, mut broken) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        good += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    good >= 20 && broken * 20 <= good
}

fn warn_broken_bytes(text: &str, findings: &mut Diagnostics) {
    const MAX_WARNINGS: usize = 50;
    let broken = text.split('\n').enumerate().filter_map(|(index, line)| {
        let count = line.matches('\u{FFFD}').count();
        (count > 0).then_some((index + 1, count))
    });
    for (line, count) in broken.take(MAX_WARNINGS) {
        findings.warn(line, DiagnosticKind::BrokenBytes { count });
    }
}

fn guess(bytes: &[u8]) -> &'static str {
    let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
    detector.feed(&bytes[..bytes.len().min(64 * 1024)], true);
    detector.guess(None, chardetng::Utf8Detection::Deny).name()
}

fn composed_sample(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    vietnamese_encodings::sample(text).nfc().collect()
}

/// The first line that is not ASCII, as a sample for messages.
fn sample_of(text: &str) -> String {
    let odd = text.lines().find(|line| !line.is_ascii()).unwrap_or(text);
    let visible = odd.chars().filter(|c| !c.is_control());
    visible.take(40).collect::<String>().trim().to_owned()
}

fn first_non_ascii_line(bytes: &[u8]) -> usize {
    let end = bytes.iter().position(|byte| !byte.is_ascii()).unwrap_or(0);
    1 + bytes[..end].iter().filter(|byte| **byte == b'\n').count()
}

/// Normalises line ends to `\n`, so that line numbers match those of editors.
fn with_newlines(text: String) -> String {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Huyện Đăk Tô phát động phong trào thi đua yêu nước\n12/05/2023 17:39\n";

    fn decoded(bytes: &[u8], encoding_override: Option<Encoding>) -> (Option<String>, Vec<&'static str>) {
        let mut findings = Diagnostics::default();
        let encoding_override =
            encoding_override.map(|encoding| EncodingOverride { encoding, by_file: true });
        let text = decode(bytes, encoding_override, None, &mut findings);
        (text, findings.into_sorted().iter().map(|finding| finding.kind.code()).collect())
    }

    fn utf16_bytes(text: &str, little: bool) -> Vec<u8> {
        text.encode_utf16()
            .flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() })
            .collect()
    }

    /// windows-1258 encodes tones separately.
    fn windows_1258_bytes(text: &str) -> Vec<u8> {
        use unicode_normalization::UnicodeNormalization;
        let mut apart = String::new();
        for letter in text.chars() {
            let parts: Vec<char> = std::iter::once(letter).nfd().collect();
            let (tones, base): (Vec<char>, Vec<char>) = parts
                .into_iter()
                .partition(|c| matches!(c, '\u{300}' | '\u{301}' | '\u{303}' | '\u{309}' | '\u{323}'));
            apart.extend(base.into_iter().nfc());
            apart.extend(tones);
        }
        let (bytes, _, lost) = encoding_rs::WINDOWS_1258.encode(&apart);
        assert!(!lost, "{apart}");
        bytes.into_owned()
    }

    fn windows_1252_bytes(text: &str) -> Vec<u8> {
        encoding_rs::WINDOWS_1252.encode(text).0.into_owned()
    }

    #[test]
    fn detects_unicode_encodings() {
        for bytes in [
            TEXT.as_bytes().to_vec(),
            [b"\xEF\xBB\xBF", TEXT.as_bytes()].concat(),
            [&[0xFF, 0xFE][..], &utf16_bytes(TEXT, true)].concat(),
            [&[0xFE, 0xFF][..], &utf16_bytes(TEXT, false)].concat(),
            utf16_bytes(TEXT, true),
            utf16_bytes(TEXT, false),
        ] {
            assert_eq!(decoded(&bytes, None), (Some(TEXT.to_owned()), Vec::new()), "{bytes:?}");
        }
    }

    #[test]
    fn detects_windows_1258() {
        use unicode_normalization::UnicodeNormalization;
        let (text, codes) = decoded(&windows_1258_bytes(TEXT), None);
        assert_eq!(text.unwrap().nfc().collect::<String>(), TEXT);
        assert_eq!(codes, [""; 0]);
    }

    #[test]
    fn legacy_encodings_are_reported_unless_set() {
        let tcvn3 = "HuyÖn §¨k T« ph¸t ®éng phong trµo thi ®ua yªu n\u{ad}íc\n12/05/2023 17:39\n";
        let vni = "Huyeän Ñaêk Toâ phaùt ñoäng phong traøo thi ñua yeâu nöôùc\n12/05/2023 17:39\n";
        for (letters, encoding) in [(tcvn3, Encoding::Tcvn3), (vni, Encoding::Vni)] {
            for bytes in [windows_1252_bytes(letters), letters.as_bytes().to_vec()] {
                assert_eq!(decoded(&bytes, None), (None, vec!["legacy-encoding"]), "{letters}");
                assert_eq!(decoded(&bytes, Some(encoding)), (Some(TEXT.to_owned()), Vec::new()), "{letters}");
            }
            assert_eq!(
                decoded(TEXT.as_bytes(), Some(encoding)),
                (Some(TEXT.to_owned()), vec!["encoding-not-used"])
            );
            // A folder can contain new files next to old ones.
            let (mut findings, by_folder) =
                (Diagnostics::default(), EncodingOverride { encoding, by_file: false });
            assert_eq!(decode(TEXT.as_bytes(), Some(by_folder), None, &mut findings).as_deref(), Some(TEXT));
            assert_eq!(findings.into_sorted(), []);
        }
    }

    #[test]
    fn mojibake_is_rejected_and_invalid_bytes_are_reported() {
        let doubled = encoding_rs::WINDOWS_1252.decode_without_bom_handling(TEXT.as_bytes()).0.into_owned();
        assert_eq!(decoded(doubled.as_bytes(), None), (None, vec!["doubly-encoded"]));
        let russian =
            encoding_rs::WINDOWS_1251.encode("Президент провёл встречу с делегацией района").0.into_owned();
        assert_eq!(decoded(&russian, None), (None, vec!["unknown-encoding"]));
        let mut cut = TEXT.repeat(3).into_bytes();
        cut.extend_from_slice(b"B\xE1\xBB");
        let (text, codes) = decoded(&cut, None);
        assert!(text.unwrap().ends_with("B\u{FFFD}"));
        assert_eq!(codes, ["broken-bytes"]);
    }

    #[test]
    fn parses_encoding_names() {
        for (word, encoding) in [
            ("tcvn3", Some(Encoding::Tcvn3)),
            ("TCVN3", Some(Encoding::Tcvn3)),
            ("ABC", Some(Encoding::Tcvn3)),
            ("vni", Some(Encoding::Vni)),
            ("UTF8", Some(Encoding::Utf8)),
            ("windows-1258", Some(Encoding::Windows1258)),
            ("cp1258", Some(Encoding::Windows1258)),
            ("latin1", None),
        ] {
            assert_eq!(Encoding::from_setting(word), encoding, "{word}");
        }
    }
}
