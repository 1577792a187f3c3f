//! TCVN3 and VNI, the Vietnamese encodings before Unicode: detection and decoding.
//!
//! Both reuse the code points of Latin letters. A file contains them as single bytes, or, if it was opened as
//! windows-1252 and saved as Unicode, as the corresponding letters (`HuyÖn §¨k T«`). The tables map letters, so that
//! they cover both cases.

use unicode_normalization::UnicodeNormalization;

use super::charset::Encoding;

/// Decodes text that was read as windows-1252; text of other encodings is unchanged.
pub(super) fn decode(text: &str, encoding: Encoding) -> String {
    match encoding {
        Encoding::Tcvn3 => from_tcvn3(text),
        Encoding::Vni => from_vni(text),
        _ => text.to_owned(),
    }
}

/// Whether a text contains Vietnamese letters that neither encoding can represent.
pub(super) fn is_unicode(text: &str) -> bool {
    text.chars().any(|c| matches!(c, '\u{1E00}'..='\u{1EFF}' | 'ơ' | 'ư' | 'ă' | 'đ' | 'Đ'))
}

/// TCVN3 has no capitals with tones; the font displayed them.
fn from_tcvn3(text: &str) -> String {
    text.chars()
        .map(|letter| TCVN3.iter().find(|(old, _)| *old == letter).map_or(letter, |(_, new)| *new))
        .collect()
}

/// A base letter, followed by one for its diacritics.
fn from_vni(text: &str) -> String {
    let mut read = String::with_capacity(text.len() + text.len() / 4);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let marked = letters.peek().and_then(|mark| vni_pair(letter, *mark));
        match marked {
            Some(marked) => {
                read.push(marked);
                letters.next();
            }
            None => {
                read.push(VNI_SINGLE.iter().find(|(old, _)| *old == letter).map_or(letter, |(_, new)| *new))
            }
        }
    }
    read.nfc().collect()
}

/// Detects the encoding by the decoded result; `None` for Unicode and other languages.
pub(super) fn detect(text: &str) -> Option<Encoding> {
    let sample = sample(text);
    // Neither can represent letters outside Latin-1; a text with many of them is Unicode.
    let (mut old, mut new) = (0, 0);
    for letter in sample.chars() {
        match letter {
            '\u{A1}'..='\u{FF}' => old += 1,
            '\u{100}'..='\u{24F}' | '\u{300}'..='\u{36F}' | '\u{1E00}'..='\u{1EFF}' => new += 1,
            _ => {}
        }
    }
    if old < 8 || new * 4 > old {
        return None;
    }
    let as_it_is = vietnamese_share(sample);
    let candidates = [(Encoding::Tcvn3, from_tcvn3(sample)), (Encoding::Vni, from_vni(sample))];
    let best = candidates
        .into_iter()
        .map(|(encoding, text)| (vietnamese_share(&text), encoding))
        .max_by(|left, right| left.0.total_cmp(&right.0))?;
    (best.0 >= 0.75 && best.0 > as_it_is + 0.3).then_some(best.1)
}

/// The share of valid Vietnamese syllables among the words with non-ASCII letters; 0 if there are none.
pub(super) fn vietnamese_share(text: &str) -> f64 {
    let (mut words, mut good) = (0_u32, 0_u32);
    for word in text.split(|c: char| c.is_whitespace() || c.is_ascii_punctuation() || "“”‘’…–—".contains(c))
    {
        if word.is_ascii() {
            continue;
        }
        words += 1;
        good += u32::from(is_syllable(word));
    }
    if words == 0 { 0.0 } else { f64::from(good) / f64::from(words) }
}

/// Size of the sample used for detection.
pub(super) const SAMPLE_BYTES: usize = 16 * 1024;

/// The beginning of a text, for detection.
pub(super) fn sample(text: &str) -> &str {
    &text[..text.floor_char_boundary(SAMPLE_BYTES)]
}

/// Whether the word is a valid Vietnamese syllable: onset, vowels, coda, and at most one tone.
pub(super) fn is_syllable(word: &str) -> bool {
    const ONSETS: [&str; 28] = [
        "ngh", "ng", "nh", "gh", "gi", "kh", "ph", "th", "tr", "ch", "qu", "b", "c", "d", "đ", "g", "h", "k",
        "l", "m", "n", "p", "q", "r", "s", "t", "v", "x",
    ];
    const CODAS: [&str; 9] = ["ng", "nh", "ch", "c", "k", "m", "n", "p", "t"];
    let mut tones = 0;
    let mut bare = String::with_capacity(word.len());
    for letter in word.to_lowercase().nfd() {
        match letter {
            '\u{300}' | '\u{301}' | '\u{303}' | '\u{309}' | '\u{323}' => tones += 1,
            _ => bare.push(letter),
        }
    }
    let bare: String = bare.nfc().collect();
    if tones > 1 || bare.chars().count() > 7 {
        return false;
    }
    let fits = |rest: &str| {
        NUCLEI.contains(&rest)
            || CODAS.iter().any(|coda| rest.strip_suffix(coda).is_some_and(|vowels| NUCLEI.contains(&vowels)))
    };
    fits(&bare) || ONSETS.iter().any(|onset| bare.strip_prefix(onset).is_some_and(fits))
}

const NUCLEI: [&str; 53] = [
    "a", "ă", "â", "e", "ê", "i", "o", "ô", "ơ", "u", "ư", "y", "ai", "ao", "au", "ay", "âu", "ây", "eo",
    "êu", "ia", "iê", "iu", "iêu", "oa", "oă", "oai", "oay", "oe", "oi", "oo", "ôi", "ơi", "ua", "uâ", "uây",
    "uê", "ui", "uô", "uôi", "uơ", "uy", "uya", "uyê", "uyu", "ưa", "ưi", "ưu", "ươ", "ươi", "ươu", "yê",
    "yêu",
];

/// TCVN 5712 (VN3), by the windows-1252 letter with the same code.
const TCVN3: [(char, char); 74] = [
    ('¡', 'Ă'),
    ('¢', 'Â'),
    ('£', 'Ê'),
    ('¤', 'Ô'),
    ('¥', 'Ơ'),
    ('¦', 'Ư'),
    ('§', 'Đ'),
    ('¨', 'ă'),
    ('©', 'â'),
    ('ª', 'ê'),
    ('«', 'ô'),
    ('¬', 'ơ'),
    ('\u{AD}', 'ư'),
    ('®', 'đ'),
    ('µ', 'à'),
    ('¶', 'ả'),
    ('·', 'ã'),
    ('¸', 'á'),
    ('¹', 'ạ'),
    ('»', 'ằ'),
    ('¼', 'ẳ'),
    ('½', 'ẵ'),
    ('¾', 'ắ'),
    ('Æ', 'ặ'),
    ('Ç', 'ầ'),
    ('È', 'ẩ'),
    ('É', 'ẫ'),
    ('Ê', 'ấ'),
    ('Ë', 'ậ'),
    ('Ì', 'è'),
    ('Î', 'ẻ'),
    ('Ï', 'ẽ'),
    ('Ð', 'é'),
    ('Ñ', 'ẹ'),
    ('Ò', 'ề'),
    ('Ó', 'ể'),
    ('Ô', 'ễ'),
    ('Õ', 'ế'),
    ('Ö', 'ệ'),
    ('×', 'ì'),
    ('Ø', 'ỉ'),
    ('Ü', 'ĩ'),
    ('Ý', 'í'),
    ('Þ', 'ị'),
    ('ß', 'ò'),
    ('á', 'ỏ'),
    ('â', 'õ'),
    ('ã', 'ó'),
    ('ä', 'ọ'),
    ('å', 'ồ'),
    ('æ', 'ổ'),
    ('ç', 'ỗ'),
    ('è', 'ố'),
    ('é', 'ộ'),
    ('ê', 'ờ'),
    ('ë', 'ở'),
    ('ì', 'ỡ'),
    ('í', 'ớ'),
    ('î', 'ợ'),
    ('ï', 'ù'),
    ('ñ', 'ủ'),
    ('ò', 'ũ'),
    ('ó', 'ú'),
    ('ô', 'ụ'),
    ('õ', 'ừ'),
    ('ö', 'ử'),
    ('÷', 'ữ'),
    ('ø', 'ứ'),
    ('ù', 'ự'),
    ('ú', 'ỳ'),
    ('û', 'ỷ'),
    ('ü', 'ỹ'),
    ('ý', 'ý'),
    ('þ', 'ỵ'),
];

/// Letters that VNI encodes as a single byte.
const VNI_SINGLE: [(char, char); 14] = [
    ('æ', 'ỉ'),
    ('ó', 'ĩ'),
    ('ò', 'ị'),
    ('ô', 'ơ'),
    ('ö', 'ư'),
    ('î', 'ỵ'),
    ('ñ', 'đ'),
    ('Æ', 'Ỉ'),
    ('Ó', 'Ĩ'),
    ('Ò', 'Ị'),
    ('Ô', 'Ơ'),
    ('Ö', 'Ư'),
    ('Î', 'Ỵ'),
    ('Ñ', 'Đ'),
];

/// A base letter and the letter for its diacritics.
fn vni_pair(base: char, mark: char) -> Option<char> {
    let upper = base.is_uppercase();
    let mark = mark.to_lowercase().next()?;
    let lower = base.to_lowercase().next()?;
    let combining: &str = match (lower, mark) {
        ('a' | 'e' | 'o' | 'u' | 'y' | 'ô' | 'ö', 'ù') => "\u{301}",
        ('a' | 'e' | 'o' | 'u' | 'y' | 'ô' | 'ö', 'ø') => "\u{300}",
        ('a' | 'e' | 'o' | 'u' | 'y' | 'ô' | 'ö', 'û') => "\u{309}",
        ('a' | 'e' | 'o' | 'u' | 'y' | 'ô' | 'ö', 'õ') => "\u{303}",
        ('a' | 'e' | 'o' | 'u' | 'ô' | 'ö', 'ï') => "\u{323}",
        ('a' | 'e' | 'o', 'â') => "\u{302}",
        ('a' | 'e' | 'o', 'á') => "\u{302}\u{301}",
        ('a' | 'e' | 'o', 'à') => "\u{302}\u{300}",
        ('a' | 'e' | 'o', 'å') => "\u{302}\u{309}",
        ('a' | 'e' | 'o', 'ã') => "\u{302}\u{303}",
        ('a' | 'e' | 'o', 'ä') => "\u{302}\u{323}",
        ('a', 'ê') => "\u{306}",
        ('a', 'é') => "\u{306}\u{301}",
        ('a', 'è') => "\u{306}\u{300}",
        ('a', 'ú') => "\u{306}\u{309}",
        ('a', 'ü') => "\u{306}\u{303}",
        ('a', 'ë') => "\u{306}\u{323}",
        _ => return None,
    };
    let plain = match lower {
        'ô' => 'ơ',
        'ö' => 'ư',
        other => other,
    };
    let made: String = std::iter::once(plain).chain(combining.chars()).nfc().collect();
    let letter = made.chars().next().filter(|_| made.chars().count() == 1)?;
    if upper { letter.to_uppercase().next() } else { Some(letter) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TCVN3_TEXT: &str =
        "HuyÖn §¨k T« ph¸t ®éng phong trµo thi ®ua yªu n\u{ad}íc, x©y dùng n«ng th«n míi";
    const VNI_TEXT: &str =
        "Huyeän Ñaêk Toâ phaùt ñoäng phong traøo thi ñua yeâu nöôùc, xaây döïng noâng thoân môùi";
    const TEXT: &str = "Huyện Đăk Tô phát động phong trào thi đua yêu nước, xây dựng nông thôn mới";

    #[test]
    fn decodes_both_encodings() {
        assert_eq!(from_tcvn3(TCVN3_TEXT), TEXT);
        assert_eq!(from_vni(VNI_TEXT), TEXT);
        assert_eq!(from_vni("ÑAÛNG BOÄ TÆNH, LEÃ HOÄI, ÖÔÙC MÔ"), "ĐẢNG BỘ TỈNH, LỄ HỘI, ƯỚC MƠ");
    }

    #[test]
    fn tables_cover_every_lower_case_letter_once() {
        let tones = ["", "\u{300}", "\u{301}", "\u{303}", "\u{309}", "\u{323}"];
        for vowel in "aăâeêioôơuưy".chars() {
            for tone in tones {
                let letter: String = std::iter::once(vowel).chain(tone.chars()).nfc().collect();
                let letter = letter.chars().next().unwrap();
                if !letter.is_ascii() {
                    assert_eq!(TCVN3.iter().filter(|(_, new)| *new == letter).count(), 1, "{letter}");
                }
            }
        }
    }

    #[test]
    fn detection_excludes_unicode_and_other_languages() {
        assert_eq!(detect(TCVN3_TEXT), Some(Encoding::Tcvn3));
        assert_eq!(detect(VNI_TEXT), Some(Encoding::Vni));
        for other in [
            TEXT,
            "Le président français a été reçu à l'hôtel de ville où il a déjeuné avec la délégation étrangère, très tôt",
            "El niño pequeño comió piñas en la montaña mañana, según el señor Muñoz, y después bebió café así",
            "Đe\u{306} ƀơi anai hlăk mơ\u{306} hrơi blan pơhiăp, ñu kơ\u{306} buôn sang ngă yang hơdĭ, mơnuih lŏm kô̆",
            "plain ascii",
            "",
        ] {
            assert_eq!(detect(other), None, "{other}");
        }
    }

    #[test]
    fn recognises_syllables_by_their_parts() {
        for word in ["Huyện", "nghiêng", "quyết", "giữ", "Đăk", "ươm", "yêu", "khuya", "Tô", "gì", "thuở"]
        {
            assert!(is_syllable(word), "{word}");
        }
        for word in ["HuyÖn", "traøo", "français", "été", "niño", "nöôùc", "xyzà"] {
            assert!(!is_syllable(word), "{word}");
        }
    }
}
