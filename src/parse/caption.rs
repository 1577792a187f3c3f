//! Recognises captions: what an image shows, and who took it.
//!
//! A caption is recognised by its credit (`Ảnh: TL`, `Ảnh Nguyễn Ban`, `(Ảnh: VGP/Nhật Bắc).`) or its number (`Ảnh 1:
//! …`). A line with neither looks like a paragraph and is treated as one.

use super::normalise::{exceeds_chars, word_count};
use super::phrases::{CREDITS, DOING, REPORTS, SHOWN, opens_with, says};

/// The parts of a caption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caption {
    pub text: String,
    pub credit: Option<String>,
}

/// Parses a line as a caption.
pub(super) fn read(line: &str) -> Option<Caption> {
    const MAX_CHARS: usize = 480;
    if exceeds_chars(line, MAX_CHARS) {
        return None;
    }
    numbered(line).or_else(|| numbered_at_end(line)).or_else(|| credited(line)).or_else(|| plain(line))
}

/// `Quang cảnh buổi giao ban`: begins with words that rarely begin anything but a caption.
fn plain(line: &str) -> Option<Caption> {
    let opens = ["Quang cảnh ", "Toàn cảnh ", "Trong ảnh", "Ảnh trên", "Ảnh dưới"]
        .into_iter()
        .any(|word| line.starts_with(word));
    (opens && word_count(line) <= 12).then(|| Caption { text: line.to_owned(), credit: None })
}

/// `Ảnh 1: Quang cảnh Hội nghị`, `Hình 2. Đường vào làng`.
fn numbered(line: &str) -> Option<Caption> {
    let rest = ["Ảnh ", "ẢNH ", "Hình ", "HÌNH "].into_iter().find_map(|word| line.strip_prefix(word))?;
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if digits == 0 || digits > 3 {
        return None;
    }
    let text = rest[digits..].trim_start().strip_prefix([':', '.', '-', '–'])?.trim();
    Some(credited(text).unwrap_or_else(|| Caption { text: text.to_owned(), credit: None }))
}

/// `Đội ghe vào vạch xuất phát - Ảnh 2.`
fn numbered_at_end(line: &str) -> Option<Caption> {
    // NOTE: called for every line; few end with a number.
    let bare = line.trim_end_matches('.');
    let (text, number) =
        bare.ends_with(|c: char| c.is_ascii_digit()).then(|| bare.rsplit_once(" - Ảnh "))??;
    let is_number = (1..=3).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| Caption { text: text.to_owned(), credit: None })
}

fn credited(line: &str) -> Option<Caption> {
    markers(line).into_iter().rev().find_map(|marker| taken_at(line, marker))
}

/// The offsets of the label's start and end.
#[derive(Clone, Copy)]
struct Marker {
    start: usize,
    end: usize,
    capital: bool,
}

const SOURCE: &str = "Nguồn";

fn markers(line: &str) -> Vec<Marker> {
    const WORDS: [(&str, bool); 6] =
        [("Ảnh", true), ("ẢNH", true), ("ảnh", false), ("Photo", true), ("Hình", true), (SOURCE, true)];
    let apart = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    let at = |start: usize| {
        let (word, capital) = WORDS.into_iter().find(|(word, _)| line[start..].starts_with(word))?;
        let end = start + word.len();
        let whole = apart(line[..start].chars().next_back()) && apart(line[end..].chars().next());
        whole.then_some(Marker { start, end, capital })
    };
    // NOTE: called for every line; one pass is much faster than a search for each label.
    let starts = line.char_indices().filter(|(_, c)| matches!(c, 'Ả' | 'ả' | 'P' | 'H' | 'N'));
    starts.filter_map(|(start, _)| at(start)).collect()
}

fn taken_at(line: &str, marker: Marker) -> Option<Caption> {
    let before = line[..marker.start].trim_end();
    let behind = line[marker.end..].trim_start();
    if line[marker.start..].starts_with(SOURCE) {
        return with_source(before, behind);
    }
    let (before, of_source) = match strip_word(before, &["Nguồn", "nguồn"]) {
        Some(shorter) => (shorter, true),
        None => (before, false),
    };
    let in_brackets = before.ends_with(['(', '[']);
    let starts_a_sentence = before.is_empty()
        || in_brackets
        || before.ends_with(['.', '!', '?', '…', '-', '–', '—', '|', '/', '"', '”', '»', ')', ';']);
    let colon = behind.strip_prefix(':').map(str::trim);
    let credit_raw = match colon {
        Some(credit) if marker.capital || in_brackets || of_source => credit,
        None if marker.capital && starts_a_sentence => behind,
        _ => return None,
    };
    if !starts_a_sentence && !of_source {
        return None;
    }
    let credit =
        credit_raw.trim_matches(|c: char| c.is_whitespace() || ")];.,".contains(c) && !c.is_alphanumeric());
    let credit = restore_initial(credit, credit_raw);
    let text = before.trim_end_matches(|c: char| c.is_whitespace() || "([-–—|/;".contains(c)).to_owned();
    if is_prose_before(&text) {
        return None;
    }
    if is_illustration(&credit) {
        let text = if text.is_empty() { line.trim_matches(['(', ')', '[', ']']).to_owned() } else { text };
        return Some(Caption { text, credit: None });
    }
    // `Ảnh:` at the start of a line may also introduce a description; then only a name or an office is a credit.
    let office = ["Phòng ", "Báo ", "Ban ", "Trung tâm ", "Cổng ", "Đài ", "Công an "]
        .iter()
        .any(|word| credit.starts_with(word));
    if is_credit(&credit, colon.is_some() && (!before.is_empty() || office)) {
        return Some(Caption { text, credit: Some(credit) });
    }
    // `Ảnh: Quang cảnh Hội nghị.` describes the image and does not name the photographer.
    let is_description =
        colon.is_some() && before.is_empty() && word_count(&credit) >= 3 && word_count(&credit) <= 40;
    is_description.then(|| Caption { text: credit_raw.to_owned(), credit: None })
}

/// `Phối cảnh cây cầu. Nguồn: Ban quản lý dự án`. Without a preceding sentence, the label refers to the article.
fn with_source(before: &str, behind: &str) -> Option<Caption> {
    let credit = behind.strip_prefix(':')?.trim().trim_end_matches([')', '.']);
    let sentence = before.trim_end_matches(['(', ' ']);
    let fits = (4..=25).contains(&word_count(before)) && sentence.ends_with(['.', '!', '?', '…']);
    (fits && (1..=8).contains(&word_count(credit)))
        .then(|| Caption { text: sentence.to_owned(), credit: Some(credit.to_owned()) })
}

/// The text before a credit belongs to a caption if it is a sentence or two, not a paragraph of the article.
fn is_prose_before(text: &str) -> bool {
    word_count(text) > 70
}

/// Restores the full stop of initials such as `P.V.`.
fn restore_initial(credit: &str, raw: &str) -> String {
    let dotted = raw.trim_end().ends_with('.')
        && credit.rsplit(' ').next().is_some_and(|word| word.contains('.') && word.len() <= 4);
    if dotted { format!("{credit}.") } else { credit.to_owned() }
}

fn is_illustration(credit: &str) -> bool {
    matches!(credit.to_lowercase().as_str(), "minh họa" | "minh hoạ" | "minh họa từ internet" | "")
}

/// A name or an agency, but not a sentence.
fn is_credit(text: &str, colon: bool) -> bool {
    let lower = text.to_lowercase();
    if text.is_empty() || word_count(text) > 8 || text.contains(". ") && word_count(text) > 5 {
        return false;
    }
    let giver = [" cung cấp", " chụp", " gửi", " sưu tầm"].iter().any(|end| colon && lower.ends_with(end));
    let domain =
        word_count(text) == 1 && text.contains('.') && lower.ends_with(|c: char| c.is_ascii_lowercase());
    if giver || domain || opens_with(&lower, &CREDITS) {
        return true;
    }
    let is_capital =
        |word: &&str| word.chars().next().is_some_and(|c| c.is_uppercase() || !c.is_alphabetic());
    let capitals = text.split_whitespace().filter(is_capital).count();
    let first = text.chars().next().is_some_and(char::is_uppercase) || text.contains("://");
    // After a colon, a department is accepted (`Ảnh: Phòng Văn hóa`); without one, it must look like a name.
    first
        && (capitals == word_count(text)
            || colon && word_count(text) <= 6 && capitals * 2 >= word_count(text))
}

/// `[Ảnh] …`, `[Video] …`: a title that names the kind of report.
pub(super) fn is_kind_of_report(title: &str) -> bool {
    REPORTS.iter().any(|kind| title.starts_with(kind))
}

/// A title whose article is a series of images.
pub(super) fn is_photo_report(title: &str) -> bool {
    let title = title.trim_start_matches(['[', '(']).to_lowercase();
    ["ảnh]", "ảnh)", "photo]", "ảnh: ", "chùm ảnh", "phóng sự ảnh"].iter().any(|mark| title.starts_with(mark))
}

/// `Đồng chí …, Chủ tịch UBND xã phát biểu tại buổi lễ`: names the people shown and what they do.
pub(super) fn shows_people(line: &str) -> bool {
    (6..=30).contains(&word_count(line)) && opens_with(line, &SHOWN) && says(line, &DOING)
}

fn strip_word<'text>(text: &'text str, wanted: &[&str]) -> Option<&'text str> {
    wanted.iter().find_map(|word| text.strip_suffix(word)).map(str::trim_end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_credit_is_parsed() {
        for (line, text, credit) in [
            ("Quang cảnh Hội nghị. Ảnh: TL", "Quang cảnh Hội nghị.", Some("TL")),
            ("Đường vào làng. Ảnh: T.SỸ", "Đường vào làng.", Some("T.SỸ")),
            ("Bà con thu hoạch cà phê. Ảnh Nguyễn Ban", "Bà con thu hoạch cà phê.", Some("Nguyễn Ban")),
            ("Các đại biểu dự họp. Ảnh: VGP/Nhật Bắc", "Các đại biểu dự họp.", Some("VGP/Nhật Bắc")),
            ("Các đại biểu dự họp - Ảnh: VGP/Quang Hiếu", "Các đại biểu dự họp", Some("VGP/Quang Hiếu")),
            ("Các đại biểu dự họp (Ảnh: VGP/Nhật Bắc).", "Các đại biểu dự họp", Some("VGP/Nhật Bắc")),
            ("Các đại biểu dự họp (ảnh: Minh Quang)", "Các đại biểu dự họp", Some("Minh Quang")),
            ("Ảnh minh họa", "Ảnh minh họa", None),
            ("Ruộng bậc thang. (Ảnh minh họa)", "Ruộng bậc thang.", None),
            ("Ảnh: Quang cảnh hội nghị sơ kết.", "Quang cảnh hội nghị sơ kết.", None),
            ("Ảnh: Đường vào làng Đăk Rô", "Đường vào làng Đăk Rô", None),
            ("Ảnh: Hà Nam", "", Some("Hà Nam")),
            ("Ảnh 2: Trao quà cho học sinh. Ảnh: P.V", "Trao quà cho học sinh.", Some("P.V")),
            ("Ảnh : Phòng Văn hóa", "", Some("Phòng Văn hóa")),
            ("Lễ hội mừng lúa mới. ẢNH: ĐỨC HÙNG", "Lễ hội mừng lúa mới.", Some("ĐỨC HÙNG")),
            ("Cánh đồng mía (Nguồn ảnh: Internet)", "Cánh đồng mía", Some("Internet")),
            (
                "Người dân qua cầu mới. Ảnh: Nhà trường cung cấp",
                "Người dân qua cầu mới.",
                Some("Nhà trường cung cấp"),
            ),
            ("Cầu dân sinh tháng 3-2018 - Ảnh: daklam.vn", "Cầu dân sinh tháng 3-2018", Some("daklam.vn")),
        ] {
            let caption = Caption { text: text.to_owned(), credit: credit.map(str::to_owned) };
            assert_eq!(read(line), Some(caption), "{line}");
        }
    }

    #[test]
    fn prose_and_bylines_that_mention_images_are_not_captions() {
        for line in [
            "Bài, ảnh: Đức Hùng",
            "Tin, ảnh: B.NG",
            "Tin bài, ảnh: Việt Anh, Minh Quang",
            "Triển lãm trưng bày hơn 100 bức ảnh: cuộc sống, con người và thiên nhiên Tây Nguyên.",
            "Ông A Nhôi cho biết: Ảnh hưởng của bão số 4 làm hư hại nhiều nhà dân.",
            "Cuộc thi ảnh đẹp du lịch năm 2023",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }
}
