use super::*;
use crate::time::DEFAULT_TIME_ZONE;

const SEED: &[u8] =
    include_bytes!("../../feeds/xa-hoi/huyen-dak-to-phat-dong-phong-trao-thi-dua-nam-2023.txt");

fn options() -> ParseOptions {
    ParseOptions { zone: DEFAULT_TIME_ZONE, language: "vi".to_owned(), encoding: None }
}

fn read_text(text: &str) -> ParseResult {
    parse("bai.txt", text.as_bytes(), &options())
}

fn draft(text: &str) -> ParsedArticle {
    let reading = read_text(text);
    reading.draft.unwrap_or_else(|| panic!("{:#?}", reading.findings))
}

fn codes(reading: &ParseResult) -> Vec<(usize, Severity, &'static str)> {
    reading.findings.iter().map(|finding| (finding.line, finding.severity, finding.kind.code())).collect()
}

#[test]
fn the_sample_article_is_parsed_completely() {
    insta::assert_debug_snapshot!("seed", parse("seed.txt", SEED, &options()));
}

#[test]
fn a_page_of_hundreds_of_scraps_is_refused_with_a_reason() {
    for text in ["<p>&lt;&gt;</p>", "<p>1</p>"] {
        for count in [1, 100, 699, 700, 5000] {
            let page = format!("{text}{}", "<p>x</p>".repeat(count));
            let reading = parse("bai.html", page.as_bytes(), &options());
            let has_error = reading.findings.iter().any(|finding| finding.severity == Severity::Error);
            assert!(reading.draft.is_none() && has_error, "{text} {count}");
        }
    }
}

#[test]
fn byte_order_marks_line_ends_and_decomposed_letters_have_no_effect() {
    use unicode_normalization::UnicodeNormalization;
    let seed = std::str::from_utf8(SEED).unwrap();
    let wanted = read_text(seed);
    assert!(wanted.draft.is_some());
    for variant in [
        format!("\u{feff}{seed}"),
        seed.replace('\n', "\r\n"),
        seed.replace('\n', "\r"),
        seed.nfd().collect(),
        seed.replace(' ', "\u{a0}"),
    ] {
        assert_eq!(read_text(&variant), wanted);
    }
}

#[test]
fn front_matter_takes_precedence_over_the_text() {
    let draft = draft(
        "+++\nid = \"tag:dakto.vn,2023:mot\"\ntitle = \"Đăk Tô & thi đua\"\npublished = 2023-05-13T08:00:00+07:00\n\
         updated = \"14/05/2023 09:30\"\nauthors = [\"Y Blan\", \"A Thư\"]\nsummary = \"Tóm tắt.\"\n\
         channels = \"Xã hội\"\ntags = [\"thi đua\"]\nlanguage = \"sed\"\nlink = \"https://dakto.vn/mot\"\n\
         source = \"Báo Kon Tum\"\n+++\nHuyện Đăk Tô phát động thi đua\n\n12/05/2023 17:39\n\n\
         Chiều 12/5, UBND huyện tổ chức Hội nghị phát động thi đua.\n\nTấn Lộc\n",
    );
    insta::assert_debug_snapshot!("front_matter", draft);
}

#[test]
fn front_matter_can_contain_title_and_date() {
    let draft = draft("+++\ntitle = \"Thông báo\"\npublished = 2023-05-12\n+++\n\nNgày mai nghỉ tiếp dân.\n");
    assert_eq!(draft.article.title, "Thông báo");
    assert!(draft.article.published.date_only);
    assert_eq!(draft.article.excerpt(), "Ngày mai nghỉ tiếp dân.");
}

#[test]
fn missing_and_invalid_parts_are_errors_with_line_and_fix() {
    for (text, line, code) in [
        ("", 1, "empty"),
        ("\u{feff}\n \n\u{a0}\n", 1, "empty"),
        (
            "Huyện Đăk Tô họp giao ban\n\nSáng nay, huyện họp giao ban tháng Năm tại hội trường.\n",
            1,
            "date-missing",
        ),
        ("Huyện Đăk Tô họp giao ban\n\n31/02/2023 08:00\n\nSáng nay, huyện họp.\n", 3, "date-impossible"),
        ("\n12/05/2023 17:39\n\n", 1, "title-missing"),
        ("+++\ntitle = \"\"\n+++\nĐăk Tô họp giao ban\n12/05/2023\n\nHuyện họp.", 2, "front-matter-empty"),
        ("+++\ntitle = \"A\"\nmàu = \"xanh\"\n+++\nA\n12/05/2023\n\nHuyện họp.", 3, "front-matter-syntax"),
        (
            "+++\ntitle = \"A\"\n\ncolour = \"xanh\"\n+++\nA\n12/05/2023\n\nHuyện họp.",
            4,
            "front-matter-unknown-key",
        ),
        ("\n+++\ntitle = \"A\"\nA\n12/05/2023\n\nHuyện họp.", 2, "front-matter-unclosed"),
        ("+++\ntitle = 5\n+++\nA\n12/05/2023\n\nHuyện họp.", 2, "front-matter-wrong-type"),
        ("+++\npublished = \"Hôm qua\"\n+++\nA\n12/05/2023\n\nHuyện họp.", 2, "date-relative"),
        ("+++\npublished = \"mai\"\n+++\nA\n12/05/2023\n\nHuyện họp.", 2, "front-matter-wrong-type"),
        ("+++\nid = \"bài một\"\n+++\nA\n12/05/2023\n\nHuyện họp.", 2, "front-matter-wrong-type"),
        ("+++\nlink = \"/bai\"\n+++\nA\n12/05/2023\n\nHuyện họp.", 2, "front-matter-wrong-type"),
        ("---\ntitle: Đăk Tô\n---\nA\n12/05/2023\n\nHuyện họp.", 1, "front-matter-yaml"),
    ] {
        let reading = read_text(text);
        assert_eq!(reading.draft, None, "{text}");
        assert!(codes(&reading).contains(&(line, Severity::Error, code)), "{text}: {:?}", codes(&reading));
        for finding in &reading.findings {
            assert!(
                finding.kind.message().vietnamese.contains(". H")
                    || finding.kind.message().vietnamese.contains("Hãy")
                    || finding.severity == Severity::Note,
                "{text}: {finding:?}"
            );
        }
    }
}

#[test]
fn detects_formats_by_extension() {
    for (name, form) in [
        ("hoi-nghi.txt", Some(FileFormat::Text)),
        ("HOI-NGHI.TXT", Some(FileFormat::Text)),
        ("a.b.md", Some(FileFormat::Markdown)),
        ("trang.htm", Some(FileFormat::Html)),
        ("bai.docx", Some(FileFormat::Docx)),
        ("anh.jpg", None),
        ("bai", None),
        (".txt", None),
        ("bai.doc", None),
    ] {
        assert_eq!(format_from_name(name), form, "{name}");
    }
    assert_eq!(codes(&parse("anh.jpg", b"", &options())), [(1, Severity::Error, "not-an-article")]);
}

/// A Word document with only this XML.
fn docx(document: &str) -> Vec<u8> {
    use std::io::Write;
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    archive.start_file("word/document.xml", options).unwrap();
    archive.write_all(document.as_bytes()).unwrap();
    archive.finish().unwrap().into_inner()
}

fn only_error(name: &str, bytes: &[u8]) -> &'static str {
    let reading = parse(name, bytes, &options());
    assert_eq!(reading.draft, None, "{name}");
    let errors = codes(&reading).into_iter().filter(|(_, severity, _)| *severity == Severity::Error);
    errors.map(|(_, _, code)| code).next().unwrap()
}

#[test]
fn expanding_and_deeply_nested_markup_is_rejected_quickly() {
    let marks: String = (0..100).map(|number| format!("<b a={number}>")).collect();
    let began = std::time::Instant::now();
    for (page, code) in [
        ("<b i><i i>".repeat(1_800), "too-deep"),
        ("<div>".repeat(20_000), "too-deep"),
        ("<table><tr><td>".repeat(20_000), "too-deep"),
        (format!("<p>{marks}{}", "<p>x".repeat(10_000)), "grows-when-read"),
        ("<i></p><ul><nobr><ul>".repeat(5_000), "grows-when-read"),
        (
            format!("<p x=\">\" {}>", (0..50_000).map(|number| format!("a{number} ")).collect::<String>()),
            "grows-when-read",
        ),
        (
            format!("<p {}>", (0..50_000).map(|number| format!("a{number}=b ")).collect::<String>()),
            "grows-when-read",
        ),
    ] {
        assert_eq!(only_error("trang.html", page.as_bytes()), code, "{}", &page[..40]);
    }
    assert!(began.elapsed().as_secs() < 30, "{:?}", began.elapsed());
}

#[test]
fn zip_bombs_and_invalid_word_files_are_rejected() {
    let bomb = docx(&format!("<w:document xmlns:w=\"w\"><w:body>{}", " ".repeat(30 * 1024 * 1024)));
    assert!(bomb.len() < 100_000);
    assert_eq!(only_error("bai.docx", &bomb), "too-large");
    let nested = format!("{}{}", "<w:tbl xmlns:w=\"w\">".repeat(5_000), "</w:tbl>".repeat(5_000));
    assert!(matches!(only_error("bai.docx", &docx(&nested)), "damaged" | "empty" | "grows-when-read"));
    let rows = format!(
        "<d xmlns:w=\"w\"><w:body>{}{}</w:body></d>",
        "<w:tbl><w:tr><w:tc>".repeat(300),
        "</w:tc></w:tr></w:tbl>".repeat(300)
    );
    assert_eq!(only_error("bai.docx", &docx(&rows)), "too-deep");
    let numbered = |part: &dyn Fn(usize) -> String| (0..20_000).map(part).collect::<String>();
    for tags in [
        format!("<w:p {}/>", numbered(&|number| format!("a{number}='>' "))),
        format!("<w:p {}/>", numbered(&|number| format!("xmlns:a{number}=\"\" "))),
        numbered(&|number| format!("<w:p xmlns:a{}=''/>", number % 9)),
        numbered(&|number| format!("<!-- \" --><a xmlns:a{number}=''>")),
    ] {
        let document = format!("<w:document xmlns:w=\"w\"><w:body>{tags}</w:body></w:document>");
        assert_eq!(only_error("bai.docx", &docx(&document)), "grows-when-read", "{}", &tags[..40]);
    }
    assert_eq!(only_error("bai.docx", &docx("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>")), "damaged");
    assert_eq!(only_error("bai.docx", b"PK\x03\x04 and no more"), "damaged");
    assert_eq!(only_error("bai.docx", "Huyện Đăk Tô".as_bytes()), "not-that-form");
    assert_eq!(only_error("bai.docx", b""), "empty");
    assert_eq!(only_error("bai.txt", b"PK\x03\x04"), "not-that-form");
}

#[test]
fn word_files_in_legacy_fonts_need_the_encoding_setting() {
    let paragraph = |text: &str| format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>");
    let document = |paragraphs: &[&str]| {
        let body: String = paragraphs.iter().map(|text| paragraph(text)).collect();
        docx(&format!("<w:document xmlns:w=\"w\"><w:body>{body}</w:body></w:document>"))
    };
    let tcvn3 = ["HuyÖn §¨k T« häp giao ban", "12/05/2023 17:39", "S¸ng 12/5, huyÖn häp giao ban th¸ng N¨m."];
    let vni = [
        "Huyeän Ñaêk Toâ hoïp giao ban",
        "12/05/2023 17:39",
        "Saùng 12/5, huyeän hoïp giao ban thaùng Naêm.",
    ];
    for (texts, encoding) in [(tcvn3, Encoding::Tcvn3), (vni, Encoding::Vni)] {
        let bytes = document(&texts);
        let unset = parse("bai.docx", &bytes, &options());
        let Some(DiagnosticKind::LegacyEncoding { encoding: named, .. }) =
            unset.findings.first().map(|finding| &finding.kind)
        else {
            panic!("{:?}", unset.findings);
        };
        assert_eq!((*named, unset.draft), (encoding, None));
        let by_folder = ParseOptions { encoding: Some(encoding), ..options() };
        let stated = format!("encoding = “{}”", encoding.as_str());
        let by_file = document(&[&["+++", stated.as_str(), "+++"][..], &texts].concat());
        for reading in [parse("bai.docx", &bytes, &by_folder), parse("bai.docx", &by_file, &options())] {
            assert_eq!(reading.findings, []);
            let article = reading.draft.unwrap().article;
            assert_eq!(article.title, "Huyện Đăk Tô họp giao ban");
            assert_eq!(article.excerpt(), "Sáng 12/5, huyện họp giao ban tháng Năm.");
        }
    }
    // Corrected in Unicode; the legacy encoding would turn `Cô Lê` into `Cụ Lờ`.
    let corrected = document(&[tcvn3[0], tcvn3[1], tcvn3[2], "Cô Lê dự họp.", "Cô Lê"]);
    let draft =
        parse("bai.docx", &corrected, &ParseOptions { encoding: Some(Encoding::Tcvn3), ..options() }).draft;
    let article = draft.unwrap().article;
    assert_eq!(article.title, "Huyện Đăk Tô họp giao ban");
    assert_eq!(article.authors, ["Cô Lê"]);
}

#[test]
fn links_in_plain_text_parts_are_reported() {
    let text = "# Huyện [họp](https://a.vn/1)\n\n12/05/2023 17:39\n\n\
                Sáng nay, huyện [Đăk Tô](https://a.vn/2) họp giao ban tháng Năm.\n\n\
                [Quang cảnh](https://a.vn/3) hội nghị. Ảnh: TL\n\n\
                Các xã [báo cáo](https://a.vn/4) kết quả và bàn nhiệm vụ mới trong tháng.\n\n\
                [Tấn Lộc](https://a.vn/5)\n";
    let reading = parse("bai.md", text.as_bytes(), &options());
    assert_eq!(reading.draft.as_ref().unwrap().article.authors, ["Tấn Lộc"]);
    let links: Vec<(usize, String)> = reading
        .findings
        .into_iter()
        .map(|finding| match finding.kind {
            DiagnosticKind::LinkAsText { target } => (finding.line, target),
            other => panic!("{other:?}"),
        })
        .collect();
    let wanted = [(1, 1), (11, 5)];
    assert_eq!(links, wanted.map(|(line, number)| (line, format!("https://a.vn/{number}"))));
}

#[test]
fn oversized_files_are_rejected() {
    assert_eq!(only_error("bai.txt", &vec![b'a'; 5 * 1024 * 1024]), "too-large");
}

#[test]
fn thousands_of_dropped_lines_are_counted() {
    let text = format!(
        "Huyện Đăk Tô phát động thi đua\n\n12/05/2023 17:39\n\nSáng 12/5, huyện Đăk Tô tổ chức hội nghị thi đua.\n\n\
         Chuyên mục khác\n{}",
        "Tin khác của huyện\n".repeat(5_000)
    );
    let reading = read_text(&text);
    assert!(reading.findings.len() < 500);
    assert!(codes(&reading).iter().any(|(_, _, code)| *code == "dropped-more"));
}

#[test]
fn long_lists_of_names_at_the_end_are_text() {
    let names = ["A Thư", "Y Blan", "A Nhôi", "Y Hoa", "A Tư", "Y Mai"].join("\n\n");
    let draft = draft(&format!(
        "Danh sách học sinh được khen thưởng\n\n12/05/2023\n\nSáng 12/5, nhà trường khen thưởng các em có tên sau.\n\n{names}\n"
    ));
    assert_eq!(draft.article.authors, [""; 0]);
    assert_eq!(draft.article.body.len(), 7);
}

mod properties {
    use super::*;
    use crate::model::Block;
    use proptest::prelude::*;

    /// Typical lines in any order, with arbitrary text in between.
    fn pages() -> impl Strategy<Value = String> {
        let line = prop_oneof![
            Just("Huyện Đăk Tô phát động phong trào thi đua".to_owned()),
            Just("12/05/2023 17:39".to_owned()),
            Just("Ngày đăng: 31/02/2023 | Lượt xem: 5".to_owned()),
            Just("Chiều 12/5, UBND huyện Đăk Tô tổ chức Hội nghị phát động phong trào.".to_owned()),
            Just("Quang cảnh Hội nghị. Ảnh: TL".to_owned()),
            Just("Tấn Lộc".to_owned()),
            Just("Chuyên mục khác".to_owned()),
            Just("Tin liên quan".to_owned()),
            Just("+++".to_owned()),
            Just("title = \"Đăk Tô\"".to_owned()),
            Just("- một;".to_owned()),
            Just("1. hai".to_owned()),
            Just("a\tb".to_owned()),
            Just("<p><b><table><tr><td>x".to_owned()),
            Just("</p><a href=\"https://x.vn\">y</a><br>".to_owned()),
            Just("# H | [a](b) **c** > * `".to_owned()),
            Just(String::new()),
            r"\PC{0,20}",
        ];
        proptest::collection::vec(line, 0..24).prop_map(|lines| lines.join("\n"))
    }

    fn check(reading: &ParseResult) -> Result<(), TestCaseError> {
        let refused = reading.findings.iter().any(|finding| finding.severity == Severity::Error);
        prop_assert_eq!(reading.draft.is_none(), refused);
        prop_assert!(reading.findings.iter().all(|finding| finding.line >= 1));
        if let Some(draft) = &reading.draft {
            let json = serde_json::to_string(&draft.article).unwrap();
            prop_assert!(json.chars().all(crate::text::is_printable));
            prop_assert!(!draft.article.title.is_empty());
            for block in &draft.article.body {
                if let Block::Html { html } = block {
                    prop_assert_eq!(&safe_html::parsed_and_cleaned(html), html);
                }
                if let Block::Lead { text, .. } | Block::Paragraph { text } = block {
                    prop_assert!(unicode_normalization::is_nfc(text));
                    prop_assert_eq!(text, &normalise::fold(text));
                }
            }
        }
        Ok(())
    }

    /// Malicious or invalid markup, as text or URL.
    fn markup() -> impl Strategy<Value = String> {
        let token = prop_oneof![
            r"</?(a|b|i|p|br|div|script|style|svg|math|iframe|table|td|sup|textarea|noscript|template|title|x:y)",
            r#" (href|src|onclick|style|class|xlink:href|ON\u{212A}EY|formaction)[ =]{0,2}["'`]?"#,
            r"javascript:|JaVaScRiPt\t:|data:text/html,|vbscript:|https?://|//|mailto:|\\",
            r#"[<>"'`=/&;#!\-\[\]()*_ \n]{1,3}"#,
            r"&(lt|gt|amp|quot|nbsp|colon|Tab|#0|#x3c|#60|#106)?;?",
            r"<!--|--!?>|<!\[CDATA\[|\]\]>|<\?|<!",
            r"alert\(1\)|Đăk Tô|a\u{338}|\PC{1,3}",
        ];
        proptest::collection::vec(token, 0..10).prop_map(|tokens| tokens.concat())
    }

    #[test]
    fn tables_above_the_date_are_not_titles() {
        let reading = parse("a.txt", b"a\tb\na\tb\n12/05/2023 17:39", &options());
        check(&reading).unwrap();
        assert!(reading.draft.is_none());
    }

    proptest! {
        #[test]
        fn no_page_causes_a_panic_and_every_result_is_clean(page in pages()) {
            for name in ["a.txt", "a.md", "a.html"] {
                check(&parse(name, page.as_bytes(), &options()))?;
            }
        }

        #[test]
        fn output_contains_no_scripts(target in markup(), inside in markup(), behind in markup()) {
            let lead = "Sáng nay, huyện Đăk Tô họp giao ban tháng Năm tại hội trường.";
            let page = format!(
                "<h1>Huyện Đăk Tô họp</h1><p>12/05/2023 17:39</p><p>{lead}</p><p>Chữ <sup>{inside}</sup> và \
                 <a href=\"https://a.vn/{target}\">{inside}</a>, <a href='{target}'>x</a> {behind}</p>{behind}"
            );
            let text = format!(
                "# Huyện Đăk Tô họp\n\n12/05/2023 17:39\n\n{lead}\n\nChữ **{inside}** và \
                 [{inside}](<https://a.vn/{target}>), [x]({target}) {behind}\n\n{behind}"
            );
            for (name, bytes) in [("a.html", page.as_bytes()), ("a.md", text.as_bytes())] {
                check(&parse(name, bytes, &options()))?;
            }
        }

        #[test]
        fn no_bytes_panic_under_any_setting(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            for name in ["a.txt", "a.md", "a.html", "a.docx", "a.odt"] {
                for encoding in std::iter::once(None).chain(Encoding::ALL.map(Some)) {
                    check(&parse(name, &bytes, &ParseOptions { encoding, ..options() }))?;
                }
            }
        }

        #[test]
        fn no_xml_within_a_word_file_panics(page in r"(?:<w:(?:p|r|t|tbl|tr|tc|hyperlink|br/|numId w:val='1'/)>|</w:(?:p|r|t|tbl|tr|tc)>|12/05/2023|Đăk Tô ){0,30}") {
            let whole = format!("<d xmlns:w='w'><w:body><w:p><w:r><w:t>{page}</w:t></w:r></w:p></w:body></d>");
            check(&parse("a.docx", &docx(&whole), &options()))?;
        }
    }
}

/// What stands above the date is the title, whatever signs are in it.
#[test]
fn an_odd_first_line_of_a_clean_text_is_its_title() {
    let words = ["Xã Đăk Rơ", "họp dân", "năm 2023", "lần thứ hai", "\"lạ\"", "(thôn 5)", "Tốt"];
    let signs =
        ["\t", " \t😀 ", "    ", " / ", " – ", ": ", " … ", " & ", " 😀 ", "; ", " * ", "#", " + ", " = "];
    let ends = ["", " \\", "\t😀", "!", "?", " –", "…", ":", " |", "\t", " ►", " (ảnh)"];
    for (first, second) in words.iter().flat_map(|first| words.map(|second| (first, second))) {
        for (sign, end) in signs.iter().flat_map(|sign| ends.map(|end| (sign, end))) {
            let title = format!("{first}{sign}{second}{end}");
            let text = format!(
                "{title}\n\n12/05/2023 17:39\n\nSáng nay, xã họp dân để bàn việc làm đường. Có 40 hộ dự.\n\n\
                 Con đường dài 2 km và do dân góp công.\n\nHà Minh\n"
            );
            let reading = read_text(&text);
            let found = reading.draft.as_ref().map(|draft| draft.article.title.clone());
            assert_eq!(found, Some(normalise::fold(&title)), "{title:?} {:#?}", reading.findings);
        }
    }
}
