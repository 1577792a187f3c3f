//! The styles of a document.

use std::collections::HashMap;

use roxmltree::Node;

use super::super::letters::Letters;
use super::super::safe_html::ScriptPosition;
use super::package::{attribute, child, parse, switch, value};

/// Reads the direct children of `rPr`: properties replaced by a tracked change are nested deeper.
pub(super) fn letters_of(properties: Option<Node<'_, '_>>) -> Letters {
    let Some(properties) = properties else { return Letters::default() };
    let either = |one: &str, other: &str| match (switch(properties, one), switch(properties, other)) {
        (None, None) => None,
        (one, other) => Some(one == Some(true) || other == Some(true)),
    };
    let raised = value(properties, "vertAlign").map(|align| match align {
        "superscript" => Some(ScriptPosition::Sup),
        "subscript" => Some(ScriptPosition::Sub),
        _ => None,
    });
    let fonts = child(properties, "rFonts");
    let font = fonts.and_then(|fonts| attribute(fonts, "ascii").or(attribute(fonts, "hAnsi")));
    Letters {
        strong: switch(properties, "b"),
        emphasis: switch(properties, "i"),
        struck: either("strike", "dstrike"),
        hidden: either("vanish", "webHidden"),
        raised,
        font: font.map(str::to_owned),
    }
}

/// A style including the styles it is based on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Style {
    pub letters: Letters,
    /// The id of a list and the level in it.
    pub number: (Option<String>, Option<usize>),
    /// The outline level: 0 for the highest headings, 9 for text.
    pub outline: Option<u8>,
    /// Its English name and those of its base styles, in lower case.
    pub names: Vec<String>,
}

#[derive(Debug, Default)]
pub(super) struct Styles {
    by_id: HashMap<String, Style>,
    /// Document defaults.
    defaults: Letters,
    /// The default paragraph style.
    pub paragraph: Style,
}

impl Styles {
    pub(super) fn read(xml: &str) -> Self {
        let Ok(tree) = parse(xml) else { return Self::default() };
        let defaults = tree.descendants().find(|node| node.tag_name().name() == "rPrDefault");
        let defaults = letters_of(defaults.and_then(|node| child(node, "rPr")));
        let nodes: HashMap<&str, Node<'_, '_>> = tree
            .root_element()
            .children()
            .filter(|node| node.tag_name().name() == "style")
            .filter_map(|style| Some((attribute(style, "styleId")?, style)))
            .collect();
        let by_id: HashMap<String, Style> =
            nodes.iter().map(|(id, style)| ((*id).to_owned(), with_bases(*style, &nodes))).collect();
        let is_default = |style: &&Node<'_, '_>| {
            attribute(**style, "type") == Some("paragraph")
                && matches!(attribute(**style, "default"), Some("1" | "true" | "on"))
        };
        let paragraph = nodes.values().find(is_default).map(|style| with_bases(*style, &nodes));
        Self { by_id, defaults, paragraph: paragraph.unwrap_or_default() }
    }

    pub(super) fn get(&self, id: &str) -> Option<&Style> {
        self.by_id.get(id)
    }

    /// The effective properties of a run. Toggle properties set by two styles cancel each other (ISO 29500-1,
    /// 17.7.3); direct formatting takes precedence.
    pub(super) fn letters(
        &self,
        table: Option<&Style>,
        paragraph: &Style,
        run: &Letters,
        of_run: Option<&str>,
    ) -> Letters {
        let character =
            of_run.and_then(|id| self.get(id)).map(|style| style.letters.clone()).unwrap_or_default();
        let none = Letters::default();
        let table = table.map_or(&none, |style| &style.letters);
        let toggled = |of: fn(&Letters) -> Option<bool>| {
            let by_styles = [table, &paragraph.letters, &character]
                .into_iter()
                .fold(false, |on, letters| on ^ of(letters).unwrap_or_default());
            Some(of(run).unwrap_or(by_styles || of(&self.defaults).unwrap_or_default()))
        };
        let plain = run.clone().over(&character).over(&paragraph.letters).over(table).over(&self.defaults);
        Letters {
            strong: toggled(|letters| letters.strong),
            emphasis: toggled(|letters| letters.emphasis),
            struck: toggled(|letters| letters.struck),
            hidden: toggled(|letters| letters.hidden),
            ..plain
        }
    }
}

fn with_bases(style: Node<'_, '_>, all: &HashMap<&str, Node<'_, '_>>) -> Style {
    const MAX_BASE_STYLES: usize = 12;
    let mut resolved = Style::default();
    let mut at = Some(style);
    for _ in 0..MAX_BASE_STYLES {
        let Some(node) = at else { break };
        resolved.letters = resolved.letters.over(&letters_of(child(node, "rPr")));
        if let Some(properties) = child(node, "pPr") {
            let (list, level) = number_of(properties);
            resolved.number = (resolved.number.0.or(list), resolved.number.1.or(level));
            let outline = value(properties, "outlineLvl").and_then(|level| level.parse().ok());
            resolved.outline = resolved.outline.or(outline);
        }
        resolved.names.extend(value(node, "name").map(str::to_lowercase));
        at = value(node, "basedOn").and_then(|base| all.get(base)).copied();
    }
    resolved
}

/// The list and level of a paragraph or style.
pub(super) fn number_of(properties: Node<'_, '_>) -> (Option<String>, Option<usize>) {
    let Some(number) = child(properties, "numPr") else { return (None, None) };
    let level = value(number, "ilvl").and_then(|level| level.parse().ok());
    (value(number, "numId").map(str::to_owned), level)
}
