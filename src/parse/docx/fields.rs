//! Fields: an instruction, which Word hides, and its result, which it shows.

use std::collections::HashSet;

use roxmltree::{Document, NodeId};

use super::super::safe_html::SafeUrl;
use super::package::attribute;

/// The open fields, outermost first.
#[derive(Debug, Default)]
pub(super) struct Fields {
    open: Vec<Field>,
    /// Field starts that have an end. NOTE: one without an end would hide all following text.
    complete: HashSet<NodeId>,
}

#[derive(Debug)]
pub(super) struct Field {
    instruction: String,
    has_result: bool,
    /// The link target of the text before it.
    pub link_before: Option<SafeUrl>,
}

impl Fields {
    /// Determines which fields of a part are complete.
    pub(super) fn of(tree: &Document<'_>) -> Self {
        let mut complete = HashSet::new();
        let mut begun = Vec::new();
        for node in tree.descendants().filter(|node| node.tag_name().name() == "fldChar") {
            match attribute(node, "fldCharType") {
                Some("begin") => begun.push(node.id()),
                Some("end") => complete.extend(begun.pop()),
                _ => {}
            }
        }
        Self { open: Vec::new(), complete }
    }

    pub(super) fn begin(&mut self, id: NodeId, link_before: Option<SafeUrl>) {
        if self.complete.contains(&id) {
            self.open.push(Field { instruction: String::new(), has_result: false, link_before });
        }
    }

    pub(super) fn add(&mut self, instruction: &str) {
        if let Some(field) = self.open.last_mut().filter(|field| !field.has_result) {
            field.instruction.push_str(instruction);
        }
    }

    /// Evaluates the instruction at the beginning of the result.
    pub(super) fn separate(&mut self) -> Option<&str> {
        let field = self.open.last_mut()?;
        field.has_result = true;
        Some(&field.instruction)
    }

    pub(super) fn end(&mut self) -> Option<Field> {
        self.open.pop()
    }

    pub(super) fn is_in_instruction(&self) -> bool {
        self.open.iter().any(|field| !field.has_result)
    }
}

impl Field {
    /// Font and code of a SYMBOL field, which has no result.
    pub(super) fn symbol(&self) -> Option<(String, u32)> {
        let mut words = words(&self.instruction).into_iter();
        if self.has_result || !words.next()?.eq_ignore_ascii_case("SYMBOL") {
            return None;
        }
        let code = words.next()?;
        let code = match code.strip_prefix("0x") {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => code.parse().ok()?,
        };
        let font = words.skip_while(|word| word != "\\f").nth(1);
        Some((font.unwrap_or_else(|| "Symbol".to_owned()), code))
    }
}

/// The target of a HYPERLINK instruction.
pub(super) fn hyperlink(instruction: &str) -> Option<String> {
    let mut words = words(instruction).into_iter();
    if !words.next()?.eq_ignore_ascii_case("HYPERLINK") {
        return None;
    }
    let (mut address, mut place) = (String::new(), None);
    while let Some(word) = words.next() {
        match word.as_str() {
            "\\l" => place = words.next(),
            // Tooltip and target frame.
            "\\o" | "\\t" => {
                words.next();
            }
            "\\n" | "\\m" | "\\h" => {}
            _ if address.is_empty() => address = word,
            _ => {}
        }
    }
    Some(match place {
        Some(place) => format!("{address}#{place}"),
        None => address,
    })
}

/// The arguments of an instruction; a quoted string is one argument.
fn words(instruction: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = instruction.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, behind) = match first {
            '"' | '“' | '”' => {
                let inside = &rest[first.len_utf8()..];
                let end = inside.find(['"', '“', '”']).unwrap_or(inside.len());
                (&inside[..end], inside[end..].trim_start_matches(['"', '“', '”']))
            }
            _ => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
        };
        // Backslashes in URLs are doubled.
        words.push(word.replace("\\\\", "\\"));
        rest = behind.trim_start();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_link_targets_of_instructions() {
        for (instruction, wanted) in [
            (" HYPERLINK \"https://dakto.vn/kh\" ", Some("https://dakto.vn/kh")),
            ("hyperlink https://dakto.vn/kh \\o \"Mở kế hoạch\"", Some("https://dakto.vn/kh")),
            (" HYPERLINK \\l \"_Toc1\"", Some("#_Toc1")),
            (
                " HYPERLINK \"https://dakto.vn/kh\" \\l \"muc-1\" \\t \"_blank\"",
                Some("https://dakto.vn/kh#muc-1"),
            ),
            (" PAGEREF _Toc1 \\h ", None),
            ("", None),
        ] {
            assert_eq!(hyperlink(instruction).as_deref(), wanted, "{instruction}");
        }
    }
}
