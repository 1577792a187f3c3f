//! The text of an article as a person edits it in a form: Markdown that [`read_fields`] reads back
//! as the same blocks.

use serde_json::Value;

use super::structured::{TEXT_FIELD, read_fields};
use super::{Encoding, ParseOptions};
use crate::model::Block;
use crate::text::escape_html;
use crate::time::DEFAULT_TIME_ZONE;

/// The text of these blocks, and whether reading it again yields exactly the same blocks. If not, some of the
/// formatting cannot be written in Markdown, and a preview shows what becomes of it.
pub fn editable_text(body: &[Block]) -> (String, bool) {
    let texts: Vec<String> = body.iter().map(text_of_block).filter(|text| !text.is_empty()).collect();
    let text = texts.join("\n\n");
    let is_exact = blocks_of(&text).is_some_and(|blocks| blocks == body);
    (text, is_exact)
}

/// The first of the forms of a block that is read back as this block.
fn text_of_block(block: &Block) -> String {
    let forms = forms_of(block);
    let exact = forms.iter().find(|form| reads_as(form, block));
    exact.or(forms.last()).cloned().unwrap_or_default()
}

/// The forms in which a block can be written, the most readable first.
fn forms_of(block: &Block) -> Vec<String> {
    let element = |name: &str, html: &str| format!("<{name}>{html}</{name}>");
    let plain = |text: &str| vec![text.to_owned(), escaped(text), element("p", &escape_html(text))];
    match block {
        Block::Lead { html: Some(html), .. } => vec![html.clone(), element("p", html)],
        Block::Lead { text, html: None } | Block::Paragraph { text } => plain(text),
        Block::Heading { level, text } => {
            let marks = "#".repeat(usize::from(*level));
            let html = element(&format!("h{level}"), &escape_html(text));
            vec![format!("{marks} {text}"), format!("{marks} {}", escaped(text)), html]
        }
        Block::Caption { html: Some(html), .. } => vec![html.clone(), element("figcaption", html)],
        Block::Caption { raw, html: None, .. } => {
            vec![raw.clone(), escaped(raw), element("figcaption", &escape_html(raw))]
        }
        Block::List { ordered, items } => {
            let list = |form: &dyn Fn(&str) -> String| {
                let line = |(index, item): (usize, &String)| match ordered {
                    true => format!("{}. {}", index + 1, form(item)),
                    false => format!("- {}", form(item)),
                };
                items.iter().enumerate().map(line).collect::<Vec<_>>().join("\n")
            };
            let lines: String = items.iter().map(|item| element("li", &escape_html(item))).collect();
            vec![list(&str::to_owned), list(&escaped), element(if *ordered { "ol" } else { "ul" }, &lines)]
        }
        Block::Table { rows } => {
            let cells = |row: &Vec<String>| {
                row.iter().map(|cell| element("td", &escape_html(cell))).collect::<String>()
            };
            let lines: String = rows.iter().map(|row| element("tr", &cells(row))).collect();
            let marked = |row: &Vec<String>| {
                format!("| {} |", row.iter().map(|cell| escaped(cell)).collect::<Vec<_>>().join(" | "))
            };
            let mut markdown: Vec<String> = rows.iter().map(marked).collect();
            if let Some(first) = rows.first() {
                markdown.insert(1, format!("|{}", " --- |".repeat(first.len())));
            }
            vec![markdown.join("\n"), element("table", &lines)]
        }
        // A blank line would end the HTML.
        Block::Html { html } => {
            vec![html.lines().filter(|line| !line.trim().is_empty()).collect::<Vec<_>>().join("\n")]
        }
    }
}

/// Text in which nothing is markup.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        if letter.is_ascii_punctuation()
            && !matches!(letter, ',' | ':' | ';' | '"' | '\'' | '/' | '%' | '?' | '@')
        {
            safe.push('\\');
        }
        safe.push(letter);
    }
    safe
}

/// True if the text is read as this one block. Only the first paragraph of an article is a lead.
fn reads_as(text: &str, block: &Block) -> bool {
    let is_lead = matches!(block, Block::Lead { .. });
    let whole = if is_lead { text.to_owned() } else { format!("x\n\n{text}") };
    blocks_of(&whole)
        .is_some_and(|blocks| blocks[usize::from(!is_lead).min(blocks.len())..] == [block.clone()])
}

fn blocks_of(text: &str) -> Option<Vec<Block>> {
    let field = |name: &str, value: &str| (name.to_owned(), Value::from(value));
    let fields = [field("title", "x"), field("published", "01/01/2020"), field(TEXT_FIELD, text)];
    let options =
        ParseOptions { zone: DEFAULT_TIME_ZONE, language: "vi".to_owned(), encoding: None::<Encoding> };
    read_fields(&fields, &options).draft.map(|draft| draft.article.body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::{ParseOptions, parse};

    fn paragraph(text: &str) -> Block {
        Block::Paragraph { text: text.to_owned() }
    }

    #[test]
    fn the_text_in_the_form_is_read_back_as_the_same_blocks() {
        let lead =
            Block::Lead { text: "Sáng 12/5, huyện tổ chức hội nghị.".to_owned(), html: None };
        let html = |html: &str| Block::Html { html: html.to_owned() };
        let list =
            |ordered, items: [&str; 2]| Block::List { ordered, items: items.map(str::to_owned).into() };
        for block in [
            paragraph("Một đoạn bình thường (có ngoặc), 3-4 việc; giá 5.000 đ/kg."),
            paragraph("# không phải tiêu đề"),
            paragraph("- không phải danh sách"),
            paragraph("1. Không phải danh sách"),
            paragraph("2*3*4 và _gạch dưới_ và [ngoặc](x) và <b> và &amp; và `mã` và ~~xóa~~"),
            paragraph("C:\\thu muc\\*.txt"),
            paragraph("| không | phải | bảng |"),
            paragraph("***"),
            paragraph("Bình luận"),
            Block::Heading { level: 2, text: "Mục 1. Kết quả * đạt được #".to_owned() },
            Block::Heading { level: 3, text: "Mục nhỏ".to_owned() },
            list(true, ["Bước một", "Bước * hai"]),
            list(false, ["Việc <một>", "Việc hai"]),
            Block::Table {
                rows: vec![vec!["Thôn".into(), "Hộ".into()], vec!["Kon | Đào".into(), "12*".into()]],
            },
            html("<p>Xem <a href=\"https://example.vn/a\">văn bản</a> và <strong>chú ý</strong>.</p>"),
        ] {
            let body = [lead.clone(), block, paragraph("Đoạn cuối.")];
            let (text, is_exact) = editable_text(&body);
            assert!(is_exact, "{text}\n{:?}", blocks_of(&text));
        }
        let (text, _) = editable_text(&[lead, paragraph("Một đoạn bình thường (có ngoặc).")]);
        assert!(!text.contains('\\'), "ordinary text is shown as it is: {text}");
    }

    #[test]
    fn nearly_every_sample_article_can_be_edited_without_loss() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manuscripts");
        let options = ParseOptions { zone: DEFAULT_TIME_ZONE, language: "vi".to_owned(), encoding: None };
        let (mut articles, mut inexact) = (0, Vec::new());
        let mut folders = vec![folder];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let name = path.file_name().unwrap().to_str().unwrap();
                let Some(draft) = parse(name, &std::fs::read(&path).unwrap(), &options).draft else {
                    continue;
                };
                articles += 1;
                let (text, is_exact) = editable_text(&draft.article.body);
                if !is_exact {
                    inexact.push((path, text));
                }
            }
        }
        assert!(articles > 20, "{articles}");
        assert!(inexact.len() * 20 <= articles, "{} of {articles}: {inexact:#?}", inexact.len());
    }
}
