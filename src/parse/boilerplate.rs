//! The lines that a site prints around its articles: toolbars, counters, menus, letterheads, lists of other news.
//!
//! Here is only what a line looks like by its own words, compared whole and without case. Whether it is left out is
//! decided by where it stands (`layout`).

use std::collections::HashMap;
use std::sync::LazyLock;

use super::facts::Fact;
use super::normalise::{comparison_key, exceeds_chars, word_count};

/// Headings of what follows an article.
const ENDS: &str = "\
    chuyên mục khác | tin đã đưa | các tin đã đưa | bài đã đưa | các tin, bài đã đưa | \
    các tin bài đã đưa | tin, bài đã đưa | các bài đã đăng | tin đã đăng | cùng chuyên mục | \
    tin cùng chuyên mục | tin, bài cùng chuyên mục | tin bài cùng chuyên mục | \
    bài viết cùng chuyên mục | bài cùng chuyên mục | các tin khác | các bài khác | các tin, bài khác | \
    tin khác | tin bài khác | bài viết khác | các bài viết khác | những tin mới hơn | những tin cũ hơn | \
    tin mới hơn | tin cũ hơn | các tin cũ hơn | các tin mới hơn | ý kiến bạn đọc | ý kiến của bạn | \
    bình luận | viết bình luận | gửi bình luận | có thể bạn quan tâm | bạn đọc phản hồi | phản hồi | \
    ý kiến phản hồi | gửi ý kiến | tin đọc nhiều | tin xem nhiều | tin bài xem nhiều | chuyên mục | \
    tin cùng chủ đề | cùng chủ đề | cùng tác giả | bài cùng tác giả | ảnh cùng tác giả | \
    tin mới cập nhật | bài đọc nhiều";

/// Headings that may stand within the text as well.
const BOXES: &str = "\
    tin liên quan | tin, bài liên quan | tin bài liên quan | bài liên quan | bài viết liên quan | \
    các tin liên quan | tin mới | tin mới nhất | bài viết mới | bài viết mới nhất | tin nổi bật | \
    tin tiêu điểm | tiêu điểm | đọc tiếp | đọc thêm | xem thêm | đọc nhiều nhất | đọc nhiều | \
    xem nhiều | tin nóng";

/// Buttons.
const TOOLS: &str = "\
    bản in | in trang | in bài viết | in bài | in | print | gởi bài viết | gửi bài viết | gửi bài | \
    gửi email | gửi mail | gửi cho bạn bè | email | trở về | quay lại | trở lại | về trang trước | \
    về đầu trang | lên đầu trang | đầu trang | về trang chủ | mặc định cỡ chữ | mặc định | cỡ chữ | \
    cỡ chữ a- a a | a- a a | chia sẻ | chia sẻ bài viết | chia sẻ facebook | chia sẻ lên facebook | \
    share | facebook | zalo | twitter | tweet | pinterest | linkedin | copy link | sao chép liên kết | \
    lưu bài viết | lưu | thích | like | nghe bài viết | nghe đọc bài | nghe nội dung | đọc bài viết | \
    theo dõi báo trên google news | google news | đính kèm | tệp đính kèm | tập tin đính kèm | \
    file đính kèm | tải về | phóng to | thu nhỏ | tăng cỡ chữ | giảm cỡ chữ | tương phản | \
    đánh giá bài viết | trả lời | in trang này | in bài này | xem với cỡ chữ | gửi mail tòa soạn | \
    gửi mail toà soạn | sao chép | sao chép link | lưu tin | bỏ qua | truy cập nội dung luôn | \
    chuyển đến nội dung | copy | link | nguồn cấp rss | rss | x | bài viết | báo lỗi | gửi phản hồi | \
    youtube | tiktok | messenger | viber | telegram | instagram | xem ảnh lớn | xem video | nghe | \
    dừng | tải file";

/// What counters count.
const COUNTERS: &str = "\
    lượt xem | số lượt xem | lượt truy cập | số lượt truy cập | lượt đọc | số lượt người xem | \
    số người xem | số lần xem | đã xem | đang truy cập | đang online | hôm nay | tổng truy cập | views | \
    lượt | lần xem | lượt thích | bình luận | đính kèm | truy cập hôm nay | tổng lượt truy cập | \
    đang trực tuyến | tổng số truy cập | trực tuyến | người xem | tổng số lượt xem | đang xem";

/// Menus and mottos.
const SITES: &str = "\
    cổng thông tin điện tử | trang thông tin điện tử | \
    \
    trang chủ | tin tức - sự kiện | giới thiệu | liên hệ | sơ đồ cổng | đăng nhập | tìm kiếm | menu | \
    trang văn bản | văn bản | banner | logo | media | multimedia | \
    chuyên trang | thư viện ảnh | thư viện video | video | ảnh | từ điển | tra theo từ điển | \
    analytic | analytics | hỏi đáp | rao vặt | quảng cáo | thông tin cần biết | đường dây nóng | home | \
    rss | emagazine | podcast | longform | infographic | trang nhất | bạn đọc | tòa soạn | toà soạn | \
    tin mới nhận | tiện ích | tỷ giá | giá vàng | sitemap | english | tiếng việt";

/// Names of sections that every site has.
const SECTIONS: &str = "\
    kinh tế | xã hội | văn hóa | văn hoá | thể thao | giáo dục | y tế | sức khỏe | sức khoẻ | đời sống | \
    pháp luật | du lịch | chính trị | thời sự | trong nước | trong tỉnh | quốc tế | thế giới | an ninh | \
    quốc phòng | nông nghiệp | nông thôn mới | tin tức | sự kiện | tin tức sự kiện | \
    khoa học | công nghệ | môi trường | giải trí | tin địa phương | tin trong tỉnh | tin trong huyện | \
    tin xã phường | xây dựng đảng | an toàn giao thông | nhịp cầu bạn đọc | chuyển đổi số | \
    cải cách hành chính | hoạt động | tin hoạt động | hoạt động của lãnh đạo | dân tộc | tôn giáo | \
    lao động | tin nhanh | phóng sự | ký sự | người tốt việc tốt | gương sáng | \
    thực tiễn | trao đổi | nghiên cứu | văn nghệ | tiêu dùng | nhịp sống | tài chính | bất động sản | \
    doanh nghiệp | thị trường | công thương | giao thông | gia đình | phong tục | lễ hội | tin vắn | \
    bản tin | văn học | thơ | truyện | thời tiết | tin ảnh | diễn đàn";

/// Kinds of official document.
const DOCUMENTS: &str = "\
    thông báo | kế hoạch | quyết định | quyết nghị | báo cáo | công văn | giấy mời | chỉ thị | nghị quyết | \
    hướng dẫn | tờ trình | lịch | chương trình | công điện | thư ngỏ | quy ước | quy định | quy chế | \
    nội quy | thư mời | lời kêu gọi | công bố";

/// Offices whose holders sign.
const OFFICES: &str = "\
    chủ tịch | phó chủ tịch | giám đốc | phó giám đốc | trưởng ban | phó trưởng ban | bí thư | \
    phó bí thư | trưởng phòng | phó trưởng phòng | hiệu trưởng | phó hiệu trưởng | chánh văn phòng | \
    phó chánh văn phòng | chi cục trưởng | trưởng công an | đã ký | nơi nhận | tm | kt | tl | tuq | \
    bộ trưởng | thứ trưởng";

/// NOTE: every line is looked up, so that a walk through the tables would be felt.
static KNOWN: LazyLock<HashMap<&str, Fact>> = LazyLock::new(|| {
    let tables = [
        (SECTIONS, Fact::Section),
        (SITES, Fact::Site),
        (TOOLS, Fact::Tool),
        (BOXES, Fact::Box),
        (ENDS, Fact::End),
        (OFFICES, Fact::Signature),
        (DOCUMENTS, Fact::Document),
    ];
    tables.iter().flat_map(|(table, known)| table.split(" | ").map(|line| (line, *known))).collect()
});

/// True where a test holds for one of the phrases of a list.
pub(super) fn any_of(phrases: &str, test: impl FnMut(&str) -> bool) -> bool {
    phrases.split(" | ").any(test)
}

/// Begins with the whole words of a phrase.
pub(super) fn opens(line: &str, phrase: &str) -> bool {
    line.strip_prefix(phrase).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
}

/// Has the whole words of a phrase behind its first word.
pub(super) fn says(line: &str, phrase: &str) -> bool {
    line.match_indices(phrase).any(|(at, _)| line[..at].ends_with(' ') && opens(&line[at..], phrase))
}

/// What the words of a line tell, where they tell something. `key` is the line as `compared` has it.
pub(super) fn known(line: &str, key: &str) -> Option<Fact> {
    if exceeds_chars(line, 200) {
        return None;
    }
    if key.is_empty() {
        return Some(Fact::Symbols);
    }
    // `Bình luận (2)`
    let without_count = key.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches([' ', '(', ':']);
    let by_name = || {
        KNOWN
            .get(key)
            .or_else(|| KNOWN.get(without_count).filter(|fact| matches!(fact, Fact::End | Fact::Box)))
    };
    by_name().copied().or_else(|| by_form(line, key))
}

fn by_form(line: &str, key: &str) -> Option<Fact> {
    let count = word_count(line);
    if is_macro(line) {
        Some(Fact::Macro)
    } else if is_file(line, count) {
        Some(Fact::File)
    } else if is_counter_row(key) || is_letter_size(key) || is_prompt(line, key, count) {
        Some(Fact::Tool)
    } else if is_signature(line, key, count) {
        Some(Fact::Signature)
    } else if is_letterhead(line, key, count) {
        Some(Fact::Letterhead)
    } else if is_menu(line, key, count) {
        Some(Fact::Site)
    } else if key.starts_with("về việc ") || key.starts_with("v/v ") || key.starts_with("ban hành ") {
        Some(Fact::Subject)
    } else {
        is_contact(line, key).then_some(Fact::Contact)
    }
}

/// True where a word names a section that every site has.
pub(super) fn is_section(text: &str) -> bool {
    KNOWN.get(comparison_key(text).as_str()) == Some(&Fact::Section)
}

/// A short line that is a headline with its date: other news. The date is in brackets or behind a dash.
pub(super) fn is_dated_headline(line: &str) -> bool {
    if exceeds_chars(line, 200)
        || !line.ends_with(|c: char| c.is_ascii_digit() || ")]".contains(c))
        || word_count(line) < 4
    {
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

/// The keywords of a line that gives them; none of them where only their heading stands there.
pub(super) fn tags(line: &str, key: &str) -> Option<Vec<String>> {
    const NAMES: &str = "tags | tag | từ khóa | từ khoá | thẻ | chủ đề";
    const LONGEST: usize = 6;
    if key == "tags" || key == "tag" || key == "từ khóa" {
        return Some(Vec::new());
    }
    let (name, list) = line.split_once(':').filter(|(name, _)| name.len() <= 12)?;
    let label = comparison_key(name);
    if !any_of(NAMES, |name| name == label) {
        return None;
    }
    let separator: &[char] = if list.contains([',', ';']) { &[',', ';'] } else { &['|', '#'] };
    let mut tags: Vec<String> = Vec::new();
    for tag in list.split(separator).map(|tag| tag.trim().trim_start_matches('#').trim()) {
        // A sentence that opens with the word is no list of them.
        if word_count(tag) > LONGEST || tag.ends_with('.') {
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

/// The name of a picture's file or of an icon, which stands where the page showed the picture.
fn is_file(line: &str, count: usize) -> bool {
    const PICTURES: &str = ".jpg | .jpeg | .png | .gif | .webp | .jfif | .svg";
    if count > 2 || !line.is_ascii() || line.len() < 6 {
        return false;
    }
    let first = line.split(' ').next().unwrap_or_default();
    let numbered = line[first.len()..].bytes().all(|b| b == b' ' || b.is_ascii_digit());
    let plain = first.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    let joints = first.bytes().filter(|b| b"-_".contains(b)).count();
    let picture = any_of(PICTURES, |ending| first.to_ascii_lowercase().ends_with(ending));
    let letters = first.bytes().any(|b| b.is_ascii_lowercase());
    numbered && plain && letters && (picture || joints >= 2 || first.contains('_'))
}

/// Counters, also several in a row between bars: `Lượt xem: 87`, `253 lần xem | 0 bình luận`.
pub(super) fn is_counter_row(key: &str) -> bool {
    key.contains(|c: char| c.is_ascii_digit() || c == ':')
        && key.split('|').any(|part| is_counter(part.trim()))
        || COUNTERS.split(" | ").any(|name| name == key && word_count(name) > 1)
}

fn is_counter(part: &str) -> bool {
    let number = |text: &str| {
        text.chars().all(|c| c.is_ascii_digit() || c.is_whitespace() || ":.,()".contains(c))
            || text.trim() == "lượt"
    };
    COUNTERS.split(" | ").any(|name| {
        part.strip_prefix(name).is_some_and(|rest| !rest.trim().is_empty() && number(rest))
            || part.strip_suffix(name).is_some_and(|rest| rest.ends_with(' ') && number(rest))
    })
}

/// `A-`, `A`, `A+`, `A A A`.
fn is_letter_size(key: &str) -> bool {
    let key = key.strip_prefix("cỡ chữ").map_or(key, |rest| rest.trim_start_matches([':', ' ']));
    key.len() > 1
        && key.chars().all(|c| c == 'a' || c.is_whitespace() || "+-|/".contains(c))
        && word_count(key) <= 5
}

/// What a page asks its readers to do: `Theo dõi … trên`, `Trở lại …`, `Copy link thành công`, `>> Tin khác`.
fn is_prompt(line: &str, key: &str, count: usize) -> bool {
    const OPENINGS: &str = "\
        copy link | sao chép | trở lại | trở về | quay lại | chia sẻ lên | chia sẻ qua | in trang | \
        về trang | bấm vào đây | gửi bài viết | đọc bài viết";
    let follow = key.starts_with("theo dõi ") && (key.ends_with(" trên") || key.contains("google news"));
    let arrow = line.starts_with(">>") || line.starts_with("=>") || line.starts_with("» ");
    let call = line.ends_with(':')
        && (key.starts_with("mọi ") || key.starts_with("tin, bài") || key.starts_with("thư từ"))
        && key.contains("gửi");
    let tool = |word: &str| KNOWN.get(word) == Some(&Fact::Tool);
    let row = (2..=6).contains(&count) && key.split_whitespace().all(tool);
    let opened = count <= 5 && any_of(OPENINGS, |opening| opens(key, opening));
    (follow && count <= 9) || row || arrow || call || opened && !line.ends_with(['.', '!', '?'])
}

fn is_signature(line: &str, key: &str, count: usize) -> bool {
    let Some((first, rest)) = key.split_once(['.', '/', ':', ' ']) else { return false };
    let acting = matches!(first, "tm" | "kt" | "tl" | "tuq" | "q") && line.starts_with(char::is_uppercase);
    let capitals = || !line.chars().any(char::is_lowercase);
    count <= 8
        && (acting && (rest.is_empty() || capitals() || line.contains(['.', '/']))
            || key.starts_with("nơi nhận"))
        || count <= 6
            && (capitals() || !line.chars().any(char::is_uppercase))
            && any_of(OFFICES, |office| key != office && opens(key, office))
}

/// The head of a page or a document that names its office, and the number of the document.
fn is_letterhead(line: &str, key: &str, count: usize) -> bool {
    const OFFICES: &str = "ủy ban nhân dân | uỷ ban nhân dân | ubnd | ban nhân dân | hội đồng nhân dân | hđnd | đài phát thanh | cộng hòa xã hội | cộng hoà xã hội | hòa xã hội | hoà xã hội | độc lập | huyện | tỉnh | \
        xã | phường | thị xã | thị trấn | thành phố | sở | phòng | ban | báo | đài | tạp chí";
    let number = (key.starts_with("số:") || key.starts_with("số ")) && count <= 4 && line.contains('/');
    let bare_number = count == 1
        && line.contains('/')
        && line.starts_with(|c: char| c.is_ascii_digit())
        && line.contains('-')
        && line.chars().any(char::is_uppercase);
    let longest = if key.contains("nhân dân") || key.starts_with("đài ") || key.contains("xã hội chủ nghĩa")
    {
        10
    } else {
        5
    };
    let capitals = count <= longest && !line.chars().any(char::is_lowercase);
    let office = any_of(OFFICES, |office| opens(key, office));
    let state = key.starts_with("cộng hòa xã hội chủ") || key.starts_with("cộng hoà xã hội chủ");
    let motto = (key.starts_with("độc lập") && key.contains("hạnh phúc") || state) && count <= 8;
    let split = capitals && matches!(key, "ủy" | "uỷ" | "cộng" | "số");
    number || bare_number || capitals && office || motto || split
}

fn is_menu(line: &str, key: &str, count: usize) -> bool {
    const OPENINGS: &str = "\
        cổng thông tin điện tử | trang thông tin điện tử | cổng ttđt | chào mừng bạn đến với | \
        chào mừng quý vị đến với | đường dây nóng | hotline | bản quyền | cơ quan của | \
        cơ quan ngôn luận | tiếng nói của | giấy phép";
    let arrows = [" > ", " » ", " › ", " \\", "\\ "].iter().any(|arrow| line.contains(arrow));
    let home = key.starts_with("trang chủ") && line.contains(['|', '/', '\\', '>', '»', '›', ',']);
    let degrees = line.contains(['°', '*']) && line.contains('%') && count <= 5;
    let opened = any_of(OPENINGS, |opening| opens(key, opening)) && count <= 14;
    arrows && !line.ends_with(['.', '!', '?', ':']) || home || degrees || opened
}

/// An address line or an attached file.
fn is_contact(line: &str, key: &str) -> bool {
    const NAMES: &str = "\
        điện thoại | đt | email | e-mail | địa chỉ | website | fax | tệp đính kèm | đính kèm";
    const FILES: &str = ".pdf | .doc | .docx | .xls | .xlsx | .zip | .rar | .ppt";
    let named = key.split_once(':').is_some_and(|(name, _)| any_of(NAMES, |known| known == name.trim()));
    !exceeds_chars(line, 160) && (named || any_of(FILES, |ending| key.ends_with(ending)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_site_are_known_in_any_case() {
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
