//! The styles of a document, common and automatic, and its list styles.

use std::collections::HashMap;

use roxmltree::Node;

use super::super::letters::Letters;
use super::super::package::{attribute, child};
use super::super::safe_html::ScriptPosition;

/// What a style applies to. Names are unique within a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Family {
    Paragraph,
    Text,
    Graphic,
}

/// A style including those that it is based on.
#[derive(Clone, Debug, Default)]
pub(super) struct Style {
    pub letters: Letters,
    /// 1 for the highest headings.
    pub outline: Option<u8>,
    /// Whether it crops or mirrors an image.
    pub alters_image: bool,
    /// The display names of common styles, in lower case, the nearest first.
    pub names: Vec<String>,
}

pub(super) struct Styles<'d> {
    styles: HashMap<(Family, &'d str), Node<'d, 'd>>,
    lists: HashMap<&'d str, Node<'d, 'd>>,
    defaults: Letters,
    /// The font of each font face.
    fonts: HashMap<&'d str, &'d str>,
}

impl<'d> Styles<'d> {
    /// `common` is the root of `styles.xml`, `content` that of `content.xml`. Automatic styles of both files share
    /// names, and only those of the content apply to it.
    pub(super) fn read(common: Option<Node<'d, 'd>>, content: Node<'d, 'd>) -> Self {
        let of_common = common
            .into_iter()
            .flat_map(|root| root.children())
            .filter(|part| part.tag_name().name() == "styles");
        let of_content = content.children().filter(|part| part.tag_name().name() == "automatic-styles");
        let nodes: Vec<Node<'d, 'd>> = of_common.chain(of_content).flat_map(|part| part.children()).collect();
        let faces = content.children().find(|part| part.tag_name().name() == "font-face-decls");
        let fonts = faces.into_iter().flat_map(|faces| faces.children());
        let fonts = fonts
            .filter_map(|face| Some((attribute(face, "name")?, attribute(face, "font-family")?)))
            .collect();
        let mut read =
            Self { styles: HashMap::new(), lists: HashMap::new(), defaults: Letters::default(), fonts };
        for node in nodes {
            let family = match attribute(node, "family") {
                Some("paragraph") => Some(Family::Paragraph),
                Some("text") => Some(Family::Text),
                Some("graphic") => Some(Family::Graphic),
                _ => None,
            };
            match (node.tag_name().name(), family, attribute(node, "name")) {
                ("style", Some(family), Some(name)) => {
                    read.styles.insert((family, name), node);
                }
                ("default-style", Some(Family::Paragraph), _) => read.defaults = letters_of(node),
                ("list-style", _, Some(name)) => {
                    read.lists.insert(name, node);
                }
                _ => {}
            }
        }
        read
    }

    /// The style with this name; an empty one if it is unknown.
    pub(super) fn get(&self, family: Family, name: &str) -> Style {
        const MAX_BASE_STYLES: usize = 12;
        let mut style = Style::default();
        let mut next = self.styles.get(&(family, name)).copied();
        for _ in 0..MAX_BASE_STYLES {
            let Some(node) = next else { break };
            style.letters = style.letters.over(&letters_of(node));
            let outline = attribute(node, "default-outline-level").and_then(|level| level.parse().ok());
            style.outline = style.outline.or(outline);
            style.alters_image |= child(node, "graphic-properties").is_some_and(alters_image);
            let name = attribute(node, "display-name").or(attribute(node, "name")).unwrap_or_default();
            style.names.push(name.to_lowercase());
            next = attribute(node, "parent-style-name")
                .and_then(|parent| self.styles.get(&(family, parent)).copied());
        }
        if let Some(font) = &mut style.letters.font
            && let Some(family) = self.fonts.get(font.as_str())
        {
            *font = family.trim_matches('\'').to_owned();
        }
        style
    }

    /// The letters of a paragraph in this style.
    pub(super) fn default_letters(&self, style: &Style) -> Letters {
        style.letters.clone().over(&self.defaults)
    }

    /// A level of a list style, counted from 1.
    pub(super) fn list_level(&self, list: &str, level: usize) -> Option<Node<'d, 'd>> {
        let number = level.to_string();
        self.lists.get(list)?.children().find(|node| attribute(*node, "level") == Some(&number))
    }
}

/// The properties that a style sets itself (ISO/IEC 26300-3, 16.29.7).
fn letters_of(style: Node<'_, '_>) -> Letters {
    let Some(properties) = child(style, "text-properties") else { return Letters::default() };
    let value = |name: &str| attribute(properties, name);
    let struck = value("text-line-through-style").or(value("text-line-through-type"));
    Letters {
        strong: value("font-weight").map(is_bold),
        emphasis: value("font-style").map(|style| matches!(style, "italic" | "oblique")),
        struck: struck.map(|style| style != "none"),
        hidden: value("display").map(|display| display == "none"),
        raised: value("text-position").map(position),
        font: value("font-name").map(str::to_owned),
    }
}

fn is_bold(weight: &str) -> bool {
    weight == "bold" || weight.parse::<u16>().is_ok_and(|weight| weight >= 600)
}

/// `super 58%`, `sub 58%`, or a height in percent of the font.
fn position(value: &str) -> Option<ScriptPosition> {
    let height = value.split_whitespace().next().unwrap_or_default();
    match height {
        "super" => Some(ScriptPosition::Sup),
        "sub" => Some(ScriptPosition::Sub),
        _ => match height.trim_end_matches('%').parse::<f32>() {
            Ok(height) if height > 0.0 => Some(ScriptPosition::Sup),
            Ok(height) if height < 0.0 => Some(ScriptPosition::Sub),
            _ => None,
        },
    }
}

fn alters_image(properties: Node<'_, '_>) -> bool {
    let is_zero = |length: &str| !length.contains(|c: char| ('1'..='9').contains(&c));
    let clip = attribute(properties, "clip").and_then(|clip| clip.strip_prefix("rect("));
    clip.is_some_and(|sides| !is_zero(sides) && !sides.starts_with("auto"))
        || attribute(properties, "mirror").is_some_and(|mirror| mirror != "none")
}
