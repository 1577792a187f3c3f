//! OpenDocument texts: those that LibreOffice saved from the documents of `tests/word` say the same as these, and each
//! feature that LibreOffice shows or hides.

use std::io::{Cursor, Write as _};
use std::path::Path;

use bantin::model::Block;
use bantin::parse::{ParseOptions, parse};
use bantin::search_text::block_texts;
use bantin::time::DEFAULT_TIME_ZONE;

/// The blocks of an article, then the file names of its images; and the codes of its diagnostics.
fn read(name: &str, bytes: &[u8]) -> (Vec<String>, Vec<&'static str>) {
    let options = ParseOptions { zone: DEFAULT_TIME_ZONE, language: "vi".to_owned(), encoding: None };
    let result = parse(name, bytes, &options);
    let codes = result.findings.iter().map(|finding| finding.kind.code()).collect();
    let Some(draft) = result.draft else { return (Vec::new(), codes) };
    let text = |block: &Block| match block {
        Block::Html { html } => html.clone(),
        Block::Caption { raw, .. } => format!("[caption] {raw}"),
        Block::Heading { level, text } => format!("[h{level}] {text}"),
        Block::List { ordered: true, items } => format!("[ol] {}", items.join(" + ")),
        block => block_texts(block).join(" + "),
    };
    let head = format!(
        "{} | {} | {:?}",
        draft.article.title, draft.article.published.instant, draft.article.authors
    );
    let images = draft.images.iter().map(|image| format!("[image] {}", image.source.name()));
    ([head].into_iter().chain(draft.article.body.iter().map(text)).chain(images).collect(), codes)
}

#[test]
fn odt_and_docx_files_are_parsed_alike() {
    let tests = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests"));
    let mut compared = 0;
    for entry in std::fs::read_dir(tests.join("odt")).unwrap() {
        let odt = entry.unwrap().path();
        let docx = tests.join("word").join(odt.file_name().unwrap()).with_extension("docx");
        let of_word = read("a.docx", &std::fs::read(docx).unwrap());
        assert!(of_word.0.len() > 2, "{of_word:?}");
        assert_eq!(read("a.odt", &std::fs::read(&odt).unwrap()), of_word, "{}", odt.display());
        compared += 1;
    }
    assert!(compared >= 15, "{compared}");
}

const MEDIA_TYPE: &str = "application/vnd.oasis.opendocument.text";
const LEAD: &str = "<text:p>Họp giao ban quý hai</text:p><text:p>12/05/2023 17:39</text:p>\
    <text:p>Sáng 12/5, huyện họp giao ban quý hai tại hội trường lớn.</text:p>";

const STYLES: &str = r#"
    <style:style style:name="B" style:family="text"><style:text-properties fo:font-weight="bold"/></style:style>
    <style:style style:name="U" style:family="text"><style:text-properties style:text-position="super 58%"/></style:style>
    <style:style style:name="X" style:family="text"><style:text-properties text:display="none"/></style:style>
    <style:style style:name="S" style:family="text"><style:text-properties style:text-line-through-style="solid"/></style:style>
    <style:style style:name="P9" style:family="paragraph" style:parent-style-name="Illustration"/>
    <style:style style:name="Cut" style:family="graphic"><style:graphic-properties fo:clip="rect(1cm, 0cm, 0cm, 0cm)"/></style:style>
    <text:list-style style:name="Dieu"><text:list-level-style-number text:level="1" style:num-format="1" style:num-prefix="Điều " style:num-suffix="."/></text:list-style>
    <text:list-style style:name="So">
      <text:list-level-style-number text:level="1" style:num-format="1" style:num-suffix="."/>
      <text:list-level-style-number text:level="2" style:num-format="a" style:num-suffix=")"/>
    </text:list-style>
    <text:list-style style:name="Cap">
      <text:list-level-style-number text:level="1" style:num-format="1" style:num-suffix="."/>
      <text:list-level-style-number text:level="2" style:num-format="1" style:num-suffix="." text:display-levels="2"/>
    </text:list-style>
    <text:list-style style:name="Cham"><text:list-level-style-bullet text:level="1" text:bullet-char="•"/></text:list-style>"#;

/// The styles of `styles.xml` that LibreOffice has in every document.
const COMMON: &str = r#"
    <style:style style:name="Caption" style:family="paragraph" style:class="extra"/>
    <style:style style:name="Illustration" style:family="paragraph" style:parent-style-name="Caption"/>
    <style:style style:name="Title" style:family="paragraph"/>"#;

fn package(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn root(name: &str, content: &str) -> String {
    let namespaces: String = ["office", "text", "table", "draw", "style", "fo", "svg", "xlink", "field"]
        .map(|prefix| format!(" xmlns:{prefix}=\"urn:{prefix}\""))
        .concat();
    format!("<office:{name}{namespaces}>{content}</office:{name}>")
}

/// A document with title, date and lead, then `body`.
fn document(body: &str, parts: &[(&str, &[u8])]) -> Vec<u8> {
    let content = root(
        "document-content",
        &format!(
            "<office:automatic-styles>{STYLES}</office:automatic-styles>\
             <office:body><office:text>{LEAD}{body}</office:text></office:body>"
        ),
    );
    let styles = root("document-styles", &format!("<office:styles>{COMMON}</office:styles>"));
    let all = [
        ("mimetype", MEDIA_TYPE.as_bytes()),
        ("styles.xml", styles.as_bytes()),
        ("content.xml", content.as_bytes()),
    ];
    package(&[&all, parts].concat())
}

/// What follows the lead.
fn shown(body: &str, parts: &[(&str, &[u8])]) -> (Vec<String>, Vec<&'static str>) {
    let (blocks, codes) = read("a.odt", &document(body, parts));
    assert_eq!(blocks[0], "Họp giao ban quý hai | 2023-05-12 10:39:00 UTC | []", "{codes:?}");
    (blocks[2..].to_vec(), codes)
}

#[test]
fn every_feature_is_published_as_libreoffice_shows_it() {
    const FORMULA: &[u8] =
        b"<math xmlns='m'><semantics><mrow><mi>S</mi><mo>=</mo><mfrac><mrow><mi>a</mi><mo>+</mo>\
        <mi>b</mi></mrow><mn>2</mn></mfrac><msup><mi>h</mi><mn>2</mn></msup></mrow>\
        <annotation encoding='StarMath 5.0'>{a+b} over 2 h^2</annotation></semantics></math>";
    let image: &[u8] = b"\x89PNG";
    let cases: &[(&str, &[&str], &[&str])] = &[
        (
            "<text:p>Có<text:s text:c=\"3\"/>17<text:tab/>hộ\n   nghèo<text:line-break/>theo danh sách.</text:p>",
            &["Có 17 hộ nghèo", "theo danh sách."],
            &[],
        ),
        (
            "<text:p>Một <text:span text:style-name=\"B\">hai</text:span> m<text:span text:style-name=\"U\">2</text:span> \
             <text:a xlink:href=\"https://example.vn/a\">ba</text:a> bốn năm sáu.</text:p>",
            &["<p>Một <strong>hai</strong> m² <a href=\"https://example.vn/a\">ba</a> bốn năm sáu.</p>"],
            &[],
        ),
        (
            "<text:p>Hiện <text:span text:style-name=\"X\">ẨN</text:span>rõ <text:span text:style-name=\"S\">GẠCH</text:span>ràng.</text:p>\
             <text:section text:display=\"none\"><text:p>MỤC ẨN</text:p></text:section>\
             <office:annotation><text:p>GÓP Ý</text:p></office:annotation>",
            &["Hiện rõ ràng."],
            &["struck-text", "hidden-text", "hidden-text"],
        ),
        (
            "<text:tracked-changes><text:changed-region><text:deletion><text:p>XÓA</text:p></text:deletion>\
             </text:changed-region></text:tracked-changes><text:p>Còn <text:change/>lại.</text:p>",
            &["Còn lại."],
            &[],
        ),
        (
            "<text:h text:outline-level=\"2\">Kết quả</text:h><text:p>Huyện<text:note text:note-class=\"footnote\">\
             <text:note-citation>1</text:note-citation><text:note-body><text:p>Đăk Tô.</text:p></text:note-body></text:note> đạt.</text:p>",
            &["[h2] Kết quả", "Huyện¹ đạt.", "¹ Đăk Tô."],
            &[],
        ),
        (
            "<text:list text:style-name=\"So\"><text:list-item><text:p>một</text:p><text:list><text:list-item>\
             <text:p>chi tiết</text:p></text:list-item></text:list></text:list-item><text:list-item><text:p>hai</text:p>\
             </text:list-item></text:list><text:p>Giữa.</text:p><text:list text:style-name=\"So\" text:continue-numbering=\"true\">\
             <text:list-item><text:p>ba, việc cuối cùng phải làm xong trong tháng này.</text:p></text:list-item></text:list>",
            &[
                "<ol><li>một<ol type=\"a\"><li>chi tiết</li></ol></li><li>hai</li></ol>",
                "Giữa.",
                "3. ba, việc cuối cùng phải làm xong trong tháng này.",
            ],
            &[],
        ),
        (
            "<text:list text:style-name=\"Dieu\"><text:list-item><text:p>Phạm vi</text:p></text:list-item><text:list-item>\
             <text:p>Đối tượng áp dụng là mọi thôn, tổ dân phố trong xã.</text:p></text:list-item></text:list>",
            &["[h2] Điều 1. Phạm vi", "Điều 2. Đối tượng áp dụng là mọi thôn, tổ dân phố trong xã."],
            &[],
        ),
        (
            "<text:list text:style-name=\"Cap\"><text:list-item><text:h text:outline-level=\"2\">Mở đầu</text:h><text:list>\
             <text:list-item><text:p>Cụ thể là mọi thôn, tổ dân phố trong xã đều họp.</text:p></text:list-item></text:list></text:list-item></text:list>",
            &["[h2] 1. Mở đầu", "1.1. Cụ thể là mọi thôn, tổ dân phố trong xã đều họp."],
            &[],
        ),
        (
            "<text:list text:style-name=\"Cham\"><text:list-item><text:p>a</text:p></text:list-item><text:list-item>\
             <text:p>b</text:p></text:list-item></text:list>",
            &["a + b"],
            &[],
        ),
        (
            "<table:table><table:table-header-rows><table:table-row><table:table-cell><text:p>Thôn</text:p></table:table-cell>\
             <table:table-cell><text:p>Hộ</text:p></table:table-cell></table:table-row></table:table-header-rows><table:table-row>\
             <table:table-cell table:number-columns-spanned=\"2\"><text:p>Cộng 20</text:p></table:table-cell><table:covered-table-cell/>\
             </table:table-row></table:table>",
            &[
                "<table><tbody><tr><th>Thôn</th><th>Hộ</th></tr><tr><td colspan=\"2\">Cộng 20</td></tr></tbody></table>",
            ],
            &[],
        ),
        (
            "<text:p><draw:frame draw:name=\"Khung\"><draw:text-box><text:p>Chữ trong khung.</text:p></draw:text-box></draw:frame>\
             Đoạn có khung.</text:p><text:p><draw:custom-shape><text:p>Chữ trong hình.</text:p></draw:custom-shape>Sau.</text:p>",
            &["Đoạn có khung.", "Chữ trong khung.", "Sau.", "Chữ trong hình."],
            &[],
        ),
        (
            "<text:p>Công thức <draw:frame><draw:object xlink:href=\"./Object 1\"/><draw:image xlink:href=\"./ObjectReplacements/Object 1\"/>\
             </draw:frame> và bảng <draw:frame draw:name=\"Biểu đồ\"><draw:object xlink:href=\"./Object 2\"/></draw:frame>.</text:p>",
            &["Công thức S=(a+b)/2h² và bảng ."],
            &["not-carried", "not-carried"],
        ),
        (
            "<text:p><draw:frame><draw:image xlink:href=\"Pictures/1.png\"/></draw:frame></text:p>\
             <text:p text:style-name=\"P9\">Quang cảnh hội nghị.</text:p>\
             <text:p>Đoạn sau.<draw:frame draw:style-name=\"Cut\"><draw:image xlink:href=\"Pictures/2.png\"/></draw:frame>\
             <draw:frame><draw:image xlink:href=\"https://example.vn/3.png\"/></draw:frame></text:p>",
            &["[caption] Quang cảnh hội nghị.", "Đoạn sau.", "[image] 1.png"],
            &["not-carried"],
        ),
        (
            "<text:p>Chọn <field:fieldmark field:type=\"x.FORMCHECKBOX\"><field:param field:name=\"Checkbox_Checked\" \
             field:value=\"true\"/></field:fieldmark> và <field:fieldmark field:type=\"x.FORMCHECKBOX\"/>.</text:p>",
            &["Chọn ☒ và ☐."],
            &[],
        ),
    ];
    let parts = [("Object 1/content.xml", FORMULA), ("Pictures/1.png", image), ("Pictures/2.png", image)];
    let mut differences = Vec::new();
    for (body, blocks, codes) in cases {
        let wanted = (blocks.iter().map(|block| (*block).to_owned()).collect(), codes.to_vec());
        let found = shown(body, &parts);
        if found != wanted {
            differences.push(format!("{body}\n  read {found:?}\n  wanted {wanted:?}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn what_is_no_readable_text_is_rejected_with_its_cure() {
    let only = |bytes: &[u8]| -> Vec<&'static str> { read("a.odt", bytes).1 };
    assert_eq!(only(b""), ["empty"]);
    assert_eq!(only("Huyện Đăk Tô".as_bytes()), ["not-that-form"]);
    assert_eq!(only(b"PK\x03\x04 and no more"), ["damaged"]);
    let spreadsheet = "application/vnd.oasis.opendocument.spreadsheet";
    assert_eq!(only(&package(&[("mimetype", spreadsheet.as_bytes())])), ["not-that-form"]);
    assert_eq!(only(&package(&[("mimetype", MEDIA_TYPE.as_bytes())])), ["damaged"]);
    let manifest =
        ("META-INF/manifest.xml", &b"<m:manifest xmlns:m='m'><m:encryption-data/></m:manifest>"[..]);
    assert_eq!(only(&document("", &[manifest])), ["encrypted"]);
    let deep = format!("{}{}", "<text:section>".repeat(300), "</text:section>".repeat(300));
    assert_eq!(only(&document(&deep, &[])), ["too-deep"]);
    let rows = format!(
        "<table:table>{}</table:table>",
        "<table:table-rows>".repeat(100) + &"</table:table-rows>".repeat(100)
    );
    assert_eq!(only(&document(&rows, &[])), ["too-deep"]);
    let entity = "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>";
    assert_eq!(
        only(&package(&[("mimetype", MEDIA_TYPE.as_bytes()), ("content.xml", entity.as_bytes())])),
        ["damaged"]
    );
    let long = format!("<text:p>{}</text:p>", "a ".repeat(13 << 20));
    assert_eq!(only(&document(&long, &[])), ["too-large"]);
}
