//! The article contains what a browser shows of HTML and Markdown: every word once, in order. Omitted content is
//! reported.

use bantin::model::Block;
use bantin::parse::{ParseOptions, ParseResult, parse};
use bantin::search_text::block_texts;
use bantin::time::DEFAULT_TIME_ZONE;
use proptest::prelude::*;

fn reading(name: &str, text: &str) -> ParseResult {
    parse(
        name,
        text.as_bytes(),
        &ParseOptions { zone: DEFAULT_TIME_ZONE, language: "vi".to_owned(), encoding: None },
    )
}

const LEAD: &str = "Sáng nay đoàn công tác của huyện đã đến thăm các hộ dân trong xã và trao quà.";

fn page(body: &str) -> ParseResult {
    reading(
        "bai.html",
        &format!(
            "<!DOCTYPE html><meta charset=utf-8><title>Đoàn công tác thăm xã Pô Kô</title>\
             <h1>Đoàn công tác thăm xã Pô Kô</h1><p>12/05/2023 17:39</p><p>{LEAD}</p>{body}"
        ),
    )
}

fn markdown(body: &str) -> ParseResult {
    reading("bai.md", &format!("# Đoàn công tác thăm xã Pô Kô\n\n12/05/2023 17:39\n\n{LEAD}\n\n{body}\n"))
}

/// The blocks after the lead, as HTML or text.
fn shown_blocks(reading: &ParseResult) -> Vec<String> {
    let draft = reading.draft.as_ref().unwrap_or_else(|| panic!("{:#?}", reading.findings));
    let block = |block: &Block| match block {
        Block::Html { html } | Block::Caption { html: Some(html), .. } => html.clone(),
        Block::Heading { level, text } => format!("<h{level}>{text}</h{level}>"),
        Block::List { ordered, items } => {
            format!("[{}] {}", if *ordered { "ol" } else { "ul" }, items.join(" + "))
        }
        block => block_texts(block).join(" | "),
    };
    draft.article.body.iter().skip(1).map(block).collect()
}

fn warnings(reading: &ParseResult) -> Vec<&'static str> {
    let graver = reading.findings.iter().filter(|finding| finding.severity.as_str() != "note");
    graver.map(|finding| finding.kind.code()).collect()
}

#[test]
fn html_is_published_as_browsers_show_it() {
    for (body, blocks, codes) in [
        (
            "<p>Hôm qua tại <st1:place>Đăk Tô</st1:place> đã diễn ra lễ phát động <del>15</del>17 đợt thi đua.</p>",
            &["Hôm qua tại Đăk Tô đã diễn ra lễ phát động 17 đợt thi đua."][..],
            &["struck-text"][..],
        ),
        (
            "<p>Bấm <kbd>Ctrl</kbd>, <samp>x</samp>, <var>y</var>, <nobr>không ngắt</nobr>, <my-tag>lạ</my-tag> và <o:p></o:p>hết câu.</p>",
            &["Bấm Ctrl, x, y, không ngắt, lạ và hết câu."],
            &[],
        ),
        ("<p>Chữ <ruby>漢<rp>(</rp><rt>hán</rt><rp>)</rp></ruby> ở đây.</p>", &["Chữ 漢 (hán) ở đây."], &[]),
        (
            "<p>Rộng 5 m<sup>2</sup>, khí CO<sub>2</sub>, lần <span style='vertical-align: super'>x</span>.</p>",
            &["<p>Rộng 5 m², khí CO₂, lần <sup>x</sup>.</p>"],
            &[],
        ),
        (
            "<p>Có <span style='text-decoration: line-through'>12</span>20 hộ.</p>",
            &["Có 20 hộ."],
            &["struck-text"],
        ),
        ("<p>Giá<s> cũ </s>mới.</p>", &["Giá mới."], &["struck-text"]),
        (
            "<ul><li>Xem <a href='https://a.vn/1'>một</a></li><li>Hai<ol start=3 type=a><li>ba</li></ol></li></ul>",
            &[
                "<ul><li>Xem <a href=\"https://a.vn/1\">một</a></li><li>Hai<ol start=\"3\" type=\"a\"><li>ba</li></ol></li></ul>",
            ],
            &[],
        ),
        (
            "<ol><li>Một</li><li>Hai</li></ol><ol><li>Lại một</li></ol>",
            &["[ol] Một + Hai", "[ol] Lại một"],
            &[],
        ),
        (
            "<ol><li>Một</li><li value=5>Năm</li></ol>",
            &["<ol><li>Một</li><li value=\"5\">Năm</li></ol>"],
            &[],
        ),
        (
            "<table><caption>Bảng 1</caption><tr><th rowspan=2>Xã<th colspan=2>Năm<tr><th>2022<th>2023<tr><td>Pô Kô<td>1<td><a href=https://a.vn>2</a></table>",
            &[
                "<table><caption>Bảng 1</caption><tbody><tr><th rowspan=\"2\">Xã</th><th colspan=\"2\">Năm</th></tr><tr><th>2022</th><th>2023</th></tr><tr><td>Pô Kô</td><td>1</td><td><a href=\"https://a.vn/\">2</a></td></tr></tbody></table>",
            ],
            &[],
        ),
        ("<table><tr><td>Một</td><td>Hai</td></tr></table>", &["Một | Hai"], &[]),
        (
            "<h2>Mục <a href='https://a.vn'>một</a></h2><p>Câu kết của bài này nhé.</p>",
            &["<h2>Mục <a href=\"https://a.vn/\">một</a></h2>", "Câu kết của bài này nhé."],
            &[],
        ),
        (
            "<blockquote><p>Một lời.</p><p>Hai lời.</p></blockquote>",
            &["<blockquote><p>Một lời.</p><p>Hai lời.</p></blockquote>"],
            &[],
        ),
        ("<pre>a  b\n  c</pre>", &["<pre>a  b\n  c</pre>"], &[]),
        ("<dl><dt>Nước</dt><dd>H<sub>2</sub>O</dd></dl>", &["<dl><dt>Nước</dt><dd>H₂O</dd></dl>"], &[]),
        (
            "<p>Xem https://a.vn/kh.pdf.</p>",
            &["<p>Xem <a href=\"https://a.vn/kh.pdf\">https://a.vn/kh.pdf</a>.</p>"],
            &[],
        ),
        ("<p>Ông nói <q>được</q>.</p>", &["Ông nói “được”."], &[]),
        (
            "<details><summary>Mở ra</summary><p>Bên trong có chữ này.</p></details>",
            &["Mở ra", "Bên trong có chữ này."],
            &[],
        ),
        ("<p>Thấy <span aria-hidden=true>chữ</span> này rõ ràng.</p>", &["Thấy chữ này rõ ràng."], &[]),
        (
            "<p>Câu <span hidden>A</span><span style='display: none'>B</span><i style='VISIBILITY:hidden'>C</i><template>D</template><noscript>E</noscript><!-- F --><script>G</script><b style='mso-hide: all'>H</b>kết.</p>",
            &["Câu kết."],
            &[],
        ),
        (
            "<p>Trước.</p><iframe src='https://v.vn/1'></iframe><video src=v.mp4></video><p>Sau cùng là câu này.</p>",
            &["Trước.", "Sau cùng là câu này."],
            &["not-carried", "not-carried"],
        ),
        (
            "<p>Tính <math><mi>x</mi><mo>=</mo><mn>2</mn></math> nhé các bạn.</p>",
            &["Tính x=2 nhé các bạn."],
            &["not-carried"],
        ),
        (
            "<p><img src='data:image/png;base64,AAAA' alt='Quang cảnh'></p><p>Câu kết của bài này nhé.</p>",
            &["Câu kết của bài này nhé."],
            &["not-carried"],
        ),
        (
            "<p>Xem <a href='/kh'>kế hoạch</a> tại đây nhé.</p>",
            &["Xem kế hoạch tại đây nhé."],
            &["link-dropped"],
        ),
        ("<p>Ch&ecirc;nh &amp; l&#7879;ch, n<wbr>gắt.</p>", &["Chênh & lệch, ngắt."], &[]),
    ] {
        let reading = page(body);
        assert_eq!(shown_blocks(&reading), blocks, "{body}");
        assert_eq!(warnings(&reading), codes, "{body}: {:#?}", reading.findings);
    }
}

#[test]
fn embedded_style_sheets_hide_and_strike_through() {
    for (css, body, blocks) in [
        (
            ".c1{text-decoration:line-through}",
            "<p>Có <span class='c0 c1'>15</span>17 hộ nghèo.</p>",
            "Có 17 hộ nghèo.",
        ),
        (
            "/* x */ .an, #an { display : none !important }",
            "<p>Câu <i class=an>A</i><b id=an>B</b>kết.</p>",
            "Câu kết.",
        ),
        (
            "span.s{vertical-align:super}",
            "<p>Lần <span class=s>x</span> nhé.</p>",
            "<p>Lần <sup>x</sup> nhé.</p>",
        ),
        (
            "@media print{.in{display:none}} .a .in{display:none}",
            "<p>Câu <i class=in>hiện</i> kết.</p>",
            "<p>Câu <em>hiện</em> kết.</p>",
        ),
        (".an{display:none} .an{display:inline}", "<p>Câu <u class=an>hiện</u> kết.</p>", "Câu hiện kết."),
        ("body{visibility:hidden}", "<p>Câu hiện ra nhờ một tập lệnh.</p>", "Câu hiện ra nhờ một tập lệnh."),
    ] {
        assert_eq!(shown_blocks(&page(&format!("<style>{css}</style>{body}"))), [blocks], "{css}");
    }
}

#[test]
fn markdown_is_published_as_renderers_show_it() {
    for (body, blocks, codes) in [
        ("Có ~~15~~17 hộ, khoảng ~15~ người.", &["Có 17 hộ, khoảng ~15~ người."][..], &["struck-text"][..]),
        (
            "3. Ba\n4. Bốn\n   - [x](https://a.vn)",
            &[
                "<ol start=\"3\"><li>Ba</li><li>Bốn<ul><li><a href=\"https://a.vn/\">x</a></li></ul></li></ol>",
            ],
            &[],
        ),
        (
            "| Xã | ha |\n|---|---|\n| [Pô Kô](https://a.vn) | 3 |",
            &[
                "<table><tbody><tr><th>Xã</th><th>ha</th></tr><tr><td><a href=\"https://a.vn/\">Pô Kô</a></td><td>3</td></tr></tbody></table>",
            ],
            &[],
        ),
        ("> Một lời.\n>\n> Hai lời.", &["<blockquote><p>Một lời.</p><p>Hai lời.</p></blockquote>"], &[]),
        ("```\na  b\n  c\n```", &["<pre>a  b\n  c</pre>"], &[]),
        (
            "Rộng 5 m<sup>2</sup> và <del>15</del>17 <kbd>x</kbd> <my-tag>lạ</my-tag>.",
            &["Rộng 5 m² và 17 x lạ."],
            &["struck-text"],
        ),
        (
            "<div>Chữ trong <b>thẻ</b>.</div>\n\nCâu kết của bài này nhé.",
            &["<p>Chữ trong <strong>thẻ</strong>.</p>", "Câu kết của bài này nhé."],
            &[],
        ),
        (
            "Xem <https://a.vn/x> và https://a.vn/y.",
            &[
                "<p>Xem <a href=\"https://a.vn/x\">https://a.vn/x</a> và <a href=\"https://a.vn/y\">https://a.vn/y</a>.</p>",
            ],
            &[],
        ),
        (
            "## Mục [một](https://a.vn)\n\nCâu kết của bài này nhé.",
            &["<h2>Mục <a href=\"https://a.vn/\">một</a></h2>", "Câu kết của bài này nhé."],
            &[],
        ),
    ] {
        let reading = markdown(body);
        assert_eq!(shown_blocks(&reading), blocks, "{body}");
        assert_eq!(warnings(&reading), codes, "{body}: {:#?}", reading.findings);
    }
}

/// Elements around words, and whether a browser shows their content.
#[derive(Clone, Debug)]
enum Part {
    Word,
    Element { name: &'static str, attributes: &'static str, shown: bool, parts: Vec<Part> },
}

fn parts() -> impl Strategy<Value = Vec<Part>> {
    let inline = prop_oneof![
        Just("span"),
        Just("b"),
        Just("em"),
        Just("kbd"),
        Just("st1:place"),
        Just("my-tag"),
        Just("font"),
        Just("u"),
        Just("sup"),
        Just("ins"),
        Just("abbr"),
        Just("nobr"),
        Just("code"),
    ];
    let block = prop_oneof![
        Just("p"),
        Just("div"),
        Just("section"),
        Just("h3"),
        Just("blockquote"),
        Just("ul"),
        Just("ol"),
        Just("li"),
        Just("dl"),
        Just("dd"),
        Just("center"),
        Just("details"),
        Just("my-box"),
        Just("figure"),
    ];
    let hidden = prop_oneof![
        Just(("span", "hidden")),
        Just(("p", "style='display:none'")),
        Just(("my-tag", "style='visibility: hidden'")),
        Just(("template", "")),
        Just(("script", "")),
    ];
    let leaf = Just(Part::Word);
    let tree = leaf.prop_recursive(5, 40, 5, move |inner| {
        let inside = proptest::collection::vec(inner, 1..5);
        prop_oneof![
            4 => (inline.clone(), inside.clone()).prop_map(|(name, parts)| Part::Element { name, attributes: "", shown: true, parts }),
            4 => (block.clone(), inside).prop_map(|(name, parts)| Part::Element { name, attributes: "", shown: true, parts }),
            1 => hidden.clone().prop_map(|(name, attributes)| {
                Part::Element { name, attributes, shown: false, parts: vec![Part::Word] }
            }),
        ]
    });
    proptest::collection::vec(tree, 1..6)
}

fn write(parts: &[Part], shown: bool, html: &mut String, words: &mut (Vec<String>, Vec<String>)) {
    for part in parts {
        match part {
            Part::Word => {
                let word = format!("chữ{}", words.0.len() + words.1.len());
                html.push_str(&format!(" {word} "));
                if shown { words.0.push(word) } else { words.1.push(word) }
            }
            Part::Element { name, attributes, shown: here, parts } => {
                html.push_str(&format!("<{name} {attributes}>"));
                write(parts, shown && *here, html, words);
                html.push_str(&format!("</{name}>"));
            }
        }
    }
}

/// The words of the article after its lead, in order.
fn words_of(reading: &ParseResult) -> Vec<String> {
    let draft = reading.draft.as_ref().unwrap_or_else(|| panic!("{:#?}", reading.findings));
    let text = draft.article.body.iter().skip(1).flat_map(|block| {
        block_texts(block).into_iter().map(std::borrow::Cow::into_owned).collect::<Vec<_>>()
    });
    let text = text.collect::<Vec<_>>().join(" ");
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.starts_with("chữ"))
        .map(str::to_owned)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_visible_word_is_published_once_in_order(parts in parts()) {
        let (mut html, mut words) = (String::new(), (Vec::new(), Vec::new()));
        write(&parts, true, &mut html, &mut words);
        // Raw HTML in Markdown must not contain blank lines.
        for reading in [page(&html), markdown(&format!("<section>{html}</section>"))] {
            let published = words_of(&reading);
            let messages: String = reading.findings.iter().map(|finding| finding.kind.message().english).collect();
            let is_reported = |word: &&String| messages.split(|c: char| !c.is_alphanumeric()).any(|part| part == **word);
            let missing: Vec<&String> = words.0.iter().filter(|word| !published.contains(word)).filter(|word| !is_reported(word)).collect();
            prop_assert!(missing.is_empty(), "{missing:?} of {html}: {messages}");
            prop_assert!(words.1.iter().all(|word| !published.contains(word)), "hidden of {html}: {published:?}");
            let wanted: Vec<&String> = words.0.iter().filter(|word| published.contains(word)).collect();
            prop_assert_eq!(published.iter().collect::<Vec<_>>(), wanted, "{}", html);
        }
    }
}
