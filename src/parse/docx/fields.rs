//! Fields: an instruction, which Word hides, and its result, which it shows.

use std::collections::HashSet;

use roxmltree::{Document, Node, NodeId};

use super::super::safe_url::SafeUrl;
use super::package::{attribute, child, switch, value};

/// The open fields, outermost first.
#[derive(Debug, Default)]
pub(super) struct Fields {
    open: Vec<Field>,
    /// Field starts that have an end. NOTE: one without an end would hide all following text.
    complete: HashSet<NodeId>,
}

#[derive(Debug)]
pub(super) struct Field {
    pub instruction: String,
    /// Whether a result follows the instruction.
    pub has_result: bool,
    /// Whether the result has content.
    pub has_content: bool,
    /// What a form field shows.
    pub form: Option<String>,
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

    pub(super) fn begin(&mut self, node: Node<'_, '_>, link_before: Option<SafeUrl>) {
        if self.complete.contains(&node.id()) {
            self.open.push(Field {
                instruction: String::new(),
                has_result: false,
                has_content: false,
                form: form_value(node),
                link_before,
            });
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

    /// The innermost open field has content.
    pub(super) fn has_content(&mut self) {
        if let Some(field) = self.open.last_mut() {
            field.has_content = true;
        }
    }

    pub(super) fn end(&mut self) -> Option<Field> {
        let field = self.open.pop()?;
        if field.has_content {
            self.has_content();
        }
        Some(field)
    }

    pub(super) fn is_in_instruction(&self) -> bool {
        self.open.iter().any(|field| !field.has_result)
    }
}

/// What Word shows for a field without a result in the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Nothing,
    Text(String),
    Symbol {
        font: String,
        code: u32,
    },
    /// The formula of an EQ field.
    Equation(String),
    /// Something that the file does not contain.
    Unknown,
}

/// The name of a field and the rest of its instruction.
fn name_of(instruction: &str) -> (String, &str) {
    let instruction = instruction.trim();
    let end = instruction.find(|c: char| c.is_whitespace() || c == '\\').unwrap_or(instruction.len());
    (instruction[..end].to_uppercase(), instruction[end..].trim())
}

/// What Word shows for an instruction if there is no result.
pub(super) fn shown(instruction: &str) -> Shown {
    let (name, rest) = name_of(instruction);
    match name.as_str() {
        "SYMBOL" => symbol(rest).unwrap_or(Shown::Unknown),
        "EQ" => Shown::Equation(rest.to_owned()),
        // The name of a macro or a bookmark, and what to click on.
        "MACROBUTTON" | "GOTOBUTTON" => {
            let text = rest.split_once(char::is_whitespace).map_or("", |(_, text)| text.trim());
            Shown::Text(text.trim_matches('"').to_owned())
        }
        // Marks, and fields that are empty until somebody fills them in.
        "" | "TC" | "XE" | "RD" | "TA" | "SET" | "ASK" | "FILLIN" | "PRIVATE" | "NEXT" | "NEXTIF"
        | "SKIPIF" | "ADVANCE" | "FORMTEXT" | "HYPERLINK" | "ADDIN" | "DATA" | "PRINT" => Shown::Nothing,
        _ => Shown::Unknown,
    }
}

/// Font and code: `214 \f Symbol`.
fn symbol(arguments: &str) -> Option<Shown> {
    let mut words = words(arguments).into_iter();
    let code = words.next()?;
    let code = match code.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => code.parse().ok()?,
    };
    let font = words.skip_while(|word| word != "\\f").nth(1);
    Some(Shown::Symbol { font: font.unwrap_or_else(|| "Symbol".to_owned()), code })
}

/// What a check box or a drop-down list shows, by its properties.
pub(super) fn form_value(field: Node<'_, '_>) -> Option<String> {
    let properties = child(field, "ffData")?;
    if let Some(of_box) = child(properties, "checkBox") {
        let checked = switch(of_box, "checked").or_else(|| switch(of_box, "default"));
        return Some(if checked == Some(true) { "☒" } else { "☐" }.to_owned());
    }
    let list = child(properties, "ddList")?;
    let chosen = value(list, "result").or_else(|| value(list, "default")).unwrap_or("0").parse().ok()?;
    let entry = list.children().filter(|node| node.tag_name().name() == "listEntry").nth(chosen)?;
    attribute(entry, "val").map(str::to_owned)
}

/// The target of a HYPERLINK instruction.
pub(super) fn hyperlink(instruction: &str) -> Option<String> {
    let (name, arguments) = name_of(instruction);
    if name != "HYPERLINK" {
        return None;
    }
    let mut words = words(arguments).into_iter();
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
    fn fields_without_a_result_show_their_instruction() {
        for (instruction, wanted) in [
            (" MACROBUTTON NoMacro Bấm vào đây ", Shown::Text("Bấm vào đây".to_owned())),
            (" EQ \\f(1;2) ", Shown::Equation("\\f(1;2)".to_owned())),
            ("eq\\f(1;2)", Shown::Equation("\\f(1;2)".to_owned())),
            (" SYMBOL 176 \\f Symbol", Shown::Symbol { font: "Symbol".to_owned(), code: 176 }),
            (" SYMBOL x", Shown::Unknown),
            (" XE \"mục lục\" ", Shown::Nothing),
            (" DATE \\@ \"dd/MM/yyyy\" ", Shown::Unknown),
        ] {
            assert_eq!(shown(instruction), wanted, "{instruction}");
        }
    }

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
