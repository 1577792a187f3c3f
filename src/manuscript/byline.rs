//! Who wrote it, and where it was taken from: short lines by themselves near the end, or labelled ones.
//!
//! A bare name is trusted only where a name is expected; the structure decides that. Prose that opens with
//! `Theo` is no source.

use super::text::{compared, ends_a_sentence, longer_than, words};

/// A line of credits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Byline {
    pub authors: Vec<String>,
    /// The agency behind a stroke: `PHƯƠNG LAN/TTXVN`.
    pub source: Option<String>,
}

/// `Bài, ảnh: Đức Hùng`, `Tác giả: Trang Lê`, `T/h: Lệ Quyên`: a label vouches for what follows.
pub(super) fn labelled(line: &str) -> Option<Byline> {
    if longer_than(line, 160) {
        return None;
    }
    let line = line.trim_matches(['(', ')', '[', ']']).trim();
    if let Some(names) =
        ["Viết bởi ", "Đăng bởi ", "Được viết bởi "].into_iter().find_map(|label| line.strip_prefix(label))
    {
        return Some(split_names(names.trim_start_matches(':')))
            .filter(|byline| names.len() < 60 && !byline.authors.is_empty());
    }
    let (label, names) = line.split_once(':')?;
    if !is_label(label) || names.trim().is_empty() || words(names) > 24 || names.contains(". ") {
        return None;
    }
    let byline = split_names(names);
    // `Tin: …` and `Bài: …` open headlines too; `Tác giả: …` is sure.
    let sure = is_phrase(label) || byline.authors.iter().all(|name| is_name(name) || is_department(name));
    (sure && !byline.authors.is_empty()).then_some(byline)
}

/// Names and nothing else: `Tấn Lộc`, `N.H.Khôi`, `PV`, `Minh Huyền – Thanh Tân`, `Phòng TTBCXB`.
pub(super) fn bare(line: &str) -> Option<Byline> {
    if longer_than(line, 100) || line.contains(':') {
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
    let good = !byline.authors.is_empty()
        && byline.authors.len() <= 6
        && byline.authors.iter().all(|name| is_name(name));
    good.then_some(byline)
}

/// `PV`, `BBT`, `N.H.K`: letters that can be nothing but a signature.
pub(super) fn is_initials(line: &str) -> bool {
    words(line) == 1
        && line.chars().count() <= 6
        && line.chars().all(|c| c.is_uppercase() || c == '.')
        && !line.starts_with('.')
}

/// `(Theo Lê Thúy/NLĐO)`, `Nguồn: ĐNRTV`, `Theo Báo Đắk Nông online`: a short closing line.
pub(super) fn source(line: &str) -> Option<String> {
    if longer_than(line, 140) {
        return None;
    }
    let bracketed = line.starts_with(['(', '[']) && line.trim_end_matches('.').ends_with([')', ']']);
    let bare = line.trim_matches(|c: char| "()[]".contains(c) || c.is_whitespace());
    let bare = if bracketed { bare.trim_end_matches(['.', ')', ']']) } else { bare };
    if let Some((label, rest)) = bare.split_once(':')
        && matches!(compared(label).as_str(), "nguồn" | "nguồn tin" | "nguồn bài" | "theo" | "nguồn bài viết")
    {
        let rest = rest.trim();
        return (!rest.is_empty() && words(rest) <= 14).then(|| rest.to_owned());
    }
    let rest = ["Theo ", "THEO ", "Nguồn "].into_iter().find_map(|word| bare.strip_prefix(word))?.trim();
    // Prose goes on in small letters (`Theo báo cáo…`) or after a comma (`Theo đó, …`), and ends with a stop.
    let capital = rest.chars().next().is_some_and(char::is_uppercase);
    let sentence = !bracketed && (ends_a_sentence(line) || rest.contains(", "));
    let known = ["báo ", "cổng ", "trang ", "tạp chí ", "đài "]
        .iter()
        .any(|start| rest.starts_with(start) && bracketed);
    ((capital || known) && !sentence && words(rest) <= 9).then(|| rest.to_owned())
}

/// Agencies and papers that sign with nothing but their letters.
const AGENCIES: [&str; 16] = [
    "TTXVN",
    "VGP",
    "VOV",
    "VTV",
    "NLĐO",
    "NLĐ",
    "TTO",
    "SGGP",
    "SGGPO",
    "VNA",
    "VNE",
    "VnExpress",
    "VietnamPlus",
    "TPO",
    "DTO",
    "QĐND",
];

/// A label that nothing but authors follow.
fn is_phrase(label: &str) -> bool {
    const PHRASES: [&str; 22] = [
        "tác giả",
        "tác giả bài viết",
        "nhóm tác giả",
        "người viết",
        "người đăng",
        "thực hiện",
        "người thực hiện",
        "nhóm thực hiện",
        "t h",
        "th",
        "tổng hợp",
        "biên soạn",
        "phóng viên",
        "nhóm phóng viên",
        "pv",
        "nhóm pv",
        "cộng tác viên",
        "ctv",
        "by",
        "author",
        "người đưa tin",
        "cộng tác",
    ];
    PHRASES.contains(&label_words(label).join(" ").as_str())
}

/// The words of a label: `Tin, bài và ảnh`, `Bài – Ảnh`, or one of the phrases.
fn is_label(label: &str) -> bool {
    const THINGS: [&str; 10] = ["tin", "bài", "ảnh", "hình", "video", "clip", "viết", "và", "đồ", "họa"];
    let parts = label_words(label);
    if parts.is_empty() || parts.len() > 7 || label.contains(|c: char| c.is_ascii_digit()) {
        return false;
    }
    is_phrase(label)
        || parts.iter().all(|part| THINGS.contains(&part.as_str()))
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

/// Cuts names apart at commas, dashes, `và` and `&`, and an agency off behind a stroke.
fn split_names(names: &str) -> Byline {
    let mut byline = Byline::default();
    let spaced = [" - ", " – ", " — ", " và ", " & ", " + "]
        .into_iter()
        .fold(names.to_owned(), |text, separator| text.replace(separator, ","));
    for part in spaced.split([',', ';']) {
        let name = part.trim().trim_matches(|c: char| "()[]".contains(c)).trim();
        let name = without_final_stop(name);
        let (name, agency) = without_agency(name);
        if let Some(agency) = agency {
            byline.source.get_or_insert(agency.to_owned());
        }
        if !name.is_empty() && !byline.authors.iter().any(|known| known == name) {
            byline.authors.push(name.to_owned());
        }
    }
    byline
}

/// `Đức Hùng.` ends a line, `P.V.` ends a name.
fn without_final_stop(name: &str) -> &str {
    let shorter = name.trim_end_matches('.');
    let last = shorter.rsplit(' ').next().unwrap_or_default();
    if last.contains('.') && last.chars().count() <= 5 { name } else { shorter }
}

fn without_agency(name: &str) -> (&str, Option<&str>) {
    let Some((left, right)) = name.split_once('/') else { return (name, None) };
    let (left, right) = (left.trim(), right.trim());
    let agency = |text: &str| {
        words(text) == 1
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
    const NO_NAMES: [&str; 34] = [
        "hết",
        "còn nữa",
        "kết luận",
        "mục lục",
        "phụ lục",
        "ghi chú",
        "video",
        "ảnh",
        "nguồn",
        "tin",
        "bài",
        "email",
        "việt nam",
        "chú thích",
        "kinh tế",
        "văn hóa",
        "văn hoá",
        "xã hội",
        "thể thao",
        "giáo dục",
        "y tế",
        "pháp luật",
        "du lịch",
        "chính trị",
        "thời sự",
        "trong nước",
        "quốc tế",
        "an ninh",
        "quốc phòng",
        "nông nghiệp",
        "đời sống",
        "tin tức",
        "sự kiện",
        "thông báo",
    ];
    let parts: Vec<&str> = name.split_whitespace().collect();
    let longest = if name.chars().any(char::is_lowercase) { 5 } else { 4 };
    (1..=longest).contains(&parts.len())
        && parts.iter().all(|part| is_name_word(part))
        && !NO_NAMES.contains(&name.to_lowercase().as_str())
}

fn is_name_word(word: &str) -> bool {
    let mut letters = word.chars();
    letters.next().is_some_and(char::is_uppercase)
        && letters.all(|c| c.is_alphabetic() || matches!(c, '.' | '’' | '\'' | '-'))
        && word.chars().filter(|c| *c == '.').count() <= 4
        && word.chars().count() <= 14
}

/// An office that signs as author.
fn is_department(line: &str) -> bool {
    const BEGINNINGS: [&str; 20] = [
        "phòng ",
        "ban ",
        "văn phòng ",
        "trung tâm ",
        "tổ ",
        "đoàn ",
        "công an ",
        "sở ",
        "ubnd ",
        "đài ",
        "bộ phận ",
        "hội ",
        "hạt ",
        "trường ",
        "tòa soạn",
        "toà soạn",
        "cổng ttđt",
        "huyện đoàn",
        "thị đoàn",
        "vp ",
    ];
    let lower = line.to_lowercase();
    let starts = BEGINNINGS.iter().any(|beginning| lower.starts_with(beginning));
    let capital = line.chars().next().is_some_and(char::is_uppercase);
    let named =
        line.split_whitespace().skip(1).any(|word| word.chars().next().is_some_and(char::is_uppercase));
    starts && capital && named && words(line) <= 9 && !line.ends_with(['.', ',', ';', '!', '?', '…'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn byline(authors: &[&str], source: Option<&str>) -> Option<Byline> {
        let authors = authors.iter().map(|name| (*name).to_owned()).collect();
        Some(Byline { authors, source: source.map(str::to_owned) })
    }

    #[test]
    fn bare_names_are_read_in_every_dress() {
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
            assert_eq!(bare(line), byline(authors, source), "{line}");
        }
        for line in [
            "Chuyên mục khác",
            "Hết",
            "Trân trọng cảm ơn",
            "Điện thoại: 0260",
            "Ban tổ chức trao giải cho các đội.",
            "Hội nghị kết thúc lúc 17 giờ",
        ] {
            assert_eq!(bare(line), None, "{line}");
        }
    }

    #[test]
    fn a_label_vouches_for_the_names_behind_it() {
        for (line, authors) in [
            ("Bài, ảnh: Đức Hùng", &["Đức Hùng"][..]),
            ("Tin, ảnh: B.NG", &["B.NG"]),
            ("Tin bài, ảnh: Việt Anh, Minh Quang", &["Việt Anh", "Minh Quang"]),
            ("Bài và ảnh: Đức Hùng.", &["Đức Hùng"]),
            ("Tác giả: Trang Lê", &["Trang Lê"]),
            ("T/h: Lệ Quyên", &["Lệ Quyên"]),
            ("TIN - ẢNH: TRỌNG LỢI", &["TRỌNG LỢI"]),
            ("Tin: Phòng VHTT", &["Phòng VHTT"]),
        ] {
            assert_eq!(labelled(line), byline(authors, None), "{line}");
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
    fn a_source_is_a_short_closing_line_and_prose_that_opens_alike_is_not() {
        for (line, named) in [
            ("(Theo Lê Thúy/NLĐO)", "Lê Thúy/NLĐO"),
            ("Nguồn: ĐNRTV", "ĐNRTV"),
            ("Theo Báo Đắk Nông online", "Báo Đắk Nông online"),
            ("(Theo báo Nhân Dân)", "báo Nhân Dân"),
            ("Nguồn: https://example.vn/tin", "https://example.vn/tin"),
        ] {
            assert_eq!(source(line).as_deref(), Some(named), "{line}");
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
