//! Formulas on one line: `a/b`, `√(x)`, `x²`.

use roxmltree::Node;

use super::super::diagnostic::{DiagnosticKind, Part};
use super::super::safe_html::ScriptPosition;
use super::DocxReader;
use super::package::{attribute, check_depth, child, value};

impl DocxReader<'_, '_, '_, '_> {
    /// Writes a formula as text, and reports if its layout is lost.
    pub(super) fn formula(&mut self, node: Node<'_, '_>, depth: usize) -> Result<(), DiagnosticKind> {
        let has_a_shape = node.descendants().any(|node| {
            matches!(
                node.tag_name().name(),
                "f" | "rad"
                    | "nary"
                    | "m"
                    | "eqArr"
                    | "limLow"
                    | "limUpp"
                    | "bar"
                    | "acc"
                    | "groupChr"
                    | "borderBox"
            )
        });
        if has_a_shape {
            self.omit(Part::Formula, "");
        }
        self.formula_parts(node, depth)
    }

    fn formula_parts(&mut self, parent: Node<'_, '_>, depth: usize) -> Result<(), DiagnosticKind> {
        check_depth(depth)?;
        for node in parent.children().filter(Node::is_element) {
            let depth = depth + 1;
            match node.tag_name().name() {
                "t" => self.letters(node.text().unwrap_or_default(), ""),
                "f" => {
                    self.formula_part(node, "num", depth)?;
                    self.flow.text("/", self.paragraph);
                    self.formula_part(node, "den", depth)?;
                }
                "rad" => {
                    self.formula_part(node, "deg", depth)?;
                    self.flow.text("√", self.paragraph);
                    self.formula_part(node, "e", depth)?;
                }
                "nary" => {
                    let sign = child(node, "naryPr").and_then(|properties| value(properties, "chr"));
                    self.flow.text(sign.unwrap_or("∫"), self.paragraph);
                    self.raised(node, "sub", ScriptPosition::Sub, depth)?;
                    self.raised(node, "sup", ScriptPosition::Sup, depth)?;
                    self.formula_part(node, "e", depth)?;
                }
                "sSup" | "sSub" | "sSubSup" | "sPre" => {
                    self.formula_part(node, "e", depth)?;
                    self.raised(node, "sub", ScriptPosition::Sub, depth)?;
                    self.raised(node, "sup", ScriptPosition::Sup, depth)?;
                }
                "d" => self.brackets(node, depth)?,
                "del" | "moveFrom" => {}
                name if name.ends_with("Pr") => {}
                _ => self.formula_parts(node, depth)?,
            }
        }
        Ok(())
    }

    /// An operand, in brackets if it has more than one character.
    fn formula_part(&mut self, node: Node<'_, '_>, name: &str, depth: usize) -> Result<(), DiagnosticKind> {
        let Some(part) = child(node, name) else { return Ok(()) };
        let length: usize =
            part.descendants().filter_map(|node| node.text()).map(|text| text.trim().len()).sum();
        let is_long =
            length > 4 && node.tag_name().name() != "nary" || length > 1 && node.tag_name().name() == "rad";
        if is_long {
            self.flow.text("(", self.paragraph);
        }
        self.formula_parts(part, depth)?;
        if is_long {
            self.flow.text(")", self.paragraph);
        }
        Ok(())
    }

    fn raised(
        &mut self,
        node: Node<'_, '_>,
        name: &str,
        raised: ScriptPosition,
        depth: usize,
    ) -> Result<(), DiagnosticKind> {
        let Some(part) = child(node, name) else { return Ok(()) };
        let before = self.flow.style.clone();
        self.flow.style.raised = Some(raised);
        self.formula_parts(part, depth)?;
        self.flow.style = before;
        Ok(())
    }

    fn brackets(&mut self, node: Node<'_, '_>, depth: usize) -> Result<(), DiagnosticKind> {
        let sign = |name: &str, otherwise: &str| {
            let named = child(node, "dPr").and_then(|properties| child(properties, name));
            named.map_or(otherwise, |named| attribute(named, "val").unwrap_or_default()).to_owned()
        };
        self.flow.text(&sign("begChr", "("), self.paragraph);
        let parts = node.children().filter(|node| node.tag_name().name() == "e");
        for (index, part) in parts.enumerate() {
            if index > 0 {
                self.flow.text(&sign("sepChr", "|"), self.paragraph);
            }
            self.formula_parts(part, depth)?;
        }
        self.flow.text(&sign("endChr", ")"), self.paragraph);
        Ok(())
    }
}
