//! A page with its text statistics, and the search for the article in it.

use url::Url;

use super::super::diagnostic::{DiagnosticKind, Diagnostics};
use super::super::normalise::{comparison_key, fold, word_count};
use super::super::structure::Hints;
use super::dom::{Dom, NodeData, NodeId};
use super::shown::{ElementStyle, StyleSheet, is_block, is_hidden};
use crate::time::Zone;

/// A page and the text statistics of its nodes.
pub(super) struct HtmlPage<'t> {
    pub tree: &'t Dom,
    pub base: Option<Url>,
    pub zone: Zone,
    /// The entire page is the article.
    pub is_fragment: bool,
    /// Its images are found by their URL.
    pub has_web_images: bool,
    pub sheet: StyleSheet,
    pub hidden: Vec<bool>,
    weights: Vec<TextDensity>,
}

/// Statistics of a subtree. NOTE: precomputed for all nodes, because counting per element takes quadratic time for
/// nested elements.
#[derive(Clone, Debug, Default)]
pub(super) struct TextDensity {
    /// Bytes of visible text, and those within links.
    pub text: u32,
    linked: u32,
    /// Visible links, and those that lead to a document.
    links: u32,
    documents: u32,
    /// Visible or not: nodes, `h1` elements, images, tables.
    nodes: u32,
    pub titles: u32,
    pub pictures: u32,
    pub tables: u32,
}

/// Maximum nodes of a title or time; searching larger parts would be slow.
const MAX_NODES: u32 = 256;

impl<'t> HtmlPage<'t> {
    pub(super) fn new(tree: &'t Dom, base: Option<Url>, zone: Zone, is_fragment: bool) -> Self {
        let count = tree.len();
        let mut sheet = StyleSheet::of(tree);
        let mut hidden = hidden_parts(tree, &sheet, is_fragment);
        if !sheet.is_empty() {
            let without = hidden_parts(tree, &StyleSheet::default(), is_fragment);
            // A style sheet that hides most of the page relies on a script to show it again.
            if text_shown(tree, &hidden) * 2 < text_shown(tree, &without) {
                (sheet, hidden) = (StyleSheet::default(), without);
            }
        }
        let mut shown = vec![false; count];
        let mut weights = vec![TextDensity::default(); count];
        let order: Vec<NodeId> = tree.walk(Dom::ROOT, |_| false).collect();
        for id in order.iter().copied() {
            shown[id] = !hidden[id] && tree.parent(id).is_none_or(|parent| shown[parent]);
        }
        // Children come after their parents, so that one reverse pass sums up all subtrees.
        for id in order.into_iter().rev() {
            let mut weight = std::mem::take(&mut weights[id]);
            weight.add(tree, id, shown[id]);
            if let Some(parent) = tree.parent(id) {
                weights[parent].include(&weight);
            }
            weights[id] = weight;
        }
        Self { tree, base, zone, is_fragment, has_web_images: false, sheet, hidden, weights }
    }

    pub(super) fn weight(&self, id: NodeId) -> &TextDensity {
        &self.weights[id]
    }

    /// The text of a small subtree; `None` for a large one.
    pub(super) fn short_text(&self, id: NodeId) -> Option<String> {
        (self.weight(id).nodes <= MAX_NODES).then(|| self.tree.folded_text(id))
    }

    pub(super) fn hints(&self) -> Hints {
        let mut hints = Hints::default();
        let mut page_title = None;
        let has_metadata = |id: &NodeId| self.tree.has_attributes(*id) || self.tree.name(*id) == "title";
        for id in (0..self.tree.len()).filter(has_metadata) {
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
        let printed = |(line, title): (usize, String)| (line, self.heading_within(&title).unwrap_or(title));
        hints.title = hints.title.or(page_title.map(printed));
        hints.stamp = hints.stamp.or_else(|| self.linked_data_date());
        hints
    }

    /// The heading that ends a page title behind the name of the site: `Trang tin làng Vạc: Cây đa bến nước`.
    fn heading_within(&self, title: &str) -> Option<String> {
        const MARKS: [char; 5] = [':', '|', '-', '–', '»'];
        if !title.contains(MARKS) {
            return None;
        }
        let is_heading = |id: &NodeId| matches!(self.tree.name(*id), "h1" | "h2" | "h3" | "h4");
        let ends_it = |heading: &String| {
            let site = title.strip_suffix(heading.as_str()).map(str::trim_end);
            site.is_some_and(|site| site.ends_with(MARKS)) && word_count(heading) >= 4
        };
        let headings = (0..self.tree.len()).filter(is_heading).filter(|id| self.weight(*id).text < 1000);
        headings.filter_map(|id| self.short_text(id)).find(ends_it)
    }

    /// The `datePublished` of a JSON-LD script.
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

    /// The smallest element that contains the title and the text.
    pub(super) fn article(&self, hints: &Hints) -> NodeId {
        let body = self.densest();
        let title = self.title_element(body, hints);
        match title {
            Some(title) => self.common(title, body),
            None => body,
        }
    }

    /// The element whose own paragraphs have the most text outside links.
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

    /// The text directly in an element or its inline elements, without links.
    fn own_text(&self, id: NodeId) -> u32 {
        let mut own = 0;
        for child in self.tree.children(id) {
            if !is_block(self.tree.name(child)) {
                own += self.weight(child).text.saturating_sub(self.weight(child).linked);
            }
        }
        own
    }

    /// The title: the heading that matches the page title, else the last `h1` before the text, or a heading shortly
    /// above it.
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

    /// Whether a list or box consists mainly of links: a menu, other news.
    pub(super) fn is_menu(&self, id: NodeId) -> bool {
        let weight = self.weight(id);
        !self.is_fragment
            && is_menu_name(self.tree.name(id))
            && weight.documents < weight.links
            && weight.text > 0
            && weight.linked * 10 > weight.text * 7
            && weight.links >= 2
    }

    /// Reports everything outside the article as one note.
    pub(super) fn report_dropped_chrome(&self, scope: NodeId, findings: &mut Diagnostics) {
        const QUOTED: usize = 12;
        if self.is_fragment && scope == Dom::ROOT {
            return;
        }
        let mut is_inside = vec![false; self.tree.len()];
        // The walker reports the hidden text of an article.
        for id in self.tree.walk(scope, |id| !self.is_fragment && (self.hidden[id] || self.is_menu(id))) {
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

    /// NOTE: a page has at most 4 MiB, and each byte counts once on the way to the root.
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

/// Removes the site name from a page title, such as `Tiêu đề | Báo Kon Tum`.
fn without_site(title: &str) -> String {
    let cut = [" | ", " - ", " – ", " :: ", " » "].iter().filter_map(|mark| title.rfind(mark)).max();
    match cut {
        Some(at) if word_count(&title[..at]) >= 4 => title[..at].trim().to_owned(),
        _ => title.to_owned(),
    }
}

pub(super) fn is_menu_name(name: &str) -> bool {
    matches!(name, "ul" | "ol" | "div" | "section" | "table" | "dl")
}

/// Whether the link leads to a document for download; lists of such links belong to the article.
fn is_document(target: &str) -> bool {
    const EXTENSIONS: [&str; 11] =
        [".pdf", ".doc", ".docx", ".xls", ".xlsx", ".ppt", ".pptx", ".zip", ".rar", ".odt", ".ods"];
    let path = target.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    EXTENSIONS.iter().any(|extension| path.ends_with(extension))
}

/// Whether the element is visible content without text, which the walker reports.
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

fn hidden_parts(tree: &Dom, sheet: &StyleSheet, is_fragment: bool) -> Vec<bool> {
    let is_out = |id: NodeId| {
        is_hidden(tree, id, &sheet.style_of(tree, id))
            || is_never_text(tree, id)
            || !is_fragment && is_page_chrome(tree, id)
    };
    let mut hidden: Vec<bool> = (0..tree.len()).map(is_out).collect();
    show_forms_around_text(tree, &mut hidden);
    hidden
}

/// Bytes of visible text.
fn text_shown(tree: &Dom, hidden: &[bool]) -> usize {
    let texts = tree.walk(Dom::ROOT, |id| hidden[id]);
    texts.map(|id| if let NodeData::Text(text) = tree.data(id) { text.trim().len() } else { 0 }).sum()
}

/// Some systems wrap the entire page in a form.
fn show_forms_around_text(tree: &Dom, hidden: &mut [bool]) {
    let is_text = |id: &NodeId| matches!(tree.name(*id), "h1" | "p");
    let mut seen = vec![false; tree.len()];
    for id in (0..tree.len()).filter(is_text) {
        let mut at = tree.parent(id);
        while let Some(parent) = at.filter(|parent| !std::mem::replace(&mut seen[*parent], true)) {
            if tree.name(parent) == "form" && !is_hidden(tree, parent, &ElementStyle::default()) {
                hidden[parent] = false;
            }
            at = tree.parent(parent);
        }
    }
}

/// Whether the element is a menu or other page chrome, by its name, role or class.
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
        || named.split(|c: char| c.is_whitespace()).any(|word| is_chrome_name(word, &NAMES))
}

/// Whether the class name or a hyphenated part of it is one of these; `no-sidebar` and `has-share` describe the page
/// instead.
fn is_chrome_name(word: &str, names: &[&str]) -> bool {
    !word.starts_with("no-")
        && !word.starts_with("has-")
        && !word.starts_with("with-")
        && names.iter().any(|name| {
            word == *name
                || word.split(['-', '_']).any(|part| part == *name || part.strip_suffix('s') == Some(name))
                || name.contains('-') && word.contains(name)
        })
}
