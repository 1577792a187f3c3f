//! Formulas (MathML in a part of its own) on one line: `(a+b)/2`, `√(x)`, `x²`.

use std::collections::HashMap;

use roxmltree::Node;

use super::super::package::{self, Package, attribute};
use super::super::safe_html::ScriptPosition;

/// Text with its position.
pub(super) type Parts = Vec<(String, Option<ScriptPosition>)>;

/// Maximum nesting depth; formulas of articles are far below.
const MAX_DEPTH: usize = 64;
/// Formulas beyond this number are only reported.
const MAX_FORMULAS: usize = 200;

/// The formulas of a document, by the address of their object. A damaged one is missing.
pub(super) fn read<'d>(body: Node<'d, 'd>, package: &mut Package<'_>) -> HashMap<&'d str, Parts> {
    let objects = body.descendants().filter(|node| node.tag_name().name() == "object");
    let addresses = objects.filter_map(|object| attribute(object, "href")).take(MAX_FORMULAS);
    addresses
        .filter_map(|address| {
            let part = format!("{}/content.xml", address.trim_start_matches("./"));
            let xml = package.part(&part).ok()??;
            let tree = package::parse(&xml, "odt").ok()?;
            let math = tree.root_element();
            (math.tag_name().name() == "math").then(|| (address, parts(math)))
        })
        .collect()
}

fn parts(math: Node<'_, '_>) -> Parts {
    let mut parts = Parts::new();
    write(math, None, 0, &mut parts);
    parts.retain(|(text, _)| !text.is_empty());
    parts
}

fn write(node: Node<'_, '_>, raised: Option<ScriptPosition>, depth: usize, parts: &mut Parts) {
    if depth > MAX_DEPTH {
        return;
    }
    let depth = depth + 1;
    let children: Vec<_> = node.children().filter(Node::is_element).collect();
    let mut text = |text: &str| parts.push((text.to_owned(), raised));
    match (node.tag_name().name(), children.as_slice()) {
        ("mi" | "mn" | "mo" | "mtext" | "ms", _) => text(node.text().unwrap_or_default().trim()),
        ("annotation" | "annotation-xml", _) => {}
        ("mfrac", [above, below]) => {
            operand(*above, raised, depth, parts);
            parts.push(("/".to_owned(), raised));
            operand(*below, raised, depth, parts);
        }
        ("msqrt" | "mroot", [inside, ..]) => {
            text("√");
            operand(*inside, raised, depth, parts);
        }
        ("msup" | "mover", [base, above]) => {
            write(*base, raised, depth, parts);
            write(*above, Some(ScriptPosition::Sup), depth, parts);
        }
        ("msub" | "munder", [base, below]) => {
            write(*base, raised, depth, parts);
            write(*below, Some(ScriptPosition::Sub), depth, parts);
        }
        ("msubsup" | "munderover", [base, below, above]) => {
            write(*base, raised, depth, parts);
            write(*below, Some(ScriptPosition::Sub), depth, parts);
            write(*above, Some(ScriptPosition::Sup), depth, parts);
        }
        (_, children) => children.iter().for_each(|child| write(*child, raised, depth, parts)),
    }
}

/// An operand, in brackets if it has several signs and no brackets of its own.
fn operand(node: Node<'_, '_>, raised: Option<ScriptPosition>, depth: usize, parts: &mut Parts) {
    let mut inside = Parts::new();
    write(node, raised, depth, &mut inside);
    let first = inside.first().map_or("", |(text, _)| text.as_str());
    let is_long = inside.len() > 1 && first != "(";
    parts.extend(is_long.then(|| ("(".to_owned(), raised)));
    parts.append(&mut inside);
    parts.extend(is_long.then(|| (")".to_owned(), raised)));
}
