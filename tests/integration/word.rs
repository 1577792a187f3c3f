//! Word documents, each with one feature that Word shows or hides, and what the article must and must not contain.

use std::collections::BTreeSet;
use std::path::Path;

use bantin::model::{Article, Block};
use bantin::parse::{ParseOptions, ParseResult, parse};
use bantin::search_text::block_texts;
use bantin::time::DEFAULT_TIME_ZONE;

/// The expected result of a document.
struct Wanted {
    name: &'static str,
    /// Each must occur in the HTML or text of one block.
    shown: &'static [&'static str],
    /// Must not occur in any block.
    hidden: &'static [&'static str],
    /// The expected warning codes.
    warnings: &'static [&'static str],
    /// The file names of the images to publish.
    images: &'static [&'static str],
}

impl Wanted {
    const fn with_images(self, images: &'static [&'static str]) -> Self {
        Self { images, ..self }
    }
}

const fn of(
    name: &'static str,
    shown: &'static [&'static str],
    hidden: &'static [&'static str],
    warnings: &'static [&'static str],
) -> Wanted {
    Wanted { name, shown, hidden, warnings, images: &[] }
}

const PLAIN: &str = "Đây là đoạn thân bài bình thường, đủ dài để đọc như một câu.";

const DOCUMENTS: &[Wanted] = &[
    of("Document-case", &[PLAIN], &[], &[]),
    of("backslash", &[PLAIN], &[], &[]),
    of("document2", &[PLAIN], &[], &[]),
    of("root-document", &[PLAIN], &[], &[]),
    of("utf16", &[PLAIN], &[], &[]),
    of("bidi-wrap", &["Trước phần trong khung hướng chữ sau đó là hết câu này rồi. Thêm bdo."], &[], &[]),
    of("comments", &[PLAIN], &["Ghi chú"], &[]),
    of(
        "cong-van",
        &["Ủy ban nhân dân xã thông báo lịch tiếp công dân như sau.", "Ngày 05/12/2026: Chủ tịch."],
        &[],
        &[],
    ),
    of("danh-sach", &["[ul] Việc một + Việc hai", "[ul] Bước một + Bước hai"], &[], &[]),
    of("del-mark", &["Nửa câu đầu nằm ở đoạn này và nửa câu sau đã được nối lên bằng phím xoá."], &[], &[]),
    of(
        "docx-inline-picture-and-style-lists",
        &[
            "Các đại biểu múa xoang cùng bà con. Ảnh: Y Hoa",
            "<a href=\"https://example.vn/van-ban?id=1&amp;x=2\">văn bản số 12/KH-UBND</a>",
            "Toàn thôn có 125 hộ",
        ],
        &["120"],
        &[],
    )
    .with_images(&["image1.jpg"]),
    of(
        "field-hyperlink",
        &["<p>Xem <a href=\"https://dakto.example.vn/kh\">kế hoạch của huyện</a> tại đây nhé.</p>"],
        &["HYPERLINK"],
        &[],
    ),
    of(
        "hyperlink",
        &["<p>Xem <a href=\"https://dakto.example.vn/van-ban\">văn bản của huyện</a> tại đây.</p>"],
        &[],
        &[],
    ),
    of("image", &["Quang cảnh hội nghị. Ảnh: TL", PLAIN], &[], &["not-carried"]),
    of("math", &["Công thức S=a×b dùng để tính diện tích ruộng."], &[], &[]),
    of("moveto-run", &["Trước chỗ chuyển. Câu được chuyển tới đây trong lúc sửa.", "Sau chỗ cũ."], &[], &[]),
    of("nbsp", &["Số tiền 10 triệu đồng đã được trao tận tay các hộ dân."], &[], &[]),
    of("numbering-roman", &["I. Tình hình chung", "II. Nhiệm vụ tới"], &[], &[]),
    of("ruby", &["漢字 (kanji) là chữ trong câu này nhé các bạn."], &[], &[]),
    of("softbreaks", &["Dòng một của đoạn", "dòng hai của đoạn, ngắt bằng Shift+Enter."], &["đoạndòng"], &[]),
    of("softhyphen", &["Ủy ban nhân\u{ad}dân huyện họp phiên thường kỳ tháng năm."], &[], &[]),
    of("strike", &["Có 17 hộ được hỗ trợ đợt này theo danh sách."], &["15"], &["struck-text"]),
    of("subdoc-altchunk", &[PLAIN], &[], &["not-carried"]),
    of("sym", &["Nhiệt độ lên tới 35°C trong ba ngày tới ở vùng này."], &[], &[]),
    of("textbox", &["Khung chữ nằm bên cạnh bài.", PLAIN], &[], &[]),
    of("vanish", &[PLAIN], &["GHI CHÚ NỘI BỘ", "Đoạn ẩn"], &[]),
    of("hidden-character-style", &["Hộ anh A Thiêu được vay vốn đợt này."], &["CHỮ ẨN"], &[]),
    of(
        "hidden-paragraph-style",
        &["còn phần này được hiện ra cho người đọc xem.", PLAIN],
        &["ĐOẠN ẨN", "PHẦN NÀY ẨN"],
        &[],
    ),
    of(
        "hidden-doc-defaults",
        &["Chữ này được hiện riêng, đủ dài để đọc như một câu.", PLAIN],
        &["CHỮ ẨN"],
        &[],
    ),
    of("hidden-table-style", &["Xã | Số dân | Ngọk Tụ | 2500", PLAIN], &["Đăk Ro", "17"], &[]),
    of("hidden-web", &["Xem mục lục ở đầu tài liệu này nhé các bạn."], &["SỐ TRANG"], &[]),
    of(
        "tracked-insert-delete",
        &[
            "Có 17 hộ được hỗ trợ đợt này theo danh sách.",
            "Đoạn được thêm vào khi theo dõi thay đổi của bài này.",
            "Thôn | Số hộ | Đăk Ro | 17",
            PLAIN,
        ],
        &["15", "ĐÃ XÓA", "99"],
        &[],
    ),
    of(
        "tracked-moved-paragraph",
        &["Đoạn này được chuyển cả đoạn xuống dưới khi theo dõi thay đổi.", PLAIN],
        &[],
        &[],
    ),
    of(
        "tracked-formatting",
        &[
            "Chữ từng bị ẩn nay được hiện trong câu này cho người đọc xem.",
            "Đoạn từng là tiêu đề mục nay là đoạn văn thường của bài.",
        ],
        &["<h", "[ol]"],
        &[],
    ),
    of(
        "cells-merged",
        &[
            "<tr><td rowspan=\"2\">Thôn</td><td colspan=\"2\">Số hộ</td></tr><tr><td>Nghèo</td><td>Cận nghèo</td></tr>\
           <tr><td>Đăk Ro</td><td>17</td><td>9</td></tr><tr><td colspan=\"2\">Cả xã</td><td>26</td></tr>",
        ],
        &[],
        &[],
    ),
    of(
        "cells-in-controls",
        &[
            "Thôn | Số hộ | Đăk Ro | 17 | Đăk Mông | 12 | Kon Đào | 23",
            "Đoạn nằm trong một khung nội dung, đủ dài để đọc như câu.",
        ],
        &["TÊN Ô"],
        &[],
    ),
    of(
        "lists-nested",
        &[
            "<ol><li>Công tác tuyên truyền<ol type=\"a\"><li>Phát tờ rơi</li><li>Treo băng rôn</li></ol></li>\
             <li>Công tác vận động<ol type=\"a\"><li>Họp từng thôn</li></ol></li></ol>",
            "<ol start=\"3\"><li>Bước ba</li><li>Bước bốn</li></ol>",
        ],
        &[],
        &[],
    ),
    of(
        "lists-by-style",
        &["[ol] Việc thứ nhất + Việc thứ hai", "Điều 1. Quy định chung", "Điều 2. Tổ chức thực hiện"],
        &[],
        &[],
    ),
    of(
        "notes",
        &[
            "Huyện có 9 xã¹ và 1 thị trấn², theo số liệu mới nhất³.",
            "¹ Theo Niên giám thống kê.",
            "² Thị trấn Đăk Tô.",
            "³ Số liệu năm 2022.",
        ],
        &["KHÔNG DÙNG"],
        &[],
    ),
    of(
        "link-fields",
        &[
            "<a href=\"https://dakto.example.vn/don\">trường đơn</a>",
            "<a href=\"https://dakto.example.vn/phuc\">trường <strong>phức</strong></a>",
            "Mục số 5 nêu ngày 12/05 là hạn chót nộp hồ sơ.",
        ],
        &["HYPERLINK", "REF", "DATE"],
        &[],
    ),
    of(
        "link-to-file",
        &[
            "Xem công văn trên máy và <a href=\"mailto:ubnd@dakto.example.vn\">thư điện tử</a> của văn phòng huyện.",
        ],
        &["file:"],
        &["link-dropped"],
    ),
    of(
        "symbols",
        &[
            "✓ Đã làm xong ➔ còn góc α bằng 30° và ☑ đã chọn.",
            "Dấu lạ này không có trong bảng mã chung nào cả.",
        ],
        &[],
        &["not-carried"],
    ),
    of("formulas", &["Diện tích S=(a+b)/2h² được tính theo công thức này."], &[], &["not-carried"]),
    of(
        "field-equation",
        &["Tỷ lệ là 3,5/(a+b) và m² theo công thức trong thông tư."],
        &["EQ"],
        &["not-carried"],
    ),
    of(
        "field-macrobutton",
        &[
            "Kính gửi Bà con thôn Đăk Ro, mời đến dự họp tại nhà rông.",
            "Ngày là hạn chót nộp hồ sơ tại xã.",
            "Chỉ mục không hiện ra trong bài viết này đâu.",
        ],
        &["MACROBUTTON", "CHỈ DẪN"],
        &["not-carried"],
    ),
    of("form-fields", &["☒ Đồng ý ☐ Không, tại thôn Đăk Ro do anh A Thiêu ghi."], &[], &[]),
    of("table-of-pictures", &["[caption] Bà con phấn khởi nhận giống lúa mới", PLAIN], &[], &[])
        .with_images(&["image1.png"]),
    of(
        "alternate-content",
        &["Khung chữ chỉ hiện một lần.", "Trước → sau mũi tên ở giữa câu này nhé."],
        &["MŨI TÊN CŨ"],
        &[],
    ),
];

#[test]
fn word_documents_are_published_as_word_shows_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/word");
    let files: BTreeSet<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(files, DOCUMENTS.iter().map(|document| document.name.to_owned()).collect());
    for wanted in DOCUMENTS {
        let name = format!("{}.docx", wanted.name);
        let reading = read_document(&name, &std::fs::read(folder.join(&name)).unwrap());
        let article =
            &reading.draft.as_ref().unwrap_or_else(|| panic!("{name}: {:#?}", reading.findings)).article;
        let blocks = block_lines(article);
        for text in wanted.shown {
            let count = blocks.iter().filter(|block| block.contains(text)).count();
            let written_twice = *text == PLAIN && wanted.name == "numbering-roman";
            assert!(count == 1 || written_twice, "{name}: {text:?} stands {count} times in {blocks:#?}");
        }
        for text in wanted.hidden {
            assert!(blocks.iter().all(|block| !block.contains(text)), "{name}: {text:?} in {blocks:#?}");
        }
        let warnings: Vec<&str> = reading
            .findings
            .iter()
            .filter(|finding| finding.severity.as_str() == "warning")
            .map(|finding| finding.kind.code())
            .collect();
        assert_eq!(warnings, wanted.warnings, "{name}: {:#?}", reading.findings);
        let images = &reading.draft.as_ref().unwrap().images;
        let images: Vec<&str> = images.iter().map(|image| image.source.name()).collect();
        assert_eq!(images, wanted.images, "{name}");
    }
}

fn read_document(name: &str, bytes: &[u8]) -> ParseResult {
    parse(name, bytes, &ParseOptions { zone: DEFAULT_TIME_ZONE, language: "vi".to_owned(), encoding: None })
}

/// The blocks, each as one line.
fn block_lines(article: &Article) -> Vec<String> {
    let block = |block: &Block| match block {
        Block::List { ordered, items } => {
            format!("[{}] {}", if *ordered { "ol" } else { "ul" }, items.join(" + "))
        }
        Block::Html { html } => html.clone(),
        Block::Lead { html: Some(html), .. } => html.clone(),
        Block::Caption { raw, .. } => format!("[caption] {raw}"),
        block => block_texts(block).join(" | "),
    };
    article.body.iter().map(block).collect()
}
