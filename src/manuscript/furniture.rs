//! The lines of a page that are not the article: toolbars, counters, headings of other news, site names.
//!
//! Only whole short lines, compared without case. What is found here is dropped with a note, never in silence.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::text::{compared, longer_than, words};

/// What a line of furniture is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Furniture {
    /// A heading below which no article goes on: comments, lists of older news.
    End,
    /// A heading that may also stand over a box within the text.
    Box,
    /// A button, a counter, a size switch: falls alone.
    Tool,
    /// Keywords, which are kept.
    Tags(Vec<String>),
    /// The name of the site, a menu, a bread crumb.
    Site,
}

const END: [&str; 34] = [
    "chuyên mục khác",
    "tin đã đưa",
    "các tin đã đưa",
    "bài đã đưa",
    "các tin, bài đã đưa",
    "các tin bài đã đưa",
    "tin, bài đã đưa",
    "các bài đã đăng",
    "tin đã đăng",
    "cùng chuyên mục",
    "tin cùng chuyên mục",
    "tin, bài cùng chuyên mục",
    "tin bài cùng chuyên mục",
    "bài viết cùng chuyên mục",
    "bài cùng chuyên mục",
    "các tin khác",
    "các bài khác",
    "các tin, bài khác",
    "tin khác",
    "tin bài khác",
    "bài viết khác",
    "các bài viết khác",
    "những tin mới hơn",
    "những tin cũ hơn",
    "tin mới hơn",
    "tin cũ hơn",
    "các tin cũ hơn",
    "các tin mới hơn",
    "ý kiến bạn đọc",
    "ý kiến của bạn",
    "bình luận",
    "viết bình luận",
    "gửi bình luận",
    "có thể bạn quan tâm",
];

const BOX: [&str; 19] = [
    "tin liên quan",
    "tin, bài liên quan",
    "tin bài liên quan",
    "bài liên quan",
    "bài viết liên quan",
    "các tin liên quan",
    "tin mới",
    "tin mới nhất",
    "bài viết mới",
    "bài viết mới nhất",
    "tin nổi bật",
    "tin tiêu điểm",
    "tiêu điểm",
    "đọc tiếp",
    "đọc thêm",
    "xem thêm",
    "tin xem nhiều",
    "tin đọc nhiều",
    "đọc nhiều nhất",
];

const TOOL: [&str; 60] = [
    "bản in",
    "in trang",
    "in bài viết",
    "in bài",
    "in",
    "print",
    "gởi bài viết",
    "gửi bài viết",
    "gửi bài",
    "gửi email",
    "gửi mail",
    "gửi cho bạn bè",
    "email",
    "trở về",
    "quay lại",
    "trở lại",
    "về trang trước",
    "về đầu trang",
    "lên đầu trang",
    "đầu trang",
    "về trang chủ",
    "mặc định cỡ chữ",
    "mặc định",
    "cỡ chữ",
    "cỡ chữ a- a a",
    "a- a a",
    "chia sẻ",
    "chia sẻ bài viết",
    "chia sẻ facebook",
    "chia sẻ lên facebook",
    "share",
    "facebook",
    "zalo",
    "twitter",
    "tweet",
    "pinterest",
    "linkedin",
    "copy link",
    "sao chép liên kết",
    "lưu bài viết",
    "lưu",
    "thích",
    "like",
    "nghe bài viết",
    "nghe đọc bài",
    "nghe nội dung",
    "đọc bài viết",
    "theo dõi báo trên google news",
    "google news",
    "đính kèm",
    "tệp đính kèm",
    "tập tin đính kèm",
    "file đính kèm",
    "tải về",
    "phóng to",
    "thu nhỏ",
    "tăng cỡ chữ",
    "giảm cỡ chữ",
    "tương phản",
    "đánh giá bài viết",
];

/// Counters and the like: a name, a colon, and nothing but numbers or a few words behind it.
const COUNTERS: [&str; 14] = [
    "lượt xem",
    "số lượt xem",
    "lượt truy cập",
    "số lượt truy cập",
    "lượt đọc",
    "số lượt người xem",
    "số người xem",
    "số lần xem",
    "đã xem",
    "đang truy cập",
    "đang online",
    "hôm nay",
    "tổng truy cập",
    "views",
];

const SITE: [&str; 16] = [
    "cổng thông tin điện tử",
    "trang thông tin điện tử",
    "cộng hòa xã hội chủ nghĩa việt nam",
    "cộng hoà xã hội chủ nghĩa việt nam",
    "độc lập - tự do - hạnh phúc",
    "độc lập – tự do – hạnh phúc",
    "trang chủ",
    "tin tức",
    "tin tức sự kiện",
    "tin tức - sự kiện",
    "giới thiệu",
    "liên hệ",
    "sơ đồ cổng",
    "đăng nhập",
    "tìm kiếm",
    "menu",
];

/// What the tables above say of a line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    End,
    Box,
    Tool,
    Site,
}

/// NOTE: every line is looked up, so that a walk through the tables would be felt.
static NAMED: LazyLock<HashMap<&str, Named>> = LazyLock::new(|| {
    let tables = [(&SITE[..], Named::Site), (&TOOL, Named::Tool), (&BOX, Named::Box), (&END, Named::End)];
    tables.iter().flat_map(|(table, named)| table.iter().map(move |line| (*line, *named))).collect()
});

/// What kind of furniture a line is, if any.
pub(super) fn kind_of(line: &str) -> Option<Furniture> {
    if longer_than(line, 200) {
        return None;
    }
    let key = compared(line);
    if let Some(tags) = tags(line, &key) {
        return Some(Furniture::Tags(tags));
    }
    if longer_than(line, 80) {
        return None;
    }
    let named = NAMED.get(key.as_str()).copied();
    match named {
        Some(Named::End) => return Some(Furniture::End),
        Some(Named::Box) => return Some(Furniture::Box),
        _ => {}
    }
    // `>> Tin khác` leads to other news.
    if line.starts_with(">>") || line.starts_with("=>") || line.starts_with("» ") {
        return Some(Furniture::Tool);
    }
    let symbol_only = key.is_empty() && !line.is_empty() && is_rule_or_button(line);
    if named == Some(Named::Tool) || symbol_only || is_letter_size(&key) || is_counter(&key) {
        return Some(Furniture::Tool);
    }
    (named == Some(Named::Site) || is_site(line, &key)).then_some(Furniture::Site)
}

/// A short line that is a headline with its date: other news. The date is in brackets or behind a dash.
pub(super) fn is_dated_headline(line: &str) -> bool {
    if longer_than(line, 200) || words(line) < 4 {
        return false;
    }
    let closed = line.ends_with([')', ']']);
    let bare = line.trim_end_matches([')', ']']);
    let opening =
        if closed { bare.rfind(['(', '[']).map(|at| at + 1) } else { bare.rfind(" - ").map(|at| at + 3) };
    let Some(date) = opening.and_then(|at| bare.get(at..)) else { return false };
    let digits = date.bytes().filter(u8::is_ascii_digit).count();
    let only_date = date.chars().all(|c| c.is_ascii_digit() || c.is_whitespace() || "/-.:,|".contains(c));
    only_date && (3..=16).contains(&digits) && date.contains(['/', '-', '.']) && (closed || digits >= 7)
}

fn tags(line: &str, key: &str) -> Option<Vec<String>> {
    const NAMES: [&str; 6] = ["tags", "tag", "từ khóa", "từ khoá", "thẻ", "chủ đề"];
    if key == "tags" || key == "tag" {
        return Some(Vec::new());
    }
    let (name, list) = line.split_once(':')?;
    if !NAMES.contains(&compared(name).as_str()) {
        return None;
    }
    let separator: &[char] = if list.contains([',', ';']) { &[',', ';'] } else { &['|', '#'] };
    let mut tags: Vec<String> = Vec::new();
    for tag in list.split(separator).map(|tag| tag.trim().trim_start_matches('#').trim()) {
        if !tag.is_empty() && !tags.iter().any(|known| known == tag) && tags.len() < 50 {
            tags.push(tag.to_owned());
        }
    }
    Some(tags)
}

fn is_counter(key: &str) -> bool {
    COUNTERS.iter().any(|name| {
        key.strip_prefix(name).is_some_and(|rest| {
            rest.chars().all(|c| c.is_ascii_digit() || c.is_whitespace() || ":.,()".contains(c))
                || rest.trim_end() == " lượt"
        })
    }) || key
        .strip_suffix(" lượt xem")
        .or(key.strip_suffix(" views"))
        .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit() || ".,".contains(c)))
}

/// `A-`, `A`, `A+`, `A A A`.
fn is_letter_size(key: &str) -> bool {
    let key = key.strip_prefix("cỡ chữ").map_or(key, |rest| rest.trim_start_matches([':', ' ']));
    !key.is_empty()
        && key.chars().all(|c| c == 'a' || c.is_whitespace() || "+-|/".contains(c))
        && words(key) <= 5
}

/// A ruled line, a row of stars, arrows.
fn is_rule_or_button(line: &str) -> bool {
    line.chars().all(|c| c.is_whitespace() || "-–—_=*~•·|<>«»‹›→←↑▲▼+".contains(c))
}

fn is_site(line: &str, key: &str) -> bool {
    const BEGINNINGS: [&str; 4] =
        ["cổng thông tin điện tử ", "trang thông tin điện tử ", "cổng ttđt ", "chào mừng bạn đến với "];
    let arrows = || line.contains(" > ") || line.contains(" » ") || line.contains(" › ");
    let crumb = line.contains(['>', '»', '›']) && arrows() || key.starts_with("trang chủ ");
    let office = key.starts_with("ủy ban nhân dân ") || key.starts_with("uỷ ban nhân dân ");
    let letterhead = office && words(key) <= 8 && !line.chars().any(char::is_lowercase);
    crumb || letterhead || BEGINNINGS.iter().any(|beginning| key.starts_with(beginning)) && words(key) <= 14
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn furniture_is_known_in_any_case_and_dress() {
        for (line, kind) in [
            ("Chuyên mục khác", Some(Furniture::End)),
            ("TIN ĐÃ ĐƯA", Some(Furniture::End)),
            ("CÁC TIN, BÀI ĐÃ ĐƯA:", Some(Furniture::End)),
            ("Tin liên quan", Some(Furniture::Box)),
            ("[Trở về]", Some(Furniture::Tool)),
            ("Lượt xem: 87", Some(Furniture::Tool)),
            ("Số lượt người xem :", Some(Furniture::Tool)),
            ("Mặc định Cỡ chữ", Some(Furniture::Tool)),
            ("A- A A+", Some(Furniture::Tool)),
            ("* * *", Some(Furniture::Tool)),
            ("Trang chủ > Tin tức > Xã hội", Some(Furniture::Site)),
            ("Chia sẻ với phóng viên, ông A Thư cho biết đời sống của bà con đã khá hơn.", None),
            ("Bản in thử đầu tiên của tập sách đã được trao cho nhà trường.", None),
            ("Tấn Lộc", None),
        ] {
            assert_eq!(kind_of(line), kind, "{line}");
        }
        let tags = Furniture::Tags(vec!["Đăk Tô".to_owned(), "thi đua".to_owned()]);
        assert_eq!(kind_of("Tags: Đăk Tô, thi đua"), Some(tags));
    }

    #[test]
    fn a_headline_with_its_date_is_other_news_and_a_sentence_with_one_is_not() {
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
