//! The relationships between the parts of a Word document.

use std::collections::HashMap;

use roxmltree::{Document, Node};

use super::super::diagnostic::DiagnosticKind;
use super::super::package::{self, plain_name};
pub(super) use super::super::package::{Package, attribute, check_depth, child};

/// The relationships of a part, by id.
pub(super) type Relations = HashMap<String, Relation>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Relation {
    /// The last segment of its type: `hyperlink`, `image`, `footnotes` …
    pub kind: String,
    /// A URL if external, otherwise the name of a part.
    pub target: String,
    pub external: bool,
}

/// The name of the main document part.
pub(super) fn main_part(package: &mut Package<'_>) -> Result<String, DiagnosticKind> {
    let relations = relations_of(package, "")?;
    let mut named: Vec<String> = relations
        .into_values()
        .filter(|relation| relation.kind == "officeDocument" && !relation.external)
        .map(|relation| relation.target)
        .collect();
    named.extend(main_part_by_its_type(package)?);
    named.push("word/document.xml".to_owned());
    let found = named.into_iter().find(|name| package.has(name));
    found.ok_or(DiagnosticKind::WrongFormat { form: "docx" })
}

fn main_part_by_its_type(package: &mut Package<'_>) -> Result<Option<String>, DiagnosticKind> {
    let types = package.part("[Content_Types].xml")?.unwrap_or_default();
    let Ok(tree) = parse(&types) else { return Ok(None) };
    let is_main = |node: &Node<'_, '_>| {
        let content_type = attribute(*node, "ContentType").unwrap_or_default();
        content_type.contains("word") && content_type.ends_with("main+xml")
    };
    let main = tree.descendants().find(is_main).and_then(|node| attribute(node, "PartName"));
    Ok(main.map(plain_name))
}

/// The relationships of a part; of the package itself for an empty name.
pub(super) fn relations_of(package: &mut Package<'_>, part: &str) -> Result<Relations, DiagnosticKind> {
    let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
    let xml = package.part(&format!("{folder}/_rels/{name}.rels"))?.unwrap_or_default();
    let Ok(tree) = parse(&xml) else { return Ok(Relations::new()) };
    let relation = |node: Node<'_, '_>| {
        let kind = attribute(node, "Type").unwrap_or_default().rsplit('/').next()?.to_owned();
        let external =
            attribute(node, "TargetMode").is_some_and(|mode| mode.eq_ignore_ascii_case("external"));
        let target = attribute(node, "Target")?;
        let is_address = external || kind == "hyperlink" || target.contains("://");
        let target = if is_address { target.to_owned() } else { resolve(folder, target) };
        Some((attribute(node, "Id")?.to_owned(), Relation { kind, target, external }))
    };
    Ok(tree.descendants().filter_map(relation).collect())
}

/// Resolves a part name relative to a folder.
fn resolve(folder: &str, target: &str) -> String {
    let target = target.replace('\\', "/");
    let whole = if target.starts_with('/') { target } else { format!("{folder}/{target}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    plain_name(&parts.join("/"))
}

pub(super) fn parse(xml: &str) -> Result<Document<'_>, DiagnosticKind> {
    package::parse(xml, "docx")
}

/// The `val` attribute of the first child with this name.
pub(super) fn value<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    attribute(child(node, name)?, "val")
}

/// Whether a property is on; `None` if missing.
pub(super) fn switch(node: Node<'_, '_>, name: &str) -> Option<bool> {
    let property = child(node, name)?;
    Some(!matches!(attribute(property, "val"), Some("0" | "false" | "off" | "none")))
}
