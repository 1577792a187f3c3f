//! Maps characters of symbol fonts to Unicode.

/// The Unicode character for a code in a font; `None` if unknown.
pub(super) fn sign(font: &str, code: u32) -> Option<char> {
    let font = font.trim().to_lowercase();
    // Symbol fonts use the private use area; some programs omit its offset.
    let is_offset = (0xF000..=0xF0FF).contains(&code);
    let code = if is_offset { code - 0xF000 } else { code };
    let table: &[(u32, char)] = match font.as_str() {
        "symbol" => return symbol(code),
        "wingdings" => &WINGDINGS,
        "wingdings 2" => &WINGDINGS_2,
        "wingdings 3" => &WINGDINGS_3,
        "webdings" => &WEBDINGS,
        // The signs of other symbol fonts are unknown.
        _ if is_offset && !is_text_font(&font) => return None,
        // All other fonts use Unicode.
        _ => {
            let is_private = |c: &char| ('\u{E000}'..='\u{F8FF}').contains(c);
            return char::from_u32(code).filter(|c| !is_private(c) && !c.is_control());
        }
    };
    table.iter().find(|(known, _)| *known == code).map(|(_, sign)| *sign)
}

fn is_text_font(font: &str) -> bool {
    const NAMES: [&str; 9] = [
        "times new roman",
        "arial",
        "tahoma",
        "calibri",
        "cambria",
        "verdana",
        "courier new",
        "georgia",
        "segoe ui",
    ];
    NAMES.contains(&font) || font.starts_with(".vn") || font.starts_with("vni")
}

/// The encoding of Adobe Symbol.
fn symbol(code: u32) -> Option<char> {
    const FROM_20: &str =
        " !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼";
    const FROM_A0: &str = "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊〈®©™∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪";
    const FROM_F1: &str = "〉∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭";
    let at = |table: &str, from: u32| table.chars().nth(usize::try_from(code - from).ok()?);
    match code {
        0x20..=0x7E => at(FROM_20, 0x20),
        0xA0..=0xEF => at(FROM_A0, 0xA0),
        0xF1..=0xFE => at(FROM_F1, 0xF1),
        _ => None,
    }
}

const WINGDINGS: [(u32, char); 62] = [
    (0x20, ' '),
    (0x21, '✏'),
    (0x22, '✂'),
    (0x28, '☎'),
    (0x29, '✆'),
    (0x2A, '✉'),
    (0x36, '⌛'),
    (0x3F, '✍'),
    (0x41, '✌'),
    (0x46, '☞'),
    (0x45, '☜'),
    (0x47, '☝'),
    (0x48, '☟'),
    (0x4A, '☺'),
    (0x4C, '☹'),
    (0x4E, '☠'),
    (0x51, '✈'),
    (0x52, '☼'),
    (0x54, '❄'),
    (0x6C, '●'),
    (0x6D, '❍'),
    (0x6E, '■'),
    (0x6F, '□'),
    (0x71, '❑'),
    (0x72, '❒'),
    (0x73, '⬧'),
    (0x74, '⧫'),
    (0x75, '◆'),
    (0x76, '❖'),
    (0x78, '⌧'),
    (0x9E, '·'),
    (0x9F, '•'),
    (0xA1, '○'),
    (0xA7, '▪'),
    (0xA8, '◻'),
    (0xAA, '✦'),
    (0xAB, '★'),
    (0xAC, '✶'),
    (0xB6, '✰'),
    (0xD5, '⌫'),
    (0xD6, '⌦'),
    (0xD8, '➢'),
    (0xDC, '➲'),
    (0xDF, '←'),
    (0xE0, '→'),
    (0xE1, '↑'),
    (0xE2, '↓'),
    (0xE3, '↖'),
    (0xE4, '↗'),
    (0xE5, '↙'),
    (0xE6, '↘'),
    (0xE8, '➔'),
    (0xEF, '⇦'),
    (0xF0, '⇨'),
    (0xF1, '⇧'),
    (0xF2, '⇩'),
    (0xF3, '⬄'),
    (0xFB, '✗'),
    (0xFC, '✓'),
    (0xFD, '☒'),
    (0xFE, '☑'),
    (0xA0, '▫'),
];

const WINGDINGS_2: [(u32, char); 8] =
    [(0x4F, '✗'), (0x50, '✓'), (0x51, '☒'), (0x52, '☑'), (0x53, '☒'), (0x97, '●'), (0xA2, '■'), (0xA3, '□')];

const WINGDINGS_3: [(u32, char); 10] = [
    (0x5F, '←'),
    (0x66, '←'),
    (0x67, '→'),
    (0x68, '↑'),
    (0x69, '↓'),
    (0x70, '▲'),
    (0x71, '▼'),
    (0x74, '◀'),
    (0x75, '▶'),
    (0x7D, '❯'),
];

const WEBDINGS: [(u32, char); 6] =
    [(0x61, '✔'), (0x63, '□'), (0x67, '■'), (0x6E, '●'), (0x72, '✖'), (0x95, '♥')];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_symbols_by_font() {
        for (font, code, wanted) in [
            ("Symbol", 0xF0B0, Some('°')),
            ("Symbol", 0xF061, Some('α')),
            ("Symbol", 0xF0B3, Some('≥')),
            ("Symbol", 0xF0B4, Some('×')),
            ("Symbol", 0xF0AE, Some('→')),
            ("Symbol", 0xF0DE, Some('⇒')),
            ("Symbol", 0xF0E5, Some('∑')),
            ("Symbol", 0xF0F2, Some('∫')),
            ("Symbol", 0x57, Some('Ω')),
            ("Wingdings", 0xF0FC, Some('✓')),
            ("Wingdings", 0xF0FF, None),
            ("MS Gothic", 0x2610, Some('☐')),
            ("Tahoma", 0xF0FC, Some('\u{fc}')),
            (".VnTime", 0xF041, Some('A')),
            ("Hoa Van", 0xF041, None),
            ("Hoa Van", 0x41, Some('A')),
            ("", 0xE123, None),
        ] {
            assert_eq!(sign(font, code), wanted, "{font} {code:x}");
        }
    }
}
