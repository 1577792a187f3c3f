//! Pages composed of the parts that sites print, in any possible order, with invented text: the fields are found, or
//! the page is rejected, but never with a wrong date. And articles of the clean form: every paragraph is kept.

use bantin::model::Block;
use bantin::parse::{DiagnosticKind, ParseOptions, ParseResult, ParsedArticle, parse};
use bantin::time::DEFAULT_TIME_ZONE;
use chrono::{Datelike, Timelike};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

const SYLLABLES: &str = "nước làng đường trâu lúa suối rừng chợ thôn bản nhà rông cầu mưa nắng gùi nương rẫy sông núi gạo muối bếp \
    khói chiêng trống áo khăn dệt gốm men đá cát đò bến vườn chè tiêu mía sắn";

const FAMILY: [&str; 6] = ["Đinh", "Rơ Lan", "Sùng", "Vàng", "Lương", "Hồ"];
const GIVEN: [&str; 8] = ["Thiên", "Mẫn", "Páo", "Nhi", "Bảo Thoa", "Hữu Khôi", "Duyệt", "Ngọc Sen"];

/// What sites print above, beside and below their articles.
const ABOVE: [&str; 9] = [
    "Trang chủ",
    "Trang chủ > Tin tức > Xã hội",
    "Xã hội",
    "Kinh tế",
    "Banner",
    "Liên hệ",
    "Kon Tum 24°C/70%",
    "Đăng nhập",
    "Trang chủ | Giới thiệu | Liên hệ",
];
const TOOLS: [&str; 8] = [
    "Bản in",
    "Lượt xem: 87",
    "A- A A+",
    "Chia sẻ",
    "Gửi email",
    "Mặc định Cỡ chữ",
    "253 lần xem",
    "Theo dõi Bản tin trên",
];
const BELOW: [&str; 6] = ["Trả lời", "[Trở về]", "Lượt xem: 1.234", "Copy link", "Về đầu trang", "Chia sẻ"];
const ENDS: [&str; 5] = ["Chuyên mục khác", "Tin cùng chuyên mục", "CÁC TIN KHÁC", "Tin đã đưa", "Bình luận"];

fn phrase(words: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    vec(select(SYLLABLES.split(' ').collect::<Vec<_>>()), words).prop_map(|words| {
        let text = words.join(" ");
        let first = text.chars().next().unwrap_or_default().to_uppercase().to_string();
        first + text.get(text.chars().next().map_or(0, char::len_utf8)..).unwrap_or_default()
    })
}

fn sentence() -> impl Strategy<Value = String> {
    (phrase(10..40), select(&[".", ".", ".", "!", "…"][..])).prop_map(|(text, stop)| text + stop)
}

fn name() -> impl Strategy<Value = String> {
    (select(&FAMILY[..]), select(&GIVEN[..])).prop_map(|(family, given)| format!("{family} {given}"))
}

/// Day, month, year, hour, minute.
type Moment = (u32, u32, i32, u32, u32);

fn moment() -> impl Strategy<Value = Moment> {
    (1..=28u32, 1..=12u32, 2005..=2025i32, 0..24u32, 0..60u32)
}

const FORMS: usize = 10;

fn printed(form: usize, (day, month, year, hour, minute): Moment) -> String {
    match form {
        0 => format!("{day:02}/{month:02}/{year} {hour:02}:{minute:02}"),
        1 => format!("{hour:02}:{minute:02}, {day:02}/{month:02}/{year}"),
        2 => format!("Ngày đăng: {day:02}/{month:02}/{year}  {hour:02}:{minute:02}"),
        3 => format!("{day} Tháng {month} {year} lúc {hour:02}:{minute:02}"),
        4 => format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:00"),
        5 => format!("{hour}h{minute:02} ngày {day}/{month}/{year}"),
        6 => format!("{day:02}-{month:02}-{year} | {hour:02}:{minute:02}"),
        7 => format!("({day:02}/{month:02}/{year} {hour:02}:{minute:02})"),
        8 => format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:00+07:00"),
        _ => format!("Đăng lúc: {hour:02}:{minute:02} {day:02}/{month:02}/{year} | Lượt xem: 36"),
    }
}

fn is_the_moment(draft: &ParsedArticle, (day, month, year, hour, minute): Moment) -> bool {
    let local = draft.article.published.instant.with_timezone(&DEFAULT_TIME_ZONE);
    (local.day(), local.month(), local.year(), local.hour(), local.minute())
        == (day, month, year, hour, minute)
}

fn read(lines: &[String], blank: bool) -> ParseResult {
    let options = ParseOptions { zone: DEFAULT_TIME_ZONE, language: "vi".to_owned(), encoding: None };
    parse("bai.txt", lines.join(if blank { "\n\n" } else { "\n" }).as_bytes(), &options)
}

fn read_text(lines: &[String], blank: bool) -> Option<ParsedArticle> {
    read(lines, blank).draft
}

fn text_of(draft: &ParsedArticle) -> String {
    let mut text = String::new();
    for block in &draft.article.body {
        match block {
            Block::Lead { text: line, .. }
            | Block::Paragraph { text: line }
            | Block::Heading { text: line, .. } => text.push_str(line),
            Block::Caption { raw: printed, .. } => text.push_str(printed),
            Block::List { items, .. } => text.push_str(&items.join("\n")),
            Block::Table { rows } => rows.iter().for_each(|row| text.push_str(&row.join(" "))),
            Block::Html { html } => text.push_str(html),
        }
        text.push('\n');
    }
    text
}

#[derive(Clone, Debug)]
struct Page {
    title: String,
    stamp: (usize, Moment),
    paragraphs: Vec<String>,
    author: Option<String>,
    /// Where and how the author is named.
    signing: usize,
    /// A sub-heading and a caption below the lead.
    heading: Option<String>,
    caption: Option<String>,
    above: Vec<String>,
    tools: Vec<&'static str>,
    below: Vec<&'static str>,
    end: Option<(&'static str, Vec<String>)>,
    clock: Option<Moment>,
    update: Option<Moment>,
    /// Title then date, date then title, the lead between them, or the title again below its date.
    order: usize,
    blank: bool,
}

fn page() -> impl Strategy<Value = Page> {
    let known = select(&ABOVE[..]).prop_map(str::to_owned);
    let menu = vec(prop_oneof![3 => known, 1 => phrase(1..3)], 0..4);
    let head = (phrase(5..14), (0..FORMS, moment()), menu, vec(select(&TOOLS[..]), 0..4));
    let caption = (phrase(4..12), name()).prop_map(|(text, name)| format!("{text}. Ảnh: {name}"));
    let text = (vec(sentence(), 2..6), option::weighted(0.4, phrase(3..8)), option::weighted(0.4, caption));
    let signature = (option::of(name()), 0..SIGNING, vec(select(&BELOW[..]), 0..3));
    let end = option::of((select(&ENDS[..]), vec(phrase(5..12), 1..5)));
    let dates = (option::weighted(0.3, moment()), option::weighted(0.3, moment()), 0..4usize, any::<bool>());
    (head, text, signature, end, dates).prop_map(|(head, text, signature, end, dates)| Page {
        title: head.0,
        stamp: head.1,
        above: head.2,
        tools: head.3,
        paragraphs: text.0,
        heading: text.1,
        caption: text.2,
        author: signature.0,
        signing: signature.1,
        below: signature.2,
        end,
        clock: dates.0,
        update: dates.1,
        order: dates.2,
        blank: dates.3,
    })
}

const SIGNING: usize = 4;

impl Page {
    /// The line with the date, and the lines that name the author above and below the text.
    fn signed(&self) -> (String, Option<String>, Option<String>) {
        let stamp = printed(self.stamp.0, self.stamp.1);
        let Some(author) = &self.author else { return (stamp, None, None) };
        // A label of the date is at the beginning of its line.
        match self.signing {
            0 if self.stamp.0 < 2 => (format!("{author} - {stamp}"), None, None),
            1 if matches!(self.order, 0 | 3) => (stamp, Some(format!("Tác giả: {author}")), None),
            2 => (stamp, None, Some(format!("Bài, ảnh: {author}"))),
            _ => (stamp, None, Some(author.clone())),
        }
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        lines.extend(self.clock.map(|clock| printed(0, clock)));
        lines.extend(self.above.iter().cloned());
        let (title, (stamp, byline, signature)) = (self.title.clone(), self.signed());
        match self.order {
            0 => lines.extend([title, stamp]),
            1 => lines.extend([stamp, title]),
            2 => lines.extend([title, self.paragraphs[0].clone(), stamp]),
            _ => lines.extend([title.clone(), stamp, title]),
        }
        lines.extend(byline);
        if matches!(self.order, 0 | 3) {
            lines.extend(
                self.update.map(|(day, month, year, ..)| format!("Cập nhật: {day:02}/{month:02}/{year}")),
            );
            lines.extend(self.tools.iter().map(|line| (*line).to_owned()));
        }
        lines.extend(self.text().into_iter().skip(usize::from(self.order == 2)));
        lines.extend(signature);
        lines.extend(self.below.iter().map(|line| (*line).to_owned()));
        if let Some((heading, news)) = &self.end {
            lines.push((*heading).to_owned());
            lines.extend(news.iter().cloned());
        }
        lines
    }

    /// The text with its sub-heading and caption.
    fn text(&self) -> Vec<String> {
        let mut text = self.paragraphs.clone();
        text.splice(1..1, self.caption.iter().chain(&self.heading).cloned());
        text
    }
}

proptest! {
    // NOTE: `PROPTEST_CASES` sets the number of cases.
    #![proptest_config(ProptestConfig::default())]

    #[test]
    fn composed_pages_are_parsed_correctly_or_rejected_never_with_a_wrong_date(page in page()) {
        let lines = page.lines();
        let reading = read(&lines, page.blank);
        let Some(draft) = reading.draft else { return Ok(()) };
        prop_assert!(is_the_moment(&draft, page.stamp.1), "{}\n{:?}", lines.join("\n"), draft.article);
        // If two lines may both be the title, one is used with a warning.
        if !reading.findings.iter().any(|finding| matches!(finding.kind, DiagnosticKind::UnsureTitle { .. })) {
            prop_assert_eq!(&draft.article.title, &page.title, "{}", lines.join("\n"));
        }
        let text = text_of(&draft);
        for paragraph in &page.text() {
            prop_assert!(text.contains(paragraph), "{paragraph} is lost of\n{}", lines.join("\n"));
        }
    }

    #[test]
    fn a_page_with_its_date_below_its_title_is_accepted(page in page()) {
        let page = Page { order: 0, clock: None, update: None, ..page };
        let lines = page.lines();
        let draft = read_text(&lines, page.blank);
        prop_assert!(draft.is_some(), "{}", lines.join("\n"));
        let draft = draft.unwrap();
        prop_assert_eq!(&draft.article.authors, &page.author.iter().cloned().collect::<Vec<_>>(), "{}", lines.join("\n"));
    }

    /// Everything between the lead and the byline of the clean form belongs to the author's text.
    #[test]
    fn an_article_of_the_clean_form_is_parsed_completely(
        title in phrase(4..14),
        stamp in (0..FORMS, moment()),
        lead in sentence(),
        text in vec((sentence(), option::weighted(0.4, any::<Index>())), 1..8),
        author in option::of(name()),
    ) {
        let odd: Vec<String> = [&ABOVE[..], &TOOLS, &BELOW, &ENDS].concat().iter().map(|line| (*line).to_owned())
            .chain(["Tags: nước, làng".to_owned(), "Vào Cài đặt > Tài khoản".to_owned(), ">> Xem ở dưới".to_owned()])
            .collect();
        let mut lines = vec![title.clone(), printed(stamp.0, stamp.1), lead];
        for (sentence, heading) in text {
            lines.extend(heading.map(|index| index.get(&odd).clone()));
            lines.push(sentence);
        }
        // A refrain.
        lines.push(lines[lines.len() - 1].clone());
        let written = lines[2..].to_vec();
        lines.extend(author.clone());
        let draft = read_text(&lines, true);
        prop_assert!(draft.is_some(), "{}", lines.join("\n"));
        let draft = draft.unwrap();
        prop_assert!(is_the_moment(&draft, stamp.1));
        prop_assert_eq!(&draft.article.title, &title);
        prop_assert_eq!(&draft.article.authors, &author.into_iter().collect::<Vec<_>>(), "{}", lines.join("\n"));
        let text = text_of(&draft);
        for line in &written {
            let times = written.iter().filter(|other| other.contains(line.as_str())).count();
            prop_assert!(text.matches(line.as_str()).count() >= times, "{line} is lost of\n{}", lines.join("\n"));
        }
    }
}
