//! What a browser does with an element: whether it is shown, and whether it breaks the line.
//!
//! An element that is not known is inline, as CSS has it.

use super::tree::{Id, Tree};

/// Not shown, by its name, its attributes or its own style.
pub(super) fn is_hidden(tree: &Tree, id: Id) -> bool {
    let by_name = match tree.name(id) {
        "" => return false,
        "script" | "style" | "noscript" | "template" | "head" | "datalist" | "rp" | "noembed"
        | "noframes" | "annotation" | "annotation-xml" => true,
        "dialog" => tree.attribute(id, "open").is_none(),
        _ => false,
    };
    by_name
        || tree.attribute(id, "hidden").is_some()
        || style(tree, id).is_some_and(|style| {
            ["display:none", "visibility:hidden", "visibility:collapse", "mso-hide:all"]
                .iter()
                .any(|hides| style.contains(hides))
        })
}

/// The element's own style without white space, in small letters.
pub(super) fn style(tree: &Tree, id: Id) -> Option<String> {
    let style = tree.attribute(id, "style")?;
    Some(style.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_lowercase()).collect())
}

/// Struck through by its name or its own style.
pub(super) fn is_struck(name: &str, style: Option<&str>) -> bool {
    matches!(name, "s" | "strike" | "del") || style.is_some_and(|style| style.contains("line-through"))
}

/// Stands on lines of its own.
pub(super) fn is_block(name: &str, style: Option<&str>) -> bool {
    const BLOCKS: [&str; 56] = [
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
    ];
    let display = style.and_then(|style| style.split("display:").nth(1));
    match display {
        Some(value) if value.starts_with("inline") => false,
        Some(value) => {
            let value = value.split([';', '!']).next().unwrap_or_default();
            matches!(value, "block" | "flex" | "grid" | "table" | "list-item" | "flow-root")
                || BLOCKS.contains(&name)
        }
        None => BLOCKS.contains(&name) || name == "xmp",
    }
}
