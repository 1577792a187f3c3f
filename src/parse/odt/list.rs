//! Lists: as HTML lists where HTML has their numbers, else as paragraphs with the number as text.

use roxmltree::Node;

use super::super::docx::in_format;
use super::super::package::{attribute, check_depth};
use super::super::safe_html::{NumberStyle, Tag};
use super::{OdtReader, ReadResult};

/// How a level marks its items.
enum Marker {
    Bullet,
    Number {
        style: NumberStyle,
    },
    /// In a form that HTML does not have.
    Written,
    Nothing,
}

/// The deepest level of a list style.
const MAX_LEVELS: usize = 10;

impl<'d> OdtReader<'d, '_, '_, '_> {
    /// A list on `level`, counted from 1. `inherited` is the style of the list around it.
    pub(super) fn list(
        &mut self,
        list: Node<'d, 'd>,
        inherited: Option<&'d str>,
        level: usize,
        depth: usize,
    ) -> ReadResult {
        check_depth(depth)?;
        let style = attribute(list, "style-name").or(inherited);
        let name = style.unwrap_or_default();
        let items: Vec<Node<'d, 'd>> = list
            .children()
            .filter(|node| matches!(node.tag_name().name(), "list-item" | "list-header"))
            .collect();
        let mut number = self.first_number(list, name, level);
        let has_heading = items.iter().any(|item| item.children().any(|node| node.tag_name().name() == "h"));
        let tag = match self.marker(name, level) {
            // The number of a single item is that of a section.
            Marker::Number { .. } if has_heading || items.len() < 2 && self.open_lists == 0 => None,
            Marker::Number { style } => Some(Tag::Numbers { first: number + 1, style, reversed: false }),
            Marker::Bullet if !has_heading => Some(Tag::Bullets),
            Marker::Bullet | Marker::Written | Marker::Nothing => None,
        };
        if let Some(tag) = &tag {
            self.flow.open(tag.clone(), self.paragraph + 1);
            self.open_lists += 1;
        }
        for item in items {
            let is_counted = item.tag_name().name() == "list-item";
            let start = attribute(item, "start-value").and_then(|start| start.parse().ok());
            let expected = number.saturating_add(1);
            if is_counted {
                number = start.unwrap_or(expected);
                self.numbers.insert((name.to_owned(), level), number);
            }
            let label =
                if tag.is_none() && is_counted { self.label(name, level, number) } else { String::new() };
            if tag.is_some() {
                let value = Some(number).filter(|number| is_counted && *number != expected);
                self.flow.open(Tag::Item { value }, self.paragraph + 1);
            }
            self.item(item, style, &label, level, depth)?;
            if tag.is_some() {
                self.flow.shut();
            }
        }
        if tag.is_some() {
            self.open_lists -= 1;
            self.flow.shut();
        }
        Ok(())
    }

    /// The content of an item; `label` precedes its first paragraph.
    fn item(
        &mut self,
        item: Node<'d, 'd>,
        style: Option<&'d str>,
        label: &str,
        level: usize,
        depth: usize,
    ) -> ReadResult {
        let mut label = label;
        for node in item.children().filter(Node::is_element) {
            match node.tag_name().name() {
                "p" | "h" => self.paragraph(node, std::mem::take(&mut label), depth + 1)?,
                "list" => self.list(node, style, (level + 1).min(MAX_LEVELS), depth + 1)?,
                _ => self.block(node, depth + 1)?,
            }
        }
        Ok(())
    }

    /// The number before the first item: a list restarts unless it continues another of its style.
    fn first_number(&self, list: Node<'_, '_>, name: &str, level: usize) -> i32 {
        let continues = attribute(list, "continue-numbering") == Some("true")
            || attribute(list, "continue-list").is_some();
        let last = self.numbers.get(&(name.to_owned(), level)).copied();
        let start = self.styles.list_level(name, level).and_then(|level| attribute(level, "start-value"));
        let start = start.and_then(|start| start.parse::<i32>().ok()).unwrap_or(1);
        last.filter(|_| continues).unwrap_or(start.saturating_sub(1))
    }

    fn marker(&self, name: &str, level: usize) -> Marker {
        let Some(node) = self.styles.list_level(name, level) else { return Marker::Bullet };
        if node.tag_name().name() != "list-level-style-number" {
            return Marker::Bullet;
        }
        let shown = attribute(node, "display-levels").and_then(|levels| levels.parse().ok()).unwrap_or(1);
        let is_bare = |text: Option<&str>| text.is_none_or(|text| matches!(text, "" | "." | ")" | "("));
        let affixes = is_bare(attribute(node, "num-prefix")) && is_bare(attribute(node, "num-suffix"));
        match attribute(node, "num-format") {
            None | Some("") => Marker::Nothing,
            Some(format @ ("1" | "a" | "A" | "i" | "I")) if shown == 1 && affixes => {
                Marker::Number { style: NumberStyle::of_type(format) }
            }
            Some(_) => Marker::Written,
        }
    }

    /// The number as the document shows it: `Điều 1.`, `1.2.` …
    fn label(&self, name: &str, level: usize, number: i32) -> String {
        let Some(node) = self.styles.list_level(name, level) else { return String::new() };
        if node.tag_name().name() != "list-level-style-number" {
            return String::new();
        }
        let shown = attribute(node, "display-levels").and_then(|levels| levels.parse().ok()).unwrap_or(1);
        let numbers = (level.saturating_sub(shown.clamp(1, MAX_LEVELS)) + 1..=level).filter_map(|of| {
            let format = attribute(self.styles.list_level(name, of)?, "num-format")
                .filter(|format| !format.is_empty())?;
            let last = self.numbers.get(&(name.to_owned(), of)).copied();
            let number = if of == level { number } else { last.unwrap_or(1) };
            Some(in_format(number, word_format(format)))
        });
        let numbers = numbers.collect::<Vec<_>>().join(".");
        let affix = |name: &str| attribute(node, name).unwrap_or_default();
        match numbers.is_empty() {
            true => String::new(),
            false => format!("{}{numbers}{}", affix("num-prefix"), affix("num-suffix")),
        }
    }
}

/// The name in Word of a number format.
fn word_format(format: &str) -> &'static str {
    match format {
        "a" => "lowerLetter",
        "A" => "upperLetter",
        "i" => "lowerRoman",
        "I" => "upperRoman",
        _ => "decimal",
    }
}
