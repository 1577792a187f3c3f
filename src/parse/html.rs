//! A saved web page into pieces: find the article, drop the rest.
//!
//! The article is the smallest part of the page that holds both the title and the element with most running
//! text. What stands beside it is page; what stands in it goes to the structure like any other text, with the
//! headings, lists, captions and tables that the markup names.

mod dom;
mod shown;
mod walker;

use url::Url;

use super::diagnostic::{DiagnosticKind, Diagnostics};
use super::inline::{self, InlineBuilder};
use super::normalise::{Normalizer, comparison_key, fold, word_count};
use super::structure::{Hints, Piece};
use crate::time::Zone;
use dom::{Dom, NodeData, NodeId};
use shown::{Look, Sheet, is_block, is_hidden};

pub(super) use dom::{Builder, parse};
use walker::Walker;

/// Reads a page whose first line is `first_line` of its file. `None` where it was refused.
pub(super) fn pieces(
    html: &str,
    first_line: usize,
    zone: Zone,
    cleaner: &mut Normalizer,
    findings: &mut Diagnostics,
) -> Option<(Vec<Piece>, Hints)> {
    let tree = match parse(html, first_line) {
        Ok(tree) => tree,
        Err(complaint) => {
            findings.error(first_line, complaint);
            return None;
        }
    };
    let page = Page::new(&tree, base_of(html, &tree), zone, false);
    let mut hints = page.hints();
    let scope = page.article(&hints);
    let mut flow = InlineBuilder::new(cleaner, findings);
    // NOTE: what the page says in its head is as unclean as its text.
    hints.title = hints
        .title
        .map(|(line, title)| (line, flow.cell(&title, line)))
        .filter(|(_, title)| !title.is_empty());
    let pieces = page.pieces(scope, flow, first_line)?;
    Some((pieces, hints))
}

/// Reads a tree that is an article and nothing else: nothing in it is taken for a part of a page.
pub(super) fn fragment(
    tree: Result<Dom, DiagnosticKind>,
    first_line: usize,
    zone: Zone,
    cleaner: &mut Normalizer,
    findings: &mut Diagnostics,
) -> Option<Vec<Piece>> {
    match tree {
        Ok(tree) => {
            let page = Page::new(&tree, None, zone, true);
            page.pieces(Dom::ROOT, InlineBuilder::new(cleaner, findings), first_line)
        }
        Err(complaint) => {
            findings.error(first_line, complaint);
            None
        }
    }
}

/// What [`pieces_as_written`] found.
pub(super) enum AsWritten {
    /// `None` where it was refused.
    Pieces(Option<(Vec<Piece>, Hints)>),
    /// Menus, scripts and styles of a site stand around the article.
    PageOfASite,
}

/// Reads a document that is the article and nothing else: whatever a browser shows of its `article`, its `main` or else
/// its body, whatever classes bear what names.
pub(super) fn pieces_as_written(
    html: &str,
    first_line: usize,
    zone: Zone,
    cleaner: &mut Normalizer,
    findings: &mut Diagnostics,
) -> AsWritten {
    let tree = match parse(html, first_line) {
        Ok(tree) => tree,
        Err(complaint) => {
            findings.error(first_line, complaint);
            return AsWritten::Pieces(None);
        }
    };
    if (0..tree.len()).any(|id| is_of_a_site(&tree, id)) {
        return AsWritten::PageOfASite;
    }
    let page = Page::new(&tree, base_of(html, &tree), zone, true);
    let mut hints = page.hints();
    let only = |name: &str| {
        let mut named = (0..tree.len()).filter(|id| tree.name(*id) == name);
        named.next().filter(|_| named.next().is_none())
    };
    let scope = only("article").or_else(|| only("main")).unwrap_or(Dom::ROOT);
    let mut flow = InlineBuilder::new(cleaner, findings);
    hints.title = hints
        .title
        .map(|(line, title)| (line, flow.cell(&title, line)))
        .filter(|(_, title)| !title.is_empty());
    AsWritten::Pieces(page.pieces(scope, flow, first_line).map(|pieces| (pieces, hints)))
}

fn is_of_a_site(tree: &Dom, id: NodeId) -> bool {
    match tree.name(id) {
        "nav" => true,
        "script" => tree.attribute(id, "src").is_some(),
        "link" => tree.attribute(id, "rel").is_some_and(|rel| rel.eq_ignore_ascii_case("stylesheet")),
        _ => false,
    }
}

/// The encoding that a page names for itself, in its first kilobyte as browsers have it.
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

/// Where the page was saved from, which makes its links whole.
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

/// A page, and what each of its parts weighs.
struct Page<'t> {
    tree: &'t Dom,
    base: Option<Url>,
    zone: Zone,
    /// Everything in it is the article.
    is_fragment: bool,
    sheet: Sheet,
    hidden: Vec<bool>,
    weights: Vec<TextDensity>,
}

/// What stands in a node and below it. NOTE: known for every node beforehand, since of elements in elements each
/// would count anew what the innermost hold.
#[derive(Clone, Debug, Default)]
struct TextDensity {
    /// Bytes of text that is shown, and of those within links.
    text: u32,
    linked: u32,
    /// Links that are shown, and those of them that lead to a document.
    links: u32,
    documents: u32,
    /// Shown or not: nodes, first headings, pictures, tables.
    nodes: u32,
    titles: u32,
    pictures: u32,
    tables: u32,
}

/// Titles and times have fewer nodes; to look into larger parts for them would cost.
const MAX_NODES: u32 = 256;

impl<'t> Page<'t> {
    fn new(tree: &'t Dom, base: Option<Url>, zone: Zone, is_fragment: bool) -> Self {
        let count = tree.len();
        let mut sheet = Sheet::of(tree);
        let mut hidden = hidden_parts(tree, &sheet, is_fragment);
        if !sheet.is_empty() {
            let without = hidden_parts(tree, &Sheet::default(), is_fragment);
            // A sheet that hides most of the page waits for a script to show it again.
            if text_shown(tree, &hidden) * 2 < text_shown(tree, &without) {
                (sheet, hidden) = (Sheet::default(), without);
            }
        }
        let mut shown = vec![false; count];
        let mut weights = vec![TextDensity::default(); count];
        let order: Vec<NodeId> = tree.walk(Dom::ROOT, |_| false).collect();
        for id in order.iter().copied() {
            shown[id] = !hidden[id] && tree.parent(id).is_none_or(|parent| shown[parent]);
        }
        // Children come after their parents in this order, so that one pass from the back adds all up.
        for id in order.into_iter().rev() {
            let mut weight = std::mem::take(&mut weights[id]);
            weight.add(tree, id, shown[id]);
            if let Some(parent) = tree.parent(id) {
                weights[parent].include(&weight);
            }
            weights[id] = weight;
        }
        Self { tree, base, zone, is_fragment, sheet, hidden, weights }
    }

    fn pieces(
        &self,
        scope: NodeId,
        mut flow: InlineBuilder<'_, '_>,
        first_line: usize,
    ) -> Option<Vec<Piece>> {
        Walker::new(self, scope, &mut flow).walk();
        self.tell_of_the_rest(scope, flow.findings);
        if flow.is_overflowing() {
            flow.findings.error(first_line, DiagnosticKind::TooComplex { limit: inline::MOST_OUTPUT });
            return None;
        }
        Some(flow.finish())
    }

    fn weight(&self, id: NodeId) -> &TextDensity {
        &self.weights[id]
    }

    /// The text of a small part; none of a large one.
    fn short_text(&self, id: NodeId) -> Option<String> {
        (self.weight(id).nodes <= MAX_NODES).then(|| fold(&self.tree.text(id)))
    }

    fn hints(&self) -> Hints {
        let mut hints = Hints::default();
        let mut page_title = None;
        let told = |id: &NodeId| self.tree.has_attributes(*id) || self.tree.name(*id) == "title";
        for id in (0..self.tree.len()).filter(told) {
            let key = self
                .tree
                .attribute(id, "property")
                .or(self.tree.attribute(id, "itemprop"))
                .or(self.tree.attribute(id, "name"));
            let content = self.tree.attribute(id, "content").or(self.tree.attribute(id, "datetime"));
            let line = self.tree.line(id);
            match (self.tree.name(id), key, content) {
                ("meta", Some("og:title"), Some(title)) if !title.trim().is_empty() => {
                    hints.title.get_or_insert((line, fold(title)));
                }
                (_, Some("article:published_time" | "datePublished"), Some(date)) => {
                    hints.stamp.get_or_insert((line, date.trim().to_owned()));
                }
                ("title", ..) if page_title.is_none() => {
                    page_title = self
                        .short_text(id)
                        .map(|title| (line, without_site(&title)))
                        .filter(|(_, title)| !title.is_empty());
                }
                _ => {}
            }
        }
        hints.title = hints.title.or(page_title);
        hints.stamp = hints.stamp.or_else(|| self.linked_data_date());
        hints
    }

    /// `datePublished` of a JSON-LD script.
    fn linked_data_date(&self) -> Option<(usize, String)> {
        (0..self.tree.len())
            .filter(|id| {
                self.tree.has_attributes(*id)
                    && self.tree.name(*id) == "script"
                    && self.tree.attribute(*id, "type") == Some("application/ld+json")
            })
            .find_map(|id| {
                let script = self.tree.children(id).find_map(|child| match self.tree.data(child) {
                    NodeData::Text(text) => Some(&**text),
                    _ => None,
                })?;
                let value: serde_json::Value = serde_json::from_str(script).ok()?;
                Some((self.tree.line(id), published_in(&value, 0)?))
            })
    }

    /// The smallest part that holds the title and the text.
    fn article(&self, hints: &Hints) -> NodeId {
        let body = self.densest();
        let title = self.title_element(body, hints);
        match title {
            Some(title) => self.common(title, body),
            None => body,
        }
    }

    /// The element whose own paragraphs have most text that is not links.
    fn densest(&self) -> NodeId {
        let mut score = vec![0_u32; self.tree.len()];
        let order: Vec<NodeId> = self.tree.walk(Dom::ROOT, |id| self.hidden[id]).collect();
        for id in &order {
            let block =
                matches!(self.tree.name(*id), "p" | "div" | "td" | "section" | "li" | "pre" | "blockquote");
            let own: u32 = match self.tree.data(*id) {
                NodeData::Element { .. } if block => self.own_text(*id),
                _ => continue,
            };
            let Some(parent) = self.tree.parent(*id) else { continue };
            score[*id] += own;
            score[parent] += if self.tree.name(*id) == "p" { own } else { own / 2 };
            if let Some(grandparent) = self.tree.parent(parent) {
                score[grandparent] += own / 3;
            }
        }
        let named =
            order.iter().copied().find(|id| self.tree.attribute(*id, "itemprop") == Some("articleBody"));
        let best = order.iter().copied().max_by_key(|id| (score[*id], std::cmp::Reverse(*id)));
        let good = |id: &NodeId| self.weight(*id).text > 0;
        named.filter(good).or(best).filter(good).unwrap_or(Dom::ROOT)
    }

    /// Text directly in an element or in its marks, links left out.
    fn own_text(&self, id: NodeId) -> u32 {
        let mut own = 0;
        for child in self.tree.children(id) {
            if !is_block(self.tree.name(child)) {
                own += self.weight(child).text.saturating_sub(self.weight(child).linked);
            }
        }
        own
    }

    /// The title: the heading that the page's own title names, else the last `h1` before the text, or a heading
    /// near above it.
    fn title_element(&self, body: NodeId, hints: &Hints) -> Option<NodeId> {
        let order: Vec<NodeId> =
            self.tree.walk(Dom::ROOT, |id| self.hidden[id] && self.tree.name(id) != "header").collect();
        let wanted = hints.title.as_ref().map(|(_, title)| comparison_key(title));
        let is_heading = |id: &NodeId| matches!(self.tree.name(*id), "h1" | "h2" | "h3" | "h4");
        let says_it = |id: &NodeId| {
            self.weight(*id).text < 1000
                && wanted.as_ref().is_some_and(|wanted| {
                    self.short_text(*id).is_some_and(|text| comparison_key(&text) == *wanted)
                })
        };
        if let Some(named) = order.iter().copied().find(|id| is_heading(id) && says_it(id)) {
            return Some(named);
        }
        let end = order.iter().position(|id| *id == body).unwrap_or(order.len());
        let first =
            |name: &str| self.tree.walk(body, |id| self.hidden[id]).find(|id| self.tree.name(*id) == name);
        let above = |name: &str| order[..end].iter().rev().copied().find(|id| self.tree.name(*id) == name);
        let elsewhere = order
            .iter()
            .copied()
            .find(|id| says_it(id) && !self.tree.name(*id).is_empty() && self.tree.name(*id) != "title");
        first("h1").or(above("h1")).or(elsewhere).or(above("h2"))
    }

    fn common(&self, left: NodeId, right: NodeId) -> NodeId {
        let mut ancestors = vec![false; self.tree.len()];
        let mut at = Some(left);
        while let Some(id) = at {
            ancestors[id] = true;
            at = self.tree.parent(id);
        }
        let mut at = Some(right);
        while let Some(id) = at {
            if ancestors[id] {
                return id;
            }
            at = self.tree.parent(id);
        }
        Dom::ROOT
    }

    /// Lists and boxes that are links and little else: menus, other news.
    fn is_menu(&self, id: NodeId) -> bool {
        let weight = self.weight(id);
        !self.is_fragment
            && is_menu_name(self.tree.name(id))
            && weight.documents < weight.links
            && weight.text > 0
            && weight.linked * 10 > weight.text * 7
            && weight.links >= 2
    }

    /// One note for everything outside: nobody reads a menu line by line.
    fn tell_of_the_rest(&self, scope: NodeId, findings: &mut Diagnostics) {
        const QUOTED: usize = 12;
        let mut is_inside = vec![false; self.tree.len()];
        for id in self.tree.walk(scope, |id| self.hidden[id] || self.is_menu(id)) {
            is_inside[id] = true;
        }
        let skip =
            |id: NodeId| matches!(self.tree.name(id), "script" | "style" | "head" | "noscript" | "template");
        let outside: Vec<(usize, &str)> = self
            .tree
            .walk(Dom::ROOT, skip)
            .filter(|id| !is_inside[*id])
            .filter_map(|id| match self.tree.data(id) {
                NodeData::Text(text) if !text.trim().is_empty() => Some((self.tree.line(id), &**text)),
                _ => None,
            })
            .collect();
        if let Some((line, _)) = outside.first() {
            let quoted: Vec<String> = outside.iter().take(QUOTED).map(|(_, text)| fold(text)).collect();
            let text = quoted.join(" · ");
            findings.note(*line, DiagnosticKind::PageChromeDropped { count: outside.len(), text });
        }
    }
}

impl TextDensity {
    fn add(&mut self, tree: &Dom, id: NodeId, is_shown: bool) {
        self.nodes += 1;
        match tree.data(id) {
            NodeData::Text(text) if is_shown => self.text += bytes_of_words(text),
            NodeData::Element { .. } => match tree.name(id) {
                "a" if is_shown => {
                    self.linked = self.text;
                    self.links += 1;
                    let target = tree.attribute(id, "href").unwrap_or_default();
                    self.documents += u32::from(is_document(target));
                }
                "img" => self.pictures += 1,
                "table" => self.tables += 1,
                "h1" => self.titles += 1,
                _ => {}
            },
            _ => {}
        }
    }

    /// NOTE: a page has 4 MiB at most, and each byte of it counts once on the way to the root.
    fn include(&mut self, child: &Self) {
        self.text += child.text;
        self.linked += child.linked;
        self.links += child.links;
        self.documents += child.documents;
        self.titles += child.titles;
        self.nodes += child.nodes;
        self.pictures += child.pictures;
        self.tables += child.tables;
    }
}

fn bytes_of_words(text: &str) -> u32 {
    let bytes: usize = text.split_whitespace().map(str::len).sum();
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

fn published_in(value: &serde_json::Value, depth: usize) -> Option<String> {
    match value {
        _ if depth > 8 => None,
        serde_json::Value::Object(map) => match map.get("datePublished") {
            Some(serde_json::Value::String(date)) => Some(date.clone()),
            _ => map.values().find_map(|value| published_in(value, depth + 1)),
        },
        serde_json::Value::Array(values) => values.iter().find_map(|value| published_in(value, depth + 1)),
        _ => None,
    }
}

/// `Tiêu đề | Báo Kon Tum` names the article and the site.
fn without_site(title: &str) -> String {
    let cut = [" | ", " - ", " – ", " :: ", " » "].iter().filter_map(|mark| title.rfind(mark)).max();
    match cut {
        Some(at) if word_count(&title[..at]) >= 4 => title[..at].trim().to_owned(),
        _ => title.to_owned(),
    }
}

fn is_menu_name(name: &str) -> bool {
    matches!(name, "ul" | "ol" | "div" | "section" | "table" | "dl")
}

/// A file to take along: a list of such links belongs to the article.
fn is_document(target: &str) -> bool {
    const ENDINGS: [&str; 11] =
        [".pdf", ".doc", ".docx", ".xls", ".xlsx", ".ppt", ".pptx", ".zip", ".rar", ".odt", ".ods"];
    let path = target.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    ENDINGS.iter().any(|ending| path.ends_with(ending))
}

/// Shown, and no text: the walker tells of it where it stands in the article.
fn is_never_text(tree: &Dom, id: NodeId) -> bool {
    matches!(
        tree.name(id),
        "form"
            | "button"
            | "select"
            | "iframe"
            | "svg"
            | "object"
            | "embed"
            | "applet"
            | "video"
            | "audio"
            | "textarea"
            | "canvas"
            | "map"
    )
}

fn hidden_parts(tree: &Dom, sheet: &Sheet, is_fragment: bool) -> Vec<bool> {
    let is_out = |id: NodeId| {
        is_hidden(tree, id, &sheet.look(tree, id))
            || is_never_text(tree, id)
            || !is_fragment && is_page_chrome(tree, id)
    };
    let mut hidden: Vec<bool> = (0..tree.len()).map(is_out).collect();
    show_forms_around_text(tree, &mut hidden);
    hidden
}

/// Bytes of text that is not hidden.
fn text_shown(tree: &Dom, hidden: &[bool]) -> usize {
    let texts = tree.walk(Dom::ROOT, |id| hidden[id]);
    texts.map(|id| if let NodeData::Text(text) = tree.data(id) { text.trim().len() } else { 0 }).sum()
}

/// Some systems put a form around the whole page.
fn show_forms_around_text(tree: &Dom, hidden: &mut [bool]) {
    let is_text = |id: &NodeId| matches!(tree.name(*id), "h1" | "p");
    let mut seen = vec![false; tree.len()];
    for id in (0..tree.len()).filter(is_text) {
        let mut at = tree.parent(id);
        while let Some(parent) = at.filter(|parent| !std::mem::replace(&mut seen[*parent], true)) {
            if tree.name(parent) == "form" && !is_hidden(tree, parent, &Look::default()) {
                hidden[parent] = false;
            }
            at = tree.parent(parent);
        }
    }
}

/// Menus and everything that the page itself names as furniture.
fn is_page_chrome(tree: &Dom, id: NodeId) -> bool {
    const NAMES: [&str; 25] = [
        "comment",
        "breadcrumb",
        "sidebar",
        "menu",
        "navbar",
        "navigation",
        "footer",
        "related",
        "share",
        "social",
        "toolbar",
        "banner",
        "advert",
        "clock",
        "popup",
        "modal",
        "cookie",
        "tin-lien-quan",
        "tinlienquan",
        "tin-khac",
        "tinkhac",
        "binh-luan",
        "rating",
        "pagination",
        "skip-link",
    ];
    let name = tree.name(id);
    if name.is_empty() {
        return false;
    }
    if matches!(name, "nav" | "footer" | "aside") {
        return true;
    }
    if !matches!(name, "div" | "ul" | "ol" | "section" | "header" | "span" | "p" | "table" | "td" | "li") {
        return false;
    }
    if !tree.has_attributes(id) {
        return false;
    }
    let attribute = |key: &str| tree.attribute(id, key).unwrap_or_default().to_ascii_lowercase();
    let named = format!("{} {}", attribute("class"), attribute("id"));
    matches!(attribute("role").as_str(), "navigation" | "banner" | "contentinfo" | "complementary" | "search")
        || named.split(|c: char| c.is_whitespace()).any(|word| is_furniture_name(word, &NAMES))
}

/// The name or a part of it between hyphens; `no-sidebar` and `has-share` tell of the page's shape instead.
fn is_furniture_name(word: &str, names: &[&str]) -> bool {
    !word.starts_with("no-")
        && !word.starts_with("has-")
        && !word.starts_with("with-")
        && names.iter().any(|name| {
            word == *name
                || word.split(['-', '_']).any(|part| part == *name || part.strip_suffix('s') == Some(name))
                || name.contains('-') && word.contains(name)
        })
}
