//! Recognises authors and sources: short lines of their own, or names next to a date.
//!
//! A line is judged by its form only. A bare name is only trusted where a name is expected, which the layout decides.
//! Prose that begins with `Theo` is not a source.

use std::borrow::Cow;

use super::boilerplate::is_section;
use super::facts::Fact;
use super::normalise::{comparison_key, ends_a_sentence, exceeds_chars, word_count};
use super::phrases::{
    ACCOUNTS, AGENCIES, AUTHOR_LABELS, AUTHOR_LEADS, DEPARTMENTS, NO_NAMES, PLACES, TIMES, WORKS, opens_with,
};

/// A line of credits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Byline {
    pub authors: Vec<String>,
    /// The agency after a slash: `PHƯƠNG LAN/TTXVN`.
    pub source: Option<String>,
}

/// The credits of a line, if any, and the evidence for them: a label, a source, unambiguous initials, or only the
/// form of a name.
pub(super) fn credit(line: &str) -> Option<(Fact, Byline)> {
    let of = |fact| move |byline| (fact, byline);
    let shape = if is_initials(line) { Fact::Initials } else { Fact::Name };
    labelled_parts(line)
        .or_else(|| labelled(line))
        .map(of(Fact::LabelledAuthor))
        .or_else(|| source(line).map(of(Fact::Source)))
        .or_else(|| names_only(line).map(of(shape)))
}

/// `Bài, ảnh: Đức Hùng`, `Tác giả: Trang Lê`, `T/h: Lệ Quyên`: names after a label.
pub(super) fn labelled(line: &str) -> Option<Byline> {
    if exceeds_chars(line, 160) {
        return None;
    }
    let line = line.trim_matches(['(', ')', '[', ']']).trim();
    let opened = ["Viết bởi ", "Đăng bởi ", "Được viết bởi "];
    let closed = [" đưa tin", " thực hiện", " tổng hợp", " (thực hiện", " (tổng hợp", " (ghi", " (sưu tầm"];
    let between = opened.into_iter().find_map(|label| line.strip_prefix(label));
    if let Some(names) = between.or_else(|| closed.into_iter().find_map(|label| line.strip_suffix(label))) {
        let byline = split_names(names.trim_start_matches(':'));
        let named = byline.authors.iter().all(|name| is_name(name) || is_department(name));
        return Some(byline).filter(|byline| named && !byline.authors.is_empty());
    }
    let (label, names) = line.split_once(':')?;
    let (names, source) =
        names.split_once("Nguồn:").map_or((names, None), |(names, source)| (names, Some(source)));
    let names = names.trim_matches(|c: char| c.is_whitespace() || "-–|".contains(c));
    if names.is_empty() || word_count(names) > 24 || has_two_sentences(names) {
        return None;
    }
    let mut byline = split_names(names.strip_prefix("Theo ").unwrap_or(names));
    byline.source = source.map(|source| source.trim().to_owned()).or(byline.source);
    // Headlines also begin with `Tin: …`, `Bài: …` or two capital letters, and questions with `Phóng viên: …`.
    let named = || byline.authors.iter().all(|name| is_name(name) || is_department(name));
    let short =
        byline.authors.iter().all(|name| word_count(name) <= 6 && !name.ends_with(['?', '!', '…', ':']));
    let asks = matches!(comparison_key(label).as_str(), "pv" | "phóng viên" | "nhóm pv");
    let sure =
        is_phrase(label) && !asks && short || (asks || is_label(label) || is_abbreviation(label)) && named();
    (sure && !byline.authors.is_empty()).then_some(byline)
}

/// `Tin: Lương Bình; Ảnh: Đức Toàn`: one label after the other.
pub(super) fn labelled_parts(line: &str) -> Option<Byline> {
    if line.matches(':').count() < 2 {
        return None;
    }
    let mut byline = Byline::default();
    for part in line.split([';', '|', '-', '–']).filter(|part| !part.trim().is_empty()) {
        let (label, names) = part.split_once(':')?;
        let named = split_names(names.trim());
        let is_work = label_words(label).iter().all(|word| WORKS.contains(&word.as_str()));
        if !is_work && !is_phrase(label) || !named.authors.iter().all(|name| is_name(name)) {
            return None;
        }
        let new = named.authors.into_iter().filter(|name| !byline.authors.contains(name)).collect::<Vec<_>>();
        byline.authors.extend(new);
    }
    Some(byline).filter(|byline| !byline.authors.is_empty())
}

/// Whether a full stop ends a sentence within the text; that of `BS. Hoàng Thị Lụa` does not.
fn has_two_sentences(text: &str) -> bool {
    text.match_indices(". ").any(|(at, _)| {
        let word = text[..at].rsplit(' ').next().unwrap_or_default();
        !(word.starts_with(char::is_uppercase) && word.chars().count() <= 4)
    })
}

/// Only names: `Tấn Lộc`, `N.H.Khôi`, `PV`, `Minh Huyền – Thanh Tân`, `Phòng TTBCXB`.
pub(super) fn names_only(line: &str) -> Option<Byline> {
    if exceeds_chars(line, 100)
        || line.contains(':')
        || !line.starts_with(|c: char| c.is_uppercase() || "([".contains(c))
    {
        return None;
    }
    let line = line.trim_matches(['(', ')', '[', ']']).trim();
    if is_department(line) {
        return Some(Byline { authors: vec![line.to_owned()], source: None });
    }
    if AGENCIES.contains(&line) {
        return Some(Byline { authors: Vec::new(), source: Some(line.to_owned()) });
    }
    let byline = split_names(line);
    // A full stop that is not part of initials ends a sentence.
    let good = !byline.authors.is_empty()
        && without_final_stop(line) == line
        && byline.authors.len() <= 6
        && byline.authors.iter().all(|name| is_name(name));
    good.then_some(byline)
}

/// Authors next to a date: full names or initials, but not a section or a place.
pub(super) fn next_to_date(text: &str) -> Option<Byline> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || "|-–—:,;•·/()[]".contains(c));
    let half = text.len() / 2;
    // NOTE: pages that print the author for wide and for narrow screens contain the name twice.
    let is_doubled = text.len() > 5
        && text.is_char_boundary(half)
        && text[half..].strip_prefix(' ').is_some_and(|second| text[..half] == *second);
    let text = if is_doubled { &text[..half] } else { text };
    let lower = text.to_lowercase();
    let lead = AUTHOR_LEADS
        .iter()
        .find_map(|lead| lower.starts_with(*lead).then(|| text.get(lead.len()..)).flatten());
    let labelled = lead.filter(|rest| rest.starts_with([':', ' ']));
    let names = labelled.map_or(text, |rest| rest.trim_end_matches(" on").trim_end_matches(" vào"));
    let names = names.trim_matches(|c: char| c.is_whitespace() || "|-–:".contains(c));
    if is_doubled {
        let name = names.split_once(": ").map_or(names, |(_, name)| name);
        return Some(Byline { authors: vec![name.to_owned()], source: None });
    }
    let byline = split_names(&names.replace('|', ","));
    // NOTE: other initials alone are those of the newspaper: `(BKT) - 17h39`.
    let signed = |name: &String| {
        is_initials(name) && (name.contains('.') || matches!(name.as_str(), "PV" | "BBT" | "CTV"))
    };
    let whole = |name: &String| (2..=4).contains(&word_count(name)) && is_name(name) || signed(name);
    // `I. Từ 5h00` also begins with capitals.
    if names.split_whitespace().any(|word| TIMES.contains(&word)) {
        return None;
    }
    let good = byline.authors.iter().all(|name| labelled.is_some() || whole(name)) && !is_section(text);
    // An account of the site (`Đăng bởi admin`) is nobody's name.
    let named = labelled.is_some() || !byline.authors.is_empty();
    (good && named && word_count(names) <= 14).then_some(byline)
}

/// `PV`, `BBT`, `N.H.K`: initials that can only be a signature.
fn is_initials(line: &str) -> bool {
    word_count(line) == 1
        && line.chars().count() <= 6
        && line.chars().all(|c| c.is_uppercase() || c == '.')
        && !line.starts_with('.')
}

/// `(Theo Lê Thúy/NLĐO)`, `Nguồn: ĐNRTV`, `Theo Báo Đắk Nông online`: a short closing line.
pub(super) fn source(line: &str) -> Option<Byline> {
    if exceeds_chars(line, 140) {
        return None;
    }
    let bracketed = line.starts_with(['(', '[']) && line.trim_end_matches('.').ends_with([')', ']']);
    let inner = line.trim_matches(|c: char| "()[]".contains(c) || c.is_whitespace());
    let inner = if bracketed { inner.trim_end_matches(['.', ')', ']']) } else { inner };
    let named = |source: &str| Byline { authors: Vec::new(), source: Some(source.to_owned()) };
    if let Some((label, rest)) = inner.split_once(':')
        && matches!(
            comparison_key(label).as_str(),
            "nguồn" | "nguồn tin" | "nguồn bài" | "theo" | "nguồn bài viết"
        )
    {
        let rest = rest.trim();
        return (!rest.is_empty() && word_count(rest) <= 14).then(|| named(rest));
    }
    let rest = ["Theo ", "THEO ", "Nguồn "].into_iter().find_map(|word| inner.strip_prefix(word))?.trim();
    // Prose continues in lower case (`Theo báo cáo…`) or after a comma (`Theo đó, …`), and ends with a full stop.
    let capital = rest.chars().next().is_some_and(char::is_uppercase);
    let sentence = !bracketed && (ends_a_sentence(line) || rest.contains(", "));
    if sentence || word_count(rest) > 9 {
        return None;
    }
    // `Theo Hà Minh/Thời báo …`, `Theo bản tin 19h00/SLTV`: the newspaper or station follows the slash.
    if let Some((left, right)) =
        rest.split_once('/').filter(|(_, right)| !bracketed && word_count(right) <= 5)
    {
        let authors = if is_name(left.trim()) { vec![left.trim().to_owned()] } else { Vec::new() };
        let proper = right.trim().chars().next().is_some_and(char::is_uppercase);
        return proper.then(|| Byline { authors, source: Some(right.trim().to_owned()) });
    }
    let known = ["báo ", "cổng ", "trang ", "tạp chí ", "đài "]
        .iter()
        .any(|start| rest.starts_with(start) && bracketed);
    (capital || known).then(|| named(rest))
}

/// A label that only authors follow.
fn is_phrase(label: &str) -> bool {
    AUTHOR_LABELS.contains(&label_words(label).join(" ").as_str())
}

/// `BT`, `T.H`: two or three capital letters.
fn is_abbreviation(label: &str) -> bool {
    let letters = label.chars().filter(|c| c.is_alphabetic()).count();
    (1..=3).contains(&letters) && label.chars().all(|c| c.is_uppercase() || "./".contains(c))
}

/// The words of a label: `Tin, bài và ảnh`, `Bài – Ảnh`, or one of the phrases.
fn is_label(label: &str) -> bool {
    let parts = label_words(label);
    if parts.is_empty() || parts.len() > 7 || label.contains(|c: char| c.is_ascii_digit()) {
        return false;
    }
    is_phrase(label)
        || parts.iter().all(|part| WORKS.contains(&part.as_str()))
            && parts.iter().any(|part| matches!(part.as_str(), "tin" | "bài"))
}

fn label_words(label: &str) -> Vec<String> {
    label
        .to_lowercase()
        .split(|c: char| !c.is_alphabetic())
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Splits names at commas, dashes, `và` and `&`, and separates an agency after a slash.
fn split_names(names: &str) -> Byline {
    let mut byline = Byline::default();
    // NOTE: called for every short line; most have no separator.
    let separators =
        [" - ", " – ", " — ", " và ", " & ", " + "].into_iter().filter(|separator| names.contains(separator));
    let spaced =
        separators.fold(Cow::Borrowed(names), |text, separator| Cow::Owned(text.replace(separator, ",")));
    for part in spaced.split([',', ';']) {
        let name = part.trim().trim_matches(|c: char| "()[]".contains(c)).trim();
        let name = without_final_stop(name);
        let (name, agency) = without_agency(name);
        if let Some(agency) = agency {
            byline.source.get_or_insert(agency.to_owned());
        }
        let is_account = ACCOUNTS.contains(&name.to_lowercase().as_str());
        if !name.is_empty() && !is_account && !byline.authors.iter().any(|known| known == name) {
            byline.authors.push(name.to_owned());
        }
    }
    byline
}

/// Removes the full stop of `Đức Hùng.`, but not that of `P.V.`.
fn without_final_stop(name: &str) -> &str {
    let shorter = name.trim_end_matches('.');
    let last = shorter.rsplit(' ').next().unwrap_or_default();
    if last.contains('.') && last.chars().count() <= 5 { name } else { shorter }
}

fn without_agency(name: &str) -> (&str, Option<&str>) {
    let Some((left, right)) = name.split_once('/') else { return (name, None) };
    let (left, right) = (left.trim(), right.trim());
    let agency = |text: &str| {
        word_count(text) == 1
            && text.chars().filter(|c| c.is_alphabetic()).all(char::is_uppercase)
            && text.chars().count() >= 2
            || text.to_lowercase().starts_with("báo ")
            || text.to_lowercase().ends_with(".vn")
    };
    match (agency(left), agency(right)) {
        (_, true) => (left, Some(right)),
        (true, false) => (right, Some(left)),
        _ => (name, None),
    }
}

/// One to five words that begin with capitals, or initials.
fn is_name(name: &str) -> bool {
    let parts: Vec<&str> = name.split_whitespace().collect();
    let longest = if name.chars().any(char::is_lowercase) { 5 } else { 4 };
    if !(1..=longest).contains(&parts.len()) || !parts.iter().all(|part| is_name_word(part)) {
        return false;
    }
    let lower = name.to_lowercase();
    !is_section(&lower) && !NO_NAMES.contains(&lower.as_str()) && !opens_with(&lower, &PLACES)
}

fn is_name_word(word: &str) -> bool {
    let mut letters = word.chars();
    letters.next().is_some_and(char::is_uppercase)
        && letters.all(|c| c.is_alphabetic() || matches!(c, '.' | '’' | '\'' | '-' | '/'))
        && word.split('/').all(|part| part.starts_with(char::is_uppercase))
        && word.chars().filter(|c| "./".contains(*c)).count() <= 4
        && word.chars().count() <= 14
}

/// An office that signs as author.
pub(super) fn is_department(line: &str) -> bool {
    let lower = line.to_lowercase();
    let starts = opens_with(&lower, &DEPARTMENTS);
    let capital = line.chars().next().is_some_and(char::is_uppercase);
    let named =
        line.split_whitespace().skip(1).any(|word| word.chars().next().is_some_and(char::is_uppercase));
    starts && capital && named && word_count(line) <= 9 && !line.ends_with(['.', ',', ';', '!', '?', '…'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn byline(authors: &[&str], source: Option<&str>) -> Option<Byline> {
        let authors = authors.iter().map(|name| (*name).to_owned()).collect();
        Some(Byline { authors, source: source.map(str::to_owned) })
    }

    #[test]
    fn names_are_recognised_in_every_form() {
        for (line, authors, source) in [
            ("Tấn Lộc", &["Tấn Lộc"][..], None),
            ("N.H.Khôi", &["N.H.Khôi"], None),
            ("TRỌNG LỢI", &["TRỌNG LỢI"], None),
            ("PV", &["PV"], None),
            ("P.V.", &["P.V."], None),
            ("BBT", &["BBT"], None),
            ("(Đức Hùng)", &["Đức Hùng"], None),
            ("Minh Huyền – Thanh Tân", &["Minh Huyền", "Thanh Tân"], None),
            ("Y Blan và A Thư", &["Y Blan", "A Thư"], None),
            ("PHƯƠNG LAN/TTXVN", &["PHƯƠNG LAN"], Some("TTXVN")),
            ("Phòng TTBCXB", &["Phòng TTBCXB"], None),
            ("Ban Biên tập", &["Ban Biên tập"], None),
        ] {
            assert_eq!(names_only(line), byline(authors, source), "{line}");
        }
        for line in [
            "Chuyên mục khác",
            "Hết",
            "Trân trọng cảm ơn",
            "Điện thoại: 0260",
            "Ban tổ chức trao giải cho các đội.",
            "Hội nghị kết thúc lúc 17 giờ",
        ] {
            assert_eq!(names_only(line), None, "{line}");
        }
    }

    #[test]
    fn names_after_a_label_are_authors() {
        for (line, authors) in [
            ("Bài, ảnh: Đức Hùng", &["Đức Hùng"][..]),
            ("Tin, ảnh: B.NG", &["B.NG"]),
            ("Tin bài, ảnh: Việt Anh, Minh Quang", &["Việt Anh", "Minh Quang"]),
            ("Bài và ảnh: Đức Hùng.", &["Đức Hùng"]),
            ("Tác giả: Trang Lê", &["Trang Lê"]),
            ("T/h: Lệ Quyên", &["Lệ Quyên"]),
            ("TIN - ẢNH: TRỌNG LỢI", &["TRỌNG LỢI"]),
            ("Tin: Phòng VHTT", &["Phòng VHTT"]),
            ("BT: Hà Minh", &["Hà Minh"]),
            ("Tác giả: T.H.L - Nguồn: NVHCV", &["T.H.L"]),
            ("Tác giả: Theo HÀ MINH/SGGP", &["HÀ MINH"]),
            ("Bình Minh đưa tin", &["Bình Minh"]),
        ] {
            assert_eq!(
                labelled(line).map(|byline| byline.authors),
                byline(authors, None).map(|byline| byline.authors),
                "{line}"
            );
        }
        for line in [
            "Ảnh: TL",
            "Chủ đề: Nông thôn mới",
            "Bài học: phải gần dân. Phải hiểu dân.",
            "Bài 1: Những lớp học dưới mái nhà rông",
            "Tin: Kon Tum đón mưa đầu mùa",
            "Tin:",
        ] {
            assert_eq!(labelled(line), None, "{line}");
        }
    }

    #[test]
    fn a_source_is_a_short_closing_line_but_not_prose_with_the_same_beginning() {
        for (line, named) in [
            ("(Theo Lê Thúy/NLĐO)", "Lê Thúy/NLĐO"),
            ("Nguồn: ĐNRTV", "ĐNRTV"),
            ("Theo Báo Đắk Nông online", "Báo Đắk Nông online"),
            ("(Theo báo Nhân Dân)", "báo Nhân Dân"),
            ("Nguồn: https://example.vn/tin", "https://example.vn/tin"),
            ("Theo bản tin 19h00/SLTV", "SLTV"),
            ("Theo HÀ MINH/Thời báo Miền Thượng", "Thời báo Miền Thượng"),
            ("Theo Sonlam.vn", "Sonlam.vn"),
        ] {
            assert_eq!(source(line).and_then(|byline| byline.source).as_deref(), Some(named), "{line}");
        }
        for line in [
            "Theo báo cáo tại Hội nghị, thời gian qua có nhiều đổi mới.",
            "Theo đó, các xã, thị trấn ra quân đồng loạt.",
            "Theo Nghị quyết số 12, mỗi hộ được vay 50 triệu đồng.",
            "Nguồn vốn vay ưu đãi",
        ] {
            assert_eq!(source(line), None, "{line}");
        }
    }
}
