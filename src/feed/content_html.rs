//! The whole text of an article as HTML: absolute URLs, nothing that runs.

use std::fmt::Write as _;

use crate::model::{Block, Entry, Image};
use crate::text::{direction, escape_html, identifier, language_tag, single_line, xml_safe, xml_safe_nfc};
use crate::urls::{self, SiteUrls};

/// The whole text of an entry as a fragment of HTML, a line for each block. The n-th picture stands with
/// the n-th caption; pictures beyond the captions follow the text; a caption without a picture stays as a
/// paragraph (rules R8, M1). Where the article was taken over from another publication, the last line says
/// so. A text in another language than the site's stands in a `div` that names it, and its direction where it is
/// written from right to left.
///
/// Every URL is absolute (rule R12). [`Block::Html`] is trusted to come from the sanitiser.
pub fn content_html(entry: &Entry, addresses: &SiteUrls) -> String {
    let article = &entry.article;
    let mut html = String::with_capacity(1024);
    let language = article.language.as_deref().and_then(language_tag);
    match (language, language.and_then(direction)) {
        (Some(language), Some(direction)) => {
            let _ = writeln!(html, "<div lang=\"{language}\" dir=\"{direction}\">");
        }
        (Some(language), None) => {
            let _ = writeln!(html, "<div lang=\"{language}\">");
        }
        (None, _) => {}
    }
    let mut pictures = article.images.iter();
    for block in &article.body {
        push_block(&mut html, block, &mut pictures, addresses);
    }
    for picture in pictures {
        push_figure(&mut html, picture, "", "", addresses);
    }
    if language.is_some() {
        html.push_str("</div>\n");
    }
    // In the language of the site.
    if let Some(source) = &article.source {
        let _ = writeln!(html, "<p>Nguồn: {}</p>", escape_html(&single_line(source)));
    }
    html
}

/// Where a picture is served.
pub(super) fn image_url(picture: &Image, addresses: &SiteUrls) -> String {
    identifier(&addresses.url(&urls::media_path(&picture.name))).into_owned()
}

fn push_block<'a>(
    html: &mut String,
    block: &Block,
    pictures: &mut impl Iterator<Item = &'a Image>,
    addresses: &SiteUrls,
) {
    match block {
        Block::Lead { html: Some(marked), .. } => {
            let _ = writeln!(html, "<p>{}</p>", xml_safe(marked));
        }
        Block::Lead { text, html: None } | Block::Paragraph { text } => push_element(html, "p", text),
        Block::Heading { level, text } => {
            // A feed's title is the heading above these; there is no `h7`.
            let name = ["h2", "h3", "h4", "h5", "h6"][usize::from(level.clamp(&2, &6) - 2)];
            push_element(html, name, text);
        }
        Block::Caption { text, raw: printed, html: marked, .. } => {
            let line = match marked {
                Some(marked) => xml_safe(marked),
                None => escape_html(&xml_safe_nfc(printed)).into_owned().into(),
            };
            match pictures.next() {
                Some(picture) => push_figure(html, picture, text, &line, addresses),
                None => {
                    let _ = writeln!(html, "<p>{line}</p>");
                }
            }
        }
        Block::List { ordered, items } => push_list(html, *ordered, items),
        Block::Table { rows } => push_table(html, rows),
        Block::Html { html: fragment } => {
            html.push_str(&xml_safe(fragment));
            html.push('\n');
        }
    }
}

fn push_element(html: &mut String, name: &str, text: &str) {
    let _ = writeln!(html, "<{name}>{}</{name}>", escape_html(&xml_safe_nfc(text)));
}

fn push_figure(html: &mut String, picture: &Image, shows: &str, caption: &str, addresses: &SiteUrls) {
    let url = image_url(picture, addresses);
    let _ = write!(
        html,
        "<figure><img src=\"{}\" alt=\"{}\" width=\"{}\" height=\"{}\"/>",
        escape_html(&url),
        escape_html(&single_line(shows)),
        picture.width,
        picture.height,
    );
    if !caption.is_empty() {
        let _ = write!(html, "<figcaption>{caption}</figcaption>");
    }
    html.push_str("</figure>\n");
}

fn push_list(html: &mut String, ordered: bool, items: &[String]) {
    let name = if ordered { "ol" } else { "ul" };
    let _ = write!(html, "<{name}>");
    for item in items {
        let _ = write!(html, "<li>{}</li>", escape_html(&xml_safe_nfc(item)));
    }
    let _ = writeln!(html, "</{name}>");
}

fn push_table(html: &mut String, rows: &[Vec<String>]) {
    html.push_str("<table><tbody>");
    for row in rows {
        html.push_str("<tr>");
        for cell in row {
            let _ = write!(html, "<td>{}</td>", escape_html(&xml_safe_nfc(cell)));
        }
        html.push_str("</tr>");
    }
    html.push_str("</tbody></table>\n");
}
