//! Recognises the lines that sites print around their articles: toolbars, counters, menus, letterheads, lists of
//! other news.
//!
//! A line is judged by its own words only, compared whole and ignoring case. `layout` decides by its position whether
//! it is dropped.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::facts::Fact;
use super::normalise::{comparison_key, exceeds_chars, word_count};
use super::phrases::*;

/// NOTE: called for every line; searching the lists would be too slow.
static KNOWN: LazyLock<HashMap<&str, Fact>> = LazyLock::new(|| {
    let lists = [
        (&SECTIONS, Fact::Section),
        (&SITES, Fact::Site),
        (&TOOLS, Fact::Tool),
        (&BOXES, Fact::Box),
        (&ENDS, Fact::End),
        (&OFFICES, Fact::Signature),
        (&DOCUMENTS, Fact::Document),
    ];
    lists.iter().flat_map(|(list, known)| list.iter().map(|phrase| (*phrase, *known))).collect()
});

/// What the words of a line say about it, if anything. `key` is its `comparison_key`.
pub(super) fn known(line: &str, key: &str) -> Option<Fact> {
    if exceeds_chars(line, 200) {
        return None;
    }
    if key.is_empty() {
        return Some(Fact::Symbols);
    }
    // `Bình luận (2)`
    let without_count = key.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches([' ', '(', ':']);
    let heading = || KNOWN.get(without_count).filter(|fact| matches!(fact, Fact::End | Fact::Box));
    KNOWN.get(key).or_else(heading).copied().or_else(|| known_by_form(line, key))
}

fn known_by_form(line: &str, key: &str) -> Option<Fact> {
    let count = word_count(line);
    let forms: [(Fact, &dyn Fn() -> bool); 10] = [
        (Fact::Macro, &|| is_macro(line)),
        (Fact::File, &|| is_file(line, count)),
        (Fact::End, &|| count <= 16 && opens_with(key, &END_OPENINGS)),
        (Fact::Tool, &|| is_counter_row(key) || is_tool(line, key, count)),
        (Fact::Section, &|| count <= 8 && label_of(key).is_some_and(|label| SECTION_LABELS.contains(&label))),
        (Fact::Signature, &|| is_signature(line, key, count)),
        (Fact::Letterhead, &|| is_letterhead(line, key, count)),
        (Fact::Site, &|| is_menu(line, key, count)),
        (Fact::Subject, &|| opens_with(key, &["về việc", "v/v", "ban hành"]) && count > 2),
        (Fact::Contact, &|| is_contact(line, key, count)),
    ];
    forms.into_iter().find_map(|(fact, is_such)| is_such().then_some(fact))
}

fn label_of(key: &str) -> Option<&str> {
    key.split_once(':').map(|(label, _)| label.trim())
}

fn has_lower_case(line: &str) -> bool {
    line.chars().any(char::is_lowercase)
}

/// Whether the text is the name of a common section.
pub(super) fn is_section(text: &str) -> bool {
    KNOWN.get(comparison_key(text).as_str()) == Some(&Fact::Section)
}

/// Whether the line is a headline with its date, in brackets or after a dash: other news.
pub(super) fn is_dated_headline(line: &str) -> bool {
    let closed = line.ends_with([')', ']']);
    if !closed && !line.ends_with(|c: char| c.is_ascii_digit()) || exceeds_chars(line, 200) {
        return false;
    }
    let bare = line.trim_end_matches([')', ']']);
    let opening =
        if closed { bare.rfind(['(', '[']).map(|at| at + 1) } else { bare.rfind(" - ").map(|at| at + 3) };
    let Some(date) = opening.and_then(|at| bare.get(at..)) else { return false };
    let digits = date.bytes().filter(u8::is_ascii_digit).count();
    let only_date = date.chars().all(|c| c.is_ascii_digit() || c.is_whitespace() || "/-.:,|".contains(c));
    only_date
        && (3..=16).contains(&digits)
        && date.contains(['/', '-', '.'])
        && (closed || digits >= 7)
        && word_count(line) >= 4
}

/// The keywords of a line that lists them; empty for a line with only their heading.
pub(super) fn tags(line: &str, key: &str) -> Option<Vec<String>> {
    const MAX_WORDS: usize = 6;
    if matches!(key, "tags" | "tag" | "từ khóa") {
        return Some(Vec::new());
    }
    let labelled = || {
        let (label, list) = line.split_once(':').filter(|(label, _)| label.len() <= 12)?;
        TAG_LABELS.contains(&comparison_key(label).as_str()).then_some(list)
    };
    let hashed = || line.starts_with('#').then_some(line).filter(|line| !line.starts_with("# "));
    let list = hashed().or_else(labelled)?;
    let separator: &[char] = if list.contains([',', ';']) { &[',', ';'] } else { &['|', '#'] };
    let mut tags: Vec<String> = Vec::new();
    for tag in list.split(separator).map(|tag| tag.trim().trim_start_matches('#').trim()) {
        // A sentence that begins with the word is not a list of keywords.
        if word_count(tag) > MAX_WORDS || tag.ends_with('.') {
            return None;
        }
        if !tag.is_empty() && !tags.iter().any(|known| known == tag) && tags.len() < 50 {
            tags.push(tag.to_owned());
        }
    }
    Some(tags)
}

/// `[links()]`, `{{banner}}`, `<script>…</script>`.
fn is_macro(line: &str) -> bool {
    let inner = |open, close| line.strip_prefix(open).and_then(|rest: &str| rest.strip_suffix(close));
    inner("[", "]").is_some_and(|text| text.ends_with("()"))
        || inner("{{", "}}").is_some()
        || line.starts_with("<script") && line.ends_with("</script>")
}

/// The name of an image file or icon, in the place where the page showed the image.
fn is_file(line: &str, count: usize) -> bool {
    if count > 2 || !line.is_ascii() || line.len() < 6 {
        return false;
    }
    let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
    let lower = first.to_ascii_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|ending| lower.ends_with(ending));
    let name = first.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        && first.bytes().any(|b| b.is_ascii_lowercase());
    let joints = first.bytes().filter(|b| b"-_".contains(b)).count();
    name && rest.bytes().all(|b| b.is_ascii_digit())
        && (ends(&PICTURES) || (joints >= 2 || first.contains('_')) && !ends(&ATTACHMENTS))
}

/// Counters, also several in a row separated by bars: `Lượt xem: 87`, `253 lần xem | 0 bình luận`.
pub(super) fn is_counter_row(key: &str) -> bool {
    let counts = key.contains(|c: char| c.is_ascii_digit() || c == ':');
    counts && key.split('|').any(|part| is_counter(part.trim()))
        || key.contains(' ') && COUNTERS.contains(&key)
}

fn is_counter(part: &str) -> bool {
    let number = |text: &str| {
        text.chars().all(|c| c.is_ascii_digit() || c.is_whitespace() || ":.,()".contains(c))
            || text.trim() == "lượt"
    };
    COUNTERS.iter().any(|name| {
        part.strip_prefix(name).is_some_and(|rest| !rest.trim().is_empty() && number(rest))
            || part.strip_suffix(name).is_some_and(|rest| rest.ends_with(' ') && number(rest))
    })
}

/// Font sizes, rows of buttons, and requests to the readers: `Theo dõi … trên`, `>> Tin khác`.
fn is_tool(line: &str, key: &str, count: usize) -> bool {
    let sizes = key.rsplit_once("cỡ chữ").map_or(key, |(_, sizes)| sizes).trim_start_matches([':', ' ']);
    let letter_sizes = (2..=24).contains(&sizes.len()) && sizes.chars().all(|c| "a +-|/".contains(c));
    let follow =
        count <= 9 && key.starts_with("theo dõi ") && (key.ends_with(" trên") || key.contains("google news"));
    let arrow =
        [">>", "=>", "» ", "← ", "<<"].iter().any(|arrow| line.starts_with(arrow)) || line.ends_with(" →");
    let call = line.ends_with(':')
        && ["mọi ", "tin, bài", "thư từ"].iter().any(|opening| key.starts_with(opening))
        && key.contains("gửi");
    let opened = (count <= 6 || key.contains(|c: char| c.is_ascii_digit()) && count <= 12)
        && !line.ends_with(['.', '!', '?', ','])
        && opens_with(key, &TOOL_OPENINGS);
    let empty_label = line.ends_with(':')
        && (AUTHOR_LABELS.contains(&key)
            || key.replace(',', "").split(' ').all(|word| WORKS.contains(&word)));
    let account = key.split_once(':').is_some_and(|(label, account)| {
        AUTHOR_LABELS.contains(&label.trim()) && ACCOUNTS.contains(&account.trim())
    });
    letter_sizes || empty_label || account || follow || arrow || call || opened || is_row(key)
}

/// Whether a line consists of buttons, counters, sections and accounts, with numbers between them: `Facebook Twitter
/// Bản in`, `Thích 0 Chia sẻ`, `admin Tin tức 0`.
pub(super) fn is_row(key: &str) -> bool {
    const MAX_WORDS: usize = 12;
    let bare = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
    let words: Vec<String> =
        key.split_whitespace().take(MAX_WORDS + 1).map(bare).filter(|word| !word.is_empty()).collect();
    if !(2..=MAX_WORDS).contains(&words.len()) {
        return false;
    }
    let by_site = |part: &str| {
        KNOWN.get(part) == Some(&Fact::Tool) || COUNTERS.contains(&part) || ACCOUNTS.contains(&part)
    };
    let is_part = |part: &str| {
        by_site(part) || KNOWN.get(part) == Some(&Fact::Section) || AUTHOR_LABELS.contains(&part)
    };
    let (mut at, mut parts) = (0, 0);
    let is_number = |word: &String| word.bytes().all(|b| b.is_ascii_digit() || b"/.,".contains(&b));
    while at < words.len() {
        let part = |length: usize| words[at..at + length].join(" ");
        let longest = (1..=4.min(words.len() - at)).rev().find(|length| is_part(&part(*length)));
        match longest {
            Some(length) => {
                parts += usize::from(by_site(&part(length)));
                at += length;
            }
            None if is_number(&words[at]) => at += 1,
            None => return false,
        }
    }
    parts > 0 || words.len() >= 3 && words.iter().all(is_number)
}

fn is_signature(line: &str, key: &str, count: usize) -> bool {
    let Some((first, rest)) = key.split_once(['.', '/', ':', ' ']) else { return false };
    let acting = matches!(first, "tm" | "kt" | "tl" | "tuq" | "q") && line.starts_with(char::is_uppercase);
    let one_case = !has_lower_case(line) || !line.chars().any(char::is_uppercase);
    let acts = acting && (rest.is_empty() || !has_lower_case(line) || line.contains(['.', '/']));
    count <= 8 && (acts || key.starts_with("nơi nhận")) || count <= 6 && one_case && opens_with(key, &OFFICES)
}

/// The letterhead of a page or document with the name of its office, and the number of the document.
fn is_letterhead(line: &str, key: &str, count: usize) -> bool {
    let number = opens_with(key, &["số"]) && count <= 4 && line.contains('/');
    let bare_number = count == 1
        && line.contains('/')
        && line.contains('-')
        && line.starts_with(|c: char| c.is_ascii_digit())
        && line.chars().any(char::is_uppercase);
    let long = ["nhân dân", "đài ", "xã hội chủ nghĩa"].iter().any(|words| key.contains(words));
    let capitals = count <= if long { 10 } else { 5 } && !has_lower_case(line);
    let state = opens_with(key, &["cộng hòa xã hội chủ", "cộng hoà xã hội chủ"]);
    let motto = count <= 8 && (state || key.starts_with("độc lập") && key.contains("hạnh phúc"));
    let split = matches!(key, "ủy" | "uỷ" | "cộng" | "số");
    number || bare_number || motto || capitals && (split || opens_with(key, &AUTHORITIES))
}

fn is_menu(line: &str, key: &str, count: usize) -> bool {
    // NOTE: the key has none at its ends; there, it separates nothing.
    let arrows = [" > ", " » ", " › ", " \\", "\\ "].iter().any(|arrow| key.contains(arrow));
    let home = key.starts_with("trang chủ") && line.contains(['|', '/', '\\', '>', '»', '›', ',']);
    let degrees = line.contains(['°', '*']) && line.contains('%') && count <= 5;
    let opened = count <= 14 && opens_with(key, &SITE_OPENINGS) || is_site_name(line, key, count);
    arrows && !line.ends_with(['.', '!', '?', ':']) || home || degrees || opened
}

/// `Trang thông tin xã Ea Lâm`: nothing but the kind of site and the name of a place.
fn is_site_name(line: &str, key: &str, count: usize) -> bool {
    const KINDS: [&str; 5] = ["trang thông tin", "trang tin", "cổng thông tin", "bản tin", "trang cộng đồng"];
    let kind = KINDS.into_iter().find(|kind| opens_with(key, &[kind]));
    let is_part = |word: &str| {
        word.starts_with(char::is_uppercase) || PLACES.contains(&word) || "thị trấn thành phố".contains(word)
    };
    kind.is_some_and(|kind| {
        let skipped = word_count(kind);
        (skipped + 1..=8).contains(&count) && line.split_whitespace().skip(skipped).all(is_part)
    })
}

/// A line of an address, or the name of an attachment.
fn is_contact(line: &str, key: &str, count: usize) -> bool {
    let mail = count == 1 && line.split_once('@').is_some_and(|(_, domain)| domain.contains('.'));
    let labelled = label_of(key).is_some_and(|label| CONTACTS.contains(&label));
    !exceeds_chars(line, 160) && (mail || labelled || ATTACHMENTS.iter().any(|ending| key.ends_with(ending)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boilerplate_is_recognised_in_any_case() {
        for (line, kind) in [
            ("Chuyên mục khác", Some(Fact::End)),
            ("TIN ĐÃ ĐƯA", Some(Fact::End)),
            ("CÁC TIN, BÀI ĐÃ ĐƯA:", Some(Fact::End)),
            ("Tin liên quan", Some(Fact::Box)),
            ("[Trở về]", Some(Fact::Tool)),
            ("Lượt xem: 87", Some(Fact::Tool)),
            ("2168 Lượt xem", Some(Fact::Tool)),
            ("Phòng Kinh tế | 253 lần xem | 1 Đính kèm | 0 bình luận", Some(Fact::Tool)),
            ("Theo dõi Bản tin Đăk Lâm trên", Some(Fact::Tool)),
            ("Số lượt người xem :", Some(Fact::Tool)),
            ("Mặc định Cỡ chữ", Some(Fact::Tool)),
            ("A- A A+", Some(Fact::Tool)),
            ("* * *", Some(Fact::Symbols)),
            ("icon-toc-mobile", Some(Fact::File)),
            ("ao-am-03122024-02.jpg", Some(Fact::File)),
            ("[links()]", Some(Fact::Macro)),
            ("Số: 28/QĐ-UBND", Some(Fact::Letterhead)),
            ("KT. CHỦ TỊCH", Some(Fact::Signature)),
            ("Trang chủ > Tin tức > Xã hội", Some(Fact::Site)),
            ("Gia Lai 21*C/61%", Some(Fact::Site)),
            ("Chia sẻ với phóng viên, ông A Thư cho biết đời sống của bà con đã khá hơn.", None),
            ("Bản in thử đầu tiên của tập sách đã được trao cho nhà trường.", None),
            ("Lượt xem: 12.400 là con số ghi dưới đoạn phim", None),
            ("Tấn Lộc", None),
        ] {
            assert_eq!(known(line, &comparison_key(line)), kind, "{line}");
        }
        let keywords = |line: &str| tags(line, &comparison_key(line));
        assert_eq!(keywords("Tags: Đăk Tô, thi đua"), Some(vec!["Đăk Tô".to_owned(), "thi đua".to_owned()]));
        assert_eq!(keywords("Tags: chữ này bọn trẻ học được từ đoạn phim."), None);
    }

    #[test]
    fn a_headline_with_a_date_is_other_news_but_a_sentence_with_one_is_not() {
        for line in [
            "Huyện Đăk Tô tổng kết công tác năm 2022 (10/01/2023)",
            "Hội nghị giao ban tháng 4 - 28/04/2023",
            "Xã Diên Bình ra quân làm thủy lợi (12/05)",
            "Thông báo lịch tiếp công dân [05/05/2023 08:00]",
        ] {
            assert!(is_dated_headline(line), "{line}");
        }
        for line in [
            "Quyết định số 41/QĐ-CTUB ngày 30/03/2004.",
            "Chiều 12/5, UBND huyện họp phiên thường kỳ",
            "Số điện thoại 0260.3831.234",
        ] {
            assert!(!is_dated_headline(line), "{line}");
        }
    }
}
