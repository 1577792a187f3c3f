//! Reads a saved web page: finds the article and drops the rest.
//!
//! The article is the smallest part of the page that contains both the title and the element with the most running
//! text. Everything outside is dropped; everything inside is passed on as pieces, with the headings, lists, captions
//! and tables of the markup.

mod dom;
mod page;
mod shown;
mod walker;

use url::Url;

use super::diagnostic::{DiagnosticKind, Diagnostics, Part};
use super::inline::{self, InlineBuilder};
use super::normalise::Normalizer;
use super::piece::Content;
use super::structure::Hints;
use crate::time::Zone;
use dom::{Dom, NodeId};
use page::HtmlPage;

pub(super) use dom::{Builder, parse};
use walker::Walker;

/// Reads a page that begins on `first_line` of its file; `None` on errors.
pub(super) fn content(
    html: &str,
    first_line: usize,
    zone: Zone,
    normalizer: &mut Normalizer,
    findings: &mut Diagnostics,
) -> Option<(Content, Hints)> {
    let tree = match parse(html, first_line) {
        Ok(tree) => tree,
        Err(kind) => {
            findings.error(first_line, kind);
            return None;
        }
    };
    read_page(HtmlPage::new(&tree, base_of(html, &tree), zone, false), first_line, normalizer, findings)
}

/// Reads a page that was requested at `url`. Its images are URLs; `None` on errors.
pub(super) fn web_content(
    html: &str,
    url: &Url,
    zone: Zone,
    normalizer: &mut Normalizer,
    findings: &mut Diagnostics,
) -> Option<(Content, Hints)> {
    let tree = parse(html, 1).ok()?;
    // A `base` element is relative to the URL of the page.
    let base = (0..tree.len()).find(|id| tree.name(*id) == "base").and_then(|id| tree.attribute(id, "href"));
    let base = base.and_then(|base| url.join(base.trim()).ok()).unwrap_or_else(|| url.clone());
    let mut page = HtmlPage::new(&tree, Some(base), zone, false);
    page.has_web_images = true;
    read_page(page, 1, normalizer, findings)
}

fn read_page(
    page: HtmlPage<'_>,
    first_line: usize,
    normalizer: &mut Normalizer,
    findings: &mut Diagnostics,
) -> Option<(Content, Hints)> {
    let mut hints = page.hints();
    let scope = page.article(&hints);
    let mut flow = InlineBuilder::new(normalizer, findings);
    clean_title(&mut hints, &mut flow);
    Some((content_of(&page, scope, flow, first_line)?, hints))
}

/// Reads a tree that is only an article, without page chrome.
pub(super) fn fragment(
    tree: Result<Dom, DiagnosticKind>,
    first_line: usize,
    zone: Zone,
    normalizer: &mut Normalizer,
    findings: &mut Diagnostics,
) -> Option<Content> {
    match tree {
        Ok(tree) => {
            let page = HtmlPage::new(&tree, None, zone, true);
            content_of(&page, Dom::ROOT, InlineBuilder::new(normalizer, findings), first_line)
        }
        Err(kind) => {
            findings.error(first_line, kind);
            None
        }
    }
}

/// Reads the HTML of a feed item. Relative URLs are relative to `base`. Its images are URLs.
pub(super) fn feed_content(
    html: &str,
    base: Option<Url>,
    zone: Zone,
    normalizer: &mut Normalizer,
    findings: &mut Diagnostics,
) -> Option<Content> {
    let tree = parse(html, 1).ok()?;
    let mut page = HtmlPage::new(&tree, base, zone, true);
    page.has_web_images = true;
    content_of(&page, Dom::ROOT, InlineBuilder::new(normalizer, findings), 1)
}

/// The text of a fragment without its markup; `None` if it is too complex.
pub(super) fn plain_text(html: &str) -> Option<String> {
    parse(html, 1).ok().map(|tree| tree.text(Dom::ROOT))
}

/// Type and target of each `link rel="alternate"`.
pub(super) fn alternate_links(html: &str) -> Vec<(String, String)> {
    let Ok(tree) = parse(html, 1) else { return Vec::new() };
    let link = |id: NodeId| {
        let rel = tree.attribute(id, "rel")?;
        let is_alternate = rel.split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case("alternate"));
        let attribute = |name| tree.attribute(id, name).map(|value| value.trim().to_owned());
        Some((attribute("type")?, attribute("href")?)).filter(|_| is_alternate)
    };
    (0..tree.len()).filter(|id| tree.name(*id) == "link").filter_map(link).collect()
}

/// The result of [`content_as_written`].
pub(super) enum AsWritten {
    /// `None` on errors.
    Content(Option<(Content, Hints)>),
    /// Whether menus, scripts and styles of a site surround the article.
    PageOfASite,
}

/// Reads a document that is only an article: everything that a browser shows of its `article`, `main` or body,
/// regardless of class names.
pub(super) fn content_as_written(
    html: &str,
    first_line: usize,
    zone: Zone,
    normalizer: &mut Normalizer,
    findings: &mut Diagnostics,
) -> AsWritten {
    let tree = match parse(html, first_line) {
        Ok(tree) => tree,
        Err(kind) => {
            findings.error(first_line, kind);
            return AsWritten::Content(None);
        }
    };
    if (0..tree.len()).any(|id| is_of_a_site(&tree, id)) {
        return AsWritten::PageOfASite;
    }
    let page = HtmlPage::new(&tree, base_of(html, &tree), zone, true);
    let mut hints = page.hints();
    let only = |name: &str| {
        let mut named = (0..tree.len()).filter(|id| tree.name(*id) == name);
        named.next().filter(|_| named.next().is_none())
    };
    let scope = only("article").or_else(|| only("main")).unwrap_or(Dom::ROOT);
    let mut flow = InlineBuilder::new(normalizer, findings);
    clean_title(&mut hints, &mut flow);
    AsWritten::Content(content_of(&page, scope, flow, first_line).map(|content| (content, hints)))
}

/// Normalises the title of the head, which is as untrusted as the text.
fn clean_title(hints: &mut Hints, flow: &mut InlineBuilder<'_, '_>) {
    let title = hints.title.take().map(|(line, title)| (line, flow.cell(&title, line)));
    hints.title = title.filter(|(_, title)| !title.is_empty());
}

fn content_of(
    page: &HtmlPage<'_>,
    scope: NodeId,
    mut flow: InlineBuilder<'_, '_>,
    first_line: usize,
) -> Option<Content> {
    Walker::new(page, scope, &mut flow).walk();
    if page.is_fragment {
        report_code(page.tree, &mut flow);
    }
    page.report_dropped_chrome(scope, flow.findings);
    if flow.is_overflowing() {
        flow.findings.error(first_line, DiagnosticKind::TooComplex { limit: inline::MAX_OUTPUT });
        return None;
    }
    Some(flow.finish())
}

/// Reports scripts and style sheets. Those of a saved page are not the author's.
fn report_code(tree: &Dom, flow: &mut InlineBuilder<'_, '_>) {
    for id in 0..tree.len() {
        let part = match tree.name(id) {
            // Metadata.
            "script" if tree.attribute(id, "type") == Some("application/ld+json") => continue,
            "script" => Part::Script,
            "style" => Part::StyleSheet,
            _ => continue,
        };
        flow.omit(part, "", tree.line(id));
    }
}

fn is_of_a_site(tree: &Dom, id: NodeId) -> bool {
    match tree.name(id) {
        "nav" => true,
        "script" => tree.attribute(id, "src").is_some(),
        "link" => tree.attribute(id, "rel").is_some_and(|rel| rel.eq_ignore_ascii_case("stylesheet")),
        _ => false,
    }
}

/// The encoding that a page declares in its first kilobyte, as in browsers.
pub(super) fn declared_encoding(bytes: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    let head = bytes[..bytes.len().min(1024)].to_ascii_lowercase();
    let at = head.windows(8).position(|window| window == b"charset=")? + 8;
    let label: Vec<u8> = head[at..]
        .iter()
        .copied()
        .skip_while(|byte| matches!(byte, b'"' | b'\'' | b' '))
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        .collect();
    encoding_rs::Encoding::for_label(&label)
}

/// The URL that the page was saved from, to resolve its links.
fn base_of(html: &str, tree: &Dom) -> Option<Url> {
    let mut found = None;
    for id in (0..tree.len()).filter(|id| tree.has_attributes(*id)) {
        let target = match tree.name(id) {
            "base" => tree.attribute(id, "href"),
            "link" if tree.attribute(id, "rel") == Some("canonical") => tree.attribute(id, "href"),
            "meta" if tree.attribute(id, "property") == Some("og:url") => tree.attribute(id, "content"),
            _ => None,
        };
        found = found.or_else(|| target.and_then(web_address));
    }
    found.or_else(|| {
        let head = &html[..html.floor_char_boundary(2048)];
        let behind = head.split_once("saved from url=(")?.1.split_once(')')?.1;
        web_address(behind.split([' ', '-']).next()?)
    })
}

fn web_address(text: &str) -> Option<Url> {
    Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}
