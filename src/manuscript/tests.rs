use super::*;
use crate::vietnam_time::VIETNAM;

const SEED: &[u8] =
    include_bytes!("../../feeds/xa-hoi/huyen-dak-to-phat-dong-phong-trao-thi-dua-nam-2023.txt");

fn options() -> Options {
    Options { zone: VIETNAM, language: "vi".to_owned(), encoding: None }
}

fn read_text(text: &str) -> Reading {
    read("bai.txt", text.as_bytes(), &options())
}

fn draft(text: &str) -> Draft {
    let reading = read_text(text);
    reading.draft.unwrap_or_else(|| panic!("{:#?}", reading.findings))
}

fn codes(reading: &Reading) -> Vec<(usize, Severity, &'static str)> {
    reading
        .findings
        .iter()
        .map(|finding| (finding.line, finding.severity, finding.complaint.code()))
        .collect()
}

#[test]
fn the_seed_is_read_whole() {
    insta::assert_debug_snapshot!("seed", read("seed.txt", SEED, &options()));
}

#[test]
fn byte_order_marks_line_ends_and_split_letters_change_nothing() {
    use unicode_normalization::UnicodeNormalization;
    let seed = std::str::from_utf8(SEED).unwrap();
    let wanted = read_text(seed);
    assert!(wanted.draft.is_some());
    for dressed in [
        format!("\u{feff}{seed}"),
        seed.replace('\n', "\r\n"),
        seed.replace('\n', "\r"),
        seed.nfd().collect(),
        seed.replace(' ', "\u{a0}"),
    ] {
        assert_eq!(read_text(&dressed), wanted);
    }
}

#[test]
fn what_front_matter_says_beats_the_text() {
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
fn front_matter_alone_carries_title_and_date() {
    let draft = draft("+++\ntitle = \"Thông báo\"\npublished = 2023-05-12\n+++\n\nNgày mai nghỉ tiếp dân.\n");
    assert_eq!(draft.article.title, "Thông báo");
    assert!(draft.article.stamp.date_only);
    assert_eq!(draft.article.lead(), "Ngày mai nghỉ tiếp dân.");
}

#[test]
fn what_is_missing_or_wrong_costs_the_article_with_line_and_cure() {
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
                finding.complaint.vietnamese().contains(". H")
                    || finding.complaint.vietnamese().contains("Hãy")
                    || finding.severity == Severity::Note
            );
        }
    }
}

#[test]
fn a_form_is_known_by_its_ending() {
    for (name, form) in [
        ("hoi-nghi.txt", Some(Form::Text)),
        ("HOI-NGHI.TXT", Some(Form::Text)),
        ("a.b.md", Some(Form::Markdown)),
        ("trang.htm", Some(Form::Html)),
        ("bai.docx", Some(Form::Docx)),
        ("anh.jpg", None),
        ("bai", None),
        (".txt", None),
        ("bai.doc", None),
    ] {
        assert_eq!(form_of(name), form, "{name}");
    }
    assert_eq!(codes(&read("anh.jpg", b"", &options())), [(1, Severity::Error, "not-an-article")]);
}
