//! Paragraphs with numbers and bullets, as lists.

use roxmltree::Node;

use super::super::safe_html::Tag;
use super::numbering::{Label, ListMark};
use super::package::{child, value};
use super::styles::{self, Style};
use super::{DocxReader, OpenList};

impl DocxReader<'_, '_, '_, '_> {
    /// The list and level of a paragraph: its own, or those of its style.
    fn list_of(&self, properties: Option<Node<'_, '_>>, style: &Style) -> Option<(String, usize)> {
        let (own, level) = properties.map(styles::number_of).unwrap_or_default();
        let name = properties.and_then(|properties| value(properties, "pStyle")).unwrap_or_default();
        let by_style = own.is_none();
        let list =
            own.or_else(|| style.number.0.clone()).filter(|list| list != "0" && self.numbering.has(list))?;
        let of_style =
            || if by_style { self.numbering.level_of_style(&list, name).or(style.number.1) } else { None };
        let level = level.or_else(of_style).unwrap_or_default();
        Some((list, level))
    }

    pub(super) fn label_of(&mut self, properties: Option<Node<'_, '_>>, style: &Style) -> Option<Label> {
        let (list, level) = self.list_of(properties, style)?;
        self.numbering.next(&list, level)
    }

    pub(super) fn is_followed_by_an_entry(&self, paragraph: Node<'_, '_>) -> bool {
        let next = paragraph.next_siblings().skip(1).find(Node::is_element);
        next.is_some_and(|next| {
            let properties = child(next, "pPr");
            // Nested content can be a list item.
            next.tag_name().name() != "p" || self.list_of(properties, &self.style_of(properties)).is_some()
        })
    }

    /// Opens a list item, or writes the label if HTML has no such list. The number of a single item is that of a
    /// section and is written as text, too.
    pub(super) fn number(&mut self, label: Label, is_followed: bool) {
        let (tag, number) = match label.mark {
            ListMark::Number { written, .. } if !is_followed && self.lists.is_empty() => {
                return self.flow.text(&format!("{written} "), self.paragraph);
            }
            ListMark::Number { number, style, .. } => {
                (Tag::Numbers { first: number, style, reversed: false }, number)
            }
            ListMark::Bullet => (Tag::Bullets, 0),
            ListMark::Written(written) => {
                self.close_lists(0);
                if !written.is_empty() {
                    self.flow.text(&format!("{written} "), self.paragraph);
                }
                return;
            }
        };
        let deeper = self.lists.iter().filter(|list| list.level <= label.level).count();
        self.close_lists(deeper);
        let same_kind = |open: &OpenList| match (&open.tag, &tag) {
            (Tag::Numbers { style: open, .. }, Tag::Numbers { style, .. }) => open == style,
            (open, tag) => open == tag,
        };
        let follows = |open: &OpenList| {
            open.family == label.family
                && same_kind(open)
                && (tag == Tag::Bullets || open.last.checked_add(1) == Some(number))
        };
        match self.lists.last_mut().filter(|open| open.level == label.level) {
            Some(open) if follows(open) => {
                open.last = number;
                self.flow.shut();
            }
            other => {
                if other.is_some() {
                    self.close_lists(self.lists.len() - 1);
                }
                self.flow.open(tag.clone(), self.paragraph);
                self.lists.push(OpenList { level: label.level, family: label.family, tag, last: number });
            }
        }
        self.flow.open(Tag::Item { value: None }, self.paragraph);
    }

    /// Closes lists until `kept` remain.
    pub(super) fn close_lists(&mut self, kept: usize) {
        while self.lists.len() > kept {
            self.lists.pop();
            self.flow.shut();
            self.flow.shut();
        }
    }
}
