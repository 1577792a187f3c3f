//! How a browser displays an element: whether it is visible, and whether it is a block.
//!
//! Unknown elements are inline, as in CSS. Only style sheets within the page are used, and only rules for a class, an
//! id or an element name, as written by word processors.

use std::collections::HashMap;

use super::super::safe_html::ScriptPosition;
use super::dom::{Dom, NodeData, NodeId};

/// The relevant properties of a style; `None` if not set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ElementStyle {
    display: Option<Display>,
    invisible: Option<bool>,
    struck: Option<bool>,
    raised: Option<Option<ScriptPosition>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Display {
    None,
    Inline,
    Block,
    ByName,
}

impl ElementStyle {
    /// Reads `display: none; text-decoration: line-through`.
    fn of(declarations: &str) -> Self {
        let mut look = Self::default();
        for (name, value) in declarations.split(';').filter_map(|declaration| declaration.split_once(':')) {
            let value = value.trim().to_ascii_lowercase();
            match name.trim().to_ascii_lowercase().as_str() {
                "display" => look.display = Some(Display::of(&value)),
                "mso-hide" if value.starts_with("all") => look.display = Some(Display::None),
                "visibility" => {
                    look.invisible = Some(value.starts_with("hidden") || value.starts_with("collapse"));
                }
                "text-decoration" | "text-decoration-line" => {
                    look.struck = Some(value.contains("line-through"));
                }
                "vertical-align" => {
                    look.raised = Some(match value.split([' ', '!']).next() {
                        Some("super") => Some(ScriptPosition::Sup),
                        Some("sub") => Some(ScriptPosition::Sub),
                        _ => None,
                    });
                }
                _ => {}
            }
        }
        look
    }

    fn over(self, base: Self) -> Self {
        Self {
            display: self.display.or(base.display),
            invisible: self.invisible.or(base.invisible),
            struck: self.struck.or(base.struck),
            raised: self.raised.or(base.raised),
        }
    }

    /// Hidden.
    pub(super) fn hides(&self) -> bool {
        self.display == Some(Display::None) || self.invisible == Some(true)
    }

    /// Superscript or subscript.
    pub(super) fn raised(&self) -> Option<ScriptPosition> {
        self.raised.flatten()
    }

    /// Whether it is struck through, by its style or element name.
    pub(super) fn strikes(&self, name: &str) -> bool {
        self.struck == Some(true) || matches!(name, "s" | "strike" | "del")
    }

    /// Whether it is a block, by its style or element name.
    pub(super) fn is_block(&self, name: &str) -> bool {
        match self.display {
            Some(Display::Inline) => false,
            Some(Display::Block) => true,
            _ => is_block(name),
        }
    }
}

impl Display {
    fn of(value: &str) -> Self {
        match value.split([' ', '!']).next().unwrap_or_default() {
            "none" => Self::None,
            "block" | "flex" | "grid" | "table" | "list-item" | "flow-root" => Self::Block,
            inline if inline.starts_with("inline") => Self::Inline,
            _ => Self::ByName,
        }
    }
}

/// The style sheets of a page.
#[derive(Debug, Default)]
pub(super) struct StyleSheet {
    /// By selector: `p`, `.an`, `#an`, `p.an`.
    looks: HashMap<String, ElementStyle>,
}

impl StyleSheet {
    pub(super) fn of(tree: &Dom) -> Self {
        let mut sheet = Self::default();
        let is_for_screens = |id: &NodeId| {
            let media = tree.attribute(*id, "media").unwrap_or_default().to_ascii_lowercase();
            media.trim().is_empty() || media.contains("screen") || media.contains("all")
        };
        for id in (0..tree.len()).filter(|id| tree.name(*id) == "style").filter(is_for_screens) {
            for child in tree.children(id) {
                if let NodeData::Text(css) = tree.data(child) {
                    sheet.read(css);
                }
            }
        }
        sheet
    }

    pub(super) fn is_empty(&self) -> bool {
        self.looks.is_empty()
    }

    fn read(&mut self, css: &str) {
        let css = without_comments(css);
        let mut rest = css.as_str();
        while let Some((head, after)) = rest.split_once('{') {
            let selectors = head.rsplit([';', '}']).next().unwrap_or_default().trim();
            if selectors.starts_with('@') {
                // Conditional rules are ignored.
                rest = after_block(after);
                continue;
            }
            let (declarations, after) = after.split_once('}').unwrap_or((after, ""));
            rest = after;
            let look = ElementStyle::of(declarations);
            if look == ElementStyle::default() {
                continue;
            }
            for selector in selectors.split(',').map(str::trim) {
                let is_simple = selector.chars().all(|c| c.is_alphanumeric() || "-_.#".contains(c));
                if is_simple && !selector.is_empty() {
                    let known = self.looks.entry(selector.to_owned()).or_default();
                    *known = look.over(*known);
                }
            }
        }
    }

    /// The style of an element by the style sheets and its `style` attribute.
    pub(super) fn style_of(&self, tree: &Dom, id: NodeId) -> ElementStyle {
        let own = tree.attribute(id, "style").map(ElementStyle::of).unwrap_or_default();
        if self.looks.is_empty() {
            return own;
        }
        let name = tree.name(id);
        let get = |selector: String| self.looks.get(&selector).copied().unwrap_or_default();
        let mut look = get(name.to_owned());
        for (sign, attribute) in [('.', "class"), ('#', "id")] {
            for word in tree.attribute(id, attribute).unwrap_or_default().split_ascii_whitespace() {
                look = get(format!("{sign}{word}")).over(look);
                look = get(format!("{name}{sign}{word}")).over(look);
            }
        }
        own.over(look)
    }
}

fn without_comments(css: &str) -> String {
    let mut clean = String::with_capacity(css.len());
    let mut rest = css;
    while let Some((before, comment)) = rest.split_once("/*") {
        clean.push_str(before);
        rest = comment.split_once("*/").map_or("", |(_, after)| after);
    }
    clean.push_str(rest);
    clean.replace("<!--", " ").replace("-->", " ")
}

/// The text after the block whose content begins here.
fn after_block(css: &str) -> &str {
    let mut depth = 1_usize;
    for (at, byte) in css.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &css[at + 1..];
        }
    }
    ""
}

/// Whether the element is hidden, by its name, attributes or style.
pub(super) fn is_hidden(tree: &Dom, id: NodeId, look: &ElementStyle) -> bool {
    let by_name = match tree.name(id) {
        "" => return false,
        "script" | "style" | "noscript" | "template" | "head" | "datalist" | "rp" | "noembed"
        | "noframes" | "annotation" | "annotation-xml" => true,
        "dialog" => tree.attribute(id, "open").is_none(),
        _ => false,
    };
    by_name || tree.attribute(id, "hidden").is_some() || look.hides()
}

/// Whether the element is a block by default.
pub(super) fn is_block(name: &str) -> bool {
    const BLOCKS: [&str; 57] = [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "caption",
        "center",
        "col",
        "colgroup",
        "dd",
        "details",
        "dialog",
        "dir",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "frameset",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hgroup",
        "hr",
        "html",
        "legend",
        "li",
        "listing",
        "main",
        "marquee",
        "menu",
        "nav",
        "ol",
        "optgroup",
        "option",
        "p",
        "plaintext",
        "pre",
        "search",
        "section",
        "summary",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
        "xmp",
    ];
    BLOCKS.contains(&name)
}
